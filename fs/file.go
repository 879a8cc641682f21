package fs

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mailfs/replica"
)

// file is one incarnation of a regular file while it is open. All its handles share it, so that each sees what the
// others write. What is written gathers in buf, the working copy; flush makes that durable; commit.go turns it into
// a change later.
type file struct {
	t   *tree
	id  nodeID
	num replica.Num

	refs, writers int          // guarded by t.mu
	unfinished    atomic.Int32 // handles that are in the middle of writing; changed with mu held
	wipes         int          // how often the file was emptied; guarded by mu
	closing       atomic.Bool  // a descriptor that could write was closed, and nothing was written since
	unlinked      atomic.Bool  // its name is gone for good: the item has another id if it comes back

	mu       sync.Mutex
	node     *replica.Node // as of the open, or of the last change made here
	src      content       // what is read while nothing was written
	fetching chan struct{} // closed when the download under way has ended
	buf      *buffer       // the working copy, nil until the first write
	base     replica.Base  // the version that the first open saw: what a change builds on
	seq      uint64        // counts changes of buf
	saved    uint64        // seq that is durable
	touched  time.Time     // of the last write, or as utimens said
	reason   string        // why the bytes can't be a message
}

// handle is one open of a file.
type handle struct {
	f      *file
	ctl    content // of a control file; f is nil then
	write  bool
	append bool
	pid    uint32 // who opened it

	writing bool // something was written that was not closed yet; guarded by f.mu
	wipes   int  // of the file, when writing was set
}

// baseOf returns the version that the server has of what a node stands for.
func baseOf(n *replica.Node) replica.Base {
	b := replica.Base{Version: n.Version}
	if n.Message != nil {
		b.ChangeKey, b.PCL = n.Message.ChangeKey, n.Message.PCL
	}
	return b
}

// shownBase returns the version that a node shows, for a change that builds on it. What is queued has a lineage of its
// own: it may have been made from an older version than the server's that is known here, and lose to that before the
// change is queued.
func shownBase(v *replica.View, n *replica.Node) (replica.Base, error) {
	b := baseOf(n)
	if n.Message == nil {
		return b, nil
	}
	list, err := v.ChangesOf(n.Num)
	for _, c := range list {
		switch {
		case c.Kind != replica.ChangeEdit && c.Kind != replica.ChangeCreate:
		case c.Fixed:
			b.ChangeKey, b.PCL = c.ChangeKey, c.PCL
		default:
			b.ChangeKey, b.PCL = c.Base.ChangeKey, c.Base.PCL
		}
	}
	return b, err
}

// shownNow is shownBase for a node as it was a moment ago. If it has changed since, by how much no one knows: then it
// is a version that builds on nothing that the server has.
func (t *tree) shownNow(n *replica.Node) replica.Base {
	b := replica.Base{Version: n.Version}
	err := t.r.View(func(v *replica.View) error {
		now, err := v.Node(n.Num)
		if err != nil || now.Version != n.Version {
			return err
		}
		b, err = shownBase(v, now)
		return err
	})
	if err != nil && !errors.Is(err, replica.ErrNotFound) {
		t.opt.Logf("fs: looking for what is queued: %v", err)
	}
	return b
}

// open opens a regular file. flags are those of open(2). The body of a message that is not here is downloaded; that
// is the only thing that waits for ctx.
func (t *tree) open(ctx context.Context, id nodeID, flags, pid uint32) (*handle, error) {
	write := flags&syscall.O_ACCMODE != syscall.O_RDONLY
	if id.control() {
		if write {
			return nil, syscall.EACCES
		}
		c, err := t.controlContent(id)
		return &handle{ctl: c}, err
	}
	anew := flags&syscall.O_TRUNC != 0
	if (write || anew) && t.opt.ReadOnly {
		return nil, syscall.EROFS
	}
	if anew {
		h, err := t.openEmpty(id, flags, pid)
		if err != nil {
			return nil, err
		}
		if write {
			return h, nil
		}
		defer t.release(h) // O_RDONLY empties the file all the same
	}
	f, err := t.acquire(id, write, false)
	if err != nil {
		return nil, err
	}
	h := &handle{f: f, write: write, append: flags&syscall.O_APPEND != 0, pid: pid}
	if err := f.load(ctx, pid); err != nil {
		t.release(h)
		return nil, err
	}
	return h, nil
}

