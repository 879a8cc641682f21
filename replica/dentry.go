package replica

import (
	"errors"
	"fmt"
	"iter"
	"strings"
)

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

// maxName is the length in bytes that a name may have; file systems allow 255.
const maxName = 1024

// Lookup returns the node of that exact name in a directory.
func (v *View) Lookup(parent Num, name string) (*Node, error) {
	if parent == 0 || name == "" || len(name) > maxName {
		return nil, ErrNotFound
	}
	k := keyName(spaceDentry, uint64(parent), name)
	p, err := v.get(k)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, ErrNotFound
	}
	r, err := decodeRecord(k, string(p))
	if err != nil {
		return nil, err
	}
	return &r.Node, nil
}

// Children yields the nodes of a directory in order of name, starting after the given
// name ("" for all). It holds nothing between steps, so a huge directory is fine.
// Hidden messages (FAI) have no name in their folder and are not among them.
func (v *View) Children(parent Num, after string) iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		for n, err := range v.FindChildren(parent, after) {
			if !yield(n.Node, err) {
				return
			}
		}
	}
}

// Hidden yields the hidden messages (FAI) of a folder, in no order that means anything.
func (v *View) Hidden(folder Num) iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		for n, err := range v.byTail(key(spaceHidden, uint64(folder))) {
			if err == nil && (n.Message == nil || !n.Message.FAI) {
				continue // the root, or what has no name for a while
			}
			if !yield(n, err) {
				return
			}
		}
	}
}

// FindChildren yields what Children does.
func (v *View) FindChildren(parent Num, after string) iter.Seq2[Found, error] {
	prefix := key(spaceDentry, uint64(parent))
	var start []byte
	if after != "" {
		start = append(keyName(spaceDentry, uint64(parent), after), 0)
	}
	return func(yield func(Found, error) bool) {
		for p, err := range v.scan(prefix, start, true) {
			var r *record
			if err == nil {
				r, err = decodeRecord(p.k, p.v)
			}
			if err != nil {
				yield(Found{}, err)
				return
			}
			if !yield(Found{&r.Node, r.content.id}, nil) {
				return
			}
		}
	}
}

