package syncer_test

import (
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// versions collects the bodies of a client's visible messages by folder name.
func has(t *testing.T, c *client, folder, body string) bool {
	t.Helper()
	for k, v := range c.contents() {
		if strings.HasPrefix(k, "/"+folder+"/") && strings.Contains(v, body) {
			return true
		}
	}
	return false
}

func TestBothEdit(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	num := a.at("Inbox", "*one*").Num
	a.edit(num, mail("one", "what a wrote"))
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.flush()
	same(t, a, b)
	// a edited first: b's version is the later one, and stays in place
	if !has(t, a, "Inbox", "what b wrote") || !has(t, a, "Sync Issues/Conflicts", "what a wrote") {
		t.Fatalf("%s\n%v", a.tree(), a.contents())
	}
	if a.at("Inbox", "*one*").Num != num {
		t.Fatal("the item has another number now")
	}
	checkLinks(t, b)
}

// editBoth makes both clients change a message without the other's knowledge. b's version reaches the server first.
func editBoth(a, b *client) {
	a.pass()
	b.pass()
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.edit(a.at("Inbox", "*one*").Num, mail("one", "what a wrote"))
	a.flush()
}

func TestBothEditLaterHere(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	editBoth(a, b)
	same(t, a, b)
	if !has(t, b, "Inbox", "what a wrote") || !has(t, b, "Sync Issues/Conflicts", "what b wrote") {
		t.Fatalf("%s\n%v", b.tree(), b.contents())
	}
	checkLinks(t, b)
}

// checkLinks checks that winner and loser name each other in PidTagConflictItems.
func checkLinks(t *testing.T, c *client) {
	t.Helper()
	winner, loser := c.at("Inbox", "*one*"), c.at("Sync Issues", "Conflicts", "*one*")
	c.view(func(v *replica.View) error {
		for _, pair := range [][2]*replica.Node{{winner, loser}, {loser, winner}} {
			m, err := v.Message(pair[0].Num)
			if err != nil {
				return err
			}
			items, _ := m.Properties.Get(mapi.PidTagConflictItems).([][]byte)
			found := false
			for _, p := range items {
				id, err := mapi.ParseEntryID(p)
				if err != nil {
					return err
				}
				e, ok := id.(*mapi.MessageEntryID)
				found = found || ok && e.Message.SourceKey() == pair[1].Message.SourceKey
			}
			if !found || !pair[0].Message.Conflict {
				t.Errorf("%s does not lead to %s", pair[0].Name, pair[1].Name)
			}
		}
		return nil
	})
}

func TestEditBeatsDeletion(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	w.deliver("two", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	// deleted here, edited there
	a.unlink(a.at("Inbox", "*one*").Num, false)
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.flush()
	// edited here, deleted there
	b.unlink(b.at("Inbox", "*two*").Num, true)
	b.flush()
	a.edit(a.at("Inbox", "*two*").Num, mail("two", "what a wrote"))
	a.flush()
	same(t, a, b)
	if !has(t, a, "Inbox", "what b wrote") || !has(t, b, "Inbox", "what a wrote") {
		t.Fatalf("%s\n%v", a.tree(), a.contents())
	}
}

func TestFlagAndEdit(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.flag(a.at("Inbox", "*one*").Num, 2, "")
	a.markRead(a.at("Inbox", "*one*").Num, true)
	a.flush()
	same(t, a, b)
	m := b.at("Inbox", "*one*").Message
	if !has(t, a, "Inbox", "what b wrote") || m.Flag != 2 || !m.Read {
		t.Fatalf("flag %d read %v\n%v", m.Flag, m.Read, a.contents())
	}
	if b.find("Sync Issues", "Conflicts", "*one*") != nil {
		t.Fatal("a flag makes no conflict")
	}
}

func TestMoveAndEdit(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	w.deliver("two", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.move(b.at("Inbox", "*two*").Num, b.at("Drafts"))
	b.flush()
	a.move(a.at("Inbox", "*one*").Num, a.at("Drafts"))
	a.edit(a.at("Inbox", "*two*").Num, mail("two", "what a wrote"))
	a.flush()
	same(t, a, b)
	if !has(t, a, "Drafts", "what b wrote") {
		t.Fatalf("%s\n%v", a.tree(), a.contents())
	}
	if !has(t, b, "Inbox", "what a wrote") && !has(t, b, "Drafts", "what a wrote") {
		t.Fatalf("%s\n%v", a.tree(), a.contents())
	}
}

// TestMoveOfWhatSomebodyMarked: who moves or deletes a message without knowing what somebody has just set its read state
// to hears of it all the same, also from a server to which that is old news where the message is now.
func TestMoveOfWhatSomebodyMarked(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"moved", "deleted", "marked too", "busy"} {
		w.deliver(name, "text")
	}
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	before := a.at("Inbox", "*moved*").Message.Read
	for _, name := range []string{"moved", "deleted", "marked too"} {
		a.markRead(a.at("Inbox", "*"+name+"*").Num, !before)
	}
	a.flush()
	b.move(b.at("Inbox", "*busy*").Num, b.at("Drafts")) // so that the folders have change numbers beyond those
	b.unlink(b.at("Inbox", "*deleted*").Num, false)
	b.move(b.at("Inbox", "*moved*").Num, b.at("Drafts"))
	b.move(b.at("Inbox", "*marked too*").Num, b.at("Drafts"))
	b.markRead(b.at("Drafts", "*marked too*").Num, !before)
	b.markRead(b.at("Drafts", "*marked too*").Num, before)
	b.flush()
	same(t, a, b)
	if b.at("Drafts", "*moved*").Message.Read == before || b.at("Deleted Items", "*deleted*").Message.Read == before {
		t.Errorf("what somebody marked is not told of\n%v", b.contents())
	}
	if b.at("Drafts", "*marked too*").Message.Read != before {
		t.Errorf("the later of two marks is lost\n%v", b.contents())
	}
}

func TestFolderConflicts(t *testing.T) {
	w := newWorld(t)
	a, b := w.client(t), w.client(t)
	a.pass()
	a.mkdir(a.at(), "One")
	a.mkdir(a.at(), "Two")
	a.mkdir(a.at(), "Three")
	a.flush()
	b.pass()
	// both rename
	b.rename(b.at("One").Num, b.at(), "One by b")
	b.flush()
	a.rename(a.at("One").Num, a.at(), "One by a")
	// deleted here, mail arrived there
	b.create(b.at("Two"), "new.eml", mail("arrived", "meanwhile"))
	b.flush()
	a.rmdir(a.at("Two").Num)
	// new mail here, deleted there
	b.rmdir(b.at("Three").Num)
	b.flush()
	a.create(a.at("Three"), "new.eml", mail("written", "meanwhile"))
	// the same folder made on both sides
	a.mkdir(a.at(), "Same")
	b.mkdir(b.at(), "Same")
	b.flush()
	a.pass()
	a.flush()
	same(t, a, b)
	if a.find("One by a") == nil && a.find("One by b") == nil {
		t.Fatal(a.tree())
	}
	a.at("Two", "*arrived*")
	if !has(t, b, "Three", "meanwhile") {
		t.Fatal(b.tree())
	}
	if a.find("Same") == nil || b.find("Same") == nil || a.at("Same").Folder.SourceKey != b.at("Same").Folder.SourceKey {
		t.Fatal(a.tree(), b.tree())
	}
}

func TestConflictsFolderIsMade(t *testing.T) {
	w := newMemWorld(t)
	if fid, ok := w.box.FindFolder("Sync Issues"); ok {
		if err := w.box.DeleteFolder(fid, true); err != nil {
			t.Fatal(err)
		}
	}
	w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	a.edit(a.at("Inbox", "*one*").Num, mail("one", "what a wrote"))
	b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
	b.flush()
	a.flush()
	same(t, a, b)
	if !has(t, b, "Sync Issues/Conflicts", "what a wrote") {
		t.Fatal(b.tree())
	}
}

// TestLocalFilesOfAFolderThatIsGone: they go to a directory of their own, and nothing is lost.
func TestLocalFilesOfAFolderThatIsGone(t *testing.T) {
	w := newMemWorld(t)
	fid := w.box.CreateFolder("Doomed", "Below")
	c := w.client(t)
	c.pass()
	c.update(func(u *replica.Update) error {
		_, err := u.Insert(&replica.Node{Parent: c.at("Doomed", "Below").Num, Name: ".note.swp", Kind: replica.KindFile})
		return err
	})
	top, _ := w.box.FindFolder("Doomed")
	for _, f := range []mapi.FID{fid, top} {
		if err := w.box.DeleteFolder(f, true); err != nil {
			t.Fatal(err)
		}
	}
	c.pass()
	c.at(".mailfs-local", ".note.swp")
	if c.find("Doomed") != nil {
		t.Fatal(c.tree())
	}
}

// A message that was edited and then deleted here, and edited there: the version from there, which nobody here has
// seen, stays, whichever of the two edits is the later one; for good or not makes no difference.
func TestEditedThenDeletedMeetsTheirEdit(t *testing.T) {
	for _, hard := range []bool{true, false} {
		for _, theirsLater := range []bool{true, false} {
			w := newWorld(t)
			w.deliver("one", "the first version")
			a, b := w.client(t), w.client(t)
			a.pass()
			b.pass()
			num := a.at("Inbox", "*one*").Num
			theirs := func() { b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote")) }
			if !theirsLater {
				theirs()
			}
			a.edit(num, mail("one", "what a wrote"))
			a.unlink(num, hard)
			if theirsLater {
				theirs()
			}
			b.flush()
			a.flush()
			a.pass()
			same(t, a, b)
			if !has(t, b, "Inbox", "what b wrote") && !has(t, b, "Sync Issues/Conflicts", "what b wrote") {
				t.Errorf("hard %v, theirs later %v: what b wrote is gone\n%s", hard, theirsLater, b.tree())
			}
			if theirsLater && a.find("Inbox", "*one*") == nil {
				t.Errorf("hard %v: the message did not come back\n%s", hard, a.tree())
			}
		}
	}
}
