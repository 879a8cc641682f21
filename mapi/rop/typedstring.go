package rop

import "fmt"

// TypedString is a string with the form that it travels in ([MS-OXCDATA] 2.11.7).
type TypedString struct {
	Kind StringKind
	Text string // as its kind says; for StringNone and StringEmpty ""
}

// StringKind is the form of a TypedString.
type StringKind uint8

// The forms of a TypedString.
const (
	StringNone    StringKind = 0x00 // no string at all
	StringEmpty   StringKind = 0x01 // an empty string
	String8Bit    StringKind = 0x02 // Text is in the code page of the object
	StringReduced StringKind = 0x03 // UTF-16 without the high bytes, all 0: Text is Latin-1
	StringUnicode StringKind = 0x04 // Text is UTF-8
)

// NewTypedString returns s in the usual form.
func NewTypedString(s string) TypedString {
	if s == "" {
		return TypedString{Kind: StringEmpty}
	}
	return TypedString{Kind: StringUnicode, Text: s}
}

// String returns the text; 8-bit text in an unknown code page as it came.
func (s TypedString) String() string {
	if s.Kind != StringReduced {
		return s.Text
	}
	runes := make([]rune, len(s.Text))
	for i := range len(s.Text) {
		runes[i] = rune(s.Text[i])
	}
	return string(runes)
}

func typedString(c *coder, s *TypedString) {
	u8(c, &s.Kind)
	switch s.Kind {
	case StringNone, StringEmpty:
	case String8Bit, StringReduced:
		cstring(c, &s.Text)
	case StringUnicode:
		text(c, true, &s.Text)
	default:
		c.fail(fmt.Errorf("rop: typed string of kind 0x%02X", uint8(s.Kind)))
	}
}
