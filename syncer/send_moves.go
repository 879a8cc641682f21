package syncer

import (
	"context"
	"fmt"

	"mailfs/internal/mutant"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// moving is a message on its way to another folder.
type moving struct {
	job
	pre, move, back *answer
}

// sendMoves moves messages into one folder ([MS-OXCFXICS] 3.3.4.3.3.2.1.1).
func (s *Syncer) sendMoves(ctx context.Context, l *link, run []job) error {
	moves, err := s.moveAll(ctx, l, run, run[0].folder)
	if err != nil {
		return err
	}
	for _, m := range moves {
		if err := s.sentMove(ctx, l, m, run[0].folder); err != nil {
			return err
		}
	}
	return nil
}

// moveAll sends the moves, with a look at each message before and after.
func (s *Syncer) moveAll(ctx context.Context, l *link, run []job, to *replica.Node) ([]*moving, error) {
	run, err := s.fixAll(ctx, l, run)
	if err != nil || len(run) == 0 {
		return nil, err
	}
	target, err := l.fid(ctx, to.Folder.SourceKey)
	if err != nil {
		return nil, err
	}
	b := l.batch()
	dir, opened := b.open(l.store, &rop.OpenFolderRequest{FolderID: target})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{IsContentsCollector: true})
	if err := s.collectorState(b, coll, to); err != nil {
		return nil, err
	}
	defer func() { coll.Release(); dir.Release() }()
	var out []*moving
	for _, j := range run {
		m, err := l.addMove(ctx, b, coll, j, target)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	if opened.code() != 0 {
		return nil, s.folderRefused(run, opened)
	}
	return out, nil
}

func (l *link) addMove(ctx context.Context, b *batch, coll *object, j job, target mapi.FID) (*moving, error) {
	from, err := l.fid(ctx, j.from.Folder.SourceKey)
	if err != nil {
		return nil, err
	}
	old, err := l.mid(ctx, j.c.OldKey)
	if err != nil {
		return nil, err
	}
	now, err := l.mid(ctx, j.c.SourceKey)
	if err != nil {
		return nil, err
	}
	m := &moving{job: j}
	var obj *object
	obj, m.pre = b.openKeys(l, from, old)
	b.release(obj)
	m.move = b.do(coll, &rop.SynchronizationImportMessageMoveRequest{
		SourceFolderID:        []byte(j.from.Folder.SourceKey),
		SourceMessageID:       []byte(j.c.OldKey),
		PredecessorChangeList: j.n.Message.PCL.Bytes(),
		DestinationMessageID:  []byte(j.c.SourceKey),
		ChangeNumber:          []byte(j.c.ChangeKey),
	})
	obj, m.back = b.openKeys(l, target, now)
	b.release(obj)
	return m, nil
}

// moved reports whether a move went through, now or in an earlier attempt whose
// answer was lost: then the message is at its new id.
func (m *moving) moved() bool { return m.back.err() == nil }

// gone reports whether a message that is said to be gone from where it was is so for sure.
func (m *moving) gone(s *Syncer) (sure bool, err error) {
	return s.gone(m.c, m.from, m.c.OldKey, m.pre.err() == nil, m.move.err())
}

func (s *Syncer) sentMove(ctx context.Context, l *link, m *moving, to *replica.Node) error {
	if m.moved() {
		return s.ackMove(ctx, l, m, to, nil)
	}
	if isMissing(m.move.code()) {
		if sure, err := m.gone(s); err != nil || !sure {
			return err
		}
		return s.moveVoid(m.job)
	}
	if err := m.move.err(); err != nil {
		return s.judge(m.c, err)
	}
	return s.judge(m.c, m.back.err())
}

// ackMove gives a moved message its new id, ChangeKey and PCL: servers may drop the
// lineage of a message that moves. then runs in the same transaction.
func (s *Syncer) ackMove(ctx context.Context, l *link, m *moving, to *replica.Node, then func(u *replica.Update, n *replica.Node) error) error {
	k, err := l.keysOf(ctx, m.back)
	if err != nil {
		return err
	}
	pre, preErr := l.keysOf(ctx, m.pre)
	known := preErr == nil && pre.known(m.n.Message)
	if !known {
		k.cn = mapi.LongTermID{} // what moved may be a version that is not here: let it come
	}
	err = s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, m.c)
		if err != nil {
			return ignoreMissing(err)
		}
		version := k
		if !known || mutant.LineageLostByMove.Planted() {
			version.change, version.pcl = n.Message.ChangeKey, n.Message.PCL
		}
		if err := s.takeKey(u, m.c.SourceKey, n.Num); err != nil {
			return err
		}
		if err := u.SetKeys(n.Num, m.c.SourceKey, version.change, version.pcl); err != nil {
			return err
		}
		if err := rebase(u, n, m.c, version); err != nil {
			return err
		}
		if err := s.takeRead(u, n.Num, k.read); err != nil {
			return err
		}
		if err := follow(u, m.c, to.Num); err != nil {
			return err
		}
		if err := u.DropChange(m.c.Seq); err != nil {
			return err
		}
		if err := unseen(u, m.from.Folder.SourceKey, m.c.OldKey); err != nil {
			return err
		}
		if err := seen(u, to.Folder.SourceKey, m.c.SourceKey, k.cn); err != nil {
			return err
		}
		if then == nil {
			return nil
		}
		if n, err = u.Node(m.c.Item); err != nil {
			return err
		}
		return then(u, n)
	})
	if err != nil {
		return fmt.Errorf("acknowledging change %d: %w", m.c.Seq, err)
	}
	s.acknowledged(1)
	return nil
}

