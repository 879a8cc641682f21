package fs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// watcher reads inotify events as a program does that watches directories and files.
type watcher struct {
	t    *testing.T
	m    *mounted
	fd   int
	dirs map[int32]string
	got  []string
	on   map[uint32]string // where a move with this cookie began
}

var eventNames = []struct {
	mask uint32
	name string
}{
	{unix.IN_CREATE, "create"}, {unix.IN_DELETE, "delete"}, {unix.IN_MODIFY, "modify"}, {unix.IN_CLOSE_WRITE, "close"},
	{unix.IN_DELETE_SELF, "gone"}, {unix.IN_MOVE_SELF, "moved"}, {unix.IN_ATTRIB, "attrib"}, {unix.IN_Q_OVERFLOW, "overflow"},
}

const watchMask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

func watch(t *testing.T, m *mounted, paths ...string) *watcher {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t, m: m, fd: fd, dirs: map[int32]string{}, on: map[uint32]string{}}
	t.Cleanup(func() { unix.Close(fd) })
	for _, p := range paths {
		w.add(p)
	}
	return w
}

func (w *watcher) add(path string) {
	w.t.Helper()
	wd, err := unix.InotifyAddWatch(w.fd, w.m.path(path), watchMask)
	if err != nil {
		w.t.Fatal(err)
	}
	w.dirs[int32(wd)] = path
}

// read takes in what is there.
func (w *watcher) read() {
	w.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(w.fd, buf)
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			w.t.Fatal(err)
		}
		for p := buf[:n]; len(p) >= unix.SizeofInotifyEvent; {
			wd, mask := int32(binary.NativeEndian.Uint32(p)), binary.NativeEndian.Uint32(p[4:])
			cookie, size := binary.NativeEndian.Uint32(p[8:]), binary.NativeEndian.Uint32(p[12:])
			name := string(bytes.TrimRight(p[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size], "\x00"))
			p = p[unix.SizeofInotifyEvent+size:]
			w.take(mask, cookie, filepath.Join(w.dirs[wd], name))
		}
	}
}

func (w *watcher) take(mask, cookie uint32, path string) {
	switch {
	case mask&unix.IN_MOVED_FROM != 0:
		w.on[cookie] = path
		return
	case mask&unix.IN_MOVED_TO != 0:
		w.got = append(w.got, "rename "+w.on[cookie]+" to "+path)
		return
	}
	for _, e := range eventNames {
		if mask&e.mask != 0 {
			if mask&unix.IN_ISDIR != 0 {
				path += "/"
			}
			w.got = append(w.got, e.name+" "+path)
		}
	}
}

// want waits for exactly these events, in this order, and forgets them.
func (w *watcher) want(events ...string) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%q, got only %q", events, w.got), func() bool {
		w.read()
		return len(w.got) >= len(events)
	})
	if !slices.Equal(w.got, events) {
		w.t.Errorf("events %q, want %q", w.got, events)
	}
	w.got = nil
}

// settled makes sure that all events up to now are there: those of a change that is made last.
func (w *watcher) settled() []string {
	w.t.Helper()
	w.m.do("deliver", "Archive/last.eml", note("last", "x"), 0)
	w.waitFor("create Archive/last.eml")
	got := slices.DeleteFunc(w.got, func(s string) bool { return strings.HasSuffix(s, "Archive/last.eml") })
	w.got = nil
	w.m.do("remove", "Archive/last.eml", "", 0)
	w.waitFor("delete Archive/last.eml")
	w.got = nil
	return got
}

func (w *watcher) waitFor(event string) {
	w.t.Helper()
	eventually(w.t, event, func() bool {
		w.read()
		return slices.Contains(w.got, event)
	})
}

func (m *mounted) wantUntouched() {
	m.t.Helper()
	if got := m.do("journal", "", "", 0).List; len(got) > 0 {
		m.t.Errorf("the replays were taken for local changes: %q", got)
	}
	if got := m.read(".mailfs/local"); got != "" {
		m.t.Errorf("the replays left local files: %s", got)
	}
}

