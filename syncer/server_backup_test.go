package syncer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// A server that is put back to an earlier time gets everything again that it lost and the replica still has, and what
// it gives new ids and change numbers to is seen ([MS-OXCFXICS] 3.3.5.3).
func TestServerFromBackup(t *testing.T) {
	w := newMemWorld(t)
	for i := range 6 {
		w.deliver(fmt.Sprint("letter ", i), "the first version")
	}
	w.box.CreateFolder("Project")
	a := w.client(t)
	a.pass()
	a.edit(a.at("Inbox", "*letter 0*").Num, mail("letter 0", "edited before the backup"))
	a.flush()
	old := w.box.Snapshot()

	w.deliver("delivered later", "after the backup")
	a.pass()
	a.edit(a.at("Inbox", "*letter 0*").Num, mail("letter 0", "edited after the backup"))
	a.create(a.at("Drafts"), "later.eml", mail("later", "made after the backup"))
	a.markRead(a.at("Inbox", "*letter 4*").Num, true)
	dir := a.mkdir(a.at(), "Made later")
	a.rename(a.at("Project").Num, a.at(), "Project, renamed later")
	a.flush()
	a.create(a.at("Made later"), "within.eml", mail("within", "in a folder that was made after the backup"))
	a.flush()
	a.create(a.at("Inbox"), "queued.eml", mail("queued", "not sent yet"))

	w.box.RewindState(old)
	w.srv.LoseSessions()
	for i := range 40 { // takes the ids and change numbers of what was lost
		w.deliver(fmt.Sprint("new ", i), "after the server was restored")
	}
	a.flush()
	a.pass()
	b := w.client(t)
	b.pass()
	same(t, a, b)
	for _, at := range [][2]string{{"Inbox", "edited after the backup"}, {"Drafts", "made after the backup"}, {"Inbox", "after the backup"},
		{"Made later", "in a folder that was made after the backup"}, {"Inbox", "not sent yet"}} {
		if !has(t, b, at[0], at[1]) {
			t.Errorf("%q is not in %s on the server\n%s", at[1], at[0], b.tree())
		}
	}
	if got := len(b.messages("Inbox")); got != 6+40+2 {
		t.Errorf("%d messages in the Inbox\n%s", got, b.tree())
	}
	if b.find("Project, renamed later") == nil || b.find("Project") != nil {
		t.Errorf("the folder's later name is lost:\n%s", b.tree())
	}
	if !b.at("Inbox", "*letter 4*").Message.Read {
		t.Error("a read state is lost")
	}
	if a.at("Made later").Num != dir.Num {
		t.Error("the folder has another number here")
	}
}

// A server is put back, and two clients have different versions that it lost of one message; or it has made another
// version since, under the number of one that it lost. Whoever comes second finds a conflict, and nothing is lost.
func TestServerFromBackupLostSeveralVersions(t *testing.T) {
	for _, since := range []bool{false, true} {
		w := newMemWorld(t)
		mid := w.deliver("letter", "at first")
		a, b := w.client(t, quick), w.client(t, quick)
		a.pass()
		b.pass()
		edit := func(text string) {
			t.Helper()
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, text+"\r\n") }); err != nil {
				t.Fatal(err)
			}
		}
		old := w.box.Snapshot()
		edit("the second text")
		a.pass()
		edit("the third text")
		b.pass()
		for i, c := range []*client{a, b} {
			c.create(c.at("Drafts"), fmt.Sprint("new", i, ".eml"), mail(fmt.Sprint("new ", i), "made after the backup"))
			c.flush()
		}
		w.box.RewindState(old)
		w.srv.LoseSessions()
		if since {
			edit("the other second text")
		}
		a.flush()
		b.flush()
		a.flush()
		same(t, a, b)
		want := []string{"the third text"}
		if since {
			want = append(want, "the other second text")
		}
		for _, text := range want {
			if count(a, text) != 1 {
				t.Errorf("%q is there %d times:\n%s", text, count(a, text), a.tree())
			}
		}
	}
}

// The session in which a client noticed that the server was put back ends at any of its commits: the next one goes on
// with the same, and takes the client for none that was put back itself.
func TestServerFromBackupCutAtCommit(t *testing.T) {
	for cut := 1; ; cut++ {
		w := newMemWorld(t)
		w.deliver("letter", "at first")
		c := w.client(t, quick)
		c.pass()
		c.create(c.at("Drafts"), "before.eml", mail("before", "made before the backup"))
		c.flush()
		old := w.box.Snapshot()
		c.edit(c.at("Inbox", "*letter*").Num, mail("letter", "edited after the backup"))
		c.flush()
		space := namespace(c)
		w.box.RewindState(old)
		w.srv.LoseSessions()

		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		c.step = func() {
			if n++; n == cut {
				cancel()
			}
		}
		err := c.s.Pass(ctx)
		cancel()
		c.step = nil
		c.reopen(c.dir, func() {})
		c.flush()
		c.pass()
		fresh := w.client(t)
		fresh.pass()
		same(t, c, fresh)
		if !has(t, fresh, "Inbox", "edited after the backup") || namespace(c) != space {
			t.Errorf("cut at commit %d (%v): the namespace was %v and is %v\n%s", cut, err, space, namespace(c), fresh.tree())
		}
		if n < cut {
			return
		}
	}
}

