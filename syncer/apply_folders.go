package syncer

import (
	"errors"
	"slices"
	"time"

	"mailfs/conflict"
	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/mime"
	"mailfs/replica"
)

const (
	rightCreate = 0x00000002 // frightsCreate of PidTagRights ([MS-OXCPERM] 2.2.7)

	// configurationClass marks folders that hold settings, not mail.
	configurationClass = "IPF.Configuration"
)

// folderArrival is a folder as a hierarchy download brought it.
type folderArrival struct {
	mapi.Folder
	id mapi.LongTermID
	cn mapi.LongTermID
}

// applyHierarchy stores what a hierarchy download brought, with its state. Folders
// whose parents did not come are left out of the state, so that the server sends
// them again.
func (s *Syncer) applyHierarchy(arrived []folderArrival, gone idset.IDSet, special map[mapi.SourceKey]replica.Special, cp *replica.Checkpoint) error {
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		orphans, err := s.applyFolders(u, arrived)
		if err != nil {
			return err
		}
		if err := markSpecial(u, special); err != nil {
			return err
		}
		was, err := u.Checkpoint(replica.ScopeHierarchy)
		if err != nil {
			return err
		}
		for _, f := range orphans {
			cp.Given.Remove(f.id)
			cp.Seen.Remove(f.cn)
			if f.cn.GUID.IsZero() {
				cp.Seen = was.Seen // servers need not tell the number: then everything new comes again
			}
		}
		if err := s.removeFolders(u, gone, was.Hints); err != nil {
			return err
		}
		return u.SetCheckpoint(replica.ScopeHierarchy, cp)
	})
}

// applyFolders stores folders whose parents are there, round after round, since
// nothing promises their order. It returns those that stay without a parent, or
// that are on their way from here.
func (s *Syncer) applyFolders(u *replica.Update, todo []folderArrival) ([]folderArrival, error) {
	mine, err := keysUnderWay(&u.View)
	if err != nil {
		return nil, err
	}
	for len(todo) > 0 {
		var parked []folderArrival
		for i := range todo {
			if mine[todo[i].SourceKey] {
				parked = append(parked, todo[i])
				continue
			}
			done, err := s.applyFolder(u, &todo[i])
			if err != nil {
				return nil, err
			}
			if !done {
				parked = append(parked, todo[i])
			}
		}
		if len(parked) == len(todo) {
			return parked, nil
		}
		todo = parked
	}
	return nil, nil
}

// applyFolder stores one folder; false says that its parent is missing or below it.
func (s *Syncer) applyFolder(u *replica.Update, f *folderArrival) (bool, error) {
	parent := replica.RootNum
	if f.ParentSourceKey != "" {
		p, err := u.BySourceKey(f.ParentSourceKey)
		if errors.Is(err, replica.ErrNotFound) || err == nil && (p.Folder == nil || p.Parent == 0 && p.Num != replica.RootNum) {
			return false, nil // also when a message has its id, until the folder itself arrives
		}
		if err != nil {
			return false, err
		}
		parent = p.Num
	}
	n, err := u.BySourceKey(f.SourceKey)
	if errors.Is(err, replica.ErrNotFound) {
		return true, s.insertFolder(u, parent, f)
	}
	if err != nil {
		return true, err
	}
	if n.Folder == nil {
		return true, s.insertOverMessage(u, n, parent, f)
	}
	if n.Num == replica.RootNum {
		return true, nil
	}
	below, err := isBelow(&u.View, parent, n.Num)
	if err != nil {
		return false, err
	}
	if stays, err := s.folderOutlives(u, n, f, below); err != nil || stays {
		return true, err
	}
	if below {
		return false, nil
	}
	return true, s.updateFolder(u, n, parent, f)
}

// markSpecial notes which folders the server says are special. A folder that was taken for one of them till now is an
// ordinary one from then on: two clients may have made the same one.
func markSpecial(u *replica.Update, special map[mapi.SourceKey]replica.Special) error {
	for key, role := range special {
		n, err := u.BySourceKey(key)
		if errors.Is(err, replica.ErrNotFound) || err == nil && (n.Folder == nil || n.Folder.Special == role || n.Num == replica.RootNum) {
			continue
		}
		if err != nil {
			return err
		}
		was, err := u.BySpecial(role)
		if err == nil && was.Num != n.Num {
			was.Folder.Special = replica.SpecialNone
			err = u.Save(was)
		}
		if ignoreMissing(err) != nil {
			return err
		}
		n.Folder.Special = role
		if err := u.Save(n); err != nil {
			return err
		}
	}
	return nil
}

