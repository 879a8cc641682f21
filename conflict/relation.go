package conflict

import "mailfs/mapi"

// Relation tells how one version stands to another.
type Relation uint8

// The relations of a version a to a version b.
const (
	Equal      Relation = iota // a and b contain the same changes
	Descends                   // a contains all changes of b, and more
	Ancestor                   // b contains all changes of a, and more
	Concurrent                 // each contains a change that the other lacks
)

func (r Relation) String() string {
	switch r {
	case Equal:
		return "equal"
	case Descends:
		return "descends"
	case Ancestor:
		return "ancestor"
	}
	return "concurrent"
}

// Relate compares two predecessor change lists ([MS-OXCFXICS] 3.1.5.6.1).
func Relate(a, b mapi.PCL) Relation {
	down, up := a.Includes(b), b.Includes(a)
	switch {
	case down && up:
		return Equal
	case down:
		return Descends
	case up:
		return Ancestor
	}
	return Concurrent
}

// relate compares two versions. A change that has no change key yet is known to
// nobody else, so a version with one never equals, nor precedes, another.
func relate(a, b Version) Relation {
	r := Relate(lineage(a), lineage(b))
	switch {
	case a.Unnamed && b.Unnamed:
		return Concurrent
	case a.Unnamed && (r == Equal || r == Descends):
		return Descends
	case a.Unnamed:
		return Concurrent
	case b.Unnamed && (r == Equal || r == Ancestor):
		return Ancestor
	case b.Unnamed:
		return Concurrent
	}
	return r
}

// lineage is the list of a version with its own change in it: a list as a server
// sends it contains the change key, one that is being built may not.
func lineage(v Version) mapi.PCL {
	x, err := v.ChangeKey.XID()
	if err != nil {
		return v.PCL
	}
	return v.PCL.Add(x)
}
