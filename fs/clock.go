package fs

import "time"

// clock is where time comes from; tests have one that they turn by hand.
type clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d, unless Stop is called first.
	AfterFunc(d time.Duration, f func()) timer
}

type timer interface{ Stop() bool }

// wallClock is real time, read through the caller's function.
type wallClock struct{ now func() time.Time }

func (c wallClock) Now() time.Time { return c.now() }

func (c wallClock) AfterFunc(d time.Duration, f func()) timer { return time.AfterFunc(d, f) }
