package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/rop"
)

func messageHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.OpenMessageRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.openMessage(q) }
	case *rop.CreateMessageRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.createMessage(q) }
	case *rop.SaveChangesMessageRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) { return op.saveMessage(q, o) })
	case *rop.RemoveAllRecipientsRequest:
		return onMessage(func(_ *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			o.draft.Recipients, o.dirty = nil, true
			return &rop.RemoveAllRecipientsResponse{}, ecSuccess
		})
	case *rop.ModifyRecipientsRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) { return op.modifyRecipients(q, o) })
	case *rop.ReadRecipientsRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) { return op.readRecipients(q, o) })
	case *rop.ReloadCachedInformationRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			return &rop.ReloadCachedInformationResponse{Header: op.messageHeader(o.draft, rowOverhead)}, ecSuccess
		})
	case *rop.SetMessageReadFlagRequest:
		return onMessage(func(op *operation, o *messageObject) (rop.Response, mapi.ErrorCode) {
			return op.setMessageReadFlag(q, o)
		})
	case *rop.SetMessageStatusRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			v, ok := op.box.messageByMID(q.MessageID)
			if !ok || v.folder != f.id {
				return nil, ecNotFound
			}
			w := v.clone()
			w.status = v.status&^int32(q.MessageStatusMask) | int32(q.MessageStatusFlags&q.MessageStatusMask)
			op.box.putMessage(w)
			return &rop.SetMessageStatusResponse{MessageStatusFlags: uint32(v.status)}, ecSuccess
		})
	case *rop.GetMessageStatusRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			v, ok := op.box.messageByMID(q.MessageID)
			if !ok || v.folder != f.id {
				return nil, ecNotFound
			}
			return &rop.SetMessageStatusResponse{MessageStatusFlags: uint32(v.status)}, ecSuccess
		})
	}
	return nil
}

func onMessage(h func(*operation, *messageObject) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		o, ok := op.in.v.(*messageObject)
		if !ok {
			return nil, ecNotSupported
		}
		return h(op, o)
	}
}

// openMessage follows [MS-OXCMSG] 3.2.5.1.
func (op *operation) openMessage(q *rop.OpenMessageRequest) (rop.Response, mapi.ErrorCode) {
	switch op.in.v.(type) {
	case *logonObject, *folderObject:
	default:
		return nil, ecNotSupported
	}
	const softDeleted = 0x04
	m := op.box
	v, ok := m.messageByMID(q.MessageID)
	if !ok && q.OpenModeFlags&softDeleted != 0 && q.MessageID.ReplID() == ownReplID {
		v, ok = m.state.messages[q.MessageID.Counter()]
	}
	if !ok || q.FolderID.Counter() != v.folder {
		return nil, ecNotFound
	}
	o := &messageObject{id: v.id, folder: v.folder, fai: v.fai, base: v, draft: copyContent(v.content), writable: q.OpenModeFlags&rop.OpenReadWrite != 0}
	o.nextAtt = nextAttachment(o.draft)
	op.made = o
	return &rop.OpenMessageResponse{Header: op.messageHeader(o.draft, rowOverhead)}, ecSuccess
}

func nextAttachment(c *mapi.Message) uint32 {
	next := uint32(0)
	for i := range c.Attachments {
		next = max(next, c.Attachments[i].Number+1)
	}
	return next
}

// createMessage follows [MS-OXCMSG] 3.2.5.2.
func (op *operation) createMessage(q *rop.CreateMessageRequest) (rop.Response, mapi.ErrorCode) {
	switch op.in.v.(type) {
	case *logonObject, *folderObject:
	default:
		return nil, ecNotSupported
	}
	f, ok := op.box.folderByFID(q.FolderID)
	if !ok {
		return nil, ecNotFound
	}
	o := &messageObject{folder: f.id, fai: q.AssociatedFlag, writable: true, draft: &mapi.Message{}, created: op.box.srv.now()}
	flags := flagUnsent | flagUnmodified
	o.flags = &flags
	for _, p := range []mapi.Property{
		{Tag: mapi.PidTagImportance, Value: int32(1)},
		{Tag: mapi.PidTagMessageClass, Value: "IPM.Note"},
		{Tag: mapi.PidTagSensitivity, Value: int32(0)},
		{Tag: tagLastModifierName, Value: op.ss.user.cfg.DisplayName},
		{Tag: tagLastModifierEntryID, Value: op.ss.user.userEntryID()},
		{Tag: tagCreatorName, Value: op.ss.user.cfg.DisplayName},
		{Tag: tagCreatorEntryID, Value: op.ss.user.userEntryID()},
	} {
		o.draft.Properties.Put(p)
	}
	op.made = o
	return &rop.CreateMessageResponse{}, ecSuccess
}

