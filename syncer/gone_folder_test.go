package syncer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// count returns how many messages of a client say something.
func count(c *client, text string) (n int) {
	c.t.Helper()
	for key, body := range c.contents() {
		if key[len(key)-1] != '/' && strings.Contains(body, text) {
			n++
		}
	}
	return n
}

// A message went up and its answer was lost; somebody moves or deletes it before the upload is repeated. It does not
// come a second time, unless its user has saved it again since.
func TestTakenAwayBeforeItsAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		again, removed bool
		old, fresh     int
	}{
		"moved": {false, false, 1, 0}, "removed": {false, true, 0, 0},
		"moved and saved again": {true, false, 1, 1}, "removed and saved again": {true, true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			c := w.client(t, quick)
			c.pass()
			n := c.create(c.at("Inbox"), "new.eml", mail("one", "as it was"))
			w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutAfter: r.Has(0x0C) && !counts(r)} })
			if err := c.s.Pass(t.Context()); err == nil {
				t.Fatal("the answer was not lost")
			}
			w.srv.SetScript(nil)
			for _, f := range w.box.Snapshot().Folders {
				for _, m := range f.Messages {
					if tc.removed {
						if err := w.box.Delete(m.ID, false); err != nil {
							t.Fatal(err)
						}
					} else if _, err := w.box.Move(m.ID, w.box.Folder(memserver.FolderDrafts)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if tc.again {
				c.edit(n.Num, mail("one", "saved again"))
			}
			c.flush()
			c.pass()
			c.pass()
			fresh := w.client(t)
			fresh.pass()
			for _, x := range []*client{c, fresh} {
				if old, again := count(x, "as it was"), count(x, "saved again"); old != tc.old || again != tc.fresh {
					t.Errorf("%d of the old version, %d of the new one, want %d and %d:\n%s", old, again, tc.old, tc.fresh, x.tree())
				}
			}
		})
	}
}

// The same with a new version of a message that was there before: it is one message, at its new place, with everything that
// either side did to it since.
func TestEditMovedBeforeItsAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		again, mine, theirs bool // saved again, moved here, edited there since
		want                map[string]int
		place               string
	}{
		"moved":                       {false, false, false, map[string]int{"as sent": 1}, "Drafts"},
		"and saved again":             {true, false, false, map[string]int{"saved again": 1, "as sent": 0}, "Drafts"},
		"and edited there":            {false, false, true, map[string]int{"edited there": 1, "as sent": 0}, "Drafts"},
		"and edited there, and here":  {true, false, true, map[string]int{"edited there": 1, "saved again": 1, "as sent": 0}, "Drafts"},
		"and moved elsewhere here":    {false, true, false, map[string]int{"as sent": 1}, "Archive"},
		"and moved elsewhere, edited": {true, true, false, map[string]int{"saved again": 1, "as sent": 0}, "Archive"},
	} {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", list kept ", keeps), func(t *testing.T) {
				w := newMemWorld(t)
				want := tc.want
				if keeps {
					w.box.KeepHistory()
				} else if tc.theirs && !tc.again {
					want = map[string]int{"edited there": 1, "as sent": 1} // nothing tells what that edit was made of: both stay
				}
				w.box.CreateFolder("Archive")
				mid := w.deliver("one", "as it was")
				c := w.client(t, quick)
				c.pass()
				n := c.at("Inbox", "*one*")
				c.edit(n.Num, mail("one", "as sent"))
				w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutAfter: r.Has(0x0C) && !counts(r)} })
				if err := c.s.Pass(t.Context()); err == nil {
					t.Fatal("the answer was not lost")
				}
				w.srv.SetScript(nil)
				moved, err := w.box.Move(mid, w.box.Folder(memserver.FolderDrafts))
				if err != nil {
					t.Fatal(err)
				}
				if tc.theirs {
					if err := w.box.Edit(moved, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited there") }); err != nil {
						t.Fatal(err)
					}
				}
				if tc.again {
					c.edit(n.Num, mail("one", "saved again"))
				}
				if tc.mine {
					c.move(n.Num, c.at("Archive"))
				}
				c.flush()
				c.pass()
				fresh := w.client(t)
				fresh.pass()
				for _, x := range []*client{c, fresh} {
					for text, want := range want {
						if got := count(x, text); got != want {
							t.Errorf("%q is there %d times, want %d:\n%s", text, got, want, x.tree())
						}
					}
					x.at(tc.place, "*one*")
				}
				if now := c.at(tc.place, "*one*"); !tc.theirs && now.Num != n.Num {
					t.Errorf("number %d became %d", n.Num, now.Num)
				}
			})
		}
	}
}

