package ical

import (
	"time"

	"mailfs/mime/oxocal"
)

// NewZone returns a time zone as it is in a year, for Options.Zone. A location whose
// clocks do not change twice a year gets a fixed offset.
func NewZone(loc *time.Location, year int) Zone {
	name := loc.String()
	if name == "UTC" || name == "" {
		return Zone{}
	}
	changes := transitions(loc, year)
	_, first := time.Date(year, 1, 1, 0, 0, 0, 0, loc).Zone()
	z := Zone{Name: name, Rule: oxocal.Rule{Bias: -int32(first / 60)}}
	if len(changes) != 2 {
		return z
	}
	for _, at := range changes {
		_, before := at.Add(-time.Second).In(loc).Zone()
		_, after := at.In(loc).Zone()
		moment := yearly(loc, at, before)
		if after > before {
			z.Rule.ToSaving, z.Rule.Saving = moment, -int32((after-before)/60)
			z.Rule.Bias = -int32(before / 60)
		} else {
			z.Rule.ToStandard = moment
		}
	}
	if !z.Rule.HasSaving() {
		z.Rule = oxocal.Rule{Bias: -int32(first / 60)}
	}
	return z
}

// transitions returns the moments of a year at which the offset changes.
func transitions(loc *time.Location, year int) []time.Time {
	offset := func(t time.Time) int { _, o := t.In(loc).Zone(); return o }
	var out []time.Time
	for day := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == year; day = day.AddDate(0, 0, 1) {
		lo, hi := day, day.AddDate(0, 0, 1)
		if offset(lo) == offset(hi) {
			continue
		}
		for hi.Sub(lo) > time.Second {
			mid := lo.Add(hi.Sub(lo) / 2)
			if offset(mid) == offset(lo) {
				lo = mid
			} else {
				hi = mid
			}
		}
		out = append(out, hi.Truncate(time.Minute))
	}
	return out
}

// yearly writes a change as the nth weekday of a month, such that it is true in the next
// year, too, if any n is.
func yearly(loc *time.Location, at time.Time, before int) oxocal.SystemTime {
	local := at.UTC().Add(time.Duration(before) * time.Second)
	s := oxocal.SystemTime{Month: uint16(local.Month()), DayOfWeek: uint16(local.Weekday()), Day: uint16((local.Day()-1)/7 + 1), Hour: uint16(local.Hour()), Minute: uint16(local.Minute())}
	for _, next := range transitions(loc, local.Year()+1) {
		if l := next.UTC().Add(time.Duration(before) * time.Second); l.Month() == local.Month() && !s.In(l.Year()).Equal(l) {
			last := s
			last.Day = 5
			if last.In(l.Year()).Equal(l) && last.In(local.Year()).Equal(local) {
				return last
			}
		}
	}
	if s.Day == 4 || s.Day == 5 { // the last one rather than the fourth, if both were true
		last := s
		last.Day = 5
		if last.In(local.Year()).Equal(local) {
			return last
		}
	}
	return s
}
