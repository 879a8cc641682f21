package mime

import (
	"bytes"
	"io"
	"strings"
)

// maxPreamble is how much of a multipart is looked at for a boundary.
const maxPreamble = 1 << 20

// preamble reads up to the first boundary of a multipart, and returns what was there.
// whole is false when there was more than is looked at and no boundary.
func (s *source) preamble() (text []byte, whole bool) {
	for {
		l := s.line()
		if l == nil {
			return text, true
		}
		text = append(text, l...)
		if len(text) > maxPreamble {
			return text, false
		}
	}
}

// sniffBoundary returns the boundary that text uses, whatever its header says: the
// first line that starts with two hyphens, is followed by a line of a part's header or
// an empty one, and could be a boundary (RFC 2046 5.1.1).
func sniffBoundary(text []byte) string {
	for len(text) > 0 {
		var l []byte
		l, text, _ = bytes.Cut(text, []byte("\n"))
		b, ok := bytes.CutPrefix(bytes.TrimRight(l, " \t\r"), []byte("--"))
		if !ok || len(b) == 0 || len(b) > 200 || len(bytes.Trim(b, "-")) == 0 {
			continue
		}
		next, _, _ := bytes.Cut(text, []byte("\n"))
		if name, ok := fieldName(next); ok && strings.HasPrefix(strings.ToLower(name), "content-") || len(bytes.TrimSpace(next)) == 0 {
			return string(b)
		}
	}
	return ""
}

// repair reads a multipart whose boundary is missing, or does not occur: with the
// boundary that its body shows, or else as text.
func (p *parser) repair(e *entity, text []byte, rest io.Reader, depth int) error {
	if b := sniffBoundary(text); b != "" && depth < maxDepth {
		p.unsupported("%s with another boundary than its header says", e.ctype)
		return p.multipart(e, newSource(io.MultiReader(bytes.NewReader(text), rest)), depth+1, b)
	}
	p.unsupported("%s without its boundary", e.ctype)
	child := newEntity(nil, "text/plain")
	e.children = append(e.children, child)
	return p.textOrData(child, io.MultiReader(bytes.NewReader(text), rest), true)
}
