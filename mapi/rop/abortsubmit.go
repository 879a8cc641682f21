package rop

import "mailfs/mapi"

// AbortSubmitRequest takes a submitted message back
// ([MS-OXCROPS] 2.2.7.2).
type AbortSubmitRequest struct {
	FolderID  mapi.FID
	MessageID mapi.MID
}

// ROP returns IDAbortSubmit.
func (*AbortSubmitRequest) ROP() ID { return IDAbortSubmit }

func (*AbortSubmitRequest) layout() layout { return layoutIn }

func (q *AbortSubmitRequest) code(c *coder) {
	u64(c, &q.FolderID)
	u64(c, &q.MessageID)
}

// AbortSubmitResponse answers AbortSubmitRequest ([MS-OXCROPS] 2.2.7.2.2).
type AbortSubmitResponse struct {
	Status
}

// ROP returns IDAbortSubmit.
func (*AbortSubmitResponse) ROP() ID { return IDAbortSubmit }

func (*AbortSubmitResponse) code(*coder) {}
