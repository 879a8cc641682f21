package fs

import (
	"encoding/json"
	"errors"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/replica"
)

// The name-slot rule. Editors save by putting a new file in the place of the old one: they rename over it, or move
// it away or remove it and create the name anew. For as long as an idle window a name remembers the message that it
// led to; a file that takes the place then has a claim on that message, and becomes its next version instead of a
// message of its own. The claim is stored with the file, so that a crash keeps it.

type slotKey struct {
	parent replica.Num
	name   string
}

// slot is what a name remembers.
type slot struct {
	message replica.Num
	base    replica.Base
	until   time.Time
}

// claim is a file's right to be the next version of a message.
type claim struct {
	Item      replica.Num `json:"item"`
	Folder    replica.Num `json:"folder"` // where the message was
	Version   uint64      `json:"version"`
	ChangeKey []byte      `json:"changeKey,omitempty"`
	PCL       []byte      `json:"pcl,omitempty"`
}

// Local attributes of nodes that are no extended attributes: programs can't see them.
const (
	xattrClaim  = "mailfs.claim"  // claim, as JSON
	xattrClosed = "mailfs.closed" // the last close of this file was recorded
	xattrReason = "mailfs.reason" // why the bytes can't be a message, shown as user.mailfs.error
)

func newClaim(item, folder replica.Num, b replica.Base) claim {
	return claim{Item: item, Folder: folder, Version: b.Version, ChangeKey: []byte(b.ChangeKey), PCL: b.PCL.Bytes()}
}

func (c claim) base() replica.Base {
	pcl, err := mapi.ParsePCL(c.PCL)
	if err != nil {
		pcl = nil
	}
	return replica.Base{Version: c.Version, ChangeKey: mapi.ChangeKey(c.ChangeKey), PCL: pcl}
}

// claimOf returns the claim that a local file has.
func claimOf(n *replica.Node) (c claim, ok bool) {
	p := n.Xattrs[xattrClaim]
	if len(p) == 0 || json.Unmarshal(p, &c) != nil {
		return claim{}, false
	}
	return c, true
}

// setLocal stores or, with nil, removes one of the hidden attributes. The map is replaced, not changed.
func setLocal(n *replica.Node, key string, value []byte) {
	m := make(map[string][]byte, len(n.Xattrs)+1)
	for k, v := range n.Xattrs {
		m[k] = v
	}
	if value == nil {
		delete(m, key)
	} else {
		m[key] = value
	}
	n.Xattrs = m
}

func setClaim(n *replica.Node, c claim) {
	p, err := json.Marshal(c)
	if err == nil {
		setLocal(n, xattrClaim, p)
	}
}

// farOff is when a held deletion becomes ready: never, unless it is released.
var farOff = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// remember leaves a message in the slot of the name that it had. ns is held.
func (t *tree) remember(parent replica.Num, name string, n *replica.Node) {
	if t.opt.IdleWindow <= 0 || names.ItemExt(name) == "" {
		return
	}
	now := t.clock.Now()
	t.forgetSlots(n.Num)
	t.slots[slotKey{parent, name}] = slot{message: n.Num, base: t.seen(n, t.shownNow(n)), until: now.Add(t.opt.IdleWindow)}
}

// forgetSlots drops the slots of a message, and those whose time is over.
func (t *tree) forgetSlots(num replica.Num) {
	now := t.clock.Now()
	for k, s := range t.slots {
		if s.message == num || !now.Before(s.until) {
			delete(t.slots, k)
		}
	}
}

// takeSlot gives n, a file that just got its name, a claim on the message that the name remembers, if it may have
// one. The node is changed, not saved. ns is held.
func (t *tree) takeSlot(u *replica.Update, n *replica.Node) error {
	key := slotKey{n.Parent, n.Name}
	s, ok := t.slots[key]
	if !ok || !t.clock.Now().Before(s.until) {
		return nil
	}
	old, err := u.Node(s.message)
	if errors.Is(err, replica.ErrNotFound) {
		delete(t.slots, key)
		return nil
	}
	if err != nil {
		return err
	}
	if old.Kind != replica.KindMessage { // somebody removed it, and what was written to it stays
		delete(t.slots, key)
		return nil
	}
	if old.Parent != 0 && shownAsItem(&u.View, old) {
		return nil // it was renamed to be kept; should it be removed soon, unlink sees this slot
	}
	if old.Parent != 0 && old.Message.State != replica.StateFull && t.opt.Fetcher == nil {
		return nil // there would be nothing to leave behind
	}
	if dir, err := u.Node(n.Parent); err != nil || !heirForm(dir, n.Name, old).item() {
		return err
	}
	held, err := t.holdDeletion(u, old.Num)
	if err != nil || !held {
		return err
	}
	delete(t.slots, key)
	setClaim(n, newClaim(old.Num, n.Parent, s.base))
	return nil
}

// shownAsItem reports whether a message has a name that items have, in a folder: it is not one that was moved away.
func shownAsItem(v *replica.View, n *replica.Node) bool {
	if names.ItemExt(n.Name) == "" {
		return false
	}
	p, err := v.Node(n.Parent)
	return err == nil && p.Kind == replica.KindFolder
}

// holdDeletion keeps a queued deletion or move of a message back; false when it is on its way to the server.
func (t *tree) holdDeletion(u *replica.Update, num replica.Num) (bool, error) {
	list, err := u.ChangesOf(num)
	if err != nil {
		return false, err
	}
	for _, c := range list {
		if c.Kind != replica.ChangeDelete && c.Kind != replica.ChangeMove {
			continue
		}
		if c.Fixed {
			return false, nil
		}
		c.Ready = farOff
		if err := u.SaveChange(c); err != nil {
			return false, err
		}
	}
	return true, nil
}

// releaseClaim lets go of what a vanishing file claimed: the message goes where it would have gone without the file.
func (t *tree) releaseClaim(u *replica.Update, n *replica.Node) error {
	c, ok := claimOf(n)
	if !ok {
		return nil
	}
	old, err := u.Node(c.Item)
	if errors.Is(err, replica.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := u.ChangesOf(c.Item)
	if err != nil {
		return err
	}
	deleted := false
	for _, ch := range list {
		deleted = deleted || ch.Kind == replica.ChangeDelete
		if ch.Ready.Equal(farOff) {
			ch.Ready = t.clock.Now().Add(t.opt.IdleWindow)
			if err := u.SaveChange(ch); err != nil {
				return err
			}
		}
	}
	if old.Parent == 0 && !deleted {
		return t.enqueueDelete(u, old, c.Folder)
	}
	return nil
}
