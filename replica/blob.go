package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"mailfs/mapi"
)

// chunkSize is the length of a piece of a blob, and part of the format.
const chunkSize = 256 << 10

// memory is a Blob over bytes in memory.
type memory []byte

func (m memory) Size() int64 { return int64(len(m)) }

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m).ReadAt(p, off)
}

// blobTable knows which blobs are in use by open handles, and which have lost their
// last reference and go as soon as no handle and no View can read them.
type blobTable struct {
	mu      sync.Mutex
	pins    map[BlobID]int
	dead    map[BlobID]uint64 // by the timestamp from which nothing refers to them
	dying   map[BlobID]bool   // being removed
	waiting atomic.Int64      // len(dead)

	signal chan struct{}
	quit   chan struct{}
	done   chan struct{}
}

func (t *blobTable) start(r *Replica) {
	t.pins, t.dead, t.dying = make(map[BlobID]int), make(map[BlobID]uint64), make(map[BlobID]bool)
	t.signal, t.quit, t.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(t.done)
		reclaim := time.NewTicker(reclaimEvery)
		defer reclaim.Stop()
		for {
			select {
			case <-t.quit:
				return
			case <-reclaim.C:
				r.reclaim()
			case <-r.trim.signal:
				r.trimMemory()
			case <-t.signal:
				if err := r.purge(); err != nil {
					r.opt.Logf("replica: removing unused blobs: %v", err)
				}
			}
		}
	}()
}

// reclaimEvery is how often the value log is looked at for space to give back.
const reclaimEvery = time.Minute

// reclaim rewrites the files of the value log of which at least half is garbage.
func (r *Replica) reclaim() {
	if r.opt.InMemory || r.room() != nil {
		return
	}
	for r.gate.state.Load() < gateShut && r.db.RunValueLogGC(0.5) == nil {
		r.trim.off = true
	}
}

func (t *blobTable) stop() {
	close(t.quit)
	<-t.done
}

// wake lets the cleaner look again, if there is anything to clean.
func (t *blobTable) wake() {
	if t.waiting.Load() == 0 {
		return
	}
	select {
	case t.signal <- struct{}{}:
	default:
	}
}

// lost takes in the blobs that nothing refers to since ts.
func (t *blobTable) lost(ids map[BlobID]bool, ts uint64) {
	if len(ids) == 0 {
		return
	}
	t.mu.Lock()
	for id := range ids {
		t.dead[id] = ts
	}
	t.waiting.Store(int64(len(t.dead)))
	t.mu.Unlock()
	t.wake()
}

