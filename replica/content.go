package replica

import (
	"context"
	"fmt"
	"io"
	"unsafe"

	"mailfs/mapi"
)

const contentFormat = 1

// maxDepth bounds how deep messages may be embedded in each other.
const maxDepth = 64

// encodeContent encodes a message. put stores values of limit bytes and more.
func encodeContent(m *mapi.Message, limit int64, put func(mapi.Blob) (BlobID, error)) ([]byte, error) {
	e := &bagEnc{put: put, limit: limit}
	e.u8(contentFormat)
	e.message(m, 0)
	return e.b, e.err
}

func (e *bagEnc) message(m *mapi.Message, depth int) {
	if depth >= maxDepth {
		e.fail(fmt.Errorf("%w: messages embedded too deeply", ErrInvalid))
		return
	}
	e.bag(m.Properties)
	e.uv(uint64(len(m.Recipients)))
	for i := range m.Recipients {
		r := &m.Recipients[i]
		e.uv(uint64(r.RowID))
		e.u8(uint8(r.Type))
		e.bag(r.Properties)
	}
	e.uv(uint64(len(m.Attachments)))
	for i := range m.Attachments {
		a := &m.Attachments[i]
		e.uv(uint64(a.Number))
		e.bag(a.Properties)
		e.bool(a.Embedded != nil)
		if a.Embedded != nil {
			e.message(a.Embedded, depth+1)
		}
	}
}

func (d *bagDec) message(depth int) *mapi.Message {
	if depth >= maxDepth {
		d.fail("messages embedded too deeply")
	}
	if d.err != nil {
		return nil
	}
	m := &mapi.Message{Properties: d.bag()}
	if n := d.count(3); n > 0 {
		m.Recipients = make([]mapi.Recipient, n)
		for i := range m.Recipients {
			m.Recipients[i] = mapi.Recipient{RowID: uint32(d.uv()), Type: mapi.RecipientType(d.u8()), Properties: d.bag()}
		}
	}
	if n := d.count(3); n > 0 {
		m.Attachments = make([]mapi.Attachment, n)
		for i := range m.Attachments {
			a := &m.Attachments[i]
			a.Number, a.Properties = uint32(d.uv()), d.bag()
			if d.bool() {
				a.Embedded = d.message(depth + 1)
			}
		}
	}
	return m
}

// content decodes a stored content.
func (v *View) content(id uint64) (*mapi.Message, error) {
	p, err := v.pendingContent(id)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("%w: content %d is missing", errCorrupt, id)
	}
	return v.decodeContent(p) // p is a copy or what the transaction adds, and nobody writes to either
}

// decodeContent decodes the bytes of a content. The message shares their memory.
func (v *View) decodeContent(p []byte) (*mapi.Message, error) {
	v.r.passed(len(p))
	d := &bagDec{dec: dec{s: unsafe.String(unsafe.SliceData(p), len(p))}, open: v.openValue, load: v.loadValue}
	d.format(contentFormat)
	m := d.message(0)
	return m, d.end()
}

func (v *View) pendingContent(id uint64) ([]byte, error) {
	if v.fresh != nil {
		if p, ok := v.fresh[id]; ok {
			return p, nil
		}
	}
	return v.get(key(spaceContent, id))
}

// openValue makes a Blob of a large value. One that the transaction itself adds is
// not in the database yet.
func (v *View) openValue(id BlobID, size int64) mapi.Blob {
	if v.w[string(chunkKey(id, 0))] == nil {
		return newStored(v.r, id, size)
	}
	var p memory
	for i := int64(0); int64(len(p)) < size && v.w[string(chunkKey(id, i))] != nil; i++ {
		p = append(p, v.w[string(chunkKey(id, i))]...)
	}
	return fresh{memory: p, r: v.r, id: id}
}

// fresh is a blob that an Update has added and not committed.
type fresh struct {
	memory
	r  *Replica
	id BlobID
}

func (v *View) loadValue(id BlobID, size int64) ([]byte, error) {
	return mapi.ValueBytes(v.openValue(id, size))
}

// Message returns the content of a message: all that is here, header properties only
// for StateHeader (ErrNotLocal if not even these). Large values are Blobs; they stay
// readable as long as they are held on to, also when the content is replaced, until Close.
func (v *View) Message(n Num) (*mapi.Message, error) {
	r, err := v.load(n)
	if err != nil {
		return nil, err
	}
	if r.Message == nil {
		return nil, fmt.Errorf("%w: %d is no message", ErrNotFound, n)
	}
	if r.content.id == 0 {
		return nil, fmt.Errorf("%w: message %d", ErrNotLocal, n)
	}
	return v.content(r.content.id)
}

