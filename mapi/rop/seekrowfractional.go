package rop

// SeekRowFractionalRequest moves to a fraction of a table
// ([MS-OXCROPS] 2.2.5.10).
type SeekRowFractionalRequest struct {
	Numerator   uint32
	Denominator uint32
}

// ROP returns IDSeekRowFractional.
func (*SeekRowFractionalRequest) ROP() ID { return IDSeekRowFractional }

func (*SeekRowFractionalRequest) layout() layout { return layoutIn }

func (q *SeekRowFractionalRequest) code(c *coder) {
	u32(c, &q.Numerator)
	u32(c, &q.Denominator)
}

// SeekRowFractionalResponse answers SeekRowFractionalRequest ([MS-OXCROPS] 2.2.5.10.2).
type SeekRowFractionalResponse struct {
	Status
}

// ROP returns IDSeekRowFractional.
func (*SeekRowFractionalResponse) ROP() ID { return IDSeekRowFractional }

func (*SeekRowFractionalResponse) code(*coder) {}