// isBelow reports whether n is dir or lies somewhere in it.
func isBelow(v *replica.View, n, dir replica.Num) (bool, error) {
	for n != replica.RootNum && n != 0 {
		if n == dir {
			return true, nil
		}
		node, err := v.Node(n)
		if err != nil {
			return false, err
		}
		n = node.Parent
	}
	return false, nil
}

func (s *Syncer) insertFolder(u *replica.Update, parent replica.Num, f *folderArrival) error {
	n := &replica.Node{Parent: parent, Kind: replica.KindFolder, Folder: &replica.FolderInfo{}}
	n.Name = s.freeName(&u.View, parent, names.Folder(f.DisplayName, f.SourceKey), f.SourceKey)
	describeFolder(n, f)
	_, err := u.Insert(n)
	return err
}

func describeFolder(n *replica.Node, f *folderArrival) {
	i := n.Folder
	i.SourceKey, i.ChangeKey, i.PCL = f.SourceKey, f.ChangeKey, f.PCL
	i.DisplayName = f.DisplayName
	i.Class = f.Properties.String(mapi.PidTagContainerClass)
	i.Hidden = f.Properties.Bool(mapi.PidTagAttributeHidden) || i.Class == configurationClass
	i.ReadOnly = f.Properties.Has(mapi.PidTagRights) && f.Properties.Int(mapi.PidTagRights)&rightCreate == 0
	i.Unread = int(f.Properties.Int(mapi.PidTagContentUnreadCount))
	i.Properties = f.Properties
	n.Mtime, n.Ctime = f.LastModified.Time(), f.LastModified.Time()
	n.Btime = n.Mtime
	if t := f.Properties.Time(mapi.PidTagCreationTime); believable(t) {
		n.Btime = t.Time()
	}
	if n.Atime.IsZero() {
		n.Atime = n.Mtime
	}
}

// updateFolder applies a change of a folder that is here.
func (s *Syncer) updateFolder(u *replica.Update, n *replica.Node, parent replica.Num, f *folderArrival) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	kind, err := rebuilding(&u.View)
	if err != nil {
		return err
	}
	mine := n.Folder.ChangeKey == f.ChangeKey && n.Folder.PCL.Includes(f.PCL) &&
		(kind != rebuildServer || n.Folder.DisplayName == f.DisplayName) // else its id and its keys are another folder's now
	keep := false
	for _, c := range changes {
		k, err := s.meetFolderChange(u, n, c, f, mine)
		if err != nil {
			return err
		}
		keep = keep || k
	}
	display := n.Folder.DisplayName
	if keep && n.Parent == 0 {
		if err := s.putBackRenamed(u, n); err != nil {
			return err
		}
	}
	describeFolder(n, f)
	if n.Parent == 0 && !keep {
		if err := u.Attach(n.Num, parent, s.freeName(&u.View, parent, names.Folder(f.DisplayName, f.SourceKey), f.SourceKey)); err != nil {
			return err
		}
	} else if n.Parent != 0 && !keep && (n.Parent != parent || display != f.DisplayName) {
		if err := s.placeFolder(u, n, parent, f); err != nil {
			return err
		}
	}
	now, err := u.Node(n.Num)
	if err != nil {
		return err
	}
	n.Parent, n.Name = now.Parent, now.Name
	if keep {
		n.Folder.DisplayName = display
	}
	if err := u.SetKeys(n.Num, f.SourceKey, f.ChangeKey, f.PCL); err != nil {
		return err
	}
	return u.Save(n)
}

// putBackRenamed puts a folder back whose queued deletion is void while its queued name or
// place stands.
func (s *Syncer) putBackRenamed(u *replica.Update, n *replica.Node) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	place := replica.Num(0)
	for _, c := range changes {
		switch c.Kind {
		case replica.ChangeFolderDelete:
			return nil // still to be carried out
		case replica.ChangeFolderUpdate, replica.ChangeFolderCreate:
			place = c.Folder
		}
	}
	p, err := u.Node(place)
	if errors.Is(err, replica.ErrNotFound) || err == nil && p.Parent == 0 && place != replica.RootNum {
		place, err = replica.RootNum, nil
	}
	if err != nil {
		return err
	}
	return u.Attach(n.Num, place, s.freeName(&u.View, place, n.Name, n.Folder.SourceKey))
}