func TestInotify(t *testing.T) {
	m := start(t, childConfig{})
	w := watch(t, m, "", "Inbox", "Archive")
	listing(t, m.path("Inbox")) // the kernel knows what is there

	m.do("deliver", "Inbox/b.eml", note("two", "new"), 0)
	w.want("create Inbox/b.eml")
	m.do("edit", "Inbox/b.eml", note("two", "theirs"), 0)
	w.want("modify Inbox/b.eml", "close Inbox/b.eml")
	m.do("edit", "Inbox/a.eml", note("one", "theirs"), 0)
	w.want("modify Inbox/a.eml", "close Inbox/a.eml")
	m.do("rename", "Inbox/b.eml", "Inbox/c.eml", 0)
	w.want("rename Inbox/b.eml to Inbox/c.eml")
	m.do("rename", "Inbox/c.eml", "Archive/c.eml", 0)
	w.want("rename Inbox/c.eml to Archive/c.eml")
	if got := m.read("Archive/c.eml"); !strings.Contains(got, "theirs") {
		t.Errorf("the moved file holds %q", got)
	}
	m.do("remove", "Archive/c.eml", "", 0)
	w.want("delete Archive/c.eml")
	m.do("remove", "Inbox/a.eml", "", 0) // one that was never looked at since it was edited
	w.want("delete Inbox/a.eml")

	m.do("folder", "Projects", "", 0)
	w.want("create Projects/")
	w.add("Projects")
	m.do("deliver", "Projects/p.eml", note("three", "new"), 0)
	w.want("create Projects/p.eml")
	m.do("rename", "Projects", "Projects 2026", 0)
	w.want("rename Projects to Projects 2026", "moved Projects")
	if got := listing(t, m.path("Projects 2026")); !slices.Equal(got, []string{"p.eml"}) {
		t.Errorf("the renamed folder holds %q", got)
	}
	m.do("remove", "Projects 2026/p.eml", "", 0)
	w.want("delete Projects/p.eml")
	m.do("remove", "Projects 2026", "", 0)
	w.want("gone Projects", "delete Projects 2026/")
	if got := w.settled(); len(got) > 0 {
		t.Errorf("events that nobody caused: %q", got)
	}
	m.wantUntouched()
}

// A program that watches a file is told that it was modified, and that the name leads to another version now, as
// after a save by rename.
func TestInotifyOfFile(t *testing.T) {
	m := start(t, childConfig{})
	before := m.read("Inbox/a.eml")
	w := watch(t, m, "Inbox/a.eml")
	m.do("edit", "Inbox/a.eml", note("one", "theirs"), 0)
	w.want("modify Inbox/a.eml", "close Inbox/a.eml", "gone Inbox/a.eml")
	if got := m.read("Inbox/a.eml"); got == before {
		t.Error("the old version is still there")
	}
	w.add("Inbox/a.eml")
	m.do("edit", "Inbox/a.eml", note("one", "theirs again"), 0)
	w.want("modify Inbox/a.eml", "close Inbox/a.eml", "gone Inbox/a.eml")
	w.add("Inbox/a.eml")
	m.do("rename", "Inbox/a.eml", "Archive/a.eml", 0)
	w.want("moved Inbox/a.eml")
	m.do("remove", "Archive/a.eml", "", 0)
	w.want("gone Inbox/a.eml")
	m.wantUntouched()
}

