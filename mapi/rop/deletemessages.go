package rop

import "mailfs/mapi"

// DeleteMessagesRequest soft deletes messages
// ([MS-OXCROPS] 2.2.4.11).
type DeleteMessagesRequest struct {
	WantAsynchronous bool
	NotifyNonRead    bool // send non-read receipts where they were asked for
	MessageIDs       []mapi.MID
}

// ROP returns IDDeleteMessages.
func (*DeleteMessagesRequest) ROP() ID { return IDDeleteMessages }

func (*DeleteMessagesRequest) layout() layout { return layoutIn }

func (q *DeleteMessagesRequest) code(c *coder) {
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.NotifyNonRead)
	list16(c, 8, &q.MessageIDs, u64)
}

// DeleteMessagesResponse answers DeleteMessagesRequest ([MS-OXCROPS] 2.2.4.11.2). The
// fields are present on failure, too.
type DeleteMessagesResponse struct {
	Status
	PartialCompletion bool // some messages were not deleted
}

// ROP returns IDDeleteMessages.
func (*DeleteMessagesResponse) ROP() ID { return IDDeleteMessages }

func (p *DeleteMessagesResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *DeleteMessagesResponse) codeFailure(c *coder) { p.code(c) }