// meetFolderChange decides between a queued change of a folder and the one that
// arrived; true keeps the local name and place.
func (s *Syncer) meetFolderChange(u *replica.Update, n *replica.Node, c *replica.Change, f *folderArrival, mine bool) (bool, error) {
	switch c.Kind {
	case replica.ChangeFolderDelete:
		if mine {
			return true, nil
		}
		return false, u.DropChange(c.Seq) // a change there outweighs the deletion here
	case replica.ChangeFolderUpdate, replica.ChangeFolderCreate:
	default:
		return false, nil
	}
	if mine || c.Kind == replica.ChangeFolderCreate {
		return true, nil
	}
	out := conflict.Resolve(conflict.Case{
		Object: conflict.Folder,
		Local:  conflict.Version{PCL: c.Base.PCL, Modified: mapi.NewFileTime(c.At), Unnamed: true},
		Remote: conflict.Version{PCL: f.PCL, ChangeKey: f.ChangeKey, Modified: f.LastModified},
	})
	if out.Action != conflict.KeepLocal {
		return false, u.DropChange(c.Seq)
	}
	c.Base.ChangeKey, c.Base.PCL, c.Fixed = f.ChangeKey, out.PCL, false
	return true, u.SaveChange(c)
}

// placeFolder gives a folder the place and name that it has on the server.
func (s *Syncer) placeFolder(u *replica.Update, n *replica.Node, parent replica.Num, f *folderArrival) error {
	name := names.Folder(f.DisplayName, f.SourceKey)
	if n.Parent == parent && names.Fold(n.Name) == names.Fold(name) {
		// its own name is in the way: only the case changes
		if n.Name == name {
			return nil
		}
		return u.Move(n.Num, parent, name)
	}
	return u.Move(n.Num, parent, s.freeName(&u.View, parent, name, f.SourceKey))
}

// justMade is how long after it was made an empty file is taken for one that is being
// written.
const justMade = 10 * time.Minute

// removeFolders carries out deletions of folders on the server, the inner ones first.
// uploads names the messages that went up since the last download of the hierarchy.
func (s *Syncer) removeFolders(u *replica.Update, gone idset.IDSet, uploads map[string]int64) error {
	var list []*replica.Node
	depth := map[replica.Num]int{}
	for n, err := range u.Within(gone) {
		if err != nil {
			return err
		}
		if n.Folder == nil || n.Num == replica.RootNum {
			continue
		}
		list = append(list, n)
		for at := n; at.Parent != 0; depth[n.Num]++ {
			if at, err = u.Node(at.Parent); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *replica.Node) int { return depth[b.Num] - depth[a.Num] })
	for _, n := range list {
		n, err := u.Node(n.Num)
		if errors.Is(err, replica.ErrNotFound) {
			continue // it went with another one
		}
		if err != nil {
			return err
		}
		if err := s.removeFolder(u, n, uploads); err != nil {
			return err
		}
	}
	return nil
}

// removeFolder removes a folder and what is in it. Local files go to the attic;
// what was written here and is not on the server makes the folder come back.
func (s *Syncer) removeFolder(u *replica.Update, n *replica.Node, uploads map[string]int64) error {
	var children []*replica.Node
	for c, err := range u.Children(n.Num, "") {
		if err != nil {
			return err
		}
		children = append(children, c)
	}
	for _, c := range children {
		if err := s.removeChild(u, c, uploads); err != nil {
			return err
		}
	}
	if err := s.removeAbsent(u, n); err != nil {
		return err
	}
	if err := u.DropCheckpoint(replica.ContentsScope(n.Folder.SourceKey)); err != nil {
		return err
	}
	left, _, err := u.CountChildren(n.Num)
	if err != nil {
		return err
	}
	if left > 0 {
		return s.resurrectFolder(u, n)
	}
	return u.Remove(n.Num)
}

