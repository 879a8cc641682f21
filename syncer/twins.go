package syncer

import (
	"context"
	"errors"

	"mailfs/conflict"
	"mailfs/mapi"
	"mailfs/replica"
)

// twin is a message that is queued as a new one in a replica from a backup, and one that the server has under the same
// Message-ID, with a change of the namespace that the replica had before: the lost replica sent it. What the two say may
// differ, since either may have been edited after the backup.
type twin struct {
	seq   uint64
	item  replica.Num
	there replica.Num
}

// settleTwins makes one message of each twin and its other half. The change numbers of a replica and its backup tell
// nothing about each other's versions, so that the contents have to.
func (s *Syncer) settleTwins(ctx context.Context, l *link) error {
	var twins []twin
	var wants []want
	err := s.rep.View(func(v *replica.View) (err error) {
		if twins, err = s.twins(v); err != nil {
			return err
		}
		wants, err = s.wantsOf(v, twins)
		return err
	})
	if err != nil || len(twins) == 0 {
		return err
	}
	if err := s.fetchBodies(ctx, l, chunk(wants)); err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		done := map[replica.Num]bool{}
		for _, same := range []bool{true, false} { // of several halves, one that says the same first
			for _, t := range twins {
				if done[t.item] || done[t.there] {
					continue
				}
				settled, err := s.settleTwin(u, t, same)
				if err != nil {
					return err
				}
				if settled {
					done[t.item], done[t.there] = true, true
				}
			}
		}
		return nil
	})
}

// twins returns all pairs.
func (s *Syncer) twins(v *replica.View) (out []twin, err error) {
	former, err := v.Setting(settingFormer)
	if err != nil || former == nil {
		return nil, err
	}
	queued := map[string][]twin{}
	for c, err := range v.Changes(0) {
		if err != nil {
			return nil, err
		}
		if c.Kind != replica.ChangeCreate || c.Fixed {
			continue
		}
		m, err := v.Message(c.Item)
		if err != nil {
			return nil, err
		}
		if id := m.Properties.String(mapi.PidTagInternetMessageId); id != "" {
			queued[id] = append(queued[id], twin{seq: c.Seq, item: c.Item})
		}
	}
	if len(queued) == 0 {
		return nil, nil
	}
	err = s.eachFolder(v, func(dir *replica.Node) error {
		for m, err := range v.Messages(dir.Num) {
			if err != nil {
				return err
			}
			if m.Message.ChangeKey == "" || !madeIn(m.Message.PCL, former) {
				continue
			}
			for _, t := range queued[m.Message.MessageID] {
				t.there = m.Num
				out = append(out, t)
			}
		}
		return nil
	})
	return out, err
}

// wantsOf returns what is to be fetched before twins can be compared.
func (s *Syncer) wantsOf(v *replica.View, twins []twin) (wants []want, err error) {
	folders := map[replica.Num]*replica.Node{}
	asked := map[replica.Num]bool{}
	for _, t := range twins {
		n, err := v.Node(t.there)
		if err != nil {
			return nil, err
		}
		if asked[n.Num] || n.Message.State == replica.StateFull {
			continue
		}
		asked[n.Num] = true
		w, ok, err := s.wantOf(v, n, folders)
		if err != nil {
			return nil, err
		}
		if ok {
			wants = append(wants, w)
		}
	}
	return wants, nil
}

// settleTwin removes the queued half if both say the same, and reports whether anything was done. If they do not say the
// same, and other halves need not be looked at first, the queued one becomes a version of the other that knows nothing of
// it: the upload finds the conflict. What was removed on the server, and what already is the loser of a conflict, is left
// alone: then the queued one goes up as it is.
func (s *Syncer) settleTwin(u *replica.Update, t twin, same bool) (bool, error) {
	c, n, there, err := bothOf(u, t)
	if c == nil || err != nil {
		return false, err
	}
	if there.Message.State == replica.StateFull {
		ours, err := u.Message(n.Num)
		if err != nil {
			return false, err
		}
		theirs, err := u.Message(there.Num)
		if err != nil {
			return false, err
		}
		if conflict.SameContent(ours, theirs) {
			return true, u.Remove(n.Num)
		}
	}
	if same || n.Parent == 0 {
		return false, nil
	}
	dir, err := u.Node(there.Parent)
	if err != nil || dir.Folder == nil || dir.Folder.Special == replica.SpecialDeletedItems || dir.Folder.Special == replica.SpecialConflicts {
		return false, err
	}
	changes, err := u.ChangesOf(there.Num)
	if err != nil || len(changes) > 0 {
		return false, err
	}
	return true, s.joinTwin(u, c, n, there)
}

// bothOf looks at twins anew; a nil change if they are none any more.
func bothOf(u *replica.Update, t twin) (c *replica.Change, n, there *replica.Node, err error) {
	if c, err = u.Change(t.seq); err == nil {
		if n, err = u.Node(c.Item); err == nil {
			there, err = u.Node(t.there)
		}
	}
	if errors.Is(err, replica.ErrNotFound) {
		return nil, nil, nil, nil
	}
	if err != nil || c.Kind != replica.ChangeCreate || c.Fixed || n.Message == nil || there.Message == nil {
		return nil, nil, nil, err
	}
	return c, n, there, nil
}

// joinTwin puts a queued message in the place of what the server has.
func (s *Syncer) joinTwin(u *replica.Update, c *replica.Change, n, there *replica.Node) error {
	m := there.Message
	if err := u.Remove(there.Num); err != nil {
		return err
	}
	if n.Parent != there.Parent {
		if err := u.Move(n.Num, there.Parent, s.freeName(&u.View, there.Parent, n.Name, m.SourceKey)); err != nil {
			return err
		}
	}
	if err := u.SetKeys(n.Num, m.SourceKey, m.ChangeKey, m.PCL); err != nil {
		return err
	}
	c.Kind, c.SourceKey, c.Folder, c.Base = replica.ChangeEdit, m.SourceKey, there.Parent, replica.Base{Version: c.Base.Version}
	return u.SaveChange(c)
}

// madeIn reports whether a message has a change of a namespace.
func madeIn(pcl mapi.PCL, namespace []byte) bool {
	for _, x := range pcl {
		if x.Namespace.String() == string(namespace) {
			return true
		}
	}
	return false
}
