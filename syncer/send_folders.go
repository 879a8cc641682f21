package syncer

import (
	"context"
	"errors"
	"fmt"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// defaultClass is the container class of a new folder.
const defaultClass = "IPF.Note"

// sendFolders uploads new, renamed and moved folders ([MS-OXCFXICS] 3.3.4.3.3.2.1).
func (s *Syncer) sendFolders(ctx context.Context, l *link, run []job) error {
	run, err := s.fixAll(ctx, l, run)
	if err != nil || len(run) == 0 {
		return err
	}
	root, err := l.fid(ctx, l.subtree)
	if err != nil {
		return err
	}
	b := l.batch()
	dir, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: root})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{})
	defer func() { coll.Release(); dir.Release() }()
	if err := s.treeState(b, coll); err != nil {
		return err
	}
	imports := make([]*answer, len(run))
	backs := make([]*answer, len(run))
	for i, j := range run {
		imports[i] = b.do(coll, l.folderImport(j))
		fid, err := l.fid(ctx, j.c.SourceKey)
		if err != nil {
			return err
		}
		f, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
		backs[i] = b.askKeys(f)
		b.release(f)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	for i, j := range run {
		if err := s.sentFolder(ctx, l, j, imports[i], backs[i]); err != nil {
			return err
		}
	}
	return nil
}

// treeState gives a collector the state of the hierarchy, without the ids ([MS-OXCFXICS] 3.3.4.3.3).
func (s *Syncer) treeState(b *batch, coll *object) error {
	cp, err := s.checkpoint(replica.ScopeHierarchy)
	if err != nil {
		return err
	}
	for _, p := range stateOf(cp).Properties(false) {
		if p.Tag.ID() != mapi.MetaTagIdsetGiven.ID() {
			b.uploadProperty(coll, p)
		}
	}
	return nil
}

// folderImport builds the import of a folder with what can be changed of it here, the name, and with its class, for a server
// that lost it. A child of the synchronization root has an empty parent ([MS-OXCFXICS] 2.2.1.2.6).
func (l *link) folderImport(j job) *rop.SynchronizationImportHierarchyChangeRequest {
	parent := []byte(j.folder.Folder.SourceKey)
	if j.folder.Num == replica.RootNum {
		parent = []byte{}
	}
	class := j.n.Folder.Class
	if class == "" {
		class = defaultClass
	}
	return &rop.SynchronizationImportHierarchyChangeRequest{HierarchyValues: []mapi.Property{
		{Tag: mapi.PidTagParentSourceKey, Value: parent},
		{Tag: mapi.PidTagSourceKey, Value: []byte(j.c.SourceKey)},
		{Tag: mapi.PidTagLastModificationTime, Value: j.c.Modified},
		{Tag: mapi.PidTagChangeKey, Value: []byte(j.c.ChangeKey)},
		{Tag: mapi.PidTagPredecessorChangeList, Value: j.c.PCL.Bytes()},
		{Tag: mapi.PidTagDisplayName, Value: displayName(j.n)},
	}, PropertyValues: []mapi.Property{{Tag: mapi.PidTagContainerClass, Value: class}}}
}

// displayName is the name that a folder has on the server: what its directory name
// stands for, unless that is how the present name is shown.
func displayName(n *replica.Node) string {
	f := n.Folder
	if f.DisplayName != "" && (names.Folder(f.DisplayName, f.SourceKey) == n.Name || suffixed(n.Name, f)) {
		return f.DisplayName
	}
	return names.FolderDecode(n.Name)
}

// suffixed reports whether a directory name is the display name with the short id
// that keeps it apart from a neighbour.
func suffixed(name string, f *replica.FolderInfo) bool {
	return f.SourceKey != "" && name == names.Folder(f.DisplayName, f.SourceKey)+"."+names.ShortID(f.SourceKey)
}

