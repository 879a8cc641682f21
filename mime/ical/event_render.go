package ical

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"mailfs/mapi"
	"mailfs/mime/contentline"
	"mailfs/mime/oxocal"
)

// madeUID returns a UID for an item that has none.
func madeUID(p []byte) string {
	sum := sha256.Sum256(p)
	return hex.EncodeToString(sum[:16]) + "@mailfs"
}

// uid returns what the item is known by.
func (r *renderer) uid() string {
	if g, err := oxocal.ParseGlobalID(bytesOf(r.bag, mapi.PidLidGlobalObjectId)); err == nil {
		if uid := oneLine(g.UID()); uid != "" {
			return uid
		}
	}
	if uid := oneLine(text(r.bag, uidName)); uid != "" {
		return uid
	}
	if key := r.bag.Bytes(mapi.PidTagSearchKey); len(key) > 0 {
		return hex.EncodeToString(key)
	}
	return madeUID([]byte(r.text(mapi.PidTagSubject)))
}

// event writes an appointment.
func (r *renderer) event() {
	c := contentline.New("VEVENT")
	c.Add("UID", r.uid())
	c.AddRaw("DTSTAMP", r.stamp.UTC().Format(utcForm))
	zone := zoneOf(r.bag)
	allDay := flag(r.bag, mapi.PidLidAppointmentSubType)
	start, hasStart := moment(r.bag, mapi.PidLidAppointmentStartWhole)
	end, hasEnd := moment(r.bag, mapi.PidLidAppointmentEndWhole)
	if t := r.bag.Time(mapi.PidTagStartDate); !hasStart && believable(t) {
		start, hasStart = t.Time(), true
	}
	if t := r.bag.Time(mapi.PidTagEndDate); !hasEnd && believable(t) {
		end, hasEnd = t.Time(), true
	}
	if !hasStart {
		start = r.stamp
	}
	c.Lines = append(c.Lines, zone.line("DTSTART", start, allDay))
	if hasEnd && !end.Before(start) {
		if allDay && !zone.day(end).After(zone.day(start)) {
			end = start.AddDate(0, 0, 1)
		}
		c.Lines = append(c.Lines, zone.line("DTEND", end, allDay))
	}
	r.common(c)
	c.Add("LOCATION", oneLine(text(r.bag, mapi.PidLidLocation)))
	if busy, ok := r.bag.GetNamed(mapi.PidLidBusyStatus).(int32); ok {
		addBusy(c, busy)
	}
	if number(r.bag, mapi.PidLidAppointmentStateFlags)&stateCanceled != 0 {
		c.AddRaw("STATUS", "CANCELLED")
	}
	if n, ok := r.bag.GetNamed(mapi.PidLidAppointmentSequence).(int32); ok && (n > 0 || len(r.it.Attendees) > 0) {
		c.AddRaw("SEQUENCE", strconv.Itoa(int(max(n, 0))))
	}
	r.people(c)
	if flag(r.bag, mapi.PidLidReminderSet) {
		c.Children = append(c.Children, alarm(number(r.bag, mapi.PidLidReminderDelta)))
	}
	if g, err := oxocal.ParseGlobalID(bytesOf(r.bag, mapi.PidLidGlobalObjectId)); err == nil && g.Month != 0 && !flag(r.bag, mapi.PidLidRecurring) {
		at := zone.Rule.Local(start)
		day := oxocal.SystemTime{Year: g.Year, Month: uint16(g.Month), Day: uint16(g.Day), Hour: uint16(at.Hour()), Minute: uint16(at.Minute())}
		c.Lines = append(c.Lines, zone.line("RECURRENCE-ID", zone.Rule.UTC(day.In(int(g.Year))), allDay))
	}
	exceptions := r.recurrence(c, start, zone, allDay)
	if !zone.isUTC() {
		r.cal.Children = append(r.cal.Children, zoneComponent(zone))
	}
	r.cal.Children = append(append(r.cal.Children, c), exceptions...)
}

func addBusy(c component, busy int32) {
	if busy == busyFree {
		c.AddRaw("TRANSP", "TRANSPARENT")
	} else {
		c.AddRaw("TRANSP", "OPAQUE")
	}
	if busy >= 0 && int(busy) < len(busyNames) && busy != busyFree && busy != busyBusy {
		c.AddRaw("X-MICROSOFT-CDO-BUSYSTATUS", busyNames[busy])
	}
}

// common writes what events and tasks share.
func (r *renderer) common(c component) {
	c.Add("SUMMARY", oneLine(strings.ToValidUTF8(r.text(mapi.PidTagSubject), "\uFFFD")))
	c.Add("DESCRIPTION", strings.TrimRight(strings.ReplaceAll(r.it.Body, "\r\n", "\n"), "\n"))
	if r.it.HTML != "" {
		c.Lines = append(c.Lines, contentline.Line{Name: "X-ALT-DESC", Value: contentline.Escape(r.it.HTML)}.With("FMTTYPE", "text/html"))
	}
	if n := r.bag.Int(mapi.PidTagSensitivity); n >= 1 && int(n) < len(classNames) {
		c.AddRaw("CLASS", classNames[n])
	}
	if r.bag.Has(mapi.PidTagImportance) {
		switch r.bag.Int(mapi.PidTagImportance) {
		case 0:
			c.AddRaw("PRIORITY", "9")
		case 2:
			c.AddRaw("PRIORITY", "1")
		}
	}
	if words, _ := r.bag.GetNamed(keywords).([]string); len(words) > 0 {
		c.AddRaw("CATEGORIES", contentline.Join(words, ","))
	}
	r.attachments(c)
}
