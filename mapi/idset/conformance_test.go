package idset

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// TestReplicasAreSorted: R186, the replicas of an encoded set ascend by the bytes of their
// GUIDs, whatever order they came in.
func TestReplicasAreSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s IDSet
		for range rapid.IntRange(0, 8).Draw(t, "ids") {
			g := mapi.GUID{rapid.Byte().Draw(t, "first"), rapid.Byte().Draw(t, "second")}
			s.Add(mapi.LongTermID{GUID: g, Counter: mapi.GlobCnt(rapid.IntRange(1, 99).Draw(t, "counter"))})
		}
		r := wire.NewReader(s.Encode())
		var last []byte
		for r.Len() > 0 {
			g := r.GUID()
			ReadGlobSet(r)
			if last != nil && bytes.Compare(last, g[:]) >= 0 {
				t.Fatalf("%x behind %x", g[:], last)
			}
			last = bytes.Clone(g[:])
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCommands: R3065, R3068, R3071, R3074 and R3077, the numbers of the commands; R214 and
// R217, the ends of a range. What a decoder takes, and what it refuses.
func TestCommands(t *testing.T) {
	for _, c := range []struct {
		id, what, hex string
		want          []Range // nil: refused
	}{
		{"R3065", "a push of six", "06000000000009" + "00", []Range{{9, 9}}},
		{"R3065", "a push of one to five", "0100" + "020000" + "03000001" + "5050" + "00", []Range{{1, 1}}},
		{"R3065", "a push of seven", "0700000000000009" + "00", nil},
		{"R3068", "a pop", "050000000000" + "0109" + "50" + "00", []Range{{9, 9}}},
		{"R3068", "another number for a pop", "050000000000" + "0109" + "51" + "00", nil},
		{"R3071", "a bitmask", "050000000000" + "420105" + "50" + "00", []Range{{1, 2}, {4, 4}}},
		{"R3071", "another number for a bitmask", "050000000000" + "430105" + "50" + "00", nil},
		{"R3074", "a range", "52000000000001000000000009" + "00", []Range{{1, 9}}},
		{"R3074", "another number for a range", "53000000000001000000000009" + "00", nil},
		{"R214 R217", "a range of one", "52000000000009000000000009" + "00", []Range{{9, 9}}},
		{"R214 R217", "a range backwards", "52000000000009000000000001" + "00", nil},
		{"R3077", "no end", "06000000000009", nil},
		{"R3077", "another number for the end", "06000000000009" + "FF", nil},
	} {
		p, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		r := wire.NewReader(p)
		got := ReadGlobSet(r)
		if err := r.Close(); (err == nil) != (c.want != nil) || err == nil && !got.Equal(NewGlobSet(c.want...)) {
			t.Errorf("%s: %s: %s, %v", c.id, c.what, got, err)
		}
	}
}

// TestWrittenCommands reads what the encoder writes with a reader of its own, which knows
// nothing but the numbers of the commands (R3065, R3068, R3074, R3077) and that ranges run
// forwards (R214, R217). The set comes out exactly as it was: nothing is collapsed, which
// MetaTagIdsetGiven could not bear (R2026).
func TestWrittenCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want GlobSet
		for range rapid.IntRange(0, 12).Draw(t, "ranges") {
			low := mapi.GlobCnt(rapid.Uint64Range(1, uint64(mapi.MaxGlobCnt)-300).Draw(t, "low"))
			want.AddRange(Range{low, low + mapi.GlobCnt(rapid.IntRange(0, 300).Draw(t, "length"))})
		}
		var b wire.Builder
		want.Append(&b)
		if got := readPlainly(t, b.Bytes()); !got.Equal(want) {
			t.Fatalf("%s is written as %s", want, got)
		}
	})
}

func readPlainly(t *rapid.T, p []byte) (out GlobSet) {
	var stack [][]byte
	number := func(low []byte) (n mapi.GlobCnt) {
		for _, c := range append(bytes.Join(stack, nil), low...) {
			n = n<<8 | mapi.GlobCnt(c)
		}
		return n
	}
	for {
		cmd := p[0]
		p = p[1:]
		common := len(bytes.Join(stack, nil))
		switch {
		case cmd == 0x00:
			if len(p) > 0 || len(stack) > 0 {
				t.Fatalf("ends with %d bytes and %d pushes left", len(p), len(stack))
			}
			return out
		case cmd >= 0x01 && cmd <= 0x06 && common+int(cmd) == 6:
			n := number(p[:cmd])
			out.AddRange(Range{n, n})
			p = p[cmd:]
		case cmd >= 0x01 && cmd <= 0x06:
			stack = append(stack, p[:cmd])
			p = p[cmd:]
		case cmd == 0x50:
			stack = stack[:len(stack)-1]
		case cmd == 0x52:
			n := 6 - common
			r := Range{number(p[:n]), number(p[n : 2*n])}
			if r.Low > r.High {
				t.Fatalf("range %d to %d", r.Low, r.High)
			}
			out.AddRange(r)
			p = p[2*n:]
		default:
			t.Fatalf("command 0x%02X", cmd)
		}
	}
}
