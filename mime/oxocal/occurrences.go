package oxocal

import "time"

const (
	maxOccurrences = 10_000
	maxPeriods     = 100_000 // that are looked at before a pattern counts as empty
)

// Occurrences returns the days of the series in order, those that were deleted or
// moved included, but for at most limit. Patterns of other calendars than the
// Gregorian one have none.
func (c *Recurrence) Occurrences(limit int) []Minutes {
	var out []Minutes
	limit = min(limit, maxOccurrences)
	if c.End == EndCount {
		limit = min(limit, int(c.Count))
	}
	add := func(d Minutes) bool {
		if c.End == EndDate && d > c.Last || len(out) >= limit || d >= Never {
			return false
		}
		if d >= c.Start {
			out = append(out, d)
		}
		return true
	}
	switch c.Pattern {
	case PatternDay:
		c.eachDay(add)
	case PatternWeek:
		c.eachWeek(add)
	case PatternMonth, PatternMonthNth:
		c.eachMonth(add)
	}
	return out
}

func (c *Recurrence) eachDay(add func(Minutes) bool) {
	period := max(c.Period-c.Period%minutesPerDay, minutesPerDay)
	for d, n := c.Start.Day(), 0; n < maxPeriods && add(d); n++ {
		d += Minutes(period)
	}
}

// eachWeek goes through the weeks of the pattern, which start on FirstDay.
func (c *Recurrence) eachWeek(add func(Minutes) bool) {
	if c.Days&0x7F == 0 {
		return
	}
	week := WeekStart(c.Start, c.FirstDay)
	period := max(c.Period, 1)
	if c.Frequency == Daily { // every weekday
		period = 1
	}
	if period > 1000 {
		return
	}
	for range maxPeriods {
		for i := range 7 {
			day := (int(c.FirstDay) + i) % 7
			if c.Days>>day&1 != 0 && !add(week+Minutes(i*minutesPerDay)) {
				return
			}
		}
		week += Minutes(period * minutesPerWeek)
	}
}

// WeekStart returns the day on which the week of d starts.
func WeekStart(d Minutes, first time.Weekday) Minutes {
	back := (int(d.Time().Weekday()) - int(first)%7 + 7) % 7
	return d.Day() - min(Minutes(back*minutesPerDay), d.Day())
}

func (c *Recurrence) eachMonth(add func(Minutes) bool) {
	start := c.Start.Time()
	year, month := start.Year(), start.Month()
	period := max(c.Period, 1)
	if period > 12*1000 {
		return
	}
	for n := 0; n < maxPeriods && year < 2700; n++ {
		if d, ok := c.inMonth(year, month); ok && !add(d) {
			return
		}
		next := time.Date(year, month+time.Month(period), 1, 0, 0, 0, 0, time.UTC)
		year, month = next.Year(), next.Month()
	}
}

// inMonth returns the day of the pattern in one month.
func (c *Recurrence) inMonth(year int, month time.Month) (Minutes, bool) {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	length := first.AddDate(0, 1, -1).Day()
	if c.Pattern == PatternMonth {
		if c.MonthDay == 0 || c.MonthDay > lastDayOfMonth {
			return 0, false
		}
		return NewMinutes(first.AddDate(0, 0, min(int(c.MonthDay), length)-1)), true
	}
	seen, found := uint32(0), 0
	for day := 1; day <= length; day++ {
		if c.Days>>((int(first.Weekday())+day-1)%7)&1 == 0 {
			continue
		}
		seen++
		found = day
		if seen == c.Nth && c.Nth != lastOfMonth {
			break
		}
	}
	if found == 0 || c.Nth != lastOfMonth && seen != c.Nth {
		return 0, false
	}
	return NewMinutes(first.AddDate(0, 0, found-1)), true
}

// SetPhase sets First from the pattern and the start ([MS-OXOCAL] 2.2.1.44.1,
// FirstDateTime).
func (c *Recurrence) SetPhase() {
	switch c.Pattern {
	case PatternDay:
		c.First = c.Start % Minutes(max(c.Period, 1))
	case PatternWeek:
		period := max(c.Period, 1)
		if c.Frequency == Daily {
			period = 1
		}
		c.First = WeekStart(c.Start, c.FirstDay) % Minutes(period*minutesPerWeek)
	default:
		t := c.Start.Time()
		months := (t.Year()-epoch.Year())*12 + int(t.Month()) - 1
		c.First = NewMinutes(epoch.AddDate(0, months%int(max(c.Period, 1)), 0))
	}
}
