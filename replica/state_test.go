package replica

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

func id(n int) mapi.LongTermID {
	return mapi.LongTermID{GUID: testGUID, Counter: mapi.GlobCnt(n)}
}

func given(ids ...int) *Checkpoint {
	c := &Checkpoint{At: testTime}
	for _, n := range ids {
		c.Given.Add(id(n))
	}
	return c
}

func TestCheckpoint(t *testing.T) {
	r := openMemory(t)
	inboxOf(t, r)
	c := &Checkpoint{At: testTime, Hints: map[string]int64{"commit": -5, "count": 7}}
	c.Given.AddRange(testGUID, idset.Range{Low: 5, High: 900})
	c.Seen.Add(id(3))
	c.SeenFAI.Add(id(4))
	c.Read.Add(id(5))
	view(t, r, func(v *View) error {
		empty, err := v.Checkpoint(ScopeHierarchy)
		if !empty.Given.IsEmpty() || !empty.At.IsZero() {
			t.Errorf("%+v", empty)
		}
		return err
	})
	update(t, r, func(u *Update) error { return u.SetCheckpoint(ScopeHierarchy, c) })
	view(t, r, func(v *View) error {
		got, err := v.Checkpoint(ScopeHierarchy)
		if err != nil {
			return err
		}
		if !got.Given.Equal(c.Given) || !got.Seen.Equal(c.Seen) || !got.SeenFAI.Equal(c.SeenFAI) || !got.Read.Equal(c.Read) || !got.At.Equal(c.At) {
			t.Errorf("%+v", got)
		}
		if d := cmp.Diff(c.Hints, got.Hints); d != "" {
			t.Error(d)
		}
		for s, err := range v.Checkpoints() {
			if s != ScopeHierarchy || err != nil {
				t.Error(s, err)
			}
		}
		return nil
	})
	update(t, r, func(u *Update) error { return u.DropCheckpoint(ScopeHierarchy) })
	view(t, r, func(v *View) error {
		for s := range v.Checkpoints() {
			t.Error(s)
		}
		return nil
	})
}

// TestDamagedCheckpoint: a state that lost bytes, or in which any bit is another, is none: what it covers comes anew. One that
// was stored without a checksum is still read.
func TestDamagedCheckpoint(t *testing.T) {
	var said []string
	r := openMemory(t)
	r.opt.Logf = func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	inboxOf(t, r)
	scope := ContentsScope(sourceKey(7))
	c := given(100, 101, 300)
	c.Seen.AddRange(testGUID, idset.Range{Low: 1, High: 900})
	c.Read.AddRange(testGUID, idset.Range{Low: 1, High: 700})
	c.Hints = map[string]int64{"commit": 7}
	update(t, r, func(u *Update) error { return u.SetCheckpoint(scope, c) })
	var whole []byte
	view(t, r, func(v *View) (err error) {
		whole, err = v.get(keyString(spaceCheckpoint, string(scope)))
		return err
	})
	read := func(p []byte) (cp *Checkpoint) {
		update(t, r, func(u *Update) error {
			u.set(keyString(spaceCheckpoint, string(scope)), p)
			return nil
		})
		view(t, r, func(v *View) (err error) {
			cp, err = v.Checkpoint(scope)
			return err
		})
		return cp
	}
	none := func(what string, p []byte) {
		t.Helper()
		said = nil
		cp := read(p)
		if !cp.At.IsZero() || !cp.Given.IsEmpty() || !cp.Seen.IsEmpty() || !cp.SeenFAI.IsEmpty() || !cp.Read.IsEmpty() || cp.Hints != nil {
			t.Fatalf("%s: %x is read as %+v", what, p, cp)
		}
		if len(said) != 1 || !strings.Contains(said[0], "the state of a scope is dropped") {
			t.Fatalf("%s: %q", what, said)
		}
	}
	for n := range whole {
		none(fmt.Sprint("cut to ", n), whole[:n])
		for bit := range 8 {
			p := bytes.Clone(whole)
			p[n] ^= 1 << bit
			if p[0] == 1 {
				continue // the form without checksum, whose end is another
			}
			none(fmt.Sprint("bit ", bit, " of byte ", n), p)
		}
	}
	none("longer", append(bytes.Clone(whole), 0))
	none("of other bytes", bytes.Repeat([]byte{0xA5}, 100))
	old := bytes.Clone(whole[:len(whole)-4])
	old[0] = 1
	for what, p := range map[string][]byte{"whole": whole, "without checksum": old} {
		if cp := read(p); !cp.Given.Equal(c.Given) || !cp.Seen.Equal(c.Seen) || !cp.Read.Equal(c.Read) || cp.Hints["commit"] != 7 || !cp.At.Equal(c.At) {
			t.Errorf("%s: %+v", what, cp)
		}
	}
	update(t, r, func(u *Update) error { return u.DropCheckpoint(scope) }) // of messages that are not here
}