// What the kernel was told of before it hears of the event raises it nevertheless.
func TestInotifyOfWhatIsKnown(t *testing.T) {
	m := start(t, childConfig{})
	w := watch(t, m, "", "Inbox", "Archive")
	m.do("hold", "", "", 1)
	m.do("deliver", "Inbox/b.eml", note("two", "new"), 0)
	m.do("folder", "Projects", "", 0)
	m.do("rename", "Inbox/a.eml", "Archive/a.eml", 0)
	if _, err := os.Stat(m.path("Inbox/b.eml")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Projects", "Inbox/b.eml", "Archive/a.eml"} {
		eventually(t, name, func() bool { _, err := os.Stat(m.path(name)); return err == nil })
	}
	m.do("hold", "", "", 0)
	w.want("create Inbox/b.eml", "create Projects/", "rename Inbox/a.eml to Archive/a.eml")
	if got := listing(t, m.dir); !slices.Contains(got, "Projects") {
		t.Errorf("the root holds %q", got)
	}

	m.do("hold", "", "", 1)
	m.do("folder", "Archive/Old", "", 0)
	m.do("rename", "Projects", "Archive/Projects", 0)
	eventually(t, "the moved folder shows", func() bool { return slices.Contains(listing(t, m.path("Archive")), "Projects") })
	f, err := os.Open(m.path("Archive/Projects"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m.do("hold", "", "", 0)
	w.want("create Archive/Old/", "rename Projects to Archive/Projects")
	m.wantUntouched()
}

// Local changes raise their own events once, and none of the helper's.
func TestInotifyOfOwnChanges(t *testing.T) {
	m := start(t, childConfig{})
	w := watch(t, m, "", "Inbox", "Archive")
	m.write("Inbox/b.eml", note("two", "mine"))
	if err := os.Rename(m.path("Inbox/b.eml"), m.path("Archive/b.eml")); err != nil {
		t.Fatal(err)
	}
	m.pass()
	if err := os.Remove(m.path("Archive/b.eml")); err != nil {
		t.Fatal(err)
	}
	want := []string{"create Inbox/b.eml", "modify Inbox/b.eml", "close Inbox/b.eml", "rename Inbox/b.eml to Archive/b.eml", "delete Archive/b.eml"}
	if got := w.settled(); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

// A body that comes here is no change, and what is only a header raises events without a download.
func TestInotifyOfHeaders(t *testing.T) {
	m := start(t, childConfig{})
	w := watch(t, m, "Inbox", "Archive")
	m.do("header", "Inbox/h.eml", note("h", strings.Repeat("text ", 1000)), 77)
	w.want("create Inbox/h.eml")
	m.do("rename", "Inbox/h.eml", "Archive/h.eml", 0)
	w.want("rename Inbox/h.eml to Archive/h.eml")
	if n := m.do("fetches", "", "", 0).N; n != 0 {
		t.Errorf("%d downloads", n)
	}
	m.read("Archive/h.eml")
	if got := w.settled(); len(got) > 0 {
		t.Errorf("events that nobody caused: %q", got)
	}
}

// A thousand changes while programs work in the same folders: none is missed, and the replica ends as it must.
func TestInotifyManyAtOnce(t *testing.T) {
	m := start(t, childConfig{RealTime: true})
	w := watch(t, m, "Inbox", "Archive")
	const n = 300
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := m.path(fmt.Sprintf("Inbox/.own%d", i%7))
			_ = os.WriteFile(name, []byte("x"), 0o600)
			_, _ = os.ReadDir(m.path("Inbox"))
			_ = os.Remove(name)
		}
	})
	var want []string
	for i := range n {
		a, b := fmt.Sprintf("Inbox/n%d.eml", i), fmt.Sprintf("Archive/n%d.eml", i)
		m.do("deliver", a, note(fmt.Sprint("n ", i), "x"), 0)
		want = append(want, "create "+a)
		if i%2 == 0 {
			m.do("edit", a, note(fmt.Sprint("n ", i), "y"), 0)
			want = append(want, "modify "+a, "close "+a)
		}
		if i%3 == 0 {
			m.do("rename", a, b, 0)
			want = append(want, "rename "+a+" to "+b)
			a = b
		}
		if i%5 == 0 {
			m.do("remove", a, "", 0)
			want = append(want, "delete "+a)
		}
		w.read() // as a program does that keeps up
	}
	close(stop)
	wg.Wait()
	w.waitFor(want[len(want)-1])
	all := w.settled()
	got := slices.DeleteFunc(all, func(s string) bool { return strings.Contains(s, "/.own") })
	if !slices.Equal(got, want) {
		slices.Sort(got)
		slices.Sort(want)
		missing := slices.DeleteFunc(slices.Clone(want), func(e string) bool { return slices.Contains(got, e) })
		t.Errorf("%d events of %d, without %q", len(got), len(want), missing)
	}
	m.wantUntouched()
}

// helperPID returns the process that makes the events, once it has said who it is.
func (m *mounted) helperPID() (pid int) {
	m.t.Helper()
	eventually(m.t, "there is a helper", func() bool {
		pid = int(m.do("helper", "", "", 0).N)
		return pid != 0
	})
	return pid
}

