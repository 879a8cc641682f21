package syncer_test

import (
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// passWhile makes a pass, and lets somebody act when the loser has gone up and the message is about to. It returns the number of imports.
func (c *client) passWhile(act func() error) (imports int) {
	c.t.Helper()
	c.w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if !r.Has(ropImport) {
			return memserver.Fault{}
		}
		if imports++; imports == 2 {
			if err := act(); err != nil {
				c.t.Error(err)
			}
		}
		return memserver.Fault{}
	})
	c.pass()
	c.w.srv.SetScript(nil)
	return imports
}

// The connection breaks at any request, before or after the server has carried it out.
func TestCutWhileSettling(t *testing.T) {
	for name, server := range apartMost {
		for at, more := 2, true; more; at += 3 { // most requests are cut, in one of the two ways
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, quick)
			c.pass()
			w.clash(mid, "the import", time.Hour)
			n := 0
			w.srv.SetScript(func(memserver.Request) memserver.Fault {
				n++
				return memserver.Fault{CutBefore: n == at/2 && at%2 == 0, CutAfter: n == at/2 && at%2 == 1}
			})
			_ = c.s.Pass(t.Context()) // is cut, or does without what was cut
			w.srv.SetScript(nil)
			more = n >= at/2
			d := w.client(t)
			c.pass()
			same(t, c, d)
			settled(t, w, c, mid, "the import", "at first")
			if t.Failed() {
				t.Fatalf("%s: cut %d", name, at)
			}
		}
	}
}

// Somebody edits the message on the server while the client is about to put it in order: that edit stays in place, and no version is
// there twice.
func TestEditedWhileSettling(t *testing.T) {
	for name, server := range apartMost {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, quick)
			c.pass()
			w.clash(mid, "the import", time.Hour)
			imports := c.passWhile(func() error {
				return w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "an edit\r\n") })
			})
			d := w.client(t)
			same(t, c, d)
			if !has(t, d, "Inbox", "an edit") || count(d, "at first") != 1 || count(d, "the import") != 1 || imports < 3 {
				t.Errorf("%d imports\n%s\n%v", imports, d.tree(), d.contents())
			}
			if m, _ := w.onServer(mid); len(m.Content.Attachments) != 0 {
				t.Error("the versions are still in the message on the server")
			}
		})
	}
}

// Somebody deletes the message while the client is about to put it in order: it is gone, since nobody
// here has edited it. The other version stays where it was put.
func TestDeletedWhileSettling(t *testing.T) {
	for name, server := range apartMost {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, quick)
			c.pass()
			w.clash(mid, "the import", time.Hour)
			imports := c.passWhile(func() error { return w.box.Delete(mid, true) })
			c.pass()
			d := w.client(t)
			same(t, c, d)
			if imports < 2 || count(d, "the import") != 0 || !has(t, d, "Sync Issues/Conflicts", "at first") {
				t.Errorf("%d imports\n%s\n%v", imports, d.tree(), d.contents())
			}
		})
	}
}

// The conflict arrives while a file is about to take the place of the message, which keeps it out of the tree, and there is no
// Conflicts folder yet: the other version is safe before that file replaces the message.
func TestServerSettlesBehindASave(t *testing.T) {
	for name, server := range servers {
		for _, later := range []time.Duration{time.Hour, -time.Hour} {
			t.Run(name+", "+later.String(), func(t *testing.T) {
				w := newMemWorld(t, server)
				if err := w.box.DeleteFolder(w.box.Folder(memserver.FolderConflicts), true); err != nil {
					t.Fatal(err)
				}
				mid := w.deliver("one", "at first")
				c := w.client(t, quick)
				c.pass()
				num := c.at("Inbox", "*one*").Num
				c.update(func(u *replica.Update) error { return u.Detach(num) })
				w.clash(mid, "the import", later)
				c.pass()
				c.pass()
				if !has(t, c, "Sync Issues/Conflicts", "the import") && !has(t, c, "Sync Issues/Conflicts", "at first") {
					t.Errorf("no version is safe\n%s\n%v", c.tree(), c.contents())
				}
			})
		}
	}
}

// The server goes back to before the conflict while the edit that settles it is queued: that may be all that is left of the
// version that was on top.
func TestServerFromBackupWhileSettling(t *testing.T) {
	for name, server := range apartMost {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, server)
			mid := w.deliver("one", "at first")
			c := w.client(t, quick)
			c.pass()
			c.create(c.at("Drafts"), "counts.eml", mail("counts", "an upload"))
			c.flush()
			old := w.box.Snapshot()
			w.clash(mid, "the import", time.Hour)
			imports := 0
			w.srv.SetScript(func(r memserver.Request) memserver.Fault {
				if r.Has(ropImport) {
					imports++
				}
				return memserver.Fault{CutBefore: imports >= 2} // the loser goes up, and then nothing
			})
			_ = c.s.Pass(t.Context()) // is cut
			w.srv.SetScript(nil)
			w.box.RewindState(old)
			w.srv.LoseSessions()
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "an edit\r\n") }); err != nil {
				t.Fatal(err)
			}
			c.pass()
			c.flush()
			c.pass()
			d := w.client(t)
			same(t, c, d)
			if imports < 2 || count(d, "the import") < 1 || count(d, "an edit") < 1 {
				t.Errorf("%d imports\n%s\n%v", imports, d.tree(), d.contents())
			}
		})
	}
}

// The server goes back to before somebody's edit of a message in conflict, while the client that has it is cut off before it could
// make a Conflicts folder: what it has left goes up as one version, not with the others in it.
func TestServerFromBackupBeforeTheFolderIsMade(t *testing.T) {
	for name, server := range apartMost {
		for at, more := 2, true; more; at++ {
			w := newMemWorld(t, server)
			if err := w.box.DeleteFolder(w.box.Folder(memserver.FolderConflicts), true); err != nil {
				t.Fatal(err)
			}
			mid := w.deliver("one", "at first")
			c := w.client(t, quick)
			c.pass()
			c.create(c.at("Drafts"), "counts.eml", mail("counts", "an upload"))
			c.flush()
			w.clash(mid, "the import", time.Hour)
			old := w.box.Snapshot()
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "an edit\r\n") }); err != nil {
				t.Fatal(err)
			}
			n := 0
			w.srv.SetScript(func(memserver.Request) memserver.Fault {
				n++
				return memserver.Fault{CutAfter: n == at}
			})
			_ = c.s.Pass(t.Context()) // is cut
			w.srv.SetScript(nil)
			more = n >= at
			w.box.RewindState(old)
			w.srv.LoseSessions()
			c.pass()
			c.flush()
			c.pass()
			d := w.client(t)
			same(t, c, d)
			// the import lost to the edit before it beat it
			if first, second := count(d, "at first"), count(d, "the import"); first != 1 || second < 1 || second > 2 {
				t.Errorf("the version before is there %d times, the import %d times", first, second)
			}
			for file, m := range c.contents() {
				if strings.Contains(m, "message/rfc822") {
					t.Errorf("%s has messages in it", file)
				}
			}
			if t.Failed() {
				t.Fatalf("%s: cut %d\n%s\n%v", name, at, d.tree(), d.contents())
			}
		}
	}
}
