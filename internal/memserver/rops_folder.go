package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/mapi/wire"
)

func folderHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.OpenFolderRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.openFolder(q) }
	case *rop.CreateFolderRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.createFolder(q, f) })
	case *rop.DeleteFolderRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.deleteFolder(q, f) })
	case *rop.MoveFolderRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.moveFolder(q, f) })
	case *rop.CopyFolderRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.copyFolder(q, f) })
	case *rop.EmptyFolderRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			op.box.emptyFolder(f, q.WantDeleteAssociated, false)
			return &rop.EmptyFolderResponse{}, ecSuccess
		})
	case *rop.HardDeleteMessagesAndSubfoldersRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			op.box.emptyFolder(f, q.WantDeleteAssociated, true)
			return &rop.HardDeleteMessagesAndSubfoldersResponse{}, ecSuccess
		})
	case *rop.DeleteMessagesRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			return &rop.DeleteMessagesResponse{PartialCompletion: !op.deleteMessages(f, q.MessageIDs, false)}, ecSuccess
		})
	case *rop.HardDeleteMessagesRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			return &rop.HardDeleteMessagesResponse{PartialCompletion: !op.deleteMessages(f, q.MessageIDs, true)}, ecSuccess
		})
	case *rop.MoveCopyMessagesRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.moveCopy(q, f) })
	case *rop.SetReadFlagsRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.setReadFlags(q, f) })
	case *rop.SetSearchCriteriaRequest:
		return onFolder(func(_ *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			if !f.search {
				return nil, ecNotSupported
			}
			return &rop.SetSearchCriteriaResponse{}, ecSuccess
		})
	case *rop.GetSearchCriteriaRequest:
		return onFolder(func(_ *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			if !f.search {
				return nil, ecNotSupported
			}
			return nil, ecNotInitialized
		})
	}
	return nil
}

// onFolder wraps handlers of operations whose object has to be a folder that is
// still there.
func onFolder(h func(*operation, *folder) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		o, ok := op.in.v.(*folderObject)
		if !ok {
			return nil, ecNotSupported
		}
		f, ok := op.box.liveFolder(o.id)
		if !ok {
			return nil, ecObjectDeleted
		}
		return h(op, f)
	}
}

func (op *operation) openFolder(q *rop.OpenFolderRequest) (rop.Response, mapi.ErrorCode) {
	switch op.in.v.(type) {
	case *logonObject, *folderObject:
	default:
		return nil, ecNotSupported
	}
	f, ok := op.box.folderByFID(q.FolderID)
	if !ok && q.FolderID.ReplID() == ownReplID && q.OpenModeFlags&rop.OpenSoftDeleted != 0 {
		f, ok = op.box.state.folders[q.FolderID.Counter()]
	}
	if !ok {
		return nil, ecNotFound
	}
	op.made = &folderObject{id: f.id}
	return &rop.OpenFolderResponse{}, ecSuccess
}

// createFolder follows [MS-OXCFOLD] 3.2.5.2.
func (op *operation) createFolder(q *rop.CreateFolderRequest, parent *folder) (rop.Response, mapi.ErrorCode) {
	if q.FolderType != rop.FolderGeneric && q.FolderType != rop.FolderSearch || q.DisplayName == "" {
		return nil, ecInvalidParam
	}
	name := q.DisplayName
	if !q.UseUnicodeStrings {
		name = decodeString8(mapi.String8(name))
	}
	if parent.search {
		return nil, ecNotSupported
	}
	if f, ok := op.box.childNamed(parent.id, name); ok {
		if !q.OpenExisting {
			return nil, ecDuplicateName
		}
		op.made = &folderObject{id: f.id}
		return &rop.CreateFolderResponse{FolderID: mapi.NewFID(ownReplID, f.id)}, ecSuccess
	}
	f := op.box.newFolder(parent.id, name, q.Comment, "")
	if q.FolderType == rop.FolderSearch {
		g := f.clone()
		g.search = true
		op.box.state.folders[g.id] = g
	}
	op.made = &folderObject{id: f.id}
	return &rop.CreateFolderResponse{FolderID: mapi.NewFID(ownReplID, f.id)}, ecSuccess
}

