package fs

import (
	"errors"
	"fmt"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// writtenAt returns the message that a name leads to and what was written to it and is no change yet, nil for both if
// there is none.
func (t *tree) writtenAt(dir nodeID, name string) (n *replica.Node, w *workCopy, err error) {
	if t.opt.ReadOnly || dir.control() {
		return nil, nil, nil
	}
	err = t.r.View(func(v *replica.View) (err error) {
		n, err = v.Lookup(dir.num(), name)
		return err
	})
	if errors.Is(err, replica.ErrNotFound) || err == nil && n.Kind != replica.KindMessage {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if w = t.copies[n.Num]; w == nil || !w.closed || w.size == 0 {
		return nil, nil, nil
	}
	return n, w, nil
}

// keepStray sets aside what was saved to an older version of a message, when the name that leads to the message is
// about to be taken away or over: whoever does that has not seen it. ns is held.
func (t *tree) keepStray(dir nodeID, name string) error {
	n, w, err := t.writtenAt(dir, name)
	if err != nil || w == nil || w.id == t.idOf(n) {
		return err
	}
	return t.setAside(n, w)
}

// keepSaved makes a change of what was saved to a message that is about to be removed, so that it is what Deleted Items
// has. ns is held.
func (t *tree) keepSaved(dir nodeID, name string) error {
	n, w, err := t.writtenAt(dir, name)
	if err != nil || w == nil || t.opt.HardDelete || w.reason != "" {
		return err
	}
	gone := false
	err = t.r.View(func(v *replica.View) error {
		gone, err = t.withinDeleted(v, n.Parent)
		return err
	})
	if err != nil || gone {
		return err
	}
	return t.commitClosed(n.Num)
}

// asideForm returns the form of what was written to a message, or to a file in the place of one that is gone.
func asideForm(n *replica.Node) form {
	if n.Kind == replica.KindMessage {
		return itemForm(n)
	}
	if ext := names.ItemExt(n.Name); ext != "" {
		return form{ext: ext}
	}
	return form{ext: mime.ExtMessage}
}

// setAside keeps a version that can't be the next one of its message as a message of its own, in the folder of
// conflict losers if there is one. ns is held.
func (t *tree) setAside(n *replica.Node, w *workCopy) error {
	s, reason, err := t.prepare(asideForm(n), nil, replica.Base{}, w.blob, w.size)
	if err != nil {
		return err
	}
	defer s.close()
	ok := reason == ""
	return t.withoutCopy(n.Num, func(u *replica.Update) error {
		folder, name := t.loserPlace(u, n, w.touched)
		file := &replica.Node{Parent: folder, Name: name, Kind: replica.KindFile, Content: w.blob, Size: w.size, Exact: true,
			Mtime: w.touched, Ctime: t.clock.Now(), Btime: t.clock.Now()}
		num, err := u.Insert(file)
		if err != nil {
			return err
		}
		if ok {
			if file, err = u.Node(num); err != nil {
				return err
			}
			file.Kind, file.Message = replica.KindMessage, &replica.MessageInfo{State: replica.StateFull, Read: true}
			if err := t.putVersion(u, file, s, w.touched, replica.Base{}, replica.ChangeCreate); err != nil {
				return err
			}
		}
		t.touchDirs(folder)
		t.invalidate(stale{parent: makeID(folder, 0), name: name})
		return nil
	})
}

// loserPlace returns where a version goes that lost its place, and under which name.
func (t *tree) loserPlace(u *replica.Update, n *replica.Node, at time.Time) (folder replica.Num, name string) {
	folder = n.Parent
	if c, err := u.BySpecial(replica.SpecialConflicts); err == nil {
		folder = c.Num
	}
	taken := func(fold string) bool { return u.Taken(folder, fold) }
	return folder, names.Unique(names.Loser(n.Name, at, t.opt.Location, ""), taken, mapi.SourceKey(fmt.Sprint(n.Num, at.UnixNano())))
}

// unseen reports whether a message has a version that a base knows nothing of and that no server could tell from it: one
// that waits in the journal, or that was made here. What builds on that base goes up as a message of its own.
func unseen(u *replica.Update, n *replica.Node, base replica.Base) (bool, error) {
	if n.Version == base.Version {
		return false, nil
	}
	if queued, err := queuedContent(u, n.Num); err != nil || queued {
		return queued, err
	}
	return madeHere(u, n, base)
}

// unseenOthers is unseen for a file that takes a message's place. What was written to the message here meanwhile it
// replaces, as on any disk; what counts is whether a version of somebody else is in there that it knows nothing of.
func unseenOthers(u *replica.Update, n *replica.Node, base replica.Base) (bool, error) {
	if hides, err := unseen(u, n, base); err != nil || !hides {
		return false, err
	}
	if lost, err := u.LostVersion(n.Num); err != nil || base.Version < lost {
		return err == nil, err // what is made here may be somebody else's version that the server has lost
	}
	id, err := u.Identity()
	if err != nil && !errors.Is(err, replica.ErrNotFound) {
		return false, err
	}
	known := n.Message.PCL
	list, err := u.ChangesOf(n.Num)
	if err != nil {
		return false, err
	}
	for _, c := range list {
		if c.Kind == replica.ChangeEdit {
			known = known.Merge(c.Base.PCL)
		}
	}
	for _, x := range known {
		if x.Namespace != id.Namespace && !base.PCL.Contains(x) {
			return true, nil
		}
	}
	return false, nil
}

// giveWay lets a message have its name back from the file n that took its place, which becomes a message of its own with
// those that lost a conflict. ns is held.
func (t *tree) giveWay(n *replica.Node, as form, c claim) error {
	s, reason, err := t.prepare(as, nil, replica.Base{}, n.Content, n.Size)
	if err != nil || reason != "" {
		return err
	}
	defer s.close()
	folder, name := n.Parent, ""
	err = t.putMessage(n.Num, func(u *replica.Update) error {
		if folder, name = t.loserPlace(u, n, n.Mtime); folder == n.Parent {
			name = names.Unique(name, func(fold string) bool { return u.Taken(folder, fold) }, mapi.SourceKey(fmt.Sprint(n.Num)))
		}
		if err := u.Move(n.Num, folder, name); err != nil {
			return err
		}
		if err := u.Attach(c.Item, n.Parent, n.Name); err != nil {
			return err
		}
		if _, err := t.takeBack(u, c.Item, c.Folder); err != nil {
			return err
		}
		old, err := u.Node(c.Item)
		if err != nil {
			return err
		}
		if err := t.bringHere(u, old, c.Folder); err != nil {
			return err
		}
		return t.becomeMessage(u, n.Num, s)
	})
	if err != nil {
		return err
	}
	t.touchDirs(n.Parent, folder)
	t.invalidate(stale{parent: makeID(n.Parent, 0), name: n.Name}, stale{parent: makeID(folder, 0), name: name})
	return nil
}
