package fs

import (
	"context"
	"errors"
	"syscall"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/replica"
)

// writableDir returns a directory in which names may change.
func (t *tree) writableDir(v *replica.View, id nodeID) (*replica.Node, error) {
	if t.opt.ReadOnly {
		return nil, syscall.EROFS
	}
	n, err := t.dirOf(v, id)
	if err == nil && n.Folder != nil && n.Folder.ReadOnly {
		return nil, syscall.EACCES
	}
	return n, err
}

// newNode makes a local node with the present time.
func (t *tree) newNode(parent replica.Num, name string, kind replica.Kind, mode uint32) *replica.Node {
	now := t.clock.Now()
	return &replica.Node{Parent: parent, Name: name, Kind: kind, Mode: mode & 0o7777, Exact: true,
		Mtime: now, Ctime: now, Btime: now, Atime: now}
}

// createFile makes a file and opens it. It is local until it is closed with the bytes of a message in it.
func (t *tree) createFile(ctx context.Context, parent nodeID, name string, flags, mode, pid uint32) (entry, *handle, error) {
	e, err := t.mknod(parent, name, mode)
	if errors.Is(err, replica.ErrExists) && flags&syscall.O_EXCL == 0 {
		e, err = t.lookup(parent, name) // it came just now
	}
	if err != nil {
		return entry{}, nil, err
	}
	h, err := t.open(ctx, e.id, flags&^uint32(syscall.O_CREAT|syscall.O_EXCL), pid)
	if err == nil && flags&syscall.O_TRUNC != 0 {
		// To empty it has set its times, which the kernel keeps from this answer on.
		if now, err := t.lookup(parent, name); err == nil && now.id == e.id {
			e = now
		}
	}
	return e, h, err
}

// mknod makes an empty regular file.
func (t *tree) mknod(parent nodeID, name string, mode uint32) (entry, error) {
	t.ns.Lock()
	defer t.ns.Unlock()
	var n *replica.Node
	err := t.r.Update(func(u *replica.Update) error {
		dir, err := t.writableDir(&u.View, parent)
		if err != nil {
			return err
		}
		if err := checkName(dir.Num, name); err != nil {
			return err
		}
		message := nameForm(dir, name).item()
		if message && t.noMailIn(dir) {
			return syscall.EPERM
		}
		n = t.newNode(dir.Num, name, replica.KindFile, mode)
		if message {
			n.Mode = 0 // it will have the mode that messages have
		}
		if _, err := u.Insert(n); err != nil {
			return err
		}
		if names.ItemExt(name) != "" {
			if err := t.takeSlot(u, n); err != nil {
				return err
			}
		}
		return t.saveMarked(u, n)
	})
	if err != nil {
		return entry{}, err
	}
	t.noteMade(n.Num)
	t.touchDirs(n.Parent)
	return t.entryOf(n, false), nil
}

// noMailIn reports whether no message may come into a folder.
func (t *tree) noMailIn(dir *replica.Node) bool {
	return dir.Folder.Special == replica.SpecialOutbox || dir.Num == replica.RootNum && t.opt.NoRootMail
}

// noteMade remembers at which point of the remote changes a file was made, for a save by rename.
func (t *tree) noteMade(num replica.Num) {
	const limit = 1 << 16
	epoch := t.epoch.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.made) >= limit {
		clear(t.made)
	}
	t.made[num] = epoch
}

// symlink makes a symbolic link. Links are local, whatever their name.
func (t *tree) symlink(parent nodeID, name, target string) (entry, error) {
	t.ns.Lock()
	defer t.ns.Unlock()
	var n *replica.Node
	err := t.r.Update(func(u *replica.Update) error {
		dir, err := t.writableDir(&u.View, parent)
		if err != nil {
			return err
		}
		if err := checkName(dir.Num, name); err != nil {
			return err
		}
		n = t.newNode(dir.Num, name, replica.KindSymlink, linkMode)
		n.Target = target
		_, err = u.Insert(n)
		return err
	})
	if err != nil {
		return entry{}, err
	}
	t.touchDirs(n.Parent)
	return t.entryOf(n, false), nil
}

