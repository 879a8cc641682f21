package rop

// WriteStreamRequest writes at the position of a stream
// ([MS-OXCROPS] 2.2.9.3).
type WriteStreamRequest struct {
	Data []byte
}

// ROP returns IDWriteStream.
func (*WriteStreamRequest) ROP() ID { return IDWriteStream }

func (*WriteStreamRequest) layout() layout { return layoutIn }

func (q *WriteStreamRequest) code(c *coder) {
	bytes16(c, &q.Data)
}

// WriteStreamResponse answers WriteStreamRequest ([MS-OXCROPS] 2.2.9.3.2). The
// fields are present on failure, too.
type WriteStreamResponse struct {
	Status
	WrittenSize uint16 // less than sent where the rest does not fit
}

// ROP returns IDWriteStream.
func (*WriteStreamResponse) ROP() ID { return IDWriteStream }

func (p *WriteStreamResponse) code(c *coder) {
	u16(c, &p.WrittenSize)
}

func (p *WriteStreamResponse) codeFailure(c *coder) { p.code(c) }
