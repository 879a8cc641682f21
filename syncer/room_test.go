package syncer_test

import (
	"fmt"
	"strings"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// Bodies that nobody has asked for are fetched as far as there is room, newest first; those of a folder that is to be
// here as a whole come all the same, and so does what somebody opens.
func TestRoom(t *testing.T) {
	w := newMemWorld(t)
	for i := range 10 {
		w.deliver(fmt.Sprint("number ", i), strings.Repeat("a line of text\n", 1000))
	}
	const room = 70_000
	c := w.client(t, func(cfg *syncer.Config) { cfg.Room = room })
	c.pass()
	got := c.counts()
	if got.Bytes > room || got.Full < 2 || got.Full > 5 {
		t.Fatalf("%d bodies are here, of %d bytes", got.Full, got.Bytes)
	}
	var oldest, newest mapi.FileTime // of those that are here, and of the others
	for i := range 10 {
		m := c.at("Inbox", fmt.Sprintf("*number %d*", i)).Message
		switch {
		case m.State == replica.StateHeader:
			newest = max(newest, m.Delivered)
		case oldest == 0 || m.Delivered < oldest:
			oldest = m.Delivered
		}
	}
	if oldest < newest {
		t.Errorf("one of %v is here, one of %v is not", oldest, newest)
	}
	c.pass()
	if again := c.counts(); again != got {
		t.Errorf("the next pass has %+v, the first %+v", again, got)
	}
	if err := c.s.Fetch(t.Context(), c.at("Inbox", "*number 0*").Num); err != nil {
		t.Fatal(err)
	}
	c.update(func(u *replica.Update) error {
		n, err := u.Node(c.at("Inbox").Num)
		if err != nil {
			return err
		}
		n.Folder.Keep = "all"
		return u.Save(n)
	})
	c.pass()
	if all := c.counts(); all.Full != 10 {
		t.Errorf("%d bodies of a folder that is to be here", all.Full)
	}
}
