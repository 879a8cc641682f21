package vcard

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

var (
	// ErrFormat says that a text is no vCard.
	ErrFormat = errors.New("vcard: malformed file")
	// ErrSeveral says that a file holds more than one card.
	ErrSeveral = errors.New("vcard: not exactly one card: a file is one item")
)

// Files are kept with their items in these named properties.
var (
	fileName   = mapi.StringName(mapi.PSETIDMailfs, "VCard")
	digestName = mapi.StringName(mapi.PSETIDMailfs, "VCardDigest")
	uidName    = mapi.StringName(mapi.PSETIDMailfs, "UID")
	keywords   = mapi.StringName(mapi.PSPublicStrings, "Keywords")
)

const (
	maxFile = 16 << 20
	maxKept = 256 << 10 // a file beyond this is not kept: its picture is, elsewhere

	classContact = "IPM.Contact"
	classList    = "IPM.DistList"
)

type component = *contentline.Component

// Item is a contact or a list. All strings in the message are Unicode.
type Item struct {
	Message *mapi.Message
	Note    string // plain text with LF line ends
}

// Options hold what conversion depends on besides the item.
type Options struct {
	// Text turns 8-bit text of a charset into UTF-8, for cards of version 2.1; "" is an
	// unknown charset.
	Text func(charset string, p []byte) string
}

// Parse reads a file with one card.
func Parse(text string, opt Options) (*Item, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, maxFile)
	}
	c, err := card(text)
	if err != nil {
		return nil, err
	}
	p := &parser{opt: opt, card: c}
	p.decode()
	it := &Item{Message: &mapi.Message{}}
	bag := &it.Message.Properties
	it.Note = strings.ReplaceAll(c.Text("NOTE"), "\r\n", "\n")
	if strings.EqualFold(c.Value("KIND"), "group") || strings.EqualFold(c.Value("X-ADDRESSBOOKSERVER-KIND"), "group") {
		p.list(bag)
	} else {
		p.contact(it)
	}
	icon := int32(0x200) // PidTagIconIndex, [MS-OXOCNTC] 2.2.1.10
	if bag.String(mapi.PidTagMessageClass) == classList {
		icon = 0x202
	}
	bag.Set(mapi.PidTagIconIndex, icon)
	if uid := strings.TrimSpace(c.Text("UID")); uid != "" {
		set(bag, uidName, uid)
	}
	p.common(bag)
	if len(text) <= maxKept {
		set(bag, fileName, text)
		set(bag, digestName, digest(it))
	}
	return it, nil
}

func card(text string) (component, error) {
	list, err := contentline.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if list[0].Name != "VCARD" {
		return nil, fmt.Errorf("%w: %s", ErrFormat, list[0].Name)
	}
	if len(list) > 1 {
		return nil, ErrSeveral
	}
	return list[0], nil
}

// Render writes an item as a file with CRLF line ends.
func Render(it *Item) []byte {
	bag := it.Message.Properties
	kept, _ := bag.GetNamed(fileName).(string)
	if kept != "" {
		if d, err := mapi.ValueBytes(bag.GetNamed(digestName)); err == nil && string(d) == string(digest(it)) {
			return []byte(kept)
		}
	}
	out := generate(it)
	if t := bag.Time(mapi.PidTagLastModificationTime).Time(); t.Year() > 1970 && t.Year() < 4500 {
		out.AddRaw("REV", t.Format("20060102T150405Z"))
	}
	if kept != "" {
		old, err := card(kept)
		first, ferr := Parse(kept, Options{})
		if err == nil && ferr == nil {
			restore(out, old, generate(first))
		}
	}
	return out.Append(nil)
}

// stored is a message without what a server adds when it is stored, and what a card without a UID is known by then.
func stored(m *mapi.Message) *mapi.Message {
	out := *m
	out.Properties = m.Properties.Clone()
	out.Properties.Delete(mapi.Key{ID: mapi.PidTagSearchKey.ID()})
	return &out
}

// Seal stores in bag that the file which it holds says what the item does.
func Seal(it *Item, bag *mapi.PropertyBag) {
	if bag.StringNamed(fileName) != "" {
		set(bag, digestName, digest(it))
	}
}

// digest is a hash of everything that a file says of an item.
func digest(it *Item) []byte {
	sum := sha256.Sum256(generate(&Item{stored(it.Message), it.Note}).Append(nil))
	return sum[:16]
}

