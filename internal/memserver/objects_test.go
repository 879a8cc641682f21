package memserver

import (
	"bytes"
	"slices"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/mapi/wire"
)

// open returns a handle of a stored message.
func (c *client) openMessage(f mapi.FID, id mapi.MID) (rop.Handle, *rop.OpenMessageResponse) {
	c.t.Helper()
	h, r := c.open(c.store, &rop.OpenMessageRequest{CodePageID: rop.CodePageLogon, FolderID: f, OpenModeFlags: rop.OpenReadWrite, MessageID: id})
	if r.Result() != 0 {
		c.t.Fatalf("OpenMessage: %v", r.Result())
	}
	return h, r.(*rop.OpenMessageResponse)
}

// props returns properties of an object; errors stay in the row.
func (c *client) props(h rop.Handle, tags ...mapi.PropertyTag) []mapi.Property {
	c.t.Helper()
	row, err := c.must(h, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: tags}).(*rop.GetPropertiesSpecificResponse).Row(tags)
	if err != nil {
		c.t.Fatal(err)
	}
	return row
}

func (c *client) set(h rop.Handle, props ...mapi.Property) []rop.PropertyProblem {
	c.t.Helper()
	return c.must(h, &rop.SetPropertiesRequest{PropertyValues: props}).(*rop.SetPropertiesResponse).PropertyProblems
}

func (c *client) save(h rop.Handle) mapi.MID {
	c.t.Helper()
	return c.must(h, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadWrite}).(*rop.SaveChangesMessageResponse).MessageID
}

// write fills a property through a stream.
func (c *client) write(on rop.Handle, tag mapi.PropertyTag, data []byte) {
	c.t.Helper()
	s := c.mustOpen(on, &rop.OpenStreamRequest{PropertyTag: tag, OpenModeFlags: rop.OpenCreate})
	for len(data) > 0 {
		n := min(len(data), 20_000)
		c.must(s, &rop.WriteStreamRequest{Data: data[:n]})
		data = data[n:]
	}
	c.must(s, &rop.CommitStreamRequest{})
	c.do(s, &rop.ReleaseRequest{})
}

// read returns a property through a stream.
func (c *client) read(on rop.Handle, tag mapi.PropertyTag) []byte {
	c.t.Helper()
	s := c.mustOpen(on, &rop.OpenStreamRequest{PropertyTag: tag})
	var out []byte
	for {
		p := c.must(s, &rop.ReadStreamRequest{ByteCount: 30_000}).(*rop.ReadStreamResponse).Data
		if len(p) == 0 {
			return out
		}
		out = append(out, p...)
	}
}

func TestMessageThroughROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	drafts := m.Folder(FolderDrafts)
	c := dial(t, s, m)
	h := c.mustOpen(c.store, &rop.CreateMessageRequest{CodePageID: rop.CodePageLogon, FolderID: drafts})
	html := bytes.Repeat([]byte("<p>long</p>"), 8000)
	if p := c.set(h, mapi.Property{Tag: mapi.PidTagSubject, Value: "RE: draft ünï"}, mapi.Property{Tag: mapi.PidTagBody, Value: "body"},
		mapi.Property{Tag: mapi.PidTagMessageSize, Value: int32(5)}); len(p) != 1 || p[0].Index != 2 || p[0].ErrorCode != ecComputed {
		t.Errorf("problems %v", p)
	}
	c.write(h, mapi.PidTagHtml, html)
	cols := []mapi.PropertyTag{mapi.PidTagSmtpAddress}
	c.must(h, &rop.ModifyRecipientsRequest{RecipientColumns: cols, RecipientRows: []rop.ModifyRecipientRow{
		recipient(t, 0, 1, "Bob", "bob@example.test", cols), recipient(t, 1, 2, "Çarol", "carol@example.test", cols),
	}})
	att, r := c.open(h, &rop.CreateAttachmentRequest{})
	if r.Result() != 0 {
		t.Fatal(r.Result())
	}
	data := bytes.Repeat([]byte{0, 1, 2, 3}, 20_000)
	c.set(att, mapi.Property{Tag: mapi.PidTagAttachMethod, Value: int32(1)}, mapi.Property{Tag: mapi.PidTagAttachLongFilename, Value: "d.bin"})
	c.write(att, mapi.PidTagAttachDataBinary, data)
	saveAttachment(c, h, att)
	mid := c.save(h)

	again, open := c.openMessage(drafts, mid)
	if open.Header.SubjectPrefix.String() != "RE: " || open.Header.NormalizedSubject.String() != "draft ünï" || open.Header.RecipientCount != 2 || len(open.Header.RecipientRows) != 2 {
		t.Errorf("header %+v", open.Header)
	}
	row := mapi.ReadRecipientRow(wire.NewReader(open.Header.RecipientRows[1].RecipientRow), open.Header.RecipientColumns)
	if p := row.Properties(""); p.String(mapi.PidTagDisplayName) != "Çarol" || p.String(mapi.PidTagSmtpAddress) != "carol@example.test" {
		t.Errorf("recipient %v", p)
	}
	got := c.props(again, mapi.PidTagSubject, mapi.PidTagDisplayTo, mapi.PidTagDisplayCc, mapi.PidTagHasAttachments, mapi.PidTagHtml,
		mapi.PidTagSubject.WithType(mapi.TypeUnspecified), mapi.PidTagSubject.WithType(mapi.TypeString8), mapi.PidTagMessageFlags, 0x7FFF0003)
	want := []any{"RE: draft ünï", "Bob", "Çarol", true, ecMemory, "RE: draft ünï", mapi.String8("RE: draft \xfcn\xef"), flagUnsent | flagUnmodified | flagHasAttach, ecNotFound}
	for i := range want {
		if !sameValue(got[i].Value, want[i]) {
			t.Errorf("%s is %v, not %v", got[i].Tag, got[i].Value, want[i])
		}
	}
	if !bytes.Equal(c.read(again, mapi.PidTagHtml), html) {
		t.Error("HTML differs")
	}
	if p := c.read(again, mapi.PidTagBody); string(p) != "b\x00o\x00d\x00y\x00\x00\x00" {
		t.Errorf("body stream %q", p)
	}
	reopened := c.mustOpen(again, &rop.OpenAttachmentRequest{OpenAttachmentFlags: rop.OpenReadWrite})
	if !bytes.Equal(c.read(reopened, mapi.PidTagAttachDataBinary), data) {
		t.Error("attachment differs")
	}
	// A change that is not saved is seen by nobody else.
	c.set(again, mapi.Property{Tag: mapi.PidTagSubject, Value: "changed"})
	other, _ := c.openMessage(drafts, mid)
	if v := c.props(other, mapi.PidTagSubject)[0].Value; v != "RE: draft ünï" {
		t.Errorf("unsaved change is visible: %v", v)
	}
	before := c.props(again, mapi.PidTagChangeNumber)[0].Value
	c.save(again)
	after := c.props(again, mapi.PidTagChangeNumber, mapi.PidTagNormalizedSubject, mapi.PidTagSubjectPrefix)
	if after[0].Value == before || after[1].Value != "changed" || after[2].Value != "" {
		t.Errorf("after saving: %v", after)
	}
	// The other handle is stale now.
	c.set(other, mapi.Property{Tag: mapi.PidTagSubject, Value: "late"})
	if r := c.do(other, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadWrite}); r.Result() != ecObjectModified {
		t.Errorf("stale save: %v", r.Result())
	}
	if r := c.do(other, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveForce}); r.Result() != 0 {
		t.Errorf("forced save: %v", r.Result())
	}
}

