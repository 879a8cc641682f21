package rop

import "mailfs/mapi"

// SynchronizationImportHierarchyChangeRequest uploads a folder
// ([MS-OXCROPS] 2.2.13.4).
type SynchronizationImportHierarchyChangeRequest struct {
	HierarchyValues []mapi.Property // ParentSourceKey, SourceKey, LastModificationTime, ChangeKey, PredecessorChangeList, DisplayName
	PropertyValues  []mapi.Property
}

// ROP returns IDSynchronizationImportHierarchyChange.
func (*SynchronizationImportHierarchyChangeRequest) ROP() ID {
	return IDSynchronizationImportHierarchyChange
}

func (*SynchronizationImportHierarchyChangeRequest) layout() layout { return layoutIn }

func (q *SynchronizationImportHierarchyChangeRequest) code(c *coder) {
	properties(c, &q.HierarchyValues)
	properties(c, &q.PropertyValues)
}

// SynchronizationImportHierarchyChangeResponse answers SynchronizationImportHierarchyChangeRequest ([MS-OXCROPS] 2.2.13.4.2).
type SynchronizationImportHierarchyChangeResponse struct {
	Status
	FolderID mapi.FID
}

// ROP returns IDSynchronizationImportHierarchyChange.
func (*SynchronizationImportHierarchyChangeResponse) ROP() ID {
	return IDSynchronizationImportHierarchyChange
}

func (p *SynchronizationImportHierarchyChangeResponse) code(c *coder) {
	u64(c, &p.FolderID)
}
