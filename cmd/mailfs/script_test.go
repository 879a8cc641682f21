package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mailfs/internal/memserver"
	"mailfs/internal/sample"
	"mailfs/mapi"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mailfs": main})
}

// TestScripts runs the stories of testdata: command lines with their exit statuses and output.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			return setupScript(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": cmdExits, "until": cmdUntil, "desktop": cmdDesktop, "clash": cmdClash},
		Condition: func(cond string) (bool, error) {
			if cond == "fuse" {
				return canMount(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// canMount reports whether this machine lets this user mount.
func canMount() bool {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	_, err = exec.LookPath("fusermount3")
	return os.Geteuid() == 0 || err == nil
}

// cmdExits runs a program and wants exactly this exit status: exits STATUS PROGRAM ARGS...
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// clashBox is the key of the mailbox of cmdClash among the values of a script.
type clashBox struct{}

// cmdClash makes another client change a message of the first mailbox without having seen it, so that the server settles the
// conflict: clash SUBJECT BODY
func cmdClash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: clash SUBJECT BODY")
	}
	box := ts.Value(clashBox{}).(*memserver.Mailbox)
	for _, f := range box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.Content.Properties.String(mapi.PidTagSubject) == args[0] {
				ts.Check(box.Clash(m.ID, m.Modified+1, func(c *mapi.Message) { c.Properties.Set(mapi.PidTagBody, args[1]+"\r\n") }))
				return
			}
		}
	}
	ts.Fatalf("there is no message %q", args[0])
}

// cmdUntil runs a program again and again until it succeeds or, with !, fails: until PROGRAM ARGS...
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: until PROGRAM ARGS...")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err := ts.Exec(args[0], args[1:]...); (err != nil) == neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("waited in vain")
		}
	}
}

// takeAway ends the mounts that a failed script has left below dir. Aborting the connection
// always works, also when somebody has a file open.
func takeAway(dir string) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasPrefix(f[4], dir) {
			continue
		}
		if _, minor, ok := strings.Cut(f[2], ":"); ok {
			os.WriteFile("/sys/fs/fuse/connections/"+minor+"/abort", []byte("1"), 0) //nolint:errcheck // best effort
		}
		exec.Command("umount", "-l", f[4]).Run() //nolint:errcheck // best effort
	}
}

// hush relays connections to a server for as long as a file is not there. While it is, the server seems to accept
// everything and to answer nothing.
func hush(target, file string) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	relay := func(to, from net.Conn) {
		defer to.Close()
		defer from.Close()
		for buf := make([]byte, 64<<10); ; {
			n, err := from.Read(buf)
			for {
				if _, gone := os.Stat(file); gone != nil {
					break
				}
				select {
				case <-ended:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
			if _, e := to.Write(buf[:n]); e != nil || err != nil {
				return
			}
		}
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			go relay(far, near)
			go relay(near, far)
		}
	}()
	return "http://" + l.Addr().String(), func() { close(ended); l.Close() }, nil
}

// setupScript gives a script a served mailbox ($SERVER), also by a way on which nothing comes through while the file
// silence is there ($HUSHED), a server that speaks something else
// ($OTHER), an address where nobody listens ($NOBODY), and directories of its own.
func setupScript(env *testscript.Env) error {
	srv := memserver.New(memserver.Config{})
	for _, user := range []string{"alice@example.test", "bob@example.test"} {
		box, err := srv.AddMailbox(memserver.MailboxConfig{Address: user, Password: "secret"})
		if err != nil {
			return err
		}
		if env.Values[clashBox{}] == nil {
			env.Values[clashBox{}] = box
		}
		for _, m := range sample.Mailbox(5, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))[:12] {
			if _, err := deliver(box, folderFor(box, m.Folder), m.Data, m.Read, m.Flag); err != nil {
				return err
			}
		}
	}
	mail := httptest.NewServer(srv.Handler())
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "<html>It works!</html>")
	}))
	env.Defer(func() { takeAway(env.WorkDir); srv.Close(); mail.Close(); other.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.Close()
	hushed, stop, err := hush(strings.TrimPrefix(mail.URL, "http://"), filepath.Join(env.WorkDir, "silence"))
	if err != nil {
		return err
	}
	env.Defer(stop)
	env.Setenv("HUSHED", hushed)
	env.Setenv("SERVER", mail.URL)
	env.Setenv("OTHER", other.URL)
	env.Setenv("NOBODY", "http://"+l.Addr().String())
	for name, dir := range map[string]string{"HOME": "home", "XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"} {
		path := filepath.Join(env.WorkDir, dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		env.Setenv(name, path)
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "pw"), []byte("secret\n"), 0o600)
}
