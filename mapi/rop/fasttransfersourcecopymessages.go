package rop

import "mailfs/mapi"

// FastTransferSourceCopyMessagesRequest starts a download of messages of a folder
// ([MS-OXCROPS] 2.2.12.6).
type FastTransferSourceCopyMessagesRequest struct {
	MessageIDs  []mapi.MID
	CopyFlags   uint8
	SendOptions uint8 // Send…
}

// ROP returns IDFastTransferSourceCopyMessages.
func (*FastTransferSourceCopyMessagesRequest) ROP() ID { return IDFastTransferSourceCopyMessages }

func (*FastTransferSourceCopyMessagesRequest) layout() layout { return layoutInOut }

func (q *FastTransferSourceCopyMessagesRequest) code(c *coder) {
	list16(c, 8, &q.MessageIDs, u64)
	u8(c, &q.CopyFlags)
	u8(c, &q.SendOptions)
}

// FastTransferSourceCopyMessagesResponse answers FastTransferSourceCopyMessagesRequest ([MS-OXCROPS] 2.2.12.6.2).
type FastTransferSourceCopyMessagesResponse struct {
	Status
}

// ROP returns IDFastTransferSourceCopyMessages.
func (*FastTransferSourceCopyMessagesResponse) ROP() ID { return IDFastTransferSourceCopyMessages }

func (*FastTransferSourceCopyMessagesResponse) code(*coder) {}
