package memserver

import (
	"bytes"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/mapi/rop"
)

// collector is a synchronization upload context ([MS-OXCFXICS] 3.2.5.9.4).
type collector struct {
	folder   mapi.GlobCnt
	contents bool
	upload   stateUpload
	state    fxics.ICSState
	given    idset.IDSet // ids of messages that were moved here
}

func importHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.SynchronizationOpenCollectorRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) {
			c := &collector{folder: f.id, contents: q.IsContentsCollector}
			c.upload = stateUpload{state: &c.state, contents: c.contents}
			op.made = c
			return &rop.SynchronizationOpenCollectorResponse{}, ecSuccess
		})
	case *rop.SynchronizationImportMessageChangeRequest:
		return onCollector(true, func(op *operation, c *collector) (rop.Response, mapi.ErrorCode) { return op.importMessage(q, c) })
	case *rop.SynchronizationImportMessageMoveRequest:
		return onCollector(true, func(op *operation, c *collector) (rop.Response, mapi.ErrorCode) { return op.importMove(q, c) })
	case *rop.SynchronizationImportReadStateChangesRequest:
		return onCollector(true, func(op *operation, c *collector) (rop.Response, mapi.ErrorCode) { return op.importReadStates(q, c) })
	case *rop.SynchronizationImportHierarchyChangeRequest:
		return onCollector(false, func(op *operation, c *collector) (rop.Response, mapi.ErrorCode) { return op.importFolder(q, c) })
	case *rop.SynchronizationImportDeletesRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) {
			c, ok := op.in.v.(*collector)
			if !ok {
				return nil, ecNotSupported
			}
			return op.importDeletes(q, c)
		}
	}
	return nil
}

// onCollector wraps operations on a collector of one kind whose folder is still
// there. The first of them ends the upload of the state.
func onCollector(contents bool, h func(*operation, *collector) (rop.Response, mapi.ErrorCode)) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		c, ok := op.in.v.(*collector)
		if !ok || c.contents != contents {
			return nil, ecNotSupported
		}
		if _, ok := op.box.liveFolder(c.folder); !ok {
			return nil, ecSyncDeleted
		}
		c.upload.sealed = true
		return h(op, c)
	}
}

// importTags are the properties of a message change, in this order
// ([MS-OXCFXICS] 2.2.3.2.4.2.1).
var importTags = []mapi.PropertyTag{
	mapi.PidTagSourceKey, mapi.PidTagLastModificationTime, mapi.PidTagChangeKey, mapi.PidTagPredecessorChangeList,
}

// exactly reports whether values are those of tags, no more and in the same order.
func exactly(values []mapi.Property, tags []mapi.PropertyTag) bool {
	if len(values) != len(tags) {
		return false
	}
	for i, p := range values {
		if p.Tag != tags[i] {
			return false
		}
	}
	return true
}

// versionOf reads the version that a client tells of a change.
func versionOf(bag mapi.PropertyBag) (key mapi.ChangeKey, pcl mapi.PCL, ok bool) {
	key = mapi.ChangeKey(bag.Bytes(mapi.PidTagChangeKey))
	x, err := key.XID()
	if err != nil {
		return "", nil, false
	}
	if pcl, err = mapi.ParsePCL(bag.Bytes(mapi.PidTagPredecessorChangeList)); err != nil {
		return "", nil, false
	}
	return key, pcl.Add(x), true
}

// importMessage follows [MS-OXCFXICS] 3.2.5.9.4.2.
func (op *operation) importMessage(q *rop.SynchronizationImportMessageChangeRequest, c *collector) (rop.Response, mapi.ErrorCode) {
	if q.ImportFlag&^(rop.ImportAssociated|rop.ImportFailOnConflict) != 0 || !exactly(q.PropertyValues, importTags) {
		return nil, ecInvalidParam
	}
	bag := mapi.PropertyBag(q.PropertyValues)
	sk := mapi.SourceKey(bag.Bytes(mapi.PidTagSourceKey))
	key, pcl, ok := versionOf(bag)
	if !ok || len(sk) == 0 {
		return nil, ecInvalidParam
	}
	m := op.box
	fai := q.ImportFlag&rop.ImportAssociated != 0
	o := &messageObject{
		folder: c.folder, fai: fai, writable: true, dirty: true, draft: &mapi.Message{}, created: m.srv.now(),
		imported: &importedChange{collector: c, sourceKey: sk, modified: bag.Time(mapi.PidTagLastModificationTime), changeKey: key, pcl: pcl},
	}
	id, own := m.ownCounter(sk)
	o.imported.foreign = !own || m.state.foreign[sk] != 0
	o.id = id
	if m.state.gone[id] && own {
		return nil, ecSyncDeleted
	}
	if v := m.state.messages[id]; v != nil && own {
		switch {
		case v.deleted:
			return nil, ecSyncDeleted
		case v.folder != c.folder || v.fai != fai:
			return nil, ecInvalidParam
		case v.pcl.Includes(pcl):
			return nil, ecSyncIgnore
		case !pcl.Includes(v.pcl):
			if q.ImportFlag&rop.ImportFailOnConflict != 0 {
				return nil, ecSyncConflict
			}
			o.imported.conflict = true
		}
		o.base = v
	}
	op.made = o
	return &rop.SynchronizationImportMessageChangeResponse{}, ecSuccess
}

