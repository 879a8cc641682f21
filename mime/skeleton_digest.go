package mime

import (
	"crypto/sha256"
	"hash"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

const maxKnownText = 1000 // of a text that packs others

// skeletonDigest is a hash over subject, importance, recipients, bodies and
// attachments: what an edit elsewhere can change of what a file shows. Categories count only where the file tells
// them. Short texts that count are returned, too.
func skeletonDigest(m *mapi.Message, bodies bodySets) (sum, texts []byte, err error) {
	d := &digester{h: sha256.New(), bodies: bodies}
	if err := d.message(m, 0); err != nil {
		return nil, nil, err
	}
	d.h.Write(d.b.Bytes())
	return d.h.Sum(nil)[:digestSize], d.texts, nil
}

// digester gathers what counts.
type digester struct {
	h      hash.Hash
	b      wire.Builder // what is yet to be hashed
	texts  []byte
	bodies bodySets
	at     int // which of them are the next message's
}

func (d *digester) count(p []byte) {
	d.b.Uint32(uint32(len(p)))
	d.b.Raw(p)
}

func (d *digester) text(s string) {
	d.texts = append(d.texts, s[:min(len(s), maxKnownText)]...)
	d.count([]byte(s))
}

func (d *digester) message(m *mapi.Message, depth int) error {
	p := propsOf(m.Properties, "")
	set := d.bodies.at(d.at)
	d.at++
	if err := d.head(&conversion{m: m, p: p}, p, set); err != nil {
		return err
	}
	for _, g := range []addressGroup{representingGroup, senderGroup} {
		a, _ := g.read(p, "")
		d.text(a.String())
	}
	for _, r := range m.Recipients {
		a, _ := recipientGroup.read(props{r.Properties, p.charset}, "")
		d.b.Uint8(uint8(r.Type))
		d.text(a.String())
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
		d.text(attachmentName(bag))
		d.text(bag.text(mapi.PidTagAttachMimeTag))
		values = append(values, a.Properties.Get(mapi.PidTagAttachDataBinary))
	}
	for _, v := range values {
		if err := d.value(v); err != nil {
			return err
		}
	}
	for _, a := range m.Attachments {
		if a.Embedded != nil && depth < maxDepth {
			if err := d.message(a.Embedded, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// head counts class, subject, plain text, Message-ID, importance, sensitivity and categories.
func (d *digester) head(c *conversion, p props, set bodySet) error {
	d.text(p.text(mapi.PidTagMessageClass))
	d.text(c.subject())
	var plain []byte
	if set.bits&bodyPlain != 0 {
		var err error
		if plain, err = plainText(p); err != nil {
			return err
		}
	}
	d.count(plain)
	id := ""
	if set.bits&givenID != 0 {
		id = p.text(mapi.PidTagInternetMessageId)
	}
	d.text(id)
	d.b.Uint32(uint32(c.importance()))
	d.b.Uint32(uint32(p.Int(mapi.PidTagSensitivity)))
	if showsKeywords(p) {
		for _, s := range c.keywords() {
			d.text(s)
		}
	}
	return nil
}

// value counts a body or the data of an attachment, which may be large.
func (d *digester) value(v any) error {
	blob := blobOf(v)
	if blob == nil {
		d.b.Uint64(1 << 63)
		return nil
	}
	d.b.Uint64(uint64(blob.Size()))
	d.h.Write(d.b.Bytes())
	d.b = wire.Builder{}
	_, err := io.Copy(d.h, io.NewSectionReader(blob, 0, blob.Size()))
	return err
}

// showsKeywords reports whether the file of a message has a field for its categories. One that has none is true
// whatever they are.
func showsKeywords(p props) bool {
	_, ok := header(splitFields([]byte(p.text(mapi.PidTagTransportMessageHeaders)))).get("keywords")
	return ok
}
