package mime

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	goical "github.com/emersion/go-ical"
	govcard "github.com/emersion/go-vcard"
	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

func itemFile(t testing.TB, name string) string {
	t.Helper()
	p, err := os.ReadFile("testdata/items/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func parseItem(t testing.TB, ext, text string) *mapi.Message {
	t.Helper()
	m, err := ParseFile(ext, strings.NewReader(text), Options{})
	var partly *UnsupportedError
	if err != nil && !errors.As(err, &partly) {
		t.Fatalf("%v\n%s", err, text)
	}
	return m
}

func openItem(t testing.TB, m *mapi.Message) string {
	t.Helper()
	im, err := Renderer{}.OpenFile(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := im.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// calendarLines reads a calendar with a library that shares no code with this package,
// and returns its properties.
func calendarLines(t testing.TB, text string) []string {
	t.Helper()
	cal, err := goical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var check bytes.Buffer
	if err := goical.NewEncoder(&check).Encode(cal); err != nil { // it refuses what RFC 5545 does not allow
		t.Fatalf("%v\n%s", err, text)
	}
	var out []string
	var walk func(c *goical.Component)
	walk = func(c *goical.Component) {
		for name, list := range c.Props {
			for _, p := range list {
				out = append(out, fmt.Sprintf("%s %s%v:%s", c.Name, name, p.Params, p.Value))
			}
		}
		for _, ch := range c.Children {
			walk(ch)
		}
	}
	walk(cal.Component)
	slices.Sort(out)
	return out
}

// TestRecordedCalendar: what a server made of calendar files is what is made of them
// here, and renders as the files said.
func TestRecordedCalendar(t *testing.T) {
	byUID := map[string]*mapi.Message{}
	for _, m := range recorded(t, "calendar") {
		byUID[m.Message.Properties.String(mapi.PidTagSubject)] = &m.Message
	}
	for i := range 6 {
		text := itemFile(t, fmt.Sprintf("cal%d.ics", i))
		m := parseItem(t, ExtCalendar, text)
		server := byUID[m.Properties.String(mapi.PidTagSubject)]
		if server == nil {
			t.Fatalf("cal%d is not among the recorded items", i)
		}
		for _, name := range []mapi.PropertyName{mapi.PidLidAppointmentRecur, mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonStart,
			mapi.PidLidAppointmentDuration, mapi.PidLidRecurring, mapi.PidLidRecurrenceType, mapi.PidLidClipStart, mapi.PidLidLocation, mapi.PidLidOwnerCriticalChange} {
			want := server.Properties.GetNamed(name)
			if want == nil {
				continue
			}
			if diff := cmp.Diff(want, m.Properties.GetNamed(name)); diff != "" {
				w, _ := want.([]byte)
				g, _ := m.Properties.GetNamed(name).([]byte)
				t.Errorf("cal%d: %v: %s\nserver %s\nhere   %s", i, name, diff, hex.EncodeToString(w), hex.EncodeToString(g))
			}
		}
		if got := openItem(t, m); got != text {
			t.Errorf("cal%d is not what it was: %s", i, firstDifference([]byte(got), []byte(text)))
		}
		ignore := func(l string) bool {
			return strings.Contains(l, " PRODID") || strings.Contains(l, " TRANSP") || strings.Contains(l, " VERSION")
		}
		want := slices.DeleteFunc(calendarLines(t, text), ignore)
		got := slices.DeleteFunc(calendarLines(t, openItem(t, server)), ignore)
		// A rule says what follows from the start, too.
		for j := range got {
			got[j] = strings.Replace(got[j], "FREQ=YEARLY;BYMONTHDAY=6;BYMONTH=12;", "FREQ=YEARLY;", 1)
			got[j] = strings.Replace(got[j], "UNTIL=20270301T090000Z", "UNTIL=20270301T000000Z", 1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cal%d as the server has it: %s", i, diff)
		}
	}
}

func TestRecordedContacts(t *testing.T) {
	byName := map[string]*mapi.Message{}
	for _, m := range recorded(t, "contacts") {
		byName[m.Message.Properties.String(mapi.PidTagDisplayName)] = &m.Message
	}
	for i := range 3 {
		text := itemFile(t, fmt.Sprintf("c%d.vcf", i))
		m := parseItem(t, ExtContact, text)
		server := byName[m.Properties.String(mapi.PidTagDisplayName)]
		if server == nil {
			t.Fatalf("c%d is not among the recorded items", i)
		}
		for _, tag := range []mapi.PropertyTag{mapi.PidTagGivenName, mapi.PidTagSurname, mapi.PidTagCompanyName, mapi.PidTagMobileTelephoneNumber} {
			if got, want := m.Properties.String(tag), server.Properties.String(tag); got != want {
				t.Errorf("c%d: %v is %q, want %q", i, tag, got, want)
			}
		}
		if got, want := m.Properties.StringNamed(mapi.PidLidEmail1EmailAddress), server.Properties.StringNamed(mapi.PidLidEmail1EmailAddress); got != want {
			t.Errorf("c%d: address %q, want %q", i, got, want)
		}
		if got := openItem(t, m); got != text {
			t.Errorf("c%d is not what it was", i)
		}
		want, err := govcard.NewDecoder(strings.NewReader(text)).Decode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := govcard.NewDecoder(strings.NewReader(openItem(t, server))).Decode()
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"FN", "N", "EMAIL", "TEL", "ORG"} {
			if got.Value(field) != want.Value(field) {
				t.Errorf("c%d: %s is %q, want %q", i, field, got.Value(field), want.Value(field))
			}
		}
	}
}

// TestRecordedItemsThroughFiles: the file of an item that a server made gives its
// properties back.
func TestRecordedItemsThroughFiles(t *testing.T) {
	for _, folder := range []string{"calendar", "contacts"} {
		for i, rec := range recorded(t, folder) {
			m := &rec.Message
			text := openItem(t, m)
			back := parseItem(t, Extension(m.Properties.String(mapi.PidTagMessageClass)), text)
			for _, p := range m.Properties {
				if p.Name.Set != mapi.PSETIDAppointment && p.Name.Set != mapi.PSETIDAddress && p.Name.Set != mapi.PSETIDCommon {
					continue
				}
				if got := back.Properties.GetNamed(p.Name); !cmp.Equal(got, p.Value) && p.Name != mapi.PidLidClipEnd {
					t.Errorf("%s %d: %v is %v, want %v\n%s", folder, i, p.Name, got, p.Value, text)
				}
			}
		}
	}
}

func TestExtension(t *testing.T) {
	for class, want := range map[string]string{
		"IPM.Note": ".eml", "IPM.Appointment": ".ics", "IPM.Appointment.Custom": ".ics", "ipm.task": ".ics", "IPM.TaskRequest": ".eml", "IPM.Contact": ".vcf",
		"IPM.DistList": ".vcf", "IPM.StickyNote": ".eml", "IPM.Activity": ".eml", "IPM.Post": ".eml", "IPM.Document.Word": ".eml", "IPM.Schedule.Meeting.Request": ".eml", "": ".eml",
	} {
		if got := Extension(class); got != want {
			t.Errorf("%s is a file %s, want %s", class, got, want)
		}
	}
}

func TestItemErrors(t *testing.T) {
	for _, tt := range []struct{ ext, text string }{
		{ExtCalendar, ""}, {ExtCalendar, "From: x\n\nbody"}, {ExtCalendar, "BEGIN:VCALENDAR\nEND:VCALENDAR\n"}, {ExtCalendar, "BEGIN:VCARD\nEND:VCARD\n"},
		{ExtCalendar, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101T000000Z\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nEND:VCALENDAR\n"},
		{ExtCalendar, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n"}, {ExtCalendar, "BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nEND:VJOURNAL\nEND:VCALENDAR\n"},
		{ExtContact, ""}, {ExtContact, "BEGIN:VCARD\n"}, {ExtContact, "BEGIN:VCARD\nFN:a\nEND:VCARD\nBEGIN:VCARD\nFN:b\nEND:VCARD\n"}, {".txt", "x"},
	} {
		if _, err := ParseFile(tt.ext, strings.NewReader(tt.text), Options{}); !errors.Is(err, ErrNotItem) {
			t.Errorf("%s %q: %v", tt.ext, tt.text, err)
		}
		if CheckFile(tt.ext, strings.NewReader(tt.text)) == nil {
			t.Errorf("%s %q is accepted", tt.ext, tt.text)
		}
	}
	if _, err := ParseFile(ExtContact, io.MultiReader(strings.NewReader("BEGIN:VCARD\n"), &endless{maxItemFile}), Options{}); !errors.Is(err, ErrNotItem) {
		t.Errorf("too long: %v", err)
	}
}

const richEvent = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:Mine\r\n" +
	"BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nX-LIC-LOCATION:Europe/Berlin\r\n" +
	"BEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nDTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n" +
	"BEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
	"BEGIN:VEVENT\r\nUID:weekly-1@example.test\r\nDTSTAMP:20261101T080000Z\r\nDTSTART;TZID=Europe/Berlin:20261005T093000\r\nDTEND;TZID=Europe/Berlin:20261005T103000\r\n" +
	"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=6\r\nEXDATE;TZID=Europe/Berlin:20261019T093000\r\nSUMMARY:Team\\, weekly; \\nand more\r\nLOCATION:Raum Süd\r\n" +
	"DESCRIPTION:Agenda:\\n1. a\\n2. b\r\nCLASS:PRIVATE\r\nPRIORITY:1\r\nCATEGORIES:Red,Blue\\, dark\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nSEQUENCE:3\r\n" +
	"ORGANIZER;CN=Anna Berg:mailto:anna@example.test\r\nATTENDEE;CN=\"Bob; B\";ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;X-NUM-GUESTS=0:mailto:bob@example.test\r\n" +
	"ATTENDEE;CN=Carl;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:carl@example.test\r\nATTENDEE;CUTYPE=ROOM;CN=Room:mailto:room@example.test\r\n" +
	"X-CUSTOM;X-P=\"a,b\":kept \\, as it is\r\nATTACH:https://example.test/agenda.pdf\r\nGEO:52.5;13.4\r\n" +
	"ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.txt:aGVsbG8=\r\n" +
	"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\nBEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-P1D\r\nEND:VALARM\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:weekly-1@example.test\r\nDTSTAMP:20261101T080000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20261102T093000\r\nDTSTART;TZID=Europe/Berlin:20261103T140000\r\nDTEND;TZID=Europe/Berlin:20261103T150000\r\n" +
	"SUMMARY:Team moved\r\nLOCATION:Raum Süd\r\nDESCRIPTION:other text\r\nX-ONLY-HERE:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestCalendarRoundTrip(t *testing.T) {
	m := parseItem(t, ExtCalendar, richEvent)
	if got := openItem(t, m); got != richEvent {
		t.Fatalf("not the same bytes: %s", firstDifference([]byte(got), []byte(richEvent)))
	}
	p := m.Properties
	for name, want := range map[mapi.PropertyName]any{
		mapi.PidLidAppointmentStartWhole: "2026-10-05T07:30:00Z", mapi.PidLidAppointmentDuration: int32(60), mapi.PidLidRecurring: true, mapi.PidLidLocation: "Raum Süd",
		mapi.PidLidReminderDelta: int32(30), mapi.PidLidReminderSet: true, mapi.PidLidPrivate: true, mapi.PidLidAppointmentSequence: int32(3), mapi.PidLidTimeZoneDescription: "Europe/Berlin",
		mapi.PidLidBusyStatus: int32(2), mapi.PidLidAppointmentStateFlags: int32(1),
	} {
		got := p.GetNamed(name)
		if ft, ok := got.(mapi.FileTime); ok {
			got = ft.Time().Format("2006-01-02T15:04:05Z07:00")
		}
		if got != want {
			t.Errorf("%v is %v, want %v", name, got, want)
		}
	}
	var people []string
	for _, r := range m.Recipients {
		people = append(people, fmt.Sprint(r.Type, " ", r.Properties.String(mapi.PidTagSmtpAddress), " ", r.Properties.Int(mapi.PidTagRecipientFlags), " ", r.Properties.Int(mapi.PidTagRecipientTrackStatus)))
	}
	if diff := cmp.Diff([]string{"1 anna@example.test 3 0", "1 bob@example.test 1 3", "2 carl@example.test 1 0", "3 room@example.test 1 0"}, people); diff != "" {
		t.Error(diff)
	}
	if len(m.Attachments) != 2 {
		t.Errorf("%d attachments, want a file and an exception", len(m.Attachments))
	}
	// Somebody else edits the item: what no property stands for stays.
	m.Properties.SetNamed(mapi.PidLidLocation, mapi.TypeString, "elsewhere")
	edited := openItem(t, m)
	lines := calendarLines(t, edited)
	flat := strings.ReplaceAll(edited, "\r\n ", "")
	for _, want := range []string{"LOCATION:elsewhere", `X-CUSTOM;X-P="a,b":kept \, as it is`, "ATTACH:https://example.test/agenda.pdf", "GEO:52.5;13.4", "X-WR-CALNAME:Mine", "TRIGGER:-P1D",
		"TRIGGER:-PT30M", "STATUS:CONFIRMED", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=6", "TZNAME:CEST", "X-LIC-LOCATION:Europe/Berlin", "EXDATE;TZID=Europe/Berlin:20261019T093000", "RECURRENCE-ID;TZID=Europe/Berlin:20261102T093000",
		"SUMMARY:Team moved", "DESCRIPTION:other text", "DTSTART;TZID=Europe/Berlin:20261103T140000", "X-ONLY-HERE:1", "METHOD:PUBLISH", "FILENAME=a.txt", "TZOFFSETTO:+0200",
		`ATTENDEE;CN="Bob; B";ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;X-NUM-GUESTS=0:mailto:bob@example.test`, `SUMMARY:Team\, weekly; \nand more`, `DESCRIPTION:Agenda:\n1. a\n2. b`,
		"CLASS:PRIVATE", "PRIORITY:1", `CATEGORIES:Red,Blue\, dark`, "CUTYPE=ROOM"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, flat)
		}
	}
	if strings.Count(flat, "aGVsbG8=") != 1 {
		t.Error("the attachment is there twice, or not at all")
	}
	// What did change is written anew, and nothing else.
	m.Recipients[1].Properties.Set(mapi.PidTagRecipientTrackStatus, int32(4))
	m.Properties.SetNamed(mapi.PidLidReminderDelta, mapi.TypeInteger32, int32(5))
	m.Properties.SetNamed(mapi.PidLidAppointmentEndWhole, mapi.TypeTime, mapi.NewFileTime(time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)))
	flat = strings.ReplaceAll(openItem(t, m), "\r\n ", "")
	for _, want := range []string{"PARTSTAT=DECLINED;RSVP=TRUE:mailto:bob@example.test", "TRIGGER:-PT5M", "TRIGGER:-P1D", "DTEND;TZID=Europe/Berlin:20261005T110000", "WKST=MO;COUNT=6", `SUMMARY:Team\, weekly; \nand more`} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, flat)
		}
	}
	again := parseItem(t, ExtCalendar, edited)
	again.Properties.SetNamed(mapi.PidLidLocation, mapi.TypeString, "elsewhere still")
	back := openItem(t, again)
	if got := strings.ReplaceAll(back, "elsewhere still", "elsewhere"); got != edited {
		t.Errorf("a second edit changes more: %s\n%d lines", firstDifference([]byte(got), []byte(edited)), len(lines))
	}
}

