package mime

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	softLine = 78  // RFC 5322 2.1.1, the length that lines should keep
	hardLine = 998 // RFC 5322 2.1.1, the length that lines must keep
	wordMax  = 75  // RFC 2047 2, the length of an encoded word
)

// fold writes a header field whose value may be broken before each of the given
// tokens. A token that starts with a space is one that may begin a new line.
func fold(name string, tokens []string) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteString(": ")
	col := len(name) + 2
	for i, t := range tokens {
		if i == 0 {
			t = strings.TrimLeft(t, " ")
		}
		if i > 0 && t[0] == ' ' && col+len(t) > softLine {
			b.WriteByte('\n')
			col = 0
		}
		for col+len(t) > hardLine {
			n := hardLine - col
			b.WriteString(t[:n])
			b.WriteString("\n ")
			t, col = t[n:], 1
		}
		b.WriteString(t)
		col += len(t)
	}
	b.WriteByte('\n')
	return b.String()
}

// unstructured writes a field with free text (RFC 5322 2.2.1), encoded where it has
// to be.
func unstructured(name, value string) string {
	value = oneLine(value)
	if needsWords(value) {
		return fold(name, encodedWords(value, len(name)+2))
	}
	return fold(name, splitSpaces(value))
}

// oneLine replaces control characters, which a header can't carry, by spaces.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7F {
			return ' '
		}
		return c
	}, s)
}

// needsWords reports whether free text would not survive as it is.
func needsWords(s string) bool {
	run := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x7F || c < 0x20:
			return true
		case c == ' ':
			run = 0
		default:
			run++
		}
		if run > hardLine-softLine {
			return true
		}
	}
	return strings.Contains(s, "=?") || strings.Contains(s, "  ") || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ")
}

// splitSpaces cuts before each space.
func splitSpaces(s string) []string {
	var out []string
	for len(s) > 0 {
		i := strings.IndexByte(s[1:], ' ') + 1
		if i == 0 {
			i = len(s)
		}
		out, s = append(out, s[:i]), s[i:]
	}
	return out
}

// encodedWords encodes text as RFC 2047 words in UTF-8, each but the first with a
// space before it. first is the room that is taken on the first line.
func encodedWords(s string, first int) []string {
	plain := 0
	for i := range len(s) {
		if qLiteral(s[i]) || s[i] == ' ' {
			plain++
		}
	}
	enc := byte('q')
	if plain*3 < len(s)*2 {
		enc = 'b'
	}
	var out []string
	const overhead = len("=?utf-8?q?") + len("?=")
	limit := max(wordMax-max(first-3, 0), wordMax/2) - overhead
	for len(s) > 0 {
		n, cost := 0, 0
		for n < len(s) {
			_, w := utf8.DecodeRuneInString(s[n:])
			c := qCost(s[n : n+w])
			if enc == 'b' {
				c = (n+w+2)/3*4 - (n+2)/3*4
			}
			if n > 0 && cost+c > limit {
				break
			}
			n, cost = n+w, cost+c
		}
		word := "=?utf-8?" + string(enc) + "?"
		if enc == 'b' {
			word += base64.StdEncoding.EncodeToString([]byte(s[:n]))
		} else {
			word += qEncode(s[:n])
		}
		word += "?="
		if len(out) > 0 {
			word = " " + word
		}
		out, s = append(out, word), s[n:]
		limit = wordMax - overhead
	}
	return out
}

// qLiteral reports whether a byte stands for itself in a Q word anywhere (RFC 2047 5 (3)).
func qLiteral(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!*+-/", c) >= 0
}

func qCost(s string) int {
	n := 0
	for i := range len(s) {
		if qLiteral(s[i]) || s[i] == ' ' {
			n++
		} else {
			n += 3
		}
	}
	return n
}

func qEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case qLiteral(c):
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func isAtext(c byte) bool {
	return c > ' ' && c < 0x7F && strings.IndexByte(`()<>[]:;@\,."`, c) < 0
}

