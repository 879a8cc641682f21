package syncer

import (
	"context"
	"fmt"
	"reflect"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// setting is a message whose properties are being set.
type setting struct {
	job
	w          *messageWriter
	pre, post  *answer
	save, open *answer
}

// sendProps sets single properties of messages of one folder. An import would purge
// the rest of the item, so the message is opened and saved, with a look at its
// version before and after in the same request ([MS-OXCFXICS] 3.3.4.3.3.2.2.2).
func (s *Syncer) sendProps(ctx context.Context, l *link, run []job) error {
	fid, err := l.fid(ctx, run[0].folder.Folder.SourceKey)
	if err != nil {
		return err
	}
	b := l.batch()
	var out []*setting
	for _, j := range run {
		one, err := l.addSetting(ctx, b, fid, j)
		if err != nil {
			return err
		}
		out = append(out, one)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	for _, one := range out {
		if err := s.sentProps(ctx, l, one); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) addSetting(ctx context.Context, b *batch, fid mapi.FID, j job) (*setting, error) {
	mid, err := l.mid(ctx, j.n.Message.SourceKey)
	if err != nil {
		return nil, err
	}
	msg := mapi.Message{Properties: j.c.Set}
	for _, k := range j.c.Unset {
		if !k.Name.IsZero() {
			msg.Properties = append(msg.Properties.Clone(), mapi.Property{Name: k.Name})
		}
	}
	ids, err := l.numbers(ctx, namesIn(&msg))
	if err != nil {
		return nil, err
	}
	one := &setting{job: j}
	var obj *object
	obj, one.open = b.open(l.store, &rop.OpenMessageRequest{CodePageID: rop.CodePageLogon, FolderID: fid, OpenModeFlags: rop.OpenReadWrite, MessageID: mid})
	one.pre = b.askKeys(obj)
	one.w = &messageWriter{l: l, b: b, ids: ids, failed: func() bool { return false }}
	if err := one.w.writeProperties(ctx, obj, j.c.Set, nil); err != nil {
		return nil, err
	}
	if tags := l.unsetTags(j, ids); len(tags) > 0 {
		b.do(obj, &rop.DeletePropertiesRequest{PropertyTags: tags})
	}
	one.save = b.do(obj, &rop.SaveChangesMessageRequest{SaveFlags: rop.SaveKeepOpenReadWrite})
	one.post = b.askKeys(obj)
	b.release(obj)
	return one, nil
}

// unsetTags returns the tags of the properties to delete. Their types matter to some
// servers.
func (l *link) unsetTags(j job, ids map[mapi.PropertyName]uint16) []mapi.PropertyTag {
	var out []mapi.PropertyTag
	for _, k := range j.c.Unset {
		switch n, ok := ids[k.Name]; {
		case k.Name == keywords && ok:
			out = append(out, mapi.NewTag(n, mapi.TypeMultiString))
		case !k.Name.IsZero() && ok:
			out = append(out, mapi.NewTag(n, mapi.TypeUnspecified))
		case k.Name.IsZero():
			out = append(out, typedTag(k.ID))
		}
	}
	return out
}

// typedTag gives an id the type that properties of flags and importance have.
func typedTag(id uint16) mapi.PropertyTag {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagFlagStatus, mapi.PidTagImportance, mapi.PidTagIconIndex,
		mapi.PidTagConflictItems, mapi.PidTagToDoItemFlags} {
		if tag.ID() == id {
			return tag
		}
	}
	return mapi.NewTag(id, mapi.TypeUnspecified)
}

func (s *Syncer) sentProps(ctx context.Context, l *link, one *setting) error {
	c := one.c
	if code := one.open.code(); code != 0 {
		if isMissing(code) {
			sure, err := s.gone(c, one.folder, one.n.Message.SourceKey, false, one.open.err())
			if err != nil || !sure {
				return err
			}
			return s.propsVoid(c)
		}
		return s.judge(c, one.open.err())
	}
	if err := one.save.err(); err != nil {
		return s.judge(c, err)
	}
	if err := one.w.problem(); err != nil {
		return s.judge(c, err)
	}
	pre, err := l.keysOf(ctx, one.pre)
	if err != nil {
		return err
	}
	post, err := l.keysOf(ctx, one.post)
	if err != nil {
		return err
	}
	return s.ackProps(one, pre, post)
}

// ackProps takes acknowledged properties out of the journal. pre and post are the versions of the message that the server had
// before and after.
func (s *Syncer) ackProps(one *setting, pre, post keys) error {
	c := one.c
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, c)
		if err != nil {
			return ignoreMissing(err)
		}
		now, err := u.Change(c.Seq)
		if err != nil {
			return ignoreMissing(err)
		}
		if sameProps(now, c) {
			err = u.DropChange(c.Seq)
		}
		if err != nil {
			return err
		}
		if err := s.amend(u, n, c); err != nil {
			return err
		}
		if !pre.known(n.Message) {
			return nil // it was set on a newer version, which comes with the next download
		}
		if err := u.SetKeys(n.Num, n.Message.SourceKey, post.change, post.pcl); err != nil {
			return err
		}
		acked := *c
		acked.Base.ChangeKey, acked.Version = pre.change, n.Version
		if err := rebase(u, n, &acked, post); err != nil {
			return err
		}
		if err := seen(u, one.folder.Folder.SourceKey, n.Message.SourceKey, post.cn); err != nil {
			return err
		}
		if n, err = u.Node(c.Item); err != nil {
			return err
		}
		n.Message.Error = nil
		if post.modified != 0 {
			n.Message.Modified = post.modified
		}
		return u.Save(n)
	})
	if err != nil {
		return fmt.Errorf("acknowledging change %d: %w", c.Seq, err)
	}
	s.acknowledged(1)
	return nil
}

