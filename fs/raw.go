package fs

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"mailfs/internal/names"
)

// Kernel caches are kept until something is invalidated; only what can change by itself is asked for every time.
// That a name leads nowhere is believed for a moment only, since the notice that it does now would also hit a
// directory that the kernel has just learnt of, and take it from under those who work in it.
const (
	cacheTime    = time.Hour
	negativeTime = 500 * time.Millisecond
)

// raw is the thin layer between go-fuse and the tree: it translates structures and errors and keeps the numbers of
// handles. It needs no table of nodes, since a nodeID says everything; so Forget has nothing to do.
type raw struct {
	fuse.RawFileSystem // answers ENOSYS for what is not implemented here
	t                  *tree
	uid, gid           uint32

	mu      sync.RWMutex
	next    uint64
	handles map[uint64]*handle
	dirs    map[uint64]*dirStream
}

func newRaw(t *tree) *raw {
	return &raw{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), t: t,
		uid: uint32(t.opt.UID), gid: uint32(t.opt.GID),
		handles: map[uint64]*handle{}, dirs: map[uint64]*dirStream{},
	}
}

func (r *raw) String() string { return "mailfs" }

// SetDebug is obsolete in go-fuse; Options.Debug does it.
func (r *raw) SetDebug(bool) {}

func status(err error) fuse.Status { return fuse.Status(errnoOf(err)) }

// interrupts is a context that ends when the kernel says that the caller was interrupted. Only waits for a download
// use it: a Go program interrupts itself all the time.
type interrupts struct {
	context.Context
	cancel <-chan struct{}
}

func cancellable(cancel <-chan struct{}) context.Context {
	return interrupts{context.Background(), cancel}
}

// Done is closed when the caller was interrupted.
func (c interrupts) Done() <-chan struct{} { return c.cancel }

// Err tells whether it was.
func (c interrupts) Err() error {
	select {
	case <-c.cancel:
		return context.Canceled
	default:
		return nil
	}
}

func (r *raw) fillAttr(a *attr, out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink = a.ino, a.mode, a.nlink
	out.Size, out.Blocks = uint64(a.size), uint64(a.blocks)
	out.Blksize = 4096
	out.Uid, out.Gid = r.uid, r.gid
	out.Atime, out.Atimensec = stamp(a.atime)
	out.Mtime, out.Mtimensec = stamp(a.mtime)
	out.Ctime, out.Ctimensec = stamp(a.ctime)
}

// stamp splits a time; the zero time is the epoch.
func stamp(t time.Time) (uint64, uint32) {
	if t.IsZero() {
		return 0, 0
	}
	return uint64(t.Unix()), uint32(t.Nanosecond())
}

// attrTime is how long the kernel may keep attributes: an estimated size is asked for again.
func attrTime(id nodeID, a *attr) time.Duration {
	if !a.exact || id.control() {
		return 0
	}
	return cacheTime
}

func (r *raw) fillEntry(e *entry, out *fuse.EntryOut) {
	out.NodeId = uint64(e.id)
	out.Generation = uint64(e.id) >> incShift
	r.fillAttr(&e.attr, &out.Attr)
	out.SetAttrTimeout(attrTime(e.id, &e.attr))
	if e.id == conflictsLink {
		out.SetEntryTimeout(time.Second) // what it leads to can be renamed
		return
	}
	out.SetEntryTimeout(cacheTime)
	if e.attr.mode&syscall.S_IFMT == syscall.S_IFDIR && !e.id.control() {
		r.t.noteShown(e.id.num())
	}
}

func (r *raw) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	e, err := r.t.lookup(nodeID(in.NodeId), name)
	if code := errnoOf(err); code != 0 {
		if code == syscall.ENOENT {
			out.SetEntryTimeout(negativeTime)
			return fuse.OK // no node: a name that the kernel may remember not to be there
		}
		return fuse.Status(code)
	}
	r.fillEntry(&e, out)
	return fuse.OK
}

func (r *raw) Forget(uint64, uint64) {}

func (r *raw) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	id := nodeID(in.NodeId)
	a, err := r.t.getattr(id)
	if err != nil {
		return status(err)
	}
	r.fillAttr(&a, &out.Attr)
	out.SetTimeout(attrTime(id, &a))
	return fuse.OK
}

// statxBtime is STATX_BTIME, statxBasic STATX_BASIC_STATS of statx(2).
const (
	statxBasic = 0x7ff
	statxBtime = 0x800
)

func (r *raw) Statx(_ <-chan struct{}, in *fuse.StatxIn, out *fuse.StatxOut) fuse.Status {
	id := nodeID(in.NodeId)
	a, err := r.t.getattr(id)
	if err != nil {
		return status(err)
	}
	x := &out.Statx
	x.Mask, x.Blksize = statxBasic, 4096
	x.Nlink, x.Mode, x.Ino, x.Uid, x.Gid = a.nlink, uint16(a.mode), a.ino, r.uid, r.gid
	x.Size, x.Blocks = uint64(a.size), uint64(a.blocks)
	x.Atime.Sec, x.Atime.Nsec = stamp(a.atime)
	x.Mtime.Sec, x.Mtime.Nsec = stamp(a.mtime)
	x.Ctime.Sec, x.Ctime.Nsec = stamp(a.ctime)
	if !a.btime.IsZero() {
		x.Btime.Sec, x.Btime.Nsec = stamp(a.btime)
		x.Mask |= statxBtime
	}
	d := attrTime(id, &a)
	out.AttrValid, out.AttrValidNsec = uint64(d/time.Second), uint32(d%time.Second)
	return fuse.OK
}

