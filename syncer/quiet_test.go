package syncer_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/syncer"
)

// watch is a clock that moves when somebody waits, and knows how long each waited.
type watch struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func (w *watch) config(cfg *syncer.Config) {
	cfg.InTurn = true
	cfg.Now = func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = w.now.Add(d)
		w.waits = append(w.waits, d)
		c := make(chan time.Time, 1)
		c <- w.now
		return c, func() {}
	}
}

func (w *watch) at() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *watch) waited() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.waits
	w.waits = nil
	return out
}

// TestBackoffIsOfTheLogon is about [MS-OXCSYNC] 3.1.5.3.7: after a RopBackoff nothing goes to the server for exactly the
// time that it named, neither by who asked nor by anybody else on that log on, and then all goes on in the same session.
func TestBackoffIsOfTheLogon(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	clock := &watch{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	c := w.client(t, headersOnly, clock.config)
	c.pass()
	clock.waited()
	const backoff = 1234 * time.Millisecond
	var refusedAt time.Time
	var early []string
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if refusedAt.IsZero() {
			refusedAt = clock.at()
			return memserver.Fault{Busy: backoff}
		}
		if after := clock.at().Sub(refusedAt); after < backoff {
			early = append(early, fmt.Sprintf("%v %v after %v", r.Type, r.ROPs, after))
		}
		return memserver.Fault{}
	})
	var busy *mapi.Busy
	if err := c.s.Pass(t.Context()); !errors.As(err, &busy) || busy.After != backoff {
		t.Fatalf("got %v", err)
	}
	if err := c.s.Fetch(t.Context(), c.at("Inbox", "*one*").Num); err != nil {
		t.Fatal(err)
	}
	c.pass()
	w.srv.SetScript(nil)
	if len(early) > 0 {
		t.Errorf("too early: %q", early)
	}
	if got := clock.waited(); !slices.Equal(got, []time.Duration{backoff}) {
		t.Errorf("waited %v", got)
	}
	w.srv.ResetStats()
	c.pass()
	if st := w.srv.Stats(); st.ROPs[0xFE] != 0 { // RopLogon
		t.Error("it logged on again")
	}
}

// TestBackoffOfTransfer: the time that a transfer buffer names with ecServerBusy is waited to the millisecond, and the
// transfer goes on where it was ([MS-OXCFXICS] 2.2.3.1.1.5.2).
func TestBackoffOfTransfer(t *testing.T) {
	w := newMemWorld(t)
	const n = 900
	for i := range n {
		w.deliver(fmt.Sprint("message ", i), "body")
	}
	clock := &watch{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	c := w.client(t, headersOnly, clock.config)
	times := []time.Duration{77 * time.Millisecond, 12_345 * time.Millisecond, time.Millisecond}
	left := slices.Clone(times)
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if len(left) > 0 && len(r.ROPs) == 1 && r.Has(0x4E) { // RopFastTransferSourceGetBuffer alone
			d := left[0]
			left = left[1:]
			return memserver.Fault{Busy: d}
		}
		return memserver.Fault{}
	})
	w.srv.ResetStats()
	c.pass()
	if got := clock.waited(); !slices.Equal(got, times) {
		t.Errorf("waited %v, want %v", got, times)
	}
	if sent := w.srv.Stats().MessagesSent; sent != n || c.counts().Messages != n {
		t.Errorf("%d items sent, %d here", sent, c.counts().Messages)
	}
}

// TestBackoffAtLogon: a server that is too busy for a log on is left alone as well.
func TestBackoffAtLogon(t *testing.T) {
	w := newMemWorld(t)
	clock := &watch{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	c := w.client(t, clock.config)
	const backoff = 90_001 * time.Millisecond
	once := false
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if once || !r.Has(0xFE) {
			return memserver.Fault{}
		}
		once = true
		return memserver.Fault{Busy: backoff}
	})
	if err := c.s.Pass(t.Context()); err == nil {
		t.Fatal("the log on went through")
	}
	clock.waited()
	begin := clock.at()
	c.pass()
	// hanging up the refused session waits as well; together it is what was asked for
	if got := clock.at().Sub(begin); got > backoff || clock.at().Sub(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)) < backoff {
		t.Errorf("waited %v", got)
	}
}
