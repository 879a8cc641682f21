package memserver

import (
	"bytes"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// The operations of this file are those that the client of this module does not use, and
// others may: one look at what each does.

// withAttachment returns a message with an attachment.
func withAttachment(subject string) *mapi.Message {
	m := mail(subject)
	m.Attachments = []mapi.Attachment{{Properties: mapi.PropertyBag{{Tag: mapi.PidTagAttachMethod, Value: int32(1)}, {Tag: mapi.PidTagAttachDataBinary, Value: []byte("data")}}}}
	return m
}

func TestLogonROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	inbox := m.Folder(FolderInbox)
	if r := c.must(c.store, &rop.GetReceiveFolderTableRequest{}).(*rop.GetReceiveFolderTableResponse); r.RowCount == 0 {
		t.Error("no receive folder")
	}
	long := c.must(c.store, &rop.LongTermIDFromIDRequest{ObjectID: uint64(inbox)}).(*rop.LongTermIDFromIDResponse).LongTermID
	if long.Counter != inbox.Counter() || long.GUID != m.Replica() {
		t.Errorf("long-term id %v of %v", long, inbox)
	}
	if r := c.must(c.store, &rop.IDFromLongTermIDRequest{LongTermID: long}).(*rop.IDFromLongTermIDResponse); mapi.FID(r.ObjectID) != inbox {
		t.Errorf("and back: %x", r.ObjectID)
	}
	if r := c.do(c.store, &rop.GetStoreStateRequest{}); r.Result() != ecNotImplemented {
		t.Errorf("GetStoreState: %v", r.Result())
	}
	if r := c.do(c.store, &rop.GetOwningServersRequest{FolderID: inbox}); r.Result() != ecNotSupported {
		t.Errorf("GetOwningServers of a private mailbox: %v", r.Result())
	}
	if r := c.must(c.store, &rop.PublicFolderIsGhostedRequest{FolderID: inbox}).(*rop.PublicFolderIsGhostedResponse); r.IsGhosted {
		t.Error("a private folder is on another server")
	}
}

// TestReturnedIDs: what RopSetLocalReplicaMidsetDeleted may name, and what not.
func TestReturnedIDs(t *testing.T) { // [MS-OXCFXICS] 3.2.5.9.4.8
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	first := c.reserve(100)
	folder := c.folder(m.Folder(FolderInbox))
	id := func(g mapi.GUID, n mapi.GlobCnt) mapi.LongTermID { return mapi.LongTermID{GUID: g, Counter: n} }
	for name, tc := range map[string]struct {
		on   rop.Handle
		r    rop.LongTermIDRange
		want mapi.ErrorCode
	}{
		"reserved ids": {folder, rop.LongTermIDRange{Min: id(m.Replica(), first), Max: id(m.Replica(), first+99)}, ecSuccess},
		"two replicas": {folder, rop.LongTermIDRange{Min: id(m.Replica(), first), Max: id(mapi.GUID{1}, first+99)}, ecInvalidParam},
		"backwards":    {folder, rop.LongTermIDRange{Min: id(m.Replica(), first+1), Max: id(m.Replica(), first)}, ecInvalidParam},
		"no folder":    {c.store, rop.LongTermIDRange{Min: id(m.Replica(), first), Max: id(m.Replica(), first+99)}, ecNotSupported},
	} {
		if r := c.do(tc.on, &rop.SetLocalReplicaMidsetDeletedRequest{LongTermIDRanges: []rop.LongTermIDRange{tc.r}}); r.Result() != tc.want {
			t.Errorf("%s: %v, want %v", name, r.Result(), tc.want)
		}
	}
}

func TestMoreFolderROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	src := m.CreateFolder("Source")
	m.CreateFolder("Source", "Below")
	m.CreateFolder("Target")
	one, two := deliver(t, m, src, mail("one")), deliver(t, m, src, mail("two"))
	dst, _ := m.FindFolder("Target")
	parent := c.folder(m.Folder(FolderIPMSubtree))
	a, _ := c.run([]rop.Handle{parent, c.folder(dst)}, 2, rop.Call{In: 0, Out: 1, Request: &rop.CopyFolderRequest{WantRecursive: true, UseUnicode: true, FolderID: src, NewFolderName: "Copy"}})
	if a[0].Response.Result() != 0 {
		t.Fatalf("CopyFolder: %v", a[0].Response.Result())
	}
	copied, ok := m.FindFolder("Target", "Copy")
	if _, below := m.FindFolder("Target", "Copy", "Below"); !ok || !below {
		t.Error("the copy is not complete")
	}
	if got := c.sync(copied, fxics.ICSState{}, nil).subjects(); len(got) != 2 {
		t.Errorf("the copy has %q", got)
	}
	h := c.folder(src)
	c.must(h, &rop.DeleteMessagesRequest{MessageIDs: []mapi.MID{one}})
	c.must(h, &rop.HardDeleteMessagesRequest{MessageIDs: []mapi.MID{two}})
	if got := c.sync(src, fxics.ICSState{}, nil).subjects(); len(got) != 0 {
		t.Errorf("left after deleting: %q", got)
	}
	c.must(c.folder(copied), &rop.HardDeleteMessagesAndSubfoldersRequest{})
	if _, ok := m.FindFolder("Target", "Copy", "Below"); ok || len(c.sync(copied, fxics.ICSState{}, nil).changes) != 0 {
		t.Error("something is left after deleting everything")
	}
	for _, q := range []rop.Request{&rop.SetSearchCriteriaRequest{}, &rop.GetSearchCriteriaRequest{}} {
		if r := c.do(h, q); r.Result() != ecNotSupported {
			t.Errorf("%s on an ordinary folder: %v", q.ROP(), r.Result())
		}
	}
	table := c.mustOpen(parent, &rop.GetHierarchyTableRequest{TableFlags: rop.TableDepth})
	cols := []mapi.PropertyTag{mapi.PidTagDisplayName}
	c.must(table, &rop.SetColumnsRequest{PropertyTags: cols})
	rows, err := c.must(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 100}).(*rop.QueryRowsResponse).Rows(cols)
	names := ""
	for _, row := range rows {
		names += mapi.RowBag(row).String(mapi.PidTagDisplayName) + " "
	}
	if err != nil || !strings.Contains(names, "Source ") || !strings.Contains(names, "Below ") {
		t.Errorf("hierarchy %q, %v", names, err)
	}
	for _, q := range []rop.Request{&rop.GetPermissionsTableRequest{}, &rop.GetRulesTableRequest{}} {
		empty := c.mustOpen(h, q)
		c.must(empty, &rop.SetColumnsRequest{PropertyTags: cols})
		if r := c.must(empty, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 9}).(*rop.QueryRowsResponse); r.RowCount != 0 {
			t.Errorf("%s has rows", q.ROP())
		}
	}
}

func TestMoreTableROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	for _, subject := range []string{"a", "b", "c", "d"} {
		deliver(t, m, inbox, mail(subject))
	}
	c := dial(t, s, m)
	table := c.mustOpen(c.folder(inbox), &rop.GetContentsTableRequest{})
	c.must(table, &rop.SetColumnsRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagSubject}})
	if r := c.must(table, &rop.GetStatusRequest{}).(*rop.GetStatusResponse); r.TableStatus != rop.TableStatusComplete {
		t.Errorf("status %d", r.TableStatus)
	}
	if r := c.do(table, &rop.AbortRequest{}); r.Result() != ecUnableToAbort {
		t.Errorf("there is nothing to abort: %v", r.Result())
	}
	c.must(table, &rop.SeekRowFractionalRequest{Numerator: 1, Denominator: 2})
	if p := c.must(table, &rop.QueryPositionRequest{}).(*rop.QueryPositionResponse); p.Numerator != 2 {
		t.Errorf("half of four is %d", p.Numerator)
	}
	if r := c.do(table, &rop.SeekRowFractionalRequest{Numerator: 1}); r.Result() == 0 {
		t.Error("a fraction of 0 is one")
	}
	mark := c.must(table, &rop.CreateBookmarkRequest{}).(*rop.CreateBookmarkResponse).Bookmark
	c.must(table, &rop.FreeBookmarkRequest{Bookmark: mark})
	if r := c.do(table, &rop.FreeBookmarkRequest{Bookmark: mark}); r.Result() == 0 {
		t.Error("a bookmark was freed twice")
	}
	if r := c.must(table, &rop.QueryColumnsAllRequest{}).(*rop.QueryColumnsAllResponse); len(r.PropertyTags) == 0 {
		t.Error("no columns")
	}
	c.must(table, &rop.ResetTableRequest{})
	if r := c.do(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 9}); r.Result() == 0 {
		t.Error("rows without columns")
	}
}

func TestMoreMessageROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, withAttachment("one"))
	c := dial(t, s, m)
	h, _ := c.openMessage(inbox, mid)
	if r := c.must(h, &rop.ReloadCachedInformationRequest{}).(*rop.ReloadCachedInformationResponse); r.Header.NormalizedSubject.String() != "one" {
		t.Errorf("header %+v", r.Header)
	}
	if r := c.must(h, &rop.ReadRecipientsRequest{}).(*rop.ReadRecipientsResponse); len(r.RecipientRows) != 1 {
		t.Errorf("%d recipients", len(r.RecipientRows))
	}
	if r := c.must(h, &rop.GetValidAttachmentsRequest{}).(*rop.GetValidAttachmentsResponse); len(r.AttachmentIDs) != 1 {
		t.Errorf("attachments %v", r.AttachmentIDs)
	}
	c.must(h, &rop.RemoveAllRecipientsRequest{})
	if r := c.do(h, &rop.ReadRecipientsRequest{}); r.Result() != ecNotFound {
		t.Errorf("recipients after removing them: %v", r.Result())
	}
	folder := c.folder(inbox)
	c.must(folder, &rop.SetMessageStatusRequest{MessageID: mid, MessageStatusFlags: 0x1003, MessageStatusMask: 0x1000})
	if r := c.must(folder, &rop.GetMessageStatusRequest{MessageID: mid}).(*rop.SetMessageStatusResponse); r.MessageStatusFlags != 0x1000 {
		t.Errorf("status %#x", r.MessageStatusFlags)
	}
	c.must(h, &rop.SetMessageReadFlagRequest{ReadFlags: rop.ReadFlagSuppressReceipt})
	if v, _ := m.messageByMID(mid); !v.read {
		t.Error("not read")
	}
}

func TestMorePropertyROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	one, two := deliver(t, m, inbox, withAttachment("one")), deliver(t, m, inbox, mail("two"))
	c := dial(t, s, m)
	src, _ := c.openMessage(inbox, one)
	dst, _ := c.openMessage(inbox, two)
	all := mapi.PropertyBag(c.must(src, &rop.GetPropertiesAllRequest{WantUnicode: 1}).(*rop.GetPropertiesAllResponse).PropertyValues)
	if all.String(mapi.PidTagSubject) != "one" {
		t.Errorf("all properties: %v", all)
	}
	tags := c.must(src, &rop.GetPropertiesListRequest{}).(*rop.GetPropertiesListResponse).PropertyTags
	if !bytes.Contains(encodeTags(tags), encodeTags([]mapi.PropertyTag{mapi.PidTagSubject})) {
		t.Errorf("list of properties: %v", tags)
	}
	c.must(src, &rop.SetPropertiesNoReplicateRequest{PropertyValues: []mapi.Property{{Tag: mapi.PidTagImportance, Value: int32(2)}, {Tag: mapi.PidTagFlagStatus, Value: int32(2)}}})
	c.must(src, &rop.DeletePropertiesRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagFlagStatus}})
	got := c.props(src, mapi.PidTagImportance, mapi.PidTagFlagStatus)
	if got[0].Value != int32(2) || got[1].Value != ecNotFound {
		t.Errorf("set and deleted: %v", got)
	}
	c.must(src, &rop.DeletePropertiesNoReplicateRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagImportance}})
	if got := c.props(src, mapi.PidTagImportance); got[0].Value != ecNotFound {
		t.Errorf("deleted: %v", got)
	}
	name := mapi.StringName(mapi.PSPublicStrings, "Keywords")
	id := c.must(c.store, &rop.GetPropertyIDsFromNamesRequest{Flags: rop.NamesCreate, PropertyNames: []mapi.PropertyName{name}}).(*rop.GetPropertyIDsFromNamesResponse).PropertyIDs[0]
	c.set(src, mapi.Property{Tag: mapi.NewTag(id, mapi.TypeMultiString), Value: []string{"Red"}})
	if r := c.must(src, &rop.QueryNamedPropertiesRequest{}).(*rop.QueryNamedPropertiesResponse); len(r.PropertyNames) != 1 || r.PropertyNames[0] != name {
		t.Errorf("named: %+v", r)
	}
	between := func(q rop.Request) {
		t.Helper()
		a, _ := c.run([]rop.Handle{src, dst}, 2, rop.Call{In: 0, Out: 1, Request: q})
		if a[0].Response.Result() != 0 {
			t.Fatalf("%s: %v", q.ROP(), a[0].Response.Result())
		}
	}
	between(&rop.CopyPropertiesRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagSubject}})
	if got := c.props(dst, mapi.PidTagSubject); got[0].Value != "one" {
		t.Errorf("copied: %v", got)
	}
	between(&rop.CopyToRequest{WantSubObjects: true, ExcludedTags: []mapi.PropertyTag{mapi.PidTagSubject}})
	if r := c.must(dst, &rop.GetValidAttachmentsRequest{}).(*rop.GetValidAttachmentsResponse); len(r.AttachmentIDs) != 1 {
		t.Errorf("the copy has attachments %v", r.AttachmentIDs)
	}
}

