package syncer

import (
	"context"
	"encoding/binary"
	"errors"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// settingRebuild says, until a full pass has ended well, why every state was dropped: one of the values below. A state
// that was dropped for another reason (the server did not understand it) needs no mark: what is here and not there is
// gone then, as always.
const settingRebuild = "syncer.rebuild"

// settingFormer is the namespace that a replica had before its rebuild.
const settingFormer = "syncer.former"

// settingRebuildSeen is the time, of the server's clock, up to which this replica had seen what happened there when its
// states were dropped.
const settingRebuildSeen = "syncer.rebuild.seen"

// rebuildKind says who went back in time.
type rebuildKind string

const (
	rebuildNone    rebuildKind = ""
	rebuildReplica rebuildKind = "replica" // what the server lacks was deleted there meanwhile
	rebuildServer  rebuildKind = "server"  // what the server lacks, or has older, was lost there: it goes up again

	// rebuildBoth is rebuildServer for a replica that has to take another name as well. It is never a mark.
	rebuildBoth rebuildKind = "both"
)

const rebuildBatch = 200 // items in one transaction

// startRebuild drops all that is no longer true: every state, the reserved ids, and the names that queued changes got
// from them ([MS-OXCFXICS] 3.3.5.3). The journal stays. now is the counter from then on: with it the next session sees
// nothing that went back.
func (s *Syncer) startRebuild(ctx context.Context, l *link, kind rebuildKind, now counter) error {
	renamed := kind != rebuildServer
	if kind == rebuildBoth {
		kind = rebuildServer
	}
	unknown, err := s.fixedAndUnknown(ctx, l, kind)
	if err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		var scopes []replica.Scope
		for scope, err := range u.Checkpoints() {
			if err != nil {
				return err
			}
			scopes = append(scopes, scope)
		}
		if err := noteSeen(u, scopes); err != nil {
			return err
		}
		for _, scope := range scopes {
			if err := u.DropCheckpoint(scope); err != nil {
				return err
			}
		}
		if err := u.DropReserve(); err != nil {
			return err
		}
		if err := forgetSettled(u, true); err != nil { // such an edit may be all that is left of a version
			return err
		}
		for _, seq := range unknown {
			c, err := u.Change(seq)
			if err != nil {
				return err
			}
			c.Fixed, c.SourceKey, c.ChangeKey, c.PCL = false, "", "", nil
			if err := u.SaveChange(c); err != nil {
				return err
			}
		}
		if renamed {
			id, err := u.Identity()
			if err != nil {
				return err
			}
			if err := u.SetSetting(settingFormer, []byte(id.Namespace.String())); err != nil {
				return err
			}
			if err := u.SetNamespace(s.cfg.GUID()); err != nil {
				return err
			}
		}
		if err := now.save(u); err != nil {
			return err
		}
		if err := u.SetSetting(settingFull, nil); err != nil {
			return err
		}
		return u.SetSetting(settingRebuild, []byte(kind))
	})
}

// noteSeen stores settingRebuildSeen. A rebuild that was not complete may have dropped states that tell of a later time.
func noteSeen(u *replica.Update, scopes []replica.Scope) error {
	last, err := seenBefore(&u.View)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		cp, err := u.Checkpoint(scope)
		if err != nil {
			return err
		}
		last = max(last, mapi.FileTime(max(cp.Hints[hintCommit], 0)))
	}
	return u.SetSetting(settingRebuildSeen, binary.BigEndian.AppendUint64(nil, uint64(last)))
}

func seenBefore(v *replica.View) (mapi.FileTime, error) {
	b, err := v.Setting(settingRebuildSeen)
	if err != nil || len(b) != 8 {
		return 0, err
	}
	return mapi.FileTime(binary.BigEndian.Uint64(b)), nil
}