// The same, but the message was deleted, and a copy of it was made here meanwhile: the copy's list of changes has a later number
// of the same client in it, which is none of that edit. It is another message, so that the edit comes back as one of its own.
func TestEditIsNotInACopy(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "as it was")
	c := w.client(t, quick)
	c.pass()
	c.edit(c.at("Inbox", "*one*").Num, mail("one", "as sent"))
	w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutAfter: r.Has(0x0C) && !counts(r)} })
	if err := c.s.Pass(t.Context()); err == nil {
		t.Fatal("the answer was not lost")
	}
	w.srv.SetScript(nil)
	if err := w.box.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	of := c.at("Inbox", "*one*").Message.MessageID
	drafted := c.create(c.at("Drafts"), "one", mail("one", "a copy"))
	c.update(func(u *replica.Update) error {
		n, err := u.Node(drafted.Num)
		if err != nil {
			return err
		}
		n.Message.MessageID = of // as a save through the mount stores it
		return u.Save(n)
	})
	c.flush()
	c.pass()
	fresh := w.client(t)
	fresh.pass()
	for _, x := range []*client{c, fresh} {
		for _, text := range []string{"as sent", "a copy"} {
			if got := count(x, text); got != 1 {
				t.Errorf("%q is there %d times:\n%s", text, got, x.tree())
			}
		}
	}
}

// Two folders, one in the other, are removed here while something arrives in the inner one: both come back where they
// were.
func TestNestedFoldersComeBackInPlace(t *testing.T) {
	w := newMemWorld(t)
	inner := w.box.CreateFolder("Outer", "Inner")
	c := w.client(t)
	c.pass()
	if _, err := w.box.Deliver(inner, parse(t, mail("news", "unseen"))); err != nil {
		t.Fatal(err)
	}
	c.rmdir(c.at("Outer", "Inner").Num)
	c.rmdir(c.at("Outer").Num)
	c.flush()
	c.pass()
	c.at("Outer", "Inner", "*news*")
	fresh := w.client(t)
	fresh.pass()
	same(t, c, fresh)
}

// A file that is about to be a message keeps the folder alive that somebody else removes.
func TestFileKeepsRemovedFolder(t *testing.T) {
	w := newMemWorld(t)
	dir := w.box.CreateFolder("Dir")
	c := w.client(t)
	c.pass()
	local := func(name, text string, made time.Time) {
		blob, size, err := c.rep.PutBlob(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		dir := c.at("Dir").Num
		c.update(func(u *replica.Update) error {
			_, err = u.Insert(&replica.Node{Parent: dir, Name: name, Kind: replica.KindFile, Mtime: made, Ctime: made, Content: blob, Size: size, Exact: true})
			return err
		})
	}
	local("saved.eml", mail("one", "saved"), time.Now().Add(-time.Hour))
	local("empty.eml", "", time.Now().Add(-time.Hour))
	local("begun.eml", "", time.Now())
	local(".swap", "swapped", time.Now())
	if err := w.box.DeleteFolder(dir, false); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.at("Dir", "saved.eml")
	c.at("Dir", "begun.eml")
	if n := c.find("Dir", "empty.eml"); n != nil {
		t.Error("an empty file is still there")
	}
	c.flush()
	if _, ok := w.box.FindFolder("Dir"); !ok {
		t.Error("the folder did not come back")
	}
}

// A message is saved and moved into a folder that somebody removes meanwhile: it is in the folder, which comes back,
// and nowhere else.
func TestMoveIntoRemovedFolder(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "at first")
	dir := w.box.CreateFolder("Dir")
	c := w.client(t, quick)
	c.pass()
	n := c.at("Inbox", "*one*")
	c.edit(n.Num, mail("one", "saved here"))
	c.move(n.Num, c.at("Dir"))
	if err := w.box.DeleteFolder(dir, false); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.pass()
	c.flush()
	c.pass()
	c.at("Dir", "*one*")
	fresh := w.client(t)
	fresh.pass()
	same(t, c, fresh)
	if n := count(fresh, "saved here"); n != 1 {
		t.Errorf("it is there %d times:\n%s", n, fresh.tree())
	}
}

