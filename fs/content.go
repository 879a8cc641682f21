package fs

import (
	"bytes"
	"container/list"
	"errors"
	"io"
	"sync"
	"syscall"

	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// content is the bytes of one version of a file. Several goroutines may read it.
type content interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// newSection reads a content from its start to its end.
func newSection(c content) io.Reader { return io.NewSectionReader(c, 0, c.Size()) }

// memContent is a content in memory. Nobody writes to it.
type memContent struct{ p []byte }

func newMemContent(p []byte) memContent { return memContent{p} }

// ReadAt is that of io.ReaderAt.
func (c memContent) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, c.slice(off, len(p)))
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// slice returns n bytes from an offset, fewer at the end.
func (c memContent) slice(off int64, n int) []byte {
	off = min(max(off, 0), c.Size())
	return c.p[off:min(off+int64(n), c.Size())]
}

// Size returns the number of bytes.
func (c memContent) Size() int64 { return int64(len(c.p)) }

// Close does nothing.
func (memContent) Close() error { return nil }

// bytes returns what read would, without a copy, if that is in memory and will not change.
func (h *handle) bytes(off int64, n int) ([]byte, bool) {
	src := h.ctl
	if h.f != nil {
		h.f.mu.Lock()
		src = h.f.src
		written := h.f.buf != nil
		h.f.mu.Unlock()
		if written {
			return nil, false
		}
	}
	m, ok := src.(memContent)
	if !ok {
		return nil, false
	}
	return m.slice(off, n), true
}

// imageContent is a rendered message too large for memory: attachment data is encoded as it is read.
type imageContent struct{ *mime.Image }

func (imageContent) Close() error { return nil }

// memImage is the size up to which a rendered message is held as bytes.
const memImage = 1 << 20

// renderer renders messages as they are shown.
var renderer = mime.Renderer{}

// bytesOf renders a message into memory; ok is false if it is too large for that.
func bytesOf(m *mapi.Message) (c memContent, ok bool, err error) {
	im, err := renderer.OpenFile(m)
	if err != nil || im.Size() > memImage {
		return memContent{}, false, err
	}
	var b bytes.Buffer
	b.Grow(int(im.Size()))
	if _, err := im.WriteTo(&b); err != nil {
		return memContent{}, false, err
	}
	return newMemContent(b.Bytes()), true, nil
}

// contentOf opens the bytes of a node as its name shows them, working copy aside. ErrNotLocal for a message of
// which only the header is here.
func (t *tree) contentOf(n *replica.Node) (content, error) {
	if n.Content != 0 {
		return t.r.OpenBlob(n.Content)
	}
	if n.Kind != replica.KindMessage {
		return newMemContent(nil), nil
	}
	if n.Message.State != replica.StateFull {
		return nil, replica.ErrNotLocal
	}
	return t.rendered(n)
}

// readable reports whether n is a complete message of known size, shown as it is rendered.
func readable(n *replica.Node) bool {
	return n.Kind == replica.KindMessage && n.Exact && n.Content == 0 && n.Message.State == replica.StateFull
}

// openNode returns the node of an id with the version that it shows and, of a readable message that is about to be
// read, its bytes.
func (t *tree) openNode(id nodeID, read bool) (n *replica.Node, base replica.Base, src content, err error) {
	if read {
		if n, src = t.cache.take(id.num(), t.r.Snapshot()); n != nil && t.idOf(n) == id {
			t.ahead.opened(t, n)
			return n, baseOf(n), src, nil
		}
		src = nil
	}
	var running *rendering
	err = t.r.View(func(v *replica.View) error {
		f, err := v.Find(id.num())
		if err != nil {
			return err
		}
		n = f.Node
		if base, err = shownBase(v, n); err != nil {
			return err
		}
		if read = read && readable(n) && n.Parent != 0 && t.idOf(n) == id; read {
			src, running, err = t.renderOnce(v, f)
		}
		return err
	})
	switch {
	case errors.Is(err, replica.ErrNotFound):
		if n = t.unburied(id); n != nil {
			return n, base, nil, nil
		}
		return nil, base, nil, syscall.ESTALE
	case err != nil:
		return nil, base, nil, err
	case isDir(n):
		return nil, base, nil, syscall.EISDIR
	case !regular(n):
		return nil, base, nil, syscall.ELOOP
	case n.Parent == 0, t.idOf(n) != id:
		return nil, base, nil, syscall.ESTALE
	}
	if read {
		t.ahead.opened(t, n)
	}
	if running != nil {
		if src, err = running.wait(); err != nil {
			return nil, base, nil, staleIfGone(err)
		}
	}
	if src != nil && src.Size() != n.Size {
		src = nil // stored by another renderer; load sees to it
	}
	return n, base, src, nil
}

