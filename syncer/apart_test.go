package syncer_test

import (
	"path/filepath"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// The server is put back, and somebody changes a message, which gets the very change number that a version had here which
// the server lost. What was queued on top of that one is no successor of what the server has, though its predecessor
// change list says so ([MS-OXCFXICS] 3.1.5.6.1).
func TestServerFromBackupChangesUnderAQueuedEdit(t *testing.T) {
	for _, again := range []bool{false, true} { // the edit is the later one of both, by this machine's clock
		w := newMemWorld(t)
		mid := w.deliver("letter", "at first")
		a := w.client(t, quick)
		a.pass()
		old := w.box.Snapshot()
		flagged := func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(2)) }
		for range map[bool]int{false: 1, true: 2}[again] { // versions that the server loses
			if err := w.box.Edit(mid, flagged); err != nil {
				t.Fatal(err)
			}
		}
		a.create(a.at("Drafts"), "other.eml", mail("other", "so that this replica counts"))
		a.flush()
		a.pass()
		a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "queued here"))

		w.box.RewindState(old)
		w.srv.LoseSessions()
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited there\r\n") }); err != nil {
			t.Fatal(err)
		}
		if again {
			a.update(func(u *replica.Update) error {
				n, err := u.Node(a.at("Inbox", "*letter*").Num)
				if err != nil {
					return err
				}
				n.Message.Modified = mapi.NewFileTime(time.Now().Add(time.Hour))
				return u.Save(n)
			})
		}
		a.flush()
		b := w.client(t)
		same(t, a, b)
		for _, text := range []string{"queued here", "edited there"} {
			if n := count(b, text); n != 1 {
				t.Errorf("again %v: %q is there %d times:\n%s", again, text, n, b.tree())
			}
		}
	}
}

// An edit that is queued goes up without a conflict where the server has what it was made of.
func TestServerFromBackupUnderAQueuedEdit(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("letter", "at first")
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	w.deliver("other", "so that this replica counts")
	a.pass()
	a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "queued here"))
	a.update(func(u *replica.Update) error {
		n, err := u.Node(a.at("Inbox", "*letter*").Num)
		if err != nil {
			return err
		}
		n.Message.Modified = mapi.NewFileTime(time.Now())
		return u.Save(n)
	})
	w.box.RewindState(old)
	w.srv.LoseSessions()
	a.flush()
	b := w.client(t)
	same(t, a, b)
	if count(b, "queued here") != 1 || count(b, "at first") != 0 || count(b, "so that this replica counts") != 1 {
		t.Errorf("it is not what it was here:\n%s", b.tree())
	}
}

// The server gives a change number a second time, and the message was removed here: that was about another version.
func TestServerFromBackupChangesUnderAQueuedDeletion(t *testing.T) {
	for name, body := range map[string]bool{"with its body": true, "without its body": false} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			mid := w.deliver("letter", "at first")
			a := w.client(t, quick)
			a.pass()
			old := w.box.Snapshot()
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagFlagStatus, int32(2)) }); err != nil {
				t.Fatal(err)
			}
			a.create(a.at("Drafts"), "other.eml", mail("other", "so that this replica counts"))
			a.flush()
			a.pass()
			n := a.at("Inbox", "*letter*")
			if !body {
				a.update(func(u *replica.Update) error {
					_, err := u.Evict(n.Num)
					return err
				})
			}
			a.unlink(n.Num, false)

			w.box.RewindState(old)
			w.srv.LoseSessions()
			if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited there\r\n") }); err != nil {
				t.Fatal(err)
			}
			a.flush()
			a.pass()
			b := w.client(t)
			same(t, a, b)
			if !has(t, b, "Inbox", "edited there") {
				t.Errorf("a version that nobody here had seen was removed:\n%s", b.tree())
			}
		})
	}
}

// The server is put back, which the replica notices; then the replica is put back to a time before that. What it knows has
// ids and change numbers that the server gave to others since: none may pass for the other.
func TestReplicaFromBackupOlderThanTheServers(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("letter", "at first")
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	body := func(text string) {
		t.Helper()
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, text+"\r\n") }); err != nil {
			t.Fatal(err)
		}
	}
	body("a version that the server lost")
	w.deliver("lost", "a message that the server lost")
	a.pass()
	disk := a.backup(filepath.Join(t.TempDir(), "backup"))

	w.box.RewindState(old)
	w.srv.LoseSessions()
	body("edited there")
	w.deliver("new", "delivered under the same id")
	a.flush()
	a.pass()
	was := namespace(a)
	a.reopen(disk, func() {})
	a.flush()
	a.pass()
	same(t, a, w.client(t))
	if namespace(a) == was {
		t.Error("the replica goes on with change keys of which the server knows more than it does")
	}
	for _, text := range []string{"a version that the server lost", "a message that the server lost", "edited there", "delivered under the same id"} {
		if count(a, text) == 0 {
			t.Errorf("%q is not there:\n%s", text, a.tree())
		}
	}
}

