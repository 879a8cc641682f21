package mime

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// rtfKind tells what RTF holds ([MS-OXRTFEX] 2.1.1).
type rtfKind int

const (
	rtfPlain rtfKind = iota // written as RTF
	rtfHTML                 // encapsulated HTML
	rtfText                 // encapsulated plain text
)

const maxRTFGroups = 2000 // nesting beyond this is not text that anybody wrote

// deencapsulate returns the HTML or plain text that RTF was made from; of original RTF
// it returns the readable text.
func deencapsulate(rtf []byte) (string, rtfKind) {
	d := &rtfDecoder{in: rtf, charsets: map[int]string{}, codepage: charsetOf(cpWestern)}
	d.state = rtfState{uc: 1}
	d.kind = rtfKindOf(rtf)
	d.run()
	return validUTF8(d.text()), d.kind
}

// rtfKindOf looks for the marker, which is among the first tokens ([MS-OXRTFEX] 2.1.3.1).
func rtfKindOf(rtf []byte) rtfKind {
	head := string(rtf[:min(len(rtf), 512)])
	switch {
	case strings.Contains(head, `\fromhtml1`):
		return rtfHTML
	case strings.Contains(head, `\fromtext`):
		return rtfText
	}
	return rtfPlain
}

// rtfState is what a group saves and restores.
type rtfState struct {
	skip     bool // a destination whose text is not part of the body
	htmlrtf  bool // text that only RTF readers see
	htmltag  bool // text to be copied as HTML
	fonttbl  bool
	font     int
	uc       int  // characters to skip after \u
	star     bool // \* was seen in this group
	starting bool // nothing but \* was seen in this group yet
}

type rtfDecoder struct {
	in       []byte
	i        int
	kind     rtfKind
	state    rtfState
	stack    []rtfState
	charsets map[int]string // of fonts
	codepage string
	font     int // that \plain returns to
	out      strings.Builder
	pend     []byte // bytes of the current font's charset
	surr     rune   // a high surrogate that waits for its other half
	skipNext int
}

func (d *rtfDecoder) text() string {
	d.flush()
	return d.out.String()
}

func (d *rtfDecoder) run() {
	for d.i < len(d.in) {
		c := d.in[d.i]
		d.i++
		switch c {
		case '{':
			d.flush()
			if len(d.stack) >= maxRTFGroups {
				return
			}
			d.stack = append(d.stack, d.state)
			d.state.star, d.state.starting = false, true
		case '}':
			d.flush()
			if len(d.stack) == 0 {
				return
			}
			d.state = d.stack[len(d.stack)-1]
			d.stack = d.stack[:len(d.stack)-1]
		case '\\':
			d.control()
		case '\r', '\n', 0:
		default:
			d.char(c)
		}
	}
}

// visible reports whether text at this place is part of the result.
func (d *rtfDecoder) visible() bool {
	s := d.state
	return !s.skip && !s.fonttbl && (s.htmltag || !s.htmlrtf)
}

func (d *rtfDecoder) char(c byte) {
	d.state.starting = false
	if d.skipNext > 0 {
		d.skipNext--
		return
	}
	if d.visible() {
		d.pend = append(d.pend, c)
	}
}

// put adds text that is already decoded.
func (d *rtfDecoder) put(s string) {
	if d.visible() {
		d.flush()
		d.out.WriteString(s)
	}
}

func (d *rtfDecoder) flush() {
	if len(d.pend) == 0 {
		return
	}
	charset := d.codepage // that of HTML tags, whatever the font ([MS-OXRTFEX] 2.1.3.1.4)
	if cs := d.charsets[d.state.font]; cs != "" && !d.state.htmltag {
		charset = cs
	}
	s, _ := decode(charset, d.pend)
	d.out.WriteString(s)
	d.pend = d.pend[:0]
}