// deleteFolder follows [MS-OXCFOLD] 3.2.5.3.
func (op *operation) deleteFolder(q *rop.DeleteFolderRequest, parent *folder) (rop.Response, mapi.ErrorCode) {
	m := op.box
	f, ok := m.folderByFID(q.FolderID)
	switch {
	case !ok || f.parent != parent.id:
		return nil, ecNotFound
	case m.isSpecial(f.id):
		return nil, ecAccessDenied
	}
	x := m.state.indexes[f.id]
	partial := len(x.items) > 0 && q.DeleteFolderFlags&rop.DeleteFolderMessages == 0 ||
		len(m.children(f.id)) > 0 && q.DeleteFolderFlags&rop.DeleteFolderFolders == 0
	if partial {
		return &rop.DeleteFolderResponse{PartialCompletion: true}, ecSuccess
	}
	m.removeFolder(f, q.DeleteFolderFlags&rop.DeleteFolderHard != 0)
	return &rop.DeleteFolderResponse{}, ecSuccess
}

// moveFolder follows [MS-OXCFOLD] 3.2.5.7; the input object is the parent that the
// folder has now.
func (op *operation) moveFolder(q *rop.MoveFolderRequest, parent *folder) (rop.Response, mapi.ErrorCode) {
	f, dst, name, code := op.folderTransfer(q.FolderID, q.NewFolderName, q.UseUnicode, parent)
	if code != ecSuccess {
		return nil, code
	}
	if op.box.isSpecial(f.id) {
		return nil, ecAccessDenied
	}
	if op.box.isBelow(dst.id, f.id) {
		return nil, ecFolderCycle
	}
	op.box.changeFolder(f, func(g *folder) {
		g.parent = dst.id
		g.props.Set(mapi.PidTagDisplayName, name)
	})
	return &rop.MoveFolderResponse{}, ecSuccess
}

func (op *operation) folderTransfer(id mapi.FID, newName string, unicode bool, parent *folder) (f, dst *folder, name string, code mapi.ErrorCode) {
	d, ok := op.dst.v.(*folderObject)
	if !ok {
		return nil, nil, "", ecNotSupported
	}
	if dst, ok = op.box.liveFolder(d.id); !ok {
		return nil, nil, "", ecObjectDeleted
	}
	if f, ok = op.box.folderByFID(id); !ok || f.parent != parent.id {
		return nil, nil, "", ecNotFound
	}
	if name = newName; !unicode {
		name = decodeString8(mapi.String8(newName))
	}
	if name == "" {
		name = f.name()
	}
	if other, taken := op.box.childNamed(dst.id, name); taken && other.id != f.id {
		return nil, nil, "", ecDuplicateName
	}
	return f, dst, name, ecSuccess
}

func (op *operation) copyFolder(q *rop.CopyFolderRequest, parent *folder) (rop.Response, mapi.ErrorCode) {
	f, dst, name, code := op.folderTransfer(q.FolderID, q.NewFolderName, q.UseUnicode, parent)
	if code != ecSuccess {
		return nil, code
	}
	if op.box.isBelow(dst.id, f.id) {
		return nil, ecFolderCycle
	}
	if _, taken := op.box.childNamed(dst.id, name); taken {
		return nil, ecDuplicateName
	}
	op.box.copyTree(f, dst.id, name, q.WantRecursive)
	return &rop.CopyFolderResponse{}, ecSuccess
}

func (m *Mailbox) copyTree(f *folder, dst mapi.GlobCnt, name string, recursive bool) {
	children := m.children(f.id)
	g := m.newFolder(dst, name, f.props.String(mapi.PidTagComment), f.props.String(mapi.PidTagContainerClass))
	for _, v := range m.state.indexes[f.id].sorted(func(*message) bool { return true }) {
		m.copyMessage(v, g.id)
	}
	if recursive {
		for _, c := range children {
			m.copyTree(c, g.id, c.name(), true)
		}
	}
}

