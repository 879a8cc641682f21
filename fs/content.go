package fs

import (
	"bytes"
	"container/list"
	"io"
	"sync"

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

// memContent is a content in memory.
type memContent struct{ *bytes.Reader }

func newMemContent(p []byte) memContent { return memContent{bytes.NewReader(p)} }

func (memContent) Close() error { return nil }

// imageContent is a rendered message too large for memory: attachment data is encoded as it is read.
type imageContent struct{ *mime.Image }

func (imageContent) Close() error { return nil }

// memImage is the size up to which a rendered message is held as bytes.
const memImage = 1 << 20

// renderer renders messages as they are shown.
var renderer = mime.Renderer{}

// render makes the content of a complete message.
func render(m *mapi.Message) (content, error) {
	im, err := renderer.Open(m)
	if err != nil {
		return nil, err
	}
	if im.Size() > memImage {
		return imageContent{im}, nil
	}
	var b bytes.Buffer
	b.Grow(int(im.Size()))
	if _, err := im.WriteTo(&b); err != nil {
		return nil, err
	}
	return newMemContent(b.Bytes()), nil
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

// rendered renders a complete message, or waits for whoever is at it already. Small ones are kept for the next open.
func (t *tree) rendered(n *replica.Node) (content, error) {
	key := imageKey{n.Num, n.Version}
	c, running := t.cache.begin(key)
	if c != nil {
		return c, nil
	}
	if running != nil {
		<-running.done
		if running.err == nil && running.c != nil {
			return running.c, nil
		}
	}
	c, err := t.renderNow(n)
	if running == nil {
		t.cache.end(key, c, err)
	}
	return c, err
}

// renderNow renders the version of a message that n describes; ErrStale if there is a newer one.
func (t *tree) renderNow(n *replica.Node) (content, error) {
	var m *mapi.Message
	err := t.r.View(func(v *replica.View) (err error) {
		now, err := v.Node(n.Num)
		if err != nil {
			return err
		}
		if now.Version != n.Version {
			return replica.ErrStale
		}
		m, err = v.Message(n.Num)
		return err
	})
	if err != nil {
		return nil, err
	}
	return render(m)
}

// imageCacheSize bounds the rendered bytes that are kept for the next open.
const imageCacheSize = 16 << 20

type imageKey struct {
	num     replica.Num
	version uint64
}

// imageCache keeps rendered messages, the latest used ones up to a number of bytes.
type imageCache struct {
	mu    sync.Mutex
	limit int64
	size  int64
	order *list.List // of *cachedImage, latest first
	byKey map[imageKey]*list.Element
	busy  map[imageKey]*rendering
}

// rendering is a message that is being rendered. c and err are set when done is closed; c only if several may share
// it.
type rendering struct {
	done chan struct{}
	c    content
	err  error
}

type cachedImage struct {
	key imageKey
	c   memContent
}

func newImageCache(limit int64) *imageCache {
	return &imageCache{limit: limit, order: list.New(), byKey: map[imageKey]*list.Element{}, busy: map[imageKey]*rendering{}}
}

// begin returns what is cached under k or, when somebody is rendering it, that. When both are nil the caller
// renders it and calls end.
func (c *imageCache) begin(k imageKey) (content, *rendering) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[k]; e != nil {
		c.order.MoveToFront(e)
		return e.Value.(*cachedImage).c, nil
	}
	if r := c.busy[k]; r != nil {
		return nil, r
	}
	c.busy[k] = &rendering{done: make(chan struct{})}
	return nil, nil
}

// end is told what became of a rendering that begin gave to the caller.
func (c *imageCache) end(k imageKey, done content, err error) {
	m, small := done.(memContent)
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.busy[k]
	delete(c.busy, k)
	r.err = err
	if small {
		r.c = m
		c.put(k, m)
	}
	close(r.done)
}

// put keeps a message. mu is held.
func (c *imageCache) put(k imageKey, m memContent) {
	if m.Size() > c.limit/8 {
		return
	}
	c.byKey[k] = c.order.PushFront(&cachedImage{k, m})
	c.size += m.Size()
	for c.size > c.limit {
		last := c.order.Back()
		old := c.order.Remove(last).(*cachedImage)
		delete(c.byKey, old.key)
		c.size -= old.c.Size()
	}
}
