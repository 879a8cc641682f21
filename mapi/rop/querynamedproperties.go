package rop

import "mailfs/mapi"

// QueryNamedPropertiesRequest asks for the named properties of an object
// ([MS-OXCROPS] 2.2.8.10).
type QueryNamedPropertiesRequest struct {
	QueryFlags   uint8
	HasGUID      bool
	PropertyGUID mapi.GUID // only with HasGUID
}

// ROP returns IDQueryNamedProperties.
func (*QueryNamedPropertiesRequest) ROP() ID { return IDQueryNamedProperties }

func (*QueryNamedPropertiesRequest) layout() layout { return layoutIn }

func (q *QueryNamedPropertiesRequest) code(c *coder) {
	u8(c, &q.QueryFlags)
	boolean(c, &q.HasGUID)
	if q.HasGUID {
		guid(c, &q.PropertyGUID)
	}
}

// QueryNamedPropertiesResponse answers QueryNamedPropertiesRequest ([MS-OXCROPS]
// 2.2.8.10.2). Both lists have the same length.
type QueryNamedPropertiesResponse struct {
	Status
	PropertyIDs   []uint16
	PropertyNames []mapi.PropertyName
}

// ROP returns IDQueryNamedProperties.
func (*QueryNamedPropertiesResponse) ROP() ID { return IDQueryNamedProperties }

func (p *QueryNamedPropertiesResponse) code(c *coder) {
	n := count16(c, len(p.PropertyIDs))
	list(c, uint64(n), 2, &p.PropertyIDs, u16)
	if !c.reading() && len(p.PropertyNames) != int(n) {
		c.fail(errCounts)
	}
	list(c, uint64(n), 17, &p.PropertyNames, propertyName)
}
