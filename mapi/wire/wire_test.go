package wire

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// fields is one of everything, with its bytes.
var fields = []struct {
	name  string
	bytes string
	write func(*Builder)
	read  func(*Reader) any
	want  any
}{
	{"u8", "\xfe", func(b *Builder) { b.Uint8(0xFE) }, func(r *Reader) any { return r.Uint8() }, uint8(0xFE)},
	{"true", "\x01", func(b *Builder) { b.Bool(true) }, func(r *Reader) any { return r.Bool() }, true},
	{"false", "\x00", func(b *Builder) { b.Bool(false) }, func(r *Reader) any { return r.Bool() }, false},
	{"u16", "\x02\x01", func(b *Builder) { b.Uint16(0x102) }, func(r *Reader) any { return r.Uint16() }, uint16(0x102)},
	{"u32", "\x04\x03\x02\x01", func(b *Builder) { b.Uint32(0x1020304) }, func(r *Reader) any { return r.Uint32() }, uint32(0x1020304)},
	{"u64", "\x08\x07\x06\x05\x04\x03\x02\x01", func(b *Builder) { b.Uint64(0x102030405060708) }, func(r *Reader) any { return r.Uint64() }, uint64(0x102030405060708)},
	{"u48", "\x01\x02\x03\x04\x05\x06", func(b *Builder) { b.Uint48BE(0xFF010203040506) }, func(r *Reader) any { return r.Uint48BE() }, uint64(0x10203040506)},
	{"guid", "0123456789abcdef", func(b *Builder) { b.GUID([16]byte([]byte("0123456789abcdef"))) }, func(r *Reader) any { return r.GUID() }, [16]byte([]byte("0123456789abcdef"))},
	{"8-bit string", "ab\x00", func(b *Builder) { b.CString("ab") }, func(r *Reader) any { return r.CString() }, "ab"},
	{"empty 8-bit string", "\x00", func(b *Builder) { b.CString("") }, func(r *Reader) any { return r.CString() }, ""},
	{"string", "a\x00\xe4\x00\x00\x00", func(b *Builder) { b.WString("aä") }, func(r *Reader) any { return r.WString() }, "aä"},
	{"string with a zero byte across units", "\x00\x01\x00\x02\x00\x00", func(b *Builder) { b.WString("ĀȀ") }, func(r *Reader) any { return r.WString() }, "ĀȀ"},
	{"8 bits of length", "\x02ab", func(b *Builder) { b.Counted8(func() { b.Raw([]byte("ab")) }) }, func(r *Reader) any { return string(r.Take(int(r.Uint8()))) }, "ab"},
	{"16 bits of length", "\x02\x00ab", func(b *Builder) { b.Counted16(func() { b.Raw([]byte("ab")) }) }, func(r *Reader) any { return string(r.Take(int(r.Uint16()))) }, "ab"},
	{"32 bits of length", "\x02\x00\x00\x00ab", func(b *Builder) { b.Counted32(func() { b.Write([]byte("ab")) }) }, func(r *Reader) any { return string(r.Bytes(int(r.Uint32()))) }, "ab"},
}

func TestFields(t *testing.T) {
	for _, f := range fields {
		t.Run(f.name, func(t *testing.T) {
			var b Builder
			f.write(&b)
			if p, err := b.Finish(); err != nil || string(p) != f.bytes || b.Len() != len(p) {
				t.Errorf("built %q, %v, want %q", p, err, f.bytes)
			}
			r := NewReader([]byte(f.bytes))
			if got := f.read(r); got != f.want || r.Close() != nil || r.Offset() != len(f.bytes) {
				t.Errorf("read %v, %v, want %v", got, r.Err(), f.want)
			}
			for n := range len(f.bytes) {
				r := NewReader([]byte(f.bytes)[:n])
				if f.read(r); !errors.Is(r.Err(), ErrShort) {
					t.Errorf("%d of %d bytes: %v", n, len(f.bytes), r.Err())
				}
			}
		})
	}
}

func TestReaderErrorSticks(t *testing.T) {
	r := NewReader([]byte{1, 2, 3})
	r.Uint32()
	first := r.Err()
	if r.Fail(errors.New("later")); first == nil || r.Err() != first {
		t.Errorf("error %v, then %v", first, r.Err())
	}
	zero := []any{r.Uint8(), r.Uint16(), r.Uint64(), r.Uint48BE(), r.CString(), r.WString(), r.Len(), r.Count(1, 1)}
	if want := []any{uint8(0), uint16(0), uint64(0), uint64(0), "", "", 0, 0}; !slices.Equal(zero, want) {
		t.Errorf("after an error: %v", zero)
	}
	if r.Take(1) != nil || r.Bytes(0) != nil || r.Peek(1) != nil || r.Close() != first {
		t.Error("bytes after an error")
	}
}

