package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// maxStateSize bounds an uploaded state property in bytes.
const maxStateSize = 1 << 24

// stateUpload receives the initial state of a synchronization context
// ([MS-OXCFXICS] 3.2.5.9.2).
type stateUpload struct {
	state    *fxics.ICSState
	contents bool
	sealed   bool // the download has begun: the state can't change any more
	tag      mapi.PropertyTag
	size     uint32
	data     []byte
	open     bool
}

// begin starts one property. Only the state properties of the context's kind are
// taken ([MS-OXCFXICS] 2.2.3.2.2.1.1).
func (u *stateUpload) begin(tag mapi.PropertyTag, size uint32) mapi.ErrorCode {
	switch {
	case u.sealed || u.open:
		return ecError
	case size > maxStateSize:
		return ecInvalidParam
	}
	switch tag {
	case mapi.MetaTagIdsetGiven, mapi.MetaTagIdsetGiven.WithType(mapi.TypeBinary), mapi.MetaTagIdsetGiven.WithType(mapi.TypeInteger32), mapi.MetaTagCnsetSeen:
	case mapi.MetaTagCnsetSeenFAI, mapi.MetaTagCnsetRead:
		if !u.contents {
			return ecInvalidParam
		}
	default:
		return ecInvalidParam
	}
	u.tag, u.size, u.data, u.open = tag, size, nil, true
	return ecSuccess
}

func (u *stateUpload) add(p []byte) mapi.ErrorCode {
	switch {
	case u.sealed || !u.open:
		return ecError
	case len(u.data)+len(p) > int(u.size):
		return ecInvalidParam
	}
	u.data = append(u.data, p...)
	return ecSuccess
}

func (u *stateUpload) end() mapi.ErrorCode {
	if u.sealed || !u.open {
		return ecError
	}
	u.open = false
	if len(u.data) != int(u.size) {
		return ecInvalidParam
	}
	if err := u.state.Set(u.tag, u.data); err != nil {
		return ecRPCFormat
	}
	return ecSuccess
}

// onState wraps the operations that upload a state.
func onState(do func(*stateUpload) mapi.ErrorCode, answer func() rop.Response) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		var u *stateUpload
		switch v := op.in.v.(type) {
		case *source:
			if v.sync == nil {
				return nil, ecNotSupported
			}
			u = &v.sync.upload
		case *collector:
			u = &v.upload
		default:
			return nil, ecNotSupported
		}
		if code := do(u); code != ecSuccess {
			return nil, code
		}
		return answer(), ecSuccess
	}
}

// transferState opens the download of a context's state
// ([MS-OXCFXICS] 3.2.5.9.3.1): of a download the initial one until all of the stream
// has been fetched, of a collector what it is now.
func (op *operation) transferState() (rop.Response, mapi.ErrorCode) {
	var st fxics.ICSState
	switch v := op.in.v.(type) {
	case *source:
		switch {
		case v.sync == nil:
			return nil, ecNotSupported
		case v.sync.finished:
			st = v.sync.stateOut()
		default:
			st = v.sync.initial
		}
	case *collector:
		v.upload.sealed = true
		st = v.state.Clone()
		st.Given = v.given.Clone()
	default:
		return nil, ecNotSupported
	}
	st = st.Clone()
	op.made = &source{root: fxics.RootState, prepare: func() []step { return []step{element(&fxics.State{ICSState: st})} }}
	return &rop.SynchronizationGetTransferStateResponse{}, ecSuccess
}
