package rop

// SynchronizationUploadStateStreamEndRequest ends the upload of a state property
// ([MS-OXCROPS] 2.2.13.11).
type SynchronizationUploadStateStreamEndRequest struct{}

// ROP returns IDSynchronizationUploadStateStreamEnd.
func (*SynchronizationUploadStateStreamEndRequest) ROP() ID {
	return IDSynchronizationUploadStateStreamEnd
}

func (*SynchronizationUploadStateStreamEndRequest) layout() layout { return layoutIn }

func (*SynchronizationUploadStateStreamEndRequest) code(*coder) {}

// SynchronizationUploadStateStreamEndResponse answers SynchronizationUploadStateStreamEndRequest ([MS-OXCROPS] 2.2.13.11.2).
type SynchronizationUploadStateStreamEndResponse struct {
	Status
}

// ROP returns IDSynchronizationUploadStateStreamEnd.
func (*SynchronizationUploadStateStreamEndResponse) ROP() ID {
	return IDSynchronizationUploadStateStreamEnd
}

func (*SynchronizationUploadStateStreamEndResponse) code(*coder) {}
