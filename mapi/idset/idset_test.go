package idset

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// vector is a published example with its decoding.
type vector struct {
	ID, What, Hex, Extent string
	Decoded               struct {
		MustFail bool `json:"must_fail"`
		Checked  string
		Entries  []struct {
			ReplID   *mapi.ReplID
			ReplGUID string
			Ranges   []struct{ Low, High string }
		}
	}
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return file.Vectors
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	p, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func counter(t *testing.T, s string) mapi.GlobCnt {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 48)
	if err != nil {
		t.Fatal(err)
	}
	return mapi.GlobCnt(n)
}

// want returns the ranges of one entry of a vector.
func (v vector) want(t *testing.T, i int) GlobSet {
	var s GlobSet
	for _, r := range v.Decoded.Entries[i].Ranges {
		s.AddRange(Range{counter(t, r.Low), counter(t, r.High)})
	}
	return s
}

func TestVectors(t *testing.T) {
	complete := 0
	for _, v := range vectors(t) {
		if v.Extent != "complete" {
			continue
		}
		complete++
		t.Run(v.ID, func(t *testing.T) {
			p := v.bytes(t)
			switch {
			case v.Decoded.MustFail:
				if s, err := DecodeReplSet(p); err == nil {
					t.Errorf("accepted as %s", s)
				}
			case v.Decoded.Entries[0].ReplID != nil:
				checkReplVector(t, v, p)
			default:
				checkGUIDVector(t, v, p)
			}
		})
	}
	if complete != 13 {
		t.Errorf("%d complete vectors, 13 are known", complete)
	}
}

func checkReplVector(t *testing.T, v vector, p []byte) {
	got, err := DecodeReplSet(p)
	if err != nil {
		t.Fatal(err)
	}
	var want ReplSet
	for i, e := range v.Decoded.Entries {
		want.AddSet(*e.ReplID, v.want(t, i))
	}
	if !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if again, err := DecodeReplSet(got.Encode()); err != nil || !again.Equal(got) {
		t.Errorf("encoded and decoded: %s, %v", again, err)
	}
}

func checkGUIDVector(t *testing.T, v vector, p []byte) {
	got, err := Decode(p)
	if err != nil {
		t.Fatal(err)
	}
	var want IDSet
	for i, e := range v.Decoded.Entries {
		want.AddSet(mapi.MustGUID(e.ReplGUID), v.want(t, i))
	}
	if !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if again, err := Decode(got.Encode()); err != nil || !again.Equal(got) {
		t.Errorf("encoded and decoded: %s, %v", again, err)
	}
}

// The bitmask example is a fragment: it needs five bytes on the stack
// ([MS-OXCFXICS] 3.1.5.4.3.1.3).
func TestBitmaskFragment(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Extent != "fragment" {
			continue
		}
		p := slices.Concat([]byte{0x05, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE}, v.bytes(t), []byte{0x50, 0x00})
		r := wire.NewReader(p)
		got := ReadGlobSet(r)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		const base = 0xAABBCCDDEE00
		want := NewGlobSet(Range{base + 1, base + 3}, Range{base + 5, base + 5}, Range{base + 7, base + 9})
		if !got.Equal(want) {
			t.Errorf("got %s, want %s", got, want)
		}
		return
	}
	t.Error("no fragment among the vectors")
}

// The encoder's choice of commands is its own, but these are also what the
// specification's example and servers write.
func TestEncoding(t *testing.T) {
	for _, c := range []struct {
		name   string
		ranges []Range
		hex    string
	}{
		{"empty", nil, "00"},
		{"one", []Range{{9, 9}}, "0600000000000900"},
		{"example of 4.4", []Range{{5, 6}, {0x10, 0x10}}, "0500000000005205060110" + "5000"},
		{"everything", []Range{{1, mapi.MaxGlobCnt}}, "52000000000001ffffffffffff00"},
		{"zero", []Range{{0, 0}}, "0600000000000000"},
		{"two groups", []Range{{0x101, 0x102}, {0x203, 0x203}}, "04000000000101520102" + "50" + "020203" + "5000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewGlobSet(c.ranges...)
			var b wire.Builder
			s.Append(&b)
			r := wire.NewReader(b.Bytes())
			if got := ReadGlobSet(r); !got.Equal(s) || r.Close() != nil {
				t.Errorf("%x decodes as %s, %v", b.Bytes(), got, r.Err())
			}
			if c.name == "two groups" {
				return // several encodings are equally short
			}
			if got := hex.EncodeToString(b.Bytes()); got != c.hex {
				t.Errorf("got %s, want %s", got, c.hex)
			}
		})
	}
}

func TestDecodeMalformed(t *testing.T) {
	for name, h := range map[string]string{
		"no end":                    "0100" + "0600000000000a",
		"no set":                    "0100",
		"half a replica":            "01",
		"pop of nothing":            "0100" + "5000",
		"end with bytes on stack":   "0100" + "0101" + "00",
		"bitmask on empty stack":    "0100" + "420101" + "00",
		"bitmask on four":           "0100" + "0400000000420101" + "5000",
		"bitmask beyond its byte":   "0100" + "050000000000" + "42ff01" + "5000",
		"range backwards":           "0100" + "52000000000002000000000001" + "00",
		"push cut off":              "0100" + "06000000",
		"range cut off":             "0100" + "5200000000",
		"seven bytes":               "0100" + "0700000000000000" + "00",
		"six after one":             "0100" + "0100" + "06000000000000" + "5000",
		"second of two is cut":      "0100" + "06000000000001" + "00" + "0200" + "06",
		"command with the high bit": "0100" + "8600000000000100",
	} {
		p, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := DecodeReplSet(p); err == nil {
			t.Errorf("%s: accepted as %s", name, s)
		}
	}
}

