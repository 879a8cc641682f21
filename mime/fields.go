package mime

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mailfs/mapi"
)

const (
	flagUnsent         = 0x8  // mfUnsent, [MS-OXCMSG] 2.2.1.6
	recipientOrganizer = 0x2  // recipOrganizer, [MS-OXOCAL] 2.2.4.10.1
	yearOfNone         = 4500 // later dates mean "none", [MS-OXOCAL] 2.2.1.44.1
	dateForm           = "Mon, 02 Jan 2006 15:04:05 -0700"
)

var keywordsName = mapi.StringName(mapi.PSPublicStrings, "Keywords")

// owned is a header field that properties stand for.
type owned struct {
	name, key string // as it is written, and in lower case
	// write returns the whole field, "" when no property asks for it.
	write func(c *conversion) string
	// same reports whether a field that the message came with says what the
	// properties say, or what no property is there to contradict.
	same func(c *conversion, f field) bool
}

// ownedFields lists them in the order in which new messages have them. The rules
// are those of [MS-OXCMAIL] 2.1.3.
var ownedFields = []owned{
	{"Date", "date", writeDate, sameDate},
	{"From", "from", writeFrom, sameFrom},
	{"Sender", "sender", writeSender, sameSender},
	{"Reply-To", "reply-to", writeReplyTo, sameReplyTo},
	{"To", "to", recipients(mapi.RecipientTo, "To"), sameRecipients(mapi.RecipientTo)},
	{"Cc", "cc", recipients(mapi.RecipientCc, "Cc"), sameRecipients(mapi.RecipientCc)},
	{"Bcc", "bcc", recipients(mapi.RecipientBcc, "Bcc"), sameRecipients(mapi.RecipientBcc)},
	{"Subject", "subject", writeSubject, sameSubject},
	{"Message-ID", "message-id", idField("Message-ID", mapi.PidTagInternetMessageId), sameID(mapi.PidTagInternetMessageId)},
	{"In-Reply-To", "in-reply-to", idField("In-Reply-To", mapi.PidTagInReplyToId), sameID(mapi.PidTagInReplyToId)},
	{"References", "references", idField("References", mapi.PidTagInternetReferences), sameID(mapi.PidTagInternetReferences)},
	{"Thread-Topic", "thread-topic", writeThreadTopic, sameThreadTopic},
	{"Thread-Index", "thread-index", writeThreadIndex, sameThreadIndex},
	{"Importance", "importance", writeImportance, sameImportance},
	{"Priority", "priority", nothing, sameImportance},
	{"X-Priority", "x-priority", nothing, sameImportance},
	{"X-MSMail-Priority", "x-msmail-priority", nothing, sameImportance},
	{"Sensitivity", "sensitivity", writeSensitivity, sameSensitivity},
	{"Disposition-Notification-To", "disposition-notification-to", writeReadReceipt, sameWritten(writeReadReceipt)},
	{"Return-Receipt-To", "return-receipt-to", writeDeliveryReceipt, sameWritten(writeDeliveryReceipt)},
	{"Reply-By", "reply-by", timeField("Reply-By", mapi.PidTagReplyTime), sameTime(mapi.PidTagReplyTime)},
	{"Expires", "expires", timeField("Expires", mapi.PidTagExpiryTime), sameTime(mapi.PidTagExpiryTime)},
	{"Keywords", "keywords", writeKeywords, sameKeywords},
	{"List-Help", "list-help", textField("List-Help", mapi.PidTagListHelp), keep},
	{"List-Subscribe", "list-subscribe", textField("List-Subscribe", mapi.PidTagListSubscribe), keep},
	{"List-Unsubscribe", "list-unsubscribe", textField("List-Unsubscribe", mapi.PidTagListUnsubscribe), keep},
	{"X-Unsent", "x-unsent", writeUnsent, sameWritten(writeUnsent)},
}

// ownedField finds a field by its name in lower case.
func ownedField(key string) (owned, bool) {
	for _, o := range ownedFields {
		if o.key == key {
			return o, true
		}
	}
	return owned{}, false
}

// describesBody reports whether a field speaks about the body, which is written anew.
func describesBody(key string) bool {
	switch key {
	case "content-type", "content-transfer-encoding", "content-disposition", "content-id", "content-md5",
		"content-description", "content-location", "content-base", "content-length", "mime-version":
		return true
	}
	return false
}

