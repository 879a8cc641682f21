package rop

import "mailfs/mapi"

// SetColumnsRequest sets the columns of a table
// ([MS-OXCROPS] 2.2.5.1).
type SetColumnsRequest struct {
	SetColumnsFlags uint8 // TableAsync or 0
	PropertyTags    []mapi.PropertyTag
}

// ROP returns IDSetColumns.
func (*SetColumnsRequest) ROP() ID { return IDSetColumns }

func (*SetColumnsRequest) layout() layout { return layoutIn }

func (q *SetColumnsRequest) code(c *coder) {
	u8(c, &q.SetColumnsFlags)
	tags(c, &q.PropertyTags)
}

// SetColumnsResponse answers SetColumnsRequest ([MS-OXCROPS] 2.2.5.1.2).
type SetColumnsResponse struct {
	Status
	TableStatus uint8 // TableStatus…
}

// ROP returns IDSetColumns.
func (*SetColumnsResponse) ROP() ID { return IDSetColumns }

func (p *SetColumnsResponse) code(c *coder) {
	u8(c, &p.TableStatus)
}
