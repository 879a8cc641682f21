package fs

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestRemovedDirectory: who has a directory open, or works in it, can ask what it is when it is gone.
func TestRemovedDirectory(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	for _, name := range []string{"Inbox/Sub", "Inbox/.local"} {
		for _, how := range []string{"rmdir", "rename"} {
			path := m.path(name + how)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			d, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			was, err := d.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if how == "rmdir" {
				err = os.Remove(path)
			} else {
				err = errors.Join(os.Mkdir(path+"2", 0o700), syscall.Rename(path+"2", path))
			}
			if err != nil {
				t.Fatal(err)
			}
			is, err := d.Stat()
			if err != nil || !os.SameFile(was, is) || is.Mode() != was.Mode() || is.Sys().(*syscall.Stat_t).Nlink != 0 {
				t.Errorf("%s, %s: %+v, %v; was %+v", name, how, is, err, was)
			}
		}
	}
}
