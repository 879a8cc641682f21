package memserver

import (
	"slices"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/mapi/wire"
)

func TestRestrictedSync(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	one := deliver(t, m, inbox, mail("one"))
	deliver(t, m, inbox, mail("two"))
	c := dial(t, s, m)
	var b wire.Builder
	mapi.AppendRestriction(&b, mapi.ContentRestriction{FuzzyLow: mapi.FuzzyLowSubstring, Tag: mapi.PidTagSubject, Value: mapi.Property{Tag: mapi.PidTagSubject, Value: "one"}})
	restricted := func(flags uint16) func(*rop.SynchronizationConfigureRequest) {
		return func(q *rop.SynchronizationConfigureRequest) {
			q.RestrictionData = b.Bytes()
			q.SynchronizationFlags |= flags
		}
	}
	all := c.sync(inbox, fxics.ICSState{}, nil)
	part := c.sync(inbox, fxics.ICSState{}, restricted(0))
	if !slices.Equal(part.subjects(), []string{"one"}) {
		t.Fatalf("restricted: %q", part.subjects())
	}
	// What the restriction kept back comes when it is gone.
	if rest := c.sync(inbox, part.state, nil); !slices.Equal(rest.subjects(), []string{"two"}) {
		t.Errorf("the rest: %q", rest.subjects())
	}
	left := c.sync(inbox, all.state, restricted(0))
	if left.deleted == nil || left.deleted.NoLongerInScope.Count() != 1 || !left.deleted.Deleted.IsEmpty() { // MS-OXCFXICS_R2047
		t.Errorf("out of scope: %+v", left.deleted)
	}
	for name, flags := range map[string]uint16{"MS-OXCFXICS_R2168": rop.SyncIgnoreNoLongerInScope, "MS-OXCFXICS_R2166": rop.SyncNoDeletions} {
		if quiet := c.sync(inbox, all.state, restricted(flags)); quiet.deleted != nil {
			t.Errorf("%s: %+v", name, quiet.deleted)
		}
	}
	if err := m.Delete(one, true); err != nil {
		t.Fatal(err)
	}
	if quiet := c.sync(inbox, all.state, func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationFlags |= rop.SyncNoDeletions }); quiet.deleted != nil {
		t.Error("NoDeletions: deletions told")
	}
}

func TestPartialChanges(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	partial := func(q *rop.SynchronizationConfigureRequest) { q.SendOptions |= rop.SendPartialItem }
	first := c.sync(inbox, fxics.ICSState{}, partial)
	if len(first.changes) != 1 || first.changes[0].Partial != nil {
		t.Fatal("a new message comes partially")
	}
	keywords := mapi.StringName(mapi.PSPublicStrings, "Keywords")
	edit := func(f func(*mapi.Message)) {
		t.Helper()
		if err := m.Edit(mid, f); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(c *mapi.Message) { c.Properties.SetNamed(keywords, mapi.TypeMultiString, []string{"Red"}) })
	edit(func(c *mapi.Message) { retitleContent(c, "two") })
	second := c.sync(inbox, first.state, partial)
	if len(second.changes) != 1 || second.changes[0].Partial == nil {
		t.Fatalf("changes of known groups come in full: %+v", second.changes)
	}
	p := second.changes[0].Partial
	if len(p.Groups) != 2 || p.Groups[0].Index != 0 || p.Groups[1].Index != 2 || p.Groups[1].Properties.String(mapi.PidTagSubject) != "two" ||
		!sameValue(p.Groups[0].Properties.GetNamed(keywords), []string{"Red"}) {
		t.Errorf("groups %+v", p.Groups)
	}
	if len(second.other) != 1 {
		t.Errorf("the groups are announced %d times", len(second.other))
	}
	// A client that does not ask gets it in full, as does one that has not seen the base.
	if full := c.sync(inbox, first.state, nil); full.changes[0].Partial != nil {
		t.Error("partial without PartialItem")
	}
	if full := c.sync(inbox, fxics.ICSState{}, partial); full.changes[0].Partial != nil {
		t.Error("partial without the message")
	}
	edit(func(c *mapi.Message) { c.Recipients = nil })
	third := c.sync(inbox, second.state, partial)
	if e := third.changes[0]; e.Partial == nil || e.Parts&fxics.PartRecipients == 0 || len(e.Message.Recipients) != 0 {
		t.Errorf("recipients: %+v", e)
	}
	edit(func(c *mapi.Message) { c.Properties.Set(mapi.PidTagPriority, int32(1)) })
	if fourth := c.sync(inbox, third.state, partial); fourth.changes[0].Partial != nil {
		t.Error("a change outside of all groups comes partially")
	}
}

