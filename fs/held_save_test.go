package fs

import (
	"strings"
	"syscall"
	"testing"

	"mailfs/replica"
)

// die forgets everything that is only in memory, and takes up what is left.
func (b *bed) die() {
	b.t.Helper()
	b.tree.ns.Lock()
	for _, timer := range b.tree.pending {
		timer.Stop()
	}
	b.tree.ns.Unlock()
	b.tree = newTree(b.tree.opt)
	if err := b.tree.recover(); err != nil {
		b.t.Fatal(err)
	}
}

// A save counts when its program has closed the file, though another one has it open all the time, and though nobody
// lives to see that one close it.
func TestSaveWhileAnotherHoldsTheFile(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.open("Inbox/a.eml", syscall.O_RDWR)
	b.save("Inbox/a.eml", note("one", "second"))
	b.die()
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	b.wantText("Inbox/a.eml", note("one", "second"))
}

// What another program was in the middle of writing does not count.
func TestHalfWrittenWhileAnotherCloses(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_WRONLY|syscall.O_TRUNC)
	b.write(h, note("one", "half"))
	other := b.open("Inbox/a.eml", syscall.O_RDWR)
	if err := b.close(other); err != nil {
		t.Fatal(err)
	}
	b.die()
	b.pass()
	b.wantChanges()
}

// A save of an older version that is still held open is kept when somebody else's version arrives and is replaced in
// its turn.
func TestHeldSaveSurvivesAReplacement(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	held := b.open("Inbox/a.eml", syscall.O_RDWR)
	b.save("Inbox/a.eml", note("one", "mine"))
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	b.read("Inbox/a.eml")
	b.save("Inbox/.tmp", note("one", "over theirs"))
	b.mustRename("Inbox/.tmp", "Inbox/a.eml")
	if err := b.close(held); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantText("Inbox/a.eml", note("one", "over theirs"))
	list := b.list("Sync Issues/Conflicts")
	if len(list) != 1 {
		t.Fatalf("the folder of conflicts holds %q", list)
	}
	b.wantText("Sync Issues/Conflicts/"+list[0], note("one", "mine"))
}

// A message is replaced by a rename, and before that becomes a change, somebody else moves the message: the save goes
// to the message where it is now, and takes it back to where the file is.
func TestSaveByBackupMeetsRemoteMove(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.mustRename("Inbox/a.eml", "Inbox/a.eml~")
	b.save("Inbox/a.eml", note("one", "second"))
	archive := b.dirID("Archive").num()
	err := b.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		if err := u.Move(num, archive, "a.eml"); err != nil {
			return err
		}
		return u.SetKeys(num, b.nextKey(), b.nextChange().ChangeKey(), nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges("edit Inbox/a.eml", "move Inbox/a.eml")
	list, err := b.journal()
	if err != nil {
		t.Fatal(err)
	}
	if from := list[1].From; from != archive {
		t.Errorf("the move is from %d, the server has the message in %d", from, archive)
	}
}

// What was closed becomes a change before what another program is still writing takes its place as what is durable.
func TestClosedSaveSurvivesAnUnfinishedOne(t *testing.T) {
	for name, path := range map[string]string{"message": "Inbox/a.eml", "new file": "Inbox/b.eml"} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			b.save(path, note("one", "closed"))
			h := b.open(path, syscall.O_RDWR|syscall.O_TRUNC)
			b.write(h, note("one", "not closed"))
			if err := h.sync(); err != nil {
				t.Fatal(err)
			}
			b.die()
			b.pass()
			list, err := b.journal()
			if err != nil || len(list) != 1 {
				t.Fatalf("%d changes, %v", len(list), err)
			}
			n := b.node(list[0].Item)
			blob, err := b.r.OpenBlob(n.Content)
			if err != nil {
				t.Fatal(err)
			}
			defer blob.Close()
			p := make([]byte, n.Size)
			if _, err := blob.ReadAt(p, 0); err != nil || string(p) != note("one", "closed") {
				t.Errorf("the change is %q, %v", p, err)
			}
		})
	}
}

// Who empties a file and writes it anew has nothing left of what another program was in the middle of writing.
func TestSaveOverHalfWritten(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_RDWR)
	b.write(h, note("one", "half"))
	b.save("Inbox/a.eml", note("one", "second"))
	b.die()
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	b.wantText("Inbox/a.eml", note("one", "second"))
}

// A file that was saved, that somebody else holds open, and that is moved to another folder before it becomes a
// message, becomes one there.
func TestHeldNewFileMoves(t *testing.T) {
	b := newBed(t)
	b.save("Inbox/a.eml", note("one", "first"))
	h := b.open("Inbox/a.eml", syscall.O_RDWR)
	b.mustRename("Inbox/a.eml", "Archive/a.eml")
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges("create Archive/a.eml")
}

// Two versions of a message were written to when somebody else removes it: both are kept.
func TestTwoVersionsWrittenToARemovedMessage(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	old := b.open("Inbox/a.eml", syscall.O_RDWR)
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	b.save("Inbox/a.eml", note("one", "over theirs"))
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	if err := old.truncate(0); err != nil {
		t.Fatal(err)
	}
	b.write(old, note("one", "over the first one"))
	if err := b.close(old); err != nil {
		t.Fatal(err)
	}
	b.pass()
	texts := map[string]bool{}
	for _, dir := range []string{"Inbox", "Sync Issues/Conflicts"} {
		for _, name := range b.list(dir) {
			texts[b.read(dir+"/"+name)] = true
		}
	}
	for _, want := range []string{"over theirs", "over the first one"} {
		if !texts[note("one", want)] {
			t.Errorf("%q is lost; there is %v", want, texts)
		}
	}
}

