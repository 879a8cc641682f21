package fs

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

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

// A save by rename is under way, an earlier one is still queued, and somebody else's version is merged with that one. The
// save does not go up as if it were made from the merged version: both are kept.
func TestSaveByRenameMeetsMerge(t *testing.T) {
	for _, uploaded := range []bool{false, true} {
		b := newBed(t)
		num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
		b.save("Inbox/a.eml", note("one", "second"))
		b.pass()
		b.wantChanges("edit Inbox/a.eml")
		b.save("Inbox/.tmp", note("one", "third"))
		b.mustRename("Inbox/.tmp", "Inbox/a.eml")
		var merged string
		err := b.r.Update(func(u *replica.Update) error {
			u.Remote(true)
			if err := u.SetIdentity(replica.Identity{MailboxGUID: testServer, Namespace: testReplica}); err != nil {
				return err
			}
			n, err := u.Node(num)
			if err != nil {
				return err
			}
			x := b.nextChange()
			pcl := n.Message.PCL.Add(x)
			if err := u.SetKeys(num, n.Message.SourceKey, x.ChangeKey(), pcl); err != nil {
				return err
			}
			list, err := u.ChangesOf(num)
			if err != nil {
				return err
			}
			list[0].Base.ChangeKey, list[0].Base.PCL = x.ChangeKey(), pcl
			if uploaded { // and sent, so that the server has a version that was made here
				own := mapi.XID{Namespace: testReplica, LocalID: "000007"}
				err = errors.Join(u.DropChange(list[0].Seq), u.SetKeys(num, n.Message.SourceKey, own.ChangeKey(), pcl.Add(own)))
			} else {
				err = u.SaveChange(list[0])
			}
			if err != nil {
				return err
			}
			if n, err = u.Node(num); err != nil {
				return err
			}
			return b.put(u, n, parseNote(note("two", "second, and theirs")))
		})
		if err != nil {
			t.Fatal(err)
		}
		b.pass()
		merged = b.read("Inbox/a.eml")
		if !strings.Contains(merged, "second, and theirs") {
			t.Errorf("uploaded %t: Inbox/a.eml holds %q, journal %v", uploaded, merged, b.changes())
		}
		losers := b.list("Sync Issues/Conflicts")
		if len(losers) != 1 || b.read("Sync Issues/Conflicts/"+losers[0]) != note("one", "third") {
			t.Fatalf("uploaded %t: the losers are %q", uploaded, losers)
		}
		want := []string{"edit Inbox/a.eml", "create Sync Issues/Conflicts/" + losers[0]}
		if uploaded {
			want = want[1:]
		}
		b.wantChanges(want...)
	}
}

// What was written here to a message that a file is about to take the place of is no reason for the file to go elsewhere.
func TestHeirOfAMessageThatIsWrittenTo(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/n.txt", note("one", "mine"))
	if err := b.rename("Inbox/n.txt", "Inbox/a.eml", renameExchange); err != nil {
		t.Fatal(err)
	}
	h := b.open("Inbox/a.eml", syscall.O_RDWR) // keeps the file from being taken up
	b.write(h, note("one", "mine"))
	b.save("Inbox/n.txt", note("one", "the backup, edited"))
	b.pass()
	b.unlink("Inbox/n.txt")
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantText("Inbox/a.eml", note("one", "mine"))
	if got := b.list("Sync Issues/Conflicts"); len(got) > 0 {
		t.Errorf("the losers are %q", got)
	}
}

// A new file that was made before a remount does not count as made from a version that came since.
func TestSaveByRenameOverARemount(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/.tmp", note("one", "mine"))
	b.clock.Advance(time.Hour)
	theirs := b.clock.Now()
	err := b.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		x := b.nextChange()
		n.Message.ChangeKey, n.Message.PCL, n.Message.Modified = x.ChangeKey(), n.Message.PCL.Add(x), mapi.NewFileTime(theirs)
		return b.put(u, n, parseNote(note("one", "theirs")))
	})
	if err != nil {
		t.Fatal(err)
	}
	b.remount()
	b.mustRename("Inbox/.tmp", "Inbox/a.eml")
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	list, err := b.journal()
	if err != nil {
		t.Fatal(err)
	}
	if list[0].Base.PCL.Includes(b.node(list[0].Item).Message.PCL) {
		t.Error("the save claims to build on what nobody here has seen")
	}

	// One that was made after it does.
	b = newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/.tmp", note("one", "mine"))
	b.remount()
	b.mustRename("Inbox/.tmp", "Inbox/a.eml")
	b.pass()
	if list, err = b.journal(); err != nil || len(list) != 1 || list[0].Base.ChangeKey == "" {
		t.Errorf("%v, %v", list, err)
	}

	// What was saved here since keeps nobody from taking its place.
	b = newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/.tmp", note("one", "mine"))
	b.clock.Advance(time.Hour)
	b.remount()
	b.save("Inbox/a.eml", note("one", "second"))
	b.pass()
	b.mustRename("Inbox/.tmp", "Inbox/a.eml")
	b.pass()
	b.wantText("Inbox/a.eml", note("one", "mine"))
	b.wantChanges("edit Inbox/a.eml")
}

// What was saved a moment before its message was removed is what is found in Deleted Items.
func TestRemovedAfterASave(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/a.eml", note("one", "second"))
	b.unlink("Inbox/a.eml")
	b.pass()
	list, err := b.journal()
	if err != nil || len(list) != 2 || list[0].Kind != replica.ChangeEdit || list[1].Kind != replica.ChangeDelete || list[1].Hard {
		t.Fatalf("journal %v, %v", b.changes(), err)
	}
	if n := b.node(num); n.Size != int64(len(note("one", "second"))) {
		t.Errorf("what goes to Deleted Items has %d bytes", n.Size)
	}
	// A new message that is removed at once never gets there.
	b = newBed(t)
	b.save("Inbox/n.eml", note("new", "first"))
	b.unlink("Inbox/n.eml")
	b.pass()
	b.wantChanges()
}

// A message is moved twice, the second time to a name that no message has, and the first of the names is made anew: the
// new file is the message's next version, there.
func TestTakenBackFromTwoMoves(t *testing.T) {
	for _, sent := range []bool{false, true} {
		b := newBed(t)
		num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
		first := b.read("Inbox/a.eml")
		b.mustRename("Inbox/a.eml", "Drafts/a.eml")
		if sent {
			list, err := b.journal()
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			list[0].Fixed = true
			if err := b.r.Update(func(u *replica.Update) error { return u.SaveChange(list[0]) }); err != nil {
				t.Fatal(err)
			}
		}
		b.mustRename("Drafts/a.eml", "Archive/a.eml~")
		b.save("Drafts/a.eml", note("one", "second"))
		b.pass()
		b.wantText("Drafts/a.eml", note("one", "second"))
		b.wantText("Archive/a.eml~", first)
		if sent { // too late: what the server is told already is not taken back, and the new file is a new message
			b.wantChanges("move Archive/a.eml~", "move Archive/a.eml~", "create Drafts/a.eml")
			continue
		}
		b.wantChanges("edit Drafts/a.eml", "move Drafts/a.eml")
		list, err := b.journal()
		if err != nil || list[1].From != b.folders["Inbox"] || list[1].Folder != b.folders["Drafts"] {
			t.Errorf("the move is from %d to %d, %v", list[1].From, list[1].Folder, err)
		}
		if b.at("Archive/a.eml~").node.Kind != replica.KindFile || b.node(num).Message != nil {
			t.Error("the message is not where its next version is")
		}
	}
}
