package fs

import (
	"strings"
	"syscall"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// Somebody deletes a message on the server while it is being saved here: what was saved becomes a message of its own.
func TestSavedWhileDeletedThere(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	text := note("one", "second")
	b.save("Inbox/a.eml", text)
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	b.wantText("Inbox/a.eml", text)
	b.pass()
	b.wantChanges("create Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
}

// The same while the file is still open.
func TestOpenWhileDeletedThere(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_RDWR|syscall.O_TRUNC)
	text := note("one", "second")
	b.write(h, text)
	if err := h.sync(); err != nil {
		t.Fatal(err)
	}
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges()
	text += "more\n"
	if _, err := h.writeAt([]byte("more\n"), int64(len(text)-5), false); err != nil {
		t.Fatal(err)
	}
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges("create Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
}

// A program has written and synced a message when somebody deletes it on the server; it closes the file, and the machine dies. What it
// wrote becomes a message of its own.
func TestDiesAfterDeletedThereAndClosed(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_RDWR|syscall.O_TRUNC)
	text := note("one", "second")
	b.write(h, text)
	if err := h.sync(); err != nil {
		t.Fatal(err)
	}
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.die()
	b.pass()
	b.wantChanges("create Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
}

// Somebody else's version arrives right after a save, and the next program that takes the name has seen only that
// one: what was saved before is kept beside it.
func TestSaveOverNewerKeepsUnseen(t *testing.T) {
	for name, take := range map[string]func(b *bed){
		"rename": func(b *bed) { b.mustRename("Inbox/.tmp", "Inbox/a.eml") },
		"unlink": func(b *bed) { b.unlink("Inbox/a.eml") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			b.save("Inbox/a.eml", note("one", "saved here"))
			if err := b.edit(num, note("one", "from there")); err != nil {
				t.Fatal(err)
			}
			b.save("Inbox/.tmp", note("one", "over it"))
			take(b)
			b.pass()
			found := false
			err := b.r.View(func(v *replica.View) error {
				for c, err := range v.Changes(0) {
					if err != nil {
						return err
					}
					if c.Kind != replica.ChangeCreate {
						continue
					}
					m, err := v.Message(c.Item)
					if err != nil {
						return err
					}
					found = found || strings.Contains(m.Properties.String(mapi.PidTagBody), "saved here")
				}
				return nil
			})
			if err != nil || !found {
				t.Errorf("what was saved is gone: %v; changes %v", err, b.changes())
			}
		})
	}
}

// A program looks a name up, somebody else puts another file in its place, and the program opens what it had found: the
// old file, which has no name any more. What is written to it goes nowhere.
func TestOpenOfWhatWasReplaced(t *testing.T) {
	b := newBed(t)
	b.save("Inbox/x", "")
	b.save("Inbox/y", "new")
	old := b.at("Inbox/x").id
	b.mustRename("Inbox/y", "Inbox/x")
	h, err := b.tree.open(t.Context(), old, syscall.O_RDWR, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := b.tree.getattr(old); err != nil || a.nlink != 0 {
		t.Errorf("nlink %d, %v", a.nlink, err)
	}
	if got := b.readHandle(h); got != "" {
		t.Errorf("read %q", got)
	}
	b.write(h, "to nobody")
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantText("Inbox/x", "new")
	b.wantChanges()
}

// A message is open in the version before the one that somebody else made, and is deleted there then. Each save
// through that handle is what the name shows at once, whatever was read there before.
func TestReadBetweenSavesToWhatIsGone(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	d, err := (&FS{opt: b.tree.opt, t: b.tree}).Direct()
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Open("Inbox/a.eml", syscall.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	d.Deliver()
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"second", "third, which is longer"} {
		text := note("one", body)
		for _, err := range []error{f.Truncate(0), f.WriteAt([]byte(text), 0), f.Sync()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		d.Deliver()
		found := false
		list, err := d.ReadDir("Inbox")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			got, err := d.ReadFile("Inbox/" + e.Name)
			found = found || err == nil && string(got) == text
		}
		if !found {
			t.Errorf("%q is not among %v", body, list)
		}
	}
	if n := d.Stale(); n > 0 {
		t.Errorf("the kernel would have shown old pages %d times", n)
	}
}

// A message that was deleted here comes back, since somebody else has changed it, while a program still has it open from before:
// what is saved to it now has nothing to do with that program's file.
func TestComesBackWhileItIsOpen(t *testing.T) {
	for name, flags := range map[string]uint32{"to read": syscall.O_RDONLY, "to write": syscall.O_RDWR} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			first := b.read("Inbox/a.eml")
			old := b.open("Inbox/a.eml", flags)
			if flags == syscall.O_RDWR {
				b.write(old, note("one", "gone with the name"))
			}
			b.unlink("Inbox/a.eml")
			b.pass()
			err := b.r.Update(func(u *replica.Update) error {
				u.Remote(true)
				list, err := u.ChangesOf(num)
				if err != nil {
					return err
				}
				if err := u.DropChange(list[0].Seq); err != nil {
					return err
				}
				return u.Attach(num, list[0].Folder, "a.eml")
			})
			if err != nil {
				t.Fatal(err)
			}
			b.wantText("Inbox/a.eml", first)
			text := note("one", "second")
			b.save("Inbox/a.eml", text)
			b.pass()
			b.wantChanges("edit Inbox/a.eml")
			b.wantText("Inbox/a.eml", text)
			if err := b.close(old); err != nil {
				t.Fatal(err)
			}
			b.remount()
			b.wantText("Inbox/a.eml", text)
		})
	}
}
