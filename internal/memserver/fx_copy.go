package memserver

import (
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// Bits of CopyFlags that are ignored when they are set, each in its operation
// ([MS-OXCFXICS] 2.2.3.1.1). Move is refused, which 3.2.5.8.1.1 leaves to the server.
const (
	copyToBestBody       = 0x00002000
	copyToUnused         = 0x0000060E
	copyPropertiesUnused = 0x0E
	copyMessagesUnused   = 0x0E
	copyFolderUnused     = 0x0E
)

func copyHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.FastTransferSourceCopyMessagesRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.copyMessages(q, f) })
	case *rop.FastTransferSourceCopyFolderRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.copyFolderStream(q, f) })
	case *rop.FastTransferSourceCopyToRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) {
			if q.CopyFlags&^(copyToUnused|copyToBestBody) != 0 {
				return nil, ecInvalidParam // unknown bits, and Move, which is not offered
			}
			code := op.copyObject(q.SendOptions, q.Level, op.box.newFilter(false, q.PropertyTags))
			return &rop.FastTransferSourceCopyToResponse{}, code
		}
	case *rop.FastTransferSourceCopyPropertiesRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) {
			if q.CopyFlags&^copyPropertiesUnused != 0 {
				return nil, ecInvalidParam
			}
			code := op.copyObject(q.SendOptions, q.Level, op.box.newFilter(true, q.PropertyTags))
			return &rop.FastTransferSourceCopyPropertiesResponse{}, code
		}
	case *rop.TellVersionRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) {
			switch op.in.v.(type) {
			case *source, *destination:
				return &rop.TellVersionResponse{}, ecSuccess
			}
			return nil, ecNotSupported
		}
	case *rop.FastTransferDestinationConfigureRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.destinationConfigure(q) }
	case *rop.FastTransferDestinationPutBufferRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.putBuffer(q) }
	case *rop.FastTransferDestinationPutBufferExtendedRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.putBufferExtended(q) }
	}
	return nil
}

// copyMessages follows [MS-OXCFXICS] 3.2.5.8.1.3.
func (op *operation) copyMessages(q *rop.FastTransferSourceCopyMessagesRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	if q.CopyFlags&^(rop.CopyMessagesBestBody|rop.CopyMessagesSendEntryID|copyMessagesUnused) != 0 {
		return nil, ecInvalidParam
	}
	send, code := op.sendOptions(q.SendOptions)
	if code != ecSuccess {
		return nil, code
	}
	m := op.box
	ids := q.MessageIDs
	withID := q.CopyFlags&rop.CopyMessagesSendEntryID != 0
	op.made = &source{root: fxics.RootMessageList, prepare: func() []step {
		var steps []step
		for _, id := range ids {
			v, ok := m.messageByMID(id)
			if ok && v.folder == f.id {
				steps = append(steps, m.counted(m.messageStep(v, send, withID)))
			} else if send.recover {
				steps = append(steps, element(&fxics.ErrorInfo{Code: ecNotFound, Folder: m.longID(f.id), Message: m.longID(id.Counter())}))
			}
		}
		return steps
	}}
	return &rop.FastTransferSourceCopyMessagesResponse{}, ecSuccess
}

// messageStep writes one message of a list. With identification the message tells
// which one it is and which change it contains ([MS-OXCFXICS] 2.2.3.1.1.3.1).
func (m *Mailbox) messageStep(v *message, send sendOptions, withID bool) step {
	var idProps mapi.PropertyBag
	if withID {
		idProps = mapi.PropertyBag{
			{Tag: mapi.PidTagSourceKey, Value: []byte(m.sourceKeyOf(v.id, v.foreign))},
			{Tag: mapi.PidTagChangeKey, Value: []byte(v.changeKey)},
			{Tag: mapi.PidTagPredecessorChangeList, Value: v.pcl.Bytes()},
			{Tag: mapi.PidTagLastModificationTime, Value: v.modified},
			{Tag: mapi.PidTagOriginalEntryId, Value: m.entryID(v.folder, v.id)},
		}
	}
	return func(enc *fxics.Encoder) error {
		c := *v.content
		c.Properties = append(m.copiedProperties(v), idProps...)
		return enc.Encode(&fxics.MessageContent{FAI: v.fai, Message: send.message(c)})
	}
}

// copiedProperties returns what a copy of a message consists of: nothing that tells
// which object it was copied from.
func (m *Mailbox) copiedProperties(v *message) mapi.PropertyBag {
	b := slices.Clone(transmitted(v.content.Properties))
	add := func(t mapi.PropertyTag, val any) { b = append(b, mapi.Property{Tag: t, Value: val}) }
	add(mapi.PidTagMessageFlags, v.messageFlags())
	add(mapi.PidTagMessageStatus, m.toldStatus(v))
	add(mapi.PidTagRead, v.read)
	b = append(b, missingSubject(v.content)...)
	if v.created != 0 {
		add(mapi.PidTagCreationTime, v.created)
	}
	add(mapi.PidTagAssociated, v.fai)
	return b
}

