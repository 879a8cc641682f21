package syncer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/syncer"
)

// TestMissedNotifications: beside the notifications there is one pass every 15 minutes and no other. It finds what they missed,
// and tells how much that was.
func TestMissedNotifications(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	first := w.deliver("one", "body")
	w.deliver("two", "body")
	var deaf atomic.Bool
	w.loseEvents(&deaf)
	quarters := make(chan chan time.Time, 10)
	done := make(chan syncer.Status, 1000)
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			ch := make(chan time.Time, 1)
			switch {
			case d == 15*time.Minute:
				quarters <- ch
			case d < time.Second:
				ch <- time.Now() // the settling of events
			default:
				t.Errorf("it waits %v", d)
			}
			return ch, func() {}
		}
		passes := 0
		cfg.OnStatus = func(st syncer.Status) {
			if st.Passes > passes {
				passes = st.Passes
				done <- st
			}
		}
	})
	stop := c.runs()
	timeout := time.After(limit)
	// pass lets time go by until a pass is over, whatever it was for
	pass := func() syncer.Status {
		t.Helper()
		for {
			select {
			case ch := <-quarters:
				ch <- time.Now()
			case st := <-done:
				return st
			case <-timeout:
				t.Fatal("no pass")
			}
		}
	}
	pass()
	// what events tell of is nothing missed
	w.deliver("three", "body")
	c.until("the delivery shows", func() bool { return c.find("Inbox", "*three*") != nil })
	for range 4 {
		if st := pass(); st.Missed != 0 {
			t.Errorf("%d changes are said to be missed", st.Missed)
		}
	}
	// a message, a deletion, a read state and a folder
	deaf.Store(true)
	w.deliver("four", "body")
	if err := w.box.Delete(first, true); err != nil {
		t.Fatal(err)
	}
	w.box.CreateFolder("Made there")
	mid := mapi.MID(0)
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			mid = m.ID
		}
	}
	if err := w.box.MarkRead(mid, true); err != nil {
		t.Fatal(err)
	}
	st := pass()
	for range 10 { // one that was under way saw a part of it
		if st.Missed < 3 {
			st = pass()
		}
	}
	if st.Missed < 3 || st.Missed > 4 { // the read one may be the new one
		t.Errorf("%d changes are said to be missed", st.Missed)
	}
	if c.find("Inbox", "*four*") == nil || c.find("Inbox", "*one*") != nil || c.find("Made there") == nil {
		t.Error(c.tree())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
