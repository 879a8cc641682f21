package mime

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"mailfs/mapi"
)

const (
	maxParts = 5000     // per message, embedded ones included
	maxText  = 64 << 20 // a text part beyond this is an attachment
)

// UnsupportedError tells what of a message could not be understood. The message that
// Parse returns with it is usable: what is meant was kept as it came.
type UnsupportedError struct {
	Reasons []string
}

func (e *UnsupportedError) Error() string {
	return "mime: " + strings.Join(e.Reasons, "; ")
}

// Parse reads an Internet message and returns a message object with all that an
// upload needs. Besides UnsupportedError, the errors are ErrNoHeader,
// ErrHeaderTooLong and those of r and Options.Store; then there is no message.
func Parse(r io.Reader, opt Options) (*mapi.Message, error) {
	p := &parser{opt: opt}
	m, err := p.message(newSource(r), 0)
	if err != nil {
		return nil, err
	}
	withoutNUL(m, 0)
	if len(p.reasons) > 0 {
		return m, &UnsupportedError{p.reasons}
	}
	return m, nil
}

// withoutNUL takes NUL characters out of the strings of a message: no string property can hold one, it would end there
// ([MS-OXCDATA] 2.11.1).
func withoutNUL(m *mapi.Message, depth int) {
	clean := func(bag mapi.PropertyBag) {
		for i, p := range bag {
			switch v := p.Value.(type) {
			case string:
				bag[i].Value = dropNUL(v)
			case []string:
				for k := range v {
					v[k] = dropNUL(v[k])
				}
			}
		}
	}
	clean(m.Properties)
	for _, r := range m.Recipients {
		clean(r.Properties)
	}
	for _, a := range m.Attachments {
		clean(a.Properties)
		if a.Embedded != nil && depth < maxDepth {
			withoutNUL(a.Embedded, depth+1)
		}
	}
}

