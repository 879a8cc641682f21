package fs

import (
	"strings"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"mailfs/replica"
)

// Direct is the file system without a kernel: programs' calls go through the raw layer as the kernel would pass them
// on, and what the kernel believes about names is kept as it would keep it, until a notice comes. Nothing runs by
// itself: notices wait for Deliver, and windows for the Clock. Its methods may be called by one goroutine at a time;
// their errors are syscall.Errno.
type Direct struct {
	r      *raw
	cancel func()

	mu      sync.Mutex
	commits [][]replica.Event // not taken in yet

	believed map[dentry]uint64 // what names lead to
	pages    map[uint64]string // what was read of a node, and not written since
	nameless map[uint64]bool   // nodes that go with their last handle
	stale    int
}

type dentry struct {
	parent uint64
	name   string
}

// noInterrupt is the cancel channel of a call that nobody interrupts.
var noInterrupt chan struct{}

// directPID is the process that calls.
const directPID = 1

// Direct takes up what an earlier mount left and begins to serve.
func (f *FS) Direct() (*Direct, error) {
	if err := f.t.recover(); err != nil {
		return nil, err
	}
	d := &Direct{r: newRaw(f.t), believed: map[dentry]uint64{}, pages: map[uint64]string{}, nameless: map[uint64]bool{}}
	f.t.notices.k = d
	d.cancel = f.t.r.Listen(func(list []replica.Event) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.commits = append(d.commits, list)
	})
	return d, nil
}

// Deliver takes in what was committed since the last call, tells the kernel's side of it, and returns the number of
// commits and notices.
func (d *Direct) Deliver() int {
	d.mu.Lock()
	commits := d.commits
	d.commits = nil
	d.mu.Unlock()
	t, n := d.r.t, len(commits)
	tell := func(list []stale) {
		for _, s := range list {
			t.notices.tell(s)
		}
		n += len(list)
	}
	for _, list := range commits {
		tell(t.digest(list))
	}
	t.notices.mu.Lock()
	list := t.notices.queue
	t.notices.queue = nil
	t.notices.mu.Unlock()
	tell(list)
	return n
}

// EntryNotify makes the kernel's side forget a name.
func (d *Direct) EntryNotify(parent uint64, name string) fuse.Status {
	delete(d.believed, dentry{parent, name})
	return fuse.OK
}

// InodeNotify has nothing to do: attributes are not kept here.
func (d *Direct) InodeNotify(uint64, int64, int64) fuse.Status { return fuse.OK }

// Stale returns how often a node had another content than what was read of it before, though nothing was written
// through it: the kernel would have gone on with the pages that it has.
func (d *Direct) Stale() int { return d.stale }

// Flush makes changes of what idle windows hold back, without waiting for them.
func (d *Direct) Flush() error {
	d.r.t.fetchLeft()
	return d.r.t.flushAll()
}

// Close is an unmount: what was written becomes durable, and what was closed a change.
func (d *Direct) Close() error {
	d.cancel()
	return d.r.t.close()
}

// Drop ends everything as a kill of the process does: what is not in the replica is lost.
func (d *Direct) Drop() {
	d.cancel()
	t := d.r.t
	for _, timer := range t.pending {
		timer.Stop()
	}
}

func header(node uint64) fuse.InHeader {
	return fuse.InHeader{NodeId: node, Caller: fuse.Caller{Pid: directPID}}
}

// errorOf translates an answer.
func errorOf(s fuse.Status) error {
	if s == fuse.OK {
		return nil
	}
	return syscall.Errno(s)
}

// lookup finds a name in a directory, asking only for what is not believed.
func (d *Direct) lookup(parent uint64, name string) (uint64, error) {
	key := dentry{parent, name}
	if id, ok := d.believed[key]; ok {
		return id, nil
	}
	in := header(parent)
	var out fuse.EntryOut
	if s := d.r.Lookup(noInterrupt, &in, name, &out); s != fuse.OK {
		return 0, errorOf(s)
	}
	if out.NodeId == 0 {
		return 0, syscall.ENOENT
	}
	delete(d.nameless, out.NodeId)
	if out.EntryValid != 0 || out.EntryValidNsec != 0 {
		d.believed[key] = out.NodeId
	}
	return out.NodeId, nil
}

