package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/rop"
)

// importMove follows [MS-OXCFXICS] 3.2.5.9.4.4.
func (op *operation) importMove(q *rop.SynchronizationImportMessageMoveRequest, c *collector) (rop.Response, mapi.ErrorCode) {
	m := op.box
	srcFolder, ok1 := m.ownCounter(mapi.SourceKey(q.SourceFolderID))
	src, ok2 := m.ownCounter(mapi.SourceKey(q.SourceMessageID))
	dst, ok3 := m.ownCounter(mapi.SourceKey(q.DestinationMessageID))
	pcl, err := mapi.ParsePCL(q.PredecessorChangeList)
	_, err2 := mapi.ChangeKey(q.ChangeNumber).XID()
	if !ok3 || err != nil || err2 != nil || len(q.SourceFolderID) == 0 || len(q.SourceMessageID) == 0 {
		return nil, ecInvalidParam
	}
	v, ok := m.liveMessage(src)
	if !ok1 || !ok2 || !ok || v.folder != srcFolder {
		return nil, ecSyncDeleted
	}
	if m.state.messages[dst] != nil || m.state.gone[dst] {
		return nil, ecInvalidParam // ids are never used twice
	}
	resp := &rop.SynchronizationImportMessageMoveResponse{}
	newer := !v.pcl.Includes(pcl)
	w := m.moveMessage(v, c.folder, dst)
	// The change key is that of the server's own change ([MS-OXCFXICS] 3.1.5.3); what
	// both sides knew before the move stays known.
	moved := w.clone()
	if moved.pcl = v.pcl.Merge(pcl).Add(m.cnXID(w.cn)); m.srv.cfg.ForgetfulMoves {
		moved.pcl = mapi.PCL{}.Add(m.cnXID(w.cn))
	}
	m.putMessage(moved)
	c.saw(m, moved)
	c.given.Add(m.longID(moved.id))
	if newer {
		resp.ReturnValue = ecNewerClient
	}
	return resp, ecSuccess
}

// importReadStates follows [MS-OXCFXICS] 3.2.5.9.4.6. Messages that are gone are
// passed over.
func (op *operation) importReadStates(q *rop.SynchronizationImportReadStateChangesRequest, c *collector) (rop.Response, mapi.ErrorCode) {
	m := op.box
	for _, s := range q.MessageReadStates {
		id, ok := m.ownCounter(mapi.SourceKey(s.MessageID))
		if !ok {
			continue
		}
		v, ok := m.liveMessage(id)
		if !ok || v.folder != c.folder || !m.setRead(v, s.MarkAsRead) {
			continue
		}
		if w, ok := m.liveMessage(id); ok {
			c.state.Read.Add(m.longID(w.readCN))
		}
	}
	return &rop.SynchronizationImportReadStateChangesResponse{}, ecSuccess
}

// importDeletes follows [MS-OXCFXICS] 3.2.5.9.4.5.
func (op *operation) importDeletes(q *rop.SynchronizationImportDeletesRequest, c *collector) (rop.Response, mapi.ErrorCode) {
	m := op.box
	folders := q.ImportDeleteFlags&rop.ImportDeleteHierarchy != 0
	if q.ImportDeleteFlags&^(rop.ImportDeleteHierarchy|rop.ImportDeleteHard) != 0 || folders == c.contents {
		return nil, ecInvalidParam
	}
	if _, ok := m.liveFolder(c.folder); !ok {
		return nil, ecSyncDeleted
	}
	c.upload.sealed = true
	if len(q.PropertyValues) != 1 {
		return nil, ecInvalidParam
	}
	keys, ok := q.PropertyValues[0].Value.([][]byte)
	if !ok {
		return nil, ecInvalidParam
	}
	hard := q.ImportDeleteFlags&rop.ImportDeleteHard != 0
	if folders {
		for _, k := range keys {
			if id, ok := m.ownCounter(mapi.SourceKey(k)); ok && m.isSpecial(id) {
				return nil, ecAccessDenied // predicted before anything is deleted
			}
		}
	}
	for _, k := range keys {
		id, ok := m.ownCounter(mapi.SourceKey(k))
		switch {
		case !ok:
		case folders:
			m.importFolderDelete(id, c, hard)
		default:
			m.importMessageDelete(id, c, hard)
		}
	}
	return &rop.SynchronizationImportDeletesResponse{}, ecSuccess
}

func (m *Mailbox) importFolderDelete(id mapi.GlobCnt, c *collector, hard bool) {
	f, ok := m.liveFolder(id)
	switch {
	case ok && f.id != c.folder && m.isBelow(f.id, c.folder):
		m.removeFolder(f, hard)
	case m.state.folders[id] == nil && m.state.messages[id] == nil:
		m.state.gone[id] = true // so that it can't come back ([MS-OXCFXICS] 3.2.5.9.4.5)
	}
}

func (m *Mailbox) importMessageDelete(id mapi.GlobCnt, c *collector, hard bool) {
	v, ok := m.liveMessage(id)
	switch {
	case ok && v.folder == c.folder:
		m.removeMessage(v, hard)
	case m.state.messages[id] == nil && m.state.folders[id] == nil:
		m.state.gone[id] = true
	}
}

