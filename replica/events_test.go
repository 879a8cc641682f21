package replica

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestEvents(t *testing.T) {
	r := openMemory(t)
	events, cancel := r.Subscribe()
	defer cancel()
	var dir, msg, file Num
	step := func(name string, f func(u *Update) error, want ...Event) {
		t.Helper()
		update(t, r, f)
		var got []Event
		if len(want) > 0 {
			got = <-events
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	step("insert and fill", func(u *Update) (err error) {
		u.Remote(true)
		if dir, err = u.Insert(testFolder(RootNum, "d", 1)); err != nil {
			return err
		}
		n := testMail(dir, 5)
		n.Name = "m"
		if msg, err = u.Insert(n); err != nil {
			return err
		}
		if err := u.PutContent(n, tokenMessage(1)); err != nil {
			return err
		}
		return u.Save(n)
	}, Event{Kind: EventAdded, Item: 2, NodeKind: KindFolder, Parent: RootNum, Name: "d", Remote: true},
		Event{Kind: EventAdded, Item: 3, NodeKind: KindMessage, Parent: 2, Name: "m", Remote: true})
	step("attributes and content", func(u *Update) error {
		n, err := u.Node(msg)
		if err != nil {
			return err
		}
		if err := u.Save(n); err != nil {
			return err
		}
		if err := u.PutContent(n, tokenMessage(2)); err != nil {
			return err
		}
		return u.Save(n)
	}, Event{Kind: EventContent, Item: msg, NodeKind: KindMessage, Parent: dir, Name: "m"})
	step("nothing", func(u *Update) error { return nil })
	step("a hidden message", func(u *Update) error {
		n := testMail(dir, 6)
		n.Message.FAI = true
		_, err := u.Insert(n)
		return err
	})
	step("move twice and queue", func(u *Update) error {
		if err := u.Move(msg, RootNum, "x"); err != nil {
			return err
		}
		if err := u.Move(msg, RootNum, "y"); err != nil {
			return err
		}
		for range 2 {
			if _, err := u.Enqueue(&Change{Kind: ChangeMove, Item: msg, From: dir, Folder: RootNum}); err != nil {
				return err
			}
		}
		return nil
	}, Event{Kind: EventMoved, Item: msg, NodeKind: KindMessage, Parent: RootNum, Name: "x", OldParent: dir, OldName: "m"},
		Event{Kind: EventMoved, Item: msg, NodeKind: KindMessage, Parent: RootNum, Name: "y", OldParent: RootNum, OldName: "x"},
		Event{Kind: EventJournal, Item: msg, NodeKind: KindMessage, Parent: RootNum, Name: "y"})
	step("exchange", func(u *Update) (err error) {
		if file, err = u.Insert(&Node{Parent: dir, Name: "f", Kind: KindFile}); err != nil {
			return err
		}
		return u.Exchange(file, msg)
	}, Event{Kind: EventAdded, Item: 5, NodeKind: KindFile, Parent: dir, Name: "f"},
		Event{Kind: EventMoved, Item: 5, NodeKind: KindFile, Parent: RootNum, Name: "y", OldParent: dir, OldName: "f"},
		Event{Kind: EventMoved, Item: msg, NodeKind: KindMessage, Parent: dir, Name: "f", OldParent: RootNum, OldName: "y"})
	step("detach, attach, remove", func(u *Update) error {
		if err := u.Detach(msg); err != nil {
			return err
		}
		if err := u.Attach(msg, RootNum, "z"); err != nil {
			return err
		}
		if err := u.Remove(msg); err != nil {
			return err
		}
		return u.Remove(file)
	}, Event{Kind: EventRemoved, Item: msg, NodeKind: KindMessage, Parent: dir, Name: "f"},
		Event{Kind: EventAdded, Item: msg, NodeKind: KindMessage, Parent: RootNum, Name: "z"},
		Event{Kind: EventQueue, Item: msg},
		Event{Kind: EventRemoved, Item: msg, NodeKind: KindMessage, Parent: RootNum, Name: "z"},
		Event{Kind: EventRemoved, Item: file, NodeKind: KindFile, Parent: RootNum, Name: "y"})
}

// TestEventsUnread: nobody reads, and the committer does not mind; whoever reads late
// gets everything in order.
func TestEventsUnread(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	opt := testOptions(t)
	opt.InMemory = true
	r, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	_, never := r.Subscribe()
	late, cancel := r.Subscribe()
	gone, _ := r.Subscribe()
	const n = 200
	for i := range n {
		update(t, r, func(u *Update) error {
			_, err := u.Insert(&Node{Parent: RootNum, Name: string(rune('a' + i)), Kind: KindDir})
			return err
		})
	}
	for i := range n {
		if e := <-late; len(e) != 1 || e[0].Item != Num(i+2) {
			t.Fatalf("%d: %+v", i, e)
		}
	}
	if err := r.Update(func(u *Update) error {
		if _, err := u.Insert(&Node{Parent: RootNum, Name: "never", Kind: KindDir}); err != nil {
			return err
		}
		return errAbort
	}); err == nil {
		t.Error("no error")
	}
	cancel()
	cancel()
	if e, ok := <-late; ok {
		t.Error("an event of a transaction that failed:", e)
	}
	never()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for range gone { // ends since Close ends it
	}
	after, stop := r.Subscribe()
	if _, ok := <-after; ok {
		t.Error("events after Close")
	}
	stop()
}

// Whoever listens has heard of a commit when that returns; Step runs before it, Done after it.
func TestListen(t *testing.T) {
	var got [][]Event
	steps, done := 0, 0
	r, err := Open(Options{InMemory: true, Small: true, Step: func() { steps++ }, Done: func() { done++ }})
	if err != nil {
		t.Fatal(err)
	}
	before := steps
	if err := r.Update(func(*Update) error { return ErrStale }); !errors.Is(err, ErrStale) || steps != before+1 || done != 0 {
		t.Fatal(err, steps, done)
	}
	before = steps
	cancel := r.Listen(func(list []Event) { got = append(got, list) })
	insert := func(seq int) {
		update(t, r, func(u *Update) error {
			_, err := u.Insert(testFolder(RootNum, string(rune('a'+seq)), seq))
			return err
		})
	}
	insert(1)
	insert(2)
	if len(got) != 2 || len(got[0]) != 1 || got[1][0].Name != "c" {
		t.Errorf("heard %v", got)
	}
	cancel()
	insert(3)
	if len(got) != 2 || steps != before+3 || done != 3 {
		t.Errorf("%d commits heard of, %d steps, %d done", len(got), steps-before, done)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.Listen(func([]Event) {})() // of no use, and harmless
}
