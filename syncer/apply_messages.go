package syncer

import (
	"bytes"
	"errors"

	"mailfs/conflict"
	"mailfs/internal/mutant"
	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// fate tells what became of an arrival.
type fate uint8

const (
	applied  fate = iota
	setAside      // a queued change stands against it: to be sent again
)

// applyMessages stores a batch of arrivals of one folder together with the state
// that covers them. The change numbers of what was set aside are taken out of cp;
// these arrivals are returned.
func (s *Syncer) applyMessages(folder replica.Num, scope replica.Scope, batch []arrival, cp *replica.Checkpoint) (aside []arrival, err error) {
	if mutant.CheckpointBeforeData.Planted() {
		if err := s.rep.Update(func(u *replica.Update) error { return u.SetCheckpoint(scope, cp) }); err != nil {
			return nil, err
		}
	}
	err = s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		aside = aside[:0]
		mine, err := keysUnderWay(&u.View)
		if err != nil {
			return err
		}
		kind, err := rebuilding(&u.View)
		if err != nil {
			return err
		}
		for i := range batch {
			f := setAside
			if !mine[batch[i].key] {
				if f, err = s.applyApart(u, folder, &batch[i], kind); err != nil {
					return err
				}
			}
			if f == setAside {
				forget(cp, &batch[i])
				aside = append(aside, batch[i])
			}
		}
		return u.SetCheckpoint(scope, cp)
	})
	return aside, err
}

// applyApart stores one arrival, without the versions in conflict that it may have in it: they go to the Conflicts folder.
func (s *Syncer) applyApart(u *replica.Update, folder replica.Num, a *arrival, kind rebuildKind) (fate, error) {
	plain := *a // the transaction may run again
	if kind == rebuildServer {
		_, plain.versions = apart(a.full, 0)
	}
	alt, err := s.takeArrivalApart(&u.View, folder, &plain)
	if err != nil {
		return setAside, err
	}
	f, err := s.applyMessage(u, folder, &plain, kind)
	if err != nil || alt == nil || f == setAside {
		return f, err
	}
	n, err := u.BySourceKey(a.key)
	if err != nil {
		return f, ignoreMissing(err)
	}
	return f, s.keepAlternates(u, n.Num, alt)
}

// keysUnderWay returns the ids that queued changes have given to items. What arrives
// under one of them is our own, sent before, and its answer got lost: the upload finds out.
func keysUnderWay(v *replica.View) (map[mapi.SourceKey]bool, error) {
	var out map[mapi.SourceKey]bool
	for c, err := range v.Changes(0) {
		if err != nil {
			return nil, err
		}
		if c.Fixed && needsID(c) && c.SourceKey != "" {
			if out == nil {
				out = map[mapi.SourceKey]bool{}
			}
			out[c.SourceKey] = true
		}
	}
	return out, nil
}

// forget makes the server send an item again: its change is taken out of what was seen.
func forget(cp *replica.Checkpoint, a *arrival) {
	cp.Seen.Remove(a.cn)
	cp.SeenFAI.Remove(a.cn)
}

// applyMessage stores one arrival.
func (s *Syncer) applyMessage(u *replica.Update, folder replica.Num, a *arrival, kind rebuildKind) (fate, error) {
	n, err := u.BySourceKey(a.key)
	if errors.Is(err, replica.ErrNotFound) {
		if done, err := s.adoptMoved(u, folder, a); done || err != nil {
			return applied, err
		}
		return applied, s.insertMessage(u, folder, a)
	}
	if err != nil {
		return applied, err
	}
	if n.Message == nil {
		return applied, nil // a folder's key on a message: not ours to resolve
	}
	if kind == rebuildServer {
		if other, err := s.otherMessage(u, n, folder, a); err != nil {
			return applied, err
		} else if other {
			if err := s.settleLeftover(u, kind, n); err != nil {
				return applied, err
			}
			return applied, s.insertMessage(u, folder, a)
		}
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return applied, err
	}
	if kind == rebuildServer {
		return s.applyToSurvivor(u, n, a, changes)
	}
	p := pendingOf(changes)
	if n.Message.ChangeKey == a.change && n.Message.PCL.Includes(a.pcl) {
		return applied, s.applySame(u, n, a, p)
	}
	if (p.content || p.deleted) && !mutant.EchoOverEdit.Planted() {
		return setAside, s.readAside(u, n, a, p)
	}
	return applied, s.applyVersion(u, n, a, p)
}

