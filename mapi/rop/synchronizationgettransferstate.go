package rop

// SynchronizationGetTransferStateRequest asks for the state of a synchronization: the output object downloads it
// ([MS-OXCROPS] 2.2.13.8).
type SynchronizationGetTransferStateRequest struct{}

// ROP returns IDSynchronizationGetTransferState.
func (*SynchronizationGetTransferStateRequest) ROP() ID { return IDSynchronizationGetTransferState }

func (*SynchronizationGetTransferStateRequest) layout() layout { return layoutInOut }

func (*SynchronizationGetTransferStateRequest) code(*coder) {}

// SynchronizationGetTransferStateResponse answers SynchronizationGetTransferStateRequest ([MS-OXCROPS] 2.2.13.8.2).
type SynchronizationGetTransferStateResponse struct {
	Status
}

// ROP returns IDSynchronizationGetTransferState.
func (*SynchronizationGetTransferStateResponse) ROP() ID { return IDSynchronizationGetTransferState }

func (*SynchronizationGetTransferStateResponse) code(*coder) {}
