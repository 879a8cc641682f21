package syncer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// refuse makes the server refuse an operation in every upload.
func (w *world) refuse(id rop.ID, code mapi.ErrorCode) {
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if !r.Has(uint8(id)) || counts(r) {
			return memserver.Fault{}
		}
		return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{uint8(id): code}}
	})
}

// refusedOnce flushes and expects that one change is refused.
func (c *client) refusedOnce(num replica.Num) *replica.ChangeError {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var refused *syncer.RefusedError
	if err := c.s.Flush(ctx); !errors.As(err, &refused) || refused.Count != 1 {
		c.t.Fatalf("flush: %v", err)
	}
	why := c.errorOf(num)
	if why == nil {
		c.t.Fatal("the reason is not shown")
	}
	return why
}

// A folder is removed on the server, and nobody here has heard of it when something is done in it: a flush hears of it, and
// ends as the catalogue of docs/semantics.md says.
func TestFlushIntoFolderThatIsGone(t *testing.T) {
	for name, tc := range map[string]struct {
		act  func(c *client)
		want map[string]int // messages by what they say
		dir  bool           // whether the folder comes back
	}{
		"new message":     {func(c *client) { c.create(c.at("Dir"), "new.eml", mail("new", "of a")) }, map[string]int{"of a": 1, "body of in": 0}, true},
		"edit":            {func(c *client) { c.edit(c.at("Dir", "*in*").Num, mail("in", "of a")) }, map[string]int{"of a": 1, "body of in": 0}, true},
		"flag":            {func(c *client) { c.flag(c.at("Dir", "*in*").Num, 2, "") }, map[string]int{"body of in": 0}, false},
		"read state":      {func(c *client) { c.markRead(c.at("Dir", "*in*").Num, true) }, map[string]int{"body of in": 0}, false},
		"new folder":      {func(c *client) { c.mkdir(c.at("Dir"), "Below") }, map[string]int{"body of in": 0}, true},
		"name":            {func(c *client) { c.rename(c.at("Dir").Num, c.at(), "Named") }, map[string]int{"body of in": 0}, false},
		"deletion of it":  {func(c *client) { c.unlink(c.at("Dir", "*in*").Num, false); c.rmdir(c.at("Dir").Num) }, map[string]int{"body of in": 0}, false},
		"deletion in it":  {func(c *client) { c.unlink(c.at("Dir", "*in*").Num, true) }, map[string]int{"body of in": 0}, false},
		"move out of it":  {func(c *client) { c.move(c.at("Dir", "*in*").Num, c.at("Drafts")) }, map[string]int{"body of in": 0}, false},
		"move into it":    {func(c *client) { c.move(c.at("Inbox", "*one*").Num, c.at("Dir")) }, map[string]int{"body of one": 1, "body of in": 0}, true},
		"folder moved in": {func(c *client) { c.rename(c.at("Other").Num, c.at("Dir"), "Other") }, map[string]int{"body of in": 0}, true},
		"move and an edit": {func(c *client) {
			n := c.at("Dir", "*in*").Num
			c.edit(n, mail("in", "of a"))
			c.move(n, c.at("Drafts"))
		}, map[string]int{"of a": 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			w.deliver("one", "body of one")
			dir := w.box.CreateFolder("Dir")
			w.box.CreateFolder("Other")
			if _, err := w.box.Deliver(dir, parse(t, mail("in", "body of in"))); err != nil {
				t.Fatal(err)
			}
			c := w.client(t, quick)
			c.pass()
			c.flush()
			tc.act(c)
			if err := w.box.DeleteFolder(dir, false); err != nil {
				t.Fatal(err)
			}
			c.flush()
			fresh := w.client(t, quick)
			same(t, c, fresh)
			for text, want := range tc.want {
				if got := count(fresh, text); got != want {
					t.Errorf("%q is there %d times, want %d:\n%s", text, got, want, fresh.tree())
				}
			}
			if is := fresh.find("Dir") != nil; is != tc.dir {
				t.Errorf("the folder is there: %v\n%s", is, fresh.tree())
			}
		})
	}
}