// fields returns the header of the message, without the fields that describe the body.
func (c *conversion) fields() string {
	var b strings.Builder
	done := map[string]bool{}
	extra := c.extraFields()
	for _, f := range c.transport {
		if describesBody(f.key) {
			continue
		}
		o, isOwned := ownedField(f.key)
		switch {
		case isOwned && done[f.key]:
		case isOwned && o.same(c, f) && f.isAddress() && !f.clean():
			b.WriteString(addressField(f.name, parseAddresses(f.value())))
		case isOwned && f.key == "keywords" && !f.clean(): // to encode it as a whole would join the categories
			b.WriteString(o.write(c))
		case isOwned && o.same(c, f):
			b.WriteString(received(f))
		case isOwned:
			b.WriteString(o.write(c))
		default:
			b.WriteString(extra.replace(f, done[f.key]))
		}
		done[f.key] = true
	}
	for _, o := range ownedFields {
		if !done[o.key] {
			b.WriteString(o.write(c))
		}
	}
	for _, e := range extra {
		if !done[strings.ToLower(e.name)] {
			b.WriteString(unstructured(e.name, e.value))
		}
	}
	return b.String()
}

// received returns a field as it came, with LF line ends, unless it breaks the rules
// for header lines; then it is encoded.
func received(f field) string {
	raw := strings.TrimRight(strings.ReplaceAll(string(f.raw), "\r\n", "\n"), "\r\n") + "\n"
	if rest, ok := strings.CutPrefix(raw, f.name); ok && rest[0] != ':' { // space before the colon is obsolete
		raw = f.name + strings.TrimLeft(rest, " \t")
	}
	line := 0
	for i := range len(raw) {
		c := raw[i]
		if c == '\n' {
			line = -1
		}
		line++
		if c >= 0x7F || c < ' ' && c != '\n' && c != '\t' || line > hardLine {
			return unstructured(f.name, decodeWords(f.value()))
		}
	}
	return raw
}

// isAddress reports whether the field holds a list of addresses, in which only names
// can be encoded.
func (f field) isAddress() bool {
	switch f.key {
	case "from", "sender", "reply-to", "to", "cc", "bcc", "disposition-notification-to", "return-receipt-to":
		return true
	}
	return false
}

// clean reports whether the field can be passed on as it came.
func (f field) clean() bool {
	for l := range bytes.SplitSeq(f.raw, []byte("\n")) {
		if len(l) > hardLine || bytes.ContainsFunc(bytes.TrimSuffix(l, []byte("\r")), func(c rune) bool { return c >= 0x7F || c < ' ' && c != '\t' }) {
			return false
		}
	}
	return true
}

// internetHeader is a property of PS_INTERNET_HEADERS ([MS-OXCMAIL] 2.1.3.2).
type internetHeader struct{ name, value string }

type internetHeaders []internetHeader

// extraFields returns the header fields that are kept as named properties, sorted.
func (c *conversion) extraFields() internetHeaders {
	return slices.DeleteFunc(internetHeadersOf(c.p), func(h internetHeader) bool {
		key := strings.ToLower(h.name)
		_, isOwned := ownedField(key)
		return isOwned || describesBody(key)
	})
}

// internetHeadersOf returns the named properties of one object that can be header
// fields, sorted.
func internetHeadersOf(bag props) internetHeaders {
	var out internetHeaders
	for _, p := range bag.PropertyBag {
		if p.Name.Set != mapi.PSInternetHeaders || p.Name.Kind != mapi.NameKindString {
			continue
		}
		if name, ok := fieldName([]byte(p.Name.Name + ":")); !ok || name != p.Name.Name || strings.Contains(name, ":") || len(name) > softLine {
			continue
		}
		switch p.Value.(type) {
		case string, mapi.String8:
			out = append(out, internetHeader{p.Name.Name, bag.valid(p.Value)})
		}
	}
	slices.SortFunc(out, func(a, b internetHeader) int {
		if n := strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)); n != 0 {
			return n
		}
		return strings.Compare(a.name, b.name)
	})
	return slices.CompactFunc(out, func(a, b internetHeader) bool { return strings.EqualFold(a.name, b.name) })
}

// replace returns the received field f, or the property's value where that differs.
// Of several fields of one name the property can stand for any.
func (h internetHeaders) replace(f field, repeated bool) string {
	if !repeated {
		for _, e := range h {
			if strings.EqualFold(e.name, f.key) && e.value != "" && !sameText(e.value, f.value()) && !sameText(e.value, decodeWords(f.value())) {
				return unstructured(f.name, e.value)
			}
		}
	}
	return received(f)
}

// sameText compares text but for white space.
func sameText(a, b string) bool {
	return a == b || slices.Equal(strings.Fields(a), strings.Fields(b))
}

func nothing(*conversion) string { return "" }

