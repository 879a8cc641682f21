package sim

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mime"
)

const (
	address  = "anna@example.test"
	password = "secret"
	story    = "Story"
	window   = 3 * time.Second // idle window of every client
)

// Result is what came of a history.
type Result struct {
	Problems []string // what is wrong; empty if all is well
	Log      []string // what happened, in order
	Requests int
}

// Failed reports whether anything is wrong.
func (r *Result) Failed() bool { return len(r.Problems) > 0 }

// world is one history being played.
type world struct {
	clock    *clock
	srv      *memserver.Server
	box      *memserver.Mailbox
	clients  []*client
	ledger   *ledger
	step     int               // being played
	touched  []act             // what anybody did to which letter
	became   map[string]string // letters that took the place of others, by those
	problems []string
	requests int
	backup   *memserver.Snapshot
	restored bool   // somebody went back in time
	dir      string // of replicas on disk, "" for replicas in memory
	mounts   string // directory of mount points, "" for clients without a kernel

	logMu sync.Mutex // mounts have goroutines of their own
	log   []string
}

// act is one act on a letter.
type act struct {
	step int
	by   string
	doc  string
	kind Kind
}

// guid makes a GUID that depends on nothing but its number.
func guid(n int) mapi.GUID {
	var g mapi.GUID
	for i := range g {
		g[i] = byte(n*37 + i*11 + 1)
	}
	g[0] ^= byte(n >> 8)
	return g
}

func newWorld(h *History, dir string) (*world, error) {
	w := &world{clock: newClock(), ledger: newLedger(), became: map[string]string{}, dir: dir, mounts: h.Mounts}
	w.srv = memserver.New(memserver.Config{Clock: w.clock.Now, SessionLifetime: 24 * time.Hour, ForgetfulMoves: h.Forgetful,
		ImportsOnTop: h.OnTop, ResolveMessagesWhole: h.Whole})
	box, err := w.srv.AddMailbox(memserver.MailboxConfig{Address: address, Password: password, GUID: guid(1), Replica: guid(2)})
	if err != nil {
		return nil, err
	}
	w.box = box
	if h.NoConflicts {
		if err := box.DeleteFolder(box.Folder(memserver.FolderConflicts), true); err != nil {
			return nil, err
		}
	}
	top := box.CreateFolder(story)
	for i := range 6 {
		if err := w.deliver(top, fmt.Sprintf("doc-%04d", i), fmt.Sprintf("tok-0-%c", 'a'+i), "server"); err != nil {
			return nil, err
		}
	}
	box.CreateFolder(story, "Deep", "Deeper")
	for i := range h.Clients {
		c, err := w.newClient(i, h.Headers == i)
		if err != nil {
			return nil, err
		}
		w.clients = append(w.clients, c)
		if err := c.pass(nil); err != nil {
			return nil, fmt.Errorf("first pass: %w", err)
		}
		c.direct.Deliver()
	}
	return w, nil
}

func (w *world) close() {
	for _, c := range w.clients {
		c.close()
	}
	w.srv.Close()
}

func (w *world) note(format string, args ...any) {
	line := w.clock.Now().Format("15:04:05") + " " + fmt.Sprintf(format, args...)
	w.logMu.Lock()
	defer w.logMu.Unlock()
	w.log = append(w.log, line)
}

func (w *world) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
	w.note("PROBLEM: "+format, args...)
}

// letter is a message as a user writes it.
func letter(doc, body string) string {
	return "From: Alice Example <alice@example.test>\nTo: Anna Berg <anna@example.test>\nSubject: " + doc +
		"\nDate: Fri, 20 Nov 2026 08:00:00 +0000\nMessage-ID: <" + doc + "@example.test>\n" +
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + body + "\n"
}

func docOf(text string) string {
	if i := strings.Index(text, "doc-"); i >= 0 {
		return text[i:min(i+8, len(text))]
	}
	return ""
}

// deliver puts a new letter into a folder.
func (w *world) deliver(folder mapi.FID, doc, token, by string) error {
	m, err := mime.Parse(strings.NewReader(letter(doc, token)), mime.Options{})
	var odd *mime.UnsupportedError
	if err != nil && !errors.As(err, &odd) {
		return err
	}
	w.ledger.begin(w.step, by, token, token, "")
	if _, err := w.box.Deliver(folder, m); err != nil {
		return err
	}
	w.ledger.saved(token, token, "")
	return nil
}

// touch notes an act on a letter.
func (w *world) touch(by, doc string, kind Kind) {
	w.touched = append(w.touched, act{w.step, by, doc, kind})
}

// replaces notes that a letter was put in the place of another one: it is the next version of that message from then on.
func (w *world) replaces(doc, old string) {
	if a, b := w.message(doc), w.message(old); a != b {
		w.became[b] = a
	}
}

// message returns what stands for all letters that have been versions of one message.
func (w *world) message(doc string) string {
	for w.became[doc] != "" {
		doc = w.became[doc]
	}
	return doc
}

// Run plays a history. dir is where replicas are kept, "" for memory. The error is one of the simulation itself.
func Run(h *History, dir string) (*Result, error) {
	w, err := newWorld(h, dir)
	if err != nil {
		return nil, err
	}
	defer w.close()
	for _, s := range h.Steps {
		w.play(s)
	}
	w.settle()
	w.check()
	return &Result{Problems: w.problems, Log: w.log, Requests: w.requests}, nil
}

// play carries out one step.
func (w *world) play(s *Step) {
	w.step = s.No
	w.note("-- %v", s)
	if s.Kind >= OtherDeliver {
		w.other(s)
	} else {
		w.clients[s.Who%len(w.clients)].play(s)
	}
	w.clock.ring()
	for i, c := range w.clients {
		if s.C>>(2*i)&3 != 0 { // else the kernel hears of it later
			c.direct.Deliver()
		}
	}
}

// mustNot reports an error that no history explains.
func (w *world) mustNot(what string, err error) {
	if err != nil {
		w.problem("%s: %v", what, err)
	}
}