// takeRead sets the read state of a message that went up or has moved to what the server says, unless a change of it is
// queued here. Somebody else's that was not known here before a move need not come with a later download: it has a change number
// from before, which the new folder's state may cover ([MS-OXCFXICS] 2.2.1.1.4).
func (s *Syncer) takeRead(u *replica.Update, num replica.Num, read *bool) error {
	if read == nil {
		return nil
	}
	changes, err := u.ChangesOf(num)
	if err != nil || pendingOf(changes).read {
		return err
	}
	n, err := u.Node(num)
	if err != nil || n.Message == nil || n.Message.Read == *read {
		return err
	}
	return s.setRead(u, n, *read)
}

// follow tells the changes that were queued before and after a move where their message is now. It matters for one that
// is out of the tree.
func follow(u *replica.Update, moved *replica.Change, to replica.Num) error {
	changes, err := u.ChangesOf(moved.Item)
	if err != nil {
		return err
	}
	for _, c := range changes {
		switch c.Kind {
		case replica.ChangeEdit, replica.ChangeProps, replica.ChangeRead:
			c.Folder = to
			if err := u.SaveChange(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveVoid handles a move of a message that is no longer where it was: somebody
// moved or deleted it. Where it went the download tells; what was written here and
// is not on the server comes back as a new message.
func (s *Syncer) moveVoid(j job) error {
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
		if err := unseen(u, j.from.Folder.SourceKey, j.c.OldKey); err != nil {
			return err
		}
		if p := pendingOf(changes); p.content && !p.deleted {
			return s.resurrect(u, n, changes)
		}
		return u.Remove(n.Num)
	})
}

// sendDeletes removes messages of one folder: to Deleted Items, or for good where
// the user asked for that or they are there already. Only the version that the user
// saw goes ([MS-OXCFXICS] 2.2.3.2.4.5: an import of a deletion names none).
func (s *Syncer) sendDeletes(ctx context.Context, l *link, run []job) error {
	fid, err := l.fid(ctx, run[0].from.Folder.SourceKey)
	if err != nil {
		return err
	}
	b := l.batch()
	looks := make([]*answer, len(run))
	for i, j := range run {
		mid, err := l.mid(ctx, j.n.Message.SourceKey)
		if err != nil {
			return err
		}
		var obj *object
		obj, looks[i] = b.openKeys(l, fid, mid)
		b.release(obj)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	bin, err := s.deletedItems(run[0].from)
	if err != nil {
		return err
	}
	var remove, discard []job
	for i, j := range run {
		k, err := l.keysOf(ctx, looks[i])
		switch {
		case err != nil && isMissing(looks[i].code()):
			if j.c.Fixed && bin != nil && !j.c.Hard {
				discard = append(discard, j) // it may have gone there in an earlier attempt
			} else if err := s.deleteVoid(j, looks[i].err()); err != nil {
				return err
			}
		case err != nil && looks[i].code() != 0:
			if err := s.judge(j.c, err); err != nil {
				return err
			}
		case err != nil:
			return err
		case !k.known(j.n.Message) && !mutant.UncheckedDeletion.Planted():
			if err := s.restoreMessage(j); err != nil {
				return err
			}
		case bin == nil || j.c.Hard:
			remove = append(remove, j)
		default:
			discard = append(discard, j)
		}
	}
	if err := s.discardMessages(ctx, l, discard, bin); err != nil {
		return err
	}
	return s.removeMessages(ctx, l, remove, fid)
}

// deletedItems returns the Deleted Items folder, nil if there is none or if a folder
// is that one or lies below it.
func (s *Syncer) deletedItems(from *replica.Node) (bin *replica.Node, err error) {
	err = s.rep.View(func(v *replica.View) error {
		bin, err = v.BySpecial(replica.SpecialDeletedItems)
		if err != nil || !onServer(bin) {
			bin = nil
			return ignoreMissing(err)
		}
		below, err := isBelow(v, from.Num, bin.Num)
		if below {
			bin = nil
		}
		return err
	})
	return bin, err
}

// discardMessages moves messages to Deleted Items.
func (s *Syncer) discardMessages(ctx context.Context, l *link, run []job, bin *replica.Node) error {
	if len(run) == 0 {
		return nil
	}
	moves, err := s.moveAll(ctx, l, run, bin)
	if err != nil {
		return err
	}
	for _, m := range moves {
		switch {
		case m.moved():
			err = s.ackMove(ctx, l, m, bin, func(u *replica.Update, n *replica.Node) error {
				if n.Parent != 0 {
					return nil
				}
				return u.Attach(n.Num, bin.Num, s.freeName(&u.View, bin.Num, n.Name, n.Message.SourceKey))
			})
		case isMissing(m.move.code()):
			var sure bool
			if sure, err = m.gone(s); sure {
				err = s.ackDelete(m.job)
			}
		case m.move.err() != nil:
			err = s.judge(m.c, m.move.err())
		default:
			err = s.judge(m.c, m.back.err())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeMessages deletes messages without a stop in Deleted Items.
func (s *Syncer) removeMessages(ctx context.Context, l *link, run []job, fid mapi.FID) error {
	if len(run) == 0 {
		return nil
	}
	answers, opened, err := s.importRemovals(ctx, l, run, fid, false)
	if err == nil && opened.code() == 0 && answers[0].err() != nil && len(run) > 1 {
		answers, opened, err = s.importRemovals(ctx, l, run, fid, true) // one of them is to blame
	}
	if err != nil {
		return err
	}
	if opened.code() != 0 {
		return s.folderRefused(run, opened)
	}
	for i, j := range run {
		err := answers[i].err()
		if err != nil {
			err = s.judge(j.c, err)
		} else {
			err = s.ackDelete(j)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// importRemovals imports deletions, all in one operation or each in its own, and returns what the server says to each.
func (s *Syncer) importRemovals(ctx context.Context, l *link, run []job, fid mapi.FID, apart bool) (answers []*answer, opened *answer, err error) {
	list := make([]mapi.SourceKey, len(run))
	for i, j := range run {
		list[i] = j.n.Message.SourceKey
	}
	b := l.batch()
	dir, opened := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{IsContentsCollector: true})
	if err := s.collectorState(b, coll, run[0].from); err != nil {
		return nil, nil, err
	}
	answers = make([]*answer, len(run))
	for i := range run {
		switch {
		case apart:
			answers[i] = b.do(coll, importDeletes(0, list[i]))
		case i == 0:
			answers[i] = b.do(coll, importDeletes(0, list...))
		default:
			answers[i] = answers[0]
		}
	}
	b.release(coll)
	b.release(dir)
	return answers, opened, b.run(ctx)
}

// deleteVoid handles the deletion of a message that is said to be gone.
func (s *Syncer) deleteVoid(j job, said error) error {
	sure, err := s.gone(j.c, j.from, j.n.Message.SourceKey, false, said)
	if err != nil || !sure {
		return err
	}
	return s.ackDelete(j)
}

// ackDelete removes a message that the server has no more.
func (s *Syncer) ackDelete(j job) error {
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		if err := u.DropChange(j.c.Seq); err != nil {
			return ignoreMissing(err) // taken back meanwhile: what took its place goes up, and finds out
		}
		if err := unseen(u, j.from.Folder.SourceKey, j.n.Message.SourceKey); err != nil {
			return err
		}
		return ignoreMissing(u.Remove(j.n.Num))
	})
	if err == nil {
		s.acknowledged(1)
	}
	return err
}

// restoreMessage puts a message back whose deletion is void, because somebody
// changed it: an edit beats a deletion.
func (s *Syncer) restoreMessage(j job) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		if err := u.DropChange(j.c.Seq); err != nil {
			return ignoreMissing(err)
		}
		n, err := u.Node(j.n.Num)
		if err != nil || n.Parent != 0 {
			return ignoreMissing(err)
		}
		if err := u.Attach(n.Num, j.from.Num, s.freeName(&u.View, j.from.Num, n.Name, n.Message.SourceKey)); err != nil {
			return err
		}
		// the newer version was set aside for the sake of the deletion
		return withCheckpoint(u, replica.ContentsScope(j.from.Folder.SourceKey), func(cp *replica.Checkpoint) {
			delete(cp.Hints, hintCommit)
		})
	})
}
