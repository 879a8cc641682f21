package fs

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// TestFailures: what could not be brought here is a file each in .mailfs/failures, as long as it is so, and nothing can be
// changed there.
func TestFailures(t *testing.T) {
	b := newBed(t)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	list := []Failure{{Name: "Inbox.aaaaa.txt", Text: "one\n", At: at}, {Name: "Inbox.bbbbb.txt", Text: "the second\n", At: at}}
	b.tree.opt.Failures = func() ([]Failure, error) { return list, nil }
	d, err := (&FS{opt: b.tree.opt, t: b.tree}).Direct()
	if err != nil {
		t.Fatal(err)
	}
	names := func() (out []string) {
		t.Helper()
		entries, err := d.ReadDir(".mailfs/failures")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name != "." && e.Name != ".." {
				out = append(out, e.Name)
			}
		}
		return out
	}
	if got := names(); len(got) != 2 || got[0] != list[0].Name || got[1] != list[1].Name {
		t.Fatalf("%q", got)
	}
	for _, f := range list {
		if p, err := d.ReadFile(".mailfs/failures/" + f.Name); err != nil || string(p) != f.Text {
			t.Errorf("%s: %q, %v", f.Name, p, err)
		}
		if e, err := b.tree.lookup(failuresDir, f.Name); err != nil || !e.attr.mtime.Equal(at) || e.attr.mode != syscall.S_IFREG|0o400 {
			t.Errorf("%+v, %v", e, err)
		}
		if a, err := b.tree.getattr(failureID(f.Name)); err != nil || !a.mtime.Equal(at) {
			t.Errorf("%+v, %v", a, err)
		}
		if err := d.Unlink(".mailfs/failures/" + f.Name); err == nil {
			t.Error("a control file was removed")
		}
	}
	if err := d.WriteFile(".mailfs/failures/mine.txt", []byte("x")); err == nil {
		t.Error("a file was made among the control files")
	}
	list = list[:1]
	if got := names(); len(got) != 1 {
		t.Errorf("%q", got)
	}
	if _, err := d.ReadFile(".mailfs/failures/Inbox.bbbbb.txt"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a file of something that has arrived: %v", err)
	}
	if b.tree.parentOf(failuresDir) != controlDir {
		t.Error("the parent of the directory is another one")
	}
}