func (s *Syncer) sentFolder(ctx context.Context, l *link, j job, imp, back *answer) error {
	switch imp.code() {
	case 0:
		if err := imp.err(); err != nil {
			return err
		}
	case mapi.EcIgnoreFailure: // sent before, or the server has something newer: the download tells
	case mapi.EcCollidingNames:
		return s.folderNameTaken(ctx, l, j, imp.err())
	case mapi.EcNoParentFolder:
		return s.folderMissing(j.c, imp.err())
	case mapi.EcFolderCycle, mapi.EcCycleDetected:
		return s.folderCycle(ctx, l, j, imp.err())
	case mapi.EcGeneralFailure:
		// QUIRK: gromox 3.10 answers so when the parent is missing (captures 08).
		return s.judge(j.c, imp.err())
	default:
		if isMissing(imp.code()) {
			return s.folderGone(j, imp, back)
		}
		return s.judge(j.c, imp.err())
	}
	k, err := l.keysOf(ctx, back)
	if err != nil {
		switch {
		case isMissing(back.code()) && imp.code() != 0:
			return s.folderGone(j, imp, back)
		case imp.code() != 0 || back.code() == 0:
			return err
		}
		k = keys{change: j.c.ChangeKey, pcl: j.c.PCL}
	} else if imp.code() == mapi.EcIgnoreFailure && !j.again && !has(k.pcl, j.c.ChangeKey) {
		return s.folderNotSeen(j, k, imp.err())
	}
	return s.ackFolder(j, j.c.SourceKey, k)
}

// folderNotSeen handles a change of a folder that was sent for the first time, and of which the server says that it has
// something newer, which it has not: it goes on top of that.
func (s *Syncer) folderNotSeen(j job, k keys, said error) error {
	if err := s.takeBack(j.c); err != nil {
		return err
	}
	if err := s.judge(j.c, said); err != nil || j.c.Kind == replica.ChangeFolderCreate {
		return err // that one gets another id
	}
	return s.rep.Update(func(u *replica.Update) error {
		now, err := u.Change(j.c.Seq)
		if err != nil {
			return ignoreMissing(err)
		}
		now.Base.ChangeKey, now.Base.PCL = k.change, k.pcl.Merge(now.Base.PCL)
		return u.SaveChange(now)
	})
}

// folderTakenAway handles a new folder that went up before, though its answer was lost, and that somebody has deleted
// since: what was put into it here makes it come back.
func (s *Syncer) folderTakenAway(j job) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(j.c.Item)
		if err != nil {
			return ignoreMissing(err)
		}
		cp, err := u.Checkpoint(replica.ScopeHierarchy)
		if err != nil {
			return err
		}
		return s.removeFolder(u, n, cp.Hints)
	})
}

// folderCycle handles a move of a folder into one that somebody has moved into that
// folder: the one on the server stays. The folder goes back to where it is there, with the
// name that it has here.
func (s *Syncer) folderCycle(ctx context.Context, l *link, j job, refused error) error {
	columns := []mapi.PropertyTag{mapi.PidTagParentFolderId}
	fid, err := l.fid(ctx, j.c.SourceKey)
	if err != nil {
		return err
	}
	b := l.batch()
	f, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	a := b.do(f, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: columns})
	b.release(f)
	if err := b.run(ctx); err != nil {
		return err
	}
	row, err := a.row(columns)
	up, ok := row.Get(mapi.PidTagParentFolderId).(int64)
	if err != nil || !ok {
		return s.judge(j.c, refused)
	}
	id, err := l.longID(ctx, uint64(up))
	if err != nil {
		return err
	}
	back := false
	err = s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		back, err = s.moveBack(u, j.c, id.SourceKey())
		return err
	})
	if err == nil && !back {
		return s.judge(j.c, refused)
	}
	return err
}

// moveBack puts a folder under the parent that it has on the server, and makes its queued
// change one of the name alone; false if that can't be done here.
func (s *Syncer) moveBack(u *replica.Update, c *replica.Change, parent mapi.SourceKey) (bool, error) {
	n, err := u.Node(c.Item)
	if err != nil || n.Parent == 0 {
		return false, ignoreMissing(err)
	}
	p, err := u.BySourceKey(parent)
	if err != nil || p.Folder == nil {
		return false, ignoreMissing(err)
	}
	if below, err := isBelow(&u.View, p.Num, n.Num); err != nil || below || n.Parent == p.Num {
		return false, err
	}
	if err := u.Move(n.Num, p.Num, s.freeName(&u.View, p.Num, n.Name, n.Folder.SourceKey)); err != nil {
		return false, err
	}
	c.Folder, c.Fixed = p.Num, false
	return true, u.SaveChange(c)
}

