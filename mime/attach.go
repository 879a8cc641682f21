package mime

import (
	"bytes"
	"net/url"
	"path"
	"strings"

	"mailfs/mapi"
)

// Values of PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9).
const (
	methodNone     = 0
	methodByValue  = 1
	methodEmbedded = 5
	methodOLE      = 6
	methodWeb      = 7
)

// macBinary is the PidTagAttachEncoding of data with a resource fork
// ([MS-OXCMSG] 2.2.2.20): an OSI object identifier.
var macBinary = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01}

const attachRendered = 0x4 // attRenderedInBody, [MS-OXCMSG] 2.2.2.18

// attachment renders attachment i; inline tells whether the HTML body shows it.
func (c *conversion) attachment(i int, b body) (p part, inline bool, err error) {
	a := &c.m.Attachments[i]
	bag := propsOf(a.Properties, c.p.charset)
	bag.charset = c.p.charset
	if a.Embedded != nil {
		p, err = c.embedded(a, bag)
		return p, false, err
	}
	method := bag.Int(mapi.PidTagAttachMethod)
	data := blobOf(bag.Get(mapi.PidTagAttachDataBinary))
	name := attachmentName(bag)
	if data == nil && method >= 2 && method != methodOLE {
		return reference(bag, name), false, nil
	}
	if method == methodOLE {
		if data == nil {
			data = blobOf(bag.Get(mapi.PidTagAttachRendering)) // a picture of it is better than nothing
		}
		if name == "" {
			name = "object.ole"
		}
	}
	if data == nil {
		data = bytes.NewReader(nil)
	}
	cid := contentID(bag)
	inline = b.html != nil && refersTo(b.html, cid, bag)
	disposition := "attachment"
	if inline {
		disposition = "inline"
	}
	p = part{ctype: mediaType(bag, method), cte: "base64", body: sequence{{blob: data, base64: true}}}
	if strings.HasPrefix(p.ctype[0], "message/") {
		// These must not be encoded (RFC 2046 5.2, RFC 3464 2.1).
		raw, err := mapi.ValueBytes(data)
		if err != nil {
			return p, false, err
		}
		if cte, text := textBody(lf(raw), false); cte == "7bit" || cte == "8bit" {
			p.cte, p.body = cte, literal(text)
		} else {
			p.ctype = []string{"application/octet-stream"}
		}
	}
	kept, dispParams := keptDisposition(bag)
	if kept == "inline" {
		disposition = kept
	}
	if kept != "" && name == "" {
		if text, ok := inlineText(bag, p.ctype[0], data); ok {
			p.ctype, p.cte, p.body = text.ctype, text.cte, text.body
		}
	}
	disp := []string{disposition}
	if name != "" {
		p.ctype = append(p.ctype, param("name", name)...)
		disp = append(disp, param("filename", name)...)
	}
	p.ctype = append(p.ctype, keptType(bag, p.ctype[0])...)
	if kept != noDisposition {
		p.fields = append(p.fields, fold("Content-Disposition", append(disp, dispParams...)))
	}
	p.fields = append(p.fields, referenceFields(bag, cid)...)
	p.fields = append(p.fields, keptFields(c, bag.PropertyBag)...)
	return p, inline, nil
}

// inlineText writes a text between or behind other parts, which is no file, the way
// that bodies are written.
func inlineText(bag props, ctype string, data mapi.Blob) (part, bool) {
	const longest = 1 << 20
	subtype, ok := strings.CutPrefix(ctype, "text/")
	if !ok || subtype != "plain" && subtype != "html" || data.Size() > longest {
		return part{}, false
	}
	raw, err := mapi.ValueBytes(data)
	if err != nil {
		return part{}, false
	}
	text, ok := decode(bag.text(mapi.PidTagTextAttachmentCharset), raw)
	return textPart(subtype, lfOf(text), false), ok
}

// referenceFields are the ways in which HTML may name a part (RFC 2557 4).
func referenceFields(bag props, cid string) []string {
	var out []string
	if cid != "" {
		out = append(out, fold("Content-ID", []string{"<" + cid + ">"}))
	}
	for _, f := range []struct {
		name string
		tag  mapi.PropertyTag
	}{{"Content-Location", mapi.PidTagAttachContentLocation}, {"Content-Base", mapi.PidTagAttachContentBase}} {
		if v := bag.text(f.tag); v != "" {
			out = append(out, unstructured(f.name, v))
		}
	}
	return out
}

func attachmentName(bag props) string {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagAttachLongFilename, mapi.PidTagAttachFilename,
		mapi.PidTagAttachTransportName, mapi.PidTagDisplayName} {
		if s := strings.TrimSpace(oneLine(bag.text(tag))); s != "" {
			return s
		}
	}
	return ""
}

