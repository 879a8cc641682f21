package fs

import (
	"syscall"
	"testing"

	"mailfs/mapi"
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