// What was saved to an older version, be it by a program that keeps the file open, is kept when the newer version is
// moved away by an editor that makes a backup.
func TestSaveSurvivesABackup(t *testing.T) {
	for _, remove := range []bool{false, true} {
		for _, hold := range []bool{false, true} {
			saveSurvivesABackup(t, remove, hold)
		}
	}
}

func saveSurvivesABackup(t *testing.T, remove, hold bool) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	held := b.open("Inbox/a.eml", syscall.O_RDWR)
	if !hold {
		b.tree.release(held)
	}
	b.save("Inbox/a.eml", note("one", "mine"))
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	b.read("Inbox/a.eml")
	b.mustRename("Inbox/a.eml", "Inbox/a.eml~")
	b.save("Inbox/a.eml", note("one", "over theirs"))
	if remove {
		b.unlink("Inbox/a.eml~")
	}
	if hold {
		b.tree.release(held)
	}
	b.pass()
	b.wantText("Inbox/a.eml", note("one", "over theirs"))
	kept := 0
	for _, dir := range []string{"Inbox", "Sync Issues/Conflicts"} {
		for _, name := range b.list(dir) {
			if b.read(dir+"/"+name) == note("one", "mine") {
				kept++
			}
		}
	}
	if kept != 1 {
		t.Errorf("backup removed %v, held %v: the other save is there %d times", remove, hold, kept)
	}

}

// A message is removed by somebody else while a program writes to it; what that has written so far stays as a file, and
// is saved again under its name. What the program writes then does not take the place of that.
func TestHeldVersionOfARemovedMessage(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	old := b.open("Inbox/a.eml", syscall.O_RDWR)
	write := func(text string) {
		if err := old.truncate(0); err != nil {
			t.Fatal(err)
		}
		b.write(old, text)
	}
	write(note("one", "half"))
	if err := old.sync(); err != nil {
		t.Fatal(err)
	}
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	if err := b.remove(num); err != nil {
		t.Fatal(err)
	}
	b.save("Inbox/a.eml", note("one", "saved over it"))
	write(note("one", "whole"))
	if err := b.close(old); err != nil {
		t.Fatal(err)
	}
	b.pass()
	texts := map[string]bool{}
	for _, dir := range []string{"Inbox", "Sync Issues/Conflicts"} {
		for _, name := range b.list(dir) {
			texts[b.read(dir+"/"+name)] = true
		}
	}
	for _, want := range []string{"saved over it", "whole"} {
		if !texts[note("one", want)] {
			t.Errorf("%q is lost; there is %v", want, texts)
		}
	}
}

// A program takes a message away, makes its name anew, and the machine dies before anything is written there. What the
// user did to the message goes to the server all the same: nobody is at that file any more.
func TestDiedBeforeTheNewFileWasWritten(t *testing.T) {
	for _, c := range []struct {
		name, at string
		away     func(b *bed)
		want     string
	}{
		{"removed", "Inbox/a.eml", func(b *bed) { b.unlink("Inbox/a.eml") }, "delete"},
		{"moved away", "Inbox/a.eml", func(b *bed) { b.mustRename("Inbox/a.eml", "Archive/a.eml~") }, "move"},
		{"moved in", "Inbox/x.eml", func(b *bed) {
			b.mustRename("Archive/x.eml", "Inbox/x.eml")
			b.mustRename("Inbox/x.eml", "Inbox/x.eml~")
		}, "move"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			b.must(b.deliver("Archive", "x.eml", note("two", "first")))
			c.away(b)
			b.open(c.at, syscall.O_WRONLY|syscall.O_CREAT)
			b.die()
			list, err := b.journal()
			if err != nil || len(list) != 1 || !strings.HasPrefix(b.changes()[0], c.want) ||
				list[0].Ready.After(b.clock.Now().Add(b.tree.opt.IdleWindow)) {
				t.Fatalf("%v, %v, %+v", err, b.changes(), list)
			}
			b.save(c.at, note("one", "after all"))
			b.pass()
			b.wantText(c.at, note("one", "after all"))
		})
	}
}

// What was closed is closed under the next name as well, though another program is in the middle of writing to the file
// when it is moved.
func TestClosedSaveIsMovedWhileAnotherWrites(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.must(b.deliver("Inbox", "b.eml", note("two", "first")))
	b.save("Inbox/.tmp", note("one", "closed"))
	b.mustRename("Inbox/.tmp", "Inbox/a.eml")
	h := b.open("Inbox/a.eml", syscall.O_RDWR|syscall.O_TRUNC)
	b.write(h, note("one", "not closed"))
	b.mustRename("Inbox/a.eml", "Inbox/b.eml")
	b.die()
	b.pass()
	b.wantChanges("delete 9", "edit Inbox/b.eml")
	b.wantText("Inbox/b.eml", note("one", "closed"))
}
