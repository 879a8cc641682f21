package fs

import (
	"runtime"
	"sync"
	"sync/atomic"

	"mailfs/replica"
)

// Programs that read a whole folder (grep, backup, indexers) open its messages one after the other, in the order in
// which they are listed. Once that is plain, the next ones are rendered on another processor before they are opened.

const (
	aheadRun   = 3         // opens in order before it is taken for a habit
	aheadBatch = 64        // messages that are rendered at a time
	aheadBytes = 4 << 20   // and their size
	aheadMax   = 256 << 10 // the largest one that is

	aheadWorkers = 4
)

// readAhead knows where the last opens were.
type readAhead struct {
	mu     sync.Mutex
	folder replica.Num
	name   string // of the last message opened
	run    int    // how many were opened in order
	until  string // what is up to this name was rendered, or is being
	left   int    // messages between name and until
	busy   bool
	ended  bool
	work   sync.WaitGroup
}

// end waits for what is being rendered, and lets nothing begin: the replica is about to be closed.
func (a *readAhead) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.work.Wait()
}

// opened notes an open, and starts to read ahead when it pays.
func (a *readAhead) opened(t *tree, n *replica.Node) {
	if n.Kind != replica.KindMessage {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case n.Parent != a.folder || n.Name < a.name:
		a.folder, a.run, a.until, a.left = n.Parent, 0, "", 0
	case n.Name != a.name:
		a.run++
		a.left--
	}
	a.name = n.Name
	if n.Name >= a.until {
		a.until, a.left = n.Name, 0
	}
	if a.run < aheadRun || a.busy || a.ended || a.left > aheadBatch {
		return
	}
	a.busy = true
	folder, after := a.folder, a.until
	a.work.Go(func() { a.batch(t, folder, after) })
}

// batch renders the next batch, several messages at a time.
func (a *readAhead) batch(t *tree, folder replica.Num, after string) {
	var jobs []replica.Found
	var snapshot uint64
	last, count, size := after, 0, int64(0)
	err := t.r.View(func(v *replica.View) error {
		snapshot = v.Snapshot()
		for n, err := range v.FindChildren(folder, after) {
			if err != nil {
				return err
			}
			last = n.Name
			count++
			if readable(n.Node) && n.Size <= aheadMax {
				jobs = append(jobs, n)
				size += n.Size
			}
			if count == aheadBatch || size >= aheadBytes {
				break
			}
		}
		return nil
	})
	a.advance(folder, after, last, count)
	if err == nil {
		err = t.renderAll(jobs, snapshot)
	}
	if err != nil {
		t.opt.Logf("fs: reading ahead: %v", err)
	}
	a.mu.Lock()
	a.busy = false
	a.mu.Unlock()
}

// advance notes how far the batch under way goes.
func (a *readAhead) advance(folder replica.Num, after, last string, count int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.folder == folder && a.until == after {
		a.until, a.left = last, a.left+count
	}
}

// renderAll renders messages into the cache, in order, and puts the messages as seen in the snapshot next to them. One
// processor is left to the program that reads and to what answers it: these wait for each other all the time, and
// would wait for this, too. What can't be rendered fails again, and is told, when it is opened.
func (t *tree) renderAll(jobs []replica.Found, snapshot uint64) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range min(max(runtime.NumCPU()-1, 1), aheadWorkers) {
		wg.Go(func() {
			err := t.r.View(func(v *replica.View) error {
				for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
					if c, _, err := t.renderOnce(v, jobs[i]); c != nil && err == nil {
						t.cache.lay(jobs[i].Node, snapshot)
					}
				}
				return nil
			})
			if err != nil {
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
