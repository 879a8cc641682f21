package memserver

import (
	"cmp"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/mapi/rop"
)

// download is a synchronization download context: what the client asked for, and
// what it says that it holds ([MS-OXCFXICS] 3.2.5.9.1).
type download struct {
	box       *Mailbox
	folder    mapi.GlobCnt
	hierarchy bool
	flags     uint16
	extra     uint32
	send      sendOptions
	restrict  mapi.Restriction
	filter    *filter

	upload   stateUpload
	initial  fxics.ICSState
	final    fxics.ICSState
	finished bool
}

func (d *download) has(flag uint16) bool  { return d.flags&flag != 0 }
func (d *download) wants(bit uint32) bool { return d.extra&bit != 0 }

func syncHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.SynchronizationConfigureRequest:
		return onFolder(func(op *operation, f *folder) (rop.Response, mapi.ErrorCode) { return op.syncConfigure(q, f) })
	case *rop.SynchronizationUploadStateStreamBeginRequest:
		return onState(func(u *stateUpload) mapi.ErrorCode { return u.begin(q.StateProperty, q.TransferBufferSize) },
			func() rop.Response { return &rop.SynchronizationUploadStateStreamBeginResponse{} })
	case *rop.SynchronizationUploadStateStreamContinueRequest:
		return onState(func(u *stateUpload) mapi.ErrorCode { return u.add(q.StreamData) },
			func() rop.Response { return &rop.SynchronizationUploadStateStreamContinueResponse{} })
	case *rop.SynchronizationUploadStateStreamEndRequest:
		return onState((*stateUpload).end, func() rop.Response { return &rop.SynchronizationUploadStateStreamEndResponse{} })
	case *rop.SynchronizationGetTransferStateRequest:
		return (*operation).transferState
	case *rop.FastTransferSourceGetBufferRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.getBuffer(q) }
	}
	return nil
}

// knownSyncFlags are the flags that RopSynchronizationConfigure may carry.
const knownSyncFlags = rop.SyncUnicode | rop.SyncNoDeletions | rop.SyncIgnoreNoLongerInScope | rop.SyncReadState | rop.SyncFAI |
	rop.SyncNormal | rop.SyncOnlySpecifiedProperties | rop.SyncNoForeignIdentifiers | rop.SyncBestBody |
	rop.SyncIgnoreSpecifiedOnFAI | rop.SyncProgress

// syncConfigure follows [MS-OXCFXICS] 3.2.5.9.1.1.
func (op *operation) syncConfigure(q *rop.SynchronizationConfigureRequest, f *folder) (rop.Response, mapi.ErrorCode) {
	if q.SynchronizationType != rop.SyncContents && q.SynchronizationType != rop.SyncHierarchy {
		return nil, ecInvalidParam
	}
	// Bit 0x1000 is reserved and has to be 0; unknown bits fail as well.
	if q.SynchronizationFlags&^knownSyncFlags != 0 {
		return nil, ecInvalidParam
	}
	d := &download{
		box: op.box, folder: f.id, hierarchy: q.SynchronizationType == rop.SyncHierarchy,
		flags: q.SynchronizationFlags, extra: q.SynchronizationExtraFlags,
	}
	var code mapi.ErrorCode
	if d.send, code = op.sendOptions(q.SendOptions); code != ecSuccess {
		return nil, code
	}
	if d.hierarchy && len(q.RestrictionData) > 0 {
		return nil, ecInvalidParam
	}
	if d.restrict, code = readRestriction(q.RestrictionData); code != ecSuccess {
		return nil, code
	}
	d.filter = op.box.newFilter(d.has(rop.SyncOnlySpecifiedProperties), q.PropertyTags)
	d.upload = stateUpload{state: &d.initial, contents: !d.hierarchy}
	s := &source{root: fxics.RootContentsSync, prepare: d.contents, sync: d}
	if d.hierarchy {
		s.root, s.prepare = fxics.RootHierarchySync, d.folders
	}
	op.made = s
	return &rop.SynchronizationConfigureResponse{}, ecSuccess
}

