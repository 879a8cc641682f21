package rop

// BufferSizeMarker in ReadStreamRequest.ByteCount and
// FastTransferSourceGetBufferRequest.BufferSize says that the maximum follows in a
// field of its own ([MS-OXCROPS] 2.2.9.2.1, 2.2.12.4.1).
const BufferSizeMarker uint16 = 0xBABE

// ReadStreamRequest reads at the position of a stream ([MS-OXCROPS] 2.2.9.2).
type ReadStreamRequest struct {
	ByteCount        uint16 // or BufferSizeMarker
	MaximumByteCount uint32 // only with BufferSizeMarker
}

// ROP returns IDReadStream.
func (*ReadStreamRequest) ROP() ID { return IDReadStream }

func (*ReadStreamRequest) layout() layout { return layoutIn }

func (q *ReadStreamRequest) code(c *coder) {
	u16(c, &q.ByteCount)
	if q.ByteCount == BufferSizeMarker {
		u32(c, &q.MaximumByteCount)
	}
}

// ReadStreamResponse answers ReadStreamRequest ([MS-OXCROPS] 2.2.9.2.2). Data is
// present on failure, too.
type ReadStreamResponse struct {
	Status
	Data []byte // empty at the end of the stream
}

// ROP returns IDReadStream.
func (*ReadStreamResponse) ROP() ID { return IDReadStream }

func (p *ReadStreamResponse) code(c *coder) { bytes16(c, &p.Data) }

func (p *ReadStreamResponse) codeFailure(c *coder) { p.code(c) }
