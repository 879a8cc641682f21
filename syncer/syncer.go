package syncer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// ServerInfo is what the dialer learned about the server.
type ServerInfo struct {
	Version  mapi.ServerVersion
	LegacyDN string        // of the mailbox, when the dialer found it; else Config.LegacyDN counts
	Polls    time.Duration // the server's wish for the time between polls where nothing notifies; 0 if it has none
}

// Config holds what a Syncer needs from outside. Replica and Dial are required.
type Config struct {
	Replica *replica.Replica

	// Dial makes a transport that is connected and signed in. Its errors are of the
	// kinds of package mapi, and are tried again: Unreachable and Busy soon, Refused rarely.
	Dial func(ctx context.Context) (rop.Transport, ServerInfo, error)

	// SMTP asks the address book for the mail addresses behind distinguished names; those that it does not know are not
	// in the map. It is called from several goroutines. nil means that there is no address book.
	SMTP func(ctx context.Context, dns []string) (map[string]string, error)

	User     string // mail address of the account, for the record
	LegacyDN string // mailbox to log on to

	Keep KeepPolicy
	// Room bounds the bytes up to which bodies are fetched that nobody has asked for; 0 for no bound.
	Room int64
	// Only restricts folders, by their paths from the root of the mount, to the messages that match. Each restriction is a
	// synchronization scope of its own: one that changes means a full download of that folder's headers.
	Only     map[string]mapi.Restriction
	ReadOnly bool           // nothing is uploaded
	Location *time.Location // of the dates in names; nil means UTC

	// PollInterval is the time between passes when no notification comes; 0 means what the server wants, or 15 min
	// while a notification wait is up. Without one it is never less than the server wants.
	PollInterval time.Duration

	Now  func() time.Time // nil means time.Now
	Rand func() float64   // in [0, 1), for the jitter of retries; nil means math/rand
	GUID func() mapi.GUID // makes the namespace of a replica's change keys, never the same twice; nil means a random one
	// InTurn makes one request after the other, none ahead of the storing of what the last one brought, so that a
	// simulation takes the same course every time.
	InTurn bool
	// After returns a channel that is ready after d, and a function that gives it up. nil means time.NewTimer.
	After func(d time.Duration) (<-chan time.Time, func())

	Logf     func(format string, args ...any) // never receives mail content; nil discards
	OnStatus func(Status)                     // called after every change, from one goroutine at a time; must not block
}

// Syncer is the engine of one mailbox. Its methods may be called by several
// goroutines; passes wait for each other.
type Syncer struct {
	cfg         Config
	rep         *replica.Replica
	board       board
	render      renderer
	quiet       quiet
	credentials credentials
	addresses   addresses

	passing  chan struct{} // holds a token while a pass runs
	culprits culprits      // belongs to whoever holds the token
	kick     chan struct{} // wakes Run
	queued   chan struct{} // wakes Run where the server is not away: something was queued here
	large    chan struct{} // holds a token while a large message is read

	mu        sync.Mutex
	link      *link                   // the session, nil when offline
	aside     []*link                 // sessions that the server takes no wait for
	dialing   chan struct{}           // closed when a dial in progress is over
	named     map[mapi.SourceKey]bool // folders that events named
	moves     moves
	lookAtAll bool // events may have been missed
	suspects  suspects
	awaiting  map[uint64]question // changes of what is said to be gone
	downloads int                 // complete ones
	fetch     fetcher
}

// New returns a Syncer. Nothing happens before Run, Pass, Fetch or Flush.
func New(cfg Config) *Syncer {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.GUID == nil {
		cfg.GUID = newGUID
	}
	if cfg.After == nil {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTimer(d)
			return t.C, func() { t.Stop() }
		}
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	s := &Syncer{cfg: cfg, rep: cfg.Replica, passing: make(chan struct{}, 1), kick: make(chan struct{}, 1),
		queued: make(chan struct{}, 1), large: make(chan struct{}, 1), culprits: culprits{}}
	s.board.tell, s.board.now = cfg.OnStatus, cfg.Now
	s.board.st = Status{Phase: PhaseOffline, Since: cfg.Now()}
	return s
}

// Status returns what the engine is doing.
func (s *Syncer) Status() Status {
	st := s.board.get()
	_ = s.rep.View(func(v *replica.View) (err error) {
		if st.Queued, st.Refused, err = v.Pending(); err != nil {
			return err
		}
		list, err := failures(v)
		st.SetAside = len(list)
		return err
	})
	return st
}

// Kick wakes Run for a pass, and ends its waiting for a server that was away.
func (s *Syncer) Kick() { poke(s.kick) }

// poke leaves a token in a channel that has room for one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// errNoServer says that Config has no Dial.
var errNoServer = errors.New("syncer: no server configured")

// sleep waits for d or the end of ctx.
func (s *Syncer) sleep(ctx context.Context, d time.Duration) error {
	c, stop := s.cfg.After(d)
	defer stop()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lockPass waits until no other pass runs.
func (s *Syncer) lockPass(ctx context.Context) error {
	select {
	case s.passing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Syncer) unlockPass() { <-s.passing }
