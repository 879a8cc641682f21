package syncer_test

import (
	"strings"
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// places returns the folders in which messages with a body are, each once for each message.
func (c *client) places(body string) (dirs []string) {
	c.t.Helper()
	for k, v := range c.contents() {
		if strings.Contains(v, body) {
			dirs = append(dirs, k[1:strings.LastIndex(k, "/")])
		}
	}
	return dirs
}

// Two files of one name, made on both sides, are two messages; each keeps the name where it was given.
func TestSameNameOnBothSides(t *testing.T) {
	for _, subject := range []string{"of b", "of a"} { // and the same subject, from which the other's name is made
		w := newWorld(t)
		a, b := w.client(t), w.client(t)
		a.pass()
		b.pass()
		mine := a.create(a.at("Drafts"), "new.eml", mail("of a", "what a wrote")).Num
		theirs := b.create(b.at("Drafts"), "new.eml", mail(subject, "what b wrote")).Num
		b.flush()
		a.flush()
		same(t, a, b)
		if got := append(a.places("what a wrote"), a.places("what b wrote")...); len(got) != 2 || got[0] != "Drafts" || got[1] != "Drafts" {
			t.Errorf("subject %q: in %q", subject, got)
		}
		if a.at("Drafts", "new.eml").Num != mine || b.at("Drafts", "new.eml").Num != theirs {
			t.Errorf("subject %q: the name leads to the other one", subject)
		}
	}
}

// A deletion only takes away what is where it was seen: who moves a message at the same time keeps it, whoever comes first;
// only what is deleted for good before is gone.
func TestMoveAndDeletion(t *testing.T) {
	for name, x := range map[string]struct {
		hard, moveFirst bool
		want            string
	}{
		"moved, then discarded":        {false, true, "Drafts"},
		"moved, then deleted for good": {true, true, "Drafts"},
		"discarded, then moved":        {false, false, "Deleted Items"},
		"deleted for good, then moved": {true, false, ""},
	} {
		for _, edited := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", with an edit"}[edited], func(t *testing.T) {
				w := newWorld(t)
				w.deliver("one", "at first")
				mover, deleter := w.client(t), w.client(t)
				mover.pass()
				deleter.pass()
				move := func() {
					num := mover.at("Inbox", "*one*").Num
					if edited {
						mover.edit(num, mail("one", "what the mover wrote"))
					}
					mover.move(num, mover.at("Drafts"))
				}
				move()
				deleter.unlink(deleter.at("Inbox", "*one*").Num, x.hard)
				first, second := deleter, mover
				if x.moveFirst {
					first, second = mover, deleter
				}
				first.flush()
				second.flush()
				same(t, mover, deleter)
				body, want := "at first", x.want
				if edited {
					body = "what the mover wrote"
					if want != "Drafts" {
						want = "Drafts" // it comes back where its writer has it
					}
				}
				if got := strings.Join(deleter.places(body), ", "); got != want {
					brought := map[bool]string{false: "Drafts", true: "Sync Issues/Conflicts"}[edited]
					if w.srv == nil && x.hard && !x.moveFirst && got == brought {
						t.Skip("QUIRK gromox 3.10: a move finds what was deleted, and brings it back; the edit is its loser")
					}
					t.Errorf("it is in %q, not in %q\n%s", got, want, deleter.tree())
				}
			})
		}
	}
}

// A folder that is deleted comes back for what was written in it at the same time, a flag or a folder among that. What
// was taken out of it goes with it.
func TestParentDeleted(t *testing.T) {
	for name, x := range map[string]struct {
		act             func(c *client, one replica.Num)
		body            string
		deleted, binned string // where it is, if the folder was deleted, or moved to Deleted Items
	}{
		"edit":  {func(c *client, one replica.Num) { c.edit(one, mail("one", "what a wrote")) }, "what a wrote", "Project", "Deleted Items/Project"},
		"flag":  {func(c *client, one replica.Num) { c.flag(one, 2, "") }, "at first", "Project", "Deleted Items/Project"},
		"move":  {func(c *client, one replica.Num) { c.move(one, c.at("Inbox")) }, "at first", "", "Inbox"},
		"rm":    {func(c *client, one replica.Num) { c.unlink(one, false) }, "at first", "", "Deleted Items"},
		"mkdir": {func(c *client, _ replica.Num) { c.mkdir(c.at("Project"), "Below") }, "at first", "Project", "Deleted Items/Project"},
	} {
		for _, bin := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", to Deleted Items"}[bin], func(t *testing.T) {
				w := newMemWorld(t)
				a, b := w.client(t), w.client(t)
				a.pass()
				a.create(a.mkdir(a.at(), "Project"), "one.eml", mail("one", "at first"))
				a.flush()
				b.pass()
				x.act(a, a.at("Project", "one.eml").Num)
				project, _ := w.box.FindFolder("Project")
				want, err := x.deleted, error(nil)
				if bin {
					want, err = x.binned, w.box.MoveFolder(project, w.box.Folder(memserver.FolderDeletedItems))
				} else {
					err = w.box.DeleteFolder(project, true)
				}
				if err != nil {
					t.Fatal(err)
				}
				a.pass()
				a.flush()
				same(t, a, b)
				if got := strings.Join(a.places(x.body), ", "); got != want {
					t.Errorf("it is in %q, not in %q\n%s", got, want, a.tree())
				}
			})
		}
	}
}

// A folder's PidTagResolveMethod lets the last writer win ([MS-OXCFXICS] 2.2.1.4.1). He does, and still what the other one
// wrote is in the Conflicts folder: that makes no conflict resolve message, which is all that the property is about.
func TestResolveMethodOfFolders(t *testing.T) {
	for method := range int32(3) {
		w := newMemWorld(t)
		w.deliver("one", "at first")
		if err := w.box.SetFolderProperty(w.inbox(), mapi.Property{Tag: mapi.PidTagResolveMethod, Value: method}); err != nil {
			t.Fatal(err)
		}
		a, b := w.client(t), w.client(t)
		editBoth(a, b)
		same(t, a, b)
		if !has(t, b, "Inbox", "what a wrote") || !has(t, b, "Sync Issues/Conflicts", "what b wrote") {
			t.Errorf("method %d: %v", method, b.contents())
		}
		if m := b.at("Inbox", "*one*"); len(b.attachments(m.Num)) != 0 {
			t.Errorf("method %d: a conflict resolve message", method)
		}
		checkLinks(t, b)
	}
}

func (c *client) attachments(num replica.Num) (list []mapi.Attachment) {
	c.t.Helper()
	c.view(func(v *replica.View) error {
		m, err := v.Message(num)
		if err == nil {
			list = m.Attachments
		}
		return err
	})
	return list
}
