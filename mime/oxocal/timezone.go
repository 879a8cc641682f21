package oxocal

import (
	"fmt"
	"time"

	"mailfs/mapi/wire"
)

// SystemTime is a moment of a year, or of every year: with Year 0, Day is the number
// of the weekday within the month, 5 being the last ([MS-OXOCAL] 2.2.1.41.1).
type SystemTime struct {
	Year, Month, DayOfWeek, Day, Hour, Minute, Second, Milli uint16
}

func readSystemTime(r *wire.Reader) SystemTime {
	return SystemTime{r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16()}
}

func (s SystemTime) append(b *wire.Builder) {
	for _, v := range []uint16{s.Year, s.Month, s.DayOfWeek, s.Day, s.Hour, s.Minute, s.Second, s.Milli} {
		b.Uint16(v)
	}
}

// In returns the moment in a year, as a local time that stands as if it were UTC.
func (s SystemTime) In(year int) time.Time {
	if s.Year != 0 {
		return time.Date(year, time.Month(s.Month), int(s.Day), int(s.Hour), int(s.Minute), int(s.Second), 0, time.UTC)
	}
	first := time.Date(year, time.Month(s.Month), 1, int(s.Hour), int(s.Minute), int(s.Second), 0, time.UTC)
	day := first.AddDate(0, 0, (int(s.DayOfWeek)-int(first.Weekday())+7)%7)
	for n := 1; n < int(s.Day); n++ {
		if next := day.AddDate(0, 0, 7); next.Month() == first.Month() {
			day = next
		}
	}
	return day
}

// Rule is what a time zone says of its offset: biases in minutes, such that UTC is
// local time plus Bias and the bias of the time of the year.
type Rule struct {
	Flags                  uint16 // 1 recurrence, 2 effective, of a Definition
	Year                   uint16 // from which on it holds, of a Definition
	Bias, Standard, Saving int32
	ToStandard, ToSaving   SystemTime // Month 0: there is no saving time

	unused [zoneRulePad]byte // as it came
}

// Flags of the rules of a Definition ([MS-OXOCAL] 2.2.1.41.1).
const (
	RuleRecurrence uint16 = 1
	RuleEffective  uint16 = 2
)

// HasSaving reports whether the offset changes within a year.
func (z Rule) HasSaving() bool { return z.ToStandard.Month != 0 && z.ToSaving.Month != 0 }

// Offset returns how far local time is ahead of UTC. local stands as if it were UTC.
func (z Rule) Offset(local time.Time) time.Duration {
	bias := z.Bias + z.Standard
	if z.HasSaving() {
		saving, standard := z.ToSaving.In(local.Year()), z.ToStandard.In(local.Year())
		in := !local.Before(saving) && local.Before(standard)
		if standard.Before(saving) { // southern hemisphere
			in = !local.Before(saving) || local.Before(standard)
		}
		if in {
			bias = z.Bias + z.Saving
		}
	}
	return -time.Duration(bias) * time.Minute
}

// UTC returns the moment of a local time that stands as if it were UTC.
func (z Rule) UTC(local time.Time) time.Time { return local.Add(-z.Offset(local)) }

// Local returns the local time of a moment, as if it were UTC.
func (z Rule) Local(utc time.Time) time.Time {
	utc = utc.UTC()
	guess := utc.Add(z.Offset(utc.Add(-time.Duration(z.Bias+z.Standard) * time.Minute)))
	if again := utc.Add(z.Offset(guess)); z.UTC(again).Equal(utc) {
		return again
	}
	return guess
}

// ParseZoneStruct reads the value of PidLidTimeZoneStruct ([MS-OXOCAL] 2.2.1.39).
func ParseZoneStruct(p []byte) (Rule, error) {
	r := wire.NewReader(p)
	z := Rule{Bias: int32(r.Uint32()), Standard: int32(r.Uint32()), Saving: int32(r.Uint32())}
	r.Take(2)
	z.ToStandard = readSystemTime(r)
	r.Take(2)
	z.ToSaving = readSystemTime(r)
	return z, zoneError(z, r)
}