// propsVoid handles properties of a message that is gone. They do not bring it back; the download removes it,
// unless it was edited here: what then goes up as a new message has them.
func (s *Syncer) propsVoid(c *replica.Change) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, c)
		if err != nil {
			return ignoreMissing(err)
		}
		now, err := u.Change(c.Seq)
		if err != nil {
			return ignoreMissing(err)
		}
		if err := u.DropChange(c.Seq); err != nil {
			return err
		}
		return s.amend(u, n, now)
	})
}

// sameProps reports whether a queued change of properties is still the one that was sent: the user may have set
// others meanwhile, which go up after it.
func sameProps(now, sent *replica.Change) bool {
	return reflect.DeepEqual(now.Set, sent.Set) && reflect.DeepEqual(now.Unset, sent.Unset)
}

// amend puts properties that the server has now into the stored message. Only where
// that changes its bytes is it a new version here.
func (s *Syncer) amend(u *replica.Update, n *replica.Node, c *replica.Change) error {
	old, err := u.Message(n.Num)
	if err != nil {
		return ignoreMissing(err)
	}
	m := *old
	m.Properties = overlay(old.Properties, c)
	if n.Message.State != replica.StateFull || n.Content != 0 {
		return u.Amend(n, &m)
	}
	same, err := s.render.sameBytes(old, &m)
	if err != nil {
		return err
	}
	if same {
		return u.Amend(n, &m)
	}
	if n.Size, err = s.render.size(&m); err != nil {
		return err
	}
	return u.PutContent(n, &m)
}

// sendReads uploads read states of messages of one folder
// ([MS-OXCFXICS] 3.3.4.3.3.2.4), and takes over which read states the server has
// from here, so that they do not come back as news.
func (s *Syncer) sendReads(ctx context.Context, l *link, run []job) error {
	together, err := s.importReads(ctx, l, run, false)
	if err == nil && !together && len(run) > 1 {
		_, err = s.importReads(ctx, l, run, true) // one of them is to blame
	}
	return err
}

