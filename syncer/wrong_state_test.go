package syncer_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// wrongStates are ways in which a state can be another than that of what is here. old is what it was long ago.
var wrongStates = []struct {
	name string
	make func(old, now, other *replica.Checkpoint) *replica.Checkpoint
}{
	{"from long ago", func(old, _, _ *replica.Checkpoint) *replica.Checkpoint { return old }},
	{"from another folder", func(_, _, other *replica.Checkpoint) *replica.Checkpoint { return other }},
	{"without the ids", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		now.Given = idset.IDSet{}
		return now
	}},
	{"without half of the ids", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		half := now.Given.Clone()
		for _, e := range now.Given.Entries() {
			r := e.Set.Ranges()[0]
			half.RemoveRange(e.GUID, idset.Range{Low: (r.Low + r.High) / 2, High: mapi.MaxGlobCnt})
		}
		now.Given = half
		return now
	}},
	{"without change numbers", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		now.Seen, now.Read = idset.CNSet{}, idset.CNSet{}
		return now
	}},
	{"with too many ids", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		for _, e := range now.Given.Entries() {
			now.Given.AddRange(e.GUID, idset.Range{Low: 1, High: e.Set.Max() + 1000})
		}
		return now
	}},
	{"with replicas that nobody knows", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		g := mapi.MustGUID("99999999-1234-5678-9abc-def012345678")
		now.Given.AddRange(g, idset.Range{Low: 1, High: 50})
		now.Seen.AddRange(g, idset.Range{Low: 1, High: 1 << 40})
		return now
	}},
	{"of replicas that nobody knows", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		g := mapi.MustGUID("99999999-1234-5678-9abc-def012345678")
		now.Given, now.Seen, now.SeenFAI, now.Read = idset.IDSet{}, idset.CNSet{}, idset.CNSet{}, idset.CNSet{}
		now.Given.AddRange(g, idset.Range{Low: 1, High: 50})
		now.Seen.AddRange(g, idset.Range{Low: 1, High: 1 << 40})
		return now
	}},
	{"none", func(_, _, _ *replica.Checkpoint) *replica.Checkpoint { return &replica.Checkpoint{} }},
}

// hidingStates claim to have seen what was never here, so that the server keeps it back.
var hidingStates = []struct {
	name string
	make func(old, now, other *replica.Checkpoint) *replica.Checkpoint
}{
	{"with change numbers to come", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		for _, set := range []*idset.CNSet{&now.Seen, &now.Read} {
			for _, e := range set.Entries() {
				set.AddRange(e.GUID, idset.Range{Low: 1, High: 1 << 40})
			}
		}
		return now
	}},
	{"with change numbers to come, without the ids", func(_, now, _ *replica.Checkpoint) *replica.Checkpoint {
		for _, e := range now.Seen.Entries() {
			now.Seen.AddRange(e.GUID, idset.Range{Low: 1, High: mapi.MaxGlobCnt})
		}
		now.Given = idset.IDSet{}
		return now
	}},
}

// TestWrongStates: a state that is not that of what is here leads to the right replica: no message is missing, none is
// there that the server does not have, and what did not change is not lost. With the full pass at the latest, which comes once
// a day.
func TestWrongStates(t *testing.T) {
	for _, wrong := range wrongStates {
		for _, scope := range []string{"contents", "hierarchy"} {
			t.Run(scope+" "+wrong.name, func(t *testing.T) { wrongState(t, scope == "hierarchy", 1, wrong.make) })
		}
	}
}

// TestStatesThatHideMail: that a message does not come, the full pass finds by its count, once the server tells of nothing else
// that happened in the folder.
func TestStatesThatHideMail(t *testing.T) {
	for _, wrong := range hidingStates {
		for _, scope := range []string{"contents", "hierarchy"} {
			t.Run(scope+" "+wrong.name, func(t *testing.T) { wrongState(t, scope == "hierarchy", 2, wrong.make) })
		}
	}
}

// wrongState gives a client a wrong state, which a number of full passes must mend.
func wrongState(t *testing.T, hierarchy bool, passes int, wrong func(old, now, other *replica.Checkpoint) *replica.Checkpoint) {
	w := newMemWorld(t)
	at := newClock()
	deliver := func(folder mapi.FID, subject string) mapi.MID {
		mid, err := w.box.Deliver(folder, parse(t, mail(subject, "body of "+subject)))
		if err != nil {
			t.Fatal(err)
		}
		return mid
	}
	first, second := w.box.CreateFolder("First"), w.box.CreateFolder("Second")
	gone := deliver(first, "one")
	edited := deliver(first, "two")
	deliver(first, "three")
	c := w.client(t, at.config)
	c.pass()
	scope := func(name string) replica.Scope {
		if hierarchy {
			return replica.ScopeHierarchy
		}
		return replica.ContentsScope(c.at(name).Folder.SourceKey)
	}
	state := func(s replica.Scope) (cp *replica.Checkpoint) {
		c.view(func(v *replica.View) (err error) { cp, err = v.Checkpoint(s); return err })
		return cp
	}
	old := state(scope("First"))
	// a year of mail
	third := w.box.CreateFolder("Third")
	late := deliver(first, "four")
	deliver(second, "five")
	deliver(second, "six")
	c.pass()
	s := scope("First")
	other := state(replica.ContentsScope(c.at("Second").Folder.SourceKey))
	cp := wrong(old, state(s), other)
	c.update(func(u *replica.Update) error { u.Remote(true); return u.SetCheckpoint(s, cp) })
	// and what happens then
	for _, mid := range []mapi.MID{gone, late} {
		if err := w.box.Delete(mid, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.box.Edit(edited, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "another body") }); err != nil {
		t.Fatal(err)
	}
	deliver(first, "seven")
	w.box.CreateFolder("Fourth")
	if err := w.box.DeleteFolder(third, true); err != nil {
		t.Fatal(err)
	}
	for range passes {
		at.now = at.now.Add(25 * time.Hour)
		c.pass()
	}
	fresh := w.client(t)
	fresh.pass()
	if d := cmp.Diff(fresh.contents(), c.contents()); d != "" {
		t.Errorf("the replica has something else:\n%s", d)
	}
	// it is over: the next full pass brings nothing
	at.now = at.now.Add(25 * time.Hour)
	if got := w.costOf(c.pass); got.items > 0 || got.folders > 0 {
		t.Errorf("the full pass after that: %v", got)
	}
}