// copyFolderStream follows [MS-OXCFXICS] 3.2.5.8.1.4.
func (op *operation) copyFolderStream(q *rop.FastTransferSourceCopyFolderRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	const subfolders = 0x10
	if q.CopyFlags&^(subfolders|copyFolderUnused) != 0 {
		return nil, ecInvalidParam
	}
	send, code := op.sendOptions(q.SendOptions)
	if code != ecSuccess {
		return nil, code
	}
	m := op.box
	op.made = &source{root: fxics.RootTopFolder, prepare: func() []step {
		return m.folderSteps(f, fxics.FolderTop, send, nil, q.CopyFlags&subfolders != 0)
	}}
	return &rop.FastTransferSourceCopyFolderResponse{}, ecSuccess
}

// folderSteps writes a folder with what is in it.
func (m *Mailbox) folderSteps(f *folder, kind fxics.FolderKind, send sendOptions, flt *filter, deep bool) []step {
	start := &fxics.FolderStart{Kind: kind, Properties: send.bag(flt.selectFrom(m.folderCopied(f), func(id uint16) (any, bool) { return m.folderComputed(f, id) }))}
	steps := []step{element(start)}
	x := m.state.indexes[f.id]
	list := func(tag mapi.PropertyTag, fai bool) {
		if !flt.wantsTag(tag) {
			return
		}
		if kind != fxics.FolderTop {
			steps = append(steps, element(&fxics.ClearSubobjects{Tag: tag}))
		}
		for _, v := range x.sorted(func(v *message) bool { return v.fai == fai }) {
			steps = append(steps, m.messageStep(v, send, false))
		}
	}
	list(tagFolderAssociated, true)
	list(tagContainerContents, false)
	if deep && flt.wantsTag(tagContainerHierarchy) {
		if kids := m.children(f.id); len(kids) > 0 {
			steps = append(steps, element(&fxics.ClearSubobjects{Tag: tagContainerHierarchy}))
			for _, c := range kids {
				steps = append(steps, m.folderSteps(c, fxics.FolderSub, send, nil, true)...)
			}
		}
	}
	if kind != fxics.FolderRoot {
		steps = append(steps, element(&fxics.FolderEnd{}))
	}
	return steps
}

// folderCopied returns the properties of a folder's copy.
func (m *Mailbox) folderCopied(f *folder) mapi.PropertyBag {
	b := transmitted(f.props).Clone()
	for _, t := range []mapi.PropertyTag{mapi.PidTagFolderId, mapi.PidTagCreationTime, mapi.PidTagLastModificationTime, mapi.PidTagFolderType,
		mapi.PidTagContentCount, mapi.PidTagContentUnreadCount, mapi.PidTagSubfolders, mapi.PidTagAssociatedContentCount} {
		if v, ok := m.folderComputed(f, t.ID()); ok && v != nil {
			b.Set(t, v)
		}
	}
	return b
}

// copyObject prepares CopyTo and CopyProperties ([MS-OXCFXICS] 3.2.5.8.1.1, 3.2.5.8.1.2):
// the object's own properties, and unless Level says otherwise what is in it.
func (op *operation) copyObject(options, level uint8, flt *filter) mapi.ErrorCode {
	send, code := op.sendOptions(options)
	if code != ecSuccess {
		return code
	}
	m := op.box
	switch o := op.in.v.(type) {
	case *folderObject:
		f, ok := m.liveFolder(o.id)
		if !ok {
			return ecObjectDeleted
		}
		op.made = &source{root: fxics.RootFolderContent, prepare: func() []step {
			return m.folderSteps(f, fxics.FolderRoot, send, flt, level == 0)
		}}
	case *messageObject:
		c := copyContent(o.draft)
		if o.base != nil {
			c.Properties = m.copiedProperties(o.view())
		}
		c.Properties = flt.selectFrom(c.Properties, func(id uint16) (any, bool) { return m.messageComputed(o.view(), id) })
		if level != 0 || !flt.wantsTag(tagMessageSubObjects) {
			c.Recipients = nil
		}
		if level != 0 || !flt.wantsTag(tagAttachSubObjects) {
			c.Attachments = nil
		}
		op.made = &source{root: fxics.RootMessageContent, prepare: func() []step {
			return []step{element(&fxics.MessageContent{Message: send.message(*c)})}
		}}
	case *attachmentObject:
		a := o.draft
		a.Properties = send.bag(flt.selectFrom(a.Properties, func(uint16) (any, bool) { return nil, false }))
		if a.Embedded != nil {
			e := send.message(*a.Embedded)
			a.Embedded = &e
			if level != 0 || !flt.wantsTag(mapi.PidTagAttachDataObject) {
				a.Embedded = nil
			}
		}
		op.made = &source{root: fxics.RootAttachmentContent, prepare: func() []step {
			return []step{element(&fxics.AttachmentContent{Attachment: a})}
		}}
	default:
		return ecNotSupported
	}
	return ecSuccess
}
