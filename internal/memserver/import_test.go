package memserver

import (
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// clientGUID is the namespace of the changes that the tests make as a client.
var clientGUID = mapi.MustGUID("5c2bd1a1-29c5-4ab8-9a5f-7f3a8f2c1d10")

func clientXID(n byte) mapi.XID {
	return mapi.XID{Namespace: clientGUID, LocalID: string([]byte{0, 0, 0, n})}
}

// reserve gets ids for new objects.
func (c *client) reserve(n uint32) mapi.GlobCnt {
	c.t.Helper()
	return c.must(c.store, &rop.GetLocalReplicaIDsRequest{IDCount: n}).(*rop.GetLocalReplicaIDsResponse).GlobalCount
}

func (c *client) collector(id mapi.FID, contents bool) rop.Handle {
	c.t.Helper()
	return c.mustOpen(c.folder(id), &rop.SynchronizationOpenCollectorRequest{IsContentsCollector: contents})
}

func change(sk mapi.SourceKey, modified mapi.FileTime, key mapi.XID, pcl mapi.PCL, flags uint8) *rop.SynchronizationImportMessageChangeRequest {
	return &rop.SynchronizationImportMessageChangeRequest{ImportFlag: flags, PropertyValues: []mapi.Property{
		{Tag: mapi.PidTagSourceKey, Value: []byte(sk)},
		{Tag: mapi.PidTagLastModificationTime, Value: modified},
		{Tag: mapi.PidTagChangeKey, Value: []byte(key.ChangeKey())},
		{Tag: mapi.PidTagPredecessorChangeList, Value: pcl.Add(key).Bytes()},
	}}
}

// put uploads a message with a subject and saves it.
func (c *client) put(col rop.Handle, q *rop.SynchronizationImportMessageChangeRequest, subject string) mapi.ErrorCode {
	c.t.Helper()
	h, r := c.open(col, q)
	if r.Result() != 0 {
		return r.Result()
	}
	c.must(h, &rop.SetPropertiesRequest{PropertyValues: []mapi.Property{{Tag: mapi.PidTagSubject, Value: subject}}})
	return c.do(h, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadOnly}).Result()
}

// transferState downloads the state of a context.
func (c *client) transferState(h rop.Handle) fxics.ICSState {
	c.t.Helper()
	s := c.mustOpen(h, &rop.SynchronizationGetTransferStateRequest{})
	return elements(c.t, c.fetch(s), fxics.RootState)[0].(*fxics.State).ICSState
}

func TestImportNewMessage(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	c := dial(t, s, m)
	first := c.sync(inbox, fxics.ICSState{}, nil)
	id := c.reserve(10)
	col := c.collector(inbox, true)
	c.upload(col, first.state, true)
	sk := m.longID(id).SourceKey()
	if code := c.put(col, change(sk, 1000, clientXID(1), nil, 0), "uploaded"); code != 0 {
		t.Fatal(code)
	}
	st := c.transferState(col)
	if !st.Given.IsEmpty() { // MS-OXCFXICS_R1885
		t.Error("the state of an upload tells ids")
	}
	first.state.Seen = first.state.Seen.Union(st.Seen)
	if again := c.sync(inbox, first.state, nil); len(again.changes) != 0 {
		t.Error("the client's own upload comes back")
	}
	all := c.sync(inbox, fxics.ICSState{}, nil)
	if len(all.changes) != 1 {
		t.Fatalf("%d messages", len(all.changes))
	}
	e := all.changes[0]
	if e.SourceKey() != sk || e.ChangeKey() != clientXID(1).ChangeKey() || !e.PCL().Contains(clientXID(1)) || e.LastModified() != 1000 {
		t.Errorf("MS-OXCFXICS_R1911: %v %v %v %v", e.SourceKey(), e.ChangeKey(), e.PCL(), e.LastModified())
	}
	// The same upload again is recognized.
	if code := c.put(col, change(sk, 1000, clientXID(1), nil, rop.ImportFailOnConflict), "uploaded"); code != ecSyncIgnore {
		t.Errorf("second upload: %v", code)
	}
}

