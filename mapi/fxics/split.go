package fxics

import (
	"encoding/binary"

	"mailfs/mapi"
)

// Splitter finds the places where a stream may be cut into transfer buffers: between
// two atoms, or anywhere within a value of variable size ([MS-OXCFXICS] 2.2.4.1). It
// follows the stream from its start. The zero Splitter is ready. Of a malformed
// stream it makes no sense, but it always comes to an end.
type Splitter struct {
	next    atom
	tag     mapi.PropertyTag  // of the property under way
	single  mapi.PropertyType // of the values of the property under way
	values  uint32            // how many of them are still to come
	pending uint32            // bytes of a variable value that are still to come
}

// atom tells what the next atom of a stream is.
type atom uint8

const (
	atomTag   atom = iota // a marker or a tag
	atomSet               // the property set of a name
	atomName              // the rest of a name
	atomCount             // the number of values of a multi-value
	atomValue             // a fixed value, or the length of a variable one
)

// Cut returns where to end the next buffer: the largest n, at most limit, so that the
// stream may be cut behind p[:n]. p are the next bytes of the stream, beginning where
// the last cut was made, and should hold limit bytes or all that are left. 0 means
// that not even one atom fits.
func (s *Splitter) Cut(p []byte, limit int) int {
	limit = min(limit, len(p))
	for n := 0; ; {
		if s.pending > 0 {
			step := min(int64(s.pending), int64(limit-n))
			n += int(step)
			if s.pending -= uint32(step); s.pending > 0 {
				return n
			}
			s.valueDone()
		}
		size := s.size(p[n:limit])
		if size == 0 {
			return n
		}
		s.advance(p[n : n+size])
		n += size
	}
}

// size returns the size of the next atom, 0 if p does not hold all of it.
func (s *Splitter) size(p []byte) int {
	n := 4
	switch s.next {
	case atomSet:
		n = 16
	case atomName:
		if n = 5; len(p) > 0 && mapi.NameKind(p[0]) == mapi.NameKindString {
			for n = 3; n <= len(p) && (p[n-2] != 0 || p[n-1] != 0); n += 2 {
			}
		}
	case atomValue:
		n = fixedSize(s.single)
		if n == 0 {
			n = 4 // the length
		}
	}
	if n > len(p) {
		return 0
	}
	return n
}

// fixedSize returns the size of the values of a type, 0 for variable ones.
func fixedSize(t mapi.PropertyType) int {
	switch t {
	case mapi.TypeInteger16, mapi.TypeBoolean:
		return 2
	case mapi.TypeInteger32, mapi.TypeFloating32, mapi.TypeErrorCode:
		return 4
	case mapi.TypeFloating64, mapi.TypeCurrency, mapi.TypeFloatTime, mapi.TypeInteger64, mapi.TypeTime:
		return 8
	case mapi.TypeGUID:
		return 16
	}
	return 0
}

// advance goes past the atom p.
func (s *Splitter) advance(p []byte) {
	switch s.next {
	case atomTag:
		v := binary.LittleEndian.Uint32(p)
		if IsMarker(v) {
			return
		}
		if s.tag = mapi.PropertyTag(v); s.tag.ID() >= 0x8000 {
			s.next = atomSet
			return
		}
		s.beginValue()
	case atomSet:
		s.next = atomName
	case atomName:
		s.beginValue()
	case atomCount:
		s.next, s.values = atomValue, binary.LittleEndian.Uint32(p)
		if s.values == 0 {
			s.next = atomTag
		}
	case atomValue:
		if fixedSize(s.single) == 0 {
			s.pending = binary.LittleEndian.Uint32(p)
		}
		if s.pending == 0 {
			s.valueDone()
		}
	}
}

func (s *Splitter) beginValue() {
	t := s.tag.Type()
	if s.tag == mapi.MetaTagIdsetGiven {
		t = mapi.TypeBinary // see Lexer.value
	}
	s.single, s.values, s.next = t.Single(), 1, atomValue
	switch {
	case t.IsMulti():
		s.next = atomCount
	case t == mapi.TypeNull:
		s.next = atomTag
	}
}

func (s *Splitter) valueDone() {
	if s.values--; s.values == 0 {
		s.next = atomTag
	}
}
