package fs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailfs/internal/fsx"
	"mailfs/mapi"
	"mailfs/replica"
)

// Tests with a kernel serve from a child process, the test binary started again: a process that dies, or hangs, with
// a file open on its own mount could not be killed.

const (
	childEnv  = "MAILFS_FS_TEST_CHILD"
	helperEnv = "MAILFS_FS_TEST_HELPER"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		if err := ServeReplays(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if conf := os.Getenv(childEnv); conf != "" {
		os.Exit(runChild(conf))
	}
	os.Exit(m.Run())
}

// childConfig tells a child what to serve.
type childConfig struct {
	Dir, Replica string
	ReadOnly     bool
	Messages     int  // to deliver to Inbox
	Empty        bool // no sample message
	Offline      bool
	Refuse       []string
	Deadline     time.Duration
	RealTime     bool // wall clock, no idle window
	AllowOther   bool
}

// request and reply are lines of JSON on the child's standard input and output.
type request struct {
	Op, Path, Text string
	N              int64
}

type reply struct {
	Err  string
	List []string
	N    int64
}

// childFetcher is a server that can be away, slow, or both.
type childFetcher struct {
	*fixture
	mu      sync.Mutex
	offline bool
	slow    bool
	calls   int64
	entered chan struct{} // gets one value for each download that waits
}

func (f *childFetcher) Fetch(ctx context.Context, n replica.Num) error {
	f.mu.Lock()
	f.calls++
	offline, slow := f.offline, f.slow
	f.mu.Unlock()
	if slow {
		f.entered <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	if offline {
		return &mapi.Unreachable{Err: errors.New("no route")}
	}
	return f.fixture.Fetch(ctx, n)
}

func runChild(conf string) int {
	var c childConfig
	if err := json.Unmarshal([]byte(conf), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := serveChild(c); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	return 0
}

func serveChild(c childConfig) error {
	fx, err := newFixture(c.Replica)
	if err != nil {
		return err
	}
	defer fx.r.Close()
	fx.key, fx.cn = uint64(os.Getpid())<<20, uint64(os.Getpid())*100_000 // what an earlier process gave is given
	if err := fx.r.Update(func(u *replica.Update) error {
		return u.SetIdentity(replica.Identity{MailboxGUID: testServer})
	}); err != nil {
		return err
	}
	for i := range c.Messages {
		if _, err := fx.deliver("Inbox", fmt.Sprintf("m%05d.eml", i), note(fmt.Sprint("message ", i), strings.Repeat("A line of text as long as the lines of a letter often are, or so they say.\n", 270))); err != nil {
			return err
		}
	}
	if !c.Empty {
		if _, err := fx.deliver("Inbox", "a.eml", note("one", "first")); err != nil && !errors.Is(err, replica.ErrExists) {
			return err
		}
	}
	clock := newHandClock()
	fetcher := &childFetcher{fixture: fx, offline: c.Offline, entered: make(chan struct{}, 16)}
	opt := Options{Replica: fx.r, Fetcher: fetcher, Now: clock.Now, Clock: clock, Location: time.UTC, User: "anna@example.org", Version: "mailfs test",
		ReadOnly: c.ReadOnly, NoDownloadFor: c.Refuse, OpenDeadline: c.Deadline, AllowOther: c.AllowOther,
		Logf: func(format string, args ...any) { fmt.Fprintf(os.Stderr, "child: "+format+"\n", args...) }}
	opt.ReplayHelper = func() *exec.Cmd {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), helperEnv+"=1")
		return cmd
	}
	if c.RealTime {
		opt.Now, opt.Clock, opt.IdleWindow = time.Now, nil, -1
	}
	f, err := New(opt)
	if err != nil {
		return err
	}
	m, err := f.Mount(context.Background(), c.Dir)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(reply{}); err != nil {
		return err
	}
	s := &childServer{fx: fx, fetcher: fetcher, clock: clock, fs: f, m: m}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var req request
		if err := json.Unmarshal(in.Bytes(), &req); err != nil {
			return err
		}
		rep, err := s.serve(req)
		if err != nil {
			rep.Err = err.Error()
		}
		if err := out.Encode(rep); err != nil {
			return err
		}
		if req.Op == "unmount" && err == nil {
			return nil
		}
	}
	return nil
}

