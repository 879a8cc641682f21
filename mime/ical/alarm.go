package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime/contentline"
)

// parseDuration reads a duration (RFC 5545 3.3.6).
func parseDuration(s string) (time.Duration, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	sign := time.Duration(1)
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = -1, rest
	}
	s = strings.TrimPrefix(s, "+")
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return 0, false
	}
	var d time.Duration
	inTime := false
	for s != "" {
		if rest, ok := strings.CutPrefix(s, "T"); ok {
			inTime, s = true, rest
			continue
		}
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi(s[:n])
		if err != nil || n == len(s) || v > 1e6 {
			return 0, false
		}
		unit := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
		if inTime {
			unit = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
		}
		u, ok := unit[s[n]]
		if !ok {
			return 0, false
		}
		d += time.Duration(v) * u
		s = s[n+1:]
	}
	return sign * d, true
}

// trigger returns when the first alarm of an item rings.
func (p *parser) trigger(c component, start, end time.Time) (time.Time, bool) {
	for _, a := range c.All("VALARM") {
		l, ok := a.Find("TRIGGER")
		if !ok {
			continue
		}
		if l.Has("VALUE", "DATE-TIME") {
			if w, ok := p.when(l); ok {
				return w.utc(), true
			}
			continue
		}
		if d, ok := parseDuration(l.Value); ok {
			if l.Has("RELATED", "END") {
				return end.Add(d), true
			}
			return start.Add(d), true
		}
	}
	return time.Time{}, false
}

// eventReminder sets the reminder of an event ([MS-OXORMDR] 2.2.1).
func (p *parser) eventReminder(bag *mapi.PropertyBag, c component, s span) {
	start := s.start.utc()
	at, ok := p.trigger(c, start, s.end.utc())
	set(bag, mapi.PidLidReminderSet, ok)
	if !ok {
		return
	}
	delta := int32(max(start.Sub(at)/time.Minute, 0))
	set(bag, mapi.PidLidReminderDelta, delta)
	set(bag, mapi.PidLidReminderTime, mapi.NewFileTime(start))
	set(bag, mapi.PidLidReminderSignalTime, mapi.NewFileTime(start.Add(-time.Duration(delta)*time.Minute)))
}

// alarm writes a reminder some minutes before the start.
func alarm(minutes int32) component {
	const unset = 0x5AE980E1 // PidLidReminderDelta, [MS-OXORMDR] 2.2.1.3: 15 minutes
	if minutes == unset || minutes < 0 {
		minutes = 15
	}
	c := contentline.New("VALARM")
	c.AddRaw("ACTION", "DISPLAY")
	c.Add("DESCRIPTION", "Reminder")
	c.AddRaw("TRIGGER", fmt.Sprintf("-PT%dM", minutes))
	return c
}
