package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

// fakeDesktop takes notifications and writes each to a file: the summary and the body.
type fakeDesktop struct {
	mu   sync.Mutex
	file string
	n    uint32
}

// Notify is org.freedesktop.Notifications.Notify.
func (d *fakeDesktop) Notify(app string, _ uint32, _, summary, body string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	f, err := os.OpenFile(d.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%s: %s\n%s\n", app, summary, body); err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	return d.n, nil
}

// cmdDesktop starts a session bus with a fake desktop, which writes what it is told to a file: desktop FILE.
func cmdDesktop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: desktop FILE")
	}
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:path="+filepath.Join(ts.Getenv("XDG_RUNTIME_DIR"), "test-bus"))
	out, err := bus.StdoutPipe()
	ts.Check(err)
	ts.Check(bus.Start())
	ts.Defer(func() {
		bus.Process.Kill() //nolint:errcheck // it is over anyway
		bus.Wait()         //nolint:errcheck // killed
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	address = strings.TrimSpace(address)
	conn, err := dbus.Connect(address)
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	file := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(file, nil, 0o600))
	ts.Check(conn.Export(&fakeDesktop{file: file}, "/org/freedesktop/Notifications", notifications))
	reply, err := conn.RequestName(notifications, dbus.NameFlagDoNotQueue)
	ts.Check(err)
	if reply != dbus.RequestNameReplyPrimaryOwner {
		ts.Fatalf("the name of the desktop is taken: %v", reply)
	}
	ts.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
}

// Names come from mail, and bodies of notifications are markup.
func TestConflictBody(t *testing.T) {
	got := conflictBody([]string{"a <b>.eml", "b", "c", "d", "e"})
	if !strings.HasPrefix(got, "a &lt;b&gt;.eml\nb\nc\nand 2 more\n") {
		t.Errorf("%q", got)
	}
	if s := conflictSummary(2); !strings.HasPrefix(s, "2 messages") {
		t.Error(s)
	}
}
