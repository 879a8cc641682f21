package syncer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"mailfs/conflict"
	"mailfs/internal/mutant"
	"mailfs/mapi"
	"mailfs/replica"
)

// resolve carries out what package conflict says about a content change that the
// server did not take because it has something else. said is its answer; sure says that the message is known to be gone if it
// is not there.
func (s *Syncer) resolve(ctx context.Context, l *link, j job, said error, sure bool) error {
	k, found, err := l.lookUp(ctx, j.folder.Folder.SourceKey, j.c.SourceKey)
	if err == nil && !found && !sure {
		sure, err = s.notThere(j, said)
	}
	if err != nil || !found && !sure {
		return err
	}
	ask := conflict.Case{
		Local:  conflict.Version{PCL: j.c.PCL, ChangeKey: j.c.ChangeKey, Modified: j.c.Modified},
		Remote: conflict.Version{PCL: k.pcl, ChangeKey: k.change, Modified: k.modified, Deleted: !found},
	}
	if j.n.Message.FAI {
		ask.Object = conflict.Associated
	}
	if !found {
		ask.Remote.PCL, ask.Remote.ChangeKey = j.n.Message.PCL, j.n.Message.ChangeKey
	}
	out := conflict.Resolve(ask)
	s.cfg.Logf("conflict: change %d: %v, %v wins", j.c.Seq, out.Action, out.Winner)
	switch out.Action {
	case conflict.Resurrect, conflict.Drop:
		return s.resurrectItem(j)
	case conflict.KeepLocal:
		if k.change == j.c.Base.ChangeKey { // it was on top of that one
			if err := s.tryAgain(j.c, said, maxAttempts); err != nil || j.c.Error != nil {
				return err
			}
		}
		return s.goOnTop(j, k, out.PCL, nil)
	}
	theirs, err := s.fetchVersion(ctx, l, j, k)
	if err != nil {
		return err
	}
	if theirs == nil {
		return s.tryAgain(j.c, fmt.Errorf("the server does not give the version that it has: %w", said), maxAttempts)
	}
	if ok, err := s.keepVersions(ctx, l, j, theirs); err != nil || !ok {
		return err
	}
	if out.Action == conflict.TakeRemote {
		return s.takeRemote(j, theirs, nil, j.n.Version)
	}
	ours, version, err := s.latest(j.n.Num)
	if err != nil {
		return err
	}
	if conflict.SameContent(ours, theirs.full) {
		return s.takeRemote(j, theirs, nil, version) // both wrote the same: nobody loses
	}
	if nothing, err := s.onlySettles(j.c.Seq, version); err != nil {
		return err
	} else if nothing {
		return s.takeSettled(j, theirs, ours, version)
	}
	if done, err := s.mergeBoth(j, theirs, out, version); done || err != nil {
		return err
	}
	return s.keepBoth(ctx, l, j, theirs, out)
}

// notThere reports whether a message that is not there is gone for sure.
func (s *Syncer) notThere(j job, said error) (sure bool, err error) {
	if j.c.Kind == replica.ChangeCreate && !j.again {
		if err := s.takeBack(j.c); err != nil {
			return false, err
		}
		return false, s.judge(j.c, said)
	}
	return s.gone(j.c, j.folder, j.c.SourceKey, false, said)
}

func (s *Syncer) resurrectItem(j job) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, j.c)
		if err != nil {
			return ignoreMissing(err)
		}
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		if err := unseen(u, j.folder.Folder.SourceKey, n.Message.SourceKey); err != nil {
			return err
		}
		return s.keepEdited(u, n, changes)
	})
}

// goOnTop makes a change a successor of the server's version: it goes up again with
// a new key and the lists of both. link is added to the item's conflict items.
func (s *Syncer) goOnTop(j job, k keys, pcl mapi.PCL, link []byte) error {
	return s.rep.Update(func(u *replica.Update) error {
		if link != nil {
			n, err := bearer(u, j.c)
			if err != nil {
				return ignoreMissing(err)
			}
			m, err := u.Message(n.Num)
			if err != nil {
				return err
			}
			m.Properties = withLink(m.Properties, link)
			n.Message.Conflict = true
			if err := u.Amend(n, m); err != nil { // a link never counts as a change
				return err
			}
		}
		j.c.Base.ChangeKey, j.c.Base.PCL, j.c.Fixed = k.change, pcl, false
		if err := takeUp(u, j.c); err != nil {
			return err
		}
		if j.c.Kind == replica.ChangeCreate {
			j.c.Kind = replica.ChangeEdit // the id is taken by what the server has
			if err := u.SetKeys(j.c.Item, j.c.SourceKey, k.change, k.pcl); err != nil {
				return err
			}
		}
		return u.SaveChange(j.c)
	})
}