// emptyFolder deletes what is in a folder, but not the folder.
func (m *Mailbox) emptyFolder(f *folder, associated, hard bool) {
	for _, child := range m.children(f.id) {
		if !m.isSpecial(child.id) {
			m.removeFolder(child, hard)
		}
	}
	for _, v := range m.state.indexes[f.id].sorted(func(v *message) bool { return associated || !v.fai }) {
		m.removeMessage(v, hard)
	}
}

// deleteMessages reports whether all of the messages were there.
func (op *operation) deleteMessages(f *folder, ids []mapi.MID, hard bool) bool {
	all := true
	for _, id := range ids {
		v, ok := op.box.messageByMID(id)
		if !ok || v.folder != f.id {
			all = false
			continue
		}
		op.box.removeMessage(v, hard)
	}
	return all
}

// moveCopy follows [MS-OXCFOLD] 3.2.5.6.
func (op *operation) moveCopy(q *rop.MoveCopyMessagesRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	d, ok := op.dst.v.(*folderObject)
	if !ok {
		return nil, ecNotSupported
	}
	dst, ok := op.box.liveFolder(d.id)
	if !ok {
		return nil, ecObjectDeleted
	}
	resp := &rop.MoveCopyMessagesResponse{}
	for _, id := range q.MessageIDs {
		v, ok := op.box.messageByMID(id)
		switch {
		case !ok || v.folder != f.id:
			resp.PartialCompletion = true
		case q.WantCopy:
			op.box.copyMessage(v, dst.id)
		default:
			op.box.moveMessage(v, dst.id, op.box.allocID(1))
		}
	}
	return resp, ecSuccess
}

// setReadFlags follows [MS-OXCFOLD] 2.2.1.11 and [MS-OXCMSG] 2.2.3.10; no message id at
// all means every message of the folder.
func (op *operation) setReadFlags(q *rop.SetReadFlagsRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	read, change, ok := readFlagMeaning(q.ReadFlags)
	if !ok {
		return nil, ecInvalidParam
	}
	resp := &rop.SetReadFlagsResponse{}
	if !change {
		return resp, ecSuccess
	}
	if len(q.MessageIDs) == 0 {
		for _, v := range op.box.state.indexes[f.id].sorted(func(v *message) bool { return !v.fai }) {
			op.box.setRead(v, read)
		}
		return resp, ecSuccess
	}
	for _, id := range q.MessageIDs {
		v, ok := op.box.messageByMID(id)
		if !ok || v.folder != f.id {
			resp.PartialCompletion = true
			continue
		}
		op.box.setRead(v, read)
	}
	return resp, ecSuccess
}

// readFlagMeaning tells what ReadFlags ask for: the new read state, and whether it
// is to change at all ([MS-OXCMSG] 2.2.3.10.1).
func readFlagMeaning(flags uint8) (read, change, ok bool) {
	const reserved = 0x0A // rfReserved
	const known = rop.ReadFlagSuppressReceipt | reserved | rop.ReadFlagClearReadFlag |
		rop.ReadFlagGenerateReceiptOnly | rop.ReadFlagClearNotifyRead | rop.ReadFlagClearNotifyUnread
	if flags&^known != 0 {
		return false, false, false
	}
	if flags&rop.ReadFlagGenerateReceiptOnly != 0 {
		return false, false, true
	}
	if flags&rop.ReadFlagClearReadFlag == 0 && flags&(rop.ReadFlagClearNotifyRead|rop.ReadFlagClearNotifyUnread) != 0 && flags&rop.ReadFlagSuppressReceipt == 0 {
		return false, false, true
	}
	return flags&rop.ReadFlagClearReadFlag == 0, true, true
}

// readRestriction decodes a restriction; none at all is nil.
func readRestriction(data []byte) (mapi.Restriction, mapi.ErrorCode) {
	if len(data) == 0 {
		return nil, ecSuccess
	}
	r := wire.NewReader(data)
	res := mapi.ReadRestriction(r)
	if r.Close() != nil {
		return nil, ecInvalidParam
	}
	return res, ecSuccess
}
