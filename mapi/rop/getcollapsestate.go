package rop

// GetCollapseStateRequest asks for the expanded categories of a table
// ([MS-OXCROPS] 2.2.5.18).
type GetCollapseStateRequest struct {
	RowID             uint64
	RowInstanceNumber uint32
}

// ROP returns IDGetCollapseState.
func (*GetCollapseStateRequest) ROP() ID { return IDGetCollapseState }

func (*GetCollapseStateRequest) layout() layout { return layoutIn }

func (q *GetCollapseStateRequest) code(c *coder) {
	u64(c, &q.RowID)
	u32(c, &q.RowInstanceNumber)
}

// GetCollapseStateResponse answers GetCollapseStateRequest ([MS-OXCROPS] 2.2.5.18.2).
type GetCollapseStateResponse struct {
	Status
	CollapseState []byte
}

// ROP returns IDGetCollapseState.
func (*GetCollapseStateResponse) ROP() ID { return IDGetCollapseState }

func (p *GetCollapseStateResponse) code(c *coder) {
	bytes16(c, &p.CollapseState)
}
