package mime

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

var (
	verbsName    = mapi.PidLidVerbStream
	reminderName = mapi.PidLidReminderSet
	ownName      = mapi.StringName(mapi.GUID{1, 2, 3}, "Somebody's own")
)

// rich is a message as Outlook makes them: what a file can show, and much that none can.
func rich() *mapi.Message {
	m := &mapi.Message{}
	p := &m.Properties
	p.Set(mapi.PidTagMessageClass, "IPM.Note.Custom")
	p.Set(mapi.PidTagSubject, "Lunch")
	p.Set(mapi.PidTagNormalizedSubject, "Lunch")
	p.Set(mapi.PidTagConversationTopic, "Lunch")
	p.Set(mapi.PidTagConversationIndex, bytes.Repeat([]byte{1}, 22))
	p.Set(mapi.PidTagClientSubmitTime, mapi.FileTime(133_000_000_000_000_000))
	p.Set(mapi.PidTagInternetMessageId, "<1@example.test>")
	p.Set(mapi.PidTagHtml, []byte("<html><body>gr\xfc\xdfe</body></html>"))
	p.Set(mapi.PidTagBody, "gr\u00fc\u00dfe\r\n")
	p.Set(mapi.PidTagInternetCodepage, int32(1252))
	p.Set(mapi.PidTagNativeBody, int32(nativeHTML))
	p.Set(mapi.PidTagImportance, int32(2))
	p.Set(mapi.PidTagFlagStatus, int32(2))
	p.Set(mapi.PidTagMessageFlags, int32(0x11))
	p.SetNamed(keywordsName, mapi.TypeMultiString, []string{"Red", "Blue"})
	p.SetNamed(verbsName, mapi.TypeBinary, []byte{2, 1, 4, 0})
	p.SetNamed(reminderName, mapi.TypeBoolean, true)
	p.SetNamed(ownName, mapi.TypeString, "kept")
	for _, g := range []addressGroup{senderGroup, representingGroup} {
		p.Set(g.name, "Anna Berg")
		p.Set(g.typ, "EX")
		p.Set(g.email, "/o=x/cn=anna")
		p.Set(g.smtp, "anna@example.test")
		p.Set(g.entryID, mapi.NewAddressBookEntryID("/o=x/cn=anna").Bytes())
	}
	for i, name := range []string{"Bo", "Cy"} {
		r := mapi.Recipient{RowID: uint32(i), Type: mapi.RecipientTo}
		r.Properties.Set(mapi.PidTagDisplayName, name)
		r.Properties.Set(mapi.PidTagAddressType, "EX")
		r.Properties.Set(mapi.PidTagEmailAddress, "/o=x/cn="+name)
		r.Properties.Set(mapi.PidTagSmtpAddress, strings.ToLower(name)+"@example.test")
		r.Properties.Set(mapi.PidTagEntryId, mapi.NewAddressBookEntryID("/o=x/cn="+name).Bytes())
		r.Properties.Set(mapi.PidTagRecipientTrackStatus, int32(3))
		m.Recipients = append(m.Recipients, r)
	}
	for i, name := range []string{"a.pdf", "b.txt"} {
		a := mapi.Attachment{Number: uint32(i)}
		a.Properties.Set(mapi.PidTagAttachMethod, int32(1))
		a.Properties.Set(mapi.PidTagAttachLongFilename, name)
		a.Properties.Set(mapi.PidTagAttachDataBinary, []byte("data of "+name))
		a.Properties.SetNamed(ownName, mapi.TypeString, "of "+name)
		m.Attachments = append(m.Attachments, a)
	}
	return m
}

func fileOf(t *testing.T, m *mapi.Message) string {
	t.Helper()
	return openItem(t, m)
}

// edited makes the next version of m of its file with some text replaced.
func edited(t *testing.T, m *mapi.Message, pairs ...string) *mapi.Message {
	t.Helper()
	was := fileOf(t, m)
	now := was
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(now, pairs[i]) {
			t.Fatalf("%q is not in\n%s", pairs[i], now)
		}
		now = strings.Replace(now, pairs[i], pairs[i+1], 1)
	}
	ext := Extension(m.Properties.String(mapi.PidTagMessageClass))
	seen, err := ParseFile(ext, strings.NewReader(was), Options{}.Seen())
	if err != nil {
		t.Fatal(err)
	}
	out, err := Revise(m, seen, parseItem(t, ext, now))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changedIn names the properties, recipients and attachments in which two versions differ.
