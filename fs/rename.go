package fs

import (
	"errors"
	"io"
	"syscall"

	"mailfs/internal/names"
	"mailfs/replica"
)

// The flags of renameat2(2).
const (
	renameNoReplace = 1
	renameExchange  = 2
)

// rename moves a node to another name, replacing what has that name, or with renameExchange swaps two.
func (t *tree) rename(oldDir nodeID, oldName string, newDir nodeID, newName string, flags uint32) error {
	if flags&^(renameNoReplace|renameExchange) != 0 || flags == renameNoReplace|renameExchange {
		return syscall.EINVAL
	}
	t.ns.Lock()
	defer t.ns.Unlock()
	if err := t.commitBeforeMove(oldDir, oldName, newName); err != nil {
		return err
	}
	if err := t.keepStray(newDir, newName); err != nil {
		return err
	}
	written := t.writtenNow(oldName, newName)
	m := &move{t: t, flags: flags}
	err := t.r.Update(func(u *replica.Update) error {
		*m = move{t: t, flags: flags, written: written}
		if err := m.find(u, oldDir, oldName, newDir, newName); err != nil {
			return err
		}
		switch {
		case m.dst != nil && m.dst.Num == m.src.Num:
			return nil
		case flags&renameExchange != 0:
			return m.exchange(u)
		}
		return m.replace(u)
	})
	if err != nil {
		return err
	}
	m.after()
	t.touchDirs(m.from.Num, m.to.Num)
	return nil
}

// commitBeforeMove makes a change of what was saved under a name that is about to be moved away, without waiting for
// the window: whoever takes the name next builds on it.
func (t *tree) commitBeforeMove(dir nodeID, name, newName string) error {
	if t.opt.ReadOnly || dir.control() || names.ItemExt(newName) != "" {
		return nil
	}
	var n *replica.Node
	err := t.r.View(func(v *replica.View) (err error) {
		n, err = v.Lookup(dir.num(), name)
		return err
	})
	if errors.Is(err, replica.ErrNotFound) || err == nil && !regular(n) {
		return nil
	}
	if err != nil {
		return err
	}
	if t.unfinished(n.Num) {
		return nil
	}
	t.mu.RLock()
	w := t.copies[n.Num]
	t.mu.RUnlock()
	if w != nil && w.id != t.idOf(n) && w.closed && w.size > 0 && n.Kind == replica.KindMessage {
		return t.setAside(n, w) // saved to an older version: nobody has seen it under this name
	}
	return t.commitNow(n.Num)
}

// move is one rename under way.
type move struct {
	t        *tree
	flags    uint32
	from, to *replica.Node // directories
	src      *replica.Node // as it was
	dst      *replica.Node // as it was, nil if the name was free
	name     string
	written  map[writtenAs]bool // see writtenNow

	remember bool          // src left a slot
	gone     *replica.Node // dst, when the file that had the name is no more
	due      []replica.Num // files that may be messages now
	atOnce   []replica.Num // those that have to be at once
}

func (m *move) find(u *replica.Update, oldDir nodeID, oldName string, newDir nodeID, newName string) (err error) {
	if m.from, err = m.t.writableDir(&u.View, oldDir); err != nil {
		return err
	}
	if m.to, err = m.t.writableDir(&u.View, newDir); err != nil {
		return err
	}
	if reserved(m.from.Num, oldName) {
		return syscall.EPERM
	}
	if err := checkName(m.to.Num, newName); err != nil {
		return err
	}
	m.name = newName
	if m.src, err = u.Lookup(m.from.Num, oldName); err != nil {
		return err
	}
	m.dst, err = u.Lookup(m.to.Num, newName)
	if errors.Is(err, replica.ErrNotFound) {
		m.dst, err = nil, nil
		if m.flags&renameExchange != 0 {
			return syscall.ENOENT
		}
	}
	if err == nil && m.dst != nil && m.flags&renameNoReplace != 0 {
		return syscall.EEXIST
	}
	return err
}

// allowed checks whether a node may have a name in a directory.
func (m *move) allowed(n, dir *replica.Node, name string) error {
	sameDir := n.Parent == dir.Num
	switch n.Kind {
	case replica.KindMessage:
		if dir.Kind == replica.KindDir {
			return syscall.EXDEV
		}
		if !sameDir && m.t.noMailIn(dir) {
			return syscall.EPERM
		}
	case replica.KindFolder:
		if n.Folder.Special != replica.SpecialNone || n.Num == replica.RootNum {
			return syscall.EPERM
		}
		if dir.Kind == replica.KindDir {
			return syscall.EXDEV
		}
		if names.IsOverlayName(name) {
			return syscall.EPERM
		}
	case replica.KindFile:
		if dir.Folder != nil && nameForm(dir, name).item() && m.t.noMailIn(dir) && (!sameDir || dir.Num == replica.RootNum) {
			return syscall.EPERM
		}
	}
	return nil
}

