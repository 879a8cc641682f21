package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
	"mailfs/mime/oxocal"
)

type component = *contentline.Component

// Zone is a time zone: a name and the rule of its clocks. The zero value is UTC.
type Zone struct {
	Name string
	Rule oxocal.Rule
}

func (z Zone) isUTC() bool { return z.Name == "" }

const (
	dateForm  = "20060102"
	localForm = "20060102T150405"
	utcForm   = "20060102T150405Z"
)

// when is a date, or a time with its zone (RFC 5545 3.3.4 and 3.3.5).
type when struct {
	local time.Time // as if it were UTC
	zone  Zone
	date  bool
}

func (w when) utc() time.Time { return w.zone.Rule.UTC(w.local) }

// in returns the moment as a local time of a zone.
func (w when) in(z Zone) time.Time {
	if w.date {
		return w.local
	}
	return z.Rule.Local(w.utc())
}

// when reads a date or time property.
func (p *parser) when(l contentline.Line) (when, bool) {
	v := strings.TrimSpace(l.Value)
	if len(v) == len(dateForm) {
		t, err := time.Parse(dateForm, v)
		return when{local: t, zone: p.opt.Zone, date: true}, err == nil
	}
	if strings.HasSuffix(v, "Z") {
		t, err := time.Parse(utcForm, v)
		return when{local: t}, err == nil
	}
	t, err := time.Parse(localForm, v)
	if err != nil {
		return when{}, false
	}
	return when{local: t, zone: p.zone(l.Get("TZID"), t)}, true
}

// zone finds a time zone by the name that the file gives it.
func (p *parser) zone(id string, at time.Time) Zone {
	if id == "" {
		return p.opt.Zone
	}
	if z, ok := p.zones[id]; ok {
		return z
	}
	if p.described == nil {
		p.described = map[string]component{}
		for _, c := range p.cal.All("VTIMEZONE") {
			p.described[c.Text("TZID")] = c
		}
	}
	z := Zone{Name: id}
	known := false
	if c := p.described[id]; c != nil {
		z.Rule, known = zoneRule(c, at)
	}
	if !known {
		if z.Rule, known = knownZone(id); !known {
			p.unsupported("time zone %q", id)
			z = p.opt.Zone
		}
	}
	p.zones[id] = z
	return z
}

// observance is a STANDARD or DAYLIGHT part of a time zone.
type observance struct {
	offset int32 // minutes ahead of UTC
	start  time.Time
	change oxocal.SystemTime
	yearly bool
}

// zoneRule reads a VTIMEZONE (RFC 5545 3.6.5) as it is at a time: the rule that
// started last, and saving time only if that goes on.
func zoneRule(c component, at time.Time) (oxocal.Rule, bool) {
	standard, ok := latest(c.All("STANDARD"), at, true)
	saving, hasSaving := latest(c.All("DAYLIGHT"), at, false)
	switch {
	case !ok && !hasSaving:
		return oxocal.Rule{}, false
	case !ok:
		standard = saving
		hasSaving = false
	}
	rule := oxocal.Rule{Bias: -standard.offset}
	if hasSaving && saving.yearly && standard.yearly && saving.offset != standard.offset {
		rule.Saving = standard.offset - saving.offset
		rule.ToStandard, rule.ToSaving = standard.change, saving.change
	}
	return rule, true
}

// latest returns the observance that started last before at, else the first one.
func latest(list []component, at time.Time, ended bool) (best observance, found bool) {
	for _, c := range list {
		o, over, ok := readObservance(c, at)
		if !ok || over && !ended {
			continue
		}
		if !found || !o.start.After(at) && (o.start.After(best.start) || best.start.After(at)) {
			best, found = o, true
		}
	}
	return best, found
}

func readObservance(c component, at time.Time) (o observance, over, ok bool) {
	offset, ok := utcOffset(c.Value("TZOFFSETTO"))
	start, err := time.Parse(localForm, strings.TrimSpace(c.Value("DTSTART")))
	if !ok || err != nil {
		return o, false, false
	}
	o = observance{offset: offset, start: start}
	o.change = oxocal.SystemTime{Month: uint16(start.Month()), DayOfWeek: uint16(start.Weekday()), Day: uint16((start.Day()-1)/7 + 1),
		Hour: uint16(start.Hour()), Minute: uint16(start.Minute()), Second: uint16(start.Second())}
	rule := ruleParts(c.Value("RRULE"))
	if rule["FREQ"] != "YEARLY" {
		return o, false, true
	}
	o.yearly = true
	if until := rule["UNTIL"]; len(until) >= len(dateForm) {
		if t, err := time.Parse(dateForm, until[:len(dateForm)]); err == nil {
			over = t.Before(at)
		}
	}
	if m, err := strconv.Atoi(rule["BYMONTH"]); err == nil && m >= 1 && m <= 12 {
		o.change.Month = uint16(m)
	}
	if n, day, ok := weekdayNumber(rule["BYDAY"]); ok {
		o.change.DayOfWeek = uint16(day)
		switch {
		case n == -1:
			o.change.Day = 5
		case n >= 1 && n <= 5:
			o.change.Day = uint16(n)
		case rule["BYMONTHDAY"] != "": // the first such day in a span of days
			first, _, _ := strings.Cut(rule["BYMONTHDAY"], ",")
			if d, err := strconv.Atoi(first); err == nil && d >= 1 && d <= 31 {
				o.change.Day = uint16((d-1)/7 + 1)
			}
		}
	}
	return o, over, true
}

