package replica

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// badger writes what it has in memory to a table when it is closed, and where it can't, it tries again every second, for ever.
// Nothing depends on that table: what was acknowledged is in the log, which was synced. So Close gives it up when the
// directory is not there any more, or when it takes too long.

const (
	closeLook  = 250 * time.Millisecond // between looks whether the directory is there
	closeLimit = time.Minute
)

// Errors of Close.
var (
	ErrGone = errors.New("replica: the directory was removed while it was in use")
	errSlow = errors.New("the database can't be closed; everything that was stored is in its log")
)

// Close stops subscriptions and closes the database. It waits for calls that are
// under way; what these call in turn may fail with ErrClosed. ErrGone says that somebody has removed
// the directory: whatever else there was to write is written nowhere, and the process should end.
func (r *Replica) Close() error {
	if !r.gate.shut() {
		return nil
	}
	r.blobs.stop()
	r.subs.closeAll()
	if !r.there() {
		r.dropLock()
		return ErrGone // what is at its place now, if anything is, is none of ours to write to
	}
	err := r.closeDatabase()
	if r.muted.Store(err != nil); !errors.Is(err, errSlow) {
		r.dropLock() // else the database may still be written to
	}
	if err != nil && !errors.Is(err, ErrGone) {
		return fmt.Errorf("replica: %w", err)
	}
	return err
}

// closeDatabase closes the database, or gives it up.
func (r *Replica) closeDatabase() error {
	done := make(chan error, 1)
	go func() {
		err := r.counters.settle(r)
		done <- errors.Join(err, r.db.Close())
	}()
	look := time.NewTicker(closeLook)
	defer look.Stop()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	return awaitClose(done, look.C, limit.C, r.there)
}

// awaitClose waits for the end of closing, for its limit, or until the directory has not been there twice in a row.
func awaitClose(done <-chan error, look, limit <-chan time.Time, there func() bool) error {
	for missing := 0; ; {
		select {
		case err := <-done:
			if err != nil && !there() {
				return errors.Join(ErrGone, err)
			}
			return err
		case <-limit:
			return errSlow
		case <-look:
			if missing++; there() {
				missing = 0
			}
			if missing == 2 {
				return ErrGone
			}
		}
	}
}

func (r *Replica) database() string { return filepath.Join(r.opt.Dir, "db") }

// there reports whether the directory of the database is the one that was opened.
func (r *Replica) there() bool {
	if r.dir == nil {
		return true
	}
	is, err := os.Stat(r.database())
	return err == nil && os.SameFile(r.dir, is)
}
