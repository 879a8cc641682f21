package rop

import "mailfs/mapi"

// MoveCopyMessagesRequest moves or copies messages between two folders
// ([MS-OXCROPS] 2.2.4.6).
type MoveCopyMessagesRequest struct {
	MessageIDs       []mapi.MID
	WantAsynchronous bool
	WantCopy         bool
}

// ROP returns IDMoveCopyMessages.
func (*MoveCopyMessagesRequest) ROP() ID { return IDMoveCopyMessages }

func (*MoveCopyMessagesRequest) layout() layout { return layoutSrcDst }

func (q *MoveCopyMessagesRequest) code(c *coder) {
	list16(c, 8, &q.MessageIDs, u64)
	boolean(c, &q.WantAsynchronous)
	boolean(c, &q.WantCopy)
}

// MoveCopyMessagesResponse answers MoveCopyMessagesRequest ([MS-OXCROPS] 2.2.4.6.2). The
// fields are present on failure, too; DestHandleIndex only when ReturnValue is
// 0x00000503 (NullDestinationObject).
type MoveCopyMessagesResponse struct {
	Status
	DestHandleIndex   uint32
	PartialCompletion bool // some messages were not moved
}

// ROP returns IDMoveCopyMessages.
func (*MoveCopyMessagesResponse) ROP() ID { return IDMoveCopyMessages }

func (p *MoveCopyMessagesResponse) code(c *coder) {
	boolean(c, &p.PartialCompletion)
}

func (p *MoveCopyMessagesResponse) codeFailure(c *coder) {
	nullDestination(c, p.ReturnValue, &p.DestHandleIndex)
	boolean(c, &p.PartialCompletion)
}
