package mapihttp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// vector is one golden byte sequence that somebody else wrote.
type vector struct {
	File    string         `json:"file"`
	ID      string         `json:"id"`
	What    string         `json:"what"`
	Hex     string         `json:"hex"`
	Decoded map[string]any `json:"decoded"`
}

func vectors(t testing.TB) map[string]vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]vector)
	for _, v := range list {
		out[v.ID] = v
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDirect2Streams decompresses whole streams of other compressors; two of them
// are so short that this compressor has to find the same encoding.
func TestDirect2Streams(t *testing.T) {
	vs := vectors(t)
	for _, tc := range []struct {
		id    string
		plain []byte
		same  bool
	}{
		{"MS-XCA_3.1_a", []byte("abcdefghijklmnopqrstuvwxyz"), true},
		{"MS-XCA_3.1_b", bytes.Repeat([]byte("abc"), 100), true},
		{"outlook2007_1_direct2", nil, false},
		{"outlook2007_2_direct2", nil, false},
	} {
		t.Run(tc.id, func(t *testing.T) {
			v := vs[tc.id]
			stream, plain := unhex(t, v.Hex), tc.plain
			if h, ok := v.Decoded["plain_hex"].(string); ok {
				plain = unhex(t, h)
			}
			if len(plain) == 0 {
				t.Fatal("vector without plain bytes")
			}
			got, err := decompressDirect2(stream, len(plain))
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("decompressed to %x, %v, want %x", got, err, plain)
			}
			again := compressDirect2(plain)
			if tc.same && !bytes.Equal(again, stream) {
				t.Errorf("compressed to %x, want %x", again, stream)
			}
			if len(again) > len(stream) {
				t.Errorf("compressed to %d bytes, another compressor needed %d", len(again), len(stream))
			}
			if got, err := decompressDirect2(again, len(plain)); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("compressed and decompressed to %x, %v", got, err)
			}
			for n := range len(stream) - 1 {
				if _, err := decompressDirect2(stream[:n], len(plain)); err == nil && n < len(again)-4 {
					t.Errorf("accepted a stream cut to %d bytes", n)
				}
			}
		})
	}
}

// TestDirect2Lengths checks the encoding of match lengths against the bit patterns
// that [MS-OXCRPC] 3.1.4.1.1.2.2.4 prints.
func TestDirect2Lengths(t *testing.T) {
	vs := vectors(t)
	for _, n := range []int{24, 25, 26, 279, 280, 281} {
		want := unhex(t, vs[fmt.Sprintf("MS-OXCRPC_length_%d", n)].Hex)
		e := direct2Encoder{out: make([]byte, 4), nibbleAt: -1}
		e.literal('x')
		e.match(1, n)
		out := e.finish()
		if got := out[5:]; !bytes.Equal(got, want) {
			t.Errorf("match of %d encoded as %x, want %x", n, got, want)
		}
		if got, err := decompressDirect2(out, n+1); err != nil || string(got) != strings.Repeat("x", n+1) {
			t.Errorf("match of %d decoded to %q, %v", n, got, err)
		}
	}
}

// TestDirect2Mask checks the order of bits in the mask ([MS-OXCRPC] 3.1.4.1.1.2.2.1).
func TestDirect2Mask(t *testing.T) {
	got := compressDirect2([]byte("ABCABCDEF"))
	bits := fmt.Sprintf("%08b", got[3])
	if want := vectors(t)["MS-OXCRPC_bitmask_ABCABCDEF"].Decoded["mask_bits_msb_first"]; bits != want {
		t.Errorf("mask %s, want %s", bits, want)
	}
	word := unhex(t, vectors(t)["MS-OXCRPC_3.1.4.1.1.2.2.3"].Hex)
	d := direct2Decoder{src: word}
	if dist, n, err := d.match(); dist != 4 || n != 3 || err != nil {
		t.Errorf("metadata %x is a match of %d at %d, %v", word, n, dist, err)
	}
}

func TestDirect2Damaged(t *testing.T) {
	for name, tc := range map[string]struct {
		src  string
		size int
	}{
		"empty":                     {"", 1},
		"no mask":                   {"000000", 1},
		"match before any byte":     {"ffffffff0000", 3},
		"match too far back":        {"ffffff7f61180000", 4},
		"match longer than allowed": {"ffffff7f610700", 5},
		"length cut":                {"ffffff7f6107000f", 300},
		"size beyond reach":         {"00000000", 1 << 30},
	} {
		if out, err := decompressDirect2(unhex(t, tc.src), tc.size); err == nil {
			t.Errorf("%s: accepted, %d bytes", name, len(out))
		}
	}
}

// TestDirect2RoundTrip compresses texts with and without repetitions, near and far.
func TestDirect2RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var plain []byte
		for range rapid.IntRange(0, 40).Draw(t, "parts") {
			if len(plain) > 0 && rapid.Bool().Draw(t, "copy") {
				at := rapid.IntRange(0, len(plain)-1).Draw(t, "at")
				for range rapid.IntRange(1, 700).Draw(t, "length") {
					plain = append(plain, plain[at])
					at++
				}
			} else {
				plain = append(plain, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")...)
			}
		}
		got, err := decompressDirect2(compressDirect2(plain), len(plain))
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes came back as %d, %v", len(plain), len(got), err)
		}
	})
}

func FuzzDecompressDirect2(f *testing.F) {
	for _, v := range vectors(f) {
		if v.File == "compression" {
			f.Add(unhex(f, v.Hex), uint16(300))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, size uint16) {
		out, err := decompressDirect2(src, int(size))
		if err != nil {
			return
		}
		if len(out) != int(size) {
			t.Fatalf("%d bytes, want %d", len(out), size)
		}
		again, err := decompressDirect2(compressDirect2(out), len(out))
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("another round gives %x, %v, want %x", again, err, out)
		}
	})
}

func BenchmarkDirect2(b *testing.B) {
	plain := bytes.Repeat([]byte("some text that repeats itself, and 0123456789. "), 680)
	packed := compressDirect2(plain)
	b.Run("compress", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			compressDirect2(plain)
		}
	})
	b.Run("decompress", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			if _, err := decompressDirect2(packed, len(plain)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
