package replica

import (
	"errors"
	"sync"
	"testing"

	"mailfs/mapi"
)

// readToken reads what a message had when it was found.
func readToken(v *View, n Found) (token int, err error) {
	err = v.Read(n, func(m *mapi.Message) (err error) {
		token, err = tokenOf(m)
		return err
	})
	return token, err
}

// TestRead reads messages that were found before their content was replaced, or its replacement was undone.
func TestRead(t *testing.T) {
	r := openDir(t, t.TempDir())
	inbox := inboxOf(t, r)
	num := item(t, r, inbox, 35)
	var was Found
	view(t, r, func(v *View) (err error) {
		if was, err = v.Find(num); err != nil {
			return err
		}
		for n, err := range v.FindChildren(inbox, "") {
			if err != nil || n.Num != num || n.content != was.content {
				t.Error(n, err)
			}
		}
		before := v.Snapshot()
		if r.Snapshot() != before {
			t.Error(r.Snapshot(), before)
		}
		update(t, r, func(u *Update) error {
			u.Remote(true)
			if err := edit(u, num, 36); err != nil {
				return err
			}
			now, err := u.Find(num)
			if err != nil {
				return err
			}
			if token, err := readToken(&u.View, now); token != 36 || err != nil {
				t.Error("what the transaction adds:", token, err)
			}
			if _, err := readToken(&u.View, was); !errors.Is(err, ErrStale) {
				t.Error("what the transaction drops:", err)
			}
			return nil
		})
		if token, err := readToken(v, was); token != 35 || err != nil {
			t.Error("in the View of before:", token, err)
		}
		if r.Snapshot() == before || v.Snapshot() != before {
			t.Error(r.Snapshot(), v.Snapshot(), before)
		}
		return nil
	})
	view(t, r, func(v *View) error {
		if _, err := readToken(v, was); !errors.Is(err, ErrStale) {
			t.Error("in a View of after:", err)
		}
		folder, err := v.Find(inbox)
		if err != nil {
			return err
		}
		if _, err := readToken(v, folder); !errors.Is(err, ErrNotFound) {
			t.Error("of a folder:", err)
		}
		return nil
	})
	update(t, r, func(u *Update) error {
		n := testMail(inbox, 40)
		_, err := u.Insert(n)
		if err != nil {
			return err
		}
		f, err := u.Find(n.Num)
		if err != nil {
			return err
		}
		if _, err := readToken(&u.View, f); !errors.Is(err, ErrNotLocal) {
			t.Error("of a message without content:", err)
		}
		return u.Remove(n.Num)
	})
}

// TestReadAtOnce reads different messages at the same time: none sees the memory of another.
func TestReadAtOnce(t *testing.T) {
	r := openMemory(t)
	inbox := inboxOf(t, r)
	const messages = 20
	found := make([]Found, messages)
	for i := range found {
		num := item(t, r, inbox, 100+i)
		view(t, r, func(v *View) (err error) { found[i], err = v.Find(num); return err })
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 10 * messages {
				err := r.View(func(v *View) error {
					token, err := readToken(v, found[i%messages])
					if token != 100+i%messages {
						t.Error(i%messages, token)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
