package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
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

// passThatIsCut loses the connection at the third of the later pieces of its downloads.
func (c *client) passThatIsCut() {
	c.t.Helper()
	count := 0
	c.w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if r.Has(uint8(rop.IDFastTransferSourceGetBuffer)) && !r.Has(uint8(rop.IDSynchronizationConfigure)) {
			count++
		}
		return memserver.Fault{CutBefore: count >= 3}
	})
	var away *mapi.Unreachable
	if err := c.s.Pass(c.t.Context()); !errors.As(err, &away) {
		c.t.Fatalf("the pass was not cut: %v", err)
	}
	c.w.srv.SetScript(nil)
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
	c.pass()
	total := w.srv.Stats().Requests
	c.flush()
	c.pass()
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

// TestLostAnswerThenDownload: a message and a folder went up, the answers got lost, and a
// download comes before the upload is repeated: they do not show twice.
func TestLostAnswerThenDownload(t *testing.T) {
	w := newMemWorld(t)
	c := w.client(t, quick)
	c.pass()
	c.mkdir(c.at(), "Fresh")
	cut := uint8(0x73) // RopSynchronizationImportHierarchyChange
	w.srv.SetScript(func(r memserver.Request) memserver.Fault { return memserver.Fault{CutAfter: r.Has(cut)} })
	if err := c.s.Pass(t.Context()); err == nil {
		t.Fatal("the folder was not cut")
	}
	refuseAll(c)
	c.create(c.at("Inbox"), "new.eml", mail("one", "body"))
	cut = 0x0C // RopSaveChangesMessage
	if err := c.s.Pass(t.Context()); err == nil {
		t.Fatal("the message was not cut")
	}
	w.srv.SetScript(nil)
	refuseAll(c)
	c.pass()
	c.pass()
	if n := c.find("Inbox", "*- one*"); n != nil {
		t.Fatalf("it came back as %s", n.Name)
	}
	if err := c.s.Retry(0); err != nil {
		t.Fatal(err)
	}
	c.flush()
	c.pass()
	fresh := w.client(t)
	fresh.pass()
	if d := cmp.Diff(byText(fresh), byText(c)); d != "" {
		t.Fatal(d)
	}
	if n := byText(fresh)["/Fresh/"]; n != 1 {
		t.Fatalf("%d folders", n)
	}
}

// refuseAll marks everything that is queued as refused, so that no pass sends it.
func refuseAll(c *client) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		var all []*replica.Change
		for ch, err := range u.Changes(0) {
			if err != nil {
				return err
			}
			all = append(all, ch)
		}
		for _, ch := range all {
			ch.Error = &replica.ChangeError{Text: "by the test"}
			if err := u.SaveChange(ch); err != nil {
				return err
			}
		}
		return nil
	})
}