// Somebody has removed or moved a message away, and nobody here has heard of it: what was done to it ends with a flush, by the
// rules for what is gone, in few requests.
func TestFlushOfMessageThatIsGone(t *testing.T) {
	for name, act := range map[string]func(c *client, num replica.Num){
		"flag":              func(c *client, num replica.Num) { c.flag(num, 2, "") },
		"read state":        func(c *client, num replica.Num) { c.markRead(num, true) },
		"move":              func(c *client, num replica.Num) { c.move(num, c.at("Drafts")) },
		"deletion":          func(c *client, num replica.Num) { c.unlink(num, false) },
		"deletion for good": func(c *client, num replica.Num) { c.unlink(num, true) },
		"edit":              func(c *client, num replica.Num) { c.edit(num, mail("one", "of a")) },
	} {
		for _, removed := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				w := newMemWorld(t)
				w.box.CreateFolder("Archive")
				mid := w.deliver("one", "body of one")
				c := w.client(t, quick)
				c.pass()
				c.flush()
				act(c, c.at("Inbox", "*one*").Num)
				dir, _ := w.box.FindFolder("Archive")
				if removed {
					if err := w.box.Delete(mid, true); err != nil {
						t.Fatal(err)
					}
				} else if _, err := w.box.Move(mid, dir); err != nil {
					t.Fatal(err)
				}
				w.srv.ResetStats()
				c.flush()
				if n := w.srv.Stats().Requests; n > 40 {
					t.Errorf("%d requests", n)
				}
				fresh := w.client(t, quick)
				same(t, c, fresh)
				old, edited := 1, 0
				if removed {
					old = 0
				}
				if name == "edit" {
					edited = 1
				}
				if a, b := count(fresh, "body of one"), count(fresh, "of a"); a != old || b != edited {
					t.Errorf("the old version is there %d times, the edit %d times:\n%s", a, b, fresh.tree())
				}
			})
		}
	}
}

// How often something was called gone that is listed is remembered: a change is not tried anew for ever by who is started
// again and again. Saving again is what asks for another try.
func TestCalledGoneIsCountedBeyondRestarts(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "at first")
	c := w.client(t, quick)
	c.pass()
	c.flush()
	num := c.at("Inbox", "*one*").Num
	c.edit(num, mail("one", "what a wrote"))
	w.refuse(rop.IDSynchronizationImportMessageChange, mapi.EcNotFound)
	for range 5 {
		c.pass()
		_ = c.s.Close()
		c.s = syncer.New(c.cfg)
	}
	why := c.errorOf(num)
	if why == nil || why.Code != mapi.EcNotFound {
		t.Fatalf("the reason is %v", why)
	}
	w.srv.SetScript(nil)
	c.edit(num, mail("one", "saved again"))
	c.flush()
	fresh := w.client(t, quick)
	same(t, c, fresh)
	if n := count(fresh, "saved again"); n != 1 {
		t.Errorf("it is there %d times", n)
	}
}

// A mount looks soon whether something is gone, though nobody asks.
func TestGoneIsLookedForSoon(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "at first")
	refused := make(chan struct{}, 1)
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.OnStatus = func(syncer.Status) {
			select {
			case refused <- struct{}{}:
			default:
			}
		}
		after := cfg.After
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			if d <= 6*time.Second && d > time.Second {
				d = 0 // the time to the next look
			}
			if after != nil {
				return after(d)
			}
			timer := time.NewTimer(d)
			return timer.C, func() { timer.Stop() }
		}
	})
	c.pass()
	num := c.at("Inbox", "*one*").Num
	w.refuse(rop.IDSynchronizationImportMessageMove, mapi.EcNotFound)
	c.move(num, c.at("Drafts"))
	stop := c.runs()
	for timeout := time.After(limit); c.errorOf(num) == nil; {
		select {
		case <-refused:
		case <-timeout:
			t.Fatal("never: the refusal")
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What waits for something that the server refuses makes a flush end, too: it can't go before that does.
func TestFlushEndsBehindWhatIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		id      rop.ID
		waiting int
		act     func(c *client)
	}{
		"in a new folder": {rop.IDSynchronizationImportHierarchyChange, 3, func(c *client) {
			dir := c.mkdir(c.at(), "Outer")
			c.create(dir, "new.eml", mail("new", "of a"))
			c.move(c.at("Inbox", "*one*").Num, dir)
			c.mkdir(dir, "Inner")
		}},
		"behind an edit": {rop.IDSynchronizationImportMessageChange, 1, func(c *client) {
			num := c.at("Inbox", "*one*").Num
			c.edit(num, mail("one", "of a"))
			c.pass()
			c.unlink(num, false)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			w.deliver("one", "body of one")
			c := w.client(t, quick)
			c.pass()
			c.flush()
			w.refuse(tc.id, mapi.EcAccessDenied)
			tc.act(c)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var refused *syncer.RefusedError
			if err := c.s.Flush(ctx); !errors.As(err, &refused) || refused.Count != 1 || refused.Waiting != tc.waiting {
				t.Fatalf("flush: %v", err)
			}
			w.srv.SetScript(nil)
			if err := c.s.Retry(0); err != nil {
				t.Fatal(err)
			}
			c.flush()
			same(t, c, w.client(t, quick))
		})
	}
}
