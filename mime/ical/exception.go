package ical

import (
	"slices"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
	"mailfs/mime/oxocal"
)

// Properties of the attachments that hold exceptions ([MS-OXOCAL] 2.2.10.1).
const (
	pidTagExceptionStartTime mapi.PropertyTag = 0x7FFB0040
	pidTagExceptionEndTime   mapi.PropertyTag = 0x7FFC0040

	classException      = "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"
	attachmentException = 2 // afException, PidTagAttachmentFlags
	methodEmbedded      = 5
	maxExceptions       = 1000
)

// exception adds an occurrence that differs from its series: an entry in the pattern,
// and an embedded message for what that has no room for.
func (p *parser) exception(it *Item, a *oxocal.Appointment, c, master component, series span) {
	if len(a.Exceptions) >= maxExceptions {
		p.unsupported("more than %d exceptions", maxExceptions)
		return
	}
	l, _ := c.Find("RECURRENCE-ID")
	at, ok := p.when(l)
	if !ok {
		p.unsupported("exception of %q", l.Value)
		return
	}
	s, ok := p.span(c)
	if !ok {
		p.unsupported("exception of %q without a start", l.Value)
		return
	}
	zone := series.start.zone
	original := at.in(zone)
	if at.date && !series.start.date {
		original = original.Add(time.Duration(a.StartOffset) * time.Minute)
	}
	e := oxocal.Exception{Start: oxocal.NewMinutes(s.start.in(zone)), End: oxocal.NewMinutes(s.end.in(zone)), Original: oxocal.NewMinutes(original)}
	override := func(name string, o oxocal.Overrides, dst *string) {
		if v := oneLine(c.Text(name)); v != oneLine(master.Text(name)) {
			e.Overrides |= o
			*dst = v
		}
	}
	override("SUMMARY", oxocal.OverrideSubject, &e.Subject)
	override("LOCATION", oxocal.OverrideLocation, &e.Location)
	if s.allDay != series.allDay {
		e.Overrides |= oxocal.OverrideAllDay
		if s.allDay {
			e.AllDay = 1
		}
	}
	var own, whole mapi.PropertyBag
	setBusy(&own, c)
	setBusy(&whole, master)
	if v := number(own, mapi.PidLidBusyStatus); v != number(whole, mapi.PidLidBusyStatus) {
		e.Overrides |= oxocal.OverrideBusyStatus
		e.BusyStatus = uint32(v)
	}
	own, whole = nil, nil
	p.eventReminder(&own, c, s)
	p.eventReminder(&whole, master, series)
	if set, was := flag(own, mapi.PidLidReminderSet), flag(whole, mapi.PidLidReminderSet); set != was {
		e.Overrides |= oxocal.OverrideReminder
		if set {
			e.Reminder = 1
		}
	}
	if d := number(own, mapi.PidLidReminderDelta); flag(own, mapi.PidLidReminderSet) && d != number(whole, mapi.PidLidReminderDelta) {
		e.Overrides |= oxocal.OverrideReminderDelta
		e.Delta = uint32(d)
	}
	if c.Text("DESCRIPTION") != master.Text("DESCRIPTION") {
		e.Overrides |= oxocal.OverrideBody
	}
	a.Exceptions = append(a.Exceptions, e)
	a.Deleted = append(a.Deleted, e.Original.Day())
	a.Modified = append(a.Modified, e.Start.Day())
	it.Message.Attachments = append(it.Message.Attachments, p.exceptionAttachment(len(it.Message.Attachments), c, s, at))
}

func (p *parser) exceptionAttachment(number int, c component, s span, at when) mapi.Attachment {
	in := &Item{Message: &mapi.Message{}}
	bag := &in.Message.Properties
	bag.Set(mapi.PidTagMessageClass, classException)
	p.common(in, c)
	setSpan(bag, s)
	setBusy(bag, c)
	p.eventReminder(bag, c, s)
	set(bag, mapi.PidLidLocation, c.Text("LOCATION"))
	set(bag, mapi.PidLidExceptionReplaceTime, mapi.NewFileTime(at.utc()))
	set(bag, mapi.PidLidRecurring, false)
	if in.Body != "" {
		bag.Set(mapi.PidTagBody, crlf(in.Body))
		bag.Set(mapi.PidTagNativeBody, int32(1))
	}
	a := mapi.Attachment{Number: uint32(number), Embedded: in.Message}
	a.Properties = mapi.PropertyBag{
		{Tag: mapi.PidTagAttachNumber, Value: int32(number)},
		{Tag: mapi.PidTagAttachMethod, Value: int32(methodEmbedded)},
		{Tag: mapi.PidTagRenderingPosition, Value: int32(-1)},
		{Tag: mapi.PidTagAttachmentFlags, Value: int32(attachmentException)},
		{Tag: mapi.PidTagAttachmentHidden, Value: true},
		{Tag: mapi.PidTagDisplayName, Value: "Untitled"},
		{Tag: pidTagExceptionStartTime, Value: mapi.NewFileTime(s.start.local)},
		{Tag: pidTagExceptionEndTime, Value: mapi.NewFileTime(s.end.in(s.start.zone))},
	}
	return a
}