// removeAbsent handles what went with a folder, or was to go into it, and is not in it
// here: what was deleted here is gone, and what was moved out stays as a new message.
func (s *Syncer) removeAbsent(u *replica.Update, dir *replica.Node) error {
	var absent []*replica.Node
	for n, err := range u.Messages(dir.Num) {
		if err != nil {
			return err
		}
		if n.Parent != dir.Num {
			absent = append(absent, n)
		}
	}
	for _, n := range absent {
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		// A move that was on its way may have been in time: then the message comes from where it is now.
		if n.Parent != 0 && n.Message.State == replica.StateFull && (!moveUnderWay(changes) || pendingOf(changes).content) {
			err = s.resurrect(u, n, changes)
		} else {
			err = u.Remove(n.Num)
		}
		if err != nil {
			return err
		}
	}
	return s.voidMoves(u, dir.Num)
}

// voidMoves drops the moves into a folder of messages that were deleted since: the
// deletions go up from where the messages are.
func (s *Syncer) voidMoves(u *replica.Update, dir replica.Num) error {
	var void []*replica.Change
	for c, err := range u.Changes(0) {
		if err != nil {
			return err
		}
		if c.Kind == replica.ChangeMove && c.Folder == dir {
			void = append(void, c)
		}
	}
	for _, c := range void {
		n, err := u.Node(c.Item)
		if errors.Is(err, replica.ErrNotFound) || err == nil && n.Parent != 0 {
			continue
		}
		if err != nil {
			return err
		}
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		for _, later := range changes {
			if later.Kind != replica.ChangeDelete || later.From != dir {
				continue
			}
			later.From, later.Folder = c.From, c.From
			if err := u.SaveChange(later); err != nil {
				return err
			}
		}
		if err := u.DropChange(c.Seq); err != nil {
			return err
		}
	}
	return nil
}

func (s *Syncer) removeChild(u *replica.Update, c *replica.Node, uploads map[string]int64) error {
	switch c.Kind {
	case replica.KindFolder:
		changes, err := u.ChangesOf(c.Num)
		if err != nil {
			return err
		}
		for _, ch := range changes {
			if ch.Kind == replica.ChangeFolderCreate || ch.Kind == replica.ChangeFolderUpdate {
				return nil // new here, or moved in: it keeps its parent alive
			}
		}
		return s.removeFolder(u, c, uploads)
	case replica.KindMessage:
		changes, err := u.ChangesOf(c.Num)
		if err != nil {
			return err
		}
		for _, ch := range changes {
			if ch.Kind == replica.ChangeMove {
				// moved in here, and the folder is gone: the message may still be where it
				// was, though the move was on its way already; the upload finds out
				return nil
			}
		}
		if uploads[uploadHint(c.Num)] != 0 && c.Message.State == replica.StateFull {
			return s.resurrect(u, c, changes)
		}
		return s.removeMessage(u, c)
	case replica.KindFile:
		if becomesItem(&u.View, c) && (c.Size > 0 || s.cfg.Now().Sub(c.Ctime) < justMade) {
			return nil // about to be a message, which keeps its folder alive
		}
	}
	return s.toAttic(u, c)
}

// becomesItem reports whether a local file has a name that makes it an item of its folder.
func becomesItem(v *replica.View, c *replica.Node) bool {
	ext := names.ItemExt(c.Name)
	if ext == "" || ext == mime.ExtMessage {
		return ext != ""
	}
	dir, err := v.Node(c.Parent)
	return err == nil && dir.Folder != nil && names.FolderExt(dir.Folder.Class) == ext
}

// resurrectFolder makes a folder that is gone on the server a new one.
func (s *Syncer) resurrectFolder(u *replica.Update, n *replica.Node) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	for _, c := range changes {
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

// toAttic moves local files of a folder that is gone to where local files without a
// home are kept.
func (s *Syncer) toAttic(u *replica.Update, c *replica.Node) error {
	dir, err := s.attic(u)
	if err != nil {
		return err
	}
	return u.Move(c.Num, dir, s.freeName(&u.View, dir, c.Name, mapi.SourceKey(c.Name)))
}

// atticName is the local directory at the root that takes in the local files of folders
// that are gone. It starts with a dot, so it never goes to the server.
const atticName = ".mailfs-local"

// attic returns that directory, made when it is needed.
func (s *Syncer) attic(u *replica.Update) (replica.Num, error) {
	n, err := u.Lookup(replica.RootNum, atticName)
	if err == nil {
		return n.Num, nil
	}
	if !errors.Is(err, replica.ErrNotFound) {
		return 0, err
	}
	now := s.cfg.Now()
	return u.Insert(&replica.Node{Parent: replica.RootNum, Name: atticName, Kind: replica.KindDir, Mtime: now, Ctime: now, Atime: now, Btime: now})
}