// A helper that dies or hangs is replaced; the mount goes on meanwhile, and shows what changes.
func TestHelperFails(t *testing.T) {
	for name, sig := range map[string]unix.Signal{"dies": unix.SIGKILL, "hangs": unix.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			m := start(t, childConfig{})
			w := watch(t, m, "Inbox")
			m.do("deliver", "Inbox/b.eml", note("two", "new"), 0)
			w.want("create Inbox/b.eml")
			first := m.helperPID()
			if err := unix.Kill(first, sig); err != nil {
				t.Fatal(err)
			}
			m.do("deliver", "Inbox/c.eml", note("three", "new"), 0)
			m.do("edit", "Inbox/a.eml", note("one", "theirs"), 0)
			eventually(t, "a remote edit shows", func() bool { return strings.Contains(m.read("Inbox/a.eml"), "theirs") })
			w.waitFor("modify Inbox/a.eml")
			if second := m.helperPID(); second == first {
				t.Error("it is the same helper")
			}
			m.wantUntouched()
		})
	}
}

// A mount whose process was killed answers that it is dead, whatever its helper does, and the helper ends.
func TestHelperOfKilledMount(t *testing.T) {
	m := start(t, childConfig{})
	w := watch(t, m, "Inbox")
	m.do("deliver", "Inbox/b.eml", note("two", "new"), 0)
	w.want("create Inbox/b.eml")
	pid := m.helperPID()
	if list, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)); err != nil || len(list) == 0 {
		t.Fatal(list, err)
	} else {
		for _, l := range list {
			if to, err := os.Readlink(l); err == nil && to == "/dev/fuse" {
				t.Error("the helper holds the connection to the kernel")
			}
		}
	}
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	m.cmd.Process.Wait() //nolint:errcheck // it was killed
	eventually(t, "ENOTCONN", func() bool { _, err := os.ReadDir(m.dir); return errors.Is(err, unix.ENOTCONN) })
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the helper ends", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// An unmount finds nobody at work, however much waits for its events.
func TestHelperLeavesMountIdle(t *testing.T) {
	m := start(t, childConfig{})
	for i := range 200 {
		m.do("deliver", fmt.Sprintf("Inbox/n%d.eml", i), note("n", "x"), 0)
	}
	if _, err := os.ReadDir(m.path("Inbox")); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		m.do("edit", fmt.Sprintf("Inbox/n%d.eml", i), note("n", "y"), 0)
	}
	m.do("unmount", "", "", 0)
	m.wait()
}

// A replayed creation leaves the inode alone that programs may have found under the name before it: the kernel would
// take the size that the answer tells, though the file has grown since.
func TestReplayedCreationIsAnInodeOfItsOwn(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	p := newReplayer(b.tree, "")
	w := &witness{newRaw(b.tree), p}
	const tid = 77
	p.newest = &helper{}
	p.threads = []helperThread{{p.newest, tid}}
	p.tids.Store(&[]uint32{tid})
	inbox, a := b.at("Inbox").id, b.at("Inbox/a.eml").id
	p.expect(&ticket{replay: replay{op: replayCreate, item: a.num(), parent: inbox.num(), name: "a.eml", old: a}, from: inbox})
	var made, found fuse.EntryOut
	in := fuse.InHeader{NodeId: uint64(inbox), Caller: fuse.Caller{Pid: tid}}
	if s := w.Mknod(nil, &fuse.MknodIn{InHeader: in}, "a.eml", &made); s != fuse.OK {
		t.Fatalf("mknod: %v", s)
	}
	in.Pid = tid + 1
	if s := w.Lookup(nil, &in, "a.eml", &found); s != fuse.OK || nodeID(found.NodeId) != a {
		t.Fatalf("lookup finds %x, %v, want %x", found.NodeId, s, a)
	}
	if made.NodeId == found.NodeId || made.EntryValid != 0 || made.EntryValidNsec != 0 || made.Ino != found.Ino {
		t.Errorf("made %+v, found %+v", made, found)
	}
}

