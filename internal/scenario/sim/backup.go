package sim

import (
	"slices"
	"strings"
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
	held := w.tokensOf(w.backup.Folders...)
	for _, c := range w.clients {
		c.tokens(held)
	}
	for t := range w.tokensOf(w.box.Snapshot().Folders...) {
		if s := w.ledger.saves[t]; s != nil && !held.has(t) {
			s.fine = "lost with the server"
		}
	}
	w.timeTurned()
	for _, c := range w.clients {
		c.behind = true
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
		w.countCopies(r, last(body))
	}
	w.ledger.removing(r, body)
}

// countCopies counts what may be there of a body after a message of it is gone: other messages of the server, those that go up yet,
// and those that went with their folder after a client had put them up, which it brings back.
func (w *world) countCopies(r *removal, token string) {
	there := map[mapi.SourceKey]bool{}
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			there[m.SourceKey] = true
			if last(bodyOf(m.Content)) != token {
				continue
			}
			if !r.spares(strings.Join(f.Path, "/")) {
				r.copies++
			}
			if r.by == stranger {
				r.links = max(r.links, linksOf(m.Content))
			}
		}
	}
	for _, c := range w.clients {
		w.mustNot("looking at a replica", c.rep.View(func(v *replica.View) error {
			return messagesBelow(v, replica.RootNum, func(n *replica.Node, m *mapi.Message) {
				if last(bodyOf(m)) != token {
					return
				}
				if key := n.Message.SourceKey; !there[key] {
					there[key] = key != "" // else it has none yet
					r.copies++
				}
				if c.name == r.by {
					r.links = max(r.links, linksOf(m))
				}
			})
		}))
	}
}

// spares reports whether a deletion has nothing to do with what is in a folder.
func (r *removal) spares(folder string) bool {
	return !r.hard && strings.HasPrefix(folder+"/", "Deleted Items/")
}

// linksOf returns how many versions in conflict a message names.
func linksOf(m *mapi.Message) int {
	items, _ := m.Properties.Get(mapi.PidTagConflictItems).([][]byte)
	return len(items)
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

// written is what is written somewhere, with the letter in which it is.
type written map[string]string

func (x written) add(m *mapi.Message) {
	for _, t := range tokensIn(bodyOf(m) + insideOf(m)) {
		x[t] = docOf(m.Properties.String(mapi.PidTagSubject))
	}
}

func (x written) has(token string) bool {
	_, ok := x[token]
	return ok
}

// tokensOf returns what is written in the messages of the server.
func (w *world) tokensOf(folders ...memserver.SnapshotFolder) written {
	out := written{}
	for _, f := range folders {
		for _, m := range f.Messages {
			out.add(m.Content)
		}
	}
	return out
}

// tokens adds what is written in the messages that a client has.
func (c *client) tokens(out written) {
	c.w.mustNot("looking at a replica", c.rep.View(func(v *replica.View) error {
		return messagesBelow(v, replica.RootNum, func(_ *replica.Node, m *mapi.Message) { out.add(m) })
	}))
}

// messagesBelow calls f for the messages below a folder whose bodies are here.
func messagesBelow(v *replica.View, dir replica.Num, f func(*replica.Node, *mapi.Message)) error {
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return err
		}
		if n.Message == nil {
			if err := messagesBelow(v, n.Num, f); err != nil {
				return err
			}
			continue
		}
		if m, err := v.Message(n.Num); err == nil {
			f(n, m)
		}
	}
	return nil
}
