package syncer

import (
	"bytes"
	"context"
	"slices"

	"mailfs/conflict"
	"mailfs/mapi"
	"mailfs/replica"
)

// An edit went up and its answer was lost; when it goes up again, the message is not there any more. Somebody may have moved
// it, with the edit in it: then it is at its new place, and must not come back as a message of its own. Where it is, only a
// download tells, so that the decision waits for the next one.

// maybeSent reports whether the server may have a version whose upload is still in the journal.
func maybeSent(changes []*replica.Change) bool {
	for _, c := range changes {
		if c.Kind == replica.ChangeEdit && c.Fixed && c.Error == nil {
			return true
		}
	}
	return false
}

// followMoved looks for a message that has the version which a change made, somewhere else than where it was sent. The item of
// the change becomes that message: it keeps its number, and what was saved since goes up on top. found is false if there is no
// such message, or if it is the user's own business already.
func (s *Syncer) followMoved(ctx context.Context, l *link, j job) (found bool, err error) {
	there, same, err := s.newPlace(ctx, l, j)
	if err != nil || there == nil {
		return false, err
	}
	err = s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		found = false
		n, err := bearer(u, j.c)
		if err != nil {
			return ignoreMissing(err)
		}
		now, err := u.Node(there.Num)
		if err != nil {
			return ignoreMissing(err)
		}
		own, err := u.ChangesOf(now.Num)
		if err != nil || len(own) > 0 || now.Parent == 0 || n.Parent == 0 || now.Message.ChangeKey != there.Message.ChangeKey {
			return err
		}
		found = true
		if n.Version == j.c.Version && !same {
			return s.giveWay(u, n, now, j)
		}
		return s.become(u, n, now, j, same)
	})
	if err == nil && found {
		s.acknowledged(1)
	}
	return found, err
}

// newPlace returns the message in which a change is, other than its own item; nil if there is none. Its list of changes tells,
// or else, since servers drop that when a message moves, that it is the same message with the same content. same says that
// nobody has changed it since.
func (s *Syncer) newPlace(ctx context.Context, l *link, j job) (there *replica.Node, same bool, err error) {
	var likely []*replica.Node
	var wants []want
	err = s.rep.View(func(v *replica.View) error {
		likely, wants = nil, nil
		folders := map[replica.Num]*replica.Node{}
		return s.eachFolder(v, func(dir *replica.Node) error {
			for n, err := range v.Messages(dir.Num) {
				if err != nil {
					return err
				}
				if n.Num == j.c.Item || n.Message.FAI || !sameOrigin(n.Message, j.n.Message) {
					continue
				}
				likely = append(likely, n)
				if n.Message.State == replica.StateFull {
					continue
				}
				if w, ok, err := s.wantOf(v, n, folders); err != nil {
					return err
				} else if ok {
					wants = append(wants, w)
				}
			}
			return nil
		})
	})
	if err != nil || len(likely) == 0 {
		return nil, false, err
	}
	if err := s.fetchBodies(ctx, l, chunk(wants)); err != nil {
		return nil, false, err
	}
	sent, err := s.contentOf(j)
	if err != nil {
		return nil, false, ignoreMissing(err)
	}
	for _, n := range likely {
		if there, same, err = s.carries(n.Num, j.c, sent); err != nil || there != nil {
			return there, same, err
		}
	}
	return nil, false, nil
}

// sameOrigin reports whether two messages may be one that was moved.
func sameOrigin(a, b *replica.MessageInfo) bool {
	return len(a.SearchKey) > 0 && bytes.Equal(a.SearchKey, b.SearchKey) || a.MessageID != "" && a.MessageID == b.MessageID
}

// carries returns a message if a change is in it.
func (s *Syncer) carries(num replica.Num, c *replica.Change, sent *mapi.Message) (found *replica.Node, same bool, err error) {
	err = s.rep.View(func(v *replica.View) error {
		found = nil
		n, err := v.Node(num)
		if err != nil || n.Message == nil || n.Message.State != replica.StateFull {
			return ignoreMissing(err)
		}
		m, err := v.Message(num)
		if err != nil {
			return ignoreMissing(err)
		}
		x, err := c.ChangeKey.XID()
		same = conflict.SameContent(m, sent)
		// that very entry: one with a later number from here may be of another message, a conflict's loser say
		if same || err == nil && slices.Contains(n.Message.PCL, x) {
			found = n
		}
		return nil
	})
	return found, same, err
}

