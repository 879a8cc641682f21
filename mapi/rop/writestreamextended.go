package rop

// WriteStreamExtendedRequest writes at the position of a stream
// ([MS-OXCROPS] 2.2.9.4).
type WriteStreamExtendedRequest struct {
	Data []byte
}

// ROP returns IDWriteStreamExtended.
func (*WriteStreamExtendedRequest) ROP() ID { return IDWriteStreamExtended }

func (*WriteStreamExtendedRequest) layout() layout { return layoutIn }

func (q *WriteStreamExtendedRequest) code(c *coder) {
	bytes16(c, &q.Data)
}

// WriteStreamExtendedResponse answers WriteStreamExtendedRequest ([MS-OXCROPS] 2.2.9.4.2). The
// fields are present on failure, too.
type WriteStreamExtendedResponse struct {
	Status
	WrittenSize uint32 // less than sent where the rest does not fit
}

// ROP returns IDWriteStreamExtended.
func (*WriteStreamExtendedResponse) ROP() ID { return IDWriteStreamExtended }

func (p *WriteStreamExtendedResponse) code(c *coder) {
	u32(c, &p.WrittenSize)
}

func (p *WriteStreamExtendedResponse) codeFailure(c *coder) { p.code(c) }
