package rop

// SetCollapseStateRequest restores the expanded categories of a table
// ([MS-OXCROPS] 2.2.5.19).
type SetCollapseStateRequest struct {
	CollapseState []byte
}

// ROP returns IDSetCollapseState.
func (*SetCollapseStateRequest) ROP() ID { return IDSetCollapseState }

func (*SetCollapseStateRequest) layout() layout { return layoutIn }

func (q *SetCollapseStateRequest) code(c *coder) {
	bytes16(c, &q.CollapseState)
}

// SetCollapseStateResponse answers SetCollapseStateRequest ([MS-OXCROPS] 2.2.5.19.2).
type SetCollapseStateResponse struct {
	Status
	Bookmark []byte
}

// ROP returns IDSetCollapseState.
func (*SetCollapseStateResponse) ROP() ID { return IDSetCollapseState }

func (p *SetCollapseStateResponse) code(c *coder) {
	bytes16(c, &p.Bookmark)
}
