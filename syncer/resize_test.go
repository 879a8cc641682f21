package syncer_test

import (
	"context"
	"testing"
	"time"

	"mailfs/mime"
	"mailfs/replica"
)

// Sizes that another renderer computed are computed again, before anything else and also while the server is away.
func TestSizesOfAnotherRenderer(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "text")
	w.deliver("two", "text")
	c := w.client(t)
	c.pass()
	one, two := c.at("Inbox", "*one*"), c.at("Inbox", "*two*")
	right := one.Size
	c.update(func(u *replica.Update) error {
		one.Size, one.Message.Renderer = 7, mime.Version-1
		return u.Save(one)
	})
	c.offline.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.s.Run(ctx) }()
	deadline := time.After(20 * time.Second)
	events, stop := c.rep.Subscribe()
	defer stop()
	for c.at("Inbox", "*one*").Size != right {
		select {
		case <-events:
		case <-deadline:
			t.Fatalf("the size stays %d", c.at("Inbox", "*one*").Size)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := c.at("Inbox", "*one*"); n.Message.Renderer != mime.Version || !n.Exact {
		t.Errorf("%+v", n.Message)
	}
	if n := c.at("Inbox", "*two*"); n.Size != two.Size {
		t.Errorf("the other one has %d bytes, it had %d", n.Size, two.Size)
	}
}
