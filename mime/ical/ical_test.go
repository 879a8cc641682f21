package ical

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones, whatever the machine has

	"github.com/google/go-cmp/cmp"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mime/contentline"
	"mailfs/mime/oxocal"
)

// event returns a file with one event; lines come behind its start.
func event(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func parse(t testing.TB, text string) (*Item, []string) {
	t.Helper()
	it, reasons, err := Parse(text, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return it, reasons
}

func noUntil(string) (time.Time, bool) { return time.Time{}, false }

// TestRulesAgainstOthers: a rule becomes a pattern with the occurrences that a library
// which no one here wrote finds, and the pattern becomes a rule with the same ones.
func TestRulesAgainstOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 1, 1, 9, 30, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 800).Draw(t, "day"))
		days := rapid.SampledFrom([]string{"MO", "TU,TH", "SU", "MO,TU,WE,TH,FR", "SA,SU", "WE,FR,SU"})
		count := rapid.IntRange(1, 30).Draw(t, "count")
		interval := rapid.IntRange(1, 4).Draw(t, "interval")
		rule := rapid.SampledFrom([]string{
			"FREQ=DAILY;INTERVAL=%i", "FREQ=DAILY;BYDAY=%d", "FREQ=WEEKLY;INTERVAL=%i", "FREQ=WEEKLY;INTERVAL=%i;BYDAY=%d", "FREQ=WEEKLY;INTERVAL=%i;BYDAY=%d;WKST=SU",
			"FREQ=MONTHLY;INTERVAL=%i;BYMONTHDAY=15", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;INTERVAL=%i;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=%d;BYSETPOS=-1",
			"FREQ=MONTHLY;BYDAY=%d;BYSETPOS=1", "FREQ=YEARLY;INTERVAL=%i", "FREQ=YEARLY;BYMONTH=%m;BYDAY=1MO", "FREQ=YEARLY;BYMONTH=%m;BYMONTHDAY=3",
		}).Draw(t, "rule")
		rule = strings.NewReplacer("%i", fmt.Sprint(interval), "%d", days.Draw(t, "days"), "%m", fmt.Sprint(int(start.Month()))).Replace(rule)
		if start.Day() > 28 {
			start = start.AddDate(0, 0, -5)
		}
		rule = strings.Replace(rule, "BYMONTH=", fmt.Sprintf("BYMONTH=%d;X=", int(start.Month())), 1)
		if i := strings.Index(rule, "X="); i >= 0 { // the month of the final start
			end := strings.IndexByte(rule[i:]+";", ';')
			rule = strings.TrimSuffix(rule[:i]+strings.TrimPrefix(rule[min(i+end, len(rule)):], ";"), ";")
		}
		check(t, fmt.Sprintf("%s;COUNT=%d", rule, count), start)
	})
}

// check compares the occurrences of a rule here and elsewhere.
func check(t *rapid.T, rule string, start time.Time) {
	want := expand(t, rule, start)
	c, ok := parseRule(rule, start, noUntil)
	if !ok {
		if len(want) > 1 { // a pattern needs an occurrence besides a start outside of it
			t.Fatalf("%s is refused", rule)
		}
		return
	}
	var got []string
	if c.Start != oxocal.NewMinutes(start).Day() {
		got = append(got, start.Format(time.DateOnly))
	}
	for _, d := range c.Occurrences(100) {
		got = append(got, d.Time().Format(time.DateOnly))
	}
	// Others leave out a start that the rule does not have, and go on for longer.
	if c.Start != oxocal.NewMinutes(start).Day() {
		got, want = got[1:], want[:min(len(want), len(got)-1)]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s from %s: %s", rule, start, diff)
	}
	again, ok := formatRule(c, oxocal.NewMinutes(start), func(oxocal.Minutes) string { return "" })
	if !ok {
		t.Fatalf("%s has no rule", rule)
	}
	c2, ok := parseRule(again, start, noUntil)
	if !ok || !cmp.Equal(c.Occurrences(100), c2.Occurrences(100)) {
		t.Fatalf("%s became %s", rule, again)
	}
}

