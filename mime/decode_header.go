package mime

import (
	"bytes"
	"encoding/base64"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// field is a header field as it was received.
type field struct {
	name string // as written
	key  string // lower case
	raw  []byte // whole field with its line ends
}

// splitFields cuts a header block into fields. Lines that belong to no field are left out.
func splitFields(block []byte) []field {
	var out []field
	start, known := 0, false // of the current field
	end := func(at int) {
		if known {
			out[len(out)-1].raw = block[start:at:at]
		}
	}
	for off := 0; off < len(block); {
		n := bytes.IndexByte(block[off:], '\n') + 1
		if n == 0 {
			n = len(block) - off
		}
		line := block[off : off+n]
		if line[0] != ' ' && line[0] != '\t' || len(bytes.TrimSpace(line)) == 0 {
			end(off)
			var name string
			name, known = fieldName(line)
			if known {
				start = off
				out = append(out, field{name: name, key: strings.ToLower(name)})
			}
		}
		off += n
	}
	end(len(block))
	return out
}

// maxFieldName is the length of a field name beyond which a line is no header field.
const maxFieldName = 256

// fieldName returns the name that starts a header line (RFC 5322 2.2); space before
// the colon is the obsolete syntax (4.5).
func fieldName(line []byte) (string, bool) {
	i := bytes.IndexByte(line[:min(len(line), maxFieldName+1)], ':')
	if i <= 0 {
		return "", false
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7F {
			return "", false
		}
	}
	return string(name), len(name) > 0
}

// value returns the field's body, unfolded, as UTF-8 and without the encoded words
// being decoded.
func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte(":"))
	v = bytes.ReplaceAll(v, []byte("\r\n"), nil)
	v = bytes.ReplaceAll(v, []byte("\n"), nil)
	s, _ := guess(v)
	return strings.Trim(s, " \t\r")
}

// header is a parsed header block.
type header []field

func (h header) get(key string) (string, bool) {
	for _, f := range h {
		if f.key == key {
			return f.value(), true
		}
	}
	return "", false
}

func (h header) text(key string) string {
	v, _ := h.get(key)
	return decodeWords(v)
}

// decodeWords decodes the encoded words of unstructured text (RFC 2047). Bytes of
// adjacent words in one charset are joined first, since mailers cut within characters.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var pend []byte
	charset := ""
	flush := func() {
		if pend != nil {
			t, _ := decode(charset, pend)
			out.WriteString(t)
			pend = nil
		}
	}
	for len(s) > 0 {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		cs, data, n, ok := encodedWord(s[i:])
		if !ok {
			flush()
			out.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		// White space between two encoded words is not part of the text.
		if between := s[:i]; pend == nil || strings.Trim(between, " \t") != "" {
			flush()
			out.WriteString(between)
		}
		if pend != nil && (!strings.EqualFold(cs, charset) || escapes(cs)) {
			flush()
		}
		charset, pend = cs, append(pend, data...)
		if pend == nil {
			pend = []byte{}
		}
		s = s[i+n:]
	}
	flush()
	out.WriteString(s)
	return out.String()
}

// escapes reports whether a charset has shift states, which each word starts anew.
func escapes(charset string) bool {
	return strings.HasPrefix(strings.ToLower(charset), "iso-2022-") || strings.EqualFold(charset, "hz-gb-2312")
}

// encodedWord reads one encoded word from the start of s and returns its length.
func encodedWord(s string) (charset string, data []byte, n int, ok bool) {
	rest := s[2:]
	i := strings.IndexByte(rest, '?')
	if i <= 0 || i+2 >= len(rest) || rest[i+2] != '?' {
		return "", nil, 0, false
	}
	charset, _, _ = strings.Cut(rest[:i], "*") // RFC 2231 5, language
	enc := rest[i+1]
	text, _, found := strings.Cut(rest[i+3:], "?=")
	if !found || strings.ContainsAny(rest[:i], " \t") {
		return "", nil, 0, false
	}
	switch enc {
	case 'q', 'Q':
		data = qDecode(text)
	case 'b', 'B':
		data = looseBase64(text)
	default:
		return "", nil, 0, false
	}
	return charset, data, 2 + i + 3 + len(text) + 2, true
}

func qDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '_' {
			c = ' '
		} else if c == '=' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c = byte(v)
				i += 2
			}
		}
		out = append(out, c)
	}
	return out
}

// looseBase64 decodes what can be decoded: foreign characters are skipped, padding
// may be missing.
func looseBase64(s string) []byte {
	clean := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out, err := base64.RawStdEncoding.AppendDecode(nil, clean)
	if err != nil {
		return out
	}
	return out
}

