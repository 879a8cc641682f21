package rop

import "mailfs/mapi"

// GetPropertyIDsFromNamesRequest asks for the ids of named properties ([MS-OXCROPS]
// 2.2.8.1).
type GetPropertyIDsFromNamesRequest struct {
	Flags         uint8 // NamesLookUp or NamesCreate
	PropertyNames []mapi.PropertyName
}

// ROP returns IDGetPropertyIDsFromNames.
func (*GetPropertyIDsFromNamesRequest) ROP() ID { return IDGetPropertyIDsFromNames }

func (*GetPropertyIDsFromNamesRequest) layout() layout { return layoutIn }

func (q *GetPropertyIDsFromNamesRequest) code(c *coder) {
	u8(c, &q.Flags)
	list16(c, 17, &q.PropertyNames, propertyName)
}

// GetPropertyIDsFromNamesResponse answers GetPropertyIDsFromNamesRequest
// ([MS-OXCROPS] 2.2.8.1.2). The ids are present with the warning 0x00040380
// (ErrorsReturned), too.
type GetPropertyIDsFromNamesResponse struct {
	Status
	PropertyIDs []uint16 // in the order of the names, 0 where there is none
}

// ROP returns IDGetPropertyIDsFromNames.
func (*GetPropertyIDsFromNamesResponse) ROP() ID { return IDGetPropertyIDsFromNames }

func (p *GetPropertyIDsFromNamesResponse) code(c *coder) { list16(c, 2, &p.PropertyIDs, u16) }

func (p *GetPropertyIDsFromNamesResponse) codeFailure(c *coder) {
	if p.ReturnValue == mapi.EcErrorsReturned {
		p.code(c)
	}
}