// utcOffset reads hours and minutes, and leaves out seconds.
func utcOffset(s string) (minutes int32, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) < 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s[1:5])
	if err != nil || n/100 > 24 || n%100 > 59 || n < 0 {
		return 0, false
	}
	minutes = int32(n/100*60 + n%100)
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}

func formatOffset(minutes int32) string {
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("%c%02d%02d", sign, minutes/60, minutes%60)
}

// zoneComponent writes a VTIMEZONE in the form that Outlook gives it.
func zoneComponent(z Zone) component {
	c := contentline.New("VTIMEZONE")
	c.AddRaw("TZID", contentline.Escape(z.Name))
	standard, saving := -(z.Rule.Bias + z.Rule.Standard), -(z.Rule.Bias + z.Rule.Saving)
	if !z.Rule.HasSaving() {
		saving = standard
	}
	part := func(name string, from, to int32, change oxocal.SystemTime) {
		o := contentline.New(name)
		start := time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
		if z.Rule.HasSaving() {
			start = change.In(1601)
		}
		o.AddRaw("DTSTART", start.Format(localForm))
		if z.Rule.HasSaving() {
			n := int(change.Day)
			if n == 5 {
				n = -1
			}
			o.AddRaw("RRULE", fmt.Sprintf("FREQ=YEARLY;BYDAY=%d%s;BYMONTH=%d", n, dayNames[change.DayOfWeek%7], change.Month))
		}
		o.AddRaw("TZOFFSETFROM", formatOffset(from))
		o.AddRaw("TZOFFSETTO", formatOffset(to))
		c.Children = append(c.Children, o)
	}
	part("STANDARD", saving, standard, z.Rule.ToStandard)
	if z.Rule.HasSaving() {
		part("DAYLIGHT", standard, saving, z.Rule.ToSaving)
	}
	return c
}

// zoneOf returns the time zone of an item: that of its recurrence, else the one in
// which its start is shown.
func zoneOf(bag mapi.PropertyBag) Zone {
	names := []mapi.PropertyName{mapi.PidLidAppointmentTimeZoneDefinitionStartDisplay, mapi.PidLidAppointmentTimeZoneDefinitionRecur}
	if flag(bag, mapi.PidLidRecurring) {
		names[0], names[1] = names[1], names[0]
		if z, err := oxocal.ParseZoneStruct(bytesOf(bag, mapi.PidLidTimeZoneStruct)); err == nil {
			name := oneLine(text(bag, mapi.PidLidTimeZoneDescription))
			if d, err := oxocal.ParseDefinition(bytesOf(bag, mapi.PidLidAppointmentTimeZoneDefinitionRecur)); err == nil && d.Name != "" {
				name = oneLine(d.Name)
			}
			if name == "" {
				name = "Local"
			}
			return namedZone(name, z)
		}
	}
	for _, name := range names {
		if d, err := oxocal.ParseDefinition(bytesOf(bag, name)); err == nil {
			return namedZone(oneLine(d.Name), d.Effective())
		}
	}
	return Zone{}
}

// namedZone returns the zero Zone for what is UTC under whatever name.
func namedZone(name string, rule oxocal.Rule) Zone {
	if name == "" || rule.Bias+rule.Standard == 0 && !rule.HasSaving() && strings.Contains(strings.ToUpper(name), "UTC") {
		return Zone{}
	}
	return Zone{name, rule}
}

// setZone stores the time zone of an appointment. Whole days need one even if it is UTC:
// others could not tell which days are meant.
func setZone(bag *mapi.PropertyBag, z Zone, recurring, allDay bool) {
	if z.isUTC() {
		if !allDay {
			return
		}
		z.Name = "UTC"
	}
	d := oxocal.Definition{Name: z.Name, Rules: []oxocal.Rule{z.Rule}}
	d.Rules[0].Flags, d.Rules[0].Year = oxocal.RuleEffective, 1601
	set(bag, mapi.PidLidAppointmentTimeZoneDefinitionStartDisplay, d.Bytes())
	set(bag, mapi.PidLidAppointmentTimeZoneDefinitionEndDisplay, d.Bytes())
	if recurring {
		set(bag, mapi.PidLidTimeZoneStruct, z.Rule.Struct())
		set(bag, mapi.PidLidTimeZoneDescription, z.Name)
		d.Rules[0].Flags |= oxocal.RuleRecurrence
		set(bag, mapi.PidLidAppointmentTimeZoneDefinitionRecur, d.Bytes())
	}
}

// line writes a moment under a name, in the zone or as a date.
func (z Zone) line(name string, utc time.Time, date bool) contentline.Line {
	switch {
	case date:
		return contentline.Line{Name: name, Value: z.day(utc).Format(dateForm)}.With("VALUE", "DATE")
	case z.isUTC():
		return contentline.Line{Name: name, Value: utc.UTC().Format(utcForm)}
	}
	return contentline.Line{Name: name, Value: z.Rule.Local(utc).Format(localForm)}.With("TZID", z.Name)
}

// day returns the day that a moment stands for, which is midnight but for items whose
// zone was lost.
func (z Zone) day(utc time.Time) time.Time {
	local := z.Rule.Local(utc)
	if z.isUTC() {
		local = local.Add(12 * time.Hour)
	}
	return local.Truncate(24 * time.Hour)
}
