package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"mailfs/mapi"
	"mailfs/mime/ical"
	"mailfs/mime/vcard"
)

// The forms in which items are files, by the end of the name.
const (
	ExtMessage  = ".eml"
	ExtCalendar = ".ics"
	ExtContact  = ".vcf"
)

// ErrNotItem says that bytes are no file of the form that their name promises.
var ErrNotItem = errors.New("mime: not a file of this kind")

const maxItemFile = 16 << 20

// Extension returns the form in which items of a message class are files: calendar
// files for appointments and tasks, cards for contacts and lists, messages for all
// others, meeting requests among them.
func Extension(class string) string {
	switch {
	case isClass(class, "IPM.Appointment"), isClass(class, "IPM.Task"):
		return ExtCalendar
	case isClass(class, "IPM.Contact"), isClass(class, "IPM.DistList"):
		return ExtContact
	}
	return ExtMessage
}

// OpenFile renders m as the kind of file that Extension tells for its class: as the very bytes that Seal has put into
// it, for as long as it says what they do, else anew.
func (r Renderer) OpenFile(m *mapi.Message) (*Image, error) {
	form := Extension(asText(m.Properties.Get(mapi.PidTagMessageClass)))
	if form == ExtMessage {
		if im, err := openSealed(m); im != nil || err != nil {
			return im, err
		}
		return r.Open(m)
	}
	c := newConversion(r.Options, unicodeMessage(m), "", 0)
	switch form {
	case ExtCalendar:
		it, err := c.calendarItem()
		if err != nil {
			return nil, err
		}
		return newImage(literal(ical.Render(it))), nil
	case ExtContact:
		b, err := c.body()
		if err != nil {
			return nil, err
		}
		return newImage(literal(vcard.Render(&vcard.Item{Message: c.m, Note: string(b.plain)}))), nil
	}
	return r.Open(m)
}

// asText returns a string value, of whatever kind.
func asText(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case mapi.String8:
		return string(s)
	}
	return ""
}

// MIMEType returns the media type of a form.
func MIMEType(ext string) string {
	switch ext {
	case ExtCalendar:
		return "text/calendar"
	case ExtContact:
		return "text/vcard"
	}
	return "message/rfc822"
}

// ParseFile reads a file whose name ends in ext, one of the constants above. Like
// Parse it may return an UnsupportedError together with a message; a file that is none
// of its kind gives ErrNotItem.
func ParseFile(ext string, src io.Reader, opt Options) (*mapi.Message, error) {
	if ext == ExtMessage {
		return Parse(src, opt)
	}
	raw, err := io.ReadAll(io.LimitReader(src, maxItemFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxItemFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrNotItem, maxItemFile)
	}
	text, _ := guess(raw)
	p := &parser{opt: opt}
	var m *mapi.Message
	switch ext {
	case ExtCalendar:
		m, err = p.calendarFile(text)
	case ExtContact:
		m, err = p.contactFile(text)
	default:
		err = fmt.Errorf("%w: %q", ErrNotItem, ext)
	}
	if err != nil {
		return nil, err
	}
	withoutNUL(m, 0)
	if err := p.storeAttachments(m); err != nil {
		return nil, err
	}
	if len(p.reasons) > 0 {
		return m, &UnsupportedError{p.reasons}
	}
	return m, nil
}

// CheckFile tells whether r holds a file of the kind that ext promises.
func CheckFile(ext string, r io.Reader) error {
	if ext == ExtMessage {
		return Check(r)
	}
	_, err := ParseFile(ext, r, Options{})
	var partly *UnsupportedError
	if errors.As(err, &partly) {
		return nil
	}
	return err
}

// storeAttachments hands the data of attachments to Options.Store.
func (p *parser) storeAttachments(m *mapi.Message) error {
	for i := range m.Attachments {
		bag := &m.Attachments[i].Properties
		data, ok := bag.Get(mapi.PidTagAttachDataBinary).([]byte)
		if !ok {
			continue
		}
		v, err := p.store(bytes.NewReader(data))
		if err != nil {
			return err
		}
		bag.Set(mapi.PidTagAttachDataBinary, v)
	}
	return nil
}

func (p *parser) calendarFile(text string) (*mapi.Message, error) {
	it, reasons, err := ical.Parse(text, ical.Options{Zone: p.opt.Zone})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotItem, err)
	}
	p.reasons = append(p.reasons, reasons...)
	m := it.Message
	setItemBody(&m.Properties, it.Body, it.HTML)
	setItemPeople(m, it, p.opt.domain())
	return m, nil
}

func (p *parser) contactFile(text string) (*mapi.Message, error) {
	it, err := vcard.Parse(text, vcard.Options{Text: func(charset string, b []byte) string {
		s, _ := decode(charset, b)
		return s
	}})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotItem, err)
	}
	setItemBody(&it.Message.Properties, it.Note, "")
	return it.Message, nil
}

