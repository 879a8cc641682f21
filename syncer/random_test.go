package syncer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// player is a user who does something at random to a replica.
type player struct {
	*client
	name   string
	rng    *rand.Rand
	ledger *ledger
}

// ledger follows what was written: a token may vanish only when somebody who saw it
// wrote over it, or when its own writer deleted it.
type ledger struct {
	next  int
	owner map[string]string // token -> who wrote it
	fine  map[string]bool   // tokens that may be gone
	log   []string
}

func (l *ledger) token(who string) string {
	l.next++
	tok := fmt.Sprintf("token-%05d-end", l.next)
	l.owner[tok] = who
	return tok
}

// spent marks the tokens in a text that owner, or anybody for "", may lose.
func (l *ledger) spent(text, owner string) {
	for tok, who := range l.owner {
		if strings.Contains(text, tok) && (owner == "" || owner == who) {
			l.fine[tok] = true
		}
	}
}

// nodes returns the folders and the complete messages below Story in a fixed order.
func (p *player) nodes() (folders, messages []*replica.Node) {
	p.t.Helper()
	story := p.find("Story")
	if story == nil {
		return nil, nil
	}
	p.view(func(v *replica.View) error {
		var walk func(dir *replica.Node) error
		walk = func(dir *replica.Node) error {
			folders = append(folders, dir)
			for n, err := range v.Children(dir.Num, "") {
				if err != nil {
					return err
				}
				switch {
				case n.Folder != nil:
					if err := walk(n); err != nil {
						return err
					}
				case n.Message != nil && n.Message.State == replica.StateFull:
					messages = append(messages, n)
				}
			}
			return nil
		}
		return walk(story)
	})
	return folders, messages
}

func (p *player) body(n *replica.Node) string {
	p.t.Helper()
	var text string
	p.view(func(v *replica.View) error {
		m, err := v.Message(n.Num)
		if err == nil {
			text = m.Properties.String(mapi.PidTagBody)
		}
		return err
	})
	return text
}

func (p *player) note(format string, args ...any) {
	p.ledger.log = append(p.ledger.log, p.name+": "+fmt.Sprintf(format, args...))
}

// act does one thing.
func (p *player) act() {
	p.t.Helper()
	folders, messages := p.nodes()
	if len(folders) == 0 {
		return
	}
	dir := folders[p.rng.IntN(len(folders))]
	k := p.rng.IntN(100)
	if k < 20 || len(messages) == 0 {
		tok := p.ledger.token(p.name)
		n := p.create(dir, tok+".eml", mail("made "+tok, tok))
		p.note("create %d in %d: %s", n.Num, dir.Num, tok)
		return
	}
	n := messages[p.rng.IntN(len(messages))]
	switch {
	case k < 50:
		p.ledger.spent(p.body(n), "")
		tok := p.ledger.token(p.name)
		p.note("edit %d: %s", n.Num, tok)
		p.edit(n.Num, mail(n.Message.Subject, tok))
	case k < 65:
		if n.Parent != dir.Num {
			p.note("move %d from %d to %d", n.Num, n.Parent, dir.Num)
			p.move(n.Num, dir)
		}
	case k < 74:
		hard := p.rng.IntN(4) == 0
		if hard {
			p.ledger.spent(p.body(n), "") // seen, and removed for good
		} else {
			p.ledger.spent(p.body(n), p.name)
		}
		p.note("delete %d, hard %v", n.Num, hard)
		p.unlink(n.Num, hard)
	case k < 80:
		name := fmt.Sprintf("dir %s %d", p.name, p.rng.IntN(20))
		if p.lookup(dir, name) == nil {
			d := p.mkdir(dir, name)
			p.note("mkdir %d in %d: %s", d.Num, dir.Num, name)
		}
	case k < 86:
		p.renameSome(dir, folders[p.rng.IntN(len(folders))])
	case k < 89:
		if dir != folders[0] && p.empty(dir) {
			p.note("rmdir %d", dir.Num)
			p.rmdir(dir.Num)
		}
	case k < 94:
		p.note("flag %d", n.Num)
		p.flag(n.Num, int32(p.rng.IntN(3)), "")
	default:
		read := p.rng.IntN(2) == 0
		p.note("read %d: %v", n.Num, read)
		p.markRead(n.Num, read)
	}
}

