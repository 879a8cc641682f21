package fs

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/replica"
)

func (b *bed) must(num replica.Num, err error) replica.Num {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return num
}

func (b *bed) wantChanges(want ...string) {
	b.t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, b.changes()); diff != "" {
		b.t.Fatalf("journal (-want +got):\n%s", diff)
	}
}

func (b *bed) wantText(path, want string) {
	b.t.Helper()
	if got := b.read(path); got != want {
		b.t.Fatalf("%s holds %q, want %q", path, got, want)
	}
	if a := b.at(path).attr; a.size != int64(len(want)) || !a.exact {
		b.t.Fatalf("%s has size %d (exact %t), want %d", path, a.size, a.exact, len(want))
	}
}

// xattr returns an attribute, "" if it is not there.
func (b *bed) xattr(path, name string) string {
	b.t.Helper()
	v, err := b.tree.getxattr(b.at(path).id, name)
	if err != nil && err != syscall.ENODATA {
		b.t.Fatal(err)
	}
	return string(v)
}

func TestEditInPlace(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	before := b.node(num)
	text := note("one", "second")
	b.save("Inbox/a.eml", text)
	b.wantChanges()
	b.wantText("Inbox/a.eml", text)
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
	n := b.node(num)
	if n.Message.SourceKey != before.Message.SourceKey || n.Version == before.Version {
		t.Fatalf("after an edit: %+v", n)
	}
	list, _ := b.journal()
	if got := list[0].Base; got.Version != before.Version || got.ChangeKey != before.Message.ChangeKey {
		t.Fatalf("base %+v, want version %d", got, before.Version)
	}
	// Saved again before it is sent: one change.
	b.save("Inbox/a.eml", note("one", "third"))
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
}

func TestUnchangedBytesUploadNothing(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/a.eml", b.read("Inbox/a.eml"))
	b.pass()
	b.wantChanges()
}

func TestCreate(t *testing.T) {
	b := newBed(t)
	text := note("new", "hello")
	b.save("Inbox/new.eml", text)
	num := b.at("Inbox/new.eml").node.Num
	b.wantChanges()
	b.pass()
	b.wantChanges("create Inbox/new.eml")
	b.wantText("Inbox/new.eml", text)
	if n := b.node(num); n.Kind != replica.KindMessage || n.Message.Subject != "new" || n.Message.From != "Anna Berg <anna@example.org>" {
		t.Fatalf("made %+v", n)
	}
	// Unlinked before it is sent: nothing is left to send.
	b.unlink("Inbox/new.eml")
	b.wantChanges()
}