// hierarchyTags are the HierarchyValues, in this order ([MS-OXCFXICS] 2.2.3.2.4.3.1).
var hierarchyTags = []mapi.PropertyTag{
	mapi.PidTagParentSourceKey, mapi.PidTagSourceKey, mapi.PidTagLastModificationTime, mapi.PidTagChangeKey,
	mapi.PidTagPredecessorChangeList, mapi.PidTagDisplayName,
}

// importFolder follows [MS-OXCFXICS] 3.2.5.9.4.3.
func (op *operation) importFolder(q *rop.SynchronizationImportHierarchyChangeRequest, c *collector) (rop.Response, mapi.ErrorCode) {
	if !exactly(q.HierarchyValues, hierarchyTags) {
		return nil, ecInvalidParam
	}
	m := op.box
	bag := mapi.PropertyBag(q.HierarchyValues)
	sk := mapi.SourceKey(bag.Bytes(mapi.PidTagSourceKey))
	name := bag.String(mapi.PidTagDisplayName)
	key, pcl, ok := versionOf(bag)
	if !ok || len(sk) == 0 || name == "" {
		return nil, ecInvalidParam
	}
	parent := c.folder
	if p := bag.Bytes(mapi.PidTagParentSourceKey); len(p) > 0 {
		id, ok := m.ownCounter(mapi.SourceKey(p))
		if _, live := m.liveFolder(id); !ok || !live {
			return nil, ecSyncNoParent
		}
		parent = id
	}
	id, own := m.ownCounter(sk)
	old := m.state.folders[id]
	switch {
	case own && (m.state.gone[id] || old != nil && old.deleted):
		return nil, ecSyncDeleted
	case own && old == nil && m.state.messages[id] != nil:
		return nil, ecInvalidParam
	case old != nil && own && m.isBelow(parent, old.id):
		return nil, ecFolderCycle
	}
	if !own {
		old = nil
	}
	if other, taken := m.childNamed(parent, name); taken && (old == nil || other.id != old.id) {
		return nil, ecDuplicateName
	}
	f, conflict, code := m.folderVersion(old, key, pcl, bag.Time(mapi.PidTagLastModificationTime))
	if code != ecSuccess {
		return nil, code
	}
	resp := &rop.SynchronizationImportHierarchyChangeResponse{}
	if f == nil {
		return resp, ecSuccess // the server's version won
	}
	if old == nil {
		if f.id = id; !own {
			f.id, f.foreign = m.allocID(1), sk
		}
	}
	m.storeFolderImport(old, f, parent, name, q.PropertyValues)
	if !conflict {
		c.state.Seen.Add(m.longID(f.cn))
	}
	return resp, ecSuccess
}

// folderVersion compares the version that a client brings with the one that is
// there, and returns the folder to store, nil when the server's version stays
// ([MS-OXCFXICS] 3.1.5.6.2.2).
func (m *Mailbox) folderVersion(old *folder, key mapi.ChangeKey, pcl mapi.PCL, modified mapi.FileTime) (f *folder, conflict bool, code mapi.ErrorCode) {
	if old == nil {
		f = &folder{created: m.srv.now()}
		m.stampFolderImport(f, key, pcl, modified)
		return f, false, ecSuccess
	}
	if old.pcl.Includes(pcl) {
		return nil, false, ecSyncIgnore
	}
	f = old.clone()
	if pcl.Includes(old.pcl) {
		m.stampFolderImport(f, key, pcl, modified)
		return f, false, ecSuccess
	}
	merged := old.pcl.Merge(pcl)
	if modified > old.modified {
		m.stampFolderImport(f, key, merged, modified)
		return f, true, ecSuccess
	}
	m.stampFolderImport(f, old.changeKey, merged, old.modified)
	m.putFolder(f)
	return nil, true, ecSuccess
}

// storeFolderImport stores an imported folder with its properties. Those that also
// stand in HierarchyValues, and computed ones, are ignored.
func (m *Mailbox) storeFolderImport(old, f *folder, parent mapi.GlobCnt, name string, props []mapi.Property) {
	f.parent = parent
	f.props.Set(mapi.PidTagDisplayName, name)
	for _, p := range props {
		p = m.fromWire(p)
		if p.Tag.ID() == mapi.PidTagDisplayName.ID() || internalProperty(p.Tag.ID()) {
			continue
		}
		if _, computed := m.folderComputed(f, p.Tag.ID()); computed && p.Name.IsZero() {
			continue
		}
		f.props.Put(textual(p))
	}
	m.putFolder(f)
	switch {
	case old == nil:
		m.emit(event{kind: eventCreated, folder: f.id, parent: parent})
	case old.parent != parent:
		m.emit(event{kind: eventMoved, folder: f.id, parent: parent, oldFolder: f.id, oldParent: old.parent})
		m.emitFolderChanged(old.parent)
	default:
		m.emit(event{kind: eventModified, folder: f.id, parent: parent})
	}
	m.emitFolderChanged(parent)
}