// Found is a node together with the place of its content, so that this need not be looked for again.
type Found struct {
	*Node
	content uint64
}

// Find returns a node by number.
func (v *View) Find(n Num) (Found, error) {
	r, err := v.load(n)
	if err != nil {
		return Found{}, err
	}
	return Found{&r.Node, r.content.id}, nil
}

// Read calls f with the content that a message had when it was found, also if that was in an earlier View: what
// Message returned then. Nothing of m may be used after the call, Blobs aside. ErrStale if that content is gone.
func (v *View) Read(n Found, f func(m *mapi.Message) error) error {
	if n.Message == nil {
		return fmt.Errorf("%w: %d is no message", ErrNotFound, n.Num)
	}
	if n.content == 0 {
		return fmt.Errorf("%w: message %d", ErrNotLocal, n.Num)
	}
	if p, ok := v.fresh[n.content]; ok {
		return v.readContent(p, f)
	}
	k := key(spaceContent, n.content)
	if _, ok := v.w[string(k)]; ok {
		return fmt.Errorf("%w: content of %d", ErrStale, n.Num)
	}
	buf := v.r.contents.Get().(*[]byte)
	defer v.r.contents.Put(buf)
	found, err := withValue(v.tx, k, func(p []byte) error {
		*buf = append((*buf)[:0], p...)
		return nil
	})
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%w: content of %d", ErrStale, n.Num)
	}
	err = v.readContent(*buf, f)
	if cap(*buf) > maxContentBuffer {
		*buf = nil
	}
	return err
}

// maxContentBuffer is the largest buffer for a content that is kept for the next one.
const maxContentBuffer = 128 << 10

func (v *View) readContent(p []byte, f func(m *mapi.Message) error) error {
	m, err := v.decodeContent(p)
	if err != nil {
		return err
	}
	return f(m)
}

// version is a content that was replaced and is still needed.
type version struct {
	base    Base
	content contentRef
}

const versionFormat = 1

func (w *version) encode() []byte {
	var e enc
	e.u8(versionFormat)
	encodeBase(&e, &w.base)
	w.content.encode(&e)
	return e.b
}

func decodeVersion(p []byte) (*version, error) {
	d := &dec{s: string(p)}
	d.format(versionFormat)
	w := &version{base: decodeBase(d)}
	w.content.decode(d)
	return w, d.end()
}

func encodeBase(e *enc, b *Base) {
	e.uv(b.Version)
	e.str(string(b.ChangeKey))
	e.pcl(b.PCL)
}

func decodeBase(d *dec) Base {
	return Base{Version: d.uv(), ChangeKey: mapi.ChangeKey(d.str()), PCL: d.pcl()}
}

// version returns a replaced content, nil if there is none.
func (v *View) version(space byte, n Num) (*version, error) {
	p, err := v.get(key(space, uint64(n)))
	if p == nil || err != nil {
		return nil, err
	}
	return decodeVersion(p)
}

func (u *Update) putVersion(space byte, n Num, w *version) error {
	u.set(key(space, uint64(n)), w.encode())
	return u.reref(nil, w.content.blobs)
}

// dropVersion removes a replaced content, if there is one.
func (u *Update) dropVersion(space byte, n Num) error {
	w, err := u.version(space, n)
	if w == nil || err != nil {
		return err
	}
	u.del(key(space, uint64(n)))
	u.dropContent(w.content.id)
	return u.reref(w.content.blobs, nil)
}

func (u *Update) dropContent(id uint64) {
	delete(u.fresh, id)
	u.del(key(spaceContent, id))
}

// BaseMessage returns the server's last version below a local change (ErrNotFound if none).
func (v *View) BaseMessage(n Num) (*mapi.Message, error) {
	w, err := v.version(spaceBase, n)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, fmt.Errorf("%w: base of %d", ErrNotFound, n)
	}
	return v.content(w.content.id)
}

// BaseOf returns the version and keys of what BaseMessage returns.
func (v *View) BaseOf(n Num) (Base, error) {
	w, err := v.version(spaceBase, n)
	if err != nil {
		return Base{}, err
	}
	if w == nil {
		return Base{}, fmt.Errorf("%w: base of %d", ErrNotFound, n)
	}
	return w.base, nil
}

// SentMessage returns the content that a fixed create or edit of the item stands for: that of
// Change.Version, which a later local edit may have covered since. A change that is not fixed yet stands
// for the present content.
func (v *View) SentMessage(c *Change) (*mapi.Message, error) {
	w, err := v.version(spaceSent, c.Item)
	if err != nil {
		return nil, err
	}
	if w != nil && c.Fixed && w.base.Version == c.Version {
		return v.content(w.content.id)
	}
	return v.Message(c.Item)
}