// storeImport stores an imported message change.
func (m *Mailbox) storeImport(o *messageObject, content *mapi.Message) *message {
	imp := o.imported
	v := o.view()
	v.content = content
	v.status &^= statusInConflict // it replaces what was there, versions in conflict too
	if o.base == nil {
		if v.id = o.id; v.id == 0 {
			v.id = m.allocID(1)
		}
		v.created = m.srv.now()
		if imp.foreign {
			v.foreign = imp.sourceKey
		}
	} else {
		m.noteEdit(v, o.base)
	}
	v.changeKey, v.pcl, v.modified = imp.changeKey, imp.pcl, imp.modified
	m.finishContent(v)
	if imp.conflict {
		v = m.resolve(o.base, v)
	}
	v.cn = m.allocCN()
	if o.base != nil && !imp.conflict {
		v.history[len(v.history)-1].cn = v.cn
	}
	m.putMessage(v)
	kind := eventModified
	if o.base == nil {
		kind = eventCreated
	}
	m.emit(event{kind: kind, folder: v.folder, message: v.id, fai: v.fai})
	m.emitFolderChanged(v.folder)
	if !imp.conflict {
		imp.collector.saw(m, v)
	}
	return v
}

// saw adds the change number of a message to the state of the context.
func (c *collector) saw(m *Mailbox, v *message) {
	if v.fai {
		c.state.SeenFAI.Add(m.longID(v.cn))
	} else {
		c.state.Seen.Add(m.longID(v.cn))
	}
}

// Values of PidTagResolveMethod ([MS-OXCFXICS] 2.2.1.4.1).
const resolveLastWriterWins = 0x00000001

// resolve makes one message of two versions in conflict ([MS-OXCFXICS] 3.1.5.6.2).
func (m *Mailbox) resolve(server, client *message) *message {
	winner, loser := client, server
	if !m.srv.cfg.ImportsOnTop && !laterWriter(client, server) {
		winner, loser = server, client
	}
	v := winner.clone()
	v.id, v.folder, v.foreign, v.created = server.id, server.folder, server.foreign, server.created
	v.read, v.readCN, v.history = server.read, server.readCN, nil
	v.pcl = winner.pcl.Merge(loser.pcl)
	f := m.state.folders[server.folder]
	if v.fai || f != nil && f.props.Int(mapi.PidTagResolveMethod)&resolveLastWriterWins != 0 {
		return v
	}
	c := copyContent(winner.content)
	c.Attachments = slices.DeleteFunc(c.Attachments, isVersion)
	next := nextAttachment(c)
	for _, w := range []*message{winner, loser} {
		for _, e := range conflictVersions(w) {
			c.Attachments = append(c.Attachments, mapi.Attachment{Number: next, Embedded: e, Properties: mapi.PropertyBag{
				{Tag: mapi.PidTagAttachNumber, Value: int32(next)},
				{Tag: mapi.PidTagAttachMethod, Value: int32(5)}, // afEmbeddedMessage
				{Tag: mapi.PidTagInConflict, Value: true},
				{Tag: mapi.PidTagDisplayName, Value: e.Properties.String(mapi.PidTagSubject)},
			}})
			next++
		}
	}
	v.content = c
	v.status |= statusInConflict
	v.size = int32(messageSize(c))
	return v
}

// laterWriter reports whether a wins over b ([MS-OXCFXICS] 3.1.5.6.2.2).
func laterWriter(a, b *message) bool {
	if a.modified != b.modified {
		return a.modified > b.modified
	}
	return bytes.Compare([]byte(a.changeKey), []byte(b.changeKey)) > 0
}

// isVersion reports whether an attachment is a version in conflict ([MS-OXCFXICS] 2.2.1.4.3).
func isVersion(a mapi.Attachment) bool {
	return a.Embedded != nil && a.Properties.Bool(mapi.PidTagInConflict)
}

// conflictVersions returns the versions that a message stands for: itself, or those inside a conflict resolve message, beside
// what became of the one on top since. Each carries its own version properties.
func conflictVersions(v *message) (out []*mapi.Message) {
	for _, a := range v.content.Attachments {
		if v.status&statusInConflict != 0 && isVersion(a) {
			out = append(out, a.Embedded)
		}
	}
	if slices.ContainsFunc(out, func(e *mapi.Message) bool {
		return string(e.Properties.Bytes(mapi.PidTagChangeKey)) == string(v.changeKey)
	}) {
		return out
	}
	e := copyContent(v.content)
	e.Attachments = slices.DeleteFunc(e.Attachments, isVersion)
	e.Properties.Set(mapi.PidTagChangeKey, []byte(v.changeKey))
	e.Properties.Set(mapi.PidTagPredecessorChangeList, v.pcl.Bytes())
	e.Properties.Set(mapi.PidTagLastModificationTime, v.modified)
	return append(out, e)
}
