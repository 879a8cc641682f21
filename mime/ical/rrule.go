package ical

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailfs/mime/oxocal"
)

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

const workdays = 0x3E // Monday to Friday

// ruleParts cuts a rule into its parts, in upper case.
func ruleParts(s string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(s)), ";") {
		if k, v, ok := strings.Cut(part, "="); ok {
			out[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return out
}

// weekdayNumber reads a weekday with the number before it, 0 for none.
func weekdayNumber(s string) (n int, day time.Weekday, ok bool) {
	if len(s) < 2 {
		return 0, 0, false
	}
	i := slices.Index(dayNames, s[len(s)-2:])
	if i < 0 {
		return 0, 0, false
	}
	if num := s[:len(s)-2]; num != "" {
		v, err := strconv.Atoi(num)
		if err != nil {
			return 0, 0, false
		}
		n = v
	}
	return n, time.Weekday(i), true
}

// byDay is a BYDAY part: a set of days, and the number that all of them have.
type byDay struct {
	mask uint32
	nth  int
}

func readByDay(s string) (b byDay, ok bool) {
	if s == "" {
		return b, true
	}
	for i, w := range strings.Split(s, ",") {
		n, day, ok := weekdayNumber(strings.TrimSpace(w))
		if !ok || i > 0 && n != b.nth {
			return b, false
		}
		b.nth = n
		b.mask |= 1 << day
	}
	return b, true
}

// parseRule turns an RRULE into a pattern ([MS-OXCICAL] 2.1.3.2.2). start is the
// local start, and local turns UNTIL into local time. ok is false for rules that a
// pattern can't express.
func parseRule(value string, start time.Time, local func(string) (time.Time, bool)) (c *oxocal.Recurrence, ok bool) {
	parts := ruleParts(value)
	for key := range parts {
		switch key {
		case "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST":
		default:
			return nil, false
		}
	}
	interval := 1
	if v := parts["INTERVAL"]; v != "" {
		n, err := strconv.Atoi(v)
		const most = 999 // [MS-OXOCAL] 2.2.1.44.1, Period
		if err != nil || n < 1 || n > most {
			return nil, false
		}
		interval = n
	}
	c = oxocal.NewRecurrence()
	c.Start = oxocal.NewMinutes(start).Day()
	days, ok := readByDay(parts["BYDAY"])
	if !ok || !setFrequency(c, parts, interval, days, start) || !setEnd(c, parts, alignStart(c), local) {
		return nil, false
	}
	c.SetPhase()
	return c, true
}

// alignStart moves the start of a pattern to its first day. An item that starts on a
// day which its rule does not have counts as one occurrence of it (RFC 5545 3.8.5.3).
func alignStart(c *oxocal.Recurrence) (moved bool) {
	probe := *c
	probe.End = oxocal.EndNever
	first := probe.Occurrences(1)
	if len(first) == 0 || first[0] == c.Start {
		return false
	}
	c.Start = first[0]
	return true
}

func setFrequency(c *oxocal.Recurrence, parts map[string]string, interval int, days byDay, start time.Time) bool {
	if w := parts["WKST"]; w != "" {
		_, day, ok := weekdayNumber(w)
		if !ok {
			return false
		}
		c.FirstDay = day
	} else if interval > 1 {
		c.FirstDay = time.Monday // RFC 5545 3.3.10
	}
	monthly := parts["BYMONTHDAY"] != "" || parts["BYMONTH"] != "" || parts["BYSETPOS"] != ""
	switch parts["FREQ"] {
	case "DAILY":
		if days.nth != 0 || monthly {
			return false
		}
		c.Frequency, c.Pattern, c.Period = oxocal.Daily, oxocal.PatternDay, uint32(interval*24*60)
		if days.mask != 0 { // on these days: a week with them
			if interval != 1 {
				return false
			}
			c.Pattern, c.Period, c.Days = oxocal.PatternWeek, 1, days.mask
			if days.mask != workdays {
				c.Frequency = oxocal.Weekly
			}
		}
		return true
	case "WEEKLY":
		if days.nth != 0 || monthly {
			return false
		}
		c.Frequency, c.Pattern, c.Period, c.Days = oxocal.Weekly, oxocal.PatternWeek, uint32(interval), days.mask
		if days.mask == 0 {
			c.Days = 1 << start.Weekday()
		}
		return true
	case "MONTHLY":
		c.Frequency, c.Period = oxocal.Monthly, uint32(interval)
		return parts["BYMONTH"] == "" && setMonth(c, parts, days, start)
	case "YEARLY":
		c.Frequency, c.Period = oxocal.Yearly, uint32(interval*12)
		if m := parts["BYMONTH"]; m != "" && m != strconv.Itoa(int(start.Month())) || m == "" && days.mask != 0 {
			return false
		}
		return setMonth(c, parts, days, start)
	}
	return false
}

// setMonth sets a day of the month, or the nth of some days of the week.
func setMonth(c *oxocal.Recurrence, parts map[string]string, days byDay, start time.Time) bool {
	if days.mask == 0 {
		c.Pattern, c.MonthDay = oxocal.PatternMonth, uint32(start.Day())
		if v := parts["BYMONTHDAY"]; v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < -1 || n == 0 || n > 31 {
				return false
			}
			if n == -1 {
				n = 31
			} else if n > 28 && start.Day() != n {
				return false // months without that day are skipped there, and not here
			}
			c.MonthDay = uint32(n)
		}
		return parts["BYSETPOS"] == ""
	}
	n := days.nth
	if v := parts["BYSETPOS"]; v != "" {
		pos, err := strconv.Atoi(v)
		if err != nil || n != 0 {
			return false
		}
		n = pos
	} else if bits.OnesCount32(days.mask) != 1 {
		return false
	}
	if n == -1 {
		n = 5
	} else if n < 1 || n > 4 {
		return false
	}
	c.Pattern, c.Days, c.Nth = oxocal.PatternMonthNth, days.mask, uint32(n)
	return parts["BYMONTHDAY"] == ""
}

func setEnd(c *oxocal.Recurrence, parts map[string]string, moved bool, local func(string) (time.Time, bool)) bool {
	switch {
	case parts["COUNT"] != "":
		n, err := strconv.Atoi(parts["COUNT"])
		if err != nil || n < 1 || n > maxCount {
			return false
		}
		if moved {
			n--
		}
		if n == 0 {
			return false
		}
		c.End, c.Count = oxocal.EndCount, uint32(n)
		days := c.Occurrences(n)
		if len(days) != n {
			return false
		}
		c.Last = days[n-1]
	case parts["UNTIL"] != "":
		t, ok := local(parts["UNTIL"])
		if !ok {
			return false
		}
		c.End, c.Last = oxocal.EndDate, oxocal.NewMinutes(t).Day()
		c.Count = uint32(len(c.Occurrences(maxCount)))
	}
	return true
}

const maxCount = 9999

// formatRule writes a pattern as an RRULE for an item that starts at start. until
// writes the end; ok is false for patterns of other calendars.
func formatRule(c *oxocal.Recurrence, start oxocal.Minutes, until func(oxocal.Minutes) string) (rule string, ok bool) {
	freq, interval := frequency(c)
	days, ok := ruleDays(c)
	if freq == "" || !ok {
		return "", false
	}
	parts := []string{"FREQ=" + freq}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if interval > 1 {
		add("INTERVAL=%d", interval)
	}
	parts = append(parts, days...)
	if interval > 1 && freq == "WEEKLY" && len(days) > 0 && c.FirstDay >= 0 && c.FirstDay < 7 {
		add("WKST=%s", dayNames[c.FirstDay])
	}
	if freq == "YEARLY" {
		add("BYMONTH=%d", c.Start.Time().Month())
	}
	switch c.End {
	case oxocal.EndCount:
		n := c.Count
		if start.Day() != c.Start.Day() {
			n++ // the start counts, though the rule does not have it
		}
		add("COUNT=%d", n)
	case oxocal.EndDate:
		add("UNTIL=%s", until(c.Last))
	}
	return strings.Join(parts, ";"), true
}

// frequency returns FREQ and INTERVAL of a pattern, "" for one of another calendar. What repeats every twelve months is
// yearly only if it says so.
func frequency(c *oxocal.Recurrence) (freq string, interval uint32) {
	switch c.Pattern {
	case oxocal.PatternDay:
		return "DAILY", c.Period / (24 * 60)
	case oxocal.PatternWeek:
		if c.Frequency == oxocal.Daily { // every weekday
			return "WEEKLY", 1
		}
		return "WEEKLY", c.Period
	case oxocal.PatternMonth, oxocal.PatternMonthNth:
		if c.Frequency == oxocal.Yearly && c.Period%12 == 0 {
			return "YEARLY", c.Period / 12
		}
		return "MONTHLY", c.Period
	}
	return "", 0
}

// ruleDays returns the parts of a rule that tell the days; ok is false for a pattern that needs some and has none.
func ruleDays(c *oxocal.Recurrence) (parts []string, ok bool) {
	var days []string
	for i, name := range dayNames {
		if c.Days>>i&1 != 0 {
			days = append(days, name)
		}
	}
	list := "BYDAY=" + strings.Join(days, ",")
	switch {
	case c.Pattern == oxocal.PatternDay:
		return nil, true
	case c.Pattern == oxocal.PatternWeek && len(days) > 0:
		return []string{list}, true
	case c.Pattern == oxocal.PatternMonth && c.MonthDay == 31:
		return []string{"BYMONTHDAY=-1"}, true
	case c.Pattern == oxocal.PatternMonth && c.MonthDay > 28: // the last day of shorter months counts
		return []string{"BYMONTHDAY=" + dayList(c.MonthDay), "BYSETPOS=-1"}, true
	case c.Pattern == oxocal.PatternMonth:
		return []string{fmt.Sprintf("BYMONTHDAY=%d", c.MonthDay)}, true
	case c.Pattern == oxocal.PatternMonthNth && len(days) > 0:
		n := int(c.Nth)
		if n == 5 {
			n = -1
		}
		if len(days) == 1 {
			return []string{fmt.Sprintf("BYDAY=%d%s", n, days[0])}, true
		}
		return []string{list, fmt.Sprintf("BYSETPOS=%d", n)}, true
	}
	return nil, false
}

// dayList lists the days from 28 to n.
func dayList(n uint32) string {
	out := "28"
	for d := uint32(29); d <= n && d < 32; d++ {
		out += "," + strconv.Itoa(int(d))
	}
	return out
}
