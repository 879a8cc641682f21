package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"mailfs/fs"
	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/replica"
	"mailfs/syncer"
)

// signInTimeout bounds what a mount of a known mailbox waits for its server before it goes on offline.
const signInTimeout = 10 * time.Second

func newMount(std streams) *cobra.Command {
	var (
		acct       account
		background bool
		idle       time.Duration
	)
	cmd := &cobra.Command{
		Use:   "mount [ACCOUNT] MOUNTPOINT",
		Short: "Mount a mailbox; in the foreground unless --background",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) == 2 {
				name = args[0]
			}
			if err := acct.resolve(name, cmd.Flags()); err != nil {
				return err
			}
			dir, err := checkMountpoint(args[len(args)-1])
			if err != nil {
				return err
			}
			password, err := readPassword(cmd.Context(), &acct)
			if err != nil {
				return err
			}
			if background {
				return startBackground(cmd.Context(), std, acct, dir, password, idle)
			}
			m, err := openMount(cmd.Context(), std, acct, dir, password, idle)
			if err != nil {
				return err
			}
			fmt.Fprintf(std.err, "%s is mounted at %s\n", acct.User, dir)
			return m.run(cmd.Context())
		},
	}
	acct.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&background, "background", false, "return once the mount answers, and go on in the background")
	cmd.Flags().DurationVar(&idle, "idle-window", 3*time.Second, "how long after its last close a file is left alone before it is sent: `TIME`")
	return cmd
}

// mounted is one running mount.
type mounted struct {
	acct    account
	dir     string
	rep     *replica.Replica
	sync    *syncer.Syncer
	fs      *fs.FS
	mount   *fs.Mount
	logger  *log.Logger
	started time.Time
	fresh   bool // the mailbox was never here before
}

// A process that was killed holds its replica until the last of its threads is gone, which can be a moment after its
// mount is.
const (
	lockPatience = 2 * time.Second
	lockPause    = 50 * time.Millisecond
)

// openReplica opens the account's replica.
func openReplica(acct account, logger *log.Logger) (*replica.Replica, error) {
	if err := os.MkdirAll(filepath.Dir(acct.Replica), 0o700); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(lockPause) {
		rep, err := replica.Open(replica.Options{Dir: acct.Replica, Fold: names.Fold, Now: time.Now, Logf: logger.Printf})
		if !errors.Is(err, replica.ErrInUse) || time.Now().After(deadline) {
			return rep, err
		}
	}
}

// newSyncer puts the engine together.
func newSyncer(acct account, rep *replica.Replica, srv *server, logger *log.Logger, onStatus func(syncer.Status)) (*syncer.Syncer, error) {
	keep, err := syncer.ParseKeep(acct.Keep)
	if err != nil {
		return nil, usageError{err}
	}
	only, err := acct.restrictions()
	if err != nil {
		return nil, err
	}
	size, err := parseSize(acct.CacheSize)
	if err != nil {
		return nil, usageError{err}
	}
	return syncer.New(syncer.Config{
		Room:    fs.CacheRoom(size),
		Replica: rep, Dial: srv.dial, SMTP: srv.smtp, User: acct.User, Keep: keep, Only: only, ReadOnly: acct.ReadOnly, Location: time.Local,
		Logf: logger.Printf, OnStatus: onStatus,
	}), nil
}

// mountThreads is how many threads of a mount may run Go code, at least. A thread that waits for a page of the
// database occupies one, and so does one that renders ahead, while the answer to a program should wait for neither.
const mountThreads = 8

// mountGarbage is by how many per cent the memory of a mount may grow before what is not used is collected: a mount runs
// all day beside the programs that it serves, and most of the time does nothing.
const mountGarbage = 50

// tuneRuntime sets what suits a mount, unless its user knows better.
func tuneRuntime() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), mountThreads))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(mountGarbage)
	}
}