func recipient(t *testing.T, row uint32, kind uint8, name, address string, cols []mapi.PropertyTag) rop.ModifyRecipientRow {
	t.Helper()
	r := mapi.NewRecipientRow(mapi.PropertyBag{
		{Tag: mapi.PidTagDisplayName, Value: name}, {Tag: mapi.PidTagAddressType, Value: "SMTP"},
		{Tag: mapi.PidTagEmailAddress, Value: address}, {Tag: mapi.PidTagSmtpAddress, Value: address},
	}, cols)
	var b wire.Builder
	r.Append(&b, cols)
	raw, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return rop.ModifyRecipientRow{RowID: row, RecipientType: kind, RecipientRow: raw}
}

// saveAttachment saves an attachment, whose request names the message as well.
func saveAttachment(c *client, msg, att rop.Handle) {
	c.t.Helper()
	a, _ := c.run([]rop.Handle{att, msg}, 2, rop.Call{In: 0, Out: 1, Request: &rop.SaveChangesAttachmentRequest{SaveFlags: rop.SaveKeepOpenReadWrite}})
	if a[0].Response.Result() != 0 {
		c.t.Fatalf("SaveChangesAttachment: %v", a[0].Response.Result())
	}
}

func TestEmbeddedMessage(t *testing.T) {
	s, m := newServer(t, Config{})
	drafts := m.Folder(FolderDrafts)
	c := dial(t, s, m)
	h := c.mustOpen(c.store, &rop.CreateMessageRequest{FolderID: drafts})
	att := c.mustOpen(h, &rop.CreateAttachmentRequest{})
	c.set(att, mapi.Property{Tag: mapi.PidTagAttachMethod, Value: int32(5)})
	inner := c.mustOpen(att, &rop.OpenEmbeddedMessageRequest{OpenModeFlags: rop.OpenCreate})
	c.set(inner, mapi.Property{Tag: mapi.PidTagSubject, Value: "inner"})
	c.save(inner)
	saveAttachment(c, h, att)
	mid := c.save(h)
	again, _ := c.openMessage(drafts, mid)
	a := c.mustOpen(again, &rop.OpenAttachmentRequest{})
	e := c.mustOpen(a, &rop.OpenEmbeddedMessageRequest{})
	if v := c.props(e, mapi.PidTagSubject)[0].Value; v != "inner" {
		t.Errorf("subject %v", v)
	}
	table := c.mustOpen(again, &rop.GetAttachmentTableRequest{})
	c.must(table, &rop.SetColumnsRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagAttachNumber, mapi.PidTagAttachMethod}})
	rows, err := c.must(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 10}).(*rop.QueryRowsResponse).Rows([]mapi.PropertyTag{mapi.PidTagAttachNumber, mapi.PidTagAttachMethod})
	if err != nil || len(rows) != 1 || rows[0][1].Value != int32(5) {
		t.Errorf("table %v %v", rows, err)
	}
	c.must(again, &rop.DeleteAttachmentRequest{AttachmentID: 0})
	c.save(again)
	if v, _ := m.messageByMID(mid); len(v.content.Attachments) != 0 {
		t.Error("the attachment is still there")
	}
}

