package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// btime is when a message was made on the server, and for everything else when it was made here.
func TestBirthTime(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	birth := func(name string) int64 {
		t.Helper()
		var x unix.Statx_t
		if err := unix.Statx(unix.AT_FDCWD, m.path(name), unix.AT_SYMLINK_NOFOLLOW, unix.STATX_ALL, &x); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Lstat(m.path(name), &st); err != nil {
			t.Fatal(err)
		}
		if x.Ino != st.Ino || x.Size != uint64(st.Size) || uint32(x.Mode) != st.Mode || x.Nlink != uint32(st.Nlink) || x.Mtime.Sec != st.Mtim.Sec || x.Uid != st.Uid {
			t.Errorf("%s: statx %+v, stat %+v", name, x, st)
		}
		if x.Mask&unix.STATX_BTIME == 0 {
			var u unix.Utsname
			_ = unix.Uname(&u)
			var major, minor int
			if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil || major > 6 || major == 6 && minor >= 6 {
				t.Fatalf("%s has no birth time", name)
			}
			t.Skipf("the kernel does not ask for birth times (%s; 6.6 and later do)", unix.ByteSliceToString(u.Release[:]))
		}
		return x.Btime.Sec
	}
	if got := birth("Inbox/a.eml"); got != time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC).Unix() {
		t.Errorf("a message of the server was born at %d", got)
	}
	now := time.Now().Unix()
	m.write("Inbox/new.eml", note("new", "made here"))
	m.write("Inbox/.x", "local")
	if err := errors.Join(os.Symlink(".x", m.path("Inbox/link")), os.Mkdir(m.path("Inbox/sub"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Inbox/new.eml", "Inbox/.x", "Inbox/link", "Inbox/sub"} {
		if got := birth(name); got < now-1 || got > now+60 {
			t.Errorf("%s was born %d s from now", name, got-now)
		}
	}
	was := birth("Inbox/new.eml")
	m.do("flush", "", "", 0)
	if err := os.Chtimes(m.path("Inbox/new.eml"), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if got := birth("Inbox/new.eml"); got != was {
		t.Errorf("it was born again: %d, %d", was, got)
	}
}

func TestNameLimits(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	for _, dir := range []string{"Inbox", "Inbox/.hidden"} {
		if err := os.MkdirAll(m.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		longest := strings.Repeat("ä", 125) + "x.eml"
		if len(longest) != 255 {
			t.Fatal(len(longest))
		}
		for _, name := range []string{longest, strings.Repeat("x", 255), "two\nlines.eml\n", " lead", "trail ", "trail.", "-rf", "*?<>|\"':;\\.eml",
			"\x01\x7f\xff\xfe", "\u202etxt.eml", "CON", "~", "e\u0301.eml", "\u00e9.eml", "E\u0301.eml"} {
			if err := os.WriteFile(filepath.Join(m.path(dir), name), []byte(note(dir, name)), 0o600); err != nil {
				t.Errorf("%q: %v", name, err)
				continue
			}
			if !slices.Contains(listing(t, m.path(dir)), name) {
				t.Errorf("%q is not listed as it was given", name)
			}
		}
		m.do("flush", "", "", 0)
		if p, err := os.ReadFile(m.path(dir + "/e\u0301.eml")); err != nil || string(p) != note(dir, "e\u0301.eml") {
			t.Errorf("%q, %v", p, err)
		}
		for _, name := range []string{longest + "x", strings.Repeat("x", 256), strings.Repeat("ä", 128)} {
			long := filepath.Join(m.path(dir), name)
			for what, err := range map[string]error{
				"open":   func() error { _, err := os.Open(long); return err }(),
				"create": os.WriteFile(long, nil, 0o600), "mkdir": os.Mkdir(long, 0o700), "symlink": os.Symlink("x", long),
				"rename": os.Rename(filepath.Join(m.path(dir), "CON"), long), "stat": func() error { _, err := os.Stat(long); return err }(),
			} {
				if !errors.Is(err, syscall.ENAMETOOLONG) {
					t.Errorf("%s with %d bytes: %v", what, len(name), err)
				}
			}
		}
	}
	if err := os.Mkdir(m.path("Inbox/"+strings.Repeat("f", 255)), 0o700); err != nil {
		t.Errorf("a folder with 255 bytes: %v", err)
	}
}

// What is refused, and with which error.
func TestRefusals(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	m.write("Inbox/x.txt", "local")
	if err := errors.Join(os.MkdirAll(m.path("Inbox/full/sub"), 0o700), os.Mkdir(m.path("Inbox/.d"), 0o700), os.Mkdir(m.path("Inbox/empty"), 0o700)); err != nil {
		t.Fatal(err)
	}
	m.write("Inbox/full/y.eml", note("y", "there"))
	outside := t.TempDir()
	p := m.path
	rows := []struct {
		what string
		err  error
		want syscall.Errno
	}{
		{"rmdir of a full folder", syscall.Rmdir(p("Inbox/full")), syscall.ENOTEMPTY},
		{"rename over a full folder", unix.Rename(p("Inbox/empty"), p("Inbox/full")), syscall.ENOTEMPTY},
		{"rmdir of a file", syscall.Rmdir(p("Inbox/a.eml")), syscall.ENOTDIR},
		{"unlink of a folder", syscall.Unlink(p("Inbox/full")), syscall.EISDIR},
		{"a file as a directory", func() error { _, err := os.Stat(p("Inbox/a.eml/x")); return err }(), syscall.ENOTDIR},
		{"rename of a file over a folder", unix.Rename(p("Inbox/a.eml"), p("Inbox/empty")), syscall.EISDIR},
		{"rename of a folder over a file", unix.Rename(p("Inbox/empty"), p("Inbox/a.eml")), syscall.ENOTDIR},
		{"a folder into itself", unix.Rename(p("Inbox/full"), p("Inbox/full/sub/in")), syscall.EINVAL},
		{"out of the mount", unix.Rename(p("Inbox/a.eml"), outside+"/a.eml"), syscall.EXDEV},
		{"a message into a local directory", unix.Rename(p("Inbox/a.eml"), p("Inbox/.d/a.eml")), syscall.EXDEV},
		{"a folder into a local directory", unix.Rename(p("Inbox/empty"), p("Inbox/.d/empty")), syscall.EXDEV},
		{"a folder to a hidden name", unix.Rename(p("Inbox/empty"), p("Inbox/.empty")), syscall.EPERM},
		{"a special folder removed", syscall.Rmdir(p("Archive")), 0},
		{"the inbox removed", syscall.Rmdir(p("Drafts")), syscall.EPERM},
		{"the inbox renamed", unix.Rename(p("Drafts"), p("Entwürfe")), syscall.EPERM},
		{"a message into the outbox", unix.Rename(p("Inbox/a.eml"), p("Outbox/a.eml")), syscall.EPERM},
		{"a new message in the outbox", os.WriteFile(p("Outbox/b.eml"), nil, 0o600), syscall.EPERM},
		{"a hard link", os.Link(p("Inbox/a.eml"), p("Inbox/b.eml")), syscall.EPERM},
		{"a hard link of a local file", os.Link(p("Inbox/x.txt"), p("Inbox/.y")), syscall.EPERM},
		{"a device", unix.Mknod(p("Inbox/dev"), unix.S_IFCHR, 0), syscall.EPERM},
		{"a pipe", unix.Mkfifo(p("Inbox/pipe"), 0o600), syscall.EPERM},
		{"another owner", os.Chown(p("Inbox/a.eml"), os.Getuid()+1, -1), syscall.EPERM},
		{"the same owner", os.Chown(p("Inbox/a.eml"), os.Getuid(), os.Getgid()), 0},
		{"a reserved name", os.Mkdir(p(".mailfs"), 0o700), syscall.EEXIST},
		{"a reserved name in other letters", os.WriteFile(p("Conflicts"), nil, 0o600), syscall.EPERM},
		{"a link that is there", os.Symlink("x", p("Inbox/x.txt")), syscall.EEXIST},
		{"a folder that is there", os.Mkdir(p("Inbox"), 0o700), syscall.EEXIST},
		{"O_DIRECTORY of a file", func() error { _, err := unix.Open(p("Inbox/a.eml"), unix.O_DIRECTORY, 0); return err }(), syscall.ENOTDIR},
		{"a folder opened to write", func() error { _, err := unix.Open(p("Inbox"), unix.O_WRONLY, 0); return err }(), syscall.EISDIR},
		{"truncate of a folder", unix.Truncate(p("Inbox"), 0), syscall.EISDIR},
		{"readlink of a message", func() error { _, err := unix.Readlink(p("Inbox/a.eml"), make([]byte, 9)); return err }(), syscall.EINVAL},
		{"a link to itself", func() error {
			if err := os.Symlink("loop", p("Inbox/loop")); err != nil {
				return err
			}
			_, err := os.Open(p("Inbox/loop"))
			return err
		}(), syscall.ELOOP},
		{"access to read and write", unix.Access(p("Inbox/a.eml"), unix.R_OK|unix.W_OK), 0},
		{"access to what is not there", unix.Access(p("Inbox/none"), unix.F_OK), syscall.ENOENT},
		{"access to execute", unix.Access(p("Inbox/a.eml"), unix.X_OK), syscall.EACCES},
	}
	for _, row := range rows {
		if row.want == 0 && row.err != nil || row.want != 0 && !errors.Is(row.err, row.want) {
			t.Errorf("%s: %v, want %v", row.what, row.err, row.want)
		}
	}
	if got := m.read("Inbox/full/y.eml"); got != note("y", "there") {
		t.Errorf("it holds %q now", got)
	}
}

// Locks are the kernel's own: they hold among all programs of this machine.
func TestLocks(t *testing.T) {
	places(t, func(t *testing.T, m *mounted, path string) {
		x, y := openFile(t, path, os.O_RDWR), openFile(t, path, os.O_RDWR)
		fx, fy := int(x.Fd()), int(y.Fd())
		if err := unix.Flock(fx, unix.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		if err := unix.Flock(fy, unix.LOCK_SH|unix.LOCK_NB); err != unix.EWOULDBLOCK {
			t.Errorf("flock: %v", err)
		}
		if err := errors.Join(unix.Flock(fx, unix.LOCK_UN), unix.Flock(fy, unix.LOCK_SH|unix.LOCK_NB), unix.Flock(fy, unix.LOCK_UN)); err != nil {
			t.Errorf("flock: %v", err)
		}
		lock := func(fd int, cmd int, kind int16, start, n int64) error {
			return unix.FcntlFlock(uintptr(fd), cmd, &unix.Flock_t{Type: kind, Start: start, Len: n})
		}
		if err := lock(fx, unix.F_OFD_SETLK, unix.F_WRLCK, 10, 20); err != nil {
			t.Fatal(err)
		}
		if err := lock(fy, unix.F_OFD_SETLK, unix.F_RDLCK, 25, 1); err != unix.EAGAIN {
			t.Errorf("a range that is taken: %v", err)
		}
		if err := lock(fy, unix.F_OFD_SETLK, unix.F_WRLCK, 30, 5); err != nil {
			t.Errorf("a range that is free: %v", err)
		}
		held := unix.Flock_t{Type: unix.F_WRLCK, Start: 0, Len: 0}
		if err := unix.FcntlFlock(uintptr(fy), unix.F_OFD_GETLK, &held); err != nil || held.Type != unix.F_WRLCK || held.Start != 10 || held.Len != 20 {
			t.Errorf("%+v, %v", held, err)
		}
		waitForLock(t, path, func() { x.Close() })
	})
}

// waitForLock lets a program wait for a lock that this process has on bytes 10 to 30, interrupts one, and lets another
// have it.
func waitForLock(t *testing.T, path string, release func()) {
	t.Helper()
	python := tool(t, "python3")
	script := `
import fcntl, os, signal, struct, sys
class Stop(Exception): pass
def stop(*_): raise Stop()
signal.signal(signal.SIGUSR1, stop)
f = os.open(sys.argv[1], os.O_RDWR)
print("ready", flush=True)
try:
    fcntl.lockf(f, fcntl.LOCK_EX, 5, 12)
    print("locked", flush=True)
except Stop:
    print("interrupted", flush=True)
`
	for _, interrupt := range []bool{true, false} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := execCommandContext(ctx, python, "-c", script, path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 64)
		if n, err := out.Read(line); err != nil || string(line[:n]) != "ready\n" {
			t.Fatalf("%q, %v", line[:n], err)
		}
		want := "locked\n"
		if interrupt {
			waitState(t, cmd.Process.Pid)
			want = "interrupted\n"
			if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
		} else {
			release()
		}
		rest, err := io.ReadAll(out)
		if err := errors.Join(err, cmd.Wait()); err != nil || string(rest) != want {
			t.Errorf("%q, %v; want %q", rest, err, want)
		}
	}
}

// waitState waits until a process sleeps in a lock.
func waitState(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "the program waits for the lock", func() bool {
		p, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
		if err == nil && len(p) > 1 {
			return bytes.Contains(p, []byte("lock")) || bytes.Contains(p, []byte("fcntl"))
		}
		p, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err == nil && bytes.Contains(p, []byte(") S "))
	})
}

func TestStatfsOfAMount(t *testing.T) {
	m := start(t, childConfig{})
	for _, name := range []string{"", "Inbox", "Inbox/a.eml", ".mailfs/status"} {
		var s unix.Statfs_t
		if err := unix.Statfs(m.path(name), &s); err != nil || s.Blocks == 0 || s.Bavail == 0 || s.Bsize == 0 || s.Namelen != 255 || s.Ffree == 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// A file without a name can be written, read and forgotten; a program that wants to give it one is told to take another
// way before it starts.
func TestTemporaryFile(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	for _, dir := range []string{"Inbox", "Inbox/.d"} {
		if err := os.MkdirAll(m.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Open(m.path(dir), unix.O_TMPFILE|unix.O_RDWR, 0o600)
		if err != unix.EOPNOTSUPP {
			t.Errorf("O_TMPFILE: %d, %v", fd, err)
		}
	}
}
