package memserver

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
)

// readArchive returns the files of a compressed archive in testdata.
func readArchive(t testing.TB, name string) (names []string, files map[string][]byte) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names, files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

// The recorded mailbox ([mailbox.tar.gz]): its replica, its GUID and its user. The
// bytes of one attachment of 5 MiB are zeroed there and in the recorded answers.
const (
	recordedUser     = "alice@example.test"
	recordedPassword = "secret"
	// What the recorded server gives out next.
	recordedLastCN mapi.GlobCnt = 0x205
	recordedNextID mapi.GlobCnt = 0x280000
)

var (
	recordedReplica = mapi.GUID{0x01, 0, 0, 0, 0xa5, 0x18, 0x7b, 0x6f, 0xbc, 0xdc, 0xea, 0x1e, 0xd0, 0x3c, 0x56, 0x57}
	recordedGUID    = mapi.GUID{0xc0, 0xf3, 0xec, 0x5b, 0xfc, 0x73, 0xc5, 0x43, 0xa5, 0xd7, 0x48, 0x32, 0x8f, 0x61, 0xf0, 0x26}
)

// recordedSpecial are the special folders by the counters of their ids.
var recordedSpecial = map[Special]mapi.GlobCnt{
	FolderRoot: 1, FolderDeferredAction: 2, FolderSpoolerQueue: 3, FolderShortcuts: 4, FolderFinder: 5, FolderViews: 6,
	FolderCommonViews: 7, FolderSchedule: 8, FolderIPMSubtree: 9, FolderSentItems: 0xa, FolderDeletedItems: 0xb, FolderOutbox: 0xc,
	FolderInbox: 0xd, FolderDrafts: 0xe, FolderCalendar: 0xf, FolderJournal: 0x10, FolderNotes: 0x11, FolderTasks: 0x12,
	FolderContacts: 0x13, FolderJunk: 0x17, FolderFreeBusy: 0x18, FolderSyncIssues: 0x19, FolderConflicts: 0x1a,
	FolderLocalFailures: 0x1b, FolderServerFailures: 0x1c,
}

// recordedFolders are the folders whose contents are in the archive.
var recordedFolders = map[string]mapi.GlobCnt{
	"contents-inbox.fxs": 0xd, "contents-alpha.fxs": 0x1e0000, "contents-odd.fxs": 0x220000, "contents-sent.fxs": 0xa, "contents-drafts.fxs": 0xe,
	"contents-calendar.fxs": 0xf, "contents-contacts.fxs": 0x13, "contents-2025.fxs": 0x250000, "contents-2024-headers.fxs": 0x240000,
}

