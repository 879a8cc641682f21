package rop

// CloneStreamRequest makes a second stream over the same data
// ([MS-OXCROPS] 2.2.9.13).
type CloneStreamRequest struct{}

// ROP returns IDCloneStream.
func (*CloneStreamRequest) ROP() ID { return IDCloneStream }

func (*CloneStreamRequest) layout() layout { return layoutInOut }

func (*CloneStreamRequest) code(*coder) {}

// CloneStreamResponse answers CloneStreamRequest ([MS-OXCROPS] 2.2.9.13.2).
type CloneStreamResponse struct {
	Status
}

// ROP returns IDCloneStream.
func (*CloneStreamResponse) ROP() ID { return IDCloneStream }

func (*CloneStreamResponse) code(*coder) {}
