package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Max is the number of bytes that a name may have, the limit of common file systems.
const Max = 255

// Fold returns the key under which names are compared for uniqueness: canonical
// caseless matching (Unicode standard, 3.13, D145), composed.
func Fold(name string) string {
	folded := cases.Fold().String(norm.NFD.String(name))
	return norm.NFC.String(strings.Map(foldCherokee, folded))
}

// foldCherokee maps the small letters of Cherokee to the capitals, as CaseFolding.txt
// has it; cases.Fold exchanges the two.
func foldCherokee(c rune) rune {
	switch {
	case c >= 0xAB70 && c <= 0xABBF:
		return c - 0xAB70 + 0x13A0
	case c >= 0x13F8 && c <= 0x13FD:
		return c - 8
	}
	return c
}

// clean makes s fit to be part of a message's name: valid UTF-8, NFC, runs of
// space and control characters as one space, none at either end.
func clean(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	put := func(c rune) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(c)
	}
	for i := 0; i < len(s); {
		c, n := decodeWTF8(s[i:])
		i += n
		switch {
		case isSurrogate(c):
			put(utf8.RuneError)
		case unicode.IsSpace(c) || unicode.IsControl(c) || c == 0x2028 || c == 0x2029:
			space = true
		case invisible(c):
		case c == '/':
			put('-')
		default:
			put(c)
		}
	}
	// Composition makes no slash, space or control; but what was taken out can have
	// stood between two characters that compose.
	return norm.NFC.String(b.String())
}

// invisible reports whether c is a character that can hide or reorder text: the formatting characters, and what has
// no shape by default. Not among them are the joiners U+200C and U+200D and the variation selectors, which scripts and
// emoji need, and the formatting characters that show as signs.
func invisible(c rune) bool {
	if c < 0xA0 || c == 0x200C || c == 0x200D || unicode.Is(unicode.Variation_Selector, c) {
		return false
	}
	return bidi(c) || unicode.Is(unicode.Cf, c) && !unicode.Is(unicode.Prepended_Concatenation_Mark, c) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c)
}

// bidi reports whether c is a bidirectional formatting character (UAX 9, table 2).
func bidi(c rune) bool {
	return c == 0x061C || c == 0x200E || c == 0x200F || c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069
}

func isSurrogate(c rune) bool { return c >= 0xD800 && c <= 0xDFFF }

// decodeWTF8 is utf8.DecodeRuneInString that also knows the three-byte form of a
// lone surrogate, as mapi strings may have it.
func decodeWTF8(s string) (rune, int) {
	c, n := utf8.DecodeRuneInString(s)
	if c == utf8.RuneError && n <= 1 && len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return c, max(n, 1)
}

// appendWTF8 appends c, a lone surrogate in its three-byte form.
func appendWTF8(b []byte, c rune) []byte {
	if isSurrogate(c) {
		return append(b, 0xED, 0x80|byte(c>>6)&0x3F, 0x80|byte(c)&0x3F)
	}
	return utf8.AppendRune(b, c)
}

// cut shortens s to at most n bytes at a rune boundary and drops trailing space.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ")
}