func TestTaskRoundTrip(t *testing.T) {
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VTODO\r\nUID:t1\r\nDTSTAMP:20261101T080000Z\r\nDTSTART;VALUE=DATE:20261120\r\nDUE;VALUE=DATE:20261201\r\n" +
		"SUMMARY:Write it\r\nDESCRIPTION:with care\r\nPRIORITY:9\r\nSTATUS:IN-PROCESS\r\nPERCENT-COMPLETE:25\r\nRRULE:FREQ=MONTHLY;BYDAY=2TU\r\nRELATED-TO:other\r\n" +
		"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:r\r\nTRIGGER;VALUE=DATE-TIME:20261120T080000Z\r\nEND:VALARM\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
	m := parseItem(t, ExtCalendar, text)
	if got := openItem(t, m); got != text {
		t.Errorf("not the same bytes: %s", firstDifference([]byte(got), []byte(text)))
	}
	p := m.Properties
	if p.String(mapi.PidTagMessageClass) != "IPM.Task" || p.GetNamed(mapi.PidLidPercentComplete) != 0.25 || p.GetNamed(mapi.PidLidTaskStatus) != int32(1) || p.GetNamed(mapi.PidLidTaskFRecurring) != true {
		t.Errorf("%v", p)
	}
	m.Properties.SetNamed(mapi.PidLidTaskStatus, mapi.TypeInteger32, int32(2))
	m.Properties.SetNamed(mapi.PidLidTaskComplete, mapi.TypeBoolean, true)
	flat := strings.ReplaceAll(openItem(t, m), "\r\n ", "")
	for _, want := range []string{"STATUS:COMPLETED", "RELATED-TO:other", "DUE;VALUE=DATE:20261201", "RRULE:FREQ=MONTHLY;BYDAY=2TU", "TRIGGER;VALUE=DATE-TIME:20261120T080000Z", "UID:t1"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, flat)
		}
	}
	calendarLines(t, openItem(t, m))
}

