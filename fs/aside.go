package fs

import (
	"errors"
	"fmt"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// keepStray sets aside what was saved to an older version of a message, when the name that leads to the message is
// about to be taken away or over: whoever does that has not seen it. ns is held.
func (t *tree) keepStray(dir nodeID, name string) error {
	if t.opt.ReadOnly || dir.control() {
		return nil
	}
	var n *replica.Node
	err := t.r.View(func(v *replica.View) (err error) {
		n, err = v.Lookup(dir.num(), name)
		return err
	})
	if errors.Is(err, replica.ErrNotFound) || err == nil && n.Kind != replica.KindMessage {
		return nil
	}
	if err != nil {
		return err
	}
	t.mu.RLock()
	w := t.copies[n.Num]
	t.mu.RUnlock()
	if w == nil || w.id == t.idOf(n) || !w.closed || w.size == 0 {
		return nil
	}
	return t.setAside(n, w)
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
	err = t.r.Update(func(u *replica.Update) error {
		folder := n.Parent
		if c, err := u.BySpecial(replica.SpecialConflicts); err == nil {
			folder = c.Num
		}
		taken := func(fold string) bool { return u.Taken(folder, fold) }
		name := names.Unique(names.Loser(n.Name, w.touched, t.opt.Location, ""), taken, mapi.SourceKey(fmt.Sprint(n.Num, w.touched.UnixNano())))
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
		return u.DropWorkingCopy(n.Num)
	})
	if err == nil {
		t.forgetCopy(n.Num)
	}
	return err
}
