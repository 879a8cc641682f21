package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"syscall"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/replica"
)

// workCopy mirrors the durable working copy of a message: bytes that were written under one of its ids and have not
// become a change yet.
type workCopy struct {
	id      nodeID
	blob    replica.BlobID
	size    int64
	base    replica.Base
	touched time.Time
	closed  bool
	reason  string
}

// flush makes what was written durable. It is EINVAL for a file that is to be a message, is not empty and does not
// parse; the bytes are durable all the same. closing says that this is the close of the process that opened the
// file. If nobody else is in the middle of writing then, the file counts as closed, even if nobody lives to see the
// release, and though others may have it open.
func (h *handle) flush(closing bool) error {
	f := h.f
	if f == nil || !h.write {
		return nil
	}
	if closing {
		f.mu.Lock()
		h.finished()
		closing = f.unfinished.Load() == 0
		f.mu.Unlock()
	}
	defer f.closing.Store(true)
	return f.save(closing)
}

// began notes that a program is in the middle of writing, until it closes the file. f.mu is held.
func (h *handle) began() {
	if !h.writing || h.wipes != h.f.wipes {
		h.writing, h.wipes = true, h.f.wipes
		h.f.unfinished.Add(1)
	}
}

// finished ends what began notes. f.mu is held.
func (h *handle) finished() {
	if h.writing && h.wipes == h.f.wipes {
		h.f.unfinished.Add(-1)
	}
	h.writing = false
}

// sync is fsync: durable, and no judgement on half-written files.
func (h *handle) sync() error {
	if h.f == nil || !h.write {
		return nil
	}
	if err := h.f.save(false); err != syscall.EINVAL {
		return err
	}
	return nil
}

// save stores the working copy if there is anything new in it.
func (f *file) save(closing bool) error {
	f.mu.Lock()
	if unlinked := f.unlinked.Load(); f.buf == nil || unlinked || f.seq == f.saved {
		wrote := f.buf != nil && f.seq > 0
		f.mu.Unlock()
		if unlinked {
			return nil // nobody will ever ask for it
		}
		if closing && wrote {
			f.recordClose()
		}
		return invalidIf(f.t.reasonFor(f))
	}
	seq, size := f.seq, f.buf.Size()
	blob, _, err := f.t.r.PutBlob(context.Background(), io.NewSectionReader(f.buf, 0, size))
	f.mu.Unlock()
	if err != nil {
		return err
	}
	f.t.ns.Lock()
	defer f.t.ns.Unlock()
	if !closing || f.astray() {
		if err := f.t.keepClosed(f.num); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unlinked.Load() || f.buf == nil {
		return nil
	}
	for try := 1; ; try++ {
		err = f.store(blob, size, closing)
		if !errors.Is(err, errOtherNow) || try == saveAttempts {
			break
		}
	}
	if err != nil {
		return err
	}
	f.saved = seq
	return invalidIf(f.reason)
}

// reasonFor returns why a file can't be a message under the name that it has now, "" if it can or need not be.
func (t *tree) reasonFor(f *file) (reason string) {
	t.mu.RLock()
	num := f.num
	t.mu.RUnlock()
	err := t.r.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err == nil {
			reason = string(n.Xattrs[xattrReason])
		}
		return err
	})
	if err != nil && !errors.Is(err, replica.ErrNotFound) {
		t.opt.Logf("fs: looking for what is wrong with a file: %v", err)
	}
	return reason
}

// astray reports whether the name leads to another version of the file by now.
func (f *file) astray() bool {
	id, ok := f.t.current(f.num)
	return ok && id != f.id
}

