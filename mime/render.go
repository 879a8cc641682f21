package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"mailfs/mapi"
	"mailfs/mime/ical"
)

// Version numbers the renderer's output: two renderers of one version give the same
// bytes for the same message and options. docs/mime.md tells what each version changed.
const Version = 3

// maxDepth bounds how deep messages and multiparts may be nested, in both directions.
const maxDepth = 32

// Options hold what conversion depends on besides the message. The zero value is
// ready to use.
type Options struct {
	// Domain stands behind addresses that have a legacy distinguished name only;
	// empty means "invalid" (RFC 2606 2).
	Domain string

	// Store, if set, receives the decoded data of an attachment while a message is
	// parsed, and returns what the property shall hold: it reads r to its end and
	// keeps the data elsewhere. Without it the data is kept in memory. An error ends
	// the parse and is returned as it is.
	Store func(r io.Reader) (mapi.Blob, error)

	// Zone is the time zone of calendar files' times that name none, and of whole days;
	// UTC by default.
	Zone ical.Zone

	// Calendar adds a calendar part to meeting messages that came without one. It is part
	// of what the bytes of a message depend on: all who render have to agree.
	Calendar bool
}

func (o Options) domain() string {
	if o.Domain == "" {
		return "invalid"
	}
	return o.Domain
}

// Renderer makes Internet messages. It holds no state and may be used by several
// goroutines at once.
type Renderer struct {
	Options Options
}

// Open renders m. The Image refers to the attachment data of m, which must stay
// readable while it is in use. An error means that such data can't be read.
func (r Renderer) Open(m *mapi.Message) (*Image, error) {
	seq, err := newConversion(r.Options, m, "", 0).message()
	if err != nil {
		return nil, err
	}
	return newImage(seq), nil
}

// Render writes m to w.
func (r Renderer) Render(w io.Writer, m *mapi.Message) error {
	im, err := r.Open(m)
	if err != nil {
		return err
	}
	_, err = im.WriteTo(w)
	return err
}

// Size returns the number of bytes that Render writes. Attachment data is not read
// for it.
func (r Renderer) Size(m *mapi.Message) (int64, error) {
	im, err := r.Open(m)
	if err != nil {
		return 0, err
	}
	return im.Size(), nil
}

// RenderHeader writes the header fields of m, without those that describe the body,
// and the empty line that ends them. A header-only item is enough for it.
func (r Renderer) RenderHeader(w io.Writer, m *mapi.Message) error {
	_, err := io.WriteString(w, newConversion(r.Options, m, "", 0).fields()+"\n")
	return err
}

// conversion is the state of rendering one message object.
type conversion struct {
	opt       Options
	m         *mapi.Message
	p         props
	transport header // fields that the message came with
	seed      seed
	depth     int

	hinted     bool // that typeHint knows
	hint       string
	hintParams map[string]string
}

func newConversion(opt Options, m *mapi.Message, outerCharset string, depth int) *conversion {
	c := &conversion{opt: opt, m: m, p: propsOf(m.Properties, outerCharset), depth: depth}
	c.transport = splitFields([]byte(c.p.text(mapi.PidTagTransportMessageHeaders)))
	return c
}

// message renders header and body.
func (c *conversion) message() (sequence, error) {
	fields := c.fields()
	c.seed = newSeed(fields)
	body, err := c.content()
	if err != nil {
		return nil, err
	}
	seq := literal(fields + "MIME-Version: 1.0\n" + body.header() + "\n")
	return append(append(seq, body.body...), lastLineEnd(body.body)...), nil
}

// lastLineEnd returns the line end that a body of one text part lacks. Text files end
// in one, and mail systems add and drop it as they like.
func lastLineEnd(body sequence) sequence {
	if len(body) == 0 || body[len(body)-1].blob != nil || bytes.HasSuffix(body[len(body)-1].lit, []byte("\n")) {
		return nil
	}
	return literal("\n")
}

// content chooses the form of the message: signed or encrypted, a report, or a body
// with attachments.
func (c *conversion) content() (part, error) {
	if p, ok, err := c.smime(); ok || err != nil {
		return p, err
	}
	if p, ok, err := c.encrypted(); ok || err != nil {
		return p, err
	}
	if p, ok, err := c.report(); ok || err != nil {
		return p, err
	}
	if p, ok, err := c.single(); ok || err != nil {
		return p, err
	}
	return c.mixed()
}

// seed makes boundaries. It depends on the header fields of the message and on the
// place within it, not on ids, so that a moved message keeps its bytes.
type seed struct {
	sum  [sha256.Size]byte
	path string
}

func newSeed(fields string) seed { return seed{sum: sha256.Sum256([]byte(fields))} }

func (s seed) child(name string) seed {
	s.path += "/" + name
	return s
}

// text returns the try-th boundary of this place.
func (s seed) text(try int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%x%s#%d", s.sum, s.path, try))
	return hex.EncodeToString(sum[:12])
}
