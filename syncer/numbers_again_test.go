package syncer_test

import (
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// raise makes the server give change numbers to a message, whose text stays.
func (w *world) raise(mid mapi.MID, times int) {
	w.t.Helper()
	for i := range times {
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(1+i%2)) }); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) rewrite(mid mapi.MID, text string) {
	w.t.Helper()
	if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, text+"\r\n") }); err != nil {
		w.t.Fatal(err)
	}
}

// shown returns what a program that has opened a message builds on.
func shown(n *replica.Node) replica.Base {
	return replica.Base{Version: n.Version, ChangeKey: n.Message.ChangeKey, PCL: n.Message.PCL}
}

// once checks that each text is in one message.
func once(t *testing.T, c *client, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if n := count(c, text); n != 1 {
			t.Errorf("%q is there %d times:\n%s", text, n, c.tree())
		}
	}
}

// A server that went back gives change numbers again that this client has seen on what was lost. They are of other versions now:
// what is saved here is no successor of them, whether a program had the message open since before or it was queued then.
func TestServerFromBackupGivesNumbersAgain(t *testing.T) {
	const many = 200 // so that none of the later numbers is higher
	for name, late := range map[string]bool{"queued before": false, "open since before": true} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			mid := w.deliver("letter", "at first")
			a := w.client(t, quick)
			a.pass()
			a.create(a.at("Drafts"), "counts.eml", mail("counts", "an upload"))
			a.flush()
			old := w.box.Snapshot()
			w.raise(mid, many)
			a.pass()
			a.create(a.at("Drafts"), "later.eml", mail("later", "made after the backup"))
			a.flush()
			n := a.at("Inbox", "*letter*")
			num := n.Num
			base := shown(n)
			if !late {
				a.edit(num, mail("letter", "saved before"))
			}
			w.box.RewindState(old)
			w.srv.LoseSessions()
			if late {
				w.rewrite(mid, "edited at once")
			}
			a.pass()
			a.flush()
			w.rewrite(mid, "edited there")
			if late {
				a.pass()
			}
			if !late {
				base = shown(a.at("Inbox", "*letter*"))
			}
			a.editFrom(num, base, mail("letter", "saved after"))
			a.flush()
			a.pass()
			fresh := w.client(t)
			fresh.pass()
			same(t, a, fresh)
			once(t, fresh, "edited there", "saved after")
		})
	}
}

// An edit that builds on an older version than the server's is queued while the server goes back from a newer one to that: it meets
// it as a conflict.
func TestServerFromBackupOlderEditIsQueued(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("letter", "at first")
	a := w.client(t, quick, func(c *syncer.Config) { c.Keep.Headers = true })
	a.pass()
	n := a.at("Inbox", "*letter*")
	base := shown(n)
	w.rewrite(mid, "edited there")
	old := w.box.Snapshot()
	w.raise(mid, 1)
	a.create(a.at("Drafts"), "counts.eml", mail("counts", "made after the backup"))
	a.pass()
	a.editFrom(n.Num, base, mail("letter", "saved here"))
	w.box.RewindState(old)
	w.srv.LoseSessions()
	a.flush()
	a.pass()
	fresh := w.client(t)
	fresh.pass()
	once(t, fresh, "edited there", "saved here")
}

// An edit that builds on an older version than the one that is here is queued, and the server loses that one: this machine has the
// only copy of it.
func TestServerFromBackupLostVersionBelowEdit(t *testing.T) {
	for name, folder := range map[string]bool{"conflicts": true, "no folder": false} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			if !folder {
				if err := w.box.DeleteFolder(w.box.Folder(memserver.FolderConflicts), true); err != nil {
					t.Fatal(err)
				}
			}
			mid := w.deliver("letter", "at first")
			a := w.client(t, quick)
			a.pass()
			n := a.at("Inbox", "*letter*")
			base := shown(n)
			old := w.box.Snapshot()
			w.rewrite(mid, "edited there")
			a.pass()
			a.create(a.at("Drafts"), "counts.eml", mail("counts", "made after the backup"))
			a.flush()
			a.editFrom(n.Num, base, mail("letter", "saved here"))
			w.box.RewindState(old)
			w.srv.LoseSessions()
			a.flush()
			a.pass()
			fresh := w.client(t)
			fresh.pass()
			same(t, a, fresh)
			once(t, fresh, "edited there", "saved here")
		})
	}
}

// The server goes back to before a conflict was settled, and the client that settled it has no bodies: what lost is on the server
// in place of the winner, and must not lose without being kept.
func TestServerFromBackupLostLoser(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("letter", "at first")
	a := w.client(t, quick, func(c *syncer.Config) { c.Keep.Headers = true })
	a.pass()
	if err := a.s.Fetch(t.Context(), a.at("Inbox", "*letter*").Num); err != nil {
		t.Fatal(err)
	}
	w.rewrite(mid, "edited there")
	old := w.box.Snapshot()
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "saved here"))
	a.flush()
	a.pass()
	loser := a.at("Sync Issues", "Conflicts", "*letter*").Num // is not here, as on a machine that knows of it by others
	a.update(func(u *replica.Update) error { u.Remote(true); return u.Remove(loser) })
	w.box.RewindState(old)
	w.srv.LoseSessions()
	a.pass()
	a.flush()
	a.pass()
	fresh := w.client(t)
	fresh.pass()
	once(t, fresh, "edited there", "saved here")
}
