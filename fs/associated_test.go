package fs

import (
	"io"
	"testing"

	"mailfs/mapi"
	"mailfs/replica"
)

// TestAssociated: what programs keep with a folder is in no directory, and told of in .mailfs/associated.
func TestAssociated(t *testing.T) {
	b := newBed(t)
	b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
	inbox := b.dirID("Inbox").num()
	err := b.r.Update(func(u *replica.Update) error {
		u.Remote(true)
		_, err := u.Insert(&replica.Node{Parent: inbox, Kind: replica.KindMessage, Message: &replica.MessageInfo{
			FAI: true, State: replica.StateFull, Class: "IPM.Configuration.View", Subject: "My\tview", SourceKey: mapi.SourceKey("\x01\x02")}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := b.list("Inbox"); len(list) != 1 {
		t.Errorf("the folder shows %q", list)
	}
	e, err := b.tree.lookupControl("associated")
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.tree.controlContent(e.id)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil {
		t.Fatal(err)
	}
	if want := "Inbox\tIPM.Configuration.View\tMy?view\t0102\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
