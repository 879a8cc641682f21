package scenario_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ledger follows every body that any user ever saved by a token in it. A token may vanish from the
// mailbox only when somebody who had seen it saved over it, or when the one who saved it deleted it
// himself: within the idle window that never reaches the server, as with any file that is short-lived.
type ledger struct {
	next     int
	log      []string          // what everybody did, in order
	saved    map[string]string // token -> where it was saved
	replaced map[string]bool
}

func (l *ledger) token(where string) string {
	l.next++
	tok := fmt.Sprintf("token-%06d-end", l.next)
	l.saved[tok] = where
	return tok
}

// tokenIn returns the token that a message carries.
func tokenIn(data []byte) string {
	if i := strings.Index(string(data), "token-"); i >= 0 {
		return string(data[i:min(i+len("token-000000"), len(data))])
	}
	return ""
}

// overwrite marks what is in data as known to the user who now writes over it.
func (l *ledger) overwrite(data string) {
	for tok := range l.saved {
		if strings.Contains(data, tok) {
			l.replaced[tok] = true
		}
	}
}

// user acts at one mount at random.
type user struct {
	*client
	rng    *rand.Rand
	ledger *ledger
	count  map[string]int
}

func (u *user) note(format string, args ...any) {
	line := strings.ReplaceAll(fmt.Sprintf(format, args...), u.mount+"/", "")
	u.ledger.log = append(u.ledger.log, time.Now().Format("05.000 ")+u.name+": "+line)
}

// tolerable are the errors that a user meets when the other side was faster, and, since a body
// that was never downloaded is not there while the wire is cut, those of a network that is away.
func tolerable(err error) bool {
	for _, e := range []error{fs.ErrNotExist, fs.ErrExist, syscall.EOPNOTSUPP, syscall.ENOTEMPTY, syscall.ESTALE, syscall.EPERM, syscall.EXDEV, syscall.ENOTDIR,
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ETIMEDOUT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (u *user) try(what string, err error) bool {
	u.note("%s: %v", what, err)
	if err == nil {
		u.count[strings.Fields(what)[0]]++
		return true
	}
	if !tolerable(err) {
		u.t.Errorf("%s: %s: %v", u.name, what, err)
	}
	return false
}

// folders lists the directories that the story plays in.
func (u *user) folders() []string {
	base := filepath.Join(u.mount, "Story")
	var out []string
	filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error { //nolint:errcheck // what vanishes meanwhile is left out
		if err != nil {
			return nil
		}
		if d.IsDir() {
			out = append(out, p)
		}
		return nil
	})
	return out
}

func (u *user) pickFolder() string {
	all := u.folders()
	if len(all) == 0 {
		return filepath.Join(u.mount, "Story")
	}
	return all[u.rng.IntN(len(all))]
}

// pickFile returns a message below Story; half of the time one of the shared ones.
func (u *user) pickFile(sharedOnly bool) string {
	var all, shared []string
	for _, dir := range u.folders() {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".eml") {
				path := filepath.Join(dir, e.Name())
				all = append(all, path)
				if strings.Contains(e.Name(), "shared") {
					shared = append(shared, path)
				}
			}
		}
	}
	if sharedOnly && len(shared) > 0 {
		u.count["shared"]++
		return shared[u.rng.IntN(len(shared))]
	}
	if len(all) == 0 {
		return ""
	}
	return all[u.rng.IntN(len(all))]
}

func letter(subject, body string) string {
	return "From: Alice Example <alice@example.test>\nTo: Anna Berg <anna.berg@example.test>\nSubject: " + subject +
		"\nDate: Fri, 20 Nov 2026 10:00:00 +0000\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@example.test>\n" +
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + body + "\n"
}

// act does one thing. sharedOnly asks for an item that both users touch.
func (u *user) act(sharedOnly bool) {
	switch k := u.rng.IntN(100); {
	case sharedOnly && k < 45, k < 25:
		u.edit(u.pickFile(sharedOnly))
	case k < 45:
		u.create()
	case k < 60:
		if f := u.pickFile(sharedOnly); f != "" {
			to := filepath.Join(u.pickFolder(), filepath.Base(f))
			u.try(fmt.Sprintf("move %s to %s", f, to), os.Rename(f, to))
		}
	case k < 70:
		u.remove(u.pickFile(false))
	case k < 78:
		dir := filepath.Join(u.pickFolder(), fmt.Sprintf("dir %s %d", u.name, u.rng.IntN(30)))
		if strings.Count(dir, "/")-strings.Count(u.mount, "/") < 6 {
			u.try("mkdir "+dir, os.Mkdir(dir, 0o700))
		}
	case k < 84:
		if d := u.pickFolder(); filepath.Base(d) != "Story" {
			to := filepath.Join(filepath.Dir(d), fmt.Sprintf("renamed %s %d", u.name, u.rng.IntN(30)))
			if _, err := os.Stat(to); err != nil { // a rename over a folder is not part of the story
				u.try(fmt.Sprintf("rename %s to %s", d, to), os.Rename(d, to))
			}
		}
	case k < 88:
		if f := u.pickFile(sharedOnly); f != "" {
			u.try("flag "+f, setxattr(f, "user.mailfs.flag", []string{"none", "flagged", "complete"}[u.rng.IntN(3)]))
		}
	default:
		if f := u.pickFile(sharedOnly); f != "" {
			u.try("read-state "+f, setxattr(f, "user.mailfs.read", fmt.Sprint(u.rng.IntN(2))))
		}
	}
}

