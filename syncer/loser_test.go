package syncer_test

import (
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

const ropImport = 0x72 // RopSynchronizationImportMessageChange

// While a conflict is being resolved the server's version changes again, but for its content: one loser is enough.
func TestOneLoserForOneContent(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "at first")
	a, b := w.client(t, quick), w.client(t, quick)
	a.pass()
	b.pass()
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.edit(a.at("Inbox", "*one*").Num, mail("one", "what a wrote"))
	imports := 0
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if !r.Has(ropImport) {
			return memserver.Fault{}
		}
		if imports++; imports == 3 { // after the first try, and after the loser
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(2)) }); err != nil {
				t.Error(err)
			}
		}
		return memserver.Fault{}
	})
	a.flush()
	w.srv.SetScript(nil)
	same(t, a, b)
	if imports < 4 {
		t.Errorf("%d imports: the version did not change again", imports)
	}
	if n := count(b, "what a wrote"); n != 1 {
		t.Errorf("the winner is there %d times", n)
	}
	if n := count(b, "what b wrote"); n != 1 {
		t.Errorf("the loser is there %d times:\n%s", n, b.tree())
	}
}

// A message is saved again while its first save is on its way, and that meets a conflict: the latest text goes up
// once, and is no conflict with itself.
func TestSavedAgainBeforeConflict(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "at first")
	a, b := w.client(t, quick), w.client(t, quick)
	a.pass()
	b.pass()
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	n := a.at("Inbox", "*one*").Num
	a.edit(n, mail("one", "the first save"))
	w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutBefore: r.Has(ropImport)} })
	if err := a.s.Pass(t.Context()); err == nil {
		t.Fatal("the first save was not cut")
	}
	w.srv.SetScript(nil)
	b.flush()
	a.edit(n, mail("one", "the second save"))
	a.flush()
	same(t, a, b)
	if n := count(b, "the second save"); n != 1 {
		t.Errorf("the second save is there %d times:\n%s", n, b.tree())
	}
	if n := count(b, "what b wrote"); n != 1 {
		t.Errorf("what the other wrote is there %d times", n)
	}
}

// One of the messages that go up together meets a conflict, and the server has no time for that: what it has taken of
// the others counts all the same.
func TestTroubleWithOneOfSeveral(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body of one")
	two := w.deliver("two", "body of two")
	a, b := w.client(t, quick), w.client(t, quick)
	a.pass()
	b.pass()
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.edit(a.at("Inbox", "*one*").Num, mail("one", "what a wrote"))
	a.edit(a.at("Inbox", "*two*").Num, mail("two", "what a wrote there"))
	busy := false
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if !r.Has(0x7F) { // RopGetLocalReplicaIds, for the loser
			return memserver.Fault{}
		}
		busy = true
		return memserver.Fault{CutBefore: true}
	})
	if err := a.s.Pass(t.Context()); err == nil || !busy {
		t.Fatalf("the loser got its id, or none was asked for: %v", err)
	}
	w.srv.SetScript(nil)
	if _, err := w.box.Move(two, w.box.Folder(memserver.FolderDrafts)); err != nil {
		t.Fatal(err)
	}
	a.flush()
	same(t, a, b)
	if n := count(b, "what a wrote there"); n != 1 {
		t.Errorf("it is there %d times:\n%s", n, b.tree())
	}
}

// The mailbox has no Conflicts folder, and one client makes it while another one is signed in, which needs it then: it
// finds the one that is there, and so do clients that have not yet taken note of what it is for.
func TestConflictsFolderThatSomebodyMadeMeanwhile(t *testing.T) {
	w := newMemWorld(t)
	if err := w.box.DeleteFolder(w.box.Folder(memserver.FolderConflicts), true); err != nil {
		t.Fatal(err)
	}
	one, two := w.deliver("one", "at first"), w.deliver("two", "at first")
	a, b, c := w.client(t, quick), w.client(t, quick), w.client(t, quick)
	for _, x := range []*client{a, b, c} {
		x.pass()
	}
	clash := func(x *client, mid mapi.MID, subject, mine string) {
		t.Helper()
		x.edit(x.at("Inbox", "*"+subject+"*").Num, mail(subject, mine))
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "not "+mine+"\r\n") }); err != nil {
			t.Fatal(err)
		}
		x.flush()
	}
	clash(b, one, "one", "what b wrote")
	c.pass() // takes it for any folder
	clash(a, two, "two", "what a wrote")
	c.pass()
	clash(c, one, "one", "what c wrote")
	for _, x := range []*client{a, b, c} {
		x.pass()
	}
	same(t, a, b)
	same(t, a, c)
	for _, f := range w.box.Snapshot().Folders {
		if f.Path[0] == "Sync Issues" && len(f.Path) == 2 && len(f.Messages) != map[string]int{"Conflicts": 3}[f.Path[1]] {
			t.Errorf("%v has %d messages", f.Path, len(f.Messages))
		}
	}
	for _, x := range []*client{a, b, c} {
		if n := x.at("Sync Issues", "Conflicts"); n.Folder.Special != replica.SpecialConflicts {
			t.Errorf("Conflicts is special folder %d", n.Folder.Special)
		}
	}
}
