package sim

import (
	"maps"
	"slices"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// backupServer makes a backup of the server.
func (w *world) backupServer() { w.backup = w.box.Snapshot() }

// restoreServer puts the server back to its backup. What nobody has but the server goes with what it loses. Bodies that were
// fetched by themselves may be newer than what their clients have counted (docs/reliability.md).
func (w *world) restoreServer() {
	if w.backup == nil {
		return
	}
	for _, c := range w.clients {
		if c.headers {
			w.note("  %s: pass: %v", c.name, c.pass(nil))
		}
	}
	kept := w.tokensOf(w.backup.Folders...)
	held := maps.Clone(kept)
	for _, c := range w.clients {
		c.tokens(held)
	}
	w.atRisk = map[string]bool{}
	for t := range held {
		w.atRisk[t] = !kept[t]
	}
	for t := range w.tokensOf(w.box.Snapshot().Folders...) {
		if s := w.ledger.saves[t]; s != nil && !held[t] {
			s.fine = "lost with the server"
		}
	}
	w.timeTurned()
	for _, c := range w.clients {
		c.behind, c.unaware = true, true
	}
	w.box.RewindState(w.backup)
	w.srv.LoseSessions()
	w.clock.advance(time.Minute) // it takes a while: what is changed then was not changed in the same instant before
}

// timeTurned notes that what was deleted may be there again, and what was moved twice.
func (w *world) timeTurned() {
	w.restored = true
	for _, s := range w.ledger.saves {
		s.removed = nil
	}
}

// removing notes that somebody who has seen a body is about to delete it. After the server was put back there may be several
// messages of it, some of which have not gone up yet.
func (w *world) removing(r *removal, body string) {
	if w.restored {
		n := 0
		for _, f := range w.box.Snapshot().Folders {
			for _, m := range f.Messages {
				if last(bodyOf(m.Content)) == last(body) {
					n++
				}
			}
		}
		for _, c := range w.clients {
			w.mustNot("looking at a replica", c.rep.View(func(v *replica.View) error {
				for ch, err := range v.Changes(0) {
					if err != nil {
						return err
					}
					if m, err := v.Message(ch.Item); err == nil && ch.Kind == replica.ChangeCreate && last(bodyOf(m)) == last(body) {
						n++
					}
				}
				return nil
			}))
		}
		r.twice = n > 1
	}
	w.ledger.removing(r, body)
}

// reaches is called when a client is about to reach the server. Until it does so after that was put back, programs may save
// over a version that it got from the server: it has no reason to keep the one that is on the server, for all it knows.
func (w *world) reaches(c *client) {
	if !c.unaware {
		return
	}
	c.unaware = false
	held := w.tokensOf(w.box.Snapshot().Folders...)
	for _, c := range w.clients {
		c.tokens(held)
	}
	for t, risk := range w.atRisk {
		if s := w.ledger.saves[t]; s != nil && risk && !held[t] && s.fine == "" {
			s.fine = "saved over, and lost with the server"
		}
	}
}

// noticed notes that a client knows that the server went back. What was deleted before all of them did may be there
// again: who still had it can't tell that from what the server lost.
func (w *world) noticed(c *client) {
	if !c.behind {
		return
	}
	c.behind = false
	if !slices.ContainsFunc(w.clients, func(c *client) bool { return c.behind }) {
		w.timeTurned()
	}
}

// tokensOf returns what is written in the messages of the server.
func (w *world) tokensOf(folders ...memserver.SnapshotFolder) map[string]bool {
	out := map[string]bool{}
	for _, f := range folders {
		for _, m := range f.Messages {
			for _, t := range tokensIn(bodyOf(m.Content) + insideOf(m.Content)) {
				out[t] = true
			}
		}
	}
	return out
}

// tokens adds what is written in the messages that a client has.
func (c *client) tokens(out map[string]bool) {
	c.w.mustNot("looking at a replica", c.rep.View(func(v *replica.View) error { return tokensBelow(v, replica.RootNum, out) }))
}

func tokensBelow(v *replica.View, dir replica.Num, out map[string]bool) error {
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return err
		}
		if n.Message == nil {
			if err := tokensBelow(v, n.Num, out); err != nil {
				return err
			}
			continue
		}
		var m *mapi.Message
		if m, err = v.Message(n.Num); err != nil {
			continue // its body is not here
		}
		for _, t := range tokensIn(bodyOf(m)) {
			out[t] = true
		}
	}
	return nil
}
