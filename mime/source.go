package mime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits on headers. Real ones are far below.
const (
	maxHeaderLine = 1 << 20 // bytes of one line
	maxHeader     = 4 << 20 // bytes of one block
	maxFields     = 20_000
)

var (
	// ErrNoHeader says that the bytes do not start with a header field.
	ErrNoHeader = errors.New("mime: not an Internet message: it does not start with a header field")
	// ErrHeaderTooLong says that a header line or block is beyond what is accepted.
	ErrHeaderTooLong = errors.New("mime: header too long")
)

// source reads a message once, line by line, and knows the boundaries of the
// multiparts around the current entity: each of them ends it.
type source struct {
	r      *bufio.Reader
	bounds [][]byte // "--" and boundary, outermost first
	within bool     // the last piece read did not end its line
	back   []byte   // a line to be read again
	hit    int      // which boundary ended the entity, -1 for none
	last   bool     // that boundary was a closing one
	err    error    // why reading ended, io.EOF included
}

func newSource(r io.Reader) *source { return &source{r: bufio.NewReaderSize(r, 16*1024), hit: -1} }

// line returns the next line with its end, or a piece of a very long line, valid
// until the next call. At a boundary, or at the end of the input, it returns nil.
func (s *source) line() []byte {
	if s.back != nil {
		l := s.back
		s.back = nil
		return l
	}
	if s.hit >= 0 || s.err != nil {
		return nil
	}
	l, err := s.r.ReadSlice('\n')
	start := !s.within
	s.within = err == bufio.ErrBufferFull
	if err != nil && !s.within {
		s.err = err
	}
	if start && s.isBoundary(l) {
		return nil
	}
	if len(l) == 0 {
		return nil
	}
	return l
}

// isBoundary compares a line with the boundaries (RFC 2046 5.1.1), innermost first.
func (s *source) isBoundary(l []byte) bool {
	if len(l) < 3 || l[0] != '-' || l[1] != '-' {
		return false
	}
	for i := len(s.bounds) - 1; i >= 0; i-- {
		rest, ok := bytes.CutPrefix(l, s.bounds[i])
		if !ok {
			continue
		}
		rest, closing := bytes.CutPrefix(rest, []byte("--"))
		if len(bytes.TrimRight(rest, " \t\r\n")) == 0 {
			s.hit, s.last = i, closing
			return true
		}
	}
	return false
}

// header reads a header block and its empty line. A line that is no header field
// ends the block, too, and belongs to the body.
func (s *source) header() (block []byte, fields header, err error) {
	n := 0
	for first := true; ; first = false {
		l := s.line()
		if l == nil {
			break
		}
		if first && bytes.HasPrefix(l, []byte("From ")) && !s.within {
			continue // the separator line of an mbox
		}
		text := bytes.TrimRight(l, "\r\n")
		if len(text) == 0 && !s.within {
			break
		}
		if _, ok := fieldName(l); !ok && (len(block) == 0 || l[0] != ' ' && l[0] != '\t') {
			s.back = append([]byte(nil), l...)
			break
		}
		start := len(block)
		block = append(block, l...)
		for s.within {
			more := s.line()
			if more == nil {
				break
			}
			block = append(block, more...)
			if len(block)-start >= maxHeaderLine {
				return nil, nil, fmt.Errorf("%w: a line has more than %d bytes", ErrHeaderTooLong, maxHeaderLine-1)
			}
		}
		n++
		if len(block) > maxHeader || n > maxFields {
			return nil, nil, fmt.Errorf("%w: more than %d bytes or %d lines", ErrHeaderTooLong, maxHeader, maxFields)
		}
	}
	return block, splitFields(block), s.failure()
}

// failure returns the error of the underlying reader.
func (s *source) failure() error {
	if s.err != nil && s.err != io.EOF {
		return s.err
	}
	return nil
}

// body returns a reader of the current entity's undecoded body. The line end before
// a boundary belongs to the boundary.
func (s *source) body() io.Reader { return &bodyReader{s: s} }

type bodyReader struct {
	s    *source
	rest []byte // of the current line
	end  []byte // line end that waits for what comes next
	hold [2]byte
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(b.rest) == 0 && !b.fill() {
			break
		}
		c := copy(p[n:], b.rest)
		b.rest = b.rest[c:]
		n += c
	}
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	if err := b.s.failure(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// fill gets the next bytes: first the line end that was held back, then a line
// without its end.
func (b *bodyReader) fill() bool {
	if b.end != nil && len(b.rest) == 0 {
		// Whether the held line end counts is known once the next line is.
		held := b.end
		l := b.s.line()
		if l == nil && b.s.hit >= 0 {
			b.end = nil
			return false
		}
		b.end = nil
		if l == nil {
			b.rest = held
			return true
		}
		b.s.back = l
		b.rest = held
		return true
	}
	l := b.s.line()
	if l == nil {
		return false
	}
	if body, ok := bytes.CutSuffix(l, []byte("\r\n")); ok {
		b.hold = [2]byte{'\r', '\n'}
		b.end, l = b.hold[:2], body
	} else if body, ok := bytes.CutSuffix(l, []byte("\n")); ok {
		b.hold = [2]byte{'\n'}
		b.end, l = b.hold[:1], body
	}
	b.rest = l
	if len(l) == 0 {
		return b.fill()
	}
	return true
}

// enter makes boundary end entities until leave is called.
func (s *source) enter(boundary string) {
	s.bounds = append(s.bounds, []byte("--"+strings.TrimRight(boundary, " \t")))
}

// skip reads up to the next boundary.
func (s *source) skip() {
	for s.line() != nil {
	}
}

// next prepares for the part that follows the boundary of level i, and reports
// whether there is one.
func (s *source) next(i int) bool {
	if s.err != nil && s.hit < 0 || s.hit != i || s.last {
		return false
	}
	s.hit = -1
	return s.err == nil || s.err == io.EOF
}

// leave ends multipart i. After its closing boundary comes an epilogue, which is
// skipped up to a boundary further out.
func (s *source) leave(i int) {
	s.bounds = s.bounds[:i]
	if s.hit == i {
		s.hit = -1
		s.skip()
	}
}
