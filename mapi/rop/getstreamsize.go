package rop

// GetStreamSizeRequest asks for the size of a stream
// ([MS-OXCROPS] 2.2.9.6).
type GetStreamSizeRequest struct{}

// ROP returns IDGetStreamSize.
func (*GetStreamSizeRequest) ROP() ID { return IDGetStreamSize }

func (*GetStreamSizeRequest) layout() layout { return layoutIn }

func (*GetStreamSizeRequest) code(*coder) {}

// GetStreamSizeResponse answers GetStreamSizeRequest ([MS-OXCROPS] 2.2.9.6.2).
type GetStreamSizeResponse struct {
	Status
	StreamSize uint32
}

// ROP returns IDGetStreamSize.
func (*GetStreamSizeResponse) ROP() ID { return IDGetStreamSize }

func (p *GetStreamSizeResponse) code(c *coder) {
	u32(c, &p.StreamSize)
}
