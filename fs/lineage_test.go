package fs

import (
	"syscall"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// What was saved to an older version is queued on top of a newer one, which nobody here has seen, and loses to that.
// A save that was made on top of it in the meantime does not count as made from the newer one.
func TestSaveOnTopOfALoser(t *testing.T) {
	for _, how := range []string{"in place", "by rename", "held"} {
		t.Run(how, func(t *testing.T) {
			b := newBed(t)
			num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			b.save("Inbox/a.eml", note("one", "mine"))
			if err := b.edit(num, note("one", "theirs")); err != nil {
				t.Fatal(err)
			}
			b.pass()
			b.wantChanges("edit Inbox/a.eml")
			b.wantText("Inbox/a.eml", note("one", "mine"))

			var held *handle
			if how == "held" {
				held = b.open("Inbox/a.eml", syscall.O_RDWR)
			}
			if how == "by rename" {
				b.save("Inbox/.tmp", note("one", "mine again"))
				b.mustRename("Inbox/.tmp", "Inbox/a.eml")
			}
			if how == "in place" {
				b.save("Inbox/a.eml", note("one", "mine again"))
			}
			list, err := b.journal()
			if err != nil {
				t.Fatal(err)
			}
			err = b.r.Update(func(u *replica.Update) error {
				u.Remote(true)
				if err := u.DropChange(list[0].Seq); err != nil {
					return err
				}
				n, err := u.Node(num)
				if err != nil {
					return err
				}
				return b.put(u, n, parseNote(note("one", "theirs")))
			})
			if err != nil {
				t.Fatal(err)
			}
			theirs := b.node(num).Message.PCL
			if held != nil {
				b.write(held, note("one", "mine again"))
				if err := b.close(held); err != nil {
					t.Fatal(err)
				}
			}
			b.pass()
			if list, err = b.journal(); err != nil || len(list) != 1 {
				t.Fatalf("%d changes, %v", len(list), err)
			}
			if list[0].Base.PCL.Includes(theirs) {
				t.Error("the save claims to build on what nobody here has seen")
			}
		})
	}
}

// A save of an old version meets a later one that was made here and is on the server already: the server would see no
// conflict, since the change comes from the same place, so both are kept here.
func TestSaveOfOldVersionMeetsOwn(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	held := b.open("Inbox/a.eml", syscall.O_RDWR)
	if err := b.edit(num, note("one", "ours, from before")); err != nil {
		t.Fatal(err)
	}
	own := testReplica
	err := b.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		if err := u.SetIdentity(replica.Identity{MailboxGUID: testServer, Namespace: own}); err != nil {
			return err
		}
		x := mapi.XID{Namespace: own, LocalID: "000005"}
		return u.SetKeys(num, n.Message.SourceKey, x.ChangeKey(), n.Message.PCL.Add(x))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := held.truncate(0); err != nil {
		t.Fatal(err)
	}
	b.write(held, note("one", "held"))
	if err := b.close(held); err != nil {
		t.Fatal(err)
	}
	b.pass()
	if list := b.list("Sync Issues/Conflicts"); len(list) != 1 || b.read("Sync Issues/Conflicts/"+list[0]) != note("one", "held") {
		t.Fatalf("the conflicts are %q", list)
	}
	b.wantChanges("create Sync Issues/Conflicts/" + b.list("Sync Issues/Conflicts")[0])
}
