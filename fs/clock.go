package fs

import "time"

// Clock is where time comes from; simulations and tests have one that they turn by hand.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f, in another goroutine or when nothing else runs, after d, unless Stop is called first.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a call that is due later. Stop reports whether it prevented the call.
type Timer interface{ Stop() bool }

// wallClock is real time, read through the caller's function.
type wallClock struct{ now func() time.Time }

func (c wallClock) Now() time.Time { return c.now() }

func (c wallClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
