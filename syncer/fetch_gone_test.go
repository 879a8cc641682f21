package syncer_test

import (
	"context"
	"errors"
	"testing"

	"mailfs/mapi"
	"mailfs/syncer"
)

// A body of a message that somebody took away meanwhile: the caller learns that it is
// gone, and it is no failure of the server.
func TestFetchOfWhatIsGone(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "body")
	c := w.client(t, func(cfg *syncer.Config) { cfg.Keep = syncer.KeepPolicy{Headers: true} })
	c.pass()
	num := c.at("Inbox", "*one*").Num
	if err := w.box.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	err := c.s.Fetch(context.Background(), num)
	var code mapi.ErrorCode
	if !errors.Is(err, syncer.ErrNotDelivered) || !errors.As(err, &code) || code != mapi.EcNotFound {
		t.Errorf("got %v", err)
	}
	if list, err := c.s.Failures(); err != nil || len(list) > 0 {
		t.Errorf("%v %v", list, err)
	}
}
