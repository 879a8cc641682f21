package mime

import (
	"bytes"
	"io"
	"path"
	"strings"

	"mailfs/mapi"
)

// bodies chooses the bodies of a message and makes attachments of all other parts
// ([MS-OXCMAIL] 2.2.3.3).
func (p *parser) bodies(m *mapi.Message, root *entity) error {
	if root.ctype == "application/octet-stream" && strings.HasSuffix(strings.ToLower(root.name()), ".p7m") {
		root.ctype = "application/pkcs7-mime" // a gateway that knows no better ([MS-OXCMAIL] 2.2.3.6)
	}
	if isOpaque(root.ctype) && root.data != nil {
		m.Properties.Set(mapi.PidTagMessageClass, classSMIME)
		m.Attachments = []mapi.Attachment{smimeAttachment(root.ctype, root.data)}
		m.Properties.SetNamed(mapi.StringName(mapi.PSInternetHeaders, "Content-Type"), mapi.TypeString, first(root.h.get("content-type")))
		return nil
	}
	plain, html := pick(root)
	var files []uuFile
	if plain != nil && html == nil {
		plain.text, files = cutUU(plain.text)
	}
	p.setBodies(m, plain, html)
	if plain != nil && plain != root {
		keepFlow(m, plain)
	}
	for _, f := range files {
		e := &entity{ctype: "application/octet-stream", disposition: "attachment", dispParams: map[string]string{"filename": f.name}}
		if t := typeOf(f.name); t != "" {
			e.ctype = t
		}
		var err error
		if e.data, err = p.store(bytes.NewReader(f.data)); err != nil {
			return err
		}
		if err := p.attachments(m, e, nil); err != nil {
			return err
		}
	}
	if err := p.rtfBody(m, root); err != nil {
		return err
	}
	if err := p.meeting(m, root); err != nil {
		return err
	}
	return p.attachments(m, root, htmlBytes(html))
}

// rtfBody makes the body of RTF that was rendered as an attachment beside its text.
func (p *parser) rtfBody(m *mapi.Message, root *entity) error {
	if m.Properties.Has(mapi.PidTagHtml) || len(root.children) < 2 {
		return nil
	}
	e := root.children[1]
	if !e.isRTFBody(m.Properties.String(mapi.PidTagBody)) || mapi.ValueSize(e.data) > maxText {
		return nil
	}
	rtf, err := mapi.ValueBytes(e.data)
	if err != nil {
		return err
	}
	e.used = true
	m.Properties.Set(mapi.PidTagRtfCompressed, CompressRTF(rtf))
	m.Properties.Set(mapi.PidTagRtfInSync, true)
	m.Properties.Set(mapi.PidTagNativeBody, int32(nativeRTF))
	return nil
}

func htmlBytes(e *entity) []byte {
	if e == nil {
		return nil
	}
	return e.text
}

// pick finds the plain and the HTML body in the tree ([MS-OXCMAIL] 2.2.3.3.2).
func pick(e *entity) (plain, html *entity) {
	switch {
	case e.isText && (e.ctype == "text/html" || e.ctype == "text/enriched"):
		return nil, e
	case e.isText:
		return e, nil
	case len(e.children) == 0:
		return nil, nil
	case e.ctype != "multipart/alternative":
		return pick(e.children[0])
	}
	for _, c := range e.children {
		cp, ch := pick(c)
		if cp != nil && plain == nil {
			plain = cp
		}
		if ch != nil && (html == nil || ch.ctype == "text/html") {
			html = ch
		}
	}
	return plain, html
}

