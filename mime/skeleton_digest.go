package mime

import (
	"crypto/sha256"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

const maxKnownText = 1000 // of a text that packs others

// skeletonDigest is a hash over subject, importance, recipients, bodies and
// attachments: what an edit elsewhere can change of what a file shows. Categories count only where the file tells
// them. Short texts that count are returned, too.
func skeletonDigest(m *mapi.Message, bodies bodySets) (sum, texts []byte, err error) {
	h := sha256.New()
	at := 0
	var b wire.Builder
	count := func(p []byte) {
		b.Uint32(uint32(len(p)))
		b.Raw(p)
	}
	text := func(s string) {
		texts = append(texts, s[:min(len(s), maxKnownText)]...)
		count([]byte(s))
	}
	var walk func(m *mapi.Message, depth int) error
	walk = func(m *mapi.Message, depth int) error {
		p := propsOf(m.Properties, "")
		c := &conversion{m: m, p: p}
		set := bodies.at(at)
		at++
		var plain []byte
		if set.bits&bodyPlain != 0 {
			var err error
			if plain, err = plainText(p); err != nil {
				return err
			}
		}
		id := ""
		if set.bits&givenID != 0 {
			id = p.text(mapi.PidTagInternetMessageId)
		}
		text(p.text(mapi.PidTagMessageClass))
		text(c.subject())
		count(plain)
		text(id)
		b.Uint32(uint32(c.importance()))
		b.Uint32(uint32(p.Int(mapi.PidTagSensitivity)))
		if showsKeywords(p) {
			for _, s := range c.keywords() {
				text(s)
			}
		}
		for _, g := range []addressGroup{representingGroup, senderGroup} {
			a, _ := g.read(p, "")
			text(a.String())
		}
		for _, r := range m.Recipients {
			a, _ := recipientGroup.read(props{r.Properties, p.charset}, "")
			b.Uint8(uint8(r.Type))
			text(a.String())
		}
		values := []any{nil, nil}
		if set.bits&bodyHTML != 0 {
			values[0] = p.Get(mapi.PidTagHtml)
		}
		if set.bits&bodyRTF != 0 {
			values[1] = p.Get(mapi.PidTagRtfCompressed)
		}
		for _, a := range m.Attachments {
			bag := props{a.Properties, p.charset}
			text(attachmentName(bag))
			text(bag.text(mapi.PidTagAttachMimeTag))
			values = append(values, a.Properties.Get(mapi.PidTagAttachDataBinary))
		}
		for _, v := range values {
			blob := blobOf(v)
			if blob == nil {
				b.Uint64(1 << 63)
				continue
			}
			b.Uint64(uint64(blob.Size()))
			h.Write(b.Bytes())
			b = wire.Builder{}
			if _, err := io.Copy(h, io.NewSectionReader(blob, 0, blob.Size())); err != nil {
				return err
			}
		}
		for _, a := range m.Attachments {
			if a.Embedded != nil && depth < maxDepth {
				if err := walk(a.Embedded, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(m, 0); err != nil {
		return nil, nil, err
	}
	h.Write(b.Bytes())
	return h.Sum(nil)[:digestSize], texts, nil
}

// showsKeywords reports whether the file of a message has a field for its categories. One that has none is true
// whatever they are.
func showsKeywords(p props) bool {
	_, ok := header(splitFields([]byte(p.text(mapi.PidTagTransportMessageHeaders)))).get("keywords")
	return ok
}
