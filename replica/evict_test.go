package replica

import (
	"testing"
	"time"

	"mailfs/mapi"
)

// Only what the server has in full, and nobody has changed here, can be given up.
func TestEvict(t *testing.T) {
	r := openMemory(t)
	var num Num
	update(t, r, func(u *Update) error {
		u.Remote(true)
		inbox, err := u.Insert(testFolder(RootNum, "Inbox", 1))
		if err != nil {
			return err
		}
		if num, err = u.Insert(testMail(inbox, 2)); err != nil {
			return err
		}
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		n.Message.State, n.Size, n.Exact = StateFull, 4321, true
		return u.PutContent(n, testMessage(2, 100_000))
	})
	read := func() (n *Node) {
		t.Helper()
		view(t, r, func(v *View) (err error) { n, err = v.Node(num); return err })
		return n
	}
	evict := func() (ok bool) {
		t.Helper()
		update(t, r, func(u *Update) (err error) { ok, err = u.Evict(num); return err })
		check(t, r)
		return ok
	}
	mark := func(c *Change) {
		t.Helper()
		update(t, r, func(u *Update) error {
			if c == nil {
				for c, err := range u.Changes(0) {
					if err != nil {
						return err
					}
					if err := u.DropChange(c.Seq); err != nil {
						return err
					}
				}
				return nil
			}
			_, err := u.Enqueue(c)
			return err
		})
	}
	mark(&Change{Kind: ChangeRead, Item: num, Read: true})
	if evict() {
		t.Error("a message with a queued change is given up")
	}
	mark(nil)

	before := read()
	at := before.Atime.Add(time.Hour)
	update(t, r, func(u *Update) error { return u.Touch(num, at) })
	if !evict() || evict() {
		t.Fatal("it goes, and once")
	}
	after := read()
	if after.Message.State != StateHeader || after.Size != before.Size || !after.Exact || after.Version != before.Version ||
		after.Gen != before.Gen || !after.Atime.Equal(at) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	view(t, r, func(v *View) error {
		c, err := v.Counts()
		if c.Bytes != 0 || c.Full != 0 {
			t.Errorf("counted as here: %+v", c)
		}
		left := 0
		for n, err := range v.Incomplete() {
			if err != nil || n.Num != num {
				t.Errorf("%+v, %v", n, err)
			}
			left++
		}
		if left != 1 {
			t.Errorf("%d to be fetched", left)
		}
		return err
	})

	put := func(state MessageState, key string) {
		t.Helper()
		update(t, r, func(u *Update) error {
			u.Remote(true)
			n, err := u.Node(num)
			if err != nil {
				return err
			}
			if key != "" {
				n.Message.ChangeKey = mapi.ChangeKey(key)
			}
			if n.Message.State = state; state == StateHeader {
				return u.PutHeader(n, testMessage(2, 10).Properties)
			}
			return u.PutContent(n, testMessage(2, 100_000))
		})
		check(t, r)
	}
	put(StateFull, "")
	if got := read(); got.Gen != before.Gen || got.Message.State != StateFull {
		t.Errorf("the same version is back: %+v", got)
	}
	if !evict() {
		t.Fatal("it goes again")
	}
	put(StateHeader, string(changeKey(77)))
	if got := read(); got.Gen == before.Gen {
		t.Error("bytes of the old version may have been read, and the new one looks the same")
	}
}
