package replica

import (
	"fmt"
	"iter"

	"mailfs/mapi"
)

const changeFormat = 1

func (c *Change) encode() ([]byte, error) {
	var e enc
	e.u8(changeFormat)
	e.u8(uint8(c.Kind))
	e.u8(bits(c.Read, c.Hard, c.Fixed, c.Error != nil))
	e.uv(uint64(c.Item))
	e.time(c.At)
	e.time(c.Ready)
	encodeBase(&e, &c.Base)
	e.uv(uint64(c.Folder))
	e.uv(uint64(c.From))
	if err := encodeBag(&e, c.Set); err != nil {
		return nil, err
	}
	encodeKeys(&e, c.Unset)
	e.uv(c.Version)
	e.str(string(c.SourceKey))
	e.str(string(c.OldKey))
	e.str(string(c.ChangeKey))
	e.pcl(c.PCL)
	e.u64(uint64(c.Modified))
	e.uv(number(int64(c.Attempts)))
	if c.Error != nil {
		e.changeError(c.Error)
	}
	return e.b, nil
}

func decodeChange(seq uint64, p string) (*Change, error) {
	d := &dec{s: p}
	d.format(changeFormat)
	c := &Change{Seq: seq, Kind: ChangeKind(d.u8())}
	flags := d.u8()
	c.Read, c.Hard, c.Fixed = flags&1 != 0, flags&2 != 0, flags&4 != 0
	c.Item = Num(d.uv())
	c.At, c.Ready = d.time(), d.time()
	c.Base = decodeBase(d)
	c.Folder, c.From = Num(d.uv()), Num(d.uv())
	c.Set = decodeBag(d)
	c.Unset = decodeKeys(d)
	c.Version = d.uv()
	c.SourceKey, c.OldKey = mapi.SourceKey(d.str()), mapi.SourceKey(d.str())
	c.ChangeKey, c.PCL = mapi.ChangeKey(d.str()), d.pcl()
	c.Modified = mapi.FileTime(d.u64())
	c.Attempts = int(d.uv())
	if flags&8 != 0 {
		c.Error = d.changeError()
	}
	return c, d.end()
}

// encodeKeys appends property keys; a key is stored as a property without a value.
func encodeKeys(e *enc, keys []mapi.Key) {
	e.uv(uint64(len(keys)))
	for _, k := range keys {
		be := &bagEnc{enc: *e}
		be.uv(uint64(k.ID))
		be.name(k.Name)
		*e = be.enc
	}
}

func decodeKeys(d *dec) []mapi.Key {
	n := d.count(2)
	if n == 0 {
		return nil
	}
	keys := make([]mapi.Key, n)
	for i := range keys {
		bd := &bagDec{dec: *d}
		keys[i] = mapi.Key{ID: uint16(bd.uv()), Name: bd.name()}
		*d = bd.dec
	}
	return keys
}

// ofContent says that a change is about the content of a message.
func (c *Change) ofContent() bool { return c.Kind == ChangeCreate || c.Kind == ChangeEdit }

// Changes yields the journal in order of Seq, from the given Seq on.
func (v *View) Changes(from uint64) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		for p, err := range v.scan([]byte{spaceJournal}, key(spaceJournal, from), true) {
			if err != nil {
				yield(nil, err)
				return
			}
			c, err := decodeChange(keyTail(p.k), p.v)
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Change returns one entry of the journal.
func (v *View) Change(seq uint64) (*Change, error) {
	p, err := v.get(key(spaceJournal, seq))
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("%w: change %d", ErrNotFound, seq)
	}
	return decodeChange(seq, string(p))
}

func (v *View) seqs(n Num) ([]uint64, error) {
	p, err := v.get(key(spaceQueue, uint64(n)))
	if p == nil || err != nil {
		return nil, err
	}
	d := &dec{s: string(p)}
	list := make([]uint64, d.count(1))
	for i := range list {
		list[i] = d.uv()
	}
	return list, d.end()
}

func (u *Update) setSeqs(n Num, list []uint64) {
	k := key(spaceQueue, uint64(n))
	if len(list) == 0 {
		u.del(k)
		return
	}
	var e enc
	e.uv(uint64(len(list)))
	for _, seq := range list {
		e.uv(seq)
	}
	u.set(k, e.b)
}

