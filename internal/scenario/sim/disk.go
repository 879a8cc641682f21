package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"mailfs/internal/names"
	"mailfs/internal/powercut"
	"mailfs/replica"
)

// disk is that of a client whose replica is on one.
type disk struct {
	ends     powercut.Ends // how far the logs were written when the last transaction was acknowledged, nil without a disk
	losing   bool          // the power goes with the next transaction
	cuts     uint64        // how often it went
	backup   int           // which of the replica's directories is a backup, 0 for none
	backedUp int           // how much had been saved then
}

func (c *client) dirOf(open int) string {
	return filepath.Join(c.w.dir, fmt.Sprintf("%s-%d", clientName(c.no), open))
}

func (c *client) openReplica() error {
	opt := replica.Options{InMemory: c.w.dir == "", Small: true, Fold: names.Fold, Now: c.watch.Now, Step: c.transaction,
		Logf: c.logf}
	if c.w.dir != "" {
		opt.Dir = c.dirOf(c.opens)
	}
	watched := c.w.dir != "" && c.w.mounts == "" // a mount has transactions of its own
	if watched {
		opt.Done = c.acknowledged
	}
	rep, err := replica.Open(opt)
	if err != nil {
		return err
	}
	c.rep = rep
	if watched {
		c.disk.ends, err = powercut.EndsOf(opt.Dir)
	}
	return err
}

// acknowledged is called when a transaction is on disk, before anybody hears of it.
func (c *client) acknowledged() {
	before := c.disk.ends
	var err error
	if c.disk.ends, err = powercut.EndsOf(c.dirOf(c.opens)); err != nil {
		c.w.mustNot("looking at a disk", err)
		return
	}
	if !c.disk.losing || c.fetching || c.depth > 0 || !c.inPass && !c.inCall {
		return
	}
	c.disk.losing = false
	c.disk.cuts++
	rng := rand.New(rand.NewPCG(uint64(c.w.step), c.disk.cuts))
	c.disk.ends = powercut.Torn(before, c.disk.ends, rng.Int64N)
	c.w.note("  %s: loses its power", c.name)
	panic(death{c})
}

// comeUp leaves the replica as it is on disk and opens a copy of that, as a machine does that comes up again. What was not
// acknowledged is not there.
func (c *client) comeUp() error {
	from, ends := c.dirOf(c.opens), c.disk.ends
	c.opens++
	if ends == nil {
		var err error
		if ends, err = powercut.EndsOf(from); err != nil {
			return err
		}
	}
	if err := powercut.Copy(c.dirOf(c.opens), from, ends); err != nil {
		return err
	}
	c.direct.Drop()
	if err := c.rep.Close(); err != nil {
		return err
	}
	return c.openReplica()
}

// backInTime makes a backup of a client's replica, or plays it back.
func (c *client) backInTime(s *Step) {
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
		c.disk.backup, c.disk.backedUp = c.opens, len(w.ledger.order)
		w.mustNot("backup", os.CopyFS(c.dirOf(c.disk.backup), os.DirFS(c.dirOf(from))))
		c.opens++
		w.mustNot("copy", os.CopyFS(c.dirOf(c.opens), os.DirFS(c.dirOf(from))))
		w.mustNot("opening a replica", c.openReplica())
		w.mustNot("mount", c.start())
	case c.disk.backup != 0:
		c.held = nil
		c.direct.Drop()
		w.mustNot("closing a replica", c.rep.Close())
		c.opens++
		w.mustNot("restore", os.CopyFS(c.dirOf(c.opens), os.DirFS(c.dirOf(c.disk.backup))))
		w.mustNot("opening a replica", c.openReplica())
		w.mustNot("mount", c.start())
		c.lostSince()
	}
}

// lostSince notes what went with a disk: what was saved there since its backup, and did not go up; and what the server had
// lost before.
func (c *client) lostSince() {
	held := c.w.tokensOf(c.w.box.Snapshot().Folders...)
	for _, other := range c.w.clients {
		other.tokens(held)
	}
	for i, t := range c.w.ledger.order {
		if s := c.w.ledger.saves[t]; (i >= c.disk.backedUp && s.by == c.name || c.w.restored) && s.fine == "" && !held.has(t) {
			s.fine = "lost with the disk"
		}
	}
	c.w.timeTurned()
}
