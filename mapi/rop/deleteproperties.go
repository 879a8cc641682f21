package rop

import "mailfs/mapi"

// DeletePropertiesRequest deletes properties of an object
// ([MS-OXCROPS] 2.2.8.8).
type DeletePropertiesRequest struct {
	PropertyTags []mapi.PropertyTag
}

// ROP returns IDDeleteProperties.
func (*DeletePropertiesRequest) ROP() ID { return IDDeleteProperties }

func (*DeletePropertiesRequest) layout() layout { return layoutIn }

func (q *DeletePropertiesRequest) code(c *coder) {
	tags(c, &q.PropertyTags)
}

// DeletePropertiesResponse answers DeletePropertiesRequest ([MS-OXCROPS] 2.2.8.8.2).
type DeletePropertiesResponse struct {
	Status
	PropertyProblems []PropertyProblem
}

// ROP returns IDDeleteProperties.
func (*DeletePropertiesResponse) ROP() ID { return IDDeleteProperties }

func (p *DeletePropertiesResponse) code(c *coder) {
	problems(c, &p.PropertyProblems)
}