func generate(it *Item) component {
	r := &renderer{it: it, bag: it.Message.Properties, out: contentline.New("VCARD")}
	if class := r.text(mapi.PidTagMessageClass); strings.EqualFold(class, classList) || strings.HasPrefix(strings.ToUpper(class), strings.ToUpper(classList)+".") {
		r.list()
	} else {
		r.contact()
	}
	return r.out
}

// set stores a named property with the type that belongs to the value.
func set(bag *mapi.PropertyBag, name mapi.PropertyName, v any) {
	t := mapi.TypeUnspecified
	switch v.(type) {
	case string:
		t = mapi.TypeString
	case []string:
		t = mapi.TypeMultiString
	case int32:
		t = mapi.TypeInteger32
	case []int32:
		t = mapi.TypeMultiInteger32
	case bool:
		t = mapi.TypeBoolean
	case mapi.FileTime:
		t = mapi.TypeTime
	case []byte:
		t = mapi.TypeBinary
	case [][]byte:
		t = mapi.TypeMultiBinary
	}
	bag.SetNamed(name, t, v)
}

type renderer struct {
	it  *Item
	bag mapi.PropertyBag
	out component
}

// text returns a property as one line of text.
func (r *renderer) text(tag mapi.PropertyTag) string {
	s, _ := r.bag.Get(tag).(string)
	return tidy(s)
}

func (r *renderer) named(name mapi.PropertyName) string {
	s, _ := r.bag.GetNamed(name).(string)
	return tidy(s)
}

// tidy makes valid text with LF line ends and no white space around it.
func tidy(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// uid returns what the item is known by.
func (r *renderer) uid() string {
	if s := oneLine(r.named(uidName)); s != "" {
		return s
	}
	if key := r.bag.Bytes(mapi.PidTagSearchKey); len(key) > 0 {
		return hex.EncodeToString(key)
	}
	return ""
}

// parser reads one card.
type parser struct {
	opt  Options
	card component
}

// decode undoes quoted-printable and charsets of version 2.1.
func (p *parser) decode() {
	for i, l := range p.card.Lines {
		if !l.Has("ENCODING", "QUOTED-PRINTABLE") {
			continue
		}
		raw := unquote(l.Value)
		v := string(raw)
		if p.opt.Text != nil {
			v = p.opt.Text(l.Get("CHARSET"), raw)
		}
		// Line ends of the text are escapes in later versions.
		v = strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", `\n`), "\n", `\n`)
		p.card.Lines[i].Value = v
	}
}

func unquote(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s)+0 {
			if b, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				out = append(out, b...)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// common sets what contacts and lists share.
func (p *parser) common(bag *mapi.PropertyBag) {
	var words []string
	for _, l := range p.card.Lines {
		if l.Name == "CATEGORIES" {
			for _, w := range contentline.Split(l.Value, ',') {
				if w = strings.TrimSpace(contentline.Unescape(w)); w != "" {
					words = append(words, w)
				}
			}
		}
	}
	if len(words) > 0 {
		set(bag, keywords, words)
	}
	sensitivity := int32(0)
	switch strings.ToUpper(strings.TrimSpace(p.card.Value("CLASS"))) {
	case "PRIVATE":
		sensitivity = 2
	case "CONFIDENTIAL":
		sensitivity = 3
	}
	bag.Set(mapi.PidTagSensitivity, sensitivity)
}

func (r *renderer) common() {
	if words, _ := r.bag.GetNamed(keywords).([]string); len(words) > 0 {
		r.out.AddRaw("CATEGORIES", contentline.Join(words, ","))
	}
	switch r.bag.Int(mapi.PidTagSensitivity) {
	case 2:
		r.out.AddRaw("CLASS", "PRIVATE")
	case 3:
		r.out.AddRaw("CLASS", "CONFIDENTIAL")
	}
	r.out.Add("NOTE", strings.TrimRight(r.it.Note, "\n"))
	r.out.Add("UID", r.uid())
}

// date reads a day in one of the forms of vCard.
func date(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	day, _, _ := strings.Cut(s, "T")
	for _, form := range []string{"2006-01-02", "20060102"} {
		if t, err := time.Parse(form, day); err == nil && t.Year() > 1601 {
			return t, true
		}
	}
	return time.Time{}, false
}
