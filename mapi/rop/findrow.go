package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// FindRowRequest looks for a row of a table ([MS-OXCROPS] 2.2.5.13).
type FindRowRequest struct {
	FindRowFlags    uint8  // FindRowBackwards or 0
	RestrictionData []byte // an encoded restriction
	Origin          uint8  // Bookmark…
	Bookmark        []byte // with BookmarkCustom
}

// ROP returns IDFindRow.
func (*FindRowRequest) ROP() ID { return IDFindRow }

func (*FindRowRequest) layout() layout { return layoutIn }

func (q *FindRowRequest) code(c *coder) {
	u8(c, &q.FindRowFlags)
	bytes16(c, &q.RestrictionData)
	u8(c, &q.Origin)
	bytes16(c, &q.Bookmark)
}

// FindRowResponse answers FindRowRequest ([MS-OXCROPS] 2.2.5.13.2).
type FindRowResponse struct {
	Status
	RowNoLongerVisible bool
	HasRowData         bool
	RowData            []byte // one encoded row, only with HasRowData
}

// ROP returns IDFindRow.
func (*FindRowResponse) ROP() ID { return IDFindRow }

func (p *FindRowResponse) code(c *coder) {
	boolean(c, &p.RowNoLongerVisible)
	boolean(c, &p.HasRowData)
	if p.HasRowData {
		rows(c, 1, &p.RowData)
	}
}

// Row decodes the row of a table with these columns, nil when there is none.
func (p *FindRowResponse) Row(columns []mapi.PropertyTag) ([]mapi.Property, error) {
	if !p.HasRowData {
		return nil, nil
	}
	out, err := decodeRows(wire.NewReader(p.RowData), 1, columns)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// SetRow encodes the row that was found.
func (p *FindRowResponse) SetRow(columns []mapi.PropertyTag, row []mapi.Property) error {
	data, err := encodeRows(columns, [][]mapi.Property{row})
	if err != nil {
		return err
	}
	p.HasRowData, p.RowData = true, data
	return nil
}
