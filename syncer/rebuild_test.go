package syncer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailfs/internal/memserver"
	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// backup copies the replica of a client that does nothing just now.
func (c *client) backup(dir string) string {
	c.t.Helper()
	c.reopen(c.dir, func() {
		if err := os.CopyFS(dir, os.DirFS(c.dir)); err != nil {
			c.t.Fatal(err)
		}
	})
	return dir
}

// reopen ends the engine and its replica and begins again with the replica in dir; between runs while nothing is open.
func (c *client) reopen(dir string, between func()) {
	c.t.Helper()
	if err := c.s.Close(); err != nil {
		c.t.Fatal(err)
	}
	if err := c.rep.Close(); err != nil {
		c.t.Fatal(err)
	}
	between()
	rep, err := replica.Open(replica.Options{Dir: dir, Small: true, Fold: names.Fold})
	if err != nil {
		c.t.Fatal(err)
	}
	c.dir, c.rep, c.cfg.Replica = dir, rep, rep
	c.s = syncer.New(c.cfg)
}

// A replica that is put back to an earlier time takes nothing for its own that it did since: neither ids nor change
// keys are used twice, what was deleted meanwhile is gone, and what the old replica had queued goes up
// ([MS-OXCSYNC] 3.1.3.1.1.1).
func TestReplicaFromBackup(t *testing.T) {
	w := newMemWorld(t)
	for i := range 6 {
		w.deliver(fmt.Sprint("letter ", i), "the first version")
	}
	a, b := w.client(t), w.client(t)
	a.pass()
	a.edit(a.at("Inbox", "*letter 0*").Num, mail("letter 0", "edited before the backup"))
	a.flush()
	a.create(a.at("Drafts"), "queued.eml", mail("queued", "when the backup was made"))
	a.edit(a.at("Inbox", "*letter 1*").Num, mail("letter 1", "queued when the backup was made"))
	old := a.backup(filepath.Join(t.TempDir(), "backup"))
	a.flush()
	// what the backup knows nothing of
	a.edit(a.at("Inbox", "*letter 0*").Num, mail("letter 0", "edited after the backup"))
	a.create(a.at("Drafts"), "later.eml", mail("later", "made after the backup"))
	a.unlink(a.at("Inbox", "*letter 2*").Num, true)
	a.move(a.at("Inbox", "*letter 3*").Num, a.at("Drafts"))
	a.mkdir(a.at(), "Made later")
	a.flush()
	before := namespace(a)

	a.reopen(old, func() {})
	a.create(a.at("Drafts"), "new.eml", mail("new", "made with the old replica"))
	a.flush()
	b.pass()
	same(t, a, b)
	for _, text := range []string{"edited after the backup", "made after the backup", "made with the old replica", "queued when the backup was made", "when the backup was made"} {
		if !has(t, b, "Inbox", text) && !has(t, b, "Drafts", text) {
			t.Errorf("%q is not on the server\n%s", text, b.tree())
		}
	}
	if b.find("Inbox", "*letter 2*") != nil || b.find("Made later") == nil {
		t.Errorf("the tree is not what was done last:\n%s", b.tree())
	}
	if n := timesThere(b, "queued"); n != 1 {
		t.Errorf("the message that was queued at the backup is there %d times\n%s", n, b.tree())
	}
	if namespace(a) == before {
		t.Error("the replica goes on with change keys of which the server knows more than it does")
	}
}

// Before it hears of the server again, a replica from a backup is used to edit the message that the lost one had edited
// as its last. Both count their change keys from the same number: none may pass for the other's.
func TestReplicaFromBackupEditsOnceMore(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("letter", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	old := a.backup(filepath.Join(t.TempDir(), "backup"))
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "edited after the backup"))
	a.flush()

	a.reopen(old, func() {})
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "edited with the old replica"))
	a.flush()
	same(t, a, b)
	for _, text := range []string{"edited after the backup", "edited with the old replica"} {
		if n := count(b, text); n != 1 {
			t.Errorf("%q is there %d times:\n%s", text, n, b.tree())
		}
	}
}

// Where no other namespace is to be had, nothing goes up under the keys of the one before: it would pass for something
// sent before, and be lost.
func TestReplicaFromBackupWithoutNamespace(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("letter", "the first version")
	space := mapi.GUID{7}
	a := w.client(t, func(c *syncer.Config) { c.GUID = func() mapi.GUID { return space } })
	a.pass()
	old := a.backup(filepath.Join(t.TempDir(), "backup"))
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "edited after the backup"))
	a.flush()

	a.reopen(old, func() {})
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "edited with the old replica"))
	if err := a.s.Pass(t.Context()); !errors.Is(err, replica.ErrInvalid) {
		t.Errorf("the pass ended with %v", err)
	}
	if !has(t, a, "Inbox", "edited with the old replica") || a.counts().Queued != 1 {
		t.Errorf("what was written is not queued any more:\n%s", a.tree())
	}
	space = mapi.GUID{8}
	a.flush()
	for _, text := range []string{"edited after the backup", "edited with the old replica"} {
		if n := count(a, text); n != 1 {
			t.Errorf("%q is there %d times:\n%s", text, n, a.tree())
		}
	}
}

