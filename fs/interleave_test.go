package fs

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// savings are the ways in which programs save a file that they have read.
var savings = map[string]func(b *bed, path, text string){
	"in place": func(b *bed, path, text string) { b.save(path, text) },
	"rename over": func(b *bed, path, text string) {
		dir, _ := split(path)
		b.save(dir+"/.tmp", text)
		b.mustRename(dir+"/.tmp", path)
	},
	"move away": func(b *bed, path, text string) {
		b.mustRename(path, path+"~")
		b.save(path, text)
		b.unlink(path + "~")
	},
	"in place, twice": func(b *bed, path, text string) {
		b.save(path, strings.Replace(text, "\n\n", "\nX-Draft: 1\n\n", 1))
		b.save(path, text)
	},
	"rename over, twice": func(b *bed, path, text string) {
		dir, _ := split(path)
		b.save(dir+"/.tmp1", strings.Replace(text, "\n\n", "\nX-Draft: 1\n\n", 1))
		b.mustRename(dir+"/.tmp1", path)
		b.save(dir+"/.tmp2", text)
		b.mustRename(dir+"/.tmp2", path)
	},
	"in place, then rename over": func(b *bed, path, text string) {
		dir, _ := split(path)
		b.save(path, strings.Replace(text, "\n\n", "\nX-Draft: 1\n\n", 1))
		b.save(dir+"/.tmp2", text)
		b.mustRename(dir+"/.tmp2", path)
	},
	"appended": func(b *bed, path, text string) {
		h := b.open(path, syscall.O_RDWR)
		b.write(h, text)
		if err := h.f.truncate(int64(len(text))); err != nil {
			b.t.Error(err)
		}
		if err := b.close(h); err != nil {
			b.t.Error(err)
		}
	},
}

// interfere lets somebody else act before the k-th commit from here on.
func (b *bed) interfere(k int, act func()) (steps *int) {
	steps = new(int)
	b.fixture.step = func() {
		*steps++
		if *steps == k {
			b.fixture.step = nil
			act()
		}
	}
	return steps
}

// Somebody else's version arrives at any moment of a save: it is never taken for the one that was read, so that the
// journal's change is a conflict, or what was saved went to a message of its own.
func TestVersionArrivesWhileSaving(t *testing.T) {
	for name, save := range savings {
		for k, more := 1, true; more; k++ {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				b := newBed(t)
				num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
				read := b.node(num).Message.ChangeKey
				text := note("one", "mine")
				if b.read("Inbox/a.eml") == "" {
					t.Fatal("nothing there")
				}
				more = false
				b.interfere(k, func() {
					more = true
					b.act(num, func(item replica.Num) error { return b.edit(item, note("one", "theirs")) })
				})
				save(b, "Inbox/a.eml", text)
				b.pass()
				b.pass()
				b.fixture.step = nil
				b.wantUnseen(text, read, more)
			})
		}
	}
}

// The same with a deletion instead: what was saved is a message of its own then.
func TestRemovedWhileSaving(t *testing.T) {
	for name, save := range savings {
		if name == "move away" {
			continue // the name is free for a moment, and then the removal takes the copy that was moved away
		}
		for k, more := 1, true; more; k++ {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				b := newBed(t)
				num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
				text := note("one", "mine")
				if b.read("Inbox/a.eml") == "" {
					t.Fatal("nothing there")
				}
				more = false
				b.interfere(k, func() {
					more = true
					b.act(num, b.remove)
				})
				save(b, "Inbox/a.eml", text)
				b.pass()
				b.pass()
				b.fixture.step = nil
				if b.holders(text) != 1 {
					t.Errorf("%d files have what was saved; journal %v, Inbox %q", b.holders(text), b.changes(), b.list("Inbox"))
				}
			})
		}
	}
}

// A version that was saved before reaches the server at any moment of the next save: that is no conflict, and nothing is
// set aside.
func TestAcknowledgedWhileSaving(t *testing.T) {
	for name, save := range savings {
		for k, more := 1, true; more; k++ {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				b := newBed(t)
				num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
				b.save("Inbox/a.eml", note("one", "second"))
				b.pass()
				text := note("one", "third")
				if b.read("Inbox/a.eml") == "" {
					t.Fatal("nothing there")
				}
				more = false
				var acked mapi.ChangeKey
				b.interfere(k, func() {
					more = true
					b.act(num, func(item replica.Num) (err error) { acked, err = b.acknowledge(item); return err })
				})
				save(b, "Inbox/a.eml", text)
				b.pass()
				b.pass()
				b.fixture.step = nil
				if b.holders(text) != 1 || len(b.list("Sync Issues/Conflicts")) > 0 {
					t.Errorf("%d files have what was saved; Conflicts %q", b.holders(text), b.list("Sync Issues/Conflicts"))
				}
				list, err := b.journal()
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range list {
					if c.Kind == replica.ChangeEdit && more && c.Base.ChangeKey != acked {
						t.Errorf("journal %v builds on %v, the server has %v", b.changes(), c.Base.ChangeKey, acked)
					}
				}
			})
		}
	}
}

