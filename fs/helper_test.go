package fs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// handClock is turned by hand. Timers that are due run before Advance returns.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*handTimer]bool
	made   int
}

type handTimer struct {
	c  *handClock
	at time.Time
	no int
	f  func()
}

func newHandClock() *handClock {
	return &handClock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), timers: map[*handTimer]bool{}}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	t := &handTimer{c, c.now.Add(d), c.made, f}
	c.timers[t] = true
	return t
}

func (t *handTimer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	on := t.c.timers[t]
	delete(t.c.timers, t)
	return on
}

func (c *handClock) Advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	for {
		var due *handTimer
		for t := range c.timers {
			if !t.at.After(c.now) && (due == nil || t.at.Before(due.at) || t.at.Equal(due.at) && t.no < due.no) {
				due = t
			}
		}
		if due == nil {
			break
		}
		delete(c.timers, due)
		c.mu.Unlock()
		due.f()
		c.mu.Lock()
	}
	c.mu.Unlock()
}

// fixture is a small mailbox in memory, with somebody else who can change it.
type fixture struct {
	r       *replica.Replica
	folders map[string]replica.Num
	key     uint64
	cn      uint64
	bodies  map[replica.Num]*mapi.Message // what a Fetcher would bring
	step    func()                        // runs before each commit
}

var (
	testReplica = mapi.MustGUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")
	testServer  = mapi.MustGUID("00112233-4455-6677-8899-aabbccddeeff")
)

func newFixture(dir string) (*fixture, error) {
	fx := &fixture{folders: map[string]replica.Num{}, bodies: map[replica.Num]*mapi.Message{}}
	var err error
	fx.r, err = replica.Open(replica.Options{Dir: dir, InMemory: dir == "", Small: true, Fold: names.Fold, Step: func() {
		if fx.step != nil {
			fx.step()
		}
	}})
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name    string
		special replica.Special
	}{
		{"Inbox", replica.SpecialInbox}, {"Outbox", replica.SpecialOutbox}, {"Drafts", replica.SpecialDrafts},
		{"Deleted Items", replica.SpecialDeletedItems}, {"Sync Issues", replica.SpecialSyncIssues},
		{"Sync Issues/Conflicts", replica.SpecialConflicts}, {"Archive", replica.SpecialNone},
	} {
		if err := fx.folder(f.name, f.special); err != nil {
			return nil, err
		}
	}
	return fx, nil
}

func (fx *fixture) nextKey() mapi.SourceKey {
	fx.key++
	return mapi.LongTermID{GUID: testReplica, Counter: mapi.GlobCnt(fx.key)}.SourceKey()
}

func (fx *fixture) nextChange() mapi.XID {
	fx.cn++
	return mapi.XID{Namespace: testServer, LocalID: fmt.Sprintf("%06d", fx.cn)}
}

// folder adds a folder of the server, or finds it in a replica that was opened again.
func (fx *fixture) folder(path string, special replica.Special) error {
	return fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		parent, name := replica.RootNum, path
		if i := strings.LastIndexByte(path, '/'); i >= 0 {
			parent, name = fx.folders[path[:i]], path[i+1:]
		}
		if n, err := u.Lookup(parent, name); err == nil {
			fx.folders[path] = n.Num
			return nil
		}
		x := fx.nextChange()
		num, err := u.Insert(&replica.Node{Parent: parent, Name: name, Kind: replica.KindFolder, Folder: &replica.FolderInfo{
			SourceKey: fx.nextKey(), ChangeKey: x.ChangeKey(), PCL: mapi.PCL{}.Add(x), DisplayName: name, Special: special}})
		fx.folders[path] = num
		return err
	})
}

// note is a message text.
func note(subject, body string) string {
	return "From: Anna Berg <anna@example.org>\nTo: Bo <bo@example.org>\nSubject: " + subject +
		"\nDate: Fri, 20 Nov 2026 08:15:00 +0000\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@example.org>\n" +
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + body + "\n"
}

func parseNote(text string) *mapi.Message {
	m, err := mime.Parse(strings.NewReader(text), mime.Options{})
	var partly *mime.UnsupportedError
	if err != nil && !errors.As(err, &partly) {
		panic(err)
	}
	return m
}

// deliver adds a message of the server.
func (fx *fixture) deliver(folder, name, text string) (num replica.Num, err error) {
	m := parseNote(text)
	err = fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		x := fx.nextChange()
		at := time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC)
		n := &replica.Node{Parent: fx.folders[folder], Name: name, Kind: replica.KindMessage, Mtime: at, Ctime: at, Btime: at,
			Message: &replica.MessageInfo{SourceKey: fx.nextKey(), ChangeKey: x.ChangeKey(), PCL: mapi.PCL{}.Add(x),
				State: replica.StateFull, Delivered: mapi.NewFileTime(at)}}
		if num, err = u.Insert(n); err != nil {
			return err
		}
		if n, err = u.Node(num); err != nil {
			return err
		}
		return fx.put(u, n, m)
	})
	return num, err
}

