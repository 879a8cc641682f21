package fs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is after what a call counts as one that hangs. It is far longer than any call takes, loaded as the machine
// may be, and far shorter than what the server in these tests takes.
const patience = time.Minute

// answers wants a call to return.
func answers(t *testing.T, what string, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s hangs", what)
	}
}

// waiting starts a program that opens a message which does not come, and returns when the download waits.
func (m *mounted) waiting(name string) *exec.Cmd {
	m.t.Helper()
	cmd := execCommand("/bin/cat", m.path(name))
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.do("entered", "", "", 0)
	return cmd
}

// While a server is silent and a program waits for a message, everything else answers.
func TestServerIsSilent(t *testing.T) {
	m := start(t, childConfig{Deadline: time.Hour})
	before := m.read("Inbox/a.eml")
	m.do("header", "Inbox/h.eml", note("x", "y"), 77)
	m.do("slow", "", "", 1)
	cat := m.waiting("Inbox/h.eml")
	defer func() {
		_ = cat.Process.Kill()
		_ = cat.Wait()
	}()

	h := m.path("Inbox/h.eml")
	answers(t, "stat", func() error { _, err := os.Stat(h); return err })
	answers(t, "statx", func() error { var x unix.Statx_t; return unix.Statx(unix.AT_FDCWD, h, 0, unix.STATX_ALL, &x) })
	answers(t, "a name that is not there", func() error {
		if _, err := os.Stat(m.path("Inbox/none")); !errors.Is(err, syscall.ENOENT) {
			return err
		}
		return nil
	})
	answers(t, "readdir", func() error { _, err := os.ReadDir(m.path("Inbox")); return err })
	answers(t, "getxattr", func() error {
		if s, err := getxattr(h, xattrState); err != nil || s != "header" {
			return errors.New(s)
		}
		return nil
	})
	answers(t, "listxattr", func() error { _, err := unix.Listxattr(h, make([]byte, 4096)); return err })
	answers(t, "setxattr", func() error { return unix.Setxattr(h, xattrTags, []byte("Red"), 0) })
	answers(t, "utimes", func() error { return os.Chtimes(h, time.Time{}, time.Unix(1e9, 0)) })
	answers(t, "statfs", func() error { var s unix.Statfs_t; return unix.Statfs(h, &s) })
	answers(t, "sync", func() error {
		f, err := os.Open(m.dir)
		if err != nil {
			return err
		}
		defer f.Close()
		return errors.Join(f.Sync(), unix.Syncfs(int(f.Fd())))
	})
	answers(t, "a message that is here", func() error {
		p, err := os.ReadFile(m.path("Inbox/a.eml"))
		if err == nil && string(p) != before {
			err = errors.New("something else")
		}
		return err
	})
	answers(t, "a save", func() error {
		return errors.Join(os.WriteFile(m.path("Inbox/a.eml"), []byte(note("one", "edited")), 0o600),
			os.WriteFile(m.path("Inbox/new.eml"), []byte(note("new", "x")), 0o600),
			os.WriteFile(m.path("Inbox/.x.swp"), []byte("x"), 0o600))
	})
	answers(t, "fsync", func() error {
		f, err := os.OpenFile(m.path("Inbox/new.eml"), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(note("new", "longer than before"))
		return errors.Join(err, f.Sync(), f.Close())
	})
	answers(t, "a header-only message that is replaced unread", func() error {
		return errors.Join(os.WriteFile(m.path("Inbox/tmp"), []byte(note("x", "mine")), 0o600), os.Rename(m.path("Inbox/tmp"), m.path("Inbox/h.eml")))
	})
	answers(t, "names", func() error {
		return errors.Join(os.Mkdir(m.path("Mine"), 0o700), os.Rename(m.path("Inbox/new.eml"), m.path("Mine/new.eml")),
			os.Remove(m.path("Mine/new.eml")), os.Remove(m.path("Mine")), os.Remove(m.path("Inbox/.x.swp")))
	})
	for _, name := range []string{"status", "events", "local", "associated", "version"} {
		answers(t, name, func() error { _, err := os.ReadFile(m.path(".mailfs/" + name)); return err })
	}
	answers(t, "failures", func() error { _, err := os.ReadDir(m.path(".mailfs/failures")); return err })
	answers(t, "df", func() error { return execCommand("df", m.dir).Run() })
	answers(t, "find", func() error { return execCommand("find", m.dir, "-size", "+0").Run() })
	answers(t, "new mail", func() error {
		_, err := m.try("deliver", "Inbox/late.eml", note("late", "x"), 0)
		eventually(t, "new mail shows", func() bool { _, err := os.Stat(m.path("Inbox/late.eml")); return err == nil })
		return err
	})

	// The mount is in use, which umount says at once; a lazy one succeeds, and ends when the program does.
	answers(t, "umount", func() error {
		if _, err := m.try("unmount", "", "", 0); err == nil {
			return errors.New("unmounted under a program that opens a file")
		}
		return nil
	})
	answers(t, "interrupting", func() error {
		if err := cat.Process.Signal(syscall.SIGINT); err != nil {
			return err
		}
		_ = cat.Wait()
		return nil
	})
	m.do("unmount", "", "", 0)
	m.wait()
}

// freezer is one of the kernel's ways to stop programs; the first is also the one of a suspend.
type freezer struct {
	root               string
	file, on, off      string
	watched, confirmed string
}

var freezers = map[string]freezer{
	"v1":       {"/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN"},
	"v2":       {"/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"},
	"v2 alone": {"/sys/fs/cgroup", "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"},
}

// Programs that wait for a download can be frozen, as all are before a suspend, and thawed again.
func TestWaitingProgramCanBeFrozen(t *testing.T) {
	for name, fz := range freezers {
		t.Run(name, func(t *testing.T) {
			group, err := os.MkdirTemp(fz.root, "mailfs-test-")
			if err != nil {
				t.Skipf("no such control groups here: %v", err)
			}
			t.Cleanup(func() { _ = os.Remove(group) })
			if _, err := os.Stat(filepath.Join(group, fz.file)); err != nil {
				t.Skipf("no such freezer here: %v", err)
			}
			testFreeze(t, fz, group)
		})
	}
}

func testFreeze(t *testing.T, fz freezer, group string) {
	m := start(t, childConfig{Deadline: time.Hour})
	m.do("header", "Inbox/h.eml", note("x", "y"), 77)
	m.do("slow", "", "", 1)
	cat := m.waiting("Inbox/h.eml")
	put := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(group, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("cgroup.procs", strconv.Itoa(cat.Process.Pid))
	put(fz.file, fz.on)
	eventually(t, "the program is frozen", func() bool {
		p, err := os.ReadFile(filepath.Join(group, fz.watched))
		return err == nil && slices.Contains(strings.Split(string(p), "\n"), fz.confirmed)
	})
	put(fz.file, fz.off)
	answers(t, "thawing", func() error {
		_ = cat.Process.Kill()
		_ = cat.Wait()
		return nil
	})
}
