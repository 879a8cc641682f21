package rop

import "mailfs/mapi"

// SetPropertiesNoReplicateRequest sets properties without making a change for synchronization
// ([MS-OXCROPS] 2.2.8.7).
type SetPropertiesNoReplicateRequest struct {
	PropertyValues []mapi.Property
}

// ROP returns IDSetPropertiesNoReplicate.
func (*SetPropertiesNoReplicateRequest) ROP() ID { return IDSetPropertiesNoReplicate }

func (*SetPropertiesNoReplicateRequest) layout() layout { return layoutIn }

func (q *SetPropertiesNoReplicateRequest) code(c *coder) {
	sizedProperties(c, &q.PropertyValues)
}

// SetPropertiesNoReplicateResponse answers SetPropertiesNoReplicateRequest ([MS-OXCROPS] 2.2.8.7.2).
type SetPropertiesNoReplicateResponse struct {
	Status
	PropertyProblems []PropertyProblem
}

// ROP returns IDSetPropertiesNoReplicate.
func (*SetPropertiesNoReplicateResponse) ROP() ID { return IDSetPropertiesNoReplicate }

func (p *SetPropertiesNoReplicateResponse) code(c *coder) {
	problems(c, &p.PropertyProblems)
}
