package syncer

import (
	"bytes"
	"errors"
	"slices"

	"mailfs/conflict"
	"mailfs/internal/mutant"
	"mailfs/mapi"
	"mailfs/replica"
)

// A message that is here when its server was put back to an earlier time: what of it the server has lost goes up again, and
// neither that nor what came there since is taken for the other.

// applyToSurvivor stores what a server that went back has of a message that is here.
func (s *Syncer) applyToSurvivor(u *replica.Update, n *replica.Node, a *arrival, changes []*replica.Change) (fate, error) {
	p := pendingOf(changes)
	apart, err := branched(u, n, a, p.content)
	if err != nil {
		return applied, err
	}
	version, key := n.Version, n.Message.ChangeKey
	var f fate
	switch {
	case apart && !a.holds(u, n):
		f, err = s.comeApart(u, n, a, changes)
	case key == a.change && n.Message.PCL.Includes(a.pcl):
		f, err = applied, s.applyVersionAgain(u, n, a, p)
	case p.deleted && !mutant.EchoOverEdit.Planted():
		f, err = setAside, s.readAside(u, n, a, p)
	case p.content && !mutant.EchoOverEdit.Planted():
		if err := s.keepUnseen(u, n, a.pcl, changes); err != nil {
			return setAside, err
		}
		if err := s.descend(u, n, a, changes); err != nil {
			return setAside, err
		}
		f, err = setAside, s.readAside(u, n, a, p)
	case outlives(n, a) && n.Message.Conflict: // that was settled in favour of this one, and the server may have lost the other
		f, err = s.comeApart(u, n, a, changes)
	case outlives(n, a):
		f, err = applied, s.reassert(u, n, a)
	default:
		f, err = applied, s.applyVersion(u, n, a, p)
	}
	if err != nil || !apart && key == a.change {
		return f, err
	}
	return f, u.VoidBases(n.Num, version, key) // what was queued just now has its base right
}

// applyVersionAgain deals with a version that both sides have: marks and a read state that the server has lost go up, and so does
// the body of a later version.
func (s *Syncer) applyVersionAgain(u *replica.Update, n *replica.Node, a *arrival, p pending) error {
	if done, err := s.applyUnderBody(u, n, a, p); done || err != nil {
		return err
	}
	if err := s.reassertMarks(u, n, a, p); err != nil {
		return err
	}
	if !p.read {
		return s.reassertRead(u, n, a)
	}
	return s.applySame(u, n, a, p)
}

// otherMessage reports whether a server that went back gave the id of a message that it lost to another one, which may
// well be a copy of it. A message that moves gets another id: under the same one in another folder it is not the same.
func (s *Syncer) otherMessage(u *replica.Update, n *replica.Node, folder replica.Num, a *arrival) (bool, error) {
	home, err := u.Home(n.Num)
	if err != nil || home != 0 && home != folder {
		return true, err
	}
	m := n.Message
	id := m.MessageID
	if own, err := u.Message(n.Num); err == nil && id == "" {
		id = own.Properties.String(mapi.PidTagInternetMessageId)
	}
	if theirs := a.header.String(mapi.PidTagInternetMessageId); theirs != "" && id != "" {
		return theirs != id, nil
	}
	if key := a.header.Bytes(mapi.PidTagSearchKey); len(key) > 0 && len(m.SearchKey) > 0 {
		return !bytes.Equal(key, m.SearchKey), nil
	}
	return m.ChangeKey == a.change && m.Modified != a.modified, nil
}

// outlives reports whether a message that the server has in an older version is to go up again: the newer one was
// lost there.
func outlives(n *replica.Node, a *arrival) bool {
	return n.Message.State == replica.StateFull && n.Message.ChangeKey != a.change &&
		n.Message.PCL.Includes(a.pcl) && !a.pcl.Includes(n.Message.PCL)
}

// branched reports whether a message has a version here that the server may have lost, and another one there that came
// after that. A server that went back gives its change numbers, of which change keys and predecessor change lists are made, a
// second time; a replica that was put back with it, of which nobody can know, does so as well. They tell nothing then of versions
// that others than this replica made. Clocks do: what was made after the last that was seen of the server is new. The time of
// the version here is that of its last save while one is queued (edited).
func branched(u *replica.Update, n *replica.Node, a *arrival, edited bool) (bool, error) {
	id, err := u.Identity()
	if err != nil {
		return false, err
	}
	seen, err := seenBefore(&u.View)
	if err != nil {
		return false, err
	}
	foreign := func(k mapi.ChangeKey) bool {
		x, err := k.XID()
		return err != nil || x.Namespace != id.Namespace
	}
	later := foreign(a.change) && (a.modified > seen || !edited && a.modified > n.Message.Modified)
	if n.Message.ChangeKey == a.change {
		if edited {
			return later, nil
		}
		return n.Message.Modified != a.modified, nil
	}
	switch conflict.Relate(n.Message.PCL, a.pcl) {
	case conflict.Concurrent:
		return true, nil
	case conflict.Descends:
		return later, nil
	}
	return foreign(n.Message.ChangeKey), nil
}

// comeApart deals with a message of which branched holds. What is queued for it must not go up as a successor of what
// the server has, though its keys say so, and nobody has seen the version that a queued deletion would now be about.
func (s *Syncer) comeApart(u *replica.Update, n *replica.Node, a *arrival, changes []*replica.Change) (fate, error) {
	p := pendingOf(changes)
	switch {
	case p.deleted:
		return applied, s.deletedApart(u, n, a, changes)
	case p.content:
		if err := s.keepUnseen(u, n, a.pcl, changes); err != nil {
			return setAside, err
		}
		if err := s.editedApart(u, n, a, changes); err != nil {
			return setAside, err
		}
		return setAside, s.readAside(u, n, a, p)
	case n.Message.State != replica.StateFull:
		return applied, s.applyVersion(u, n, a, p)
	}
	if err := s.stand(u, n, a); err != nil || p.read {
		return setAside, err
	}
	return setAside, s.reassertRead(u, n, a)
}

