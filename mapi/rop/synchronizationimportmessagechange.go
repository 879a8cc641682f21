package rop

import "mailfs/mapi"

// SynchronizationImportMessageChangeRequest uploads a message: the output object is the message to fill
// ([MS-OXCROPS] 2.2.13.2).
type SynchronizationImportMessageChangeRequest struct {
	ImportFlag     uint8           // Import…
	PropertyValues []mapi.Property // SourceKey, LastModificationTime, ChangeKey, PredecessorChangeList, in this order
}

// ROP returns IDSynchronizationImportMessageChange.
func (*SynchronizationImportMessageChangeRequest) ROP() ID {
	return IDSynchronizationImportMessageChange
}

func (*SynchronizationImportMessageChangeRequest) layout() layout { return layoutInOut }

func (q *SynchronizationImportMessageChangeRequest) code(c *coder) {
	u8(c, &q.ImportFlag)
	properties(c, &q.PropertyValues)
}

// SynchronizationImportMessageChangeResponse answers SynchronizationImportMessageChangeRequest ([MS-OXCROPS] 2.2.13.2.2).
type SynchronizationImportMessageChangeResponse struct {
	Status
	MessageID mapi.MID
}

// ROP returns IDSynchronizationImportMessageChange.
func (*SynchronizationImportMessageChangeResponse) ROP() ID {
	return IDSynchronizationImportMessageChange
}

func (p *SynchronizationImportMessageChangeResponse) code(c *coder) {
	u64(c, &p.MessageID)
}