func TestDecodeLenient(t *testing.T) {
	one := mapi.GUID{1}
	two := mapi.GUID{2}
	var want IDSet
	want.AddRange(one, Range{1, 3})
	want.AddRange(two, Range{7, 7})
	var b wire.Builder
	for _, part := range []Entry{{two, NewGlobSet(Range{7, 7})}, {one, NewGlobSet(Range{3, 3})}, {mapi.GUID{9}, GlobSet{}}, {one, NewGlobSet(Range{1, 2})}} {
		b.GUID(part.GUID)
		part.Set.Append(&b)
	}
	got, err := Decode(b.Bytes())
	if err != nil || !got.Equal(want) {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got.Count() != 4 || got.IsEmpty() {
		t.Errorf("count %d", got.Count())
	}
}

// A set of a million replicas or ranges must not take quadratic time: this test runs
// into its deadline if it does.
func TestDecodeLarge(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b wire.Builder
		for i := range 100_000 {
			b.GUID(mapi.GUID{byte(i), byte(i >> 8), byte(i >> 16)})
			b.Raw([]byte{6, 0, 0, 0, 0, 0, 1, 0})
		}
		for i := range 100_000 {
			b.GUID(mapi.GUID{})
			b.Raw([]byte{6, 0, 0, byte(i >> 16), byte(i >> 8), byte(i), 0, 0})
		}
		s, err := Decode(b.Bytes())
		if err != nil || s.Count() != 200_000 {
			t.Errorf("count %d, %v", s.Count(), err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("decoding takes far too long")
	}
}

func TestHugeRangesAreCheap(t *testing.T) {
	all := Range{1, mapi.MaxGlobCnt}
	var s, u IDSet
	s.AddRange(mapi.GUID{1}, all)
	u.Add(mapi.LongTermID{GUID: mapi.GUID{1}, Counter: 1 << 40})
	rest := s.Subtract(u)
	if rest.Count() != all.Count()-1 || rest.Contains(mapi.LongTermID{GUID: mapi.GUID{1}, Counter: 1 << 40}) {
		t.Errorf("rest %s", rest)
	}
	if !rest.Union(u).Equal(s) || !s.Includes(u) || u.Includes(s) {
		t.Error("union or inclusion is wrong")
	}
}

func TestInvalidRangesAddNothing(t *testing.T) {
	var s IDSet
	s.AddRange(mapi.GUID{1}, Range{5, 4})
	s.AddRange(mapi.GUID{1}, Range{1, mapi.MaxGlobCnt + 1})
	s.AddSet(mapi.GUID{1}, NewGlobSet(Range{9, 8}))
	s.RemoveRange(mapi.GUID{1}, Range{1, 2})
	if !s.IsEmpty() || s.Encode() != nil {
		t.Errorf("got %s", s)
	}
}

func TestResolve(t *testing.T) {
	g := mapi.GUID{7}
	var short ReplSet
	short.Add(3, 10)
	short.Add(3, 11)
	known := func(id mapi.ReplID) (mapi.GUID, bool) { return g, id == 3 }
	long, err := short.Resolve(known)
	if err != nil || !bytes.Equal(long.Encode()[:16], g[:]) || long.Count() != 2 {
		t.Errorf("resolved %s, %v", long, err)
	}
	back, err := long.Short(func(x mapi.GUID) (mapi.ReplID, bool) { return 3, x == g })
	if err != nil || !back.Equal(short) {
		t.Errorf("back %s, %v", back, err)
	}
	short.Add(4, 1)
	if _, err := short.Resolve(known); err == nil {
		t.Error("an unknown replica was resolved")
	}
	if _, err := long.Short(func(mapi.GUID) (mapi.ReplID, bool) { return 0, false }); err == nil {
		t.Error("an unknown GUID was resolved")
	}
}

func TestCNSetDelegates(t *testing.T) {
	g := mapi.GUID{1}
	var s CNSet
	s.AddRange(g, Range{1, 5})
	s.Remove(mapi.LongTermID{GUID: g, Counter: 3})
	s.RemoveRange(g, Range{1, 1})
	s.AddSet(g, NewGlobSet(Range{9, 9}))
	if got := s.Ranges(g); !slices.Equal(got, []Range{{2, 2}, {4, 5}, {9, 9}}) {
		t.Errorf("ranges %v", got)
	}
	u := s.Clone()
	u.Add(mapi.LongTermID{GUID: g, Counter: 100})
	if s.Contains(mapi.LongTermID{GUID: g, Counter: 100}) || !u.Includes(s) || u.Equal(s) {
		t.Error("clone is not independent")
	}
	if d := u.Subtract(s); d.Count() != 1 || !d.Intersect(u).Equal(d) || !s.Union(d).Equal(u) {
		t.Errorf("difference %s", d)
	}
	back, err := DecodeCNSet(u.Encode())
	if err != nil || !back.Equal(u) || back.IsEmpty() || len(back.Entries()) != 1 || !back.Get(g).Equal(u.Get(g)) {
		t.Errorf("back %s, %v", back, err)
	}
}
