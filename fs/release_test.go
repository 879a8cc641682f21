package fs

import (
	"syscall"
	"testing"
)

// The kernel releases a file a little after its close: a flush that comes in between waits for that.
func TestFlushAwaitsRelease(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_WRONLY|syscall.O_TRUNC)
	b.write(h, note("one", "half"))
	pauses := 0
	b.tree.awaitReleases(func() { pauses++ })
	if pauses > 0 {
		t.Fatal("waits for a file that is being written")
	}
	if err := h.flush(true); err != nil {
		t.Fatal(err)
	}
	b.tree.awaitReleases(func() {
		if pauses++; pauses == 3 {
			b.tree.release(h)
		}
	})
	if pauses != 3 {
		t.Fatalf("%d pauses, want 3", pauses)
	}
	if err := b.tree.flushAll(); err != nil {
		t.Fatal(err)
	}
	b.wantChanges("edit Inbox/a.eml")
}
