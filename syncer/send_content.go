package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mailfs/internal/mutant"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// sending is a message on its way up.
type sending struct {
	job
	w    *messageWriter
	obj  *object
	imp  *answer
	save *answer
	back *answer
}

// sendContent uploads new messages and new versions of messages, all of one folder
// ([MS-OXCFXICS] 3.3.4.3.3.2.2.1). An import purges what was there, so it is always
// the complete item that goes.
func (s *Syncer) sendContent(ctx context.Context, l *link, run []job) error {
	run, err := s.fixAll(ctx, l, run)
	if err != nil || len(run) == 0 {
		return err
	}
	fid, err := l.fid(ctx, run[0].folder.Folder.SourceKey)
	if err != nil {
		return err
	}
	b := l.batch()
	dir, opened := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{IsContentsCollector: true})
	if err := s.collectorState(b, coll, run[0].folder); err != nil {
		return err
	}
	defer func() { coll.Release(); dir.Release() }()
	var out []*sending
	for _, j := range run {
		m, err := s.contentOf(j)
		if errors.Is(err, errNotHere) || errors.Is(err, replica.ErrNotFound) {
			s.cfg.Logf("upload: change %d: %v", j.c.Seq, err)
			continue
		}
		if err != nil {
			return err
		}
		one, err := l.importMessage(ctx, b, coll, j, m)
		if err != nil {
			// an object that is not saved leaves nothing behind
			if err := s.judge(j.c, err); err != nil {
				return err
			}
			continue
		}
		out = append(out, one)
		if mutant.AckBeforeAnswer.Planted() {
			if err := s.ackContent(j, j.c.SourceKey, keys{change: j.c.ChangeKey, pcl: j.c.PCL}); err != nil {
				return err
			}
		}
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	if opened.code() != 0 {
		return s.folderRefused(run, opened)
	}
	return s.saveContent(ctx, l, b, out)
}

// saveContent saves those messages whose content arrived whole, in a request of its own:
// an item that was saved with something missing, and whose answer got lost, would
// pass for one that is there.
func (s *Syncer) saveContent(ctx context.Context, l *link, b *batch, out []*sending) error {
	for _, one := range out {
		if one.imp.err() == nil && one.w.problem() == nil {
			one.save = b.do(one.obj, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadWrite})
			one.back = b.askKeys(one.obj)
		}
		b.release(one.obj)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	// What went through first: a conflict takes more requests, and may end with an error.
	slices.SortStableFunc(out, func(a, b *sending) int { return a.trouble() - b.trouble() })
	for _, one := range out {
		if err := s.sentContent(ctx, l, one); err != nil {
			return err
		}
	}
	return nil
}

// trouble is 0 for a message that the server has now.
func (one *sending) trouble() int {
	if one.save != nil && one.save.err() == nil {
		return 0
	}
	return 1
}

// folderRefused handles changes whose folder can't be opened.
func (s *Syncer) folderRefused(run []job, opened *answer) error {
	what := s.judge
	if isMissing(opened.code()) {
		what = s.folderMissing
	}
	for _, j := range run {
		if err := what(j.c, opened.err()); err != nil {
			return err
		}
	}
	return nil
}

// collectorState gives a collector the state of its folder, without the ids
// ([MS-OXCFXICS] 3.3.4.3.3).
func (s *Syncer) collectorState(b *batch, coll *object, folder *replica.Node) error {
	cp, err := s.checkpoint(replica.ContentsScope(folder.Folder.SourceKey))
	if err != nil {
		return err
	}
	for _, p := range stateOf(cp).Properties(true) {
		if p.Tag.ID() == mapi.MetaTagIdsetGiven.ID() {
			continue
		}
		b.uploadProperty(coll, p)
	}
	return nil
}

// contentOf returns the complete content that a change stands for, which a later
// edit may have covered already.
func (s *Syncer) contentOf(j job) (m *mapi.Message, err error) {
	err = s.rep.View(func(v *replica.View) error {
		now, err := v.Node(j.n.Num)
		if err != nil {
			return err
		}
		if now.Message == nil || now.Message.State != replica.StateFull {
			return errNotHere
		}
		m, err = v.SentMessage(j.c)
		return err
	})
	if err == nil && len(j.c.Set)+len(j.c.Unset) > 0 {
		// properties that were set before the message ever went up
		with := *m
		with.Properties = overlay(m.Properties, j.c)
		m = &with
	}
	return m, err
}