// byTail yields the nodes whose numbers end the keys of a scan.
func (v *View) byTail(prefix []byte) iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		for p, err := range v.scan(prefix, nil, false) {
			if err != nil {
				yield(nil, err)
				return
			}
			n, err := v.Node(Num(keyTail(p.k)))
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

// CountChildren returns the number of entries, and of directories among them.
func (v *View) CountChildren(parent Num) (all, dirs int, err error) {
	p, err := v.get(key(spaceDir, uint64(parent)))
	if p == nil || err != nil {
		return 0, 0, err
	}
	d := dec{s: string(p)}
	all, dirs = int(d.uv()), int(d.uv())
	return all, dirs, d.end()
}

// Taken reports whether a directory has a name with the same fold key as the key given.
func (v *View) Taken(parent Num, fold string) bool {
	n, err := v.getNumber(keyName(spaceFold, uint64(parent), fold))
	return err != nil || n > 0
}

// Messages yields every message of a folder that the server knows, hidden ones included.
// What was moved or deleted here and not yet there counts for the folder in which the server has it.
func (v *View) Messages(folder Num) iter.Seq2[*Node, error] {
	return v.byTail(key(spaceHome, uint64(folder)))
}

// Home returns the folder in which the server has a message, 0 if it does not have it: where the tree shows it, but for
// moves and deletions that are queued.
func (v *View) Home(n Num) (Num, error) {
	r, err := v.load(n)
	if err != nil {
		return 0, err
	}
	return r.home, nil
}

// Incomplete yields messages of StateHeader, newest delivery first, of all folders.
func (v *View) Incomplete() iter.Seq2[*Node, error] { return v.byTail([]byte{spaceIncomplete}) }

// Insert adds a node under Parent/Name with a new number (any Num, Version and Gen in n are ignored and
// set). ErrExists if the name is taken, or the source key or special role. For a message, Put its content
// with PutContent. A hidden message (FAI) needs no name.
func (u *Update) Insert(n *Node) (Num, error) {
	if err := shape(n); err != nil {
		return 0, err
	}
	r := &record{Node: *n}
	r.Version, r.Gen = 0, 0
	if err := u.place(r); err != nil {
		return 0, err
	}
	num, err := u.r.take(counterNum)
	if err != nil {
		return 0, err
	}
	r.Num = Num(num)
	if err := u.settleIn(r); err != nil {
		return 0, err
	}
	if err := u.put(nil, r); err != nil {
		return 0, err
	}
	n.Num, n.Version, n.Gen = r.Num, 0, 0
	u.placed(nil, r)
	return r.Num, nil
}

// place checks that a node may be where its Parent and Name say.
func (u *Update) place(r *record) error {
	parent, err := u.load(r.Parent)
	if err != nil {
		return err
	}
	switch {
	case !parent.isDir():
		return fmt.Errorf("%w: parent %d is no directory", ErrInvalid, r.Parent)
	case parent.Parent == 0 && parent.Num != RootNum && !u.remote:
		return fmt.Errorf("%w: directory %d was deleted", ErrNotFound, r.Parent)
	case r.hidden():
		return nil
	case r.Name == "" || r.Name == "." || r.Name == ".." || len(r.Name) > maxName || strings.ContainsAny(r.Name, "/\x00"):
		return fmt.Errorf("%w: bad name", ErrInvalid)
	}
	p, err := u.get(r.key())
	if err != nil || p == nil {
		return err
	}
	there, err := decodeRecord(r.key(), string(p))
	if err != nil {
		return err
	}
	if there.Num != r.Num {
		return fmt.Errorf("%w: name", ErrExists)
	}
	return nil
}

// within reports whether n is dir or lies below it.
func (v *View) within(n, dir Num) (bool, error) {
	for n != 0 {
		if n == dir {
			return true, nil
		}
		r, err := v.load(n)
		if err != nil {
			return false, err
		}
		n = r.Parent
	}
	return false, nil
}

// Move gives a node another parent and name; an existing node there is ErrExists.
func (u *Update) Move(n Num, parent Num, name string) error {
	old, err := u.load(n)
	if err != nil {
		return err
	}
	if old.Parent == 0 {
		return fmt.Errorf("%w: node %d is not in the tree", ErrInvalid, n)
	}
	return u.relocate(old, parent, name)
}

// relocate puts a node elsewhere. In a remote transaction that is also where the server has it.
func (u *Update) relocate(old *record, parent Num, name string) error {
	if old.isDir() {
		if inside, err := u.within(parent, old.Num); err != nil {
			return err
		} else if inside {
			return fmt.Errorf("%w: %d can't move into itself", ErrInvalid, old.Num)
		}
	}
	r := *old
	r.Parent, r.Name = parent, name
	if err := u.place(&r); err != nil {
		return err
	}
	if err := u.settleIn(&r); err != nil {
		return err
	}
	if err := u.put(old, &r); err != nil {
		return err
	}
	u.placed(old, &r)
	return nil
}

// settleIn makes the place of a message the one in which the server has it, in a
// remote transaction.
func (u *Update) settleIn(r *record) error {
	if !u.remote || r.Message == nil {
		return nil
	}
	home, err := u.folderOrNone(r.Parent)
	r.home = home
	return err
}

// Exchange swaps the places of two nodes.
func (u *Update) Exchange(a, b Num) error {
	if a == b {
		return nil
	}
	ra, err := u.load(a)
	if err != nil {
		return err
	}
	rb, err := u.load(b)
	if err != nil {
		return err
	}
	if !ra.listed() || !rb.listed() {
		return fmt.Errorf("%w: node is not in the tree", ErrInvalid)
	}
	for _, p := range [][2]*record{{ra, rb}, {rb, ra}} {
		if inside, err := u.within(p[0].Parent, p[1].Num); err != nil {
			return err
		} else if inside && p[1].isDir() {
			return fmt.Errorf("%w: one of %d and %d holds the other", ErrInvalid, a, b)
		}
	}
	out := *ra
	out.Parent = 0
	if err := u.put(ra, &out); err != nil {
		return err
	}
	na, nb := *ra, *rb
	na.Parent, na.Name, nb.Parent, nb.Name = rb.Parent, rb.Name, ra.Parent, ra.Name
	for _, r := range []*record{&na, &nb} {
		if err := u.settleIn(r); err != nil {
			return err
		}
	}
	if err := u.put(rb, &nb); err != nil {
		return err
	}
	if err := u.put(&out, &na); err != nil {
		return err
	}
	u.placed(ra, &na)
	u.placed(rb, &nb)
	return nil
}

// Detach takes a node out of the tree but keeps it as a tombstone, found by number and source key,
// for a deletion that the server has not acknowledged. ErrNotEmpty for a directory with children.
func (u *Update) Detach(n Num) error {
	old, err := u.load(n)
	if err != nil {
		return err
	}
	if err := u.removable(old); err != nil {
		return err
	}
	if old.Parent == 0 {
		return nil
	}
	r := *old
	r.Parent = 0
	if err := u.put(old, &r); err != nil {
		return err
	}
	u.placed(old, &r)
	return nil
}

func (u *Update) removable(r *record) error {
	if r.Num == RootNum {
		return fmt.Errorf("%w: the root stays", ErrInvalid)
	}
	if !r.isDir() {
		return nil
	}
	if all, _, err := u.CountChildren(r.Num); err != nil {
		return err
	} else if all > 0 {
		return ErrNotEmpty
	}
	return nil
}

// Attach puts a detached node back.
func (u *Update) Attach(n Num, parent Num, name string) error {
	old, err := u.load(n)
	if err != nil {
		return err
	}
	if old.Parent != 0 || n == RootNum {
		return fmt.Errorf("%w: node %d is in the tree", ErrInvalid, n)
	}
	return u.relocate(old, parent, name)
}

// Remove deletes a node for good with its content, working copy and journal entries, and a folder with
// its hidden messages. ErrNotEmpty for a directory with children. A message that is being written here is not
// removed by a remote transaction: it becomes a local file with the bytes of the working copy, which stays.
func (u *Update) Remove(n Num) error {
	old, err := u.load(n)
	if err != nil {
		return err
	}
	if w, err := u.unsaved(old); err != nil || w != nil {
		if err != nil {
			return err
		}
		return u.demote(old, w)
	}
	if err := u.removable(old); err != nil {
		return err
	}
	if old.isDir() {
		if err := u.removeHidden(n); err != nil {
			return err
		}
		if err := u.clearDrift(n); err != nil {
			return err
		}
	}
	if err := u.dropItem(n); err != nil {
		return err
	}
	if old.content.id != 0 {
		u.dropContent(old.content.id)
	}
	if err := u.put(old, nil); err != nil {
		return err
	}
	u.placed(old, nil)
	return nil
}

// removeHidden removes the hidden messages of a folder that goes. Messages that were
// moved out of it here stay, and are nowhere on the server.
func (u *Update) removeHidden(folder Num) error {
	for p, err := range u.scan(key(spaceHidden, uint64(folder)), nil, false) {
		if err != nil {
			return err
		}
		if err := u.Remove(Num(keyTail(p.k))); err != nil {
			return err
		}
	}
	for p, err := range u.scan(key(spaceHome, uint64(folder)), nil, false) {
		if err != nil {
			return err
		}
		_, err := u.change(Num(keyTail(p.k)), func(r *record) error { r.home = 0; return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// dropItem removes what hangs on a node: journal, working copy, older versions.
func (u *Update) dropItem(n Num) error {
	seqs, err := u.seqs(n)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := u.removeChange(n, seq); err != nil {
			return err
		}
	}
	if err := u.dropVersion(spaceBase, n); err != nil {
		return err
	}
	if err := u.dropVersion(spaceSent, n); err != nil {
		return err
	}
	if err := u.forgetVoid(n); err != nil {
		return err
	}
	err = u.DropWorkingCopy(n)
	if isNotFound(err) {
		return nil
	}
	return err
}