// PutContent replaces the content of a message and raises Version, and Gen in a remote transaction unless
// only a header was here, of which nobody can have read anything; both are set in n, too.
// The node's attributes are taken from n and saved with it.
// A local PutContent over the server's version keeps that one as base; a remote one drops the base.
// Version must be as stored (ErrStale).
func (u *Update) PutContent(n *Node, m *mapi.Message) error {
	old, err := u.current(n)
	if err != nil {
		return err
	}
	if n.Message == nil {
		return fmt.Errorf("%w: %d is no message", ErrInvalid, n.Num)
	}
	return u.replace(old, n, m)
}

// PutHeader stores header properties of a message that is not here in full; content of an older version
// goes. Gen is raised only then. A message with local content is ErrStale.
func (u *Update) PutHeader(n *Node, header mapi.PropertyBag) error {
	old, err := u.current(n)
	if err != nil {
		return err
	}
	if n.Message == nil {
		return fmt.Errorf("%w: %d is no message", ErrInvalid, n.Num)
	}
	if old.local {
		return fmt.Errorf("%w: %d has local content", ErrStale, n.Num)
	}
	n.Message.State = StateHeader
	return u.replace(old, n, &mapi.Message{Properties: header})
}

// replace stores m as the content of n.
func (u *Update) replace(old *record, n *Node, m *mapi.Message) error {
	r := *old
	r.Node = *n
	if err := u.free(old, &r); err != nil {
		return err
	}
	ref, err := u.store(m)
	if err != nil {
		return err
	}
	r.content = ref
	if u.remote {
		err = u.retireRemote(old)
	} else {
		err = u.retireLocal(old)
	}
	if err != nil {
		return err
	}
	r.local, r.full = !u.remote, n.Message.State == StateFull
	r.Version, r.Gen = old.Version+1, old.Gen
	if u.remote && old.full && !completes(old, &r) {
		r.Gen++
	}
	if err := u.put(old, &r); err != nil {
		return err
	}
	n.Version, n.Gen = r.Version, r.Gen
	u.contentEvent(old, &r)
	return nil
}

// contentEvent tells of new content, which may be no more than the rest of a version whose header was here.
func (u *Update) contentEvent(old, r *record) {
	if r.hidden() {
		return
	}
	u.events.add(Event{Kind: EventContent, Item: r.Num, NodeKind: r.Kind, Parent: r.Parent, Name: r.Name, Remote: u.remote,
		Gen: r.Gen, Raised: r.Gen != old.Gen, Completed: completes(old, r)})
}

// completes reports whether r is the version of which old was the header.
func completes(old, r *record) bool {
	return old.Message != nil && old.Message.State == StateHeader && r.Message.State == StateFull &&
		old.Message.ChangeKey == r.Message.ChangeKey
}

// heavy is the size in bytes from which a content is made smaller: of a message with
// many values, values from medium on are kept as blobs.
const (
	heavy  = 512 << 10
	medium = 2 << 10
)

// store encodes m and keeps it for the commit, its large values as blobs.
func (u *Update) store(m *mapi.Message) (contentRef, error) {
	p, ids, err := u.encode(m, large)
	if err == nil && len(p) > heavy {
		p, ids, err = u.encode(m, medium)
	}
	if err != nil {
		return contentRef{}, err
	}
	n, err := u.r.take(counterContent)
	if err != nil {
		return contentRef{}, err
	}
	u.fresh[n] = p
	u.r.passed(len(p))
	return contentRef{id: n, blobs: ids}, nil
}

// encode encodes m and stores its values of limit bytes and more, of which it returns
// the blobs.
func (u *Update) encode(m *mapi.Message, limit int64) (p []byte, ids []BlobID, err error) {
	seen := make(map[BlobID]bool)
	p, err = encodeContent(m, limit, func(b mapi.Blob) (BlobID, error) {
		id, err := u.keep(b)
		if err == nil && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return id, err
	})
	return p, ids, err
}

// PutBlob stores a blob with the transaction: up to 1 MiB without a commit of its own.
// One that nothing refers to when the transaction commits is forgotten. A Blob of this
// replica is not stored again.
func (u *Update) PutBlob(b mapi.Blob) (BlobID, error) { return u.keep(b) }

