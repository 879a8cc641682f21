package fs

import (
	"context"
	"errors"
	"syscall"

	"mailfs/replica"
)

// A program that keeps a backup moves the message away and creates its name anew. The bytes that stay under the backup's
// name may not be here: they are downloaded before the new file becomes the next version, with no lock held.

// errNotHere says that a save waits for the bytes that it leaves behind.
var errNotHere = errors.New("fs: the message that was moved away is not here yet")

// fetchLeft downloads what the files whose windows are open leave behind, as far as the server can be reached.
func (t *tree) fetchLeft() {
	t.ns.Lock()
	nums := t.waiting()
	t.ns.Unlock()
	for _, num := range nums {
		if t.fetchLeftOf(num) != nil {
			return
		}
	}
}

// fetchLeftOf downloads what one file leaves behind. An error means that it is worth while to wait; what can't be had at
// all is noted, and stays a message under the name that it was given.
func (t *tree) fetchLeftOf(num replica.Num) error {
	old, err := t.leftOf(num)
	if err != nil || old == nil || t.opt.Fetcher == nil {
		return nil // the commit will meet the error
	}
	_, err = t.hydrate(context.Background(), t.idOf(old), 0)
	if serverAway(err) {
		return err
	}
	t.ns.Lock()
	defer t.ns.Unlock()
	if err == nil {
		err = t.rebaseClaim(num)
	}
	if still, e := t.leftOf(num); err != nil || e == nil && still != nil {
		t.opt.Logf("fs: what was moved away stays a message, since its bytes can't be had: %v", err)
		t.giveUpLeft(old.Num)
	}
	return nil
}

// commitOrWait is commit, which is tried again later when the bytes that the save leaves behind are not here. ns is held.
func (t *tree) commitOrWait(num replica.Num) error {
	err := t.commit(num)
	if errors.Is(err, errNotHere) {
		t.scheduleIn(num, max(t.opt.IdleWindow, defaultIdleWindow))
		return nil
	}
	return err
}

// commitNow is commitClosed for who does not wait for bytes that are not here: what was moved away stays a message then.
// ns is held.
func (t *tree) commitNow(num replica.Num) error {
	err := t.commitClosed(num)
	if !errors.Is(err, errNotHere) {
		return err
	}
	old, err := t.leftOf(num)
	if err != nil {
		return err
	}
	if old != nil {
		t.giveUpLeft(old.Num)
	}
	return t.commitClosed(num)
}

// giveUpLeft notes that nobody has to wait for the bytes of a message any more. ns is held.
func (t *tree) giveUpLeft(num replica.Num) {
	const limit = 1024
	if len(t.noLeft) >= limit {
		clear(t.noLeft)
	}
	t.noLeft[num] = true
}

// leftOf returns the message that a file claims, if it was moved away and its bytes are not here.
func (t *tree) leftOf(num replica.Num) (old *replica.Node, err error) {
	err = t.r.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err != nil {
			return err
		}
		c, ok := claimOf(n)
		if !ok {
			return nil
		}
		old, err = v.Node(c.Item)
		return err
	})
	if err != nil || old == nil || old.Kind != replica.KindMessage || old.Parent == 0 || old.Message.State == replica.StateFull {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.copies[old.Num] != nil {
		return nil, nil // its bytes are those that were written to it
	}
	return old, nil
}

// rebaseClaim makes a claim be about the downloaded message, if that is the version it was about. ns is held.
func (t *tree) rebaseClaim(num replica.Num) error {
	return t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		c, ok := claimOf(n)
		if !ok {
			return nil
		}
		old, err := u.Node(c.Item)
		if err != nil || old.Kind != replica.KindMessage || string(c.ChangeKey) != string(old.Message.ChangeKey) {
			return err
		}
		c.Version = old.Version
		setClaim(n, c)
		return t.saveMarked(u, n)
	})
}

// serverAway reports whether a download failed for a reason that may pass.
func serverAway(err error) bool {
	switch errnoOf(err) {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ETIMEDOUT, syscall.EACCES:
		return true
	}
	return false
}