// openEmpty opens a file for writing and empties it. Nothing of what was in it is needed.
func (t *tree) openEmpty(id nodeID, flags, pid uint32) (*handle, error) {
	f, err := t.acquire(id, true, true)
	if err != nil {
		return nil, err
	}
	h := &handle{f: f, write: true, append: flags&syscall.O_APPEND != 0, pid: pid}
	if err := h.truncate(0); err != nil {
		t.release(h)
		return nil, err
	}
	return h, nil
}

// acquire finds or makes the file of an id and counts one more handle. anew says that it is opened to be written from
// the start, without a look at what is there.
func (t *tree) acquire(id nodeID, write, anew bool) (*file, error) {
	x := t.turnOf(id.num())
	for {
		before := t.turnBefore(x)
		if f := t.shareFile(id, write); f != nil {
			return f, nil
		}
		n, base, src, err := t.openNode(id, !write)
		if err != nil {
			return nil, err
		}
		f := &file{t: t, id: id, num: n.Num, node: n, base: base, src: src, touched: n.Mtime, reason: string(n.Xattrs[xattrReason])}
		f.unlinked.Store(n.Parent == 0)
		if f = t.addFile(x, before, f, write, anew); f == nil {
			continue
		}
		if !write && n.Kind == replica.KindMessage {
			t.noteRead(n.Num)
		}
		return f, nil
	}
}

// shareFile counts one more handle of an open file; nil if it is not open.
func (t *tree) shareFile(id nodeID, write bool) *file {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.files[id]
	if f != nil {
		f.opened(write)
	}
	return f
}

// opened counts a handle. mu is held.
func (f *file) opened(write bool) {
	f.refs++
	if write {
		f.writers++
		f.closing.Store(false)
	}
}

// addFile counts a handle of a file that was made as its item was before a turn, or of the one that somebody else has
// opened meanwhile; nil if a commit has begun since.
func (t *tree) addFile(x *turn, before uint64, f *file, write, anew bool) *file {
	t.mu.Lock()
	defer t.mu.Unlock()
	unused := f.src
	defer func() {
		if unused != nil {
			unused.Close()
		}
	}()
	if x.n != before {
		return nil
	}
	if f.node.Kind == replica.KindMessage && !anew {
		t.noteOpened(f.num, f.base)
	}
	if is := t.files[f.id]; is != nil {
		is.opened(write)
		return is
	}
	if w := t.copies[f.num]; w != nil && w.id == f.id {
		f.base, f.touched, f.src = w.base, w.touched, nil
	} else if seen, ok := t.opened[f.num]; anew && ok && seen.Version < f.node.Version {
		f.base = seen // nobody has read what is there: it was not meant to be replaced
	}
	if f.src != nil {
		unused = nil
	}
	t.files[f.id] = f
	t.filesN.Add(1)
	f.opened(write)
	return f
}

// noteOpened remembers which version of a message was read last, or written here: what the next save builds on that
// does not read it. mu is held.
func (t *tree) noteOpened(num replica.Num, base replica.Base) {
	const limit = 4096
	if len(t.opened) >= limit {
		clear(t.opened)
	}
	t.opened[num] = base
}

