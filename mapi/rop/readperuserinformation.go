package rop

import "mailfs/mapi"

// ReadPerUserInformationRequest reads a user's read information of a public folder
// ([MS-OXCROPS] 2.2.3.12).
type ReadPerUserInformationRequest struct {
	FolderID    mapi.LongTermID
	Reserved    uint8
	DataOffset  uint32
	MaxDataSize uint16
}

// ROP returns IDReadPerUserInformation.
func (*ReadPerUserInformationRequest) ROP() ID { return IDReadPerUserInformation }

func (*ReadPerUserInformationRequest) layout() layout { return layoutIn }

func (q *ReadPerUserInformationRequest) code(c *coder) {
	longTermID(c, &q.FolderID)
	u8(c, &q.Reserved)
	u32(c, &q.DataOffset)
	u16(c, &q.MaxDataSize)
}

// ReadPerUserInformationResponse answers ReadPerUserInformationRequest ([MS-OXCROPS] 2.2.3.12.2).
type ReadPerUserInformationResponse struct {
	Status
	HasFinished bool
	Data        []byte
}

// ROP returns IDReadPerUserInformation.
func (*ReadPerUserInformationResponse) ROP() ID { return IDReadPerUserInformation }

func (p *ReadPerUserInformationResponse) code(c *coder) {
	boolean(c, &p.HasFinished)
	bytes16(c, &p.Data)
}