// adoptMoved recognises a message that somebody moved here: its number and its local
// name stay, and its body where it is still the same. It is left alone while changes of
// it are queued, or when it is one that was written here: some servers make a message
// anew under its old id when an edit meets a move.
func (s *Syncer) adoptMoved(u *replica.Update, folder replica.Num, a *arrival) (bool, error) {
	n, err := s.formerSelf(&u.View, a)
	if n == nil || err != nil {
		return false, err
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil || len(changes) > 0 {
		return false, err
	}
	from, err := u.Node(n.Parent)
	if err != nil || from.Folder == nil {
		return false, err
	}
	if err := unseen(u, from.Folder.SourceKey, n.Message.SourceKey); err != nil {
		return false, err
	}
	if n.Parent != folder {
		if err := u.Move(n.Num, folder, s.freeName(&u.View, folder, n.Name, a.key)); err != nil {
			return false, err
		}
	}
	if err := u.SetKeys(n.Num, a.key, a.change, a.pcl); err != nil {
		return false, err
	}
	if n, err = u.Node(n.Num); err != nil {
		return false, err
	}
	return true, s.applyVersion(u, n, a, pending{})
}

// formerSelf returns what a message was before somebody moved it, nil if there is no
// such move or if it does not look the same.
func (s *Syncer) formerSelf(v *replica.View, a *arrival) (*replica.Node, error) {
	was, ok := s.movedFrom(a.key)
	if !ok {
		return nil, nil
	}
	n, err := v.BySourceKey(was)
	if errors.Is(err, replica.ErrNotFound) || err == nil && (n.Message == nil || n.Parent == 0) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id, err := v.Identity()
	if err != nil {
		return nil, err
	}
	x, err := n.Message.ChangeKey.XID()
	if err != nil || x.Namespace == id.Namespace || n.Message.ServerSize != a.size ||
		!bytes.Equal(n.Message.SearchKey, a.header.Bytes(mapi.PidTagSearchKey)) {
		return nil, nil
	}
	return n, nil
}

// pending sums up the queued changes of an item.
type pending struct {
	content, deleted, moved, read bool
	props                         []*replica.Change
}

func pendingOf(changes []*replica.Change) (p pending) {
	for _, c := range changes {
		switch c.Kind {
		case replica.ChangeCreate, replica.ChangeEdit:
			p.content = true
		case replica.ChangeDelete:
			p.deleted = true
		case replica.ChangeMove:
			p.moved = true
		case replica.ChangeRead:
			p.read = true
		case replica.ChangeProps:
			p.props = append(p.props, c)
		}
	}
	return p
}

// insertMessage adds a message that is new here.
func (s *Syncer) insertMessage(u *replica.Update, folder replica.Num, a *arrival) error {
	n := &replica.Node{
		Parent: folder,
		Kind:   replica.KindMessage,
		Message: &replica.MessageInfo{
			SourceKey: a.key, ChangeKey: a.change, PCL: a.pcl, FAI: a.fai, State: replica.StateHeader,
		},
	}
	n.Name = s.nameOf(&u.View, folder, a.header, a.key)
	s.describe(n, a)
	num, err := u.Insert(n)
	if err != nil {
		return err
	}
	n.Num = num
	return s.putContent(u, n, a)
}

// describe sets everything about a node that follows from what arrived.
func (s *Syncer) describe(n *replica.Node, a *arrival) {
	m := n.Message
	m.ServerSize = a.size
	m.Modified = a.modified
	m.Read = a.header.Int(mapi.PidTagMessageFlags)&flagRead != 0
	fillInfo(m, a.header)
	n.Mtime = messageTime(m, a.header)
	n.Ctime = n.Mtime
	if believable(a.modified) {
		n.Ctime = a.modified.Time()
	}
	n.Btime = n.Mtime
	if t := a.header.Time(mapi.PidTagCreationTime); believable(t) {
		n.Btime = t.Time()
	}
	if n.Atime.IsZero() {
		n.Atime = n.Mtime
	}
	if a.full != nil {
		m.State, n.Size, n.Exact, m.Renderer = replica.StateFull, a.rendered, true, s.render.version()
	} else {
		m.State, n.Size, n.Exact = replica.StateHeader, estimate(a.size), false
	}
	n.Content = 0
}

func (s *Syncer) putContent(u *replica.Update, n *replica.Node, a *arrival) error {
	if a.full != nil {
		return u.PutContent(n, a.full)
	}
	return u.PutHeader(n, a.header)
}

// applySame handles a version that is here already: only what no change number
// tells of, the read state, can differ.
func (s *Syncer) applySame(u *replica.Update, n *replica.Node, a *arrival, p pending) error {
	if p.content || p.deleted || p.read {
		return nil
	}
	read := a.header.Int(mapi.PidTagMessageFlags)&flagRead != 0
	if a.full != nil && n.Message.State != replica.StateFull {
		s.describe(n, a)
		if err := u.Save(n); err != nil {
			return err
		}
		return s.putContent(u, n, a)
	}
	if n.Message.Read == read {
		return nil
	}
	return s.setRead(u, n, read)
}

// readAside stores the read state of a version that is set aside: nothing but the read states that were downloaded tells
// of it, so that it does not come again.
func (s *Syncer) readAside(u *replica.Update, n *replica.Node, a *arrival, p pending) error {
	read := a.header.Int(mapi.PidTagMessageFlags)&flagRead != 0
	if !a.header.Has(mapi.PidTagMessageFlags) || p.read || n.Message.Read == read {
		return nil
	}
	return s.setRead(u, n, read)
}

func (s *Syncer) setRead(u *replica.Update, n *replica.Node, read bool) error {
	n.Message.Read = read
	n.Ctime = s.cfg.Now()
	return u.Save(n)
}

// applyVersion replaces a message by a newer version. Changes of flags and the read
// state that are queued stay on top; a queued move is not concerned.
func (s *Syncer) applyVersion(u *replica.Update, n *replica.Node, a *arrival, p pending) error {
	read, before := n.Message.Read, n.Message.Subject
	n.Message.ChangeKey, n.Message.PCL, n.Message.FAI = a.change, a.pcl, a.fai
	bag := a.header
	for _, c := range p.props {
		bag = overlay(bag, c)
		c.Base = replica.Base{Version: n.Version, ChangeKey: a.change, PCL: a.pcl}
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	b := *a
	b.header = bag
	if len(p.props) > 0 && a.full != nil {
		full := *a.full
		for _, c := range p.props {
			full.Properties = overlay(full.Properties, c)
		}
		b.full = &full
	}
	n.Message.Edited = n.Message.Edited || before != bag.String(mapi.PidTagSubject) && before != ""
	if a.full != nil {
		if old, err := u.Message(n.Num); err == nil && n.Message.State == replica.StateFull && !conflict.SameContent(old, a.full) {
			n.Message.Edited = true
		}
	}
	keep, err := s.looksTheSame(u, n, b.full)
	if err != nil {
		return err
	}
	written, size := n.Content, n.Size
	s.describe(n, &b)
	if keep {
		n.Content, n.Size = written, size
	}
	if p.read {
		n.Message.Read = read
	}
	if err := u.SetKeys(n.Num, a.key, a.change, a.pcl); err != nil {
		return err
	}
	if err := u.Save(n); err != nil {
		return err
	}
	if keep {
		return u.Amend(n, b.full)
	}
	return s.putContent(u, n, &b)
}

// looksTheSame reports whether a version that arrived whole has the bytes that are
// here: then only flags changed, and open files, caches and what the user wrote stay.
func (s *Syncer) looksTheSame(u *replica.Update, n *replica.Node, full *mapi.Message) (bool, error) {
	if full == nil || n.Message.State != replica.StateFull {
		return false, nil
	}
	old, err := u.Message(n.Num)
	if err != nil {
		return false, ignoreMissing(err)
	}
	if !conflict.SameContent(old, full) {
		return false, nil
	}
	return s.render.sameBytes(old, full)
}

// overlay returns bag with a queued change of properties applied.
func overlay(bag mapi.PropertyBag, c *replica.Change) mapi.PropertyBag {
	bag = bag.Clone()
	for _, p := range c.Set {
		bag.Put(p)
	}
	for _, k := range c.Unset {
		bag.Delete(k)
	}
	return bag
}

// applyGone removes messages that the server says are gone from a folder.
func (s *Syncer) applyGone(u *replica.Update, folder replica.Num, gone idset.IDSet) error {
	if gone.IsEmpty() {
		return nil
	}
	nodes, err := s.membersOf(&u.View, folder, gone)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := s.removeMessage(u, n); err != nil {
			return err
		}
	}
	return nil
}

// membersOf returns the messages whose ids are in the set: by key for few ids, by a
// walk through the folder where a range stands for many that never existed.
func (s *Syncer) membersOf(v *replica.View, folder replica.Num, set idset.IDSet) ([]*replica.Node, error) {
	var out []*replica.Node
	if set.Count() > 10_000 {
		for n, err := range v.Messages(folder) {
			if err != nil {
				return nil, err
			}
			if id, ok := n.Message.SourceKey.LongTermID(); ok && set.Contains(id) {
				out = append(out, n)
			}
		}
		return out, nil
	}
	for n, err := range v.Within(set) {
		if err != nil {
			return nil, err
		}
		// an id of another folder may be in a state that is not that of this one
		if there, err := v.IsAt(folder, n.Num); err != nil {
			return nil, err
		} else if n.Message != nil && there {
			out = append(out, n)
		}
	}
	return out, nil
}

// removeMessage carries out a deletion on the server. What was written here and not
// seen there comes back as a new item.
func (s *Syncer) removeMessage(u *replica.Update, n *replica.Node) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	p := pendingOf(changes)
	if moveUnderWay(changes) || maybeSent(changes) && !p.deleted {
		return nil // our own move may be what took it away; the upload finds out
	}
	if p.content && !p.deleted {
		return s.keepEdited(u, n, changes)
	}
	return u.Remove(n.Num)
}

