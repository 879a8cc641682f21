package idset

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// span is how many counters the naive model covers. The counters straddle byte
// boundaries, so that pushes of several lengths occur.
const span = 700

var bases = []mapi.GlobCnt{0, 0xFFFFFE80, 0x0000FFFF00, mapi.MaxGlobCnt - span}

// model is a set as a map.
type model map[mapi.LongTermID]bool

func (m model) set() IDSet {
	var s IDSet
	for id := range m {
		s.Add(id)
	}
	return s
}

func (m model) filter(keep func(mapi.LongTermID) bool) model {
	out := maps.Clone(m)
	maps.DeleteFunc(out, func(id mapi.LongTermID, _ bool) bool { return !keep(id) })
	return out
}

func drawID(t *rapid.T) mapi.LongTermID {
	return mapi.LongTermID{
		GUID:    mapi.GUID{byte(rapid.IntRange(0, 2).Draw(t, "replica"))},
		Counter: rapid.SampledFrom(bases).Draw(t, "base") + mapi.GlobCnt(rapid.IntRange(0, span).Draw(t, "counter")),
	}
}

// drawSet builds a set and its model by the same random steps.
func drawSet(t *rapid.T) (IDSet, model) {
	var s IDSet
	m := model{}
	for range rapid.IntRange(0, 40).Draw(t, "steps") {
		id := drawID(t)
		n := mapi.GlobCnt(rapid.IntRange(0, 30).Draw(t, "length"))
		r := Range{id.Counter, min(id.Counter+n, mapi.MaxGlobCnt)}
		add := rapid.IntRange(0, 3).Draw(t, "add") > 0
		if add {
			s.AddRange(id.GUID, r)
		} else {
			s.RemoveRange(id.GUID, r)
		}
		for c := r.Low; c <= r.High; c++ {
			if id.Counter = c; add {
				m[id] = true
			} else {
				delete(m, id)
			}
		}
	}
	return s, m
}

// check compares a set with its model and the set's own invariants.
func check(t *rapid.T, what string, s IDSet, m model) {
	t.Helper()
	if s.Count() != uint64(len(m)) || s.IsEmpty() != (len(m) == 0) {
		t.Fatalf("%s: count %d, want %d", what, s.Count(), len(m))
	}
	for id := range m {
		if !s.Contains(id) {
			t.Fatalf("%s: %s is missing", what, id)
		}
	}
	if !s.Equal(m.set()) {
		t.Fatalf("%s: not equal to the set built one by one", what)
	}
	for _, e := range s.Entries() {
		ranges := e.Set.Ranges()
		if len(ranges) == 0 {
			t.Fatalf("%s: empty entry", what)
		}
		for i, r := range ranges {
			if r.Low > r.High || i > 0 && r.Low <= ranges[i-1].High+1 {
				t.Fatalf("%s: ranges %s", what, e.Set)
			}
		}
		if e.Set.Max() != ranges[len(ranges)-1].High {
			t.Fatalf("%s: maximum %x", what, uint64(e.Set.Max()))
		}
	}
	for _, e := range bases {
		id := mapi.LongTermID{GUID: mapi.GUID{1}, Counter: e + span/2}
		if s.Contains(id) != m[id] {
			t.Fatalf("%s: %s is wrong", what, id)
		}
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, sm := drawSet(t)
		u, um := drawSet(t)
		before := s.Clone()
		check(t, "s", s, sm)
		check(t, "u", u, um)
		union := maps.Clone(sm)
		maps.Copy(union, um)
		check(t, "union", s.Union(u), union)
		check(t, "difference", s.Subtract(u), sm.filter(func(id mapi.LongTermID) bool { return !um[id] }))
		check(t, "intersection", s.Intersect(u), sm.filter(func(id mapi.LongTermID) bool { return um[id] }))
		if !s.Union(u).Includes(s) || s.Includes(u) != (len(u.Subtract(s).entries) == 0) {
			t.Fatal("inclusion is wrong")
		}
		if !s.Equal(before) {
			t.Fatal("an operation changed its operand")
		}
	})
}

func TestCodecModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := drawSet(t)
		p := s.Encode()
		back, err := Decode(p)
		if err != nil {
			t.Fatal(err)
		}
		check(t, "decoded", back, m)
		if !slices.Equal(back.Encode(), p) {
			t.Fatal("encodes differently after decoding")
		}
		for n := range len(p) {
			if _, err := Decode(p[:n]); err == nil && !complete(p, n) {
				t.Fatalf("accepted %d of %d bytes", n, len(p))
			}
		}
		short, err := s.Short(func(g mapi.GUID) (mapi.ReplID, bool) { return mapi.ReplID(g[0]), true })
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeReplSet(short.Encode())
		if err != nil || !again.Equal(short) || again.Count() != s.Count() {
			t.Fatalf("short form %s, %v", again, err)
		}
	})
}

// complete reports whether p[:n] ends with a whole entry.
func complete(p []byte, n int) bool {
	for r := wire.NewReader(p); r.Offset() <= n; {
		if r.Offset() == n {
			return true
		}
		r.GUID()
		ReadGlobSet(r)
	}
	return false
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.bytes(f))
	}
	f.Add(seedSet().Encode())
	f.Fuzz(func(t *testing.T, p []byte) {
		if s, err := Decode(p); err == nil {
			if back, err := Decode(s.Encode()); err != nil || !back.Equal(s) {
				t.Fatalf("%x decodes as %s and again as %s, %v", p, s, back, err)
			}
		}
		if s, err := DecodeReplSet(p); err == nil {
			if back, err := DecodeReplSet(s.Encode()); err != nil || !back.Equal(s) {
				t.Fatalf("%x decodes as %s and again as %s, %v", p, s, back, err)
			}
		}
	})
}

// seedSet returns a set whose encoding uses nested pushes.
func seedSet() IDSet {
	var s IDSet
	for _, b := range bases {
		s.AddRange(mapi.GUID{1}, Range{b + 3, b + 9})
		s.Add(mapi.LongTermID{GUID: mapi.GUID{2}, Counter: b + 300})
	}
	return s
}
