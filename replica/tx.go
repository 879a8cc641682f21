package replica

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// View reads. Its slices and pointers are copies that the caller may keep.
type View struct {
	r  *Replica
	tx *badger.Txn
	w  map[string][]byte // what an Update wrote so far, nil for a removed key; nil in a View

	fresh map[uint64][]byte // contents that an Update adds, by number
}

// Snapshot numbers what a View sees: two Views of one number see the same.
func (v *View) Snapshot() uint64 { return v.tx.ReadTs() }

// Snapshot returns the number of what a new View would see.
func (r *Replica) Snapshot() uint64 { return r.visible.Load() }

// viewSet knows the timestamps that running views read at.
type viewSet struct {
	mu     sync.Mutex
	active map[uint64]int
}

// oldest returns the smallest timestamp in use, or now if there is none. mu is held.
func (s *viewSet) oldest(now uint64) uint64 {
	low := now
	for ts := range s.active {
		low = min(low, ts)
	}
	return low
}

func (r *Replica) beginView() uint64 {
	s := &r.views
	s.mu.Lock()
	defer s.mu.Unlock()
	ts := r.visible.Load()
	if s.active == nil {
		s.active = make(map[uint64]int)
	}
	s.active[ts]++
	return ts
}

func (r *Replica) endView(ts uint64) {
	s := &r.views
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[ts]--; s.active[ts] > 0 {
		return
	}
	delete(s.active, ts)
	r.db.SetDiscardTs(s.oldest(r.visible.Load()))
	r.blobs.wake()
}

// View runs f over one consistent snapshot.
func (r *Replica) View(f func(v *View) error) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	ts := r.beginView()
	defer r.endView(ts)
	tx := r.db.NewTransactionAt(ts, false)
	defer tx.Discard()
	return f(&View{r: r, tx: tx})
}

// Update writes. It also reads, what it wrote included.
type Update struct {
	View
	remote bool

	orphans map[BlobID]bool // blobs that lost their last reference here
	made    []BlobID        // blobs stored by this Update
	acked   map[Num]*Change // fixed changes dropped here
	totals  *totals
	drift   []membership
	added   []BlobID     // blobs that go with the transaction
	inline  int64        // their bytes
	settled map[Num]bool // folders with a new checkpoint
	events  eventList
}

// Update runs f as the only writer and commits what it did, synced to disk, when f returns nil.
func (r *Replica) Update(f func(u *Update) error) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if r.opt.Step != nil {
		r.opt.Step()
	}
	if err := r.updateAlone(f); err != nil {
		return err
	}
	if r.opt.Done != nil {
		r.opt.Done()
	}
	return nil
}

// updateAlone waits for other writers.
func (r *Replica) updateAlone(f func(u *Update) error) error {
	r.write.Lock()
	defer r.write.Unlock()
	if err := r.room(); err != nil {
		return err
	}
	return r.update(f)
}

// update is Update with the lock held.
func (r *Replica) update(f func(u *Update) error) (err error) {
	u := r.newUpdate()
	defer u.tx.Discard()
	done := false
	defer func() {
		if !done {
			r.blobs.discard(u.made)
		}
	}()
	if err := f(u); err != nil {
		return err
	}
	if err := u.commit(); err != nil {
		return err
	}
	done = true
	return nil
}

func (r *Replica) newUpdate() *Update {
	return &Update{
		View: View{r: r, tx: r.db.NewTransactionAt(latest, false), w: make(map[string][]byte), fresh: make(map[uint64][]byte)},

		orphans: make(map[BlobID]bool),
		acked:   make(map[Num]*Change),
		settled: make(map[Num]bool),
	}
}

// Remote tells whether the transaction's events come from the server. The default is local.
func (u *Update) Remote(remote bool) { u.remote = remote }

func (u *Update) set(k, v []byte) { u.w[string(k)] = v }
func (u *Update) del(k []byte)    { u.w[string(k)] = nil }

