package rop

import "mailfs/mapi"

// GetPropertiesAllRequest asks for all properties of an object
// ([MS-OXCROPS] 2.2.8.4).
type GetPropertiesAllRequest struct {
	PropertySizeLimit uint16 // 0 for as large as fits
	WantUnicode       uint16 // not 0 for UTF-16 strings
}

// ROP returns IDGetPropertiesAll.
func (*GetPropertiesAllRequest) ROP() ID { return IDGetPropertiesAll }

func (*GetPropertiesAllRequest) layout() layout { return layoutIn }

func (q *GetPropertiesAllRequest) code(c *coder) {
	u16(c, &q.PropertySizeLimit)
	u16(c, &q.WantUnicode)
}

// GetPropertiesAllResponse answers GetPropertiesAllRequest ([MS-OXCROPS] 2.2.8.4.2).
type GetPropertiesAllResponse struct {
	Status
	PropertyValues []mapi.Property
}

// ROP returns IDGetPropertiesAll.
func (*GetPropertiesAllResponse) ROP() ID { return IDGetPropertiesAll }

func (p *GetPropertiesAllResponse) code(c *coder) {
	properties(c, &p.PropertyValues)
}
