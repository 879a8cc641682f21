package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
)

// tour runs the demo's steps like a user at a shell, and checks each on both sides: in the
// mount, and on the server.
type tour struct{ *demoWorld }

func newTour(d *demoWorld) *tour { return &tour{demoWorld: d} }

const tourMessageID = "<tour@example.test>"

const tourMessage = `From: Alice Example <alice@example.test>
To: Anna Berg <anna.berg@example.test>
Subject: Written with cp
Date: Fri, 20 Nov 2026 10:00:00 +0000
Message-ID: <tour@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Let us meet at ten.
`

type step struct {
	title string
	do    func(context.Context) error
}

func (t *tour) run(ctx context.Context) error {
	steps := []step{
		{"browse", t.browse}, {"search", t.search}, {"copy a new message in", t.copyIn}, {"edit it", t.edit}, {"move it", t.move},
		{"mark a message unread", t.markUnread}, {"make a folder", t.mkdir}, {"delete", t.delete}, {"add a contact", t.contact},
		{"somebody else delivers a message", t.others}, {"both sides edit the same message", t.conflict}, {"unmount and mount again", t.remount},
	}
	for i, s := range steps {
		fmt.Fprintf(t.std.out, "\n%2d. %s\n", i+1, s.title)
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, s.title, err)
		}
	}
	fmt.Fprintf(t.std.out, "\nall %d steps worked\n", len(steps))
	return nil
}

// sh runs one shell command in the mount and shows it with its output, cut to a few lines.
func (t *tour) sh(ctx context.Context, command string) (string, error) {
	fmt.Fprintf(t.std.out, "    $ %s\n", command)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	const show = 6
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	for i, l := range lines {
		if i == show && len(lines) > show+1 {
			fmt.Fprintf(t.std.out, "    ... %d more lines\n", len(lines)-show)
			break
		}
		if l != "" {
			fmt.Fprintf(t.std.out, "    %s\n", l)
		}
	}
	if err != nil {
		return string(out), fmt.Errorf("%s: %w", command, err)
	}
	return string(out), nil
}

// flush returns when the server has everything.
func (t *tour) flush(ctx context.Context) error {
	fmt.Fprintf(t.std.out, "    $ mailfs flush --wait\n")
	return t.mailfs(ctx, "flush", "--wait", "--timeout", "60s", t.dir)
}

// until waits for a condition that the mount or the server reaches by itself.
func until(ctx context.Context, what string, cond func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := cond()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// onServer finds messages by Message-ID; the key of the result is the folder's path.
func (t *tour) onServer(id string) map[string]memserver.SnapshotMessage {
	out := map[string]memserver.SnapshotMessage{}
	for _, f := range t.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.Content.Properties.String(mapi.PidTagInternetMessageId) == id {
				out[strings.Join(f.Path, "/")] = m
			}
		}
	}
	return out
}

// bodyOf returns what the server holds as the text of a message.
func bodyOf(m memserver.SnapshotMessage) string { return m.Content.Properties.String(mapi.PidTagBody) }

