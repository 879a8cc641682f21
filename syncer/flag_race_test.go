package syncer_test

import (
	"testing"

	"mailfs/internal/memserver"
	"mailfs/replica"
)

// A flag that is set on a message whose new version is queued goes with that version, even when the flag reaches the
// server first and finds a version there that is not here yet.
func TestFlagThenEditMeetTheirEdit(t *testing.T) {
	for _, theirsFirst := range []bool{true, false} {
		w := newWorld(t)
		w.deliver("one", "the first version")
		a, b := w.client(t), w.client(t)
		a.pass()
		b.pass()
		num := a.at("Inbox", "*one*").Num
		edits := []func(){
			func() { b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote")); b.flush() },
			func() { a.flag(num, 1, ""); a.edit(num, mail("one", "what a wrote")); a.flag(num, 2, "") },
		}
		if !theirsFirst {
			edits[0], edits[1] = edits[1], edits[0]
		}
		for _, f := range edits {
			f()
		}
		a.flush()
		same(t, a, b)
		if m := b.at("Inbox", "*one*").Message; m.Flag != 2 {
			t.Errorf("their edit first %v: flag %d is on the server", theirsFirst, m.Flag)
		}
		if winner := map[bool]string{true: "what a wrote", false: "what b wrote"}[theirsFirst]; !has(t, b, "Inbox", winner) {
			t.Errorf("their edit first %v: the older version won because of a flag\n%s", theirsFirst, b.tree())
		}
	}
}

// A flag on a message that somebody removed comes back with the edit that brings the message back.
func TestFlagThenEditMeetDeletion(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	num := a.at("Inbox", "*one*").Num
	b.unlink(b.at("Inbox", "*one*").Num, true)
	b.flush()
	a.flag(num, 2, "")
	a.edit(num, mail("one", "what a wrote"))
	a.flush()
	same(t, a, b)
	if m := b.at("Inbox", "*one*").Message; m.Flag != 2 {
		t.Errorf("flag %d is on the server", m.Flag)
	}
}

// What the user sets while the value before is on its way goes up after it.
func TestSetWhileUnderWay(t *testing.T) {
	for name, set := range map[string]func(c *client, num replica.Num, early bool){
		"flag": func(c *client, num replica.Num, early bool) {
			c.flag(num, map[bool]int32{true: 1, false: 2}[early], "")
		},
		"read": func(c *client, num replica.Num, early bool) { c.markRead(num, early) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			w.deliver("one", "the first version")
			a, b := w.client(t), w.client(t)
			a.pass()
			num := a.at("Inbox", "*one*").Num
			set(a, num, true)
			times := 0
			w.srv.SetScript(func(memserver.Request) memserver.Fault {
				if a.queued(num) {
					times++
					set(a, num, false)
				}
				return memserver.Fault{}
			})
			a.flush()
			w.srv.SetScript(nil)
			b.pass()
			same(t, a, b)
			if m := b.at("Inbox", "*one*").Message; times == 0 || name == "flag" && m.Flag != 2 || name == "read" && m.Read {
				t.Errorf("flag %d, read %v are on the server; set %d times", m.Flag, m.Read, times)
			}
		})
	}
}

// queued reports whether changes of an item are queued.
func (c *client) queued(num replica.Num) (yes bool) {
	c.view(func(v *replica.View) error {
		list, err := v.ChangesOf(num)
		yes = len(list) > 0
		return err
	})
	return yes
}

// A flag on a message that is out of the tree, since a file is about to take its place, finds the message where an
// earlier move put it.
func TestFlagFollowsMove(t *testing.T) {
	w := newWorld(t)
	w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	num := a.at("Inbox", "*one*").Num
	a.move(num, a.at("Drafts"))
	a.flag(num, 2, "")
	a.move(num, a.at("Notes"))
	a.update(func(u *replica.Update) error { return u.Detach(num) })
	a.pass()
	b.pass()
	if m := b.at("Notes", "*one*").Message; m.Flag != 2 {
		t.Errorf("flag %d is on the server", m.Flag)
	}
}
