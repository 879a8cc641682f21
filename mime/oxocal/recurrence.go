package oxocal

import (
	"errors"
	"fmt"
	"time"

	"mailfs/mapi/wire"
)

// ErrFormat says that bytes are not the structure that they should be.
var ErrFormat = errors.New("oxocal: malformed structure")

// Minutes counts minutes since 1601-01-01, in the time zone of the item.
type Minutes uint32

// Never is the end date of a recurrence without an end ([MS-OXOCAL] 2.2.1.44.1).
const Never Minutes = 0x5AE980DF

var epoch = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)

// NewMinutes returns the minutes of a local time, which stands in t as if it were UTC.
// Times out of range are cut to it.
func NewMinutes(t time.Time) Minutes {
	secs := t.Unix() - epoch.Unix()
	return Minutes(min(max(secs/60, 0), int64(Never)))
}

// Time returns the local time as if it were UTC.
func (m Minutes) Time() time.Time { return time.Unix(epoch.Unix()+int64(m)*60, 0).UTC() }

// Day returns the midnight before m.
func (m Minutes) Day() Minutes { return m - m%minutesPerDay }

const (
	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
)

// Frequency is RecurFrequency ([MS-OXOCAL] 2.2.1.44.1).
type Frequency uint16

// The frequencies.
const (
	Daily   Frequency = 0x200A
	Weekly  Frequency = 0x200B
	Monthly Frequency = 0x200C
	Yearly  Frequency = 0x200D
)

// PatternType tells what PatternType-specific fields there are.
type PatternType uint16

// The pattern types; those from PatternHijri on are in the Hijri calendar.
const (
	PatternDay       PatternType = 0x0
	PatternWeek      PatternType = 0x1
	PatternMonth     PatternType = 0x2
	PatternMonthNth  PatternType = 0x3
	PatternMonthEnd  PatternType = 0x4
	PatternHijri     PatternType = 0xA
	PatternHijriNth  PatternType = 0xB
	PatternHijriEnd  PatternType = 0xC
	lastOfMonth                  = 5 // Nth of the last one
	lastDayOfMonth               = 31
	versionPattern               = 0x3004
	versionReader2               = 0x3006
	versionWriter2               = 0x3009
	versionHighlight             = 0x3009 // from which exceptions have a ChangeHighlight
)

// EndType tells how a recurrence ends.
type EndType uint32

// The end types. Other values are written by some programs for EndNever.
const (
	EndDate  EndType = 0x2021
	EndCount EndType = 0x2022
	EndNever EndType = 0x2023
)

// Recurrence is a RecurrencePattern ([MS-OXOCAL] 2.2.1.44.1).
type Recurrence struct {
	Reader, Writer uint16 // versions
	Frequency      Frequency
	Pattern        PatternType
	Calendar       uint16
	First          Minutes // phase of the pattern within its period
	Period         uint32  // days in minutes, weeks, or months
	Sliding        uint32
	Days           uint32 // PatternWeek and PatternMonthNth: bit 0 is Sunday
	Nth            uint32 // PatternMonthNth: 1 to 4, or 5 for the last
	MonthDay       uint32 // PatternMonth: 31 stands for the last day
	End            EndType
	Count          uint32
	FirstDay       time.Weekday // of the week
	Deleted        []Minutes    // days on which no occurrence is, those that were moved included
	Modified       []Minutes    // days to which occurrences were moved
	Start, Last    Minutes      // days
}

// NewRecurrence returns a Recurrence with the versions set.
func NewRecurrence() *Recurrence {
	return &Recurrence{Reader: versionPattern, Writer: versionPattern, End: EndNever, Count: 10, Last: Never}
}

// ParseRecurrence reads the value of PidLidTaskRecurrence.
func ParseRecurrence(p []byte) (*Recurrence, error) {
	r := wire.NewReader(p)
	out := readRecurrence(r)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: recurrence: %w", ErrFormat, err)
	}
	return out, nil
}

func readRecurrence(r *wire.Reader) *Recurrence {
	c := &Recurrence{Reader: r.Uint16(), Writer: r.Uint16(), Frequency: Frequency(r.Uint16()), Pattern: PatternType(r.Uint16()), Calendar: r.Uint16(),
		First: Minutes(r.Uint32()), Period: r.Uint32(), Sliding: r.Uint32()}
	switch c.Pattern {
	case PatternDay:
	case PatternWeek:
		c.Days = r.Uint32()
	case PatternMonth, PatternMonthEnd, PatternHijri, PatternHijriEnd:
		c.MonthDay = r.Uint32()
	case PatternMonthNth, PatternHijriNth:
		c.Days, c.Nth = r.Uint32(), r.Uint32()
	default:
		r.Fail(fmt.Errorf("pattern type %x", uint16(c.Pattern)))
	}
	c.End, c.Count, c.FirstDay = EndType(r.Uint32()), r.Uint32(), time.Weekday(r.Uint32())
	c.Deleted, c.Modified = readDates(r), readDates(r)
	c.Start, c.Last = Minutes(r.Uint32()), Minutes(r.Uint32())
	return c
}

func readDates(r *wire.Reader) []Minutes {
	var out []Minutes
	for range r.Count(uint64(r.Uint32()), 4) {
		out = append(out, Minutes(r.Uint32()))
	}
	return out
}

// Bytes returns the form of PidLidTaskRecurrence.
func (c *Recurrence) Bytes() []byte {
	var b wire.Builder
	c.append(&b)
	return b.Bytes()
}

func (c *Recurrence) append(b *wire.Builder) {
	b.Uint16(c.Reader)
	b.Uint16(c.Writer)
	b.Uint16(uint16(c.Frequency))
	b.Uint16(uint16(c.Pattern))
	b.Uint16(c.Calendar)
	b.Uint32(uint32(c.First))
	b.Uint32(c.Period)
	b.Uint32(c.Sliding)
	switch c.Pattern {
	case PatternWeek:
		b.Uint32(c.Days)
	case PatternMonth, PatternMonthEnd, PatternHijri, PatternHijriEnd:
		b.Uint32(c.MonthDay)
	case PatternMonthNth, PatternHijriNth:
		b.Uint32(c.Days)
		b.Uint32(c.Nth)
	}
	b.Uint32(uint32(c.End))
	b.Uint32(c.Count)
	b.Uint32(uint32(c.FirstDay))
	for _, dates := range [][]Minutes{c.Deleted, c.Modified} {
		b.Uint32(uint32(len(dates)))
		for _, d := range dates {
			b.Uint32(uint32(d))
		}
	}
	b.Uint32(uint32(c.Start))
	b.Uint32(uint32(c.Last))
}
