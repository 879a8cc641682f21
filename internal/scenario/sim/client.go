package sim

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"mailfs/fs"
	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// client is one user's machine.
type client struct {
	w     *world
	no    int
	name  string
	watch *watch

	rep    *replica.Replica
	eng    *syncer.Syncer
	fs     *fs.FS
	direct machine
	held   []*heldFile
	opens  int // of the replica
	disk   disk
	spaces int // namespaces that its replicas had

	headers bool // bodies come when they are read

	passed int // step of the last pass that went through

	// points of the pass, or of the user's call, that is under way
	plan     []Event
	point    int
	inPass   bool // a pass is under way, and nothing within it
	inCall   bool // a user's call is
	depth    int  // passes that wait for something within them to end
	fetching bool // another goroutine is at work
	busy     bool // the server is to answer the next request with a back-off
	cutSave  bool // the answer to the next request that saves a message is to get lost
	dying    bool // dies between two transactions
	inRow    bool // the last point was before a transaction
	behind   bool // it does not know yet that the server was put back
	sleeps   int
	giveUp   func() // ends the flush that sleeps too often
}

// death is what a client dies of: it is thrown through everything that the client was doing.
type death struct{ c *client }

var errCut = errors.New("sim: the connection broke")

func (w *world) newClient(no int, headers bool) (*client, error) {
	c := &client{w: w, no: no, name: clientName(no), watch: &watch{c: w.clock}, headers: headers}
	if err := c.openReplica(); err != nil {
		return nil, err
	}
	return c, c.start()
}

func (c *client) logf(format string, args ...any) { c.w.note("    "+c.name+"| "+format, args...) }

// start makes everything above the replica.
func (c *client) start() (err error) {
	c.watch.begin()
	c.eng = syncer.New(syncer.Config{
		Replica: c.rep, Dial: c.dial, User: address, LegacyDN: c.w.box.DN(), Now: c.watch.Now, InTurn: true,
		Keep: syncer.KeepPolicy{Headers: c.headers}, Rand: func() float64 { return 0.5 }, GUID: c.namespace, After: c.sleep, Logf: c.logf,
	})
	opt := fs.Options{Replica: c.rep, Fetcher: fetcher{c}, Clock: c.watch, Now: c.watch.Now, IdleWindow: window,
		Location: time.UTC, Logf: c.logf, ScratchDir: os.TempDir()}
	if c.w.mounts != "" {
		opt.ReplayHelper = c.replays
	}
	if c.fs, err = fs.New(opt); err != nil {
		return err
	}
	if c.w.mounts != "" {
		c.direct, err = mountAt(c.fs, filepath.Join(c.w.mounts, c.name))
		return err
	}
	d, err := c.fs.Direct()
	c.direct = direct{d}
	return err
}

// replays makes the helper of a mount, nil if there can be none.
func (c *client) replays() *exec.Cmd {
	cmd, err := again(ReplaysEnv + "=1")
	c.w.mustNot("finding this program", err)
	return cmd
}

// namespace makes a namespace of change keys that no replica had before.
func (c *client) namespace() mapi.GUID {
	c.spaces++
	return guid(10 + c.no + 256*(c.spaces-1))
}

// sleep lets time pass for everybody.
func (c *client) sleep(d time.Duration) (<-chan time.Time, func()) {
	c.sleeps++
	was := c.inPass
	c.inPass = false
	c.w.clock.advance(d)
	c.inPass = was
	ready := make(chan time.Time, 1)
	ready <- c.watch.Now()
	if c.sleeps == maxSleeps && c.giveUp != nil {
		c.giveUp()
	}
	return ready, func() {}
}

// maxSleeps bounds how often a flush waits before it is given up.
const maxSleeps = 40

// dial connects through a pipe into the server.
func (c *client) dial(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
	m, err := mapihttp.New(mapihttp.Config{URL: "http://localhost" + memserver.MailboxPath, UserDN: c.w.box.DN(), ClientID: guid(20 + c.no),
		Auth: mapihttp.Basic{User: address, Password: password}, RoundTripper: c.w.srv.Pipe(c.request)})
	if err != nil {
		return nil, syncer.ServerInfo{}, err
	}
	info, err := m.Connect(ctx)
	if err != nil {
		return nil, syncer.ServerInfo{}, err
	}
	return m, syncer.ServerInfo{Version: info.Version, LegacyDN: c.w.box.DN()}, nil
}

