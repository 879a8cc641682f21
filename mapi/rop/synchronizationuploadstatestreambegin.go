package rop

import "mailfs/mapi"

// SynchronizationUploadStateStreamBeginRequest starts the upload of a state property
// ([MS-OXCROPS] 2.2.13.9).
type SynchronizationUploadStateStreamBeginRequest struct {
	StateProperty      mapi.PropertyTag
	TransferBufferSize uint32 // bytes that will follow
}

// ROP returns IDSynchronizationUploadStateStreamBegin.
func (*SynchronizationUploadStateStreamBeginRequest) ROP() ID {
	return IDSynchronizationUploadStateStreamBegin
}

func (*SynchronizationUploadStateStreamBeginRequest) layout() layout { return layoutIn }

func (q *SynchronizationUploadStateStreamBeginRequest) code(c *coder) {
	u32(c, &q.StateProperty)
	u32(c, &q.TransferBufferSize)
}

// SynchronizationUploadStateStreamBeginResponse answers SynchronizationUploadStateStreamBeginRequest ([MS-OXCROPS] 2.2.13.9.2).
type SynchronizationUploadStateStreamBeginResponse struct {
	Status
}

// ROP returns IDSynchronizationUploadStateStreamBegin.
func (*SynchronizationUploadStateStreamBeginResponse) ROP() ID {
	return IDSynchronizationUploadStateStreamBegin
}

func (*SynchronizationUploadStateStreamBeginResponse) code(*coder) {}
