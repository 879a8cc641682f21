package syncer_test

import (
	"testing"
	"time"

	"mailfs/internal/sample"
	"mailfs/replica"
)

func TestFirstPass(t *testing.T) {
	w := newMemWorld(t)
	n := w.fill(sample.Mailbox(1, time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)))
	c := w.client(t)
	c.pass()
	var counts replica.Counts
	c.view(func(v *replica.View) (err error) {
		counts, err = v.Counts()
		return err
	})
	if counts.Messages != n || counts.Full != n {
		t.Fatalf("%d messages, %d complete, want %d of each", counts.Messages, counts.Full, n)
	}
	inbox := c.at("Inbox")
	if inbox.Folder.Special != replica.SpecialInbox {
		t.Fatalf("the Inbox is special folder %d", inbox.Folder.Special)
	}
}
