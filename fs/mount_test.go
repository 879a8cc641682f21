package fs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func listing(t *testing.T, dir string) (out []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func getxattr(path, name string) (string, error) {
	p := make([]byte, 4096)
	n, err := unix.Getxattr(path, name, p)
	return string(p[:max(n, 0)]), err
}

func TestMount(t *testing.T) {
	m := start(t, childConfig{})
	want := []string{"Archive", "Deleted Items", "Drafts", "Inbox", "Outbox", "Sync Issues", "conflicts"}
	if got := listing(t, m.dir); !slices.Equal(got, want) {
		t.Fatalf("root holds %q", got)
	}
	if got := listing(t, m.path(".mailfs")); !slices.Equal(got, []string{"associated", "events", "failures", "local", "status", "version"}) {
		t.Fatalf(".mailfs holds %q", got)
	}
	if s := m.read(".mailfs/status"); !strings.Contains(s, "messages 1\n") {
		t.Fatalf("status %q", s)
	}
	if s := m.read(".mailfs/version"); s != "mailfs test\n" {
		t.Fatalf("version %q", s)
	}
	if target, err := os.Readlink(m.path("conflicts")); err != nil || target != "Sync Issues/Conflicts" {
		t.Fatalf("conflicts leads to %q, %v", target, err)
	}
	st, err := os.Stat(m.path("Inbox/a.eml"))
	if err != nil {
		t.Fatal(err)
	}
	text := m.read("Inbox/a.eml")
	if !strings.Contains(text, "Subject: one\n") || st.Size() != int64(len(text)) || st.Mode() != 0o600 {
		t.Fatalf("%v %q", st, text)
	}
	sys := st.Sys().(*syscall.Stat_t)
	if sys.Ino != 0x112233<<incShift|uint64(m.do("num", "Inbox/a.eml", "", 0).N) || sys.Nlink != 1 || sys.Blocks == 0 || !st.ModTime().Equal(time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC)) {
		t.Fatalf("%+v", sys)
	}
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, m.path("Inbox/a.eml"), 0, unix.STATX_BTIME, &x); err != nil || x.Mask&unix.STATX_BTIME != 0 && x.Btime.Sec == 0 {
		t.Fatalf("statx: %v, %+v", err, x.Btime)
	}
	if v, err := getxattr(m.path("Inbox/a.eml"), xattrState); err != nil || v != "full" {
		t.Fatalf("state %q, %v", v, err)
	}
	if err := unix.Setxattr(m.path("Inbox/a.eml"), xattrRead, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if got := m.do("journal", "", "", 0).List; !slices.Equal(got, []string{"read Inbox/a.eml"}) {
		t.Fatalf("journal %q", got)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(m.dir, &fs); err != nil || fs.Blocks == 0 || fs.Bavail == 0 {
		t.Fatalf("statfs: %v, %+v", err, fs)
	}
	if err := os.Link(m.path("Inbox/a.eml"), m.path("Inbox/b.eml")); !errors.Is(err, syscall.EPERM) {
		t.Fatalf("link: %v", err)
	}
	if err := os.Mkdir(m.path(".mailfs/x"), 0o700); err == nil {
		t.Fatal("a directory was made among the control files")
	}
	if err := os.Mkdir(m.path("conflicts"), 0o700); err == nil {
		t.Fatal("a reserved name was taken")
	}
}

func TestRemoteChangesShow(t *testing.T) {
	m := start(t, childConfig{})
	a := m.path("Inbox/a.eml")
	first := m.read("Inbox/a.eml")
	open, err := os.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	before, _ := open.Stat()
	if _, err := os.Stat(m.path("Inbox/b.eml")); !errors.Is(err, syscall.ENOENT) {
		t.Fatal(err)
	}

	m.do("edit", "Inbox/a.eml", note("one", "theirs, and longer than it was"), 0)
	eventually(t, "a remote edit shows", func() bool { return strings.Contains(m.read("Inbox/a.eml"), "theirs") })
	st, err := os.Stat(a)
	if err != nil || st.Size() != int64(len(m.read("Inbox/a.eml"))) || !os.SameFile(st, before) {
		t.Fatalf("size %d, same inode %t, %v", st.Size(), os.SameFile(st, before), err)
	}
	p, err := io.ReadAll(open)
	if err != nil || string(p) != first {
		t.Fatalf("the open file reads %q, %v", p, err)
	}
	if st, err := open.Stat(); err != nil || st.Size() != int64(len(first)) {
		t.Fatalf("the open file has %v, %v", st, err)
	}

	m.do("deliver", "Inbox/b.eml", note("two", "new"), 0)
	eventually(t, "new mail shows under a name that was looked for", func() bool { _, err := os.Stat(m.path("Inbox/b.eml")); return err == nil })
	m.do("rename", "Inbox/b.eml", "Archive/c.eml", 0)
	eventually(t, "a remote move shows", func() bool {
		_, gone := os.Stat(m.path("Inbox/b.eml"))
		_, there := os.Stat(m.path("Archive/c.eml"))
		return gone != nil && there == nil
	})
	m.do("remove", "Inbox/a.eml", "", 0)
	eventually(t, "a remote deletion shows", func() bool { _, err := os.Stat(a); return errors.Is(err, syscall.ENOENT) })
	if got := listing(t, m.path("Inbox")); len(got) != 0 {
		t.Fatalf("still listed: %q", got)
	}
	if p, err := io.ReadAll(io.NewSectionReader(open, 0, 1<<20)); err != nil || string(p) != first {
		t.Fatalf("the open file of a deleted message reads %q, %v", p, err)
	}
}

func TestHeaderOnly(t *testing.T) {
	m := start(t, childConfig{Offline: true, Deadline: time.Hour, Refuse: []string{"sh"}})
	text := note("big", strings.Repeat("0123456789\n", 3000))
	for _, estimate := range []int64{100, 1 << 20} {
		name := "Inbox/h" + string(rune('0'+estimate%7)) + ".eml"
		m.do("header", name, text, estimate)
		st, err := os.Stat(m.path(name))
		if err != nil || st.Size() != estimate || st.Sys().(*syscall.Stat_t).Blocks != 0 {
			t.Fatalf("before: %v, %v", st, err)
		}
		if v, _ := getxattr(m.path(name), xattrState); v != "header" {
			t.Fatalf("state %q", v)
		}
		if _, err := os.ReadFile(m.path(name)); !errors.Is(err, syscall.ENETUNREACH) {
			t.Fatalf("offline: %v", err)
		}
		m.do("offline", "", "", 0)
		f, err := os.Open(m.path(name))
		if err != nil {
			t.Fatal(err)
		}
		st, err = f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		p, err := io.ReadAll(f)
		f.Close()
		if err != nil || int64(len(p)) != st.Size() || !bytes.Contains(p, []byte("0123456789\n")) || bytes.IndexByte(p, 0) >= 0 {
			t.Fatalf("estimate %d: read %d bytes of %d, %v", estimate, len(p), st.Size(), err)
		}
		if q := m.read(name); q != string(p) {
			t.Fatalf("read again: %d bytes, first %d", len(q), len(p))
		}
		if v, _ := getxattr(m.path(name), xattrState); v != "full" {
			t.Fatalf("state %q", v)
		}
		m.do("offline", "", "", 1)
	}
	m.do("header", "Inbox/late.eml", text, 5)
	m.do("offline", "", "", 0)
	calls := m.do("fetches", "", "", 0).N
	if out, err := command(t, "/bin/sh", "-c", "exec 3< '"+m.path("Inbox/late.eml")+"'"); err == nil {
		t.Skipf("sh has another name here: %s", out)
	}
	if got := m.do("fetches", "", "", 0).N; got != calls {
		t.Fatal("a program of the list downloaded something")
	}
	if len(m.read("Inbox/late.eml")) < 30000 {
		t.Fatal("short")
	}
}

func TestHydrationIsInterruptible(t *testing.T) {
	m := start(t, childConfig{Deadline: time.Hour})
	m.do("header", "Inbox/h.eml", note("x", "y"), 77)
	m.do("slow", "", "", 1)
	cmd := execCommand("/bin/cat", m.path("Inbox/h.eml"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.do("entered", "", "", 0) // the download waits
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Fatalf("cat ended with %v", err)
	}
}

func TestDeadline(t *testing.T) {
	m := start(t, childConfig{Deadline: time.Millisecond})
	m.do("header", "Inbox/h.eml", note("x", "y"), 77)
	m.do("slow", "", "", 1)
	if _, err := os.ReadFile(m.path("Inbox/h.eml")); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Fatalf("%v, want ETIMEDOUT", err)
	}
}

func TestReadOnlyMount(t *testing.T) {
	m := start(t, childConfig{ReadOnly: true})
	m.read("Inbox/a.eml")
	if err := os.WriteFile(m.path("Inbox/b.eml"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Errorf("write: %v", err)
	}
	if err := os.Remove(m.path("Inbox/a.eml")); !errors.Is(err, syscall.EROFS) {
		t.Errorf("remove: %v", err)
	}
	if err := unix.Setxattr(m.path("Inbox/a.eml"), xattrRead, []byte("1"), 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("setxattr: %v", err)
	}
}

func TestShellFlushesDuplicates(t *testing.T) {
	m := start(t, childConfig{})
	// The shell opens, duplicates and closes before anything is written; each part flushes as it exits.
	script := `{ printf 'Subject: parts\n'; /bin/echo "From: x@example.org"; echo; echo body; } > "$1"`
	if out, err := command(t, "/bin/sh", "-c", script, "sh", m.path("Inbox/p.eml")); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := command(t, "/bin/sh", "-c", `echo not a message > "$1"`, "sh", m.path("Inbox/q.eml")); err != nil {
		t.Logf("the shell noticed: %v: %s", err, out)
	}
	m.pass()
	if got := m.do("journal", "", "", 0).List; !slices.Equal(got, []string{"create Inbox/p.eml"}) {
		t.Fatalf("journal %q", got)
	}
}

func TestMmap(t *testing.T) {
	m := start(t, childConfig{})
	f, err := os.OpenFile(m.path("Inbox/a.eml"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	st, _ := f.Stat()
	p, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(p, []byte("first"))
	copy(p[i:], "FIRST")
	if err := unix.Munmap(p); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(m.read("Inbox/a.eml"), "FIRST") {
		t.Fatal("what was written through a mapping is lost")
	}
	eventually(t, "the change is queued", func() bool {
		m.pass()
		return slices.Equal(m.do("journal", "", "", 0).List, []string{"edit Inbox/a.eml"})
	})
}

func TestSurvivesKill(t *testing.T) {
	conf := childConfig{Replica: t.TempDir()}
	m := start(t, conf)
	m.write("Inbox/new.eml", note("new", "closed"))
	m.write("Inbox/a.eml", note("one", "edited"))
	m.write("Inbox/notes.txt", "local")
	f, err := os.OpenFile(m.path("Inbox/half.eml"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(note("half", "written")); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	ino := m.do("num", "Inbox/new.eml", "", 0).N
	m.kill()
	f.Close()

	conf.Empty = true
	m = start(t, conf)
	for name, want := range map[string]string{"Inbox/new.eml": note("new", "closed"), "Inbox/a.eml": note("one", "edited"),
		"Inbox/notes.txt": "local", "Inbox/half.eml": note("half", "written")} {
		if got := m.read(name); got != want {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if got := m.do("num", "Inbox/new.eml", "", 0).N; got != ino {
		t.Errorf("inode %d, was %d", got, ino)
	}
	m.pass()
	if got := m.do("journal", "", "", 0).List; !slices.Contains(got, "create Inbox/new.eml") || !slices.Contains(got, "edit Inbox/a.eml") || len(got) != 2 {
		t.Errorf("journal %q", got)
	}
}

func TestStaleMountIsTakenOver(t *testing.T) {
	conf := childConfig{}
	m := start(t, conf)
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	m.wait()
	if _, err := os.ReadDir(m.dir); !errors.Is(err, syscall.ENOTCONN) {
		t.Fatalf("%v, want ENOTCONN", err)
	}
	conf.Dir = m.dir
	start(t, conf).read("Inbox/a.eml")
	if err := CheckMountPoint(m.dir); !errors.Is(err, ErrMounted) {
		t.Fatalf("a live mount: %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(full+"/x", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CheckMountPoint(full); !errors.Is(err, ErrNotEmpty) {
		t.Fatalf("a full directory: %v", err)
	}
}
