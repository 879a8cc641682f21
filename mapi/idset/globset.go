package idset

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"mailfs/mapi"
)

// Range is a run of counters, both ends included.
type Range struct {
	Low, High mapi.GlobCnt
}

// Count returns the number of counters in the range.
func (r Range) Count() uint64 { return uint64(r.High-r.Low) + 1 }

// GlobSet is a set of counters ([MS-OXCFXICS] 2.2.2.6). The zero value is empty.
type GlobSet struct {
	ranges []Range // ascending, with at least one missing counter between neighbours
}

// NewGlobSet returns the union of ranges, which may be in any order and overlap.
// Ranges whose ends are in the wrong order or beyond 48 bits are left out.
func NewGlobSet(ranges ...Range) GlobSet {
	rs := make([]Range, 0, len(ranges))
	for _, r := range ranges {
		if r.Low <= r.High && r.High <= mapi.MaxGlobCnt {
			rs = append(rs, r)
		}
	}
	return GlobSet{normalize(rs)}
}

// normalize sorts rs and joins neighbours, in place.
func normalize(rs []Range) []Range {
	slices.SortFunc(rs, func(a, b Range) int {
		switch {
		case a.Low < b.Low:
			return -1
		case a.Low > b.Low:
			return 1
		}
		return 0
	})
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 && r.Low <= out[n-1].High+1 {
			out[n-1].High = max(out[n-1].High, r.High)
			continue
		}
		out = append(out, r)
	}
	return out
}

// find returns the index of the first range that ends at or after c.
func (s GlobSet) find(c mapi.GlobCnt) int {
	return sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].High >= c })
}

// Add puts c into the set.
func (s *GlobSet) Add(c mapi.GlobCnt) { s.AddRange(Range{c, c}) }

// AddRange puts every counter of r into the set. A range whose ends are in the
// wrong order or beyond 48 bits adds nothing.
func (s *GlobSet) AddRange(r Range) {
	if r.Low > r.High || r.High > mapi.MaxGlobCnt {
		return
	}
	first := s.find(r.Low - min(r.Low, 1)) // a range that ends just below r is joined
	last := first
	for last < len(s.ranges) && s.ranges[last].Low <= r.High+1 {
		r.Low = min(r.Low, s.ranges[last].Low)
		r.High = max(r.High, s.ranges[last].High)
		last++
	}
	s.ranges = slices.Replace(s.ranges, first, last, r)
}

// Remove takes c out of the set.
func (s *GlobSet) Remove(c mapi.GlobCnt) { s.RemoveRange(Range{c, c}) }

// RemoveRange takes every counter of r out of the set.
func (s *GlobSet) RemoveRange(r Range) {
	if r.Low > r.High {
		return
	}
	first := s.find(r.Low)
	last := first
	var keep []Range
	for last < len(s.ranges) && s.ranges[last].Low <= r.High {
		if old := s.ranges[last]; old.Low < r.Low {
			keep = append(keep, Range{old.Low, r.Low - 1})
		}
		if old := s.ranges[last]; old.High > r.High {
			keep = append(keep, Range{r.High + 1, old.High})
		}
		last++
	}
	s.ranges = slices.Replace(s.ranges, first, last, keep...)
}

// Contains reports whether c is in the set.
func (s GlobSet) Contains(c mapi.GlobCnt) bool {
	i := s.find(c)
	return i < len(s.ranges) && s.ranges[i].Low <= c
}

// IsEmpty reports whether nothing is in the set.
func (s GlobSet) IsEmpty() bool { return len(s.ranges) == 0 }

// Count returns the number of counters in the set.
func (s GlobSet) Count() uint64 {
	var n uint64
	for _, r := range s.ranges {
		n += r.Count()
	}
	return n
}

// Max returns the largest counter of the set, 0 for an empty one.
func (s GlobSet) Max() mapi.GlobCnt {
	if s.IsEmpty() {
		return 0
	}
	return s.ranges[len(s.ranges)-1].High
}

// Ranges returns the set as ascending ranges that neither touch nor overlap.
func (s GlobSet) Ranges() []Range { return slices.Clone(s.ranges) }

// Clone returns a copy that shares nothing with s.
func (s GlobSet) Clone() GlobSet { return GlobSet{slices.Clone(s.ranges)} }

// Equal reports whether both sets hold the same counters.
func (s GlobSet) Equal(t GlobSet) bool { return slices.Equal(s.ranges, t.ranges) }

// Union returns what is in s or in t.
func (s GlobSet) Union(t GlobSet) GlobSet {
	return GlobSet{normalize(append(slices.Clone(s.ranges), t.ranges...))}
}

// Subtract returns what is in s and not in t.
func (s GlobSet) Subtract(t GlobSet) GlobSet {
	var out []Range
	i := 0
	for _, r := range s.ranges {
		for i < len(t.ranges) && t.ranges[i].High < r.Low {
			i++
		}
		low, done := r.Low, false
		for j := i; j < len(t.ranges) && t.ranges[j].Low <= r.High; j++ {
			cut := t.ranges[j]
			if cut.Low > low {
				out = append(out, Range{low, cut.Low - 1})
			}
			if cut.High >= r.High {
				done = true
				break
			}
			low = cut.High + 1
			i = j // every range before j ends below low
		}
		if !done {
			out = append(out, Range{low, r.High})
		}
	}
	return GlobSet{out}
}

// Intersect returns what is in both sets.
func (s GlobSet) Intersect(t GlobSet) GlobSet {
	var out []Range
	for i, j := 0, 0; i < len(s.ranges) && j < len(t.ranges); {
		a, b := s.ranges[i], t.ranges[j]
		if low, high := max(a.Low, b.Low), min(a.High, b.High); low <= high {
			out = append(out, Range{low, high})
		}
		if a.High < b.High {
			i++
		} else {
			j++
		}
	}
	return GlobSet{out}
}

// Includes reports whether everything in t is in s.
func (s GlobSet) Includes(t GlobSet) bool { return t.Subtract(s).IsEmpty() }

func (s GlobSet) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(' ')
		}
		if r.Low == r.High {
			fmt.Fprintf(&b, "%x", uint64(r.Low))
			continue
		}
		fmt.Fprintf(&b, "%x-%x", uint64(r.Low), uint64(r.High))
	}
	return b.String()
}
