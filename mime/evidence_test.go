package mime

import (
	"bytes"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
)

// seen is a message as a reader sees it that shares no code with this package.
type seen struct {
	subject, from, messageID string
	recipients               []string // "to name <address>"
	date                     time.Time
	plain, html              []string
	attachments              []seenPart
}

type seenPart struct {
	name, ctype, cid string
	data             []byte
	inner            *seen // of message/rfc822
}

// look reads a message with go-message and net/mail.
func look(t *testing.T, data []byte) *seen {
	t.Helper()
	e, err := message.Read(bytes.NewReader(data))
	if err != nil && !message.IsUnknownCharset(err) {
		t.Fatalf("unreadable: %v\n%.500s", err, data)
	}
	s := &seen{messageID: e.Header.Get("Message-ID")}
	s.subject = squeeze(headerText(e, "Subject"))
	if list := addressList(e, "From"); len(list) > 0 {
		s.from = list[0]
	}
	for _, key := range []string{"To", "Cc", "Bcc"} {
		for _, a := range addressList(e, key) {
			s.recipients = append(s.recipients, key+" "+a)
		}
	}
	s.date, _ = mail.ParseDate(e.Header.Get("Date"))
	s.walk(t, e, false)
	return s
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func headerText(e *message.Entity, key string) string {
	s, err := e.Header.Text(key)
	if err != nil {
		s = e.Header.Get(key)
	}
	if s == strings.ToValidUTF8(s, "") {
		return s
	}
	// Raw 8-bit headers have no charset; Latin-1 is what the writer had.
	r := make([]rune, 0, len(s))
	for i := range len(s) {
		r = append(r, rune(s[i]))
	}
	return string(r)
}

func addressList(e *message.Entity, key string) []string {
	v := headerText(e, key)
	if strings.TrimSpace(v) == "" {
		return nil
	}
	parser := mail.AddressParser{}
	list, err := parser.ParseList(e.Header.Get(key))
	if err != nil {
		return []string{v}
	}
	var out []string
	for _, a := range list {
		out = append(out, fmt.Sprintf("%s <%s>", a.Name, strings.ToLower(a.Address)))
	}
	return out
}

func (s *seen) walk(t *testing.T, e *message.Entity, nested bool) {
	t.Helper()
	ctype, params, _ := e.Header.ContentType()
	disp, dparams, _ := e.Header.ContentDisposition()
	if mr := e.MultipartReader(); mr != nil {
		for {
			p, err := mr.NextPart()
			if err == io.EOF {
				return
			}
			if err != nil && !message.IsUnknownCharset(err) {
				t.Fatalf("part: %v", err)
			}
			s.walk(t, p, true)
		}
	}
	data, err := io.ReadAll(e.Body)
	if err != nil {
		t.Fatalf("body of %s: %v", ctype, err)
	}
	name := dparams["filename"]
	if name == "" {
		name = params["name"]
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	switch {
	case disp != "attachment" && name == "" && (ctype == "text/plain" || ctype == ""):
		s.plain = append(s.plain, text)
	case disp != "attachment" && name == "" && ctype == "text/html":
		s.html = append(s.html, text)
	case ctype == "message/rfc822":
		s.attachments = append(s.attachments, seenPart{ctype: ctype, inner: look(t, data)})
	default:
		s.attachments = append(s.attachments, seenPart{name, ctype, strings.Trim(e.Header.Get("Content-Id"), "<>"), data, nil})
	}
}

// exceptions lists, by kind of original, what differs and why. Each entry must
// differ: one that does not any more fails the test.
var exceptions = map[string]map[string]string{
	"cs-gb2312":     {"subject": `the server does not know the charset name "eucgb2312_cn" and stores no subject`},
	"cs-big5":       {"subject": `the server does not know the charset name "big5_tw" and stores other characters`},
	"invite":        meetingException,
	"invite-rec":    meetingException,
	"invite-cancel": meetingException,
	"invite-reply":  meetingException,
	"report":        {"attachment data": "of the delivery status the server keeps Reporting-MTA only"},
	"tnef":          {"attachment type": "the server stores application/octet-stream for TNEF that it can't read"},
	"attachnames":   {"attachment name": "the server replaces the quotation mark in a file name"},
	"empty-8bit":    {"subject": "the server drops 8-bit characters of a header that names no charset"},
}

var meetingException = map[string]string{
	"plain":                 "the server keeps the description of the calendar part as the body; place and time go before it here",
	"number of attachments": "the server turns the calendar part into properties",
}

// TestRecordedMailboxBecomesOriginals renders what a real server sent and compares
// with what it had been given, part by part and decoded.
func TestRecordedMailboxBecomesOriginals(t *testing.T) {
	byID := recordedByID(t)
	compared := 0
	met := map[string]bool{}
	for _, o := range originals(t) {
		want := look(t, o.data)
		m := byID[want.messageID]
		if m == nil {
			t.Errorf("%s: not among the recorded messages", o.name)
			continue
		}
		compared++
		got := look(t, mustRender(t, m))
		for what, diff := range differences(got, want) {
			if _, ok := exceptions[o.kind()][what]; ok {
				met[o.kind()+" "+what] = true
				continue
			}
			t.Errorf("%s: %s: %s", o.name, what, diff)
		}
	}
	if compared < 200 {
		t.Errorf("only %d messages compared", compared)
	}
	for kind, list := range exceptions {
		for what := range list {
			if !met[kind+" "+what] {
				t.Errorf("exception %s %q: there is no difference any more", kind, what)
			}
		}
	}
}

// joinTexts joins text parts but for their last line end, which comes and goes.
func joinTexts(parts []string) string {
	var out []string
	for _, p := range parts {
		out = append(out, strings.TrimSuffix(p, "\n"))
	}
	return strings.Join(out, "|")
}

// differences compares two messages and names what is not the same.
func differences(got, want *seen) map[string]string {
	out := map[string]string{}
	check := func(what string, g, w any) {
		if g != w {
			a, b := fmt.Sprint(g), fmt.Sprint(w)
			i := 0
			for i < min(len(a), len(b)) && a[i] == b[i] {
				i++
			}
			out[what] = fmt.Sprintf("at %d of %d and %d: got %.200q, want %.200q", i, len(a), len(b), a[max(i-20, 0):], b[max(i-20, 0):])
		}
	}
	check("subject", got.subject, want.subject)
	check("from", got.from, want.from)
	check("message id", got.messageID, want.messageID)
	check("date", got.date.UTC(), want.date.UTC())
	if !slices.Equal(got.recipients, want.recipients) {
		out["recipients"] = fmt.Sprintf("got %.300q, want %.300q", got.recipients, want.recipients)
	}
	check("plain", joinTexts(got.plain), joinTexts(want.plain))
	check("html", joinTexts(got.html), joinTexts(want.html))
	check("number of attachments", len(got.attachments), len(want.attachments))
	for i := range min(len(got.attachments), len(want.attachments)) {
		g, w := got.attachments[i], want.attachments[i]
		check("attachment name", g.name, w.name)
		check("attachment type", g.ctype, w.ctype)
		check("attachment content id", g.cid, w.cid)
		if !bytes.Equal(g.data, w.data) {
			out["attachment data"] = fmt.Sprintf("attachment %d %s: %d bytes, want %d", i, w.name, len(g.data), len(w.data))
		}
		if (g.inner == nil) != (w.inner == nil) {
			out["embedded"] = fmt.Sprint("attachment ", i)
		} else if g.inner != nil {
			for what, diff := range differences(g.inner, w.inner) {
				out["embedded "+what] = diff
			}
		}
	}
	return out
}
