package syncer

import (
	"context"
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// commitItems is the number of headers that go into one transaction, with a state
// of their own ([MS-OXCFXICS] 3.3.5.6).
const commitItems = 250

// folderRef is a folder whose contents are to be synchronized.
type folderRef struct {
	num    replica.Num
	key    mapi.SourceKey
	hints  map[string]int64 // what the hierarchy table said; stored with the state
	items  int              // how many the server says there are
	quiet  bool             // nothing new is expected
	known  bool             // it was downloaded before: how much comes is not known before the server tells
	verify bool             // the whole state is to be compared with what is here
	only   []byte           // the restriction of the scope, encoded; nil for the whole folder
}

// contentsDownload takes the elements of one contents synchronization to the replica.
type contentsDownload struct {
	s        *Syncer
	l        *link
	folder   folderRef
	scope    replica.Scope
	cp       *replica.Checkpoint // the state that covers what has been committed
	aside    []arrival           // set aside: to be left out of the final state as well
	batch    []arrival
	progress streamProgress
	failed   []mapi.LongTermID                   // could not be delivered
	groups   map[uint32]*fxics.PropertyGroupInfo // property group mappings of this stream
}

// syncContents reads the rest of a contents download that was opened, and commits it.
func (s *Syncer) syncContents(ctx context.Context, l *link, f folderRef, cp *replica.Checkpoint, stream *pieces, found *check) error {
	d := &contentsDownload{s: s, l: l, folder: f, scope: replica.ContentsScope(f.key), cp: cp, progress: streamProgress{items: f.expected()}}
	dec := fxics.NewDecoder(stream, fxics.RootContentsSync, s.decoding(ctx))
	for {
		el, err := dec.Next()
		if err != nil {
			// what came whole is kept, with a state of its own
			if ferr := d.flush(context.WithoutCancel(ctx)); ferr != nil && ctx.Err() == nil {
				return ferr
			}
			return fmt.Errorf("download of a folder's contents: %w", err)
		}
		found.note(f.key, el)
		done, err := d.take(ctx, el)
		if err != nil || done {
			return err
		}
	}
}

// take handles one element; true after the last one.
func (d *contentsDownload) take(ctx context.Context, el fxics.Element) (bool, error) {
	switch e := el.(type) {
	case *fxics.MessageChange:
		a, err := d.l.arrivalOf(ctx, e)
		if err != nil {
			return false, err
		}
		if e.Partial != nil {
			a.partial = &partialChange{Partial: e.Partial, mapping: d.groups[e.Partial.GroupID]}
		}
		if n := len(d.batch); n >= commitItems && d.batch[n-1].key != a.key { // versions of one message stay together
			if err := d.flush(ctx); err != nil {
				return false, err
			}
		}
		d.batch = append(d.batch, a)
		d.progress.one(&d.s.board)
	case *fxics.ProgressTotal:
		d.progress.announced(&d.s.board, e)
	case *fxics.ProgressMessage:
		d.progress.next = int64(e.Size)
	case *fxics.PropertyGroupInfo:
		if d.groups == nil {
			d.groups = map[uint32]*fxics.PropertyGroupInfo{}
		}
		d.groups[e.GroupID] = e
	case *fxics.Deletions:
		return false, d.takeDeletions(ctx, e)
	case *fxics.ReadStateChanges:
		return false, d.takeReadStates(ctx, e)
	case *fxics.ErrorInfo:
		d.progress.one(&d.s.board)
		id := failedMessage(e)
		d.failed = append(d.failed, id)
		return false, d.s.noteFailure(d.folder.key, id.SourceKey(), e.Code)
	case *fxics.State:
		return true, d.finish(ctx, e)
	}
	return false, nil
}

// arrivalOf turns a change of the stream into what the replica takes.
func (l *link) arrivalOf(ctx context.Context, e *fxics.MessageChange) (arrival, error) {
	a := arrival{
		key: e.SourceKey(), change: e.ChangeKey(), pcl: e.PCL(), modified: e.LastModified(), fai: e.Associated(),
		header: e.Message.Properties,
	}
	var err error
	if mid, ok := e.MID(); ok {
		if a.id, err = l.longID(ctx, uint64(mid)); err != nil {
			return a, err
		}
	}
	if cn, ok := e.CN(); ok {
		if a.cn, err = l.longID(ctx, uint64(cn)); err != nil {
			return a, err
		}
	}
	a.size, _ = e.Size()
	if a.size == 0 {
		a.size = a.header.Int(mapi.PidTagMessageSize)
	}
	if !a.header.Has(mapi.PidTagLastModificationTime) {
		a.header.Set(mapi.PidTagLastModificationTime, a.modified)
	}
	return a, nil
}

// flush commits what has gathered, with the state that covers it.
func (d *contentsDownload) flush(ctx context.Context) error {
	if len(d.batch) == 0 {
		return nil
	}
	if err := d.joinVersions(ctx); err != nil {
		return err
	}
	if err := d.completePartial(ctx); err != nil {
		return err
	}
	if err := d.s.completeKnown(ctx, d.l, d.folder, d.batch); err != nil {
		return err
	}
	cp := d.cp
	for i := range d.batch {
		a := &d.batch[i]
		if a.id.GUID.IsZero() || a.cn.GUID.IsZero() {
			continue // a state for it can't be made; the final one covers it
		}
		cp.Given.Add(a.id)
		if a.fai {
			cp.SeenFAI.Add(a.cn)
		} else {
			cp.Seen.Add(a.cn)
		}
	}
	aside, err := d.s.applyMessages(d.folder.num, d.scope, d.batch, cp)
	if err != nil {
		return err
	}
	d.aside = append(d.aside, aside...)
	d.batch = d.batch[:0]
	return nil
}

func (d *contentsDownload) takeDeletions(ctx context.Context, e *fxics.Deletions) error {
	if err := d.flush(ctx); err != nil {
		return err
	}
	gone, err := d.l.resolveAll(ctx, e)
	if err != nil {
		return err
	}
	var out idset.IDSet
	if d.folder.only != nil {
		if out, err = d.l.resolve(ctx, e.NoLongerInScope); err != nil {
			return err
		}
	}
	d.cp.Given = d.cp.Given.Subtract(gone)
	return d.s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		if err := d.s.applyOut(u, d.folder.num, out); err != nil {
			return err
		}
		if err := d.s.applyGone(u, d.folder.num, gone.Subtract(out)); err != nil {
			return err
		}
		return u.SetCheckpoint(d.scope, d.cp)
	})
}

