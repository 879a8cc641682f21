package mime

import (
	"strings"

	"mailfs/mapi"
	"mailfs/mime/ical"
)

// The calendar part that a meeting message came with is kept in these properties, and
// shown again for as long as the calendar properties say the same.
var (
	calendarPartName   = mapi.StringName(mapi.PSETIDMailfs, "CalendarPart")
	calendarTypeName   = mapi.StringName(mapi.PSETIDMailfs, "CalendarPartType")
	calendarDigestName = mapi.StringName(mapi.PSETIDMailfs, "CalendarPartDigest")
)

const (
	maxCalendarPart = 256 << 10
	classMeeting    = "IPM.Schedule.Meeting"

	busyTentative    = 1 // PidLidBusyStatus, [MS-OXOCAL] 2.2.1.2
	stateReceived    = 3 // a meeting, and received: PidLidAppointmentStateFlags, [MS-OXOCAL] 2.2.1.10
	stateCanceled    = 7
	respNotResponded = 5 // PidLidResponseStatus, [MS-OXOCAL] 2.2.1.11
)

// meetingClass gives the message class for a method ([MS-OXCICAL] 2.1.3.1.1.1), "" for
// a method that makes no meeting message.
func meetingClass(it *ical.Item) string {
	switch it.Method {
	case "REQUEST":
		return classMeeting + ".Request"
	case "CANCEL":
		return classMeeting + ".Canceled"
	case "REPLY":
		answer := int32(0)
		for _, a := range it.Attendees {
			answer = a.Track
			break
		}
		for track, suffix := range responses {
			if answer == track {
				return classMeeting + suffix
			}
		}
	case "COUNTER":
		return classMeeting + ".Resp.Tent"
	}
	return ""
}

// responses are the suffixes of answers by PidTagRecipientTrackStatus.
var responses = map[int32]string{2: ".Resp.Tent", 3: ".Resp.Pos", 4: ".Resp.Neg"}

// findCalendar returns the calendar part that a message is about.
func findCalendar(e *entity) *entity {
	if e.ctype == "text/calendar" && e.disposition != "attachment" && e.data != nil {
		return e
	}
	for _, c := range e.children {
		if found := findCalendar(c); found != nil {
			return found
		}
	}
	return nil
}

// meeting takes over what a calendar part says. A part that can't be read, or that is no
// meeting message, stays an attachment.
func (p *parser) meeting(m *mapi.Message, root *entity) error {
	e := findCalendar(root)
	if e == nil || mapi.ValueSize(e.data) > maxItemFile {
		return nil
	}
	raw, err := mapi.ValueBytes(e.data)
	if err != nil {
		return err
	}
	text, _ := decode(e.params["charset"], raw)
	it, _, err := ical.Parse(text, ical.Options{Zone: p.opt.Zone})
	if err != nil {
		p.unsupported("calendar part: %v", err)
		return nil
	}
	if method := strings.ToUpper(e.params["method"]); it.Method == "" {
		it.Method = method
	}
	class := meetingClass(it)
	if class == "" {
		// What is published is a file for whoever wants it: the mail around it is a mail.
		if it.Method != "PUBLISH" {
			p.unsupported("calendar part with method %q", it.Method)
		}
		return nil
	}
	e.used = true
	bag := &m.Properties
	bag.Set(mapi.PidTagMessageClass, class)
	for _, prop := range it.Message.Properties {
		if calendarProperty(prop) || prop.Tag.ID() == mapi.PidTagStartDate.ID() || prop.Tag.ID() == mapi.PidTagEndDate.ID() ||
			prop.Tag.ID() == mapi.PidTagResponseRequested.ID() || prop.Tag.ID() == mapi.PidTagReplyRequested.ID() {
			bag.Put(prop)
		}
	}
	if !bag.Has(mapi.PidTagBody) && !bag.Has(mapi.PidTagHtml) {
		setItemBody(bag, it.Body, it.HTML)
	}
	setReceived(bag, it.Method)
	if len(text) <= maxCalendarPart {
		bag.SetNamed(calendarPartName, mapi.TypeString, text)
		bag.SetNamed(calendarTypeName, mapi.TypeString, e.ctype+furtherParams(e.params, "charset", "boundary"))
		bag.SetNamed(calendarDigestName, mapi.TypeBinary, calendarDigest(*bag))
	}
	return nil
}