// A replica that was put back gets another namespace; the one that it has would give numbers twice.
func TestNamespaceIsAnother(t *testing.T) {
	r := openMemory(t)
	first, second := mapi.GUID{1}, mapi.GUID{2}
	update(t, r, func(u *Update) error { return u.SetIdentity(Identity{MailboxGUID: testGUID, Namespace: first}) })
	update(t, r, func(u *Update) error {
		if err := u.SetNamespace(first); !errors.Is(err, ErrInvalid) {
			t.Errorf("the same once more: %v", err)
		}
		return u.SetNamespace(second)
	})
	view(t, r, func(v *View) error {
		id, err := v.Identity()
		if id.Namespace != second || id.MailboxGUID != testGUID {
			t.Errorf("%+v", id)
		}
		return err
	})
}

// TestDrift: what an acknowledged upload changes may differ from the checkpoint until
// the next one; what a download left out may not.
func TestDrift(t *testing.T) {
	r := openMemory(t)
	inbox := inboxOf(t, r) // source key 7
	scope := ContentsScope(sourceKey(7))
	var first Num
	expect := func(when string, want ...string) {
		t.Helper()
		bad, err := r.Check()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bad {
			if len(want) == 0 || !strings.Contains(b, want[0]) {
				t.Errorf("%s: %s", when, b)
				continue
			}
			want = want[1:]
		}
		if len(want) > 0 {
			t.Errorf("%s: %q was not found", when, want)
		}
	}
	update(t, r, func(u *Update) error {
		u.Remote(true)
		n := testMail(inbox, 100)
		if _, err := u.Insert(n); err != nil {
			return err
		}
		first = n.Num
		if err := u.PutContent(n, tokenMessage(1)); err != nil {
			return err
		}
		return u.SetCheckpoint(scope, given(100))
	})
	expect("downloaded")
	created, seq := newItem(t, r, inbox, 8)
	update(t, r, func(u *Update) error {
		c, err := u.Change(seq)
		if err != nil {
			return err
		}
		c.Fixed, c.SourceKey, c.ChangeKey = true, sourceKey(200), changeKey(9)
		return u.SaveChange(c)
	})
	expect("created here")
	update(t, r, func(u *Update) error {
		if err := u.Move(created, RootNum, "moved meanwhile"); err != nil { // and it is in the inbox nevertheless
			return err
		}
		if err := u.DropChange(seq); err != nil {
			return err
		}
		return u.SetKeys(created, sourceKey(200), changeKey(9), nil)
	})
	expect("acknowledged")
	view(t, r, func(v *View) error {
		var nums []Num
		for n, err := range v.Messages(inbox) {
			if err != nil {
				return err
			}
			nums = append(nums, n.Num)
		}
		if d := cmp.Diff([]Num{first, created}, nums); d != "" {
			t.Error(d)
		}
		return nil
	})
	update(t, r, func(u *Update) error { return u.SetCheckpoint(scope, given(100)) })
	expect("checkpoint without it", "message 4 is in folder 2 on the server")
	update(t, r, func(u *Update) error { return u.SetCheckpoint(scope, given(100, 200)) })
	expect("checkpoint with it")
	update(t, r, func(u *Update) error { return u.Remove(first) })
	expect("removed here")
	update(t, r, func(u *Update) error { return u.SetCheckpoint(scope, given(100, 200)) })
	expect("still in the checkpoint", "names message 64 of")
	update(t, r, func(u *Update) error {
		c := given(200)
		c.Given.AddRange(testGUID, idset.Range{Low: 1000, High: 100000})
		return u.SetCheckpoint(scope, c)
	})
	expect("a range that is not here", "names messages 3e8 to 186a0")
	update(t, r, func(u *Update) error { return u.DropCheckpoint(scope) })
	update(t, r, func(u *Update) error { return u.SetCheckpoint(ContentsScope(sourceKey(999)), given()) })
	expect("a folder that is not here", "checkpoint of a folder")
	update(t, r, func(u *Update) error { return u.DropCheckpoint(ContentsScope(sourceKey(999))) })
}

