package fs

import (
	"context"
	"errors"
	"io"
	"strings"

	"mailfs/replica"
)

// A save by rename, by moving the old file away, or by removing it first leaves a local file that takes the place of a
// message: it becomes that message's next version.

// succession is a local file on its way to be the next version of the message that it claims.
type succession struct {
	t    *tree
	n    *replica.Node // the file
	c    claim
	old  *replica.Node  // the message
	left replica.BlobID // the bytes that stay where it still has a name
	s    *saved         // what was made of the file
	same bool           // the bytes that the message has already

	ok   bool // false if the message can't be had any more
	away bool // the file has to go elsewhere
}

// succeed makes a local file the next version of the message it claims; false if the message can't be had any more.
func (t *tree) succeed(n *replica.Node, as form, c claim) (ok bool, err error) {
	old, left, err := t.leaveBehind(c)
	if err != nil || old == nil {
		return false, err
	}
	s, reason, err := t.prepare(as, old, c.base(), n.Content, n.Size)
	if err != nil || reason != "" {
		return false, err // the latter is said of it as a file of its own
	}
	defer s.close()
	x := &succession{t: t, n: n, c: c, old: old, left: left, s: s}
	x.same = c.Version == old.Version && t.sameBytes(s.blob, s.size, old)
	err = t.putMessage(n.Num, x.write)
	if err == nil && x.away && old.Parent == 0 {
		return true, t.giveWay(n, as, c)
	}
	if err == nil && x.ok && old.Parent != 0 {
		t.forgetCopy(c.Item)
		t.invalidate(stale{parent: makeID(old.Parent, 0), name: old.Name})
	}
	return x.ok, err
}

// write is the transaction of a succession.
func (x *succession) write(u *replica.Update) error {
	x.ok = false
	is, err := u.Node(x.c.Item)
	if errors.Is(err, replica.ErrNotFound) || err == nil && is.Kind != replica.KindMessage {
		return nil // somebody removed it just now
	}
	if err != nil {
		return err
	}
	if x.s.old != nil && x.s.over != is.Version {
		return errOtherNow
	}
	if x.away, err = unseenOthers(u, is, x.c.base()); err != nil || x.away {
		return err
	}
	if x.ok, err = x.t.takeBack(u, x.c.Item, x.c.Folder); err != nil || !x.ok {
		return err
	}
	if err := x.supplant(u); err != nil {
		return err
	}
	now, err := x.putVersion(u, is)
	if err != nil {
		return err
	}
	if err := takeKept(x.n).apply(x.t, u, x.n.Num); err != nil {
		return err
	}
	return x.t.bringHere(u, now, x.c.Folder)
}

// supplant gives the file what the message is on the server. What has the message's name becomes a local file.
func (x *succession) supplant(u *replica.Update) error {
	if err := u.Supplant(x.n.Num, x.c.Item); err != nil || x.old.Parent == 0 {
		return err
	}
	if err := x.t.demote(u, x.old, x.left); err != nil {
		return err
	}
	if err := u.DropWorkingCopy(x.c.Item); err != nil && !errors.Is(err, replica.ErrNotFound) {
		return err
	}
	return nil
}

// putVersion makes the file's bytes the content, a change unless they were that before. is is the message as it was until
// now.
func (x *succession) putVersion(u *replica.Update, is *replica.Node) (now *replica.Node, err error) {
	if now, err = u.Node(x.n.Num); err != nil {
		return nil, err
	}
	x.t.strip(now)
	if err := x.t.mark(u, x.n.Num, false); err != nil {
		return nil, err
	}
	now.Mode = x.old.Mode
	if x.same && is.Version == x.old.Version {
		now.Content, now.Size, now.Exact = x.s.blob, x.s.size, true
		return now, u.Save(now)
	}
	base := x.c.base()
	if base.Version == is.Version {
		base = baseOf(now) // the same version, maybe acknowledged since
	}
	return now, x.t.putVersion(u, now, x.s, x.n.Mtime, base, replica.ChangeEdit)
}

// bringHere queues the move of a message to where a file took its place, from where it was then or, if nobody here
// moved it since, from where somebody else has moved it to.
func (t *tree) bringHere(u *replica.Update, n *replica.Node, from replica.Num) error {
	list, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Kind != replica.ChangeMove {
			continue
		}
		if from == n.Parent {
			return nil // on its way here
		}
		return t.enqueueMove(u, n, from)
	}
	home, err := u.Home(n.Num)
	if err != nil {
		return err
	}
	if home != 0 {
		from = home
	}
	if from == n.Parent {
		return nil
	}
	return t.enqueueMove(u, n, from)
}

// leaveBehind returns the message that a claim is about, nil if it is gone, and when it still has a name the bytes
// that will stay there; errNotHere if it is worth while to wait for them.
func (t *tree) leaveBehind(c claim) (old *replica.Node, left replica.BlobID, err error) {
	err = t.r.View(func(v *replica.View) (err error) {
		old, err = v.Node(c.Item)
		return err
	})
	if errors.Is(err, replica.ErrNotFound) || err == nil && old.Kind != replica.KindMessage {
		return nil, 0, nil
	}
	if err != nil || old.Parent == 0 {
		return old, 0, err
	}
	t.mu.RLock()
	w := t.copies[c.Item]
	t.mu.RUnlock()
	if w != nil && w.id == t.idOf(old) {
		old.Size, old.Mtime = w.size, w.touched
		return old, w.blob, nil // it was written to where it is now
	}
	if w != nil && w.closed && w.size > 0 { // to an older version, which stays nowhere
		if err := t.setAside(old, w); err != nil {
			return nil, 0, err
		}
	}
	src, err := t.contentOf(old)
	if errors.Is(err, replica.ErrNotLocal) {
		if t.opt.Fetcher != nil && !t.noLeft[c.Item] {
			return nil, 0, errNotHere
		}
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer src.Close()
	left, old.Size, err = t.r.PutBlob(context.Background(), io.NewSectionReader(src, 0, src.Size()))
	return old, left, err
}

// takeBack removes the queued deletion of a message that a file takes the place of, and a move away from the folder
// that it had its place in; false when either was sent. A move to that folder stays, and may go.
func (t *tree) takeBack(u *replica.Update, num, folder replica.Num) (bool, error) {
	list, err := u.ChangesOf(num)
	if err != nil {
		return false, err
	}
	back := func(c *replica.Change) bool {
		return c.Kind == replica.ChangeDelete || c.Kind == replica.ChangeMove && c.Folder != folder
	}
	for _, c := range list {
		if back(c) && c.Fixed {
			return false, nil
		}
	}
	for _, c := range list {
		switch {
		case back(c):
			err = u.DropChange(c.Seq)
		case c.Ready.Equal(farOff):
			c.Ready = t.clock.Now()
			err = u.SaveChange(c)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// demote fills the local file that stays where a message was moved away to: with the bytes that it had there, and with the
// attributes that programs gave it.
func (t *tree) demote(u *replica.Update, old *replica.Node, blob replica.BlobID) error {
	n, err := u.Node(old.Num)
	if err != nil {
		return err
	}
	n.Content, n.Size, n.Exact, n.Mtime = blob, old.Size, true, old.Mtime
	for name, v := range old.Xattrs {
		if strings.HasPrefix(name, userSpace) && !strings.HasPrefix(name, ownSpace) {
			setLocal(n, name, v)
		}
	}
	return u.Save(n)
}
