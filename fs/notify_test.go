package fs

import (
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"mailfs/replica"
)

// recorder is a kernel that remembers what it was told, and that asks back, as the real one does.
type recorder struct {
	b *bed
	// entries are names that were told to be stale, guarded by tree.ns; got has one value for each.
	entries []string
	got     chan struct{}
}

func (r *recorder) InodeNotify(node uint64, off, length int64) fuse.Status { return fuse.ENOENT }

func (r *recorder) EntryNotify(parent uint64, name string) fuse.Status {
	// The kernel may need an answer before it takes the notice.
	if _, err := r.b.tree.lookup(nodeID(parent), name); err != nil && errnoOf(err) == 0 {
		return fuse.EIO
	}
	r.b.tree.ns.Lock() // no lock may be held by who notifies
	r.entries = append(r.entries, name)
	r.b.tree.ns.Unlock()
	select {
	case r.got <- struct{}{}:
	default:
	}
	return fuse.OK
}

func TestNotifier(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	rec := &recorder{b: b, got: make(chan struct{}, 100)}
	stop := b.tree.startNotifier(rec)
	b.save("Inbox/b.eml", note("two", "mine")) // the kernel knows of this
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	<-rec.got
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	<-rec.got
	stop()
	for _, name := range rec.entries {
		if name != "a.eml" {
			t.Errorf("told of %s, which nobody else changed", name)
		}
	}
}

// TestRepeatSparesDirectories: a notice that is given again must not take a directory from under those who work in
// it.
func TestRepeatSparesDirectories(t *testing.T) {
	b := newBed(t)
	if b.tree.stillStale(stale{parent: rootID, name: "Inbox"}) {
		t.Error("a directory would lose its name")
	}
	b.must(b.deliver("Inbox", "a.eml", note("one", "x")))
	inbox := makeID(b.folders["Inbox"], 0)
	for _, name := range []string{"a.eml", "gone.eml"} {
		if !b.tree.stillStale(stale{parent: inbox, name: name}) {
			t.Errorf("%s: not told again", name)
		}
	}
	out := b.tree.digest([]replica.Event{{Kind: replica.EventAdded, Item: 99, Parent: b.folders["Inbox"], Name: "new", NodeKind: replica.KindFolder, Remote: true}})
	for _, s := range out {
		if s.name != "" {
			t.Errorf("an added name is told to be stale: %+v", s)
		}
	}
}
