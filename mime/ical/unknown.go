package ical

import (
	"slices"

	"mailfs/mime/contentline"
)

// known are the lines that properties stand for, in groups that say one thing together.
// All other lines are kept as they came.
var known = map[string][][]string{
	"VCALENDAR": {{"PRODID"}, {"VERSION"}, {"METHOD"}},
	"VEVENT": {{"UID"}, {"DTSTAMP"}, {"DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "X-MICROSOFT-CDO-ALLDAYEVENT"}, {"SUMMARY"}, {"DESCRIPTION", "X-ALT-DESC"}, {"LOCATION"}, {"CLASS"},
		{"PRIORITY", "X-MICROSOFT-CDO-IMPORTANCE"}, {"CATEGORIES"}, {"TRANSP", "STATUS", "X-MICROSOFT-CDO-BUSYSTATUS"}, {"SEQUENCE"}, {"ORGANIZER", "ATTENDEE"}, {"RECURRENCE-ID"}},
	"VTODO": {{"UID"}, {"DTSTAMP"}, {"DTSTART", "DUE", "DURATION", "RRULE"}, {"STATUS", "COMPLETED", "PERCENT-COMPLETE", "X-MAILFS-TASK-STATUS"}, {"SUMMARY"}, {"DESCRIPTION", "X-ALT-DESC"}, {"CLASS"},
		{"PRIORITY", "X-MICROSOFT-CDO-IMPORTANCE"}, {"CATEGORIES"}},
}

// restore takes over from an older file what the new one does not speak about, and the
// form of what has not changed since. was is what the renderer makes of the older file.
func restore(out, old, was component) {
	restoreLines(out, old, nil)
	zones := func(c component) []byte {
		var p []byte
		for _, z := range c.All("VTIMEZONE") {
			p = z.Append(p)
		}
		return p
	}
	if len(out.All("VTIMEZONE")) > 0 && string(zones(out)) == string(zones(was)) {
		out.Children = slices.DeleteFunc(out.Children, func(c component) bool { return c.Name == "VTIMEZONE" })
		out.Children = append(old.All("VTIMEZONE"), out.Children...)
	}
	for _, name := range []string{"VEVENT", "VTODO"} {
		for _, c := range out.All(name) {
			o, w := sameOccurrence(old, c, out, name), sameOccurrence(was, c, out, name)
			if o == nil {
				continue
			}
			restoreLines(c, o, w)
			restoreAlarms(c, o, w)
		}
	}
	for _, c := range old.Children {
		if c.Name != "VEVENT" && c.Name != "VTODO" && c.Name != "VTIMEZONE" {
			out.Children = append(out.Children, c)
		}
	}
}

// sameOccurrence finds the component of cal for the occurrence, or series, that c of out
// is about.
func sameOccurrence(cal, c, out component, name string) component {
	want, isOne := occurrence(out, c)
	for _, o := range cal.All(name) {
		if at, is := occurrence(cal, o); is == isOne && at == want {
			return o
		}
	}
	return nil
}

// occurrence returns the moment that a component replaces.
func occurrence(cal, c component) (at int64, ok bool) {
	l, ok := c.Find("RECURRENCE-ID")
	if !ok {
		return 0, false
	}
	w, valid := (&parser{cal: cal, zones: map[string]Zone{}}).when(l)
	if !valid {
		return 0, true
	}
	return w.utc().Unix(), true
}

// linesOf returns the lines of some names.
func linesOf(c component, names []string) []contentline.Line {
	var out []contentline.Line
	for _, l := range c.Lines {
		if slices.Contains(names, l.Name) {
			out = append(out, l)
		}
	}
	return out
}

func sameLines(a, b []contentline.Line) bool {
	return slices.EqualFunc(a, b, func(x, y contentline.Line) bool { return x.String() == y.String() })
}

// restoreLines takes over lines that no property stands for, and those that say what
// they said when the older file was read.
func restoreLines(c, old, was component) {
	var all []string
	for _, names := range known[c.Name] {
		all = append(all, names...)
		if was != nil && names[0] != "DTSTAMP" && sameLines(linesOf(c, names), linesOf(was, names)) {
			c.Lines = slices.DeleteFunc(c.Lines, func(l contentline.Line) bool { return slices.Contains(names, l.Name) })
			c.Lines = append(c.Lines, linesOf(old, names)...)
		}
	}
	if _, has := c.Find("RRULE"); !has && was != nil {
		if _, understood := was.Find("RRULE"); !understood { // a rule that no pattern can express
			c.Lines = append(c.Lines, linesOf(old, []string{"RRULE"})...)
		}
	}
	for _, l := range old.Lines {
		if !slices.Contains(all, l.Name) && (l.Name != "ATTACH" || !l.Has("ENCODING", "BASE64")) {
			c.Lines = append(c.Lines, l)
		}
	}
}

// restoreAlarms takes over all alarms of an older file if the reminder, which is the
// first of them, has not changed, and the ones behind it otherwise.
func restoreAlarms(c, old, was component) {
	alarms := old.All("VALARM")
	first := func(c component) string {
		for _, a := range c.All("VALARM") {
			return string(a.Append(nil))
		}
		return ""
	}
	switch {
	case was != nil && first(c) == first(was):
		c.Children = slices.DeleteFunc(c.Children, func(a component) bool { return a.Name == "VALARM" })
	case len(alarms) > 0:
		alarms = alarms[1:]
	}
	c.Children = append(c.Children, alarms...)
	for _, o := range old.Children {
		if o.Name != "VALARM" {
			c.Children = append(c.Children, o)
		}
	}
}