func (d *contentsDownload) takeReadStates(ctx context.Context, e *fxics.ReadStateChanges) error {
	if err := d.flush(ctx); err != nil {
		return err
	}
	read, err := d.l.resolve(ctx, e.Read)
	if err != nil {
		return err
	}
	unread, err := d.l.resolve(ctx, e.Unread)
	if err != nil {
		return err
	}
	return d.s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		if err := d.s.applyReadStates(u, d.folder.num, read, true); err != nil {
			return err
		}
		return d.s.applyReadStates(u, d.folder.num, unread, false)
	})
}

// finish commits the rest and the final state.
func (d *contentsDownload) finish(ctx context.Context, e *fxics.State) error {
	if err := d.flush(ctx); err != nil {
		return err
	}
	if d.cp.At.IsZero() { // from an empty state the server tells of no deletions
		if err := d.s.settleLeftovers(d.folder.num, e.Given, d.folder.only != nil); err != nil {
			return err
		}
	}
	cp := &replica.Checkpoint{
		Given: e.Given, Seen: e.Seen, SeenFAI: e.SeenFAI, Read: saneReads(e.Read),
		Hints: d.folder.hints, At: d.s.cfg.Now(),
	}
	if len(d.aside) > 0 {
		// The final state covers changes of these items before the last ones, too, and what is in it comes no more,
		// not even as part of a later change. So no more is seen than what was stored.
		cp.Seen, cp.SeenFAI = d.cp.Seen.Clone(), d.cp.SeenFAI.Clone()
	}
	for i := range d.aside {
		forget(cp, &d.aside[i])
		if p := d.aside[i].partial; p != nil && p.absent {
			cp.Given.Remove(d.aside[i].id) // then it comes whole
		}
		delete(cp.Hints, hintCommit)
	}
	return d.s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		for _, id := range d.failed {
			if _, err := u.BySourceKey(id.SourceKey()); errors.Is(err, replica.ErrNotFound) {
				cp.Given.Remove(id) // its next version comes whole
			} else if err != nil {
				return err
			}
		}
		return u.SetCheckpoint(d.scope, cp)
	})
}

// saneReads drops a set that claims every change number there will ever be.
//
// QUIRK: gromox 3.10 sends MetaTagCnsetRead as 1..2^48-1 for a folder in which
// nothing got a read change number yet; uploaded again, it would hide every later
// read state (captures 09, odd-second-after-reads).
func saneReads(read idset.CNSet) idset.CNSet {
	for _, e := range read.Entries() {
		if e.Set.Max() == mapi.MaxGlobCnt {
			read = read.Clone()
			read.RemoveRange(e.GUID, idset.Range{Low: 0, High: mapi.MaxGlobCnt})
		}
	}
	return read
}
