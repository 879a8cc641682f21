package idset

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// entry is the part of a set that belongs to one replica; it is never empty.
type entry struct {
	guid mapi.GUID
	set  GlobSet
}

// IDSet is a set of folder or message ids in a form that may be stored: counters by
// replica GUID ([MS-OXCFXICS] 2.2.2.4). The zero value is empty.
type IDSet struct {
	entries []entry // ascending by the bytes of guid
}

// Entry is what an IDSet or CNSet holds for one replica.
type Entry struct {
	GUID mapi.GUID
	Set  GlobSet
}

func (s IDSet) search(g mapi.GUID) (int, bool) {
	i := sort.Search(len(s.entries), func(i int) bool { return bytes.Compare(s.entries[i].guid[:], g[:]) >= 0 })
	return i, i < len(s.entries) && s.entries[i].guid == g
}

// Add puts id into the set.
func (s *IDSet) Add(id mapi.LongTermID) { s.AddRange(id.GUID, Range{id.Counter, id.Counter}) }

// AddRange puts every counter of r in replica g into the set. A range whose ends
// are in the wrong order or beyond 48 bits adds nothing.
func (s *IDSet) AddRange(g mapi.GUID, r Range) {
	i, ok := s.search(g)
	if !ok {
		if r.Low > r.High || r.High > mapi.MaxGlobCnt {
			return
		}
		s.entries = slices.Insert(s.entries, i, entry{guid: g})
	}
	s.entries[i].set.AddRange(r)
}

// AddSet puts everything in set for replica g into the set.
func (s *IDSet) AddSet(g mapi.GUID, set GlobSet) {
	if set.IsEmpty() {
		return
	}
	i, ok := s.search(g)
	if !ok {
		s.entries = slices.Insert(s.entries, i, entry{guid: g})
	}
	s.entries[i].set = s.entries[i].set.Union(set)
}

// Remove takes id out of the set.
func (s *IDSet) Remove(id mapi.LongTermID) { s.RemoveRange(id.GUID, Range{id.Counter, id.Counter}) }

// RemoveRange takes every counter of r in replica g out of the set.
func (s *IDSet) RemoveRange(g mapi.GUID, r Range) {
	i, ok := s.search(g)
	if !ok {
		return
	}
	s.entries[i].set.RemoveRange(r)
	if s.entries[i].set.IsEmpty() {
		s.entries = slices.Delete(s.entries, i, i+1)
	}
}

// Contains reports whether id is in the set.
func (s IDSet) Contains(id mapi.LongTermID) bool {
	i, ok := s.search(id.GUID)
	return ok && s.entries[i].set.Contains(id.Counter)
}

// Get returns a copy of what the set holds for replica g.
func (s IDSet) Get(g mapi.GUID) GlobSet {
	if i, ok := s.search(g); ok {
		return s.entries[i].set.Clone()
	}
	return GlobSet{}
}

// Ranges returns the ranges of replica g, ascending.
func (s IDSet) Ranges(g mapi.GUID) []Range { return s.Get(g).ranges }

// Entries returns a copy of the set, ascending by the bytes of the replica GUIDs.
func (s IDSet) Entries() []Entry {
	out := make([]Entry, len(s.entries))
	for i, e := range s.entries {
		out[i] = Entry{e.guid, e.set.Clone()}
	}
	return out
}

// IsEmpty reports whether nothing is in the set.
func (s IDSet) IsEmpty() bool { return len(s.entries) == 0 }

// Count returns the number of ids in the set.
func (s IDSet) Count() uint64 {
	var n uint64
	for _, e := range s.entries {
		n += e.set.Count()
	}
	return n
}

// Clone returns a copy that shares nothing with s.
func (s IDSet) Clone() IDSet {
	out := make([]entry, len(s.entries))
	for i, e := range s.entries {
		out[i] = entry{e.guid, e.set.Clone()}
	}
	return IDSet{out}
}

// Equal reports whether both sets hold the same ids.
func (s IDSet) Equal(t IDSet) bool {
	return slices.EqualFunc(s.entries, t.entries, func(a, b entry) bool { return a.guid == b.guid && a.set.Equal(b.set) })
}

// Union returns what is in s or in t.
func (s IDSet) Union(t IDSet) IDSet {
	out := s.Clone()
	for _, e := range t.entries {
		out.AddSet(e.guid, e.set)
	}
	return out
}

// Subtract returns what is in s and not in t.
func (s IDSet) Subtract(t IDSet) IDSet {
	return s.combine(t, GlobSet.Subtract)
}

// Intersect returns what is in both sets.
func (s IDSet) Intersect(t IDSet) IDSet {
	return s.combine(t, GlobSet.Intersect)
}

// combine applies op to each replica of s and its counterpart in t.
func (s IDSet) combine(t IDSet, op func(a, b GlobSet) GlobSet) IDSet {
	var out IDSet
	for _, e := range s.entries {
		var other GlobSet
		if i, ok := t.search(e.guid); ok {
			other = t.entries[i].set
		}
		if set := op(e.set, other); !set.IsEmpty() {
			out.entries = append(out.entries, entry{e.guid, set})
		}
	}
	return out
}

// Includes reports whether everything in t is in s.
func (s IDSet) Includes(t IDSet) bool { return t.Subtract(s).IsEmpty() }

// Encode returns the REPLGUID form ([MS-OXCFXICS] 2.2.2.4.2), no bytes for an empty set.
func (s IDSet) Encode() []byte {
	var b wire.Builder
	for _, e := range s.entries {
		b.GUID(e.guid)
		e.set.Append(&b)
	}
	return b.Bytes()
}

// Decode parses the REPLGUID form. Replicas in any order, repeated ones and empty
// sets are accepted.
func Decode(p []byte) (IDSet, error) {
	var parts []entry
	r := wire.NewReader(p)
	for r.Len() > 0 {
		parts = append(parts, entry{r.GUID(), ReadGlobSet(r)})
	}
	if err := r.Err(); err != nil {
		return IDSet{}, fmt.Errorf("idset: %w", err)
	}
	parts = join(parts, func(a, b entry) int { return bytes.Compare(a.guid[:], b.guid[:]) },
		func(e *entry) *GlobSet { return &e.set })
	return IDSet{parts}, nil
}

// join sorts the parts of a decoded set, unites those of one replica and leaves out
// empty ones. It takes n log n time however they came.
func join[E any](parts []E, cmp func(a, b E) int, set func(*E) *GlobSet) []E {
	slices.SortStableFunc(parts, cmp)
	var out []E
	for i := 0; i < len(parts); {
		one, first := parts[i], i
		ranges := set(&one).ranges
		for i++; i < len(parts) && cmp(parts[first], parts[i]) == 0; i++ {
			ranges = append(ranges, set(&parts[i]).ranges...)
		}
		if i-first > 1 {
			ranges = normalize(ranges)
		}
		if set(&one).ranges = ranges; len(ranges) > 0 {
			out = append(out, one)
		}
	}
	return out
}

func (s IDSet) String() string {
	var b strings.Builder
	for i, e := range s.entries {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", e.guid, e.set)
	}
	return b.String()
}
