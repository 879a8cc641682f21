package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// GetPropertiesSpecificRequest asks for properties of an object ([MS-OXCROPS]
// 2.2.8.3).
type GetPropertiesSpecificRequest struct {
	PropertySizeLimit uint16 // 0 for as large as fits
	WantUnicode       uint16 // not 0 for UTF-16 strings in columns without a type
	PropertyTags      []mapi.PropertyTag
}

// ROP returns IDGetPropertiesSpecific.
func (*GetPropertiesSpecificRequest) ROP() ID { return IDGetPropertiesSpecific }

func (*GetPropertiesSpecificRequest) layout() layout { return layoutIn }

func (q *GetPropertiesSpecificRequest) code(c *coder) {
	u16(c, &q.PropertySizeLimit)
	u16(c, &q.WantUnicode)
	tags(c, &q.PropertyTags)
}

// GetPropertiesSpecificResponse answers GetPropertiesSpecificRequest ([MS-OXCROPS]
// 2.2.8.3.2).
type GetPropertiesSpecificResponse struct {
	Status
	RowData []byte // one encoded row
}

// ROP returns IDGetPropertiesSpecific.
func (*GetPropertiesSpecificResponse) ROP() ID { return IDGetPropertiesSpecific }

func (p *GetPropertiesSpecificResponse) code(c *coder) { rows(c, 1, &p.RowData) }

// Row decodes the values; columns are the tags of the request. A value too large for
// the buffer is the error 0x8007000E: read it as a stream.
func (p *GetPropertiesSpecificResponse) Row(columns []mapi.PropertyTag) ([]mapi.Property, error) {
	out, err := decodeRows(wire.NewReader(p.RowData), 1, columns)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// SetRow encodes the values of the tags of the request.
func (p *GetPropertiesSpecificResponse) SetRow(columns []mapi.PropertyTag, row []mapi.Property) error {
	data, err := encodeRows(columns, [][]mapi.Property{row})
	if err != nil {
		return err
	}
	p.RowData = data
	return nil
}