// control reads a control symbol or word.
func (d *rtfDecoder) control() {
	if d.i >= len(d.in) {
		return
	}
	if c := d.in[d.i]; !isLetter(c) {
		d.i++
		d.symbol(c)
		return
	}
	start := d.i
	for d.i < len(d.in) && isLetter(d.in[d.i]) {
		d.i++
	}
	word := string(d.in[start:d.i])
	start = d.i
	if d.i < len(d.in) && d.in[d.i] == '-' {
		d.i++
	}
	for d.i < len(d.in) && d.in[d.i] >= '0' && d.in[d.i] <= '9' && d.i-start < 11 {
		d.i++
	}
	arg, err := strconv.Atoi(string(d.in[start:d.i]))
	if d.i < len(d.in) && d.in[d.i] == ' ' {
		d.i++
	}
	d.word(word, arg, err == nil)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (d *rtfDecoder) symbol(c byte) {
	if c == '*' {
		d.state.star = true
		return
	}
	d.state.starting = false
	switch c {
	case '\\', '{', '}':
		d.char(c)
	case '\'':
		if d.i+2 <= len(d.in) {
			v, err := strconv.ParseUint(string(d.in[d.i:d.i+2]), 16, 8)
			d.i += 2
			if err == nil {
				d.char(byte(v))
			}
		}
	case '~':
		d.put(d.entity("&nbsp;", "\u00A0"))
	case '_':
		d.put(d.entity("&shy;", "\u00AD"))
	case '\n', '\r':
		d.put("\r\n")
	}
}

// entity chooses between the HTML and the plain form of a character
// ([MS-OXRTFEX] 2.1.3.2).
func (d *rtfDecoder) entity(html, plain string) string {
	if d.kind == rtfHTML && !d.state.htmltag {
		return html
	}
	return plain
}

var rtfWords = map[string][2]string{
	"par": {"\r\n", "\r\n"}, "line": {"\r\n", "\r\n"}, "tab": {"\t", "\t"},
	"lquote": {"&lsquo;", "\u2018"}, "rquote": {"&rsquo;", "\u2019"},
	"ldblquote": {"&ldquo;", "\u201C"}, "rdblquote": {"&rdquo;", "\u201D"},
	"bullet": {"&bull;", "\u2022"}, "endash": {"&ndash;", "\u2013"}, "emdash": {"&mdash;", "\u2014"},
	"enspace": {"&ensp;", "\u2002"}, "emspace": {"&emsp;", "\u2003"}, "zwj": {"&zwj;", "\u200D"}, "zwnj": {"&zwnj;", "\u200C"},
	"sect": {"", "\r\n"}, "page": {"", "\r\n"}, "row": {"", "\r\n"}, "cell": {"", "\t"}, "nestcell": {"", "\t"}, "nestrow": {"", "\r\n"},
}

// rtfSilent lists destinations whose text is not part of the body.
const rtfSilent = " colortbl stylesheet info pict object header footer headerl headerr headerf footerl footerr footerf footnote ftnsep ftnsepc listtable listoverridetable rsidtbl generator xmlnstbl mhtmltag themedata datastore latentstyles fldinst bkmkstart bkmkend "

func (d *rtfDecoder) word(w string, arg int, hasArg bool) {
	first := d.state.starting
	d.state.starting = false
	if t, ok := rtfWords[w]; ok {
		d.put(d.entity(t[0], t[1]))
		return
	}
	switch w {
	case "htmltag":
		d.state.htmltag = true
		return
	case "htmlrtf":
		d.flush()
		d.state.htmlrtf = !hasArg || arg != 0
		return
	case "fonttbl":
		d.state.fonttbl = true
		return
	case "f":
		d.flush()
		d.state.font = arg
	case "deff":
		d.font, d.state.font = arg, arg
	case "plain":
		d.flush()
		d.state.font = d.font
	case "cpg":
		if cs := charsetOf(arg); cs != "" && d.state.fonttbl {
			d.charsets[d.state.font] = cs
		}
	case "pntext":
		d.state.skip = d.state.skip || d.kind == rtfHTML // the numbering that a list has in HTML anyway
	case "fcharset":
		if d.state.fonttbl {
			d.charsets[d.state.font] = charsetOf(fontCodepages[arg])
		}
	case "ansicpg":
		if cs := charsetOf(arg); cs != "" {
			d.codepage = cs
		}
	case "uc":
		d.state.uc = max(min(arg, 16), 0)
	case "u":
		d.unicode(rune(uint16(arg)))
	case "bin":
		d.i += max(min(arg, len(d.in)-d.i), 0)
	default:
		if first && (d.state.star || strings.Contains(rtfSilent, " "+w+" ")) {
			d.state.skip = true
		}
	}
}

// unicode handles \uN: a UTF-16 unit, and after it text for readers that do not know it.
func (d *rtfDecoder) unicode(c rune) {
	d.skipNext = 0
	switch {
	case utf16.IsSurrogate(c) && c < 0xDC00:
		d.surr = c
	case utf16.IsSurrogate(c):
		if full := utf16.DecodeRune(d.surr, c); full != utf8.RuneError {
			d.put(string(full))
		}
		d.surr = 0
	default:
		d.put(string(c))
	}
	d.skipNext = d.state.uc
}

// fontCodepages gives the code page of a \fcharset value.
var fontCodepages = map[int]int{
	0: 1252, 77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258,
	177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437,
}
