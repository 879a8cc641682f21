package memserver

import (
	"errors"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// contentsConfig is a valid request to change.
func contentsConfig() *rop.SynchronizationConfigureRequest {
	return &rop.SynchronizationConfigureRequest{SynchronizationType: rop.SyncContents, SendOptions: rop.SendUnicode, SynchronizationFlags: contentsFlags}
}

// TestRefusals has requests that a server has to fail, each with the requirement
// that says so.
func TestRefusals(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	folder := c.folder(inbox)
	contents, hierarchy := c.collector(inbox, true), c.collector(m.Folder(FolderIPMSubtree), false)
	download := c.mustOpen(folder, contentsConfig())
	running := c.mustOpen(folder, contentsConfig())
	c.do(running, &rop.FastTransferSourceGetBufferRequest{BufferSize: 200})
	hierarchyDownload := c.mustOpen(folder, &rop.SynchronizationConfigureRequest{SynchronizationType: rop.SyncHierarchy, SendOptions: rop.SendUnicode})
	table := c.mustOpen(folder, &rop.GetContentsTableRequest{})
	sk := m.longID(c.reserve(1)).SourceKey()
	configure := func(f func(*rop.SynchronizationConfigureRequest)) rop.Request {
		q := contentsConfig()
		f(q)
		return q
	}
	message := func(f func(*rop.SynchronizationImportMessageChangeRequest)) rop.Request {
		q := change(sk, 5, clientXID(1), nil, 0)
		f(q)
		return q
	}
	for _, tc := range []struct {
		requirement string
		on          rop.Handle
		q           rop.Request
		want        mapi.ErrorCode // 0: any failure
	}{
		{"MS-OXCFXICS_R2160", folder, configure(func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationType = 0x09 }), 0},
		{"MS-OXCFXICS_R2695", folder, configure(func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationType = 0x04 }), ecInvalidParam},
		{"MS-OXCFXICS_R2180", folder, configure(func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationFlags |= 0x1000 }), 0},
		{"MS-OXCFXICS_R2189", folder, configure(func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationFlags |= 0x0400 }), 0},
		{"MS-OXCFXICS_R2101", folder, configure(func(q *rop.SynchronizationConfigureRequest) { q.SendOptions |= 0x80 }), 0},
		{"malformed restriction", folder, configure(func(q *rop.SynchronizationConfigureRequest) { q.RestrictionData = []byte{0x77, 1} }), ecInvalidParam},
		{"MS-OXCFXICS_R2096", folder, &rop.FastTransferSourceCopyToRequest{CopyFlags: 0x80000000, SendOptions: rop.SendUnicode}, 0},
		{"MS-OXCFXICS_R3442", folder, &rop.FastTransferSourceCopyToRequest{CopyFlags: rop.CopyMove, SendOptions: rop.SendUnicode}, ecInvalidParam},
		{"MS-OXCFXICS_R2101 CopyTo", folder, &rop.FastTransferSourceCopyToRequest{SendOptions: 0x80}, 0},
		{"MS-OXCFXICS_R2105", folder, &rop.FastTransferSourceCopyPropertiesRequest{CopyFlags: 0x80, SendOptions: rop.SendUnicode}, 0},
		{"MS-OXCFXICS_R2120", folder, &rop.FastTransferSourceCopyMessagesRequest{SendOptions: 0x80}, 0},
		{"MS-OXCFXICS_R2131", folder, &rop.FastTransferSourceCopyFolderRequest{CopyFlags: 0x80, SendOptions: rop.SendUnicode}, 0},
		{"MS-OXCFXICS_R2134", folder, &rop.FastTransferSourceCopyFolderRequest{SendOptions: 0x80}, 0},
		{"ForUpload with RecoverMode", folder, &rop.FastTransferSourceCopyFolderRequest{SendOptions: rop.SendForUpload | rop.SendRecoverMode}, ecInvalidParam},

		{"MS-OXCFXICS_R733", download, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagIdsetDeleted}, ecInvalidParam},
		{"MS-OXCFXICS_R733 hierarchy", hierarchyDownload, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagCnsetRead}, ecInvalidParam},
		{"MS-OXCFXICS_R731", folder, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagCnsetSeen}, 0},
		{"state after GetBuffer", running, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagCnsetSeen}, 0},
		{"Continue without Begin", download, &rop.SynchronizationUploadStateStreamContinueRequest{StreamData: []byte{1}}, 0},
		{"End without Begin", download, &rop.SynchronizationUploadStateStreamEndRequest{}, 0},
		{"MS-OXCFXICS_R762", folder, &rop.SynchronizationGetTransferStateRequest{}, 0},

		{"MS-OXCFXICS_R3509", contents, message(func(q *rop.SynchronizationImportMessageChangeRequest) { q.ImportFlag = 0x02 }), 0},
		{"2.2.3.2.4.2.1 missing", contents, message(func(q *rop.SynchronizationImportMessageChangeRequest) { q.PropertyValues = q.PropertyValues[:3] }), ecInvalidParam},
		{"2.2.3.2.4.2.1 order", contents, message(func(q *rop.SynchronizationImportMessageChangeRequest) {
			p := q.PropertyValues
			p[0], p[1] = p[1], p[0]
		}), ecInvalidParam},
		{"2.2.3.2.4.2.1 one more", contents, message(func(q *rop.SynchronizationImportMessageChangeRequest) {
			q.PropertyValues = append(q.PropertyValues, mapi.Property{Tag: mapi.PidTagSubject, Value: "x"})
		}), ecInvalidParam},
		{"change key that is no XID", contents, message(func(q *rop.SynchronizationImportMessageChangeRequest) { q.PropertyValues[2].Value = []byte{1, 2} }), ecInvalidParam},
		{"malformed PCL", contents, message(func(q *rop.SynchronizationImportMessageChangeRequest) { q.PropertyValues[3].Value = []byte{200, 2} }), ecInvalidParam},
		{"message into a hierarchy", hierarchy, change(sk, 5, clientXID(1), nil, 0), 0},
		{"folder into contents", contents, folderChange("", sk, "x", 5, clientXID(1), nil), 0},
		{"2.2.3.2.4.3.1 missing", hierarchy, func() rop.Request {
			q := folderChange("", sk, "x", 5, clientXID(1), nil)
			q.HierarchyValues = q.HierarchyValues[:5]
			return q
		}(), ecInvalidParam},
		{"folder without a name", hierarchy, folderChange("", sk, "", 5, clientXID(1), nil), ecInvalidParam},
		{"MS-OXCFXICS_R2254", contents, &rop.SynchronizationImportDeletesRequest{ImportDeleteFlags: 0x08, PropertyValues: []mapi.Property{{Tag: 0x00001102, Value: [][]byte{}}}}, 0},
		{"folders deleted by contents", contents, &rop.SynchronizationImportDeletesRequest{ImportDeleteFlags: rop.ImportDeleteHierarchy, PropertyValues: []mapi.Property{{Tag: 0x00001102, Value: [][]byte{}}}}, 0},
		{"deletes without a list", contents, &rop.SynchronizationImportDeletesRequest{}, ecInvalidParam},
		{"collector on a store", c.store, &rop.SynchronizationOpenCollectorRequest{}, 0},

		{"MS-OXCSTOR_R859", c.store, &rop.SetReceiveFolderRequest{FolderID: inbox, MessageClass: "IPM"}, ecAccessDenied},
		{"MS-OXCSTOR_R860", c.store, &rop.SetReceiveFolderRequest{}, ecError},
		{"MS-OXCSTOR_R858", c.store, &rop.SetReceiveFolderRequest{FolderID: inbox, MessageClass: "IPM..Note"}, ecInvalidParam},
		{"MS-OXCSTOR_R59785", c.store, &rop.GetReceiveFolderRequest{MessageClass: ".x"}, ecInvalidParam},
		{"MS-OXCSTOR_R882", c.store, &rop.GetStoreStateRequest{}, ecNotImplemented},
		{"MS-OXCSTOR_R94801", c.store, &rop.IDFromLongTermIDRequest{LongTermID: mapi.LongTermID{Counter: 5}}, ecInvalidParam},

		{"MS-OXCTABL no columns", table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 1}, ecNullObject},
		{"MS-OXCTABL no column at all", table, &rop.SetColumnsRequest{}, ecInvalidParam},
		{"MS-OXCTABL async flag", table, &rop.SetColumnsRequest{SetColumnsFlags: 0x80, PropertyTags: []mapi.PropertyTag{mapi.PidTagMid}}, ecInvalidParam},
		{"MS-OXCFOLD folder type", folder, &rop.CreateFolderRequest{FolderType: 7, DisplayName: "x"}, ecInvalidParam},
		{"MS-OXCFOLD no such folder", folder, &rop.DeleteFolderRequest{FolderID: mapi.NewFID(1, 0x7777)}, ecNotFound},
		{"MS-OXCFOLD no such folder to open", c.store, &rop.OpenFolderRequest{FolderID: mapi.NewFID(1, 0x7777)}, ecNotFound},
		{"MS-OXCNOTIF no types", c.store, &rop.RegisterNotificationRequest{WantWholeStore: true}, ecInvalidParam},
	} {
		var got mapi.ErrorCode
		if (rop.Call{Request: tc.q}).Creates() {
			_, r := c.open(tc.on, tc.q)
			got = r.Result()
		} else {
			got = c.do(tc.on, tc.q).Result()
		}
		if got == 0 || tc.want != 0 && got != tc.want {
			t.Errorf("%s: %v, not %v", tc.requirement, got, tc.want)
		}
	}
}