func (p *player) renameSome(dir, to *replica.Node) {
	name := fmt.Sprintf("renamed %s %d", p.name, p.rng.IntN(20))
	if p.rng.IntN(2) == 0 {
		var err error
		p.view(func(v *replica.View) error { to, err = v.Node(dir.Parent); return err })
	}
	if dir.Name == "Story" || p.below(to, dir) || p.lookup(to, name) != nil {
		return
	}
	p.note("rename folder %d to %s in %d", dir.Num, name, to.Num)
	p.rename(dir.Num, to, name)
}

func (p *player) below(n, dir *replica.Node) (yes bool) {
	p.view(func(v *replica.View) error {
		for num := n.Num; num != replica.RootNum && num != 0; {
			if num == dir.Num {
				yes = true
			}
			x, err := v.Node(num)
			if err != nil {
				return err
			}
			num = x.Parent
		}
		return nil
	})
	return yes
}

func (p *player) lookup(dir *replica.Node, name string) (n *replica.Node) {
	p.view(func(v *replica.View) error {
		n, _ = v.Lookup(dir.Num, name)
		return nil
	})
	return n
}

func (p *player) empty(dir *replica.Node) (yes bool) {
	p.view(func(v *replica.View) error {
		all, _, err := v.CountChildren(dir.Num)
		yes = all == 0
		return err
	})
	return yes
}

// TestRandomPair lets two users change a mailbox at random, with connections that break
// before or after the server acted, and compares everything in the end.
func TestRandomPair(t *testing.T) {
	from, n := uint64(1), uint64(3)
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if from, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
		n = 1
	}
	if s := os.Getenv("SEEDS"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for seed := from; seed < from+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomPair(t, seed) })
	}
}

func randomPair(t *testing.T, seed uint64) {
	w := newMemWorld(t)
	story := w.box.CreateFolder("Story")
	for i := range 12 {
		if _, err := w.box.Deliver(story, parse(t, mail(fmt.Sprintf("shared %d", i), "at first"))); err != nil {
			t.Fatal(err)
		}
	}
	w.box.CreateFolder("Story", "Deep", "Deeper")
	l := &ledger{owner: map[string]string{}, fine: map[string]bool{}}
	var users []*player
	for i, name := range []string{"a", "b"} {
		c := w.client(t, quick)
		c.pass()
		users = append(users, &player{client: c, name: name, rng: rand.New(rand.NewPCG(seed, uint64(i))), ledger: l})
	}
	rng := rand.New(rand.NewPCG(seed, 99))
	faults := rand.New(rand.NewPCG(seed, 100))
	for range 220 {
		u := users[rng.IntN(2)]
		u.act()
		if rng.IntN(5) > 0 {
			continue
		}
		u = users[rng.IntN(2)]
		if rng.IntN(3) == 0 {
			w.srv.SetScript(func(memserver.Request) memserver.Fault {
				switch faults.IntN(40) {
				case 0:
					return memserver.Fault{CutBefore: true}
				case 1:
					return memserver.Fault{CutAfter: true}
				}
				return memserver.Fault{}
			})
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := u.s.Pass(ctx)
		cancel()
		u.note("pass: %v", err)
		w.srv.SetScript(nil)
	}
	for range 2 {
		for _, u := range users {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			err := u.s.Flush(ctx)
			cancel()
			if err != nil {
				t.Errorf("%s: flush: %v", u.name, err)
			}
			u.note("flush: %v", err)
			u.pass()
		}
	}
	users[0].pass()
	compare(t, w, users, l)
	if t.Failed() {
		t.Logf("what happened:\n%s", strings.Join(l.log, "\n"))
	}
}

func compare(t *testing.T, w *world, users []*player, l *ledger) {
	t.Helper()
	fresh := w.client(t)
	fresh.pass()
	want := fresh.contents()
	for _, u := range users {
		if d := cmp.Diff(want, u.contents()); d != "" {
			t.Errorf("%s differs from the server:\n%s", u.name, d)
		}
		if st := u.s.Status(); st.Queued != 0 || st.Refused != 0 {
			t.Errorf("%s: %d changes queued, %d refused", u.name, st.Queued, st.Refused)
		}
	}
	var all strings.Builder
	for _, text := range want {
		all.WriteString(text)
	}
	for tok, who := range l.owner {
		if !l.fine[tok] && !strings.Contains(all.String(), tok) {
			t.Errorf("LOST: %s of %s", tok, who)
		}
	}
}
