package rop

import "mailfs/mapi"

// TransportNewMailRequest tells the server that the client brought a message in
// ([MS-OXCROPS] 2.2.7.7).
type TransportNewMailRequest struct {
	MessageID    mapi.MID
	FolderID     mapi.FID
	MessageClass string
	MessageFlags uint32
}

// ROP returns IDTransportNewMail.
func (*TransportNewMailRequest) ROP() ID { return IDTransportNewMail }

func (*TransportNewMailRequest) layout() layout { return layoutIn }

func (q *TransportNewMailRequest) code(c *coder) {
	u64(c, &q.MessageID)
	u64(c, &q.FolderID)
	cstring(c, &q.MessageClass)
	u32(c, &q.MessageFlags)
}

// TransportNewMailResponse answers TransportNewMailRequest ([MS-OXCROPS] 2.2.7.7.2).
type TransportNewMailResponse struct {
	Status
}

// ROP returns IDTransportNewMail.
func (*TransportNewMailResponse) ROP() ID { return IDTransportNewMail }

func (*TransportNewMailResponse) code(*coder) {}