// folderGone handles a change of a folder that is said to be gone, itself or the one that it is to be in.
func (s *Syncer) folderGone(j job, imp, back *answer) error {
	said, create := imp.err(), j.c.Kind == replica.ChangeFolderCreate
	if create && !j.again {
		if err := s.takeBack(j.c); err != nil {
			return err
		}
		return s.folderMissing(j.c, said)
	}
	sure, err := s.gone(j.c, nil, j.c.SourceKey, back.err() == nil, said)
	switch {
	case err != nil || !sure:
		return err
	case !create:
		return s.rep.Update(func(u *replica.Update) error { return ignoreMissing(u.DropChange(j.c.Seq)) })
	case imp.code() == mapi.EcSyncObjectDeleted || imp.code() == mapi.EcObjectDeleted:
		return s.folderTakenAway(j)
	}
	return s.judge(j.c, said)
}

// ackFolder takes an acknowledged change of a folder out of the journal.
func (s *Syncer) ackFolder(j job, key mapi.SourceKey, k keys) error {
	own := k.change == j.c.ChangeKey
	if !own {
		k.change, k.pcl = j.c.ChangeKey, j.c.PCL
	}
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(j.c.Item)
		if err != nil {
			return ignoreMissing(err)
		}
		n.Folder.DisplayName, n.Folder.Error = displayName(n), nil
		if err := u.Save(n); err != nil {
			return err
		}
		if err := s.takeKey(u, key, n.Num); err != nil {
			return err
		}
		if err := u.SetKeys(n.Num, key, k.change, k.pcl); err != nil {
			return err
		}
		if err := rebase(u, n, j.c, k); err != nil {
			return err
		}
		if err := u.DropChange(j.c.Seq); err != nil {
			return err
		}
		return withCheckpoint(u, replica.ScopeHierarchy, func(cp *replica.Checkpoint) {
			if id, ok := key.LongTermID(); ok {
				cp.Given.Add(id)
			}
			if own && !k.cn.GUID.IsZero() {
				cp.Seen.Add(k.cn)
			}
		})
	})
	if err != nil {
		return fmt.Errorf("acknowledging change %d: %w", j.c.Seq, err)
	}
	s.acknowledged(1)
	return nil
}

// folderNameTaken handles a name that another folder on the server has. A new folder
// becomes one with it when nothing here stands for that one yet: two people made the
// same folder. Otherwise the folder gets another name.
func (s *Syncer) folderNameTaken(ctx context.Context, l *link, j job, said error) error {
	if j.c.Attempts+1 >= maxAttempts {
		return s.judge(j.c, said) // whatever its name
	}
	if j.c.Kind == replica.ChangeFolderCreate {
		key, k, err := l.findFolder(ctx, j.folder.Folder.SourceKey, displayName(j.n))
		if err != nil {
			return err
		}
		if key != "" {
			free := false
			err := s.rep.View(func(v *replica.View) error {
				_, err := v.BySourceKey(key)
				free = errors.Is(err, replica.ErrNotFound)
				if free {
					return nil
				}
				return err
			})
			if err != nil {
				return err
			}
			if free {
				j.c.ChangeKey = k.change
				return s.ackFolder(j, key, k)
			}
		}
	}
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true) // the old name leads to it no more
		n, err := u.Node(j.c.Item)
		if err != nil {
			return ignoreMissing(err)
		}
		display := fmt.Sprintf("%s (%d)", displayName(n), j.c.Attempts+2)
		if err := u.Move(n.Num, n.Parent, s.freeName(&u.View, n.Parent, names.Folder(display, j.c.SourceKey), j.c.SourceKey)); err != nil {
			return err
		}
		if n, err = u.Node(n.Num); err != nil {
			return err
		}
		n.Folder.DisplayName = display
		j.c.Attempts++
		if err := u.SaveChange(j.c); err != nil {
			return err
		}
		return u.Save(n)
	})
}