// walk returns the directory and the last name of a path.
func (d *Direct) walk(path string) (dir uint64, name string, err error) {
	parts := strings.Split(path, "/")
	dir = uint64(rootID)
	for _, p := range parts[:len(parts)-1] {
		if dir, err = d.lookup(dir, p); err != nil {
			return 0, "", err
		}
	}
	return dir, parts[len(parts)-1], nil
}

// node returns what a path leads to.
func (d *Direct) node(path string) (uint64, error) {
	if path == "" {
		return uint64(rootID), nil
	}
	dir, name, err := d.walk(path)
	if err != nil {
		return 0, err
	}
	return d.lookup(dir, name)
}

// again runs a call, and once more with nothing believed when it meets what is not there any more: the kernel looks
// every name of the path up anew on ESTALE.
func (d *Direct) again(f func() error) error {
	err := f()
	if err != syscall.ESTALE {
		return err
	}
	clear(d.believed)
	return f()
}

// DirectFile is an open file.
type DirectFile struct {
	d    *Direct
	node uint64
	fh   uint64
	off  int64
}

// Open opens or, with O_CREAT, makes a file. flags are those of open(2).
func (d *Direct) Open(path string, flags uint32) (*DirectFile, error) {
	f := &DirectFile{d: d}
	err := d.again(func() error {
		dir, name, err := d.walk(path)
		if err != nil {
			return err
		}
		id, err := d.lookup(dir, name)
		switch {
		case err == nil && flags&(syscall.O_CREAT|syscall.O_EXCL) == syscall.O_CREAT|syscall.O_EXCL:
			return syscall.EEXIST
		case err == syscall.ENOENT && flags&syscall.O_CREAT != 0:
			return f.create(dir, name, flags)
		case err != nil:
			return err
		}
		in := fuse.OpenIn{InHeader: header(id), Flags: flags &^ (syscall.O_CREAT | syscall.O_EXCL)}
		var out fuse.OpenOut
		if s := d.r.Open(noInterrupt, &in, &out); s != fuse.OK {
			return errorOf(s)
		}
		f.node, f.fh = id, out.Fh
		if flags&syscall.O_TRUNC != 0 {
			delete(d.pages, id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *DirectFile) create(dir uint64, name string, flags uint32) error {
	in := fuse.CreateIn{InHeader: header(dir), Flags: flags, Mode: 0o644}
	var out fuse.CreateOut
	if s := f.d.r.Create(noInterrupt, &in, name, &out); s != fuse.OK {
		return errorOf(s)
	}
	f.node, f.fh = out.NodeId, out.Fh
	f.d.believed[dentry{dir, name}] = out.NodeId
	return nil
}

// Read returns everything that is in the file.
func (f *DirectFile) Read() ([]byte, error) {
	var all []byte
	buf := make([]byte, 8<<10)
	for {
		in := fuse.ReadIn{InHeader: header(f.node), Fh: f.fh, Offset: uint64(len(all)), Size: uint32(len(buf))}
		res, s := f.d.r.Read(noInterrupt, &in, buf)
		if s != fuse.OK {
			return nil, errorOf(s)
		}
		p, s := res.Bytes(buf)
		if s != fuse.OK {
			return nil, errorOf(s)
		}
		if len(p) == 0 {
			f.keep(string(all))
			return all, nil
		}
		all = append(all, p...)
		buf = make([]byte, min(2*len(buf), 1<<20))
	}
}

// keep is what the kernel does with pages that were read: with FOPEN_KEEP_CACHE they stay for as long as the node.
func (f *DirectFile) keep(all string) {
	if f.d.nameless[f.node] {
		return
	}
	if had, ok := f.d.pages[f.node]; ok && had != all {
		f.d.stale++
	}
	f.d.pages[f.node] = all
}

// Write writes at the file's offset, which goes on by it.
func (f *DirectFile) Write(p []byte) (int, error) {
	in := fuse.WriteIn{InHeader: header(f.node), Fh: f.fh, Offset: uint64(f.off)}
	n, s := f.d.r.Write(noInterrupt, &in, p)
	delete(f.d.pages, f.node)
	f.off += int64(n)
	return int(n), errorOf(s)
}

// WriteAt writes at an offset.
func (f *DirectFile) WriteAt(p []byte, off int64) error {
	f.off = off
	_, err := f.Write(p)
	return err
}

// Truncate is ftruncate(2).
func (f *DirectFile) Truncate(size int64) error {
	return f.d.resize(f.node, size, f)
}

// Sync is fsync(2).
func (f *DirectFile) Sync() error {
	in := fuse.FsyncIn{InHeader: header(f.node), Fh: f.fh}
	return errorOf(f.d.r.Fsync(noInterrupt, &in))
}

// Flush is the part of close(2) that a program waits for, and that can fail.
func (f *DirectFile) Flush() error {
	in := fuse.FlushIn{InHeader: header(f.node), Fh: f.fh}
	return errorOf(f.d.r.Flush(noInterrupt, &in))
}

// Release is the part of close(2) that the kernel does later.
func (f *DirectFile) Release() {
	in := fuse.ReleaseIn{InHeader: header(f.node), Fh: f.fh}
	f.d.r.Release(noInterrupt, &in)
}

// Close is Flush and Release.
func (f *DirectFile) Close() error {
	err := f.Flush()
	f.Release()
	return err
}

// ReadFile returns the content of a file.
func (d *Direct) ReadFile(path string) ([]byte, error) {
	f, err := d.Open(path, syscall.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	return f.Read()
}

// WriteFile writes a file in place, as cp and most editors do: open with O_CREAT and O_TRUNC, write, close.
func (d *Direct) WriteFile(path string, p []byte) error {
	f, err := d.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := f.Write(p); err != nil {
		f.Release()
		return err
	}
	return f.Close()
}

// Truncate is truncate(2).
func (d *Direct) Truncate(path string, size int64) error {
	return d.again(func() error {
		id, err := d.node(path)
		if err != nil {
			return err
		}
		return d.resize(id, size, nil)
	})
}

func (d *Direct) resize(id uint64, size int64, f *DirectFile) error {
	in := fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(id), Valid: fuse.FATTR_SIZE, Size: uint64(size)}}
	if f != nil {
		in.Valid |= fuse.FATTR_FH
		in.Fh = f.fh
	}
	var out fuse.AttrOut
	delete(d.pages, id)
	return errorOf(d.r.SetAttr(noInterrupt, &in, &out))
}

// Rename is renameat2(2).
func (d *Direct) Rename(from, to string, flags uint32) error {
	return d.again(func() error {
		oldDir, oldName, err := d.walk(from)
		if err != nil {
			return err
		}
		newDir, newName, err := d.walk(to)
		if err != nil {
			return err
		}
		if _, err := d.lookup(oldDir, oldName); err != nil {
			return err
		}
		if _, err := d.lookup(newDir, newName); err == nil && flags&renameNoReplace != 0 {
			return syscall.EEXIST
		}
		in := fuse.RenameIn{InHeader: header(oldDir), Newdir: newDir, Flags: flags}
		if err := errorOf(d.r.Rename(noInterrupt, &in, oldName, newName)); err != nil {
			return err
		}
		was, is := dentry{oldDir, oldName}, dentry{newDir, newName}
		if over, ok := d.believed[is]; ok && flags&renameExchange == 0 {
			d.unnamed(over)
		}
		d.believed[is], d.believed[was] = d.believed[was], d.believed[is]
		if flags&renameExchange == 0 {
			delete(d.believed, was)
		}
		return nil
	})
}

// Unlink is unlink(2).
func (d *Direct) Unlink(path string) error {
	return d.remove(path, func(in *fuse.InHeader, name string) fuse.Status { return d.r.Unlink(noInterrupt, in, name) })
}

// Rmdir is rmdir(2).
func (d *Direct) Rmdir(path string) error {
	return d.remove(path, func(in *fuse.InHeader, name string) fuse.Status { return d.r.Rmdir(noInterrupt, in, name) })
}

func (d *Direct) remove(path string, call func(in *fuse.InHeader, name string) fuse.Status) error {
	return d.again(func() error {
		dir, name, err := d.walk(path)
		if err != nil {
			return err
		}
		id, err := d.lookup(dir, name)
		if err != nil {
			return err
		}
		in := header(dir)
		if s := call(&in, name); s != fuse.OK {
			return errorOf(s)
		}
		d.unnamed(id)
		delete(d.believed, dentry{dir, name})
		return nil
	})
}

// unnamed notes that a node lost its name.
func (d *Direct) unnamed(id uint64) {
	delete(d.pages, id)
	d.nameless[id] = true
}

// Mkdir is mkdir(2).
func (d *Direct) Mkdir(path string) error {
	return d.again(func() error {
		dir, name, err := d.walk(path)
		if err != nil {
			return err
		}
		if _, err := d.lookup(dir, name); err == nil {
			return syscall.EEXIST
		}
		in := fuse.MkdirIn{InHeader: header(dir), Mode: 0o755}
		var out fuse.EntryOut
		if s := d.r.Mkdir(noInterrupt, &in, name, &out); s != fuse.OK {
			return errorOf(s)
		}
		d.believed[dentry{dir, name}] = out.NodeId
		return nil
	})
}

// DirectEntry is one entry of a directory.
type DirectEntry struct {
	Name string
	Item replica.Num
	Dir  bool
}

// ReadDir lists a directory in order of name.
func (d *Direct) ReadDir(path string) (list []DirectEntry, err error) {
	err = d.again(func() error {
		id, err := d.node(path)
		if err != nil {
			return err
		}
		s, err := d.r.t.opendir(nodeID(id))
		if code := errnoOf(err); code != 0 {
			return code
		}
		list = nil
		for off := dotEntries; ; off++ {
			e, more, err := s.at(off)
			if code := errnoOf(err); code != 0 {
				return code
			}
			if !more {
				return nil
			}
			list = append(list, DirectEntry{Name: e.node.Name, Item: e.node.Num, Dir: isDir(e.node)})
		}
	})
	return list, err
}

// Setxattr is setxattr(2).
func (d *Direct) Setxattr(path, name, value string) error {
	return d.again(func() error {
		id, err := d.node(path)
		if err != nil {
			return err
		}
		in := fuse.SetXAttrIn{InHeader: header(id)}
		return errorOf(d.r.SetXAttr(noInterrupt, &in, name, []byte(value)))
	})
}

// Getxattr is getxattr(2).
func (d *Direct) Getxattr(path, name string) (value string, err error) {
	err = d.again(func() error {
		id, err := d.node(path)
		if err != nil {
			return err
		}
		in := header(id)
		buf := make([]byte, maxXattr)
		n, s := d.r.GetXAttr(noInterrupt, &in, name, buf)
		value = string(buf[:n])
		return errorOf(s)
	})
	return value, err
}

// Size is what stat(2) says of a file.
func (d *Direct) Size(path string) (size int64, err error) {
	err = d.again(func() error {
		id, err := d.node(path)
		if err != nil {
			return err
		}
		in := fuse.GetAttrIn{InHeader: header(id)}
		var out fuse.AttrOut
		s := d.r.GetAttr(noInterrupt, &in, &out)
		size = int64(out.Size)
		return errorOf(s)
	})
	return size, err
}

// Unsettled returns the number of files whose idle window has not passed yet.
func (d *Direct) Unsettled() int {
	d.r.t.ns.Lock()
	defer d.r.t.ns.Unlock()
	return len(d.r.t.pending)
}

var _ kernel = (*Direct)(nil)
