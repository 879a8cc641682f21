package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"mailfs/mapi"
)

// Values of PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2).
const (
	nativePlain  = 1
	nativeRTF    = 2
	nativeHTML   = 3
	nativeSigned = 4
)

// body is the text of a message: either or both forms, and the RTF where that is
// the original and holds neither.
type body struct {
	plain      []byte                     // UTF-8 with LF line ends; nil when absent
	html       []byte                     // UTF-8; nil when absent
	checked    struct{ plain, html bool } // that it is UTF-8
	rtf        []byte                     // to be attached: decompressed, or as it is where that fails
	rtfIsBody  bool                       // rtf is RTF
	flowed     string                     // parameters of a format=flowed text (RFC 3676)
	rawHTML    bool                       // html is in charset rawCharset, since it does not decode
	rawCharset string
}

// body chooses the best body ([MS-OXCMAIL] 2.1.3.3.4 and 2.1.3.3.5, [MS-OXBBODY] 2.1.3).
func (c *conversion) body() (body, error) {
	var b body
	if c.p.Has(mapi.PidTagBody) {
		var err error
		if b.plain, err = plainText(c.p); err != nil {
			return b, err
		}
		_, inBlob := c.p.Get(mapi.PidTagBody).(mapi.Blob)
		b.checked.plain = !inBlob
	}
	if err := c.htmlBody(&b); err != nil {
		return b, err
	}
	native := c.p.Int(mapi.PidTagNativeBody)
	hint, params := c.typeHint()
	made := b.html != nil && fromPlainText(b.html)
	switch {
	case c.wantsRTF(b, native):
		return c.rtfBody(b)
	case native == nativePlain && b.plain != nil:
		b.html = nil
	case made && b.plain != nil:
		b.html = nil
	case hint == "text/html" && b.html != nil && !made:
		b.plain = nil
	}
	if kept := c.p.named(textParameters); kept != "" && b.plain != nil {
		_, flow := parseValue("text/plain" + kept)
		b.flowed = flowParams(flow)
	}
	if hint == "text/plain" && b.html == nil && strings.EqualFold(params["format"], "flowed") {
		b.flowed = flowParams(params)
	}
	return b, nil
}

// textParameters holds the parameters of a plain text that is not the whole message.
var textParameters = mapi.StringName(mapi.PSETIDMailfs, "TextParameters")

// keepFlow notes that a text is in the flowed format (RFC 3676).
func keepFlow(m *mapi.Message, plain *entity) {
	if s := flowParams(plain.params); s != "" {
		m.Properties.SetNamed(textParameters, mapi.TypeString, s)
	}
}

// flowParams returns the parameters of the flowed format, "" for another one.
func flowParams(params map[string]string) string {
	if !strings.EqualFold(params["format"], "flowed") {
		return ""
	}
	if strings.EqualFold(params["delsp"], "yes") {
		return "; format=flowed; delsp=yes"
	}
	return "; format=flowed"
}

// plainText returns PidTagBody with LF line ends.
func plainText(p props) ([]byte, error) {
	blob, ok := p.Get(mapi.PidTagBody).(mapi.Blob)
	if !ok {
		return lfOf(p.text(mapi.PidTagBody)), nil
	}
	raw, err := mapi.ValueBytes(blob)
	if err != nil {
		return nil, err
	}
	s, _ := decode(p.charset, raw)
	return lfOf(s), nil
}

// wantsRTF reports whether the text has to be taken out of the RTF: it is the
// original, or holds the HTML that is not there otherwise.
func (c *conversion) wantsRTF(b body, native int64) bool {
	switch {
	case !c.p.Has(mapi.PidTagRtfCompressed):
		return false
	case native == nativeRTF:
		return true
	case b.html != nil:
		return false
	}
	return b.plain == nil || native == nativeHTML || native == 0 && c.p.Bool(mapi.PidTagRtfInSync)
}

