package mime

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"mailfs/mapi/wire"
)

// encodings are those that the charset library does not know by name.
var encodings = map[int]encoding.Encoding{
	855: charmap.CodePage855, 858: charmap.CodePage858, 860: charmap.CodePage860, 862: charmap.CodePage862,
	863: charmap.CodePage863, 865: charmap.CodePage865, 10007: charmap.MacintoshCyrillic,
	28600: charmap.ISO8859_10, 28604: charmap.ISO8859_14, 28606: charmap.ISO8859_16,
}

// decode turns text of a charset into UTF-8. ok is false when the charset is not
// known or the bytes do not fit it; the text is then the best guess.
func decode(name string, p []byte) (s string, ok bool) {
	cp := codepageOf(name)
	switch cp {
	case cpUTF8, cpASCII:
		return guess(p)
	case cpUTF7:
		return decodeUTF7(p), true
	case cpUTF16, cpUTF16BE:
		return decodeUTF16(p, cp == cpUTF16BE)
	case 0:
		if name == "" {
			return guess(p)
		}
	}
	if e := encodings[cp]; e != nil {
		out, err := e.NewDecoder().Bytes(p)
		return string(out), err == nil && !bytes.ContainsRune(out, utf8.RuneError)
	}
	if c := charsetOf(cp); c != "" {
		name = c
	}
	r, err := charset.Reader(name, strings.NewReader(string(p)))
	if err != nil {
		s, _ = guess(p)
		return s, false
	}
	out, err := io.ReadAll(r)
	if err != nil {
		s, _ = guess(p)
		return s, false
	}
	s = string(out)
	return s, !strings.ContainsRune(s, utf8.RuneError)
}

// guess reads bytes of an unknown charset as ISO-2022-JP if they have its escapes, as
// UTF-8 if they are that, else as Windows-1252.
func guess(p []byte) (string, bool) {
	if bytes.Contains(p, []byte("\x1B$")) && isASCII(p) {
		if out, err := japanese.ISO2022JP.NewDecoder().Bytes(p); err == nil && !bytes.ContainsRune(out, utf8.RuneError) {
			return string(out), true
		}
	}
	if utf8.Valid(p) {
		return string(p), true
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(p)
	if err != nil {
		return strings.ToValidUTF8(string(p), "\uFFFD"), false
	}
	return string(out), false
}

// decodeUTF16 reads UTF-16 of either order; a byte order mark wins. Bytes without any
// zero are text of one byte per character that is labelled wrong.
func decodeUTF16(p []byte, bigEndian bool) (string, bool) {
	marked := bytes.HasPrefix(p, []byte("\xFE\xFF")) || bytes.HasPrefix(p, []byte("\xFF\xFE"))
	if !marked && bytes.IndexByte(p, 0) < 0 && utf8.Valid(p) {
		return string(p), true
	}
	order := unicode.LittleEndian
	if bigEndian {
		order = unicode.BigEndian
	}
	out, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(p)
	return string(out), err == nil && !bytes.ContainsRune(out, utf8.RuneError)
}

// decodeUTF7 reads UTF-7 (RFC 2152): base64 of UTF-16 between "+" and a character
// outside of the alphabet, of which "-" is not part of the text.
func decodeUTF7(p []byte) string {
	var out strings.Builder
	for len(p) > 0 {
		i := bytes.IndexByte(p, '+')
		if i < 0 {
			break
		}
		out.Write(p[:i])
		p = p[i+1:]
		n := 0
		for n < len(p) && (isLetter(p[n]) || isDigit(p[n]) || p[n] == '+' || p[n] == '/') {
			n++
		}
		if n == 0 {
			out.WriteByte('+')
		}
		usable := n
		if usable%4 == 1 {
			usable--
		}
		units, err := base64.RawStdEncoding.AppendDecode(nil, p[:usable])
		if err != nil {
			out.WriteString("\uFFFD")
		}
		for j := 0; j+1 < len(units); j += 2 { // to the order of the decoder
			units[j], units[j+1] = units[j+1], units[j]
		}
		out.WriteString(wire.DecodeUTF16(units[:len(units)&^1]))
		p = p[n:]
		if len(p) > 0 && p[0] == '-' {
			p = p[1:]
		}
	}
	out.Write(p)
	return validUTF8(out.String())
}
