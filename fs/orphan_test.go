package fs

import (
	"syscall"
	"testing"
)

// Somebody deletes a message on the server while it is being saved here: what was saved becomes a message of its own.
func TestSavedWhileDeletedThere(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	text := note("one", "second")
	b.save("Inbox/a.eml", text)
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	b.wantText("Inbox/a.eml", text)
	b.pass()
	b.wantChanges("create Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
}

// The same while the file is still open.
func TestOpenWhileDeletedThere(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_RDWR|syscall.O_TRUNC)
	text := note("one", "second")
	b.write(h, text)
	if err := h.sync(); err != nil {
		t.Fatal(err)
	}
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges()
	text += "more\n"
	if _, err := h.writeAt([]byte("more\n"), int64(len(text)-5)); err != nil {
		t.Fatal(err)
	}
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges("create Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
}