// importReads sends read states, all in one operation or each in its own. False says that the server refused what was to go
// together.
func (s *Syncer) importReads(ctx context.Context, l *link, run []job, apart bool) (together bool, err error) {
	folder := run[0].folder.Folder.SourceKey
	fid, err := l.fid(ctx, folder)
	if err != nil {
		return false, err
	}
	states := make([]rop.MessageReadState, len(run))
	for i, j := range run {
		states[i] = rop.MessageReadState{MessageID: []byte(j.n.Message.SourceKey), MarkAsRead: j.c.Read}
	}
	b := l.batch()
	dir, opened := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{IsContentsCollector: true})
	if err := s.collectorState(b, coll, run[0].folder); err != nil {
		return false, err
	}
	answers := make([]*answer, len(run))
	for i := range run {
		switch {
		case apart:
			answers[i] = b.do(coll, &rop.SynchronizationImportReadStateChangesRequest{MessageReadStates: states[i : i+1]})
		case i == 0:
			answers[i] = b.do(coll, &rop.SynchronizationImportReadStateChangesRequest{MessageReadStates: states})
		default:
			answers[i] = answers[0]
		}
	}
	d := &download{l: l, dir: dir, tail: []*answer{opened}}
	d.open(b, coll, &rop.SynchronizationGetTransferStateRequest{})
	d.got = b.do(d.ctx, getBuffer())
	defer coll.Release()
	defer d.end()
	if err := b.run(ctx); err != nil {
		return false, err
	}
	if opened.code() != 0 {
		return true, s.folderRefused(run, opened)
	}
	if !apart && len(run) > 1 && answers[0].err() != nil {
		return false, nil
	}
	var done []job
	for i, j := range run {
		if err := answers[i].err(); err == nil {
			done = append(done, j)
		} else if err := s.readRefused(j, err); err != nil {
			return true, err
		}
	}
	if len(done) == 0 {
		return true, nil
	}
	return true, s.ackReads(folder, done, s.transferredReads(ctx, d))
}

// readRefused handles a read state that the server did not take.
func (s *Syncer) readRefused(j job, said error) error {
	if code, _ := refusal(said); !isMissing(code) {
		return s.judge(j.c, said)
	}
	sure, err := s.gone(j.c, j.folder, j.n.Message.SourceKey, false, said)
	if err != nil || !sure {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error { return ignoreMissing(u.DropChange(j.c.Seq)) })
}

// ackReads takes acknowledged read states out of the journal.
func (s *Syncer) ackReads(folder mapi.SourceKey, done []job, reads idset.CNSet) error {
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		for _, j := range done {
			now, err := u.Change(j.c.Seq)
			if ignoreMissing(err) != nil {
				return err
			}
			if err == nil && now.Read == j.c.Read { // else the user changed it meanwhile
				err = u.DropChange(j.c.Seq)
			}
			if ignoreMissing(err) != nil {
				return err
			}
			if err := s.showError(u, j.c.Item, nil); err != nil {
				return err
			}
		}
		return withCheckpoint(u, replica.ContentsScope(folder), func(cp *replica.Checkpoint) {
			cp.Read = cp.Read.Union(reads)
		})
	})
	if err == nil {
		s.acknowledged(len(done))
	}
	return err
}

// transferredReads reads the read states that a collector knows of. Without them the
// server merely tells again what it was told.
func (s *Syncer) transferredReads(ctx context.Context, d *download) idset.CNSet {
	var none idset.CNSet
	p, err := d.start(ctx)
	if err != nil {
		s.cfg.Logf("state after an upload: %v", err)
		return none
	}
	defer p.close()
	el, err := fxics.NewDecoder(p, fxics.RootState, nil).Next()
	st, ok := el.(*fxics.State)
	if err != nil || !ok {
		s.cfg.Logf("state after an upload: %v", err)
		return none
	}
	return saneReads(st.Read)
}
