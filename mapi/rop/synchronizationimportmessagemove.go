package rop

import "mailfs/mapi"

// SynchronizationImportMessageMoveRequest uploads the move of a message
// ([MS-OXCROPS] 2.2.13.6).
type SynchronizationImportMessageMoveRequest struct {
	SourceFolderID        []byte // source key
	SourceMessageID       []byte // source key
	PredecessorChangeList []byte
	DestinationMessageID  []byte // source key
	ChangeNumber          []byte // change key of the moved message
}

// ROP returns IDSynchronizationImportMessageMove.
func (*SynchronizationImportMessageMoveRequest) ROP() ID { return IDSynchronizationImportMessageMove }

func (*SynchronizationImportMessageMoveRequest) layout() layout { return layoutIn }

func (q *SynchronizationImportMessageMoveRequest) code(c *coder) {
	bytes32(c, &q.SourceFolderID)
	bytes32(c, &q.SourceMessageID)
	bytes32(c, &q.PredecessorChangeList)
	bytes32(c, &q.DestinationMessageID)
	bytes32(c, &q.ChangeNumber)
}

// SynchronizationImportMessageMoveResponse answers SynchronizationImportMessageMoveRequest ([MS-OXCROPS] 2.2.13.6.2).
type SynchronizationImportMessageMoveResponse struct {
	Status
	MessageID mapi.MID
}

// ROP returns IDSynchronizationImportMessageMove.
func (*SynchronizationImportMessageMoveResponse) ROP() ID { return IDSynchronizationImportMessageMove }

func (p *SynchronizationImportMessageMoveResponse) code(c *coder) {
	u64(c, &p.MessageID)
}