// calendarProperty reports whether a property belongs to the calendar, whatever else a
// message is.
func calendarProperty(p mapi.Property) bool {
	return p.Name.Set == mapi.PSETIDAppointment || p.Name.Set == mapi.PSETIDMeeting || p.Name.Set == mapi.PSETIDCommon
}

// setReceived sets what a meeting message is for its receiver ([MS-OXOCAL] 2.2.6).
func setReceived(bag *mapi.PropertyBag, method string) {
	state := int32(stateReceived)
	if method == "CANCEL" {
		state = stateCanceled
	}
	if method == "REQUEST" || method == "CANCEL" {
		bag.SetNamed(mapi.PidLidAppointmentStateFlags, mapi.TypeInteger32, state)
		bag.SetNamed(mapi.PidLidResponseStatus, mapi.TypeInteger32, int32(respNotResponded))
	}
	if busy, ok := bag.GetNamed(mapi.PidLidIntendedBusyStatus).(int32); ok && method == "REQUEST" && busy != 0 {
		bag.SetNamed(mapi.PidLidBusyStatus, mapi.TypeInteger32, int32(busyTentative))
	}
}

// calendarDigest is a hash over what the calendar properties of a message say.
func calendarDigest(bag mapi.PropertyBag) []byte {
	var own mapi.PropertyBag
	for _, p := range bag {
		if calendarProperty(p) {
			own = append(own, p)
		}
	}
	m := unicodeMessage(&mapi.Message{Properties: own})
	return ical.Digest(&ical.Item{Message: m})
}

// calendarPart renders the calendar part of a meeting message: the one that it came
// with, or with Options.Calendar one that its properties make.
func (c *conversion) calendarPart() (part, bool) {
	class := c.p.text(mapi.PidTagMessageClass)
	text := c.p.named(calendarPartName)
	digest, err := mapi.ValueBytes(c.p.GetNamed(calendarDigestName))
	if text != "" && err == nil && string(digest) == string(calendarDigest(c.p.PropertyBag)) {
		_, params := parseValue(c.p.named(calendarTypeName))
		return textPart("calendar", lfOf(text), false, paramTokens(params, "charset", "boundary")...), true
	}
	if !c.opt.Calendar || !isClass(class, classMeeting) {
		return part{}, false
	}
	it, err := newConversion(c.opt, unicodeMessage(c.m), "", c.depth).calendarItem()
	if err != nil || !setMethod(it, class) {
		return part{}, false
	}
	return textPart("calendar", lf(ical.Render(it)), false, param("method", it.Method)...), true
}

// setMethod sets the method that a class stands for, and who speaks to whom.
func setMethod(it *ical.Item, class string) bool {
	switch {
	case isClass(class, classMeeting+".Request"):
		it.Method = "REQUEST"
	case isClass(class, classMeeting+".Canceled"):
		it.Method = "CANCEL"
	case isClass(class, classMeeting+".Resp"):
		it.Method = "REPLY"
	default:
		return false
	}
	if it.Method != "REPLY" {
		return true
	}
	answer := ical.Attendee{Person: it.Organizer, Type: mapi.RecipientTo}
	for track, suffix := range responses {
		if isClass(class, classMeeting+suffix) {
			answer.Track = track
		}
	}
	if len(it.Attendees) > 0 {
		it.Organizer = it.Attendees[0].Person
	}
	it.Attendees = []ical.Attendee{answer}
	return true
}
