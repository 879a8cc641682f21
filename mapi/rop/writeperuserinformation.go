package rop

import "mailfs/mapi"

// WritePerUserInformationRequest writes a user's read information of a public
// folder ([MS-OXCROPS] 2.2.3.13).
type WritePerUserInformationRequest struct {
	FolderID    mapi.LongTermID
	HasFinished bool
	DataOffset  uint32
	Data        []byte
	ReplGUID    mapi.GUID // only at DataOffset 0 and in a private log on
}

// ROP returns IDWritePerUserInformation.
func (*WritePerUserInformationRequest) ROP() ID { return IDWritePerUserInformation }

func (*WritePerUserInformationRequest) layout() layout { return layoutIn }

func (q *WritePerUserInformationRequest) code(c *coder) {
	longTermID(c, &q.FolderID)
	boolean(c, &q.HasFinished)
	u32(c, &q.DataOffset)
	bytes16(c, &q.Data)
	if q.DataOffset == 0 && !c.public {
		guid(c, &q.ReplGUID)
	}
}

// WritePerUserInformationResponse answers WritePerUserInformationRequest
// ([MS-OXCROPS] 2.2.3.13.2).
type WritePerUserInformationResponse struct {
	Status
}

// ROP returns IDWritePerUserInformation.
func (*WritePerUserInformationResponse) ROP() ID { return IDWritePerUserInformation }

func (*WritePerUserInformationResponse) code(*coder) {}
