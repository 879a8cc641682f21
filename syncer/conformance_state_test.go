package syncer_test

import (
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/replica"
	"mailfs/syncer"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// TestStatesBelongToTheirScopes: R2325, R2326, R2328, R2403, R2444, the state that a download
// ended with is the one that the next download of that scope begins with, also for a client
// that was started anew.
func TestStatesBelongToTheirScopes(t *testing.T) {
	w := newMemWorld(t)
	a := newAudit()
	a.listen(w)
	w.deliver("one", "body")
	first := w.box.CreateFolder("First")
	second := w.box.CreateFolder("Second")
	for _, f := range []mapi.FID{first, first, second} {
		if _, err := w.box.Deliver(f, parse(t, mail("two", "body"))); err != nil {
			t.Fatal(err)
		}
	}
	c := w.client(t)
	c.pass()
	a.mu.Lock()
	finals := map[scope]fxics.ICSState{}
	for k, v := range a.finals {
		finals[k] = v
	}
	before := a.steps
	a.mu.Unlock()
	if len(finals) < 4 {
		t.Fatalf("%d scopes", len(finals))
	}
	for _, f := range []mapi.FID{w.inbox(), first, second} {
		if _, err := w.box.Deliver(f, parse(t, mail("three", "body"))); err != nil {
			t.Fatal(err)
		}
	}
	again := syncer.New(syncer.Config{Replica: c.rep, User: w.user, LegacyDN: w.dn, Dial: w.dial})
	defer again.Close()
	if err := again.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	compared := 0
	for _, o := range a.open {
		if o.kind != download || o.made <= before {
			continue
		}
		var sent fxics.ICSState
		for tag, data := range o.state {
			if err := sent.Set(tag, data); err != nil {
				t.Fatal(err)
			}
		}
		want := finals[scopeOf(o)]
		if !o.contents {
			want = fxics.ICSState{Given: want.Given, Seen: want.Seen}
		}
		if !sent.Equal(want) {
			t.Errorf("scope %+v begins with\n%+v\nand ended with\n%+v", scopeOf(o), sent, want)
		}
		compared++
	}
	if compared < 4 {
		t.Errorf("only %d downloads", compared)
	}
}

// TestGivenIsWhatIsHere: R33, the ids that a client claims to have are those of what is in
// its replica; R3358, R3360, R3646 and R3647, among them those of what was made here, as
// soon as it is on the server.
func TestGivenIsWhatIsHere(t *testing.T) {
	w, c := storyWorld(t)
	fai := parse(t, mail("settings", "kept out of sight"))
	fai.Properties.Set(mapi.PidTagAssociated, true)
	if _, err := w.box.Deliver(w.inbox(), fai); err != nil {
		t.Fatal(err)
	}
	c.pass()
	checkGiven(t, c, "after a download")
	story(c)
	c.flush()
	checkGiven(t, c, "after an upload")
	c.pass()
	checkGiven(t, c, "after the next download")
}

func checkGiven(t *testing.T, c *client, when string) {
	t.Helper()
	c.view(func(v *replica.View) error {
		folders, err := checkGivenBelow(t, v, replica.RootNum, when)
		if folders < 5 {
			t.Errorf("%s: %d folders", when, folders)
		}
		return err
	})
}

// checkGivenBelow checks the folders from one down, and returns their number.
func checkGivenBelow(t *testing.T, v *replica.View, at replica.Num, when string) (folders int, err error) {
	n, err := v.Node(at)
	if err != nil {
		return 0, err
	}
	cp, err := v.Checkpoint(replica.ContentsScope(n.Folder.SourceKey))
	if err != nil {
		return 0, err
	}
	given := cp.Given.Clone()
	for m, err := range v.Messages(at) { // those that are out of sight among them
		if err != nil {
			return 0, err
		}
		id, ok := m.Message.SourceKey.LongTermID()
		if !ok || !given.Contains(id) {
			t.Errorf("%s: %s/%s is here, and not among what is claimed", when, n.Name, m.Name)
		}
		given.Remove(id)
	}
	if !given.IsEmpty() {
		t.Errorf("%s: of %s %s is claimed, and not here", when, n.Name, given)
	}
	for m, err := range v.Children(at, "") {
		if err != nil {
			return folders, err
		}
		if m.Folder == nil {
			continue
		}
		below, err := checkGivenBelow(t, v, m.Num, when)
		if err != nil {
			return folders, err
		}
		folders += below
	}
	return folders + 1, nil
}