func (fx *fixture) put(u *replica.Update, n *replica.Node, m *mapi.Message) error {
	size, err := renderer.Size(m)
	if err != nil {
		return err
	}
	n.Size, n.Exact, n.Content = size, true, 0
	n.Message.State = replica.StateFull
	n.Message.Subject = m.Properties.String(mapi.PidTagSubject)
	return u.PutContent(n, m)
}

// header adds a message of which only the header is here.
func (fx *fixture) header(folder, name, text string, estimate int64) (num replica.Num, err error) {
	m := parseNote(text)
	err = fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		x := fx.nextChange()
		n := &replica.Node{Parent: fx.folders[folder], Name: name, Kind: replica.KindMessage, Size: estimate,
			Message: &replica.MessageInfo{SourceKey: fx.nextKey(), ChangeKey: x.ChangeKey(), PCL: mapi.PCL{}.Add(x), State: replica.StateHeader}}
		if num, err = u.Insert(n); err != nil {
			return err
		}
		if n, err = u.Node(num); err != nil {
			return err
		}
		return u.PutHeader(n, m.Properties)
	})
	fx.bodies[num] = m
	return num, err
}

// Fetch makes a header-only message complete.
func (fx *fixture) Fetch(_ context.Context, num replica.Num) error {
	return fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		return fx.put(u, n, fx.bodies[num])
	})
}

// edit is somebody else's change of a message.
func (fx *fixture) edit(num replica.Num, text string) error {
	return fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		x := fx.nextChange()
		n.Message.ChangeKey, n.Message.PCL = x.ChangeKey(), n.Message.PCL.Add(x)
		n.Mtime, n.Ctime = n.Mtime.Add(time.Minute), n.Ctime.Add(time.Minute)
		return fx.put(u, n, parseNote(text))
	})
}

// remove is somebody else's deletion.
func (fx *fixture) remove(num replica.Num) error {
	return fx.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		return u.Remove(num)
	})
}

// journal lists the queued changes, without those whose seq is at most after.
func (fx *fixture) journal() (list []*replica.Change, err error) {
	err = fx.r.View(func(v *replica.View) error {
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			list = append(list, c)
		}
		return nil
	})
	return list, err
}

// bed is a tree over a fixture, without a kernel.
type bed struct {
	*fixture
	t     *testing.T
	tree  *tree
	clock *handClock
}

