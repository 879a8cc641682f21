package rop

// SeekStreamRequest moves the position of a stream
// ([MS-OXCROPS] 2.2.9.8).
type SeekStreamRequest struct {
	Origin uint8 // Seek…
	Offset int64
}

// ROP returns IDSeekStream.
func (*SeekStreamRequest) ROP() ID { return IDSeekStream }

func (*SeekStreamRequest) layout() layout { return layoutIn }

func (q *SeekStreamRequest) code(c *coder) {
	u8(c, &q.Origin)
	u64(c, &q.Offset)
}

// SeekStreamResponse answers SeekStreamRequest ([MS-OXCROPS] 2.2.9.8.2).
type SeekStreamResponse struct {
	Status
	NewPosition uint64
}

// ROP returns IDSeekStream.
func (*SeekStreamResponse) ROP() ID { return IDSeekStream }

func (p *SeekStreamResponse) code(c *coder) {
	u64(c, &p.NewPosition)
}