// A replica that only receives notices, too, that the server was put back.
func TestServerFromBackupBehindAReader(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("letter", "at first")
	a := w.client(t, quick)
	a.pass()
	old := w.box.Snapshot()
	body := func(text string) {
		t.Helper()
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, text+"\r\n") }); err != nil {
			t.Fatal(err)
		}
	}
	body("a version that the server lost")
	a.pass()
	w.box.RewindState(old)
	w.srv.LoseSessions()
	body("edited there")
	a.flush()
	a.pass()
	same(t, a, w.client(t))
	for _, text := range []string{"a version that the server lost", "edited there"} {
		if n := count(a, text); n != 1 {
			t.Errorf("%q is there %d times:\n%s", text, n, a.tree())
		}
	}
	w.srv.LoseSessions()
	at := a.setting("syncer.counter")
	a.pass()
	a.pass()
	if now := a.setting("syncer.counter"); now != at {
		t.Errorf("passes without news count: %s, %s before", now, at)
	}
}

// The server is put back to a time before the counter was made, since when it gave out change numbers, but no ids.
func TestCounterIsMissingSinceChangesOnly(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("letter", "at first")
	old := w.box.Snapshot()
	body := func(text string) {
		t.Helper()
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, text+"\r\n") }); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		body("a version that the server lost")
	}
	a := w.client(t, quick)
	a.pass()
	w.box.RewindState(old)
	w.srv.LoseSessions()
	body("edited there")
	a.pass()
	a.flush()
	same(t, a, w.client(t))
	for _, text := range []string{"a version that the server lost", "edited there"} {
		if n := count(a, text); n != 1 {
			t.Errorf("%q is there %d times:\n%s", text, n, a.tree())
		}
	}
}

// A message was sent, the answer got lost, and somebody marks it; then every state is dropped. The download that comes
// first sets the message aside as one's own, with its read state.
func TestReadStateOfWhatWasSetAside(t *testing.T) {
	for _, read := range []bool{false, true} {
		w := newMemWorld(t)
		a := w.client(t, quick)
		a.pass()
		a.create(a.at("Inbox"), "one.eml", mail("one", "sent, and the answer lost"))
		was := a.at("Inbox", "one.eml").Message.Read
		w.srv.SetScript(func(r memserver.Request) memserver.Fault {
			if r.Has(uint8(rop.IDSaveChangesMessage)) && r.Has(uint8(rop.IDGetPropertiesSpecific)) {
				return memserver.Fault{CutAfter: true}
			}
			return memserver.Fault{}
		})
		if err := a.s.Pass(t.Context()); err == nil {
			t.Fatal("the answer was not cut")
		}
		w.srv.SetScript(nil)
		for _, f := range w.box.Snapshot().Folders {
			for _, m := range f.Messages {
				if !m.Associated {
					if err := w.box.MarkRead(m.ID, read); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		a.update(func(u *replica.Update) error {
			if err := u.SetSetting("syncer.rebuild", []byte("replica")); err != nil {
				return err
			}
			return u.DropCheckpoint(replica.ContentsScope(a.at("Inbox").Folder.SourceKey))
		})
		a.flush()
		a.pass()
		same(t, a, w.client(t))
		if now := a.at("Inbox", "*one*").Message.Read; now != read {
			t.Errorf("read state %v, it was %v here; it is shown as %v", read, was, now)
		}
	}
}

// A replica from a backup takes another name; then the server is put back to a time before the counter of that name was
// made, and gives out all numbers again before the replica comes. That it went back is seen by the counter of the former name.
func TestServerFromBackupOlderThanAnotherName(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("letter", "at first")
	a := w.client(t, quick)
	a.pass()
	disk := a.backup(filepath.Join(t.TempDir(), "backup"))
	a.create(a.at("Drafts"), "other.eml", mail("other", "so that this replica counts"))
	a.flush()
	a.pass()
	old := w.box.Snapshot()
	was := namespace(a)
	a.reopen(disk, func() {})
	a.pass()
	w.deliver("lost", "a message that the server lost")
	a.pass()
	a.flush()
	if namespace(a) == was {
		t.Fatal("it has still its former name")
	}

	w.box.RewindState(old)
	w.srv.LoseSessions()
	for range 30 {
		w.deliver("new", "delivered under ids that were given before")
	}
	a.pass()
	a.flush()
	a.pass()
	same(t, a, w.client(t))
	if n := count(a, "a message that the server lost"); n != 1 {
		t.Errorf("what the server lost is there %d times", n)
	}
	at := a.setting("syncer.rebuild")
	a.pass()
	if at != "" || a.setting("syncer.rebuild") != "" {
		t.Error("it does not come to an end")
	}
}

// Server and replica are put back to the same time, so that neither sees anything of it, and the replica gives its change keys
// a second time. A machine that has what they named before loses neither.
func TestServerAndReplicaFromBackup(t *testing.T) {
	for name, edits := range map[string]struct{ before, after int }{"fewer": {2, 1}, "as many": {1, 1}, "more": {1, 2}} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			w.deliver("letter", "at first")
			a := w.client(t, quick)
			a.pass()
			disk := a.backup(filepath.Join(t.TempDir(), "backup"))
			old := w.box.Snapshot()
			b := w.client(t, quick)
			b.pass()
			for range edits.before {
				a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "lost by the server"))
				a.flush()
			}
			b.pass()
			w.box.RewindState(old)
			w.srv.LoseSessions()
			a.reopen(disk, func() {})
			for range edits.after {
				a.edit(a.at("Inbox", "*letter*").Num, mail("letter", "edited since"))
				a.flush()
			}
			b.pass()
			b.flush()
			a.pass()
			same(t, a, b)
			for _, text := range []string{"lost by the server", "edited since"} {
				if n := count(b, text); n != 1 {
					t.Errorf("%q is there %d times:\n%s", text, n, b.tree())
				}
			}
		})
	}
}