// mkdir makes a folder or, with a hidden name or inside a local directory, a local directory.
func (t *tree) mkdir(parent nodeID, name string, mode uint32) (entry, error) {
	t.ns.Lock()
	defer t.ns.Unlock()
	var n *replica.Node
	err := t.r.Update(func(u *replica.Update) error {
		dir, err := t.writableDir(&u.View, parent)
		if err != nil {
			return err
		}
		if err := checkName(dir.Num, name); err != nil {
			return err
		}
		if dir.Kind == replica.KindDir || names.IsOverlayName(name) {
			n = t.newNode(dir.Num, name, replica.KindDir, mode)
			_, err = u.Insert(n)
			return err
		}
		n = t.newNode(dir.Num, name, replica.KindFolder, 0)
		n.Folder = newFolder(name, dir)
		if _, err := u.Insert(n); err != nil {
			return err
		}
		return t.enqueueFolder(u, n, replica.ChangeFolderCreate)
	})
	if err != nil {
		return entry{}, err
	}
	t.touchDirs(n.Parent)
	return t.entryOf(n, false), nil
}

// newFolder describes a folder that is made here: within a calendar, contacts or tasks it is one of these, too.
func newFolder(name string, parent *replica.Node) *replica.FolderInfo {
	info := &replica.FolderInfo{DisplayName: names.FolderDecode(name), Class: "IPF.Note"}
	if parent.Folder != nil && names.FolderExt(parent.Folder.Class) != "" {
		info.Class = parent.Folder.Class
	}
	return info
}

// ready is when a change that was made now may be sent: after the idle window.
func (t *tree) ready() time.Time { return t.clock.Now().Add(t.opt.IdleWindow) }

func (t *tree) enqueueFolder(u *replica.Update, n *replica.Node, kind replica.ChangeKind) error {
	_, err := u.Enqueue(&replica.Change{Kind: kind, Item: n.Num, At: t.clock.Now(), Ready: t.ready(),
		Base:   replica.Base{Version: n.Version, ChangeKey: n.Folder.ChangeKey, PCL: n.Folder.PCL},
		Folder: n.Parent, From: n.Parent})
	return err
}

// enqueueDelete takes a message out of the tree, if it is in it, and queues its deletion. A message that the server
// has never heard of is gone at once.
func (t *tree) enqueueDelete(u *replica.Update, n *replica.Node, from replica.Num) error {
	hard, err := t.withinDeleted(&u.View, from)
	if err != nil {
		return err
	}
	seq, err := u.Enqueue(&replica.Change{Kind: replica.ChangeDelete, Item: n.Num, At: t.clock.Now(), Ready: t.ready(),
		Base: baseOf(n), Folder: from, From: from, Hard: hard || t.opt.HardDelete})
	if err != nil || seq == 0 || n.Parent == 0 {
		return err
	}
	return u.Detach(n.Num)
}

