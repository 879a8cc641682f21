package fs

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"mailfs/internal/names"
)

// helperCall is what the helper is told to do, one line of JSON. Names are bytes, since they need not be UTF-8.
type helperCall struct {
	Op       replayOp // 0: look for Name below Parent, which tells who the helper is
	Dir      bool
	Parent   []byte // path of the directory below the mount point
	Name     []byte
	ToParent []byte // of a rename
	ToName   []byte
	Mtime    int64 // of a modification, nanoseconds since 1970
}

// helperReply is the answer, one line of JSON.
type helperReply struct {
	Errno syscall.Errno
}

// errHelperArgs says that the helper was started by hand.
var errHelperArgs = errors.New("fs: this process is part of a mount and can't be started by hand")

// helperHello is the first line that the helper reads.
type helperHello struct {
	Dir string // the mount point
}

// helper is the process at work.
type helper struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies chan helperReply // closed when the process is gone
}

// startHelper starts the process and reads its replies until it is gone.
func (p *replayer) startHelper(cmd *exec.Cmd, nonce string) (*helper, error) {
	cmd.Dir = "/" // nothing of it keeps the mount busy
	cmd.Env = append(cmd.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1")
	cmd.Stderr = logWriter(func(format string, args ...any) { p.t.opt.Logf("fs: helper: "+format, args...) })
	cmd.SysProcAttr = helperAttr()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &helper{cmd: cmd, in: in, replies: make(chan helperReply, 1)}
	p.mu.Lock()
	p.nonce, p.newest = nonce, h
	p.mu.Unlock()
	go func() {
		dec := json.NewDecoder(out)
		for {
			var r helperReply
			if dec.Decode(&r) != nil {
				break
			}
			h.replies <- r
		}
		h.kill()
		p.forget(h) // before anybody else can have its number: that is taken until the process was waited for
		close(h.replies)
		_ = cmd.Wait() // how it ended says nothing that matters
	}()
	return h, nil
}

// replies returns where the helper answers, nil while there is none.
func (p *replayer) replies() <-chan helperReply {
	if p.helper == nil {
		return nil
	}
	return p.helper.replies
}

func (h *helper) kill() { _ = h.cmd.Process.Kill() } // it may have ended

// tell writes a line. There is never more than one that was not answered, so that it fits into the pipe.
func (h *helper) tell(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = h.in.Write(append(line, '\n'))
	return err
}

// want makes sure that there is a helper, or will be, when there is something to replay.
func (p *replayer) want() {
	if p.useless || p.held || p.helper != nil || p.restart != nil || len(p.queue) == 0 {
		return
	}
	nonce := "." + rand.Text()
	hello := helperCall{Parent: []byte(names.Control), Name: []byte(nonce)}
	h, err := p.startHelper(p.t.opt.ReplayHelper(), nonce)
	if err != nil {
		p.t.opt.Logf("fs: no inotify events for changes by others: %v", err)
		p.useless, p.queue = true, nil
		return
	}
	p.helper, p.ready, p.busy = h, false, true
	p.overdue.Reset(helperPatience + startPatience)
	err = h.tell(helperHello{p.dir})
	if err == nil {
		err = h.tell(hello)
	}
	if err != nil {
		h.kill()
	}
}

// startPatience is added to what the first answer of a helper may take.
const startPatience = 10 * time.Second

// next gives the helper the next call, if it is idle.
func (p *replayer) next() {
	p.want()
	for p.helper != nil && p.ready && !p.busy && !p.held && len(p.queue) > 0 {
		r := p.queue[0]
		p.queue = p.queue[1:]
		if len(p.queue) == 0 {
			p.queue, p.lost = nil, 0
		}
		c, call, ok := p.t.ticketFor(r)
		if !ok || !p.t.plays(c) {
			continue
		}
		p.expect(c)
		p.busy = true
		p.overdue.Reset(helperPatience)
		if err := p.helper.tell(call); err != nil {
			p.helper.kill() // its end is heard of
		}
	}
	p.tellIdle()
}

// answered takes a reply in and returns what the kernel must not believe any longer.
func (p *replayer) answered(r helperReply) (out []stale) {
	p.overdue.Stop()
	p.busy = false
	if !p.ready {
		if p.thread(p.helper) == 0 {
			p.t.opt.Logf("fs: no inotify events for changes by others: the helper is not recognised here")
			p.useless, p.queue = true, nil
			p.helper.kill()
			return nil
		}
		p.ready = true
		return nil
	}
	p.backoff = backoffFirst
	p.mu.Lock()
	c := p.now
	p.now = nil
	p.mu.Unlock()
	if c == nil {
		return nil
	}
	if c.op == replayModify || c.op == replayRemove && !c.dir {
		out = append(out, stale{parent: c.from, name: c.name})
	}
	// The kernel knows a name already that is about to appear, or does not know any more what is about to go.
	if (r.Errno == syscall.EEXIST || r.Errno == syscall.ESTALE) && c.again < replayTries {
		again := c.replay
		again.again++
		p.queue = append([]replay{again}, p.queue...)
		switch c.op {
		case replayCreate:
			out = append(out, stale{parent: c.from, name: c.name})
		case replayRename:
			out = append(out, stale{parent: c.to, name: c.toName})
		}
	}
	return out
}

// died takes in that the helper is gone. What it was at is not tried again.
func (p *replayer) died() {
	p.overdue.Stop()
	p.expect(nil)
	p.helper, p.ready, p.busy = nil, false, false
	if p.useless {
		return
	}
	p.restart = time.After(p.backoff)
	p.backoff = min(2*p.backoff, backoffMost)
}

// late takes in that the helper did not answer in time. A process that waits in the kernel may outlive its kill for
// a while; nobody waits for it.
func (p *replayer) late() {
	p.t.opt.Logf("fs: the helper for inotify events did not answer in %v and is started anew", helperPatience)
	h := p.helper
	if h == nil {
		return
	}
	h.kill()
	go func() {
		for range h.replies { // until it is gone
		}
	}()
	p.died()
}

// hold stops replaying, or goes on, and calls back when the helper is idle: an unmount is to find nobody at work.
func (p *replayer) hold(on bool, idle func()) {
	p.held = on
	p.idle = append(p.idle, idle)
	p.tellIdle()
}

func (p *replayer) tellIdle() {
	if p.busy && p.ready {
		return // a helper that is about to start does so once and fails then
	}
	for _, f := range p.idle {
		f()
	}
	p.idle = nil
}

// stop ends the helper, when the mount is gone. One that the kernel does not let go is not waited for.
func (p *replayer) stop() {
	p.overdue.Stop()
	p.busy = false
	p.tellIdle()
	if p.helper == nil {
		return
	}
	_ = p.helper.in.Close()
	p.helper.kill()
	patience := time.After(helperPatience)
	for {
		select {
		case _, more := <-p.helper.replies:
			if !more {
				return
			}
		case <-patience:
			return
		}
	}
}

// The threads of helpers, also of killed ones whose last call may still come. What the handlers ask first costs one
// atomic load.

func (p *replayer) mine(pid uint32) bool {
	list := p.tids.Load()
	return list != nil && slices.Contains(*list, pid)
}

// introduce takes the thread that looks for the helper's secret name for the helper. It is how the helper registers:
// the number that it comes by here is the one that its calls will come by, whatever it is called where it runs.
func (p *replayer) introduce(name string, pid uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pid == 0 || p.nonce == "" || name != p.nonce {
		return
	}
	p.nonce = ""
	p.threads = append(p.threads, helperThread{p.newest, pid})
	p.publish()
}

// publish makes the threads known to the handlers. mu is held.
func (p *replayer) publish() {
	list := make([]uint32, 0, len(p.threads))
	for _, t := range p.threads {
		list = append(list, t.tid)
	}
	p.tids.Store(&list)
}

// forget takes away the thread of a helper that is gone.
func (p *replayer) forget(h *helper) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.threads = slices.DeleteFunc(p.threads, func(t helperThread) bool { return t.h == h })
	p.publish()
}

