package rop

// CollapseRowRequest collapses a category of a table
// ([MS-OXCROPS] 2.2.5.17).
type CollapseRowRequest struct {
	CategoryID uint64
}

// ROP returns IDCollapseRow.
func (*CollapseRowRequest) ROP() ID { return IDCollapseRow }

func (*CollapseRowRequest) layout() layout { return layoutIn }

func (q *CollapseRowRequest) code(c *coder) {
	u64(c, &q.CategoryID)
}

// CollapseRowResponse answers CollapseRowRequest ([MS-OXCROPS] 2.2.5.17.2).
type CollapseRowResponse struct {
	Status
	CollapsedRowCount uint32
}

// ROP returns IDCollapseRow.
func (*CollapseRowResponse) ROP() ID { return IDCollapseRow }

func (p *CollapseRowResponse) code(c *coder) {
	u32(c, &p.CollapsedRowCount)
}