func changedIn(a, b *mapi.Message) []string {
	out := []string{}
	bags := func(where string, x, y mapi.PropertyBag) {
		for _, bag := range []mapi.PropertyBag{x, y} {
			for _, p := range bag {
				name := p.Tag.String()
				if !p.Name.IsZero() {
					name = p.Name.String()
				}
				if i := strings.IndexByte(name, ' '); i > 0 {
					name = name[:i]
				}
				if name = where + name; !sameProperty(x, y, p.Key()) && !slices.Contains(out, name) {
					out = append(out, name)
				}
			}
		}
	}
	bags("", a.Properties, b.Properties)
	for i := range max(len(a.Recipients), len(b.Recipients)) {
		if i >= len(a.Recipients) || i >= len(b.Recipients) {
			out = append(out, fmt.Sprint("recipient ", i))
			continue
		}
		bags(fmt.Sprintf("recipient %d ", i), a.Recipients[i].Properties, b.Recipients[i].Properties)
	}
	for i := range max(len(a.Attachments), len(b.Attachments)) {
		if i >= len(a.Attachments) || i >= len(b.Attachments) {
			out = append(out, fmt.Sprint("attachment ", i))
			continue
		}
		bags(fmt.Sprintf("attachment %d ", i), a.Attachments[i].Properties, b.Attachments[i].Properties)
	}
	slices.Sort(out)
	return out
}

// TestRevise: an edit changes the properties that it is about, and nothing else.
func TestRevise(t *testing.T) {
	headers := "PidTagTransportMessageHeaders"
	for name, tt := range map[string]struct {
		edit []string
		want []string
	}{
		"nothing": {nil, nil},
		"subject": {[]string{"Subject: Lunch", "Subject: Re: Dinner"},
			[]string{"PidTagNormalizedSubject", "PidTagSubject", "PidTagSubjectPrefix", headers}},
		"new field": {[]string{"Subject:", "X-New: value\nSubject:"}, []string{headers, mapi.StringName(mapi.PSInternetHeaders, "X-New").String()}},
		"text": {[]string{"\n\ngrüße", "\n\nother"},
			[]string{"PidTagBody", "PidTagHtml", "PidTagInternetCodepage"}},
		"importance": {[]string{"Importance: high\n", ""}, []string{"PidTagImportance", "PidTagPriority", headers}},
		"another recipient": {[]string{"Bo <bo@example.test>", "Di <di@example.test>, Bo <bo@example.test>"},
			[]string{"recipient 0 ", "recipient 1 ", "recipient 2", headers}},
		"one recipient less": {[]string{"Bo <bo@example.test>, ", ""}, []string{"recipient 0 ", "recipient 1", headers}},
		"draft":              {[]string{"Subject:", "X-Unsent: 1\nSubject:"}, []string{"PidTagMessageFlags", headers}},
		"categories":         {[]string{"Keywords: Red, Blue\n", ""}, []string{keywordsName.String(), headers}},
		"an attachment's name": {[]string{`filename=a.pdf`, `filename=c.pdf`},
			[]string{"attachment 0 "}},
	} {
		t.Run(name, func(t *testing.T) {
			m := rich()
			got := changedIn(rich(), edited(t, m, tt.edit...))
			if diff := cmp.Diff(rich(), m); diff != "" {
				t.Fatalf("the old version changed: %s", diff)
			}
			for _, g := range got {
				if !slices.ContainsFunc(tt.want, func(w string) bool { return g == w || strings.HasSuffix(w, " ") && strings.HasPrefix(g, w) }) {
					t.Errorf("%s changed: %v", g, got)
				}
			}
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
					t.Errorf("%s did not change: %v", w, got)
				}
			}
		})
	}
}

