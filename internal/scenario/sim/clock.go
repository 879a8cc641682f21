package sim

import (
	"slices"
	"sync"
	"time"

	"mailfs/fs"
)

// clock is the time of a whole world. It moves when a step says so.
type clock struct {
	held int // calls under way behind which something happens: what timers would do has to wait for their locks

	mu     sync.Mutex // mounts have goroutines of their own
	now    time.Time
	timers []*timer // in the order of their making
}

type timer struct {
	c  *clock
	at time.Time
	f  func()
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

// Now tells the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Stop implements fs.Timer.
func (t *timer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	i := slices.Index(t.c.timers, t)
	if i < 0 {
		return false
	}
	t.c.timers = slices.Delete(t.c.timers, i, i+1)
	return true
}

// ring calls what is due.
func (c *clock) ring() {
	for c.held == 0 {
		t := c.due()
		if t == nil {
			return
		}
		t.f()
	}
}

// due takes the first timer out whose time has come.
func (c *clock) due() *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := -1
	for i, t := range c.timers {
		if !t.at.After(c.now) && (next < 0 || t.at.Before(c.timers[next].at)) {
			next = i
		}
	}
	if next < 0 {
		return nil
	}
	t := c.timers[next]
	c.timers = slices.Delete(c.timers, next, next+1)
	return t
}

// advance moves time on and calls what becomes due.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
	c.ring()
}

// watch is the clock on one client's wall, which can be wrong.
type watch struct {
	c    *clock
	skew time.Duration // guarded by c.mu
	life int           // of the client: what it planned in an earlier one does not happen; guarded by c.mu
}

// set puts the watch wrong by so much.
func (w *watch) set(skew time.Duration) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.skew = skew
}

// begin begins another life.
func (w *watch) begin() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.life++
}

// in reports whether a life goes on.
func (w *watch) in(life int) bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.life == life
}

// Now implements fs.Clock.
func (w *watch) Now() time.Time {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.c.now.Add(w.skew)
}

// AfterFunc implements fs.Clock.
func (w *watch) AfterFunc(d time.Duration, f func()) fs.Timer {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	life := w.life
	t := &timer{w.c, w.c.now.Add(d), func() {
		if w.in(life) {
			f()
		}
	}}
	w.c.timers = append(w.c.timers, t)
	return t
}
