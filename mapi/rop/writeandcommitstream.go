package rop

// WriteAndCommitStreamRequest writes to a stream and ends writing
// ([MS-OXCROPS] 2.2.9.12).
type WriteAndCommitStreamRequest struct {
	Data []byte
}

// ROP returns IDWriteAndCommitStream.
func (*WriteAndCommitStreamRequest) ROP() ID { return IDWriteAndCommitStream }

func (*WriteAndCommitStreamRequest) layout() layout { return layoutIn }

func (q *WriteAndCommitStreamRequest) code(c *coder) {
	bytes16(c, &q.Data)
}

// WriteAndCommitStreamResponse answers WriteAndCommitStreamRequest ([MS-OXCROPS] 2.2.9.12.2). The
// fields are present on failure, too.
type WriteAndCommitStreamResponse struct {
	Status
	WrittenSize uint16 // less than sent where the rest does not fit
}

// ROP returns IDWriteAndCommitStream.
func (*WriteAndCommitStreamResponse) ROP() ID { return IDWriteAndCommitStream }

func (p *WriteAndCommitStreamResponse) code(c *coder) {
	u16(c, &p.WrittenSize)
}

func (p *WriteAndCommitStreamResponse) codeFailure(c *coder) { p.code(c) }