// importMessage adds the requests for one message to the batch.
func (l *link) importMessage(ctx context.Context, b *batch, coll *object, j job, m *mapi.Message) (*sending, error) {
	ids, err := l.numbers(ctx, namesIn(m))
	if err != nil {
		return nil, err
	}
	if mutant.PartialImport.Planted() && j.c.Kind == replica.ChangeEdit {
		part := *m
		part.Recipients = nil
		m = &part
	}
	one := &sending{job: j}
	flags := uint8(rop.ImportFailOnConflict)
	if j.n.Message.FAI {
		flags |= rop.ImportAssociated
	}
	obj, imp := b.open(coll, &rop.SynchronizationImportMessageChangeRequest{ImportFlag: flags, PropertyValues: importValues(j.c)})
	one.obj, one.imp = obj, imp
	one.w = &messageWriter{l: l, b: b, ids: ids, failed: func() bool { return imp.resp() != nil && imp.err() != nil }}
	// Settable before the first save only ([MS-OXCMSG] 2.2.1.6). An edit has it too, since an import
	// can make a message anew; on one that is there it is a problem that does not count.
	one.w.set(obj, []mapi.Property{{Tag: mapi.PidTagMessageFlags, Value: initialFlags(j.n, m)}})
	if err := one.w.writeMessage(ctx, obj, m, 0); err != nil {
		return nil, err
	}
	return one, one.w.relieve(ctx)
}

// importValues are the four properties of an import, in the order that servers
// insist on ([MS-OXCFXICS] 2.2.3.2.4.2.1).
func importValues(c *replica.Change) []mapi.Property {
	return []mapi.Property{
		{Tag: mapi.PidTagSourceKey, Value: []byte(c.SourceKey)},
		{Tag: mapi.PidTagLastModificationTime, Value: c.Modified},
		{Tag: mapi.PidTagChangeKey, Value: []byte(c.ChangeKey)},
		{Tag: mapi.PidTagPredecessorChangeList, Value: c.PCL.Bytes()},
	}
}

func initialFlags(n *replica.Node, m *mapi.Message) int32 {
	flags := int32(m.Properties.Int(mapi.PidTagMessageFlags)) & (flagRead | flagUnsent)
	if n.Message.Read {
		return flags | flagRead
	}
	return flags &^ flagRead
}

// sentContent judges the answers for one message.
func (s *Syncer) sentContent(ctx context.Context, l *link, one *sending) error {
	c := one.c
	switch code := one.imp.code(); {
	case code == mapi.EcIgnoreFailure && mutant.RepeatedSendNotSeen.Planted():
		c.Fixed, c.SourceKey = false, ""
		return s.rep.Update(func(u *replica.Update) error { return u.SaveChange(c) })
	case code == mapi.EcIgnoreFailure:
		return s.alreadyThere(ctx, l, one.job, one.imp.err())
	case isMissing(code) && c.Kind == replica.ChangeCreate:
		return s.missedCreate(one.job, one.imp.err())
	case isMissing(code):
		return s.missedEdit(ctx, l, one.job, one.imp.err())
	case code == mapi.EcSyncConflict:
		return s.resolve(ctx, l, one.job, one.imp.err(), false)
	case one.imp.err() != nil:
		return s.judge(c, one.imp.err())
	}
	if err := one.w.problem(); err != nil {
		return s.judge(c, err)
	}
	if err := one.save.err(); err != nil {
		// 0x80040109 among them: somebody was faster, and the next import finds the conflict
		return s.judge(c, err)
	}
	k, err := l.keysOf(ctx, one.back)
	if err != nil {
		if one.back.code() == 0 {
			return err
		}
		k = keys{change: c.ChangeKey, pcl: c.PCL}
	}
	key := c.SourceKey
	if r, ok := one.save.resp().(*rop.SaveChangesMessageResponse); ok && r.MessageID != 0 {
		id, err := l.longID(ctx, uint64(r.MessageID))
		if err != nil {
			return err
		}
		key = id.SourceKey()
	}
	return s.ackContent(one.job, key, k)
}

