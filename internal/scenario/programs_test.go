//go:build programs

package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailfs/internal/fsx"
	"mailfs/internal/memserver"
	"mailfs/mapi"
)

// Programs as people have them, at a mount of the real thing. `make test-programs` installs them and runs these tests; a
// program that is missing fails its test.

// programLimit is what one program may take on a loaded machine.
const programLimit = 3 * time.Minute

// wayToSave is how a program saves a message. The script is run by sh in the message's folder, on the mount and
// in a plain directory, where it must leave the same files. $F is the message's name, $NEW a file with the edited text,
// $T a directory elsewhere.
type wayToSave struct {
	name, script string
	same         bool // the message ends up as it was
	created      int  // further messages that come of it
	queued       int  // changes, if it is not one per changed or created message
	dated        bool // the program writes the present time into a Date field
	complete     bool // the program holds what it saw before it opened the file against what it reads: the body must be here
}

// note is the message that gets edited; its body has a line that all programs change.
func programNote(name string) string {
	return "From: Anna Berg <anna.berg@example.test>\nTo: Alice <alice@example.test>\nSubject: Das ist für " + name + ", \"wie immer\"\n" +
		"Date: Fri, 20 Nov 2026 08:15:00 +0000\nMessage-ID: <" + name + "@example.test>\nMIME-Version: 1.0\n" +
		"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" +
		"This is the first line.\nGrüße aus Köln, 添付ファイル.\n\n" + strings.Repeat("A line to make it longer.\n", 20) + "The end of " + name + ".\n"
}

// savedMessage is a message that a program has at a mount.
type savedMessage struct {
	wayToSave
	id           mapi.MID
	dir, file    string // of the mount
	key          string // its source key
	before, text string // bytes before, and in the plain directory after
	info         fs.FileInfo
}

// TestProgramsSaveOffline lets each program save a message of its own while the server is away, looks at what waits to
// go up, lets it go up, and looks at the server and at the mount of another machine.
func TestProgramsSaveOffline(t *testing.T) {
	programsSave(t, true, "--idle-window", "1h") // nothing goes up on its own, however slow the machine
}

// TestProgramsSaveOnline does the same while everything goes up as it usually does.
func TestProgramsSaveOnline(t *testing.T) { programsSave(t, false) }

// TestProgramsSaveHeaders does the same where only the headers are here when the program comes.
func TestProgramsSaveHeaders(t *testing.T) { programsSave(t, false, "--keep", "headers") }

func programsSave(t *testing.T, offline bool, flags ...string) {
	w := newWorld(t, 0)
	var saved []*savedMessage
	for _, s := range waysToSave {
		saved = append(saved, &savedMessage{wayToSave: s, id: w.deliverFlagged(s.name)})
	}
	before := w.client("before")
	before.start()
	before.complete(len(saved))
	originals := before.texts()
	before.stop()
	c := w.client("here")
	c.start(flags...)
	until(t, programLimit, "the names of all mail", func() bool { s := c.status(); return s.Counts.Messages == len(saved) && s.Phase == "idle" })
	for _, m := range saved {
		m.dir = filepath.Join(c.mount, "Programs", m.name)
		m.file = oneMessage(t, m.dir)
		m.key = getxattr(filepath.Join(m.dir, m.file), "user.mailfs.source-key")
		m.before = originals[m.key]
	}
	c.wire.set(offline)
	for _, m := range saved {
		t.Run(m.name, func(t *testing.T) { m.save(t, c, offline) })
	}
	c.wire.set(false)
	c.flush()
	there := w.client("there")
	there.start()
	there.complete(len(saved))
	for _, diff := range diffServer(there.tree(), w.serverTree()) {
		t.Error(diff)
	}
	folders, texts := w.folders(), there.texts()
	for _, m := range saved {
		t.Run(m.name+"-sent", func(t *testing.T) { m.sent(t, folders["Programs/"+m.name], texts) })
	}
	if n := len(folders["Deleted Items"]); n != 0 {
		t.Errorf("%d stray messages in Deleted Items", n)
	}
	there.stop()
	c.stop()
}

// texts returns the bytes of all messages by their source keys.
func (c *client) texts() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	for name, text := range fsx.Tree(c.t, c.mount) {
		if key := getxattr(filepath.Join(c.mount, name), "user.mailfs.source-key"); key != "" {
			out[key] = text
		}
	}
	return out
}

// folders returns the server's messages by the path of their folder.
func (w *world) folders() map[string][]memserver.SnapshotMessage {
	out := map[string][]memserver.SnapshotMessage{}
	for _, f := range w.box.Snapshot().Folders {
		path := strings.Join(f.Path, "/")
		for _, m := range f.Messages {
			if !m.Associated {
				out[path] = append(out[path], m)
			}
		}
	}
	return out
}

var dateField = regexp.MustCompile(`(?m)^Date: .*$`)

var categories = mapi.StringName(mapi.PSPublicStrings, "Keywords")

// deliverFlagged puts a message that is read, flagged and has categories into a folder of its own.
func (w *world) deliverFlagged(name string) mapi.MID {
	w.t.Helper()
	id := w.deliver([]string{"Programs", name}, []byte(programNote(name)))
	must(w.t, w.box.MarkRead(id, true))
	must(w.t, w.box.Edit(id, func(m *mapi.Message) {
		m.Properties.Set(mapi.PidTagFlagStatus, int32(2))
		m.Properties.Set(mapi.PidTagFollowupIcon, int32(6))
		m.Properties.SetNamed(categories, mapi.TypeMultiString, []string{"Projekt Köln", "urgent"})
	}))
	return id
}

