package fs

import (
	"testing"

	"mailfs/replica"
)

// A save by rename over a message that was moved here a moment ago: the server has it
// where it was, so the move has to go up as well.
func TestSaveByRenameAfterMove(t *testing.T) {
	b := newBed(t)
	num := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	home := b.node(num).Parent
	b.mustRename("Inbox/a.eml", "Drafts/a.eml")
	b.pass()
	b.save("Drafts/.tmp", note("one", "second"))
	b.mustRename("Drafts/.tmp", "Drafts/a.eml")
	b.pass()
	b.wantChanges("move Drafts/a.eml", "edit Drafts/a.eml")
	list, err := b.journal()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Kind == replica.ChangeMove && c.From != home {
			t.Errorf("the move is from %d, the server has the message in %d", c.From, home)
		}
	}
	b.wantText("Drafts/a.eml", note("one", "second"))
}
