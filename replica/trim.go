package replica

import (
	"path/filepath"
	"sync/atomic"
)

// trimAfter is how many bytes may go through the mapped value log before its pages are
// taken out of the process's memory. badger maps the whole log and never lets go of a
// page that was touched, so that a process would seem to grow with its mailbox.
const trimAfter = 32 << 20

// trimmer counts bytes written to and read from the value log.
type trimmer struct {
	bytes  atomic.Int64
	signal chan struct{}
	off    bool // after the value log was rewritten; only the cleaner looks at it
}

// passed counts n bytes and wakes the cleaner when it is time.
func (r *Replica) passed(n int) {
	if r.opt.InMemory || r.trim.bytes.Add(int64(n)) < trimAfter {
		return
	}
	r.trim.bytes.Store(0)
	select {
	case r.trim.signal <- struct{}{}:
	default:
	}
}

// trimMemory drops the pages of the value log. badger unmaps a log file when it begins
// the next one, which needs a commit, and some time after reclaim has rewritten one;
// the former is locked out here, and after the latter nothing is dropped any more.
func (r *Replica) trimMemory() {
	if r.opt.InMemory || r.trim.off {
		return
	}
	r.commits.Lock()
	defer r.commits.Unlock()
	if err := dropMapped(filepath.Join(r.opt.Dir, "db")); err != nil {
		r.opt.Logf("replica: memory of the value log: %v", err)
	}
}
