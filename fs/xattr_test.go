package fs

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"mailfs/mapi"
	"mailfs/replica"
)

// What cp -a and rsync -X set on a file that is about to become a message is kept for it.
func TestXattrsOfFutureMessage(t *testing.T) {
	b := newBed(t)
	set := func(path, name, value string) error {
		return b.tree.setxattr(b.at(path).id, name, []byte(value), 0)
	}
	b.save("Inbox/new.eml", note("one", "first"))
	for name, value := range map[string]string{xattrRead: "0", xattrFlag: "flagged", xattrState: "full", xattrSourceKey: "00",
		xattrMimeType: "message/rfc822", xattrSubject: "else", "user.xdg.tags": "a,b"} {
		if err := set("Inbox/new.eml", name, value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := set("Inbox/new.eml", xattrRead, "maybe"); err != syscall.EINVAL {
		t.Fatalf("a wrong value: %v", err)
	}
	check := func(when, state string) {
		t.Helper()
		for name, want := range map[string]string{xattrRead: "0", xattrFlag: "flagged", xattrState: state, "user.xdg.tags": "a,b"} {
			if got := b.xattr("Inbox/new.eml", name); got != want {
				t.Errorf("%s: %s is %q, want %q", when, name, got, want)
			}
		}
	}
	check("before", "local")
	b.pass()
	check("after", "queued")
	n := b.at("Inbox/new.eml").node
	if n.Message == nil || n.Message.Read || n.Message.Flag != 2 || n.Xattrs[xattrRead] != nil || n.Xattrs[xattrFlag] != nil {
		t.Fatalf("the message: %+v %v", n.Message, n.Xattrs)
	}
	list, err := b.journal()
	if err != nil || len(list) != 1 || list[0].Set.Int(mapi.PidTagFlagStatus) != 2 {
		t.Fatalf("journal %+v, %v", list, err)
	}

	// rsync -X over a message: the temporary file's state becomes that of the message.
	b.save("Inbox/.new.eml.XyZ", note("one", "second"))
	for name, value := range map[string]string{xattrRead: "1", xattrFlag: "none"} {
		if err := set("Inbox/.new.eml.XyZ", name, value); err != nil {
			t.Fatal(err)
		}
	}
	b.mustRename("Inbox/.new.eml.XyZ", "Inbox/new.eml")
	b.pass()
	if got := b.xattr("Inbox/new.eml", xattrRead) + b.xattr("Inbox/new.eml", xattrFlag); got != "1none" {
		t.Errorf("after a save by rename: %q", got)
	}

	// Removing what mailfs tells does nothing; removing what a local file keeps does.
	b.save("Inbox/.x", "text")
	if err := set("Inbox/.x", xattrRead, "0"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{xattrRead, xattrState} {
		if err := b.tree.removexattr(b.at("Inbox/.x").id, name); err != nil {
			t.Errorf("removing %s: %v", name, err)
		}
	}
	if b.xattr("Inbox/.x", xattrRead) != "" || b.xattr("Inbox/.x", xattrState) != "local" {
		t.Error("removed the wrong one")
	}
}

// A message that is being written is removed by somebody else while its flag is set: the flag is kept for what the
// writing becomes.
func TestFlagMeetsRemoval(t *testing.T) {
	for name, value := range map[string]string{xattrFlag: "flagged", xattrRead: "1"} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			b.save("Inbox/a.eml", note("one", "second"))
			id := b.at("Inbox/a.eml").id
			b.fixture.step = func() {
				b.fixture.step = nil
				if err := b.remove(num); err != nil {
					t.Error(err)
				}
			}
			if err := b.tree.setxattr(id, name, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
			b.pass()
			b.wantChanges("create Inbox/a.eml")
			if got := b.xattr("Inbox/a.eml", name); got != value {
				t.Errorf("%s is %q", name, got)
			}
		})
	}
}

// What can be written of a message is a change of single properties, also of a message whose body is not here, and
// also while an edit waits.
func TestWritableXattrs(t *testing.T) {
	b := newBed(t)
	set := func(path, name, value string) {
		t.Helper()
		if err := b.tree.setxattr(b.at(path).id, name, []byte(value), 0); err != nil {
			t.Fatalf("%s of %s: %v", name, path, err)
		}
	}
	b.must(b.header("Inbox", "h.eml", note("header", "x"), 55))
	set("Inbox/h.eml", xattrImportance, "high")
	set("Inbox/h.eml", xattrTags, "Blue, Größe,Blue")
	if got := b.xattr("Inbox/h.eml", xattrImportance) + " " + b.xattr("Inbox/h.eml", xattrTags); got != "high Blue,Größe" {
		t.Errorf("of a header: %q", got)
	}
	list, err := b.journal()
	if err != nil || len(list) != 1 || list[0].Kind != replica.ChangeProps || list[0].Set.Int(mapi.PidTagImportance) != 2 ||
		!slices.Equal(list[0].Set.GetNamed(keywords).([]string), []string{"Blue", "Größe"}) {
		t.Fatalf("journal %+v, %v", list, err)
	}
	if b.node(list[0].Item).Message.State != replica.StateHeader {
		t.Error("the body was downloaded")
	}
	set("Inbox/h.eml", xattrTags, "Blue,Größe") // as it is
	b.wantChanges("props Inbox/h.eml")
	for _, name := range []string{xattrTags, xattrImportance, xattrFlag} {
		want := error(nil)
		if err := b.tree.removexattr(b.at("Inbox/h.eml").id, name); err != want {
			t.Errorf("removing %s: %v", name, err)
		}
	}
	if err := b.tree.removexattr(b.at("Inbox/h.eml").id, xattrTags); err != syscall.ENODATA {
		t.Errorf("removing what is gone: %v", err)
	}
	if got := b.xattr("Inbox/h.eml", xattrImportance) + " " + b.xattr("Inbox/h.eml", xattrTags); got != "normal " {
		t.Errorf("after the removal: %q", got)
	}

	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	set("Inbox/a.eml", xattrTags, "Red")
	b.save("Inbox/a.eml", note("one", "second"))
	set("Inbox/a.eml", xattrImportance, "high")
	b.pass()
	if got := b.xattr("Inbox/a.eml", xattrImportance) + " " + b.xattr("Inbox/a.eml", xattrTags); got != "high Red" {
		t.Errorf("around an edit: %q", got)
	}
	b.wantChanges("props Inbox/h.eml", "props Inbox/a.eml", "edit Inbox/a.eml")

	// A category with a comma in its name stays one.
	num := b.at("Inbox/a.eml").node.Num
	if err := b.r.Update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		n.Message.Categories = []string{"Smith, John", "Red"}
		return u.Save(n)
	}); err != nil {
		t.Fatal(err)
	}
	shown := b.xattr("Inbox/a.eml", xattrTags)
	set("Inbox/a.eml", xattrTags, shown+",Green")
	if got := b.node(num).Message.Categories; !slices.Equal(got, []string{"Smith, John", "Red", "Green"}) {
		t.Errorf("%q became %q", shown, got)
	}
}

