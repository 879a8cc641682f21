package sim

import (
	"os"
	"slices"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// backupServer makes a backup of the server.
func (w *world) backupServer() {
	w.backup = w.box.Snapshot()
	for _, c := range w.clients {
		c.uploads = c.uploaded()
	}
}

// uploaded tells how often a client has sent something, as it notes it itself.
func (c *client) uploaded() (counter string) {
	c.w.mustNot("looking at a replica", c.rep.View(func(v *replica.View) error {
		b, err := v.Setting("syncer.counter")
		counter = string(b)
		return err
	}))
	return counter
}

// restoreServer puts the server back to its backup. What nobody has but the server goes with what it loses. A client
// that has sent nothing since can't tell: then nothing happens.
func (w *world) restoreServer() {
	if w.backup == nil || slices.ContainsFunc(w.clients, func(c *client) bool { return c.uploaded() == c.uploads }) {
		return
	}
	held := w.tokensOf(w.backup.Folders...)
	for _, c := range w.clients {
		c.tokens(held)
	}
	for t := range w.tokensOf(w.box.Snapshot().Folders...) {
		if s := w.ledger.saves[t]; s != nil && !held[t] {
			s.fine = "lost with the server"
		}
	}
	w.timeTurned()
	for _, c := range w.clients {
		c.behind = true
	}
	w.box.RewindState(w.backup)
	w.srv.LoseSessions()
}

// timeTurned notes that what was deleted may be there again, and what was moved twice.
func (w *world) timeTurned() {
	w.restored = true
	for _, s := range w.ledger.saves {
		s.removed = nil
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
			for _, t := range tokensIn(bodyOf(m.Content)) {
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

// disk makes a backup of a client's replica, or plays it back.
func (c *client) disk(s *Step) {
	w := c.w
	switch {
	case w.dir == "" || c.depth > 0:
	case s.Kind == BackupDisk:
		c.held = nil
		c.w.mustNot("unmount", c.direct.Close())
		c.w.mustNot("sign off", c.eng.Close())
		w.mustNot("closing a replica", c.rep.Close())
		from := c.opens
		c.opens++
		c.backup, c.backedUp = c.opens, len(w.ledger.order)
		w.mustNot("backup", os.CopyFS(clientReplica(w.dir, c.no, c.backup), os.DirFS(clientReplica(w.dir, c.no, from))))
		c.opens++
		w.mustNot("copy", os.CopyFS(clientReplica(w.dir, c.no, c.opens), os.DirFS(clientReplica(w.dir, c.no, from))))
		w.mustNot("opening a replica", c.openReplica())
		w.mustNot("mount", c.start())
	case c.backup != 0:
		c.held = nil
		c.direct.Drop()
		w.mustNot("closing a replica", c.rep.Close())
		c.opens++
		w.mustNot("restore", os.CopyFS(clientReplica(w.dir, c.no, c.opens), os.DirFS(clientReplica(w.dir, c.no, c.backup))))
		w.mustNot("opening a replica", c.openReplica())
		w.mustNot("mount", c.start())
		c.turned = true
		c.lostSince()
	}
}

// lostSince notes what went with a disk: what was saved there since its backup, and did not go up.
func (c *client) lostSince() {
	held := c.w.tokensOf(c.w.box.Snapshot().Folders...)
	for _, other := range c.w.clients {
		other.tokens(held)
	}
	for _, t := range c.w.ledger.order[c.backedUp:] {
		if s := c.w.ledger.saves[t]; s.by == c.name && !held[t] {
			s.fine = "lost with the disk"
		}
	}
	c.w.timeTurned()
}
