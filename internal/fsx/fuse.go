package fsx

import (
	"os"
	"os/exec"
	"testing"
)

// NeedFUSE leaves a test out where nothing can be mounted. Where the variable CI is set that is a failure: a run of which
// nobody reads the output would look green without a single mount.
func NeedFUSE(t testing.TB) {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		missing("no FUSE on this machine: %v", err)
		return
	}
	f.Close()
	if _, err := exec.LookPath("fusermount3"); err != nil && os.Geteuid() != 0 {
		missing("fusermount3 is not installed, and only root mounts without it")
	}
}
