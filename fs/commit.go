package fs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"mailfs/internal/mutant"
	"mailfs/replica"
)

// commitSoon is what the end of an idle window, or a remote change, does: what was saved becomes a change.
func (t *tree) commitSoon(num replica.Num) {
	_ = t.fetchLeftOf(num) // if that fails, the commit waits
	_ = t.withEarly(num, func() error {
		if err := t.commitOrWait(num); err != nil {
			t.opt.Logf("fs: a saved file could not become a change yet: %v", err)
			t.scheduleIn(num, max(t.opt.IdleWindow, defaultIdleWindow))
		}
		return nil
	})
}

// commit turns the saved bytes of an item into its new version and a journal entry. Bytes that were not closed stay
// where they are. ns is held.
func (t *tree) commit(num replica.Num) error {
	if t.writing(num) {
		return nil // its release starts a new window; pending keeps the entry until then
	}
	return t.commitClosed(num)
}

// commitClosed is commit for a file that may be open for writing: what was closed before becomes a change.
func (t *tree) commitClosed(num replica.Num) error {
	for try := 1; ; try++ {
		if err := t.tryCommit(num); !errors.Is(err, errOtherNow) || try == saveAttempts {
			return err
		}
	}
}

func (t *tree) tryCommit(num replica.Num) error {
	if old := t.pending[num]; old != nil {
		old.Stop()
		delete(t.pending, num)
	}
	var n *replica.Node
	var as form
	err := t.r.View(func(v *replica.View) (err error) {
		if n, err = v.Node(num); err == nil && n.Parent != 0 {
			as = t.formOf(v, n)
		}
		return err
	})
	if errors.Is(err, replica.ErrNotFound) {
		return nil
	}
	if err != nil || !as.item() {
		return err
	}
	t.mu.RLock()
	w := t.copies[num]
	t.mu.RUnlock()
	if n.Kind == replica.KindMessage {
		if w == nil || !w.closed || w.size == 0 || w.reason != "" {
			return nil
		}
		return t.commitEdit(n, w)
	}
	if w != nil {
		if n, err = t.keepOrphan(n, w); err != nil {
			return err
		}
	}
	if n.Xattrs[xattrClosed] == nil || n.Size == 0 || len(n.Xattrs[xattrReason]) > 0 {
		return nil
	}
	return t.commitFile(n, as)
}

// keepOrphan makes the working copy of a message that is gone on the server the bytes of the local file that is in
// its place. ns is held.
func (t *tree) keepOrphan(n *replica.Node, w *workCopy) (now *replica.Node, err error) {
	err = t.r.Update(func(u *replica.Update) (err error) {
		if now, err = u.Node(n.Num); err != nil {
			return err
		}
		now.Content, now.Size, now.Exact, now.Mtime = w.blob, w.size, true, w.touched
		setReason(now, w.reason)
		markClosed(now, w.closed && w.reason == "")
		if err := t.saveMarked(u, now); err != nil {
			return err
		}
		return u.DropWorkingCopy(n.Num)
	})
	if err == nil {
		t.forgetCopy(n.Num)
	}
	return now, err
}

// writing reports whether any incarnation of an item is open for writing.
func (t *tree) writing(num replica.Num) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, f := range t.files {
		if f.num == num && f.writers > 0 {
			return true
		}
	}
	return false
}

// unfinished reports whether a program is in the middle of writing to an item.
func (t *tree) unfinished(num replica.Num) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, f := range t.files {
		if f.num == num && f.unfinished.Load() > 0 {
			return true
		}
	}
	return false
}

// sameBytes compares a blob with the content of a node as it is without its working copy.
func (t *tree) sameBytes(id replica.BlobID, size int64, n *replica.Node) bool {
	c, err := t.contentOf(n)
	if err != nil {
		return false
	}
	defer c.Close()
	if c.Size() != size {
		return false
	}
	b, err := t.r.OpenBlob(id)
	if err != nil {
		return false
	}
	defer b.Close()
	const chunk = 64 << 10
	x, y := make([]byte, chunk), make([]byte, chunk)
	for off := int64(0); off < size; off += chunk {
		n := min(chunk, size-off)
		if k, _ := c.ReadAt(x[:n], off); int64(k) < n {
			return false
		}
		if k, _ := b.ReadAt(y[:n], off); int64(k) < n {
			return false
		}
		if !bytes.Equal(x[:n], y[:n]) {
			return false
		}
	}
	return true
}

