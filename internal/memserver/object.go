package memserver

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

// object is a server object behind a handle ([MS-OXCROPS] 1.3.1).
type object struct {
	logon uint8
	box   *Mailbox
	v     any // one of the …Object types
}

// logonObject stands for the store.
type logonObject struct{}

// folderObject is an open folder.
type folderObject struct{ id mapi.GlobCnt }

// messageObject is an open message. What is set on it becomes visible to others
// when it is saved.
type messageObject struct {
	id     mapi.GlobCnt // 0 until a new message is first saved
	folder mapi.GlobCnt
	fai    bool
	base   *message      // the version that was opened, nil for a new message
	draft  *mapi.Message // belongs to this object alone

	writable  bool
	dirty     bool
	created   mapi.FileTime
	flags     *int32 // PidTagMessageFlags as set, nil when it was not
	status    *int32
	imported  *importedChange   // set by SynchronizationImportMessageChange
	embedding *attachmentObject // the attachment that an embedded message lies in
	nextAtt   uint32
}

// importedChange is what a client told of a change that it uploads.
type importedChange struct {
	collector *collector
	sourceKey mapi.SourceKey
	foreign   bool
	modified  mapi.FileTime
	changeKey mapi.ChangeKey
	pcl       mapi.PCL
	conflict  bool
}

// attachmentObject is an open attachment of an open message.
type attachmentObject struct {
	msg      *messageObject
	draft    mapi.Attachment // belongs to this object alone
	writable bool
}

// subscriptionObject is a registration for notifications.
type subscriptionObject struct{ sub *subscription }

// release lets go of what an object holds outside of itself.
func (o *object) release(ss *session, handle uint32) {
	var sub *subscription
	switch v := o.v.(type) {
	case *subscriptionObject:
		sub = v.sub
	case *tableObject:
		sub = v.sub
	case *destination:
		o.box.mu.Lock()
		v.finish()
		o.box.mu.Unlock()
	case *logonObject:
		if ss.logons[o.logon] == o {
			ss.logons[o.logon] = nil
		}
	}
	if sub != nil {
		o.box.mu.Lock()
		o.box.subs = slices.DeleteFunc(o.box.subs, func(s *subscription) bool { return s == sub })
		o.box.mu.Unlock()
		ss.events.forget(handle)
	}
}

// add gives an object a handle.
func (ss *session) add(o *object) (uint32, bool) {
	if len(ss.handles) >= maxHandles {
		return 0, false
	}
	if len(ss.released) > maxReleased {
		clear(ss.released)
	}
	h := ss.nextHandle
	for ss.handles[h] != nil || h == uint32(rop.NoHandle) {
		h++
	}
	ss.nextHandle = h + 1
	ss.handles[h] = o
	delete(ss.released, h)
	return h, true
}

// resolve finds the object of a slot ([MS-OXCROPS] 3.2.5.4).
func (ss *session) resolve(handles []rop.Handle, slot uint8, logon uint8) (*object, mapi.ErrorCode) {
	if int(slot) >= len(handles) || handles[slot] == rop.NoHandle {
		return nil, ecNullObject
	}
	h := uint32(handles[slot])
	o, ok := ss.handles[h]
	switch {
	case !ok && ss.released[h]:
		return nil, ecInvalidObject
	case !ok:
		return nil, ecNullObject
	case o.logon != logon:
		return nil, ecAccessDenied
	}
	return o, ecSuccess
}
