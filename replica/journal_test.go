package replica

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

// item inserts a message as the server sent it, in full, and returns its number.
func item(t testing.TB, r *Replica, folder Num, id int) (num Num) {
	t.Helper()
	update(t, r, func(u *Update) error {
		u.Remote(true)
		n := testMail(folder, id)
		if _, err := u.Insert(n); err != nil {
			return err
		}
		num = n.Num
		return u.PutContent(n, tokenMessage(id))
	})
	return num
}

// newItem inserts a message made here, with its create queued.
func newItem(t testing.TB, r *Replica, folder Num, token int) (num Num, seq uint64) {
	t.Helper()
	update(t, r, func(u *Update) (err error) {
		n := testMail(folder, token)
		n.Message.SourceKey, n.Message.ChangeKey, n.Message.PCL = "", "", nil
		if num, err = u.Insert(n); err != nil {
			return err
		}
		if err := u.PutContent(n, tokenMessage(token)); err != nil {
			return err
		}
		seq, err = u.Enqueue(&Change{Kind: ChangeCreate, Item: num, Folder: folder})
		return err
	})
	return num, seq
}

func edit(u *Update, n Num, token int) error {
	node, err := u.Node(n)
	if err != nil {
		return err
	}
	node.Message.State = StateFull
	return u.PutContent(node, tokenMessage(token))
}

func queued(t testing.TB, r *Replica, n Num) (list []*Change) {
	t.Helper()
	view(t, r, func(v *View) (err error) {
		list, err = v.ChangesOf(n)
		return err
	})
	return list
}

// kinds returns the kinds of the queued changes of an item.
func kinds(t testing.TB, r *Replica, n Num) (out []ChangeKind) {
	t.Helper()
	for _, c := range queued(t, r, n) {
		out = append(out, c.Kind)
	}
	return out
}