// keepClosed makes a change of what was closed in an item, before something unfinished or made from another version
// takes its place as what is durable. The change waits for the idle window, so that the next save still becomes one with it. ns is held.
func (t *tree) keepClosed(num replica.Num) error {
	if t.pending[num] == nil {
		return nil // nothing was closed that is no change yet
	}
	if err := t.commitNow(num); err != nil {
		return err
	}
	return t.r.Update(func(u *replica.Update) error {
		list, err := u.ChangesOf(num)
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.Fixed || c.Kind != replica.ChangeEdit && c.Kind != replica.ChangeCreate {
				continue
			}
			c.Ready = t.ready()
			if err := u.SaveChange(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// saveAttempts bounds how often a step of a save starts anew because the item became something else meanwhile, which
// it does once in its life.
const saveAttempts = 3

// errOtherNow says that an item became something else between a look at it and a change of it.
var errOtherNow = errors.New("fs: an item changed while it was saved")

func invalidIf(reason string) error {
	if reason != "" {
		return syscall.EINVAL
	}
	return nil
}

// store records a stored blob as the file's bytes. ns and f.mu are held.
func (f *file) store(blob replica.BlobID, size int64, closing bool) error {
	t := f.t
	var n *replica.Node
	var as form
	err := t.r.View(func(v *replica.View) (err error) {
		if n, err = v.Node(f.num); err == nil {
			as = t.formOf(v, n)
		}
		return err
	})
	if errors.Is(err, replica.ErrNotFound) {
		return f.reinsert()
	}
	if err != nil {
		return err
	}
	f.reason = ""
	if as.item() && size > 0 {
		if err := t.check(as, io.NewSectionReader(f.buf, 0, size)); err != nil {
			f.reason = reasonOf(err)
		}
	}
	closed := closing && as.item() && size > 0 && f.reason == ""
	if n.Kind == replica.KindMessage {
		return f.storeCopy(n, blob, size, closed)
	}
	t.mu.RLock()
	w := t.copies[f.num]
	t.mu.RUnlock()
	if w != nil && w.id != f.id && w.size > 0 {
		// The message is gone on the server, and this was written to an older version of it than what is to stay.
		if err := t.setAside(n, w); err != nil {
			return err
		}
	}
	err = t.r.Update(func(u *replica.Update) error {
		if n, err = u.Node(f.num); err != nil || n.Kind != replica.KindFile {
			return errOtherNow
		}
		n.Content, n.Size, n.Exact = blob, size, true
		n.Mtime, n.Ctime = f.touched, later(t.clock.Now(), n.Ctime)
		markClosed(n, closed)
		setReason(n, f.reason)
		if err := t.saveMarked(u, n); err != nil {
			return err
		}
		// left over where the file was a message that is gone on the server
		if err := u.DropWorkingCopy(n.Num); err != nil && !errors.Is(err, replica.ErrNotFound) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.forgetCopy(n.Num)
	if t.idOf(n) != f.id {
		t.renew(n) // written through an older incarnation than the name leads to
	}
	f.node = n
	return nil
}

// reinsert gives a file a node again whose message somebody else removed while it was open here and nothing of what was
// written was durable yet: a local file under the old name, or one close to it, that becomes a message of its own.
// It returns errOtherNow, so that the bytes are stored there. ns and f.mu are held.
func (f *file) reinsert() error {
	t, was := f.t, f.node
	n := t.newNode(was.Parent, was.Name, replica.KindFile, 0)
	err := t.r.Update(func(u *replica.Update) error {
		dir, err := u.Node(n.Parent)
		if err != nil && !errors.Is(err, replica.ErrNotFound) {
			return err
		}
		if err != nil || dir.Parent == 0 && dir.Num != replica.RootNum {
			n.Parent = refuge(u)
		}
		n.Name = names.Unique(was.Name, func(fold string) bool { return u.Taken(n.Parent, fold) }, mapi.SourceKey(fmt.Sprint(was.Num)))
		_, err = u.Insert(n)
		return err
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	f.num = n.Num
	t.mu.Unlock()
	f.node, f.base = n, replica.Base{}
	t.touchDirs(n.Parent)
	t.invalidate(stale{parent: makeID(n.Parent, 0), name: n.Name}, stale{attr: makeID(n.Parent, 0)})
	return errOtherNow
}

// refuge returns the folder for what was written to a folder that is gone.
func refuge(u *replica.Update) replica.Num {
	for _, s := range []replica.Special{replica.SpecialConflicts, replica.SpecialInbox} {
		if n, err := u.BySpecial(s); err == nil {
			return n.Num
		}
	}
	return replica.RootNum
}

// storeCopy stores the working copy of a message.
func (f *file) storeCopy(n *replica.Node, blob replica.BlobID, size int64, closed bool) error {
	t := f.t
	t.mu.RLock()
	w := t.copies[f.num]
	t.mu.RUnlock()
	if w != nil && w.id != f.id {
		// Two programs write different versions of one message: there is one durable working copy, so the other
		// becomes a change of its own first.
		if err := t.setAside(n, w); err != nil {
			return err
		}
	}
	w = &workCopy{id: f.id, blob: blob, size: size, base: f.base, touched: f.touched, closed: closed, reason: f.reason}
	setReason(n, f.reason)
	err := t.r.Update(func(u *replica.Update) error {
		now, err := u.Node(f.num)
		if err != nil || now.Kind != replica.KindMessage {
			return errOtherNow
		}
		if err := u.PutWorkingCopy(w.record(f.num)); err != nil {
			return err
		}
		if string(now.Xattrs[xattrReason]) == f.reason {
			return nil
		}
		setReason(now, f.reason)
		return u.Save(now)
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	if t.copies[f.num] == nil {
		t.filesN.Add(1)
	}
	t.copies[f.num] = w
	t.mu.Unlock()
	return nil
}

func (w *workCopy) record(num replica.Num) *replica.WorkingCopy {
	return &replica.WorkingCopy{Item: num, Content: w.blob, Size: w.size, Base: w.base, Closed: w.closed, At: w.touched}
}

func markClosed(n *replica.Node, closed bool) {
	if closed {
		setLocal(n, xattrClosed, []byte{1})
	} else if n.Xattrs[xattrClosed] != nil {
		setLocal(n, xattrClosed, nil)
	}
}

func setReason(n *replica.Node, reason string) {
	if reason != "" {
		setLocal(n, xattrReason, []byte(reason))
	} else if n.Xattrs[xattrReason] != nil {
		setLocal(n, xattrReason, nil)
	}
}

// release ends a handle. When nobody is in the middle of writing any more, the close is recorded and the idle window
// begins.
func (t *tree) release(h *handle) {
	f := h.f
	if f == nil {
		if h.ctl != nil {
			h.ctl.Close()
		}
		return
	}
	if h.write {
		f.mu.Lock()
		h.finished()
		last := f.unfinished.Load() == 0
		f.mu.Unlock()
		if err := f.save(false); err != nil && err != syscall.EINVAL {
			t.opt.Logf("fs: storing a working copy: %v", err)
		}
		if last {
			f.recordClose()
		}
	}
	f.mu.Lock()
	t.mu.Lock()
	f.refs--
	if h.write {
		f.writers--
	}
	idle := f.refs == 0 && (f.buf == nil || f.seq == f.saved || f.unlinked.Load())
	if idle {
		delete(t.files, f.id)
		t.filesN.Add(-1)
		f.closeContent()
	}
	t.mu.Unlock()
	f.mu.Unlock()
}

// recordClose notes durably that a file was closed by its last writer, and starts its window. What is empty, not a
// message, or no candidate stays local.
func (f *file) recordClose() {
	t := f.t
	t.ns.Lock()
	defer t.ns.Unlock()
	f.mu.Lock()
	wrote := f.seq > 0 && f.seq == f.saved && !f.unlinked.Load() && f.reason == "" && f.buf != nil && f.buf.Size() > 0
	f.mu.Unlock()
	if !wrote {
		if t.pending[f.num] != nil {
			t.schedule(f.num) // saved before; its window may have ended while the file was open
		}
		return
	}
	if err := t.recordClosed(f.num, f.id); err != nil {
		t.opt.Logf("fs: recording a close: %v", err)
	}
}

// recordClosed marks the stored bytes of an item as closed and starts the window. ns is held.
func (t *tree) recordClosed(num replica.Num, id nodeID) error {
	t.mu.RLock()
	w := t.copies[num]
	t.mu.RUnlock()
	due := false
	err := t.r.Update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		if n.Kind == replica.KindMessage {
			if w == nil || w.id != id {
				return nil
			}
			due = true
			if w.closed {
				return nil
			}
			c := *w
			c.closed = true
			return u.PutWorkingCopy(c.record(num))
		}
		if !t.formOf(&u.View, n).item() || n.Size == 0 {
			return nil
		}
		due = true
		if w != nil && w.id == id && !w.closed { // it was a message, which is gone on the server
			c := *w
			c.closed = true
			if err := u.PutWorkingCopy(c.record(num)); err != nil {
				return err
			}
		}
		if n.Xattrs[xattrClosed] != nil {
			return nil
		}
		markClosed(n, true)
		return t.saveMarked(u, n)
	})
	if errors.Is(err, replica.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if w != nil && due {
		c := *w
		c.closed = true
		t.mu.Lock()
		if t.copies[num] == w {
			t.copies[num] = &c
		}
		t.mu.Unlock()
	}
	if due {
		t.schedule(num)
	}
	return nil
}

// schedule starts or restarts the idle window of an item. ns is held.
func (t *tree) schedule(num replica.Num) { t.scheduleIn(num, t.opt.IdleWindow) }

func (t *tree) scheduleIn(num replica.Num, after time.Duration) {
	if old := t.pending[num]; old != nil {
		old.Stop()
	}
	if t.closed {
		return
	}
	t.pending[num] = t.clock.AfterFunc(after, func() { t.commitSoon(num) })
}

// settingMarked lists, as JSON, the local files that are on their way to be messages: those that were closed and
// those that claim one. It spares a walk through the whole tree after a crash.
const settingMarked = "fs.marked"

// saveMarked stores a local file and keeps the list of marked ones.
func (t *tree) saveMarked(u *replica.Update, n *replica.Node) error {
	if err := u.Save(n); err != nil {
		return err
	}
	return t.mark(u, n.Num, n.Kind == replica.KindFile && (n.Xattrs[xattrClosed] != nil || n.Xattrs[xattrClaim] != nil))
}

// mark adds a file to the list or takes it off.
func (t *tree) mark(u *replica.Update, num replica.Num, on bool) error {
	list, err := marked(&u.View)
	if err != nil {
		return err
	}
	i := sort.Search(len(list), func(i int) bool { return list[i] >= num })
	has := i < len(list) && list[i] == num
	switch {
	case has == on:
		return nil
	case on:
		list = append(list, num)
		sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	default:
		list = append(list[:i], list[i+1:]...)
	}
	if len(list) == 0 {
		return u.SetSetting(settingMarked, nil)
	}
	p, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return u.SetSetting(settingMarked, p)
}

func marked(v *replica.View) (list []replica.Num, err error) {
	p, err := v.Setting(settingMarked)
	if err != nil || p == nil {
		return nil, err
	}
	return list, json.Unmarshal(p, &list)
}

// isTemporary reports whether a name is one that locks have: they are dropped when the file system is unmounted.
func isTemporary(name string) bool {
	return names.IsOverlayName(name) && len(name) > len(".~lock.#") && name[:7] == ".~lock." && name[len(name)-1] == '#'
}