func expect(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func (t *tour) browse(ctx context.Context) error {
	out, err := t.sh(ctx, "ls")
	if err != nil {
		return err
	}
	if _, err := t.sh(ctx, "ls -l Inbox | tail -n 4"); err != nil {
		return err
	}
	if _, err := t.sh(ctx, "find . -name '*.eml' | wc -l"); err != nil {
		return err
	}
	return expect(strings.Contains(out, "Inbox") && strings.Contains(out, "Archive"), "folders are missing from %q", out)
}

func (t *tour) search(ctx context.Context) error {
	out, err := t.sh(ctx, "grep -rl 'platform 3' . | wc -l")
	if err != nil {
		return err
	}
	return expect(strings.TrimSpace(out) != "0", "nothing was found")
}

func (t *tour) copyIn(ctx context.Context) error {
	src := filepath.Join(t.tmp, "hello.eml")
	if err := os.WriteFile(src, []byte(tourMessage), 0o600); err != nil {
		return err
	}
	if _, err := t.sh(ctx, "cp "+src+" Inbox/"); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	m, ok := t.onServer(tourMessageID)["Inbox"]
	if err := expect(ok && strings.Contains(bodyOf(m), "meet at ten"), "the server does not have the message"); err != nil {
		return err
	}
	back, err := os.ReadFile(filepath.Join(t.dir, "Inbox", "hello.eml"))
	if err != nil {
		return err
	}
	return expect(bytes.Equal(back, []byte(tourMessage)), "the file does not hold the bytes that were written")
}

func (t *tour) edit(ctx context.Context) error {
	if _, err := t.sh(ctx, "sed -i 's/at ten/at noon/' Inbox/hello.eml"); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	all := t.onServer(tourMessageID)
	return expect(len(all) == 1 && strings.Contains(bodyOf(all["Inbox"]), "at noon"), "the server does not have the new text: %d messages, %q", len(all), bodyOf(all["Inbox"]))
}

func (t *tour) move(ctx context.Context) error {
	if _, err := t.sh(ctx, "mv Inbox/hello.eml Archive/2025/"); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	all := t.onServer(tourMessageID)
	_, ok := all["Archive/2025"]
	return expect(ok && len(all) == 1, "on the server the message is in %v", all)
}

func (t *tour) mkdir(ctx context.Context) error {
	if _, err := t.sh(ctx, "mkdir 'Inbox/Reisen & Spaß'"); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	_, ok := t.box.FindFolder("Inbox", "Reisen & Spaß")
	return expect(ok, "the server has no such folder")
}

func (t *tour) delete(ctx context.Context) error {
	if _, err := t.sh(ctx, "rm Archive/2025/hello.eml"); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	all := t.onServer(tourMessageID)
	_, ok := all["Deleted Items"]
	if err := expect(ok && len(all) == 1, "on the server the message is in %v", all); err != nil {
		return err
	}
	err := until(ctx, "the message in Deleted Items", func() (bool, error) {
		found, err := filepath.Glob(filepath.Join(t.dir, "Deleted Items", "hello*"))
		return len(found) == 1, err
	})
	if err != nil {
		return err
	}
	_, err = t.sh(ctx, "ls Deleted*/hello*")
	return err
}

func (t *tour) markUnread(ctx context.Context) error {
	const name, attribute = "Archive/2025/hello.eml", "user.mailfs.read"
	if old, err := getXattr(filepath.Join(t.dir, name), attribute); err != nil || string(old) != "1" {
		return errors.Join(err, expect(err != nil, "%s is %q for a message that was written here", attribute, old))
	}
	fmt.Fprintf(t.std.out, "    $ setfattr -n %s -v 0 %s\n", attribute, name)
	if err := setXattr(filepath.Join(t.dir, name), attribute, []byte("0")); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	return expect(!t.onServer(tourMessageID)["Archive/2025"].Read, "on the server the message is read")
}

const tourCard = `BEGIN:VCARD
VERSION:3.0
FN:Erika Example
N:Example;Erika;;;
EMAIL:erika@example.test
END:VCARD
`

func (t *tour) contact(ctx context.Context) error {
	src := filepath.Join(t.tmp, "erika.vcf")
	if err := os.WriteFile(src, []byte(tourCard), 0o600); err != nil {
		return err
	}
	if _, err := t.sh(ctx, "cp "+src+" Contacts/"); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	for _, f := range t.box.Snapshot().Folders {
		for _, m := range f.Messages {
			p := m.Content.Properties
			if p.String(mapi.PidTagMessageClass) == "IPM.Contact" && p.String(mapi.PidTagDisplayName) == "Erika Example" {
				return expect(f.Path[0] == "Contacts", "on the server the contact is in %v", f.Path)
			}
		}
	}
	return errors.New("the server does not have the contact")
}

func (t *tour) others(ctx context.Context) error {
	data := strings.NewReplacer("tour@", "others@", "Written with cp", "News from somebody else").Replace(tourMessage)
	inbox := t.box.Folder(memserver.FolderInbox)
	start := time.Now()
	if _, err := deliver(t.box, inbox, []byte(data), false, false); err != nil {
		return err
	}
	err := until(ctx, "the message to show up", func() (bool, error) {
		found, err := filepath.Glob(filepath.Join(t.dir, "Inbox", "*News from somebody else*"))
		return len(found) == 1, err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.std.out, "    it showed up in the mount after %d ms\n", time.Since(start).Milliseconds())
	_, err = t.sh(ctx, "ls Inbox | grep News; grep -h 'meet at' Inbox/*News*")
	return err
}

func (t *tour) conflict(ctx context.Context) error {
	before := t.onServer("<others@example.test>")["Inbox"]
	// The local save waits for its idle window; meanwhile somebody else saves, too.
	if _, err := t.sh(ctx, "sed -i 's/meet at ten/meet at EIGHT/' Inbox/*News*"); err != nil {
		return err
	}
	err := t.box.Edit(before.ID, func(m *mapi.Message) {
		m.Properties.Set(mapi.PidTagBody, "Let us meet at NINE.\r\n")
		m.Properties.Set(mapi.PidTagLastModificationTime, mapi.NewFileTime(time.Now()))
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(t.std.out, "    meanwhile somebody else changes it to: Let us meet at NINE.")
	if err := t.flush(ctx); err != nil {
		return err
	}
	var kept []string
	err = until(ctx, "the loser in conflicts/", func() (bool, error) {
		found, err := filepath.Glob(filepath.Join(t.dir, "conflicts", "*.eml"))
		kept = found
		return len(found) == 1, err
	})
	if err != nil {
		return err
	}
	if _, err := t.sh(ctx, "grep -H 'meet at' Inbox/*News* conflicts/*"); err != nil {
		return err
	}
	winner, err := filepath.Glob(filepath.Join(t.dir, "Inbox", "*News*"))
	if err != nil {
		return err
	}
	if err := expect(len(winner) == 1, "%d messages are left in the Inbox", len(winner)); err != nil {
		return err
	}
	var texts string
	for _, name := range append(winner, kept...) {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		texts += string(data)
	}
	return expect(strings.Contains(texts, "EIGHT") && strings.Contains(texts, "NINE"), "one of the two versions is gone")
}

// listing returns every path below the mount.
func (t *tour) listing() ([]string, error) {
	var out []string
	err := filepath.WalkDir(t.dir, func(p string, d os.DirEntry, err error) error {
		if err == nil {
			out = append(out, p)
		}
		return err
	})
	slices.Sort(out)
	return out, err
}

func (t *tour) remount(ctx context.Context) error {
	before, err := t.listing()
	if err != nil {
		return err
	}
	fmt.Fprintf(t.std.out, "    $ mailfs umount\n    ")
	if err := t.mailfs(ctx, "umount", t.dir); err != nil {
		return err
	}
	if left, err := os.ReadDir(t.dir); err != nil || len(left) != 0 {
		return errors.Join(err, expect(len(left) == 0, "something is left in the mount point"))
	}
	fmt.Fprint(t.std.out, "    $ mailfs mount\n    ")
	if err := t.mailfs(ctx, t.mountArgs()...); err != nil {
		return err
	}
	after, err := t.listing()
	if err != nil {
		return err
	}
	fmt.Fprintf(t.std.out, "    %d files and folders before, %d after\n", len(before), len(after))
	return expect(slices.Equal(before, after), "the trees differ")
}
