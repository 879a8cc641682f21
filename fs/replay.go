package fs

import (
	"errors"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"mailfs/replica"
)

// The kernel raises inotify events for calls that pass through it, and for nothing else: what somebody else changed
// in the mailbox is no call. A helper process makes the call up: mknod for a new message, unlink for one that is gone,
// rename for one that moved, and for new content open, a new mtime, close. The file system knows the helper by its
// thread id and answers what it expects as done, since it is done already. What it expects is a ticket: one call, on
// one name, once. Other changing calls of the helper are refused, so that nothing it does can change anything.

// replayOp is what is replayed.
type replayOp uint8

const (
	replayCreate replayOp = iota + 1
	replayRemove
	replayRename
	replayModify
)

// replay is one remote change that waits to be played to the kernel.
type replay struct {
	op               replayOp
	item             replica.Num
	dir              bool
	parent, toParent replica.Num
	name, toName     string // toParent and toName: of a rename
	old              nodeID // what the kernel knew the item by
	again            int    // how often it was tried again
}

// ticket is the one call that the helper may make now.
type ticket struct {
	replay
	from, to nodeID // parent, toParent
	done     bool
}

// replayLimit bounds what waits, as the kernel bounds what waits for one reader of inotify.
const replayLimit = 16384

// replayer holds the replays that wait. What the handlers look at has a lock of its own; all the rest belongs to the
// notifier's goroutine.
type replayer struct {
	t   *tree
	dir string

	tids    atomic.Pointer[[]uint32]
	mu      sync.Mutex
	now     *ticket
	threads []helperThread
	nonce   string  // the name that the newest helper looks for
	newest  *helper // the last one that was started

	queue   []replay
	lost    int
	helper  *helper // nil while there is none
	ready   bool    // helper has said who it is
	busy    bool    // it has a call to make
	held    bool
	idle    []func() // who waits until it has none
	overdue *time.Timer
	backoff time.Duration
	restart <-chan time.Time // when the next helper may be started
	useless bool             // no helper will ever do
}

const (
	// helperPatience bounds what the notifier waits for one call of the helper. It can hang where any program can: on
	// a directory that somebody is opening a message in that must be downloaded first.
	helperPatience = 2 * time.Second
	backoffFirst   = time.Second
	backoffMost    = time.Minute
	replayTries    = 3
)

func newReplayer(t *tree, dir string) *replayer {
	overdue := time.NewTimer(time.Hour)
	overdue.Stop()
	return &replayer{t: t, dir: dir, overdue: overdue, backoff: backoffFirst}
}

// expect makes c the one call that the helper may make.
func (p *replayer) expect(c *ticket) {
	p.mu.Lock()
	p.now = c
	p.mu.Unlock()
}

// current returns the ticket of a helper's thread, nil if there is none or it is used up.
func (p *replayer) current(pid uint32) *ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.threads)
	if p.now == nil || p.now.done || n == 0 || p.threads[n-1] != (helperThread{p.newest, pid}) {
		return nil // a helper that was given up has none
	}
	return p.now
}

// use marks the ticket as used; false if it was.
func (p *replayer) use(c *ticket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := c.done
	c.done = true
	return !was
}

// add queues what a commit asks for.
func (p *replayer) add(list []replay) {
	if p.useless {
		return
	}
	if room := replayLimit - len(p.queue); len(list) > room {
		if p.lost == 0 {
			p.t.opt.Logf("fs: more than %d changes wait for their inotify events: the next ones raise none", replayLimit)
		}
		p.lost += len(list) - room
		list = list[:room]
	}
	p.queue = append(p.queue, list...)
}