// A folder arrives in one whose removal is queued here: the removal is void, and both are there.
func TestFolderArrivesInRemovedOne(t *testing.T) {
	w := newMemWorld(t)
	w.box.CreateFolder("Outer")
	c := w.client(t)
	c.pass()
	outer := c.at("Outer").Num
	c.rmdir(outer)
	c.update(func(u *replica.Update) error { // it waits for its window
		list, err := u.ChangesOf(outer)
		if err != nil {
			return err
		}
		list[0].Ready = time.Now().Add(time.Hour)
		return u.SaveChange(list[0])
	})
	inner := w.box.CreateFolder("Outer", "Inner")
	if _, err := w.box.Deliver(inner, parse(t, mail("news", "unseen"))); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.update(func(u *replica.Update) error {
		list, err := u.ChangesOf(outer)
		if err != nil {
			return err
		}
		list[0].Ready = time.Now()
		return u.SaveChange(list[0])
	})
	c.pass()
	c.pass()
	c.at("Outer", "Inner", "*news*")
}

// A folder is renamed and then removed before the first of it went up.
func TestRenamedThenRemoved(t *testing.T) {
	w := newMemWorld(t)
	w.box.CreateFolder("Outer", "Inner")
	c := w.client(t, quick)
	c.pass()
	inner := c.at("Outer", "Inner")
	c.rename(inner.Num, c.at("Outer"), "Other")
	c.rmdir(inner.Num)
	c.flush()
	fresh := w.client(t)
	same(t, c, fresh)
	if n := fresh.find("Outer", "*"); n != nil {
		t.Errorf("%s is still there", n.Name)
	}
}

// Somebody removes a folder with messages that were moved out of it here, or deleted here, and one that a message was
// moved into before it was deleted: nothing waits for ever, and what was moved out stays.
func TestRemovedFolderOfMovedMessages(t *testing.T) {
	w := newMemWorld(t)
	from, to := w.box.CreateFolder("From"), w.box.CreateFolder("To")
	for _, name := range []string{"one", "two", "three"} {
		if _, err := w.box.Deliver(from, parse(t, mail(name, "body of "+name))); err != nil {
			t.Fatal(err)
		}
	}
	w.deliver("four", "body of four")
	c := w.client(t, quick)
	c.pass()
	one, two, three, four := c.at("From", "*one*").Num, c.at("From", "*two*").Num, c.at("From", "*three*").Num, c.at("Inbox", "*four*").Num
	c.move(one, c.at("Drafts"))
	c.unlink(two, false)
	c.move(three, c.at("To"))
	c.unlink(three, false)
	c.move(four, c.at("To"))
	w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutBefore: r.Has(0x78)} }) // RopSynchronizationImportMessageMove
	if err := c.s.Pass(t.Context()); err == nil {
		t.Fatal("the moves were not cut")
	}
	w.srv.SetScript(nil)
	c.unlink(four, false)
	for _, dir := range []mapi.FID{from, to} {
		if err := w.box.DeleteFolder(dir, false); err != nil {
			t.Fatal(err)
		}
	}
	c.pass()
	c.flush()
	fresh := w.client(t)
	same(t, c, fresh)
	for text, want := range map[string]int{"body of two": 0, "body of three": 0, "body of four": 1} {
		if n := count(fresh, text); n != want {
			t.Errorf("%s is there %d times, want %d:\n%s", text, n, want, fresh.tree())
		}
	}
}

// Somebody removes a folder that another one was moved into here, or was to be: that one is where it was moved to, in a
// new folder, and nothing of it is there twice.
func TestFolderMovedIntoRemovedOne(t *testing.T) {
	w := newMemWorld(t)
	target := w.box.CreateFolder("Target")
	inner := w.box.CreateFolder("Other", "Inner")
	if _, err := w.box.Deliver(inner, parse(t, mail("one", "body of one"))); err != nil {
		t.Fatal(err)
	}
	c := w.client(t, quick)
	c.pass()
	c.rename(c.at("Other", "Inner").Num, c.at("Target"), "Inner")
	if err := w.box.DeleteFolder(target, false); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.pass()
	c.flush()
	c.at("Target", "Inner", "*one*")
	fresh := w.client(t)
	same(t, c, fresh)
	if n := count(fresh, "body of one"); n != 1 || fresh.find("Other", "Inner") != nil {
		t.Errorf("it is there %d times:\n%s", n, fresh.tree())
	}
}

