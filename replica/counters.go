package replica

import (
	"fmt"
	"math"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"mailfs/mapi"
)

// Counters give numbers that are never given again, not even when the transaction
// that asked fails or the process dies: a stretch of numbers is marked as used on
// disk before its first one is handed out, in a commit of its own. A clean Close
// gives back the rest of the stretch.
type counters struct {
	mu     sync.Mutex
	simple [counterKinds]lease
	ranges map[mapi.GlobCnt]*lease // of ids reserved by the server, by first id
	handed map[uint64]uint64       // the next id of each stretch that was used in this process, by its end
}

// lease is a stretch: next is the first number that was not handed out, upto the first
// that is not marked as used on disk.
type lease struct{ next, upto uint64 }

type counterKind uint8

const (
	counterNum counterKind = iota
	counterContent
	counterBlob
	counterSeq
	counterChange
	counterKinds
)

func counterKey(k counterKind) []byte { return []byte{spaceCounter, byte(k)} }

// stride is the length of a stretch.
const (
	stride        = 4096
	reserveStride = 64
)

// load reads where each counter stands.
func (c *counters) load(v *View) error {
	for k := range counterKinds {
		n, err := v.getNumber(counterKey(k))
		if err != nil {
			return err
		}
		if n == 0 {
			n = 1
			if k == counterNum {
				n = uint64(RootNum) + 1
			}
		}
		c.simple[k] = lease{n, n}
	}
	c.ranges = make(map[mapi.GlobCnt]*lease)
	for p, err := range v.scanAll([]byte{spaceUsed}) {
		if err != nil {
			return err
		}
		d := dec{s: p.v}
		used := d.uv()
		if err := d.end(); err != nil {
			return err
		}
		c.ranges[mapi.GlobCnt(keyTail(p.k))] = &lease{used, used}
	}
	return nil
}

// take returns the next number of a counter.
func (r *Replica) take(k counterKind) (uint64, error) {
	c := &r.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.simple[k].take(r, counterKey(k), stride, math.MaxUint64)
}

func (l *lease) take(r *Replica, k []byte, step, limit uint64) (uint64, error) {
	if l.next >= limit {
		return 0, ErrNotFound
	}
	if l.next >= l.upto {
		upto := l.next + min(step, limit-l.next)
		if err := r.commitNumber(k, upto); err != nil {
			return 0, err
		}
		l.upto = upto
	}
	l.next++
	return l.next - 1, nil
}

func (r *Replica) commitNumber(k []byte, n uint64) error {
	_, err := r.commit(func(tx *badger.Txn) error {
		var e enc
		e.uv(n)
		return tx.Set(k, e.b)
	})
	return err
}

// settle gives back what was marked as used and never handed out.
func (c *counters) settle(r *Replica) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	back := make(map[string]uint64)
	for k := range counterKinds {
		if l := c.simple[k]; l.next != l.upto {
			back[string(counterKey(k))] = l.next
		}
	}
	for first, l := range c.ranges {
		if l.next != l.upto {
			back[string(key(spaceUsed, uint64(first)))] = l.next
		}
	}
	if len(back) == 0 {
		return nil
	}
	_, err := r.commit(func(tx *badger.Txn) error {
		for k, n := range back {
			var e enc
			e.uv(n)
			if err := tx.Set([]byte(k), e.b); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// AddReserve adds a range of counters that the server reserved for this replica. A
// range that overlaps one that is there is ErrExists.
func (u *Update) AddReserve(first mapi.GlobCnt, count uint32) error {
	end := uint64(first) + uint64(count)
	if first == 0 || count == 0 || end > uint64(mapi.MaxGlobCnt)+1 {
		return fmt.Errorf("%w: reserve of %d from %d", ErrInvalid, count, first)
	}
	for p, err := range u.scanAll([]byte{spaceReserve}) {
		if err != nil {
			return err
		}
		from, n, err := decodeReserve(p)
		if err != nil {
			return err
		}
		if uint64(from) < end && uint64(from)+n > uint64(first) {
			return fmt.Errorf("%w: reserve of %d from %d", ErrExists, count, first)
		}
	}
	u.setNumber(key(spaceReserve, uint64(first)), uint64(count))
	return nil
}

func decodeReserve(p pair) (first mapi.GlobCnt, count uint64, err error) {
	d := dec{s: p.v}
	count = d.uv()
	return mapi.GlobCnt(keyTail(p.k)), count, d.end()
}

// TakeID takes the next reserved counter; ErrNotFound when the reserve is used up. A counter is never
// handed out twice, also not when the transaction fails after a crash.
func (u *Update) TakeID() (mapi.GlobCnt, error) {
	for p, err := range u.scanAll([]byte{spaceReserve}) {
		if err != nil {
			return 0, err
		}
		first, count, err := decodeReserve(p)
		if err != nil {
			return 0, err
		}
		n, left, err := u.r.takeReserved(first, count)
		if err != nil {
			return 0, err
		}
		if left == 0 {
			u.del(p.k)
		}
		if n != 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: no reserved id", ErrNotFound)
}

// takeReserved takes the next id of a range, 0 if it is used up, and tells how many are left.
func (r *Replica) takeReserved(first mapi.GlobCnt, count uint64) (id mapi.GlobCnt, left uint64, err error) {
	c := &r.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.ranges[first]
	if l == nil {
		l = &lease{}
		c.ranges[first] = l
	}
	if l.next >= count {
		return 0, 0, nil
	}
	n, err := l.take(r, key(spaceUsed, uint64(first)), reserveStride, count)
	if err != nil {
		return 0, 0, err
	}
	return first + mapi.GlobCnt(n), count - l.next, nil
}

// Reserved returns the number of counters left.
func (v *View) Reserved() (int, error) {
	var left uint64
	c := &v.r.counters
	for p, err := range v.scanAll([]byte{spaceReserve}) {
		if err != nil {
			return 0, err
		}
		first, count, err := decodeReserve(p)
		if err != nil {
			return 0, err
		}
		c.mu.Lock()
		if l := c.ranges[first]; l != nil {
			count -= min(count, l.next)
		}
		c.mu.Unlock()
		left += count
	}
	return int(left), nil
}

// DropReserve forgets every reserved range, after the server went back in time.
func (u *Update) DropReserve() error {
	for p, err := range u.scan([]byte{spaceReserve}, nil, false) {
		if err != nil {
			return err
		}
		u.del(p.k)
	}
	return u.dropStretches()
}

// NextChange returns the next local id for change keys in Identity.Namespace, never the same twice.
func (u *Update) NextChange() (uint32, error) {
	n, err := u.r.take(counterChange)
	if err != nil {
		return 0, err
	}
	if n > math.MaxUint32 {
		return 0, errors32
	}
	return uint32(n), nil
}

var errors32 = fmt.Errorf("%w: change keys of this namespace are used up", ErrInvalid)