// ChangesOf returns the queued changes of one item in order.
func (v *View) ChangesOf(n Num) ([]*Change, error) {
	seqs, err := v.seqs(n)
	if err != nil {
		return nil, err
	}
	list := make([]*Change, len(seqs))
	for i, seq := range seqs {
		if list[i], err = v.Change(seq); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Pending returns the number of queued changes, and of refused ones among them.
func (v *View) Pending() (all, refused int, err error) {
	t, err := v.readTotals()
	return t.Queued, t.refused, err
}

// Enqueue appends a change and returns its Seq, or folds it into a queued change of the item that is
// not Fixed yet: an edit into an earlier create or edit, a deletion into a create (both vanish with all
// that belongs to the node, Seq 0), a move into a move or create, a read or property change into one of its
// kind or into a create; likewise for folders an update into a create or update and a deletion into a
// create. A deletion takes the place of a move, from where that came. A move back to where the first one came from cancels it (Seq 0). A change that the server refused
// is open to folding again, and the item's refused changes are tried again.
// Behind a Fixed change the base becomes the keys of that one, unless it is content of an older version.
func (u *Update) Enqueue(c *Change) (uint64, error) {
	if c.Kind < ChangeCreate || c.Kind > ChangeFolderDelete {
		return 0, fmt.Errorf("%w: change of kind %d", ErrInvalid, c.Kind)
	}
	r, err := u.load(c.Item)
	if err != nil {
		return 0, err
	}
	if folder := c.Kind >= ChangeFolderCreate; folder && r.Folder == nil || !folder && r.Message == nil {
		return 0, fmt.Errorf("%w: change of kind %d for node %d", ErrInvalid, c.Kind, c.Item)
	}
	list, err := u.ChangesOf(c.Item)
	if err != nil {
		return 0, err
	}
	if err := u.reopen(list); err != nil {
		return 0, err
	}
	u.events.add(Event{Kind: EventJournal, Item: r.Num, NodeKind: r.Kind, Parent: r.Parent, Name: r.Name, Remote: u.remote})
	seq, done, err := u.fold(c, list)
	if done || err != nil {
		return seq, err
	}
	if list, err = u.ChangesOf(c.Item); err != nil {
		return 0, err
	}
	return u.append(c, list)
}

// reopen takes back the refusal of changes, since the user has touched the item. The
// server has none of a refused change, so that it may be made anew.
func (u *Update) reopen(list []*Change) error {
	for _, c := range list {
		if c.Error == nil {
			continue
		}
		c.Error, c.Attempts, c.Fixed = nil, 0, false
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	return nil
}

func (u *Update) append(c *Change, list []*Change) (uint64, error) {
	seq, err := u.r.take(counterSeq)
	if err != nil {
		return 0, err
	}
	own := *c
	own.Seq = seq
	if c.ofContent() {
		if own.Base, err = u.validBase(c.Item, c.Base); err != nil {
			return 0, err
		}
	}
	for _, before := range list {
		// content that was made from an older version than the one on its way is a conflict, and stays one
		if before.Fixed && before.ChangeKey != "" && (!c.ofContent() || c.Base.Version >= before.Version) {
			own.Base = Base{Version: before.Version, ChangeKey: before.ChangeKey, PCL: before.PCL}
		}
	}
	p, err := own.encode()
	if err != nil {
		return 0, err
	}
	u.set(key(spaceJournal, seq), p)
	seqs := make([]uint64, 0, len(list)+1)
	for _, before := range list {
		seqs = append(seqs, before.Seq)
	}
	u.setSeqs(c.Item, append(seqs, seq))
	c.Seq = seq
	return seq, u.tally(nil, &own)
}

// fold merges c into a queued change if the rules of Enqueue say so.
func (u *Update) fold(c *Change, list []*Change) (seq uint64, done bool, err error) {
	for i := len(list) - 1; i >= 0; i-- {
		q := list[i]
		if q.Fixed {
			return 0, false, nil
		}
		if q.Kind == ChangeDelete || q.Kind == ChangeFolderDelete {
			return 0, false, nil // what comes after a deletion stays after it
		}
		switch foldRule(q.Kind, c.Kind) {
		case foldNot:
			continue
		case foldCancel:
			// A fixed create further up would have ended the loop, so the server has
			// never heard of the item.
			return 0, true, u.Remove(c.Item)
		case foldOver:
			c.From, c.Folder = q.From, q.From
			if err := u.DropChange(q.Seq); err != nil {
				return 0, false, err
			}
		case foldInto:
			if q.Kind == ChangeMove && q.From == c.Folder {
				return 0, true, u.DropChange(q.Seq)
			}
			q.merge(c)
			return q.Seq, true, u.SaveChange(q)
		}
	}
	return 0, false, nil
}

type foldAction uint8

const (
	foldNot foldAction = iota
	foldInto
	foldCancel
	foldOver
)

// foldRule tells what becomes of a change that follows the queued one.
func foldRule(queued, c ChangeKind) foldAction {
	switch queued {
	case ChangeCreate:
		if c == ChangeDelete {
			return foldCancel
		}
		return foldInto
	case ChangeFolderCreate:
		if c == ChangeFolderDelete {
			return foldCancel
		}
		return foldInto
	case ChangeMove:
		if c == ChangeDelete {
			return foldOver
		}
		if c == queued {
			return foldInto
		}
	case ChangeEdit, ChangeRead, ChangeProps, ChangeFolderUpdate:
		if c == queued {
			return foldInto
		}
	}
	return foldNot
}

// merge takes c into q. The base stays that of the first change.
func (q *Change) merge(c *Change) {
	q.At = c.At
	if c.Ready.After(q.Ready) {
		q.Ready = c.Ready
	}
	switch c.Kind {
	case ChangeMove, ChangeFolderUpdate:
		q.Folder = c.Folder
	case ChangeRead:
		q.Read = c.Read
	case ChangeProps:
		q.mergeProps(c)
	}
}

func (q *Change) mergeProps(c *Change) {
	for _, p := range c.Set {
		q.Set.Put(p)
		q.Unset = without(q.Unset, p.Key())
	}
	for _, k := range c.Unset {
		q.Set.Delete(k)
		q.Unset = append(without(q.Unset, k), k)
	}
}

func without(keys []mapi.Key, k mapi.Key) []mapi.Key {
	for i := range keys {
		if keys[i] == k {
			return append(keys[:i:i], keys[i+1:]...)
		}
	}
	return keys
}

// SaveChange stores a changed entry (Fix, attempts, error, rebase). Item and Kind stay as they were, but for a
// create that becomes an edit, because the server has something under its id.
func (u *Update) SaveChange(c *Change) error {
	old, err := u.Change(c.Seq)
	if err != nil {
		return err
	}
	if old.Item != c.Item || old.Kind != c.Kind && (old.Kind != ChangeCreate || c.Kind != ChangeEdit) {
		return fmt.Errorf("%w: change %d is about something else", ErrInvalid, c.Seq)
	}
	p, err := c.encode()
	if err != nil {
		return err
	}
	u.set(key(spaceJournal, c.Seq), p)
	return u.tally(old, c)
}

// DropChange removes an entry: acknowledged, or made void by a conflict outcome. Dropping the last
// content change of an item drops the item's base; dropping a fixed one before another makes the version
// that was sent the base.
func (u *Update) DropChange(seq uint64) error {
	c, err := u.Change(seq)
	if err != nil {
		return err
	}
	if err := u.removeChange(c.Item, seq); err != nil {
		return err
	}
	if c.Fixed {
		u.acked[c.Item] = c
	}
	if c.ofContent() {
		return u.landed(c)
	}
	return nil
}

func (u *Update) removeChange(n Num, seq uint64) error {
	c, err := u.Change(seq)
	if err != nil {
		return err
	}
	if err := u.giveUp(c); err != nil {
		return err
	}
	u.del(key(spaceJournal, seq))
	seqs, err := u.seqs(n)
	if err != nil {
		return err
	}
	left := seqs[:0]
	for _, s := range seqs {
		if s != seq {
			left = append(left, s)
		}
	}
	u.setSeqs(n, left)
	u.events.add(Event{Kind: EventQueue, Item: n, Remote: u.remote})
	return u.tally(c, nil)
}