// TestReviseRows: recipients and attachments that are still there keep what only their rows tell, wherever they are now.
func TestReviseRows(t *testing.T) {
	m := edited(t, rich(), "Bo <bo@example.test>, Cy <cy@example.test>", "Cy <cy@example.test>, Di <di@example.test>, Bo <bo@example.test>")
	var got []string
	for _, r := range m.Recipients {
		got = append(got, fmt.Sprintf("%d %s %s %d", r.RowID, r.Properties.String(mapi.PidTagDisplayName), r.Properties.String(mapi.PidTagAddressType), r.Properties.Int(mapi.PidTagRecipientTrackStatus)))
	}
	if diff := cmp.Diff([]string{"0 Cy EX 3", "1 Di SMTP 0", "2 Bo EX 3"}, got); diff != "" {
		t.Error(diff)
	}
	was := fileOf(t, rich())
	i := strings.Index(was, "\n--")
	boundary := was[i+1 : i+1+strings.IndexByte(was[i+1:], '\n')]
	parts := strings.Split(was, boundary+"\n")
	without := strings.Join(append(parts[:2:2], parts[3:]...), boundary+"\n") // the first attachment is gone
	seen, err := Parse(strings.NewReader(was), Options{}.Seen())
	if err != nil {
		t.Fatal(err)
	}
	m, err = Revise(rich(), seen, parse(t, without))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Attachments) != 1 || m.Attachments[0].Properties.StringNamed(ownName) != "of b.txt" {
		t.Errorf("%d attachments: %+v", len(m.Attachments), m.Attachments)
	}
}

// TestReviseNote: a note that was edited as a message is still a note.
func TestReviseNote(t *testing.T) {
	for _, class := range []string{"IPM.StickyNote", "IPM.Post", "IPM.Activity", "IPM.Document.txt"} {
		m := parse(t, "From: a@example.test\nSubject: s\n\ntext of the note\n")
		m.Properties.Set(mapi.PidTagMessageClass, class)
		got := edited(t, m, "text of the note", "another text")
		if c := got.Properties.String(mapi.PidTagMessageClass); c != class || !strings.Contains(got.Properties.String(mapi.PidTagBody), "another text") {
			t.Errorf("%s became %s", class, c)
		}
	}
}

// TestReviseItems: what a calendar file or a card does not tell survives its edit, exceptions and pictures among it.
func TestReviseItems(t *testing.T) {
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261202T090000Z\r\nDTEND:20261202T100000Z\r\nSUMMARY:Team\r\nLOCATION:Room 1\r\nRRULE:FREQ=DAILY;COUNT=5\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20261203T090000Z\r\nDTSTART:20261203T110000Z\r\nDTEND:20261203T120000Z\r\nSUMMARY:Team later\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	m := parseItem(t, ExtCalendar, text)
	m.Properties.SetNamed(ownName, mapi.TypeString, "kept")
	m.Properties.Set(mapi.PidTagFlagStatus, int32(2))
	got := edited(t, m, "LOCATION:Room 1", "LOCATION:Room 2")
	for _, name := range changedIn(m, got) {
		if name != mapi.PidLidLocation.String() && name != mapi.PidLidWhere.String() && !strings.Contains(name, "ICalendar") {
			t.Errorf("%s changed, too", name)
		}
	}
	if got.Properties.StringNamed(mapi.PidLidLocation) != "Room 2" || len(got.Attachments) != len(m.Attachments) {
		t.Errorf("%v", got.Properties.StringNamed(mapi.PidLidLocation))
	}

	c := parseItem(t, ExtContact, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo Berg\r\nN:Berg;Bo;;;\r\nTEL;TYPE=CELL:1\r\nEND:VCARD\r\n")
	c.Properties.SetNamed(ownName, mapi.TypeString, "kept")
	a := mapi.Attachment{}
	a.Properties.Set(mapi.PidTagAttachLongFilename, "contract.pdf")
	a.Properties.Set(mapi.PidTagAttachMethod, int32(1))
	a.Properties.Set(mapi.PidTagAttachDataBinary, []byte("%PDF"))
	c.Attachments = []mapi.Attachment{a}
	got = edited(t, c, "TEL;TYPE=CELL:1", "TEL;TYPE=CELL:2")
	if got.Properties.StringNamed(ownName) != "kept" || len(got.Attachments) != 1 || got.Properties.String(mapi.PidTagMobileTelephoneNumber) != "2" {
		t.Errorf("%+v", got)
	}
}
