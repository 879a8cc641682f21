package idset

import "mailfs/mapi"

// CNSet is a set of change numbers in a form that may be stored
// ([MS-OXCFXICS] 2.2.2.4). It is a type of its own so that ids and change numbers
// can't be mixed up. The zero value is empty.
type CNSet struct {
	set IDSet
}

// Add puts the change number cn into the set.
func (s *CNSet) Add(cn mapi.LongTermID) { s.set.Add(cn) }

// AddRange puts every counter of r in replica g into the set.
func (s *CNSet) AddRange(g mapi.GUID, r Range) { s.set.AddRange(g, r) }

// AddSet puts everything in set for replica g into the set.
func (s *CNSet) AddSet(g mapi.GUID, set GlobSet) { s.set.AddSet(g, set) }

// Remove takes the change number cn out of the set.
func (s *CNSet) Remove(cn mapi.LongTermID) { s.set.Remove(cn) }

// RemoveRange takes every counter of r in replica g out of the set.
func (s *CNSet) RemoveRange(g mapi.GUID, r Range) { s.set.RemoveRange(g, r) }

// Contains reports whether the change number cn is in the set.
func (s CNSet) Contains(cn mapi.LongTermID) bool { return s.set.Contains(cn) }

// Get returns a copy of what the set holds for replica g.
func (s CNSet) Get(g mapi.GUID) GlobSet { return s.set.Get(g) }

// Ranges returns the ranges of replica g, ascending.
func (s CNSet) Ranges(g mapi.GUID) []Range { return s.set.Ranges(g) }

// Entries returns a copy of the set, ascending by the bytes of the replica GUIDs.
func (s CNSet) Entries() []Entry { return s.set.Entries() }

// IsEmpty reports whether nothing is in the set.
func (s CNSet) IsEmpty() bool { return s.set.IsEmpty() }

// Count returns the number of change numbers in the set.
func (s CNSet) Count() uint64 { return s.set.Count() }

// Clone returns a copy that shares nothing with s.
func (s CNSet) Clone() CNSet { return CNSet{s.set.Clone()} }

// Equal reports whether both sets hold the same change numbers.
func (s CNSet) Equal(t CNSet) bool { return s.set.Equal(t.set) }

// Union returns what is in s or in t.
func (s CNSet) Union(t CNSet) CNSet { return CNSet{s.set.Union(t.set)} }

// Subtract returns what is in s and not in t.
func (s CNSet) Subtract(t CNSet) CNSet { return CNSet{s.set.Subtract(t.set)} }

// Intersect returns what is in both sets.
func (s CNSet) Intersect(t CNSet) CNSet { return CNSet{s.set.Intersect(t.set)} }

// Includes reports whether everything in t is in s.
func (s CNSet) Includes(t CNSet) bool { return s.set.Includes(t.set) }

// Encode returns the REPLGUID form, no bytes for an empty set.
func (s CNSet) Encode() []byte { return s.set.Encode() }

// DecodeCNSet parses the REPLGUID form, as leniently as Decode.
func DecodeCNSet(p []byte) (CNSet, error) {
	s, err := Decode(p)
	return CNSet{s}, err
}

func (s CNSet) String() string { return s.set.String() }
