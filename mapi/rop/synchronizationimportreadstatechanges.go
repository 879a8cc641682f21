package rop

// SynchronizationImportReadStateChangesRequest uploads read states ([MS-OXCROPS]
// 2.2.13.3).
type SynchronizationImportReadStateChangesRequest struct {
	MessageReadStates []MessageReadState
}

// MessageReadState is the read state of one message ([MS-OXCROPS] 2.2.13.3.1.1).
type MessageReadState struct {
	MessageID  []byte // source key: an XID of 22 bytes
	MarkAsRead bool
}

// ROP returns IDSynchronizationImportReadStateChanges.
func (*SynchronizationImportReadStateChangesRequest) ROP() ID {
	return IDSynchronizationImportReadStateChanges
}

func (*SynchronizationImportReadStateChangesRequest) layout() layout { return layoutIn }

func (q *SynchronizationImportReadStateChangesRequest) code(c *coder) {
	sized16(c, func() {
		toEnd(c, &q.MessageReadStates, func(c *coder, s *MessageReadState) {
			bytes16(c, &s.MessageID)
			boolean(c, &s.MarkAsRead)
		})
	})
}

// SynchronizationImportReadStateChangesResponse answers
// SynchronizationImportReadStateChangesRequest ([MS-OXCROPS] 2.2.13.3.2).
type SynchronizationImportReadStateChangesResponse struct {
	Status
}

// ROP returns IDSynchronizationImportReadStateChanges.
func (*SynchronizationImportReadStateChangesResponse) ROP() ID {
	return IDSynchronizationImportReadStateChanges
}

func (*SynchronizationImportReadStateChangesResponse) code(*coder) {}