// thread returns the thread of a helper, 0 if it has not said who it is.
func (p *replayer) thread(h *helper) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.threads {
		if t.h == h {
			return t.tid
		}
	}
	return 0
}

// helperThread is the number by which the calls of a helper come.
type helperThread struct {
	h   *helper
	tid uint32
}

// ServeReplays is the helper process: it makes the calls that in asks for on the mount, one at a time, and writes what
// became of each to out. It returns when in ends.
func ServeReplays(in io.Reader, out io.Writer) error {
	runtime.LockOSThread() // the mount knows the helper by its thread
	defer runtime.UnlockOSThread()
	r := bufio.NewReader(in)
	var hello helperHello
	line, err := r.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &hello)
	}
	if err != nil || hello.Dir == "" {
		return errHelperArgs
	}
	c := caller{dir: hello.Dir}
	enc := json.NewEncoder(out)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("fs: helper: %w", err)
		}
		var call helperCall
		if err := json.Unmarshal(line, &call); err != nil {
			return fmt.Errorf("fs: helper: %w", err)
		}
		var errno syscall.Errno
		if err := c.do(call); err != nil && !errors.As(err, &errno) {
			errno = syscall.EIO
		}
		if err := enc.Encode(helperReply{errno}); err != nil {
			return nil // the mount is gone
		}
	}
}