// A message is queued as a new one in a replica from a backup, and the lost replica had sent it. Where the two say the same
// there is one message, and where either was edited since, nothing is lost: not what the lost replica wrote, nor what was
// written with the old one before it heard of the server again. Bodies need not be here for that.
func TestReplicaFromBackupQueuedMessage(t *testing.T) {
	headers := func(c *syncer.Config) { c.Keep.Headers = true }
	for name, tc := range map[string]struct {
		later, after string // what the lost replica and the old one wrote, if anything
		removed      bool   // by the lost one
		opt          []func(*syncer.Config)
		want         []string
		inbox        int
	}{
		"same":                     {want: []string{"as it was queued"}, inbox: 1},
		"same, headers":            {opt: []func(*syncer.Config){headers}, want: []string{"as it was queued"}, inbox: 1},
		"edited later":             {later: "by the lost one", want: []string{"by the lost one"}, inbox: 1},
		"edited after":             {after: "by the old one", want: []string{"by the old one"}, inbox: 1},
		"edited by both":           {later: "by the lost one", after: "by the old one", want: []string{"by the lost one", "by the old one"}, inbox: 1},
		"edited by both, headers":  {later: "by the lost one", after: "by the old one", opt: []func(*syncer.Config){headers}, want: []string{"by the lost one", "by the old one"}, inbox: 1},
		"removed":                  {removed: true, want: []string{"as it was queued"}},
		"removed and edited after": {removed: true, after: "by the old one", want: []string{"as it was queued", "by the old one"}, inbox: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			a, b := w.client(t, tc.opt...), w.client(t)
			a.pass()
			a.create(a.at("Inbox"), "queued.eml", mail("queued", "as it was queued"))
			old := a.backup(filepath.Join(t.TempDir(), "backup"))
			a.flush()
			num := func() replica.Num { return a.messages("Inbox")[0].Num }
			if tc.later != "" {
				a.edit(num(), mail("queued", tc.later))
			}
			if tc.removed {
				a.unlink(num(), false)
			}
			a.flush()

			a.reopen(old, func() {})
			if tc.after != "" {
				a.edit(num(), mail("queued", tc.after))
			}
			a.flush()
			if len(tc.opt) == 0 {
				same(t, a, b)
			} else {
				a.pass()
				b.pass()
			}
			for _, text := range tc.want {
				if n := count(b, text); n != 1 {
					t.Errorf("%q is there %d times:\n%s", text, n, b.tree())
				}
			}
			if n := len(b.messages("Inbox")); n != tc.inbox {
				t.Errorf("%d messages in the Inbox:\n%s", n, b.tree())
			}
		})
	}
}