func TestImportPurges(t *testing.T) { // MS-OXCFXICS_R2229
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("old"))
	c := dial(t, s, m)
	have := c.sync(inbox, fxics.ICSState{}, nil).changes[0]
	col := c.collector(inbox, true)
	if code := c.put(col, change(have.SourceKey(), 5, clientXID(1), have.PCL(), rop.ImportFailOnConflict), "new"); code != 0 {
		t.Fatal(code)
	}
	v, ok := m.messageByMID(mid)
	if !ok {
		t.Fatal("the message is gone")
	}
	if v.content.Properties.Has(mapi.PidTagBody) || len(v.content.Recipients) != 0 || v.content.Properties.String(mapi.PidTagSubject) != "new" {
		t.Errorf("something of the old version is left: %+v", v.content)
	}
}

func TestImportIsInvisibleBeforeSave(t *testing.T) { // MS-OXCFXICS_R2230
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	c := dial(t, s, m)
	h := c.mustOpen(c.collector(inbox, true), change(m.longID(c.reserve(1)).SourceKey(), 5, clientXID(1), nil, 0))
	c.must(h, &rop.SetPropertiesRequest{PropertyValues: []mapi.Property{{Tag: mapi.PidTagSubject, Value: "x"}}})
	if got := c.sync(inbox, fxics.ICSState{}, nil); len(got.changes) != 0 {
		t.Error("an unsaved message is told")
	}
}

func TestImportConflict(t *testing.T) {
	for name, tc := range map[string]struct {
		flags    uint8
		modified func(mapi.FileTime) mapi.FileTime
		want     mapi.ErrorCode
		winner   string
	}{
		"fail":        {rop.ImportFailOnConflict, func(t mapi.FileTime) mapi.FileTime { return t + 1 }, ecSyncConflict, ""}, // MS-OXCFXICS_R2231
		"client wins": {0, func(t mapi.FileTime) mapi.FileTime { return t + 1 }, ecSuccess, "client"},                       // MS-OXCFXICS_R2232, R1826
		"server wins": {0, func(t mapi.FileTime) mapi.FileTime { return t - 1 }, ecSuccess, "server"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := newServer(t, Config{})
			inbox := m.Folder(FolderInbox)
			mid := deliver(t, m, inbox, mail("base"))
			c := dial(t, s, m)
			have := c.sync(inbox, fxics.ICSState{}, nil).changes[0]
			if err := m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "server") }); err != nil {
				t.Fatal(err)
			}
			now, _ := m.messageByMID(mid)
			q := change(have.SourceKey(), tc.modified(now.modified), clientXID(1), have.PCL(), tc.flags)
			if code := c.put(c.collector(inbox, true), q, "client"); code != tc.want {
				t.Fatalf("%v, not %v", code, tc.want)
			}
			if tc.winner == "" {
				return
			}
			v, _ := m.messageByMID(mid)
			if got := v.content.Properties.String(mapi.PidTagSubject); got != tc.winner {
				t.Errorf("winner %q", got)
			}
			if v.status&statusInConflict == 0 || len(v.content.Attachments) != 2 { // MS-OXCFXICS_R1820, R1821
				t.Errorf("status %#x, %d versions", v.status, len(v.content.Attachments))
			}
			if !v.pcl.Includes(now.pcl) || !v.pcl.Contains(clientXID(1)) { // MS-OXCFXICS_R1815
				t.Errorf("PCL %v", v.pcl)
			}
			// Each version is sent as a message of its own (MS-OXCFXICS_R1816, R1817).
			got := c.sync(inbox, fxics.ICSState{}, nil)
			if len(got.changes) != 2 || got.changes[0].SourceKey() != got.changes[1].SourceKey() || got.changes[0].ChangeKey() == got.changes[1].ChangeKey() {
				t.Errorf("sent %d versions", len(got.changes))
			}
		})
	}
}

func retitleContent(c *mapi.Message, subject string) {
	c.Properties.Set(mapi.PidTagSubject, subject)
	c.Properties.Set(tagNormalizedSubject, subject)
}

