package rop

import "mailfs/mapi"

// DeletePropertiesNoReplicateRequest deletes properties without making a change for synchronization
// ([MS-OXCROPS] 2.2.8.9).
type DeletePropertiesNoReplicateRequest struct {
	PropertyTags []mapi.PropertyTag
}

// ROP returns IDDeletePropertiesNoReplicate.
func (*DeletePropertiesNoReplicateRequest) ROP() ID { return IDDeletePropertiesNoReplicate }

func (*DeletePropertiesNoReplicateRequest) layout() layout { return layoutIn }

func (q *DeletePropertiesNoReplicateRequest) code(c *coder) {
	tags(c, &q.PropertyTags)
}

// DeletePropertiesNoReplicateResponse answers DeletePropertiesNoReplicateRequest ([MS-OXCROPS] 2.2.8.9.2).
type DeletePropertiesNoReplicateResponse struct {
	Status
	PropertyProblems []PropertyProblem
}

// ROP returns IDDeletePropertiesNoReplicate.
func (*DeletePropertiesNoReplicateResponse) ROP() ID { return IDDeletePropertiesNoReplicate }

func (p *DeletePropertiesNoReplicateResponse) code(c *coder) {
	problems(c, &p.PropertyProblems)
}
