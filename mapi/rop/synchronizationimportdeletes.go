package rop

import "mailfs/mapi"

// SynchronizationImportDeletesRequest uploads deletions
// ([MS-OXCROPS] 2.2.13.5).
type SynchronizationImportDeletesRequest struct {
	ImportDeleteFlags uint8           // ImportDelete…
	PropertyValues    []mapi.Property // one PtypMultipleBinary (0x00001102) of source keys
}

// ROP returns IDSynchronizationImportDeletes.
func (*SynchronizationImportDeletesRequest) ROP() ID { return IDSynchronizationImportDeletes }

func (*SynchronizationImportDeletesRequest) layout() layout { return layoutIn }

func (q *SynchronizationImportDeletesRequest) code(c *coder) {
	u8(c, &q.ImportDeleteFlags)
	properties(c, &q.PropertyValues)
}

// SynchronizationImportDeletesResponse answers SynchronizationImportDeletesRequest ([MS-OXCROPS] 2.2.13.5.2).
type SynchronizationImportDeletesResponse struct {
	Status
}

// ROP returns IDSynchronizationImportDeletes.
func (*SynchronizationImportDeletesResponse) ROP() ID { return IDSynchronizationImportDeletes }

func (*SynchronizationImportDeletesResponse) code(*coder) {}