func newBed(t *testing.T, change ...func(*Options)) *bed {
	t.Helper()
	b := openBed(t, change...)
	t.Cleanup(func() {
		b.tree.ahead.end()
		if bad, err := b.r.Check(); err != nil || len(bad) > 0 {
			t.Errorf("replica check: %v %v", bad, err)
		}
		if err := b.r.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// openBed is newBed for a caller that checks and closes the replica itself.
func openBed(t *testing.T, change ...func(*Options)) *bed {
	t.Helper()
	return openBedIn(t, "", change...)
}

// openBedIn is openBed with a replica in a directory: one in memory has no room for large files.
func openBedIn(t *testing.T, dir string, change ...func(*Options)) *bed {
	t.Helper()
	fx, err := newFixture(dir)
	if err != nil {
		t.Fatal(err)
	}
	clock := newHandClock()
	opt := Options{Replica: fx.r, Fetcher: fx, Now: clock.Now, Clock: clock, ScratchDir: t.TempDir(), Location: time.UTC,
		Logf: func(format string, args ...any) { t.Errorf("log: "+format, args...) }}
	for _, f := range change {
		f(&opt)
	}
	if opt, err = opt.withDefaults(); err != nil {
		t.Fatal(err)
	}
	return &bed{fixture: fx, t: t, tree: newTree(opt), clock: clock}
}

// walk finds the entry of a path.
func (b *bed) walk(path string) (entry, error) {
	e := entry{id: rootID}
	for _, name := range strings.Split(path, "/") {
		var err error
		if e, err = b.tree.lookup(e.id, name); err != nil {
			return e, err
		}
	}
	return e, nil
}

func (b *bed) at(path string) entry {
	b.t.Helper()
	e, err := b.walk(path)
	if err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
	return e
}

func split(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

func (b *bed) dirID(dir string) nodeID {
	b.t.Helper()
	if dir == "" {
		return rootID
	}
	return b.at(dir).id
}

// open opens or, with O_CREAT, makes a file.
func (b *bed) open(path string, flags uint32) *handle {
	b.t.Helper()
	h, err := b.tryOpen(path, flags)
	if err != nil {
		b.t.Fatalf("open %s: %v", path, err)
	}
	return h
}

func (b *bed) tryOpen(path string, flags uint32) (*handle, error) {
	b.t.Helper()
	ctx := context.Background()
	e, err := b.walk(path)
	if err != nil && flags&syscall.O_CREAT != 0 && errnoOf(err) == syscall.ENOENT {
		dir, name := split(path)
		_, h, err := b.tree.createFile(ctx, b.dirID(dir), name, flags, 0o644, 1)
		return h, err
	}
	if err != nil {
		return nil, err
	}
	return b.tree.open(ctx, e.id, flags, 1)
}

// close is what the kernel makes of close(2).
func (b *bed) close(h *handle) error {
	err := h.flush(true)
	b.tree.release(h)
	return err
}

func (b *bed) write(h *handle, text string) {
	b.t.Helper()
	if _, err := h.writeAt([]byte(text), 0, false); err != nil {
		b.t.Fatal(err)
	}
}

// save is what an editor does that writes in place.
func (b *bed) save(path, text string) {
	b.t.Helper()
	h := b.open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC)
	b.write(h, text)
	if err := b.close(h); err != nil {
		b.t.Fatalf("close %s: %v", path, err)
	}
}

func (b *bed) read(path string) string {
	b.t.Helper()
	h := b.open(path, syscall.O_RDONLY)
	defer b.tree.release(h)
	return b.readHandle(h)
}

func (b *bed) readHandle(h *handle) string {
	b.t.Helper()
	p := make([]byte, 1<<20)
	n, err := h.read(p, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(p[:n])
}

func (b *bed) rename(from, to string, flags uint32) error {
	b.t.Helper()
	fd, fn := split(from)
	td, tn := split(to)
	return b.tree.rename(b.dirID(fd), fn, b.dirID(td), tn, flags)
}

func (b *bed) mustRename(from, to string) {
	b.t.Helper()
	if err := b.rename(from, to, 0); err != nil {
		b.t.Fatalf("rename %s to %s: %v", from, to, err)
	}
}

func (b *bed) unlink(path string) {
	b.t.Helper()
	dir, name := split(path)
	if err := b.tree.unlink(b.dirID(dir), name); err != nil {
		b.t.Fatalf("unlink %s: %v", path, err)
	}
}

// remount forgets what is only in memory.
func (b *bed) remount() {
	b.t.Helper()
	opt := b.tree.opt
	if err := b.tree.close(); err != nil {
		b.t.Fatal(err)
	}
	b.tree = newTree(opt)
	if err := b.tree.recover(); err != nil {
		b.t.Fatal(err)
	}
}

// pass lets the idle window pass.
func (b *bed) pass() { b.clock.Advance(4 * time.Second) }

func (b *bed) node(num replica.Num) *replica.Node {
	b.t.Helper()
	var n *replica.Node
	if err := b.r.View(func(v *replica.View) (err error) { n, err = v.Node(num); return err }); err != nil {
		b.t.Fatalf("node %d: %v", num, err)
	}
	return n
}

// changes returns the journal in short: kind, and the item's present path or number.
func (b *bed) changes() []string {
	b.t.Helper()
	list, err := b.journal()
	if err != nil {
		b.t.Fatal(err)
	}
	kinds := map[replica.ChangeKind]string{replica.ChangeCreate: "create", replica.ChangeEdit: "edit", replica.ChangeMove: "move",
		replica.ChangeDelete: "delete", replica.ChangeRead: "read", replica.ChangeProps: "props", replica.ChangeFolderCreate: "mkdir",
		replica.ChangeFolderUpdate: "folder", replica.ChangeFolderDelete: "rmdir"}
	out := []string{}
	for _, c := range list {
		where := fmt.Sprint(c.Item)
		_ = b.r.View(func(v *replica.View) error {
			n, err := v.Node(c.Item)
			if err == nil {
				if p, err := pathOf(v, n); err == nil {
					where = p
				}
			}
			return err
		})
		out = append(out, kinds[c.Kind]+" "+where)
	}
	return out
}

func (b *bed) list(dir string) (out []string) {
	b.t.Helper()
	d, err := b.tree.opendir(b.dirID(dir))
	if err != nil {
		b.t.Fatal(err)
	}
	for off := dotEntries; ; off++ {
		e, ok, err := d.at(off)
		if err != nil {
			b.t.Fatal(err)
		}
		if !ok {
			return out
		}
		out = append(out, e.node.Name)
	}
}
