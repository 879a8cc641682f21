package fs

import (
	"context"
	"syscall"
	"time"

	"mailfs/replica"
)

// changes is what setattr is asked for.
type changes struct {
	size         *int64
	mode         *uint32
	uid, gid     *uint32
	atime, mtime *time.Time
}

// stampUnit is how exactly times are kept: as exactly as the server can.
const stampUnit = 100 * time.Nanosecond

// setattr changes attributes. Times and modes are kept locally; an owner can only be set to what it is.
func (t *tree) setattr(ctx context.Context, id nodeID, h *handle, c changes, pid uint32) (attr, error) {
	if t.opt.ReadOnly {
		return attr{}, syscall.EROFS
	}
	if id.control() {
		return attr{}, syscall.EPERM
	}
	if c.uid != nil && int(*c.uid) != t.opt.UID || c.gid != nil && int(*c.gid) != t.opt.GID {
		return attr{}, syscall.EPERM
	}
	if c.size != nil {
		if err := t.resize(ctx, id, h, *c.size, pid); err != nil {
			return attr{}, err
		}
	}
	if c.mode != nil || c.atime != nil || c.mtime != nil {
		if err := t.setStamps(id, c); err != nil {
			return attr{}, err
		}
	}
	return t.getattr(id)
}

// resize is truncate(2) and ftruncate(2).
func (t *tree) resize(ctx context.Context, id nodeID, h *handle, size int64, pid uint32) error {
	if h != nil && h.f != nil && h.write {
		return h.truncate(size)
	}
	if size == 0 {
		own, err := t.openEmpty(id, syscall.O_WRONLY, pid)
		if err == nil {
			t.release(own)
		}
		return err
	}
	own, err := t.open(ctx, id, syscall.O_WRONLY, pid)
	if err != nil {
		return err
	}
	defer t.release(own)
	return own.truncate(size)
}

// setStamps stores times and mode.
func (t *tree) setStamps(id nodeID, c changes) error {
	t.ns.Lock()
	defer t.ns.Unlock()
	f := t.fileOf(id)
	if f != nil && c.mtime != nil {
		f.mu.Lock()
		f.touched = c.mtime.Truncate(stampUnit)
		f.mu.Unlock()
	}
	var after *replica.Node
	err := t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(id.num())
		if err != nil {
			return err
		}
		if c.mode != nil {
			n.Mode = *c.mode & 0o7777
		}
		if c.atime != nil {
			n.Atime = c.atime.Truncate(stampUnit)
		}
		if c.mtime != nil {
			n.Mtime = c.mtime.Truncate(stampUnit)
		}
		n.Ctime = later(t.clock.Now(), n.Ctime)
		after = n
		if err := u.Save(n); err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if w := t.copies[n.Num]; w != nil && w.id == id && c.mtime != nil {
			own := *w
			own.touched = c.mtime.Truncate(stampUnit)
			t.copies[n.Num] = &own
			return u.PutWorkingCopy(own.record(n.Num))
		}
		if isDir(n) && c.mtime != nil {
			delete(t.dirTimes, n.Num)
		}
		return nil
	})
	if err != nil {
		if f != nil { // open, and its name is gone: nothing to keep it in
			return nil
		}
		return staleIfGone(err)
	}
	if f != nil {
		f.mu.Lock()
		if f.node.Version == after.Version {
			f.node = after
		}
		f.mu.Unlock()
	}
	return nil
}