// TestIgnored has flags that a server has to ignore.
func TestIgnored(t *testing.T) {
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	folder := c.folder(m.Folder(FolderInbox))
	for name, q := range map[string]rop.Request{
		"MS-OXCFXICS_R397, R399, R401":    &rop.FastTransferSourceCopyToRequest{CopyFlags: 0x0000060E, SendOptions: rop.SendUnicode},
		"MS-OXCFXICS_R42001, R42201":      &rop.FastTransferSourceCopyToRequest{SendOptions: rop.SendUnicode | 0x60},
		"MS-OXCFXICS_R469, R470, R471":    &rop.FastTransferSourceCopyPropertiesRequest{CopyFlags: 0x0E, SendOptions: rop.SendUnicode},
		"MS-OXCFXICS_R496, R497":          &rop.FastTransferSourceCopyMessagesRequest{CopyFlags: 0x06, SendOptions: rop.SendUnicode},
		"MS-OXCFXICS_R2201, R2730":        &rop.SynchronizationConfigureRequest{SynchronizationType: rop.SyncContents, SendOptions: rop.SendUnicode, SynchronizationExtraFlags: 0x10},
		"MS-OXCFXICS_R2183003 (alone ok)": &rop.SynchronizationConfigureRequest{SynchronizationType: rop.SyncContents, SendOptions: rop.SendUnicode, SynchronizationFlags: rop.SyncNormal | rop.SyncIgnoreSpecifiedOnFAI},
	} {
		if _, r := c.open(folder, q); r.Result() != 0 {
			t.Errorf("%s: %v", name, r.Result())
		}
	}
}