// replace is rename without renameExchange.
func (m *move) replace(u *replica.Update) error {
	if err := m.allowed(m.src, m.to, m.name); err != nil {
		return err
	}
	if m.dst != nil {
		if err := m.clear(u); err != nil {
			return err
		}
	}
	if err := u.Move(m.src.Num, m.to.Num, m.name); err != nil {
		return err
	}
	return m.arrived(u, m.src, m.from.Num)
}

// clear frees the new name. A local file that takes the name of a message claims the message.
func (m *move) clear(u *replica.Update) error {
	src, dst := m.src, m.dst
	switch {
	case isDir(dst) && !isDir(src):
		return syscall.EISDIR
	case !isDir(dst) && isDir(src):
		return syscall.ENOTDIR
	case isDir(dst):
		return m.t.dropDir(u, dst)
	}
	m.gone = dst
	if src.Kind == replica.KindFile && dst.Kind == replica.KindMessage {
		if as := heirForm(m.to, m.name, dst); as.item() {
			return m.claim(u, as)
		}
	}
	heir := src.Kind == replica.KindFile && m.to.Kind == replica.KindFolder && names.ItemExt(m.name) != ""
	if c, ok := claimOf(dst); heir && ok && len(src.Xattrs[xattrClaim]) == 0 {
		// A second save before the first has become a change.
		now, err := u.Node(src.Num)
		if err != nil {
			return err
		}
		setClaim(now, c)
		if err := m.t.saveMarked(u, now); err != nil {
			return err
		}
		gone := *dst
		setLocal(&gone, xattrClaim, nil)
		m.gone = &gone
		if err := m.t.mark(u, dst.Num, false); err != nil {
			return err
		}
		return u.Remove(dst.Num)
	}
	return m.t.drop(u, dst)
}

// claim makes src the heir of the message dst. What can't be a message may not take the place of one.
func (m *move) claim(u *replica.Update, as form) error {
	now, err := u.Node(m.src.Num)
	if err != nil {
		return err
	}
	if !m.fit(as, now) {
		return syscall.EINVAL
	}
	if err := m.t.releaseClaim(u, now); err != nil {
		return err
	}
	base, err := m.t.baseAt(&u.View, m.dst, m.src.Num)
	if err != nil {
		return err
	}
	setClaim(now, newClaim(m.dst.Num, m.to.Num, base))
	if err := m.t.saveMarked(u, now); err != nil {
		return err
	}
	if err := u.DropWorkingCopy(m.dst.Num); err != nil && !errors.Is(err, replica.ErrNotFound) {
		return err
	}
	return u.Detach(m.dst.Num)
}

// fit reports whether a file may take the place of a message: it is an item of the form itself, or empty and may become
// one. What a program has written to it so far counts, also if that is not stored yet.
func (m *move) fit(as form, n *replica.Node) bool {
	if ok, written := m.written[writtenAs{n.Num, as.ext}]; written {
		return ok
	}
	return n.Size == 0 || m.t.checkStored(as, n) == nil
}

// writtenAs is a local file with bytes that are not stored yet, and an extension.
type writtenAs struct {
	num replica.Num
	ext string
}

// writtenNow tells of what is written and not stored yet whether it is fit to be an item under these names. It is
// asked before a transaction, since file.mu can't be taken inside of one.
func (t *tree) writtenNow(newNames ...string) map[writtenAs]bool {
	t.mu.RLock()
	var open []*file
	for _, f := range t.files {
		if f.writers > 0 {
			open = append(open, f)
		}
	}
	t.mu.RUnlock()
	out := map[writtenAs]bool{}
	for _, f := range open {
		f.mu.Lock()
		for _, name := range newNames {
			ext := names.ItemExt(name)
			if ext == "" || f.buf == nil || f.seq == f.saved {
				continue
			}
			size := f.buf.Size()
			out[writtenAs{f.node.Num, ext}] = size == 0 || t.check(form{ext: ext}, io.NewSectionReader(f.buf, 0, size)) == nil
		}
		f.mu.Unlock()
	}
	return out
}

