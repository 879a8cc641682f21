package rop

import "mailfs/mapi"

// statePiece is how much of a state property goes into one request.
const statePiece = 0x4000

// UploadState appends the upload of one state property to a batch ([MS-OXCFXICS]
// 2.2.3.2.2): MetaTagIdsetGiven, MetaTagCnsetSeen, MetaTagCnsetSeenFAI or
// MetaTagCnsetRead, as a download brought it. An empty state has no bytes. sync is the
// context that SynchronizationConfigure or SynchronizationOpenCollector created. A
// large state takes several buffers.
func UploadState(b *Batch, sync *Object, tag mapi.PropertyTag, state []byte) {
	b.Add(sync, &SynchronizationUploadStateStreamBeginRequest{StateProperty: tag, TransferBufferSize: uint32(len(state))})
	for len(state) > 0 {
		n := min(len(state), statePiece)
		b.Add(sync, &SynchronizationUploadStateStreamContinueRequest{StreamData: state[:n:n]})
		state = state[n:]
	}
	b.Add(sync, &SynchronizationUploadStateStreamEndRequest{})
}
