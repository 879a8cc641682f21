package rop

// SubmitMessageRequest hands a message to the server for sending
// ([MS-OXCROPS] 2.2.7.1).
type SubmitMessageRequest struct {
	SubmitFlags uint8 // Submit…
}

// ROP returns IDSubmitMessage.
func (*SubmitMessageRequest) ROP() ID { return IDSubmitMessage }

func (*SubmitMessageRequest) layout() layout { return layoutIn }

func (q *SubmitMessageRequest) code(c *coder) {
	u8(c, &q.SubmitFlags)
}

// SubmitMessageResponse answers SubmitMessageRequest ([MS-OXCROPS] 2.2.7.1.2).
type SubmitMessageResponse struct {
	Status
}

// ROP returns IDSubmitMessage.
func (*SubmitMessageResponse) ROP() ID { return IDSubmitMessage }

func (*SubmitMessageResponse) code(*coder) {}