func TestFolding(t *testing.T) {
	const a, b, c = 101, 102, 103 // folders; only numbers here
	move := func(from, to Num) Change { return Change{Kind: ChangeMove, From: from, Folder: to} }
	edit, read, del := Change{Kind: ChangeEdit}, Change{Kind: ChangeRead, Read: true}, Change{Kind: ChangeDelete}
	create := Change{Kind: ChangeCreate, Folder: a}
	props := Change{Kind: ChangeProps}
	fixed := func(c Change) Change { c.Fixed = true; return c }
	for name, tt := range map[string]struct {
		queue []Change
		want  []ChangeKind
	}{
		"edit into create":              {[]Change{create, edit}, []ChangeKind{ChangeCreate}},
		"edit into edit":                {[]Change{edit, edit}, []ChangeKind{ChangeEdit}},
		"edit into edit before a move":  {[]Change{edit, move(a, b), edit}, []ChangeKind{ChangeEdit, ChangeMove}},
		"edit behind a fixed edit":      {[]Change{fixed(edit), edit, edit}, []ChangeKind{ChangeEdit, ChangeEdit}},
		"edit behind a fixed create":    {[]Change{fixed(create), edit}, []ChangeKind{ChangeCreate, ChangeEdit}},
		"move into move":                {[]Change{move(a, b), move(b, c)}, []ChangeKind{ChangeMove}},
		"move back":                     {[]Change{move(a, b), move(b, a)}, nil},
		"move back behind a fixed move": {[]Change{fixed(move(a, b)), move(b, a)}, []ChangeKind{ChangeMove, ChangeMove}},
		"move into create":              {[]Change{create, move(a, b), move(b, a)}, []ChangeKind{ChangeCreate}},
		"read into read":                {[]Change{read, read}, []ChangeKind{ChangeRead}},
		"read into create":              {[]Change{create, read}, []ChangeKind{ChangeCreate}},
		"read beside edit":              {[]Change{edit, read}, []ChangeKind{ChangeEdit, ChangeRead}},
		"properties into their kind":    {[]Change{props, read, props}, []ChangeKind{ChangeProps, ChangeRead}},
		"properties into create":        {[]Change{create, props}, []ChangeKind{ChangeCreate}},
		"delete behind edit":            {[]Change{edit, del}, []ChangeKind{ChangeEdit, ChangeDelete}},
		"delete behind a fixed create":  {[]Change{fixed(create), del}, []ChangeKind{ChangeCreate, ChangeDelete}},
		"delete instead of a move":      {[]Change{edit, move(a, b), read, del}, []ChangeKind{ChangeEdit, ChangeRead, ChangeDelete}},
		"delete behind a fixed move":    {[]Change{fixed(move(a, b)), del}, []ChangeKind{ChangeMove, ChangeDelete}},
		"edit behind delete":            {[]Change{edit, del, edit}, []ChangeKind{ChangeEdit, ChangeDelete, ChangeEdit}},
	} {
		t.Run(name, func(t *testing.T) {
			r := openMemory(t)
			n := item(t, r, RootNum, 7)
			update(t, r, func(u *Update) error {
				for _, c := range tt.queue {
					c.Item = n
					fix := c.Fixed
					c.Fixed = false
					seq, err := u.Enqueue(&c)
					if err != nil {
						return err
					}
					if fix {
						c.Fixed = true
						if err := u.SaveChange(&c); err != nil || seq != c.Seq {
							return err
						}
					}
				}
				return nil
			})
			if d := cmp.Diff(tt.want, kinds(t, r, n)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFoldingMerges(t *testing.T) {
	r := openMemory(t)
	n := item(t, r, RootNum, 7)
	flag, importance := mapi.PidTagFlagStatus, mapi.PidTagImportance
	later := testTime.Add(time.Minute)
	update(t, r, func(u *Update) error {
		for _, c := range []*Change{
			{Kind: ChangeProps, Item: n, At: testTime, Ready: later, Base: Base{Version: 1}, Unset: []mapi.Key{{ID: flag.ID()}},
				Set: mapi.PropertyBag{{Tag: importance, Value: int32(2)}}},
			{Kind: ChangeProps, Item: n, At: later, Ready: testTime, Base: Base{Version: 2}, Unset: []mapi.Key{{ID: importance.ID()}},
				Set: mapi.PropertyBag{{Tag: flag, Value: int32(1)}}},
			{Kind: ChangeMove, Item: n, From: 5, Folder: 6},
			{Kind: ChangeMove, Item: n, From: 6, Folder: 8},
		} {
			if _, err := u.Enqueue(c); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, r, func(v *View) error {
		list, err := v.ChangesOf(n)
		if err != nil {
			return err
		}
		want := []*Change{
			{Seq: list[0].Seq, Kind: ChangeProps, Item: n, At: later, Ready: later, Base: Base{Version: 1}, Unset: []mapi.Key{{ID: importance.ID()}},
				Set: mapi.PropertyBag{{Tag: flag, Value: int32(1)}}},
			{Seq: list[1].Seq, Kind: ChangeMove, Item: n, From: 5, Folder: 8},
		}
		if d := cmp.Diff(want, list); d != "" {
			t.Error(d)
		}
		return nil
	})
}

func TestDeleteOfUnsent(t *testing.T) {
	r := openMemory(t)
	n, _ := newItem(t, r, RootNum, 10)
	blob := putBlob(t, r, 100)
	update(t, r, func(u *Update) error {
		if err := u.PutWorkingCopy(&WorkingCopy{Item: n, Content: blob, Size: 100}); err != nil {
			return err
		}
		if err := u.Detach(n); err != nil {
			return err
		}
		seq, err := u.Enqueue(&Change{Kind: ChangeDelete, Item: n})
		if seq != 0 {
			t.Error("the deletion was queued")
		}
		return err
	})
	view(t, r, func(v *View) error {
		if _, err := v.Node(n); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		all, _, err := v.Pending()
		if all != 0 {
			t.Error("something is still queued")
		}
		return err
	})
}

// TestBaseBehindFixed has two edits on their way and a third change behind them: its base is the last
// of them that it knows.
func TestBaseBehindFixed(t *testing.T) {
	sent := func(version uint64) Base {
		id := 10 * int(version)
		return Base{Version: version, ChangeKey: changeKey(id), PCL: mapi.PCL{xid(id)}}
	}
	older := Base{Version: 1, ChangeKey: changeKey(7)}
	for name, tt := range map[string]struct {
		change Change
		want   Base
	}{
		"an edit of the last":        {Change{Kind: ChangeEdit, Base: Base{Version: 3, ChangeKey: changeKey(7)}}, sent(3)},
		"an edit of the one before":  {Change{Kind: ChangeEdit, Base: Base{Version: 2, ChangeKey: changeKey(7)}}, sent(2)},
		"an edit of an older one":    {Change{Kind: ChangeEdit, Base: older}, older},
		"a flag on whatever version": {Change{Kind: ChangeProps, Base: older}, sent(3)},
	} {
		t.Run(name, func(t *testing.T) {
			r := openMemory(t)
			n := item(t, r, RootNum, 7)
			update(t, r, func(u *Update) error {
				for version := uint64(2); version <= 3; version++ {
					c := &Change{Kind: ChangeEdit, Item: n, Base: Base{Version: version - 1, ChangeKey: changeKey(7)}}
					if _, err := u.Enqueue(c); err != nil {
						return err
					}
					s := sent(version)
					c.Fixed, c.Version, c.ChangeKey, c.PCL = true, s.Version, s.ChangeKey, s.PCL
					if err := u.SaveChange(c); err != nil {
						return err
					}
				}
				c := tt.change
				c.Item = n
				_, err := u.Enqueue(&c)
				return err
			})
			if d := cmp.Diff(tt.want, queued(t, r, n)[2].Base); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestDeleteInsteadOfMove deletes what was moved and not sent: the message is deleted where the server has it.
func TestDeleteInsteadOfMove(t *testing.T) {
	r := openMemory(t)
	n := item(t, r, RootNum, 7)
	update(t, r, func(u *Update) error {
		for _, c := range []*Change{{Kind: ChangeMove, From: 101, Folder: 102}, {Kind: ChangeMove, From: 102, Folder: 103}, {Kind: ChangeDelete, From: 103, Folder: 103}} {
			c.Item = n
			if _, err := u.Enqueue(c); err != nil {
				return err
			}
		}
		return nil
	})
	list := queued(t, r, n)
	if len(list) != 1 || list[0].Kind != ChangeDelete || list[0].From != 101 || list[0].Folder != 101 {
		t.Errorf("%+v", list)
	}
}

func TestRefusedIsOpenAgain(t *testing.T) {
	r := openMemory(t)
	n := item(t, r, RootNum, 7)
	update(t, r, func(u *Update) error {
		c := &Change{Kind: ChangeEdit, Item: n}
		if _, err := u.Enqueue(c); err != nil {
			return err
		}
		c.Fixed, c.Attempts, c.Error = true, 3, &ChangeError{Code: 5}
		return u.SaveChange(c)
	})
	view(t, r, func(v *View) error {
		if all, refused, err := v.Pending(); all != 1 || refused != 1 || err != nil {
			t.Error(all, refused, err)
		}
		return nil
	})
	update(t, r, func(u *Update) error {
		_, err := u.Enqueue(&Change{Kind: ChangeEdit, Item: n})
		return err
	})
	view(t, r, func(v *View) error {
		list, err := v.ChangesOf(n)
		if len(list) != 1 || list[0].Error != nil || list[0].Fixed || list[0].Attempts != 0 {
			t.Errorf("%+v", list)
		}
		if all, refused, err := v.Pending(); all != 1 || refused != 0 || err != nil {
			t.Error(all, refused, err)
		}
		return err
	})
}

func tokens(t testing.TB, r *Replica, n Num) (content, base int) {
	t.Helper()
	view(t, r, func(v *View) error {
		m, err := v.Message(n)
		if err != nil {
			return err
		}
		if content, err = tokenOf(m); err != nil {
			return err
		}
		if m, err = v.BaseMessage(n); err == nil {
			base, err = tokenOf(m)
		}
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	})
	return content, base
}

// TestBase follows a message through edits, a send, an edit during it, and the
// acknowledgement.
func TestBase(t *testing.T) {
	r := openMemory(t)
	n := item(t, r, RootNum, 5)
	expect := func(when string, content, base int) {
		t.Helper()
		if c, b := tokens(t, r, n); c != content || b != base {
			t.Fatalf("%s: content %d and base %d, want %d and %d", when, c, b, content, base)
		}
		check(t, r)
	}
	var sent Change
	save := func(token int) {
		update(t, r, func(u *Update) error {
			if err := edit(u, n, token); err != nil {
				return err
			}
			c := Change{Kind: ChangeEdit, Item: n}
			_, err := u.Enqueue(&c)
			if sent.Seq == 0 {
				sent = c
			}
			return err
		})
	}
	expect("downloaded", 5, 0)
	save(10)
	expect("edited", 10, 5)
	save(11)
	expect("edited again", 11, 5)
	update(t, r, func(u *Update) error {
		node, err := u.Node(n)
		if err != nil {
			return err
		}
		sent.Fixed, sent.Version, sent.ChangeKey, sent.PCL = true, node.Version, changeKey(99), mapi.PCL{xid(99)}
		return u.SaveChange(&sent)
	})
	save(15)
	expect("edited during the send", 15, 5)
	view(t, r, func(v *View) error {
		m, err := v.SentMessage(&sent)
		if err != nil {
			return err
		}
		if token, err := tokenOf(m); token != 11 || err != nil {
			t.Error("sent is", token, err)
		}
		return nil
	})
	update(t, r, func(u *Update) error {
		if err := u.SetKeys(n, sourceKey(5), sent.ChangeKey, sent.PCL); err != nil {
			return err
		}
		return u.DropChange(sent.Seq)
	})
	expect("acknowledged", 15, 11)
	view(t, r, func(v *View) error {
		b, err := v.BaseOf(n)
		if d := cmp.Diff(Base{Version: sent.Version, ChangeKey: changeKey(99), PCL: mapi.PCL{xid(99)}}, b); d != "" {
			t.Error(d)
		}
		return err
	})
	update(t, r, func(u *Update) error {
		list, err := u.ChangesOf(n)
		if err != nil {
			return err
		}
		return u.DropChange(list[0].Seq)
	})
	expect("all acknowledged", 15, 0)
	save(20)
	expect("edited anew", 20, 15)
	update(t, r, func(u *Update) error {
		u.Remote(true)
		return edit(u, n, 25)
	})
	expect("replaced by the server", 25, 0)
}

func TestNoBaseBelowCreate(t *testing.T) {
	r := openMemory(t)
	n, seq := newItem(t, r, RootNum, 3)
	update(t, r, func(u *Update) error {
		if err := edit(u, n, 4); err != nil {
			return err
		}
		again, err := u.Enqueue(&Change{Kind: ChangeEdit, Item: n})
		if again != seq {
			t.Error("the edit was not folded into the create")
		}
		return err
	})
	if content, base := tokens(t, r, n); content != 4 || base != 0 {
		t.Error(content, base)
	}
}

// TestGen: a version of the server raises Gen where an older one could be read.
func TestGen(t *testing.T) {
	r := openMemory(t)
	var n *Node
	put := func(remote, full bool, version, gen uint64) {
		t.Helper()
		update(t, r, func(u *Update) error {
			u.Remote(remote)
			var err error
			if full {
				n.Message.State = StateFull
				err = u.PutContent(n, tokenMessage(1))
			} else {
				err = u.PutHeader(n, tokenMessage(1).Properties)
			}
			if n.Version != version || n.Gen != gen {
				t.Errorf("version %d gen %d, want %d and %d", n.Version, n.Gen, version, gen)
			}
			return err
		})
	}
	update(t, r, func(u *Update) error {
		u.Remote(true)
		n = testMail(RootNum, 1)
		_, err := u.Insert(n)
		return err
	})
	put(true, false, 1, 0) // header
	put(true, true, 2, 0)  // completed
	put(true, true, 3, 1)  // another version
	put(true, false, 4, 2) // a newer one of which only the header is here
	put(true, true, 5, 2)
	put(false, true, 6, 2)
	stale := *n
	stale.Version--
	update(t, r, func(u *Update) error {
		if err := u.PutContent(&stale, tokenMessage(1)); !errors.Is(err, ErrStale) {
			t.Error(err)
		}
		if err := u.PutHeader(n, nil); !errors.Is(err, ErrStale) { // would lose what was written here
			t.Error(err)
		}
		return nil
	})
}