func encodeTags(tags []mapi.PropertyTag) (p []byte) {
	for _, t := range tags {
		p = append(p, byte(t), byte(t>>8), byte(t>>16), byte(t>>24))
	}
	return p
}

func TestMoreStreamROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	c := dial(t, s, m)
	h, _ := c.openMessage(inbox, deliver(t, m, inbox, mail("one")))
	from := c.mustOpen(h, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagHtml, OpenModeFlags: rop.OpenCreate})
	c.must(from, &rop.WriteStreamExtendedRequest{Data: []byte("extended ")})
	c.must(from, &rop.WriteAndCommitStreamRequest{Data: []byte("and committed")})
	if got := c.read(h, mapi.PidTagHtml); string(got) != "extended and committed" {
		t.Errorf("%q", got)
	}
	clone := c.mustOpen(from, &rop.CloneStreamRequest{})
	c.must(clone, &rop.SeekStreamRequest{Origin: rop.SeekStart})
	if r := c.must(clone, &rop.ReadStreamRequest{ByteCount: 8}).(*rop.ReadStreamResponse); string(r.Data) != "extended" {
		t.Errorf("clone %q", r.Data)
	}
	to := c.mustOpen(h, &rop.OpenStreamRequest{PropertyTag: mapi.PidTagRtfCompressed, OpenModeFlags: rop.OpenCreate})
	a, _ := c.run([]rop.Handle{clone, to}, 2, rop.Call{In: 0, Out: 1, Request: &rop.CopyToStreamRequest{ByteCount: 100}})
	if r := a[0].Response.(*rop.CopyToStreamResponse); r.ReturnValue != 0 || r.WrittenByteCount != 14 {
		t.Errorf("copied %+v", r)
	}
	c.must(from, &rop.LockRegionStreamRequest{RegionSize: 5, LockFlags: 1})
	c.must(from, &rop.UnlockRegionStreamRequest{RegionSize: 5, LockFlags: 1})
}

func TestTransportROPs(t *testing.T) {
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	if r := c.must(c.store, &rop.GetAddressTypesRequest{}).(*rop.GetAddressTypesResponse); len(r.AddressTypes) != 2 {
		t.Errorf("address types %v", r.AddressTypes)
	}
	c.must(c.store, &rop.SetSpoolerRequest{})
	if r := c.must(c.store, &rop.GetTransportFolderRequest{}).(*rop.GetTransportFolderResponse); r.FolderID != m.Folder(FolderOutbox) {
		t.Errorf("transport folder %v", r.FolderID)
	}
	h := c.mustOpen(c.store, &rop.CreateMessageRequest{CodePageID: rop.CodePageLogon, FolderID: m.Folder(FolderOutbox)})
	cols := []mapi.PropertyTag{mapi.PidTagSmtpAddress}
	c.must(h, &rop.ModifyRecipientsRequest{RecipientColumns: cols, RecipientRows: []rop.ModifyRecipientRow{recipient(t, 0, 1, "Bob", "bob@example.test", cols)}})
	r := c.must(h, &rop.TransportSendRequest{}).(*rop.TransportSendResponse)
	if p := mapi.PropertyBag(r.PropertyValues); p.String(mapi.PidTagSenderName) != "Alice Example" {
		t.Errorf("sender %v", p)
	}
}

