package mime

import "strings"

// parseAddresses reads a list of addresses (RFC 5322 3.4) as mail has them: what is
// not an address is skipped, groups are flattened, names are decoded.
func parseAddresses(s string) []Address {
	p := addressParser{s: s}
	var out []Address
	for p.i < len(p.s) {
		if a, ok := p.next(); ok {
			out = append(out, a)
		}
	}
	return out
}

type addressParser struct {
	s string
	i int
}

// next reads up to and including the next separator.
func (p *addressParser) next() (Address, bool) {
	var words []string // of the phrase or of the bare address
	var comment, angle string
	hasAngle, isQuoted := false, false
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ',', ';':
			p.i++
			return finish(words, comment, angle, hasAngle, isQuoted)
		case ':':
			// A group begins: what came before is its name.
			p.i++
			words, comment, isQuoted = nil, "", false
		case '"':
			v, n := quotedString(p.s[p.i:])
			words = append(words, v)
			isQuoted = true
			p.i += n
			if p.i < len(p.s) && p.s[p.i] == '@' && !hasAngle {
				words[len(words)-1] = quoted(v) + p.atom()
				isQuoted = false
			}
		case '(':
			comment = p.comment()
		case '<':
			angle, hasAngle = p.angle(), true
		case ' ', '\t', '\r', '\n', '>':
			p.i++
		default:
			words = append(words, p.atom())
		}
	}
	return finish(words, comment, angle, hasAngle, isQuoted)
}

func finish(words []string, comment, angle string, hasAngle, isQuoted bool) (Address, bool) {
	text := strings.Join(words, " ")
	if hasAngle {
		return Address{Name: decodeWords(text), Addr: angle}, angle != "" || text != ""
	}
	if !isQuoted && strings.Contains(text, "@") {
		if text[0] != '"' {
			text = strings.ReplaceAll(text, " ", "")
		}
		return Address{Name: decodeWords(comment), Addr: text}, true
	}
	return Address{Name: decodeWords(text)}, text != ""
}

// atom reads characters up to one that means something. Encoded words are kept
// whole even where they hold such characters.
func (p *addressParser) atom() string {
	start := p.i
	for p.i < len(p.s) {
		if strings.HasPrefix(p.s[p.i:], "=?") {
			if _, _, n, ok := encodedWord(p.s[p.i:]); ok {
				p.i += n
				continue
			}
		}
		if p.s[p.i] == '[' { // domain literal
			if n := strings.IndexByte(p.s[p.i:], ']'); n > 0 {
				p.i += n + 1
				continue
			}
		}
		if strings.IndexByte(" \t\r\n,;:<>\"(", p.s[p.i]) >= 0 {
			break
		}
		p.i++
	}
	if p.i == start {
		p.i++
	}
	return p.s[start:p.i]
}

// comment reads a comment, nested ones included (RFC 5322 3.2.2).
func (p *addressParser) comment() string {
	depth, start := 0, p.i+1
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				p.i++
				return strings.TrimSpace(p.s[start : p.i-1])
			}
		case '\\':
			p.i++
		}
	}
	p.i = len(p.s)
	return strings.TrimSpace(p.s[min(start, p.i):])
}

// angle reads an address in angle brackets; a source route is dropped (RFC 5322 4.4).
func (p *addressParser) angle() string {
	p.i++
	end := p.i
	for end < len(p.s) && p.s[end] != '>' {
		if p.s[end] == '"' {
			_, n := quotedString(p.s[end:])
			end += n
			continue
		}
		end++
	}
	end = min(end, len(p.s))
	addr := strings.TrimSpace(p.s[p.i:end])
	p.i = min(end+1, len(p.s))
	if strings.HasPrefix(addr, "@") {
		if _, rest, ok := strings.Cut(addr, ":"); ok {
			addr = rest
		}
	}
	return strings.TrimSpace(addr)
}