// setBodies stores the chosen bodies. HTML stays in the charset that it came in; all
// other text is Unicode.
func (p *parser) setBodies(m *mapi.Message, plain, html *entity) {
	bag := &m.Properties
	native, codepage := int32(nativePlain), cpUTF8
	if plain != nil {
		plain.used = true
		text, cp := p.decodeText(plain)
		codepage = cp
		bag.Set(mapi.PidTagBody, crlf(text))
	}
	if html != nil {
		html.used = true
		native = nativeHTML
		if html.ctype == "text/enriched" {
			text, _ := p.decodeText(html)
			html.text, html.params = []byte(enrichedHTML(text)), map[string]string{"charset": "utf-8"}
		}
		charset := html.params["charset"]
		if charset == "" {
			charset = metaCharset(html.text)
		}
		text, ok := decode(charset, html.text)
		codepage = codepageOf(charset)
		data := html.text
		if codepage == 0 || codepage == cpASCII || !ok && codepage == cpUTF8 || isWide(codepage) {
			if charset != "" && codepage == 0 {
				p.unsupported("charset %q", charset)
			}
			data, codepage = []byte(text), cpUTF8
		}
		bag.Set(mapi.PidTagHtml, data)
	}
	if plain == nil && html == nil {
		return
	}
	bag.Set(mapi.PidTagInternetCodepage, int32(codepage))
	bag.Set(mapi.PidTagNativeBody, native)
}

// decodeText returns a text part as UTF-8 with the code page that it came in.
func (p *parser) decodeText(e *entity) (string, int) {
	charset := e.params["charset"]
	text, _ := decode(charset, e.text)
	cp := codepageOf(charset)
	if cp == 0 || isWide(cp) {
		if charset != "" && cp == 0 {
			p.unsupported("charset %q", charset)
		}
		cp = cpUTF8
	}
	return text, cp
}

// isWide reports whether a code page is no extension of ASCII: other programs do not
// expect it in PidTagInternetCodepage.
func isWide(codepage int) bool {
	return codepage == cpUTF7 || codepage == cpUTF16 || codepage == cpUTF16BE
}

// metaCharset looks for the charset that HTML declares itself.
func metaCharset(html []byte) string {
	head := strings.ToLower(string(html[:min(len(html), 2048)]))
	_, rest, ok := strings.Cut(head, "charset=")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, `"' `)
	if end := strings.IndexAny(rest, "\"'> ;/"); end >= 0 {
		rest = rest[:end]
	}
	if codepageOf(rest) == 0 {
		return ""
	}
	return rest
}

// attachments adds every part that is not a body, in the order of the message.
func (p *parser) attachments(m *mapi.Message, e *entity, html []byte) error {
	if len(e.children) > 0 {
		for _, c := range e.children {
			if err := p.attachments(m, c, html); err != nil {
				return err
			}
		}
		return nil
	}
	if e.used || e.data == nil && e.embedded == nil && !e.isText {
		return nil
	}
	if e.isText && !e.used && e.data == nil {
		data, err := p.store(bytes.NewReader(e.text))
		if err != nil {
			return err
		}
		e.data = data
	}
	if e.isTNEF() {
		if done, err := p.unpack(m, e); done || err != nil {
			return err
		}
	}
	a := mapi.Attachment{Number: uint32(len(m.Attachments)), Embedded: e.embedded}
	a.Properties.Set(mapi.PidTagAttachNumber, int32(a.Number))
	e.describe(&a, html)
	m.Attachments = append(m.Attachments, a)
	return nil
}

// describe sets the properties of an attachment ([MS-OXCMAIL] 2.2.3.4).
func (e *entity) describe(a *mapi.Attachment, html []byte) {
	bag := &a.Properties
	name := strings.TrimSpace(oneLine(e.name()))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if e.embedded != nil {
		bag.Set(mapi.PidTagAttachMethod, int32(methodEmbedded))
		bag.Set(mapi.PidTagDisplayName, e.embedded.Properties.String(mapi.PidTagSubject))
	} else {
		bag.Set(mapi.PidTagAttachMethod, int32(methodByValue))
		bag.Set(mapi.PidTagAttachDataBinary, e.data)
	}
	bag.Set(mapi.PidTagAttachMimeTag, e.ctype)
	bag.Set(mapi.PidTagRenderingPosition, int32(-1))
	if name != "" {
		bag.Set(mapi.PidTagAttachLongFilename, name)
		bag.Set(mapi.PidTagAttachFilename, shortName(name))
		bag.Set(mapi.PidTagAttachExtension, path.Ext(name))
		if e.embedded == nil {
			bag.Set(mapi.PidTagDisplayName, name)
		}
	}
	if cs := e.params["charset"]; cs != "" && strings.HasPrefix(e.ctype, "text/") {
		bag.Set(mapi.PidTagTextAttachmentCharset, cs)
	}
	e.keepFields(bag)
	cid := strings.Trim(strings.TrimSpace(first(e.h.get("content-id"))), "<>")
	if cid != "" {
		bag.Set(mapi.PidTagAttachContentId, cid)
	}
	if v := e.h.text("content-location"); v != "" {
		bag.Set(mapi.PidTagAttachContentLocation, v)
	}
	if v := e.h.text("content-base"); v != "" {
		bag.Set(mapi.PidTagAttachContentBase, v)
	}
	if html != nil && refersTo(html, contentID(props{*bag, ""}), props{*bag, ""}) {
		bag.Set(mapi.PidTagAttachFlags, int32(attachRendered))
		bag.Set(mapi.PidTagAttachmentHidden, true)
	}
}

