package syncer_test

import (
	"strings"
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
)

// Both sides change different parts of a message: both changes are there in the end, and nobody loses.
func TestMergeOfParts(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "the first version")
	a, b := w.client(t), w.client(t)
	a.pass()
	b.pass()
	keywords := mapi.StringName(mapi.PSPublicStrings, "Keywords")
	err := w.box.Edit(mid, func(m *mapi.Message) {
		m.Properties.SetNamed(keywords, mapi.TypeMultiString, []string{"Blue"})
		m.Properties.Set(mapi.PidTagSubject, "another subject")
		m.Properties.Set(mapi.PidTagNormalizedSubject, "another subject")
	})
	if err != nil {
		t.Fatal(err)
	}
	num := a.at("Inbox", "*one*").Num
	a.edit(num, mail("one", "what a wrote"))
	a.flush()
	b.pass()
	a.pass()
	same(t, a, b)
	n := b.at("Inbox", "*")
	if !has(t, b, "Inbox", "what a wrote") || n.Message.Subject != "another subject" || len(n.Message.Categories) != 1 {
		t.Errorf("%+v\n%v", n.Message, b.contents())
	}
	if c := b.find("Sync Issues", "Conflicts", "*"); c != nil {
		t.Errorf("%s lost, though nothing was changed twice", c.Name)
	}
	if a.at("Inbox", "*").Num != num {
		t.Error("the item has another number now")
	}
}

// The same part: both versions are kept, as ever.
func TestNoMergeOfTheSamePart(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "the first version")
	a := w.client(t)
	a.pass()
	err := w.box.Edit(mid, func(m *mapi.Message) {
		m.Properties.Set(mapi.PidTagSubject, "another subject")
		m.Properties.Set(mapi.PidTagBody, "what they wrote\r\n")
	})
	if err != nil {
		t.Fatal(err)
	}
	a.edit(a.at("Inbox", "*one*").Num, mail("one", "what a wrote"))
	a.flush()
	a.pass()
	if !has(t, a, "Inbox", "what a wrote") || !has(t, a, "Sync Issues/Conflicts", "what they wrote") {
		t.Errorf("%v", a.contents())
	}
}

// TestServerThatFillsIn: what a server makes of a message, beside what it was given, is nobody's change. Edits of other parts
// are merged, a version that lost keeps its exact bytes on every machine, and the same edit on both sides is one.
func TestServerThatFillsIn(t *testing.T) {
	w := newMemWorld(t, func(cfg *memserver.Config) { cfg.FillsIn = true })
	a, b := w.client(t), w.client(t)
	a.pass()
	a.create(a.at("Inbox"), "n.eml", mail("one", "at first"))
	a.flush()
	b.pass()
	b.edit(b.at("Inbox", "*").Num, mail("one", "what b wrote"))
	b.flush()
	a.pass()
	n := a.at("Inbox", "n.eml").Num

	a.edit(n, mail("one", "what b wrote\nand a"))
	b.edit(b.at("Inbox", "*").Num, strings.Replace(mail("one", "what b wrote"), "Subject: one", "Subject: two", 1))
	a.flush()
	b.flush()
	a.pass()
	b.pass()
	same(t, a, b)
	if !has(t, b, "Inbox", "and a") || b.at("Inbox", "*").Message.Subject != "two" {
		t.Errorf("the edits were not merged: %v", b.contents())
	}
	if c := b.find("Sync Issues", "Conflicts", "*"); c != nil {
		t.Errorf("%s lost, though nothing was changed twice", c.Name)
	}

	a.edit(n, mail("one", "of a"))
	b.edit(b.at("Inbox", "*").Num, mail("one", "of b"))
	a.flush()
	b.flush()
	a.pass()
	b.pass()
	same(t, a, b)
	x, y := text(t, a, "Sync Issues", "Conflicts", "*"), text(t, b, "Sync Issues", "Conflicts", "*")
	if x != y || strings.Contains(x, "of a") == strings.Contains(x, "of b") {
		t.Errorf("the version that lost is\n%s\nand\n%s", x, y)
	}
}
