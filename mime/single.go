package mime

import "strings"

// single renders a message that is one file and no text, as scanners and fax machines
// send them: it came without a multipart around it.
func (c *conversion) single() (part, bool, error) {
	hint, _ := c.typeHint()
	major, _, _ := strings.Cut(hint, "/")
	if hint == "" || major == "text" || major == "multipart" || len(c.m.Attachments) != 1 || c.m.Attachments[0].Embedded != nil || c.details() != "" {
		return part{}, false, nil
	}
	b, err := c.body()
	if err != nil || len(b.plain) > 0 || len(b.html) > 0 || b.rtf != nil {
		return part{}, false, err
	}
	bag := propsOf(c.m.Attachments[0].Properties, c.p.charset)
	if mediaType(bag, methodByValue)[0] != hint {
		return part{}, false, nil
	}
	p, _, err := c.attachment(0, body{})
	if err == nil && p.cte == "base64" {
		p.body = append(p.body, literal("\n")...)
	}
	return p, err == nil && p.ctype[0] == hint, err
}