// replaysOf tells what the remote events of one commit are as calls. Directories that the kernel was never told of
// have nobody who watches them.
func (t *tree) replaysOf(batch []replica.Event) (out []replay) {
	for _, e := range batch {
		if !e.Remote || e.NodeKind != replica.KindFolder && e.NodeKind != replica.KindMessage {
			continue
		}
		r := replay{item: e.Item, dir: e.NodeKind == replica.KindFolder, parent: e.Parent, name: e.Name}
		switch e.Kind {
		case replica.EventAdded:
			r.op, r.old = replayCreate, t.idAt(e)
		case replica.EventRemoved:
			r.op, r.old = replayRemove, t.idAt(e)
		case replica.EventMoved:
			r.op, r.parent, r.name, r.toParent, r.toName = replayRename, e.OldParent, e.OldName, e.Parent, e.Name
			r.old = t.idAt(e)
		case replica.EventContent:
			if e.Completed {
				continue
			}
			r.op, r.old = replayModify, t.idAt(e)
		default:
			continue
		}
		if t.wasShown(r.parent) || r.toParent != 0 && t.wasShown(r.toParent) {
			out = append(out, r)
		}
	}
	return out
}

// idAt returns the number that the kernel knew an item by before an event.
func (t *tree) idAt(e replica.Event) nodeID {
	if e.NodeKind != replica.KindMessage {
		return makeID(e.Item, 0)
	}
	gen := e.Gen
	if e.Raised {
		gen--
	}
	t.mu.RLock()
	gen += t.bumps[e.Item]
	t.mu.RUnlock()
	return makeID(e.Item, gen)
}

// noteShown remembers that the kernel was told of a directory.
func (t *tree) noteShown(num replica.Num) {
	t.mu.RLock()
	known := t.told[num]
	t.mu.RUnlock()
	if !known {
		t.mu.Lock()
		t.told[num] = true
		t.mu.Unlock()
	}
}

func (t *tree) wasShown(num replica.Num) bool {
	if num == replica.RootNum {
		return true
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.told[num]
}

// ticketFor makes the call of a replay and what the helper is told to do; false if there is nothing to do any more.
func (t *tree) ticketFor(r replay) (*ticket, helperCall, bool) {
	c := &ticket{replay: r, from: makeID(r.parent, 0), to: makeID(r.toParent, 0)}
	call := helperCall{Op: r.op, Dir: r.dir, Name: []byte(r.name), ToName: []byte(r.toName)}
	err := t.r.View(func(v *replica.View) error {
		dir, err := folderPath(v, r.parent)
		if err != nil {
			return err
		}
		call.Parent = []byte(dir)
		if r.op == replayRename {
			if dir, err = folderPath(v, r.toParent); err != nil {
				return err
			}
			call.ToParent = []byte(dir)
		}
		n, err := v.Node(r.item)
		if errors.Is(err, replica.ErrNotFound) {
			call.Mtime = t.clock.Now().UnixNano()
			return nil
		}
		if err != nil {
			return err
		}
		if r.op == replayRename || r.op == replayCreate {
			c.old = t.idOf(n)
		}
		call.Mtime = n.Mtime.UnixNano()
		return nil
	})
	return c, call, err == nil
}

// folderPath returns the path of a directory below the mount point, "." for the mount point.
func folderPath(v *replica.View, num replica.Num) (string, error) {
	n, err := v.Node(num)
	if err != nil {
		return "", err
	}
	p, err := pathOf(v, n)
	return path.Join(".", p), err
}

// plays reports whether a replay can do no harm: nothing else has one of its names by now. What became of the item
// itself since does not matter, that is replayed next.
func (t *tree) plays(c *ticket) bool {
	free := func(parent nodeID, name string, own bool) bool {
		e, err := t.lookup(parent, name)
		if err != nil {
			return errors.Is(err, replica.ErrNotFound)
		}
		return own && e.node.Num == c.item
	}
	switch c.op {
	case replayRename:
		return free(c.from, c.name, false) && free(c.to, c.toName, true)
	case replayRemove:
		return free(c.from, c.name, false)
	}
	return free(c.from, c.name, true)
}
