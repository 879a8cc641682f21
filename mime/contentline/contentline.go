package contentline

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrFormat says that a text has no component, or one that does not end.
var ErrFormat = errors.New("contentline: malformed component")

const (
	foldAt   = 75 // octets of a line without its end
	maxDepth = 16
	maxLines = 100_000
)

// Param is a parameter of a line. Its name is in upper case.
type Param struct {
	Name   string
	Values []string
}

// Line is a property: Value is as written, with its escapes. Name and Group are as
// written but for the name's case, which is upper.
type Line struct {
	Group  string
	Name   string
	Params []Param
	Value  string
}

// Get returns the first value of a parameter, "" when it is absent.
func (l Line) Get(name string) string {
	for _, p := range l.Params {
		if p.Name == name && len(p.Values) > 0 {
			return p.Values[0]
		}
	}
	return ""
}

// Has reports whether a parameter has a value, regardless of case.
func (l Line) Has(name, value string) bool {
	for _, p := range l.Params {
		if p.Name != name {
			continue
		}
		for _, v := range p.Values {
			if strings.EqualFold(v, value) {
				return true
			}
		}
	}
	return false
}

// With returns the line with a further parameter; an empty value adds none.
func (l Line) With(name string, values ...string) Line {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return l
	}
	l.Params = append(l.Params[:len(l.Params):len(l.Params)], Param{name, values})
	return l
}

// Text returns the value without its escapes.
func (l Line) Text() string { return Unescape(l.Value) }

// Component is what stands between BEGIN and END.
type Component struct {
	Name     string // in upper case
	Lines    []Line
	Children []*Component
}

// New returns an empty component.
func New(name string) *Component { return &Component{Name: name} }

// Add appends a line with a text, which is escaped; an empty text adds none.
func (c *Component) Add(name, text string) {
	if text != "" {
		c.Lines = append(c.Lines, Line{Name: name, Value: Escape(text)})
	}
}

// AddRaw appends a line with a value that needs no escapes; an empty one adds none.
func (c *Component) AddRaw(name, value string) {
	if value != "" {
		c.Lines = append(c.Lines, Line{Name: name, Value: value})
	}
}

// Find returns the first line of a name.
func (c *Component) Find(name string) (Line, bool) {
	for _, l := range c.Lines {
		if l.Name == name {
			return l, true
		}
	}
	return Line{}, false
}

// Value returns the raw value of the first line of a name, "" when there is none.
func (c *Component) Value(name string) string {
	l, _ := c.Find(name)
	return l.Value
}

// Text returns the text of the first line of a name, "" when there is none.
func (c *Component) Text(name string) string { return Unescape(c.Value(name)) }

// All returns the children of a name.
func (c *Component) All(name string) []*Component {
	var out []*Component
	for _, ch := range c.Children {
		if ch.Name == name {
			out = append(out, ch)
		}
	}
	return out
}

// Parse reads the components of a text, which is UTF-8.
func Parse(text string) ([]*Component, error) {
	text = strings.TrimPrefix(text, "\uFEFF")
	var roots []*Component
	var open []*Component
	n := 0
	for text != "" {
		var l Line
		var ok bool
		l, text, ok = next(text)
		if n++; n > maxLines {
			return nil, fmt.Errorf("%w: more than %d lines", ErrFormat, maxLines)
		}
		if !ok {
			continue
		}
		switch l.Name {
		case "BEGIN":
			if len(open) >= maxDepth {
				return nil, fmt.Errorf("%w: nested too deeply", ErrFormat)
			}
			c := New(strings.ToUpper(strings.TrimSpace(l.Value)))
			if len(open) > 0 {
				last := open[len(open)-1]
				last.Children = append(last.Children, c)
			}
			open = append(open, c)
		case "END":
			if len(open) == 0 || !strings.EqualFold(strings.TrimSpace(l.Value), open[len(open)-1].Name) {
				return nil, fmt.Errorf("%w: END:%.40s", ErrFormat, l.Value)
			}
			if len(open) == 1 {
				roots = append(roots, open[0])
			}
			open = open[:len(open)-1]
		default:
			if len(open) > 0 {
				last := open[len(open)-1]
				last.Lines = append(last.Lines, l)
			}
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%w: %s does not end", ErrFormat, open[0].Name)
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrFormat)
	}
	return roots, nil
}

// physical cuts a line off, without its end.
func physical(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// next reads one line with its continuations.
func next(text string) (l Line, rest string, ok bool) {
	s, rest := physical(text)
	var b strings.Builder
	b.WriteString(s)
	for rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
		s, rest = physical(rest)
		b.WriteString(s[1:])
	}
	l, ok = parseLine(b.String())
	// A quoted-printable value goes on behind an equals sign (vCard 2.1).
	if ok && strings.HasSuffix(l.Value, "=") && l.quotedPrintable() {
		var value strings.Builder
		s = l.Value
		for rest != "" && strings.HasSuffix(s, "=") {
			value.WriteString(strings.TrimSuffix(s, "="))
			s, rest = physical(rest)
		}
		value.WriteString(s)
		l.Value = value.String()
	}
	return l, rest, ok
}