// complete waits until at least so many messages are here with their bodies, and nothing goes on.
func (c *client) complete(n int) {
	c.t.Helper()
	until(c.t, 2*time.Minute, "the mail to be here", func() bool {
		s := c.status()
		return s.Counts.Messages >= n && s.Counts.Full == s.Counts.Messages && s.Phase == "idle"
	})
}

// oneMessage returns the name of the only visible message of a directory.
func oneMessage(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %q, %v", dir, names, err)
	}
	return filepath.Base(names[0])
}

// save runs the program on the plain directory and on the mount, and compares them.
func (m *savedMessage) save(t *testing.T, c *client, offline bool) {
	work := t.TempDir()
	plain := filepath.Join(work, "plain")
	must(t, os.Mkdir(plain, 0o700))
	must(t, os.WriteFile(filepath.Join(plain, m.file), []byte(m.before), 0o600))
	edited := strings.ReplaceAll(m.before, "first", "second")
	must(t, os.WriteFile(filepath.Join(work, "new"), []byte(edited), 0o600))
	if m.complete {
		_, err := os.ReadFile(filepath.Join(m.dir, m.file))
		must(t, err)
	}
	queued := c.status().Queued
	for _, dir := range []string{plain, m.dir} {
		m.run(t, c, dir, work)
	}
	want := fsx.Tree(t, plain)
	if m.dated {
		data, err := os.ReadFile(filepath.Join(m.dir, m.file))
		must(t, err)
		want[m.file] = dateField.ReplaceAllLiteralString(want[m.file], dateField.FindString(string(data)))
	}
	m.text = want[m.file]
	if (m.text == m.before) != m.same {
		t.Fatalf("in a plain directory it changed the message: %t\n%s", !m.same, m.text)
	}
	fsx.DiffTrees(t, "after the program", fsx.Tree(t, m.dir), want)
	if offline {
		c.mailfs("flush", c.mount)
		fsx.DiffTrees(t, "after the save", fsx.Tree(t, m.dir), want)
		if n := c.status().Queued - queued; n != m.changes() {
			t.Errorf("%d changes are queued, want %d", n, m.changes())
		}
	}
	m.unchanged(t)
	var err error
	m.info, err = os.Stat(filepath.Join(m.dir, m.file))
	must(t, err)
}

// changes returns how many changes a program makes that wait to go up.
func (s wayToSave) changes() int {
	switch {
	case s.queued > 0:
		return s.queued
	case s.same:
		return s.created
	}
	return s.created + 1
}

// unchanged checks that a message is still the one that it was, with its attributes.
func (m *savedMessage) unchanged(t *testing.T) {
	t.Helper()
	path := filepath.Join(m.dir, m.file)
	for _, x := range []struct{ name, want string }{
		{"user.mailfs.source-key", m.key}, {"user.mailfs.flag", "flagged"}, {"user.mailfs.read", "1"},
		{"user.xdg.tags", "Projekt Köln,urgent"},
	} {
		if got := getxattr(path, x.name); got != x.want {
			t.Errorf("%s is %q, want %q", x.name, got, x.want)
		}
	}
}

// sent checks what became of a save once the server has it.
func (m *savedMessage) sent(t *testing.T, server []memserver.SnapshotMessage, there map[string]string) {
	if m.info == nil {
		t.Skip("its program failed, which is told above")
	}
	if len(server) != 1+m.created {
		t.Errorf("the server has %d messages in the folder, want %d", len(server), 1+m.created)
	}
	i := slices.IndexFunc(server, func(s memserver.SnapshotMessage) bool { return s.SourceKey.String() == m.key })
	if i < 0 {
		t.Fatal("the server does not have the message any more")
	}
	s := server[i]
	words, _ := s.Content.Properties.GetNamed(categories).([]string)
	if flag := s.Content.Properties.Int(mapi.PidTagFlagStatus); flag != 2 || !s.Read || !slices.Equal(words, []string{"Projekt Köln", "urgent"}) {
		t.Errorf("on the server: flag %d, read %t, categories %q", flag, s.Read, words)
	}
	m.unchanged(t)
	if there[m.key] != m.text {
		t.Errorf("another machine reads\n%s\nwant\n%s", there[m.key], m.text)
	}
	path := filepath.Join(m.dir, m.file)
	data, err := os.ReadFile(path)
	must(t, err)
	if string(data) != m.text {
		t.Errorf("the file holds other bytes now:\n%s", data)
	}
	info, err := os.Stat(path)
	must(t, err)
	if !info.ModTime().Equal(m.info.ModTime()) || !os.SameFile(info, m.info) || info.Size() != m.info.Size() {
		t.Errorf("the server's answer made a program believe that the file changed: %v %d, was %v %d",
			info.ModTime(), info.Size(), m.info.ModTime(), m.info.Size())
	}
}

// run runs a script.
func (m *savedMessage) run(t *testing.T, c *client, dir, work string) {
	t.Helper()
	tmp := filepath.Join(work, "elsewhere")
	must(t, errors.Join(os.RemoveAll(tmp), os.Mkdir(tmp, 0o700)))
	out, err := c.program(dir, []string{"F=" + m.file, "NEW=" + filepath.Join(work, "new"), "T=" + tmp, "HOME=" + work}, "/bin/sh", "-ec", m.script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", dir, err, out)
	}
}

// program runs a program to its end in a plain environment. One that hangs is killed; if that does not help, the mount
// is ended under it.
func (c *client) program(dir string, env []string, name string, args ...string) (string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), programLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TERM=vt100", "TZ=UTC", "EMAIL=alice@example.test", "NO_AT_BRIDGE=1"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		time.AfterFunc(10*time.Second, c.cut)
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	cmd.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("%s did not end: %w", name, err)
	}
	return out.String(), err
}
