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
	in    [8 * 1024]byte
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
	in   [8 * 1024]byte
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

// maxQPLine is how long a line may be before it is decoded without its end.
const maxQPLine = 64 * 1024

func (q *qpReader) fill() {
	n, err := q.r.Read(q.in[:])
	q.err = err
	in := append(q.wait, q.in[:n]...)
	q.out = q.out[:0]
	for len(in) > 0 {
		i := bytes.IndexByte(in, '\n')
		if i < 0 {
			break
		}
		q.line(in[:i])
		in = in[i+1:]
	}
	switch {
	case err != nil && len(in) > 0:
		q.last(in)
		in = nil
	case len(in) > maxQPLine:
		// The tail may be the start of an escape.
		n := len(in) - 2
		q.decode(in[:n], true)
		in = in[n-q.undecoded(in[:n]):]
	}
	q.wait = append(q.wait[:0], in...)
	q.rest = q.out
}

// line decodes a line that ended in LF. White space at its end was added on the way
// (RFC 2045 6.7 (3)), and an equals sign there continues it.
func (q *qpReader) line(l []byte) {
	l, cr := bytes.CutSuffix(l, []byte("\r"))
	l = bytes.TrimRight(l, " \t")
	if soft, ok := bytes.CutSuffix(l, []byte("=")); ok {
		q.decode(soft, false)
		return
	}
	q.decode(l, false)
	if cr {
		q.out = append(q.out, '\r')
	}
	q.out = append(q.out, '\n')
}

// last decodes what follows the last line end.
func (q *qpReader) last(l []byte) {
	l = bytes.TrimRight(l, " \t")
	q.decode(bytes.TrimSuffix(l, []byte("=")), false)
}

// undecoded returns how many bytes at the end of a piece are an escape that is cut off.
func (q *qpReader) undecoded(l []byte) int {
	i := bytes.LastIndexByte(l[max(len(l)-2, 0):], '=')
	if i < 0 {
		return 0
	}
	return min(len(l), 2) - i
}

// decode replaces escapes; what is none stays as it is. more says that the piece is
// not the end of its line, so that an escape at its end may be cut off.
func (q *qpReader) decode(l []byte, more bool) {
	if more {
		l = l[:len(l)-q.undecoded(l)]
	}
	for {
		i := bytes.IndexByte(l, '=')
		if i < 0 {
			q.out = append(q.out, l...)
			return
		}
		q.out = append(q.out, l[:i]...)
		l = l[i:]
		if len(l) >= 3 {
			if hi, lo := unhex(l[1]), unhex(l[2]); hi >= 0 && lo >= 0 {
				q.out = append(q.out, byte(hi<<4|lo))
				l = l[3:]
				continue
			}
		}
		q.out = append(q.out, '=')
		l = l[1:]
	}
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
