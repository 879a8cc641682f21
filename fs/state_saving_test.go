package fs

import (
	"testing"

	"mailfs/replica"
)

// mayGo returns how many changes wait in the journal, and how many of them may be sent.
func (b *bed) mayGo() (may, all int) {
	b.t.Helper()
	err := b.r.View(func(v *replica.View) error {
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			if all++; !c.Ready.After(b.clock.Now()) {
				may++
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return may, all
}

// TestStateWaitsForTheSave: a flag or a category that is set on a file while a save of it waits for its window does not go
// to the server before the save. What the server made of it would be a version that the save does not know: a conflict
// with oneself.
func TestStateWaitsForTheSave(t *testing.T) {
	saves := map[string]func(b *bed){
		"in place": func(b *bed) { b.save("Inbox/a.eml", note("one", "second")) },
		"by rename": func(b *bed) {
			b.save("Inbox/.tmp", note("one", "second"))
			b.mustRename("Inbox/.tmp", "Inbox/a.eml")
		},
		"no save": nil,
	}
	for name, save := range saves {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.must(b.deliver("Inbox", "a.eml", note("one", "first")))
			before, after := 1, 1
			if save != nil {
				save(b)
				before, after = 0, 2
			}
			if err := b.tree.setxattr(b.at("Inbox/a.eml").id, xattrTags, []byte("Blue"), 0); err != nil {
				t.Fatal(err)
			}
			if may, all := b.mayGo(); may != before || all != 1 {
				t.Errorf("before the save is a change, %d of %d changes may go", may, all)
			}
			b.pass()
			if may, all := b.mayGo(); may != after || all != after {
				t.Errorf("after it, %d of %d may", may, all)
			}
		})
	}
}