type childServer struct {
	fx      *fixture
	fetcher *childFetcher
	clock   *handClock
	fs      *FS
	m       *Mount
}

// find returns the number of a path.
func (s *childServer) find(path string) (num replica.Num, err error) {
	err = s.fx.r.View(func(v *replica.View) error {
		num = replica.RootNum
		for _, name := range strings.Split(path, "/") {
			n, err := v.Lookup(num, name)
			if err != nil {
				return err
			}
			num = n.Num
		}
		return nil
	})
	return num, err
}

func (s *childServer) serve(req request) (rep reply, err error) {
	switch req.Op {
	case "deliver":
		dir, name := split(req.Path)
		num, err := s.fx.deliver(dir, name, req.Text)
		rep.N = int64(num)
		return rep, err
	case "header":
		dir, name := split(req.Path)
		num, err := s.fx.header(dir, name, req.Text, req.N)
		rep.N = int64(num)
		return rep, err
	case "edit", "remove", "num", "rename", "state":
		num, err := s.find(req.Path)
		if err != nil {
			return rep, err
		}
		rep.N = int64(num)
		switch req.Op {
		case "edit":
			return rep, s.fx.edit(num, req.Text)
		case "remove":
			return rep, s.fx.remove(num)
		case "rename":
			return rep, s.fx.r.Update(func(u *replica.Update) error {
				u.Remote(true)
				dir, name := split(req.Text)
				to := replica.RootNum
				if dir != "" {
					to = s.fx.folders[dir]
				}
				return u.Move(num, to, name)
			})
		}
		return rep, nil
	case "folder":
		return rep, s.fx.folder(req.Path, replica.SpecialNone)
	case "pass":
		s.released()
		s.clock.Advance(time.Duration(req.N) * time.Millisecond)
	case "fill":
		return rep, s.fill(req.Path, int(req.N))
	case "memory":
		rep.N, err = peakMemory()
		return rep, err
	case "acknowledge":
		return rep, s.acknowledge(int(req.N))
	case "advance":
		s.clock.Advance(time.Duration(req.N) * time.Millisecond)
	case "flush":
		return rep, s.fs.Flush()
	case "journal":
		rep.List, err = s.journal()
		return rep, err
	case "hold":
		s.fs.t.notices.hold(req.N != 0, s.m.served)
	case "helper":
		p := s.fs.t.notices.p
		p.mu.Lock()
		h := p.newest
		p.mu.Unlock()
		if h != nil {
			rep.N = int64(p.thread(h))
		}
	case "offline":
		s.fetcher.mu.Lock()
		s.fetcher.offline = req.N != 0
		s.fetcher.mu.Unlock()
	case "slow":
		s.fetcher.mu.Lock()
		s.fetcher.slow = req.N != 0
		s.fetcher.mu.Unlock()
	case "entered":
		<-s.fetcher.entered
	case "fetches":
		s.fetcher.mu.Lock()
		rep.N = s.fetcher.calls
		s.fetcher.mu.Unlock()
	case "check":
		rep.List, err = s.fx.r.Check()
		return rep, err
	case "unmount":
		return rep, s.m.Unmount()
	default:
		err = fmt.Errorf("unknown request %q", req.Op)
	}
	return rep, err
}

// acknowledge lets the server take what is queued first of a message, the n-th of those that it could take.
func (s *childServer) acknowledge(n int) error {
	list, err := s.fx.journal()
	if err != nil {
		return err
	}
	done := map[replica.Num]bool{}
	for _, c := range list {
		first := !done[c.Item]
		done[c.Item] = true
		if !first || c.Kind != replica.ChangeCreate && c.Kind != replica.ChangeEdit || c.Ready.After(time.Now()) {
			continue
		}
		if n--; n < 0 {
			_, err := s.fx.acknowledge(c.Item)
			return err
		}
	}
	return nil
}

func fillName(i int) string {
	return fmt.Sprintf("%05d a name of common length, as messages have it", i)
}

