package replica

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mailfs/mapi"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	opt := testOptions(t)
	opt.Dir = filepath.Join(dir, "replica")
	if _, err := Open(opt); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
	fi, err := os.Stat(opt.Dir)
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Error(fi.Mode(), err)
	}
	checkClose(t, r)
	if err := r.Close(); err != nil {
		t.Error("second Close:", err)
	}
	for name, err := range map[string]error{
		"View":   r.View(func(*View) error { return nil }),
		"Update": r.Update(func(*Update) error { return nil }),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Error(name, err)
		}
	}
	if _, err := r.OpenBlob(1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	openDir(t, dir)
	if _, err := Open(Options{}); err == nil {
		t.Error("a replica without a directory")
	}
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	update(t, r, func(u *Update) error {
		u.setNumber(metaKey(metaSchema), schemaVersion+1)
		return nil
	})
	checkClose(t, r)
	opt := testOptions(t)
	opt.Dir = filepath.Join(dir, "replica")
	for range 2 { // and the lock is free again
		if _, err := Open(opt); !errors.Is(err, ErrSchema) {
			t.Error(err)
		}
	}
}

func TestMigrationTable(t *testing.T) {
	if len(migrations) != schemaVersion-1 {
		t.Errorf("%d migrations lead to schema %d", len(migrations), schemaVersion)
	}
}

func TestOtherFold(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	update(t, r, func(u *Update) error {
		for _, name := range []string{"Alpha", "ALPHA", "beta"} {
			if _, err := u.Insert(&Node{Parent: RootNum, Name: name, Kind: KindDir}); err != nil {
				return err
			}
		}
		return nil
	})
	checkClose(t, r)
	opt := testOptions(t)
	opt.Dir, opt.Fold = filepath.Join(dir, "replica"), strings.ToUpper
	r = open(t, opt)
	view(t, r, func(v *View) error {
		if !v.Taken(RootNum, "ALPHA") || v.Taken(RootNum, "alpha") || v.Taken(RootNum, "GAMMA") {
			t.Error("the index is that of the other fold function")
		}
		return nil
	})
}

func TestIdentity(t *testing.T) {
	r := openMemory(t)
	id := Identity{MailboxGUID: testGUID, LegacyDN: "/o=x/cn=anna", User: "anna@example.org", ReplicaGUID: mapi.GUID{1}, Namespace: mapi.GUID{2}}
	view(t, r, func(v *View) error {
		if _, err := v.Identity(); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
	update(t, r, func(u *Update) error { return u.SetIdentity(id) })
	id.User = "anna.berg@example.org"
	update(t, r, func(u *Update) error { return u.SetIdentity(id) })
	other := id
	other.MailboxGUID = mapi.GUID{9}
	if err := r.Update(func(u *Update) error { return u.SetIdentity(other) }); !errors.Is(err, ErrMailbox) {
		t.Error(err)
	}
	view(t, r, func(v *View) error {
		if got, err := v.Identity(); got != id || err != nil {
			t.Error(got, err)
		}
		return nil
	})
}

// TestViewDuringUpdate: a View runs while an Update does, and sees nothing of it,
// from its first to its last step.
func TestViewDuringUpdate(t *testing.T) {
	r := openDir(t, t.TempDir())
	inbox := inboxOf(t, r)
	fill(t, r, inbox, 100, 700, 100)
	view(t, r, func(v *View) error {
		n := 0
		for c, err := range v.Children(inbox, "") {
			if err != nil {
				return err
			}
			if n++; n%100 == 0 {
				update(t, r, func(u *Update) error {
					if err := u.Remove(c.Num); err != nil {
						return err
					}
					view(t, r, func(v *View) error {
						_, err := v.Node(c.Num)
						return err
					})
					return nil
				})
				view(t, r, func(v *View) error {
					if _, err := v.Node(c.Num); !errors.Is(err, ErrNotFound) {
						t.Error("a new View does not see the removal:", err)
					}
					return nil
				})
			}
		}
		if all, _, err := v.CountChildren(inbox); n != 700 || all != 700 || err != nil {
			t.Error(n, all, err)
		}
		return nil
	})
}

// TestChildrenWithin: an Update may remove and add what it walks through.
func TestChildrenWithin(t *testing.T) {
	r := openMemory(t)
	inbox := inboxOf(t, r)
	fill(t, r, inbox, 100, 600, 100)
	update(t, r, func(u *Update) error {
		u.Remote(true)
		n := 0
		for c, err := range u.Children(inbox, "") {
			if err != nil {
				return err
			}
			n++
			if c.Name == "zz" {
				continue
			}
			for other, err := range u.Children(inbox, c.Name) { // a walk inside the walk
				if err != nil {
					return err
				}
				if other.Name <= c.Name {
					t.Errorf("%q after %q", other.Name, c.Name)
				}
				break
			}
			if err := u.Remove(c.Num); err != nil {
				return err
			}
			if n == 10 {
				if _, err := u.Insert(&Node{Parent: inbox, Name: "zz", Kind: KindFile}); err != nil {
					return err
				}
			}
		}
		if n != 601 {
			t.Error(n)
		}
		return nil
	})
	view(t, r, func(v *View) error {
		if all, _, err := v.CountChildren(inbox); all != 1 || err != nil {
			t.Error(all, err)
		}
		return nil
	})
}

// TestTogether runs writers, readers, blobs and subscribers at once.
func TestTogether(t *testing.T) {
	r := openDir(t, t.TempDir())
	events, cancel := r.Subscribe()
	var seen sync.WaitGroup
	seen.Go(func() {
		for range events {
		}
	})
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 15 {
				name := fmt.Sprintf("%d-%d", w, i)
				id := putBlob(t, r, 1000*i)
				var n Num
				err := r.Update(func(u *Update) (err error) {
					n, err = u.Insert(&Node{Parent: RootNum, Name: name, Kind: KindFile, Content: id, Size: int64(1000 * i)})
					return err
				})
				if err == nil && i%3 == 0 {
					err = r.Update(func(u *Update) error { return u.Remove(n) })
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 30 {
				err := r.View(func(v *View) error {
					for c, err := range v.Children(RootNum, "") {
						if err != nil {
							return err
						}
						b, err := r.OpenBlob(c.Content)
						if err != nil {
							return err
						}
						if _, err := mapi.ValueBytes(b); err != nil {
							return err
						}
						b.Close()
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	cancel()
	seen.Wait()
}

// TestCloseWaits: Close waits for a View that is under way, and does not wait for ever
// when that View begins something new.
func TestCloseWaits(t *testing.T) {
	opt := testOptions(t)
	opt.InMemory = true
	r, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	n := item(t, r, RootNum, 5)
	closed := make(chan error, 1)
	view(t, r, func(v *View) error {
		go func() { closed <- r.Close() }()
		for r.View(func(*View) error { return nil }) == nil { // until Close has begun
		}
		if _, err := v.Message(n); err != nil {
			t.Error("the View under way:", err)
		}
		select {
		case err := <-closed:
			t.Error("Close did not wait:", err)
		default:
		}
		return nil
	})
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
