package syncer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// A flush that can't bring everything up says what is refused, and why.
func TestFlushTellsWhatIsRefused(t *testing.T) {
	w := newMemWorld(t)
	c := w.client(t, quick)
	c.pass()
	dir := c.mkdir(c.at("Inbox"), "Deep")
	c.flush()
	n := c.create(dir, "big.eml", mail("big", "too much"))
	c.update(func(u *replica.Update) error {
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		changes[0].Error = &replica.ChangeError{Code: mapi.EcQuotaExceeded, Text: "the mailbox is full", At: time.Now()}
		return u.SaveChange(changes[0])
	})
	err := c.s.Flush(context.Background())
	var refused *syncer.RefusedError
	if !errors.As(err, &refused) || refused.Count != 1 {
		t.Fatalf("got %v", err)
	}
	if want := "Inbox/Deep/big.eml (new message): the mailbox is full"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
}