// A new folder went up and its answer was lost; somebody removes it before the upload is repeated. It comes back only
// for what was put into it since.
func TestFolderTakenAwayBeforeItsAnswer(t *testing.T) {
	for _, filled := range []bool{false, true} {
		w := newMemWorld(t)
		c := w.client(t, quick)
		c.pass()
		dir := c.mkdir(c.at(), "Fresh")
		w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutAfter: r.Has(0x73)} }) // RopSynchronizationImportHierarchyChange
		if err := c.s.Pass(t.Context()); err == nil {
			t.Fatal("the answer was not lost")
		}
		w.srv.SetScript(nil)
		fid, ok := w.box.FindFolder("Fresh")
		if !ok {
			t.Fatal("the folder did not go up")
		}
		if err := w.box.DeleteFolder(fid, false); err != nil {
			t.Fatal(err)
		}
		if filled {
			c.create(dir, "new.eml", mail("one", "put into it"))
		}
		c.pass()
		c.flush()
		fresh := w.client(t)
		same(t, c, fresh)
		if is := fresh.find("Fresh") != nil; is != filled {
			t.Errorf("filled %v, and there %v", filled, is)
		}
	}
}

// A flag of a message that is out of the tree, since a file is to take its place, goes up all the same.
func TestFlagOfMessageOutOfTheTree(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body of one")
	c := w.client(t, quick)
	c.pass()
	num := c.at("Inbox", "*one*").Num
	c.update(func(u *replica.Update) error { return u.Detach(num) })
	c.flag(num, 2, "")
	c.flush()
	if m := w.box.Snapshot(); !flagged(m) {
		t.Error("the flag did not go up")
	}
}

func flagged(s *memserver.Snapshot) bool {
	for _, f := range s.Folders {
		for _, m := range f.Messages {
			if m.Content.Properties.Int(mapi.PidTagFlagStatus) == 2 {
				return true
			}
		}
	}
	return false
}

// A folder is moved into another one here, and that one into the first there: nothing is refused, and both sides have
// the same tree, with the name that was given here.
func TestFoldersMovedIntoEachOther(t *testing.T) {
	w := newMemWorld(t)
	first, second := w.box.CreateFolder("First"), w.box.CreateFolder("Second")
	c := w.client(t, quick)
	c.pass()
	c.rename(c.at("First").Num, c.at("Second"), "Renamed")
	if err := w.box.MoveFolder(second, first); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.pass()
	c.flush()
	fresh := w.client(t)
	same(t, c, fresh)
	fresh.at("Renamed", "Second")
}

// A folder gets another name because the server has one of the name that it got here: whoever shows the replica hears of
// it as of anything that nobody did there.
func TestNameTakenIsTold(t *testing.T) {
	w := newMemWorld(t)
	w.box.CreateFolder("Mine")
	c := w.client(t, quick)
	c.pass()
	mine := c.at("Mine").Num
	c.rename(mine, c.at(), "Wanted")
	w.box.CreateFolder("Wanted")
	told := false
	defer c.rep.Listen(func(list []replica.Event) {
		for _, e := range list {
			told = told || e.Kind == replica.EventMoved && e.Item == mine && e.OldName == "Wanted" && e.Remote
		}
	})()
	c.flush()
	if !told {
		t.Error("nobody was told that the name leads to it no more")
	}
}

// A folder is renamed here and then removed, while somebody else renames it: the removal is void, and the folder is
// there on both sides.
func TestRenamedAndRemovedMeetsRename(t *testing.T) {
	w := newMemWorld(t)
	fid := w.box.CreateFolder("Dir")
	c := w.client(t, quick)
	c.pass()
	num := c.at("Dir").Num
	if err := w.box.RenameFolder(fid, "There"); err != nil {
		t.Fatal(err)
	}
	c.rename(num, c.at(), "Here")
	c.rmdir(num)
	c.update(func(u *replica.Update) error { // both wait for their window
		list, err := u.ChangesOf(num)
		for _, ch := range list {
			ch.Ready = time.Now().Add(time.Hour)
			if err := u.SaveChange(ch); err != nil {
				return err
			}
		}
		return err
	})
	c.pass()
	c.update(func(u *replica.Update) error {
		list, err := u.ChangesOf(num)
		for _, ch := range list {
			ch.Ready = time.Now()
			if err := u.SaveChange(ch); err != nil {
				return err
			}
		}
		return err
	})
	c.pass()
	c.flush()
	same(t, c, w.client(t))
}