func (r *raw) Readlink(_ <-chan struct{}, in *fuse.InHeader) ([]byte, fuse.Status) {
	s, err := r.t.readlink(nodeID(in.NodeId))
	return []byte(s), status(err)
}

// Access is answered by the kernel from the attributes.
func (r *raw) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return fuse.ENOSYS }

func (r *raw) addHandle(h *handle) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	r.handles[r.next] = h
	return r.next
}

func (r *raw) handle(fh uint64) *handle {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.handles[fh]
}

func (r *raw) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	h, err := r.t.open(cancellable(cancel), nodeID(in.NodeId), in.Flags, in.Pid)
	if err != nil {
		return status(err)
	}
	r.openOut(h, out)
	return fuse.OK
}

// openOut numbers a handle. Pages of an id stay good for as long as it lives, since new content gets a new id; a
// handle that can't write has nothing to flush.
func (r *raw) openOut(h *handle, out *fuse.OpenOut) {
	out.Fh = r.addHandle(h)
	switch {
	case h.ctl != nil:
		out.OpenFlags = fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH
	case h.write:
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	default:
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH
	}
}

func (r *raw) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	h := r.handle(in.Fh)
	if h == nil {
		return nil, fuse.EBADF
	}
	size := min(len(buf), int(in.Size))
	p, ok := h.bytes(int64(in.Offset), size)
	if !ok {
		n, err := h.read(buf[:size], int64(in.Offset))
		if err != nil {
			return nil, status(err)
		}
		p = buf[:n]
	}
	return fuse.ReadResultVector([][]byte{p}), fuse.OK // go-fuse would try to splice what is no vector
}

func (r *raw) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	r.mu.Lock()
	h := r.handles[in.Fh]
	delete(r.handles, in.Fh)
	r.mu.Unlock()
	if h != nil {
		r.t.release(h)
	}
}

func (r *raw) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	d, err := r.t.opendir(nodeID(in.NodeId))
	if err != nil {
		return status(err)
	}
	r.mu.Lock()
	r.next++
	out.Fh = r.next
	r.dirs[out.Fh] = d
	r.mu.Unlock()
	return fuse.OK
}

func (r *raw) ReleaseDir(in *fuse.ReleaseIn) {
	r.mu.Lock()
	delete(r.dirs, in.Fh)
	r.mu.Unlock()
}

func (r *raw) dir(fh uint64) *dirStream {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.dirs[fh]
}

// dots adds the entries of a directory itself and its parent, and returns the offset to go on with.
func (r *raw) dots(d *dirStream, off uint64, add func(fuse.DirEntry) bool) (uint64, bool) {
	for ; off < dotEntries; off++ {
		e := fuse.DirEntry{Name: "..", Mode: syscall.S_IFDIR, Off: off + 1, Ino: r.t.ino(r.t.parentOf(d.id))}
		if off == 0 {
			e.Name, e.Ino = ".", r.t.ino(d.id)
		}
		if !add(e) {
			return off, false
		}
	}
	return off, true
}

func (r *raw) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	d := r.dir(in.Fh)
	if d == nil {
		return fuse.EBADF
	}
	off, ok := r.dots(d, in.Offset, out.AddDirEntry)
	for ok {
		e, more, err := d.at(int(off))
		if err != nil {
			return status(err)
		}
		off++
		ok = more && out.AddDirEntry(fuse.DirEntry{Name: e.node.Name, Mode: e.attr.mode, Ino: e.attr.ino, Off: off})
	}
	return fuse.OK
}

func (r *raw) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	d := r.dir(in.Fh)
	if d == nil {
		return fuse.EBADF
	}
	// The kernel looks at the dots' names only.
	off, ok := r.dots(d, in.Offset, func(e fuse.DirEntry) bool { return out.AddDirLookupEntry(e) != nil })
	for ok {
		e, more, err := d.at(int(off))
		if err != nil {
			return status(err)
		}
		if !more {
			break
		}
		off++
		eo := out.AddDirLookupEntry(fuse.DirEntry{Name: e.node.Name, Mode: e.attr.mode, Ino: e.attr.ino, Off: off})
		if eo == nil {
			break
		}
		r.fillEntry(&e, eo)
	}
	return fuse.OK
}

func (r *raw) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	s, err := r.t.statfs()
	if err != nil {
		return status(err)
	}
	out.Bsize, out.Frsize, out.NameLen = statfsBlock, statfsBlock, names.Max
	out.Blocks, out.Bfree, out.Bavail = s.blocks, s.free, s.free
	out.Files, out.Ffree = s.files, s.filesFree
	return fuse.OK
}
