package ical

import (
	"slices"
	"time"

	"mailfs/mime/contentline"
)

// known are the lines that properties stand for, by component. All others are kept as
// they came.
var known = map[string][]string{
	"VCALENDAR": {"PRODID", "VERSION", "METHOD"},
	"VEVENT": {"UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "SUMMARY", "DESCRIPTION", "X-ALT-DESC", "LOCATION", "CLASS", "PRIORITY",
		"CATEGORIES", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-IMPORTANCE", "X-MICROSOFT-CDO-ALLDAYEVENT", "SEQUENCE",
		"ORGANIZER", "ATTENDEE", "RRULE", "EXDATE", "RECURRENCE-ID", "STATUS"},
	"VTODO": {"UID", "DTSTAMP", "DTSTART", "DUE", "DURATION", "COMPLETED", "SUMMARY", "DESCRIPTION", "X-ALT-DESC", "CLASS", "PRIORITY",
		"CATEGORIES", "STATUS", "PERCENT-COMPLETE", "X-MAILFS-TASK-STATUS", "X-MICROSOFT-CDO-IMPORTANCE", "RRULE"},
}

// restoreUnknown adds the lines and components of an older file that the new one does
// not speak about.
func restoreUnknown(out, old component) {
	restoreLines(out, old)
	for _, name := range []string{"VEVENT", "VTODO"} {
		for _, c := range out.All(name) {
			if o := sameOccurrence(old.All(name), c); o != nil {
				restoreLines(c, o)
				restoreAlarms(c, o)
			}
		}
	}
	for _, c := range old.Children {
		if c.Name != "VEVENT" && c.Name != "VTODO" && c.Name != "VTIMEZONE" {
			out.Children = append(out.Children, c)
		}
	}
}

// sameOccurrence finds the component for the same occurrence, or for the series.
func sameOccurrence(list []component, c component) component {
	want := c.Value("RECURRENCE-ID")
	for _, o := range list {
		if o.Value("RECURRENCE-ID") == want {
			return o
		}
	}
	return nil
}

func restoreLines(c, old component) {
	_, recurs := c.Find("RRULE")
	for _, l := range old.Lines {
		switch {
		case l.Name == "ATTACH" && l.Has("ENCODING", "BASE64"): // an attachment of the item
		case l.Name == "STATUS" && c.Name == "VEVENT":
			if _, ok := c.Find("STATUS"); !ok && l.Value != "CANCELLED" {
				c.Lines = append(c.Lines, l)
			}
		case l.Name == "RRULE" && !recurs && !expressible(old): // a rule that no pattern can express
			c.Lines = append(c.Lines, l)
		case !slices.Contains(known[c.Name], l.Name):
			c.Lines = append(c.Lines, l)
		}
	}
}

// expressible reports whether the rule of a component is a pattern.
func expressible(c component) bool {
	p := &parser{cal: contentline.New("VCALENDAR"), zones: map[string]Zone{}}
	l, _ := c.Find("DTSTART")
	w, ok := p.when(l)
	if !ok {
		return false
	}
	_, ok = parseRule(c.Value("RRULE"), w.local, func(s string) (time.Time, bool) {
		u, ok := p.when(contentline.Line{Value: s})
		return u.local, ok
	})
	return ok
}

// restoreAlarms adds the alarms behind the first one, which is the reminder.
func restoreAlarms(c, old component) {
	first := true
	for _, a := range old.Children {
		if a.Name == "VALARM" && first {
			first = false
			continue
		}
		c.Children = append(c.Children, a)
	}
}
