package rop

// QueryPositionRequest asks for the position in a table
// ([MS-OXCROPS] 2.2.5.7).
type QueryPositionRequest struct{}

// ROP returns IDQueryPosition.
func (*QueryPositionRequest) ROP() ID { return IDQueryPosition }

func (*QueryPositionRequest) layout() layout { return layoutIn }

func (*QueryPositionRequest) code(*coder) {}

// QueryPositionResponse answers QueryPositionRequest ([MS-OXCROPS] 2.2.5.7.2).
type QueryPositionResponse struct {
	Status
	Numerator   uint32 // the current row
	Denominator uint32 // the number of rows
}

// ROP returns IDQueryPosition.
func (*QueryPositionResponse) ROP() ID { return IDQueryPosition }

func (p *QueryPositionResponse) code(c *coder) {
	u32(c, &p.Numerator)
	u32(c, &p.Denominator)
}