// takeUp drops the later saves of an item, which were made on top of one that goes up
// again: it takes the latest content along.
func takeUp(u *replica.Update, c *replica.Change) error {
	changes, err := u.ChangesOf(c.Item)
	if err != nil {
		return err
	}
	for _, later := range changes {
		if later.Seq <= c.Seq || later.Kind != replica.ChangeEdit || later.Fixed {
			continue
		}
		if later.At.After(c.At) {
			c.At = later.At
		}
		if err := u.DropChange(later.Seq); err != nil {
			return err
		}
	}
	return nil
}

// withLink adds an entry id to PidTagConflictItems.
func withLink(bag mapi.PropertyBag, link []byte) mapi.PropertyBag {
	old, _ := bag.Get(mapi.PidTagConflictItems).([][]byte)
	for _, id := range old {
		if string(id) == string(link) {
			return bag
		}
	}
	bag = bag.Clone()
	bag.Set(mapi.PidTagConflictItems, append(old[:len(old):len(old)], link))
	return bag
}

// fetchVersion fetches the server's version of a message whole; nil if it is not the
// one that was looked up, or gone.
func (s *Syncer) fetchVersion(ctx context.Context, l *link, j job, k keys) (*arrival, error) {
	return s.fetchAs(ctx, l, want{num: j.n.Num, key: j.c.SourceKey, folder: j.folder.Folder.SourceKey, clash: true}, k)
}

func (s *Syncer) fetchAs(ctx context.Context, l *link, w want, k keys) (*arrival, error) {
	got, err := s.readBodies(ctx, l, []want{w})
	if err != nil || len(got) == 0 {
		return nil, err
	}
	m := got[0].msg
	if t := m.Properties.Time(mapi.PidTagLastModificationTime); t != 0 && t != k.modified {
		return nil, nil
	}
	a := &arrival{key: w.key, change: k.change, pcl: k.pcl, cn: k.cn, modified: k.modified, header: m.Properties,
		full: m, rendered: got[0].size, size: m.Properties.Int(mapi.PidTagMessageSize)}
	if a.size == 0 {
		a.size = a.rendered
	}
	return a, nil
}

// undelete takes back a queued deletion.
func (s *Syncer) undelete(u *replica.Update, n *replica.Node, c *replica.Change) error {
	if err := u.DropChange(c.Seq); err != nil || n.Parent != 0 {
		return err
	}
	return u.Attach(n.Num, c.From, s.freeName(&u.View, c.From, n.Name, n.Message.SourceKey))
}

// errSuperseded says that the user saved again while a conflict was being resolved.
var errSuperseded = errors.New("syncer: saved again meanwhile")

