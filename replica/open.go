package replica

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Options say how to open a replica.
type Options struct {
	Dir      string              // created with mode 0700
	InMemory bool                // tests
	Small    bool                // small tables and caches, for simulations
	Fold     func(string) string // maps names that must not differ in case only to the same key
	Now      func() time.Time
	Step     func()                           // called before each Update, with no lock held; simulations let other things happen there
	Done     func()                           // called after each Update, when it is on disk, with no lock held
	Logf     func(format string, args ...any) // never receives mail content
}

// Replica is an open replica. Its methods may be called by several goroutines.
type Replica struct {
	opt  Options
	db   *badger.DB
	lock *os.File
	dir  os.FileInfo // of the database as it was opened, nil in memory

	write sync.Mutex // held by the one Update, and by what cleans up
	gate  gate       // lets Close wait for those who use db

	// clock gives commit timestamps; what was committed up to visible is what a new
	// View sees. Views remember where they stand, so that nothing under them is reclaimed.
	commits sync.Mutex
	clock   atomic.Uint64
	visible atomic.Uint64
	views   viewSet

	counters counters
	subs     subscribers
	blobs    blobTable
	trim     trimmer

	contents sync.Pool   // of *[]byte, which View.Read fills
	muted    atomic.Bool // the database is given up: what it complains of is told
}

// Open opens or makes a replica and takes its lock (ErrInUse).
func Open(opt Options) (*Replica, error) {
	if opt.Fold == nil {
		opt.Fold = func(s string) string { return s }
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logf == nil {
		opt.Logf = func(string, ...any) {}
	}
	r := &Replica{opt: opt, gate: gate{idle: make(chan struct{}, 1)}, trim: trimmer{signal: make(chan struct{}, 1)}}
	r.contents.New = func() any { return new([]byte) }
	if err := r.takeLock(); err != nil {
		return nil, err
	}
	if err := r.open(); err != nil {
		r.dropLock()
		return nil, err
	}
	return r, nil
}

func (r *Replica) open() error {
	if err := r.mend(); err != nil {
		return err
	}
	db, err := badger.OpenManaged(badgerOptions(r.opt).WithLogger(badgerLog{r.opt.Logf, &r.muted}))
	if err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	r.db = db
	if !r.opt.InMemory {
		if r.dir, err = os.Stat(r.database()); err != nil {
			db.Close()
			return fmt.Errorf("replica: %w", err)
		}
	}
	r.clock.Store(db.MaxVersion())
	r.visible.Store(db.MaxVersion())
	db.SetDiscardTs(db.MaxVersion())
	r.blobs.start(r)
	err = r.prepare()
	if err == nil {
		err = r.sweep()
	}
	if err != nil {
		r.blobs.stop()
		db.Close()
		return err
	}
	return nil
}

// mend removes empty log files. badger leaves one when the process is killed between
// the steps of making or deleting a log, and refuses to open it.
func (r *Replica) mend() error {
	if r.opt.InMemory {
		return nil
	}
	dir := r.database()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".mem" && ext != ".vlog" {
			continue
		}
		fi, err := e.Info()
		if err == nil && fi.Size() == 0 {
			err = os.Remove(filepath.Join(dir, e.Name()))
		}
		if err != nil {
			return fmt.Errorf("replica: %w", err)
		}
	}
	return nil
}

