package syncer

import (
	"context"
	"errors"
	"strconv"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// keyColumns are what tells one version of an object from another, and the read state, of which the version says nothing.
var keyColumns = []mapi.PropertyTag{
	mapi.PidTagChangeKey, mapi.PidTagPredecessorChangeList, mapi.PidTagChangeNumber, mapi.PidTagLastModificationTime,
	mapi.PidTagMessageFlags,
}

// keys are the version of an object as the server has it.
type keys struct {
	change   mapi.ChangeKey
	pcl      mapi.PCL
	cn       mapi.LongTermID // zero if the server does not tell
	modified mapi.FileTime
	read     *bool // nil if the server does not tell
}

// known reports whether a version is the one that is here. A conflict resolve message may have the change key of the version on
// top of it; its list of changes tells that others are in it ([MS-OXCFXICS] 3.1.5.6.2.1).
func (k keys) known(m *replica.MessageInfo) bool {
	return k.change == m.ChangeKey && within(k.pcl, m.ChangeKey, m.PCL)
}

// within reports whether a version that has a change key and a list knows all of another list.
func within(list mapi.PCL, key mapi.ChangeKey, pcl mapi.PCL) bool {
	if x, err := key.XID(); err == nil {
		pcl = pcl.Add(x)
	}
	return pcl.Includes(list)
}

// askKeys adds the request for the version of an open object.
func (b *batch) askKeys(obj *object) *answer {
	return b.do(obj, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: keyColumns})
}

// keysOf reads the answer to askKeys.
func (l *link) keysOf(ctx context.Context, a *answer) (k keys, err error) {
	row, err := a.row(keyColumns)
	if err != nil {
		return k, err
	}
	k.change = mapi.ChangeKey(row.Bytes(mapi.PidTagChangeKey))
	if k.pcl, err = mapi.ParsePCL(row.Bytes(mapi.PidTagPredecessorChangeList)); err != nil {
		return k, &mapi.Protocol{Err: err}
	}
	if x, err := k.change.XID(); err == nil {
		k.pcl = k.pcl.Add(x)
	}
	k.modified = row.Time(mapi.PidTagLastModificationTime)
	if flags, ok := row.Get(mapi.PidTagMessageFlags).(int32); ok {
		read := flags&flagRead != 0
		k.read = &read
	}
	if cn, ok := row.Get(mapi.PidTagChangeNumber).(int64); ok {
		k.cn, err = l.longID(ctx, uint64(cn))
	}
	return k, err
}

// openMessage adds the requests that open a message and ask for its version.
func (b *batch) openKeys(l *link, folder mapi.FID, msg mapi.MID) (*object, *answer) {
	obj, _ := b.open(l.store, &rop.OpenMessageRequest{CodePageID: rop.CodePageLogon, FolderID: folder, MessageID: msg})
	return obj, b.askKeys(obj)
}

// lookUp returns the version of a message as the server has it now; found is false
// if it is not in that folder.
func (l *link) lookUp(ctx context.Context, folder, msg mapi.SourceKey) (k keys, found bool, err error) {
	fid, err := l.fid(ctx, folder)
	if err != nil {
		return k, false, err
	}
	mid, err := l.mid(ctx, msg)
	if err != nil {
		return k, false, err
	}
	b := l.batch()
	obj, a := b.openKeys(l, fid, mid)
	b.release(obj)
	if err := b.run(ctx); err != nil {
		return k, false, err
	}
	if a.code() != 0 {
		return k, false, missingOr(a)
	}
	k, err = l.keysOf(ctx, a)
	return k, err == nil, err
}

// missingOr returns nil if the answer says that an object is not there, else its error.
func missingOr(a *answer) error {
	if isMissing(a.code()) {
		return nil
	}
	return a.err()
}

func isMissing(code mapi.ErrorCode) bool {
	switch code {
	case mapi.EcNotFound, mapi.EcObjectDeleted, mapi.EcSyncObjectDeleted, mapi.EcMessageDeleted, mapi.EcNullObject, mapi.EcInvalidEntryID:
		return true
	}
	return false
}

// seen adds an object that the server has from here to the state of its folder, so
// that it does not come back as news.
func seen(u *replica.Update, folder mapi.SourceKey, key mapi.SourceKey, cn mapi.LongTermID) error {
	return withCheckpoint(u, replica.ContentsScope(folder), func(cp *replica.Checkpoint) {
		if id, ok := key.LongTermID(); ok {
			cp.Given.Add(id)
		}
		if !cn.GUID.IsZero() {
			cp.Seen.Add(cn)
		}
	})
}

// unseen takes an object that is no longer in a folder out of its state.
func unseen(u *replica.Update, folder mapi.SourceKey, key mapi.SourceKey) error {
	return withCheckpoint(u, replica.ContentsScope(folder), func(cp *replica.Checkpoint) {
		if id, ok := key.LongTermID(); ok {
			cp.Given.Remove(id)
		}
	})
}

// noteUpload remembers, until the next download of the hierarchy, that a message went
// up: should that download tell that its folder is gone, nobody has seen the message.
//
// QUIRK: gromox 3.10 takes messages for a folder that was deleted.
func noteUpload(u *replica.Update, n replica.Num) error {
	return withCheckpoint(u, replica.ScopeHierarchy, func(cp *replica.Checkpoint) {
		if cp.Hints == nil {
			cp.Hints = map[string]int64{}
		}
		cp.Hints[uploadHint(n)] = 1
	})
}

func uploadHint(n replica.Num) string { return "up:" + strconv.FormatUint(uint64(n), 10) }

func withCheckpoint(u *replica.Update, scope replica.Scope, f func(cp *replica.Checkpoint)) error {
	cp, err := u.Checkpoint(scope)
	if err != nil && !errors.Is(err, replica.ErrNotFound) {
		return err
	}
	if cp == nil {
		cp = &replica.Checkpoint{}
	}
	f(cp)
	return u.SetCheckpoint(scope, cp)
}

// rebase puts the queued changes of an item that were made on top of an acknowledged
// one onto the version that the server has now. n is the item as it was before.
func rebase(u *replica.Update, n *replica.Node, acked *replica.Change, k keys) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Seq == acked.Seq || c.Fixed && c.Seq < acked.Seq {
			continue
		}
		if stale(n, acked, c) {
			continue // made from an older version: a conflict, to be found when it goes up
		}
		c.Base.ChangeKey, c.Base.PCL = k.change, k.pcl
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	return nil
}

// stale reports whether a queued change builds on another version than the one that an
// acknowledged change built on or made.
func stale(n *replica.Node, acked, c *replica.Change) bool {
	if acked.Kind != replica.ChangeMove {
		return c.Base.Version < acked.Version && c.Base.ChangeKey != acked.Base.ChangeKey
	}
	// A move takes along whatever version is there.
	content := c.Kind == replica.ChangeCreate || c.Kind == replica.ChangeEdit
	return content && n.Message != nil && c.Base.ChangeKey != n.Message.ChangeKey && c.Base.ChangeKey != acked.ChangeKey
}