// htmlBody reads PidTagHtml, which is in PidTagInternetCodepage, or its string form.
func (c *conversion) htmlBody(b *body) error {
	switch v := c.p.Get(mapi.PidTagHtml).(type) {
	case nil:
		return nil
	case string, mapi.String8:
		b.html = []byte(c.p.valid(v))
		return nil
	default:
		raw, err := mapi.ValueBytes(v)
		if err != nil {
			return err
		}
		codepage := int(c.p.Int(mapi.PidTagInternetCodepage))
		if (codepage == cpUTF8 || codepage == cpASCII) && utf8.Valid(raw) {
			b.html, b.checked.html = raw, true
			return nil
		}
		charset := charsetOf(codepage)
		s, ok := decode(charset, raw)
		b.html = []byte(s)
		if !ok && charset != "" {
			b.html, b.rawHTML, b.rawCharset = raw, true, charset
		}
		return nil
	}
}

// fromPlainText reports whether HTML was made from a plain text by a server that
// does not say so in PidTagNativeBody.
// QUIRK: gromox 3.10 marks it with a generator of its own.
func fromPlainText(html []byte) bool {
	return bytes.Contains(html[:min(len(html), 256)], []byte(`content="gromox-texttohtml`))
}

// DropMadeHTML takes out of a message, and of those in it, the HTML that a server made from the plain text. The server
// makes it again for whoever asks, and it is no part of what anybody wrote: kept, it would count as a change, and sent,
// it would count as the original.
func DropMadeHTML(m *mapi.Message) {
	if m.Properties.Has(mapi.PidTagBody) && !m.Properties.Has(mapi.PidTagRtfCompressed) && fromPlainText(startOf(m.Properties.Get(mapi.PidTagHtml))) {
		m.Properties.Delete(mapi.Property{Tag: mapi.PidTagHtml}.Key())
	}
	for _, a := range m.Attachments {
		if a.Embedded != nil {
			DropMadeHTML(a.Embedded)
		}
	}
}

// startOf returns the first bytes of a binary value.
func startOf(v any) []byte {
	switch v := v.(type) {
	case []byte:
		return v
	case mapi.Blob:
		p := make([]byte, 256)
		n, _ := v.ReadAt(p, 0) // what can't be read is left as it is
		return p[:n]
	}
	return nil
}

// typeHint returns the content type that the message came with. It tells whether
// both bodies are the sender's or one was made from the other.
func (c *conversion) typeHint() (string, map[string]string) {
	if !c.hinted {
		v, ok := c.transport.get("content-type")
		if !ok {
			v = c.p.named(mapi.StringName(mapi.PSInternetHeaders, "Content-Type"))
		}
		c.hint, c.hintParams = parseValue(v)
		c.hinted = true
	}
	return c.hint, c.hintParams
}

// rtfBody takes the text out of PidTagRtfCompressed.
func (c *conversion) rtfBody(b body) (body, error) {
	packed, err := c.p.BytesErr(mapi.PidTagRtfCompressed)
	if err != nil || packed == nil {
		return b, err
	}
	rtf, err := DecompressRTF(packed)
	if err != nil {
		// What can't be read is still passed on, and never a reason to hide the rest.
		b.rtf = packed
		return b, nil
	}
	text, kind := deencapsulate(rtf)
	switch kind {
	case rtfHTML:
		b.html, b.checked.html = []byte(text), false
	case rtfText:
		b.plain, b.html, b.checked.plain = lfOf(text), nil, false
	default:
		if b.html != nil {
			return b, nil // made by the server from the RTF, and closer to it than text
		}
		if b.plain == nil {
			b.plain, b.checked.plain = lfOf(text), false
		}
		b.rtf, b.rtfIsBody = rtf, true
	}
	return b, nil
}