func moveUnderWay(changes []*replica.Change) bool {
	for _, c := range changes {
		if c.Fixed && (c.Kind == replica.ChangeMove || c.Kind == replica.ChangeDelete) {
			return true
		}
	}
	return false
}

// keepEdited keeps an edited message that is gone on the server. What only settles a conflict is no edit: the message goes, and
// its losers stay.
func (s *Syncer) keepEdited(u *replica.Update, n *replica.Node, changes []*replica.Change) error {
	edited, err := editedByUser(&u.View, n, changes)
	if err != nil {
		return err
	}
	if !edited {
		return u.Remove(n.Num)
	}
	return s.resurrect(u, n, changes)
}

// resurrect turns a message that is gone on the server into a new one, with
// the properties that were to be set.
func (s *Syncer) resurrect(u *replica.Update, n *replica.Node, changes []*replica.Change) error {
	for _, c := range changes {
		if err := u.DropChange(c.Seq); err != nil {
			return err
		}
	}
	if n.Parent == 0 {
		return u.Remove(n.Num) // its user deleted it as well
	}
	if err := u.SetKeys(n.Num, "", "", nil); err != nil {
		return err
	}
	base := replica.Base{Version: n.Version}
	if _, err := u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent, Base: base}); err != nil {
		return err
	}
	for _, c := range changes {
		if c.Kind != replica.ChangeProps && (c.Kind != replica.ChangeCreate || len(c.Set)+len(c.Unset) == 0) {
			continue
		}
		again := replica.Change{Kind: replica.ChangeProps, Item: n.Num, At: c.At, Folder: n.Parent, Base: base, Set: c.Set, Unset: c.Unset}
		if _, err := u.Enqueue(&again); err != nil { // goes into the new create
			return err
		}
	}
	return nil
}

// applyReadStates stores the read states that changed alone.
func (s *Syncer) applyReadStates(u *replica.Update, folder replica.Num, ids idset.IDSet, read bool) error {
	if ids.IsEmpty() {
		return nil
	}
	nodes, err := s.membersOf(&u.View, folder, ids)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		if n.Message.Read == read || pendingOf(changes).read {
			continue
		}
		if err := s.setRead(u, n, read); err != nil {
			return err
		}
	}
	return nil
}
