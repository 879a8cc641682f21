package mime

import (
	"bytes"
	"io"
	"strings"

	"mailfs/mapi"
)

// Message classes of signed and encrypted messages ([MS-OXOSMIME] 2.1.3.1).
const (
	classSMIME  = "IPM.Note.SMIME"
	classSigned = "IPM.Note.SMIME.MultipartSigned"
)

const maxSignedHeader = 64 << 10 // room for the header lines in front of signed content

// smime passes on the stored form of a signed or encrypted message
// ([MS-OXOSMIME] 2.1.3.2 and 2.1.3.3): one attachment that holds all of it.
func (c *conversion) smime() (part, bool, error) {
	class := c.p.text(mapi.PidTagMessageClass)
	if !isClass(class, classSMIME) || len(c.m.Attachments) != 1 || c.m.Attachments[0].Embedded != nil {
		return part{}, false, nil
	}
	bag := propsOf(c.m.Attachments[0].Properties, c.p.charset)
	data := blobOf(bag.Get(mapi.PidTagAttachDataBinary))
	if data == nil {
		return part{}, false, nil
	}
	tag := strings.ToLower(bag.text(mapi.PidTagAttachMimeTag))
	if isClass(class, classSigned) || tag == "multipart/signed" {
		return c.clearSigned(data)
	}
	ctype := c.smimeType(tag)
	name := attachmentName(bag)
	if name == "" || strings.EqualFold(name, "SMIME.p7m") {
		name = "smime.p7m"
	}
	return part{
		ctype:  ctype,
		cte:    "base64",
		fields: []string{fold("Content-Disposition", append([]string{"attachment"}, param("filename", name)...))},
		body:   append(sequence{{blob: data, base64: true}}, literal("\n")...),
	}, true, nil
}

// smimeType returns the content type of opaque content, from the header that the
// message came with if there is one.
func (c *conversion) smimeType(tag string) []string {
	hint, params := c.typeHint()
	if hint != "application/pkcs7-mime" && hint != "application/x-pkcs7-mime" {
		hint, params = "application/pkcs7-mime", map[string]string{"name": "smime.p7m"}
		if tag == "application/x-pkcs7-mime" {
			hint = tag
		}
	}
	out := []string{hint}
	for _, name := range []string{"smime-type", "name"} {
		if v := params[name]; v != "" {
			out = append(out, param(name, v)...)
		}
	}
	return out
}

// clearSigned splits the stored bytes into their header lines and the content, which
// is written as it is: its signature covers every byte.
func (c *conversion) clearSigned(data mapi.Blob) (part, bool, error) {
	head := make([]byte, min(data.Size(), maxSignedHeader))
	if err := readBlob(data, head, 0); err != nil {
		return part{}, false, err
	}
	n := headerLength(head)
	if n < 0 {
		return part{}, false, nil
	}
	p := part{}
	found := false
	for _, f := range splitFields(head[:n]) {
		if strings.HasPrefix(f.key, "content-") {
			p.fields = append(p.fields, received(f))
			found = found || f.key == "content-type"
		}
	}
	if !found {
		return part{}, false, nil
	}
	p.body = sequence{{blob: section{data, int64(n), data.Size() - int64(n)}}}
	return p, true, nil
}

// encrypted puts an OpenPGP message together again (RFC 3156 4): it came as two parts,
// which are attachments now.
func (c *conversion) encrypted() (part, bool, error) {
	hint, params := c.typeHint()
	if hint != "multipart/encrypted" || params["protocol"] == "" || len(c.m.Attachments) != 2 {
		return part{}, false, nil
	}
	if tag := c.m.Attachments[0].Properties.String(mapi.PidTagAttachMimeTag); !strings.EqualFold(tag, params["protocol"]) {
		return part{}, false, nil
	}
	var parts []part
	for i := range c.m.Attachments {
		p, _, err := c.attachment(i, body{})
		if err != nil {
			return part{}, false, err
		}
		data := blobOf(c.m.Attachments[i].Properties.Get(mapi.PidTagAttachDataBinary))
		armored, err := isLines(data)
		if err != nil {
			return part{}, false, err
		}
		if armored { // as RFC 3156 3 wants it, and programs expect it that look for the armor
			p.cte, p.body = "7bit", sequence{{blob: data}}
		}
		parts = append(parts, p)
	}
	protocol := []string{" protocol=" + quoted(oneLine(cutRunes(params["protocol"], 100))) + ";"}
	p, err := multipart("encrypted", c.seed.child("encrypted"), protocol, parts)
	return p, true, err
}

// isLines reports whether data is ASCII text in lines that need no encoding (RFC 2045 2.7).
func isLines(data mapi.Blob) (bool, error) {
	if data == nil || data.Size() == 0 {
		return false, nil
	}
	buf := make([]byte, 64<<10)
	line := 0
	for off := int64(0); off < data.Size(); off += int64(len(buf)) {
		p := buf[:min(int64(len(buf)), data.Size()-off)]
		if err := readBlob(data, p, off); err != nil {
			return false, err
		}
		for _, b := range p {
			if line++; b == '\n' {
				line = 0
			}
			if b == 0 || b >= 0x80 || line > hardLine {
				return false, nil
			}
		}
	}
	return true, nil
}

// headerLength returns the length of a header block with its empty line, -1 when
// there is none.
func headerLength(p []byte) int {
	for off := 0; off < len(p); {
		n := bytes.IndexByte(p[off:], '\n') + 1
		if n == 0 {
			return -1
		}
		line := bytes.TrimRight(p[off:off+n], "\r\n")
		off += n
		if len(line) == 0 {
			return off
		}
		if _, ok := fieldName(line); !ok && line[0] != ' ' && line[0] != '\t' {
			return -1
		}
	}
	return -1
}

// section is a part of a Blob.
type section struct {
	blob mapi.Blob
	off  int64
	n    int64
}

// Size returns the length of the section.
func (s section) Size() int64 { return s.n }

// ReadAt reads within the section.
func (s section) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.n {
		return 0, io.EOF
	}
	short := int64(len(p)) > s.n-off
	if short {
		p = p[:s.n-off]
	}
	n, err := s.blob.ReadAt(p, s.off+off)
	if short && err == nil {
		err = io.EOF
	}
	return n, err
}
