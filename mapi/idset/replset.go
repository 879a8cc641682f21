package idset

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// ReplSet is a set of ids by ReplID, valid within one log on only: the form of
// deletions and read states ([MS-OXCFXICS] 2.2.2.4.1). The zero value is empty.
type ReplSet struct {
	entries []replEntry // ascending by repl
}

type replEntry struct {
	repl mapi.ReplID
	set  GlobSet
}

// ReplEntry is what a ReplSet holds for one replica.
type ReplEntry struct {
	ReplID mapi.ReplID
	Set    GlobSet
}

func (s ReplSet) search(id mapi.ReplID) (int, bool) {
	i := sort.Search(len(s.entries), func(i int) bool { return s.entries[i].repl >= id })
	return i, i < len(s.entries) && s.entries[i].repl == id
}

// Add puts counter c of replica id into the set.
func (s *ReplSet) Add(id mapi.ReplID, c mapi.GlobCnt) { s.AddSet(id, NewGlobSet(Range{c, c})) }

// AddSet puts everything in set for replica id into the set.
func (s *ReplSet) AddSet(id mapi.ReplID, set GlobSet) {
	if set.IsEmpty() {
		return
	}
	i, ok := s.search(id)
	if !ok {
		s.entries = slices.Insert(s.entries, i, replEntry{repl: id})
	}
	s.entries[i].set = s.entries[i].set.Union(set)
}

// Contains reports whether counter c of replica id is in the set.
func (s ReplSet) Contains(id mapi.ReplID, c mapi.GlobCnt) bool {
	i, ok := s.search(id)
	return ok && s.entries[i].set.Contains(c)
}

// Entries returns a copy of the set, ascending by ReplID.
func (s ReplSet) Entries() []ReplEntry {
	out := make([]ReplEntry, len(s.entries))
	for i, e := range s.entries {
		out[i] = ReplEntry{e.repl, e.set.Clone()}
	}
	return out
}

// IsEmpty reports whether nothing is in the set.
func (s ReplSet) IsEmpty() bool { return len(s.entries) == 0 }

// Count returns the number of ids in the set.
func (s ReplSet) Count() uint64 {
	var n uint64
	for _, e := range s.entries {
		n += e.set.Count()
	}
	return n
}

// Equal reports whether both sets hold the same ids.
func (s ReplSet) Equal(t ReplSet) bool {
	return slices.EqualFunc(s.entries, t.entries, func(a, b replEntry) bool { return a.repl == b.repl && a.set.Equal(b.set) })
}

// Resolve returns the set with replica GUIDs in place of the ReplIDs. It fails for
// a ReplID that guid does not know.
func (s ReplSet) Resolve(guid func(mapi.ReplID) (mapi.GUID, bool)) (IDSet, error) {
	var out IDSet
	for _, e := range s.entries {
		g, ok := guid(e.repl)
		if !ok {
			return IDSet{}, fmt.Errorf("idset: replica %d has no known GUID", e.repl)
		}
		out.AddSet(g, e.set)
	}
	return out, nil
}

// Short returns the set with ReplIDs in place of the replica GUIDs. It fails for a
// GUID that repl does not know.
func (s IDSet) Short(repl func(mapi.GUID) (mapi.ReplID, bool)) (ReplSet, error) {
	var out ReplSet
	for _, e := range s.entries {
		id, ok := repl(e.guid)
		if !ok {
			return ReplSet{}, fmt.Errorf("idset: replica %s has no known number", e.guid)
		}
		out.AddSet(id, e.set)
	}
	return out, nil
}

// Encode returns the REPLID form, no bytes for an empty set.
func (s ReplSet) Encode() []byte {
	var b wire.Builder
	for _, e := range s.entries {
		b.Uint16(uint16(e.repl))
		e.set.Append(&b)
	}
	return b.Bytes()
}

// DecodeReplSet parses the REPLID form. Replicas in any order, repeated ones and
// empty sets are accepted.
func DecodeReplSet(p []byte) (ReplSet, error) {
	var parts []replEntry
	r := wire.NewReader(p)
	for r.Len() > 0 {
		parts = append(parts, replEntry{mapi.ReplID(r.Uint16()), ReadGlobSet(r)})
	}
	if err := r.Err(); err != nil {
		return ReplSet{}, fmt.Errorf("idset: %w", err)
	}
	parts = join(parts, func(a, b replEntry) int { return int(a.repl) - int(b.repl) },
		func(e *replEntry) *GlobSet { return &e.set })
	return ReplSet{parts}, nil
}

func (s ReplSet) String() string {
	var b strings.Builder
	for i, e := range s.entries {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%d: %s", e.repl, e.set)
	}
	return b.String()
}
