package rop

import "mailfs/mapi"

// GetNamesFromPropertyIDsRequest asks for the names of property ids
// ([MS-OXCROPS] 2.2.8.2).
type GetNamesFromPropertyIDsRequest struct {
	PropertyIDs []uint16
}

// ROP returns IDGetNamesFromPropertyIDs.
func (*GetNamesFromPropertyIDsRequest) ROP() ID { return IDGetNamesFromPropertyIDs }

func (*GetNamesFromPropertyIDsRequest) layout() layout { return layoutIn }

func (q *GetNamesFromPropertyIDsRequest) code(c *coder) {
	list16(c, 2, &q.PropertyIDs, u16)
}

// GetNamesFromPropertyIDsResponse answers GetNamesFromPropertyIDsRequest ([MS-OXCROPS] 2.2.8.2.2).
type GetNamesFromPropertyIDsResponse struct {
	Status
	PropertyNames []mapi.PropertyName // Kind NameKindNone where an id has no name
}

// ROP returns IDGetNamesFromPropertyIDs.
func (*GetNamesFromPropertyIDsResponse) ROP() ID { return IDGetNamesFromPropertyIDs }

func (p *GetNamesFromPropertyIDsResponse) code(c *coder) {
	list16(c, 17, &p.PropertyNames, propertyName)
}
