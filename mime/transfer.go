package mime

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// lf returns text with LF line ends.
func lf(p []byte) []byte {
	if bytes.IndexByte(p, '\r') < 0 {
		return p
	}
	return lfOf(unsafe.String(unsafe.SliceData(p), len(p))) // read only, and not kept
}

// lfOf returns a copy of text with LF line ends.
func lfOf(s string) []byte {
	out := make([]byte, len(s))
	n := 0
	for {
		i := strings.IndexByte(s, '\r')
		if i < 0 {
			return out[:n+copy(out[n:], s)]
		}
		n += copy(out[n:], s[:i])
		if i+1 == len(s) || s[i+1] != '\n' {
			out[n] = '\r'
			n++
		}
		s = s[i+1:]
	}
}

// textBody returns the transfer encoding that text with LF line ends needs, and its
// bytes. It stays as it is, unless a line is too long or a byte could not travel (RFC 2045 2.7, 2.8).
// checked says that the text is known to be UTF-8.
func textBody(p []byte, checked bool) (cte string, body []byte) {
	clean := bytes.IndexByte(p, 0) < 0 && bytes.IndexByte(p, '\r') < 0 && linesFit(p, hardLine)
	switch {
	case clean && isASCII(p):
		return "7bit", p
	case clean && (checked || utf8.Valid(p)):
		return "8bit", p
	}
	others := 0
	for _, c := range p {
		others += int(c >> 7)
	}
	if others*3 > len(p) {
		return "base64", encodeLines(p)
	}
	return "quoted-printable", quotedPrintable(p)
}

// linesFit reports whether no line has more than limit bytes. It need not look at every line: when the next limit+1
// bytes have a line end, the lines up to the last one there fit.
func linesFit(p []byte, limit int) bool {
	for len(p) > limit {
		i := bytes.LastIndexByte(p[:limit+1], '\n')
		if i < 0 {
			return false
		}
		p = p[i+1:]
	}
	return true
}

func isASCII(p []byte) bool {
	for len(p) >= 8 {
		if binary.LittleEndian.Uint64(p)&0x8080808080808080 != 0 {
			return false
		}
		p = p[8:]
	}
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// quotedPrintable encodes text with LF line ends (RFC 2045 6.7).
func quotedPrintable(p []byte) []byte { return quotedPrintableIn(p, 76) }

// quotedPrintableIn is quotedPrintable with lines of another length.
func quotedPrintableIn(p []byte, width int) []byte {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(p)+len(p)/8)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		end := i >= 0
		line := p
		if end {
			line, p = p[:i], p[i+1:]
		} else {
			p = nil
		}
		col := 0
		for j, c := range line {
			n := 3
			if c == '\t' || c == ' ' {
				if j < len(line)-1 {
					n = 1
				}
			} else if c > ' ' && c < 0x7F && c != '=' {
				n = 1
			}
			room := width
			if j < len(line)-1 || !end {
				room = width - 1
			}
			if col+n > room {
				b = append(b, "=\n"...)
				col = 0
			}
			if n == 1 {
				b = append(b, c)
			} else {
				b = append(b, '=', hex[c>>4], hex[c&15])
			}
			col += n
		}
		if end {
			b = append(b, '\n')
		}
	}
	return b
}

// part is a MIME entity that is ready to be written.
type part struct {
	fields []string // further header fields, each complete with its line end
	ctype  []string // tokens of Content-Type; nil leaves the field out
	cte    string   // Content-Transfer-Encoding, "" for none
	body   sequence
}

// header returns the part's fields; multipart ones carry no transfer encoding.
func (p part) header() string {
	var b strings.Builder
	if p.ctype != nil {
		b.WriteString(fold("Content-Type", p.ctype))
	}
	if p.cte != "" {
		b.WriteString("Content-Transfer-Encoding: " + p.cte + "\n")
	}
	for _, f := range p.fields {
		b.WriteString(f)
	}
	return b.String()
}

// textPart makes a text part; subtype is that of text/, p and checked are as for textBody.
func textPart(subtype string, p []byte, checked bool, extra ...string) part {
	charset := "utf-8"
	cte, body := textBody(p, checked)
	if cte == "7bit" {
		charset = "us-ascii"
	}
	return part{ctype: append([]string{"text/" + subtype + ";", " charset=" + charset}, extra...), cte: cte, body: literal(body)}
}

// multipart joins parts (RFC 2046 5.1). The boundary comes from seed, which is a hash
// of the message's headers and of the place in it, and is one that no part contains.
func multipart(subtype string, seed seed, params []string, parts []part) (part, error) {
	var boundary string
	for try := 0; ; try++ {
		boundary = "=_mailfs_" + seed.text(try)
		used, err := anyContains(parts, boundary)
		if err != nil {
			return part{}, err
		}
		if !used {
			break
		}
	}
	var seq sequence
	for i, p := range parts {
		delim := "--" + boundary + "\n"
		if i > 0 {
			delim = "\n" + delim
		}
		seq = append(seq, literal(delim+p.header()+"\n")...)
		seq = append(seq, p.body...)
	}
	seq = append(seq, literal("\n--"+boundary+"--\n")...)
	ctype := append([]string{"multipart/" + subtype + ";"}, params...)
	return part{ctype: append(ctype, ` boundary="`+boundary+`"`), body: seq}, nil
}

func anyContains(parts []part, boundary string) (bool, error) {
	for _, p := range parts {
		if used, err := p.body.contains([]byte(boundary)); used || err != nil {
			return used, err
		}
	}
	return false, nil
}
