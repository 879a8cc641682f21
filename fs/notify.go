package fs

import (
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"mailfs/replica"
)

// stale names one thing that the kernel must not believe any longer. Exactly one of its parts is set.
type stale struct {
	attr   nodeID // attributes
	parent nodeID // with name: what the name leads to
	name   string
}

// kernel is the side of go-fuse that takes notices. None of its calls may be made while a lock is held that an
// operation needs, or from within an operation: the kernel can hold a lock of the same file.
type kernel interface {
	InodeNotify(node uint64, off, length int64) fuse.Status
	EntryNotify(parent uint64, name string) fuse.Status
}

// notifier is the one goroutine that tells the kernel what changed, and the queue in front of it.
type notifier struct {
	t *tree
	k kernel
	p *replayer // nil where no inotify events are raised

	holds chan holding

	mu    sync.Mutex
	queue []stale
	wake  chan struct{}
}

// holding asks for replays to stop, or to go on. done is closed when the helper is idle.
type holding struct {
	on   bool
	done chan struct{}
}

// hold lets no replay run until it is called again, and returns when none does.
func (n *notifier) hold(on bool, served <-chan struct{}) {
	if n.p == nil {
		return
	}
	h := holding{on, make(chan struct{})}
	select {
	case n.holds <- h:
	case <-served:
		return
	}
	select {
	case <-h.done:
	case <-served:
	}
}

// repeatAfter is when a notice is given a second time: an answer that was computed before the change may have been
// on its way to the kernel when the first one passed it.
const repeatAfter = 200 * time.Millisecond

// startNotifier begins to feed the kernel with what the replica and the tree say. The function returned ends it.
func (t *tree) startNotifier(k kernel) (stop func()) {
	n := &t.notices
	n.k = k
	events, cancel := t.r.Subscribe()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		n.run(events, quit)
	}()
	return func() {
		cancel()
		close(quit)
		<-done
	}
}

// add queues notices. It never blocks and may be called anywhere.
func (n *notifier) add(list ...stale) {
	n.mu.Lock()
	n.queue = append(n.queue, list...)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notifier) run(events <-chan []replica.Event, quit <-chan struct{}) {
	var again []stale
	var repeat <-chan time.Time
	send := func(list []stale) {
		for _, s := range list {
			n.tell(s)
		}
		if len(list) > 0 {
			again = append(again, list...)
			if repeat == nil {
				repeat = time.After(repeatAfter)
			}
		}
	}
	p := n.p
	if p == nil {
		p = newReplayer(n.t, "")
		p.useless = true
	}
	defer p.stop()
	for {
		p.next()
		select {
		case <-quit:
			return
		case batch, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			send(n.t.digest(batch))
			n.t.events.note(n.t, batch)
			if n.p != nil {
				p.add(n.t.replaysOf(batch))
			}
		case r, ok := <-p.replies():
			if ok {
				send(p.answered(r))
			} else {
				p.died()
			}
		case <-p.overdue.C:
			p.late()
		case <-p.restart:
			p.restart = nil
		case h := <-n.holds:
			p.hold(h.on, func() { close(h.done) })
		case <-n.wake:
			n.mu.Lock()
			list := n.queue
			n.queue = nil
			n.mu.Unlock()
			send(list)
		case <-repeat:
			for _, s := range again {
				if s.parent == 0 || n.t.stillStale(s) {
					n.tell(s)
				}
			}
			again, repeat = nil, nil
		}
	}
}

func (n *notifier) tell(s stale) {
	// Each answers ENOENT for what the kernel doesn't know, which is as good.
	switch {
	case s.parent != 0:
		n.k.EntryNotify(uint64(s.parent), s.name)
	case s.attr != 0:
		n.k.InodeNotify(uint64(s.attr), -1, 0)
	}
}

// stillStale reports whether a notice about a name may be repeated. A directory that has the name now must not lose
// it: it may be somebody's working directory.
func (t *tree) stillStale(s stale) bool {
	dir := false
	err := t.r.View(func(v *replica.View) error {
		n, err := v.Lookup(s.parent.num(), s.name)
		if err == nil {
			dir = isDir(n)
		}
		return err
	})
	return err != nil || !dir
}

// digest takes in the events of one commit and tells what they make stale. What this file system did itself the
// kernel knows from the calls; only attributes can have changed then.
func (t *tree) digest(batch []replica.Event) (out []stale) {
	t.epoch.Add(1)
	dirs := map[replica.Num]bool{}
	for _, e := range batch {
		if e.NodeKind == replica.KindFolder {
			t.mu.Lock()
			clear(t.roFolders)
			t.mu.Unlock()
		}
		switch e.Kind {
		case replica.EventJournal, replica.EventQueue:
			continue
		}
		if e.Remote {
			t.commitSaved(e)
			switch e.Kind {
			case replica.EventAdded:
				dirs[e.Parent] = true // that a name led nowhere is not believed for long
			case replica.EventRemoved:
				dirs[e.Parent] = true
				out = append(out, stale{parent: makeID(e.Parent, 0), name: e.Name})
			case replica.EventMoved:
				dirs[e.Parent], dirs[e.OldParent] = true, true
				out = append(out, stale{parent: makeID(e.OldParent, 0), name: e.OldName})
			case replica.EventContent:
				out = append(out, stale{parent: makeID(e.Parent, 0), name: e.Name})
			}
		}
		if e.Kind == replica.EventContent || e.Kind == replica.EventAttr {
			if id, ok := t.current(e.Item); ok {
				out = append(out, stale{attr: id})
			}
		}
	}
	now := t.clock.Now()
	for d := range dirs {
		if d == 0 {
			continue
		}
		t.mu.Lock()
		t.dirTimes[d] = now
		t.mu.Unlock()
		out = append(out, stale{attr: makeID(d, 0)})
	}
	return out
}

// noteRemote records when an item's content was last changed by somebody else. It runs before the commit that does
// so returns: a save by rename that comes after it must not take the new version for the one that it builds on.
func (t *tree) noteRemote(batch []replica.Event) {
	const limit = 1 << 16
	for _, e := range batch {
		if !e.Remote || e.Kind != replica.EventContent {
			continue
		}
		t.mu.Lock()
		if len(t.remote) >= limit {
			clear(t.remote)
		}
		t.remote[e.Item] = t.epoch.Add(1)
		t.mu.Unlock()
	}
}

// commitSaved lets what a program has saved to an item that somebody else changed become a change at once, so that
// the two meet as soon as they can.
func (t *tree) commitSaved(e replica.Event) {
	if e.Kind != replica.EventContent {
		return
	}
	t.mu.RLock()
	saved := t.copies[e.Item] != nil
	t.mu.RUnlock()
	if saved {
		t.clock.AfterFunc(0, func() { t.commitSoon(e.Item) })
	}
}

// current returns the id that an item has now.
func (t *tree) current(num replica.Num) (id nodeID, ok bool) {
	err := t.r.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err == nil {
			id = t.idOf(n)
		}
		return err
	})
	return id, err == nil
}
