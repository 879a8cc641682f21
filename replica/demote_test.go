package replica

import "testing"

// What is being written into a message outlives the message's removal on the server.
func TestRemoteRemovalKeepsWorkingCopy(t *testing.T) {
	r := openMemory(t)
	var folder Num
	update(t, r, func(u *Update) (err error) {
		u.Remote(true)
		folder, err = u.Insert(testFolder(RootNum, "folder 1", 1))
		return err
	})
	num := item(t, r, folder, 7)
	update(t, r, func(u *Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		if err := edit(u, num, 8); err != nil {
			return err
		}
		if _, err := u.Enqueue(&Change{Kind: ChangeEdit, Item: num, Folder: folder}); err != nil {
			return err
		}
		id, err := u.PutBlob(memory("Subject: x\n\nwritten\n"))
		if err != nil {
			return err
		}
		return u.PutWorkingCopy(&WorkingCopy{Item: num, Content: id, Size: 20, Base: Base{Version: n.Version}})
	})
	var was *Node
	view(t, r, func(v *View) (err error) {
		was, err = v.Node(num)
		return err
	})
	update(t, r, func(u *Update) error { u.Remote(true); return u.Remove(num) })
	view(t, r, func(v *View) error {
		n, err := v.Node(num)
		if err != nil {
			return err
		}
		if n.Kind != KindFile || n.Size != 20 || n.Content == 0 {
			t.Errorf("got %+v", n)
		}
		if n.Gen != was.Gen+1 {
			t.Errorf("generation %d shows what was written, and %d what came after it was opened", n.Gen, was.Gen)
		}
		if _, err := v.WorkingCopy(num); err != nil {
			t.Error(err)
		}
		return nil
	})
	if k := kinds(t, r, num); len(k) != 0 {
		t.Errorf("changes are left: %v", k)
	}
	// The user himself removes it for good.
	update(t, r, func(u *Update) error { return u.Remove(num) })
	check(t, r)
}

// A new version that was made from an older one than that on its way stays a conflict.
func TestOldBaseBehindFixedMove(t *testing.T) {
	r := openMemory(t)
	var folder, other Num
	update(t, r, func(u *Update) (err error) {
		u.Remote(true)
		if folder, err = u.Insert(testFolder(RootNum, "folder 1", 1)); err != nil {
			return err
		}
		other, err = u.Insert(testFolder(RootNum, "folder 2", 2))
		return err
	})
	num := item(t, r, folder, 7)
	update(t, r, func(u *Update) error {
		n, err := u.Node(num)
		if err != nil {
			return err
		}
		old := Base{Version: n.Version - 1, ChangeKey: "older"}
		if err := u.Move(num, other, "moved.eml"); err != nil {
			return err
		}
		seq, err := u.Enqueue(&Change{Kind: ChangeMove, Item: num, Folder: other, From: folder})
		if err != nil {
			return err
		}
		c, err := u.Change(seq)
		if err != nil {
			return err
		}
		c.Fixed, c.ChangeKey, c.Version = true, "moved", n.Version
		if err := u.SaveChange(c); err != nil {
			return err
		}
		if err := edit(u, num, 8); err != nil {
			return err
		}
		if seq, err = u.Enqueue(&Change{Kind: ChangeEdit, Item: num, Folder: other, Base: old}); err != nil {
			return err
		}
		if c, err = u.Change(seq); err == nil && c.Base.ChangeKey != "older" {
			t.Errorf("the base is %q now", c.Base.ChangeKey)
		}
		return err
	})
}

// A create can turn out to be an edit; no other change becomes something else.
func TestCreateBecomesEdit(t *testing.T) {
	r := openMemory(t)
	num, seq := newItem(t, r, RootNum, 1)
	update(t, r, func(u *Update) error {
		c, err := u.Change(seq)
		if err != nil {
			return err
		}
		c.Kind = ChangeEdit
		if err := u.SaveChange(c); err != nil {
			return err
		}
		c.Kind = ChangeMove
		if err := u.SaveChange(c); err == nil {
			t.Error("an edit became a move")
		}
		return nil
	})
	if k := kinds(t, r, num); len(k) != 1 || k[0] != ChangeEdit {
		t.Errorf("got %v", k)
	}
}
