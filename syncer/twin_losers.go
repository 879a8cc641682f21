package syncer

import (
	"slices"

	"mailfs/replica"
)

// Two clients that find the same conflict at the same time make a loser each of the same version. One of them goes, as soon as
// the client that made it sees the other one.

// dropTwins removes those losers that were made here of versions that have one by another client, after a download that
// may have brought such a one.
func (s *Syncer) dropTwins(due []folderRef) error {
	if s.cfg.ReadOnly {
		return nil
	}
	return s.rep.Update(func(u *replica.Update) error {
		dir, err := u.BySpecial(replica.SpecialConflicts)
		if err != nil {
			return ignoreMissing(err)
		}
		if !slices.ContainsFunc(due, func(f folderRef) bool { return f.num == dir.Num }) {
			return nil
		}
		twins, err := twinsIn(&u.View, dir.Num)
		if err != nil {
			return err
		}
		for _, pair := range twins {
			if err := s.dropTwin(u, pair[0], pair[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// twinsIn returns the losers that were made here, each with its twin, of those that have one.
func twinsIn(v *replica.View, dir replica.Num) (out [][2]*replica.Node, err error) {
	bySearch := map[string][]*replica.Node{}
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return nil, err
		}
		if n.Message != nil && len(n.Message.SearchKey) > 0 {
			bySearch[string(n.Message.SearchKey)] = append(bySearch[string(n.Message.SearchKey)], n)
		}
	}
	for _, list := range bySearch {
		for _, mine := range list {
			i := slices.IndexFunc(list, func(n *replica.Node) bool {
				return n != mine && n.Message.ChangeKey != "" && n.Xattrs[xattrLost] == nil
			})
			if mine.Xattrs[xattrLost] != nil && i >= 0 {
				out = append(out, [2]*replica.Node{mine, list[i]})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]*replica.Node) int { return int(a[0].Num) - int(b[0].Num) })
	return out, nil
}

func (s *Syncer) dropTwin(u *replica.Update, mine, other *replica.Node) error {
	changes, err := u.ChangesOf(mine.Num)
	if err != nil {
		return err
	}
	switch {
	case mine.Message.ChangeKey == "" && len(changes) == 1 && changes[0].Kind == replica.ChangeCreate && !changes[0].Fixed:
		if err := u.DropChange(changes[0].Seq); err != nil {
			return err
		}
		if err := u.Remove(mine.Num); err != nil {
			return err
		}
	case mine.Message.ChangeKey != "" && len(changes) == 0 && untouched(mine) && untouched(other) && givesWay(&u.View, mine, other):
		seq, err := u.Enqueue(&replica.Change{Kind: replica.ChangeDelete, Item: mine.Num, At: s.cfg.Now(), Folder: mine.Parent, From: mine.Parent, Hard: true})
		if err != nil || seq == 0 {
			return err
		}
		if err := u.Detach(mine.Num); err != nil {
			return err
		}
	default:
		return nil
	}
	s.cfg.Logf("conflict: %s is there twice; the other one stays", mine.Name)
	return renote(u, mine.Num, other.Num)
}

// untouched reports whether nobody has changed a message since its client made it.
func untouched(n *replica.Node) bool { return len(n.Message.PCL) == 1 }

// givesWay decides between two losers of the same version, as both their clients do: one that the winner names stays.
func givesWay(v *replica.View, mine, other *replica.Node) bool {
	for _, key := range linked(v, mine) {
		w, err := v.BySourceKey(key)
		if err != nil {
			continue
		}
		names := linked(v, w)
		a, b := slices.Contains(names, mine.Message.SourceKey), slices.Contains(names, other.Message.SourceKey)
		if a != b {
			return b
		}
	}
	return mine.Message.SourceKey > other.Message.SourceKey
}

// renote puts a loser in the place of another one, where a message waits for it.
func renote(u *replica.Update, was, now replica.Num) error {
	open, err := unsettled(&u.View)
	if err != nil {
		return err
	}
	for winner, losers := range open {
		if i := slices.IndexFunc(losers, func(l openLoser) bool { return l.num == was }); i >= 0 {
			losers[i].num = now
			if err := noteUnsettled(u, winner, losers); err != nil {
				return err
			}
		}
	}
	return nil
}