// commit writes everything in one badger transaction and makes it visible.
func (u *Update) commit() error {
	u.saveTotals()
	if err := u.saveDrift(); err != nil {
		return err
	}
	if err := u.dropUnused(); err != nil {
		return err
	}
	if len(u.w) == 0 {
		u.r.blobs.lost(u.orphans, 0)
		return nil
	}
	if err := u.writeContents(); err != nil {
		return err
	}
	ts, err := u.r.commit(func(tx *badger.Txn) error {
		for k, v := range u.w {
			if err := apply(tx, k, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r := u.r
	r.views.mu.Lock()
	r.visible.Store(ts)
	r.db.SetDiscardTs(r.views.oldest(ts))
	r.views.mu.Unlock()
	r.blobs.lost(u.orphans, ts)
	r.subs.publish(u.events.list)
	return nil
}

// apply puts one write into a badger transaction. Of badger's errors only the fact is
// passed on, since they can show the value itself.
func apply(tx *badger.Txn, k string, v []byte) error {
	var err error
	if v == nil {
		err = tx.Delete([]byte(k))
	} else {
		err = tx.Set([]byte(k), v)
	}
	if err == nil || errors.Is(err, badger.ErrTxnTooBig) {
		return err
	}
	return fmt.Errorf("%w: a record of %d bytes", ErrTooBig, len(v))
}

// writeContents puts the new contents into the transaction or, where they would not
// fit, commits them ahead of it, marked as orphans until the transaction takes them up.
func (u *Update) writeContents() error {
	var size int64
	for k, v := range u.w {
		size += u.r.entrySize(len(k), len(v))
	}
	for _, p := range u.fresh {
		size += u.r.entrySize(9, len(p))
	}
	ahead := size > u.r.db.MaxBatchSize()*8/10
	batch := make(map[string][]byte)
	var batchSize int64
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := u.r.commit(func(tx *badger.Txn) error {
			for k, v := range batch {
				if err := apply(tx, k, v); err != nil {
					return err
				}
			}
			return nil
		})
		clear(batch)
		batchSize = 0
		return err
	}
	for id, p := range u.fresh {
		if !ahead {
			u.set(key(spaceContent, id), p)
			continue
		}
		n := u.r.entrySize(9, len(p)) + 32
		if batchSize+n > u.r.db.MaxBatchSize()*8/10 {
			if err := flush(); err != nil {
				return err
			}
		}
		batchSize += n
		batch[string(key(spaceContent, id))] = p
		batch[string(orphanKey(spaceContent, id))] = []byte{1}
		u.del(orphanKey(spaceContent, id))
	}
	return flush()
}

// entrySize estimates what an entry counts against the size of a transaction: a value
// that goes to the value log counts as its pointer.
func (r *Replica) entrySize(klen, vlen int) int64 {
	if !r.opt.InMemory && int64(vlen) >= r.db.Opts().ValueThreshold {
		vlen = 12
	}
	return int64(klen + vlen + 24)
}

// commit runs f over a new badger transaction and commits that to disk, at the
// timestamp returned.
func (r *Replica) commit(f func(tx *badger.Txn) error) (uint64, error) {
	r.commits.Lock() // badger relies on timestamps that grow from commit to commit
	defer r.commits.Unlock()
	tx := r.db.NewTransactionAt(latest, true)
	defer tx.Discard()
	ts := r.clock.Add(1)
	err := f(tx)
	if err == nil {
		err = tx.CommitAt(ts, nil)
	}
	if errors.Is(err, badger.ErrTxnTooBig) {
		err = ErrTooBig
	}
	if errors.Is(err, ErrTooBig) {
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("replica: commit: %w", err)
	}
	return ts, nil
}

// get returns a copy of a value, nil if the key is not there.
func (v *View) get(k []byte) ([]byte, error) {
	if v.w != nil {
		if p, ok := v.w[string(k)]; ok {
			return p, nil
		}
	}
	return read(v.tx, k)
}

func read(tx *badger.Txn, k []byte) (p []byte, err error) {
	_, err = withValue(tx, k, func(v []byte) error {
		p = append(make([]byte, 0, len(v)), v...)
		return nil
	})
	return p, err
}

// withValue calls f with the value of a key, which is valid during the call only, and
// reports whether the key is there. A value may move to another log file between the
// look for it and its reading, so that both are tried again.
func withValue(tx *badger.Txn, k []byte, f func(v []byte) error) (found bool, err error) {
	for range 3 {
		item, err := tx.Get(k)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("replica: %w", err)
		}
		var failed error
		err = item.Value(func(v []byte) error {
			failed = f(v)
			return nil
		})
		if err == nil {
			return true, failed
		}
	}
	return false, fmt.Errorf("%w: value of a key in space %c", errCorrupt, k[0])
}

// has reports whether a key is there.
func (v *View) has(k []byte) (bool, error) {
	if v.w != nil {
		if p, ok := v.w[string(k)]; ok {
			return p != nil, nil
		}
	}
	switch _, err := v.tx.Get(k); {
	case errors.Is(err, badger.ErrKeyNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("replica: %w", err)
	}
	return true, nil
}

// getNumber returns a stored unsigned number, 0 if the key is not there.
func (v *View) getNumber(k []byte) (uint64, error) {
	p, err := v.get(k)
	if p == nil || err != nil {
		return 0, err
	}
	d := dec{s: string(p)}
	n := d.uv()
	return n, d.end()
}

func (u *Update) setNumber(k []byte, n uint64) {
	if n == 0 {
		u.del(k)
		return
	}
	var e enc
	e.uv(n)
	u.set(k, e.b)
}

// pair is one entry of a scan. The key belongs to the caller.
type pair struct {
	k []byte
	v string
}

// pageSize bounds what a scan holds at a time.
const pageSize = 256

// scan yields the entries with a prefix in order of key, from the key start on (nil
// for all). It works in pages and holds no iterator between them, so that an Update
// may write, and anybody may start further scans, inside the loop.
func (v *View) scan(prefix, start []byte, values bool) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		from := prefix
		if bytes.Compare(start, prefix) > 0 {
			from = start
		}
		for size := 16; ; size = min(size*4, pageSize) {
			page, err := v.page(prefix, from, size, values)
			if err != nil {
				yield(pair{}, err)
				return
			}
			for _, p := range page {
				if v.w != nil { // an entry may have changed since the page was read
					cur, ok := v.w[string(p.k)]
					if ok && cur == nil {
						continue
					}
					if ok {
						p.v = string(cur)
					}
				}
				if !yield(p, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
			from = append(slices.Clone(page[len(page)-1].k), 0)
		}
	}
}

// page reads up to n entries from the key from on, pending writes included.
func (v *View) page(prefix, from []byte, n int, values bool) ([]pair, error) {
	over := v.overlay(prefix, from)
	opt := badger.IteratorOptions{PrefetchValues: false, Prefix: prefix}
	it := v.tx.NewIterator(opt)
	defer it.Close()
	out := make([]pair, 0, n)
	it.Seek(from)
	for len(out) < n {
		stored := it.ValidForPrefix(prefix)
		if len(over) > 0 && (!stored || over[0] <= string(it.Item().Key())) {
			if stored && over[0] == string(it.Item().Key()) {
				it.Next()
			}
			if p := v.w[over[0]]; p != nil {
				out = append(out, pair{[]byte(over[0]), string(p)})
			}
			over = over[1:]
			continue
		}
		if !stored {
			break
		}
		p := pair{k: it.Item().KeyCopy(nil)}
		if values {
			if err := it.Item().Value(func(val []byte) error { p.v = string(val); return nil }); err != nil {
				return nil, fmt.Errorf("replica: %w", err)
			}
		}
		out = append(out, p)
		it.Next()
	}
	return out, nil
}

// overlay returns the pending keys with a prefix from a key on, in order.
func (v *View) overlay(prefix, from []byte) []string {
	var keys []string
	pre, low := string(prefix), string(from)
	for k := range v.w {
		if k >= low && strings.HasPrefix(k, pre) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// scanAll is scan with the values, from the start.
func (v *View) scanAll(prefix []byte) iter.Seq2[pair, error] { return v.scan(prefix, nil, true) }

// number converts a size for a record.
func number(n int64) uint64 { return uint64(max(n, 0)) & math.MaxInt64 }