// TestCopiesOfOneObject: downloads by RopFastTransferSourceCopyTo and
// RopFastTransferSourceCopyProperties.
func TestCopiesOfOneObject(t *testing.T) { // [MS-OXCFXICS] 3.2.5.8.1.1, 3.2.5.8.1.2
	s, m := newServer(t, Config{})
	dir := m.CreateFolder("Source")
	m.CreateFolder("Source", "Below")
	mid := deliver(t, m, dir, withAttachment("one"))
	c := dial(t, s, m)
	h, _ := c.openMessage(dir, mid)
	message := func(q rop.Request) mapi.Message {
		t.Helper()
		ctx := c.mustOpen(h, q)
		c.must(ctx, &rop.TellVersionRequest{Version: [3]uint16{15, 1, 2}})
		return elements(t, c.fetch(ctx), fxics.RootMessageContent)[0].(*fxics.MessageContent).Message
	}
	whole := message(&rop.FastTransferSourceCopyToRequest{SendOptions: rop.SendUnicode})
	if whole.Properties.String(mapi.PidTagSubject) != "one" || len(whole.Attachments) != 1 || len(whole.Recipients) != 1 {
		t.Errorf("whole: %+v", whole)
	}
	if got := message(&rop.FastTransferSourceCopyToRequest{SendOptions: rop.SendUnicode, Level: 1, PropertyTags: []mapi.PropertyTag{mapi.PidTagSubject}}); got.Properties.Has(mapi.PidTagSubject) || len(got.Attachments) != 0 {
		t.Errorf("without the subject and what is in it: %+v", got)
	}
	if got := message(&rop.FastTransferSourceCopyPropertiesRequest{SendOptions: rop.SendUnicode, PropertyTags: []mapi.PropertyTag{mapi.PidTagSubject}}); len(got.Properties) != 1 || len(got.Attachments) != 0 {
		t.Errorf("the subject alone: %+v", got)
	}
	att := c.mustOpen(h, &rop.OpenAttachmentRequest{})
	data := elements(t, c.fetch(c.mustOpen(att, &rop.FastTransferSourceCopyToRequest{SendOptions: rop.SendUnicode})), fxics.RootAttachmentContent)
	if a := data[0].(*fxics.AttachmentContent).Attachment; string(a.Properties.Bytes(mapi.PidTagAttachDataBinary)) != "data" {
		t.Errorf("attachment: %+v", a)
	}
	folder := elements(t, c.fetch(c.mustOpen(c.folder(dir), &rop.FastTransferSourceCopyToRequest{SendOptions: rop.SendUnicode})), fxics.RootFolderContent)
	kinds := ""
	for _, e := range folder {
		switch e.(type) {
		case *fxics.FolderStart:
			kinds += "F"
		case *fxics.MessageContent:
			kinds += "M"
		case *fxics.FolderEnd:
			kinds += "E"
		}
	}
	if kinds != "FMFE" {
		t.Errorf("folder: %s", kinds)
	}
}

// TestExtendedUpload puts a message with RopFastTransferDestinationPutBufferExtended, whose
// properties of the provider are passed over.
func TestExtendedUpload(t *testing.T) { // [MS-OXCFXICS] 3.2.5.8.2.3, 3.2.5.11
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	var b bytes.Buffer
	enc := fxics.NewEncoder(&b, fxics.RootMessageContent)
	content := mapi.Message{Properties: mapi.PropertyBag{{Tag: mapi.PidTagSubject, Value: "uploaded"}, {Tag: 0x66FF0003, Value: int32(7)}}}
	if err := enc.Encode(&fxics.MessageContent{Message: content}); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	h, _ := c.openMessage(inbox, mid)
	up := c.mustOpen(h, &rop.FastTransferDestinationConfigureRequest{SourceOperation: 1})
	c.must(up, &rop.FastTransferDestinationPutBufferExtendedRequest{TransferData: b.Bytes()})
	c.do(up, &rop.ReleaseRequest{})
	if got := c.props(h, mapi.PidTagSubject, 0x66FF0003); got[0].Value != "uploaded" || got[1].Value != ecNotFound {
		t.Errorf("%v", got)
	}
}
