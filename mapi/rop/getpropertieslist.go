package rop

import "mailfs/mapi"

// GetPropertiesListRequest asks which properties an object has
// ([MS-OXCROPS] 2.2.8.5).
type GetPropertiesListRequest struct{}

// ROP returns IDGetPropertiesList.
func (*GetPropertiesListRequest) ROP() ID { return IDGetPropertiesList }

func (*GetPropertiesListRequest) layout() layout { return layoutIn }

func (*GetPropertiesListRequest) code(*coder) {}

// GetPropertiesListResponse answers GetPropertiesListRequest ([MS-OXCROPS] 2.2.8.5.2).
type GetPropertiesListResponse struct {
	Status
	PropertyTags []mapi.PropertyTag
}

// ROP returns IDGetPropertiesList.
func (*GetPropertiesListResponse) ROP() ID { return IDGetPropertiesList }

func (p *GetPropertiesListResponse) code(c *coder) {
	tags(c, &p.PropertyTags)
}
