package ical

import (
	"slices"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
	"mailfs/mime/oxocal"
)

// Values of properties of appointments ([MS-OXOCAL] 2.2.1).
const (
	busyFree      = 0
	busyTentative = 1
	busyBusy      = 2
	busyOOF       = 3
	busyElsewhere = 4

	stateMeeting  = 1
	stateReceived = 2
	stateCanceled = 4

	trackNone      = 0
	trackOrganizer = 1
	trackTentative = 2
	trackAccepted  = 3
	trackDeclined  = 4
	trackNotYet    = 5

	sideEffects = 0x171 // of appointments and tasks: [MS-OXCMSG] 2.2.1.16
)

// span is when an event takes place.
type span struct {
	start, end when
	allDay     bool
}

// span reads DTSTART, DTEND and DURATION.
func (p *parser) span(c component) (s span, ok bool) {
	l, _ := c.Find("DTSTART")
	if s.start, ok = p.when(l); !ok {
		return s, false
	}
	s.end = s.start
	if l, has := c.Find("DTEND"); has {
		if end, ok := p.when(l); ok && !end.utc().Before(s.start.utc()) {
			s.end = end
		}
	} else if d, ok := parseDuration(c.Value("DURATION")); ok && d >= 0 {
		s.end.local = s.end.local.Add(d)
	} else if s.start.date {
		s.end.local = s.end.local.AddDate(0, 0, 1)
	}
	s.allDay = s.start.date || strings.EqualFold(c.Value("X-MICROSOFT-CDO-ALLDAYEVENT"), "TRUE")
	return s, true
}

// event reads an event with the exceptions of its series.
func (p *parser) event(list []component) (*Item, error) {
	master := list[0]
	if i := slices.IndexFunc(list, func(c component) bool { _, is := c.Find("RECURRENCE-ID"); return !is }); i >= 0 {
		master = list[i]
	}
	s, ok := p.span(master)
	if !ok {
		return nil, ErrFormat
	}
	it := &Item{Message: &mapi.Message{}}
	bag := &it.Message.Properties
	bag.Set(mapi.PidTagMessageClass, classAppointment)
	p.common(it, master)
	setSpan(bag, s)
	setBusy(bag, master)
	p.people(it, master)
	recurring := p.recurrence(it, master, s, list)
	p.eventReminder(bag, master, s)
	id := oxocal.NewGlobalID(uidOf(master))
	set(bag, mapi.PidLidCleanGlobalObjectId, id.Bytes())
	if l, is := master.Find("RECURRENCE-ID"); is {
		if w, ok := p.when(l); ok {
			id = id.On(w.local)
			set(bag, mapi.PidLidIsException, true)
		}
	}
	set(bag, mapi.PidLidGlobalObjectId, id.Bytes())
	location := master.Text("LOCATION")
	set(bag, mapi.PidLidLocation, location)
	set(bag, mapi.PidLidWhere, location)
	set(bag, mapi.PidLidAppointmentSequence, atoi(master.Value("SEQUENCE")))
	set(bag, mapi.PidLidSideEffects, int32(sideEffects))
	bag.Set(mapi.PidTagIconIndex, icon(recurring, len(it.Attendees) > 0))
	setZone(bag, s.start.zone, recurring, s.allDay)
	return it, nil
}

// icon is the value of PidTagIconIndex of an appointment ([MS-OXOCAL] 2.2.1.49).
func icon(recurring, meeting bool) int32 {
	n := int32(0x400)
	if recurring {
		n++
	}
	if meeting {
		n += 2
	}
	return n
}

// uidOf returns the UID; an item without one gets one from what it is.
func uidOf(c component) string {
	if uid := strings.TrimSpace(c.Text("UID")); uid != "" {
		return uid
	}
	return madeUID(c.Append(nil))
}

func setSpan(bag *mapi.PropertyBag, s span) {
	start, end := mapi.NewFileTime(s.start.utc()), mapi.NewFileTime(s.end.utc())
	for _, f := range []struct {
		name mapi.PropertyName
		t    mapi.FileTime
	}{{mapi.PidLidAppointmentStartWhole, start}, {mapi.PidLidAppointmentEndWhole, end}, {mapi.PidLidCommonStart, start}, {mapi.PidLidCommonEnd, end}} {
		set(bag, f.name, f.t)
	}
	bag.Set(mapi.PidTagStartDate, start)
	bag.Set(mapi.PidTagEndDate, end)
	set(bag, mapi.PidLidAppointmentDuration, int32(min(s.end.utc().Sub(s.start.utc())/time.Minute, 1<<30)))
	set(bag, mapi.PidLidAppointmentSubType, s.allDay)
}

// setBusy reads how the time is shown to others.
func setBusy(bag *mapi.PropertyBag, c component) {
	status := int32(busyBusy)
	if strings.EqualFold(c.Value("TRANSP"), "TRANSPARENT") {
		status = busyFree
	} else if strings.EqualFold(c.Value("STATUS"), "TENTATIVE") {
		status = busyTentative
	}
	for i, name := range busyNames {
		if strings.EqualFold(strings.TrimSpace(c.Value("X-MICROSOFT-CDO-BUSYSTATUS")), name) {
			status = int32(i)
		}
	}
	set(bag, mapi.PidLidBusyStatus, status)
	set(bag, mapi.PidLidIntendedBusyStatus, status)
}

var busyNames = []string{busyFree: "FREE", busyTentative: "TENTATIVE", busyBusy: "BUSY", busyOOF: "OOF", busyElsewhere: "WORKINGELSEWHERE"}

