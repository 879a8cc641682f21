package replica

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"mailfs/mapi"
)

// load returns the record of a node.
func (v *View) load(n Num) (*record, error) {
	k, err := v.get(key(spacePlace, uint64(n)))
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, fmt.Errorf("%w: %d", ErrNotFound, n)
	}
	p, err := v.get(k)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("%w: node %d has no record", errCorrupt, n)
	}
	return decodeRecord(k, unsafe.String(unsafe.SliceData(p), len(p))) // p is as in content
}

// Node returns a node by number.
func (v *View) Node(n Num) (*Node, error) {
	r, err := v.load(n)
	if err != nil {
		return nil, err
	}
	return &r.Node, nil
}

// BySourceKey finds a folder or message of the mailbox (also one that is only a tombstone).
func (v *View) BySourceKey(k mapi.SourceKey) (*Node, error) {
	return v.byIndex(keyString(spaceSource, string(k)))
}

// BySpecial finds a special folder.
func (v *View) BySpecial(s Special) (*Node, error) { return v.byIndex([]byte{spaceSpecial, byte(s)}) }

func (v *View) byIndex(k []byte) (*Node, error) {
	n, err := v.getNumber(k)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, ErrNotFound
	}
	return v.Node(Num(n))
}

// sourceKey returns the source key of a node, "" for the overlay.
func (r *record) sourceKey() mapi.SourceKey {
	switch {
	case r.Folder != nil:
		return r.Folder.SourceKey
	case r.Message != nil:
		return r.Message.SourceKey
	}
	return ""
}

func (r *record) special() Special {
	if r.Folder == nil || r.Folder.Special == SpecialOther {
		return SpecialNone
	}
	return r.Folder.Special
}

// incomplete says that the body of a message is to be fetched.
func (r *record) incomplete() bool {
	return r.Message != nil && r.Message.State == StateHeader && r.Parent != 0
}

func (r *record) incompleteKey() []byte {
	return key2(spaceIncomplete, math.MaxUint64-uint64(r.Message.Delivered), uint64(r.Num))
}

// put replaces the record old (nil: a new node) by r (nil: the node goes), with
// everything that is derived from it. Where it fails with ErrExists, it has changed
// nothing.
func (u *Update) put(old, r *record) error {
	if err := u.free(old, r); err != nil {
		return err
	}
	if err := u.putBlobs(old, r); err != nil {
		return err
	}
	if err := u.putPlace(old, r); err != nil {
		return err
	}
	u.drifts(old, r)
	if old != nil {
		for k := range old.indexes() {
			u.del([]byte(k))
		}
	}
	if r != nil {
		for k, v := range r.indexes() {
			u.set([]byte(k), v)
		}
	}
	return u.count(old, r)
}

// indexes returns the entries that lead to a node, other than by number and name.
func (r *record) indexes() map[string][]byte {
	out := make(map[string][]byte, 4)
	num := binary.AppendUvarint(nil, uint64(r.Num))
	if sk := r.sourceKey(); sk != "" {
		out[string(keyString(spaceSource, string(sk)))] = num
	}
	if s := r.special(); s != SpecialNone {
		out[string([]byte{spaceSpecial, byte(s)})] = num
	}
	if r.incomplete() {
		out[string(r.incompleteKey())] = []byte{1}
	}
	if r.home != 0 {
		out[string(key2(spaceHome, uint64(r.home), uint64(r.Num)))] = []byte{1}
	}
	return out
}

// free checks that what must be unique about r is not taken by another node than old.
func (u *Update) free(old, r *record) error {
	if r == nil {
		return nil
	}
	var was record
	if old != nil {
		was = *old
	}
	if sk := r.sourceKey(); sk != "" && sk != was.sourceKey() {
		if taken, err := u.has(keyString(spaceSource, string(sk))); err != nil || taken {
			return orExists(err, "source key")
		}
	}
	if s := r.special(); s != SpecialNone && s != was.special() {
		if taken, err := u.has([]byte{spaceSpecial, byte(s)}); err != nil || taken {
			return orExists(err, "special folder")
		}
	}
	if !r.listed() || old != nil && old.listed() && old.Parent == r.Parent && old.Name == r.Name {
		return nil
	}
	if taken, err := u.has(r.key()); err != nil || taken {
		return orExists(err, "name")
	}
	return nil
}

func orExists(err error, what string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrExists, what)
}

// putPlace writes the record itself and keeps what a directory knows of its entries.
func (u *Update) putPlace(old, r *record) error {
	moved := old == nil || r == nil || old.Parent != r.Parent || old.Name != r.Name || old.listed() != r.listed()
	if moved && old != nil {
		u.del(old.key())
		u.del(key(spacePlace, uint64(old.Num)))
		if old.listed() {
			if err := u.entry(old, -1); err != nil {
				return err
			}
		}
	}
	if r == nil {
		return nil
	}
	k := r.key()
	if moved {
		u.set(key(spacePlace, uint64(r.Num)), k)
		if r.listed() {
			if err := u.entry(r, +1); err != nil {
				return err
			}
		}
	}
	p, err := r.encode()
	if err != nil {
		return err
	}
	u.set(k, p)
	return nil
}

// entry counts an entry of a directory in or out.
func (u *Update) entry(r *record, by int) error {
	k := u.foldKey(r.Parent, r.Name)
	n, err := u.getNumber(k)
	if err != nil {
		return err
	}
	u.setNumber(k, uint64(int64(n)+int64(by)))
	all, dirs, err := u.CountChildren(r.Parent)
	if err != nil {
		return err
	}
	all += by
	if r.isDir() {
		dirs += by
	}
	u.setDir(r.Parent, all, dirs)
	return nil
}