func setItemBody(bag *mapi.PropertyBag, plain, html string) {
	if plain == "" && html == "" {
		return
	}
	bag.Set(mapi.PidTagInternetCodepage, int32(cpUTF8))
	bag.Set(mapi.PidTagNativeBody, int32(nativePlain))
	if plain != "" {
		bag.Set(mapi.PidTagBody, crlf(plain))
	}
	if html != "" {
		bag.Set(mapi.PidTagHtml, []byte(html))
		bag.Set(mapi.PidTagNativeBody, int32(nativeHTML))
	}
}

// setItemPeople stores organizer and attendees. The organizer has a row of the
// recipient table, too ([MS-OXOCAL] 2.2.4.10).
func setItemPeople(m *mapi.Message, it *ical.Item, domain string) {
	if len(it.Attendees) == 0 {
		return
	}
	if o := it.Organizer; o.Addr != "" {
		a := Address{o.Name, o.Addr}
		senderGroup.write(&m.Properties, a)
		representingGroup.write(&m.Properties, a)
		r := newRecipient(0, mapi.RecipientTo, a)
		r.Properties.Set(mapi.PidTagRecipientFlags, int32(recipientSends|recipientOrganizer))
		m.Recipients = append(m.Recipients, r)
	}
	for _, at := range it.Attendees {
		r := newRecipient(uint32(len(m.Recipients)), at.Type, Address{at.Name, at.Addr})
		r.Properties.Set(mapi.PidTagRecipientTrackStatus, at.Track)
		m.Recipients = append(m.Recipients, r)
	}
	restoreForeign(m, domain)
}

// calendarItem gives ical what it needs of an item.
func (c *conversion) calendarItem() (*ical.Item, error) {
	b, err := c.body()
	if err != nil {
		return nil, err
	}
	it := &ical.Item{Message: c.m, Body: string(b.plain), HTML: string(b.html)}
	if b.html != nil && fromPlainText(b.html) {
		it.HTML = ""
	}
	if a, ok := c.from(); ok {
		it.Organizer = ical.Person{Name: a.Name, Addr: a.Addr}
	}
	for _, r := range c.m.Recipients {
		p := props{r.Properties, c.p.charset}
		a, ok := recipientGroup.read(p, c.opt.domain())
		if !ok {
			continue
		}
		flags := p.Int(mapi.PidTagRecipientFlags)
		it.Attendees = append(it.Attendees, ical.Attendee{
			Person: ical.Person{Name: a.Name, Addr: a.Addr}, Type: r.Type, Track: int32(p.Int(mapi.PidTagRecipientTrackStatus)),
			Organizer: flags&recipientOrganizer != 0, Sendable: flags&recipientSends != 0,
		})
	}
	return it, nil
}

// unicodeMessage returns m with all 8-bit strings as Unicode. What it refers to is shared.
func unicodeMessage(m *mapi.Message) *mapi.Message {
	p := propsOf(m.Properties, "")
	out := &mapi.Message{Properties: p.unicode(), Recipients: make([]mapi.Recipient, len(m.Recipients)), Attachments: make([]mapi.Attachment, len(m.Attachments))}
	for i, r := range m.Recipients {
		r.Properties = props{r.Properties, p.charset}.unicode()
		out.Recipients[i] = r
	}
	for i, a := range m.Attachments {
		a.Properties = props{a.Properties, p.charset}.unicode()
		if a.Embedded != nil {
			e := *a.Embedded
			e.Properties = propsOf(e.Properties, p.charset).unicode()
			a.Embedded = &e
		}
		out.Attachments[i] = a
	}
	return out
}

// unicode returns the properties with all strings as valid Unicode.
func (p props) unicode() mapi.PropertyBag {
	out := p.Clone()
	for i, prop := range out {
		switch v := prop.Value.(type) {
		case mapi.String8:
			out[i].Value, out[i].Tag = p.valid(v), prop.Tag.WithType(mapi.TypeString)
		case string:
			out[i].Value = validUTF8(v)
		case []mapi.String8:
			list := []string{}
			for _, s := range v {
				list = append(list, p.valid(s))
			}
			out[i].Value, out[i].Tag = list, prop.Tag.WithType(mapi.TypeMultiString)
		case []string:
			list := []string{}
			for _, s := range v {
				list = append(list, validUTF8(s))
			}
			out[i].Value = list
		}
	}
	return out
}

// ZoneOf returns a location's time zone as it is in a year, for Options.Zone.
func ZoneOf(loc *time.Location, year int) ical.Zone { return ical.NewZone(loc, year) }

// sealItem brings the hash of the file that an item was made of up to date, after the item got properties of an earlier
// version.
func sealItem(ext string, m *mapi.Message) error {
	c := newConversion(Options{}, unicodeMessage(m), "", 0)
	switch ext {
	case ExtCalendar:
		it, err := c.calendarItem()
		if err != nil {
			return err
		}
		ical.Seal(it, &m.Properties)
	case ExtContact:
		b, err := c.body()
		if err != nil {
			return err
		}
		vcard.Seal(&vcard.Item{Message: c.m, Note: string(b.plain)}, &m.Properties)
	}
	return nil
}