func expand(t *rapid.T, rule string, start time.Time) []string {
	opt, err := rrule.StrToROption(rule)
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	opt.Dtstart = start
	r, err := rrule.NewRRule(*opt)
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	var out []string
	for _, d := range r.All() {
		out = append(out, d.Format(time.DateOnly))
	}
	return out
}

func TestRulesThatDoNotFit(t *testing.T) {
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for _, rule := range []string{
		"", "FREQ=HOURLY", "FREQ=SECONDLY;COUNT=5", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=MONTHLY;BYDAY=MO", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=YEARLY;BYMONTH=2", "FREQ=WEEKLY;BYDAY=1MO",
		"FREQ=MONTHLY;BYDAY=1MO,2TU", "FREQ=MONTHLY;BYDAY=-2MO", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=99999", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=x", "FREQ=DAILY;UNTIL=x",
		"FREQ=DAILY;BYHOUR=9,10", "FREQ=WEEKLY;WKST=XX", "FREQ=YEARLY;BYYEARDAY=1", "FREQ=DAILY;INTERVAL=2;BYDAY=MO", "FREQ=MONTHLY;BYMONTHDAY=30", "FREQ=YEARLY;BYDAY=MO",
	} {
		if c, ok := parseRule(rule, start, noUntil); ok {
			t.Errorf("%q became %+v", rule, c)
		}
	}
	// What does not fit comes back with the item, edited or not.
	it, reasons := parse(t, event("DTSTART:20260105T090000Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15", "SUMMARY:x"))
	if len(reasons) == 0 {
		t.Error("nothing says that the rule was not understood")
	}
	it.Message.Properties.Set(mapi.PidTagSubject, "y")
	if out := string(Render(it)); !strings.Contains(out, "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15") || !strings.Contains(out, "SUMMARY:y") {
		t.Error(out)
	}
}

// TestZones compares with the time zone database of the machine.
func TestZones(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Los_Angeles", "America/Phoenix", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney", "Pacific/Auckland"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		rule, ok := knownZone(name)
		if !ok {
			t.Fatalf("%s is not known", name)
		}
		c := zoneComponent(Zone{name, rule})
		read, ok := zoneRule(c, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if diff := cmp.Diff(rule, read, cmp.AllowUnexported(oxocal.Rule{})); !ok || diff != "" {
			t.Errorf("%s through a file: %s", name, diff)
		}
		for at := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(7 * time.Hour) {
			want := at.In(loc).Format(time.DateTime)
			if got := rule.Local(at).Format(time.DateTime); got != want {
				t.Errorf("%s: %s is %s, want %s", name, at.Format(time.DateTime), got, want)
				break
			}
		}
	}
	if _, ok := knownZone("/freeassociation.sourceforge.net/Europe/Berlin"); !ok {
		t.Error("a name with a prefix is not known")
	}
}

