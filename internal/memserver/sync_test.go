package memserver

import (
	"slices"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

func deliver(t testing.TB, m *Mailbox, id mapi.FID, msg *mapi.Message) mapi.MID {
	t.Helper()
	mid, err := m.Deliver(id, msg)
	if err != nil {
		t.Fatal(err)
	}
	return mid
}

func TestHierarchySync(t *testing.T) {
	s, m := newServer(t, Config{})
	a := m.CreateFolder("Projects", "Alpha")
	c := dial(t, s, m)
	top := m.Folder(FolderIPMSubtree)
	first := c.hierarchy(top, fxics.ICSState{})
	names := map[string]int{}
	for i, f := range first.folders {
		names[f.DisplayName] = i
	}
	for _, want := range []string{"Inbox", "Drafts", "Calendar", "Conflicts", "Projects", "Alpha"} {
		if _, ok := names[want]; !ok {
			t.Errorf("folder %q is missing", want)
		}
	}
	if names["Alpha"] < names["Projects"] {
		t.Error("a folder comes before its parent")
	}
	if p := first.folders[names["Projects"]]; len(p.ParentSourceKey) != 0 {
		t.Errorf("child of the root has parent source key %v", p.ParentSourceKey)
	}
	if again := c.hierarchy(top, first.state); len(again.folders) != 0 || again.deleted != nil {
		t.Errorf("nothing changed, yet %d folders and %v", len(again.folders), again.deleted)
	}
	if err := m.RenameFolder(a, "Beta"); err != nil {
		t.Fatal(err)
	}
	second := c.hierarchy(top, first.state)
	if len(second.folders) != 1 || second.folders[0].DisplayName != "Beta" {
		t.Fatalf("after a rename: %v", second.folders)
	}
	if err := m.DeleteFolder(a, false); err != nil {
		t.Fatal(err)
	}
	third := c.hierarchy(top, second.state)
	if third.deleted == nil || !third.deleted.Deleted.Contains(ownReplID, a.Counter()) {
		t.Fatalf("the deleted folder is not told: %+v", third.deleted)
	}
	if third.state.Given.Contains(m.longID(a.Counter())) {
		t.Error("the deleted folder stays in IdsetGiven")
	}
}

func TestContentsSync(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	one := deliver(t, m, inbox, mail("one"))
	two := deliver(t, m, inbox, mail("RE: two"))
	c := dial(t, s, m)
	first := c.sync(inbox, fxics.ICSState{}, nil)
	if got := first.subjects(); !slices.Equal(got, []string{"one", "RE: two"}) {
		t.Fatalf("first: %q", got)
	}
	if e := first.changes[1]; e.Message.Properties.String(mapi.PidTagSubjectPrefix) != "RE: " || len(e.Message.Recipients) != 1 {
		t.Errorf("message came incomplete: %+v", e.Message)
	}
	if again := c.sync(inbox, first.state, nil); len(again.changes) != 0 || again.deleted != nil || again.reads != nil {
		t.Errorf("nothing changed, yet: %+v", again)
	}
	if err := m.MarkRead(one, true); err != nil {
		t.Fatal(err)
	}
	second := c.sync(inbox, first.state, nil)
	if second.reads == nil || !second.reads.Read.Contains(ownReplID, one.Counter()) || len(second.changes) != 0 {
		t.Fatalf("read state: %+v", second)
	}
	if err := m.Delete(two, false); err != nil {
		t.Fatal(err)
	}
	if err := m.Edit(one, func(c *mapi.Message) { c.Properties.Set(mapi.PidTagBody, "other") }); err != nil {
		t.Fatal(err)
	}
	third := c.sync(inbox, second.state, nil)
	if third.deleted == nil || !third.deleted.Deleted.Contains(ownReplID, two.Counter()) {
		t.Errorf("soft deletion: %+v", third.deleted)
	}
	if len(third.changes) != 1 || third.changes[0].Message.Properties.String(mapi.PidTagBody) != "other" {
		t.Errorf("edit: %+v", third.changes)
	}
	if f := third.changes[0].Message.Properties.Int(mapi.PidTagMessageFlags); int32(f)&flagRead == 0 {
		t.Error("the edited message is unread again")
	}
}

// TestInternalPropertiesStay: properties of a provider's own range are in no download, wherever in a message they are
// (MS-OXCFXICS_R3786); what the server says of a message with such a tag is.
func TestInternalPropertiesStay(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	const first, last = mapi.PropertyTag(0x66000003), mapi.PropertyTag(0x67FF0003)
	with := func(b mapi.PropertyBag) mapi.PropertyBag {
		return append(b, mapi.Property{Tag: first, Value: int32(1)}, mapi.Property{Tag: last, Value: int32(2)},
			mapi.Property{Tag: 0x65FF0003, Value: int32(3)}, mapi.Property{Tag: 0x68000003, Value: int32(4)})
	}
	msg := mail("one")
	msg.Properties = with(msg.Properties)
	msg.Recipients[0].Properties = with(msg.Recipients[0].Properties)
	inner := mail("inner")
	inner.Properties = with(inner.Properties)
	msg.Attachments = []mapi.Attachment{{Properties: with(mapi.PropertyBag{{Tag: mapi.PidTagAttachMethod, Value: int32(5)}}), Embedded: inner}}
	mid := deliver(t, m, inbox, msg)
	c := dial(t, s, m)
	check := func(what string, got *mapi.Message) {
		t.Helper()
		if len(got.Recipients) != 1 || len(got.Attachments) != 1 || got.Attachments[0].Embedded == nil {
			t.Fatalf("%s: %+v", what, got)
		}
		for where, b := range map[string]mapi.PropertyBag{"message": got.Properties, "recipient": got.Recipients[0].Properties,
			"attachment": got.Attachments[0].Properties, "embedded message": got.Attachments[0].Embedded.Properties} {
			if b.Has(first) || b.Has(last) || !b.Has(0x65FF0003) || !b.Has(0x68000003) {
				t.Errorf("%s: %s: %v", what, where, b)
			}
		}
	}
	for _, options := range []uint8{0, rop.SendUnicode} {
		e := c.sync(inbox, fxics.ICSState{}, func(q *rop.SynchronizationConfigureRequest) { q.SendOptions = options })
		check("synchronization", &e.changes[0].Message)
		h := c.mustOpen(c.folder(inbox), &rop.FastTransferSourceCopyMessagesRequest{MessageIDs: []mapi.MID{mid}, SendOptions: options})
		check("copy", &elements(t, c.fetch(h), fxics.RootMessageList)[0].(*fxics.MessageContent).Message)
	}
	e := c.sync(inbox, fxics.ICSState{}, func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationExtraFlags = rop.SyncExtraEid })
	if id, ok := e.changes[0].MID(); !ok || id != mid {
		t.Errorf("id %v, want %v", id, mid)
	}
}

func TestCopyMessagesWithIdentity(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	ids := []mapi.MID{deliver(t, m, inbox, mail("one")), deliver(t, m, inbox, mail("two"))}
	c := dial(t, s, m)
	for _, flags := range []uint8{0, rop.CopyMessagesSendEntryID} {
		h := c.mustOpen(c.folder(inbox), &rop.FastTransferSourceCopyMessagesRequest{MessageIDs: ids, CopyFlags: flags, SendOptions: rop.SendUnicode})
		got := elements(t, c.fetch(h), fxics.RootMessageList)
		if len(got) != 2 {
			t.Fatalf("%d messages", len(got))
		}
		p := got[1].(*fxics.MessageContent).Message.Properties
		for _, tag := range []mapi.PropertyTag{mapi.PidTagSourceKey, mapi.PidTagChangeKey, mapi.PidTagPredecessorChangeList, mapi.PidTagLastModificationTime, mapi.PidTagOriginalEntryId} {
			if p.Has(tag) != (flags != 0) { // MS-OXCFXICS_R3132, R3133, R3134
				t.Errorf("flags %#x: %s there: %v", flags, tag, p.Has(tag))
			}
		}
	}
}
