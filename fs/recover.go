package fs

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"mailfs/internal/names"
	"mailfs/replica"
)

// recover takes up what an earlier mount left: working copies, files on their way to be messages, changes that
// were held back.
func (t *tree) recover() error {
	t.ns.Lock()
	defer t.ns.Unlock()
	t.closed = false
	var due []replica.Num
	var held []*replica.Change
	err := t.r.View(func(v *replica.View) error {
		for w, err := range v.WorkingCopies() {
			if err != nil {
				return err
			}
			n, err := v.Node(w.Item)
			if errors.Is(err, replica.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			t.takeUp(n, w)
			if w.Closed {
				due = append(due, w.Item)
			}
		}
		list, err := marked(v)
		if err != nil {
			return err
		}
		due = append(due, list...)
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			if c.Ready.Equal(farOff) {
				held = append(held, c)
			}
		}
		return nil
	})
	if err != nil || t.opt.ReadOnly {
		return err
	}
	for _, num := range due {
		t.schedule(num)
	}
	return t.releaseHeld(held)
}

// takeUp mirrors a durable working copy. One that builds on an older version than the present one belongs to no id
// that a name leads to.
func (t *tree) takeUp(n *replica.Node, w *replica.WorkingCopy) {
	id := t.idOf(n)
	if w.Base.Version != n.Version {
		id = makeID(n.Num, n.Gen+incMask)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.copies[n.Num] == nil {
		t.filesN.Add(1)
	}
	t.copies[n.Num] = &workCopy{id: id, blob: w.Content, size: w.Size, base: w.Base, touched: w.At, closed: w.Closed,
		reason: string(n.Xattrs[xattrReason])}
}

// releaseHeld lets deletions and moves go that were held back for a file that no longer claims the message, or that
// nobody got to close: nobody is at it any more.
func (t *tree) releaseHeld(held []*replica.Change) error {
	if len(held) == 0 {
		return nil
	}
	return t.r.Update(func(u *replica.Update) error {
		list, err := marked(&u.View)
		if err != nil {
			return err
		}
		claimed := map[replica.Num]bool{}
		for _, num := range list {
			n, err := u.Node(num)
			if errors.Is(err, replica.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			c, ok := claimOf(n)
			switch {
			case !ok:
			case n.Xattrs[xattrClosed] != nil:
				claimed[c.Item] = true
			case slices.ContainsFunc(held, func(h *replica.Change) bool { return h.Item == c.Item }):
				setLocal(n, xattrClaim, nil)
				if err := t.saveMarked(u, n); err != nil {
					return err
				}
			}
		}
		for _, c := range held {
			if claimed[c.Item] {
				continue
			}
			c.Ready = t.clock.Now()
			if err := u.SaveChange(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// A close tells the kernel first and the file system a little later that a file was released. awaitReleases gives the
// releases that are on their way time to arrive, so that what a program closed before the call counts as closed; a
// file that somebody keeps open after a close of one of its descriptors holds it up for no longer than this.
const (
	releasePause  = 2 * time.Millisecond
	releasePauses = 1000
)

func (t *tree) awaitReleases(pause func()) {
	for i := 0; i < releasePauses && t.releasing(); i++ {
		pause()
	}
}

// releasing reports whether the release of a file that was written to is on its way.
func (t *tree) releasing() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, f := range t.files {
		if f.writers > 0 && f.closing.Load() {
			return true
		}
	}
	return false
}

// flushAll ends every idle window: what was saved and closed becomes a change now, and what waits in the journal
// may be sent.
func (t *tree) flushAll() error {
	t.ns.Lock()
	large := t.waiting()
	t.ns.Unlock()
	var errs []error
	for _, num := range large {
		if err := t.withEarly(num, func() error {
			if t.early == nil {
				return nil // with the others
			}
			return t.commitOrWait(num)
		}); err != nil {
			errs = append(errs, err)
		}
	}
	t.ns.Lock()
	defer t.ns.Unlock()
	for _, num := range t.waiting() {
		if err := t.commitOrWait(num); err != nil {
			errs = append(errs, err)
		}
	}
	clear(t.slots)
	errs = append(errs, t.hurry())
	return errors.Join(errs...)
}

// waiting returns the items whose windows are open.
func (t *tree) waiting() []replica.Num {
	nums := make([]replica.Num, 0, len(t.pending))
	for num := range t.pending {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	return nums
}

// hurry makes queued changes ready, but for those that a file which is still being written holds back.
func (t *tree) hurry() error {
	now := t.clock.Now()
	return t.r.Update(func(u *replica.Update) error {
		var later []*replica.Change
		for c, err := range u.Changes(0) {
			if err != nil {
				return err
			}
			if c.Ready.After(now) && !c.Ready.Equal(farOff) {
				later = append(later, c)
			}
		}
		for _, c := range later {
			c.Ready = now
			if err := u.SaveChange(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// close makes durable what programs wrote into files that the kernel never released, commits what windows hold,
// and drops lock files.
func (t *tree) close() error {
	t.ahead.end()
	t.mu.RLock()
	var open []*file
	for _, f := range t.files {
		open = append(open, f)
	}
	t.mu.RUnlock()
	errs := []error{t.endEvictor()}
	for _, f := range open {
		if f.writers > 0 || f.refs == 0 {
			if err := f.save(false); err != nil && err != syscall.EINVAL {
				errs = append(errs, err)
			}
		}
	}
	for _, f := range open {
		f.mu.Lock()
		f.closeContent()
		t.mu.Lock()
		f.refs, f.writers = 0, 0
		delete(t.files, f.id)
		t.filesN.Add(-1)
		t.mu.Unlock()
		f.mu.Unlock()
	}
	if !t.opt.ReadOnly {
		errs = append(errs, t.flushAll(), t.dropLocks())
	}
	t.ns.Lock()
	t.closed = true
	for num, timer := range t.pending {
		timer.Stop()
		delete(t.pending, num)
	}
	t.ns.Unlock()
	return errors.Join(errs...)
}

// dropLocks removes the lock files that office programs leave beside documents.
func (t *tree) dropLocks() error {
	t.mu.RLock()
	nums := make([]replica.Num, 0, len(t.made))
	for num := range t.made {
		nums = append(nums, num)
	}
	t.mu.RUnlock()
	if len(nums) == 0 {
		return nil
	}
	return t.r.Update(func(u *replica.Update) error {
		for _, num := range nums {
			n, err := u.Node(num)
			if errors.Is(err, replica.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if n.Kind != replica.KindFile || !isTemporary(n.Name) || !names.IsOverlayName(n.Name) {
				continue
			}
			if err := u.Remove(num); err != nil {
				return err
			}
		}
		return nil
	})
}
