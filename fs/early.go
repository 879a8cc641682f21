package fs

import (
	"errors"

	"mailfs/replica"
)

// earlySize is the size from which files are read before names are locked: until a large one is read, everybody else
// can go on making, moving and removing files.
const earlySize = 1 << 20

// early is what was made of a large file ahead of its commit.
type early struct {
	as     form
	item   replica.Num // that it is the next version of, 0 if it is a new one
	base   uint64
	blob   replica.BlobID
	s      *saved
	reason string
}

// prepareEarly does the part of a commit that takes long with a large file, while ns is not held. It returns nil where
// there is nothing to do; what could not be done now is done again, or fails again, in the commit.
func (t *tree) prepareEarly(num replica.Num) *early {
	t.mu.RLock()
	w := t.copies[num]
	t.mu.RUnlock()
	var item *replica.Node
	e := &early{}
	var base replica.Base
	var size int64
	err := t.r.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err != nil {
			return err
		}
		e.as = t.formOf(v, n)
		if n.Kind == replica.KindMessage {
			if w != nil && w.closed && w.reason == "" {
				item, base, e.blob, size = n, w.base, w.blob, w.size
			}
			return nil
		}
		if n.Xattrs[xattrClosed] == nil || len(n.Xattrs[xattrReason]) > 0 {
			return nil
		}
		e.blob, size = n.Content, n.Size
		if c, ok := claimOf(n); ok {
			base = c.base()
			if item, err = v.Node(c.Item); err == nil && item.Kind != replica.KindMessage || errors.Is(err, replica.ErrNotFound) {
				item, base, err = nil, replica.Base{}, nil
			}
		}
		return err
	})
	if err != nil || !e.as.item() || size < earlySize {
		return nil
	}
	if item != nil {
		e.item, e.base = item.Num, base.Version
	}
	if e.s, e.reason, err = t.make(e.as, item, base, e.blob, size); err != nil {
		return nil
	}
	return e
}

// takeEarly returns what was made of a file ahead of its commit, once. ns is held.
func (t *tree) takeEarly(as form, n *replica.Node, base replica.Base, blob replica.BlobID) (*early, bool) {
	e := t.early
	if e == nil || e.as != as || e.blob != blob {
		return nil, false
	}
	if n == nil && e.item != 0 || n != nil && (e.item != n.Num || e.base != base.Version) {
		return nil, false
	}
	t.early = nil
	return e, true
}

// withEarly calls f with ns held and what prepareEarly has made of a file at hand.
func (t *tree) withEarly(num replica.Num, f func() error) error {
	e := t.prepareEarly(num)
	t.ns.Lock()
	defer t.ns.Unlock()
	t.early = e
	defer func() {
		if t.early != nil {
			t.early.s.close()
			t.early = nil
		}
	}()
	return f()
}
