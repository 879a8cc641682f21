package sim

import (
	"slices"
	"time"

	"mailfs/fs"
)

// clock is the time of a whole world. It moves when a step says so.
type clock struct {
	now    time.Time
	timers []*timer // in the order of their making
	held   int      // calls under way behind which something happens: what timers would do has to wait for their locks
}

type timer struct {
	c  *clock
	at time.Time
	f  func()
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

// Stop implements fs.Timer.
func (t *timer) Stop() bool {
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
		next := -1
		for i, t := range c.timers {
			if !t.at.After(c.now) && (next < 0 || t.at.Before(c.timers[next].at)) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		t := c.timers[next]
		c.timers = slices.Delete(c.timers, next, next+1)
		t.f()
	}
}

// advance moves time on and calls what becomes due.
func (c *clock) advance(d time.Duration) {
	c.now = c.now.Add(d)
	c.ring()
}

// watch is the clock on one client's wall, which can be wrong.
type watch struct {
	c    *clock
	skew time.Duration
	life int // of the client: what it planned in an earlier one does not happen
}

// Now implements fs.Clock.
func (w *watch) Now() time.Time { return w.c.now.Add(w.skew) }

// AfterFunc implements fs.Clock.
func (w *watch) AfterFunc(d time.Duration, f func()) fs.Timer {
	life := w.life
	t := &timer{w.c, w.c.now.Add(d), func() {
		if w.life == life {
			f()
		}
	}}
	w.c.timers = append(w.c.timers, t)
	return t
}