const richCard = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Müller\\, jr.;Jürgen;Otto,Karl;Dr.;III\r\nFN:Dr. Jürgen Müller\r\nNICKNAME:JM\r\nORG:Firma\\; GmbH;Einkauf;Süd\r\nTITLE:Chef\r\nROLE:Boss\r\n" +
	"EMAIL;TYPE=INTERNET,PREF:j@example.test\r\nEMAIL;TYPE=INTERNET:j2@example.test\r\nEMAIL;TYPE=INTERNET:j3@example.test\r\nEMAIL;TYPE=INTERNET:j4@example.test\r\n" +
	"TEL;TYPE=WORK,VOICE:+49 30 1\r\nTEL;TYPE=WORK,FAX:+49 30 2\r\nTEL;TYPE=CELL:+49 170 3\r\nTEL;TYPE=HOME:+49 30 4\r\nTEL;TYPE=CELL:+49 171 5\r\n" +
	"ADR;TYPE=WORK,PREF:Postfach 1;2. Stock;Straße 1;Berlin;BE;10115;Deutschland\r\nADR;TYPE=HOME:;;Weg 2;Ort;;12345;\r\nADR;TYPE=HOME:;;Weg 3;Ort;;12345;\r\n" +
	"URL;TYPE=WORK:https://example.test\r\nBDAY:1970-02-03\r\nNOTE:line 1\\nline 2\r\nCATEGORIES:Friends,Work\r\nUID:urn:uuid:1\r\n" +
	"PHOTO;ENCODING=b;TYPE=JPEG:/9j/2Q==\r\nitem1.X-ABDATE;TYPE=pref:2001-01-01\r\nitem1.X-ABLabel:_$!<Anniversary>!$_\r\nX-SOCIALPROFILE;TYPE=x:https://example.test/p\r\nREV:20200101T000000Z\r\nEND:VCARD\r\n"

