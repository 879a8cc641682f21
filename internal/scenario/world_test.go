package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailfs/internal/fsx"
	"mailfs/internal/memserver"
	"mailfs/internal/sample"
	"mailfs/mapi"
	"mailfs/mime"
)

const password = "secret"

// world is a served mailbox and the program that mounts it.
type world struct {
	t      testing.TB
	binary string
	srv    *memserver.Server
	box    *memserver.Mailbox
	addr   string // host:port of the server
	user   string // mail address
	dir    string

	// Of a story on a real server, where srv and box are nil.
	carrier   *client // puts messages there
	carried   int
	witnesses int
}

// newWorld starts a server with some mail and builds the program.
func newWorld(t testing.TB, messages int) *world {
	t.Helper()
	needFUSE(t)
	w := &world{t: t, dir: t.TempDir(), binary: buildProgram(t), user: sample.Owner}
	w.srv = memserver.New(memserver.Config{})
	box, err := w.srv.AddMailbox(memserver.MailboxConfig{Address: sample.Owner, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	w.box = box
	for i, m := range sample.Mailbox(3, time.Now()) {
		if i >= messages {
			break
		}
		w.deliver(m.Folder, m.Data)
	}
	hs := httptest.NewServer(w.srv.Handler())
	t.Cleanup(func() { w.srv.Close(); hs.Close() })
	w.addr = strings.TrimPrefix(hs.URL, "http://")
	t.Cleanup(w.showLogs)
	must(t, os.WriteFile(filepath.Join(w.dir, "password"), []byte(password), 0o600))
	must(t, os.Mkdir(filepath.Join(w.dir, "run"), 0o700))
	return w
}

// showLogs prints what the mounts had to say about a story that failed.
func (w *world) showLogs() {
	if !w.t.Failed() {
		return
	}
	logs, err := filepath.Glob(filepath.Join(w.dir, "state", "*", "mailfs", "*.log"))
	if err != nil {
		w.t.Error(err)
	}
	for _, name := range logs {
		data, err := os.ReadFile(name)
		w.t.Logf("%s: %v\n%s", strings.TrimPrefix(name, w.dir), err, data[max(0, len(data)-400_000):])
	}
}

func needFUSE(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("real mounts are left out of short runs")
	}
	fsx.NeedFUSE(t)
}

var program struct {
	sync.Once
	path string
	err  error
}

func buildProgram(t testing.TB) string {
	t.Helper()
	program.Do(func() {
		dir, err := os.MkdirTemp("", "mailfs-scenario-")
		if err != nil {
			program.err = err
			return
		}
		program.path = filepath.Join(dir, "mailfs")
		out, err := exec.Command("go", "build", "-o", program.path, "mailfs/cmd/mailfs").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if program.path != "" {
		os.RemoveAll(filepath.Dir(program.path))
	}
	os.Exit(code)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) deliver(path []string, data []byte) mapi.MID {
	w.t.Helper()
	if w.box == nil {
		w.carry(path, data)
		return 0
	}
	id, ok := w.box.FindFolder(path...)
	if !ok {
		id = w.box.CreateFolder(path...)
	}
	msg, err := mime.Parse(bytes.NewReader(data), mime.Options{})
	var odd *mime.UnsupportedError
	if err != nil && !errors.As(err, &odd) {
		w.t.Fatal(err)
	}
	mid, err := w.box.Deliver(id, msg)
	must(w.t, err)
	return mid
}

// client is one user's mount, with a wire of its own that can be cut.
type client struct {
	*world
	name  string
	mount string
	wire  *wire
	pid   int // of the mount's process, 0 when there is none
}

func (w *world) client(name string) *client {
	w.t.Helper()
	c := &client{world: w, name: name, mount: filepath.Join(w.dir, "mnt-"+name), wire: newWire(w.t, w.addr)}
	must(w.t, os.Mkdir(c.mount, 0o700))
	w.t.Cleanup(c.abort)
	return c
}

// command prepares the program with this world's environment.
func (c *client) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+filepath.Join(c.dir, "run"), "XDG_STATE_HOME="+filepath.Join(c.dir, "state", c.name))
	return cmd
}

// try runs the program.
func (c *client) try(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return c.command(ctx, args...).CombinedOutput()
}

func (c *client) mailfs(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("%s: mailfs %s: %v\n%s", c.name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (c *client) accountFlags() []string {
	return []string{"--server", "http://" + c.wire.addr, "--user", c.user, "--password-file", filepath.Join(c.dir, "password"),
		"--replica", c.replica()}
}

func (c *client) replica() string { return filepath.Join(c.dir, "replica-"+c.name) }

// start mounts, with further flags if need be.
func (c *client) start(flags ...string) {
	c.t.Helper()
	args := append([]string{"mount", "--background"}, c.accountFlags()...)
	c.mailfs(append(append(args, flags...), c.mount)...)
	c.pid = c.status().PID
}

func (c *client) stop() {
	c.t.Helper()
	c.mailfs("umount", c.mount)
	c.ended()
}

// ended waits for the mount's process to end. One that does not writes its stacks to its log.
func (c *client) ended() {
	c.t.Helper()
	if c.pid == 0 {
		return
	}
	pid, deadline := c.pid, time.Now().Add(20*time.Second)
	c.pid = 0
	for time.Now().Before(deadline) {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Errorf("%s: the process of the mount is still there", c.name)
	syscall.Kill(pid, syscall.SIGQUIT) //nolint:errcheck // it may have ended just now
	time.Sleep(time.Second)
	syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // as above
}

// flush waits until the server has everything.
func (c *client) flush() {
	c.t.Helper()
	limit := time.Minute
	if c.srv == nil {
		limit = 5 * time.Minute // a real server writes to a disk
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit+time.Minute)
	defer cancel()
	out, err := c.command(ctx, "flush", "--wait", "--timeout", limit.String(), c.mount).CombinedOutput()
	if err != nil {
		syscall.Kill(c.pid, syscall.SIGQUIT) //nolint:errcheck // what it waits for goes to its log
		time.Sleep(time.Second)
		c.t.Fatalf("%s: mailfs flush: %v\n%s", c.name, err, out)
	}
}

type status struct {
	PID      int    `json:"pid"`
	Queued   int    `json:"queued"`
	Refused  int    `json:"refused"`
	LastPass string `json:"lastPass"`
	Phase    string `json:"phase"`
	Counts   struct {
		Messages int `json:"messages"`
		Full     int `json:"full"`
	} `json:"counts"`
}

func (c *client) status() status {
	c.t.Helper()
	var all []status
	must(c.t, json.Unmarshal([]byte(c.mailfs("status", "--json", c.mount)), &all))
	if len(all) != 1 {
		c.t.Fatalf("%d mounts answer for %s", len(all), c.mount)
	}
	return all[0]
}

// abort cleans up whatever is left: it ends the FUSE connection first, since a process that has a file
// of its own mount open can't be killed otherwise.
func (c *client) abort() {
	c.cut()
	c.ended()
}

// cut ends the FUSE connection, and what waits for it.
func (c *client) cut() {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 4 && f[4] == c.mount {
			if _, minor, ok := strings.Cut(f[2], ":"); ok {
				os.WriteFile("/sys/fs/fuse/connections/"+minor+"/abort", []byte("1"), 0) //nolint:errcheck // best effort
			}
			syscall.Unmount(c.mount, syscall.MNT_DETACH) //nolint:errcheck // best effort
			if os.Geteuid() != 0 {
				exec.Command("fusermount3", "-u", "-z", c.mount).Run() //nolint:errcheck // best effort
			}
		}
	}
}

// wire is a network connection to the server that can be cut: while it is down, connections that
// exist are reset and new ones are refused.
type wire struct {
	addr string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

func newWire(t testing.TB, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{addr: l.Addr().String(), conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); w.set(true) })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(in, target)
		}
	}()
	return w
}

func (w *wire) carry(in net.Conn, target string) {
	out, err := net.Dial("tcp", target)
	if err != nil || !w.keep(in, out) {
		in.Close()
		if out != nil {
			out.Close()
		}
		return
	}
	go func() { io.Copy(out, in); out.Close() }() //nolint:errcheck // ends with its connections
	io.Copy(in, out)                              //nolint:errcheck // as above
	in.Close()
	w.mu.Lock()
	delete(w.conns, in)
	delete(w.conns, out)
	w.mu.Unlock()
}

func (w *wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return false
	}
	for _, c := range conns {
		w.conns[c] = true
	}
	return true
}

// set takes the wire down or up.
func (w *wire) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	if down {
		for c := range w.conns {
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetLinger(0) //nolint:errcheck // a reset is what a cut looks like; a plain close will do
			}
			c.Close()
		}
		w.conns = map[net.Conn]bool{}
	}
}

// until waits for something that comes by itself.
func until(t testing.TB, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func seed(t testing.TB, fallback uint64) uint64 {
	t.Helper()
	if s := os.Getenv("SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		must(t, err)
		return n
	}
	return fallback
}
