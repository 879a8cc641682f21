package fs

import (
	"sync"

	"mailfs/replica"
)

// turnCount is how many items can be committed or opened without a thought of each other.
const turnCount = 64

// turn keeps an open of an item from falling between the transaction that makes what was saved its version and what is
// noted of that afterwards: such an open would take the version for somebody else's, or itself for one of the version before.
type turn struct {
	mu sync.Mutex // held over a commit
	n  uint64     // commits so far, counted when they begin; guarded by tree.mu
}

func (t *tree) turnOf(num replica.Num) *turn { return &t.turns[uint64(num)%turnCount] }

// inTurn runs a commit of an item: its transaction, and what is noted of it. ns is held.
func (t *tree) inTurn(num replica.Num, f func() error) error {
	x := t.turnOf(num)
	x.mu.Lock()
	defer x.mu.Unlock()
	t.mu.Lock()
	x.n++
	t.mu.Unlock()
	return f()
}

// turnBefore returns the number of a turn's commits, when none is under way.
func (t *tree) turnBefore(x *turn) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	return x.n
}