func TestImportConflictOfAssociated(t *testing.T) { // MS-OXCFXICS_R3402, R3403
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	msg := mail("settings")
	msg.Properties.Set(mapi.PidTagAssociated, true)
	mid := deliver(t, m, inbox, msg)
	c := dial(t, s, m)
	have := c.sync(inbox, fxics.ICSState{}, nil).changes[0]
	if err := m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "server") }); err != nil {
		t.Fatal(err)
	}
	now, _ := m.messageByMID(mid)
	q := change(have.SourceKey(), now.modified+1, clientXID(1), have.PCL(), rop.ImportAssociated)
	if code := c.put(c.collector(inbox, true), q, "client"); code != 0 {
		t.Fatal(code)
	}
	v, _ := m.messageByMID(mid)
	if v.status&statusInConflict != 0 || len(v.content.Attachments) != 0 || v.content.Properties.String(mapi.PidTagSubject) != "client" {
		t.Errorf("%+v", v)
	}
}

func TestImportOfDeleted(t *testing.T) {
	for _, hard := range []bool{false, true} {
		s, m := newServer(t, Config{})
		inbox := m.Folder(FolderInbox)
		mid := deliver(t, m, inbox, mail("base"))
		c := dial(t, s, m)
		have := c.sync(inbox, fxics.ICSState{}, nil).changes[0]
		if err := m.Delete(mid, hard); err != nil {
			t.Fatal(err)
		}
		if code := c.put(c.collector(inbox, true), change(have.SourceKey(), 5, clientXID(1), have.PCL(), 0), "x"); code != ecSyncDeleted {
			t.Errorf("hard %v: %v", hard, code)
		}
	}
}

func TestImportChangedInBetween(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("base"))
	c := dial(t, s, m)
	have := c.sync(inbox, fxics.ICSState{}, nil).changes[0]
	h := c.mustOpen(c.collector(inbox, true), change(have.SourceKey(), 5, clientXID(1), have.PCL(), rop.ImportFailOnConflict))
	if err := m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "server") }); err != nil {
		t.Fatal(err)
	}
	if r := c.do(h, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadOnly}); r.Result() != ecObjectModified {
		t.Errorf("%v", r.Result())
	}
}

func TestImportReadState(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	fai := mail("settings")
	fai.Properties.Set(mapi.PidTagAssociated, true)
	assoc := deliver(t, m, inbox, fai)
	c := dial(t, s, m)
	first := c.sync(inbox, fxics.ICSState{}, nil)
	col := c.collector(inbox, true)
	c.upload(col, first.state, true)
	key := func(id mapi.MID) []byte { return []byte(m.longID(id.Counter()).SourceKey()) }
	c.must(col, &rop.SynchronizationImportReadStateChangesRequest{MessageReadStates: []rop.MessageReadState{
		{MessageID: key(mid), MarkAsRead: true}, {MessageID: key(assoc), MarkAsRead: true}, {MessageID: key(mapi.NewMID(1, 0x7777)), MarkAsRead: true},
	}})
	v, _ := m.messageByMID(mid)
	a, _ := m.messageByMID(assoc)
	if !v.read || a.read { // MS-OXCFXICS_R2259
		t.Errorf("read %v, associated %v", v.read, a.read)
	}
	st := c.transferState(col) // MS-OXCFXICS_R2260
	if !st.Read.Contains(m.longID(v.readCN)) {
		t.Error("the new change number is not in CnsetRead")
	}
	first.state.Read = st.Read
	if again := c.sync(inbox, first.state, nil); again.reads != nil || len(again.changes) != 0 {
		t.Error("the client's own change comes back")
	}
}

