package fs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"mailfs/replica"
)

// What programs expect of any disk, and once did not find here.

// Pages that were changed through a mapping go where they belong, also if the file was opened to append to it.
func TestMappingOfAnAppendingHandle(t *testing.T) {
	m := start(t, childConfig{})
	for _, name := range []string{"Inbox/a.eml", "Inbox/notes.txt"} {
		if err := os.WriteFile(m.path(name), []byte(note("one", strings.Repeat("body ", 2000))), 0o600); err != nil {
			t.Fatal(err)
		}
		want := []byte(m.read(name))
		f, err := os.OpenFile(m.path(name), os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := unix.Mmap(int(f.Fd()), 0, len(want), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		copy(p[5000:], "MAPPED")
		copy(want[5000:], "MAPPED")
		if err := unix.Msync(p, unix.MS_SYNC); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("appended\n"); err != nil {
			t.Fatal(err)
		}
		want = append(want, "appended\n"...)
		copy(p[6000:], "AGAIN")
		copy(want[6000:], "AGAIN")
		if err := errors.Join(unix.Munmap(p), f.Close()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "what was mapped is there, and nothing else", func() bool { return m.read(name) == string(want) })
	}
}

// O_TRUNC empties a file whatever it is opened for, and says when, also if it was empty before.
func TestOpenToTruncate(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	for _, name := range []string{"Inbox/a.eml", "Inbox/notes.txt"} {
		m.write(name, note("one", "body"))
		for _, flags := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR} {
			before := unix.NsecToTimespec(0)
			if err := unix.UtimesNanoAt(unix.AT_FDCWD, m.path(name), []unix.Timespec{before, before}, 0); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(m.path(name), flags|os.O_TRUNC, 0)
			if err != nil {
				t.Fatal(err)
			}
			st, err := f.Stat()
			if err != nil || st.Size() != 0 || st.ModTime().Year() < 2000 {
				t.Errorf("%s, %#x: size %d, time %v, %v", name, flags, st.Size(), st.ModTime(), err)
			}
			if p, err := io.ReadAll(f); flags == os.O_RDONLY && (err != nil || len(p) > 0) {
				t.Errorf("%s reads %q, %v", name, p, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// That bytes are no message is told at a close for as long as they are to be one: not of a file that was removed, nor
// of one that has another name by now.
func TestCloseOfWhatIsNoMessage(t *testing.T) {
	for name, act := range map[string]func(b *bed){
		"removed": func(b *bed) { b.unlink("Inbox/n.eml") },
		"renamed": func(b *bed) { b.mustRename("Inbox/n.eml", "Inbox/n.txt") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			h := b.open("Inbox/n.eml", syscall.O_RDWR|syscall.O_CREAT)
			b.write(h, "no message\n")
			if err := h.flush(false); err != syscall.EINVAL {
				t.Fatalf("first close: %v", err)
			}
			act(b)
			if err := b.close(h); err != nil {
				t.Errorf("last close: %v", err)
			}
		})
	}
}

// A file that takes the name of a message is judged by what is in it, not by what was stored of it before.
func TestRenameOfAFileBeingWritten(t *testing.T) {
	for _, flags := range []uint32{0, renameExchange} {
		b := newBed(t)
		b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
		b.save("Inbox/t", "no message\n")
		h := b.open("Inbox/t", syscall.O_RDWR|syscall.O_TRUNC)
		if err := b.rename("Inbox/t", "Inbox/a.eml", flags); err != nil {
			t.Errorf("flags %d: emptied: %v", flags, err)
		}
		b.write(h, note("one", "second"))
		if err := b.close(h); err != nil {
			t.Fatal(err)
		}
		b.pass()
		b.wantText("Inbox/a.eml", note("one", "second"))
		b.wantChanges("edit Inbox/a.eml")

		b.save("Inbox/t", note("one", "third"))
		h = b.open("Inbox/t", syscall.O_RDWR)
		b.write(h, strings.Repeat("no message ", 100))
		if err := b.rename("Inbox/t", "Inbox/a.eml", flags); err != syscall.EINVAL {
			t.Errorf("flags %d: written over: %v", flags, err)
		}
		if err := b.close(h); err != nil {
			t.Fatal(err)
		}
	}
}

// A message changes places with a local file only if that takes its place as a message.
func TestNoMessageInALocalDirectory(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.mustRename("Inbox/a.eml", "Inbox/old")
	if _, err := b.tree.mkdir(b.dirID("Inbox"), ".d", 0o700); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.save("Inbox/.d/f", note("one", "second"))
	b.must(b.deliver("Inbox", "b.eml", note("two", "first")))
	was := b.read("Inbox/b.eml")
	if err := b.rename("Inbox/.d/f", "Inbox/b.eml", renameExchange); err != nil {
		t.Fatal(err)
	}
	if got := b.at("Inbox/.d/f").node.Kind; got != replica.KindFile {
		t.Errorf("there is a message in a local directory")
	}
	b.wantText("Inbox/.d/f", was)
	b.wantChanges("edit Inbox/b.eml")
	b.save("Inbox/.d/f", note("one", "second"))
	if err := b.rename("Inbox/.d/f", "Inbox/old", renameExchange); err != syscall.EXDEV {
		t.Errorf("exchange: %v", err)
	}
	if got := b.read("Inbox/.d/f"); got != note("one", "second") {
		t.Errorf("after that: %q", got)
	}
}

// What stays where a message was moved away to keeps the attributes that programs gave it.
func TestBackupKeepsAttributes(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	if err := b.tree.setxattr(b.at("Inbox/a.eml").id, "user.note", []byte("mine"), 0); err != nil {
		t.Fatal(err)
	}
	b.mustRename("Inbox/a.eml", "Inbox/a.eml~")
	b.save("Inbox/a.eml", note("one", "second"))
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	for _, name := range []string{"Inbox/a.eml", "Inbox/a.eml~"} {
		if v, err := b.tree.getxattr(b.at(name).id, "user.note"); err != nil || !bytes.Equal(v, []byte("mine")) {
			t.Errorf("%s: %q, %v", name, v, err)
		}
	}
}
