package syncer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/internal/memserver"
	"mailfs/syncer"
)

// quick makes every wait of a client end at once.
func quick(cfg *syncer.Config) {
	cfg.After = func(time.Duration) (<-chan time.Time, func()) {
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c, func() {}
	}
}

// story does one change of every kind, and tells what must be there afterwards.
func story(c *client) {
	root := c.at()
	dir := c.mkdir(root, "Fresh")
	c.create(dir, "first.eml", mail("first", "created in a new folder"))
	c.create(c.at("Inbox"), "second.eml", mail("second", "created in the Inbox"))
	c.edit(c.at("Inbox", "*one*").Num, mail("one", "edited"))
	c.move(c.at("Inbox", "*two*").Num, dir)
	c.unlink(c.at("Inbox", "*three*").Num, false)
	c.unlink(c.at("Inbox", "*four*").Num, true)
	c.flag(c.at("Inbox", "*five*").Num, 2, "Blue")
	c.markRead(c.at("Inbox", "*six*").Num, true)
	c.rename(c.at("Old").Num, c.at("Inbox"), "Renamed")
	c.rmdir(c.at("Empty").Num)
}

// byText tells what a client shows, without ids and names.
func byText(c *client) map[string]int {
	out := map[string]int{}
	for k, v := range c.contents() {
		if k[len(k)-1] == '/' {
			out[k]++
			continue
		}
		dir := k
		for dir[len(dir)-1] != '/' {
			dir = dir[:len(dir)-1]
		}
		out[dir+" "+v]++
	}
	return out
}

func storyWorld(t *testing.T) (*world, *client) {
	w := newMemWorld(t)
	for _, s := range []string{"one", "two", "three", "four", "five", "six"} {
		w.deliver(s, "body of "+s)
	}
	w.box.CreateFolder("Old")
	w.box.CreateFolder("Empty")
	c := w.client(t, quick)
	c.pass()
	return w, c
}

// TestCutAnywhere: the connection breaks at any request of an upload, before the
// server acted or after it, and the upload is repeated: nothing is lost, nothing is
// there twice.
func TestCutAnywhere(t *testing.T) {
	w, c := storyWorld(t)
	story(c)
	w.srv.ResetStats()
	c.flush()
	c.pass()
	total := w.srv.Stats().Requests
	fresh := w.client(t)
	fresh.pass()
	want := byText(fresh)
	if d := cmp.Diff(want, byText(c)); d != "" {
		t.Fatalf("without a cut:\n%s", d)
	}
	for k := uint64(1); k <= total; k++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, after %v", k, after), func(t *testing.T) {
				w, c := storyWorld(t)
				story(c)
				n := uint64(0)
				w.srv.SetScript(func(memserver.Request) memserver.Fault {
					n++
					return memserver.Fault{CutBefore: n == k && !after, CutAfter: n == k && after}
				})
				_ = c.s.Pass(context.Background())
				c.flush()
				c.pass()
				fresh := w.client(t)
				fresh.pass()
				if d := cmp.Diff(want, byText(fresh)); d != "" {
					t.Fatalf("the server has something else:\n%s", d)
				}
				if d := cmp.Diff(want, byText(c)); d != "" {
					t.Fatalf("the replica has something else:\n%s", d)
				}
			})
		}
	}
}
