package replica

import (
	"errors"
	"path/filepath"
	"testing"

	"mailfs/mapi"
)

// TestStretches: the items of a folder get ids that follow each other, no id is given twice, also not after a crash or a
// transaction that failed, and what a folder that is gone did not use goes to another.
func TestStretches(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	var one, two Num
	update(t, r, func(u *Update) (err error) {
		if one, err = u.Insert(testFolder(RootNum, "One", 1)); err != nil {
			return err
		}
		if two, err = u.Insert(testFolder(RootNum, "Two", 2)); err != nil {
			return err
		}
		if _, err := u.TakeIDIn(one); !errors.Is(err, ErrNotFound) {
			t.Errorf("without a reserve: %v", err)
		}
		return u.AddReserve(1000, 3*stretchIDs)
	})
	seen := map[mapi.GlobCnt]bool{}
	take := func(r *Replica, folder Num, want mapi.GlobCnt) {
		t.Helper()
		update(t, r, func(u *Update) error {
			id, err := u.TakeIDIn(folder)
			if err != nil {
				return err
			}
			if seen[id] {
				t.Errorf("%d is given twice", id)
			}
			seen[id] = true
			if id != want {
				t.Errorf("folder %d gets %d, want %d", folder, id, want)
			}
			return nil
		})
	}
	for i := range mapi.GlobCnt(3) {
		take(r, one, 1000+i)
		take(r, two, 1000+stretchIDs+i)
	}
	failed := errors.New("failed")
	if err := r.Update(func(u *Update) error {
		id, err := u.TakeIDIn(one)
		if err != nil || id != 1003 {
			t.Error(id, err)
		}
		return failed
	}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	take(r, one, 1004)
	// as a crash leaves it
	crashed := openDir(t, filepath.Dir(crash(t, filepath.Join(dir, "replica"))))
	take(crashed, one, 1005)
	take(crashed, two, 1000+stretchIDs+3)
	update(t, crashed, func(u *Update) error { return u.Remove(one) })
	for i := mapi.GlobCnt(4); i < stretchIDs; i++ {
		take(crashed, two, 1000+stretchIDs+i)
	}
	take(crashed, two, 1006)
	view(t, crashed, func(v *View) error {
		if n, err := v.Reserved(); n != stretchIDs || err != nil {
			t.Errorf("%d are left, %v", n, err)
		}
		return nil
	})
	update(t, crashed, func(u *Update) error { return u.DropReserve() })
	update(t, crashed, func(u *Update) error {
		if _, err := u.TakeIDIn(two); !errors.Is(err, ErrNotFound) {
			t.Errorf("after the reserve was dropped: %v", err)
		}
		return nil
	})
}
