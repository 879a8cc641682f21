package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/rop"
)

func notificationHandler(q rop.Request) handler {
	if q, ok := q.(*rop.RegisterNotificationRequest); ok {
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.registerNotification(q) }
	}
	return nil
}

// objectEvents are the kinds of events that can be registered for.
const objectEvents = rop.NotifyNewMail | rop.NotifyObjectCreated | rop.NotifyObjectDeleted | rop.NotifyObjectModified |
	rop.NotifyObjectMoved | rop.NotifyObjectCopied | rop.NotifySearchComplete

// registerNotification follows [MS-OXCNOTIF] 3.1.5.2.
func (op *operation) registerNotification(q *rop.RegisterNotificationRequest) (rop.Response, mapi.ErrorCode) {
	if _, ok := op.in.v.(*logonObject); !ok {
		return nil, ecNotSupported
	}
	if q.NotificationTypes == 0 || q.NotificationTypes&^(objectEvents|rop.NotifyExtended) != 0 {
		return nil, ecInvalidParam
	}
	sub := &subscription{kinds: eventKind(q.NotificationTypes), whole: q.WantWholeStore, logon: op.call.LogonID, queue: op.ss.events}
	if !q.WantWholeStore {
		if _, ok := op.box.folderByFID(q.FolderID); !ok {
			return nil, ecNotFound
		}
		sub.folder, sub.message = q.FolderID.Counter(), q.MessageID.Counter()
	}
	m := op.box
	op.made = &subscriptionObject{sub: sub}
	op.onHandle = func(h uint32) {
		sub.handle = h
		m.mu.Lock()
		m.subs = append(m.subs, sub)
		m.mu.Unlock()
	}
	return &rop.RegisterNotificationResponse{}, ecSuccess
}

// notification builds the RopNotify of an event ([MS-OXCNOTIF] 2.2.1.4.1.2).
func (ss *session) notification(e queued) *rop.Notify {
	n := &rop.Notify{Handle: rop.Handle(e.handle), LogonID: e.logon, Flags: uint16(e.kind)}
	if e.kind == eventTableModified {
		n.TableEvent = rop.TableEventChanged
		return n
	}
	fid := func(c mapi.GlobCnt) mapi.FID { return mapi.NewFID(ownReplID, c) }
	n.FolderID = fid(e.folder)
	if e.message != 0 {
		n.Flags |= rop.NotifyFlagMessage
		n.MessageID = mapi.NewMID(ownReplID, e.message)
	} else if e.kind != eventModified && e.kind != eventNewMail {
		n.ParentFolderID = fid(e.parent)
	}
	switch e.kind {
	case eventMoved, eventCopied:
		n.OldFolderID = fid(e.oldFolder)
		if e.message != 0 {
			n.OldMessageID = mapi.NewMID(ownReplID, e.oldMessage)
		} else {
			n.OldParentFolder = fid(e.oldParent)
		}
	case eventNewMail:
		n.MessageFlags, n.MessageClass = e.flags, string(encodeString8(e.class))
	}
	if e.counts {
		n.Flags |= rop.NotifyFlagTotal | rop.NotifyFlagUnread
		n.TotalMessageCount, n.UnreadMessageCount = e.total, e.unread
	}
	return n
}