func TestForeignSourceKeys(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	c := dial(t, s, m)
	foreign := mapi.SourceKey(string(clientGUID[:]) + "\x01\x02\x03\x04\x05\x06")
	col := c.collector(inbox, true)
	if code := c.put(col, change(foreign, 5, clientXID(1), nil, 0), "foreign"); code != 0 {
		t.Fatal(code)
	}
	if got := c.sync(inbox, fxics.ICSState{}, nil); got.changes[0].SourceKey() != foreign { // MS-OXCFXICS_R2077
		t.Errorf("source key %v", got.changes[0].SourceKey())
	}
	own := c.sync(inbox, fxics.ICSState{}, func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationFlags |= rop.SyncNoForeignIdentifiers })
	if _, ok := own.changes[0].SourceKey().LongTermID(); !ok || own.changes[0].SourceKey() == foreign { // MS-OXCFXICS_R2178
		t.Errorf("source key %v", own.changes[0].SourceKey())
	}
	// The key finds the message again.
	if code := c.put(col, change(foreign, 6, clientXID(2), nil, rop.ImportFailOnConflict), "again"); code != 0 {
		t.Errorf("second change: %v", code)
	}
	if got := c.sync(inbox, fxics.ICSState{}, nil); len(got.changes) != 1 {
		t.Errorf("%d messages", len(got.changes))
	}
}

func TestFastTransferUpload(t *testing.T) {
	s, m := newServer(t, Config{})
	src, dst := m.CreateFolder("Source"), m.CreateFolder("Target")
	msg := mail("copied")
	msg.Attachments = []mapi.Attachment{{Properties: mapi.PropertyBag{{Tag: mapi.PidTagAttachMethod, Value: int32(1)}, {Tag: mapi.PidTagAttachDataBinary, Value: []byte("data")}}}}
	deliver(t, m, src, msg)
	sub := m.CreateFolder("Source", "Sub")
	deliver(t, m, sub, mail("deep"))
	c := dial(t, s, m)
	stream := c.fetch(c.mustOpen(c.folder(src), &rop.FastTransferSourceCopyFolderRequest{CopyFlags: 0x10, SendOptions: rop.SendUnicode}))
	up := c.mustOpen(c.folder(dst), &rop.FastTransferDestinationConfigureRequest{SourceOperation: 4})
	for len(stream) > 0 {
		n := min(len(stream), 200)
		c.must(up, &rop.FastTransferDestinationPutBufferRequest{TransferData: stream[:n]})
		stream = stream[n:]
	}
	c.do(up, &rop.ReleaseRequest{})
	snap := m.Snapshot()
	found := map[string]int{}
	for _, f := range snap.Folders {
		if len(f.Messages) > 0 {
			found[strings.Join(f.Path, "/")] = len(f.Messages)
		}
	}
	if found["Target/Source"] != 1 || found["Target/Source/Sub"] != 1 {
		t.Errorf("%v", found)
	}
	id, _ := m.FindFolder("Target", "Source")
	if got := c.sync(id, fxics.ICSState{}, nil).changes[0].Message; len(got.Attachments) != 1 || len(got.Recipients) != 1 {
		t.Errorf("copy %+v", got)
	}
}