// fillRecorded makes the mailbox that was recorded, with the same ids.
func fillRecorded(t testing.TB, s *Server, dn string) *Mailbox {
	t.Helper()
	m := newMailbox(s, MailboxConfig{
		Address: recordedUser, Password: recordedPassword, DisplayName: "Alice Example", DN: dn, GUID: recordedGUID, Replica: recordedReplica,
	})
	learnNames(t, m, "11-named-properties")
	names, files := readArchive(t, "mailbox.tar.gz")
	for k, id := range recordedSpecial {
		m.state.special[k] = id
	}
	root := &folder{id: 1}
	root.props.Set(mapi.PidTagDisplayName, "Root Container")
	m.stampFolder(root, 0)
	m.putFolder(root)
	for _, e := range elements(t, files["hierarchy.fxs"], fxics.RootHierarchySync) {
		if f, ok := e.(*fxics.FolderChange); ok {
			m.loadFolder(t, f)
		}
	}
	for _, n := range names {
		switch {
		case strings.HasPrefix(n, "contents-"):
			for _, e := range elements(t, files[n], fxics.RootContentsSync) {
				if c, ok := e.(*fxics.MessageChange); ok {
					m.loadMessage(t, recordedFolders[n], c.Header, &c.Message)
				}
			}
		case n == "folder-beta.fxs":
			m.loadCopy(t, files[n])
		}
	}
	m.fillUnknown()
	m.state.lastCN, m.state.nextID = recordedLastCN, recordedNextID
	m.linkSpecialFolders()
	m.state.receive = []receiveFolder{{"", 0xd, 0}, {"IPC", 1, 0}, {"IPM", 0xd, 0}, {"REPORT.IPM", 0xd, 0}}
	if err := s.adopt(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// unknownContents are folders of whose messages no more was recorded than their number.
// All are unread.
var unknownContents = map[mapi.GlobCnt]int{0x1d0000: 8, 0xb: 8, 0x17: 5}

func (m *Mailbox) fillUnknown() {
	for id, n := range unknownContents {
		for i := range n {
			v := &message{id: id&^0xFFFF | 0xFF00 + id&0xFF<<4 + mapi.GlobCnt(i), folder: id, content: mail("not recorded"), cn: 1}
			v.changeKey = m.cnXID(1).ChangeKey()
			v.pcl = v.pcl.Add(m.cnXID(1))
			m.finishContent(v)
			m.putMessage(v)
		}
	}
}

func (m *Mailbox) loadFolder(t testing.TB, c *fxics.FolderChange) {
	t.Helper()
	p := c.Properties
	fid, _ := c.FID()
	parent, _ := c.ParentFID()
	f := &folder{id: fid.Counter(), parent: parent.Counter(), changeKey: c.ChangeKey, pcl: c.PCL, created: p.Time(mapi.PidTagCreationTime), modified: c.LastModified}
	f.search = p.Int(mapi.PidTagFolderType) == 2
	f.cn = counterOf(t, f.changeKey)
	for _, q := range p {
		if _, computed := m.folderComputed(f, q.Tag.ID()); !computed {
			f.props.Put(m.names.canonical(q))
		}
	}
	m.putFolder(f)
}

// counterOf returns the counter of a change key that the server made itself.
func counterOf(t testing.TB, k mapi.ChangeKey) mapi.GlobCnt {
	t.Helper()
	id, ok := mapi.SourceKey(k).LongTermID()
	if !ok || id.GUID != recordedReplica {
		t.Fatalf("change key %v is not of the server", k)
	}
	return id.Counter
}

func (m *Mailbox) loadMessage(t testing.TB, folder mapi.GlobCnt, h mapi.PropertyBag, c *mapi.Message) {
	t.Helper()
	v := &message{folder: folder, fai: h.Bool(mapi.PidTagAssociated), modified: h.Time(mapi.PidTagLastModificationTime), changeKey: mapi.ChangeKey(h.Bytes(mapi.PidTagChangeKey))}
	v.id = mapi.MID(h.Int(mapi.PidTagMid)).Counter()
	pcl, err := mapi.ParsePCL(h.Bytes(mapi.PidTagPredecessorChangeList))
	if err != nil {
		t.Fatal(err)
	}
	if v.changeKey == "" { // copied folders tell less
		v.cn = mapi.CN(h.Int(mapi.PidTagChangeNumber)).Counter()
		v.changeKey = m.cnXID(v.cn).ChangeKey()
		v.pcl = v.pcl.Add(m.cnXID(v.cn))
	} else {
		v.pcl, v.cn = pcl, counterOf(t, v.changeKey)
	}
	v.content = copyContent(c)
	for i := range v.content.Properties {
		v.content.Properties[i] = textual(v.content.Properties[i])
	}
	v.read = v.content.Properties.Int(mapi.PidTagMessageFlags)&int64(flagRead) != 0
	m.finishContent(v)
	if n := h.Int(mapi.PidTagMessageSize); n != 0 {
		v.size = int32(n)
	}
	m.putMessage(v)
}

// loadCopy takes messages from the stream of a copied folder, where each carries its
// ids among its properties.
func (m *Mailbox) loadCopy(t testing.TB, data []byte) {
	t.Helper()
	var open []mapi.GlobCnt
	for _, e := range elements(t, data, fxics.RootTopFolder) {
		switch e := e.(type) {
		case *fxics.FolderStart:
			open = append(open, mapi.FID(e.Properties.Int(mapi.PidTagFolderId)).Counter())
		case *fxics.FolderEnd:
			open = open[:len(open)-1]
		case *fxics.MessageContent:
			m.loadMessage(t, open[len(open)-1], e.Message.Properties, &e.Message)
		}
	}
}

func TestFillRecorded(t *testing.T) {
	s := New(Config{})
	m := fillRecorded(t, s, "/o=x/cn=alice")
	if n := len(m.state.messages); n < 250 {
		t.Errorf("%d messages", n)
	}
	c := dial(t, s, m)
	_, files := readArchive(t, "mailbox.tar.gz")
	want := elements(t, files["contents-odd.fxs"], fxics.RootContentsSync)
	got := c.sync(mapi.NewFID(ownReplID, 0x220000), fxics.ICSState{}, nil)
	if len(got.changes) != len(want)-1 {
		t.Errorf("%d of %d messages", len(got.changes), len(want)-1)
	}
	if !bytes.Equal(files["hierarchy.fxs"][:4], []byte{3, 0, 0x12, 0x40}) {
		t.Error("the archive does not start with a folder change")
	}
}
