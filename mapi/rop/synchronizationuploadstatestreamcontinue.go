package rop

// SynchronizationUploadStateStreamContinueRequest uploads a piece of a state property
// ([MS-OXCROPS] 2.2.13.10).
type SynchronizationUploadStateStreamContinueRequest struct {
	StreamData []byte
}

// ROP returns IDSynchronizationUploadStateStreamContinue.
func (*SynchronizationUploadStateStreamContinueRequest) ROP() ID {
	return IDSynchronizationUploadStateStreamContinue
}

func (*SynchronizationUploadStateStreamContinueRequest) layout() layout { return layoutIn }

func (q *SynchronizationUploadStateStreamContinueRequest) code(c *coder) {
	bytes32(c, &q.StreamData)
}

// SynchronizationUploadStateStreamContinueResponse answers SynchronizationUploadStateStreamContinueRequest ([MS-OXCROPS] 2.2.13.10.2).
type SynchronizationUploadStateStreamContinueResponse struct {
	Status
}

// ROP returns IDSynchronizationUploadStateStreamContinue.
func (*SynchronizationUploadStateStreamContinueResponse) ROP() ID {
	return IDSynchronizationUploadStateStreamContinue
}

func (*SynchronizationUploadStateStreamContinueResponse) code(*coder) {}