func (l Line) quotedPrintable() bool { return l.Has("ENCODING", "QUOTED-PRINTABLE") }

// bareParams are parameter values that vCard 2.1 writes without a name, with the
// parameter that they belong to. All others are types.
var bareParams = map[string]string{"QUOTED-PRINTABLE": "ENCODING", "BASE64": "ENCODING", "8BIT": "ENCODING", "7BIT": "ENCODING", "INLINE": "VALUE", "URL": "VALUE"}

func parseLine(s string) (l Line, ok bool) {
	end := strings.IndexAny(s, ";:")
	if end <= 0 {
		return l, false
	}
	name := strings.TrimSpace(s[:end])
	if group, base, ok := strings.Cut(name, "."); ok {
		l.Group, name = group, base
	}
	l.Name = strings.ToUpper(name)
	if l.Name == "" || strings.ContainsAny(l.Name+l.Group, " \t\",") {
		return l, false
	}
	s = s[end:]
	for s != "" && s[0] == ';' {
		var p Param
		p, s = parseParam(s[1:])
		if p.Name != "" {
			l.Params = append(l.Params, p)
		}
	}
	if s == "" {
		return l, false
	}
	l.Value = s[1:]
	return l, true
}

// parseParam reads a parameter up to the next semicolon or colon.
func parseParam(s string) (p Param, rest string) {
	end := strings.IndexAny(s, "=;:")
	if end < 0 {
		return p, ""
	}
	if s[end] != '=' {
		v := strings.TrimSpace(s[:end])
		p.Name = "TYPE"
		if n := bareParams[strings.ToUpper(v)]; n != "" {
			p.Name = n
		}
		if v == "" {
			p.Name = ""
		}
		p.Values = []string{v}
		return p, s[end:]
	}
	p.Name = strings.ToUpper(strings.TrimSpace(s[:end]))
	s = s[end+1:]
	for {
		var v string
		if strings.HasPrefix(s, `"`) {
			n := strings.IndexByte(s[1:], '"')
			if n < 0 {
				return Param{}, ""
			}
			v, s = s[1:1+n], s[n+2:]
		} else {
			n := strings.IndexAny(s, ",;:")
			if n < 0 {
				return Param{}, ""
			}
			v, s = s[:n], s[n:]
		}
		p.Values = append(p.Values, uncaret(v))
		if n := strings.IndexAny(s, ",;:"); n < 0 {
			return Param{}, ""
		} else if s = s[n:]; s[0] != ',' {
			return p, s
		}
		s = s[1:]
	}
}

var (
	caretReader = strings.NewReplacer("^^", "^", "^n", "\n", "^N", "\n", "^'", `"`)
	caretWriter = strings.NewReplacer("^", "^^", "\r\n", "^n", "\n", "^n", "\r", "", `"`, "^'")
)

// uncaret undoes the encoding of parameter values (RFC 6868).
func uncaret(s string) string {
	if strings.IndexByte(s, '^') < 0 {
		return s
	}
	return caretReader.Replace(s)
}

// Append writes the component with folded lines that end in CRLF.
func (c *Component) Append(dst []byte) []byte {
	dst = fold(dst, "BEGIN:"+c.Name)
	for _, l := range c.Lines {
		dst = fold(dst, l.String())
	}
	for _, ch := range c.Children {
		dst = ch.Append(dst)
	}
	return fold(dst, "END:"+c.Name)
}

// String returns the line without folds. What could break out of it is left out.
func (l Line) String() string {
	var b strings.Builder
	if l.Group != "" {
		b.WriteString(l.Group + ".")
	}
	b.WriteString(l.Name)
	for _, p := range l.Params {
		b.WriteString(";" + p.Name + "=")
		for i, v := range p.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			v = clean(caretWriter.Replace(v))
			if strings.ContainsAny(v, ":;,") || v == "" {
				v = `"` + v + `"`
			}
			b.WriteString(v)
		}
	}
	b.WriteString(":" + clean(l.Value))
	return b.String()
}

// clean leaves out control characters, line ends among them (RFC 5545 3.1).
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c == 0x7F {
			return -1
		}
		return c
	}, s)
}

// fold writes a line in pieces of at most 75 octets, cut between characters.
func fold(dst []byte, s string) []byte {
	room := foldAt
	for len(s) > room {
		n := room
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		if n == 0 {
			n = room
		}
		dst = append(append(dst, s[:n]...), "\r\n "...)
		s, room = s[n:], foldAt-1
	}
	return append(append(dst, s...), "\r\n"...)
}

var escaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// Escape writes a text as a value (RFC 5545 3.3.11).
func Escape(s string) string { return escaper.Replace(s) }

// Unescape reads the text of a value.
func Unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Split cuts a value at each sep that is not escaped; the pieces keep their escapes.
func Split(s string, sep byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// Join writes texts as one value with sep between them.
func Join(texts []string, sep string) string {
	var out []string
	for _, t := range texts {
		out = append(out, Escape(t))
	}
	return strings.Join(out, sep)
}