func dropNUL(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// Check reads as much of r as it takes to tell whether it holds an Internet message:
// a header with at least one field.
func Check(r io.Reader) error {
	s := &source{r: bufio.NewReader(r), hit: -1}
	_, fields, err := s.header()
	if err == nil && len(fields) == 0 {
		err = ErrNoHeader
	}
	return err
}

// Valid is Check for bytes in memory, of which the first few lines are enough.
func Valid(head []byte) error { return Check(bytes.NewReader(head)) }

type parser struct {
	opt      Options
	parts    int
	reasons  []string
	unpacked bool // a TNEF part of the current message was taken apart
}

// unsupported notes what could not be understood.
func (p *parser) unsupported(format string, args ...any) {
	const enough = 20
	if s := fmt.Sprintf(format, args...); len(p.reasons) < enough && !slices.Contains(p.reasons, s) {
		p.reasons = append(p.reasons, s)
	}
}

// entity is a node of the tree of parts.
type entity struct {
	h           header
	ctype       string
	params      map[string]string
	disposition string
	dispParams  map[string]string
	children    []*entity

	isText   bool
	text     []byte // decoded body of a text part that can be a body
	data     any    // []byte or mapi.Blob of any other part
	embedded *mapi.Message
	used     bool // it is a body
	top      bool // its header is the message's
}

// message reads a whole message, up to the end of the current entity.
func (p *parser) message(s *source, depth int) (*mapi.Message, error) {
	defer func(outer bool) { p.unpacked = outer }(p.unpacked)
	p.unpacked = false
	block, h, err := s.header()
	if err != nil {
		return nil, err
	}
	if len(h) == 0 && depth == 0 {
		return nil, ErrNoHeader
	}
	m := &mapi.Message{}
	e := newEntity(h, "text/plain")
	e.top = true
	if signed(e) {
		err = p.signed(m, e, s, depth)
	} else {
		if err = p.entity(e, s, depth, true); err == nil {
			err = p.bodies(m, e)
		}
	}
	if err != nil {
		return nil, err
	}
	return m, p.properties(m, block, h, e)
}

func newEntity(h header, fallback string) *entity {
	e := &entity{h: h}
	v, ok := h.get("content-type")
	e.ctype, e.params = parseValue(v)
	if !ok || !strings.Contains(e.ctype, "/") {
		e.ctype = fallback
	}
	v, _ = h.get("content-disposition")
	e.disposition, e.dispParams = parseValue(v)
	return e
}

// name returns the file name of a part. Names in Content-Type are the older form.
func (e *entity) name() string {
	if n := e.dispParams["filename"]; n != "" {
		return n
	}
	return e.params["name"]
}

// entity reads the body of e, up to the boundary that ends it.
func (p *parser) entity(e *entity, s *source, depth int, top bool) error {
	defer s.skip()
	boundary := e.params["boundary"]
	switch {
	case strings.HasPrefix(e.ctype, "multipart/") && boundary != "" && depth < maxDepth:
		return p.multipart(e, s, depth, boundary)
	case strings.HasPrefix(e.ctype, "multipart/") && depth < maxDepth:
		text, whole := s.preamble()
		if whole {
			return p.repair(e, text, strings.NewReader(""), depth)
		}
		return p.repair(e, text, s.body(), depth)
	case (e.ctype == "message/rfc822" || e.ctype == "message/global") && depth < maxDepth && !top:
		return p.embedded(e, s, depth)
	}
	if depth >= maxDepth {
		p.unsupported("%s nested too deeply", e.ctype)
	}
	body, ok := transferReader(first(e.h.get("content-transfer-encoding")), s.body())
	if !ok {
		p.unsupported("transfer encoding %q", first(e.h.get("content-transfer-encoding")))
	}
	return p.textOrData(e, body, top)
}

// textOrData keeps the decoded body of a part that has no parts.
func (p *parser) textOrData(e *entity, body io.Reader, top bool) error {
	if e.bodyCandidate(top) {
		text, err := io.ReadAll(io.LimitReader(body, maxText+1))
		if err != nil {
			return err
		}
		if len(text) <= maxText {
			e.isText, e.text = true, text
			return nil
		}
		body = io.MultiReader(bytes.NewReader(text), body)
	}
	var err error
	e.data, err = p.store(body)
	return err
}

func first[A, B any](a A, _ B) A { return a }

// bodyCandidate reports whether a part can be a body ([MS-OXCMAIL] 2.2.3.3.2).
func (e *entity) bodyCandidate(top bool) bool {
	switch e.ctype {
	case "text/plain", "text/html", "text/enriched":
		return top && e.disposition != "attachment" || e.disposition != "attachment" && e.name() == ""
	}
	return false
}

// store keeps the data of an attachment.
func (p *parser) store(r io.Reader) (any, error) {
	if p.opt.Store == nil {
		return io.ReadAll(r)
	}
	b, err := p.opt.Store(r)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (p *parser) multipart(e *entity, s *source, depth int, boundary string) error {
	level := len(s.bounds)
	s.enter(boundary)
	text, whole := s.preamble()
	if s.hit < 0 || s.hit < level { // its boundary does not occur
		if !whole {
			err := p.repair(e, text, s.body(), depth)
			s.leave(level)
			return err
		}
		s.leave(level)
		if err := s.failure(); err != nil || len(bytes.TrimSpace(text)) == 0 {
			return err
		}
		return p.repair(e, text, strings.NewReader(""), depth)
	}
	fallback := "text/plain"
	if e.ctype == "multipart/digest" {
		fallback = "message/rfc822"
	}
	for s.next(level) {
		if p.parts++; p.parts > maxParts {
			p.unsupported("more than %d parts", maxParts)
			return p.remainder(e, s)
		}
		_, h, err := s.header()
		if err != nil {
			return err
		}
		child := newEntity(h, fallback)
		e.children = append(e.children, child)
		if err := p.entity(child, s, depth+1, false); err != nil {
			return err
		}
	}
	s.leave(level)
	return s.failure()
}

// remainder keeps all that is left of the input as one part.
func (p *parser) remainder(e *entity, s *source) error {
	s.bounds = nil
	rest := &entity{ctype: "application/octet-stream", disposition: "attachment", dispParams: map[string]string{"filename": "remainder.txt"}}
	e.children = append(e.children, rest)
	var err error
	rest.data, err = p.store(s.body())
	return err
}

// embedded reads an attached message, which may be encoded though it must not be.
func (p *parser) embedded(e *entity, s *source, depth int) error {
	inner := s
	cte := first(e.h.get("content-transfer-encoding"))
	r, _ := transferReader(cte, nil)
	if r != nil {
		decoded, _ := transferReader(cte, s.body())
		inner = newSource(decoded)
	}
	var err error
	e.embedded, err = p.message(inner, depth+1)
	return err
}

// properties sets what comes from the header, and the class.
func (p *parser) properties(m *mapi.Message, block []byte, h header, e *entity) error {
	if !m.Properties.Has(mapi.PidTagMessageClass) {
		class := reportClass(m, e)
		if class == "" {
			class = classNote
		}
		m.Properties.Set(mapi.PidTagMessageClass, class)
	}
	if len(block) > 0 {
		m.Properties.Set(mapi.PidTagTransportMessageHeaders, crlf(guessString(string(block)))+"\r\n")
	}
	return headerProperties(m, h, p.opt.domain())
}

// crlf returns text with CRLF line ends.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// dataBytes returns the first bytes of a part's data, enough for a small machine-readable one.
func dataBytes(v any) []byte {
	b := blobOf(v)
	if b == nil {
		return nil
	}
	p := make([]byte, min(b.Size(), 64<<10))
	if readBlob(b, p, 0) != nil {
		return nil
	}
	return p
}
