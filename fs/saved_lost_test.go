package fs

import (
	"strings"
	"testing"

	"mailfs/replica"
)

// A file takes the place of a message that was made from an older version; the one in place is somebody else's that a server which
// was put back has lost, and goes up again as if it was made here. It is not replaced unseen.
func TestReplacesVersionThatTheServerLost(t *testing.T) {
	for name, lost := range map[string]bool{"lost": true, "made here": false} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			b.read("Inbox/a.eml")
			b.save("Inbox/.tmp", note("one", "mine"))
			b.mustRename("Inbox/.tmp", "Inbox/a.eml")
			if err := b.edit(num, note("one", "theirs")); err != nil {
				t.Fatal(err)
			}
			err := b.r.Update(func(u *replica.Update) error {
				n, err := u.Node(num)
				if err != nil {
					return err
				}
				u.Remote(true)
				if lost {
					if err := u.VoidBases(num, n.Version, n.Message.ChangeKey); err != nil {
						return err
					}
				}
				if err := u.SetKeys(num, "", "", nil); err != nil {
					return err
				}
				_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: num, Folder: n.Parent, Base: replica.Base{Version: n.Version}})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			b.pass()
			b.pass()
			if n := b.holders(note("one", "mine")); n != 1 {
				t.Errorf("%d files have what was saved", n)
			}
			found := false
			for dir := range b.folders {
				for _, name := range b.list(dir) {
					path := dir + "/" + name
					found = found || regular(b.at(path).node) && strings.Contains(b.read(path), "theirs")
				}
			}
			if found != lost {
				t.Errorf("the other version is there: %v; Inbox %q", found, b.list("Inbox"))
			}
		})
	}
}