// missedEdit handles an edit of a message that is said not to be there.
func (s *Syncer) missedEdit(ctx context.Context, l *link, j job, said error) error {
	if !j.again {
		if err := s.takeBack(j.c); err != nil {
			return err
		}
	}
	sure, err := s.gone(j.c, j.folder, j.c.SourceKey, false, said)
	if err != nil || !sure {
		return err
	}
	if j.again {
		if found, err := s.followMoved(ctx, l, j); err != nil || found {
			return err
		}
	}
	return s.resolve(ctx, l, j, said, true)
}

// giveWay removes an item in whose stead there is a later version of it at its new place.
func (s *Syncer) giveWay(u *replica.Update, n, there *replica.Node, j job) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	if err := gone(u, n, j); err != nil {
		return err
	}
	for _, c := range changes { // what is not about the content goes to the message that stays
		if c.Kind != replica.ChangeRead && c.Kind != replica.ChangeProps {
			continue
		}
		again := replica.Change{Kind: c.Kind, Item: there.Num, At: c.At, Folder: there.Parent, Read: c.Read, Set: c.Set, Unset: c.Unset,
			Base: replica.Base{Version: there.Version, ChangeKey: there.Message.ChangeKey, PCL: there.Message.PCL}}
		if _, err := u.Enqueue(&again); err != nil {
			return err
		}
	}
	return u.Remove(n.Num)
}

// gone takes an item out of the state of the folder in which the server has it no more.
func gone(u *replica.Update, n *replica.Node, j job) error {
	return unseen(u, j.folder.Folder.SourceKey, n.Message.SourceKey)
}

// become gives an item the identity and place of the message that it is on the server. same says that this one is what was
// sent, so that what was saved since follows it.
func (s *Syncer) become(u *replica.Update, n, there *replica.Node, j job, same bool) error {
	k := keys{change: there.Message.ChangeKey, pcl: there.Message.PCL}
	key, dir := there.Message.SourceKey, there.Parent
	if err := gone(u, n, j); err != nil {
		return err
	}
	content, err := u.Message(there.Num)
	if err != nil {
		return err
	}
	if err := u.Remove(there.Num); err != nil {
		return err
	}
	place, name := n.Parent, n.Name
	if err := u.Move(n.Num, dir, s.freeName(&u.View, dir, name, key)); err != nil {
		return err
	}
	if err := u.SetKeys(n.Num, key, k.change, k.pcl); err != nil {
		return err
	}
	if err := s.takeRead(u, n.Num, &there.Message.Read); err != nil {
		return err
	}
	if same && n.Version == j.c.Version {
		if err := s.takeFlags(u, n.Num, content); err != nil {
			return err
		}
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	back := false
	for _, c := range changes {
		if c.Kind != replica.ChangeMove || c.Fixed {
			continue
		}
		c.From, back = dir, true // its user wants it elsewhere: from where it is now
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	if back && place != dir {
		u.Remote(false)
		if err := u.Move(n.Num, place, s.freeName(&u.View, place, name, key)); err != nil {
			return err
		}
		u.Remote(true)
	}
	if same {
		if err := rebase(u, n, j.c, k); err != nil {
			return err
		}
	}
	return u.DropChange(j.c.Seq)
}

// takeFlags gives an item what the same content has beside it at its new place: flags and categories that were set since. What
// is queued here stays on top.
func (s *Syncer) takeFlags(u *replica.Update, num replica.Num, content *mapi.Message) error {
	n, err := u.Node(num)
	if err != nil {
		return err
	}
	changes, err := u.ChangesOf(num)
	if err != nil {
		return err
	}
	m := *content
	for _, c := range pendingOf(changes).props {
		m.Properties = overlay(m.Properties, c)
	}
	fillInfo(n.Message, m.Properties)
	if err := u.Save(n); err != nil {
		return err
	}
	return u.Amend(n, &m)
}