// commitEdit makes the working copy of a message its new version. A copy whose base is not the current version
// goes up with its old base, so that both versions are kept. ns is held.
func (t *tree) commitEdit(n *replica.Node, w *workCopy) error {
	if w.base.Version == n.Version && t.sameBytes(w.blob, w.size, n) {
		return t.dropCopy(n, w)
	}
	s, reason, err := t.prepare(itemForm(n), n, w.base, w.blob, w.size)
	if err != nil {
		return err
	}
	if reason != "" {
		return t.giveReason(n.Num, reason)
	}
	defer s.close()
	aside := false
	var after *replica.Node
	err = t.r.Update(func(u *replica.Update) error {
		now, err := u.Node(n.Num)
		if err != nil || now.Kind != replica.KindMessage {
			return errOtherNow // somebody else removed it
		}
		if mutant.BaseAtSave.Planted() {
			w.base = baseOf(now)
		}
		if s.old != nil && s.over != now.Version {
			return errOtherNow
		}
		if aside, err = unseen(u, now, w.base); err != nil || aside {
			return err
		}
		base := w.base
		if now.Version == base.Version {
			base = baseOf(now) // the same version, maybe acknowledged since
		}
		if err := t.putVersion(u, now, s, w.touched, base, replica.ChangeEdit); err != nil {
			return err
		}
		after = now
		return u.DropWorkingCopy(n.Num)
	})
	if err != nil {
		return err
	}
	if aside {
		// The version in place is a local one that builds on another base: there is no telling them apart later.
		return t.setAside(n, w)
	}
	t.forgetCopy(n.Num)
	t.settle(w.id, after)
	return nil
}

// madeHere reports whether the version that the server has of a message was made here and is not in a base. Servers
// take a later change of ours for one that contains all the earlier ones, so that they would see no conflict.
func madeHere(u *replica.Update, n *replica.Node, base replica.Base) (bool, error) {
	id, err := u.Identity()
	if errors.Is(err, replica.ErrNotFound) {
		return false, nil
	}
	x, bad := n.Message.ChangeKey.XID()
	if err != nil || bad != nil {
		return false, err
	}
	return x.Namespace == id.Namespace && !base.PCL.Contains(x), nil
}

// queuedContent reports whether new content of an item waits in the journal.
func queuedContent(u *replica.Update, num replica.Num) (bool, error) {
	list, err := u.ChangesOf(num)
	for _, c := range list {
		if c.Kind == replica.ChangeEdit || c.Kind == replica.ChangeCreate {
			return true, nil
		}
	}
	return false, err
}

// settle brings the open files up to date after a commit. When what was committed is not what the name showed, the
// name gets a new incarnation, so that no page of the old one is taken for the new.
func (t *tree) settle(id nodeID, n *replica.Node) {
	t.epoch.Add(1)
	base := t.shownNow(n)
	t.mu.Lock()
	t.noteOpened(n.Num, base)
	t.mu.Unlock()
	if t.idOf(n) != id {
		t.renew(n)
		return
	}
	if f := t.fileOf(id); f != nil {
		f.mu.Lock()
		f.node, f.base = n, base
		f.mu.Unlock()
	}
	t.invalidate(stale{attr: id})
}

// renew gives a name a new incarnation: what it shows has come in another way than through the present one, whose pages
// the kernel may have.
func (t *tree) renew(n *replica.Node) {
	t.mu.Lock()
	t.bumps[n.Num]++
	t.mu.Unlock()
	t.invalidate(stale{parent: makeID(n.Parent, 0), name: n.Name})
}

// dropCopy forgets a working copy that changes nothing.
func (t *tree) dropCopy(n *replica.Node, w *workCopy) error {
	err := t.r.Update(func(u *replica.Update) error {
		now, err := u.Node(n.Num)
		if err != nil || now.Kind != replica.KindMessage {
			return errOtherNow
		}
		now.Mtime, now.Ctime = w.touched, later(t.clock.Now(), now.Ctime)
		if err := u.Save(now); err != nil {
			return err
		}
		return u.DropWorkingCopy(n.Num)
	})
	if err == nil {
		t.forgetCopy(n.Num)
	}
	return err
}

func (t *tree) forgetCopy(num replica.Num) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.copies[num] != nil {
		delete(t.copies, num)
		t.filesN.Add(-1)
	}
}

// giveReason notes why saved bytes could not become an item.
func (t *tree) giveReason(num replica.Num, reason string) error {
	t.mu.Lock()
	if w := t.copies[num]; w != nil {
		c := *w
		c.reason = reason
		t.copies[num] = &c
	}
	t.mu.Unlock()
	return t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		setReason(n, reason)
		return t.saveMarked(u, n)
	})
}

