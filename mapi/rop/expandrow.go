package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// ExpandRowRequest expands a category of a table ([MS-OXCROPS] 2.2.5.16).
type ExpandRowRequest struct {
	MaxRowCount uint16
	CategoryID  uint64
}

// ROP returns IDExpandRow.
func (*ExpandRowRequest) ROP() ID { return IDExpandRow }

func (*ExpandRowRequest) layout() layout { return layoutIn }

func (q *ExpandRowRequest) code(c *coder) {
	u16(c, &q.MaxRowCount)
	u64(c, &q.CategoryID)
}

// ExpandRowResponse answers ExpandRowRequest ([MS-OXCROPS] 2.2.5.16.2).
type ExpandRowResponse struct {
	Status
	ExpandedRowCount uint32
	RowCount         uint16
	RowData          []byte // RowCount encoded rows
}

// ROP returns IDExpandRow.
func (*ExpandRowResponse) ROP() ID { return IDExpandRow }

func (p *ExpandRowResponse) code(c *coder) {
	u32(c, &p.ExpandedRowCount)
	u16(c, &p.RowCount)
	rows(c, uint64(p.RowCount), &p.RowData)
}

// Rows decodes the rows of a table with these columns.
func (p *ExpandRowResponse) Rows(columns []mapi.PropertyTag) ([][]mapi.Property, error) {
	return decodeRows(wire.NewReader(p.RowData), uint64(p.RowCount), columns)
}