func TestLocalFilesStayLocal(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{".new.eml.swp", "new.eml~", "notes.txt", ".hidden.eml", "4913", "empty.eml"} {
		h := b.open("Inbox/"+name, syscall.O_CREAT|syscall.O_WRONLY)
		if name != "empty.eml" {
			b.write(h, note("x", name))
		}
		if err := b.close(h); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	b.pass()
	b.wantChanges()
	if got := b.read("Inbox/notes.txt"); got != note("x", "notes.txt") {
		t.Fatalf("notes.txt holds %q", got)
	}
	if got := b.xattr("Inbox/notes.txt", xattrState); got != "local" {
		t.Fatalf("state %q", got)
	}
}

func TestUnparsable(t *testing.T) {
	b := newBed(t)
	h := b.open("Inbox/bad.eml", syscall.O_CREAT|syscall.O_WRONLY)
	// A shell flushes a duplicate before the data comes.
	if err := h.flush(false); err != nil {
		t.Fatalf("flush of 0 bytes: %v", err)
	}
	b.write(h, "this is not a message\n")
	if err := b.close(h); err != syscall.EINVAL {
		t.Fatalf("close: %v, want EINVAL", err)
	}
	b.pass()
	b.wantChanges()
	if got := b.read("Inbox/bad.eml"); got != "this is not a message\n" {
		t.Fatalf("lost: %q", got)
	}
	if b.xattr("Inbox/bad.eml", xattrError) == "" {
		t.Fatal("no reason given")
	}
	if p, err := b.tree.localList(); err != nil || !strings.Contains(string(p), "Inbox/bad.eml\t") {
		t.Fatalf("local list %q, %v", p, err)
	}
	b.save("Inbox/bad.eml", note("good", "now"))
	b.pass()
	b.wantChanges("create Inbox/bad.eml")
	if got := b.xattr("Inbox/bad.eml", xattrError); got != "" {
		t.Fatalf("reason is still %q", got)
	}
}

func TestUnparsableEdit(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	h := b.open("Inbox/a.eml", syscall.O_WRONLY|syscall.O_TRUNC)
	b.write(h, "garbage")
	if err := b.close(h); err != syscall.EINVAL {
		t.Fatalf("close: %v", err)
	}
	b.pass()
	b.wantChanges()
	b.wantText("Inbox/a.eml", "garbage")
	if b.xattr("Inbox/a.eml", xattrState) != "error" {
		t.Fatal("no error state")
	}
}

// saveByRename is how sed, rsync and GLib programs save.
func (b *bed) saveByRename(temp, path, text string) {
	b.t.Helper()
	b.save(temp, text)
	b.mustRename(temp, path)
}

func TestSaveByRename(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	if err := b.tree.setxattr(b.at("Inbox/a.eml").id, xattrFlag, []byte("flagged"), 0); err != nil {
		t.Fatal(err)
	}
	before := b.node(num)
	text := note("one", "second")
	b.save("Inbox/sedXYZ", text)
	temp := b.at("Inbox/sedXYZ").node.Num
	b.mustRename("Inbox/sedXYZ", "Inbox/a.eml")
	b.wantText("Inbox/a.eml", text)
	check := func() {
		t.Helper()
		if got := b.at("Inbox/a.eml").attr.ino; got != uint64(temp) {
			t.Fatalf("inode %d, want that of the renamed file, %d", got, temp)
		}
		if b.xattr("Inbox/a.eml", xattrFlag) != "flagged" || b.xattr("Inbox/a.eml", xattrSourceKey) != before.Message.SourceKey.String() {
			t.Fatal("identity or flag lost")
		}
	}
	check()
	b.pass()
	check()
	b.wantText("Inbox/a.eml", text)
	b.wantChanges("props Inbox/a.eml", "edit Inbox/a.eml")
	list, _ := b.journal()
	if got := list[1].Base; got.ChangeKey != before.Message.ChangeKey {
		t.Fatalf("base %+v", got)
	}
	// And once more, twice within one window.
	b.saveByRename("Inbox/sed1", "Inbox/a.eml", note("one", "third"))
	b.saveByRename("Inbox/sed2", "Inbox/a.eml", note("one", "fourth"))
	b.pass()
	b.wantText("Inbox/a.eml", note("one", "fourth"))
	b.wantChanges("props Inbox/a.eml", "edit Inbox/a.eml")
}

func TestSaveByRenameOfNoMessage(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.save("Inbox/temp", "not a message")
	if err := b.rename("Inbox/temp", "Inbox/a.eml", 0); err != syscall.EINVAL {
		t.Fatalf("rename: %v, want EINVAL", err)
	}
	if !strings.Contains(b.read("Inbox/a.eml"), "first") {
		t.Fatal("the message is damaged")
	}
}

// vimSave is vim with backupcopy=no: the original is moved away, the name made anew, the backup removed.
func (b *bed) vimSave(path, text string, keepBackup bool) {
	b.t.Helper()
	b.mustRename(path, path+"~")
	b.save(path, text)
	if !keepBackup {
		b.unlink(path + "~")
	}
}

func TestSaveByMovingAway(t *testing.T) {
	for _, keep := range []bool{false, true} {
		b := newBed(t)
		num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
		sk, old := b.node(num).Message.SourceKey, b.read("Inbox/a.eml")
		b.vimSave("Inbox/a.eml", note("one", "second"), keep)
		b.vimSave("Inbox/a.eml", note("one", "third"), keep)
		b.pass()
		b.wantChanges("edit Inbox/a.eml")
		b.wantText("Inbox/a.eml", note("one", "third"))
		if got := b.at("Inbox/a.eml").node.Message.SourceKey; got != sk {
			t.Fatalf("keep %t: identity lost", keep)
		}
		if keep {
			if got := b.read("Inbox/a.eml~"); got == old || got != note("one", "second") {
				t.Fatalf("backup holds %q", got)
			}
		} else if got := b.list("Inbox"); len(got) != 1 {
			t.Fatalf("left: %v", got)
		}
	}
}

func TestUnlinkAndCreate(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	sk := b.node(num).Message.SourceKey
	b.unlink("Inbox/a.eml")
	b.save("Inbox/a.eml", note("one", "second"))
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	if got := b.at("Inbox/a.eml").node.Message.SourceKey; got != sk {
		t.Fatal("identity lost")
	}
	// Outside the window it is a deletion and a new message.
	b.unlink("Inbox/a.eml")
	b.pass()
	b.save("Inbox/a.eml", note("one", "third"))
	b.pass()
	if got := b.at("Inbox/a.eml").node.Message.SourceKey; got != "" {
		t.Fatal("still the old message")
	}
}

func TestUnlinkCreateAndGiveUp(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.unlink("Inbox/a.eml")
	b.save("Inbox/a.eml", note("one", "second"))
	list, _ := b.journal()
	if len(list) != 1 || !list[0].Ready.Equal(farOff) {
		t.Fatalf("the deletion is not held back: %+v", list)
	}
	b.unlink("Inbox/a.eml")
	list, _ = b.journal()
	if len(list) != 1 || list[0].Item != num || list[0].Kind != replica.ChangeDelete || list[0].Ready.Equal(farOff) {
		t.Fatalf("the deletion is not released: %+v", list[0])
	}
}

func TestRenameAwayStaysMessage(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.mustRename("Inbox/a.eml", "Inbox/a.eml.bak")
	b.pass()
	b.wantChanges()
	if n := b.node(num); n.Kind != replica.KindMessage || n.Name != "a.eml.bak" {
		t.Fatalf("%+v", n)
	}
	b.save("Inbox/a.eml", note("two", "x"))
	b.pass()
	b.wantChanges("create Inbox/a.eml")
}

func TestMoveAndDelete(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.mustRename("Inbox/a.eml", "Archive/b.eml")
	list, _ := b.journal()
	if len(list) != 1 || list[0].Kind != replica.ChangeMove || list[0].From != b.folders["Inbox"] || list[0].Folder != b.folders["Archive"] {
		t.Fatalf("%+v", list)
	}
	if !list[0].Ready.After(b.clock.Now()) {
		t.Fatal("ready before the window has passed")
	}
	b.mustRename("Archive/b.eml", "Inbox/a.eml")
	b.wantChanges() // there and back
	b.unlink("Inbox/a.eml")
	list, _ = b.journal()
	if len(list) != 1 || list[0].Kind != replica.ChangeDelete || list[0].Item != num || list[0].Hard {
		t.Fatalf("%+v", list)
	}
	b.must(b.deliver("Deleted Items", "d.eml", note("gone", "x")))
	b.unlink("Deleted Items/d.eml")
	list, _ = b.journal()
	if len(list) != 2 || !list[1].Hard {
		t.Fatalf("%+v", list)
	}
}

func TestStaleHandle(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	first := b.read("Inbox/a.eml")
	base := b.node(num)
	id := b.at("Inbox/a.eml").id
	h := b.open("Inbox/a.eml", syscall.O_RDWR)
	reader := b.open("Inbox/a.eml", syscall.O_RDONLY)
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	// The name leads to the new version under a new id; what is open stays as it was.
	e := b.at("Inbox/a.eml")
	if e.id == id || e.attr.ino != uint64(num) {
		t.Fatalf("id %x, inode %d", e.id, e.attr.ino)
	}
	if got := b.read("Inbox/a.eml"); !strings.Contains(got, "theirs") {
		t.Fatalf("the name leads to %q", got)
	}
	if got := b.readHandle(reader); got != first {
		t.Fatalf("the open handle reads %q", got)
	}
	if a, err := b.tree.getattr(id); err != nil || a.size != int64(len(first)) {
		t.Fatalf("attributes of the old version: %+v, %v", a, err)
	}
	text := note("one", "mine")
	b.write(h, text)
	if err := h.f.truncate(int64(len(text))); err != nil {
		t.Fatal(err)
	}
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.tree.release(reader)
	b.pass()
	list, _ := b.journal()
	if len(list) != 1 || list[0].Kind != replica.ChangeEdit || list[0].Base.ChangeKey != base.Message.ChangeKey {
		t.Fatalf("the change does not tell its old base: %+v", list)
	}
	b.wantText("Inbox/a.eml", text)
	if _, err := b.tree.getattr(id); err != syscall.ESTALE {
		t.Fatalf("the old id: %v, want ESTALE", err)
	}
	if err := b.r.View(func(v *replica.View) error {
		m, err := v.BaseMessage(num)
		if err == nil && !strings.Contains(string(m.Properties.String(0x1000001f)), "theirs") {
			t.Errorf("the base is %v", m.Properties)
		}
		return err
	}); err != nil {
		t.Fatalf("their version is lost: %v", err)
	}
}

func TestTwoStaleWriters(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	old := b.open("Inbox/a.eml", syscall.O_WRONLY|syscall.O_TRUNC)
	b.write(old, note("one", "mine, of the first"))
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	if err := old.sync(); err != nil {
		t.Fatal(err)
	}
	b.save("Inbox/a.eml", note("one", "mine, of the second"))
	if err := b.close(old); err != nil {
		t.Fatal(err)
	}
	b.pass()
	texts := b.read("Inbox/a.eml")
	for _, name := range b.list("Sync Issues/Conflicts") {
		texts += b.read("Sync Issues/Conflicts/" + name)
	}
	for _, want := range []string{"mine, of the first", "mine, of the second"} {
		if !strings.Contains(texts, want) {
			t.Errorf("%q is lost; there is %q", want, texts)
		}
	}
}

func TestSaveByRenameBase(t *testing.T) {
	b := newBed(t)
	events, cancel := b.r.Subscribe()
	defer cancel()
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	b.read("Inbox/a.eml")
	first := b.node(num).Message.ChangeKey
	b.save("Inbox/temp", note("one", "mine"))
	if err := b.edit(num, note("one", "theirs")); err != nil {
		t.Fatal(err)
	}
	for {
		batch := <-events
		b.tree.digest(batch)
		if len(batch) > 0 && batch[0].Kind == replica.EventContent && batch[0].Remote {
			break
		}
	}
	b.mustRename("Inbox/temp", "Inbox/a.eml")
	b.pass()
	list, _ := b.journal()
	if len(list) != 1 || list[0].Kind != replica.ChangeEdit || list[0].Base.ChangeKey != first {
		t.Fatalf("the change does not tell the version that was there when its file was made: %+v", list[0])
	}
}

func TestExchange(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	sk, first := b.node(num).Message.SourceKey, b.read("Inbox/a.eml")
	b.save("Inbox/a.sb-1", note("one", "second"))
	if err := b.rename("Inbox/a.sb-1", "Inbox/a.eml", renameExchange); err != nil {
		t.Fatal(err)
	}
	b.wantText("Inbox/a.eml", note("one", "second"))
	b.wantText("Inbox/a.sb-1", first)
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	if got := b.at("Inbox/a.eml").node.Message.SourceKey; got != sk {
		t.Fatal("identity lost")
	}
	b.wantText("Inbox/a.sb-1", first)
	if b.node(num).Kind != replica.KindFile {
		t.Fatal("what stayed behind is still a message")
	}
	b.must(b.deliver("Archive", "x.eml", note("x", "x")))
	if err := b.rename("Inbox/a.eml", "Archive/x.eml", renameNoReplace); err != syscall.EEXIST {
		t.Fatalf("RENAME_NOREPLACE: %v", err)
	}
}

func TestFolders(t *testing.T) {
	b := newBed(t)
	if _, err := b.tree.mkdir(b.dirID("Inbox"), "A\u2215B", 0o755); err != nil {
		t.Fatal(err)
	}
	b.wantChanges("mkdir Inbox/A\u2215B")
	if n := b.at("Inbox/A\u2215B").node; n.Folder.DisplayName != "A/B" {
		t.Fatalf("display name %q", n.Folder.DisplayName)
	}
	if err := b.tree.rmdir(b.dirID("Inbox"), "A\u2215B"); err != nil {
		t.Fatal(err)
	}
	b.wantChanges()
	for _, c := range []struct {
		name string
		err  error
	}{{"Inbox", syscall.EPERM}, {"Sync Issues", syscall.EPERM}} {
		if err := b.tree.rmdir(rootID, c.name); err != c.err {
			t.Errorf("rmdir %s: %v", c.name, err)
		}
		if err := b.rename(c.name, "other", 0); err != syscall.EPERM {
			t.Errorf("rename %s: %v", c.name, err)
		}
	}
	b.save("Archive/.directory", "x")
	b.must(b.deliver("Archive", "a.eml", note("one", "x")))
	if err := b.tree.rmdir(rootID, "Archive"); err != syscall.ENOTEMPTY {
		t.Fatalf("rmdir: %v", err)
	}
	b.unlink("Archive/a.eml")
	if err := b.tree.rmdir(rootID, "Archive"); err != nil {
		t.Fatalf("rmdir with a hidden local file left: %v", err)
	}
}

func TestOverlayDirectoryBecomesFolder(t *testing.T) {
	b := newBed(t)
	if _, err := b.tree.mkdir(b.dirID("Inbox"), ".tmp", 0o755); err != nil {
		t.Fatal(err)
	}
	b.save("Inbox/.tmp/a.eml", note("one", "x"))
	b.save("Inbox/.tmp/notes.txt", "plain")
	num := b.must(b.deliver("Inbox", "m.eml", note("two", "x")))
	if err := b.rename("Inbox/m.eml", "Inbox/.tmp/m.eml", 0); err != syscall.EXDEV {
		t.Fatalf("a message into a local directory: %v, want EXDEV", err)
	}
	_ = num
	b.pass()
	b.wantChanges()
	b.mustRename("Inbox/.tmp", "Inbox/Project")
	b.pass()
	b.wantChanges("mkdir Inbox/Project", "create Inbox/Project/a.eml")
}

func TestOutbox(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "x")))
	if err := b.rename("Inbox/a.eml", "Outbox/a.eml", 0); err != syscall.EPERM {
		t.Fatalf("move: %v", err)
	}
	if _, err := b.tree.mknod(b.dirID("Outbox"), "b.eml", 0o600); err != syscall.EPERM {
		t.Fatalf("create: %v", err)
	}
	b.save("Inbox/temp", note("x", "x"))
	if err := b.rename("Inbox/temp", "Outbox/b.eml", 0); err != syscall.EPERM {
		t.Fatalf("rename: %v", err)
	}
}

