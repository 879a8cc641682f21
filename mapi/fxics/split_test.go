package fxics

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"mailfs/mapi"
)

// atomEnds returns the legal cuts of a stream, found with the Lexer: a cut is legal
// if it is no further into an element than its atoms allow.
func atomEnds(t *testing.T, p []byte) map[int]bool {
	t.Helper()
	legal := map[int]bool{0: true}
	lex := NewLexer(iotest.OneByteReader(bytes.NewReader(p)), nil)
	for {
		start := int(lex.Offset())
		tok, err := lex.Next()
		if err == io.EOF {
			return legal
		}
		if err != nil {
			t.Fatal(err)
		}
		end := int(lex.Offset())
		legal[start+4], legal[end] = true, true
		if tok.Marker != 0 {
			continue
		}
		at := start + 4
		if tok.Property.Tag.ID() >= 0x8000 {
			at += 16
			legal[at] = true
			if at += 5; tok.Property.Name.Kind == mapi.NameKindString {
				at += -5 + 1 + 2*len([]rune(tok.Property.Name.Name)) + 2
			}
			legal[at] = true
		}
		legalValue(legal, tok.Property, at, end)
	}
}

// legalValue adds the legal cuts of a value in p[at:end].
func legalValue(legal map[int]bool, p mapi.Property, at, end int) {
	if p.Tag.Type().IsMulti() {
		at += 4
		legal[at] = true
		var sizes []int
		switch list := p.Value.(type) {
		case [][]byte:
			for _, b := range list {
				sizes = append(sizes, len(b))
			}
		case []string:
			for _, s := range list {
				sizes = append(sizes, 2*len([]rune(s))+2)
			}
		default:
			step := fixedSize(p.Tag.Type().Single())
			for ; at < end; at += step {
				legal[at] = true
			}
		}
		for _, size := range sizes {
			for n := range size + 1 {
				legal[at+4+n] = true
			}
			at += 4 + size
		}
		return
	}
	if fixedSize(p.Tag.Type()) > 0 && p.Tag != mapi.MetaTagIdsetGiven {
		return
	}
	for at += 4; at < end; at++ {
		legal[at] = true
	}
}

func TestSplitter(t *testing.T) {
	streams := map[string][]byte{
		"all kinds": raw(t, StartMessage, prop(mapi.PidTagSubject, "subject"), prop(mapi.PidTagImportance, int32(1)),
			mapi.Property{Tag: 0x80010003, Name: mapi.LIDName(other, 7), Value: int32(1)},
			mapi.Property{Tag: 0x8002101F, Name: mapi.StringName(other, "Keywords"), Value: []string{"a", "", "bc"}},
			prop(mapi.NewTag(1, mapi.TypeMultiInteger16), []int16{1, 2, 3}), prop(mapi.NewTag(2, mapi.TypeMultiBinary), [][]byte{}),
			prop(mapi.NewTag(3, mapi.TypeMultiBinary), [][]byte{{1, 2}, {}}), prop(mapi.NewTag(4, mapi.TypeNull), nil),
			prop(mapi.PidTagHtml, make([]byte, 60)), prop(mapi.MetaTagIdsetGiven, make([]byte, 9)), prop(mapi.NewTag(5, mapi.TypeGUID), other), EndMessage),
		"recorded":  recording(t, "09-alpha-second").data,
		"hierarchy": recording(t, "08-hier-after-oldstate").data,
	}
	for name, p := range streams {
		legal := atomEnds(t, p)
		for _, limit := range []int{24, 25, 31, 50, 100, 1000, len(p), 1 << 20} {
			var s Splitter
			for at := 0; at < len(p); {
				n := s.Cut(p[at:], limit)
				end := at + n
				if n <= 0 || n > limit || !legal[end] {
					t.Fatalf("%s: cut at %d by %d of %d", name, at, n, limit)
				}
				for later := end + 1; later <= min(at+limit, len(p)); later++ {
					if legal[later] {
						t.Fatalf("%s: cut at %d by %d, though %d is legal", name, at, n, later-at)
					}
				}
				at = end
			}
		}
	}
}

func TestSplitterLimit(t *testing.T) {
	p := raw(t, prop(mapi.PidTagImportance, int32(1)))
	var s Splitter
	if n := s.Cut(p, 3); n != 0 {
		t.Errorf("%d bytes of a tag", n)
	}
	if n := s.Cut(p, 7); n != 4 {
		t.Errorf("%d bytes, want the tag", n)
	}
	if n := s.Cut(p[4:], 0); n != 0 {
		t.Errorf("%d bytes in no space", n)
	}
	if n := s.Cut(p[4:], 4); n != 4 {
		t.Errorf("%d bytes, want the value", n)
	}
}
