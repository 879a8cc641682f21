package rop

import "mailfs/mapi"

// SetPropertiesRequest sets properties of an object
// ([MS-OXCROPS] 2.2.8.6).
type SetPropertiesRequest struct {
	PropertyValues []mapi.Property
}

// ROP returns IDSetProperties.
func (*SetPropertiesRequest) ROP() ID { return IDSetProperties }

func (*SetPropertiesRequest) layout() layout { return layoutIn }

func (q *SetPropertiesRequest) code(c *coder) {
	sizedProperties(c, &q.PropertyValues)
}

// SetPropertiesResponse answers SetPropertiesRequest ([MS-OXCROPS] 2.2.8.6.2).
type SetPropertiesResponse struct {
	Status
	PropertyProblems []PropertyProblem
}

// ROP returns IDSetProperties.
func (*SetPropertiesResponse) ROP() ID { return IDSetProperties }

func (p *SetPropertiesResponse) code(c *coder) {
	problems(c, &p.PropertyProblems)
}
