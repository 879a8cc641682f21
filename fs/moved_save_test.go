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

// A file that is about to be the next version of one message changes places with another message: neither is lost.
func TestExchangeOfAnHeir(t *testing.T) {
	b := newBed(t)
	other := b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	num := b.must(b.deliver("Inbox", "b.eml", note("two", "first")))
	keys := []string{b.node(other).Message.SourceKey.String(), b.node(num).Message.SourceKey.String()}
	b.unlink("Inbox/b.eml")
	b.save("Inbox/b.eml", note("two", "second"))
	if err := b.rename("Inbox/a.eml", "Inbox/b.eml", renameExchange); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.wantChanges("edit Inbox/a.eml")
	b.wantText("Inbox/a.eml", note("two", "second"))
	if b.xattr("Inbox/b.eml", xattrSourceKey) != keys[0] || b.xattr("Inbox/a.eml", xattrSourceKey) != keys[1] {
		t.Fatal("identities are mixed up")
	}
}
