package oxocal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// vector returns the bytes of a file of testdata.
func vector(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".hex")
	if err != nil {
		t.Fatal(err)
	}
	p, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gromox are recurrences that a grommunio server made of RRULE, with the occurrences
// that the rule has.
var gromox = []struct {
	rule, hex string
	count     int
	last      string
}{
	{"FREQ=DAILY;COUNT=5", "043004300a200000000000000000a0050000000000002220000005000000000000000000000000000000e0215a0d60385a0d06300000093000001c0200005802000000000000000000000000", 5, "2026-12-06"},
	{"FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20270301T000000Z", "043004300b2001000000c0210000010000000000000014000000212000001900000000000000000000000000000080275a0d80165c0d06300000093000001c0200005802000000000000000000000000", 25, "2027-02-25"},
	{"FREQ=YEARLY;COUNT=3", "043004300d2002000000c05607000c0000000000000006000000222000000300000000000000000000000000000060385a0d40486a0d06300000093000001c0200005802000000000000000000000000", 3, "2028-12-06"},
}

func TestVectors(t *testing.T) {
	for i, name := range []string{"appointmentrecurrencepattern-1", "appointmentrecurrencepattern-2", "appointmentrecurrencepattern-3", "appointmentrecurrencepattern-4"} {
		p := vector(t, name)
		a, err := ParseAppointment(p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := a.Bytes()
		if err != nil || !bytes.Equal(out, p) {
			t.Errorf("%s: %v: written again it is another", name, err)
		}
		if want := []int{1, 2, 5, 15}[i]; i < 3 && i != 1 && len(a.Exceptions) != want {
			t.Errorf("%s: %d exceptions", name, len(a.Exceptions))
		}
		if phase := a.First; true {
			a.SetPhase()
			if a.First != phase {
				t.Errorf("%s: phase %d, want %d", name, a.First, phase)
			}
		}
	}
	for _, name := range []string{"recurrencepattern-1", "recurrencepattern-2", "recurrencepattern-3"} {
		p := vector(t, name)
		c, err := ParseRecurrence(p)
		if err != nil || !bytes.Equal(c.Bytes(), p) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, err := ParseAppointment(vector(t, "appointmentrecurrencepattern-3"))
	if err != nil {
		t.Fatal(err)
	}
	e := a.Exceptions[0]
	if e.Subject != "Bi-weekly Team Meeting (YADKIN for this meeting)" || e.Location != "Yadkin" || e.MeetingType != 1 ||
		e.Overrides != OverrideSubject|OverrideMeetingType|OverrideLocation|OverrideBody || e.Start.Time().Format(time.DateTime) != "2010-04-01 15:00:00" {
		t.Errorf("exception %+v", e)
	}
	if a.Period != 2 || a.Days != 1<<time.Thursday || a.Count != 10 || a.StartOffset != 900 || len(a.Deleted) != 10 || len(a.Modified) != 5 {
		t.Errorf("pattern %+v", a.Recurrence)
	}
	if got := a.Occurrences(100); len(got) != 10 || got[9] != a.Last {
		t.Errorf("occurrences %v", got)
	}
}

func TestGromoxVectors(t *testing.T) {
	for _, v := range gromox {
		p, err := hex.DecodeString(v.hex)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseAppointment(p)
		if err != nil {
			t.Errorf("%s: %v", v.rule, err)
			continue
		}
		if out, err := a.Bytes(); err != nil || !bytes.Equal(out, p) {
			t.Errorf("%s: %v", v.rule, err)
		}
		phase := a.First
		a.SetPhase()
		if a.First != phase {
			t.Errorf("%s: phase %d, want %d", v.rule, a.First, phase)
		}
		days := a.Occurrences(100)
		if len(days) != v.count || days[len(days)-1].Time().Format(time.DateOnly) != v.last {
			t.Errorf("%s: %d occurrences to %v", v.rule, len(days), days[len(days)-1].Time())
		}
	}
}

func TestZoneVectors(t *testing.T) {
	p := vector(t, "timezone-1")
	z, err := ParseZoneStruct(p)
	if err != nil || !bytes.Equal(z.Struct(), p) {
		t.Errorf("%v: %x", err, z.Struct())
	}
	for _, name := range []string{"timezonedefinition-1", "timezonedefinition-2"} {
		p := vector(t, name)
		d, err := ParseDefinition(p)
		if err != nil || !bytes.Equal(d.Bytes(), p) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := ParseDefinition(vector(t, "timezonedefinition-1"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "Eastern Standard Time" || len(d.Rules) != 2 {
		t.Errorf("definition %+v", d)
	}
	if diff := cmp.Diff(z.ToSaving, d.Effective().ToSaving); diff != "" {
		t.Errorf("the effective rule is not that of 2007: %s", diff)
	}
	if _, err := ParseDefinition(vector(t, "timezonedefinition-3")); !errors.Is(err, ErrFormat) {
		t.Errorf("a definition without rules: %v", err)
	}
	// The clocks of New York in 2026.
	for local, want := range map[string]string{
		"2026-03-08 01:59": "-5h0m0s", "2026-03-08 03:00": "-4h0m0s", "2026-07-01 12:00": "-4h0m0s",
		"2026-11-01 00:59": "-4h0m0s", "2026-11-01 02:00": "-5h0m0s", "2026-12-24 18:00": "-5h0m0s",
	} {
		l, err := time.Parse("2006-01-02 15:04", local)
		if err != nil {
			t.Fatal(err)
		}
		if got := z.Offset(l).String(); got != want {
			t.Errorf("%s: offset %s, want %s", local, got, want)
		}
		if back := z.Local(z.UTC(l)); !back.Equal(l) {
			t.Errorf("%s comes back as %s", local, back)
		}
	}
	sydney := Rule{Bias: -600, Saving: -60, ToSaving: SystemTime{Month: 10, Day: 1, Hour: 2}, ToStandard: SystemTime{Month: 4, Day: 1, Hour: 3}}
	if got := sydney.Offset(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); got != 11*time.Hour {
		t.Errorf("Sydney in January is %s ahead", got)
	}
	if got := sydney.Offset(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)); got != 10*time.Hour {
		t.Errorf("Sydney in July is %s ahead", got)
	}
}

func TestPatterns(t *testing.T) {
	day := func(s string) Minutes {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return NewMinutes(d)
	}
	tests := []struct {
		name string
		c    Recurrence
		want string
	}{
		{"every third day", Recurrence{Pattern: PatternDay, Period: 3 * 1440, Start: day("2026-01-30")}, "2026-01-30 2026-02-02 2026-02-05 2026-02-08"},
		{"weekdays", Recurrence{Frequency: Daily, Pattern: PatternWeek, Days: 0x3E, Start: day("2026-01-30")}, "2026-01-30 2026-02-02 2026-02-03 2026-02-04"},
		{"every other week, weeks from Monday", Recurrence{Frequency: Weekly, Pattern: PatternWeek, Period: 2, Days: 1<<0 | 1<<2, FirstDay: time.Monday, Start: day("1997-08-05")}, "1997-08-05 1997-08-10 1997-08-19 1997-08-24"},
		{"every other week, weeks from Sunday", Recurrence{Frequency: Weekly, Pattern: PatternWeek, Period: 2, Days: 1<<0 | 1<<2, FirstDay: time.Sunday, Start: day("1997-08-05")}, "1997-08-05 1997-08-17 1997-08-19 1997-08-31"},
		{"the last day", Recurrence{Frequency: Monthly, Pattern: PatternMonth, Period: 1, MonthDay: 31, Start: day("2026-01-31")}, "2026-01-31 2026-02-28 2026-03-31 2026-04-30"},
		{"second Tuesday", Recurrence{Frequency: Monthly, Pattern: PatternMonthNth, Period: 1, Days: 1 << 2, Nth: 2, Start: day("2026-01-13")}, "2026-01-13 2026-02-10 2026-03-10 2026-04-14"},
		{"last weekday", Recurrence{Frequency: Monthly, Pattern: PatternMonthNth, Period: 1, Days: 0x3E, Nth: 5, Start: day("2026-01-30")}, "2026-01-30 2026-02-27 2026-03-31 2026-04-30"},
		{"last Sunday of March", Recurrence{Frequency: Yearly, Pattern: PatternMonthNth, Period: 12, Days: 1, Nth: 5, Start: day("2026-03-29")}, "2026-03-29 2027-03-28 2028-03-26 2029-03-25"},
		{"Hijri", Recurrence{Frequency: Monthly, Pattern: PatternHijri, Period: 1, MonthDay: 1, Start: day("2026-01-01")}, ""},
		{"no day of the week", Recurrence{Frequency: Weekly, Pattern: PatternWeek, Period: 1, Start: day("2026-01-01")}, ""},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range tt.c.Occurrences(4) {
			got = append(got, d.Time().Format(time.DateOnly))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}

// TestCutOff: no structure is accepted when its end is missing.
func TestCutOff(t *testing.T) {
	for name, parse := range map[string]func([]byte) error{
		"appointmentrecurrencepattern-3": func(p []byte) error { _, err := ParseAppointment(p); return err },
		"recurrencepattern-3":            func(p []byte) error { _, err := ParseRecurrence(p); return err },
		"timezone-1":                     func(p []byte) error { _, err := ParseZoneStruct(p); return err },
		"timezonedefinition-2":           func(p []byte) error { _, err := ParseDefinition(p); return err },
	} {
		p := vector(t, name)
		accepted := 0
		for i := range p {
			err := parse(p[:i])
			if err == nil {
				accepted++
			} else if !errors.Is(err, ErrFormat) {
				t.Errorf("%s cut at %d: %v", name, i, err)
			}
		}
		if accepted > 1 { // an appointment may end behind its exceptions
			t.Errorf("%s: %d prefixes are accepted", name, accepted)
		}
	}
}

func TestGlobalID(t *testing.T) {
	for in, uid := range map[string]string{
		"040000008200e00074c5b7101a82e00800000000f0db09f532e5ca01000000000000000010000000e73c73f73f1c3941bdd6450f640703f3": "040000008200E00074C5B7101A82E00800000000F0DB09F532E5CA01000000000000000010000000E73C73F73F1C3941BDD6450F640703F3",
		"040000008200e00074c5b7101a82e00807db0112c0a52ce8e7dfca01000000000000000010000000ffafecebdb4a2e4fa02ebc759661827b": "040000008200E00074C5B7101A82E00800000000C0A52CE8E7DFCA01000000000000000010000000FFAFECEBDB4A2E4FA02EBC759661827B",
		// of a grommunio server, without the zero at the end
		"040000008200e00074c5b7101a82e00800000000000000000000000000000000000000001e0000007643616c2d5569640100000063616c2d35406578616d706c652e74657374": "cal-5@example.test",
	} {
		p, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		g, err := ParseGlobalID(p)
		if err != nil || !bytes.Equal(g.Bytes(), p) {
			t.Errorf("%s: %v, %x", in, err, g.Bytes())
			continue
		}
		if g.UID() != uid {
			t.Errorf("UID %s, want %s", g.UID(), uid)
		}
		if back := NewGlobalID(uid); back.UID() != uid {
			t.Errorf("UID %s became %s", uid, back.UID())
		}
		for i := range p {
			if _, err := ParseGlobalID(p[:i]); !errors.Is(err, ErrFormat) {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
	}
	p, err := hex.DecodeString("040000008200e00074c5b7101a82e00807db0112c0a52ce8e7dfca01000000000000000010000000ffafecebdb4a2e4fa02ebc759661827b")
	if err != nil {
		t.Fatal(err)
	}
	if g, err := ParseGlobalID(p); err != nil || g.Year != 2011 || g.Month != 1 || g.Day != 18 {
		t.Errorf("%+v, %v", g, err)
	} else if on := g.Clean().On(time.Date(2011, 1, 18, 0, 0, 0, 0, time.UTC)); !bytes.Equal(on.Bytes(), p) {
		t.Error("the id of an occurrence differs")
	}
}

func TestExceptionRoundTrip(t *testing.T) {
	text := rapid.StringN(0, 50, -1)
	rapid.Check(t, func(t *rapid.T) {
		a := NewAppointment()
		a.Frequency, a.Pattern, a.Period, a.Days = Weekly, PatternWeek, 1, 2
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			number := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
			e := Exception{Start: Minutes(number("start")), End: Minutes(number("end")), Original: Minutes(number("original")),
				Overrides: Overrides(rapid.Uint16().Draw(t, "overrides") & 0x3FF)}
			set := func(o Overrides, v *uint32) {
				if e.Overrides&o != 0 {
					*v = number("value")
				}
			}
			if e.Overrides&OverrideSubject != 0 {
				e.Subject = text.Draw(t, "subject")
			}
			if e.Overrides&OverrideLocation != 0 {
				e.Location = text.Draw(t, "location")
			}
			set(OverrideMeetingType, &e.MeetingType)
			set(OverrideReminderDelta, &e.Delta)
			set(OverrideReminder, &e.Reminder)
			set(OverrideBusyStatus, &e.BusyStatus)
			set(OverrideAttachment, &e.Attachment)
			set(OverrideAllDay, &e.AllDay)
			set(OverrideColor, &e.Color)
			a.Exceptions = append(a.Exceptions, e)
		}
		p, err := a.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseAppointment(p)
		if err != nil {
			t.Fatal(err)
		}
		public := cmp.FilterPath(func(p cmp.Path) bool {
			f, ok := p.Last().(cmp.StructField)
			return ok && f.Name()[0] >= 'a'
		}, cmp.Ignore())
		if diff := cmp.Diff(a, b, public); diff != "" {
			t.Fatal(diff)
		}
		again, err := b.Bytes()
		if err != nil || !bytes.Equal(again, p) {
			t.Fatalf("%v: %x, want %x", err, again, p)
		}
	})
}

func FuzzAppointment(f *testing.F) {
	for _, name := range []string{"appointmentrecurrencepattern-1", "appointmentrecurrencepattern-3", "recurrencepattern-2", "timezonedefinition-2", "timezone-1"} {
		f.Add(vector(f, name))
	}
	for _, v := range gromox {
		p, err := hex.DecodeString(v.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if a, err := ParseAppointment(p); err == nil {
			a.Occurrences(200)
			out, err := a.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			b, err := ParseAppointment(out)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := b.Bytes(); err != nil || !bytes.Equal(again, out) {
				t.Fatalf("%v: %x, then %x", err, out, again)
			}
		}
		if d, err := ParseDefinition(p); err == nil {
			d.Effective().Local(time.Unix(1e9, 0))
			d.Bytes()
		}
		if z, err := ParseZoneStruct(p); err == nil {
			z.UTC(time.Unix(1e9, 0))
		}
		if g, err := ParseGlobalID(p); err == nil && !bytes.Equal(g.Bytes(), p) {
			t.Fatal("a global id changes")
		}
	})
}
