package syncer_test

import (
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
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
			w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutAfter: r.Has(0x0C)} })
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
	local := func(name, text string) {
		blob, size, err := c.rep.PutBlob(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		dir := c.at("Dir").Num
		c.update(func(u *replica.Update) error {
			_, err = u.Insert(&replica.Node{Parent: dir, Name: name, Kind: replica.KindFile, Mtime: time.Now(), Content: blob, Size: size, Exact: true})
			return err
		})
	}
	local("saved.eml", mail("one", "saved"))
	local("empty.eml", "")
	local(".swap", "swapped")
	if err := w.box.DeleteFolder(dir, false); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.at("Dir", "saved.eml")
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
