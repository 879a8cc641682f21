package fs

import "time"

// Unsettled returns the number of files whose idle window has not passed yet: saved and durable, but not
// in the journal. Flush empties it.
func (f *FS) Unsettled() int {
	f.t.awaitReleases(func() { time.Sleep(releasePause) })
	f.t.ns.Lock()
	defer f.t.ns.Unlock()
	return len(f.t.pending)
}
