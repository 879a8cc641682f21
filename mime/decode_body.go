package mime

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
)

// transferReader undoes a transfer encoding (RFC 2045 6). ok is false for an unknown
// one, whose bytes are passed on.
func transferReader(cte string, r io.Reader) (out io.Reader, ok bool) {
	switch strings.ToLower(strings.TrimSpace(stripComment(cte))) {
	case "", "7bit", "8bit", "binary":
		return r, true
	case "base64":
		return &base64Reader{r: r}, true
	case "quoted-printable":
		return &qpReader{r: r}, true
	}
	return r, false
}

// base64Reader decodes base64 and skips what is foreign to it. Padding ends a group
// of four; what follows is decoded, too.
type base64Reader struct {
	r     io.Reader
	in    [32 * 1024]byte
	group []byte // characters that wait for their group to be complete
	out   []byte
	rest  []byte
	err   error
}

func (b *base64Reader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.fill()
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *base64Reader) fill() {
	n, err := b.r.Read(b.in[:])
	b.err = err
	b.out = b.out[:0]
	for _, c := range b.in[:n] {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
			b.group = append(b.group, c)
		case c == '=':
			b.flush(len(b.group))
		}
	}
	whole := len(b.group)
	if b.err == nil {
		whole -= whole % 4
	}
	b.flush(whole)
	b.rest = b.out
}

// flush decodes the first n waiting characters; a lone last one has no meaning.
func (b *base64Reader) flush(n int) {
	usable := n
	if usable%4 == 1 {
		usable--
	}
	// The characters are all of the alphabet: decoding can't fail.
	b.out, _ = base64.RawStdEncoding.AppendDecode(b.out, b.group[:usable])
	b.group = append(b.group[:0], b.group[n:]...)
}

// qpReader decodes quoted-printable; what is not valid is passed on as it is.
type qpReader struct {
	r    io.Reader
	in   [32 * 1024]byte
	wait []byte // input that depends on what follows
	out  []byte
	rest []byte
	err  error
}

func (q *qpReader) Read(p []byte) (int, error) {
	for len(q.rest) == 0 {
		if q.err != nil {
			return 0, q.err
		}
		q.fill()
	}
	n := copy(p, q.rest)
	q.rest = q.rest[n:]
	return n, nil
}

func (q *qpReader) fill() {
	n, err := q.r.Read(q.in[:])
	q.err = err
	in := append(q.wait, q.in[:n]...)
	final := err != nil
	q.out = q.out[:0]
	for len(in) > 0 {
		used := q.step(in, final)
		if used == 0 {
			break
		}
		in = in[used:]
	}
	q.wait = append(q.wait[:0], in...)
	q.rest = q.out
}

// maxBlank is how much white space may end a line before it counts as text.
const maxBlank = 16 * 1024

// step decodes from the start of in and returns how much it used, 0 when more input
// is needed.
func (q *qpReader) step(in []byte, final bool) int {
	i := bytes.IndexAny(in, "= \t")
	if i != 0 {
		if i < 0 {
			i = len(in)
		}
		q.out = append(q.out, in[:i]...)
		return i
	}
	if in[0] != '=' {
		blank := len(in) - len(bytes.TrimLeft(in, " \t"))
		if blank == len(in) && !final && blank < maxBlank {
			return 0
		}
		// White space at the end of a line was added on the way (RFC 2045 6.7 (3)).
		if blank == len(in) && final || blank < len(in) && (in[blank] == '\n' || in[blank] == '\r') {
			return blank
		}
		q.out = append(q.out, in[:blank]...)
		return blank
	}
	if len(in) >= 3 {
		if hi, lo := unhex(in[1]), unhex(in[2]); hi >= 0 && lo >= 0 {
			q.out = append(q.out, byte(hi<<4|lo))
			return 3
		}
	}
	// A soft line break may have white space before the line end.
	blank := 1 + len(in) - 1 - len(bytes.TrimLeft(in[1:], " \t"))
	switch {
	case blank < len(in) && in[blank] == '\n':
		return blank + 1
	case blank+1 < len(in) && in[blank] == '\r' && in[blank+1] == '\n':
		return blank + 2
	case len(in) < 3 && !final, blank+1 >= len(in) && blank < maxBlank && !final:
		return 0
	case blank == len(in):
		return blank
	}
	q.out = append(q.out, '=')
	return 1
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
