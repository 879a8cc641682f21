package memserver

import (
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// TestPropertyGroups: what this server announces has its reserved field at 0 (R242), groups
// (R245), and properties in each of them (R250).
func TestPropertyGroups(t *testing.T) {
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	mid := deliver(t, m, inbox, mail("one"))
	c := dial(t, s, m)
	partial := func(q *rop.SynchronizationConfigureRequest) { q.SendOptions |= rop.SendPartialItem }
	first := c.sync(inbox, fxics.ICSState{}, partial)
	if err := m.Edit(mid, func(c *mapi.Message) { retitleContent(c, "two") }); err != nil {
		t.Fatal(err)
	}
	second := c.sync(inbox, first.state, partial)
	if len(second.other) != 1 {
		t.Fatalf("%d other elements", len(second.other))
	}
	info, ok := second.other[0].(*fxics.PropertyGroupInfo)
	if !ok || info.Reserved != 0 || len(info.Groups) == 0 {
		t.Fatalf("%+v", second.other[0])
	}
	for i, g := range info.Groups {
		if len(g) == 0 {
			t.Errorf("group %d is empty", i)
		}
	}
}