func TestSyncOptions(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	for i, subject := range []string{"middle", "newest", "oldest"} {
		msg := mail(subject)
		msg.Properties.Set(mapi.PidTagMessageDeliveryTime, []mapi.FileTime{200, 300, 100}[i])
		deliver(t, m, inbox, msg)
	}
	fai := mail("settings")
	fai.Properties.Set(mapi.PidTagAssociated, true)
	deliver(t, m, inbox, fai)
	c := dial(t, s, m)
	with := func(f func(*rop.SynchronizationConfigureRequest)) result { return c.sync(inbox, fxics.ICSState{}, f) }

	ordered := with(func(q *rop.SynchronizationConfigureRequest) {
		q.SynchronizationFlags &^= rop.SyncFAI
		q.SynchronizationExtraFlags = rop.SyncExtraOrderByDeliveryTime
	})
	if got := ordered.subjects(); !slices.Equal(got, []string{"newest", "middle", "oldest"}) { // MS-OXCFXICS_R2198, R3502
		t.Errorf("order %q", got)
	}
	for tag, flag := range map[mapi.PropertyTag]uint32{ // MS-OXCFXICS_R2761, R2195, R2196, R2197
		mapi.PidTagMid: rop.SyncExtraEid, mapi.PidTagMessageSize: rop.SyncExtraMessageSize, mapi.PidTagChangeNumber: rop.SyncExtraCN,
	} {
		if ordered.changes[0].Header.Has(tag) {
			t.Errorf("%s in the header without its flag", tag)
		}
		r := with(func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationExtraFlags = flag })
		if !r.changes[0].Header.Has(tag) {
			t.Errorf("%s not in the header with its flag", tag)
		}
	}
	if len(ordered.state.SeenFAI.Entries()) != 0 {
		t.Error("CnsetSeenFAI grows without FAI")
	}
	// The kind that was not asked for comes another time, and nothing was deleted.
	rest := c.sync(inbox, ordered.state, nil)
	if got := rest.subjects(); !slices.Equal(got, []string{"settings"}) || rest.deleted != nil {
		t.Errorf("then %q, deleted %v", got, rest.deleted)
	}
	if again := c.sync(inbox, rest.state, func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationFlags &^= rop.SyncFAI }); again.deleted != nil {
		t.Errorf("FAI messages told as deleted: %+v", again.deleted)
	}

	progress := with(func(q *rop.SynchronizationConfigureRequest) { q.SynchronizationFlags |= rop.SyncProgress })
	total, ok := progress.other[0].(*fxics.ProgressTotal) // MS-OXCFXICS_R2187
	if !ok || total.NormalCount != 3 || total.FAICount != 1 || len(progress.other) != 5 {
		t.Errorf("progress %+v", progress.other)
	}

	for flags, want := range map[uint16]int{ // MS-OXCFXICS_R2183004, R2183005, R2183006
		rop.SyncOnlySpecifiedProperties: 1, rop.SyncOnlySpecifiedProperties | rop.SyncIgnoreSpecifiedOnFAI: 5,
	} {
		r := with(func(q *rop.SynchronizationConfigureRequest) {
			q.SynchronizationFlags |= flags
			q.PropertyTags = []mapi.PropertyTag{mapi.PidTagSubject}
		})
		for _, e := range r.changes {
			if n := len(e.Message.Properties); e.Associated() && n < want || !e.Associated() && n != 1 || !e.Associated() && len(e.Message.Recipients) != 0 {
				t.Errorf("flags %#x: FAI %v has %d properties", flags, e.Associated(), n)
			}
		}
	}
	excluded := with(func(q *rop.SynchronizationConfigureRequest) {
		q.PropertyTags = []mapi.PropertyTag{mapi.PidTagBody, tagMessageSubObjects}
	})
	if e := excluded.changes[0]; e.Message.Properties.Has(mapi.PidTagBody) || len(e.Message.Recipients) != 0 || !e.Message.Properties.Has(mapi.PidTagSubject) ||
		e.Parts&fxics.PartRecipients != 0 || e.Parts&fxics.PartAttachments == 0 { // MS-OXCFXICS_R2203, R2206
		t.Errorf("excluded: %+v", e)
	}
	for options, want := range map[uint8]mapi.PropertyType{ // MS-OXCFXICS_R3449, R3453, R3457
		rop.SendUnicode: mapi.TypeString, 0: mapi.TypeString8, rop.SendUseCpid: typeUTF16, rop.SendForUpload: typeUTF16, rop.SendForceUnicode: mapi.TypeString,
	} {
		r := with(func(q *rop.SynchronizationConfigureRequest) { q.SendOptions = options })
		p, _ := r.changes[0].Message.Properties.Lookup(mapi.Key{ID: mapi.PidTagSubject.ID()})
		if p.Tag.Type() != want {
			t.Errorf("options %#x: strings of type %#x", options, p.Tag.Type())
		}
	}
}

// TestPartialChangesOfClients has another client change the message.
func TestPartialChangesOfClients(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	partial := func(q *rop.SynchronizationConfigureRequest) { q.SendOptions |= rop.SendPartialItem }
	state := c.sync(inbox, fxics.ICSState{}, partial).state
	other := dial(t, s, m)
	h, _ := other.openMessage(inbox, mid)
	other.set(h, mapi.Property{Tag: mapi.PidTagFlagStatus, Value: int32(2)})
	other.save(h)
	if err := m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "two") }); err != nil {
		t.Fatal(err)
	}
	got := c.sync(inbox, state, partial).changes[0]
	if got.Partial == nil {
		t.Fatal("what clients change comes in full")
	}
	var groups []uint32
	for _, g := range got.Partial.Groups {
		groups = append(groups, g.Index)
	}
	if !slices.Equal(groups, []uint32{0, 2, 6}) {
		t.Errorf("groups %v", groups)
	}
}
