package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"mailfs/mapi"
)

const (
	escape        = '\uFE0E' // variation selector 15: "this is the character itself"
	emptyName     = '\u2205'
	dotLeader     = '\u2024'
	spaceSymbol   = '\u2420'
	hyphen        = '\u2010'
	tildeOperator = '\u223C'
	privateUse    = 0xF0000
	privateAbove  = 0x100000
)

// Folder returns the directory name of a folder: its encoded display name, cut and
// with the short id if it is longer than Max bytes.
func Folder(displayName string, sk mapi.SourceKey) string {
	name := FolderEncode(displayName)
	if len(name) <= Max {
		return name
	}
	tail := "." + ShortID(sk)
	return cut(name, Max-len(tail)) + tail
}

// FolderEncode returns the form of a folder's display name that can be the name of
// a directory; it may be longer than Max. FolderDecode is its inverse.
func FolderEncode(displayName string) string {
	if displayName == "" {
		return string(emptyName)
	}
	if emptyForm(displayName) {
		return displayName + string(escape)
	}
	if plain(displayName) {
		return displayName
	}
	out := make([]byte, 0, len(displayName)+8)
	for i := 0; i < len(displayName); {
		c, n := decodeWTF8(displayName[i:])
		at := placeOf(displayName, i, i+n)
		i += n
		shown := encodeRune(c, at)
		out = utf8.AppendRune(out, shown)
		if _, sub := decodeRune(shown, at); !sub {
			continue
		}
		// k selectors that follow become 2k, and one more says that the substitute
		// itself is meant.
		k := 0
		for strings.HasPrefix(displayName[i:], string(escape)) {
			i += len(string(escape))
			k++
		}
		k *= 2
		if shown == c {
			k++
		}
		for range k {
			out = utf8.AppendRune(out, escape)
		}
	}
	return string(out)
}

// FolderDecode returns the display name that a directory name stands for.
func FolderDecode(name string) string {
	if emptyForm(name) {
		if s, ok := strings.CutSuffix(name, string(escape)); ok {
			return s
		}
		return ""
	}
	if plain(name) {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); {
		c, n := decodeWTF8(name[i:])
		at := placeOf(name, i, i+n)
		i += n
		orig, sub := decodeRune(c, at)
		if !sub {
			out = appendWTF8(out, c)
			continue
		}
		k := 0
		for strings.HasPrefix(name[i:], string(escape)) {
			i += len(string(escape))
			k++
		}
		if k%2 == 1 {
			orig = c
		}
		out = appendWTF8(out, orig)
		for range k / 2 {
			out = utf8.AppendRune(out, escape)
		}
	}
	return string(out)
}

// emptyForm reports whether s is the substitute of the empty name, or that with
// selectors.
func emptyForm(s string) bool {
	return strings.HasPrefix(s, string(emptyName)) && strings.Trim(s[len(string(emptyName)):], string(escape)) == ""
}

// place is where in a name a character stands, selectors after the last one aside.
type place struct{ first, last bool }

func placeOf(s string, start, end int) place {
	return place{start == 0, strings.Trim(s[end:], string(escape)) == ""}
}

// plain reports whether s is printable ASCII that needs no substitute.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7F || s[i] == '/' {
			return false
		}
	}
	return s == "" || !strings.ContainsRune(".-~ ", rune(s[0])) && s[len(s)-1] != ' ' && s[len(s)-1] != '.'
}

// encodeRune returns what stands for c in a directory name, c itself as a rule.
func encodeRune(c rune, at place) rune {
	switch {
	case c == '/':
		return '\u2215'
	case c < 0x20:
		return 0x2400 + c
	case c == 0x7F:
		return 0x2421
	case c == '.' && (at.first || at.last):
		return dotLeader
	case c == ' ' && (at.first || at.last):
		return spaceSymbol
	case c == '-' && at.first:
		return hyphen
	case c == '~' && at.first:
		return tildeOperator
	case unicode.IsSpace(c) && c != ' ' && c != 0x3000, c >= 0x80 && c < 0xA0, invisible(c), isSurrogate(c):
		return private(c)
	}
	return c
}

// private returns a character of private use for one that can't be shown: of plane 15 for the basic plane, of
// plane 16 for the others, which have few of them and none with the same low bits.
func private(c rune) rune {
	if c <= 0xFFFF {
		return privateUse + c
	}
	return privateAbove + c&0xFFFF
}

// decodeRune reports whether c is a substitute at this place, and for what.
func decodeRune(c rune, at place) (rune, bool) {
	switch {
	case c == '\u2215':
		return '/', true
	case c >= 0x2400 && c < 0x2420:
		return c - 0x2400, true
	case c == 0x2421:
		return 0x7F, true
	case c == dotLeader && (at.first || at.last):
		return '.', true
	case c == spaceSymbol && (at.first || at.last):
		return ' ', true
	case c == hyphen && at.first:
		return '-', true
	case c == tildeOperator && at.first:
		return '~', true
	case c < privateUse:
		return 0, false
	case c < privateAbove:
		if o := c - privateUse; o >= 0x80 && encodeRune(o, at) == c {
			return o, true
		}
	default:
		for _, plane := range []rune{0x1_0000, 0xE_0000} {
			if o := plane | c&0xFFFF; encodeRune(o, at) == c {
				return o, true
			}
		}
	}
	return 0, false
}