// acknowledge does what follows when the server has taken an item's first change of content.
func (fx *fixture) acknowledge(num replica.Num) (key mapi.ChangeKey, err error) {
	err = fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		list, err := u.ChangesOf(num)
		if err != nil {
			return err
		}
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		x := fx.nextChange()
		key = x.ChangeKey()
		pcl := n.Message.PCL.Add(x)
		sk := n.Message.SourceKey
		if sk == "" {
			sk = fx.nextKey()
		}
		if err := u.SetKeys(num, sk, key, pcl); err != nil {
			return err
		}
		for i, c := range list {
			if i == 0 {
				err = u.DropChange(c.Seq)
			} else {
				c.Base.ChangeKey, c.Base.PCL = key, pcl
				err = u.SaveChange(c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return key, err
}

// act does something to a message of the server wherever it is now: a save by rename gives it another number.
func (b *bed) act(num replica.Num, f func(replica.Num) error) {
	b.t.Helper()
	key := mapi.LongTermID{GUID: testReplica, Counter: mapi.GlobCnt(b.fixture.key)}.SourceKey()
	err := b.r.View(func(v *replica.View) error {
		n, err := v.BySourceKey(key)
		if err == nil {
			num = n.Num
		}
		return nil
	})
	if err == nil {
		err = f(num)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// wantUnseen checks that text is what one file holds, and that no queued change claims to know a version that nobody
// read.
func (b *bed) wantUnseen(text string, read mapi.ChangeKey, interfered bool) {
	b.t.Helper()
	if b.holders(text) != 1 {
		b.t.Errorf("%d files have what was saved; journal %v, Inbox %q, Conflicts %q", b.holders(text), b.changes(), b.list("Inbox"), b.list("Sync Issues/Conflicts"))
	}
	list, err := b.journal()
	if err != nil {
		b.t.Fatal(err)
	}
	found := false
	for _, c := range list {
		found = found || c.Kind == replica.ChangeEdit || c.Kind == replica.ChangeCreate
		if c.Kind == replica.ChangeEdit && c.Base.ChangeKey != read {
			b.t.Errorf("change %d builds on %v, %v was read; interfered %v", c.Seq, c.Base.ChangeKey, read, interfered)
		}
	}
	if !found {
		b.t.Errorf("what was saved is not queued: %v", b.changes())
	}
}

// holders returns the number of files in the whole tree that have exactly these bytes.
func (b *bed) holders(text string) int {
	b.t.Helper()
	n := 0
	for dir := range b.folders {
		for _, name := range b.list(dir) {
			e := b.at(dir + "/" + name)
			if regular(e.node) && b.read(dir+"/"+name) == text {
				n++
			}
		}
	}
	return n
}

// A message that was saved is removed by somebody else just when its name is moved away: the save goes on.
func TestRemovalDuringBackup(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/a.eml", note("one", "second"))
	b.fixture.step = func() {
		b.fixture.step = nil
		if err := b.remove(num); err != nil {
			t.Error(err)
		}
	}
	b.mustRename("Inbox/a.eml", "Inbox/a.eml~")
	b.save("Inbox/a.eml", note("one", "third"))
	b.unlink("Inbox/a.eml~")
	b.pass()
	b.wantText("Inbox/a.eml", note("one", "third"))
}

// The message that a name remembers is removed by somebody else, and what was written to it stays as a file: a new file
// under the name does not take that for a message.
func TestSlotOfRemovedMessage(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/a.eml", note("one", "second"))
	h := b.open("Inbox/a.eml", syscall.O_RDWR)
	b.write(h, note("one", "being written"))
	b.mustRename("Inbox/a.eml", "Inbox/a.eml~")
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	b.save("Inbox/a.eml", note("one", "third"))
	b.tree.release(h)
	b.pass()
	b.wantChanges("create Inbox/a.eml")
}
