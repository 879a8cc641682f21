package ical

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

var (
	// ErrFormat says that a text is no iCalendar file.
	ErrFormat = errors.New("ical: malformed file")
	// ErrSeveral says that a file holds more than one item, or none.
	ErrSeveral = errors.New("ical: not exactly one event or task: a file is one item")
)

// Person is somebody whom an item names.
type Person struct{ Name, Addr string }

// Attendee is a person in the recipient table of an item.
type Attendee struct {
	Person
	Type      mapi.RecipientType // Bcc stands for rooms and resources
	Track     int32              // PidTagRecipientTrackStatus
	Organizer bool
	Sendable  bool
}

// Item is a calendar item with what its properties do not tell in a form of their own.
// All strings in the message are Unicode.
type Item struct {
	Message   *mapi.Message
	Organizer Person
	Attendees []Attendee
	Body      string // plain text with LF line ends
	HTML      string // "" when there is none
	Method    string // METHOD of the file, in upper case
}

// Files are kept with their items in these named properties.
var (
	fileName   = mapi.StringName(mapi.PSETIDMailfs, "ICalendar")
	digestName = mapi.StringName(mapi.PSETIDMailfs, "ICalendarDigest")
	uidName    = mapi.StringName(mapi.PSETIDMailfs, "UID")
)

const (
	maxFile   = 16 << 20
	maxKept   = 256 << 10 // a file beyond this is not kept: its attachments are, elsewhere
	productID = "-//mailfs//mailfs//EN"

	classAppointment = "IPM.Appointment"
	classTask        = "IPM.Task"
)

// Options hold what conversion depends on besides the item. The zero value is ready to use.
type Options struct {
	// Zone is that of times which name none, and of whole days; UTC by default.
	Zone Zone
}

// Parse reads a file. reasons tell what of it could not be understood; it is kept
// nevertheless, in a named property.
func Parse(text string, opt Options) (it *Item, reasons []string, err error) {
	if len(text) > maxFile {
		return nil, nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, maxFile)
	}
	cal, err := calendar(text)
	if err != nil {
		return nil, nil, err
	}
	p := &parser{cal: cal, opt: opt, zones: map[string]Zone{}}
	if it, err = p.item(); err != nil {
		return nil, nil, err
	}
	it.Method = strings.ToUpper(strings.TrimSpace(cal.Text("METHOD")))
	bag := &it.Message.Properties
	if len(text) <= maxKept {
		bag.SetNamed(fileName, mapi.TypeString, text)
		bag.SetNamed(digestName, mapi.TypeBinary, digest(it))
	}
	return it, p.reasons, nil
}

func calendar(text string) (*contentline.Component, error) {
	list, err := contentline.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if list[0].Name != "VCALENDAR" {
		return nil, fmt.Errorf("%w: %s", ErrFormat, list[0].Name)
	}
	return list[0], nil
}

// Render writes an item as a file with CRLF line ends.
func Render(it *Item) []byte {
	bag := it.Message.Properties
	kept, _ := bag.GetNamed(fileName).(string)
	old, err := calendar(kept)
	if kept == "" || err != nil {
		return generate(it, stamp(bag)).Append(nil)
	}
	same := *it
	if same.Method == "" {
		same.Method = strings.ToUpper(strings.TrimSpace(old.Text("METHOD")))
	}
	if d, err := mapi.ValueBytes(bag.GetNamed(digestName)); err == nil && string(d) == string(digest(&same)) {
		return []byte(kept)
	}
	out := generate(&same, stamp(bag))
	was := contentline.New("VCALENDAR")
	if first, _, err := Parse(kept, Options{Zone: zoneOf(bag)}); err == nil {
		was = generate(first, stamp(bag))
	}
	restore(out, old, was)
	return out.Append(nil)
}

// Seal stores in bag that the file which it holds says what the item does.
func Seal(it *Item, bag *mapi.PropertyBag) {
	kept := text(*bag, fileName)
	if kept == "" {
		return
	}
	same := *it
	if cal, err := calendar(kept); err == nil && same.Method == "" {
		same.Method = strings.ToUpper(strings.TrimSpace(cal.Text("METHOD")))
	}
	bag.SetNamed(digestName, mapi.TypeBinary, digest(&same))
}

// Digest is a hash of everything that a file says of an item: as long as it is the
// same, a file that was made of the item is true.
func Digest(it *Item) []byte { return digest(it) }

func digest(it *Item) []byte {
	// Without what a server adds when an item is stored, and a file without a UID would be known by then.
	m, plain := *it.Message, *it
	m.Properties = m.Properties.Clone()
	m.Properties.Delete(mapi.Key{ID: mapi.PidTagSearchKey.ID()})
	plain.Message = &m
	sum := sha256.Sum256(generate(&plain, time.Unix(0, 0)).Append(nil))
	return sum[:16]
}

// stamp returns the moment for DTSTAMP: no clock is asked.
func stamp(bag mapi.PropertyBag) time.Time {
	for _, v := range []any{bag.GetNamed(mapi.PidLidOwnerCriticalChange), bag.Get(mapi.PidTagLastModificationTime), bag.Get(mapi.PidTagCreationTime)} {
		if t, ok := v.(mapi.FileTime); ok && believable(t) {
			return t.Time()
		}
	}
	return time.Unix(0, 0)
}

// believable keeps times within what the formats can hold; later ones mean "none"
// ([MS-OXOCAL] 2.2.1.44.1).
func believable(t mapi.FileTime) bool { y := t.Time().Year(); return y > 1601 && y < 4500 }

// generate makes the calendar of an item from its properties.
func generate(it *Item, stamped time.Time) *contentline.Component {
	cal := contentline.New("VCALENDAR")
	cal.AddRaw("PRODID", productID)
	cal.AddRaw("VERSION", "2.0")
	if it.Method != "" {
		cal.AddRaw("METHOD", it.Method)
	}
	r := &renderer{it: it, bag: it.Message.Properties, cal: cal, stamp: stamped}
	if isClass(r.text(mapi.PidTagMessageClass), classTask) {
		r.task()
	} else {
		r.event()
	}
	return cal
}

// isClass reports whether class is the given one or derived from it.
func isClass(class, base string) bool {
	return len(class) >= len(base) && strings.EqualFold(class[:len(base)], base) && (len(class) == len(base) || class[len(base)] == '.')
}

// parser reads one file.
type parser struct {
	cal       component
	opt       Options
	zones     map[string]Zone
	described map[string]component // the zones of the file
	reasons   []string
}

func (p *parser) unsupported(format string, args ...any) {
	const enough = 20
	if len(p.reasons) < enough {
		p.reasons = append(p.reasons, fmt.Sprintf(format, args...))
	}
}

// item finds the one item of the file: an event with its exceptions, or a task.
func (p *parser) item() (*Item, error) {
	events, tasks := p.cal.All("VEVENT"), p.cal.All("VTODO")
	switch {
	case len(events) > 0 && len(tasks) == 0:
		uid := events[0].Value("UID")
		for _, e := range events {
			if e.Value("UID") != uid {
				return nil, ErrSeveral
			}
		}
		return p.event(events)
	case len(events) == 0 && len(tasks) == 1:
		return p.task(tasks[0])
	}
	return nil, ErrSeveral
}