// keep returns the number of a blob with the bytes of b, which may be stored already.
func (u *Update) keep(b mapi.Blob) (BlobID, error) {
	switch s := b.(type) {
	case *stored:
		if s.r == u.r {
			return s.id, nil
		}
	case *opened:
		if s.r == u.r {
			return s.id, nil
		}
	case fresh:
		if s.r == u.r && u.w[string(chunkKey(s.id, 0))] != nil {
			return s.id, nil
		}
	}
	if !u.r.opt.InMemory && b.Size() <= inlineBlob && u.inline+b.Size() <= inlineBlobs {
		return u.addBlob(b)
	}
	id, size, err := u.r.putBlob(context.Background(), io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		return 0, err
	}
	u.made = append(u.made, id)
	if size != b.Size() {
		return 0, fmt.Errorf("replica: a blob of %d bytes ended after %d", b.Size(), size)
	}
	return id, nil
}

// A blob up to inlineBlob is committed with the transaction itself, which saves a
// commit of its own; inlineBlobs bounds what a transaction holds of them.
const (
	inlineBlob  = 1 << 20
	inlineBlobs = 16 << 20
)

// addBlob makes b a blob that is stored with the transaction.
func (u *Update) addBlob(b mapi.Blob) (BlobID, error) {
	p, err := mapi.ValueBytes(b)
	if err != nil {
		return 0, fmt.Errorf("replica: reading a blob: %w", err)
	}
	n, err := u.r.take(counterBlob)
	if err != nil {
		return 0, err
	}
	id := BlobID(n)
	u.inline += int64(len(p))
	u.added = append(u.added, id)
	u.set(key(spaceBlob, n), blobMeta{size: int64(len(p))}.encode())
	for i := int64(0); len(p) > 0; i++ {
		piece := p[:min(len(p), chunkSize)]
		u.set(chunkKey(id, i), append([]byte(nil), piece...))
		p = p[len(piece):]
	}
	return id, nil
}

// dropUnused forgets the blobs that came with the transaction and are not referred to.
func (u *Update) dropUnused() error {
	for _, id := range u.added {
		m, err := u.blobMeta(id)
		if err != nil {
			return err
		}
		if m.refs > 0 {
			continue
		}
		for i := int64(0); i*chunkSize < m.size; i++ {
			delete(u.w, string(chunkKey(id, i)))
		}
		delete(u.w, string(key(spaceBlob, uint64(id))))
		delete(u.w, string(orphanKey(spaceBlob, uint64(id))))
		delete(u.orphans, id)
	}
	for _, id := range u.made {
		if m, err := u.blobMeta(id); err == nil && m.refs == 0 {
			u.orphans[id] = true
		}
	}
	return nil
}

// retireRemote drops the content that the server's new version replaces.
func (u *Update) retireRemote(old *record) error {
	if old.content.id != 0 {
		u.dropContent(old.content.id)
	}
	if err := u.dropVersion(spaceBase, old.Num); err != nil {
		return err
	}
	return u.dropVersion(spaceSent, old.Num)
}

// retireLocal keeps the content that a local one replaces, if it is still needed: the
// server's version as base, or one on its way to the server.
func (u *Update) retireLocal(old *record) error {
	if old.content.id == 0 {
		return nil
	}
	if !old.local && old.Message.ChangeKey != "" {
		if err := u.dropVersion(spaceBase, old.Num); err != nil {
			return err
		}
		base := Base{Version: old.Version, ChangeKey: old.Message.ChangeKey, PCL: old.Message.PCL}
		return u.putVersion(spaceBase, old.Num, &version{base: base, content: old.content})
	}
	list, err := u.ChangesOf(old.Num)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Fixed && c.ofContent() && c.Version == old.Version {
			if err := u.dropVersion(spaceSent, old.Num); err != nil {
				return err
			}
			base := Base{Version: c.Version, ChangeKey: c.ChangeKey, PCL: c.PCL}
			return u.putVersion(spaceSent, old.Num, &version{base: base, content: old.content})
		}
	}
	u.dropContent(old.content.id)
	return nil
}

// landed ends the wait for a create or edit of n that was dropped from the journal: the
// version that was sent becomes the base of what came after it or, if nothing did,
// the present content is the server's.
func (u *Update) landed(c *Change) error {
	list, err := u.ChangesOf(c.Item)
	if err != nil {
		return err
	}
	for _, next := range list {
		if !next.ofContent() {
			continue
		}
		sent, err := u.version(spaceSent, c.Item)
		if err != nil || sent == nil || sent.base.Version != c.Version {
			return err
		}
		if err := u.dropVersion(spaceBase, c.Item); err != nil {
			return err
		}
		u.del(key(spaceSent, uint64(c.Item)))
		u.set(key(spaceBase, uint64(c.Item)), sent.encode())
		return nil
	}
	if err := u.dropVersion(spaceBase, c.Item); err != nil {
		return err
	}
	if err := u.dropVersion(spaceSent, c.Item); err != nil {
		return err
	}
	_, err = u.change(c.Item, func(r *record) error { r.local = false; return nil })
	return err
}
