package mime

import (
	"bytes"
	"strings"
	"testing"

	"mailfs/mapi"
)

// invitation returns a message with a calendar part.
func invitation(method, lines string) string {
	return "From: bob@example.test\nTo: anna@example.test\nSubject: from the mail\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n" +
		"--b\nContent-Type: text/plain\n\nthe text\n--b\nContent-Type: text/html\n\n<p>the text\n" +
		"--b\nContent-Type: text/calendar; charset=utf-8; method=" + method + "; component=VEVENT\n\n" +
		"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:" + method + "\nX-KEPT:1\nBEGIN:VEVENT\nUID:m1\nDTSTAMP:20260101T000000Z\nDTSTART:20260201T090000Z\nDTEND:20260201T100000Z\nSUMMARY:from the calendar\nLOCATION:Raum Süd\nDESCRIPTION:agenda\n" +
		"ORGANIZER:mailto:bob@example.test\n" + lines + "END:VEVENT\nEND:VCALENDAR\n--b--\n"
}

func TestMeetingClasses(t *testing.T) {
	for _, tt := range []struct{ method, status, class string }{
		{"REQUEST", "NEEDS-ACTION", "IPM.Schedule.Meeting.Request"}, {"CANCEL", "NEEDS-ACTION", "IPM.Schedule.Meeting.Canceled"},
		{"REPLY", "ACCEPTED", "IPM.Schedule.Meeting.Resp.Pos"}, {"REPLY", "DECLINED", "IPM.Schedule.Meeting.Resp.Neg"}, {"REPLY", "TENTATIVE", "IPM.Schedule.Meeting.Resp.Tent"},
		{"COUNTER", "TENTATIVE", "IPM.Schedule.Meeting.Resp.Tent"},
	} {
		in := invitation(tt.method, "ATTENDEE;PARTSTAT="+tt.status+";CN=Anna:mailto:anna@example.test\n")
		m := parse(t, in)
		p := m.Properties
		if got := p.String(mapi.PidTagMessageClass); got != tt.class {
			t.Errorf("%s %s: class %q", tt.method, tt.status, got)
		}
		if p.String(mapi.PidTagSubject) != "from the mail" || p.String(mapi.PidTagBody) != "the text" || len(m.Attachments) != 0 || len(m.Recipients) != 1 {
			t.Errorf("%s: %d attachments, %d recipients, %v", tt.method, len(m.Attachments), len(m.Recipients), p)
		}
		if p.StringNamed(mapi.PidLidLocation) != "Raum Süd" || p.GetNamed(mapi.PidLidGlobalObjectId) == nil || p.GetNamed(mapi.PidLidAppointmentStartWhole) == nil {
			t.Errorf("%s: no calendar properties", tt.method)
		}
		out := string(mustRender(t, m))
		for _, want := range []string{"text/plain", "text/html", "Content-Type: text/calendar; charset=utf-8; component=VEVENT; method=" + tt.method, "X-KEPT:1", "SUMMARY:from the calendar"} {
			if !strings.Contains(strings.ReplaceAll(out, "\n ", " "), want) {
				t.Errorf("%s: %q is missing in\n%s", tt.method, want, out)
			}
		}
		if again := string(mustRender(t, parse(t, out))); again != out {
			t.Errorf("%s: %s", tt.method, firstDifference([]byte(again), []byte(out)))
		}
		// Once somebody moves the meeting, the part that it came with is no longer true.
		m.Properties.SetNamed(mapi.PidLidLocation, mapi.TypeString, "elsewhere")
		if moved := string(mustRender(t, m)); strings.Contains(moved, "text/calendar") || !strings.Contains(moved, "Where: elsewhere") {
			t.Errorf("%s: a calendar part that is not true:\n%s", tt.method, moved)
		}
	}
	if m := parse(t, invitation("PUBLISH", "")); m.Properties.String(mapi.PidTagMessageClass) != "IPM.Note" || len(m.Attachments) != 1 {
		t.Errorf("a published event: %v", m.Properties)
	}
	m := partly(t, invitation("REFRESH", ""))
	if m.Properties.String(mapi.PidTagMessageClass) != "IPM.Note" || len(m.Attachments) != 1 {
		t.Errorf("another method: %v", m.Properties)
	}
}

func TestCalendarAlone(t *testing.T) {
	in := "Subject: s\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101T000000Z\nDESCRIPTION:text\nEND:VEVENT\nEND:VCALENDAR\n"
	m := parse(t, in)
	if got := m.Properties.String(mapi.PidTagBody); got != "text" {
		t.Errorf("body %q", got)
	}
	out := string(mustRender(t, m))
	if strings.Contains(out, "multipart") || !strings.Contains(out, "Content-Type: text/calendar; charset=us-ascii; method=REQUEST\n") {
		t.Error(out)
	}
	attached := parse(t, strings.Replace(invitation("REQUEST", ""), "text/calendar; charset=utf-8; method=REQUEST; component=VEVENT", "text/calendar; name=x.ics\nContent-Disposition: attachment", 1))
	if attached.Properties.String(mapi.PidTagMessageClass) != "IPM.Note" || len(attached.Attachments) != 1 {
		t.Error("a calendar file that is attached became the message")
	}
	broken := partly(t, strings.Replace(invitation("REQUEST", ""), "END:VEVENT", "END:NOTHING", 1))
	if broken.Properties.String(mapi.PidTagMessageClass) != "IPM.Note" || len(broken.Attachments) != 1 {
		t.Error("a broken calendar part is lost")
	}
}

// TestRecordedInvitations: with Options.Calendar the meeting messages that a server sent
// have a calendar part which others can read, and which says the same again.
func TestRecordedInvitations(t *testing.T) {
	n := 0
	for _, m := range everyMessage(t) {
		class := m.Properties.String(mapi.PidTagMessageClass)
		if !isClass(class, classMeeting) {
			continue
		}
		n++
		var b bytes.Buffer
		if err := (Renderer{Options{Calendar: true}}).Render(&b, m); err != nil {
			t.Fatal(err)
		}
		back := parse(t, b.String())
		if got := back.Properties.String(mapi.PidTagMessageClass); got != class {
			t.Errorf("class %q became %q\n%s", class, got, b.String())
		}
		for _, name := range []mapi.PropertyName{mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidLocation, mapi.PidLidAppointmentRecur, mapi.PidLidCleanGlobalObjectId} {
			want, got := m.Properties.GetNamed(name), back.Properties.GetNamed(name)
			if w, ok := want.([]byte); ok {
				g, _ := got.([]byte)
				if name == mapi.PidLidCleanGlobalObjectId { // with or without a zero behind the UID
					w, g = bytes.TrimRight(w[40:], "\x00"), bytes.TrimRight(g[40:], "\x00")
				}
				if !bytes.Equal(w, g) {
					t.Errorf("%s: %v is %x, want %x", class, name, g, w)
				}
				continue
			}
			if want != nil && want != got {
				t.Errorf("%s: %v is %v, want %v", class, name, got, want)
			}
		}
		_, part, ok := strings.Cut(b.String(), "BEGIN:VCALENDAR")
		if !ok {
			t.Fatal(b.String())
		}
		part, _, _ = strings.Cut(part, "END:VCALENDAR")
		calendarLines(t, "BEGIN:VCALENDAR"+part+"END:VCALENDAR\r\n")
	}
	if n < 6 {
		t.Errorf("only %d meeting messages", n)
	}
}
