package syncer_test

import (
	"fmt"
	"testing"
	"time"

	"mailfs/replica"
	"mailfs/syncer"
)

// cost is what something cost on the wire.
type cost struct {
	requests, items, folders, in, out uint64
}

// costOf returns what f cost.
func (w *world) costOf(f func()) cost {
	w.t.Helper()
	w.srv.ResetStats()
	f()
	st := w.srv.Stats()
	return cost{st.Requests, st.MessagesSent, st.FoldersSent, st.BytesIn, st.BytesOut}
}

func (c cost) String() string {
	return fmt.Sprintf("%d requests, %d items, %d folders, %d bytes up, %d bytes down", c.requests, c.items, c.folders, c.in, c.out)
}

// clock is a clock that tests move.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)} }

func (c *clock) config(cfg *syncer.Config) { cfg.Now = func() time.Time { return c.now } }

// TestCosts holds what the usual work costs on the wire under the limits that it has.
func TestCosts(t *testing.T) {
	for _, one := range costs {
		t.Run(one.name, func(t *testing.T) {
			w := newMemWorld(t)
			got := one.run(w)
			t.Log(got)
			if got.requests > one.requests || got.items > one.items {
				t.Errorf("%s: %v; at most %d requests and %d items", one.name, got, one.requests, one.items)
			}
		})
	}
}

var costs = []struct {
	name            string
	requests, items uint64
	run             func(*world) cost
}{
	{"a pass over 200 folders, nothing new", 10, 0, func(w *world) cost { return passOver200(w, time.Minute) }},
	{"a pass over 200 folders, nothing new, hints not trusted", 10, 0, func(w *world) cost { return passOver200(w, 25*time.Hour) }},
	{"a first pass over 200 empty folders", 16, 0, firstPassOver200},
	{"1,000 small new messages go up", 100, 0, uploadOf1000},
	{"the pass after that, hints not trusted", 5, 0, passAfterUpload},
	{"the pass after one change of every kind, hints not trusted", 10, 0, passAfterStory},
	{"bodies of 1,000 small messages", 30, 1000, bodiesOf1000},
}

func passOver200(w *world, later time.Duration) cost {
	for i := range 200 {
		w.box.CreateFolder("Many", fmt.Sprint(i))
	}
	for i := range 200 {
		m := parse(w.t, mail(fmt.Sprint("in ", i), "body"))
		if _, err := w.box.Deliver(w.box.CreateFolder("Many", fmt.Sprint(i)), m); err != nil {
			w.t.Fatal(err)
		}
	}
	at := newClock()
	c := w.client(w.t, at.config)
	c.pass()
	c.pass()
	at.now = at.now.Add(later)
	return w.costOf(c.pass)
}

// many queues small messages.
func (c *client) many(n int) {
	dir := c.at("Inbox")
	c.update(func(u *replica.Update) error {
		for i := range n {
			now := time.Now()
			node := &replica.Node{Parent: dir.Num, Name: fmt.Sprintf("%d.eml", i), Kind: replica.KindMessage, Mtime: now, Ctime: now,
				Message: &replica.MessageInfo{State: replica.StateFull}}
			var err error
			if node.Num, err = u.Insert(node); err != nil {
				return err
			}
			c.put(u, node, mail(fmt.Sprint("number ", i), "A few words of text, as people write them.\n"))
			if _, err := u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: node.Num, At: now, Folder: dir.Num}); err != nil {
				return err
			}
		}
		return nil
	})
}

func uploadOf1000(w *world) cost {
	c := w.client(w.t)
	c.pass()
	c.many(1000)
	out := w.costOf(c.flush)
	if saved := w.srv.Stats().MessagesSaved; saved != 1000+1 { // and the one that counts uploads
		w.t.Errorf("%d messages were saved", saved)
	}
	return out
}

func passAfterUpload(w *world) cost {
	at := newClock()
	c := w.client(w.t, at.config)
	c.pass()
	c.many(100)
	at.now = at.now.Add(25 * time.Hour)
	c.flush()
	return w.costOf(c.pass)
}

// passAfterStory is one's own changes coming back, or not.
func passAfterStory(w *world) cost {
	for _, s := range []string{"one", "two", "three", "four", "five", "six"} {
		w.deliver(s, "body of "+s)
	}
	w.box.CreateFolder("Old")
	w.box.CreateFolder("Empty")
	at := newClock()
	c := w.client(w.t, at.config)
	c.pass()
	story(c)
	at.now = time.Now().Add(25 * time.Hour) // the user's clock goes by the real time
	c.flush()
	out := w.costOf(c.pass)
	if out.folders > 0 {
		w.t.Errorf("%d folders came back", out.folders)
	}
	return out
}

func firstPassOver200(w *world) cost {
	for i := range 200 {
		w.box.CreateFolder("Many", fmt.Sprint(i))
	}
	return w.costOf(w.client(w.t).pass)
}

func bodiesOf1000(w *world) cost {
	for i := range 1000 {
		w.deliver(fmt.Sprint("number ", i), "A few words of text, as people write them.")
	}
	c := w.client(w.t, headersOnly)
	c.pass()
	c.update(func(u *replica.Update) error {
		n, err := u.Node(c.at("Inbox").Num)
		if err != nil {
			return err
		}
		n.Folder.Keep = "all"
		return u.Save(n)
	})
	return w.costOf(c.pass)
}

// BenchmarkCosts prints what the usual work costs on the wire.
func BenchmarkCosts(b *testing.B) {
	for _, one := range costs {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				got := one.run(newMemWorld(b))
				b.ReportMetric(float64(got.requests), "requests")
				b.ReportMetric(float64(got.items), "items")
				b.ReportMetric(float64(got.in), "B-up")
				b.ReportMetric(float64(got.out), "B-down")
			}
		})
	}
}