// parseDate reads a date field (RFC 5322 3.3), whatever comment follows it.
func parseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	// The one form that nearly all mail has; the general parser is slow.
	if t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", s); err == nil {
		return t, believable(t)
	}
	if t, err := mail.ParseDate(s); err == nil {
		return t, believable(t)
	}
	if i := strings.IndexByte(s, '('); i > 0 {
		return parseDate(s[:i])
	}
	for _, form := range []string{time.ANSIC, time.UnixDate, time.RFC850, "Mon, 2 Jan 06 15:04:05 MST", "2 Jan 2006 15:04:05", "Mon, 2 Jan 2006 15:04:05", time.RFC3339} {
		if t, err := time.Parse(form, s); err == nil {
			return t, believable(t)
		}
	}
	return time.Time{}, false
}

// believable keeps dates within what a FileTime and a four-digit year can hold.
func believable(t time.Time) bool { return t.Year() > 1601 && t.Year() < 9999 }

// parseValue reads a MIME field with parameters (RFC 2045 5.1, RFC 2231). Broken
// parameters are skipped. Names are in lower case.
func parseValue(s string) (value string, params map[string]string) {
	value, rest, _ := strings.Cut(s, ";")
	value = strings.TrimSpace(stripComment(value))
	if v, more, ok := strings.Cut(value, " "); ok && strings.Contains(more, "=") { // the semicolon was forgotten
		value, rest = v, more+";"+rest
	}
	value = strings.ToLower(strings.Trim(value, `"' `))
	params = map[string]string{}
	pieces := map[string][]paramPiece{}
	for rest != "" {
		var name, v string
		name, v, rest = nextParam(rest)
		if name == "" {
			continue
		}
		base, no, extended := paramName(name)
		if no < 0 && !extended {
			if _, dup := params[base]; !dup {
				params[base] = decodeWords(v)
			}
			continue
		}
		pieces[base] = append(pieces[base], paramPiece{no, extended, v})
	}
	for base, list := range pieces {
		params[base] = joinPieces(list)
	}
	return value, params
}

type paramPiece struct {
	no       int // -1 for a value in one piece
	extended bool
	value    string
}

// paramName takes apart name*0* and the like.
func paramName(s string) (base string, no int, extended bool) {
	base, extended = strings.CutSuffix(s, "*")
	no = -1
	if i := strings.LastIndexByte(base, '*'); i > 0 {
		if n, err := strconv.Atoi(base[i+1:]); err == nil && n >= 0 && n < 10_000 {
			return base[:i], n, extended
		}
	}
	return base, no, extended
}

// joinPieces puts a parameter together (RFC 2231 3 and 4).
func joinPieces(list []paramPiece) string {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].no < list[j-1].no; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	charset := ""
	var data []byte
	for i, p := range list {
		v := p.value
		if p.extended && i == 0 {
			if cs, rest, ok := strings.Cut(v, "'"); ok {
				charset = cs
				if _, text, ok := strings.Cut(rest, "'"); ok {
					v = text
				}
			}
		}
		if p.extended {
			data = append(data, percentDecode(v)...)
		} else {
			data = append(data, v...)
		}
	}
	out, _ := decode(charset, data)
	return out
}

func percentDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// nextParam cuts one "name=value" off the front.
func nextParam(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t;")
	end := strings.IndexByte(s, ';')
	eq := strings.IndexByte(s, '=')
	if eq < 0 || end >= 0 && end < eq {
		if end < 0 {
			return "", "", ""
		}
		return "", "", s[end+1:]
	}
	name = strings.ToLower(strings.TrimSpace(s[:eq]))
	s = strings.TrimLeft(s[eq+1:], " \t")
	if strings.HasPrefix(s, `"`) {
		v, n := quotedString(s)
		s = s[n:]
		_, rest, _ = strings.Cut(s, ";")
		return name, v, rest
	}
	value, rest, _ = strings.Cut(s, ";")
	return name, strings.TrimSpace(stripComment(value)), rest
}

// quotedString reads a quoted string from the start of s and returns its length.
func quotedString(s string) (string, int) {
	var b strings.Builder
	i := 1
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1
		case '\\':
			if i+1 < len(s) {
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), i
}

func stripComment(s string) string {
	if i := strings.IndexByte(s, '('); i >= 0 {
		return s[:i]
	}
	return s
}

// cutRunes shortens s to at most n bytes at a rune boundary.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