// badgerOptions are chosen for durability first and modest memory second.
//
//   - SyncWrites: a commit returns when its log is on disk.
//   - Values from 4 KiB on (contents, pieces of blobs, large checkpoints) go to the
//     value log: they are written once, do not count against the size of a
//     transaction, and the tables stay small enough to be scanned at memory speed.
//   - No compression and no block cache: tables are read straight from the page cache.
//   - Memory tables of 16 MiB, at most three alive at a time.
func badgerOptions(opt Options) badger.Options {
	dir := ""
	if !opt.InMemory {
		dir = filepath.Join(opt.Dir, "db")
	}
	o := badger.DefaultOptions(dir).
		WithInMemory(opt.InMemory).
		WithSyncWrites(true).
		WithDetectConflicts(false).
		WithMetricsEnabled(false).
		WithNumVersionsToKeep(1).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		WithValueThreshold(4 << 10).
		WithValueLogFileSize(64 << 20).
		WithMemTableSize(16 << 20).
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(12)
	if opt.Small {
		o = o.WithMemTableSize(4 << 20).WithValueLogFileSize(8 << 20).WithBaseTableSize(256 << 10).WithNumGoroutines(1)
	}
	if opt.InMemory { // contents count against the size of a transaction, and there is no value log
		o = o.WithMemTableSize(64 << 20).WithValueThreshold(1 << 20)
		if opt.Small {
			o = o.WithMemTableSize(8 << 20)
		}
	}
	return o
}

// badgerLog passes on what badger complains of, without the values: there may be keys
// among them, and keys hold names.
type badgerLog struct {
	logf  func(string, ...any)
	muted *atomic.Bool
}

func (l badgerLog) Errorf(f string, _ ...any) {
	l.tell("replica: database error: %s", f)
}
func (l badgerLog) Warningf(f string, _ ...any) {
	l.tell("replica: database: %s", f)
}
func (l badgerLog) tell(format, f string) {
	if !l.muted.Load() {
		l.logf(format, strings.TrimSpace(f))
	}
}
func (l badgerLog) Infof(string, ...any)  {}
func (l badgerLog) Debugf(string, ...any) {}

// takeLock locks the directory for this process. The lock goes with the process.
func (r *Replica) takeLock() error {
	if r.opt.InMemory {
		return nil
	}
	if r.opt.Dir == "" {
		return errors.New("replica: no directory given")
	}
	if err := os.MkdirAll(r.opt.Dir, 0o700); err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(r.opt.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("%w: %s", ErrInUse, r.opt.Dir)
		}
		return fmt.Errorf("replica: lock of %s: %w", r.opt.Dir, err)
	}
	r.lock = f
	return nil
}

func (r *Replica) dropLock() {
	if r.lock != nil {
		r.lock.Close()
	}
}

// gate counts the calls under way. Unlike a sync.RWMutex it lets a call be made within
// another while Close waits: that one fails, where a lock would never be had.
type gate struct {
	state atomic.Int64 // calls, and gateShut
	idle  chan struct{}
}

const gateShut = 1 << 62

// enter keeps the database open until leave.
func (r *Replica) enter() error {
	if r.gate.state.Add(1) >= gateShut {
		r.leave()
		return ErrClosed
	}
	return nil
}

func (r *Replica) leave() {
	if r.gate.state.Add(-1) == gateShut {
		select {
		case r.gate.idle <- struct{}{}:
		default:
		}
	}
}

// shut refuses calls from now on and waits for those under way. It reports whether it
// was the first to do so.
func (g *gate) shut() bool {
	for {
		n := g.state.Load()
		if n >= gateShut {
			return false
		}
		if g.state.CompareAndSwap(n, n+gateShut) {
			break
		}
	}
	for g.state.Load() != gateShut {
		<-g.idle
	}
	return true
}

// reserveSpace is what the replica leaves free on its disk, since a memory-mapped log
// that can't grow would end the process.
const reserveSpace = 96 << 20

// room returns an error that is syscall.ENOSPC when the disk is nearly full.
func (r *Replica) room() error {
	if r.opt.InMemory {
		return nil
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(r.opt.Dir, &st); err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	if free := uint64(st.Bavail) * uint64(st.Bsize); free < reserveSpace {
		return fmt.Errorf("replica: %d MiB left on disk: %w", free>>20, syscall.ENOSPC)
	}
	return nil
}

// latest reads everything that was ever committed.
const latest = math.MaxUint64
