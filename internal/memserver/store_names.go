package memserver

import (
	"strings"

	"mailfs/mapi"
)

// firstNamedID is the first number for named properties ([MS-OXCPRPT] 3.2.5.10).
const firstNamedID = 0x8000

// nameTable maps property names to the numbers of one mailbox and back. Names of
// string kind are found whatever their case.
type nameTable struct {
	byName map[mapi.PropertyName]uint16
	names  []mapi.PropertyName // names[i] has number firstNamedID+i
}

func newNameTable() nameTable { return nameTable{byName: map[mapi.PropertyName]uint16{}} }

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
	if !create || len(t.names) >= 0xFFFE-firstNamedID {
		return 0, false
	}
	id := uint16(firstNamedID + len(t.names))
	t.names = append(t.names, n)
	t.byName[key] = id
	return id, true
}

// name returns the name of a number.
func (t *nameTable) name(id uint16) (mapi.PropertyName, bool) {
	if id < firstNamedID || int(id)-firstNamedID >= len(t.names) {
		return mapi.PropertyName{}, false
	}
	return t.names[id-firstNamedID], true
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
