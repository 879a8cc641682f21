package memserver

import (
	"maps"
	"slices"
	"strings"

	"mailfs/mapi"
)

// firstNamedID is the first number for named properties ([MS-OXCPRPT] 3.2.5.10).
const firstNamedID = 0x8000

// nameTable maps property names to the numbers of one mailbox and back. Names of
// string kind are found whatever their case.
type nameTable struct {
	byName map[mapi.PropertyName]uint16
	byID   map[uint16]mapi.PropertyName
	next   uint16 // the lowest number that may be free
}

// lastNamedID is the last number that can be given out.
const lastNamedID = 0xFFFE

func newNameTable() nameTable {
	return nameTable{byName: map[mapi.PropertyName]uint16{}, byID: map[uint16]mapi.PropertyName{}, next: firstNamedID}
}

func foldName(n mapi.PropertyName) mapi.PropertyName {
	if n.Kind == mapi.NameKindString {
		n.Name = strings.ToLower(n.Name)
	}
	return n
}

// lookup returns the number of n. With create a new name gets a number; false says
// that there is none, or that all numbers are taken.
func (t *nameTable) lookup(n mapi.PropertyName, create bool) (uint16, bool) {
	key := foldName(n)
	if id, ok := t.byName[key]; ok {
		return id, true
	}
	if !create {
		return 0, false
	}
	for t.byID[t.next] != (mapi.PropertyName{}) {
		t.next++
	}
	if t.next > lastNamedID {
		return 0, false
	}
	t.define(t.next, n)
	return t.byName[key], true
}

// define gives n a number.
func (t *nameTable) define(id uint16, n mapi.PropertyName) {
	t.byID[id] = n
	t.byName[foldName(n)] = id
}

// ids returns all numbers given out, ascending.
func (t *nameTable) ids() []uint16 { return slices.Sorted(maps.Keys(t.byID)) }

// name returns the name of a number.
func (t *nameTable) name(id uint16) (mapi.PropertyName, bool) {
	n, ok := t.byID[id]
	return n, ok
}

// canonical returns p with the spelling of its name that the mailbox knows, so that
// one property has one key in every bag.
func (t *nameTable) canonical(p mapi.Property) mapi.Property {
	if p.Name.IsZero() {
		return p
	}
	if id, ok := t.lookup(p.Name, true); ok {
		p.Name, _ = t.name(id)
		p.Tag = mapi.NewTag(id, p.Tag.Type())
	}
	return p
}