func TestReserve(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	left := func(want int) {
		t.Helper()
		view(t, r, func(v *View) error {
			if n, err := v.Reserved(); n != want || err != nil {
				t.Errorf("%d left, want %d (%v)", n, want, err)
			}
			return nil
		})
	}
	take := func(want mapi.GlobCnt) {
		t.Helper()
		update(t, r, func(u *Update) error {
			if got, err := u.TakeID(); got != want || err != nil {
				t.Errorf("took %d, want %d (%v)", got, want, err)
			}
			return nil
		})
	}
	update(t, r, func(u *Update) error {
		if _, err := u.TakeID(); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if err := u.AddReserve(500, 2); err != nil {
			return err
		}
		if err := u.AddReserve(501, 5); !errors.Is(err, ErrExists) {
			t.Error(err)
		}
		if err := u.AddReserve(0, 5); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
		if err := u.AddReserve(mapi.MaxGlobCnt, 2); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
		return u.AddReserve(100, 3)
	})
	left(5)
	take(100)
	if err := r.Update(func(u *Update) error {
		id, err := u.TakeID()
		if id != 101 || err != nil {
			t.Error(id, err)
		}
		return errAbort
	}); !errors.Is(err, errAbort) {
		t.Fatal(err)
	}
	left(3)
	checkClose(t, r)
	r = openDir(t, dir)
	left(3)
	take(102)
	take(500)
	take(501)
	left(0)
	update(t, r, func(u *Update) error {
		if err := u.AddReserve(1000, 100000); err != nil {
			return err
		}
		if _, err := u.TakeID(); err != nil {
			return err
		}
		return u.DropReserve()
	})
	left(0)
}

// TestNumbersNeverTwice: not after a failure, and not after a crash (which is a copy
// of the files taken while the replica is open).
func TestNumbersNeverTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "replica")
	opt := testOptions(t)
	opt.Dir = dir
	r, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	nums, changes := make(map[Num]bool), make(map[uint32]bool)
	use := func(r *Replica, fail error) {
		t.Helper()
		err := r.Update(func(u *Update) error {
			n, err := u.Insert(&Node{Parent: RootNum, Name: "n", Kind: KindFile})
			if err != nil {
				return err
			}
			c, err := u.NextChange()
			if err != nil {
				return err
			}
			if nums[n] || changes[c] {
				t.Errorf("node %d or change %d comes again", n, c)
			}
			nums[n], changes[c] = true, true
			if fail != nil {
				return fail
			}
			return u.Remove(n)
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	use(r, nil)
	use(r, errAbort)
	use(r, nil)
	crashed := crash(t, dir)
	use(r, errAbort)
	checkClose(t, r)
	for _, opt.Dir = range []string{dir, crashed} {
		use(open(t, opt), nil)
	}
}
