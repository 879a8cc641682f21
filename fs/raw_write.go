package fs

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func (r *raw) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	var c changes
	if size, ok := in.GetSize(); ok {
		n := int64(size)
		c.size = &n
	}
	if mode, ok := in.GetMode(); ok {
		c.mode = &mode
	}
	if uid, ok := in.GetUID(); ok {
		c.uid = &uid
	}
	if gid, ok := in.GetGID(); ok {
		c.gid = &gid
	}
	if at, ok := in.GetATime(); ok {
		c.atime = &at
	}
	if mt, ok := in.GetMTime(); ok {
		c.mtime = &mt
	}
	var h *handle
	if fh, ok := in.GetFh(); ok {
		h = r.handle(fh)
	}
	id := nodeID(in.NodeId)
	a, err := r.t.setattr(cancellable(cancel), id, h, c, in.Pid)
	if err != nil {
		return status(err)
	}
	r.fillAttr(&a, &out.Attr)
	out.SetTimeout(attrTime(id, &a))
	return fuse.OK
}

func (r *raw) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if in.Mode&syscall.S_IFMT != syscall.S_IFREG && in.Mode&syscall.S_IFMT != 0 {
		return fuse.EPERM
	}
	e, err := r.t.mknod(nodeID(in.NodeId), name, in.Mode)
	if err != nil {
		return status(err)
	}
	r.fillEntry(&e, out)
	return fuse.OK
}

func (r *raw) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	e, err := r.t.mkdir(nodeID(in.NodeId), name, in.Mode)
	if err != nil {
		return status(err)
	}
	r.fillEntry(&e, out)
	return fuse.OK
}

func (r *raw) Symlink(_ <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	e, err := r.t.symlink(nodeID(in.NodeId), name, target)
	if err != nil {
		return status(err)
	}
	r.fillEntry(&e, out)
	return fuse.OK
}

// Link is refused: a message has one name.
func (r *raw) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	if r.t.opt.ReadOnly {
		return fuse.EROFS
	}
	return fuse.EPERM
}

func (r *raw) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return status(r.t.unlink(nodeID(in.NodeId), name))
}

func (r *raw) Rmdir(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return status(r.t.rmdir(nodeID(in.NodeId), name))
}

func (r *raw) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	return status(r.t.rename(nodeID(in.NodeId), oldName, nodeID(in.Newdir), newName, in.Flags))
}

func (r *raw) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	e, h, err := r.t.createFile(cancellable(cancel), nodeID(in.NodeId), name, in.Flags, in.Mode, in.Pid)
	if err != nil {
		return status(err)
	}
	r.fillEntry(&e, &out.EntryOut)
	r.openOut(h, &out.OpenOut)
	return fuse.OK
}

func (r *raw) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	h := r.handle(in.Fh)
	if h == nil {
		return 0, fuse.EBADF
	}
	n, err := h.writeAt(data, int64(in.Offset), in.WriteFlags&fuse.WRITE_CACHE != 0)
	return uint32(n), status(err)
}

// Flush is the close of one descriptor. The process that opened the file closes it for the last time, as a rule;
// others close duplicates.
func (r *raw) Flush(_ <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	h := r.handle(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	return status(h.flush(in.Pid == h.pid))
}

func (r *raw) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	h := r.handle(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	return status(h.sync())
}

// FsyncDir has nothing to do: names are durable when the call that changed them returns.
func (r *raw) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }

func (r *raw) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	h := r.handle(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	return status(h.allocate(int64(in.Offset), int64(in.Length), in.Mode))
}

// xattrName translates the name of an attribute from how this system has it.
func (r *raw) xattrName(name string) string {
	if r.t.opt.PlainXattrs {
		return userSpace + name
	}
	return name
}

func (r *raw) GetXAttr(_ <-chan struct{}, in *fuse.InHeader, name string, dest []byte) (uint32, fuse.Status) {
	v, err := r.t.getxattr(nodeID(in.NodeId), r.xattrName(name))
	if err == syscall.ENODATA {
		return 0, fuse.ENOATTR
	}
	if err != nil {
		return 0, status(err)
	}
	return copyOut(v, dest)
}

func (r *raw) ListXAttr(_ <-chan struct{}, in *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	list, err := r.t.listxattr(nodeID(in.NodeId))
	if err != nil {
		return 0, status(err)
	}
	if len(list) == 0 {
		return 0, fuse.OK
	}
	if r.t.opt.PlainXattrs {
		for i := range list {
			list[i] = strings.TrimPrefix(list[i], userSpace)
		}
	}
	return copyOut([]byte(strings.Join(list, "\x00")+"\x00"), dest)
}

func copyOut(v, dest []byte) (uint32, fuse.Status) {
	if len(dest) < len(v) {
		return uint32(len(v)), fuse.ERANGE
	}
	return uint32(copy(dest, v)), fuse.OK
}

func (r *raw) SetXAttr(_ <-chan struct{}, in *fuse.SetXAttrIn, name string, value []byte) fuse.Status {
	return status(r.t.setxattr(nodeID(in.NodeId), r.xattrName(name), value, in.Flags))
}

func (r *raw) RemoveXAttr(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	err := r.t.removexattr(nodeID(in.NodeId), r.xattrName(name))
	if err == syscall.ENODATA {
		return fuse.ENOATTR
	}
	return status(err)
}