func TestStreams(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	h, _ := c.openMessage(inbox, mid)
	st := c.mustOpen(h, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagHtml, OpenModeFlags: rop.OpenCreate})
	c.must(st, &rop.WriteStreamRequest{Data: []byte("0123456789")})
	for _, tc := range []struct {
		origin uint8
		offset int64
		want   uint64
		code   mapi.ErrorCode
	}{
		{rop.SeekStart, 4, 4, 0}, {rop.SeekCurrent, -2, 2, 0}, {rop.SeekEnd, -1, 9, 0}, {rop.SeekStart, -1, 0, ecStreamSeek}, {7, 0, 0, ecStreamInvalidArg},
	} {
		r := c.do(st, &rop.SeekStreamRequest{Origin: tc.origin, Offset: tc.offset}).(*rop.SeekStreamResponse)
		if r.ReturnValue != tc.code || tc.code == 0 && r.NewPosition != tc.want {
			t.Errorf("seek %d from %d: %v %d", tc.offset, tc.origin, r.ReturnValue, r.NewPosition)
		}
	}
	c.must(st, &rop.WriteStreamRequest{Data: []byte("XY")}) // at 9
	c.must(st, &rop.SetStreamSizeRequest{StreamSize: 10})
	if n := c.must(st, &rop.GetStreamSizeRequest{}).(*rop.GetStreamSizeResponse).StreamSize; n != 10 {
		t.Errorf("size %d", n)
	}
	if v := c.props(h, mapi.PidTagHtml)[0].Value; v != ecNotFound {
		t.Errorf("visible before commit: %v", v)
	}
	c.must(st, &rop.CommitStreamRequest{})
	if v := c.props(h, mapi.PidTagHtml)[0].Value; string(v.([]byte)) != "012345678X" {
		t.Errorf("committed %q", v)
	}
	if _, r := c.open(h, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagRtfCompressed}); r.Result() != ecNotFound {
		t.Errorf("missing property: %v", r.Result())
	}
	ro := c.mustOpen(h, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagHtml})
	if r := c.do(ro, &rop.WriteStreamRequest{Data: []byte("z")}); r.Result() != ecStreamAccess {
		t.Errorf("write to a read-only stream: %v", r.Result())
	}
}

func TestNamedProperties(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	name := mapi.StringName(mapi.PSPublicStrings, "Some Name")
	ids := func(flags uint8, names ...mapi.PropertyName) *rop.GetPropertyIDsFromNamesResponse {
		return c.do(c.store, &rop.GetPropertyIDsFromNamesRequest{Flags: flags, PropertyNames: names}).(*rop.GetPropertyIDsFromNamesResponse)
	}
	if r := ids(rop.NamesLookUp, name); r.PropertyIDs[0] != 0 || r.ReturnValue != ecWarnWithErrors {
		t.Errorf("unknown name: %v %v", r.PropertyIDs, r.ReturnValue)
	}
	id := ids(rop.NamesCreate, name).PropertyIDs[0]
	other := name
	other.Name = "some NAME"
	if r := ids(rop.NamesLookUp, other, mapi.LIDName(mapi.PSMAPI, 0x37)); r.PropertyIDs[0] != id || r.PropertyIDs[1] != 0x37 {
		t.Errorf("names %v", r.PropertyIDs)
	}
	if got := c.must(c.store, &rop.GetNamesFromPropertyIDsRequest{PropertyIDs: []uint16{id, 0xFFF0}}).(*rop.GetNamesFromPropertyIDsResponse).PropertyNames; got[0] != name || got[1].Kind != mapi.NameKindNone {
		t.Errorf("back %v", got)
	}
	h, _ := c.openMessage(inbox, mid)
	c.set(h, mapi.Property{Tag: mapi.NewTag(id, mapi.TypeString), Value: "value"})
	if p := c.set(h, mapi.Property{Tag: 0xFFF0001F, Value: "x"}); len(p) != 1 {
		t.Errorf("unknown number: %v", p)
	}
	c.save(h)
	if got := c.sync(inbox, fxics.ICSState{}, nil).changes[0].Message.Properties.StringNamed(name); got != "value" {
		t.Errorf("in the stream: %q", got)
	}
	// Restricting and listing work with the number as well.
	q := c.sync(inbox, fxics.ICSState{}, func(q *rop.SynchronizationConfigureRequest) {
		q.SynchronizationFlags |= rop.SyncOnlySpecifiedProperties
		q.PropertyTags = []mapi.PropertyTag{mapi.NewTag(id, mapi.TypeString), mapi.PidTagDisplayTo}
	})
	if p := q.changes[0].Message.Properties; len(p) != 2 || p.StringNamed(name) != "value" || p.String(mapi.PidTagDisplayTo) != "Alice Example" {
		t.Errorf("only specified: %v", p)
	}
}