func TestTimes(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "x")))
	id := b.at("Inbox/a.eml").id
	before := b.at("Inbox/a.eml").attr
	b.clock.Advance(time.Hour)
	if err := b.tree.setxattr(id, xattrRead, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	a := b.at("Inbox/a.eml").attr
	if !a.mtime.Equal(before.mtime) || !a.ctime.After(before.ctime) {
		t.Fatalf("marking read: mtime %v, ctime %v", a.mtime, a.ctime)
	}
	at := time.Date(2001, 2, 3, 4, 5, 6, 700, time.UTC)
	if _, err := b.tree.setattr(t.Context(), id, nil, changes{mtime: &at}, 1); err != nil {
		t.Fatal(err)
	}
	if a := b.at("Inbox/a.eml").attr; !a.mtime.Equal(at) {
		t.Fatalf("utimens: %v", a.mtime)
	}
	b.pass()
	b.wantChanges("read Inbox/a.eml")
	// rsync: written, stamped, renamed; the stamp stays.
	b.save("Inbox/.a.eml.Xy", note("one", "y"))
	if _, err := b.tree.setattr(t.Context(), b.at("Inbox/.a.eml.Xy").id, nil, changes{mtime: &at}, 1); err != nil {
		t.Fatal(err)
	}
	b.mustRename("Inbox/.a.eml.Xy", "Inbox/a.eml")
	b.pass()
	if a := b.at("Inbox/a.eml").attr; !a.mtime.Equal(at) {
		t.Fatalf("after a save by rename: %v", a.mtime)
	}
}

func TestUnlinkedWhileOpen(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	text := b.read("Inbox/a.eml")
	h := b.open("Inbox/a.eml", syscall.O_RDWR)
	id := h.f.id
	b.unlink("Inbox/a.eml")
	if got := b.readHandle(h); got != text {
		t.Fatalf("reads %q", got)
	}
	a, err := b.tree.getattr(id)
	if err != nil || a.nlink != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	b.write(h, "whatever")
	if err := b.close(h); err != nil {
		t.Fatal(err)
	}
	b.pass()
	list, _ := b.journal()
	if len(list) != 1 || list[0].Kind != replica.ChangeDelete {
		t.Fatalf("%+v", list)
	}
}