func keep(*conversion, field) bool { return true }

// sameWritten compares by the addresses that would be written, for fields that must
// not be there without their property.
func sameWritten(write func(*conversion) string) func(*conversion, field) bool {
	return func(c *conversion, f field) bool {
		w := write(c)
		if w == "" {
			return false
		}
		_, v, _ := strings.Cut(w, ":")
		return sameAddresses(parseAddresses(f.value()), parseAddresses(v))
	}
}

func sameAddresses(a, b []Address) bool {
	return slices.EqualFunc(a, b, func(x, y Address) bool {
		return strings.EqualFold(x.Addr, y.Addr) && (x.Addr != "" || x.Name == y.Name)
	})
}

// writeDate: a draft that was never sent has no date, and one that the message came
// without is a server's invention.
func writeDate(c *conversion) string {
	if _, dated := c.transport.get("date"); len(c.transport) > 0 && !dated {
		return ""
	}
	for _, tag := range []mapi.PropertyTag{mapi.PidTagClientSubmitTime, mapi.PidTagMessageDeliveryTime, mapi.PidTagCreationTime} {
		if tag != mapi.PidTagClientSubmitTime && c.p.Int(mapi.PidTagMessageFlags)&flagUnsent != 0 {
			return ""
		}
		if s := timeField("Date", tag)(c); s != "" {
			return s
		}
	}
	return ""
}

func sameDate(c *conversion, f field) bool { return sameTime(mapi.PidTagClientSubmitTime)(c, f) }

func timeField(name string, tag mapi.PropertyTag) func(*conversion) string {
	return func(c *conversion) string {
		if t := c.p.Time(tag).Time(); c.p.Has(tag) && believable(t) && t.Year() < yearOfNone {
			return name + ": " + t.Format(dateForm) + "\n"
		}
		return ""
	}
}

func sameTime(tag mapi.PropertyTag) func(*conversion, field) bool {
	return func(c *conversion, f field) bool {
		if !c.p.Has(tag) {
			return true
		}
		t, ok := parseDate(f.value())
		return ok && t.Unix() == c.p.Time(tag).Time().Truncate(time.Second).Unix()
	}
}

func (c *conversion) from() (Address, bool) {
	if a, ok := representingGroup.read(c.p, c.opt.domain()); ok {
		return a, true
	}
	return senderGroup.read(c.p, c.opt.domain())
}

func writeFrom(c *conversion) string {
	if a, ok := c.from(); ok {
		return addressField("From", []Address{a})
	}
	return ""
}

// sameFrom: only the first of several authors is a property ([MS-OXCMAIL] 2.2.3.2).
func sameFrom(c *conversion, f field) bool {
	a, ok := c.from()
	list := parseAddresses(f.value())
	return !ok || len(list) > 0 && sameAddresses(list[:1], []Address{a})
}

func writeSender(c *conversion) string {
	s, ok := senderGroup.read(c.p, c.opt.domain())
	if from, _ := c.from(); !ok || sameAddresses([]Address{s}, []Address{from}) {
		return ""
	}
	return addressField("Sender", []Address{s})
}

func sameSender(c *conversion, f field) bool {
	s, ok := senderGroup.read(c.p, c.opt.domain())
	return !ok || sameAddresses(parseAddresses(f.value()), []Address{s})
}

func writeReplyTo(c *conversion) string {
	return addressField("Reply-To", replyTo(c.p, c.opt.domain()))
}

func sameReplyTo(c *conversion, f field) bool {
	list := replyTo(c.p, c.opt.domain())
	return len(list) == 0 || sameAddresses(parseAddresses(f.value()), list)
}

// addressees returns the recipients of one type. The organizer of a meeting has a
// row of its own, though nothing is sent to it.
func (c *conversion) addressees(t mapi.RecipientType) []Address {
	var out []Address
	for _, r := range c.m.Recipients {
		p := props{r.Properties, c.p.charset}
		if r.Type != t || p.Int(mapi.PidTagRecipientFlags)&recipientOrganizer != 0 && c.isMeeting() {
			continue
		}
		if a, ok := recipientGroup.read(p, c.opt.domain()); ok {
			out = append(out, a)
		}
	}
	return out
}

func (c *conversion) isMeeting() bool {
	class := c.p.text(mapi.PidTagMessageClass)
	return isClass(class, "IPM.Appointment") || isClass(class, "IPM.Schedule.Meeting")
}

// isClass reports whether class is the given one or derived from it.
func isClass(class, base string) bool {
	return len(class) >= len(base) && strings.EqualFold(class[:len(base)], base) &&
		(len(class) == len(base) || class[len(base)] == '.')
}