func TestTables(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	for _, subject := range []string{"b", "A", "d", "c", "e"} {
		deliver(t, m, inbox, mail(subject))
	}
	c := dial(t, s, m)
	table := c.mustOpen(c.folder(inbox), &rop.GetContentsTableRequest{})
	cols := []mapi.PropertyTag{mapi.PidTagSubject}
	c.must(table, &rop.SetColumnsRequest{PropertyTags: cols})
	query := func(forward bool, n uint16) string {
		r := c.must(table, &rop.QueryRowsRequest{ForwardRead: forward, RowCount: n}).(*rop.QueryRowsResponse)
		rows, err := r.Rows(cols)
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, row := range rows {
			out += row[0].Value.(string)
		}
		return out
	}
	if got := query(true, 10); got != "bAdce" {
		t.Errorf("unsorted %q", got)
	}
	c.must(table, &rop.SortTableRequest{SortOrders: []mapi.SortOrder{{Tag: mapi.PidTagSubject, Direction: mapi.SortDescending}}})
	if got := query(true, 2) + "|" + query(true, 2) + "|" + query(false, 3); got != "ed|cb|bcd" {
		t.Errorf("sorted %q", got)
	}
	if p := c.must(table, &rop.QueryPositionRequest{}).(*rop.QueryPositionResponse); p.Numerator != 1 || p.Denominator != 5 {
		t.Errorf("position %+v", p)
	}
	if r := c.must(table, &rop.SeekRowRequest{Origin: rop.BookmarkEnd, RowCount: -9, WantRowMovedCount: true}).(*rop.SeekRowResponse); r.RowsSought != -5 || !r.HasSoughtLess {
		t.Errorf("seek %+v", r)
	}
	restrict := func(r mapi.Restriction) []byte {
		var b wire.Builder
		mapi.AppendRestriction(&b, r)
		p, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	content := func(s string, low, high uint16) mapi.Restriction {
		return mapi.ContentRestriction{FuzzyLow: low, FuzzyHigh: high, Tag: mapi.PidTagSubject, Value: mapi.Property{Tag: mapi.PidTagSubject, Value: s}}
	}
	f := c.must(table, &rop.FindRowRequest{RestrictionData: restrict(content("a", mapi.FuzzyLowFull, mapi.FuzzyHighIgnoreCase))}).(*rop.FindRowResponse)
	if row, err := f.Row(cols); err != nil || !f.HasRowData || row[0].Value != "A" {
		t.Errorf("find %v %v", row, err)
	}
	mark := c.must(table, &rop.CreateBookmarkRequest{}).(*rop.CreateBookmarkResponse).Bookmark
	c.must(table, &rop.SeekRowRequest{Origin: rop.BookmarkBeginning})
	c.must(table, &rop.SeekRowBookmarkRequest{Bookmark: mark})
	if got := query(true, 1); got != "A" {
		t.Errorf("bookmark at %q", got)
	}
	c.must(table, &rop.RestrictRequest{RestrictionData: restrict(mapi.OrRestriction{content("b", 0, 0), mapi.NotRestriction{Restriction: mapi.PropertyRestriction{
		Op: mapi.RelLess, Tag: mapi.PidTagSubject, Value: mapi.Property{Tag: mapi.PidTagSubject, Value: "d"}}}})})
	if got := query(true, 10); got != "edb" {
		t.Errorf("restricted %q", got)
	}
	c.must(table, &rop.RestrictRequest{})
	if got := query(true, 10); got != "edcbA" {
		t.Errorf("unrestricted %q", got)
	}
}

func TestSnapshotAndRewind(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	then := m.Snapshot()
	if err := m.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	deliver(t, m, inbox, mail("two"))
	m.CreateFolder("later")
	m.RewindState(then)
	if _, ok := m.FindFolder("later"); ok {
		t.Error("a later folder is there")
	}
	if got := c.sync(inbox, fxics.ICSState{}, nil).subjects(); !slices.Equal(got, []string{"one"}) {
		t.Errorf("%q", got)
	}
	if again := deliver(t, m, inbox, mail("other two")); again.Counter() != mid.Counter()+1 {
		t.Errorf("ids go on at %v", again)
	}
	for _, f := range then.Folders {
		if f.Path[len(f.Path)-1] == "Inbox" && (len(f.Messages) != 1 || f.Messages[0].ID != mid) {
			t.Error("the snapshot changed")
		}
	}
}

func TestTableNotification(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	c := dial(t, s, m)
	f := c.folder(inbox)
	loud := c.mustOpen(f, &rop.GetContentsTableRequest{})
	c.mustOpen(f, &rop.GetContentsTableRequest{TableFlags: rop.TableNoNotifications})
	deliver(t, m, inbox, mail("one"))
	a, _ := c.run(nil, 0)
	if len(a) != 1 || a[0].Response.(*rop.Notify).Handle != loud || a[0].Response.(*rop.Notify).TableEvent != rop.TableEventChanged {
		t.Fatalf("%d answers", len(a))
	}
	c.do(loud, &rop.ReleaseRequest{})
	deliver(t, m, inbox, mail("two"))
	if a, _ := c.run(nil, 0); len(a) != 0 {
		t.Error("a released table still tells")
	}
}

func TestSubmit(t *testing.T) {
	s, m := newServer(t, Config{})
	bob, _ := s.Mailbox("bob@example.test")
	c := dial(t, s, m)
	h := c.mustOpen(c.store, &rop.CreateMessageRequest{FolderID: m.Folder(FolderOutbox)})
	c.set(h, mapi.Property{Tag: mapi.PidTagSubject, Value: "sent"})
	if r := c.do(h, &rop.SubmitMessageRequest{}); r.Result() != ecNoRecipients {
		t.Errorf("without recipients: %v", r.Result())
	}
	cols := []mapi.PropertyTag{mapi.PidTagSmtpAddress}
	c.must(h, &rop.ModifyRecipientsRequest{RecipientColumns: cols, RecipientRows: []rop.ModifyRecipientRow{recipient(t, 0, 1, "Bob", "bob@example.test", cols)}})
	c.save(h)
	c.must(h, &rop.SubmitMessageRequest{})
	s.background.Wait()
	sent := c.sync(m.Folder(FolderSentItems), fxics.ICSState{}, nil)
	if !slices.Equal(sent.subjects(), []string{"sent"}) {
		t.Errorf("sent items %q", sent.subjects())
	}
	got := dial(t, s, bob).sync(bob.Folder(FolderInbox), fxics.ICSState{}, nil)
	if !slices.Equal(got.subjects(), []string{"sent"}) || got.changes[0].Message.Properties.String(mapi.PidTagSenderSmtpAddress) != m.Address() {
		t.Errorf("delivered %q", got.subjects())
	}
}

func TestFolderROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	top := c.folder(m.Folder(FolderIPMSubtree))
	create := &rop.CreateFolderRequest{FolderType: rop.FolderGeneric, UseUnicodeStrings: true, DisplayName: "Ü"}
	_, r := c.open(top, create)
	id := r.(*rop.CreateFolderResponse).FolderID
	if _, r := c.open(top, create); r.Result() != ecDuplicateName {
		t.Errorf("twice: %v", r.Result())
	}
	create.OpenExisting = true
	if _, r := c.open(top, create); r.Result() != 0 || r.(*rop.CreateFolderResponse).FolderID != id {
		t.Errorf("open existing: %v", r)
	}
	mid := deliver(t, m, id, mail("one"))
	inbox := c.folder(m.Folder(FolderInbox))
	move := func(src, dst rop.Handle, q rop.Request) rop.Response {
		a, _ := c.run([]rop.Handle{src, dst}, 2, rop.Call{In: 0, Out: 1, Request: q})
		return a[0].Response
	}
	if r := move(c.folder(id), inbox, &rop.MoveCopyMessagesRequest{MessageIDs: []mapi.MID{mid, 77}, WantCopy: true}).(*rop.MoveCopyMessagesResponse); r.ReturnValue != 0 || !r.PartialCompletion {
		t.Errorf("copy %+v", r)
	}
	if r := move(c.folder(id), rop.NoHandle, &rop.MoveCopyMessagesRequest{MessageIDs: []mapi.MID{mid}}); r.Result() != ecNullDestination {
		t.Errorf("no destination: %v", r.Result())
	}
	if r := move(top, inbox, &rop.MoveFolderRequest{UseUnicode: true, FolderID: id, NewFolderName: "Moved"}); r.Result() != 0 {
		t.Errorf("move folder: %v", r.Result())
	}
	if _, ok := m.FindFolder("Inbox", "Moved"); !ok {
		t.Error("the folder did not move")
	}
	if r := c.must(inbox, &rop.DeleteFolderRequest{FolderID: id}).(*rop.DeleteFolderResponse); !r.PartialCompletion {
		t.Error("a folder with messages was deleted without being asked to")
	}
	c.must(inbox, &rop.SetReadFlagsRequest{ReadFlags: rop.ReadFlagSuppressReceipt})
	if v := c.props(inbox, mapi.PidTagContentUnreadCount, mapi.PidTagContentCount); v[0].Value != int32(0) || v[1].Value != int32(1) {
		t.Errorf("counts %v", v)
	}
	c.must(inbox, &rop.EmptyFolderRequest{})
	if v := c.props(inbox, mapi.PidTagContentCount, mapi.PidTagSubfolders); v[0].Value != int32(0) || v[1].Value != false {
		t.Errorf("emptied: %v", v)
	}
	h := c.folder(m.CreateFolder("Renamed later"))
	c.set(h, mapi.Property{Tag: mapi.PidTagDisplayName, Value: "New name"})
	if _, ok := m.FindFolder("New name"); !ok {
		t.Error("PidTagDisplayName does not rename")
	}
}

