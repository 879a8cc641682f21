package syncer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/replica"
	"mailfs/syncer"
)

// A user acts twice on one item, the second time at any moment of the upload of the first: before each commit of it.
// What the server has in the end is what the user did last.
func TestActsWhileUploading(t *testing.T) {
	type act = func(c *client, second bool)
	letter := func(c *client) replica.Num { return c.anywhere("*one*") }
	acts := map[string]act{
		"edit": func(c *client, second bool) {
			c.edit(letter(c), mail("one", map[bool]string{false: "the second version", true: "the third version"}[second]))
		},
		"move": func(c *client, second bool) {
			c.move(letter(c), c.at(map[bool]string{false: "Drafts", true: "Notes"}[second]))
		},
		"flag": func(c *client, second bool) { c.flag(letter(c), map[bool]int32{false: 1, true: 2}[second], "") },
		"read": func(c *client, second bool) { c.markRead(letter(c), !second) },
		"rename": func(c *client, second bool) {
			from, to := "Project", "Project A"
			if second {
				from, to = "Project A", "Project B"
			}
			c.rename(c.at(from).Num, c.at(), to)
		},
		"create": func(c *client, second bool) {
			if !second {
				c.create(c.at("Inbox"), "new.eml", mail("new", "the first version"))
			} else {
				c.edit(c.anywhere("new.eml"), mail("new", "the second version"))
			}
		},
		"mkdir": func(c *client, second bool) {
			if !second {
				c.mkdir(c.at("Inbox"), "made")
			} else {
				c.rename(c.at("Inbox", "made").Num, c.at(), "made anew")
			}
		},
	}
	if testing.Short() {
		acts = map[string]act{"edit": acts["edit"], "rename": acts["rename"]}
	}
	for name, act := range acts {
		for k, more := 1, true; more; k++ {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				w := newMemWorld(t)
				w.deliver("one", "the first version")
				w.box.CreateFolder("Project")
				a, b := w.client(t), w.client(t)
				a.pass()
				act(a, false)
				more = false
				steps := 0
				a.step = func() {
					if steps++; steps == k {
						a.step, more = nil, true
						act(a, true)
					}
				}
				a.pass()
				a.step = nil
				if !more {
					return // the upload has no more than k-1 commits
				}
				want := a.contents()
				a.flush()
				b.pass()
				same(t, a, b)
				wantTexts(t, want, b.contents())
			})
		}
	}
}

// anywhere returns the message whose name contains a part, in whichever folder.
func (c *client) anywhere(part string) replica.Num {
	c.t.Helper()
	for _, dir := range []string{"Inbox", "Drafts", "Notes"} {
		if n := c.find(dir, part); n != nil {
			return n.Num
		}
	}
	c.t.Fatalf("%s is nowhere:\n%s", part, c.tree())
	return 0
}

// wantTexts compares what two replicas hold in each folder, without the ids, which an upload may give.
func wantTexts(t *testing.T, want, got map[string]string) {
	t.Helper()
	sum := func(m map[string]string) map[string]int {
		out := map[string]int{}
		for path, text := range m {
			if path[len(path)-1] == '/' {
				out[path]++
				continue
			}
			dir := path
			for dir[len(dir)-1] != '/' {
				dir = dir[:len(dir)-1]
			}
			out[dir+" "+text]++
		}
		return out
	}
	x, y := sum(want), sum(got)
	for k := range x {
		if x[k] != y[k] {
			t.Errorf("here %d times, there %d: %s", x[k], y[k], k)
		}
	}
	for k := range y {
		if x[k] == 0 {
			t.Errorf("only there: %s", k)
		}
	}
}

// A file takes the place of a message, and takes over its journal, while a flag or a new version of it is on its way. What
// the server answers counts for the file, and what is saved in it is no conflict with what was sent before.
func TestSupplantedWhileUploading(t *testing.T) {
	for name, act := range map[string]func(c *client, num replica.Num){
		"flag": func(c *client, num replica.Num) { c.flag(num, 2, "") },
		"edit": func(c *client, num replica.Num) { c.edit(num, mail("one", "the second version")) },
		"move": func(c *client, num replica.Num) { c.move(num, c.at("Drafts")) },
	} {
		for k, more := 1, true; more; k++ {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				w := newMemWorld(t)
				w.deliver("one", "the first version")
				a, b := w.client(t, func(c *syncer.Config) {
					c.Logf = func(format string, args ...any) {
						if strings.HasPrefix(format, "conflict:") {
							t.Errorf(format, args...)
						}
					}
				}), w.client(t)
				a.pass()
				num := a.anywhere("*one*")
				act(a, num)
				more = false
				requests := 0
				w.srv.SetScript(func(memserver.Request) memserver.Fault {
					if requests++; requests == k {
						more = true
						a.supplant(num, mail("one", "the last version"))
					}
					return memserver.Fault{}
				})
				a.pass()
				w.srv.SetScript(nil)
				if !more {
					return
				}
				a.flush()
				a.pass()
				b.pass()
				same(t, a, b)
				dir := map[bool]string{true: "Drafts", false: "Inbox"}[name == "move"]
				if !has(t, b, dir, "the last version") {
					t.Errorf("what was saved is not there\n%s", b.tree())
				}
				if n := b.find("Sync Issues", "Conflicts", "*"); n != nil {
					t.Errorf("%s is a conflict with oneself", n.Name)
				}
				if n := b.at(dir, "*one*"); name == "flag" && n.Message.Flag != 2 {
					t.Errorf("flag %d", n.Message.Flag)
				}
			})
		}
	}
}

// supplant does what a save by rename does: a new file becomes the next version of a message.
func (c *client) supplant(num replica.Num, text string) {
	c.t.Helper()
	c.update(func(u *replica.Update) error {
		old, err := u.Node(num)
		if err != nil {
			return err
		}
		base := replica.Base{Version: old.Version, ChangeKey: old.Message.ChangeKey, PCL: old.Message.PCL}
		heir, err := u.Insert(&replica.Node{Parent: old.Parent, Name: "heir one.eml", Kind: replica.KindFile, Exact: true})
		if err != nil {
			return err
		}
		if err := u.Detach(num); err != nil {
			return err
		}
		if err := u.Supplant(heir, num); err != nil {
			return err
		}
		n, err := u.Node(heir)
		if err != nil {
			return err
		}
		c.put(u, n, text)
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeEdit, Item: heir, At: time.Now(), Folder: n.Parent, Base: base})
		return err
	})
}