// rendered renders a complete message, or waits for whoever is at it already. Small ones are kept for the next open.
// ErrStale if n is not its newest version.
func (t *tree) rendered(n *replica.Node) (c content, err error) {
	var running *rendering
	err = t.r.View(func(v *replica.View) error {
		now, err := v.Find(n.Num)
		if err != nil {
			return err
		}
		if now.Version != n.Version {
			return replica.ErrStale
		}
		c, running, err = t.renderOnce(v, now)
		return err
	})
	if err == nil && running != nil {
		return running.wait()
	}
	return c, err
}

// renderOnce renders a complete message unless it is there already, or being rendered; then the caller may wait.
func (t *tree) renderOnce(v *replica.View, n replica.Found) (content, *rendering, error) {
	key := imageKey{n.Num, n.Version}
	c, running := t.cache.begin(key)
	if c != nil || running != nil {
		return c, running, nil
	}
	c, err := render(v, n)
	t.cache.end(key, c, err)
	return c, nil, err
}

// render renders the version of a message that was found; ErrStale if there is a newer one.
func render(v *replica.View, n replica.Found) (content, error) {
	var c memContent
	var small bool
	err := v.Read(n, func(m *mapi.Message) (err error) {
		c, small, err = bytesOf(m)
		return err
	})
	if err != nil {
		return nil, err
	}
	if small {
		return c, nil
	}
	now, err := v.Node(n.Num)
	if err != nil {
		return nil, err
	}
	if now.Version != n.Version {
		return nil, replica.ErrStale
	}
	m, err := v.Message(n.Num)
	if err != nil {
		return nil, err
	}
	im, err := renderer.OpenFile(m)
	return imageContent{im}, err
}

// imageCacheSize bounds the rendered bytes that are kept for the next open.
const imageCacheSize = 16 << 20

type imageKey struct {
	num     replica.Num
	version uint64
}

// imageCache keeps rendered messages, the latest used ones up to a number of bytes, one version of each.
type imageCache struct {
	mu    sync.Mutex
	limit int64
	size  int64
	order *list.List // of *cachedImage, latest first
	byNum map[replica.Num]*list.Element
	busy  map[imageKey]*rendering
}

type cachedImage struct {
	key imageKey
	c   memContent

	// Of a message that was read ahead, what its open asks for: the node, for whoever takes it first, and the
	// snapshot in which it was seen.
	node     *replica.Node
	snapshot uint64
}

// rendering is a message that is being rendered. c and err are set when done is closed.
type rendering struct {
	done chan struct{}
	c    content
	err  error
}

// wait returns what is rendered.
func (r *rendering) wait() (content, error) {
	<-r.done
	return r.c, r.err
}

func newImageCache(limit int64) *imageCache {
	return &imageCache{limit: limit, order: list.New(), byNum: map[replica.Num]*list.Element{}, busy: map[imageKey]*rendering{}}
}

// begin returns what is cached under k or, when somebody is rendering it, that. When both are nil the caller
// renders it and calls end.
func (c *imageCache) begin(k imageKey) (content, *rendering) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byNum[k.num]; e != nil && image(e).key == k {
		c.order.MoveToFront(e)
		return image(e).c, nil
	}
	if r := c.busy[k]; r != nil {
		return nil, r
	}
	c.busy[k] = &rendering{done: make(chan struct{})}
	return nil, nil
}

// end is told what became of a rendering that begin gave to the caller.
func (c *imageCache) end(k imageKey, done content, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.busy[k]
	delete(c.busy, k)
	if m, ok := done.(memContent); ok && err == nil {
		c.put(k, m)
	}
	r.c, r.err = done, err
	close(r.done)
}

// put keeps a message. mu is held.
func (c *imageCache) put(k imageKey, m memContent) {
	if m.Size() > c.limit/8 {
		return
	}
	if e := c.byNum[k.num]; e != nil {
		if image(e).key.version > k.version {
			return
		}
		c.remove(e)
	}
	c.byNum[k.num] = c.order.PushFront(&cachedImage{key: k, c: m})
	c.size += m.Size()
	for c.size > c.limit {
		c.remove(c.order.Back())
	}
}

// remove forgets a message. mu is held.
func (c *imageCache) remove(e *list.Element) {
	old := c.order.Remove(e).(*cachedImage)
	delete(c.byNum, old.key.num)
	c.size -= old.c.Size()
}

func image(e *list.Element) *cachedImage { return e.Value.(*cachedImage) }

// lay puts a message next to its bytes, if these are kept. The caller gives n away.
func (c *imageCache) lay(n *replica.Node, snapshot uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byNum[n.Num]; e != nil && image(e).key.version == n.Version && image(e).c.Size() == n.Size {
		image(e).node, image(e).snapshot = n, snapshot
	}
}

// take returns a message that was put next to its bytes, if it was seen in this snapshot. It is the caller's now.
func (c *imageCache) take(num replica.Num, snapshot uint64) (n *replica.Node, bytes content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byNum[num]
	if e == nil {
		return nil, nil
	}
	n, image(e).node = image(e).node, nil
	if n == nil || image(e).snapshot != snapshot {
		return nil, nil
	}
	return n, image(e).c
}