func contentID(bag props) string {
	return strings.Map(func(c rune) rune {
		if c <= ' ' || c >= 0x7F || c == '<' || c == '>' {
			return -1
		}
		return c
	}, bag.text(mapi.PidTagAttachContentId))
}

// refersTo reports whether the HTML shows the attachment.
func refersTo(html []byte, cid string, bag props) bool {
	if cid != "" {
		if bag.Int(mapi.PidTagAttachFlags)&attachRendered != 0 {
			return true
		}
		for _, form := range []string{cid, url.PathEscape(cid)} {
			if containsFold(html, "cid:"+form) {
				return true
			}
		}
	}
	loc := bag.text(mapi.PidTagAttachContentLocation)
	return loc != "" && bytes.Contains(html, []byte(`"`+loc+`"`))
}

// containsFold looks for ASCII text regardless of case.
func containsFold(p []byte, text string) bool {
	head := text[:4]
	for {
		i := bytes.IndexByte(p, ':')
		if i < 0 {
			return false
		}
		if start := i - len(head) + 1; start >= 0 && len(p)-start >= len(text) && strings.EqualFold(string(p[start:start+len(text)]), text) {
			return true
		}
		p = p[i+1:]
	}
}

// mediaType returns the content type of an attachment by value. Containers can't be
// encoded (RFC 2045 6.4) and are passed on as plain bytes.
func mediaType(bag props, method int64) []string {
	t := strings.ToLower(strings.TrimSpace(bag.text(mapi.PidTagAttachMimeTag)))
	if t == "" && bytes.Equal(bag.Bytes(mapi.PidTagAttachEncoding), macBinary) {
		t = "application/macbinary"
	}
	if t == "" {
		t = typeOf(attachmentName(bag))
	}
	major, minor, ok := strings.Cut(t, "/")
	if !ok || major == "" || minor == "" || strings.Trim(major+minor, tokenChars) != "" || method == methodOLE {
		return []string{"application/octet-stream"}
	}
	if major == "multipart" || t == "message/rfc822" || t == "message/global" {
		return []string{"application/octet-stream"}
	}
	out := []string{t}
	if cs := bag.text(mapi.PidTagTextAttachmentCharset); cs != "" && major == "text" && len(cs) < 40 {
		out = append(out, param("charset", cs)...)
	}
	return out
}

// typesByName are the content types of attachments that came without one, by the end
// of their name. The list is fixed: what a machine has installed must not matter.
var typesByName = map[string]string{
	".bmp": "image/bmp", ".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png",
	".svg": "image/svg+xml", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp", ".heic": "image/heic",
	".csv": "text/csv", ".htm": "text/html", ".html": "text/html", ".ics": "text/calendar", ".txt": "text/plain", ".vcf": "text/vcard",
	".doc": "application/msword", ".dot": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation",
	".pdf": "application/pdf", ".rtf": "application/rtf", ".json": "application/json", ".xml": "application/xml",
	".zip": "application/zip", ".gz": "application/gzip", ".7z": "application/x-7z-compressed",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".wav": "audio/wav", ".mp4": "video/mp4", ".mov": "video/quicktime",
	".msg": "application/vnd.ms-outlook", ".p7s": "application/pkcs7-signature", ".p7m": "application/pkcs7-mime",
}

// typeOf returns the content type that a file name suggests, "" for none.
func typeOf(name string) string {
	name = strings.ToLower(name)
	if name == "winmail.dat" {
		return "application/ms-tnef"
	}
	return typesByName[path.Ext(name)]
}

// embedded renders an embedded message (RFC 2046 5.2.1).
func (c *conversion) embedded(a *mapi.Attachment, bag props) (part, error) {
	name := attachmentName(bag)
	if name == "" {
		name = (&conversion{m: a.Embedded, p: propsOf(a.Embedded.Properties, c.p.charset)}).subject()
	}
	name = strings.TrimSuffix(cutRunes(strings.TrimSpace(oneLine(name)), 200), ".eml")
	if name == "" {
		name = "message"
	}
	fields := []string{fold("Content-Disposition", append([]string{"attachment"}, param("filename", name+".eml")...))}
	if kept, _ := keptDisposition(bag); kept == noDisposition && !bag.Has(mapi.PidTagAttachLongFilename) {
		fields = nil
	}
	if c.depth+1 >= maxDepth {
		p := textPart("plain", []byte("A message was attached here that is nested too deeply to be shown.\n"), false)
		p.fields = fields
		return p, nil
	}
	seq, err := newConversion(c.opt, a.Embedded, c.p.charset, c.depth+1).message()
	if err != nil {
		return part{}, err
	}
	return part{ctype: []string{"message/rfc822"}, cte: "8bit", fields: fields, body: seq}, nil
}
