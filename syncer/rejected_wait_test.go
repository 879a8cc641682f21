package syncer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// slots number the sessions of a server, the lowest free number first, and take one wait for each number. A wait that its
// client cuts goes on if its session ends, as gromox has it.
type slots struct {
	mu      sync.Mutex
	used    map[int]bool
	waiting map[int]bool
	taken   chan struct{} // gets one for each wait that was taken
}

func newSlots() *slots {
	return &slots{used: map[int]bool{}, waiting: map[int]bool{}, taken: make(chan struct{}, 100)}
}

// over puts the slots between a client and the server.
func (s *slots) over(cfg *syncer.Config) {
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := dial(ctx)
		if err != nil {
			return nil, info, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		n := 0
		for s.used[n] {
			n++
		}
		s.used[n] = true
		return &slotted{Transport: tr, s: s, n: n}, info, nil
	}
}

func (s *slots) sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.used)
}

// slotted is a session with its number.
type slotted struct {
	rop.Transport
	s *slots
	n int
}

func (t *slotted) NotificationWait(ctx context.Context) (bool, error) {
	t.s.mu.Lock()
	if t.s.waiting[t.n] {
		t.s.mu.Unlock()
		return false, &mapi.Busy{After: 15 * time.Second, Err: mapi.EcRejected}
	}
	t.s.waiting[t.n] = true
	t.s.mu.Unlock()
	t.s.taken <- struct{}{}
	pending, err := t.Transport.NotificationWait(ctx)
	if ctx.Err() == nil {
		t.s.mu.Lock()
		delete(t.s.waiting, t.n)
		t.s.mu.Unlock()
	}
	return pending, err
}

func (t *slotted) Disconnect(ctx context.Context) error {
	t.s.mu.Lock()
	delete(t.s.used, t.n)
	t.s.mu.Unlock()
	return t.Transport.Disconnect(ctx)
}

// TestWaitOfAnEndedSessionIsInTheWay: a server that rejects waits because of those of sessions that have ended takes one for
// another session, so that nobody has to poll. The sessions that were in the way end once that one hears of something.
func TestWaitOfAnEndedSessionIsInTheWay(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	s := newSlots()
	c := w.client(t, s.over, func(cfg *syncer.Config) {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			ch := make(chan time.Time, 1)
			if d < time.Second {
				ch <- time.Now() // the settling of events
			}
			return ch, func() {}
		}
	})
	for _, subject := range []string{"one", "two", "three", "four"} { // as often as sessions are kept aside, and once more
		stop := c.runs()
		select {
		case <-s.taken:
		case <-time.After(limit):
			t.Fatalf("no wait was taken before %q", subject)
		}
		w.deliver(subject, "body")
		c.until(subject, func() bool { return c.find("Inbox", "*"+subject+"*") != nil })
		c.until("one session", func() bool { return s.sessions() == 1 })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for len(s.taken) > 0 {
			<-s.taken
		}
		if n := s.sessions(); n != 0 {
			t.Fatalf("%d sessions are left", n)
		}
	}
}

// TestWaitsThatAreAllInTheWay: where no session can wait, few are made, and the mailbox is polled.
func TestWaitsThatAreAllInTheWay(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	s := newSlots()
	for n := range 10 {
		s.waiting[n] = true
	}
	polls := make(chan time.Duration, 100)
	c := w.client(t, s.over, func(cfg *syncer.Config) {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			ch := make(chan time.Time, 1)
			if d < time.Second {
				ch <- time.Now()
			} else {
				polls <- d
			}
			return ch, func() {}
		}
	})
	stop := c.runs()
	for timeout := time.After(limit); ; {
		select {
		case d := <-polls:
			if d != time.Minute {
				continue
			}
		case <-timeout:
			t.Fatal("nobody polls")
		}
		break
	}
	if n := s.sessions(); n != 4 {
		t.Errorf("%d sessions", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := s.sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}
