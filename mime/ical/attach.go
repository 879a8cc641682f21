package ical

import (
	"encoding/base64"
	"path"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

const (
	methodByValue  = 1
	maxAttachments = 100
	maxInline      = 8 << 20 // of attachments that are written into a file
)

// attachments reads files that stand in the item itself. Links stay where they are.
func (p *parser) attachments(it *Item, c component) {
	m := it.Message
	for _, l := range c.Lines {
		if l.Name != "ATTACH" || !l.Has("ENCODING", "BASE64") || len(m.Attachments) >= maxAttachments {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(l.Value), ""))
		if err != nil {
			p.unsupported("attachment: %v", err)
			continue
		}
		name := ""
		for _, param := range []string{"FILENAME", "X-FILENAME", "X-ORACLE-FILENAME"} {
			if name == "" {
				name = path.Base("/" + oneLine(strings.ReplaceAll(l.Get(param), `\`, "/")))
			}
			if name == "/" {
				name = ""
			}
		}
		if name == "" {
			name = "attachment"
		}
		a := mapi.Attachment{Number: uint32(len(m.Attachments))}
		a.Properties = mapi.PropertyBag{
			{Tag: mapi.PidTagAttachNumber, Value: int32(a.Number)},
			{Tag: mapi.PidTagAttachMethod, Value: int32(methodByValue)},
			{Tag: mapi.PidTagRenderingPosition, Value: int32(-1)},
			{Tag: mapi.PidTagAttachLongFilename, Value: name},
			{Tag: mapi.PidTagDisplayName, Value: name},
			{Tag: mapi.PidTagAttachExtension, Value: path.Ext(name)},
			{Tag: mapi.PidTagAttachDataBinary, Value: data},
		}
		if t := l.Get("FMTTYPE"); t != "" {
			a.Properties.Set(mapi.PidTagAttachMimeTag, t)
		}
		m.Attachments = append(m.Attachments, a)
	}
}

// attachments writes files into the item, up to some size of all of them.
func (r *renderer) attachments(c component) {
	room := int64(maxInline)
	for _, a := range r.it.Message.Attachments {
		v := a.Properties.Get(mapi.PidTagAttachDataBinary)
		size := mapi.ValueSize(v)
		if a.Embedded != nil || v == nil || size > room || a.Properties.Int(mapi.PidTagAttachMethod) != methodByValue {
			continue
		}
		data, err := mapi.ValueBytes(v)
		if err != nil {
			continue
		}
		room -= size
		name, _ := a.Properties.Get(mapi.PidTagAttachLongFilename).(string)
		if name == "" {
			name, _ = a.Properties.Get(mapi.PidTagAttachFilename).(string)
		}
		kind, _ := a.Properties.Get(mapi.PidTagAttachMimeTag).(string)
		l := contentline.Line{Name: "ATTACH", Value: base64.StdEncoding.EncodeToString(data)}
		l = l.With("FMTTYPE", oneLine(kind)).With("FILENAME", oneLine(name)).With("ENCODING", "BASE64").With("VALUE", "BINARY")
		c.Lines = append(c.Lines, l)
	}
}

func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}
