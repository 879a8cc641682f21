package rop

import "mailfs/mapi"

// SetSearchCriteriaRequest sets what a search folder looks for
// ([MS-OXCROPS] 2.2.4.4).
type SetSearchCriteriaRequest struct {
	RestrictionData []byte // an encoded restriction, empty to keep the present one
	FolderIDs       []mapi.FID
	SearchFlags     uint32
}

// ROP returns IDSetSearchCriteria.
func (*SetSearchCriteriaRequest) ROP() ID { return IDSetSearchCriteria }

func (*SetSearchCriteriaRequest) layout() layout { return layoutIn }

func (q *SetSearchCriteriaRequest) code(c *coder) {
	bytes16(c, &q.RestrictionData)
	list16(c, 8, &q.FolderIDs, u64)
	u32(c, &q.SearchFlags)
}

// SetSearchCriteriaResponse answers SetSearchCriteriaRequest ([MS-OXCROPS] 2.2.4.4.2).
type SetSearchCriteriaResponse struct {
	Status
}

// ROP returns IDSetSearchCriteria.
func (*SetSearchCriteriaResponse) ROP() ID { return IDSetSearchCriteria }

func (*SetSearchCriteriaResponse) code(*coder) {}
