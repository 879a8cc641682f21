package syncer

import (
	"context"
	"errors"
	"maps"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// conflictsFolder returns the mailbox's Conflicts folder. Where there is none it is
// made, with Sync Issues above it, and entered into PidTagAdditionalRenEntryIds
// ([MS-OXOSFLD] 2.2.4). It is nil if the server did not let that happen yet; anew asks it again when it has refused that.
func (s *Syncer) conflictsFolder(ctx context.Context, l *link, anew bool) (*replica.Node, error) {
	if n, err := s.special(replica.SpecialConflicts); err != nil || n != nil {
		return n, err
	}
	if err := l.learnSpecial(ctx); err != nil { // somebody else may have made it meanwhile
		return nil, err
	}
	if err := s.syncHierarchy(ctx, l); err != nil {
		return nil, err
	}
	if n, err := s.special(replica.SpecialConflicts); err != nil || n != nil {
		return n, err
	}
	issues, err := s.special(replica.SpecialSyncIssues)
	if err != nil {
		return nil, err
	}
	if issues == nil {
		if issues, err = s.makeSpecial(ctx, l, replica.RootNum, "Sync Issues", replica.SpecialSyncIssues, anew); err != nil || issues == nil {
			return nil, err
		}
	}
	dir, err := s.makeSpecial(ctx, l, issues.Num, "Conflicts", replica.SpecialConflicts, anew)
	if err != nil || dir == nil {
		return nil, err
	}
	return dir, l.enterSpecial(ctx, dir.Folder.SourceKey, issues.Folder.SourceKey)
}

// special returns a special folder that the server knows, nil if there is none.
func (s *Syncer) special(which replica.Special) (n *replica.Node, err error) {
	err = s.rep.View(func(v *replica.View) error {
		n, err = v.BySpecial(which)
		if err != nil || !onServer(n) || n.Parent == 0 {
			n = nil
			return ignoreMissing(err)
		}
		return nil
	})
	return n, err
}

// makeSpecial makes a folder here and on the server. One that is here already, since the server did not take it, is sent again.
func (s *Syncer) makeSpecial(ctx context.Context, l *link, parent replica.Num, display string, which replica.Special, anew bool) (*replica.Node, error) {
	var j job
	err := s.rep.Update(func(u *replica.Update) error {
		var err error
		if j.n, err = u.BySpecial(which); errors.Is(err, replica.ErrNotFound) {
			j.n, err = s.insertSpecial(u, parent, display, which)
		}
		if err != nil {
			return err
		}
		if j.c, err = s.reopen(u, j.n.Num, replica.ChangeFolderCreate, anew); err != nil || j.c == nil {
			return err
		}
		j.folder, err = u.Node(j.c.Folder)
		return err
	})
	if err != nil || j.c == nil {
		return nil, err
	}
	if err := s.sendFolders(ctx, l, []job{j}); err != nil {
		return nil, err
	}
	var made *replica.Node
	err = s.rep.View(func(v *replica.View) (err error) {
		made, err = v.Node(j.n.Num)
		return ignoreMissing(err)
	})
	if err != nil || made == nil || !onServer(made) {
		return nil, err
	}
	return made, nil
}

// insertSpecial adds a special folder, with a queued upload.
func (s *Syncer) insertSpecial(u *replica.Update, parent replica.Num, display string, which replica.Special) (*replica.Node, error) {
	now := s.cfg.Now()
	n := &replica.Node{Parent: parent, Kind: replica.KindFolder, Mtime: now, Ctime: now, Btime: now, Atime: now,
		Folder: &replica.FolderInfo{DisplayName: display, Class: defaultClass, Special: which}}
	n.Name = s.freeName(&u.View, parent, display, mapi.SourceKey(display))
	num, err := u.Insert(n)
	if err != nil {
		return nil, err
	}
	if _, err := u.Enqueue(&replica.Change{Kind: replica.ChangeFolderCreate, Item: num, At: now, Folder: parent}); err != nil {
		return nil, err
	}
	return u.Node(num)
}

// reopen returns the first change of an item, if it is of a kind and to be sent; anew takes back that it was refused.
func (s *Syncer) reopen(u *replica.Update, item replica.Num, kind replica.ChangeKind, anew bool) (*replica.Change, error) {
	changes, err := u.ChangesOf(item)
	if err != nil || len(changes) == 0 || changes[0].Kind != kind {
		return nil, err
	}
	c := changes[0]
	switch {
	case c.Error == nil:
		return c, nil
	case !anew:
		return nil, nil
	}
	c.Error = nil
	if err := u.SaveChange(c); err != nil {
		return nil, err
	}
	return c, s.showError(u, item, nil)
}

// enterSpecial writes the entry ids of Conflicts and Sync Issues to the Inbox and the
// Root folder, beside those that are there.
func (l *link) enterSpecial(ctx context.Context, conflicts, issues mapi.SourceKey) error {
	l.mu.Lock()
	maps.DeleteFunc(l.special, func(_ mapi.SourceKey, s replica.Special) bool {
		return s == replica.SpecialConflicts || s == replica.SpecialSyncIssues
	})
	l.special[conflicts], l.special[issues] = replica.SpecialConflicts, replica.SpecialSyncIssues
	l.mu.Unlock()
	columns := []mapi.PropertyTag{mapi.PidTagAdditionalRenEntryIds}
	for _, fid := range []mapi.FID{l.inboxFID, l.rootFID} {
		b := l.batch()
		f, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
		a := b.do(f, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: columns})
		if err := b.run(ctx); err != nil {
			return err
		}
		var list [][]byte
		if row, err := a.row(columns); err == nil {
			list, _ = row.Get(mapi.PidTagAdditionalRenEntryIds).([][]byte)
		}
		list = append([][]byte(nil), list...)
		for len(list) < 5 {
			list = append(list, []byte{})
		}
		list[0] = folderEntryID(l.mailbox, conflicts)
		list[1] = folderEntryID(l.mailbox, issues)
		set := b.do(f, &rop.SetPropertiesRequest{PropertyValues: []mapi.Property{{Tag: mapi.PidTagAdditionalRenEntryIds, Value: list}}})
		b.release(f)
		if err := b.run(ctx); err != nil {
			return err
		}
		if err := set.err(); err != nil {
			l.s.cfg.Logf("special folders: %v", err)
		}
	}
	return nil
}
