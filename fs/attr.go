package fs

import (
	"syscall"
	"time"

	"mailfs/replica"
)

// attr is what stat tells.
type attr struct {
	ino    uint64
	mode   uint32 // with the type bits
	nlink  uint32
	size   int64
	blocks int64
	exact  bool // size will not change by itself
	mtime  time.Time
	ctime  time.Time
	atime  time.Time
	btime  time.Time
}

const (
	fileMode = 0o600
	dirMode  = 0o700
	linkMode = 0o777
	dirSize  = 4096
)

// attrOf makes the attributes of a node under one of its ids. What a program is writing counts; of a message that
// is not here the size is an estimate, never 0, with no blocks.
func (t *tree) attrOf(id nodeID, n *replica.Node, readOnly bool) attr {
	a := attr{
		ino: t.ino(id), nlink: 1, size: n.Size, exact: true,
		mtime: n.Mtime, ctime: n.Ctime, atime: n.Atime, btime: n.Btime,
	}
	if a.ctime.Before(a.mtime) && n.Message == nil {
		a.ctime = a.mtime
	}
	if a.atime.IsZero() {
		a.atime = a.mtime
	}
	perm := n.Mode & 0o7777
	switch n.Kind {
	case replica.KindFolder, replica.KindDir:
		if perm == 0 {
			perm = dirMode
		}
		a.mode, a.size = syscall.S_IFDIR|perm, dirSize
		t.mu.RLock()
		if at, ok := t.dirTimes[n.Num]; ok && at.After(a.mtime) {
			a.mtime, a.ctime = at, later(at, a.ctime)
		}
		t.mu.RUnlock()
	case replica.KindSymlink:
		a.mode, a.size = syscall.S_IFLNK|linkMode, int64(len(n.Target))
	default:
		if perm == 0 {
			perm = fileMode
		}
		a.mode = syscall.S_IFREG | perm
		a.exact = n.Kind == replica.KindFile || n.Exact
		if !a.exact {
			a.size = max(a.size, 1)
		}
		t.overlayWrites(id, n.Num, &a)
	}
	if readOnly || t.opt.ReadOnly {
		a.mode &^= 0o222
	}
	if a.exact && n.Kind != replica.KindSymlink {
		a.blocks = (a.size + 511) / 512
	}
	if n.Message != nil && n.Message.State == replica.StateHeader {
		a.blocks = 0
	}
	return a
}

// overlayWrites puts size and time of a working copy into a.
func (t *tree) overlayWrites(id nodeID, num replica.Num, a *attr) {
	if t.filesN.Load() == 0 {
		return
	}
	t.mu.RLock()
	f, w := t.files[id], t.copies[num]
	t.mu.RUnlock()
	if w != nil && w.id == id {
		a.size, a.exact = w.size, true
		a.mtime, a.ctime = w.touched, later(w.touched, a.ctime)
	}
	if f != nil {
		f.overlay(a)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