// folders works out a hierarchy synchronization.
func (d *download) folders() []step {
	d.upload.sealed = true
	m := d.box
	d.final = d.initial.Clone()
	var steps []step
	var inScope idset.GlobSet
	for _, f := range m.descendants(d.folder) {
		inScope.Add(f.id)
		if !d.initial.Seen.Contains(m.longID(f.cn)) {
			e := d.folderChange(f)
			steps = append(steps, element(e))
		}
	}
	n := len(steps)
	m.srv.stats.add(func(st *Stats) { st.FoldersSent += uint64(n) })
	var gone idset.GlobSet
	if !d.has(rop.SyncNoDeletions) {
		gone = d.initial.Given.Get(m.cfg.Replica).Subtract(inScope)
	}
	if !gone.IsEmpty() {
		steps = append(steps, element(&fxics.Deletions{Deleted: replSet(gone)}))
	}
	d.final.Given = givenAfter(d.initial.Given, m.cfg.Replica, inScope, gone)
	d.final.Seen.AddRange(m.cfg.Replica, idset.Range{Low: 1, High: max(m.state.lastCN, 1)})
	return append(steps, element(&fxics.State{ICSState: d.stateOut()}))
}

// stateOut returns the final state of the kind that is being synchronized.
func (d *download) stateOut() fxics.ICSState {
	if d.hierarchy {
		return fxics.ICSState{Given: d.final.Given, Seen: d.final.Seen}
	}
	return d.final
}

// replSet puts own ids into the form in which a server tells them.
func replSet(g idset.GlobSet) idset.ReplSet {
	var s idset.ReplSet
	s.AddSet(ownReplID, g)
	return s
}

// givenAfter is IdsetGiven of the final state ([MS-OXCFXICS] 3.2.5.3): what was given
// and what is there now, without what was deleted.
func givenAfter(given idset.IDSet, replica mapi.GUID, now, gone idset.GlobSet) idset.IDSet {
	own := given.Get(replica).Union(now).Subtract(gone)
	out := given.Clone()
	out.RemoveRange(replica, idset.Range{Low: 0, High: mapi.MaxGlobCnt})
	out.AddSet(replica, own)
	return out
}

// folderChange builds the element of one folder.
func (d *download) folderChange(f *folder) *fxics.FolderChange {
	m := d.box
	get := func(id uint16) (any, bool) {
		v, ok := m.folderComputed(f, id)
		switch mapi.NewTag(id, 0) {
		case 0x65E00000:
			return []byte(d.folderKey(f)), true
		case 0x65E10000:
			return d.parentKey(f), true
		}
		return v, ok
	}
	var bag mapi.PropertyBag
	put := func(t mapi.PropertyTag) {
		if v, ok := get(t.ID()); ok && v != nil {
			bag.Set(t, v)
		}
	}
	for _, p := range transmitted(f.props) {
		if d.filter.wants(p.Key()) || p.Tag.ID() == mapi.PidTagDisplayName.ID() {
			bag = append(bag, d.send.text(p))
		}
	}
	for _, t := range []mapi.PropertyTag{
		mapi.PidTagCreationTime, mapi.PidTagFolderType, mapi.PidTagContentCount, mapi.PidTagContentUnreadCount,
		mapi.PidTagSubfolders, mapi.PidTagAssociatedContentCount, mapi.PidTagHierRev,
	} {
		if d.filter.wantsTag(t) {
			put(t)
		}
	}
	for _, t := range []mapi.PropertyTag{
		mapi.PidTagParentSourceKey, mapi.PidTagSourceKey, mapi.PidTagLastModificationTime, mapi.PidTagChangeKey, mapi.PidTagPredecessorChangeList,
	} {
		put(t)
	}
	if d.wants(rop.SyncExtraEid) {
		put(mapi.PidTagFolderId)
		put(mapi.PidTagParentFolderId)
	}
	return &fxics.FolderChange{Folder: mapi.Folder{Properties: bag}}
}

func (d *download) folderKey(f *folder) mapi.SourceKey {
	if d.has(rop.SyncNoForeignIdentifiers) {
		return d.box.longID(f.id).SourceKey()
	}
	return d.box.sourceKeyOf(f.id, f.foreign)
}

// parentKey is empty for a child of the synchronization root ([MS-OXCFXICS] 2.2.1.2.6).
func (d *download) parentKey(f *folder) []byte {
	if f.parent == d.folder {
		return []byte{}
	}
	if p := d.box.state.folders[f.parent]; p != nil {
		return []byte(d.folderKey(p))
	}
	return []byte{}
}