// common sets what events and tasks share.
func (p *parser) common(it *Item, c component) {
	bag := &it.Message.Properties
	subject := oneLine(c.Text("SUMMARY"))
	bag.Set(mapi.PidTagSubject, subject)
	bag.Set(mapi.PidTagSubjectPrefix, "")
	bag.Set(mapi.PidTagNormalizedSubject, subject)
	bag.Set(mapi.PidTagConversationTopic, subject)
	it.Body = strings.ReplaceAll(c.Text("DESCRIPTION"), "\r\n", "\n")
	if l, ok := c.Find("X-ALT-DESC"); ok && strings.EqualFold(l.Get("FMTTYPE"), "text/html") {
		it.HTML = l.Text()
	}
	bag.Set(mapi.PidTagImportance, importanceOf(c))
	sensitivity := int32(max(slices.Index(classNames, strings.ToUpper(strings.TrimSpace(c.Value("CLASS")))), 0))
	bag.Set(mapi.PidTagSensitivity, sensitivity)
	set(bag, mapi.PidLidPrivate, sensitivity >= 2)
	var words []string
	for _, l := range c.Lines {
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
	if l, ok := c.Find("DTSTAMP"); ok {
		if w, ok := p.when(l); ok {
			set(bag, mapi.PidLidOwnerCriticalChange, mapi.NewFileTime(w.utc()))
		}
	}
	p.attachments(it, c)
}

var keywords = mapi.StringName(mapi.PSPublicStrings, "Keywords")

// classNames are the values of PidTagSensitivity.
var classNames = []string{"PUBLIC", "X-PERSONAL", "PRIVATE", "CONFIDENTIAL"}

// importanceOf reads PRIORITY (RFC 5545 3.8.1.9): 1 is the highest, 9 the lowest.
func importanceOf(c component) int32 {
	switch n := atoi(c.Value("PRIORITY")); {
	case n >= 1 && n <= 4:
		return 2
	case n >= 6 && n <= 9:
		return 0
	}
	if c.Value("PRIORITY") == "" {
		switch strings.TrimSpace(c.Value("X-MICROSOFT-CDO-IMPORTANCE")) {
		case "0":
			return 0
		case "2":
			return 2
		}
	}
	return 1
}

// recurrence reads the rule, what it leaves out, and the exceptions.
func (p *parser) recurrence(it *Item, master component, s span, list []component) bool {
	bag := &it.Message.Properties
	set(bag, mapi.PidLidRecurring, false)
	l, ok := master.Find("RRULE")
	if !ok {
		return false
	}
	zone := s.start.zone
	c, ok := parseRule(l.Value, s.start.local, func(until string) (time.Time, bool) {
		w, ok := p.when(contentline.Line{Value: until}.With("TZID", tzid(zone)))
		return w.in(zone), ok
	})
	if !ok {
		p.unsupported("recurrence %s", l.Value)
		return false
	}
	for _, name := range []string{"RDATE", "EXRULE"} {
		if _, ok := master.Find(name); ok {
			p.unsupported("%s", name)
		}
	}
	a := oxocal.NewAppointment()
	a.Recurrence = *c
	minutes := func(t time.Time) uint32 { return uint32(t.Hour()*60 + t.Minute()) }
	a.StartOffset = minutes(s.start.local)
	a.EndOffset = a.StartOffset + uint32(s.end.utc().Sub(s.start.utc())/time.Minute)
	p.leftOut(a, master, zone)
	for _, e := range list {
		if e != master {
			p.exception(it, a, e, master, s)
		}
	}
	sortExceptions(a)
	blob, err := a.Bytes()
	if err != nil {
		p.unsupported("%v", err)
		return false
	}
	set(bag, mapi.PidLidAppointmentRecur, blob)
	set(bag, mapi.PidLidRecurring, true)
	set(bag, mapi.PidLidIsRecurring, true)
	set(bag, mapi.PidLidRecurrenceType, recurrenceType(c.Frequency))
	set(bag, mapi.PidLidClipStart, mapi.NewFileTime(zone.Rule.UTC(c.Start.Time())))
	set(bag, mapi.PidLidClipEnd, mapi.NewFileTime(zone.Rule.UTC(c.Last.Time())))
	return true
}

func tzid(z Zone) string { return z.Name }

// recurrenceType is the value of PidLidRecurrenceType ([MS-OXOCAL] 2.2.1.45).
func recurrenceType(f oxocal.Frequency) int32 { return int32(f-oxocal.Daily) + 1 }

// leftOut reads EXDATE.
func (p *parser) leftOut(a *oxocal.Appointment, master component, zone Zone) {
	for _, l := range master.Lines {
		if l.Name != "EXDATE" {
			continue
		}
		for v := range strings.SplitSeq(l.Value, ",") {
			one := l
			one.Value = v
			if w, ok := p.when(one); ok {
				a.Deleted = append(a.Deleted, oxocal.NewMinutes(w.in(zone)).Day())
			}
		}
	}
}

func sortExceptions(a *oxocal.Appointment) {
	slices.Sort(a.Deleted)
	a.Deleted = slices.Compact(a.Deleted)
	slices.Sort(a.Modified)
	slices.SortStableFunc(a.Exceptions, func(x, y oxocal.Exception) int { return int(int64(x.Start) - int64(y.Start)) })
}

func atoi(s string) int32 {
	n := int32(0)
	for _, c := range strings.TrimSpace(s) {
		if c < '0' || c > '9' || n > 1e8 {
			return n
		}
		n = n*10 + c - '0'
	}
	return n
}