// A read state that went up after the backup was made is on the server again where the server has another version of
// the message by now, whichever of both wins, and it is the same here and there.
func TestServerFromBackupLostReadState(t *testing.T) {
	for _, read := range []bool{true, false} {
		for _, ahead := range []time.Duration{-time.Hour, time.Hour} {
			t.Run(fmt.Sprintf("read %v, clock %v", read, ahead), func(t *testing.T) {
				w := newMemWorld(t)
				mid := w.deliver("letter", "at first")
				if err := w.box.MarkRead(mid, !read); err != nil {
					t.Fatal(err)
				}
				a, b := w.client(t, quick), w.client(t, quick)
				a.pass()
				b.pass()
				old := w.box.Snapshot()
				num := a.at("Inbox", "*letter*").Num
				a.edit(num, mail("letter", "edited after the backup"))
				a.update(func(u *replica.Update) error {
					list, err := u.ChangesOf(num)
					if err != nil {
						return err
					}
					list[0].At = list[0].At.Add(ahead)
					return u.SaveChange(list[0])
				})
				a.markRead(num, read)
				a.flush()
				b.pass()
				b.create(b.at("Drafts"), "new.eml", mail("new", "made after the backup"))
				b.flush()
				w.box.RewindState(old)
				w.srv.LoseSessions()
				if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(2)) }); err != nil {
					t.Fatal(err)
				}
				a.flush()
				b.flush()
				a.flush()
				same(t, a, b)
				fresh := w.client(t)
				fresh.pass()
				same(t, a, fresh)
				if got := fresh.at("Inbox", "*letter*").Message.Read; got != read {
					t.Errorf("read is %v", got)
				}
				if count(fresh, "edited after the backup") == 0 {
					t.Errorf("a version is lost:\n%s", fresh.tree())
				}
			})
		}
	}
}

// A server that went back gives the id of a message that it lost to a copy of it in another folder: that comes, and the
// lost one goes up again.
func TestServerFromBackupGivesIDToCopy(t *testing.T) {
	at := time.Now()
	w := newMemWorld(t, func(c *memserver.Config) { c.Clock = func() time.Time { return at } }) // not even the time tells them apart
	project := w.box.CreateFolder("Project")
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	text := mail("letter", "at first")
	deliver := func(to mapi.FID) mapi.MID {
		t.Helper()
		mid, err := w.box.Deliver(to, parse(t, text))
		if err != nil {
			t.Fatal(err)
		}
		return mid
	}
	mid := deliver(project)
	a.pass()
	a.create(a.at("Drafts"), "new.eml", mail("new", "made after the backup"))
	a.flush()
	w.box.RewindState(old)
	w.srv.LoseSessions()
	if again := deliver(w.inbox()); again != mid {
		t.Fatalf("the copy has the id %v, the message had %v", again, mid)
	}
	a.flush()
	a.pass()
	fresh := w.client(t)
	fresh.pass()
	same(t, a, fresh)
	if !has(t, fresh, "Inbox", "at first") || !has(t, fresh, "Project", "at first") {
		t.Errorf("one of both is lost:\n%s", fresh.tree())
	}
}

// A folder is removed here that the server lost when it went back. Its id goes to a message.
func TestServerFromBackupLostRemovedFolder(t *testing.T) {
	w := newMemWorld(t)
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	w.box.CreateFolder("Made later")
	a.pass()
	key := a.at("Made later").Folder.SourceKey
	a.create(a.at("Drafts"), "new.eml", mail("new", "made after the backup"))
	a.flush()
	a.rmdir(a.at("Made later").Num)
	w.box.RewindState(old)
	w.srv.LoseSessions()
	a.pass()
	a.flush()
	if got := a.at("Drafts", "new.eml").Message.SourceKey; got != key {
		t.Fatalf("the message has the id %v, the lost folder had %v", got, key)
	}
	fresh := w.client(t)
	fresh.pass()
	same(t, a, fresh)
}