// keepUnseen makes a loser of the version below a queued edit, where the server has lost that one and the edit was not made from it:
// it would have been a conflict, and now is one that only this machine can know of. has is what the server has, nil for nothing.
func (s *Syncer) keepUnseen(u *replica.Update, n *replica.Node, has mapi.PCL, changes []*replica.Change) error {
	first := slices.IndexFunc(changes, func(c *replica.Change) bool { return c.Kind == replica.ChangeEdit })
	if has.Includes(n.Message.PCL) || first < 0 || changes[first].Base.PCL.Includes(n.Message.PCL) {
		return nil
	}
	below, err := u.BaseMessage(n.Num)
	if err != nil || len(below.Recipients)+len(below.Attachments) == 0 && !below.Properties.Has(mapi.PidTagBody) {
		return ignoreAbsent(err) // there is none, or no more than its header
	}
	dir, err := u.BySpecial(replica.SpecialConflicts)
	if errors.Is(err, replica.ErrNotFound) {
		dir, err = homeOf(&u.View, n)
	}
	if err != nil {
		return ignoreMissing(err)
	}
	_, err = s.keepAlternate(u, dir, n, below, string(versionKey(n.Message.SourceKey, below)))
	return err
}

// descend makes what is queued for a message that came of the version which the server has one that came of nothing else there:
// numbers that the server lost, and gives again, are not to count as seen.
func (s *Syncer) descend(u *replica.Update, n *replica.Node, a *arrival, changes []*replica.Change) error {
	if conflict.Relate(n.Message.PCL, a.pcl) != conflict.Descends {
		return nil
	}
	for _, c := range changes {
		if x, err := c.ChangeKey.XID(); c.Fixed && err == nil && a.pcl.Includes(mapi.PCL{x}) {
			return nil // it went up before the backup was made
		}
	}
	for _, c := range changes {
		if c.Kind != replica.ChangeEdit || !c.Base.PCL.Includes(a.pcl) {
			continue
		}
		c.Fixed, c.Base.ChangeKey, c.Base.PCL = false, a.change, a.pcl.Merge(a.othersOf(c.Base.PCL))
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	return u.SetKeys(n.Num, a.key, a.change, a.pcl.Merge(a.othersOf(n.Message.PCL)))
}

// othersOf leaves out of a predecessor change list what the server of a message has made.
func (a *arrival) othersOf(list mapi.PCL) (out mapi.PCL) {
	id, _ := a.key.LongTermID()
	for _, x := range list {
		if x.Namespace != id.GUID {
			out = append(out, x)
		}
	}
	return out
}

// deletedApart takes a deletion back, with what was saved before it, and shows what the server has.
func (s *Syncer) deletedApart(u *replica.Update, n *replica.Node, a *arrival, changes []*replica.Change) error {
	for _, c := range changes {
		var err error
		switch c.Kind {
		case replica.ChangeDelete:
			err = s.undelete(u, n, c)
		case replica.ChangeEdit:
			err = u.DropChange(c.Seq)
		}
		if err != nil {
			return err
		}
	}
	n, err := u.Node(n.Num)
	if err != nil {
		return err
	}
	if changes, err = u.ChangesOf(n.Num); err != nil {
		return err
	}
	return s.applyVersion(u, n, a, pendingOf(changes))
}

// editedApart makes queued edits ones that have nothing to do with what the server has, unless that came of one of them.
func (s *Syncer) editedApart(u *replica.Update, n *replica.Node, a *arrival, changes []*replica.Change) error {
	var edits []*replica.Change
	for _, c := range changes {
		if c.Kind != replica.ChangeEdit {
			continue
		}
		if x, err := c.ChangeKey.XID(); c.Fixed && err == nil && a.pcl.Includes(mapi.PCL{x}) {
			return nil // it went up before the backup was made
		}
		edits = append(edits, c)
	}
	for _, c := range edits {
		c.Fixed, c.Base = false, apartFrom(c.Base, a)
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	return nil
}

// apartFrom returns a base for a change that is to meet what the server has as a conflict. The server's own numbers are left out:
// it gives them to later versions, which nobody here has seen.
func apartFrom(base replica.Base, a *arrival) replica.Base {
	pcl := a.othersOf(base.PCL)
	if conflict.Relate(pcl, a.pcl) != conflict.Concurrent {
		return replica.Base{Version: base.Version}
	}
	base.PCL = pcl
	if x, err := base.ChangeKey.XID(); err != nil || len(a.othersOf(mapi.PCL{x})) == 0 {
		base.ChangeKey = ""
	}
	return base
}

// stand queues the version that is here, as one that has nothing to do with the server's: the upload finds the conflict.
func (s *Syncer) stand(u *replica.Update, n *replica.Node, a *arrival) error {
	base := apartFrom(replica.Base{Version: n.Version, ChangeKey: n.Message.ChangeKey, PCL: n.Message.PCL}, a)
	_, err := u.Enqueue(&replica.Change{Kind: replica.ChangeEdit, Item: n.Num, At: n.Message.Modified.Time(), Folder: n.Parent, Base: base})
	return err
}