// fixedAndUnknown returns the changes that got ids of which a server that went back knows nothing: it may give these
// ids to others.
func (s *Syncer) fixedAndUnknown(ctx context.Context, l *link, kind rebuildKind) (seqs []uint64, err error) {
	if kind != rebuildServer {
		return nil, nil
	}
	var jobs []job
	err = s.rep.View(func(v *replica.View) error {
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			if !c.Fixed || !needsID(c) {
				continue
			}
			j, _, err := s.jobOf(v, c)
			if err != nil {
				return err
			}
			jobs = append(jobs, j)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if j.c.Kind == replica.ChangeCreate && j.folder != nil && onServer(j.folder) {
			k, found, err := l.lookUp(ctx, j.folder.Folder.SourceKey, j.c.SourceKey)
			if err != nil {
				return nil, err
			}
			if found && k.change == j.c.ChangeKey {
				continue // it was sent before the backup was made
			}
		}
		seqs = append(seqs, j.c.Seq)
	}
	return seqs, nil
}

// downloadsFirst reports whether queued changes have to wait until it is known what the server has: a replica that was
// put back may have sent them already, and a server that was may have given their ids to others.
func (s *Syncer) downloadsFirst() (yes bool, err error) {
	err = s.rep.View(func(v *replica.View) error {
		kind, err := rebuilding(v)
		yes = kind != rebuildNone
		return err
	})
	return yes, err
}

// rebuilding returns the mark of startRebuild.
func rebuilding(v *replica.View) (rebuildKind, error) {
	b, err := v.Setting(settingRebuild)
	return rebuildKind(b), err
}

// rebuilt removes the mark, after a full pass.
func (s *Syncer) rebuilt(ctx context.Context, l *link) error {
	var kind rebuildKind
	err := s.rep.View(func(v *replica.View) (err error) {
		kind, err = rebuilding(v)
		return err
	})
	if err != nil || kind == rebuildNone {
		return err
	}
	if err := s.settleTwins(ctx, l); err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		for _, key := range []string{settingFormer, settingRebuildSeen} {
			if err := u.SetSetting(key, nil); err != nil {
				return err
			}
		}
		return u.SetSetting(settingRebuild, nil)
	})
}

// settleLeftovers deals with the messages of a folder that are here and, as a download from an empty state has shown,
// not on the server. It may be repeated.
//
// What is not in a restricted scope may well be on the server: it goes from here, unless something is queued for it.
func (s *Syncer) settleLeftovers(folder replica.Num, given idset.IDSet, restricted bool) error {
	var left []replica.Num
	err := s.rep.View(func(v *replica.View) error {
		left = left[:0]
		mine, err := keysUnderWay(v)
		if err != nil {
			return err
		}
		for n, err := range v.Messages(folder) {
			if err != nil {
				return err
			}
			id, ok := n.Message.SourceKey.LongTermID()
			if ok && n.Message.ChangeKey != "" && !given.Contains(id) && !mine[n.Message.SourceKey] {
				left = append(left, n.Num)
			}
		}
		return nil
	})
	settle := s.settleLeftover
	if restricted {
		settle = func(u *replica.Update, _ rebuildKind, n *replica.Node) error { return s.removeOut(u, n) }
	}
	return s.inBatches(left, err, settle)
}