// withinDeleted reports whether a folder is Deleted Items or below it: what is unlinked there goes for good.
func (t *tree) withinDeleted(v *replica.View, num replica.Num) (bool, error) {
	for num != 0 {
		n, err := v.Node(num)
		if errors.Is(err, replica.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if n.Folder != nil && n.Folder.Special == replica.SpecialDeletedItems {
			return true, nil
		}
		num = n.Parent
	}
	return false, nil
}

func (t *tree) enqueueMove(u *replica.Update, n *replica.Node, from replica.Num) error {
	_, err := u.Enqueue(&replica.Change{Kind: replica.ChangeMove, Item: n.Num, At: t.clock.Now(), Ready: t.ready(),
		Base: baseOf(n), Folder: n.Parent, From: from})
	return err
}

// unlink removes a name that is not a directory's.
func (t *tree) unlink(parent nodeID, name string) error {
	t.ns.Lock()
	defer t.ns.Unlock()
	if err := t.keepStray(parent, name); err != nil {
		return err
	}
	if err := t.keepSaved(parent, name); err != nil {
		return err
	}
	var n *replica.Node
	err := t.r.Update(func(u *replica.Update) (err error) {
		if n, err = t.removable(u, parent, name); err != nil {
			return err
		}
		if isDir(n) {
			return syscall.EISDIR
		}
		return t.drop(u, n)
	})
	if err != nil {
		return err
	}
	t.dropped(n)
	t.touchDirs(n.Parent)
	return nil
}

// removable returns what a name that is to be removed leads to.
func (t *tree) removable(u *replica.Update, parent nodeID, name string) (*replica.Node, error) {
	dir, err := t.writableDir(&u.View, parent)
	if err != nil {
		return nil, err
	}
	if reserved(dir.Num, name) {
		return nil, syscall.EPERM
	}
	return u.Lookup(dir.Num, name)
}

// drop takes a node that is not a directory out of the tree, because it was unlinked or something took its name.
func (t *tree) drop(u *replica.Update, n *replica.Node) error {
	if n.Kind != replica.KindMessage {
		if err := t.releaseClaim(u, n); err != nil {
			return err
		}
		if err := t.mark(u, n.Num, false); err != nil {
			return err
		}
		return u.Remove(n.Num)
	}
	if err := u.DropWorkingCopy(n.Num); err != nil && !errors.Is(err, replica.ErrNotFound) {
		return err
	}
	claimed, err := t.claimed(u, n)
	if err != nil {
		return err
	}
	if claimed {
		return u.Detach(n.Num)
	}
	return t.enqueueDelete(u, n, n.Parent)
}

// claimed reports whether a file has taken the place of a message that is about to go, or takes it now: one that
// was made under the name that the message had until a moment ago.
func (t *tree) claimed(u *replica.Update, n *replica.Node) (bool, error) {
	list, err := marked(&u.View)
	if err != nil {
		return false, err
	}
	for _, num := range list {
		heir, err := u.Node(num)
		if errors.Is(err, replica.ErrNotFound) {
			continue // it went with its folder
		}
		if err != nil {
			return false, err
		}
		if c, ok := claimOf(heir); ok && c.Item == n.Num {
			return true, nil
		}
	}
	for key, s := range t.slots {
		if s.message != n.Num || !t.clock.Now().Before(s.until) {
			continue
		}
		heir, err := u.Lookup(key.parent, key.name)
		if errors.Is(err, replica.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		if heir.Kind != replica.KindFile || heir.Num == n.Num || len(heir.Xattrs[xattrClaim]) > 0 {
			continue
		}
		held, err := t.holdDeletion(u, n.Num)
		if err != nil || !held {
			return false, err
		}
		setClaim(heir, newClaim(n.Num, key.parent, s.base))
		delete(t.slots, key)
		return true, t.saveMarked(u, heir)
	}
	return false, nil
}

// dropped tells open files and tables that a node is gone. ns is held, no transaction is open.
func (t *tree) dropped(n *replica.Node) {
	if old := t.pending[n.Num]; old != nil {
		old.Stop()
		delete(t.pending, n.Num)
	}
	t.forgetCopy(n.Num)
	t.bury(n)
	switch c, ok := claimOf(n); {
	case n.Kind == replica.KindMessage:
		t.remember(n.Parent, n.Name, n)
	case ok && t.opt.IdleWindow > 0:
		t.forgetSlots(c.Item)
		t.slots[slotKey{n.Parent, n.Name}] = slot{message: c.Item, base: c.base(), until: t.ready()}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	open := false
	for _, f := range t.files {
		if f.num == n.Num {
			f.unlinked.Store(true)
			open = true
		}
	}
	if open && n.Kind == replica.KindMessage {
		t.bumps[n.Num]++ // should it come back, by another id than that of the files without a name
	}
}

// bury remembers a local file or a directory that was removed. A program whose look-up of the name came before the
// removal may open the file a moment later, and gets one without a name; one that has the directory open, or works in
// it, can still ask what it is: as on any file system.
func (t *tree) bury(n *replica.Node) {
	if n.Kind != replica.KindFile && !isDir(n) {
		return
	}
	const limit = 256
	gone := *n
	gone.Parent = 0
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.buried) >= limit {
		clear(t.buried)
	}
	t.buried[n.Num] = &gone
}

// unburied returns the removed local file or directory of an id, nil if there is none.
func (t *tree) unburied(id nodeID) *replica.Node {
	t.mu.RLock()
	n := t.buried[id.num()]
	t.mu.RUnlock()
	if n == nil || t.idOf(n) != id {
		return nil
	}
	return n
}

// rmdir removes a folder or local directory. Hidden local files do not keep a folder from being removed: they go
// with it.
func (t *tree) rmdir(parent nodeID, name string) error {
	t.ns.Lock()
	defer t.ns.Unlock()
	var n *replica.Node
	err := t.r.Update(func(u *replica.Update) (err error) {
		if n, err = t.removable(u, parent, name); err != nil {
			return err
		}
		if !isDir(n) {
			return syscall.ENOTDIR
		}
		return t.dropDir(u, n)
	})
	if err != nil {
		return err
	}
	t.bury(n)
	t.touchDirs(n.Parent)
	return nil
}

// dropDir takes an empty directory out of the tree.
func (t *tree) dropDir(u *replica.Update, n *replica.Node) error {
	if n.Kind == replica.KindDir {
		return u.Remove(n.Num) // ErrNotEmpty
	}
	if n.Folder.Special != replica.SpecialNone {
		return syscall.EPERM
	}
	var leftovers []*replica.Node
	for c, err := range u.Children(n.Num, "") {
		if err != nil {
			return err
		}
		local := c.Kind == replica.KindFile || c.Kind == replica.KindSymlink
		if !local || !names.IsOverlayName(c.Name) {
			return syscall.ENOTEMPTY
		}
		leftovers = append(leftovers, c)
	}
	for _, c := range leftovers {
		if err := u.Remove(c.Num); err != nil {
			return err
		}
	}
	seq, err := u.Enqueue(&replica.Change{Kind: replica.ChangeFolderDelete, Item: n.Num, At: t.clock.Now(), Ready: t.ready(),
		Base:   replica.Base{Version: n.Version, ChangeKey: n.Folder.ChangeKey, PCL: n.Folder.PCL},
		Folder: n.Parent, From: n.Parent})
	if err != nil || seq == 0 {
		return err
	}
	return u.Detach(n.Num)
}

// seen returns the version of a message that was read last, now, which it shows, if nobody has read it.
func (t *tree) seen(n *replica.Node, now replica.Base) replica.Base {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if seen, ok := t.opened[n.Num]; ok && seen.Version < now.Version {
		return seen
	}
	return now
}

// baseAt returns the version that a save by rename builds on: the one that was read last or, if somebody else's came
// after the new file was made, an older one than that.
func (t *tree) baseAt(v *replica.View, old *replica.Node, temp replica.Num) (replica.Base, error) {
	now, err := shownBase(v, old)
	if err != nil {
		return now, err
	}
	if seen := t.seen(old, now); seen.Version < now.Version {
		return seen, nil
	}
	t.mu.RLock()
	made, ok := t.made[temp]
	newer := t.remote[old.Num] > made
	t.mu.RUnlock()
	if !ok {
		newer, err = newerThan(v, old, temp)
	}
	if err != nil || !newer {
		return now, err
	}
	// Older than what is there, by how much no one knows: a version that builds on nothing that the server has.
	return replica.Base{Version: now.Version - 1, ChangeKey: mapi.ChangeKey(""), PCL: nil}, nil
}

// clockSlack is by how much the clocks of servers may be wrong.
const clockSlack = 5 * time.Minute

// newerThan reports whether somebody else's version of a message may have come after a file was made, for a file from
// before the mount: there clocks have to do.
func newerThan(v *replica.View, old *replica.Node, temp replica.Num) (bool, error) {
	n, err := v.Node(temp)
	if err != nil || old.Message == nil {
		return false, err
	}
	list, err := v.ChangesOf(old.Num)
	if err != nil {
		return false, err
	}
	for _, c := range list {
		if c.Kind == replica.ChangeEdit || c.Kind == replica.ChangeCreate {
			return false, nil // made here, and not sent yet
		}
	}
	id, err := v.Identity()
	if err != nil && !errors.Is(err, replica.ErrNotFound) {
		return false, err
	}
	if x, bad := old.Message.ChangeKey.XID(); err == nil && bad == nil && x.Namespace == id.Namespace {
		return false, nil // made here
	}
	return old.Message.Modified.Time().Add(clockSlack).After(n.Btime), nil
}