// commitFile makes a local file an item: the next version of the one it claims, or a new one. ns is held.
func (t *tree) commitFile(n *replica.Node, as form) error {
	if c, claims := claimOf(n); claims {
		after, ok, err := t.succeed(n, as, c)
		if err != nil || ok {
			if ok && err == nil {
				t.settle(t.idOf(after), after)
			}
			return err
		}
	}
	s, reason, err := t.prepare(as, nil, replica.Base{}, n.Content, n.Size)
	if err != nil {
		return err
	}
	if reason != "" {
		return t.giveReason(n.Num, reason)
	}
	defer s.close()
	after, err := t.newMessage(n.Num, s)
	if err != nil {
		return err
	}
	t.settle(t.idOf(after), after)
	return nil
}

// newMessage makes a local file a new message.
func (t *tree) newMessage(num replica.Num, s *saved) (n *replica.Node, err error) {
	err = t.r.Update(func(u *replica.Update) (err error) {
		if n, err = u.Node(num); err != nil {
			return err
		}
		if err := t.releaseClaim(u, n); err != nil {
			return err
		}
		if err := t.becomeMessage(u, num, s); err != nil {
			return err
		}
		n, err = u.Node(num)
		return err
	})
	return n, err
}

// becomeMessage makes a local file a message, which claims no other any more.
func (t *tree) becomeMessage(u *replica.Update, num replica.Num, s *saved) error {
	n, err := u.Node(num)
	if err != nil {
		return err
	}
	t.strip(n)
	state := takeKept(n)
	if err := t.mark(u, num, false); err != nil {
		return err
	}
	n.Kind, n.Mode = replica.KindMessage, 0
	n.Message = &replica.MessageInfo{State: replica.StateFull, Read: true}
	if err := t.putVersion(u, n, s, n.Mtime, replica.Base{}, replica.ChangeCreate); err != nil {
		return err
	}
	return state.apply(t, u, num)
}

// strip removes what only matters to a local file.
func (t *tree) strip(n *replica.Node) {
	for _, key := range []string{xattrClaim, xattrClosed, xattrReason} {
		if n.Xattrs[key] != nil {
			setLocal(n, key, nil)
		}
	}
}

// succeed makes a local file the next version of the message it claims; false if the message can't be had any more.
func (t *tree) succeed(n *replica.Node, as form, c claim) (after *replica.Node, ok bool, err error) {
	old, left, err := t.leaveBehind(c)
	if err != nil || old == nil {
		return nil, false, err
	}
	s, reason, err := t.prepare(as, old, c.base(), n.Content, n.Size)
	if err != nil || reason != "" {
		return nil, false, err // the latter is said of it as a file of its own
	}
	defer s.close()
	same := c.Version == old.Version && t.sameBytes(s.blob, s.size, old)
	away := false // the file has to go elsewhere
	err = t.r.Update(func(u *replica.Update) error {
		ok = false
		is, err := u.Node(c.Item)
		if errors.Is(err, replica.ErrNotFound) || err == nil && is.Kind != replica.KindMessage {
			return nil // somebody removed it just now
		}
		if err == nil && s.old != nil && s.over != is.Version {
			return errOtherNow
		}
		if err != nil {
			return err
		}
		if away, err = unseenOthers(u, is, c.base()); err != nil || away {
			return err
		}
		if ok, err = t.takeBack(u, c.Item, c.Folder); err != nil || !ok {
			return err
		}
		if err := u.Supplant(n.Num, c.Item); err != nil {
			return err
		}
		if old.Parent != 0 {
			if err := t.demote(u, old, left); err != nil {
				return err
			}
			if err := u.DropWorkingCopy(c.Item); err != nil && !errors.Is(err, replica.ErrNotFound) {
				return err
			}
		}
		now, err := u.Node(n.Num)
		if err != nil {
			return err
		}
		t.strip(now)
		if err := t.mark(u, n.Num, false); err != nil {
			return err
		}
		now.Mode = old.Mode
		if same && is.Version == old.Version {
			now.Content, now.Size, now.Exact = s.blob, s.size, true
			err = u.Save(now)
		} else {
			base := c.base()
			if base.Version == is.Version {
				base = baseOf(now) // the same version, maybe acknowledged since
			}
			err = t.putVersion(u, now, s, n.Mtime, base, replica.ChangeEdit)
		}
		if err != nil {
			return err
		}
		if err := takeKept(n).apply(t, u, n.Num); err != nil {
			return err
		}
		if after, err = u.Node(n.Num); err != nil {
			return err
		}
		return t.bringHere(u, now, c.Folder)
	})
	if err == nil && away && old.Parent == 0 {
		if err = t.giveWay(n, as, c); err == nil {
			err = t.r.View(func(v *replica.View) (err error) { after, err = v.Node(n.Num); return err })
		}
		return after, true, err
	}
	if err == nil && ok && old.Parent != 0 {
		t.forgetCopy(c.Item)
		t.invalidate(stale{parent: makeID(old.Parent, 0), name: old.Name})
	}
	return after, ok, err
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