// takeRemote replaces the local version, whose content changes are void. version is the one
// that was judged: what the user saved since is nowhere else, so it stays, and with a link
// (the loser that was stored is then not the last word) nothing happens but errSuperseded.
func (s *Syncer) takeRemote(j job, theirs *arrival, link []byte, version uint64) error {
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(j.c.Item)
		if err != nil {
			return ignoreMissing(err)
		}
		if n.Version != version {
			if link != nil {
				return errSuperseded
			}
			// The later save is queued on top of this one and meets the server's version by itself.
			return u.DropChange(j.c.Seq)
		}
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		for _, c := range changes {
			switch c.Kind {
			case replica.ChangeEdit, replica.ChangeCreate:
				err = errors.Join(u.DropChange(c.Seq), u.SetSetting(settleSetting(c.Seq), nil))
			case replica.ChangeDelete:
				err = s.undelete(u, n, c) // of a version that nobody here has seen
			}
			if err != nil {
				return err
			}
		}
		if n, err = u.Node(j.c.Item); err != nil {
			return err
		}
		if changes, err = u.ChangesOf(n.Num); err != nil {
			return err
		}
		if link != nil {
			m := *theirs.full
			m.Properties = withLink(m.Properties, link)
			theirs.full, theirs.header = &m, m.Properties
		}
		if err := s.applyVersion(u, n, theirs, pendingOf(changes)); err != nil {
			return err
		}
		if err := seen(u, j.folder.Folder.SourceKey, theirs.key, theirs.cn); err != nil {
			return err
		}
		if link == nil {
			return nil
		}
		if n, err = u.Node(j.c.Item); err != nil {
			return err
		}
		var set mapi.PropertyBag
		set.Set(mapi.PidTagConflictItems, theirs.header.Get(mapi.PidTagConflictItems))
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeProps, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent, Set: set,
			Base: replica.Base{Version: n.Version, ChangeKey: theirs.change, PCL: theirs.pcl}})
		return err
	})
	if err == nil {
		s.acknowledged(1)
	}
	return err
}

// keepBoth stores the loser as a message in the Conflicts folder, here and on the
// server, and only then puts the winner in place.
func (s *Syncer) keepBoth(ctx context.Context, l *link, j job, theirs *arrival, out conflict.Outcome) error {
	if mutant.LoserDropped.Planted() {
		if dir, err := s.special(replica.SpecialConflicts); err == nil && dir == nil {
			return s.goOnTop(j, keys{change: theirs.change, pcl: theirs.pcl}, out.PCL, nil)
		}
	}
	anew := j.c.Attempts == 0
	dir, err := s.conflictsFolder(ctx, l, anew)
	if err != nil {
		return err
	}
	if dir == nil {
		return s.noLoser(j, specialToMake)
	}
	if err := s.reserve(ctx, l, 1); err != nil {
		return err
	}
	if out.Winner, err = s.stick(j, theirs, out.Winner); err != nil {
		return err
	}
	loser, version, err := s.makeLoser(l, j, theirs, out, dir)
	if err != nil {
		return err
	}
	if loser.Message.ChangeKey == "" {
		num := loser.Num
		if loser, err = s.sendLoser(ctx, l, loser, dir, anew); err != nil {
			return err
		}
		if loser == nil {
			return s.noLoser(j, func(v *replica.View) (*replica.Node, error) { return v.Node(num) })
		}
	}
	link := messageEntryID(l.mailbox, dir.Folder.SourceKey, loser.Message.SourceKey)
	if out.Winner == conflict.Local {
		err = s.goOnTop(j, keys{change: theirs.change, pcl: theirs.pcl}, out.PCL, link)
	} else {
		err = s.takeRemote(j, theirs, link, version)
	}
	if err != nil && !errors.Is(err, errSuperseded) || out.Winner == conflict.Local {
		return err // the server's version may change again before this one is on top: the loser can stay the same
	}
	return s.rep.Update(func(u *replica.Update) error { return u.SetSetting(loserSetting(j.c.Seq), nil) })
}

// specialToMake returns the folder without which there is no Conflicts folder.
func specialToMake(v *replica.View) (*replica.Node, error) {
	n, err := v.BySpecial(replica.SpecialConflicts)
	if errors.Is(err, replica.ErrNotFound) {
		return v.BySpecial(replica.SpecialSyncIssues)
	}
	return n, err
}

// noLoser handles a conflict of which the server does not take the losing version, or the folder for it, whichever item
// finds.
func (s *Syncer) noLoser(j job, item func(v *replica.View) (*replica.Node, error)) error {
	var first replica.Change
	err := s.rep.View(func(v *replica.View) error {
		n, err := item(v)
		if err != nil {
			return ignoreMissing(err)
		}
		changes, err := v.ChangesOf(n.Num)
		if len(changes) > 0 {
			first = *changes[0]
		}
		return err
	})
	switch why := first.Error; {
	case err != nil:
		return err
	case why != nil:
		return s.refuse(j.c, why.Code, fmt.Sprintf("%v: %s", errNoLoser, why.Text))
	case s.waits(first.Seq):
		s.askDownload(j.c.Seq, "")
	}
	return s.tryAgain(j.c, errNoLoser, maxAttempts)
}