// load makes the file's bytes readable, with a download if they are not here.
func (f *file) load(ctx context.Context, pid uint32) error {
	const attempts = 3
	for try := 0; ; try++ {
		f.mu.Lock()
		if f.src != nil || f.buf != nil {
			f.mu.Unlock()
			return nil
		}
		if ch := f.fetching; ch != nil {
			f.mu.Unlock()
			select {
			case <-ch:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := f.loadLocal()
		if !errors.Is(err, replica.ErrNotLocal) || try == attempts {
			f.mu.Unlock()
			return staleIfGone(err)
		}
		ch := make(chan struct{})
		f.fetching = ch
		f.mu.Unlock()

		n, err := f.t.hydrate(ctx, f.id, pid)
		f.mu.Lock()
		f.fetching = nil
		if err == nil {
			f.node, f.base = n, baseOf(n)
		}
		f.mu.Unlock()
		close(ch)
		if err != nil {
			return err
		}
	}
}

// loadLocal opens the bytes that are here. f.mu is held.
func (f *file) loadLocal() (err error) {
	f.t.mu.RLock()
	w := f.t.copies[f.num]
	f.t.mu.RUnlock()
	if w != nil && w.id == f.id {
		f.src, err = f.t.r.OpenBlob(w.blob)
		return err
	}
	c, err := f.t.contentOf(f.node)
	if err != nil {
		return err
	}
	f.src = c
	if f.node.Kind == replica.KindMessage && (c.Size() != f.node.Size || !f.node.Exact) {
		f.t.correctSize(f.node, c.Size())
	}
	return nil
}

// staleIfGone makes the kernel look a name up again when its node vanished between lookup and open.
func staleIfGone(err error) error {
	if errors.Is(err, replica.ErrNotFound) {
		return syscall.ESTALE
	}
	return err
}

// hydrate downloads a message. Its name goes on leading to the same id, which no one has read anything through.
func (t *tree) hydrate(ctx context.Context, id nodeID, pid uint32) (*replica.Node, error) {
	if !t.mayDownload(pid) {
		return nil, syscall.ENODATA
	}
	if t.opt.Fetcher == nil {
		return nil, syscall.ENETUNREACH
	}
	ctx, cancel := context.WithTimeout(ctx, t.opt.OpenDeadline)
	defer cancel()
	if err := t.opt.Fetcher.Fetch(ctx, id.num()); err != nil {
		switch ctx.Err() {
		case context.DeadlineExceeded:
			return nil, syscall.ETIMEDOUT
		case context.Canceled:
			return nil, syscall.EINTR
		}
		if errnoOf(err) == syscall.EIO {
			t.opt.Logf("fs: fetching item %d: %v", id.num(), err)
		}
		return nil, staleIfGone(err)
	}
	var n *replica.Node
	err := t.r.View(func(v *replica.View) (err error) {
		n, err = v.Node(id.num())
		return err
	})
	if err != nil {
		return nil, staleIfGone(err)
	}
	t.mu.Lock()
	t.bumps[n.Num] = uint64(id)>>incShift - n.Gen
	t.mu.Unlock()
	return n, nil
}

// correctSize stores the exact size of a message that was stored with an estimate, or by another renderer.
func (t *tree) correctSize(n *replica.Node, size int64) {
	err := t.r.Update(func(u *replica.Update) error {
		now, err := u.Node(n.Num)
		if err != nil || now.Version != n.Version || now.Size == size && now.Exact {
			return err
		}
		now.Size, now.Exact = size, true
		return u.Save(now)
	})
	if err != nil {
		t.opt.Logf("fs: storing a size: %v", err)
		return
	}
	n.Size, n.Exact = size, true
	t.invalidate(stale{attr: t.idOf(n)})
}

// read fills p from an offset; fewer bytes mean the end of the file.
func (h *handle) read(p []byte, off int64) (int, error) {
	src := io.ReaderAt(h.ctl)
	if h.f != nil {
		h.f.mu.Lock()
		if h.f.buf != nil {
			defer h.f.mu.Unlock()
			src = h.f.buf
		} else {
			src = h.f.src
			h.f.mu.Unlock()
		}
	}
	n, err := src.ReadAt(p, off)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// writable makes sure that there is a working copy. f.mu is held.
func (f *file) writable() error {
	if f.buf != nil {
		return nil
	}
	b := newBuffer(f.t.opt.ScratchDir)
	if f.src != nil {
		if err := b.fill(f.src); err != nil {
			b.Close()
			return err
		}
	}
	f.buf = b
	return nil
}

// changed notes that buf was written to. f.mu is held.
func (f *file) changed() {
	f.seq++
	f.closing.Store(false)
	f.touched = f.t.clock.Now().Truncate(stampUnit)
}

// writeAt writes at an offset, or at the end for a handle opened with O_APPEND. pages says that the kernel writes back
// pages of a mapping, for which it takes any handle: they go where they belong.
func (h *handle) writeAt(p []byte, off int64, pages bool) (int, error) {
	f := h.f
	if f == nil || !h.write {
		return 0, syscall.EBADF
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.writable(); err != nil {
		return 0, err
	}
	if h.append && !pages {
		off = f.buf.Size()
	}
	h.began()
	n, err := f.buf.WriteAt(p, off)
	f.changed()
	return n, err
}

// truncate sets the size, and the time, also if it has that size already. To 0 it needs nothing of what was there.
func (f *file) truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if size == 0 && f.buf == nil {
		f.buf = newBuffer(f.t.opt.ScratchDir)
		f.changed()
		return nil
	}
	if err := f.writable(); err != nil {
		return err
	}
	f.changed()
	return f.buf.Truncate(size)
}

// The modes of fallocate(2) that are known here.
const (
	fallocKeepSize  = 0x01
	fallocPunchHole = 0x02
	fallocZeroRange = 0x10
)

// truncate is ftruncate(2).
func (h *handle) truncate(size int64) error {
	h.f.mu.Lock()
	if size == 0 { // what others were in the middle of is gone
		h.f.wipes++
		h.f.unfinished.Store(0)
	}
	h.began()
	h.f.mu.Unlock()
	return h.f.truncate(size)
}

// allocate is fallocate(2): there is nothing to reserve, so only size and zeros count.
func (h *handle) allocate(off, n int64, mode uint32) error {
	f := h.f
	if f == nil || !h.write {
		return syscall.EBADF
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.writable(); err != nil {
		return err
	}
	h.began()
	switch mode {
	case 0:
		f.changed()
	case fallocKeepSize:
		f.changed()
		return nil
	case fallocPunchHole | fallocKeepSize, fallocZeroRange, fallocZeroRange | fallocKeepSize:
		f.changed()
		if err := f.buf.Zero(off, n); err != nil {
			return err
		}
		if mode != fallocZeroRange {
			return nil
		}
	default:
		return syscall.EOPNOTSUPP
	}
	if off+n > f.buf.Size() {
		return f.buf.Truncate(off + n)
	}
	return nil
}

// overlay puts what is written but maybe not yet durable into attributes.
func (f *file) overlay(a *attr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.buf != nil:
		a.size, a.exact = f.buf.Size(), true
		if f.seq > 0 {
			a.mtime, a.ctime = f.touched, later(f.touched, a.ctime)
		}
	case f.src != nil:
		a.size, a.exact = f.src.Size(), true
	}
}

// pinnedAttr describes a file that no name leads to any more, or whose name leads to a newer version.
func (f *file) pinnedAttr() attr {
	f.mu.Lock()
	n := f.node
	f.mu.Unlock()
	a := f.t.attrOf(f.id, n, false)
	if f.unlinked.Load() {
		a.nlink = 0
	}
	return a
}

// closeContent frees what a file without handles held. f.mu is held.
func (f *file) closeContent() {
	if f.src != nil {
		f.src.Close()
		f.src = nil
	}
	if f.buf != nil {
		f.buf.Close()
		f.buf = nil
	}
}
