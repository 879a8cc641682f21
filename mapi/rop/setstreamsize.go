package rop

// SetStreamSizeRequest sets the size of a stream
// ([MS-OXCROPS] 2.2.9.7).
type SetStreamSizeRequest struct {
	StreamSize uint64
}

// ROP returns IDSetStreamSize.
func (*SetStreamSizeRequest) ROP() ID { return IDSetStreamSize }

func (*SetStreamSizeRequest) layout() layout { return layoutIn }

func (q *SetStreamSizeRequest) code(c *coder) {
	u64(c, &q.StreamSize)
}

// SetStreamSizeResponse answers SetStreamSizeRequest ([MS-OXCROPS] 2.2.9.7.2).
type SetStreamSizeResponse struct {
	Status
}

// ROP returns IDSetStreamSize.
func (*SetStreamSizeResponse) ROP() ID { return IDSetStreamSize }

func (*SetStreamSizeResponse) code(*coder) {}