func (u *user) create() {
	path := filepath.Join(u.pickFolder(), fmt.Sprintf("%s %d.eml", u.name, u.ledger.next))
	tok := u.ledger.token(path)
	if !u.try("create "+path+" "+tok, os.WriteFile(path, []byte(letter(fmt.Sprintf("created %s %d", u.name, u.ledger.next), tok)), 0o600)) {
		delete(u.ledger.saved, tok)
	}
}

// edit reads a message and saves it with another body, by rename as editors do or in place.
func (u *user) edit(path string) {
	if path == "" {
		return
	}
	old, err := os.ReadFile(path)
	if !u.try("read "+path+" "+tokenIn(old), err) {
		return
	}
	head, _, ok := strings.Cut(string(old), "\n\n")
	if !ok {
		return
	}
	tok := u.ledger.token(path)
	data := []byte(head + "\n\n" + tok + "\n")
	if u.rng.IntN(2) == 0 {
		err = os.WriteFile(path, data, 0o600)
	} else {
		tmp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".tmp-%d", u.rng.IntN(1<<30)))
		if err = os.WriteFile(tmp, data, 0o600); err == nil {
			err = os.Rename(tmp, path)
		}
	}
	if u.try("edit "+path+" "+tok, err) {
		u.ledger.overwrite(string(old))
	} else {
		delete(u.ledger.saved, tok)
	}
}

func (u *user) remove(path string) {
	if path == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil || !u.try("delete "+path+" "+tokenIn(data), os.Remove(path)) {
		return
	}
	for tok, where := range u.ledger.saved {
		if strings.HasPrefix(where, u.mount+"/") && strings.Contains(string(data), tok) {
			u.ledger.replaced[tok] = true
		}
	}
}

// TestTwoMounts lets two users with replicas of their own work on one mailbox, half of the
// time offline, and then compares everything.
func TestTwoMounts(t *testing.T) {
	const operations, sharedOps = 1000, 260
	s := seed(t, 20261122)
	t.Logf("seed %d", s)
	w := newAnyWorld(t, 40)
	for i := range 25 {
		w.deliver([]string{"Story"}, []byte(letter(fmt.Sprintf("shared %d", i), "at first")))
	}
	w.deliver([]string{"Story", "Deep", "Deeper"}, []byte(letter("shared deep", "at first")))
	w.delivered()
	book := &ledger{saved: map[string]string{}, replaced: map[string]bool{}}
	users := []*user{}
	for i, name := range []string{"ann", "ben"} {
		c := w.client(name)
		c.start()
		users = append(users, &user{client: c, rng: rand.New(rand.NewPCG(s, uint64(i))), ledger: book, count: map[string]int{}})
	}
	for _, u := range users {
		until(t, 30*time.Second, "the first messages", func() bool { return u.pickFile(true) != "" })
		u.count = map[string]int{}
	}
	story(t, s, users, operations, sharedOps)
	settle(t, users)
	if t.Failed() {
		dumpLogs(t, users)
		return
	}
	compare(t, w, users, book)
	if t.Failed() {
		dumpLogs(t, users)
	}
}

func story(t *testing.T, s uint64, users []*user, operations, sharedOps int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(s, 77))
	offline := 0
	for n := range operations {
		// Blocks of 50 operations, every other one with the wire of one or both users cut.
		if n%50 == 0 {
			for i, u := range users {
				u.wire.set((n/50)%2 == 1 && ((n/100)%3 != i))
			}
		}
		if (n/50)%2 == 1 {
			offline++
		}
		users[rng.IntN(len(users))].act(rng.IntN(operations) < sharedOps*3/2)
	}
	for _, u := range users {
		u.wire.set(false)
		t.Logf("%s: %v", u.name, u.count)
	}
	if shared := users[0].count["shared"] + users[1].count["shared"]; shared < 200 || offline < operations/2-50 {
		t.Errorf("%d operations on shared items, %d while a wire was cut: too few for this story", shared, offline)
	}
}

// settle brings both sides to rest: everything up, then everything down.
func settle(t *testing.T, users []*user) {
	t.Helper()
	for range 2 {
		for _, u := range users {
			u.flush()
		}
	}
	for _, u := range users {
		if st := u.status(); st.Queued != 0 || st.Refused != 0 {
			t.Errorf("%s: %d changes queued, %d refused", u.name, st.Queued, st.Refused)
		}
		// A mount that starts anew makes a full pass before it is asked anything.
		u.stop()
		u.mailfs(append([]string{"sync"}, u.accountFlags()...)...)
		u.start()
	}
}

// dumpLogs prints what happened, above all to the files that lost something.
func dumpLogs(t *testing.T, users []*user) {
	t.Helper()
	t.Logf("what everybody did:\n%s", strings.Join(users[0].ledger.log, "\n"))
}

func compare(t *testing.T, w *world, users []*user, book *ledger) {
	t.Helper()
	a, b := users[0].tree(), users[1].tree()
	if d := diffTrees(a, b); len(d) > 0 {
		t.Errorf("the mounts differ:\n%s", strings.Join(d, "\n"))
	}
	server := w.serverTree()
	for i, mount := range []map[string]entry{a, b} {
		if d := diffServer(mount, server); len(d) > 0 {
			t.Errorf("%s and the server differ:\n%s", users[i].name, strings.Join(d, "\n"))
		}
	}
	bodies, messages := w.serverBodies()
	lost := 0
	for tok, where := range book.saved {
		if !strings.Contains(bodies, tok) && !book.replaced[tok] {
			lost++
			t.Errorf("LOST: %s, saved to %s", tok, where)
		}
	}
	t.Logf("%d bodies saved, %d replaced by somebody who had seen them, %d messages at the end", len(book.saved), len(book.replaced), messages)
}