// mixed renders a body with its attachments ([MS-OXCMAIL] 2.1.3.3).
func (c *conversion) mixed() (part, error) {
	b, err := c.body()
	if err != nil {
		return part{}, err
	}
	var inline, rest []part
	for i := range c.m.Attachments {
		p, isInline, err := c.attachment(i, b)
		if err != nil {
			return part{}, err
		}
		if isInline {
			inline = append(inline, p)
		} else {
			rest = append(rest, p)
		}
	}
	if b.rtf != nil {
		rest = append([]part{b.rtfPart()}, rest...)
	}
	main, err := c.bodyPart(b, inline)
	if err != nil || len(rest) == 0 {
		return main, err
	}
	return multipart("mixed", c.seed.child("mixed"), nil, append([]part{main}, rest...))
}

// bodyPart renders the text with the parts that the HTML refers to.
func (c *conversion) bodyPart(b body, inline []part) (part, error) {
	calendar, hasCalendar := c.calendarPart()
	if details := c.details(); details != "" && !hasCalendar {
		b.plain, b.checked.plain = append(lfOf(details+"\n"), b.plain...), false
	}
	var texts []part
	if b.plain != nil || b.html == nil {
		var extra []string
		if b.flowed != "" {
			extra = []string{b.flowed}
		}
		texts = append(texts, textPart("plain", b.plain, b.checked.plain, extra...))
	}
	if b.html != nil {
		p := textPart("html", lf(b.html), b.checked.html)
		if b.rawHTML {
			p.ctype = []string{"text/html;", " charset=" + b.rawCharset}
		}
		texts = append(texts, p)
	}
	if hasCalendar {
		if hint, _ := c.typeHint(); hint == "text/calendar" || b.plain == nil && b.html == nil {
			texts = nil // it was all that there is
		}
		texts = append(texts, calendar)
	}
	main := texts[0]
	var err error
	if len(texts) > 1 {
		if main, err = multipart("alternative", c.seed.child("alternative"), nil, texts); err != nil {
			return part{}, err
		}
	}
	if len(inline) == 0 {
		return main, nil
	}
	kind := "text/html"
	if len(texts) > 1 {
		kind = "multipart/alternative"
	}
	return multipart("related", c.seed.child("related"), []string{` type="` + kind + `";`}, append([]part{main}, inline...))
}

// rtfPart renders RTF that no other form of the text replaces. Its description tells
// which text stands beside it, so that it becomes the body again for as long as nobody
// has changed that.
func (b body) rtfPart() part {
	p := part{
		ctype:  append([]string{"application/rtf"}, param("name", rtfBodyName)...),
		cte:    "base64",
		fields: []string{fold("Content-Disposition", append([]string{"attachment"}, param("filename", rtfBodyName)...))},
		body:   sequence{{blob: bytes.NewReader(b.rtf), base64: true}},
	}
	if b.rtfIsBody {
		p.fields = append(p.fields, "Content-Description: "+describeRTF(b.plain)+"\n")
	}
	return p
}

const (
	rtfBodyName   = "body.rtf"
	rtfBodyPrefix = "Formatted body, sha256:"
)

// describeRTF returns the description of RTF beside a text. White space at the ends of
// lines does not count, since mail systems add and drop it.
func describeRTF(plain []byte) string {
	h := sha256.New()
	for l := range bytes.SplitSeq(bytes.TrimRight(plain, " \t\r\n"), []byte("\n")) {
		h.Write(bytes.TrimRight(l, " \t\r"))
		h.Write([]byte("\n"))
	}
	return rtfBodyPrefix + hex.EncodeToString(h.Sum(nil)[:8])
}

// isRTFBody reports whether a part is the RTF that rtfPart wrote beside the given text.
func (e *entity) isRTFBody(plain string) bool {
	d := strings.TrimSpace(first(e.h.get("content-description")))
	return e.ctype == "application/rtf" && strings.HasPrefix(d, rtfBodyPrefix) && d == describeRTF([]byte(plain))
}