func openMount(ctx context.Context, std streams, acct account, dir, password string, idle time.Duration) (_ *mounted, err error) {
	tuneRuntime()
	logger := log.New(std.err, "mailfs: ", log.LstdFlags|log.Lmsgprefix)
	srv, err := newServer(acct, password)
	if err != nil {
		return nil, err
	}
	rep, err := openReplica(acct, logger)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			rep.Close()
		}
	}()
	m := &mounted{acct: acct, dir: dir, rep: rep, logger: logger, started: time.Now()}
	if m.sync, err = newSyncer(acct, rep, srv, logger, nil); err != nil {
		return nil, err
	}
	if err = m.firstContact(ctx); err != nil {
		return nil, err
	}
	size, err := parseSize(acct.CacheSize)
	if err != nil {
		return nil, usageError{err}
	}
	m.fs, err = fs.New(fs.Options{
		CacheSize: size,
		Replica:   rep, Fetcher: m.sync, IdleWindow: idle, User: acct.User, ReadOnly: acct.ReadOnly, NoDownloadFor: acct.NoDownloadFor,
		ScratchDir: acct.Replica, Logf: logger.Printf, StatusSource: m.statusText, Failures: m.failures,
		ValidKeep:   func(policy string) bool { _, err := syncer.ParseKeep(policy); return err == nil },
		PlainXattrs: runtime.GOOS == "darwin", NoRootMail: runtime.GOOS == "darwin",
		VolumeName: acct.VolumeName, VolumeIcon: acct.VolumeIcon,
		ReplayHelper: replayHelper(), Version: version(),
	})
	if err != nil {
		return nil, err
	}
	m.mount, err = m.fs.Mount(context.WithoutCancel(ctx), dir)
	return m, err
}

// firstContact signs in. A mailbox that was never here needs the server; one that was is mounted offline
// when the server is away, but not with a wrong password.
func (m *mounted) firstContact(ctx context.Context) error {
	known := m.rep.View(func(v *replica.View) error { _, err := v.Identity(); return err }) == nil
	if known {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, signInTimeout)
		defer cancel()
	}
	err := m.sync.SignIn(ctx)
	var refused *mapi.Refused
	switch {
	case err == nil && known:
		return nil
	case err == nil:
		m.fresh = true
		return m.sync.Folders(ctx) // an empty mount would look like an empty mailbox
	case !known, errors.As(err, &refused), errors.Is(err, replica.ErrMailbox):
		return err
	}
	m.logger.Printf("offline: %v", err)
	return nil
}

// run keeps the mount until it is unmounted or ctx ends.
func (m *mounted) run(ctx context.Context) error { return m.runReady(ctx, func(bool) {}) }

// runReady calls ready once the other commands can find the mount; of a mailbox that was never here, once its mail shows,
// or with false when that takes long.
func (m *mounted) runReady(ctx context.Context, ready func(filled bool)) error {
	stopControl, err := serveControl(m.dir, m)
	if err != nil {
		return errors.Join(err, m.mount.Unmount(), m.close())
	}
	engine, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.sync.Run(engine); err != nil && engine.Err() == nil {
			m.logger.Printf("synchronization has stopped: %v", err)
		}
	})
	wg.Go(func() { ready(!m.fresh || m.filled(engine)) })
	wg.Go(func() { (&announcer{rep: m.rep, pairs: m.sync.Pairs, logf: m.logger.Printf}).run(engine) })
	gone := make(chan error, 1)
	go func() { gone <- m.mount.Wait() }()
	select {
	case err = <-gone:
	case <-ctx.Done():
		if e := m.mount.Unmount(); e != nil {
			m.logger.Printf("the mount is in use and is taken away from under its users: %v", e)
			err = m.mount.Abort()
		}
	}
	stopEngine()
	wg.Wait()
	err = errors.Join(err, m.close())
	stopControl() // last: whoever waits for the socket to vanish may then open the replica
	return err
}

// fillPatience is how long a first mount waits for its mail to show, and fillPause how often it looks.
const (
	fillPatience = 5 * time.Second
	fillPause    = 20 * time.Millisecond
)

