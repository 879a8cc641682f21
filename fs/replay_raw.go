package fs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"mailfs/replica"
)

// witness is the raw layer of a mount with a helper. Calls of the helper that are on its ticket are answered as done
// already, and those that would change anything else are refused; all others go through.
type witness struct {
	*raw
	p *replayer
}

// replayAttrTime is how long the kernel may believe the attributes of a name that exists for the helper only: it
// looks at them for its permission checks.
const replayAttrTime = time.Second

func (w *witness) Lookup(cancel <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if nodeID(in.NodeId) == controlDir {
		w.p.introduce(name, in.Pid)
	}
	if !w.p.mine(in.Pid) {
		return w.raw.Lookup(cancel, in, name, out)
	}
	c, parent := w.p.current(in.Pid), nodeID(in.NodeId)
	switch {
	case c == nil:
	case c.op == replayCreate && c.from == parent && c.name == name,
		c.op == replayRename && c.to == parent && c.toName == name:
		return fuse.ENOENT // it is about to appear
	case c.from == parent && c.name == name:
		w.fill(c, out)
		return fuse.OK
	}
	return w.raw.Lookup(cancel, in, name, out)
}

// fill answers with the item of a ticket, under a name that nobody is to believe in.
func (w *witness) fill(c *ticket, out *fuse.EntryOut) {
	out.NodeId, out.Generation = uint64(c.old), uint64(c.old)>>incShift
	a := w.r().replayAttr(c)
	w.fillAttr(&a, &out.Attr)
	out.SetAttrTimeout(replayAttrTime)
}

func (w *witness) r() *tree { return w.raw.t }

// replayAttr makes the attributes of what a replayed call is about.
func (t *tree) replayAttr(c *ticket) attr {
	if a, err := t.getattr(c.old); err == nil {
		return a
	}
	n := &replica.Node{Num: c.item, Kind: replica.KindMessage, Mode: fileMode, Exact: true}
	if c.dir {
		n.Kind, n.Mode = replica.KindFolder, dirMode
	}
	return t.attrOf(c.old, n, false)
}

// ticketOf returns the helper's ticket if it is for this operation.
func (w *witness) ticketOf(pid uint32, op replayOp) *ticket {
	if c := w.p.current(pid); c != nil && c.op == op {
		return c
	}
	return nil
}

// entry answers a mknod or mkdir of the helper: with what is there.
func (w *witness) entry(in *fuse.InHeader, name string, dir bool, out *fuse.EntryOut) fuse.Status {
	c := w.ticketOf(in.Pid, replayCreate)
	if c == nil || c.from != nodeID(in.NodeId) || c.name != name || c.dir != dir {
		return fuse.EPERM
	}
	if !w.r().plays(c) || !w.p.use(c) {
		return fuse.EPERM
	}
	w.fill(c, out) // whoever wants it looks for it, which tells that a directory may be watched
	// The kernel takes the size of what was just made as it is, even if it knows the inode and has seen it grow since this
	// answer was on its way: so this is an inode that nobody else has.
	out.NodeId |= uint64(madeUpFlag)
	return fuse.OK
}

func (w *witness) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if w.p.mine(in.Pid) {
		return w.entry(&in.InHeader, name, false, out)
	}
	return w.raw.Mknod(cancel, in, name, out)
}

func (w *witness) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	if w.p.mine(in.Pid) {
		return w.entry(&in.InHeader, name, true, out)
	}
	return w.raw.Mkdir(cancel, in, name, out)
}

// gone answers an unlink or rmdir of the helper.
func (w *witness) gone(in *fuse.InHeader, name string, dir bool) fuse.Status {
	c := w.ticketOf(in.Pid, replayRemove)
	if c == nil || c.from != nodeID(in.NodeId) || c.name != name || c.dir != dir || !w.r().plays(c) || !w.p.use(c) {
		return fuse.EPERM
	}
	return fuse.OK
}

func (w *witness) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if w.p.mine(in.Pid) {
		return w.gone(in, name, false)
	}
	return w.raw.Unlink(cancel, in, name)
}

func (w *witness) Rmdir(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if w.p.mine(in.Pid) {
		return w.gone(in, name, true)
	}
	return w.raw.Rmdir(cancel, in, name)
}

func (w *witness) Rename(cancel <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	if !w.p.mine(in.Pid) {
		return w.raw.Rename(cancel, in, oldName, newName)
	}
	c := w.ticketOf(in.Pid, replayRename)
	if c == nil || c.from != nodeID(in.NodeId) || c.name != oldName || c.to != nodeID(in.Newdir) || c.toName != newName ||
		!w.r().plays(c) || !w.p.use(c) {
		return fuse.EPERM
	}
	return fuse.OK
}

func (w *witness) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if !w.p.mine(in.Pid) {
		return w.raw.Open(cancel, in, out)
	}
	switch c := w.ticketOf(in.Pid, replayModify); {
	case c == nil || c.item != nodeID(in.NodeId).num():
		return fuse.EPERM
	case c.old != nodeID(in.NodeId):
		return fuse.Status(syscall.ESTALE) // somebody saw the new version: the kernel asks what the name leads to
	}
	out.Fh = w.addHandle(&handle{ctl: newMemContent(nil)})
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH
	return fuse.OK
}

// SetAttr answers a new mtime. An inode whose name leads to a newer one now has lost its name.
func (w *witness) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if !w.p.mine(in.Pid) {
		return w.raw.SetAttr(cancel, in, out)
	}
	c := w.ticketOf(in.Pid, replayModify)
	const times = fuse.FATTR_MTIME | fuse.FATTR_CTIME | fuse.FATTR_FH | fuse.FATTR_LOCKOWNER
	if c == nil || c.old != nodeID(in.NodeId) || in.Valid&^times != 0 || !w.p.use(c) {
		return fuse.EPERM
	}
	a := w.r().replayAttr(c)
	out.SetTimeout(attrTime(c.old, &a))
	if id, ok := w.r().current(c.item); !ok || id != c.old {
		a.nlink = 0
		out.SetTimeout(cacheTime)
	}
	w.fillAttr(&a, &out.Attr)
	return fuse.OK
}

func (w *witness) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if w.p.mine(in.Pid) {
		return fuse.EPERM
	}
	return w.raw.Create(cancel, in, name, out)
}

func (w *witness) Symlink(cancel <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	if w.p.mine(in.Pid) {
		return fuse.EPERM
	}
	return w.raw.Symlink(cancel, in, target, name, out)
}

func (w *witness) SetXAttr(cancel <-chan struct{}, in *fuse.SetXAttrIn, name string, value []byte) fuse.Status {
	if w.p.mine(in.Pid) {
		return fuse.EPERM
	}
	return w.raw.SetXAttr(cancel, in, name, value)
}

func (w *witness) RemoveXAttr(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if w.p.mine(in.Pid) {
		return fuse.EPERM
	}
	return w.raw.RemoveXAttr(cancel, in, name)
}