func TestMalformedState(t *testing.T) { // [MS-OXCFXICS] 3.1.5.4
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	h := c.mustOpen(c.folder(m.Folder(FolderInbox)), contentsConfig())
	bad := []byte{1, 2, 3}
	c.must(h, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagCnsetSeen, TransferBufferSize: 3})
	c.must(h, &rop.SynchronizationUploadStateStreamContinueRequest{StreamData: bad})
	if r := c.do(h, &rop.SynchronizationUploadStateStreamEndRequest{}); r.Result() == 0 {
		t.Error("malformed state accepted")
	}
	// Another Begin while one is open is out of order.
	c.must(h, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagCnsetSeen})
	if r := c.do(h, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: mapi.MetaTagCnsetSeen}); r.Result() == 0 {
		t.Error("Begin within Begin accepted")
	}
}

func TestLogonRefusals(t *testing.T) {
	s, alice := newServer(t, Config{})
	bob, _ := s.Mailbox("bob@example.test")
	tr, err := s.Transport(alice.Address())
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, tr: tr, cols: rop.Columns{}}
	for name, tc := range map[string]struct {
		q    rop.LogonRequest
		want mapi.ErrorCode
	}{
		"MS-OXCSTOR_R788":   {rop.LogonRequest{LogonFlags: rop.LogonPrivate, OpenFlags: rop.OpenUsePerMDBReplidMapping, Essdn: "/cn=nobody"}, ecUnknownUser},
		"MS-OXCSTOR_R803":   {rop.LogonRequest{LogonFlags: rop.LogonPrivate, Essdn: alice.DN()}, ecInvalidParam},
		"MS-OXCSTOR_R59753": {rop.LogonRequest{OpenFlags: rop.OpenPublic}, ecLoginFailure},
		"another's mailbox": {rop.LogonRequest{LogonFlags: rop.LogonPrivate, OpenFlags: rop.OpenUsePerMDBReplidMapping, Essdn: bob.DN()}, ecLoginPerm},
	} {
		a, _ := c.run(nil, 1, rop.Call{Out: 0, Request: &tc.q})
		if got := a[0].Response.Result(); got != tc.want {
			t.Errorf("%s: %v, not %v", name, got, tc.want)
		}
	}
}

// TestStateDuringDownload checks which state a download tells
// (MS-OXCFXICS_R3503, R3506, R2216).
func TestStateDuringDownload(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	h := c.mustOpen(c.folder(inbox), contentsConfig())
	c.upload(h, fxics.ICSState{}, true)
	c.do(h, &rop.FastTransferSourceGetBufferRequest{BufferSize: 100})
	if st := c.transferState(h); !st.Seen.IsEmpty() {
		t.Error("a running download tells more than its initial state")
	}
	early := c.mustOpen(h, &rop.SynchronizationGetTransferStateRequest{})
	c.fetch(h)
	if st := c.transferState(h); st.Seen.IsEmpty() || st.Given.IsEmpty() {
		t.Error("a finished download does not tell its final state")
	}
	if st := elements(t, c.fetch(early), fxics.RootState)[0].(*fxics.State); !st.Seen.IsEmpty() {
		t.Error("a state changed after it was asked for")
	}
}

func TestDelegate(t *testing.T) {
	s, alice := newServer(t, Config{})
	shared, err := s.AddMailbox(MailboxConfig{Address: "team@example.test", Delegates: []string{"Alice@example.test"}})
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, shared, shared.Folder(FolderInbox), mail("for all"))
	tr, err := s.Transport(alice.Address())
	if err != nil {
		t.Fatal(err)
	}
	if got := logOn(t, tr, shared).sync(shared.Folder(FolderInbox), fxics.ICSState{}, nil).subjects(); len(got) != 1 {
		t.Errorf("%q", got)
	}
	if _, err := s.AddMailbox(MailboxConfig{Address: "TEAM@example.test"}); !errors.Is(err, ErrExists) {
		t.Errorf("second mailbox of an address: %v", err)
	}
	if _, err := s.AddMailbox(MailboxConfig{Address: "no address"}); err == nil {
		t.Error("a mailbox without an address")
	}
}