// inBatches calls f for items, a batch in one transaction.
func (s *Syncer) inBatches(items []replica.Num, err error, f func(u *replica.Update, kind rebuildKind, n *replica.Node) error) error {
	for len(items) > 0 && err == nil {
		batch := items[:min(len(items), rebuildBatch)]
		items = items[len(batch):]
		err = s.rep.Update(func(u *replica.Update) error {
			u.Remote(true)
			kind, err := rebuilding(&u.View)
			if err != nil {
				return err
			}
			for _, num := range batch {
				n, err := u.Node(num)
				if errors.Is(err, replica.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if err := f(u, kind, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

func (s *Syncer) settleLeftover(u *replica.Update, kind rebuildKind, n *replica.Node) error {
	if kind == rebuildServer && n.Message.State == replica.StateFull && !n.Message.FAI && n.Parent != 0 {
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		if err := s.keepUnseen(u, n, nil, changes); err != nil {
			return err
		}
		if err := u.VoidBases(n.Num, n.Version, n.Message.ChangeKey); err != nil {
			return err
		}
		return s.resurrect(u, n, changes)
	}
	return s.removeMessage(u, n)
}

// takeKey makes sure that nothing here has a key that the server has given to the item num: what has it is something that a server
// which went back has lost, and goes up anew. That is found out before, as a rule.
func (s *Syncer) takeKey(u *replica.Update, key mapi.SourceKey, num replica.Num) error {
	n, err := u.BySourceKey(key)
	if err != nil || n.Num == num {
		return ignoreMissing(err)
	}
	if n.Folder == nil {
		return s.settleLeftover(u, rebuildServer, n)
	}
	var within []*replica.Node
	for m, err := range u.Messages(n.Num) {
		if err != nil {
			return err
		}
		within = append(within, m)
	}
	for _, m := range within {
		if err := s.settleLeftover(u, rebuildServer, m); err != nil {
			return err
		}
	}
	return s.reviveFolder(u, rebuildServer, n)
}

// insertOverMessage adds a folder under an id that a message has here, which only a server does that went back.
func (s *Syncer) insertOverMessage(u *replica.Update, n *replica.Node, parent replica.Num, f *folderArrival) error {
	kind, err := rebuilding(&u.View)
	if err != nil || kind != rebuildServer || n.Message == nil {
		return err
	}
	if err := s.settleLeftover(u, kind, n); err != nil {
		return err
	}
	return s.insertFolder(u, parent, f)
}

// folderOutlives puts the name and place of a folder that the server has in an older version on top of that one. So it does where
// the server's place is below the folder itself: what is above that place here outlives as well, and one of them has to give way.
func (s *Syncer) folderOutlives(u *replica.Update, n *replica.Node, f *folderArrival, below bool) (bool, error) {
	kind, err := rebuilding(&u.View)
	if err != nil || kind != rebuildServer {
		return false, err
	}
	if newer := n.Folder.PCL.Includes(f.PCL) && !f.PCL.Includes(n.Folder.PCL); !newer && !below {
		return false, nil
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return false, err
	}
	for _, c := range changes {
		if c.Kind != replica.ChangeFolderUpdate || !below {
			return false, nil
		}
		c.Base.ChangeKey, c.Base.PCL, c.Fixed = f.ChangeKey, f.PCL, false
		if err := u.SaveChange(c); err != nil {
			return false, err
		}
	}
	if err := u.SetKeys(n.Num, f.SourceKey, f.ChangeKey, f.PCL); err != nil || len(changes) > 0 {
		return err == nil, err
	}
	_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeFolderUpdate, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent,
		Base: replica.Base{ChangeKey: f.ChangeKey, PCL: f.PCL}})
	return true, err
}

// settleFolders deals with the folders that are here and, as a download from an empty state has shown, not on the
// server.
func (s *Syncer) settleFolders(given idset.IDSet) error {
	var left []replica.Num
	var kind rebuildKind
	err := s.rep.View(func(v *replica.View) (err error) {
		if kind, err = rebuilding(v); err != nil {
			return err
		}
		left = left[:0]
		if err := s.leftFolders(v, replica.RootNum, given, &left); err != nil {
			return err
		}
		return s.removedFolders(v, given, &left)
	})
	if err != nil {
		return err
	}
	if kind == rebuildServer {
		for _, num := range left {
			if err := s.reviveMessages(num); err != nil {
				return err
			}
		}
		return s.inBatches(left, nil, s.reviveFolder)
	}
	return s.inBatches(left, nil, func(u *replica.Update, _ rebuildKind, n *replica.Node) error { return s.removeFolder(u, n, nil) })
}

// leftFolders collects the folders below dir that the server does not have, parents first.
func (s *Syncer) leftFolders(v *replica.View, dir replica.Num, given idset.IDSet, left *[]replica.Num) error {
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return err
		}
		if n.Folder == nil {
			continue
		}
		if id, ok := n.Folder.SourceKey.LongTermID(); ok && n.Folder.ChangeKey != "" && !given.Contains(id) {
			*left = append(*left, n.Num)
		}
		if err := s.leftFolders(v, n.Num, given, left); err != nil {
			return err
		}
	}
	return nil
}

// removedFolders collects the folders that were removed here, while the server does not have them any more either: it
// may give their ids to others.
func (s *Syncer) removedFolders(v *replica.View, given idset.IDSet, left *[]replica.Num) error {
	for c, err := range v.Changes(0) {
		if err != nil {
			return err
		}
		if c.Kind != replica.ChangeFolderDelete {
			continue
		}
		n, err := v.Node(c.Item)
		if err != nil {
			return err
		}
		if id, ok := n.Folder.SourceKey.LongTermID(); ok && n.Parent == 0 && n.Folder.ChangeKey != "" && !given.Contains(id) {
			*left = append(*left, n.Num)
		}
	}
	return nil
}

// reviveMessages makes every message of a folder that the server lost one that goes up anew.
func (s *Syncer) reviveMessages(folder replica.Num) error {
	var list []replica.Num
	err := s.rep.View(func(v *replica.View) error {
		list = list[:0]
		for n, err := range v.Messages(folder) {
			if err != nil {
				return err
			}
			list = append(list, n.Num)
		}
		return nil
	})
	return s.inBatches(list, err, s.settleLeftover)
}

// reviveFolder makes a folder that the server lost one that goes up anew.
func (s *Syncer) reviveFolder(u *replica.Update, _ rebuildKind, n *replica.Node) error {
	if err := u.DropCheckpoint(replica.ContentsScope(n.Folder.SourceKey)); err != nil {
		return err
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Kind == replica.ChangeFolderDelete {
			return u.Remove(n.Num) // its user wanted it gone
		}
		if err := u.DropChange(c.Seq); err != nil {
			return err
		}
	}
	if err := u.SetKeys(n.Num, "", "", nil); err != nil {
		return err
	}
	_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeFolderCreate, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent})
	return err
}