func TestZoneComponents(t *testing.T) {
	zone := func(parts string) string {
		return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Z\n" + parts + "END:VTIMEZONE\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Z:20260701T120000\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	part := func(kind, from, to, start, rule string) string {
		if rule != "" {
			rule = "RRULE:" + rule + "\n"
		}
		return "BEGIN:" + kind + "\nDTSTART:" + start + "\nTZOFFSETFROM:" + from + "\nTZOFFSETTO:" + to + "\n" + rule + "END:" + kind + "\n"
	}
	for _, tt := range []struct{ name, parts, want string }{
		{"fixed", part("STANDARD", "+0530", "+0530", "19700101T000000", ""), "06:30"},
		{"with saving time", part("STANDARD", "+0200", "+0100", "19701025T030000", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU") + part("DAYLIGHT", "+0100", "+0200", "19700329T020000", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"), "10:00"},
		{"saving time that ended", part("STANDARD", "+0400", "+0300", "20141026T020000", "") + part("DAYLIGHT", "+0300", "+0400", "19930328T020000", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20100328T000000Z"), "09:00"},
		{"the rule of now", part("STANDARD", "-0400", "-0500", "19671029T020000", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z") + part("STANDARD", "-0400", "-0500", "20071104T020000", "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU") +
			part("DAYLIGHT", "-0500", "-0400", "20070311T020000", "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU"), "16:00"},
		{"days of the month", part("STANDARD", "-0400", "-0500", "20071104T020000", "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU") + part("DAYLIGHT", "-0500", "-0400", "20070311T020000", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU"), "16:00"},
		{"saving time only", part("DAYLIGHT", "+0100", "+0200", "19700329T020000", ""), "10:00"},
		{"broken", part("STANDARD", "x", "y", "z", ""), "12:00"},
	} {
		it, _ := parse(t, zone(tt.parts))
		start, _ := moment(it.Message.Properties, mapi.PidLidAppointmentStartWhole)
		if got := start.Format("15:04"); got != tt.want {
			t.Errorf("%s: noon is %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTimes(t *testing.T) {
	berlin, _ := knownZone("Europe/Berlin")
	opt := Options{Zone: Zone{"Europe/Berlin", berlin}}
	for _, tt := range []struct{ name, lines, start, end string }{
		{"UTC", "DTSTART:20260701T120000Z\nDTEND:20260701T130000Z", "2026-07-01 12:00", "2026-07-01 13:00"},
		{"floating", "DTSTART:20260701T120000", "2026-07-01 10:00", "2026-07-01 10:00"},
		{"duration", "DTSTART:20260701T120000Z\nDURATION:P1DT2H3M", "2026-07-01 12:00", "2026-07-02 14:03"},
		{"whole day", "DTSTART;VALUE=DATE:20260701", "2026-06-30 22:00", "2026-07-01 22:00"},
		{"whole days", "DTSTART;VALUE=DATE:20260701\nDTEND;VALUE=DATE:20260704", "2026-06-30 22:00", "2026-07-03 22:00"},
		{"ends before it starts", "DTSTART:20260701T120000Z\nDTEND:20250701T130000Z", "2026-07-01 12:00", "2026-07-01 12:00"},
		{"zone without a description", "DTSTART;TZID=America/New_York:20260701T120000", "2026-07-01 16:00", "2026-07-01 16:00"},
		{"unknown zone", "DTSTART;TZID=Nowhere:20260701T120000", "2026-07-01 10:00", "2026-07-01 10:00"},
	} {
		text := event(tt.lines)
		it, _, err := Parse(text, opt)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		start, _ := moment(it.Message.Properties, mapi.PidLidAppointmentStartWhole)
		end, _ := moment(it.Message.Properties, mapi.PidLidAppointmentEndWhole)
		if got := start.Format("2006-01-02 15:04") + " " + end.Format("2006-01-02 15:04"); got != tt.start+" "+tt.end {
			t.Errorf("%s: %s, want %s %s", tt.name, got, tt.start, tt.end)
		}
		if got := string(Render(it)); got != text {
			t.Errorf("%s: not the same file", tt.name)
		}
		it.Message.Properties.Set(mapi.PidTagSubject, "edited")
		again, _, err := Parse(string(Render(it)), opt)
		if err != nil {
			t.Errorf("%s: %v\n%s", tt.name, err, Render(it))
			continue
		}
		for _, name := range []mapi.PropertyName{mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidAppointmentSubType} {
			if !cmp.Equal(it.Message.Properties.GetNamed(name), again.Message.Properties.GetNamed(name)) {
				t.Errorf("%s: %v differs after an edit\n%s", tt.name, name, Render(it))
			}
		}
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{"PT15M": 15 * time.Minute, "-P1D": -24 * time.Hour, "P1W": 168 * time.Hour, "+PT1H30M5S": time.Hour + 30*time.Minute + 5*time.Second, "P0D": 0} {
		if got, ok := parseDuration(in); !ok || got != want {
			t.Errorf("%s is %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "P", "15M", "PT", "P1M", "PT1D", "P1", "PX", "P99999999999D"} {
		if d, ok := parseDuration(in); ok && in != "PT" {
			t.Errorf("%q is %v", in, d)
		}
	}
}

// TestExceptions: what an exception changes, and only that, is in
// the pattern.
func TestExceptions(t *testing.T) {
	text := strings.Replace(event("DTSTART:20260105T090000Z", "DTEND:20260105T100000Z", "RRULE:FREQ=DAILY;COUNT=9", "SUMMARY:s", "LOCATION:l", "TRANSP:OPAQUE", "BEGIN:VALARM", "TRIGGER:-PT15M", "ACTION:DISPLAY", "DESCRIPTION:d", "END:VALARM"),
		"END:VCALENDAR", "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260107T090000Z\r\nDTSTART:20260107T110000Z\r\nDTEND:20260107T113000Z\r\nSUMMARY:s\r\nLOCATION:ℓ\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n"+
			"BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;VALUE=DATE:20260109\r\nDTSTART;VALUE=DATE:20260109\r\nSUMMARY:s\r\nLOCATION:l\r\nBEGIN:VALARM\r\nTRIGGER:-PT1H\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR", 1)
	it, reasons := parse(t, text)
	if len(reasons) > 0 {
		t.Error(reasons)
	}
	a, err := oxocal.ParseAppointment(bytesOf(it.Message.Properties, mapi.PidLidAppointmentRecur))
	if err != nil || len(a.Exceptions) != 2 {
		t.Fatalf("%v: %+v", err, a)
	}
	e := a.Exceptions[0]
	if e.Overrides != oxocal.OverrideLocation|oxocal.OverrideBusyStatus|oxocal.OverrideReminder || e.Location != "ℓ" || e.BusyStatus != 0 || e.Reminder != 0 {
		t.Errorf("first exception %+v", e)
	}
	if e := a.Exceptions[1]; e.Overrides != oxocal.OverrideAllDay|oxocal.OverrideReminderDelta || e.AllDay != 1 || e.Delta != 60 {
		t.Errorf("second exception %+v", e)
	}
	if len(it.Message.Attachments) != 2 || len(a.Deleted) != 2 || len(a.Modified) != 2 {
		t.Errorf("%d attachments, %d deleted, %d modified", len(it.Message.Attachments), len(a.Deleted), len(a.Modified))
	}
	it.Message.Properties.Set(mapi.PidTagSubject, "edited")
	again, _ := parse(t, string(Render(it)))
	if got, want := bytesOf(again.Message.Properties, mapi.PidLidAppointmentRecur), bytesOf(it.Message.Properties, mapi.PidLidAppointmentRecur); !bytes.Equal(got, want) {
		b, _ := oxocal.ParseAppointment(got)
		t.Errorf("the pattern differs after an edit: %+v, want %+v\n%s", b, a, Render(it))
	}
}

// TestOutlookPatterns renders what Outlook stored.
func TestOutlookPatterns(t *testing.T) {
	a := oxocal.NewAppointment()
	a.Frequency, a.Pattern, a.Period, a.Days = oxocal.Weekly, oxocal.PatternWeek, 2, 1<<4
	a.End, a.Count = oxocal.EndDate, 18
	a.Start, a.Last = 215544960, 215897760
	a.StartOffset, a.EndOffset = 870, 930
	blob, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	it := &Item{Message: &mapi.Message{}}
	bag := &it.Message.Properties
	set(bag, mapi.PidLidAppointmentRecur, blob)
	set(bag, mapi.PidLidRecurring, true)
	rule := oxocal.Rule{Bias: 300, Saving: -60, ToStandard: america[0], ToSaving: america[1]}
	set(bag, mapi.PidLidTimeZoneStruct, rule.Struct())
	set(bag, mapi.PidLidTimeZoneDescription, "(UTC-05:00) Eastern Time (US & Canada)")
	start := time.Date(2010, 10, 28, 18, 30, 0, 0, time.UTC)
	set(bag, mapi.PidLidAppointmentStartWhole, mapi.NewFileTime(start))
	set(bag, mapi.PidLidAppointmentEndWhole, mapi.NewFileTime(start.Add(time.Hour)))
	out := strings.ReplaceAll(string(Render(it)), "\r\n ", "")
	for _, want := range []string{"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TH;WKST=SU;UNTIL=20110630T183000Z", `DTSTART;TZID="(UTC-05:00) Eastern Time (US & Canada)":20101028T143000`, "BEGIN:DAYLIGHT", "TZOFFSETTO:-0400"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	back, _ := parse(t, string(Render(it)))
	b, err := oxocal.ParseAppointment(bytesOf(back.Message.Properties, mapi.PidLidAppointmentRecur))
	if err != nil || b.Last != a.Last || b.Start != a.Start || b.StartOffset != a.StartOffset || b.First != 8640 || b.Count != 18 {
		t.Errorf("%v: %+v", err, b)
	}
}

func TestNothingBreaksOut(t *testing.T) {
	it := &Item{Message: &mapi.Message{}, Body: "a\nb\r\nEND:VEVENT", Organizer: Person{"x\r\nX-EVIL:1", "a\r\nX-EVIL:1@b"}, Attendees: []Attendee{{Person: Person{`"q;:,`, "c@d\r\nX-EVIL:1"}, Type: mapi.RecipientTo}}}
	bag := &it.Message.Properties
	bag.Set(mapi.PidTagSubject, "s\r\nX-EVIL:1")
	set(bag, mapi.PidLidLocation, "l\r\nX-EVIL:1")
	set(bag, keywords, []string{"k\r\nX-EVIL:1", ","})
	set(bag, uidName, "u\r\nX-EVIL:1")
	list, err := contentline.Parse(string(Render(it)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list[0].Children {
		if slices.ContainsFunc(c.Lines, func(l contentline.Line) bool { return l.Name == "X-EVIL" }) {
			t.Errorf("a property broke out of its line:\n%s", Render(it))
		}
	}
}

// FuzzCalendar: what is accepted is rendered as it was, and after an edit it is still
// accepted.
func FuzzCalendar(f *testing.F) {
	f.Add(event("DTSTART:20260105T090000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4", "SUMMARY:x", "ATTENDEE;CN=a:mailto:b@c", "EXDATE:20260112T090000Z"))
	f.Add(event("DTSTART;TZID=Europe/Berlin:20260105T090000", "RRULE:FREQ=YEARLY;BYMONTH=1;BYDAY=1MO", "BEGIN:VALARM", "TRIGGER;RELATED=END:PT5M", "END:VALARM"))
	f.Add("BEGIN:VCALENDAR\nBEGIN:VTODO\nDUE:20260101\nRRULE:FREQ=DAILY\nCOMPLETED:20260101T000000Z\nATTACH;ENCODING=BASE64:aGk=\nEND:VTODO\nEND:VCALENDAR\n")
	f.Add("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Z:20260101T000000\nRECURRENCE-ID:20260101T000000Z\nEND:VEVENT\nEND:VCALENDAR\n")
	f.Fuzz(func(t *testing.T, text string) {
		it, _, err := Parse(text, Options{})
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrSeveral) {
				t.Fatal(err)
			}
			return
		}
		if len(text) <= maxKept && string(Render(it)) != text {
			t.Fatal("not the same file")
		}
		it.Message.Properties.Set(mapi.PidTagSubject, "edited")
		set(&it.Message.Properties, mapi.PidLidLocation, "edited")
		out := string(Render(it))
		again, _, err := Parse(out, Options{})
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, text, out)
		}
		Render(again)
	})
}

// TestNewZone: a zone that is made of a location has the rule that is known for it.
func TestNewZone(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Los_Angeles", "America/Phoenix", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney", "Pacific/Auckland"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := knownZone(name)
		for _, year := range []int{2025, 2026, 2027} {
			z := NewZone(loc, year)
			if diff := cmp.Diff(want, z.Rule, cmp.AllowUnexported(oxocal.Rule{})); diff != "" || z.Name != name {
				t.Errorf("%s in %d: %s", name, year, diff)
			}
		}
	}
	if z := NewZone(time.UTC, 2026); !z.isUTC() {
		t.Errorf("UTC is %v", z)
	}
}

// TestHostileFiles: numbers of things that no calendar has end in a reason, not in
// memory.
func TestHostileFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(event("DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY"), "END:VCALENDAR\r\n"))
	for i := range 3 * maxExceptions {
		at := time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format(utcForm)
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:%s\r\nDTSTART:%s\r\nEND:VEVENT\r\n", at, at)
	}
	b.WriteString("END:VCALENDAR\r\n")
	it, reasons := parse(t, b.String())
	if len(it.Message.Attachments) != maxExceptions || len(reasons) == 0 {
		t.Errorf("%d exceptions, reasons %v", len(it.Message.Attachments), reasons)
	}
	if _, _, err := Parse(strings.Repeat("x", maxFile+1), Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a file that is too long: %v", err)
	}
}
