package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
)

// third is somebody at another client, who acts on the mailbox directly.
type third struct {
	t      *testing.T
	w      *world
	rng    *rand.Rand
	ledger *ledger
}

func (p *third) note(format string, args ...any) {
	p.ledger.log = append(p.ledger.log, time.Now().Format("05.000 ")+"third: "+fmt.Sprintf(format, args...))
}

// things returns the folders and messages below Story.
func (p *third) things() (folders []memserver.SnapshotFolder, messages []memserver.SnapshotMessage) {
	for _, f := range p.w.box.Snapshot().Folders {
		if f.Path[0] == "Story" {
			folders = append(folders, f)
			messages = append(messages, f.Messages...)
		}
	}
	return folders, messages
}

// act does one thing. What vanished between looking and acting is no error.
func (p *third) act() {
	folders, messages := p.things()
	dir := folders[p.rng.IntN(len(folders))]
	k := p.rng.IntN(100)
	if k < 25 || len(messages) == 0 {
		tok := p.ledger.token("third")
		p.note("deliver to %v: %s", dir.Path, tok)
		p.w.deliver(dir.Path, []byte(letter(fmt.Sprintf("delivered %d", p.ledger.next), tok)))
		return
	}
	m := messages[p.rng.IntN(len(messages))]
	body := m.Content.Properties.String(mapi.PidTagBody)
	switch {
	case k < 50:
		tok := p.ledger.token("third")
		seen := ""
		err := p.w.box.Edit(m.ID, func(c *mapi.Message) {
			seen = c.Properties.String(mapi.PidTagBody)
			c.Properties.Set(mapi.PidTagBody, tok+"\r\n")
		})
		p.note("edit %s (%s): %s %v", m.SourceKey, tokenIn([]byte(seen)), tok, err)
		if err != nil {
			delete(p.ledger.saved, tok)
			return
		}
		p.ledger.overwrite(seen)
	case k < 70:
		_, err := p.w.box.Move(m.ID, dir.ID)
		p.note("move %s (%s) to %v: %v", m.SourceKey, tokenIn([]byte(body)), dir.Path, err)
	case k < 80:
		hard := p.rng.IntN(2) == 0
		if p.w.box.Delete(m.ID, hard) == nil {
			p.note("delete %s (%s)", m.SourceKey, tokenIn([]byte(body)))
			p.ledger.overwrite(body)
		}
	case k < 90:
		err := p.w.box.MarkRead(m.ID, p.rng.IntN(2) == 0)
		p.note("mark %s: %v", m.SourceKey, err)
	case k < 95:
		p.w.box.CreateFolder(append(dir.Path[:len(dir.Path):len(dir.Path)], fmt.Sprintf("third %d", p.rng.IntN(9)))...)
	default:
		if len(dir.Path) > 1 {
			err := p.w.box.RenameFolder(dir.ID, fmt.Sprintf("renamed third %d", p.rng.IntN(99)))
			p.note("rename %v: %v", dir.Path, err)
		}
	}
}

// TestThirdActor lets one user work at a mount while somebody else changes the same mailbox
// on the server: mail arrives, and is edited, moved, deleted and read elsewhere.
func TestThirdActor(t *testing.T) {
	s := seed(t, 31)
	t.Logf("seed %d", s)
	w := newWorld(t, 20)
	for i := range 15 {
		w.deliver([]string{"Story"}, []byte(letter(fmt.Sprintf("shared %d", i), "at first")))
	}
	w.deliver([]string{"Story", "Deep", "Deeper"}, []byte(letter("shared deep", "at first")))
	book := &ledger{saved: map[string]string{}, replaced: map[string]bool{}}
	c := w.client("ann")
	c.start()
	u := &user{client: c, rng: rand.New(rand.NewPCG(s, 1)), ledger: book, count: map[string]int{}}
	until(t, 30*time.Second, "the first messages", func() bool { return u.pickFile(true) != "" })
	other := &third{t: t, w: w, rng: rand.New(rand.NewPCG(s, 2)), ledger: book}
	rng := rand.New(rand.NewPCG(s, 3))
	for n := range 400 {
		if n%50 == 0 {
			u.wire.set(n/50%3 == 1)
		}
		if rng.IntN(2) == 0 {
			u.act(rng.IntN(3) == 0)
		} else {
			other.act()
		}
	}
	u.wire.set(false)
	settle(t, []*user{u})
	if !t.Failed() {
		compareWithServer(t, w, u, book)
	}
	if t.Failed() {
		dumpLogs(t, []*user{u})
	}
}

// compareWithServer checks that a mount shows what the server has, all of it and no more.
func compareWithServer(t *testing.T, w *world, u *user, book *ledger) {
	t.Helper()
	shown := u.tree()
	var bodies strings.Builder
	n := 0
	for _, f := range w.box.Snapshot().Folders {
		for _, m := range f.Messages {
			if m.Associated {
				continue
			}
			n++
			body := m.Content.Properties.String(mapi.PidTagBody)
			bodies.WriteString(body)
			e, ok := shown[m.SourceKey.String()]
			path := filepath.Join(f.Path...)
			switch text := strings.Join(e.parts, "\n"); {
			case !ok:
				t.Errorf("%s in %s is not in the mount", m.SourceKey, path)
			case e.path != path:
				t.Errorf("%s is in %q, the server has it in %q", m.SourceKey, e.path, path)
			case e.read != map[bool]string{true: "1", false: "0"}[m.Read]:
				t.Errorf("%s in %s: read is %s here, %v there", m.SourceKey, path, e.read, m.Read)
			case f.Path[0] == "Story" && !strings.Contains(text, strings.TrimSpace(body)):
				t.Errorf("%s in %s: the server has %q, the mount\n%s", m.SourceKey, path, body, text)
			}
			delete(shown, m.SourceKey.String())
		}
	}
	for key, e := range shown {
		if e.parts != nil {
			t.Errorf("the mount's message %s in %s is not on the server", key, e.path)
		}
	}
	for tok, where := range book.saved {
		if !strings.Contains(bodies.String(), tok) && !book.replaced[tok] {
			t.Errorf("LOST: %s, saved to %s", tok, where)
		}
	}
	t.Logf("%d bodies saved, %d replaced by somebody who had seen them, %d messages at the end", len(book.saved), len(book.replaced), n)
}