// Of two folders one was in the other when the backup was made, and after it that one in it: each has a place here that is newer
// than the server's, and so does the mail in them.
func TestServerFromBackupFoldersWereInEachOther(t *testing.T) {
	for name, onlyOuter := range map[string]bool{"both moved": false, "the inner one moved again": true} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			outer := w.box.CreateFolder("Outer")
			inner := w.box.CreateFolder("Outer", "Inner")
			a := w.client(t, quick)
			a.pass()
			old := w.box.Snapshot()
			for _, m := range [][2]mapi.FID{{inner, w.box.Folder(memserver.FolderIPMSubtree)}, {outer, inner}} {
				if err := w.box.MoveFolder(m[0], m[1]); err != nil {
					t.Fatal(err)
				}
			}
			letter := parse(t, mail("letter", "delivered after the backup"))
			if _, err := w.box.Deliver(inner, letter); err != nil {
				t.Fatal(err)
			}
			a.pass()
			a.create(a.at("Drafts"), "new.eml", mail("new", "made after the backup"))
			a.flush()
			w.box.RewindState(old)
			w.srv.LoseSessions()
			if onlyOuter { // what the server has of it is new here
				for _, parent := range []mapi.FID{w.box.Folder(memserver.FolderIPMSubtree), outer} {
					if err := w.box.MoveFolder(inner, parent); err != nil {
						t.Fatal(err)
					}
				}
			}
			a.pass()
			a.flush()
			a.pass()
			fresh := w.client(t)
			fresh.pass()
			same(t, a, fresh)
			if n := count(fresh, "delivered after the backup"); n != 1 {
				t.Errorf("the letter is there %d times\n%s", n, fresh.tree())
			}
		})
	}
}

// A server that went back gives the id of a message that it lost to a folder, which has another one in it.
func TestServerFromBackupGivesIDToFolder(t *testing.T) {
	w := newMemWorld(t)
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	w.deliver("letter", "lost by the server")
	a.pass()
	key := a.at("Inbox", "*letter*").Message.SourceKey
	w.box.RewindState(old)
	w.srv.LoseSessions()
	w.box.CreateFolder("Outer", "Inner")
	a.pass()
	a.flush()
	if got := a.at("Outer").Folder.SourceKey; got != key {
		t.Fatalf("the folder has the id %v, the message had %v", got, key)
	}
	fresh := w.client(t)
	fresh.pass()
	same(t, a, fresh)
	if count(fresh, "lost by the server") != 1 || fresh.find("Outer", "Inner") == nil {
		t.Errorf("something is missing:\n%s", fresh.tree())
	}
}

// A folder is removed here that the server lost when it went back; since then it has made another one, of the same id and keys.
func TestServerFromBackupGivesIDOfRemovedFolder(t *testing.T) {
	w := newMemWorld(t)
	w.box.CreateFolder("Outer")
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	w.box.CreateFolder("Outer", "Made later")
	a.pass()
	was := a.at("Outer", "Made later").Folder
	w.box.RewindState(old)
	w.srv.LoseSessions()
	w.box.CreateFolder("Another")
	a.rmdir(a.at("Outer", "Made later").Num)
	a.pass()
	a.flush()
	a.pass()
	if is := a.at("Another").Folder; is.SourceKey != was.SourceKey || is.ChangeKey != was.ChangeKey {
		t.Fatalf("the new folder is %v %v, the lost one was %v %v", is.SourceKey, is.ChangeKey, was.SourceKey, was.ChangeKey)
	}
	fresh := w.client(t)
	fresh.pass()
	same(t, a, fresh)
	if a.find("Outer", "Made later") != nil {
		t.Errorf("the removed folder is there again:\n%s", a.tree())
	}
}

// A server went back without anybody's notice, and gives an id of something that it lost to what is made here: that goes up, and so
// does what was lost.
func TestServerFromBackupGivesIDAgain(t *testing.T) {
	makes := map[string]func(a *client){
		"message": func(a *client) { a.create(a.at("Drafts"), "new.eml", mail("new", "made here")) },
		"folder":  func(a *client) { a.mkdir(a.at(), "Made here") },
		"move":    func(a *client) { a.move(a.at("Inbox", "*first*").Num, a.at("Drafts")) },
	}
	for lost, lose := range map[string]func(w *world){
		"message": func(w *world) { w.deliver("letter", "lost by the server") },
		"folder":  func(w *world) { w.box.CreateFolder("Lost") },
	} {
		for made, act := range makes {
			t.Run(lost+" lost, "+made+" made", func(t *testing.T) {
				w := newMemWorld(t)
				w.deliver("first", "is there")
				a := w.client(t, quick)
				a.pass()
				old, before := w.box.Snapshot(), a.setting("syncer.counter")
				lose(w)
				a.pass()
				w.box.RewindState(old)
				w.srv.LoseSessions()
				act(a)
				a.update(func(u *replica.Update) error {
					if err := u.SetSetting("syncer.counter", []byte(before)); err != nil {
						return err
					}
					return u.DropReserve()
				})
				a.flush()
				a.pass()
				a.flush()
				fresh := w.client(t)
				fresh.pass()
				same(t, a, fresh)
				if lost == "message" && count(fresh, "lost by the server") != 1 || lost == "folder" && fresh.find("Lost") == nil {
					t.Errorf("not there:\n%s", fresh.tree())
				}
			})
		}
	}
}