func TestImportMove(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox, dst := m.Folder(FolderInbox), m.CreateFolder("Archive")
	deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	before := c.sync(inbox, fxics.ICSState{}, nil)
	have := before.changes[0]
	id := c.reserve(1)
	col := c.collector(dst, true)
	q := &rop.SynchronizationImportMessageMoveRequest{
		SourceFolderID: []byte(m.longID(inbox.Counter()).SourceKey()), SourceMessageID: []byte(have.SourceKey()),
		PredecessorChangeList: have.PCL().Bytes(), DestinationMessageID: []byte(m.longID(id).SourceKey()), ChangeNumber: []byte(clientXID(1).ChangeKey()),
	}
	if r := c.must(col, q).(*rop.SynchronizationImportMessageMoveResponse); r.MessageID != 0 {
		t.Errorf("message id %v", r.MessageID)
	}
	there := c.sync(dst, fxics.ICSState{}, nil)
	if len(there.changes) != 1 || there.changes[0].SourceKey() != m.longID(id).SourceKey() || !there.changes[0].PCL().Includes(have.PCL()) {
		t.Fatalf("moved: %+v", there.changes)
	}
	if here := c.sync(inbox, before.state, nil); here.deleted == nil {
		t.Error("the source folder does not tell the message as deleted")
	}
	if st := c.transferState(col); st.Seen.IsEmpty() { // MS-OXCFXICS_R2246
		t.Error("the state lacks the new change number")
	}
	if r := c.do(col, q); r.Result() != ecSyncDeleted {
		t.Errorf("second move: %v", r.Result())
	}
}

func TestImportDeletes(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	soft, hard := deliver(t, m, inbox, mail("soft")), deliver(t, m, inbox, mail("hard"))
	folder := m.CreateFolder("Old")
	c := dial(t, s, m)
	list := func(ids ...mapi.GlobCnt) []mapi.Property {
		var keys [][]byte
		for _, id := range ids {
			keys = append(keys, []byte(m.longID(id).SourceKey()))
		}
		return []mapi.Property{{Tag: 0x00001102, Value: keys}}
	}
	never := c.reserve(1)
	col := c.collector(inbox, true)
	c.must(col, &rop.SynchronizationImportDeletesRequest{PropertyValues: list(soft.Counter(), never)})
	c.must(col, &rop.SynchronizationImportDeletesRequest{ImportDeleteFlags: rop.ImportDeleteHard, PropertyValues: list(hard.Counter())})
	c.must(col, &rop.SynchronizationImportDeletesRequest{PropertyValues: list(soft.Counter())}) // MS-OXCFXICS_R2250
	if _, ok := m.state.messages[hard.Counter()]; ok {
		t.Error("hard deletion left something")
	}
	if v := m.state.messages[soft.Counter()]; v == nil || !v.deleted {
		t.Error("soft deletion left nothing")
	}
	// What was deleted before it came can't come any more (MS-OXCFXICS_R2251).
	if code := c.put(col, change(m.longID(never).SourceKey(), 5, clientXID(1), nil, 0), "x"); code != ecSyncDeleted {
		t.Errorf("import after deletion: %v", code)
	}
	top := c.collector(m.Folder(FolderIPMSubtree), false)
	c.must(top, &rop.SynchronizationImportDeletesRequest{ImportDeleteFlags: rop.ImportDeleteHierarchy, PropertyValues: list(folder.Counter())})
	if _, ok := m.FindFolder("Old"); ok {
		t.Error("the folder is still there")
	}
	if r := c.do(top, &rop.SynchronizationImportDeletesRequest{ImportDeleteFlags: rop.ImportDeleteHierarchy, PropertyValues: list(inbox.Counter())}); r.Result() == 0 {
		t.Error("the Inbox was deleted")
	}
}

func folderChange(parent, sk mapi.SourceKey, name string, modified mapi.FileTime, key mapi.XID, pcl mapi.PCL) *rop.SynchronizationImportHierarchyChangeRequest {
	return &rop.SynchronizationImportHierarchyChangeRequest{
		HierarchyValues: []mapi.Property{
			{Tag: mapi.PidTagParentSourceKey, Value: []byte(parent)}, {Tag: mapi.PidTagSourceKey, Value: []byte(sk)},
			{Tag: mapi.PidTagLastModificationTime, Value: modified}, {Tag: mapi.PidTagChangeKey, Value: []byte(key.ChangeKey())},
			{Tag: mapi.PidTagPredecessorChangeList, Value: pcl.Add(key).Bytes()}, {Tag: mapi.PidTagDisplayName, Value: name},
		},
		PropertyValues: []mapi.Property{{Tag: mapi.PidTagContainerClass, Value: "IPF.Note"}, {Tag: mapi.PidTagDisplayName, Value: "ignored"}},
	}
}