// zoneError refuses what the calendar does not have.
func zoneError(z Rule, r *wire.Reader) error {
	for _, s := range []SystemTime{z.ToStandard, z.ToSaving} {
		if s.Month > 12 || s.DayOfWeek > 6 || s.Day > 31 || s.Hour > 24 || s.Minute > 60 || s.Second > 60 {
			r.Fail(fmt.Errorf("date %+v", s))
		}
	}
	const limit = 48 * 60
	for _, v := range []int32{z.Bias, z.Standard, z.Saving} {
		if v < -limit || v > limit {
			r.Fail(fmt.Errorf("bias %d", v))
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("%w: time zone: %w", ErrFormat, err)
	}
	return nil
}

// Struct returns the form of PidLidTimeZoneStruct.
func (z Rule) Struct() []byte {
	var b wire.Builder
	z.appendBiases(&b)
	b.Uint16(0)
	z.ToStandard.append(&b)
	b.Uint16(0)
	z.ToSaving.append(&b)
	return b.Bytes()
}

func (z Rule) appendBiases(b *wire.Builder) {
	b.Uint32(uint32(z.Bias))
	b.Uint32(uint32(z.Standard))
	b.Uint32(uint32(z.Saving))
}

// Definition is a PidLidAppointmentTimeZoneDefinition value ([MS-OXOCAL] 2.2.1.41): a
// name and the rules of several spans of years.
type Definition struct {
	Name  string
	Rules []Rule
}

const (
	zoneMajor      = 2
	zoneMinor      = 1
	zoneRuleSize   = 0x3E
	zoneNameFlag   = 2
	zoneRulePad    = 14
	zoneMaxRules   = 1024
	zoneMaxNameLen = 260
)

// ParseDefinition reads a Definition.
func ParseDefinition(p []byte) (*Definition, error) {
	r := wire.NewReader(p)
	r.Take(2)
	header := wire.NewReader(r.Take(int(r.Uint16())))
	header.Take(2)
	d := &Definition{Name: wire.DecodeUTF16(header.Take(2 * int(header.Uint16())))}
	n := header.Count(uint64(header.Uint16()), 0)
	r.Fail(header.Err())
	if n > zoneMaxRules {
		r.Fail(fmt.Errorf("%d rules", n))
	}
	for i := 0; i < n && r.Err() == nil; i++ {
		r.Take(4)
		z := Rule{Flags: r.Uint16(), Year: r.Uint16()}
		copy(z.unused[:], r.Take(zoneRulePad))
		z.Bias, z.Standard, z.Saving = int32(r.Uint32()), int32(r.Uint32()), int32(r.Uint32())
		z.ToStandard, z.ToSaving = readSystemTime(r), readSystemTime(r)
		if err := zoneError(z, r); err != nil {
			return nil, err
		}
		d.Rules = append(d.Rules, z)
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: time zone definition: %w", ErrFormat, err)
	}
	if len(d.Rules) == 0 {
		return nil, fmt.Errorf("%w: time zone definition without rules", ErrFormat)
	}
	return d, nil
}

// Effective returns the rule for new dates: the one that is marked, else the last.
func (d *Definition) Effective() Rule {
	for _, z := range d.Rules {
		if z.Flags&RuleEffective != 0 {
			return z
		}
	}
	return d.Rules[len(d.Rules)-1]
}

// Bytes returns the form of the property. The name is cut at 260 characters.
func (d *Definition) Bytes() []byte {
	name := wire.AppendUTF16(nil, d.Name)
	name = name[:min(len(name), 2*zoneMaxNameLen)]
	var b wire.Builder
	b.Uint8(zoneMajor)
	b.Uint8(zoneMinor)
	b.Counted16(func() {
		b.Uint16(zoneNameFlag)
		b.Uint16(uint16(len(name) / 2))
		b.Raw(name)
		b.Uint16(uint16(len(d.Rules)))
	})
	for _, z := range d.Rules {
		b.Uint8(zoneMajor)
		b.Uint8(zoneMinor)
		b.Uint16(zoneRuleSize)
		b.Uint16(z.Flags)
		b.Uint16(z.Year)
		b.Raw(z.unused[:])
		z.appendBiases(&b)
		z.ToStandard.append(&b)
		z.ToSaving.append(&b)
	}
	return b.Bytes()
}
