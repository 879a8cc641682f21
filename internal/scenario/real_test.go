package scenario_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailfs/internal/realserver"
	"mailfs/mapi"
)

// newAnyWorld is newWorld on the mailbox of a real server, if there is one, emptied. It is for stories in which nobody acts on the server itself.
func newAnyWorld(t *testing.T, messages int) *world {
	t.Helper()
	account, ok := realserver.Named()
	if !ok {
		return newWorld(t, messages)
	}
	needFUSE(t)
	u, err := url.Parse(account.Base)
	must(t, err)
	if u.Scheme != "http" {
		t.Skip("the wire of these stories can be cut, but carries no TLS")
	}
	secret, err := os.ReadFile(account.PasswordFile)
	must(t, err)
	w := &world{t: t, dir: t.TempDir(), binary: buildProgram(t), addr: u.Host, user: account.User}
	t.Cleanup(w.showLogs)
	must(t, os.WriteFile(filepath.Join(w.dir, "password"), secret, 0o600))
	must(t, os.Mkdir(filepath.Join(w.dir, "run"), 0o700))
	w.carrier = w.client("carrier")
	w.carrier.start()
	w.carrier.empty()
	for i := range messages {
		w.deliver([]string{"Inbox"}, []byte(letter(fmt.Sprintf("plain %d", i), "text")))
	}
	return w
}

// keptFolders are folders that servers make and that no entry id names.
var keptFolders = map[string]bool{
	"Quick Contacts": true, "IM Contacts List": true, "GAL Contacts": true, "Conversation Action Settings": true,
}

// empty removes every message and every folder that can be removed.
func (c *client) empty() {
	c.t.Helper()
	c.flush()
	for range 10 {
		found := false
		var folders []string
		must(c.t, filepath.WalkDir(c.mount, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || strings.HasPrefix(d.Name(), ".") || d.Type()&fs.ModeSymlink != 0:
			case d.IsDir():
				folders = append(folders, p)
			default:
				found = true
				must(c.t, os.Remove(p))
			}
			return err
		}))
		for i := len(folders) - 1; i > 0; i-- { // those inside first
			if !keptFolders[filepath.Base(folders[i])] {
				os.Remove(folders[i]) //nolint:errcheck // special ones stay, others for the next round
			}
		}
		c.flush()
		if !found {
			return
		}
	}
	c.t.Fatal("the mailbox does not get empty")
}

// carry is deliver by way of a mount.
func (w *world) carry(path []string, data []byte) {
	w.t.Helper()
	dir := filepath.Join(append([]string{w.carrier.mount}, path...)...)
	must(w.t, os.MkdirAll(dir, 0o700))
	w.carried++
	must(w.t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.eml", w.carried)), data, 0o600))
}

// delivered waits until the server has what was delivered.
func (w *world) delivered() {
	w.t.Helper()
	if w.carrier != nil {
		w.carrier.flush()
	}
}

// witness mounts what a real server holds into a replica that nobody else has used.
func (w *world) witness() *client {
	w.t.Helper()
	w.witnesses++
	c := w.client(fmt.Sprintf("witness%d", w.witnesses))
	c.mailfs(append([]string{"sync"}, c.accountFlags()...)...)
	c.start()
	return c
}

// serverBodies returns all that messages on the server say, in one string, and the number of messages.
func (w *world) serverBodies() (string, int) {
	w.t.Helper()
	var bodies strings.Builder
	messages := 0
	if w.box != nil {
		for _, f := range w.box.Snapshot().Folders {
			for _, m := range f.Messages {
				messages++
				bodies.WriteString(m.Content.Properties.String(mapi.PidTagBody))
			}
		}
		return bodies.String(), messages
	}
	c := w.witness()
	defer c.stop()
	must(w.t, filepath.WalkDir(c.mount, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		data, err := os.ReadFile(p)
		messages++
		bodies.Write(data)
		return err
	}))
	return bodies.String(), messages
}