// shortName returns a name in 8.3 form ([MS-OXCMSG] 2.2.2.11).
func shortName(name string) string {
	ext := path.Ext(name)
	keep := func(s string, n int) string {
		var b strings.Builder
		for i := 0; i < len(s) && b.Len() < n; i++ {
			if c := s[i]; isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '-' {
				b.WriteByte(c)
			}
		}
		return b.String()
	}
	base, short := strings.TrimSuffix(name, ext), keep(ext, 3)
	if short != "" {
		short = "." + short
	}
	if b := keep(base, 8); b == base && short == ext {
		return b + short
	}
	return strings.ToUpper(keep(base, 6)+"~1") + short
}

func isOpaque(ctype string) bool {
	return ctype == "application/pkcs7-mime" || ctype == "application/x-pkcs7-mime"
}

// signed reports whether a message is clear-signed. It is kept as a whole, whatever
// the protocol: taking it apart would break the signature ([MS-OXOSMIME] 2.1.3.2.1).
func signed(e *entity) bool { return e.ctype == "multipart/signed" && e.params["boundary"] != "" }

// smimeAttachment is the one attachment of signed and encrypted messages
// ([MS-OXOSMIME] 2.1.3).
func smimeAttachment(mimeTag string, data any) mapi.Attachment {
	var a mapi.Attachment
	a.Properties = mapi.PropertyBag{
		{Tag: mapi.PidTagAttachNumber, Value: int32(0)},
		{Tag: mapi.PidTagAttachMethod, Value: int32(methodByValue)},
		{Tag: mapi.PidTagAttachMimeTag, Value: mimeTag},
		{Tag: mapi.PidTagAttachLongFilename, Value: "SMIME.p7m"},
		{Tag: mapi.PidTagAttachFilename, Value: "SMIME.p7m"},
		{Tag: mapi.PidTagAttachExtension, Value: ".p7m"},
		{Tag: mapi.PidTagDisplayName, Value: "SMIME.p7m"},
		{Tag: mapi.PidTagRenderingPosition, Value: int32(-1)},
		{Tag: mapi.PidTagAttachDataBinary, Value: data},
	}
	return a
}

// signed stores a clear-signed message as it is and takes a readable body out of it.
func (p *parser) signed(m *mapi.Message, e *entity, s *source, depth int) error {
	var head []byte
	for _, f := range e.h {
		if f.key == "content-type" {
			head = append(append(head, f.raw...), "\r\n"...)
			break
		}
	}
	data, err := p.store(io.MultiReader(bytes.NewReader(head), s.body()))
	if err != nil {
		return err
	}
	m.Properties.Set(mapi.PidTagMessageClass, classSigned)
	m.Attachments = []mapi.Attachment{smimeAttachment("multipart/signed", data)}
	blob := blobOf(data)
	content := io.NewSectionReader(blob, int64(len(head)), blob.Size()-int64(len(head)))
	scratch := &parser{opt: Options{Store: discard}}
	if err := scratch.entity(e, newSource(content), depth, true); err != nil {
		return err
	}
	plain, html := pick(e)
	scratch.setBodies(m, plain, html)
	if plain != nil || html != nil {
		m.Properties.Set(mapi.PidTagNativeBody, int32(nativeSigned))
	}
	return nil
}

// discard stands in for a store where only the text of a message is wanted.
func discard(r io.Reader) (mapi.Blob, error) {
	_, err := io.Copy(io.Discard, r)
	return bytes.NewReader(nil), err
}
