package memserver

import (
	"slices"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

func subjects(v *message) (top string, inside []string) {
	for _, e := range conflictVersions(v) {
		if v.status&statusInConflict != 0 {
			inside = append(inside, e.Properties.String(mapi.PidTagSubject))
		}
	}
	slices.Sort(inside)
	return v.content.Properties.String(mapi.PidTagSubject), inside
}

// beside is a moment n ticks after another, or before it.
func beside(t mapi.FileTime, n int64) mapi.FileTime { return mapi.FileTime(int64(t) + n) }

// What is left of a message that two clients changed without knowing of each other, by the folder's PidTagResolveMethod and by
// who wrote last.
func TestClash(t *testing.T) {
	both := []string{"client", "server"}
	for name, tc := range map[string]struct {
		method int32
		onTop  bool
		later  int64 // how much later the client's version is
		top    string
		inside []string
	}{
		"client later":                           {0, false, 1, "client", both}, // MS-OXCFXICS_R1286, R1811, R1812
		"server later":                           {0, false, -1, "server", both},
		"imports on top, client later":           {0, true, 1, "client", both},
		"imports on top, server later":           {0, true, -1, "client", both},
		"last writer wins":                       {1, false, 1, "client", nil}, // MS-OXCFXICS_R1290
		"last writer wins, server later":         {1, false, -1, "server", nil},
		"last writer wins, imports on top":       {1, true, -1, "client", nil},
		"no notifications":                       {2, false, 1, "client", both}, // MS-OXCFXICS_R1292
		"no notifications, imports on top":       {2, true, -1, "client", both},
		"no notifications, and last writer wins": {3, false, 1, "client", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, m := newServer(t, Config{ImportsOnTop: tc.onTop})
			inbox := m.Folder(FolderInbox)
			if err := m.SetFolderProperty(inbox, mapi.Property{Tag: mapi.PidTagResolveMethod, Value: tc.method}); err != nil {
				t.Fatal(err)
			}
			mid := deliver(t, m, inbox, mail("server"))
			before, _ := m.messageByMID(mid)
			if err := m.Clash(mid, beside(before.modified, tc.later), func(c *mapi.Message) { retitleContent(c, "client") }); err != nil {
				t.Fatal(err)
			}
			v, _ := m.messageByMID(mid)
			if top, inside := subjects(v); top != tc.top || !slices.Equal(inside, tc.inside) {
				t.Errorf("%q on top of %q", top, inside)
			}
			if !v.pcl.Includes(before.pcl) || len(v.pcl) != len(before.pcl)+1 {
				t.Errorf("%v does not succeed %v", v.pcl, before.pcl)
			}
		})
	}
}

// A third version is one more beside the two, wherever it ends up; an import that knows them all replaces them.
func TestClashOfThree(t *testing.T) {
	for _, later := range []int64{1, -1} {
		s, m := newServer(t, Config{})
		inbox := m.Folder(FolderInbox)
		mid := deliver(t, m, inbox, mail("first"))
		base, _ := m.messageByMID(mid)
		for i, subject := range []string{"second", "third"} {
			if err := m.Clash(mid, beside(base.modified, later*int64(i+1)), func(c *mapi.Message) { retitleContent(c, subject) }); err != nil {
				t.Fatal(err)
			}
		}
		v, _ := m.messageByMID(mid)
		top, inside := subjects(v)
		if want := map[int64]string{1: "third", -1: "first"}[later]; top != want || !slices.Equal(inside, []string{"first", "second", "third"}) {
			t.Errorf("%q on top of %q", top, inside)
		}
		if n := len(v.content.Attachments); n != 3 {
			t.Errorf("%d attachments", n)
		}
		c := dial(t, s, m)
		got := c.sync(inbox, fxics.ICSState{}, nil)
		if len(got.changes) != 3 {
			t.Fatalf("sent %d versions", len(got.changes))
		}
		for _, e := range got.changes {
			if e.Partial != nil || e.Message.Properties.Int(mapi.PidTagMessageStatus)&int64(statusInConflict) != 0 { // MS-OXCFXICS_R1138
				t.Errorf("a version comes in part, or as a conflict resolve message: %+v", e.Message.Properties)
			}
		}
		q := change(got.changes[0].SourceKey(), v.modified, clientXID(1), v.pcl, rop.ImportFailOnConflict)
		if code := c.put(c.collector(inbox, true), q, "settled"); code != 0 {
			t.Fatal(code)
		}
		if v, _ = m.messageByMID(mid); v.status&statusInConflict != 0 || len(v.content.Attachments) != 0 {
			t.Errorf("status %#x and %d attachments are left", v.status, len(v.content.Attachments))
		}
	}
}

// What was made of the version on top since is a version like the others when the next one comes.
func TestClashAfterEdit(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("first"))
	base, _ := m.messageByMID(mid)
	if err := m.Clash(mid, base.modified+1, func(c *mapi.Message) { retitleContent(c, "second") }); err != nil {
		t.Fatal(err)
	}
	if err := m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "edited") }); err != nil {
		t.Fatal(err)
	}
	if got := dial(t, s, m).sync(inbox, fxics.ICSState{}, nil).changes; len(got) != 3 {
		t.Errorf("sent %d versions", len(got))
	}
	edited, _ := m.messageByMID(mid)
	if err := m.Clash(mid, edited.modified+1, func(c *mapi.Message) { retitleContent(c, "third") }); err != nil {
		t.Fatal(err)
	}
	v, _ := m.messageByMID(mid)
	if top, inside := subjects(v); top != "third" || !slices.Equal(inside, []string{"edited", "first", "second", "third"}) {
		t.Errorf("%q on top of %q", top, inside)
	}
}

func TestResolveMessagesWhole(t *testing.T) {
	s, m := newServer(t, Config{ResolveMessagesWhole: true})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("server"))
	if err := m.Clash(mid, 1, func(c *mapi.Message) { retitleContent(c, "client") }); err != nil {
		t.Fatal(err)
	}
	got := dial(t, s, m).sync(inbox, fxics.ICSState{}, nil).changes
	if len(got) != 1 || len(got[0].Message.Attachments) != 2 {
		t.Fatalf("%d changes: %+v", len(got), got)
	}
	for _, a := range got[0].Message.Attachments {
		if !isVersion(a) {
			t.Errorf("nothing tells that this is a version: %+v", a.Properties)
		}
	}
}