// TestCommitTime checks the hint by which clients find the folders with news, also
// with a clock that stands still.
func TestCommitTime(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	c := dial(t, s, m)
	h := c.folder(inbox)
	hint := func() [2]any {
		p := c.props(h, mapi.PidTagLocalCommitTimeMax, mapi.PidTagDeletedCountTotal)
		return [2]any{p[0].Value, p[1].Value}
	}
	var mid mapi.MID
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"delivery", func() error { mid = deliver(t, m, inbox, mail("one")); return nil }},
		{"read", func() error { return m.MarkRead(mid, true) }},
		{"edit", func() error { return m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "two") }) }},
		{"soft deletion", func() error { return m.Delete(mid, false) }},
	} {
		last := hint()
		if err := step.do(); err != nil || hint() == last {
			t.Errorf("%s: %v %v", step.name, err, hint())
		}
	}
}

func TestTableFollowsChanges(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	ids := []mapi.MID{deliver(t, m, inbox, mail("b")), deliver(t, m, inbox, mail("d"))}
	c := dial(t, s, m)
	table := c.mustOpen(c.folder(inbox), &rop.GetContentsTableRequest{})
	cols := []mapi.PropertyTag{mapi.PidTagSubject}
	c.must(table, &rop.SetColumnsRequest{PropertyTags: cols})
	c.must(table, &rop.SortTableRequest{SortOrders: []mapi.SortOrder{{Tag: mapi.PidTagSubject}}})
	next := func(n uint16) (out string) {
		rows, err := c.must(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: n}).(*rop.QueryRowsResponse).Rows(cols)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			out += row[0].Value.(string)
		}
		return out
	}
	if got := next(1); got != "b" {
		t.Fatalf("first %q", got)
	}
	deliver(t, m, inbox, mail("a"))
	deliver(t, m, inbox, mail("e"))
	if got := next(9); got != "de" { // the current row stayed current
		t.Errorf("then %q", got)
	}
	if err := m.Delete(ids[1], true); err != nil {
		t.Fatal(err)
	}
	c.must(table, &rop.SeekRowRequest{Origin: rop.BookmarkBeginning})
	if got := next(9); got != "abe" {
		t.Errorf("at last %q", got)
	}
}