func TestContactRoundTrip(t *testing.T) {
	m := parseItem(t, ExtContact, richCard)
	if got := openItem(t, m); got != richCard {
		t.Fatalf("not the same bytes: %s", firstDifference([]byte(got), []byte(richCard)))
	}
	p := m.Properties
	for tag, want := range map[mapi.PropertyTag]string{
		mapi.PidTagSurname: "Müller, jr.", mapi.PidTagGivenName: "Jürgen", mapi.PidTagMiddleName: "Otto Karl", mapi.PidTagDisplayNamePrefix: "Dr.", mapi.PidTagGeneration: "III",
		mapi.PidTagCompanyName: "Firma; GmbH", mapi.PidTagDepartmentName: "Einkauf, Süd", mapi.PidTagBusinessTelephoneNumber: "+49 30 1", mapi.PidTagBusinessFaxNumber: "+49 30 2",
		mapi.PidTagMobileTelephoneNumber: "+49 170 3", mapi.PidTagHomeTelephoneNumber: "+49 30 4", mapi.PidTagHomeAddressStreet: "Weg 2", mapi.PidTagBody: "line 1\r\nline 2",
	} {
		if got := p.String(tag); got != want {
			t.Errorf("%v is %q, want %q", tag, got, want)
		}
	}
	if got := p.StringNamed(mapi.PidLidWorkAddress); got != "Postfach 1\r\n2. Stock\r\nStraße 1\r\n10115 Berlin BE\r\nDeutschland" {
		t.Errorf("address %q", got)
	}
	if len(m.Attachments) != 1 || !m.Attachments[0].Properties.Bool(mapi.PidTagAttachmentContactPhoto) {
		t.Error("no picture")
	}
	m.Properties.Set(mapi.PidTagTitle, "Direktor")
	edited := openItem(t, m)
	flat := strings.ReplaceAll(edited, "\r\n ", "")
	for _, want := range []string{"TITLE:Direktor", "EMAIL;TYPE=INTERNET:j4@example.test", "TEL;TYPE=CELL:+49 171 5", "item1.X-ABDATE;TYPE=pref:2001-01-01", "X-SOCIALPROFILE", "Weg 3", `N:Müller\, jr.;Jürgen;Otto,Karl;Dr.;III`,
		`ORG:Firma\; GmbH;Einkauf;Süd`, "item1.X-ABLABEL", "2. Stock;Straße 1", "EMAIL;TYPE=INTERNET,PREF:j@example.test", "BDAY:1970-02-03", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/2Q==", "NOTE:line 1\\nline 2", "UID:urn:uuid:1", "CATEGORIES:Friends,Work"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, flat)
		}
	}
	for _, once := range []string{"j@example.test", "+49 170 3", "Weg 2", "Postfach 1", "FN:"} {
		if n := strings.Count(flat, once); n != 1 {
			t.Errorf("%q is there %d times in\n%s", once, n, flat)
		}
	}
	card, err := govcard.NewDecoder(strings.NewReader(edited)).Decode()
	if err != nil {
		t.Fatal(err)
	}
	if card.Name() == nil || card.Name().GivenName != "Jürgen" || len(card.Values("EMAIL")) != 4 || len(card.Addresses()) != 3 {
		t.Errorf("another reader sees %v", card)
	}
}

