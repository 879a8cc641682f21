package replica

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

// Somebody removes the directory of a replica that is in use: closing it says so, and ends.
func TestCloseWithoutDirectory(t *testing.T) {
	for name, away := range map[string]func(r *Replica) error{
		"removed": func(r *Replica) error { return os.RemoveAll(r.opt.Dir) },
		"another in its place": func(r *Replica) error {
			return errors.Join(os.Rename(r.opt.Dir, r.opt.Dir+".away"), os.MkdirAll(r.database(), 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := openDir(t, t.TempDir())
			update(t, r, func(u *Update) error {
				_, err := u.Insert(&Node{Parent: RootNum, Name: "Dir", Kind: KindFolder, Folder: &FolderInfo{}})
				return err
			})
			if err := away(r); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); !errors.Is(err, ErrGone) {
				t.Errorf("got %v", err)
			}
			if left, err := os.ReadDir(r.database()); len(left) > 0 {
				t.Errorf("it wrote %v %v into what is not its own", left, err)
			}
		})
	}
}

// The directory goes while it is being closed.
func TestDirectoryGoesWhileClosing(t *testing.T) {
	r := openDir(t, t.TempDir())
	update(t, r, func(u *Update) error {
		_, err := u.Insert(&Node{Parent: RootNum, Name: "Dir", Kind: KindFolder, Folder: &FolderInfo{}})
		return err
	})
	if err := os.RemoveAll(r.opt.Dir); err != nil {
		t.Fatal(err)
	}
	if err := r.closeDatabase(); !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	r.gate.shut()
	r.muted.Store(true)
	r.dropLock()
}

// What Close waits for, and no longer.
func TestAwaitClose(t *testing.T) {
	tick := func(n int) <-chan time.Time {
		c := make(chan time.Time, n)
		for range n {
			c <- testTime
		}
		return c
	}
	closed := func(err error) <-chan error {
		c := make(chan error, 1)
		c <- err
		return c
	}
	yes, no := func() bool { return true }, func() bool { return false }
	for name, tc := range map[string]struct {
		done        <-chan error
		look, limit <-chan time.Time
		there       func() bool
		want        error
	}{
		"closed":           {closed(nil), nil, nil, yes, nil},
		"failed":           {closed(syscall.EIO), nil, nil, yes, syscall.EIO},
		"failed, and gone": {closed(syscall.EIO), nil, nil, no, ErrGone},
		"gone":             {nil, tick(2), nil, no, ErrGone},
		"never":            {nil, nil, tick(1), yes, errSlow},
	} {
		if err := awaitClose(tc.done, tc.look, tc.limit, tc.there); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	n, done := 0, make(chan error, 1)
	flickers := func() bool { // a look that fails once is no proof
		if n++; n == 5 {
			done <- nil
		}
		return n%2 == 0
	}
	if err := awaitClose(done, tick(5), nil, flickers); err != nil {
		t.Errorf("a directory that is there on every second look: %v", err)
	}
}
