package rop

import "mailfs/mapi"

// GetSearchCriteriaRequest asks what a search folder looks for ([MS-OXCROPS]
// 2.2.4.5).
type GetSearchCriteriaRequest struct {
	UseUnicode         bool
	IncludeRestriction bool
	IncludeFolders     bool
}

// ROP returns IDGetSearchCriteria.
func (*GetSearchCriteriaRequest) ROP() ID { return IDGetSearchCriteria }

func (*GetSearchCriteriaRequest) layout() layout { return layoutIn }

func (q *GetSearchCriteriaRequest) code(c *coder) {
	boolean(c, &q.UseUnicode)
	boolean(c, &q.IncludeRestriction)
	boolean(c, &q.IncludeFolders)
}

// GetSearchCriteriaResponse answers GetSearchCriteriaRequest ([MS-OXCROPS]
// 2.2.4.5.2). On the wire it repeats the log on.
type GetSearchCriteriaResponse struct {
	Status
	RestrictionData []byte // an encoded restriction
	FolderIDs       []mapi.FID
	SearchFlags     uint32
}

// ROP returns IDGetSearchCriteria.
func (*GetSearchCriteriaResponse) ROP() ID { return IDGetSearchCriteria }

func (p *GetSearchCriteriaResponse) code(c *coder) {
	bytes16(c, &p.RestrictionData)
	u8(c, &c.logonID)
	list16(c, 8, &p.FolderIDs, u64)
	u32(c, &p.SearchFlags)
}
