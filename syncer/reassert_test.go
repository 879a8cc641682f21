package syncer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// goBackBehindPass puts the server back behind a pass that brings nothing of a message: it is cut before its download, or sets it
// aside for the sake of a deletion that goes up later.
func (w *world) goBackBehindPass(a *client, old *memserver.Snapshot, num replica.Num, removed bool) {
	w.t.Helper()
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		return memserver.Fault{CutBefore: !removed && r.Has(uint8(rop.IDSynchronizationConfigure))}
	})
	if err := a.s.Pass(w.t.Context()); (err == nil) != removed {
		w.t.Fatalf("pass: %v", err)
	}
	w.srv.SetScript(nil)
	w.box.RewindState(old)
	w.srv.LoseSessions()
	if removed {
		a.readyLast(num, time.Now())
	}
	a.pass()
	a.flush()
	a.pass()
}

// A flag is set while the server has a newer version, which does not come before the server is put back to the older one.
// It is on both sides in the end, or on neither where the message was removed meanwhile.
func TestServerFromBackupLostFlagOnNewerVersion(t *testing.T) {
	for name, removed := range map[string]bool{"kept": false, "removed": true} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			mid := w.deliver("letter", "at first")
			a := w.client(t, quick)
			a.pass()
			old := w.box.Snapshot()
			num := a.at("Inbox", "*letter*").Num
			a.flag(num, 2, "Blue")
			if removed {
				a.unlink(num, false)
				a.readyLast(num, time.Now().Add(time.Hour))
			}
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited there\r\n") }); err != nil {
				t.Fatal(err)
			}
			w.goBackBehindPass(a, old, num, removed)
			same(t, a, w.client(t))
			if !removed && a.at("Inbox", "*letter*").Message.Flag != 2 {
				t.Error("the flag is not there any more")
			}
		})
	}
}

// The server is put back, and the first that a machine which had the header of a message wants is its body: that is one of an
// older version now, which may not pass for the one that the server lost. Somebody else has that.
func TestServerFromBackupBodyOfLostVersion(t *testing.T) {
	for _, sameTime := range []bool{false, true} { // then only its keys tell a version
		t.Run(fmt.Sprint("same time ", sameTime), func(t *testing.T) { bodyOfLostVersion(t, sameTime) })
	}
}

func bodyOfLostVersion(t *testing.T, sameTime bool) {
	at := time.Now()
	w := newMemWorld(t, func(c *memserver.Config) { c.Clock = func() time.Time { return at } })
	w.deliver("letter", "at first")
	a := w.client(t, quick, func(c *syncer.Config) { c.Keep.Headers = true })
	b := w.client(t, quick)
	a.pass()
	b.pass()
	old := w.box.Snapshot()
	num := b.at("Inbox", "*letter*").Num
	b.edit(num, mail("letter", "lost by the server"))
	if sameTime {
		b.update(func(u *replica.Update) error {
			list, err := u.ChangesOf(num)
			if err != nil {
				return err
			}
			list[0].At = at
			return u.SaveChange(list[0])
		})
	}
	b.flush()
	b.pass()
	a.pass()
	w.box.RewindState(old)
	w.srv.LoseSessions()

	num = a.at("Inbox", "*letter*").Num
	if a.s.Fetch(t.Context(), num) != nil { // it may have to wait until it is known what the server has
		a.pass()
		if err := a.s.Fetch(t.Context(), num); err != nil {
			t.Fatal(err)
		}
	}
	a.edit(num, mail("letter", "edited on the old version"))
	a.flush()
	b.flush()
	b.pass()
	a.flush()
	a.pass()
	fresh := w.client(t)
	same(t, b, fresh)
	for _, text := range []string{"lost by the server", "edited on the old version"} {
		if n := count(fresh, text); n != 1 {
			t.Errorf("%q is there %d times:\n%s", text, n, fresh.tree())
		}
	}
}

// A message was read when the server had a newer version than the one whose header is here, and the server is put back
// before that header comes: the body that was read is the only one left of its version. It goes up again; where the message was
// removed meanwhile, what is on the server comes back.
func TestServerFromBackupLostVersionOfBody(t *testing.T) {
	at := time.Now()
	for name, removed := range map[string]bool{"kept": false, "removed": true, "kept, in one instant": false, "removed, in one instant": true} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t, func(c *memserver.Config) {
				if strings.Contains(name, "instant") {
					c.Clock = func() time.Time { return at }
				}
			})
			mid := w.deliver("letter", "at first")
			a := w.client(t, quick, func(c *syncer.Config) { c.Keep.Headers = true })
			a.pass()
			old := w.box.Snapshot()
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited there\r\n") }); err != nil {
				t.Fatal(err)
			}
			num := a.at("Inbox", "*letter*").Num
			if err := a.s.Fetch(t.Context(), num); err != nil {
				t.Fatal(err)
			}
			if removed {
				a.unlink(num, false)
				a.readyLast(num, time.Now().Add(time.Hour))
			}
			a.create(a.at("Drafts"), "new.eml", mail("new", "made after the backup"))
			w.goBackBehindPass(a, old, num, removed)
			if removed {
				if err := a.s.Fetch(t.Context(), a.at("Deleted Items", "*letter*").Num); err != nil {
					t.Fatal(err)
				}
			}
			fresh := w.client(t)
			fresh.pass()
			same(t, fresh, a)
			text := map[bool]string{false: "edited there", true: "at first"}[removed]
			if n := count(fresh, text); n != 1 {
				t.Errorf("%q is there %d times:\n%s", text, n, fresh.tree())
			}
		})
	}
}
