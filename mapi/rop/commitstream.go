package rop

// CommitStreamRequest ends writing to a stream
// ([MS-OXCROPS] 2.2.9.5).
type CommitStreamRequest struct{}

// ROP returns IDCommitStream.
func (*CommitStreamRequest) ROP() ID { return IDCommitStream }

func (*CommitStreamRequest) layout() layout { return layoutIn }

func (*CommitStreamRequest) code(*coder) {}

// CommitStreamResponse answers CommitStreamRequest ([MS-OXCROPS] 2.2.9.5.2).
type CommitStreamResponse struct {
	Status
}

// ROP returns IDCommitStream.
func (*CommitStreamResponse) ROP() ID { return IDCommitStream }

func (*CommitStreamResponse) code(*coder) {}
