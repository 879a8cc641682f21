package names

import (
	"strings"
	"unicode/utf8"

	"mailfs/mapi"
)

const (
	escape     = '\uFE0E' // variation selector 15: "this is the character itself"
	emptyName  = '\u2205'
	dotLeader  = '\u2024'
	privateUse = 0xF0000
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
		first := i == 0
		i += n
		shown := encodeRune(c, first)
		out = utf8.AppendRune(out, shown)
		if _, sub := decodeRune(shown, first); !sub {
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
		first := i == 0
		i += n
		orig, sub := decodeRune(c, first)
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

// plain reports whether s is printable ASCII that needs no substitute.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7F || s[i] == '/' {
			return false
		}
	}
	return s == "" || s[0] != '.'
}

// encodeRune returns what stands for c in a directory name, c itself as a rule.
func encodeRune(c rune, first bool) rune {
	switch {
	case c == '/':
		return '\u2215'
	case c < 0x20:
		return 0x2400 + c
	case c == 0x7F:
		return 0x2421
	case c == '.' && first:
		return dotLeader
	case c >= 0x80 && c < 0xA0, bidi(c), isSurrogate(c):
		return privateUse + c
	}
	return c
}

// decodeRune reports whether c is a substitute at this place, and for what.
func decodeRune(c rune, first bool) (rune, bool) {
	switch {
	case c == '\u2215':
		return '/', true
	case c >= 0x2400 && c < 0x2420:
		return c - 0x2400, true
	case c == 0x2421:
		return 0x7F, true
	case c == dotLeader && first:
		return '.', true
	}
	if o := c - privateUse; o >= 0x80 && encodeRune(o, first) == c {
		return o, true
	}
	return 0, false
}