func recipients(t mapi.RecipientType, name string) func(*conversion) string {
	return func(c *conversion) string { return addressField(name, c.addressees(t)) }
}

func sameRecipients(t mapi.RecipientType) func(*conversion, field) bool {
	return func(c *conversion, f field) bool {
		list := parseAddresses(f.value())
		return len(c.m.Recipients) == 0 || sameAddresses(list, c.addressees(t)) || len(list) == 0 && len(c.addressees(t)) == 0
	}
}

func (c *conversion) subject() string {
	if s := c.p.text(mapi.PidTagSubject); s != "" {
		return s
	}
	return c.p.text(mapi.PidTagSubjectPrefix) + c.p.text(mapi.PidTagNormalizedSubject)
}

func writeSubject(c *conversion) string {
	if s := c.subject(); s != "" {
		return unstructured("Subject", s)
	}
	return ""
}

// sameSubject: a server may cut the property at 255 characters.
func sameSubject(c *conversion, f field) bool {
	const limit = 255
	header, s := decodeWords(f.value()), c.subject()
	return sameText(header, s) || utf8.RuneCountInString(s) == limit && strings.HasPrefix(strings.Join(strings.Fields(header), " "), s)
}

func textField(name string, tag mapi.PropertyTag) func(*conversion) string {
	return func(c *conversion) string {
		if s := c.p.text(tag); s != "" {
			return unstructured(name, s)
		}
		return ""
	}
}

func idField(name string, tag mapi.PropertyTag) func(*conversion) string {
	return func(c *conversion) string {
		s := strings.Join(strings.Fields(oneLine(c.p.text(tag))), " ")
		if s == "" {
			return ""
		}
		if needsWords(s) {
			return unstructured(name, s)
		}
		return fold(name, splitSpaces(s))
	}
}

func sameID(tag mapi.PropertyTag) func(*conversion, field) bool {
	return func(c *conversion, f field) bool {
		s := c.p.text(tag)
		return s == "" || sameText(f.value(), s) || sameText(decodeWords(f.value()), s)
	}
}

// ownThread reports whether topic and index are the sender's: a server makes both for
// every item, mail with headers of its own included.
func (c *conversion) ownThread() bool {
	return len(c.transport) == 0 && isClass(c.p.text(mapi.PidTagMessageClass), "IPM.Note")
}

func writeThreadTopic(c *conversion) string {
	topic := c.p.text(mapi.PidTagConversationTopic)
	if !c.ownThread() || topic == "" || topic == c.p.text(mapi.PidTagNormalizedSubject) || topic == c.subject() {
		return ""
	}
	return unstructured("Thread-Topic", topic)
}

func sameThreadTopic(c *conversion, f field) bool {
	topic := c.p.text(mapi.PidTagConversationTopic)
	return topic == "" || sameText(decodeWords(f.value()), topic)
}

func writeThreadIndex(c *conversion) string {
	index := c.p.Bytes(mapi.PidTagConversationIndex)
	if !c.ownThread() || len(index) < 22 || len(index) > 22+5*200 {
		return ""
	}
	return unstructured("Thread-Index", base64.StdEncoding.EncodeToString(index))
}

func sameThreadIndex(c *conversion, f field) bool {
	index := c.p.Bytes(mapi.PidTagConversationIndex)
	return index == nil || string(looseBase64(f.value())) == string(index)
}

func writeKeywords(c *conversion) string {
	words := c.keywords()
	if len(words) == 0 {
		return ""
	}
	var tokens []string
	for i, w := range words {
		if i > 0 {
			tokens[len(tokens)-1] += ","
		}
		t := keyword(w)
		if i > 0 {
			t[0] = " " + t[0]
		}
		tokens = append(tokens, t...)
	}
	return fold("Keywords", tokens)
}

func (c *conversion) keywords() []string { return c.p.stringsNamed(keywordsName) }

func sameKeywords(c *conversion, f field) bool {
	return slices.Equal(parseKeywords(f.value()), c.keywords())
}

// stringsNamed returns a multi-value string property, without empty values.
func (p props) stringsNamed(name mapi.PropertyName) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	switch v := p.GetNamed(name).(type) {
	case []string:
		for _, s := range v {
			add(validUTF8(s))
		}
	case []mapi.String8:
		for _, s := range v {
			add(p.valid(s))
		}
	}
	return out
}

func writeUnsent(c *conversion) string {
	if c.p.Int(mapi.PidTagMessageFlags)&flagUnsent == 0 {
		return ""
	}
	return "X-Unsent: 1\n"
}
