package rop

import "mailfs/mapi"

// SetMessageStatusRequest sets status bits of a message
// ([MS-OXCROPS] 2.2.6.8).
type SetMessageStatusRequest struct {
	MessageID          mapi.MID
	MessageStatusFlags uint32
	MessageStatusMask  uint32
}

// ROP returns IDSetMessageStatus.
func (*SetMessageStatusRequest) ROP() ID { return IDSetMessageStatus }

func (*SetMessageStatusRequest) layout() layout { return layoutIn }

func (q *SetMessageStatusRequest) code(c *coder) {
	u64(c, &q.MessageID)
	u32(c, &q.MessageStatusFlags)
	u32(c, &q.MessageStatusMask)
}

// SetMessageStatusResponse answers SetMessageStatusRequest ([MS-OXCROPS] 2.2.6.8.2).
type SetMessageStatusResponse struct {
	Status
	MessageStatusFlags uint32 // the status before
}

// ROP returns IDSetMessageStatus.
func (*SetMessageStatusResponse) ROP() ID { return IDSetMessageStatus }

func (p *SetMessageStatusResponse) code(c *coder) {
	u32(c, &p.MessageStatusFlags)
}
