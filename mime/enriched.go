package mime

import (
	"html"
	"strings"
)

// enrichedTags gives the HTML of text/enriched commands (RFC 1896). A command that is
// not listed is left out, its text is not.
var enrichedTags = map[string]string{
	"bold": "b", "italic": "i", "underline": "u", "fixed": "tt", "smaller": "small", "bigger": "big",
	"center": "center", "excerpt": "blockquote", "indent": "blockquote", "indentright": "blockquote", "nofill": "pre",
	"fontfamily": "span", "color": "span", "flushleft": "div", "flushright": `div align="right"`, "flushboth": `div align="justify"`,
}

// enrichedHTML converts text/enriched to HTML.
func enrichedHTML(text string) string {
	var b strings.Builder
	text = string(lfOf(text))
	param, fill := false, 0
	for len(text) > 0 {
		switch c := text[0]; {
		case strings.HasPrefix(text, "<<"):
			if !param {
				b.WriteString("&lt;")
			}
			text = text[2:]
		case c == '<':
			end := strings.IndexByte(text, '>')
			if end < 0 {
				return b.String() + html.EscapeString(text)
			}
			name, closing := strings.CutPrefix(strings.ToLower(text[1:end]), "/")
			text = text[end+1:]
			switch {
			case name == "param":
				param = !closing
			case name == "nofill" && closing:
				fill--
			case name == "nofill":
				fill++
			}
			if tag := enrichedTags[name]; tag != "" && closing {
				first, _, _ := strings.Cut(tag, " ")
				b.WriteString("</" + first + ">")
			} else if tag != "" {
				b.WriteString("<" + tag + ">")
			}
		case c == '\n' && fill <= 0:
			n := len(text) - len(strings.TrimLeft(text, "\n"))
			text = text[n:]
			if n == 1 {
				b.WriteByte('\n')
			}
			b.WriteString(strings.Repeat("<br>\n", n-1))
		default:
			n := strings.IndexAny(text[1:], "<\n") + 1
			if n == 0 {
				n = len(text)
			}
			if !param {
				b.WriteString(html.EscapeString(text[:n]))
			}
			text = text[n:]
		}
	}
	return b.String()
}
