package syncer_test

import (
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

// A user opened a message, somebody else's version arrived, and then the user saved and
// moved it: the move takes along the version that it finds, and the save still is a
// conflict with it.
func TestSaveOfOldVersionBehindMove(t *testing.T) {
	for _, first := range []string{"move", "save"} {
		t.Run(first+" first", func(t *testing.T) {
			w := newMemWorld(t)
			w.deliver("one", "the first version")
			a, b := w.client(t), w.client(t)
			a.pass()
			b.pass()
			opened := a.at("Inbox", "*one*")
			b.edit(b.at("Inbox", "*one*").Num, mail("one", "what b wrote"))
			b.flush()
			a.pass()
			save := func() {
				a.update(func(u *replica.Update) error {
					n, err := u.Node(opened.Num)
					if err != nil {
						return err
					}
					a.put(u, n, mail("one", "what a wrote"))
					_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeEdit, Item: n.Num, At: time.Now(), Folder: n.Parent,
						Base: replica.Base{Version: opened.Version, ChangeKey: opened.Message.ChangeKey, PCL: opened.Message.PCL}})
					return err
				})
			}
			if first == "save" {
				save()
			}
			a.move(opened.Num, a.at("Drafts"))
			if first == "move" {
				save()
			}
			a.flush()
			same(t, a, b)
			// which one stays in place is a matter of times, which a move changes as well
			wins, loses := "what a wrote", "what b wrote"
			if has(t, b, "Drafts", loses) {
				wins, loses = loses, wins
			}
			if !has(t, b, "Drafts", wins) || !has(t, b, "Sync Issues/Conflicts", loses) {
				t.Fatalf("%s\n%v", b.tree(), b.contents())
			}
		})
	}
}

// A message that was edited and then deleted here, and deleted there: nothing is left
// of it, and nothing waits.
func TestEditedAndDeletedOnBothSides(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "the first version")
	a := w.client(t)
	a.pass()
	num := a.at("Inbox", "*one*").Num
	a.edit(num, mail("one", "what a wrote"))
	a.unlink(num, false)
	if err := w.box.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	a.flush()
	a.pass()
	if a.find("Inbox", "*one*") != nil {
		t.Fatal(a.tree())
	}
}

// A message that was edited and flagged here, and deleted there, comes back with both.
func TestResurrectedWithFlag(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	num := a.at("Inbox", "*one*").Num
	a.edit(num, mail("one", "what a wrote"))
	a.flag(num, 2, "")
	if err := w.box.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	a.flush()
	b.pass()
	same(t, a, b)
	n := b.at("Inbox", "*one*")
	b.view(func(v *replica.View) error {
		m, err := v.Message(n.Num)
		if err == nil && m.Properties.Int(mapi.PidTagFlagStatus) != 2 {
			t.Errorf("the flag is %d", m.Properties.Int(mapi.PidTagFlagStatus))
		}
		return err
	})
}