// The message with the counter is missing. Removed by somebody, that is no reason to bring anything back; with a server
// from a backup that is older than it, it is.
func TestCounterIsMissing(t *testing.T) {
	for _, restored := range []bool{false, true} {
		w := newMemWorld(t)
		w.deliver("letter 0", "the first version")
		w.deliver("letter 1", "the first version")
		old := w.box.Snapshot()
		w.deliver("letter 2", "delivered after the backup")
		a := w.client(t)
		a.pass()
		a.create(a.at("Drafts"), "new.eml", mail("new", "made after the backup"))
		a.flush()
		a.pass()
		if restored {
			w.box.RewindState(old)
		} else {
			w.removeCounters()
			for _, f := range w.box.Snapshot().Folders {
				for _, m := range f.Messages {
					if strings.Contains(m.Content.Properties.String(mapi.PidTagSubject), "letter 2") {
						if err := w.box.Delete(m.ID, true); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		w.srv.LoseSessions()
		a.pass()
		a.flush()
		b := w.client(t)
		b.pass()
		same(t, a, b)
		if there := b.find("Inbox", "*letter 2*") != nil; there != restored || !has(t, b, "Drafts", "made after the backup") {
			t.Errorf("restored %v:\n%s", restored, b.tree())
		}
	}
}

// removeCounters empties Common Views.
func (w *world) removeCounters() {
	w.t.Helper()
	for _, id := range w.box.Associated(memserver.FolderCommonViews) {
		if err := w.box.Delete(id, true); err != nil {
			w.t.Fatal(err)
		}
	}
}

// timesThere returns how many messages have a subject.
func timesThere(c *client, subject string) (n int) {
	c.view(func(v *replica.View) error {
		for _, dir := range []string{"Inbox", "Drafts", "Deleted Items"} {
			d := c.at(dir)
			for m, err := range v.Children(d.Num, "") {
				if err != nil {
					return err
				}
				if m.Message != nil && m.Message.Subject == subject {
					n++
				}
			}
		}
		return nil
	})
	return n
}

func namespace(c *client) (g mapi.GUID) {
	c.view(func(v *replica.View) error {
		id, err := v.Identity()
		g = id.Namespace
		return err
	})
	return g
}

func (c *client) messages(dir string) (list []*replica.Node) {
	d := c.at(dir)
	c.view(func(v *replica.View) error {
		for m, err := range v.Children(d.Num, "") {
			if err != nil {
				return err
			}
			if m.Message != nil {
				list = append(list, m)
			}
		}
		return nil
	})
	return list
}

// counts reports whether a request raises the counter of back-in-time detection, and does nothing else.
func counts(r memserver.Request) bool {
	return r.Has(uint8(rop.IDSaveChangesMessage)) && r.Has(uint8(rop.IDSetProperties)) && !r.Has(uint8(rop.IDGetPropertiesSpecific))
}

// The counters of two replicas of one mailbox have nothing to do with each other, and a replica that only reads leaves
// no trace.
func TestCountersAreApart(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "the first version")
	a, b, reader := w.client(t), w.client(t), w.client(t, func(c *syncer.Config) { c.ReadOnly = true })
	reader.pass()
	for i := range 3 {
		a.pass()
		a.create(a.at("Inbox"), fmt.Sprint("a", i, ".eml"), mail(fmt.Sprint("a ", i), "of a"))
		a.flush()
	}
	b.pass()
	b.create(b.at("Inbox"), "b.eml", mail("b", "of b"))
	b.flush()
	w.srv.LoseSessions()
	spaces := []mapi.GUID{namespace(a), namespace(b), namespace(reader)}
	for i, c := range []*client{a, b, reader} {
		c.pass()
		if namespace(c) != spaces[i] {
			t.Errorf("client %d was taken for one from a backup", i)
		}
	}
	same(t, a, b)
}

// A replica that was put back takes another name, and its counter is there from that moment on: a server that is put back to that moment is
// recognised.
func TestReplicaFromBackupIsCountedAtOnce(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("letter", "the first version")
	a := w.client(t, quick)
	a.pass()
	before := a.backup(filepath.Join(t.TempDir(), "backup"))
	a.create(a.at("Drafts"), "later.eml", mail("later", "made after the backup"))
	a.flush()
	a.reopen(before, func() {})
	connected, written := false, 0
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if counts(r) {
			written++
		}
		connected = connected || r.Has(uint8(rop.IDSynchronizationConfigure))
		return memserver.Fault{CutBefore: connected} // it has heard that it was put back, and got no further
	})
	if a.s.Pass(t.Context()) == nil {
		t.Fatal("the pass was not cut")
	}
	w.srv.SetScript(nil)
	old := w.box.Snapshot()
	if written != 2 {
		t.Errorf("%d counters were written, want that of the former name and the new one", written)
	}
	a.pass()
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "lost by the server"))
	a.flush()
	w.box.RewindState(old)
	w.srv.LoseSessions()
	a.pass()
	a.flush()
	fresh := w.client(t)
	fresh.pass()
	same(t, a, fresh)
	if count(fresh, "lost by the server") != 1 {
		t.Errorf("not there:\n%s", fresh.tree())
	}
}

// Every session finds the counter where the last one left it.
func TestUploadsAreCounted(t *testing.T) {
	w := newWorld(t)
	c := w.client(t)
	c.pass()
	was := c.setting("syncer.counter")
	space := namespace(c)
	for i := range 3 {
		c.create(c.at("Inbox"), fmt.Sprint(i, ".eml"), mail(fmt.Sprint("number ", i), "text"))
		c.flush()
		now := c.setting("syncer.counter")
		if now == was || !strings.Contains(now, fmt.Sprintf(`"Acked":%d`, i+3)) {
			t.Errorf("after upload %d the counter is %s, it was %s", i+1, now, was)
		}
		was = now
		if err := c.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c.pass()
	if namespace(c) != space {
		t.Error("the replica was taken for one from a backup")
	}
}

func (c *client) setting(key string) (value string) {
	c.view(func(v *replica.View) error {
		b, err := v.Setting(key)
		value = string(b)
		return err
	})
	return value
}