func TestFolderXattrs(t *testing.T) {
	b := newBed(t, func(o *Options) { o.ValidKeep = func(s string) bool { return s == "all" || s == "12m" } })
	for _, name := range []string{"a.eml", "b.eml", "c.eml"} {
		b.must(b.deliver("Inbox", name, note(name, "x")))
	}
	b.save("Inbox/notes.txt", "local")
	inbox := b.at("Inbox").id
	want := func(name, value string) {
		t.Helper()
		if got := b.xattr("Inbox", name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	want(xattrCount, "3")
	want(xattrUnread, "3")
	if err := b.tree.setxattr(b.at("Inbox/b.eml").id, xattrRead, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	want(xattrUnread, "2")
	want(xattrKeep, "")
	for value, errno := range map[string]error{"12m": nil, "weird": syscall.EINVAL} {
		if err := b.tree.setxattr(inbox, xattrKeep, []byte(value), 0); err != errno {
			t.Errorf("keep %s: %v", value, err)
		}
	}
	want(xattrKeep, "12m")
	if err := b.tree.removexattr(inbox, xattrKeep); err != nil {
		t.Fatal(err)
	}
	want(xattrKeep, "")
	if err := b.tree.removexattr(inbox, xattrKeep); err != syscall.ENODATA {
		t.Errorf("removing no policy: %v", err)
	}
	if err := b.tree.setxattr(inbox, xattrRead, []byte("1"), 0); err != syscall.EOPNOTSUPP {
		t.Errorf("a folder was read: %v", err)
	}
	if err := b.tree.setxattr(b.at("Inbox/a.eml").id, xattrKeep, []byte("12m"), 0); err != syscall.EOPNOTSUPP {
		t.Errorf("a message has a policy: %v", err)
	}
	if err := b.tree.setxattr(inbox, xattrTags, []byte("mine"), 0); err != nil {
		t.Errorf("a tag of a folder: %v", err)
	}
	want(xattrTags, "mine")
	list, err := b.tree.listxattr(inbox)
	if wanted := []string{xattrClass, xattrCount, xattrSourceKey, xattrUnread, xattrTags}; err != nil || !slices.Equal(list, slices.DeleteFunc(wanted, func(n string) bool { return n == xattrClass && !slices.Contains(list, n) })) {
		t.Errorf("a folder lists %q, %v", list, err)
	}
}

// The errors of the calls, as the kernel passes them on.
func TestXattrErrors(t *testing.T) {
	m := start(t, childConfig{})
	a, inbox := m.path("Inbox/a.eml"), m.path("Inbox")
	buf := make([]byte, 1<<16)
	for name, want := range map[string]error{
		"user.nothing": syscall.ENODATA, "user.mailfs.nothing": syscall.ENODATA, xattrTags: syscall.ENODATA,
		"security.selinux": syscall.EOPNOTSUPP, "security.capability": syscall.EOPNOTSUPP, "trusted.x": syscall.EOPNOTSUPP,
		"system.posix_acl_access": syscall.EOPNOTSUPP, "system.posix_acl_default": syscall.EOPNOTSUPP,
	} {
		if _, err := unix.Getxattr(a, name, buf); err != want {
			t.Errorf("get %s: %v, want %v", name, err, want)
		}
	}
	if _, err := unix.Getxattr(a, xattrState, buf[:2]); err != syscall.ERANGE {
		t.Errorf("into two bytes: %v", err)
	}
	if n, err := unix.Getxattr(a, xattrState, nil); n != 4 || err != nil {
		t.Errorf("the size is %d, %v", n, err)
	}
	if _, err := unix.Listxattr(a, buf[:10]); err != syscall.ERANGE {
		t.Errorf("a list into ten bytes: %v", err)
	}
	for _, c := range []struct {
		path, name, value string
		flags             int
		want              error
	}{
		{a, "trusted.x", "1", 0, syscall.EOPNOTSUPP},
		{a, xattrImportance, "urgent", 0, syscall.EINVAL},
		{a, xattrTags, "\xff", 0, syscall.EINVAL},
		{a, xattrTags, strings.Repeat("x", 256), 0, syscall.EINVAL},
		{a, xattrImportance, "high", unix.XATTR_CREATE, syscall.EEXIST},
		{a, xattrTags, "x", unix.XATTR_REPLACE, syscall.ENODATA},
		{a, "user.mine", "x", unix.XATTR_REPLACE, syscall.ENODATA},
		{a, "user.mine", "x", unix.XATTR_CREATE, nil},
		{a, "user.mine", "x", unix.XATTR_CREATE, syscall.EEXIST},
		{a, "user.large", strings.Repeat("x", 1<<16+1), 0, syscall.E2BIG},
		{a, xattrSourceKey, "00", 0, nil}, // told, and let be
		{inbox, xattrKeep, "weird", 0, syscall.EINVAL},
		{inbox, xattrFlag, "flagged", 0, syscall.EOPNOTSUPP},
		{m.path(".mailfs/status"), "user.mine", "x", 0, syscall.EPERM},
		{m.path(".mailfs"), "user.mine", "x", 0, syscall.EPERM},
	} {
		if err := unix.Setxattr(c.path, c.name, []byte(c.value), c.flags); err != c.want && (err != nil || c.want != nil) {
			t.Errorf("set %s of %s to %.20q with %d: %v, want %v", c.name, c.path, c.value, c.flags, err, c.want)
		}
	}
	for i := range 17 {
		err := unix.Setxattr(a, fmt.Sprint("user.fill", i), buf, 0)
		if want := error(nil); i == 16 && err != syscall.ENOSPC || i < 15 && err != want {
			t.Errorf("attribute %d: %v", i, err)
		}
	}
	for name, want := range map[string]error{"user.nothing": syscall.ENODATA, "trusted.x": syscall.EOPNOTSUPP, xattrClass: nil} {
		if err := unix.Removexattr(a, name); err != want && (err != nil || want != nil) {
			t.Errorf("remove %s: %v, want %v", name, err, want)
		}
	}
}

// Copies with cp -a and rsync -X are messages with the state of the original, categories included.
func TestCopiesKeepXattrs(t *testing.T) {
	for name, copying := range map[string][]string{
		"cp":    {"cp", "-a", "Inbox/a.eml", "Archive/a.eml"},
		"rsync": {"rsync", "-aX", "Inbox/a.eml", "Archive/a.eml"},
	} {
		t.Run(name, func(t *testing.T) {
			tool, err := exec.LookPath(copying[0])
			if err != nil {
				t.Skipf("no %s here", copying[0])
			}
			m := start(t, childConfig{})
			a := m.path("Inbox/a.eml")
			state := map[string]string{xattrRead: "0", xattrFlag: "flagged", xattrImportance: "high", xattrTags: "Red,Größe", "user.mine": "x"}
			for name, value := range state {
				if err := unix.Setxattr(a, name, []byte(value), 0); err != nil {
					t.Fatal(name, err)
				}
			}
			from, to := m.path(copying[2]), m.path(copying[3])
			for range 2 { // the second time over what the first one made
				if out, err := command(t, tool, copying[1], from, to); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				m.pass()
				for name, want := range state {
					if got, err := getxattr(to, name); got != want || err != nil {
						t.Errorf("%s of the copy is %q, %v", name, got, err)
					}
				}
			}
			if got, err := getxattr(to, xattrState); got != "queued" || err != nil {
				t.Errorf("the copy is %q, %v", got, err)
			}
			if _, err := getxattr(to, xattrSourceKey); err != syscall.ENODATA {
				t.Errorf("the copy has the original's identity: %v", err)
			}
			if got := m.do("journal", "", "", 0).List; !slices.Contains(got, "create Archive/a.eml") {
				t.Errorf("journal %q", got)
			}
		})
	}
}
