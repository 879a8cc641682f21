package syncer_test

import (
	"testing"

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
