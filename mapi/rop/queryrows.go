package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// QueryRowsRequest asks for rows of a table ([MS-OXCROPS] 2.2.5.4). A row cuts every
// value at 510 bytes ([MS-OXCTABL] 2.2.2.5.2).
type QueryRowsRequest struct {
	QueryRowsFlags uint8 // QueryRows…
	ForwardRead    bool
	RowCount       uint16
}

// ROP returns IDQueryRows.
func (*QueryRowsRequest) ROP() ID { return IDQueryRows }

func (*QueryRowsRequest) layout() layout { return layoutIn }

func (q *QueryRowsRequest) code(c *coder) {
	u8(c, &q.QueryRowsFlags)
	boolean(c, &q.ForwardRead)
	u16(c, &q.RowCount)
}

// QueryRowsResponse answers QueryRowsRequest ([MS-OXCROPS] 2.2.5.4.2).
type QueryRowsResponse struct {
	Status
	Origin   uint8 // Bookmark…: BookmarkEnd when no rows are left
	RowCount uint16
	RowData  []byte // RowCount encoded rows
}

// ROP returns IDQueryRows.
func (*QueryRowsResponse) ROP() ID { return IDQueryRows }

func (p *QueryRowsResponse) code(c *coder) {
	u8(c, &p.Origin)
	u16(c, &p.RowCount)
	rows(c, uint64(p.RowCount), &p.RowData)
}

// Rows decodes the rows of a table with these columns.
func (p *QueryRowsResponse) Rows(columns []mapi.PropertyTag) ([][]mapi.Property, error) {
	return decodeRows(wire.NewReader(p.RowData), uint64(p.RowCount), columns)
}

// SetRows encodes rows for these columns.
func (p *QueryRowsResponse) SetRows(columns []mapi.PropertyTag, rows [][]mapi.Property) error {
	data, err := encodeRows(columns, rows)
	if err != nil {
		return err
	}
	p.RowCount, p.RowData = uint16(len(rows)), data
	return nil
}