// findFolder returns the child of a folder that has a display name, ignoring case.
func (l *link) findFolder(ctx context.Context, parent mapi.SourceKey, display string) (mapi.SourceKey, keys, error) {
	columns := []mapi.PropertyTag{mapi.PidTagFolderId, mapi.PidTagDisplayName}
	fid, err := l.fid(ctx, parent)
	if err != nil {
		return "", keys{}, err
	}
	b := l.batch()
	dir, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	table, _ := b.open(dir, &rop.GetHierarchyTableRequest{TableFlags: rop.TableSuppressesNotifications})
	b.do(table, &rop.SetColumnsRequest{PropertyTags: columns})
	defer func() { table.Release(); dir.Release() }()
	for range tableRounds {
		a := b.do(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 200})
		if err := b.run(ctx); err != nil {
			return "", keys{}, err
		}
		resp, err := rop.Get[*rop.QueryRowsResponse](a.r)
		if err != nil {
			return "", keys{}, nil // without a table it stays unknown
		}
		rows, err := resp.Rows(columns)
		if err != nil {
			return "", keys{}, &mapi.Protocol{Err: err}
		}
		for _, row := range rows {
			bag := mapi.RowBag(row)
			if names.Fold(bag.String(mapi.PidTagDisplayName)) == names.Fold(display) {
				return l.folderKeys(ctx, mapi.FID(bag.Int(mapi.PidTagFolderId)))
			}
		}
		if len(rows) == 0 || resp.Origin == rop.BookmarkEnd {
			break
		}
	}
	return "", keys{}, nil
}

func (l *link) folderKeys(ctx context.Context, fid mapi.FID) (mapi.SourceKey, keys, error) {
	b := l.batch()
	f, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	a := b.askKeys(f)
	b.release(f)
	if err := b.run(ctx); err != nil {
		return "", keys{}, err
	}
	k, err := l.keysOf(ctx, a)
	if err != nil {
		return "", keys{}, err
	}
	id, err := l.longID(ctx, uint64(fid))
	return id.SourceKey(), k, err
}

// emptinessColumns tell whether there is something in a folder.
var emptinessColumns = []mapi.PropertyTag{
	mapi.PidTagContentCount, mapi.PidTagSubfolders, mapi.PidTagDisplayName,
}

// sendFolderDeletes removes folders that are empty on the server, too. An import of
// a deletion carries no version, so what arrived there meanwhile would be lost.
func (s *Syncer) sendFolderDeletes(ctx context.Context, l *link, run []job) error {
	b := l.batch()
	asks := make([]*answer, len(run))
	for i, j := range run {
		fid, err := l.fid(ctx, j.n.Folder.SourceKey)
		if err != nil {
			return err
		}
		f, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
		asks[i] = b.do(f, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: emptinessColumns})
		b.release(f)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	var doomed []job
	for i, j := range run {
		row, err := asks[i].row(emptinessColumns)
		switch {
		case err != nil && isMissing(asks[i].code()):
			if err := s.folderDeleteVoid(j, err); err != nil {
				return err
			}
		case err != nil && asks[i].code() != 0:
			if err := s.judge(j.c, err); err != nil {
				return err
			}
		case err != nil:
			return err
		case row.Int(mapi.PidTagContentCount) > 0 || row.Bool(mapi.PidTagSubfolders) ||
			row.String(mapi.PidTagDisplayName) != j.n.Folder.DisplayName:
			// The name is compared, and not the ChangeKey.
			// QUIRK: with gromox 3.10 that of a folder changes with its contents.
			if err := s.restoreFolder(j); err != nil {
				return err
			}
		default:
			doomed = append(doomed, j)
		}
	}
	return s.deleteFolders(ctx, l, doomed)
}

