package rop

import "mailfs/mapi"

// GetMessageStatusRequest asks for the status bits of a message. It is answered with
// SetMessageStatusResponse ([MS-OXCROPS] 2.2.6.9).
type GetMessageStatusRequest struct {
	MessageID mapi.MID
}

// ROP returns IDGetMessageStatus.
func (*GetMessageStatusRequest) ROP() ID { return IDGetMessageStatus }

func (*GetMessageStatusRequest) layout() layout { return layoutIn }

func (q *GetMessageStatusRequest) code(c *coder) { u64(c, &q.MessageID) }
