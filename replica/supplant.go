package replica

import "fmt"

// Supplant makes heir, a local file in a folder, the bearer of the mailbox identity of the message old, as a save
// by rename needs it: the name keeps the file's number, and the server sees a new version of the same message.
//
// heir becomes a KindMessage with old's MessageInfo, Version, stored content, base message and xattrs; the journal
// entries of old are rewritten to heir (Change.Item), and old's source key leads to heir. heir keeps its Num, Gen,
// Parent, Name, times, Size, Content and working copy. The caller replaces the content with PutContent right after.
//
// old, when it is in the tree, stays under its number and name as an empty KindFile without Message, for the
// caller to fill with Save; when it was detached it is gone for good.
//
// Besides Supplant, Save and PutContent accept a node whose Kind has changed from KindFile to KindMessage (Message
// set, no source key yet), or between KindDir and KindFolder (Folder set or nil).
func (u *Update) Supplant(heir, old Num) error {
	h, err := u.load(heir)
	if err != nil {
		return err
	}
	o, err := u.load(old)
	if err != nil {
		return err
	}
	if h.Kind != KindFile || h.Parent == 0 || o.Kind != KindMessage || o.hidden() {
		return fmt.Errorf("%w: %d can't take the place of %d", ErrInvalid, heir, old)
	}
	next := *h
	next.Kind, next.Message, next.Version, next.Xattrs = KindMessage, o.Message, o.Version, o.Xattrs
	next.content, next.home, next.local, next.full = o.content, o.home, o.local, o.full
	if err := u.strip(o); err != nil {
		return err
	}
	if err := u.put(h, &next); err != nil {
		return err
	}
	if err := u.bequeath(heir, old); err != nil {
		return err
	}
	if o.Parent == 0 {
		if err := u.Remove(old); err != nil {
			return err
		}
	}
	u.event(EventContent, &next)
	return nil
}

// strip makes a message an empty file, without touching what hangs on its number.
func (u *Update) strip(o *record) error {
	empty := record{Node: o.Node}
	empty.Kind, empty.Message, empty.Xattrs = KindFile, nil, nil
	empty.Size, empty.Exact, empty.Content = 0, true, 0
	empty.Version++
	if err := u.put(o, &empty); err != nil {
		return err
	}
	u.event(EventContent, &empty)
	return nil
}

// bequeath moves journal entries and older versions from one node to another.
func (u *Update) bequeath(heir, old Num) error {
	for _, space := range []byte{spaceBase, spaceSent} {
		p, err := u.get(key(space, uint64(old)))
		if err != nil {
			return err
		}
		if p != nil {
			u.del(key(space, uint64(old)))
			u.set(key(space, uint64(heir)), p)
		}
	}
	if err := u.bequeathVoid(heir, old); err != nil {
		return err
	}
	seqs, err := u.seqs(old)
	if err != nil || len(seqs) == 0 {
		return err
	}
	for _, seq := range seqs {
		c, err := u.Change(seq)
		if err != nil {
			return err
		}
		c.Item = heir
		p, err := c.encode()
		if err != nil {
			return err
		}
		u.set(key(spaceJournal, seq), p)
	}
	own, err := u.seqs(heir)
	if err != nil {
		return err
	}
	u.setSeqs(old, nil)
	u.setSeqs(heir, append(seqs, own...))
	return nil
}
