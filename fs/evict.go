package fs

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"mailfs/replica"
)

// With Options.CacheSize the bodies that are here take no more than that, as far as they can go: the ones that were not
// read for longest go first. What has changed here, what is open, and what is in a folder with the policy "all" stays.

const (
	evictEvery = time.Minute
	evictTo    = 90 // percent of CacheSize that are left after it was exceeded, so that it is not exceeded at once
	evictBatch = 64 // messages per transaction
	readNoted  = 1 << 16
)

// CacheRoom is how much of a bound on bodies may be filled by downloads that nobody has asked for: what is left is for
// what programs open, so that no round gives up what the next download would bring back.
func CacheRoom(size int64) int64 { return size / 100 * evictTo }

// evictor knows what was read since its last round.
type evictor struct {
	mu    sync.Mutex
	read  map[replica.Num]time.Time
	timer Timer
	ended bool
}

// noteRead remembers that a message was opened for reading.
func (t *tree) noteRead(num replica.Num) {
	if t.opt.CacheSize <= 0 {
		return
	}
	now := t.clock.Now()
	e := &t.evictor
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	if e.read == nil {
		e.read = map[replica.Num]time.Time{}
	}
	if len(e.read) < readNoted {
		e.read[num] = now
	}
	t.planRound()
}

// planRound makes sure that there is a next round. The evictor is locked.
func (t *tree) planRound() {
	if e := &t.evictor; e.timer == nil && !e.ended {
		e.timer = t.clock.AfterFunc(evictEvery, t.evictRound)
	}
}

// startEvictor begins to look after the bodies that are here.
func (t *tree) startEvictor() {
	if t.opt.CacheSize > 0 {
		t.evictor.mu.Lock()
		defer t.evictor.mu.Unlock()
		t.planRound()
	}
}

func (t *tree) evictRound() {
	t.evictor.mu.Lock()
	t.evictor.timer = nil
	t.evictor.mu.Unlock()
	if err := t.evict(); err != nil {
		t.opt.Logf("fs: giving up bodies that were not read for long: %v", err)
	}
}

// endEvictor stores what was read and ends the rounds.
func (t *tree) endEvictor() error {
	e := &t.evictor
	e.mu.Lock()
	e.ended = true
	if e.timer != nil {
		e.timer.Stop()
	}
	e.mu.Unlock()
	return t.storeRead()
}

// storeRead puts the times of the last reads into the replica.
func (t *tree) storeRead() error {
	e := &t.evictor
	e.mu.Lock()
	read := e.read
	e.read = nil
	e.mu.Unlock()
	if len(read) == 0 {
		return nil
	}
	return t.r.Update(func(u *replica.Update) error {
		for num, at := range read {
			if err := u.Touch(num, at.Truncate(stampUnit)); err != nil {
				return err
			}
		}
		return nil
	})
}

// body is a message that may go.
type body struct {
	num             replica.Num
	size            int64
	read, delivered time.Time
}

// evict makes room if there is too much here.
func (t *tree) evict() error {
	if err := t.storeRead(); err != nil {
		return err
	}
	var list []body
	var over int64
	err := t.r.View(func(v *replica.View) error {
		list = list[:0]
		c, err := v.Counts()
		if err != nil || c.Bytes <= t.opt.CacheSize {
			return err
		}
		over = c.Bytes - CacheRoom(t.opt.CacheSize)
		return t.bodies(v, replica.RootNum, false, func(b body) { list = append(list, b) })
	})
	if err != nil || over <= 0 {
		return err
	}
	slices.SortFunc(list, func(a, b body) int {
		return cmp.Or(a.read.Compare(b.read), a.delivered.Compare(b.delivered), cmp.Compare(a.num, b.num))
	})
	for len(list) > 0 && over > 0 {
		some := list[:min(evictBatch, len(list))]
		list = list[len(some):]
		var gone int64
		err := t.r.Update(func(u *replica.Update) error {
			gone = 0
			for _, b := range some {
				if gone >= over {
					break
				}
				if t.inUse(b.num) {
					continue
				}
				ok, err := u.Evict(b.num)
				if err != nil {
					return err
				}
				if ok {
					gone += b.size
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		over -= gone
	}
	return nil
}

// bodies yields the complete messages below a folder, but for those that are pinned.
func (t *tree) bodies(v *replica.View, dir replica.Num, pinned bool, yield func(body)) error {
	for n, err := range v.Children(dir, "") {
		switch {
		case err != nil:
			return err
		case n.Folder != nil:
			if err := t.bodies(v, n.Num, n.Folder.Keep == "all", yield); err != nil {
				return err
			}
		case n.Message != nil && !pinned && n.Message.State == replica.StateFull:
			yield(body{n.Num, n.Size, n.Atime, n.Message.Delivered.Time()})
		}
	}
	return nil
}

// inUse reports whether a message is open or is being written.
func (t *tree) inUse(num replica.Num) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.copies[num] != nil {
		return true
	}
	for id := range t.files {
		if id.num() == num {
			return true
		}
	}
	return false
}
