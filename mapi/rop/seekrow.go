package rop

// SeekRowRequest moves the position in a table
// ([MS-OXCROPS] 2.2.5.8).
type SeekRowRequest struct {
	Origin            uint8 // Bookmark…
	RowCount          int32 // negative to go back
	WantRowMovedCount bool
}

// ROP returns IDSeekRow.
func (*SeekRowRequest) ROP() ID { return IDSeekRow }

func (*SeekRowRequest) layout() layout { return layoutIn }

func (q *SeekRowRequest) code(c *coder) {
	u8(c, &q.Origin)
	u32(c, &q.RowCount)
	boolean(c, &q.WantRowMovedCount)
}

// SeekRowResponse answers SeekRowRequest ([MS-OXCROPS] 2.2.5.8.2).
type SeekRowResponse struct {
	Status
	HasSoughtLess bool
	RowsSought    int32
}

// ROP returns IDSeekRow.
func (*SeekRowResponse) ROP() ID { return IDSeekRow }

func (p *SeekRowResponse) code(c *coder) {
	boolean(c, &p.HasSoughtLess)
	u32(c, &p.RowsSought)
}
