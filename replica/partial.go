package replica

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// partialSetting is before the keys of blobs that are being written.
const partialSetting = "partial/"

// partialCommit is how many bytes of a Partial are written before they are committed.
const partialCommit = 1 << 20

// Partial is a blob that is written in order, over as many runs of the program as it
// takes. What was committed of it stays until Finish and DropPartial. It is for one
// goroutine, and for one at a time of those that write under the same key.
type Partial struct {
	w    blobWriter
	tail []byte // less than a piece
	done bool
}

// OpenPartial returns the blob that is written under a key, a new one if there is none.
func (r *Replica) OpenPartial(key string) (*Partial, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	var id BlobID
	var meta blobMeta
	err := r.Update(func(u *Update) (err error) {
		if id, err = u.partial(key); err != nil {
			return err
		}
		if id != 0 {
			meta, err = u.blobMeta(id)
			return err
		}
		n, err := r.take(counterBlob)
		if err != nil {
			return err
		}
		id, meta = BlobID(n), blobMeta{}
		u.set(key2blob(id), meta.encode())
		u.set(orphanKey(spaceBlob, n), []byte{1})
		return u.SetSetting(partialSetting+key, binary.BigEndian.AppendUint64(nil, n))
	})
	if err != nil {
		return nil, err
	}
	if !r.blobs.pin(id) {
		return nil, fmt.Errorf("%w: blob %d", ErrNotFound, id)
	}
	p := &Partial{w: blobWriter{r: r, id: id, size: meta.size, next: meta.size / chunkSize}}
	p.done = meta.size%chunkSize != 0
	return p, nil
}

func key2blob(id BlobID) []byte { return key(spaceBlob, uint64(id)) }

// partial returns the blob of a key, 0 if there is none.
func (v *View) partial(key string) (BlobID, error) {
	b, err := v.Setting(partialSetting + key)
	if err != nil || b == nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: partial blob %q", errCorrupt, key)
	}
	return BlobID(binary.BigEndian.Uint64(b)), nil
}

// Partials yields the keys of blobs that are being written.
func (v *View) Partials() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for p, err := range v.scanAll(keyString(spaceSetting, partialSetting)) {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(strings.TrimPrefix(string(p.k[1:]), partialSetting), nil) {
				return
			}
		}
	}
}

// DropPartial forgets a key. Its blob goes, unless an item refers to it.
func (u *Update) DropPartial(key string) error {
	id, err := u.partial(key)
	if err != nil || id == 0 {
		return err
	}
	m, err := u.blobMeta(id)
	if err != nil {
		return err
	}
	if m.refs == 0 {
		u.orphans[id] = true
	}
	return u.SetSetting(partialSetting+key, nil)
}

// Size returns how many bytes there are, with those that are not committed yet.
func (p *Partial) Size() int64 { return p.w.size + int64(len(p.tail)) }

// Write appends bytes. They are committed 1 MiB at a time, synced.
func (p *Partial) Write(b []byte) (int, error) {
	if p.done {
		return 0, fmt.Errorf("%w: the blob is complete", ErrInvalid)
	}
	for rest := b; len(rest) > 0; {
		if p.tail == nil {
			p.tail = make([]byte, 0, chunkSize)
		}
		n := min(len(rest), chunkSize-len(p.tail))
		p.tail = append(p.tail, rest[:n]...)
		rest = rest[n:]
		if len(p.tail) < chunkSize {
			break
		}
		p.hold()
		if p.w.bytes >= partialCommit {
			if err := p.commit(); err != nil {
				return 0, err
			}
		}
	}
	return len(b), nil
}

// hold takes the tail as the next piece.
func (p *Partial) hold() {
	p.w.held = append(p.w.held, p.tail)
	p.w.size += int64(len(p.tail))
	p.w.bytes += int64(len(p.tail))
	p.tail = nil
}

// commit stores the pieces that are held, with the size that they make.
func (p *Partial) commit() error {
	w := &p.w
	if len(w.held) == 0 {
		return nil
	}
	r := w.r
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if err := r.room(); err != nil {
		return err
	}
	_, err := r.commit(func(tx *badger.Txn) error {
		for i, piece := range w.held {
			if err := apply(tx, string(chunkKey(w.id, w.next+int64(i))), piece); err != nil {
				return err
			}
		}
		return apply(tx, string(key2blob(w.id)), blobMeta{size: w.size}.encode())
	})
	if err != nil {
		return err
	}
	r.passed(int(w.bytes))
	w.next += int64(len(w.held))
	w.held, w.bytes = nil, 0
	return nil
}

// Finish commits the rest and returns the blob. It stays until DropPartial, also when
// nothing refers to it yet.
func (p *Partial) Finish() (BlobID, error) {
	if len(p.tail) > 0 {
		p.hold()
	}
	p.done = true
	return p.w.id, p.commit()
}

// Close commits the whole pieces and gives the blob up for now.
func (p *Partial) Close() error {
	err := p.commit()
	p.w.r.blobs.unpin(p.w.id)
	return err
}

// partials returns the blobs that are being written.
func (v *View) partials() (map[BlobID]bool, error) {
	out := map[BlobID]bool{}
	for k, err := range v.Partials() {
		if err != nil {
			return nil, err
		}
		id, err := v.partial(k)
		if err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, nil
}