// view returns what the message would be if it were saved now, for working out
// properties.
func (o *messageObject) view() *message {
	v := &message{folder: o.folder, fai: o.fai, created: o.created}
	if o.base != nil {
		v = o.base.clone()
	}
	v.content = o.draft
	if o.flags != nil {
		v.flags = *o.flags &^ flagsComputed
		if o.base == nil {
			v.read = *o.flags&flagRead != 0
		}
	}
	if o.status != nil {
		v.status = *o.status
	}
	v.size = int32(messageSize(o.draft))
	return v
}

// saveMessage follows [MS-OXCMSG] 3.2.5.3.
func (op *operation) saveMessage(q *rop.SaveChangesMessageRequest, o *messageObject) (rop.Response, mapi.ErrorCode) {
	if !o.writable {
		return nil, ecAccessDenied
	}
	if o.embedding != nil {
		o.embedding.draft.Embedded = copyContent(o.draft)
		return &rop.SaveChangesMessageResponse{}, ecSuccess
	}
	force := q.SaveFlags&0x0F == rop.SaveForce
	if code := op.store(o, force); code != ecSuccess {
		return nil, code
	}
	if q.SaveFlags&0x0F == rop.SaveKeepOpenReadOnly {
		o.writable = false
	}
	op.ss.srv.stats.add(func(s *Stats) { s.MessagesSaved++ })
	return &rop.SaveChangesMessageResponse{MessageID: mapi.NewMID(ownReplID, o.id)}, ecSuccess
}

// store writes an open message into the mailbox.
func (op *operation) store(o *messageObject, force bool) mapi.ErrorCode {
	m := op.box
	if _, ok := m.liveFolder(o.folder); !ok {
		return ecObjectDeleted
	}
	if o.base != nil {
		now, ok := m.liveMessage(o.id)
		switch {
		case !ok:
			return ecObjectDeleted
		case now.cn != o.base.cn && !force:
			return ecObjectModified
		}
		o.base = now
	} else if o.id != 0 && m.state.messages[o.id] != nil {
		return ecObjectModified
	}
	content := copyContent(o.draft)
	op.sign(o, content)
	var v *message
	switch {
	case o.imported != nil:
		v = m.storeImport(o, content)
	case o.base != nil:
		if !o.dirty {
			return ecSuccess
		}
		w := o.view()
		w.flags &^= flagUnmodified
		w.content = o.base.content // what the change is compared with
		v = m.changeMessage(w, content)
	default:
		v = o.view()
		v.id, v.content, v.created = m.allocID(1), content, m.srv.now()
		m.stamp(v, m.srv.now())
		m.finishContent(v)
		m.putMessage(v)
		m.emit(event{kind: eventCreated, folder: v.folder, message: v.id, fai: v.fai})
		m.emitFolderChanged(v.folder)
	}
	o.id, o.base, o.imported, o.dirty = v.id, v, nil, false
	o.flags, o.status = nil, nil
	o.draft = copyContent(v.content)
	return ecSuccess
}

// sign notes who made the change, and gives a new message what every message has
// ([MS-OXCMSG] 3.2.5.2). An upload keeps what the client says.
func (op *operation) sign(o *messageObject, c *mapi.Message) {
	user := op.ss.user
	put := func(tag mapi.PropertyTag, v any, over bool) {
		if over || !c.Properties.Has(tag) {
			c.Properties.Set(tag, v)
		}
	}
	put(tagLastModifierName, user.cfg.DisplayName, o.imported == nil && o.base != nil)
	put(tagLastModifierEntryID, user.userEntryID(), o.imported == nil && o.base != nil)
	put(mapi.PidTagImportance, int32(1), false)
	put(mapi.PidTagSensitivity, int32(0), false)
	if o.base == nil {
		put(tagCreatorName, user.cfg.DisplayName, false)
		put(tagCreatorEntryID, user.userEntryID(), false)
	}
}

// setMessageReadFlag follows [MS-OXCMSG] 3.2.5.11.
func (op *operation) setMessageReadFlag(q *rop.SetMessageReadFlagRequest, o *messageObject) (rop.Response, mapi.ErrorCode) {
	read, change, ok := readFlagMeaning(q.ReadFlags)
	if !ok {
		return nil, ecInvalidParam
	}
	resp := &rop.SetMessageReadFlagResponse{}
	if o.base == nil || !change {
		return resp, ecSuccess
	}
	v, ok := op.box.liveMessage(o.id)
	if !ok {
		return nil, ecObjectDeleted
	}
	op.box.setRead(v, read)
	if now, ok := op.box.liveMessage(o.id); ok {
		o.base = withContent(now, o.base)
	}
	return resp, ecSuccess
}

// withContent returns now, or the version that a handle has open with the read state
// of now where somebody else has changed the message since.
func withContent(now, open *message) *message {
	if now.cn == open.cn {
		return now
	}
	w := open.clone()
	w.read, w.readCN = now.read, now.readCN
	return w
}
