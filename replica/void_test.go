package replica

import (
	"testing"

	"mailfs/mapi"
)

// enqueuedBase returns the base that a change is stored with, and takes the change back.
func enqueuedBase(t *testing.T, r *Replica, c Change) (base Base) {
	t.Helper()
	update(t, r, func(u *Update) error {
		seq, err := u.Enqueue(&c)
		if err != nil {
			return err
		}
		stored, err := u.Change(seq)
		if err != nil {
			return err
		}
		base = stored.Base
		return u.DropChange(seq)
	})
	return base
}

// What was made from a version whose keys the server may give to something else goes up as what knows no version; what was made
// from a later one, or is no content, does not.
func TestVoidBases(t *testing.T) {
	r := openDir(t, t.TempDir())
	inbox := inboxOf(t, r)
	num := item(t, r, inbox, 35)
	update(t, r, func(u *Update) error { return u.VoidBases(num, 3, changeKey(3)) })
	made := func(kind ChangeKind, version uint64, key int) Change {
		return Change{Kind: kind, Item: num, Base: Base{Version: version, ChangeKey: changeKey(key), PCL: mapi.PCL{xid(key)}}}
	}
	for _, x := range []struct {
		kind    ChangeKind
		version uint64
		key     int
		void    bool
	}{
		{ChangeEdit, 2, 2, true}, {ChangeEdit, 2, 9, true}, {ChangeEdit, 3, 3, true}, {ChangeEdit, 3, 4, false}, {ChangeEdit, 4, 3, false},
		{ChangeProps, 2, 2, false},
	} {
		got := enqueuedBase(t, r, made(x.kind, x.version, x.key))
		if void := got.ChangeKey == "" && len(got.PCL) == 0; void != x.void || got.Version != x.version {
			t.Errorf("%v of version %d under key %d: base %+v", x.kind, x.version, x.key, got)
		}
	}

	// a file that takes the message's place goes on with that, and it goes with the file
	old := num
	update(t, r, func(u *Update) (err error) {
		if num, err = u.Insert(&Node{Parent: inbox, Name: "new.eml", Kind: KindFile}); err != nil {
			return err
		}
		return u.Supplant(num, old)
	})
	if got := enqueuedBase(t, r, made(ChangeEdit, 2, 2)); got.ChangeKey != "" {
		t.Errorf("in its place: base %+v", got)
	}
	update(t, r, func(u *Update) error { return u.Remove(num) })
	view(t, r, func(v *View) error {
		left, err := v.Settings(settingVoid)
		if len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		return err
	})
}
