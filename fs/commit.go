package fs

import (
	"bytes"
	"errors"

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
	return now, t.withoutCopy(n.Num, func(u *replica.Update) (err error) {
		if now, err = u.Node(n.Num); err != nil {
			return err
		}
		now.Content, now.Size, now.Exact, now.Mtime = w.blob, w.size, true, w.touched
		setReason(now, w.reason)
		markClosed(now, w.closed && w.reason == "")
		return t.saveMarked(u, now)
	})
}

// writing reports whether any incarnation of an item is open for writing.
func (t *tree) writing(num replica.Num) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, f := range t.files {
		if f.num == num && f.writers > 0 && !f.unlinked.Load() {
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
		if f.num == num && f.unfinished.Load() > 0 && !f.unlinked.Load() {
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
	write := func(u *replica.Update) (after *replica.Node, err error) {
		now, err := u.Node(n.Num)
		if err != nil || now.Kind != replica.KindMessage {
			return nil, errOtherNow // somebody else removed it
		}
		if mutant.BaseAtSave.Planted() {
			w.base = baseOf(now)
		}
		if s.old != nil && s.over != now.Version {
			return nil, errOtherNow
		}
		if aside, err = unseen(u, now, w.base); err != nil || aside {
			return nil, err
		}
		base := w.base
		if now.Version == base.Version {
			base = baseOf(now) // the same version, maybe acknowledged since
		}
		if err := t.putVersion(u, now, s, w.touched, base, replica.ChangeEdit); err != nil {
			return nil, err
		}
		return now, u.DropWorkingCopy(n.Num)
	}
	err = t.inTurn(n.Num, func() error {
		var after *replica.Node
		err := t.r.Update(func(u *replica.Update) (err error) { after, err = write(u); return err })
		if err == nil && !aside {
			t.forgetCopy(n.Num)
			t.settle(w.id, after)
		}
		return err
	})
	if err == nil && aside {
		// The version in place is a local one that builds on another base: there is no telling them apart later.
		return t.setAside(n, w)
	}
	return err
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
	return t.withoutCopy(n.Num, func(u *replica.Update) error {
		now, err := u.Node(n.Num)
		if err != nil || now.Kind != replica.KindMessage {
			return errOtherNow
		}
		now.Mtime, now.Ctime = w.touched, later(t.clock.Now(), now.Ctime)
		return u.Save(now)
	})
}

// withoutCopy runs a transaction that makes an item's working copy superfluous. ns is held.
func (t *tree) withoutCopy(num replica.Num, f func(*replica.Update) error) error {
	return t.inTurn(num, func() error {
		err := t.r.Update(func(u *replica.Update) error {
			if err := f(u); err != nil {
				return err
			}
			return u.DropWorkingCopy(num)
		})
		if err == nil {
			t.forgetCopy(num)
		}
		return err
	})
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
		if ok, err := t.succeed(n, as, c); err != nil || ok {
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
	return t.putMessage(n.Num, func(u *replica.Update) error {
		now, err := u.Node(n.Num)
		if err != nil {
			return err
		}
		if err := t.releaseClaim(u, now); err != nil {
			return err
		}
		return t.becomeMessage(u, n.Num, s)
	})
}

// putMessage runs a transaction that makes a local file a message. ns is held.
func (t *tree) putMessage(num replica.Num, f func(*replica.Update) error) error {
	return t.inTurn(num, func() error {
		var after *replica.Node
		err := t.r.Update(func(u *replica.Update) (err error) {
			if err := f(u); err != nil {
				return err
			}
			after, err = u.Node(num)
			return err
		})
		if err == nil && after.Kind == replica.KindMessage {
			t.settle(t.idOf(after), after)
		}
		return err
	})
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