func (s *Syncer) deleteFolders(ctx context.Context, l *link, doomed []job) error {
	if len(doomed) == 0 {
		return nil
	}
	root, err := l.fid(ctx, l.subtree)
	if err != nil {
		return err
	}
	b := l.batch()
	dir, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: root})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{})
	defer func() { coll.Release(); dir.Release() }()
	if err := s.treeState(b, coll); err != nil {
		return err
	}
	for i, flags := range []uint8{rop.ImportDeleteHierarchy, rop.ImportDeleteHierarchy | rop.ImportDeleteHard} {
		answers := make([]*answer, len(doomed))
		for n, j := range doomed {
			answers[n] = b.do(coll, importDeletes(flags, j.n.Folder.SourceKey))
		}
		if err := b.run(ctx); err != nil {
			return err
		}
		// QUIRK: gromox 3.10 can't delete a folder softly that has softly deleted messages
		// in it: 0x80004005. Nothing else is in it, so the second try is a hard one.
		var again []job
		for n, j := range doomed {
			if i == 0 && answers[n].code() == mapi.EcGeneralFailure {
				again = append(again, j)
			} else if err := s.folderDeleted(j, answers[n]); err != nil {
				return err
			}
		}
		if doomed = again; len(doomed) == 0 {
			return nil
		}
	}
	return nil
}

func (s *Syncer) folderDeleted(j job, a *answer) error {
	switch err := a.err(); {
	case err == nil:
		return s.ackFolderDelete(j)
	case isMissing(a.code()):
		return s.folderDeleteVoid(j, err)
	default:
		return s.judge(j.c, err)
	}
}

// folderDeleteVoid handles the deletion of a folder that is said to be gone.
func (s *Syncer) folderDeleteVoid(j job, said error) error {
	sure, err := s.gone(j.c, nil, j.n.Folder.SourceKey, false, said)
	if err != nil || !sure {
		return err
	}
	return s.ackFolderDelete(j)
}

// importDeletes builds the import of deletions ([MS-OXCFXICS] 2.2.3.2.4.5.1).
func importDeletes(flags uint8, list ...mapi.SourceKey) *rop.SynchronizationImportDeletesRequest {
	ids := make([][]byte, len(list))
	for i, k := range list {
		ids[i] = []byte(k)
	}
	return &rop.SynchronizationImportDeletesRequest{ImportDeleteFlags: flags,
		PropertyValues: []mapi.Property{{Tag: mapi.NewTag(0, mapi.TypeMultiBinary), Value: ids}}}
}

func (s *Syncer) ackFolderDelete(j job) error {
	err := s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		key := j.n.Folder.SourceKey
		if err := u.DropCheckpoint(replica.ContentsScope(key)); err != nil {
			return err
		}
		if err := u.DropChange(j.c.Seq); err != nil {
			return err
		}
		if err := u.Remove(j.n.Num); err != nil {
			return ignoreMissing(err)
		}
		return withCheckpoint(u, replica.ScopeHierarchy, func(cp *replica.Checkpoint) {
			if id, ok := key.LongTermID(); ok {
				cp.Given.Remove(id)
			}
		})
	})
	if err == nil {
		s.acknowledged(1)
	}
	return err
}

// restoreFolder puts a folder back whose deletion is void: something is in it that
// the user did not see, or somebody changed it. A parent that was deleted as well comes
// back with it.
func (s *Syncer) restoreFolder(j job) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		return s.putBack(u, j.n.Num)
	})
}

// putBack undoes the queued deletion of a folder, and of those that it was in.
func (s *Syncer) putBack(u *replica.Update, num replica.Num) error {
	changes, err := u.ChangesOf(num)
	if err != nil {
		return err
	}
	parent := replica.RootNum
	for _, c := range changes {
		if c.Kind != replica.ChangeFolderDelete {
			continue
		}
		if parent = c.From; parent == 0 {
			parent = c.Folder
		}
		if err := u.DropChange(c.Seq); err != nil {
			return err
		}
	}
	n, err := u.Node(num)
	if err != nil || n.Parent != 0 || num == replica.RootNum {
		return ignoreMissing(err)
	}
	if err := s.putBack(u, parent); err != nil {
		return err
	}
	if below, err := isBelow(&u.View, parent, num); err != nil || below {
		parent = replica.RootNum
	}
	return u.Attach(num, parent, s.freeName(&u.View, parent, names.Folder(n.Folder.DisplayName, n.Folder.SourceKey), n.Folder.SourceKey))
}