func TestVCard21(t *testing.T) {
	m := parseItem(t, ExtContact, "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=FCrgen\nFN;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:J=FCrgen =\nM=FCller\nTEL;HOME;VOICE:1\nTEL;CELL:2\nNOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab\nEND:VCARD\n")
	p := m.Properties
	if p.String(mapi.PidTagDisplayName) != "Jürgen Müller" || p.String(mapi.PidTagSurname) != "Müller" || p.String(mapi.PidTagHomeTelephoneNumber) != "1" || p.String(mapi.PidTagMobileTelephoneNumber) != "2" || p.String(mapi.PidTagBody) != "a\r\nb" {
		t.Errorf("%v", p)
	}
}

func TestDistributionList(t *testing.T) {
	text := "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:The team\r\nMEMBER;X-CN=Anna:mailto:anna@example.test\r\nMEMBER:mailto:bob@example.test\r\nMEMBER:urn:uuid:03a0e51f\r\nUID:x\r\nEND:VCARD\r\n"
	m := parseItem(t, ExtContact, text)
	if got := openItem(t, m); got != text {
		t.Errorf("not the same bytes: %s", firstDifference([]byte(got), []byte(text)))
	}
	members, _ := m.Properties.GetNamed(mapi.PidLidDistributionListOneOffMembers).([][]byte)
	if m.Properties.String(mapi.PidTagMessageClass) != "IPM.DistList" || len(members) != 2 || m.Properties.StringNamed(mapi.PidLidDistributionListName) != "The team" {
		t.Errorf("%v", m.Properties)
	}
	m.Properties.SetNamed(mapi.PidLidDistributionListName, mapi.TypeString, "The other team")
	flat := openItem(t, m)
	for _, want := range []string{"FN:The other team", "MEMBER;X-CN=Anna:mailto:anna@example.test", "MEMBER:urn:uuid:03a0e51f", "KIND:group"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, flat)
		}
	}
}

// TestItemsWithoutUID: a file that names no UID comes back as it was from a server, which knows the item by a key of its own.
func TestItemsWithoutUID(t *testing.T) {
	for ext, text := range map[string]string{
		ExtContact:  "BEGIN:VCARD\nVERSION:3.0\nFN:Bo Berg\nN:Berg;Bo;;;\nEND:VCARD\n",
		ExtCalendar: "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTODO\nSUMMARY:Mow\nEND:VTODO\nEND:VCALENDAR\n",
	} {
		m := parseItem(t, ext, text)
		m.Properties.Set(mapi.PidTagSearchKey, []byte("0123456789abcdef"))
		m.Properties.Set(mapi.PidTagImportance, int32(1))
		m.Properties.Set(mapi.PidTagCreationTime, mapi.NewFileTime(time.Now()))
		m.Properties.Set(mapi.PidTagLastModificationTime, mapi.NewFileTime(time.Now()))
		if got := openItem(t, m); got != text {
			t.Errorf("%s: %s", ext, got)
		}
	}
}
