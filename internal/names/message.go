package names

import (
	"crypto/sha256"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"mailfs/mapi"
)

const (
	noSubject = "(no subject)"
	maxSender = 80 // bytes, so that a subject always has room
	dateForm  = "2006-01-02 1504"
	idLength  = 5
	// idDigits has no letters that are taken for digits, and no u.
	idDigits = "0123456789abcdefghjkmnpqrstvwxyz"
)

// Message returns the name of an item from the properties that even a header-only
// one has. ext is the end that items of its class have. loc is the time zone of its
// date; nil means UTC.
func Message(bag mapi.PropertyBag, ext string, sk mapi.SourceKey, loc *time.Location) string {
	tail := "." + ShortID(sk) + ext
	var head string
	switch ext {
	case extCalendar:
		head = calendarHead(bag, loc)
	case extContact:
		head = contactHead(bag)
	default:
		head = mailHead(bag, loc)
	}
	return cut(visible(head), Max-len(tail)) + tail
}

// calendarHead is when an appointment begins, and its subject. Tasks have no beginning.
func calendarHead(bag mapi.PropertyBag, loc *time.Location) string {
	subject := clean(subjectOf(bag))
	if subject == "" {
		subject = noSubject
	}
	start, ok := bag.GetNamed(mapi.PidLidAppointmentStartWhole).(mapi.FileTime)
	if !ok {
		start, ok = bag.Get(mapi.PidTagStartDate).(mapi.FileTime)
	}
	if !ok || !believable(start.Time()) || !strings.HasPrefix(strings.ToLower(text(bag, mapi.PidTagMessageClass)), "ipm.appointment") {
		return subject
	}
	form := dateForm
	if whole, _ := bag.GetNamed(mapi.PidLidAppointmentSubType).(bool); whole {
		form = time.DateOnly
	}
	return start.Time().In(zone(loc)).Format(form) + " " + subject
}

// contactHead is who a contact is, or what a list is called.
func contactHead(bag mapi.PropertyBag) string {
	for _, s := range []string{text(bag, mapi.PidTagDisplayName), subjectOf(bag)} {
		if s = clean(s); s != "" {
			return s
		}
	}
	return "(no name)"
}

// mailHead is when a message came, from whom, and its subject.
func mailHead(bag mapi.PropertyBag, loc *time.Location) string {
	sender := cut(clean(senderOf(bag)), maxSender)
	if sender == "" {
		sender = "(no sender)"
	}
	subject := clean(subjectOf(bag))
	if subject == "" {
		subject = noSubject
	}
	head := sender + " - " + subject
	if t, ok := dateOf(bag); ok {
		head = t.In(zone(loc)).Format(dateForm) + " " + head
	}
	return head
}

// ShortID returns five characters that are made from the source key. They tell
// neighbours apart; they do not identify.
func ShortID(sk mapi.SourceKey) string { return shortID(sk, idLength) }

// shortID returns the first n characters, at most 51, of an id.
func shortID(sk mapi.SourceKey, n int) string {
	sum := sha256.Sum256([]byte(sk))
	id := make([]byte, n)
	for i := range id {
		bit := i * 5
		v := uint16(sum[bit/8]) << 8
		if bit/8+1 < len(sum) {
			v |= uint16(sum[bit/8+1])
		}
		id[i] = idDigits[v>>(11-bit%8)&31]
	}
	return string(id)
}

// Loser returns the name of a message that lost a conflict: the winner's name, and
// the time of the other side's version. sk is the loser's own source key.
func Loser(winner string, at time.Time, loc *time.Location, sk mapi.SourceKey) string {
	stem, ext := splitExt(winner)
	if ext == "" {
		ext = extMessage
	}
	tail := " (conflict " + at.In(zone(loc)).Format("2006-01-02 150405") + ")." + ShortID(sk) + strings.ToLower(ext)
	if i := len(stem) - idLength - 1; i > 0 && stem[i] == '.' && strings.Trim(stem[i+1:], idDigits) == "" {
		stem = stem[:i]
	}
	if stem = clean(stem); stem == "" {
		stem = noSubject
	}
	return cut(visible(stem), Max-len(tail)) + tail
}

func zone(loc *time.Location) *time.Location {
	if loc == nil {
		return time.UTC
	}
	return loc
}

// visible replaces what is not a name's alone at its start: a dot would hide the file, a dash would look like an
// option, and a tilde like somebody's home.
func visible(s string) string {
	if s != "" && strings.ContainsRune(".-~", rune(s[0])) {
		return "_" + s[1:]
	}
	return s
}

// dateOf returns the first believable time of delivery, submission, creation and
// last change.
func dateOf(bag mapi.PropertyBag) (time.Time, bool) {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagMessageDeliveryTime, mapi.PidTagClientSubmitTime,
		mapi.PidTagCreationTime, mapi.PidTagLastModificationTime} {
		if !bag.Has(tag) {
			continue
		}
		if t := bag.Time(tag).Time(); believable(t) {
			return t, true
		}
	}
	return time.Time{}, false
}

func believable(t time.Time) bool { return t.Year() > 1970 && t.Year() < 2200 }

func senderOf(bag mapi.PropertyBag) string {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagSentRepresentingName, mapi.PidTagSenderName,
		mapi.PidTagSentRepresentingSmtpAddress, mapi.PidTagSenderSmtpAddress,
		mapi.PidTagSentRepresentingEmailAddress, mapi.PidTagSenderEmailAddress} {
		if s := strings.TrimSpace(text(bag, tag)); s != "" {
			return commonName(s)
		}
	}
	return ""
}

// commonName shortens a legacy distinguished name ([MS-OXOABK] 2.2.1.1) to its last
// part.
func commonName(s string) string {
	if len(s) < 3 || !strings.EqualFold(s[:3], "/o=") {
		return s
	}
	if i := strings.LastIndexByte(s, '='); i >= 0 && i+1 < len(s) {
		return s[i+1:]
	}
	return s
}

func subjectOf(bag mapi.PropertyBag) string {
	if s := text(bag, mapi.PidTagSubject); s != "" {
		return s
	}
	return text(bag, mapi.PidTagSubjectPrefix) + text(bag, mapi.PidTagNormalizedSubject)
}

// text returns a string property. Of an undecoded 8-bit string the code page is
// not known here: UTF-8 if it is that, else Windows-1252, which decodes anything.
func text(bag mapi.PropertyBag, tag mapi.PropertyTag) string {
	s, ok := bag.Get(tag).(mapi.String8)
	if !ok {
		return bag.String(tag)
	}
	if utf8.ValidString(string(s)) {
		return string(s)
	}
	t, err := charmap.Windows1252.NewDecoder().String(string(s))
	if err != nil {
		return string(s)
	}
	return t
}