// filled waits until all headers are here, and reports whether they are.
func (m *mounted) filled(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, fillPatience)
	defer cancel()
	tick := time.NewTicker(fillPause)
	defer tick.Stop()
	for {
		if st := m.sync.Status(); st.Passes > 0 || st.Phase == syncer.PhaseBodies {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

func (m *mounted) close() error { return errors.Join(m.sync.Close(), m.rep.Close()) }

// Report answers `mailfs status`.
func (m *mounted) Report() (report, error) {
	st := m.sync.Status()
	r := report{
		Mountpoint: m.dir, User: m.acct.User, Server: m.acct.Server, PID: os.Getpid(), ReadOnly: m.acct.ReadOnly,
		Connection: "offline", Phase: string(st.Phase), Queued: st.Queued, Refused: st.Refused, SetAside: st.SetAside, Missed: st.Missed, Counts: map[string]int{},
	}
	if r.Server == "" {
		r.Server = "the server of " + m.acct.User
	}
	if st.Connected {
		r.Connection = "online since " + st.Since.Local().Format(time.DateTime)
	}
	if p, ok := progressOf(st); ok {
		r.Done, r.Total, r.DoneBytes, r.TotalBytes = int64(p.Done), int64(p.Total), p.DoneBytes, p.TotalBytes
		r.Left = st.Left.Seconds()
	}
	if !st.LastPass.IsZero() {
		r.LastPass = &st.LastPass
	}
	if st.Err != nil {
		r.LastError = st.Err.Error()
	}
	err := m.rep.View(func(v *replica.View) error {
		c, err := v.Counts()
		if err != nil {
			return err
		}
		losers, err := conflictLosers(v)
		r.Counts = map[string]int{"folders": c.Folders, "messages": c.Messages, "full": c.Full, "conflicts": losers, "errors": c.Errors, "local": c.Overlay}
		return err
	})
	// What still waits for its idle window is not in the journal yet, but it is on its way.
	r.Queued += m.fs.Unsettled()
	return r, err
}

// conflictLosers returns how many messages are in the folder that conflicts/ leads to.
func conflictLosers(v *replica.View) (int, error) {
	n, err := v.BySpecial(replica.SpecialConflicts)
	if errors.Is(err, replica.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	all, dirs, err := v.CountChildren(n.Num)
	return all - dirs, err
}

// progressOf picks the figures of the phase that runs.
func progressOf(st syncer.Status) (syncer.Progress, bool) {
	switch st.Phase {
	case syncer.PhaseUpload:
		return st.Uploads, true
	case syncer.PhaseContents:
		// At first everything comes, later only what changed: then folders tell more.
		if p := st.Headers; st.Passes == 0 && p.Total > 0 {
			p.Total = max(p.Total, p.Done)
			return p, true
		}
		return st.Folders, true
	case syncer.PhaseBodies:
		return st.Bodies, true
	}
	return syncer.Progress{}, false
}

func (m *mounted) statusText() []byte {
	r, err := m.Report()
	if err != nil {
		return []byte(err.Error() + "\n")
	}
	var b bytes.Buffer
	r.print(&b)
	return b.Bytes()
}

// Flush sends everything, also what still waits for its idle window, and once more what the server refused.
func (m *mounted) Flush(ctx context.Context) error {
	if err := m.fs.Flush(); err != nil {
		return err
	}
	if err := m.sync.Retry(0); err != nil {
		return err
	}
	return m.sync.Flush(ctx)
}

// Conflicts implements controller.
func (m *mounted) Conflicts() ([]syncer.Pair, error) { return m.sync.Pairs() }

// Settle implements controller.
func (m *mounted) Settle(num replica.Num) error { return m.sync.Settle(num) }

// Kick starts sending without waiting.
func (m *mounted) Kick() {
	if err := m.fs.Flush(); err != nil {
		m.logger.Printf("flush: %v", err)
	}
	if err := m.sync.Retry(0); err != nil {
		m.logger.Printf("flush: %v", err)
	}
	m.sync.Kick()
}

// Unmount ends run.
func (m *mounted) Unmount() error {
	if err := m.mount.Unmount(); err != nil {
		return fmt.Errorf("%s is in use: close the programs that work in it (%w)", m.dir, err)
	}
	return nil
}