// checkStored tells whether the stored bytes of a local file are an item.
func (t *tree) checkStored(as form, n *replica.Node) error {
	c, err := t.contentOf(n)
	if err != nil {
		return err
	}
	defer c.Close()
	return t.check(as, newSection(c))
}

// arrived does what follows from a node's new place.
func (m *move) arrived(u *replica.Update, was *replica.Node, from replica.Num) error {
	n, err := u.Node(was.Num)
	if err != nil {
		return err
	}
	switch n.Kind {
	case replica.KindMessage:
		m.remember = m.remember || was.Num == m.src.Num
		if dir := m.dirNode(n.Parent); n.Parent == from || dir.Kind != replica.KindFolder {
			return nil
		}
		return m.t.enqueueMove(u, n, from)
	case replica.KindFolder:
		n.Folder.DisplayName = names.FolderDecode(n.Name)
		if err := u.Save(n); err != nil {
			return err
		}
		return m.t.enqueueFolder(u, n, replica.ChangeFolderUpdate)
	case replica.KindDir:
		return m.adopt(u, n)
	case replica.KindFile:
		return m.settle(u, n)
	}
	return nil
}

// dirNode returns the one of both directories that has a number.
func (m *move) dirNode(num replica.Num) *replica.Node {
	if num == m.from.Num {
		return m.from
	}
	return m.to
}

// settle looks at a local file under its new name: it may be a message there.
func (m *move) settle(u *replica.Update, n *replica.Node) error {
	if !m.t.formOf(&u.View, n).item() {
		if len(n.Xattrs[xattrClaim]) > 0 {
			// What it replaced is replaced; what replaced it is no message.
			if err := m.t.releaseClaim(u, n); err != nil {
				return err
			}
			setLocal(n, xattrClaim, nil)
			setReason(n, "")
			markClosed(n, false)
			return m.t.saveMarked(u, n)
		}
		if n.Xattrs[xattrReason] == nil && n.Xattrs[xattrClosed] == nil {
			return nil
		}
		setReason(n, "")
		markClosed(n, false)
		return m.t.saveMarked(u, n)
	}
	if len(n.Xattrs[xattrClaim]) == 0 {
		if err := m.t.takeSlot(u, n); err != nil {
			return err
		}
	}
	if n.Size > 0 {
		if err := m.t.checkStored(m.t.formOf(&u.View, n), n); err == nil {
			setReason(n, "")
			// what is stored and was closed stays so, whatever another program has written since
			markClosed(n, n.Xattrs[xattrClosed] != nil || !m.t.unfinished(n.Num))
			m.due = append(m.due, n.Num)
		} else {
			setReason(n, reasonOf(err))
		}
	}
	return m.t.saveMarked(u, n)
}

// adopt makes a local directory that got a visible name in a folder a folder itself, with all that is in it.
func (m *move) adopt(u *replica.Update, n *replica.Node) error {
	parent, err := u.Node(n.Parent)
	if err != nil {
		return err
	}
	if parent.Kind != replica.KindFolder || names.IsOverlayName(n.Name) {
		return nil
	}
	n.Kind, n.Folder, n.Mode = replica.KindFolder, newFolder(n.Name, parent), 0
	if err := u.Save(n); err != nil {
		return err
	}
	if err := m.t.enqueueFolder(u, n, replica.ChangeFolderCreate); err != nil {
		return err
	}
	for c, err := range u.Children(n.Num, "") {
		if err != nil {
			return err
		}
		switch c.Kind {
		case replica.KindDir:
			err = m.adopt(u, c)
		case replica.KindFile:
			err = m.settle(u, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// after is what follows once the rename is committed. ns is held.
func (m *move) after() {
	t := m.t
	if m.dst != nil && m.dst.Num == m.src.Num {
		return
	}
	if m.gone != nil {
		t.dropped(m.gone)
		delete(t.slots, slotKey{m.gone.Parent, m.gone.Name})
	}
	if m.dst != nil && isDir(m.dst) && m.flags&renameExchange == 0 {
		t.bury(m.dst)
	}
	if m.remember && m.src.Kind == replica.KindMessage && m.flags&renameExchange == 0 {
		t.remember(m.src.Parent, m.src.Name, m.src)
	}
	for _, num := range m.due {
		t.schedule(num)
	}
	for _, num := range m.atOnce {
		if err := t.commitNow(num); err != nil {
			t.opt.Logf("fs: a file that was exchanged for a message could not take its place yet: %v", err)
			t.schedule(num)
		}
	}
}