// alreadyThere handles a send that went through before, and whose answer was lost.
func (s *Syncer) alreadyThere(ctx context.Context, l *link, j job, said error) error {
	k, found, err := l.lookUp(ctx, j.folder.Folder.SourceKey, j.c.SourceKey)
	switch {
	case err != nil:
		return err
	case !found && j.c.Kind == replica.ChangeCreate:
		return s.missedCreate(j, said)
	case !found:
		sure, err := s.gone(j.c, j.folder, j.c.SourceKey, false, said)
		if err != nil || !sure {
			return err
		}
		return s.takenAway(j)
	case !has(k.pcl, j.c.ChangeKey):
		return s.resolve(ctx, l, j, said, false) // what the server has was not made with it in sight
	}
	return s.ackContent(j, j.c.SourceKey, k)
}

// has reports whether a list of changes has one.
func has(pcl mapi.PCL, change mapi.ChangeKey) bool {
	x, err := change.XID()
	return err == nil && pcl.Includes(mapi.PCL{}.Add(x))
}

// missedCreate handles a new message that is said not to be there any more. Nobody else has its id: if it is gone, it went
// up before. If it was never sent, it is nowhere but here, and the next send is a first one, too.
func (s *Syncer) missedCreate(j job, said error) error {
	if !j.again {
		if err := s.takeBack(j.c); err != nil {
			return err
		}
		return s.judge(j.c, said)
	}
	if sure, err := s.gone(j.c, j.folder, j.c.SourceKey, false, said); err != nil || !sure {
		return err
	}
	return s.takenAway(j)
}

// takenAway handles a version that the server had, though its answer was lost, and that
// somebody has deleted or moved since: where to, the download tells. Only what was saved
// here since then comes back.
func (s *Syncer) takenAway(j job) error {
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, j.c)
		if err != nil {
			return ignoreMissing(err)
		}
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		if n.Version != j.c.Version {
			return s.resurrect(u, n, changes)
		}
		return u.Remove(n.Num)
	})
	if err == nil {
		s.acknowledged(1)
	}
	return err
}

// ackContent takes an acknowledged change out of the journal. Where the server has
// a later version on top already, that one is left to the download.
func (s *Syncer) ackContent(j job, key mapi.SourceKey, k keys) error {
	c, read := j.c, k.read
	if k.change != c.ChangeKey || !within(k.pcl, c.ChangeKey, c.PCL) {
		k = keys{change: c.ChangeKey, pcl: c.PCL}
	}
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, c)
		if err != nil {
			return ignoreMissing(err)
		}
		if _, err := u.Change(c.Seq); err != nil {
			return ignoreMissing(err) // a loser went up with the conflict that made it
		}
		if len(c.Set)+len(c.Unset) > 0 {
			if err := s.amend(u, n, c); err != nil {
				return err
			}
		}
		if err := s.takeKey(u, key, n.Num); err != nil {
			return err
		}
		if err := u.SetKeys(n.Num, key, k.change, k.pcl); err != nil {
			return err
		}
		if err := rebase(u, n, c, k); err != nil {
			return err
		}
		if err := u.DropChange(c.Seq); err != nil {
			return err
		}
		for _, note := range []string{loserSetting(c.Seq), settleSetting(c.Seq)} {
			if err := u.SetSetting(note, nil); err != nil {
				return err
			}
		}
		if err := seen(u, j.folder.Folder.SourceKey, key, k.cn); err != nil {
			return err
		}
		// A download that came before may have set aside what tells of somebody else's.
		if err := s.takeRead(u, n.Num, read); err != nil {
			return err
		}
		if err := noteUpload(u, n.Num); err != nil {
			return err
		}
		if n, err = u.Node(c.Item); err != nil {
			return err
		}
		n.Message.Modified, n.Message.Error = c.Modified, nil
		return u.Save(n)
	})
	if err != nil {
		return fmt.Errorf("acknowledging change %d: %w", c.Seq, err)
	}
	s.acknowledged(1)
	return nil
}
