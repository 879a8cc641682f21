package rop

import "mailfs/mapi"

// HardDeleteMessagesRequest deletes messages for good
// ([MS-OXCROPS] 2.2.4.12).
type HardDeleteMessagesRequest struct {
	WantAsynchronous bool
	NotifyNonRead    bool // send non-read receipts where they were asked for
	MessageIDs       []mapi.MID
}

// ROP returns IDHardDeleteMessages.
func (*HardDeleteMessagesRequest) ROP() ID { return IDHardDeleteMessages }

func (*HardDeleteMessagesRequest) layout() layout { return layoutIn }

func (q *HardDeleteMessagesRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.NotifyNonRead)
	list16(c, 8, &q.MessageIDs, u64)
}

// HardDeleteMessagesResponse answers HardDeleteMessagesRequest ([MS-OXCROPS] 2.2.4.12.2). The
// fields are present on failure, too.
type HardDeleteMessagesResponse struct {
	Status
	PartialCompletion bool // some messages were not deleted
}

// ROP returns IDHardDeleteMessages.
func (*HardDeleteMessagesResponse) ROP() ID { return IDHardDeleteMessages }

func (p *HardDeleteMessagesResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *HardDeleteMessagesResponse) codeFailure(c *coder) { p.code(c) }