// contents works out a contents synchronization.
func (d *download) contents() []step {
	d.upload.sealed = true
	m := d.box
	x := m.state.indexes[d.folder]
	if x == nil {
		x = newFolderIndex()
	}
	d.final = d.initial.Clone()
	var inScope, outOfScope, unseen idset.GlobSet
	var changes []*message
	sent := map[mapi.GlobCnt]bool{}
	for _, v := range x.sorted(d.wantsKind) {
		seen := d.sawChange(v)
		if !d.inRestriction(v) {
			outOfScope.Add(v.id)
			if !seen {
				unseen.Add(v.cn)
			}
			continue
		}
		inScope.Add(v.id)
		if !seen {
			changes = append(changes, v)
			sent[v.id] = true
		}
	}
	if d.wants(rop.SyncExtraOrderByDeliveryTime) {
		slices.SortStableFunc(changes, func(a, b *message) int { return cmp.Compare(sortTime(b), sortTime(a)) })
	}
	steps := d.changeSteps(changes)
	del, gone := d.deletions(x, inScope, outOfScope)
	if del != nil {
		steps = append(steps, element(del))
	}
	if reads := d.readChanges(x, inScope, sent); reads != nil {
		steps = append(steps, element(reads))
	}
	d.advance(inScope, gone, unseen)
	return append(steps, element(&fxics.State{ICSState: d.stateOut()}))
}

// wantsKind tells whether messages of this kind are synchronized at all.
func (d *download) wantsKind(v *message) bool {
	if v.fai {
		return d.has(rop.SyncFAI)
	}
	return d.has(rop.SyncNormal)
}

func (d *download) sawChange(v *message) bool {
	cn := d.box.longID(v.cn)
	if v.fai {
		return d.initial.SeenFAI.Contains(cn)
	}
	return d.initial.Seen.Contains(cn)
}

func (d *download) inRestriction(v *message) bool {
	return d.restrict == nil || d.box.messageMatcher(v).matches(d.restrict)
}

// sortTime is what OrderByDeliveryTime sorts by ([MS-OXCFXICS] 3.2.5.9.1.1).
func sortTime(v *message) mapi.FileTime {
	if t := v.content.Properties.Time(mapi.PidTagMessageDeliveryTime); t != 0 {
		return t
	}
	return v.modified
}

// deletions tells what the client holds that is no longer there, and returns the
// ids that it will no longer hold.
func (d *download) deletions(x *folderIndex, inScope, outOfScope idset.GlobSet) (*fxics.Deletions, idset.GlobSet) {
	if d.has(rop.SyncNoDeletions) {
		return nil, idset.GlobSet{}
	}
	given := d.initial.Given.Get(d.box.cfg.Replica)
	left := given.Intersect(outOfScope)
	gone := given.Subtract(inScope).Subtract(outOfScope)
	// Messages of a kind that is not synchronized now are neither deleted nor out of
	// scope: the client may ask for them another time.
	for id, v := range x.items {
		if !d.wantsKind(v) {
			gone.Remove(id)
		}
	}
	if d.has(rop.SyncIgnoreNoLongerInScope) {
		left = idset.GlobSet{}
	}
	if gone.IsEmpty() && left.IsEmpty() {
		return nil, idset.GlobSet{}
	}
	return &fxics.Deletions{Deleted: replSet(gone), NoLongerInScope: replSet(left)}, gone.Union(left)
}

// readChanges tells the read states that changed of messages that were not sent.
func (d *download) readChanges(x *folderIndex, inScope idset.GlobSet, sent map[mapi.GlobCnt]bool) *fxics.ReadStateChanges {
	if !d.has(rop.SyncReadState) {
		return nil
	}
	given := d.initial.Given.Get(d.box.cfg.Replica)
	var read, unread idset.GlobSet
	for id, v := range x.items {
		if v.fai || v.readCN == 0 || sent[id] || !inScope.Contains(id) || !given.Contains(id) ||
			d.initial.Read.Contains(d.box.longID(v.readCN)) {
			continue
		}
		if v.read {
			read.Add(id)
		} else {
			unread.Add(id)
		}
	}
	if read.IsEmpty() && unread.IsEmpty() {
		return nil
	}
	return &fxics.ReadStateChanges{Read: replSet(read), Unread: replSet(unread)}
}

// advance works out the final state. A CNSET may cover change numbers of other
// folders, so everything up to the highest one is one range, save for what is in
// the folder but was not sent ([MS-OXCFXICS] 3.2.5.2).
func (d *download) advance(inScope, gone, unseen idset.GlobSet) {
	m := d.box
	d.final.Given = givenAfter(d.initial.Given, m.cfg.Replica, inScope, gone)
	all := idset.NewGlobSet(idset.Range{Low: 1, High: max(m.state.lastCN, 1)})
	seen := all.Subtract(unseen)
	if d.has(rop.SyncNormal) {
		d.final.Seen.AddSet(m.cfg.Replica, seen)
	}
	if d.has(rop.SyncFAI) {
		d.final.SeenFAI.AddSet(m.cfg.Replica, seen)
	}
	if d.has(rop.SyncReadState) {
		d.final.Read.AddSet(m.cfg.Replica, all)
	}
}
