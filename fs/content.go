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
	key := imageKey{n.Num, n.Version}
	if c := t.cache.get(key); c != nil {
		return c, nil
	}
	var m *mapi.Message
	if err := t.r.View(func(v *replica.View) error {
		now, err := v.Node(n.Num)
		if err != nil {
			return err
		}
		if now.Version != n.Version {
			return replica.ErrStale
		}
		m, err = v.Message(n.Num)
		return err
	}); err != nil {
		return nil, err
	}
	return t.renderCached(n, m)
}

// renderCached renders a message and keeps the bytes for the next open.
func (t *tree) renderCached(n *replica.Node, m *mapi.Message) (content, error) {
	c, err := render(m)
	if err != nil {
		return nil, err
	}
	if mc, ok := c.(memContent); ok {
		t.cache.put(imageKey{n.Num, n.Version}, mc)
	}
	return c, nil
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
}

type cachedImage struct {
	key imageKey
	c   memContent
}

func newImageCache(limit int64) *imageCache {
	return &imageCache{limit: limit, order: list.New(), byKey: map[imageKey]*list.Element{}}
}

// get returns a reader of its own over cached bytes, nil if they are not here.
func (c *imageCache) get(k imageKey) content {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[k]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedImage).c
}

func (c *imageCache) put(k imageKey, m memContent) {
	if m.Size() > c.limit/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[k] != nil {
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