func (u *Update) setDir(parent Num, all, dirs int) {
	k := key(spaceDir, uint64(parent))
	if all == 0 {
		u.del(k)
		return
	}
	u.set(k, binary.AppendUvarint(binary.AppendUvarint(nil, uint64(all)), uint64(dirs)))
}

func (v *View) foldKey(parent Num, name string) []byte {
	return keyName(spaceFold, uint64(parent), v.r.opt.Fold(name))
}

// putBlobs keeps the references of a node's content and exact bytes.
func (u *Update) putBlobs(old, r *record) error {
	var was, is []BlobID
	if old != nil {
		was = old.refs()
	}
	if r != nil {
		is = r.refs()
	}
	return u.reref(was, is)
}

func (r *record) refs() []BlobID {
	if r.Content == 0 {
		return r.content.blobs
	}
	return append([]BlobID{r.Content}, r.content.blobs...)
}

// change applies f to a node and stores the result.
func (u *Update) change(n Num, f func(r *record) error) (*record, error) {
	old, err := u.load(n)
	if err != nil {
		return nil, err
	}
	r, err := u.load(n)
	if err != nil {
		return nil, err
	}
	if err := f(r); err != nil {
		return nil, err
	}
	return r, u.put(old, r)
}

// Save stores changed attributes of a node. Num, Parent, Name and Version must be as stored (ErrStale).
// Another Content of an overlay file raises Version, in the node given too.
func (u *Update) Save(n *Node) error {
	old, err := u.current(n)
	if err != nil {
		return err
	}
	kind := EventAttr
	r := *old
	r.Node = *n
	if n.Content != old.Content && n.Kind == KindFile {
		r.Version++
		kind = EventContent
	}
	r.Gen = old.Gen
	if err := u.put(old, &r); err != nil {
		return err
	}
	n.Version, n.Gen = r.Version, r.Gen
	u.event(kind, &r)
	return nil
}

// current returns the stored record of a node that a caller has read before.
func (u *Update) current(n *Node) (*record, error) {
	old, err := u.load(n.Num)
	if err != nil {
		return nil, err
	}
	if n.Parent != old.Parent || n.Name != old.Name || n.Version != old.Version {
		return nil, fmt.Errorf("%w: node %d", ErrStale, n.Num)
	}
	if err := shape(n); err != nil {
		return nil, err
	}
	if !becomes(old.Kind, n.Kind) {
		return nil, fmt.Errorf("%w: node %d changes its kind", ErrInvalid, n.Num)
	}
	if r := (&record{Node: *n}); r.Parent != 0 && r.listed() != old.listed() {
		return old, u.place(r)
	}
	return old, nil
}

// becomes says that a node of one kind may be saved as another: a local file or
// directory gets its place in the mailbox once it is complete.
func becomes(from, to Kind) bool {
	return from == to || from == KindFile && to == KindMessage || from == KindDir && to == KindFolder || from == KindFolder && to == KindDir
}

// shape checks that a node has what its kind asks for.
func shape(n *Node) error {
	ok := n.Kind >= KindFolder && n.Kind <= KindSymlink && (n.Kind == KindFolder) == (n.Folder != nil) &&
		(n.Kind == KindMessage) == (n.Message != nil) && (n.Target == "" || n.Kind == KindSymlink)
	if ok && n.Message != nil {
		ok = n.Message.State == StateHeader || n.Message.State == StateFull
	}
	if !ok {
		return fmt.Errorf("%w: kind %d", ErrInvalid, n.Kind)
	}
	return nil
}

// SetKeys gives a message or folder new ids after the server acknowledged or renumbered it.
func (u *Update) SetKeys(n Num, sk mapi.SourceKey, ck mapi.ChangeKey, pcl mapi.PCL) error {
	r, err := u.change(n, func(r *record) error {
		switch {
		case r.Folder != nil:
			r.Folder.SourceKey, r.Folder.ChangeKey, r.Folder.PCL = sk, ck, pcl
		case r.Message != nil:
			if r.Message.ChangeKey == "" && ck != "" {
				r.home = 0 // where the server had it before it lost it, if it ever did
			}
			r.Message.SourceKey, r.Message.ChangeKey, r.Message.PCL = sk, ck, pcl
			home, err := u.homeAfter(r)
			if err != nil {
				return err
			}
			r.home = home
		default:
			return fmt.Errorf("%w: node %d has no keys", ErrInvalid, n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	u.event(EventAttr, r)
	return nil
}

// homeAfter returns the folder in which the server has a message whose keys were just
// set: where the change that fixed its source key put it, else where it was, else
// where it is.
func (u *Update) homeAfter(r *record) (Num, error) {
	list, err := u.ChangesOf(r.Num)
	if err != nil {
		return 0, err
	}
	if c := u.acked[r.Num]; c != nil {
		list = append([]*Change{c}, list...)
	}
	for _, c := range list {
		if c.Fixed && (c.Kind == ChangeCreate || c.Kind == ChangeMove) && c.SourceKey == r.Message.SourceKey {
			return u.folderOrNone(c.Folder)
		}
	}
	if r.home != 0 || r.Message.ChangeKey == "" {
		return r.home, nil
	}
	return u.folderOrNone(r.Parent)
}

// folderOrNone returns n if it is a folder of the mailbox, else 0.
func (v *View) folderOrNone(n Num) (Num, error) {
	if n == 0 {
		return 0, nil
	}
	f, err := v.load(n)
	if isNotFound(err) {
		return 0, nil
	}
	if err != nil || f.Kind != KindFolder {
		return 0, err
	}
	return n, nil
}