// discard takes in blobs that were never referred to.
func (t *blobTable) discard(ids []BlobID) {
	set := make(map[BlobID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	t.lost(set, 0)
}

func (t *blobTable) pin(id BlobID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dying[id] {
		return false
	}
	t.pins[id]++
	return true
}

func (t *blobTable) unpin(id BlobID) {
	t.mu.Lock()
	if t.pins[id]--; t.pins[id] <= 0 {
		delete(t.pins, id)
	}
	t.mu.Unlock()
	t.wake()
}

// ready returns the blobs that may go now, and marks them.
func (t *blobTable) ready(oldest uint64) []BlobID {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []BlobID
	for id, ts := range t.dead {
		if t.pins[id] == 0 && ts <= oldest {
			out = append(out, id)
			t.dying[id] = true
			delete(t.dead, id)
		}
	}
	t.waiting.Store(int64(len(t.dead)))
	return out
}

func (t *blobTable) gone(id BlobID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.dying, id)
}

// purge removes the blobs that may go.
func (r *Replica) purge() error {
	r.write.Lock()
	defer r.write.Unlock()
	r.views.mu.Lock()
	oldest := r.views.oldest(r.visible.Load())
	r.views.mu.Unlock()
	for _, id := range r.blobs.ready(oldest) {
		err := r.removeBlob(id)
		r.blobs.gone(id)
		if err != nil {
			return err
		}
	}
	return nil
}

func orphanKey(space byte, id uint64) []byte {
	return append([]byte{spaceOrphan, space}, key(space, id)[1:]...)
}

func chunkKey(id BlobID, i int64) []byte { return key2(spaceChunk, uint64(id), uint64(i)) }

// blobMeta is what is known of a blob.
type blobMeta struct {
	size int64
	refs uint64
}

func (m blobMeta) encode() []byte {
	var e enc
	e.uv(uint64(m.size))
	e.uv(m.refs)
	return e.b
}

func decodeBlobMeta(p []byte) (m blobMeta, err error) {
	d := dec{s: string(p)}
	m.size, m.refs = int64(d.uv()), d.uv()
	if m.size < 0 {
		d.fail("bad blob size")
	}
	return m, d.end()
}

func (v *View) blobMeta(id BlobID) (blobMeta, error) {
	p, err := v.get(key(spaceBlob, uint64(id)))
	if err != nil {
		return blobMeta{}, err
	}
	if p == nil {
		return blobMeta{}, fmt.Errorf("%w: blob %d", ErrNotFound, id)
	}
	return decodeBlobMeta(p)
}

// reref moves the references of an item from one list of blobs to another.
func (u *Update) reref(was, is []BlobID) error {
	if len(was) == 0 && len(is) == 0 {
		return nil
	}
	net := make(map[BlobID]int64)
	for _, id := range was {
		net[id]--
	}
	for _, id := range is {
		net[id]++
	}
	metas := make(map[BlobID]blobMeta, len(net))
	for id, n := range net {
		m, err := u.blobMeta(id)
		if err != nil {
			return err
		}
		if int64(m.refs)+n < 0 {
			return fmt.Errorf("%w: blob %d has %d references", errCorrupt, id, int64(m.refs)+n)
		}
		metas[id] = m
	}
	for id, n := range net {
		if n == 0 {
			continue
		}
		m := metas[id]
		refs := int64(m.refs) + n
		mark := orphanKey(spaceBlob, uint64(id))
		switch {
		case refs == 0:
			u.set(mark, []byte{1})
			u.orphans[id] = true
		case m.refs == 0:
			u.del(mark)
			delete(u.orphans, id)
		}
		m.refs = uint64(refs)
		u.set(key(spaceBlob, uint64(id)), m.encode())
	}
	return nil
}

// removeBlob deletes a blob that nothing refers to. The mark goes last, so that an
// interrupted removal is taken up again.
func (r *Replica) removeBlob(id BlobID) error {
	v := &View{r: r, tx: r.db.NewTransactionAt(latest, false)}
	defer v.tx.Discard()
	m, err := v.blobMeta(id)
	if err == nil && m.refs > 0 {
		return nil // taken up again meanwhile
	}
	if err != nil && !isNotFound(err) {
		return err
	}
	var keys [][]byte
	for p, err := range v.scan(key(spaceChunk, uint64(id)), nil, false) {
		if err != nil {
			return err
		}
		keys = append(keys, p.k)
	}
	keys = append(keys, key(spaceBlob, uint64(id)), orphanKey(spaceBlob, uint64(id)))
	return r.deleteAll(keys)
}

// deleteAll deletes keys in order, in as many commits as it takes.
func (r *Replica) deleteAll(keys [][]byte) error {
	for len(keys) > 0 {
		n := min(len(keys), 2000)
		_, err := r.commit(func(tx *badger.Txn) error {
			for _, k := range keys[:n] {
				if err := tx.Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// sweep removes what a crash left behind: blobs and contents that nothing refers to,
// but not those that are being written.
func (r *Replica) sweep() error {
	v := &View{r: r, tx: r.db.NewTransactionAt(latest, false)}
	defer v.tx.Discard()
	unfinished, err := v.partials()
	if err != nil {
		return err
	}
	for p, err := range v.scan([]byte{spaceOrphan}, nil, false) {
		if err != nil {
			return err
		}
		id := keyTail(p.k)
		if p.k[1] == spaceBlob && unfinished[BlobID(id)] {
			continue
		}
		if p.k[1] == spaceBlob {
			err = r.removeBlob(BlobID(id))
		} else {
			err = r.deleteAll([][]byte{key(spaceContent, id), p.k})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// PutBlob stores the bytes of src in pieces, outside any transaction. A blob that no
// committed item refers to is removed at the next Open.
func (r *Replica) PutBlob(ctx context.Context, src io.Reader) (BlobID, int64, error) {
	if err := r.enter(); err != nil {
		return 0, 0, err
	}
	defer r.leave()
	return r.putBlob(ctx, src)
}

func (r *Replica) putBlob(ctx context.Context, src io.Reader) (BlobID, int64, error) {
	if err := r.room(); err != nil {
		return 0, 0, err
	}
	n, err := r.take(counterBlob)
	if err != nil {
		return 0, 0, err
	}
	w := &blobWriter{r: r, id: BlobID(n), limit: min(4<<20, r.db.MaxBatchSize()/2)}
	if err := w.copy(ctx, src); err != nil {
		r.blobs.discard([]BlobID{w.id})
		return 0, 0, err
	}
	return w.id, w.size, nil
}

// blobWriter gathers pieces of a blob and commits several at a time.
type blobWriter struct {
	r     *Replica
	id    BlobID
	limit int64
	size  int64
	held  [][]byte
	free  [][]byte // pieces that were held, to be filled again
	bytes int64
	next  int64 // index of the first piece held
}

func (w *blobWriter) copy(ctx context.Context, src io.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		piece, err := w.readPiece(src)
		if err != nil {
			return fmt.Errorf("replica: reading a blob: %w", err)
		}
		if len(piece) > 0 {
			w.held = append(w.held, piece)
			w.size += int64(len(piece))
			w.bytes += int64(len(piece))
		}
		last := len(piece) < chunkSize
		if last || w.bytes+chunkSize > w.limit {
			if err := w.flush(last); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// readPiece reads one piece; a short one is the last. The first grows as bytes come,
// since most blobs are small.
func (w *blobWriter) readPiece(src io.Reader) ([]byte, error) {
	if w.next == 0 && len(w.held) == 0 {
		var b bytes.Buffer
		_, err := io.CopyN(&b, src, chunkSize)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return b.Bytes(), err
	}
	var p []byte
	if n := len(w.free); n > 0 {
		p, w.free = w.free[n-1], w.free[:n-1]
	} else {
		p = make([]byte, chunkSize)
	}
	n, err := io.ReadFull(src, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return p[:n:n], err
}

// flush commits the pieces held. The mark that nothing refers to the blob is there
// from the first piece on, the size with the last.
func (w *blobWriter) flush(last bool) error {
	if w.next > 0 {
		if err := w.r.room(); err != nil {
			return err
		}
	}
	_, err := w.r.commit(func(tx *badger.Txn) error {
		if w.next == 0 {
			if err := apply(tx, string(orphanKey(spaceBlob, uint64(w.id))), []byte{1}); err != nil {
				return err
			}
		}
		for i, p := range w.held {
			if err := apply(tx, string(chunkKey(w.id, w.next+int64(i))), p); err != nil {
				return err
			}
		}
		if !last {
			return nil
		}
		return apply(tx, string(key(spaceBlob, uint64(w.id))), blobMeta{size: w.size}.encode())
	})
	w.r.passed(int(w.bytes))
	w.next += int64(len(w.held))
	for _, p := range w.held { // what was committed is copied
		if len(p) == chunkSize && cap(p) == chunkSize {
			w.free = append(w.free, p)
		}
	}
	w.held, w.bytes = w.held[:0], 0
	return err
}

// Blob is an open blob. It is a mapi.Blob.
type Blob interface {
	mapi.Blob
	io.Closer
}

// stored is a blob as a value of a message. It is pinned until nobody can reach it any
// more, so that whoever reads a message need not mind what becomes of its content.
type stored struct {
	r    *Replica
	id   BlobID
	size int64
}

func newStored(r *Replica, id BlobID, size int64) *stored {
	b := &stored{r: r, id: id, size: size}
	if r.blobs.pin(id) {
		runtime.AddCleanup(b, func(id BlobID) { r.blobs.unpin(id) }, id)
	}
	return b
}

func (b *stored) Size() int64 { return b.size }

// ReadAt reads from the pieces. It fails with ErrNotFound when the blob is gone.
func (b *stored) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("%w: negative offset", ErrInvalid)
	}
	if err := b.r.enter(); err != nil {
		return 0, err
	}
	defer b.r.leave()
	tx := b.r.db.NewTransactionAt(latest, false)
	defer tx.Discard()
	n := 0
	for n < len(p) && off < b.size {
		m, err := b.readChunk(tx, off, p[n:])
		if err != nil {
			return n, err
		}
		n += m
		off += int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *stored) readChunk(tx *badger.Txn, off int64, p []byte) (n int, err error) {
	found, err := withValue(tx, chunkKey(b.id, off/chunkSize), func(v []byte) error {
		at := off % chunkSize
		if at >= int64(len(v)) {
			return fmt.Errorf("%w: blob %d is shorter than it says", errCorrupt, b.id)
		}
		n = copy(p, v[at:])
		return nil
	})
	b.r.passed(n)
	if err == nil && !found {
		err = fmt.Errorf("%w: blob %d", ErrNotFound, b.id)
	}
	return n, err
}

// opened is a blob that is kept until Close.
type opened struct {
	stored
	once sync.Once
}

func (b *opened) Close() error {
	b.once.Do(func() { b.r.blobs.unpin(b.id) })
	return nil
}

// OpenBlob returns random access to a blob. It stays readable while it is referred
// to, and for handles opened before it was replaced, until Close of the Blob.
func (r *Replica) OpenBlob(id BlobID) (Blob, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	if id == 0 || !r.blobs.pin(id) {
		return nil, fmt.Errorf("%w: blob %d", ErrNotFound, id)
	}
	v := &View{r: r, tx: r.db.NewTransactionAt(latest, false)}
	defer v.tx.Discard()
	m, err := v.blobMeta(id)
	if err != nil {
		r.blobs.unpin(id)
		return nil, err
	}
	return &opened{stored: stored{r: r, id: id, size: m.size}}, nil
}