func TestImportHierarchyChange(t *testing.T) {
	s, m := newServer(t, Config{})
	top := m.Folder(FolderIPMSubtree)
	c := dial(t, s, m)
	col := c.collector(top, false)
	id := c.reserve(2)
	a, b := m.longID(id).SourceKey(), m.longID(id+1).SourceKey()
	c.must(col, folderChange("", a, "Parent", 100, clientXID(1), nil))
	c.must(col, folderChange(a, b, "Child", 100, clientXID(2), nil))
	fid, ok := m.FindFolder("Parent", "Child")
	if !ok || fid.Counter() != id+1 {
		t.Fatalf("child %v %v", fid, ok)
	}
	f := m.state.folders[id]
	if f.props.String(mapi.PidTagContainerClass) != "IPF.Note" || f.name() != "Parent" { // MS-OXCFXICS_R2243
		t.Errorf("properties %v", f.props)
	}
	if st := c.transferState(col); !st.Seen.Contains(m.longID(f.cn)) { // MS-OXCFXICS_R2235
		t.Error("the state lacks the new change number")
	}
	for _, tc := range []struct {
		name string
		q    *rop.SynchronizationImportHierarchyChangeRequest
		want mapi.ErrorCode
	}{
		{"again", folderChange("", a, "Parent", 100, clientXID(1), nil), ecSyncIgnore},
		{"name taken", folderChange("", m.longID(c.reserve(1)).SourceKey(), "parent", 100, clientXID(3), nil), ecDuplicateName},
		{"no parent", folderChange(m.longID(0x999999).SourceKey(), m.longID(c.reserve(1)).SourceKey(), "Lost", 100, clientXID(3), nil), ecSyncNoParent},
		{"below itself", folderChange(b, a, "Parent", 100, clientXID(4), f.pcl), ecFolderCycle},
		{"rename and move", folderChange("", b, "Moved", 101, clientXID(5), m.state.folders[id+1].pcl), ecSuccess},
	} {
		if r := c.do(col, tc.q); r.Result() != tc.want {
			t.Errorf("%s: %v, not %v", tc.name, r.Result(), tc.want)
		}
	}
	if _, ok := m.FindFolder("Moved"); !ok {
		t.Error("the folder did not move")
	}
}

func TestImportHierarchyConflict(t *testing.T) { // MS-OXCFXICS_R2237, R2239, R2242, R1829
	for name, tc := range map[string]struct {
		later int
		want  string
	}{"server wins": {0, "server"}, "client wins": {1, "client"}} {
		t.Run(name, func(t *testing.T) {
			s, m := newServer(t, Config{})
			top := m.Folder(FolderIPMSubtree)
			fid := m.CreateFolder("base")
			c := dial(t, s, m)
			base := m.state.folders[fid.Counter()]
			if err := m.RenameFolder(fid, "server"); err != nil {
				t.Fatal(err)
			}
			now := m.state.folders[fid.Counter()]
			col := c.collector(top, false)
			c.must(col, folderChange("", m.longID(fid.Counter()).SourceKey(), "client", now.modified+mapi.FileTime(tc.later), clientXID(1), base.pcl))
			f := m.state.folders[fid.Counter()]
			if f.name() != tc.want || !f.pcl.Includes(now.pcl) || !f.pcl.Contains(clientXID(1)) {
				t.Errorf("%q %v", f.name(), f.pcl)
			}
			if st := c.transferState(col); st.Seen.Contains(m.longID(f.cn)) {
				t.Error("the client would not download the result")
			}
		})
	}
}