// exceptionMessage finds the embedded message of an exception by the time that it
// replaces.
func exceptionMessage(m *mapi.Message, original time.Time) *mapi.Message {
	for _, a := range m.Attachments {
		if a.Embedded == nil || a.Properties.Int(mapi.PidTagAttachmentFlags)&attachmentException == 0 {
			continue
		}
		if t, ok := moment(a.Embedded.Properties, mapi.PidLidExceptionReplaceTime); ok && t.Equal(original) {
			return a.Embedded
		}
	}
	return nil
}

// recurrence writes the rule, what it leaves out, and the exceptions.
func (r *renderer) recurrence(c component, start time.Time, zone Zone, allDay bool) (exceptions []component) {
	a, err := oxocal.ParseAppointment(bytesOf(r.bag, mapi.PidLidAppointmentRecur))
	if err != nil || !flag(r.bag, mapi.PidLidRecurring) {
		return nil
	}
	local := zone.Rule.Local(start)
	if allDay {
		local = zone.day(start)
	}
	rule, ok := formatRule(&a.Recurrence, oxocal.NewMinutes(local), func(last oxocal.Minutes) string {
		if allDay {
			return last.Time().Format(dateForm)
		}
		return zone.Rule.UTC(last.Time().Add(time.Duration(a.StartOffset) * time.Minute)).Format(utcForm)
	})
	if !ok {
		return nil
	}
	c.AddRaw("RRULE", rule)
	replaced := map[oxocal.Minutes]bool{}
	for _, e := range a.Exceptions {
		replaced[e.Original.Day()] = true
	}
	for _, d := range a.Deleted {
		if !replaced[d.Day()] {
			at := zone.Rule.UTC(d.Time().Add(time.Duration(a.StartOffset) * time.Minute))
			c.Lines = append(c.Lines, zone.line("EXDATE", at, allDay))
		}
	}
	for i := range a.Exceptions {
		exceptions = append(exceptions, r.exceptionEvent(&a.Exceptions[i], c, zone, allDay))
	}
	return exceptions
}

// inherited are the lines of a series that its exceptions repeat.
var inherited = []string{"UID", "SUMMARY", "LOCATION", "DESCRIPTION", "CLASS", "PRIORITY", "CATEGORIES", "ORGANIZER", "ATTENDEE",
	"TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "DTSTAMP", "SEQUENCE"}

func (r *renderer) exceptionEvent(e *oxocal.Exception, series component, zone Zone, allDay bool) component {
	c := contentline.New("VEVENT")
	original := zone.Rule.UTC(e.Original.Time())
	own := exceptionMessage(r.it.Message, original)
	replace := map[string]string{}
	if e.Overrides&oxocal.OverrideSubject != 0 {
		replace["SUMMARY"] = e.Subject
	}
	if e.Overrides&oxocal.OverrideLocation != 0 {
		replace["LOCATION"] = e.Location
	}
	if e.Overrides&oxocal.OverrideBody != 0 && own != nil {
		s, _ := own.Properties.Get(mapi.PidTagBody).(string)
		replace["DESCRIPTION"] = s
	}
	for _, l := range series.Lines {
		_, is := replace[l.Name]
		switch {
		case !slices.Contains(inherited, l.Name) || is:
		case e.Overrides&oxocal.OverrideBusyStatus != 0 && (l.Name == "TRANSP" || l.Name == "X-MICROSOFT-CDO-BUSYSTATUS"):
		default:
			c.Lines = append(c.Lines, l)
		}
	}
	for _, name := range []string{"SUMMARY", "LOCATION", "DESCRIPTION"} {
		c.Add(name, replace[name])
	}
	if e.Overrides&oxocal.OverrideBusyStatus != 0 {
		addBusy(c, int32(e.BusyStatus))
	}
	date := allDay
	if e.Overrides&oxocal.OverrideAllDay != 0 {
		date = e.AllDay != 0
	}
	c.Lines = append(c.Lines, zone.line("RECURRENCE-ID", original, allDay),
		zone.line("DTSTART", zone.Rule.UTC(e.Start.Time()), date), zone.line("DTEND", zone.Rule.UTC(e.End.Time()), date))
	r.exceptionAlarm(c, series, e)
	return c
}

func (r *renderer) exceptionAlarm(c, series component, e *oxocal.Exception) {
	on, delta := flag(r.bag, mapi.PidLidReminderSet), number(r.bag, mapi.PidLidReminderDelta)
	if e.Overrides&oxocal.OverrideReminder != 0 {
		on = e.Reminder != 0
	}
	if e.Overrides&oxocal.OverrideReminderDelta != 0 {
		delta = int32(e.Delta)
	}
	if on {
		c.Children = append(c.Children, alarm(delta))
	}
}