// What the helper has no ticket for changes nothing.
func TestHelperWithoutTicket(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	p := newReplayer(b.tree, "")
	w := &witness{newRaw(b.tree), p}
	const tid = 77
	p.nonce, p.newest = ".secret", &helper{}
	head := func(node nodeID) fuse.InHeader {
		return fuse.InHeader{NodeId: uint64(node), Caller: fuse.Caller{Pid: tid}}
	}
	var out fuse.EntryOut
	look := func(node nodeID, name string) { in := head(node); w.Lookup(nil, &in, name, &out) }
	look(controlDir, ".guess")
	look(rootID, ".secret")
	if p.mine(tid) {
		t.Fatal("a wrong name was taken for the secret one")
	}
	look(controlDir, ".secret")
	if !p.mine(tid) || p.mine(tid+1) {
		t.Fatal("the helper is not known")
	}
	inbox, a := b.at("Inbox").id, b.at("Inbox/a.eml").id
	gone := replay{op: replayRemove, item: a.num(), parent: inbox.num(), name: "a.eml", old: a}
	for _, c := range []*ticket{nil, {replay: gone, from: inbox}, {replay: gone, from: inbox, done: true}} {
		p.expect(c)
		in := head(inbox)
		for name, got := range map[string]fuse.Status{
			"unlink":  w.Unlink(nil, &in, "a.eml"), // it is still there
			"rmdir":   w.Rmdir(nil, &in, "a.eml"),
			"mkdir":   w.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, "d", &out),
			"mknod":   w.Mknod(nil, &fuse.MknodIn{InHeader: in}, "n.eml", &out),
			"rename":  w.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: uint64(inbox)}, "a.eml", "b.eml"),
			"create":  w.Create(nil, &fuse.CreateIn{InHeader: in, Flags: unix.O_CREAT | unix.O_WRONLY}, "n.eml", &fuse.CreateOut{}),
			"symlink": w.Symlink(nil, &in, "x", "y", &out),
			"link":    w.Link(nil, &fuse.LinkIn{InHeader: in}, "y", &out),
			"open":    w.Open(nil, &fuse.OpenIn{InHeader: head(a), Flags: unix.O_RDWR}, &fuse.OpenOut{}),
			"setattr": w.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: head(a), Valid: fuse.FATTR_SIZE}}, &fuse.AttrOut{}),
			"xattr":   w.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: head(a)}, xattrRead, []byte("1")),
		} {
			if got != fuse.EPERM {
				t.Errorf("%s with ticket %+v: %v", name, c, got)
			}
		}
	}
	b.wantChanges()
	if got := b.list("Inbox"); !slices.Equal(got, []string{"a.eml"}) {
		t.Errorf("Inbox holds %q", got)
	}
}

// The events as inotify-tools shows them.
func TestInotifywait(t *testing.T) {
	tool, err := exec.LookPath("inotifywait")
	if err != nil {
		t.Skip("no inotifywait here (package inotify-tools)")
	}
	m := start(t, childConfig{})
	cmd := execCommand(tool, "-m", "-r", "--format", "%e %w%f", "-e", "create,delete,modify,move", m.dir)
	diag, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	lines := linesOf(t, cmd)
	for s := bufio.NewScanner(diag); s.Scan() && !strings.Contains(s.Text(), "Watches established"); {
	}
	go io.Copy(io.Discard, diag) //nolint:errcheck // until it ends
	want := func(list ...string) {
		t.Helper()
		for _, l := range list {
			if !lines.Scan() {
				t.Fatalf("it ended before %q", l)
			}
			if got := strings.ReplaceAll(lines.Text(), m.dir+"/", ""); got != l {
				t.Errorf("%q, want %q", got, l)
			}
		}
	}
	m.do("deliver", "Inbox/b.eml", note("two", "new"), 0)
	want("CREATE Inbox/b.eml")
	m.do("edit", "Inbox/b.eml", note("two", "theirs"), 0)
	want("MODIFY Inbox/b.eml")
	m.do("rename", "Inbox/b.eml", "Archive/c.eml", 0)
	want("MOVED_FROM Inbox/b.eml", "MOVED_TO Archive/c.eml")
	m.do("remove", "Archive/c.eml", "", 0)
	want("DELETE Archive/c.eml")
	m.do("folder", "Projects", "", 0)
	want("CREATE,ISDIR Projects")
	m.do("remove", "Projects", "", 0)
	want("DELETE,ISDIR Projects")
}
