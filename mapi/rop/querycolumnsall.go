package rop

import "mailfs/mapi"

// QueryColumnsAllRequest asks for every column that a table can have
// ([MS-OXCROPS] 2.2.5.12).
type QueryColumnsAllRequest struct{}

// ROP returns IDQueryColumnsAll.
func (*QueryColumnsAllRequest) ROP() ID { return IDQueryColumnsAll }

func (*QueryColumnsAllRequest) layout() layout { return layoutIn }

func (*QueryColumnsAllRequest) code(*coder) {}

// QueryColumnsAllResponse answers QueryColumnsAllRequest ([MS-OXCROPS] 2.2.5.12.2).
type QueryColumnsAllResponse struct {
	Status
	PropertyTags []mapi.PropertyTag
}

// ROP returns IDQueryColumnsAll.
func (*QueryColumnsAllResponse) ROP() ID { return IDQueryColumnsAll }

func (p *QueryColumnsAllResponse) code(c *coder) {
	tags(c, &p.PropertyTags)
}