// request is what the network does with a request.
func (c *client) request(kind mapihttp.RequestType, deliver func()) error {
	c.w.requests++
	c.inRow = false
	if c.fetching || !c.inPass {
		deliver()
		return nil
	}
	twice, cut := false, false
	for _, e := range c.reach() {
		switch e.What {
		case CutBefore:
			c.w.note("  %s: %s does not arrive", c.name, kind)
			return errCut
		case CutAfter:
			cut = true
		case Twice:
			twice = true
		case Busy:
			c.busy = kind == mapihttp.Execute
		case CutSave:
			c.cutSave = true
		case Lose:
			c.w.note("  %s: the server forgets the sessions", c.name)
			c.w.srv.LoseSessions()
		default:
			c.happen(e)
		}
	}
	if c.busy {
		c.busy = false
		c.w.note("  %s: the server is busy", c.name)
		c.w.srv.SetScript(func(memserver.Request) memserver.Fault { return memserver.Fault{Busy: time.Second} })
		defer c.w.srv.SetScript(nil)
	} else if c.cutSave {
		c.w.srv.SetScript(func(r memserver.Request) memserver.Fault {
			cut = cut || r.Has(uint8(rop.IDSaveChangesMessage))
			return memserver.Fault{}
		})
		defer c.w.srv.SetScript(nil)
	}
	deliver()
	c.cutSave = c.cutSave && !cut
	if twice {
		c.w.note("  %s: %s arrives twice", c.name, kind)
		deliver()
	}
	for _, e := range c.reach() {
		switch e.What {
		case CutBefore, CutAfter:
			cut = true
		default:
			c.happen(e)
		}
	}
	if cut {
		c.w.note("  %s: the answer to %s is lost", c.name, kind)
		return errCut
	}
	return nil
}

// transaction is called before each transaction of the replica.
func (c *client) transaction() {
	if c.w.mounts != "" || c.fetching || !c.inPass && !c.inCall {
		return // a mount has transactions of its own
	}
	if c.dying && c.inRow && c.inPass {
		c.happen(Event{What: Die})
	}
	c.inRow = true
	for _, e := range c.reach() {
		c.happen(e)
	}
}

// reach counts a point and returns what is planned for it.
func (c *client) reach() (now []Event) {
	for _, e := range c.plan {
		if e.At == c.point {
			now = append(now, e)
		}
	}
	c.point++
	return now
}

// happen carries out an event.
func (c *client) happen(e Event) {
	switch e.What {
	case DieBetween:
		c.dying = c.inPass
	case LosePower:
		c.disk.losing = c.disk.ends != nil
	case Die:
		c.w.note("  %s: dies", c.name)
		panic(death{c})
	case While:
		if c.inPass {
			c.meanwhile(e.Step)
		} else if c.inCall {
			c.behindCall(e.Step)
		}
	}
}

// meanwhile plays a step within a pass.
func (c *client) meanwhile(s *Step) {
	plan, point, step := c.plan, c.point, c.w.step
	c.inPass = false
	c.depth++
	c.w.play(s)
	c.depth--
	c.inPass, c.plan, c.point, c.w.step = true, plan, point, step
}

// behindCall plays a step while a call of the user is under way, which holds locks: only what needs none of them can
// happen then, synchronization and acts on the server.
func (c *client) behindCall(s *Step) {
	plan, point, step := c.plan, c.point, c.w.step
	c.w.clock.held++
	defer func() { c.w.clock.held-- }()
	c.inCall = false
	c.w.step = s.No
	c.w.note("-- %v", s)
	switch {
	case s.Kind == Pass && c.depth == 0:
		c.depth++
		c.w.note("  pass: %v", c.pass(nil))
		c.depth--
	case s.Kind >= OtherDeliver:
		c.w.other(s)
	}
	c.inCall, c.plan, c.point, c.w.step = true, plan, point, step
}

// mortal runs f, which the client may not survive: then it starts again from what is durable.
func (c *client) mortal(f func()) (alive bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case death:
			if r.c != c {
				panic(r)
			}
			c.revive()
		default:
			panic(r)
		}
	}()
	f()
	return true
}

// revive starts a client again after its death.
func (c *client) revive() {
	c.inPass, c.inCall, c.plan, c.held, c.depth = false, false, nil, nil, 0
	if c.w.dir == "" {
		c.direct.Drop()
	} else {
		c.w.mustNot("reopening a replica", c.comeUp())
	}
	c.w.mustNot("start after a crash", c.start())
}

// pass synchronizes, while the events of a plan happen.
func (c *client) pass(plan []Event) error {
	err := errors.New("the client died")
	c.mortal(func() {
		c.plan, c.point, c.inPass, c.sleeps = plan, 0, true, 0
		err = c.eng.Pass(context.Background())
	})
	c.inPass, c.plan, c.cutSave, c.dying, c.disk.losing = false, nil, false, false, false
	if err == nil {
		c.passed = c.w.step
		c.w.noticed(c)
	}
	return err
}

// call runs what a program of the user does. Errors that the program meets are its own. What a plan has for the middle of
// it does not happen behind a mount, whose locks nobody here can see.
func (c *client) call(plan []Event, f func()) (alive bool) {
	if c.w.mounts != "" {
		f()
		return true
	}
	within := c.inCall
	c.plan, c.point, c.inCall = plan, 0, true
	alive = c.mortal(f)
	c.inCall, c.plan, c.disk.losing = within, nil, c.disk.losing && c.depth > 0
	return alive
}

func (c *client) close() {
	c.direct.Drop()
	_ = c.rep.Close() // in memory, or about to be removed
}

// fetcher brings bodies on demand. In the middle of a pass the network is taken.
type fetcher struct{ c *client }

// Fetch implements fs.Fetcher.
func (f fetcher) Fetch(ctx context.Context, n replica.Num) error {
	c := f.c
	if c.fetching || c.depth > 0 {
		return &mapi.Unreachable{Err: errCut}
	}
	c.fetching = true
	defer func() { c.fetching = false }()
	return c.eng.Fetch(ctx, n)
}