func TestReaderBounds(t *testing.T) {
	r := NewReader([]byte("abcdef"))
	if string(r.Peek(2)) != "ab" || r.Peek(7) != nil || r.Peek(-1) != nil || r.Offset() != 0 {
		t.Error("peek")
	}
	p := r.Take(2)
	_ = append(p, 'X') // must not reach the input
	if string(r.Rest()) != "cdef" || r.Close() != nil {
		t.Error("rest")
	}
	if r := NewReader([]byte("ab")); r.Take(-1) != nil || r.Err() == nil {
		t.Error("a negative length is accepted")
	}
	if r := NewReader([]byte("ab")); r.Close() == nil {
		t.Error("bytes left over are accepted")
	}
	for _, c := range []struct {
		n    uint64
		size int
		ok   bool
	}{{3, 2, true}, {4, 2, false}, {1 << 63, 2, false}, {1 << 40, 0, true}, {0, 9, true}} {
		r := NewReader(make([]byte, 7))
		if got := r.Count(c.n, c.size); (r.Err() == nil) != c.ok || c.ok && uint64(got) != c.n || !c.ok && got != 0 {
			t.Errorf("%d of %d bytes: %d, %v", c.n, c.size, got, r.Err())
		}
	}
}

func TestBuilderOverflow(t *testing.T) {
	var b Builder
	b.Counted8(func() { b.Raw(make([]byte, 255)) })
	if b.Err() != nil || b.Len() != 256 {
		t.Errorf("255 bytes: %v", b.Err())
	}
	b.Counted8(func() { b.Raw(make([]byte, 256)) })
	first := b.Err()
	if _, err := b.Finish(); err == nil || err != first {
		t.Errorf("256 bytes: %v", err)
	}
	if b.Fail(errors.New("later")); b.Err() != first {
		t.Error("the first error does not stick")
	}
	b = Builder{}
	b.Counted16(func() { b.Raw(make([]byte, 0x10000)) })
	if b.Err() == nil {
		t.Error("65536 bytes fit 16 bits")
	}
	b = Builder{}
	b.Raw([]byte("abc"))
	if b.Truncate(1); string(b.Bytes()) != "a" {
		t.Errorf("%q", b.Bytes())
	}
}

func TestUTF16(t *testing.T) {
	for s, want := range map[string]string{
		"":             "",
		"aä€":          "a\x00\xe4\x00\xac\x20",
		"\U0001F600":   "\x3d\xd8\x00\xde",
		"\xed\xa0\xbd": "\x3d\xd8", // an unpaired surrogate
		"\xed\xa0":     "\xfd\xff\xfd\xff",
		"\xff":         "\xfd\xff",
		"\ufffd":       "\xfd\xff",
	} {
		if got := AppendUTF16(nil, s); string(got) != want {
			t.Errorf("%q becomes %x, want %x", s, got, want)
		}
	}
	if got := DecodeUTF16([]byte("a\x00b")); got != "a" {
		t.Errorf("an odd byte gives %q", got)
	}
}

// Any sequence of units survives, pairs or not.
func TestUTF16RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOf(rapid.OneOf(rapid.Uint16(), rapid.Uint16Range('a', 'z'), rapid.Uint16Range(0xD800, 0xDFFF))).Draw(t, "units")
		var p []byte
		for _, u := range units {
			p = append(p, byte(u), byte(u>>8))
		}
		s := DecodeUTF16(p)
		if again := AppendUTF16(nil, s); !bytes.Equal(again, p) {
			t.Fatalf("%x becomes %q and %x", p, s, again)
		}
		if plain := string(utf16.Decode(units)); slices.IndexFunc(units, func(u uint16) bool { return u&0xF800 == 0xD800 }) < 0 && s != plain {
			t.Fatalf("%x becomes %q, want %q", p, s, plain)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("\x02\x00ab\x00x\x00\x00\x00"), uint16(3))
	f.Fuzz(func(t *testing.T, p []byte, seed uint16) {
		r := NewReader(p)
		for i := 0; r.Err() == nil && r.Len() > 0; i++ {
			before := r.Offset()
			fields[(int(seed)+i)%len(fields)].read(r)
			if r.Err() == nil && r.Offset() <= before || r.Offset() > len(p) {
				t.Fatalf("offset %d after %d of %d", r.Offset(), before, len(p))
			}
		}
	})
}