var errNoLoser = errors.New("somebody else has changed it, and the server does not take the version that lost into the Conflicts folder")

// stick stays with an earlier decision for the local version where the server's has
// changed since, but for its content: that is stored as the loser already.
func (s *Syncer) stick(j job, theirs *arrival, winner conflict.Side) (conflict.Side, error) {
	err := s.rep.View(func(v *replica.View) error {
		_, ok, err := noted(v, loserSetting(j.c.Seq), theirs.full)
		if ok {
			winner = conflict.Local
		}
		return err
	})
	return winner, err
}

// loserSetting is where the message is noted that a conflict has made, until its change is
// out of the journal, so that neither a crash nor a second try leads to another one.
func loserSetting(seq uint64) string { return fmt.Sprintf("syncer.loser.%d", seq) }

// makeLoser stores the losing version in the Conflicts folder with a queued upload,
// unless that was done before. It returns which local version was current then.
func (s *Syncer) makeLoser(l *link, j job, theirs *arrival, out conflict.Outcome, dir *replica.Node) (loser *replica.Node, version uint64, err error) {
	content, at := theirs.full, theirs.modified
	latest, version, err := s.latest(j.n.Num)
	if err != nil {
		return nil, 0, err
	}
	if out.Winner == conflict.Remote {
		content, at = latest, j.c.Modified
	}
	m := asLoser(content, messageEntryID(l.mailbox, j.folder.Folder.SourceKey, j.c.SourceKey))
	size, err := s.render.size(m)
	if err != nil {
		return nil, 0, err
	}
	err = s.rep.Update(func(u *replica.Update) error {
		num, ok, err := noted(&u.View, loserSetting(j.c.Seq), m)
		if err != nil {
			return err
		}
		if ok {
			loser, err = u.Node(num)
			return err
		}
		p := lostVersion{content: m, winner: j.n, key: j.c.SourceKey, at: at, side: lostSide(out.Winner), id: mapi.SourceKey(j.c.ChangeKey)}
		if loser, err = s.insertLoser(u, dir.Num, p, size); err != nil {
			return err
		}
		note := binary.BigEndian.AppendUint64(nil, uint64(loser.Num))
		return u.SetSetting(loserSetting(j.c.Seq), note)
	})
	return loser, version, err
}

func lostSide(winner conflict.Side) Side {
	if winner == conflict.Local {
		return SideTheirs
	}
	return SideMine
}

// latest returns the content that the user sees, with its version.
func (s *Syncer) latest(num replica.Num) (m *mapi.Message, version uint64, err error) {
	err = s.rep.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err != nil {
			return err
		}
		version = n.Version
		m, err = v.Message(num)
		return err
	})
	return m, version, err
}

// noted reads from a setting which loser a conflict has made, if it still says what m does.
func noted(v *replica.View, key string, m *mapi.Message) (replica.Num, bool, error) {
	b, err := v.Setting(key)
	if err != nil || len(b) < 8 {
		return 0, false, err
	}
	num := replica.Num(binary.BigEndian.Uint64(b))
	old, err := v.Message(num)
	if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrNotLocal) {
		return 0, false, nil
	}
	return num, err == nil && conflict.SameContent(old, m), err
}

// sendLoser uploads a loser; nil if the server did not take it. anew says to send one that was refused.
func (s *Syncer) sendLoser(ctx context.Context, l *link, loser, dir *replica.Node, anew bool) (*replica.Node, error) {
	var c *replica.Change
	err := s.rep.Update(func(u *replica.Update) (err error) {
		c, err = s.reopen(u, loser.Num, replica.ChangeCreate, anew)
		return err
	})
	if err != nil || c == nil {
		return nil, err
	}
	if err := s.sendContent(ctx, l, []job{{c: c, n: loser, folder: dir}}); err != nil {
		return nil, err
	}
	err = s.rep.View(func(v *replica.View) (err error) {
		loser, err = v.Node(loser.Num)
		return err
	})
	if err != nil || loser.Message.ChangeKey == "" {
		return nil, err
	}
	return loser, nil
}
