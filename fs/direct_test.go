package fs

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDirect goes through the calls of Direct once, and sees a remote change only after the notice.
func TestDirect(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	d, err := (&FS{opt: b.tree.opt, t: b.tree}).Direct()
	if err != nil {
		t.Fatal(err)
	}
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	content := func(path, want string) {
		t.Helper()
		p, err := d.ReadFile(path)
		ok(path, err)
		if string(p) != want {
			t.Fatalf("%s reads %q, want %q", path, p, want)
		}
	}
	before := b.read("Inbox/a.eml")
	content("Inbox/a.eml", before)
	f, err := d.Open("Inbox/a.eml", syscall.O_RDONLY)
	ok("open", err)
	ok("remote edit", b.edit(num, note("one", "theirs")))
	content("Inbox/a.eml", before) // open, and the notice is on its way
	if d.Deliver() == 0 {
		t.Error("no notice")
	}
	content("Inbox/a.eml", b.read("Inbox/a.eml"))
	if p, err := d.ReadFile("Inbox/a.eml"); err != nil || !strings.Contains(string(p), "theirs") {
		t.Fatalf("after the notice: %q, %v", p, err)
	}
	f.Release()

	ok("save", d.WriteFile("Inbox/.tmp", []byte(note("one", "mine"))))
	ok("rename", d.Rename("Inbox/.tmp", "Inbox/a.eml", 0))
	content("Inbox/a.eml", note("one", "mine"))
	ok("truncate", d.Truncate("Inbox/a.eml", int64(len(note("one", "mine"))-2)))
	if size, err := d.Size("Inbox/a.eml"); err != nil || size != int64(len(note("one", "mine"))-2) {
		t.Errorf("size %d, %v", size, err)
	}
	ok("mkdir", d.Mkdir("Inbox/sub"))
	ok("create", d.WriteFile("Inbox/sub/b.eml", []byte(note("two", "mine"))))
	if d.Unsettled() == 0 {
		t.Error("nothing waits for its window")
	}
	b.clock.Advance(4 * time.Second)
	ok("setxattr", d.Setxattr("Inbox/sub/b.eml", "user.mailfs.flag", "flagged"))
	if v, err := d.Getxattr("Inbox/sub/b.eml", "user.mailfs.flag"); err != nil || v != "flagged" {
		t.Errorf("flag %q, %v", v, err)
	}
	if err := d.Rmdir("Inbox/sub"); err != syscall.ENOTEMPTY {
		t.Errorf("rmdir of a full folder: %v", err)
	}
	ok("unlink", d.Unlink("Inbox/sub/b.eml"))
	ok("rmdir", d.Rmdir("Inbox/sub"))
	list, err := d.ReadDir("Inbox")
	ok("readdir", err)
	if len(list) != 1 || list[0].Name != "a.eml" || list[0].Dir {
		t.Errorf("the folder holds %v", list)
	}
	if _, err := d.ReadFile("Inbox/sub/b.eml"); err != syscall.ENOENT {
		t.Errorf("a file that is gone: %v", err)
	}
	ok("close", d.Close())
}