// fill makes many empty files.
func (s *childServer) fill(dir string, n int) error {
	num, err := s.find(dir)
	if err != nil {
		return err
	}
	const batch = 500
	for first := 0; first < n; first += batch {
		err := s.fx.r.Update(func(u *replica.Update) error {
			for i := first; i < min(first+batch, n); i++ {
				if _, err := u.Insert(&replica.Node{Parent: num, Name: fillName(i), Kind: replica.KindFile, Exact: true}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// peakMemory returns the most memory that this process ever had, in bytes.
func peakMemory() (int64, error) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0, err
	}
	return use.Maxrss << 10, nil
}

// released waits until the kernel has sent the releases that follow the last closes: close(2) does not wait for them.
func (s *childServer) released() {
	t := s.fs.t
	for range 1000 {
		open := false
		t.mu.RLock()
		for _, f := range t.files {
			open = open || f.writers > 0
		}
		t.mu.RUnlock()
		if !open {
			return
		}
		pause()
	}
}

// pause lets others run for a moment, in a loop that is bounded.
func pause() { syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 2000}) } //nolint:errcheck

func (s *childServer) journal() ([]string, error) {
	b := &bed{fixture: s.fx, t: &testing.T{}}
	return b.changes(), nil
}

// mounted is a child and its mount, seen from the test.
type mounted struct {
	t    *testing.T
	dir  string
	conf childConfig
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	done chan struct{}
	mu   sync.Mutex
}

// start serves conf from a child and waits until its mount answers.
func start(t *testing.T, conf childConfig) *mounted {
	t.Helper()
	fsx.NeedFUSE(t)
	if conf.Dir == "" {
		conf.Dir = t.TempDir()
	}
	if conf.Replica == "" {
		conf.Replica = t.TempDir()
	}
	m := &mounted{t: t, dir: conf.Dir, conf: conf, done: make(chan struct{})}
	p, err := json.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	m.cmd = exec.Command(os.Args[0], "-test.run=^$")
	m.cmd.Env = append(os.Environ(), childEnv+"="+string(p))
	m.cmd.Stderr = os.Stderr
	if m.in, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.out = json.NewDecoder(stdout)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.clean)
	var rep reply
	if err := m.out.Decode(&rep); err != nil {
		t.Fatalf("the child did not mount: %v", err)
	}
	return m
}

// clean unmounts, by force if need be.
func (m *mounted) clean() {
	select {
	case <-m.done:
		return
	default:
	}
	hung := time.AfterFunc(20*time.Second, func() {
		_ = abortConnection(m.dir)
	})
	defer hung.Stop()
	if _, err := m.try("check", "", "", 0); err == nil {
		if _, err := m.try("unmount", "", "", 0); err == nil {
			m.wait()
			return
		}
	}
	_ = abortConnection(m.dir)
	_ = detachMount(m.dir)
	_ = m.cmd.Process.Kill()
	m.wait()
}

func (m *mounted) wait() {
	_ = m.in.Close()
	_ = m.cmd.Wait()
	close(m.done)
}

// unmount ends the child in good order.
func (m *mounted) unmount() {
	m.t.Helper()
	m.do("unmount", "", "", 0)
	m.wait()
}

// kill ends the child as a crash would, and takes the dead mount away.
func (m *mounted) kill() {
	m.t.Helper()
	if err := m.cmd.Process.Kill(); err != nil {
		m.t.Fatal(err)
	}
	m.wait()
	if err := detachMount(m.dir); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mounted) try(op, path, text string, n int64) (reply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rep reply
	if err := json.NewEncoder(m.in).Encode(request{Op: op, Path: path, Text: text, N: n}); err != nil {
		return rep, err
	}
	if err := m.out.Decode(&rep); err != nil {
		return rep, err
	}
	if rep.Err != "" {
		return rep, errors.New(rep.Err)
	}
	return rep, nil
}

func (m *mounted) do(op, path, text string, n int64) reply {
	m.t.Helper()
	rep, err := m.try(op, path, text, n)
	if err != nil {
		m.t.Fatalf("%s %s: %v", op, path, err)
	}
	return rep
}

func (m *mounted) pass() { m.t.Helper(); m.do("pass", "", "", 4000) }

func (m *mounted) path(name string) string { return filepath.Join(m.dir, name) }

func (m *mounted) read(name string) string {
	m.t.Helper()
	p, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(p)
}

func (m *mounted) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// eventually waits until f is true, for as long as a change by somebody else may take to show.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true: %s", what)
		}
		pause()
	}
}