// phrase returns the tokens of a display name (RFC 5322 3.2.5).
func phrase(s string) []string {
	s = strings.TrimSpace(oneLine(s))
	atoms := s != ""
	for i := range len(s) {
		if s[i] >= 0x7F {
			return encodedWords(s, 0)
		}
		if !isAtext(s[i]) && s[i] != ' ' {
			atoms = false
		}
	}
	if strings.Contains(s, "=?") || len(s) > hardLine/2 {
		return encodedWords(s, 0)
	}
	if atoms && !strings.Contains(s, "  ") {
		return splitSpaces(s)
	}
	return []string{quoted(s)}
}

// quoted returns s as a quoted string (RFC 5322 3.2.4).
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// addressField writes a field with a list of addresses, "" for an empty list.
func addressField(name string, list []Address) string {
	var tokens []string
	for i, a := range list {
		t := a.tokens()
		if i > 0 {
			tokens[len(tokens)-1] += ","
			t[0] = " " + t[0]
		}
		tokens = append(tokens, t...)
	}
	if tokens == nil {
		return ""
	}
	return fold(name, tokens)
}

// tokens returns the pieces of one address. An address that is not known becomes an
// empty group (RFC 5322 3.4): the name is kept, and nobody can be written to by mistake.
func (a Address) tokens() []string {
	addr := addrSpec(a.Addr)
	if addr == "" {
		t := phrase(a.Name)
		if a.Name == "" {
			t = []string{"undisclosed-recipients"}
		}
		t[len(t)-1] += ":;"
		return t
	}
	if a.Name == "" || a.Name == a.Addr {
		if a.Name == "" {
			return []string{addr}
		}
		return []string{"<" + addr + ">"}
	}
	return append(phrase(a.Name), " <"+addr+">")
}

// addrSpec returns an address fit to stand in a header: nothing that could end it.
// Non-ASCII addresses stay UTF-8 (RFC 6532).
func addrSpec(s string) string {
	s = strings.TrimSpace(s)
	local, domain := s, ""
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		local, domain = s[:i], s[i:]
	}
	domain = strings.Map(func(c rune) rune {
		if c <= ' ' || c == 0x7F || strings.ContainsRune("<>(),;\"\\", c) {
			return -1
		}
		return c
	}, domain)
	if local == "" {
		return strings.TrimPrefix(domain, "@")
	}
	for i := range len(local) {
		if !isAtext(local[i]) && local[i] != '.' && local[i] < 0x80 {
			if len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"' {
				local = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(local[1 : len(local)-1])
			}
			return quoted(oneLine(local)) + domain
		}
	}
	return local + domain
}

// param returns a parameter of a MIME field as tokens that start with "; ", in the
// form of RFC 2231 where a plain one will not do.
func param(name, value string) []string {
	value = oneLine(value)
	ascii := true
	for i := range len(value) {
		ascii = ascii && value[i] < 0x7F
	}
	if ascii && len(value) <= 60 {
		if value != "" && strings.Trim(value, tokenChars) == "" {
			return []string{";", " " + name + "=" + value}
		}
		return []string{";", " " + name + "=" + quoted(value)}
	}
	var pieces []string
	const room = 60
	cur := ""
	for i := range len(value) {
		e := string(value[i])
		if c := value[i]; !attrChar(c) {
			e = fmt.Sprintf("%%%02X", c)
		}
		if len(cur)+len(e) > room {
			pieces, cur = append(pieces, cur), ""
		}
		cur += e
	}
	pieces = append(pieces, cur)
	if len(pieces) == 1 {
		return []string{";", " " + name + "*=utf-8''" + pieces[0]}
	}
	var out []string
	for i, p := range pieces {
		lead := ""
		if i == 0 {
			lead = "utf-8''"
		}
		out = append(out, ";", fmt.Sprintf(" %s*%d*=%s%s", name, i, lead, p))
	}
	return out
}

const tokenChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`{|}~"

// attrChar reports whether c may stand for itself in an extended value (RFC 2231 7).
func attrChar(c byte) bool {
	return strings.IndexByte(tokenChars, c) >= 0 && c != '*' && c != '\'' && c != '%'
}
