package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

func parse(t testing.TB, s string) *mapi.Message {
	t.Helper()
	m, err := Parse(strings.NewReader(s), Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	return m
}

// kept is what must survive from a file to properties and back.
type kept struct {
	Class, Subject, Prefix, From, Sender, ID, InReplyTo, References string
	Submitted, Delivered                                            time.Time
	Importance, Sensitivity                                         int64
	Keywords                                                        []string
	ReplyTo                                                         []Address
	Recipients                                                      []string
	Plain, HTML                                                     string
	Headers                                                         []string
	Attachments                                                     []keptAttachment
}

type keptAttachment struct {
	Name, Type, CID string
	Data            string
	Inner           *kept
}

func keep1(m *mapi.Message) *kept {
	c := newConversion(Options{}, m, "", 0)
	p := c.p
	k := &kept{
		Class: p.text(mapi.PidTagMessageClass), Subject: c.subject(), Prefix: p.text(mapi.PidTagSubjectPrefix),
		ID: p.text(mapi.PidTagInternetMessageId), InReplyTo: p.text(mapi.PidTagInReplyToId), References: squeeze(p.text(mapi.PidTagInternetReferences)),
		Submitted: p.Time(mapi.PidTagClientSubmitTime).Time(), Delivered: p.Time(mapi.PidTagMessageDeliveryTime).Time(),
		Importance: p.Int(mapi.PidTagImportance), Sensitivity: p.Int(mapi.PidTagSensitivity),
		Keywords: c.keywords(), ReplyTo: replyTo(p, "x"),
		Plain: strings.TrimSuffix(p.text(mapi.PidTagBody), "\r\n"),
	}
	from, _ := c.from()
	sender, _ := senderGroup.read(p, "x")
	k.From, k.Sender = from.String(), sender.String()
	var b body
	if c.htmlBody(&b) == nil {
		k.HTML = strings.TrimSuffix(string(lf(b.html)), "\n")
	}
	for _, typ := range []mapi.RecipientType{mapi.RecipientTo, mapi.RecipientCc, mapi.RecipientBcc} {
		for _, a := range c.addressees(typ) {
			k.Recipients = append(k.Recipients, fmt.Sprint(typ, " ", a))
		}
	}
	for _, h := range c.extraFields() {
		k.Headers = append(k.Headers, h.name+": "+squeeze(h.value))
	}
	for _, a := range m.Attachments {
		bag := props{a.Properties, ""}
		ka := keptAttachment{attachmentName(bag), bag.text(mapi.PidTagAttachMimeTag), contentID(bag), string(a.Properties.Bytes(mapi.PidTagAttachDataBinary)), nil}
		if strings.HasPrefix(ka.Type, "message/") {
			ka.Data = string(lf([]byte(ka.Data))) // text, written with the line ends of the message
		}
		if a.Embedded != nil {
			ka.Inner, ka.Name = keep1(a.Embedded), ""
		}
		k.Attachments = append(k.Attachments, ka)
	}
	return k
}

// TestRoundTrip: original, Parse, Render, Parse keeps everything; and a reader that
// shares no code sees the same message before and after.
func TestRoundTrip(t *testing.T) {
	for _, o := range originals(t) {
		m, err := Parse(bytes.NewReader(o.data), Options{})
		broken := o.kind() == "tnef" || o.kind() == "invite-reply" // no stream that could be read, a reply that is no answer
		if err != nil && !broken {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		out := mustRender(t, m)
		back, err := Parse(bytes.NewReader(out), Options{})
		if err != nil && !broken {
			t.Errorf("%s: rendered: %v", o.name, err)
			continue
		}
		first, second := keep1(m), keep1(back)
		if strings.HasPrefix(first.Class, classSigned) {
			// The stored Content-Type line is folded as the file had it, and its ends are the file's.
			first.Attachments[0].Data, second.Attachments[0].Data = afterHeader(first), afterHeader(second)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s: %s", o.name, diff)
		}
		if again := mustRender(t, back); !bytes.Equal(out, again) && !strings.Contains(first.Class, "SMIME") {
			t.Errorf("%s: rendered twice: %s", o.name, firstDifference(again, out))
		}
		for what, diff := range differences(look(t, out), look(t, o.data)) {
			if ex := parseExceptions[o.kind()][what]; ex == "" {
				t.Errorf("%s: %s: %s", o.name, what, diff)
			}
		}
	}
}

func afterHeader(k *kept) string {
	data := []byte(k.Attachments[0].Data)
	return string(lf(data[headerLength(data):]))
}

// parseExceptions lists what a message of this kind has differently once it went
// through properties.
var parseExceptions = map[string]map[string]string{
	"report":        {"attachment data": "the delivery status is text and gets the line ends of the message"},
	"invite":        calendarException,
	"invite-rec":    calendarException,
	"invite-cancel": calendarException,
}

var calendarException = map[string]string{"attachment data": "the calendar part is text and gets the line ends of the message"}

func TestParseProperties(t *testing.T) {
	m := parse(t, strings.ReplaceAll(`Received: from a by b; Fri, 20 Nov 2026 10:00:01 +0100
Received: from c by a; Fri, 20 Nov 2026 09:59:00 +0100
From: =?utf-8?q?J=C3=BCrgen?= <j@example.test>, second@example.test
Sender: "Office, The" <office@example.test>
To: Anna <anna@example.test>, root, undisclosed:;
Cc: =?iso-8859-1?q?B=E9a?= <bea@example.test>
Bcc: hidden@example.test
Reply-To: list@example.test, =?utf-8?q?B?= <b@example.test>
Subject: =?utf-8?b?UmU6IA==?= =?utf-8?b?R3LDvMOfZQ==?=
Date: Fri, 20 Nov 2026 09:58:00 +0100 (CET)
Message-ID: <1@example.test>
In-Reply-To: <0@example.test>
References: <a@example.test>
 <0@example.test>
Thread-Topic: Topic
Thread-Index: ATp63QHUkUVaLEkB3Gr3SKmb9ncX/P////8q
Priority: urgent
Sensitivity: Company-Confidential
Disposition-Notification-To: office@example.test
Keywords: One; "Two, three"
Expires: Sat, 21 Nov 2026 00:00:00 +0000
X-Auto-Response-Suppress: DR, OOF
X-Unsent: 1
x-Custom: value
X-Custom: other

text
`, "\n", "\r\n"))
	bag := m.Properties
	want := map[mapi.PropertyTag]any{
		mapi.PidTagMessageClass:                 "IPM.Note",
		mapi.PidTagSubject:                      "Re: Grüße",
		mapi.PidTagSubjectPrefix:                "Re: ",
		mapi.PidTagNormalizedSubject:            "Grüße",
		mapi.PidTagConversationTopic:            "Topic",
		mapi.PidTagSentRepresentingName:         "Jürgen",
		mapi.PidTagSentRepresentingEmailAddress: "j@example.test",
		mapi.PidTagSentRepresentingSmtpAddress:  "j@example.test",
		mapi.PidTagSentRepresentingAddressType:  "SMTP",
		mapi.PidTagSentRepresentingSearchKey:    []byte("SMTP:J@EXAMPLE.TEST\x00"),
		mapi.PidTagSentRepresentingEntryId:      mapi.NewOneOffEntryID("Jürgen", "SMTP", "j@example.test").Bytes(),
		mapi.PidTagSenderName:                   "Office, The",
		mapi.PidTagSenderEmailAddress:           "office@example.test",
		mapi.PidTagClientSubmitTime:             mapi.NewFileTime(time.Date(2026, 11, 20, 8, 58, 0, 0, time.UTC)),
		mapi.PidTagMessageDeliveryTime:          mapi.NewFileTime(time.Date(2026, 11, 20, 9, 0, 1, 0, time.UTC)),
		mapi.PidTagExpiryTime:                   mapi.NewFileTime(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)),
		mapi.PidTagInternetMessageId:            "<1@example.test>",
		mapi.PidTagInReplyToId:                  "<0@example.test>",
		mapi.PidTagInternetReferences:           "<a@example.test> <0@example.test>",
		mapi.PidTagImportance:                   int32(2),
		mapi.PidTagPriority:                     int32(1),
		mapi.PidTagSensitivity:                  int32(3),
		mapi.PidTagReadReceiptRequested:         true,
		mapi.PidTagReadReceiptEmailAddress:      "office@example.test",
		mapi.PidTagAutoResponseSuppress:         int32(0x11),
		mapi.PidTagMessageFlags:                 int32(flagUnsent),
		mapi.PidTagReplyRecipientNames:          "list@example.test;B",
		mapi.PidTagBody:                         "text\r\n",
		mapi.PidTagNativeBody:                   int32(nativePlain),
		mapi.PidTagInternetCodepage:             int32(cpUTF8),
	}
	for tag, v := range want {
		if diff := cmp.Diff(v, bag.Get(tag)); diff != "" {
			t.Errorf("%s: %s", tag, diff)
		}
	}
	if got := bag.Bytes(mapi.PidTagConversationIndex); len(got) != 27 {
		t.Errorf("conversation index %x", got)
	}
	if got := bag.GetNamed(keywordsName); !cmp.Equal(got, []string{"One", "Two, three"}) {
		t.Errorf("keywords %q", got)
	}
	if got := bag.GetNamed(mapi.StringName(mapi.PSInternetHeaders, "x-Custom")); got != "value" {
		t.Errorf("x-Custom is %q", got)
	}
	if got := bag.String(mapi.PidTagTransportMessageHeaders); !strings.HasPrefix(got, "Received: from a") || !strings.HasSuffix(got, "X-Custom: other\r\n\r\n") {
		t.Errorf("transport headers %q", got)
	}
	var rows []string
	for _, r := range m.Recipients {
		if r.Properties.Int(mapi.PidTagRecipientType) != int64(r.Type) || r.Properties.Int(mapi.PidTagObjectType) != 6 {
			t.Errorf("row %v", r)
		}
		rows = append(rows, fmt.Sprintf("%d %s <%s>", r.Type, r.Properties.String(mapi.PidTagDisplayName), r.Properties.String(mapi.PidTagSmtpAddress)))
	}
	if diff := cmp.Diff([]string{"1 Anna <anna@example.test>", "1 root <root>", "2 Béa <bea@example.test>", "3 hidden@example.test <hidden@example.test>"}, rows); diff != "" {
		t.Error(diff)
	}
}

func TestSplitSubject(t *testing.T) {
	for s, want := range map[string]string{
		"Re: x": "Re: ", "AW: RE: x": "AW: ", "Antw: x": "", "R2: x": "", "x": "", "": "", ": x": "", "Ré: x": "Ré: ", "Re:x": "", "a b: c": "",
	} {
		prefix, rest := SplitSubject(s)
		if prefix != want || prefix+rest != s {
			t.Errorf("SplitSubject(%q) = %q, %q", s, prefix, rest)
		}
	}
}

func TestParseBodies(t *testing.T) {
	tests := []struct {
		name, ctype, body string
		plain, html       string
		native, codepage  int64
		attachments       int
	}{
		{"bare", "", "hello", "hello", "", 1, cpUTF8, 0},
		{"latin1 qp", "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n", "Gr=FC=DFe =\nx", "Grüße x", "", 1, 28591, 0},
		{"html keeps its charset", "Content-Type: text/html; charset=windows-1251\nContent-Transfer-Encoding: base64\n", "PHA+z/Do4uXyPC9wPg==", "", "<p>\xCF\xF0\xE8\xE2\xE5\xF2</p>", 3, 1251, 0},
		{"html with META only", "Content-Type: text/html\n", `<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">` + "\xF0", "", `<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">` + "\xF0", 3, 20866, 0},
		{"alternative", "Content-Type: multipart/alternative; boundary=b\n", "--b\n\np\n--b\nContent-Type: text/html\n\n<p>h\n--b--\n", "p", "<p>h", 3, cpUTF8, 0},
		{"mixed texts", "Content-Type: multipart/mixed; boundary=b\n", "--b\n\none\n--b\n\ntwo\n--b--\n", "one", "", 1, cpUTF8, 1},
		{"closing boundary missing", "Content-Type: multipart/mixed; boundary=b\n", "--b\n\none\n--b\nContent-Type: image/png\n\nx", "one", "", 1, cpUTF8, 1},
		{"inner closing boundary missing", "Content-Type: multipart/mixed; boundary=b\n", "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--b\nContent-Type: image/png\n\nx\n--b--\n", "one", "", 1, cpUTF8, 1},
		{"boundary with white space", "Content-Type: multipart/mixed; boundary=\"b\"\n", "--b  \n\none\n--b--  \n", "one", "", 1, cpUTF8, 0},
		{"longer boundary is another", "Content-Type: multipart/mixed; boundary=b\n", "--b\n\none\n--bc\n--b--\n", "one\r\n--bc", "", 1, cpUTF8, 0},
		{"only an attachment", "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n", "data", "", "", 0, 0, 1},
		{"calendar", "Content-Type: multipart/alternative; boundary=b\n", "--b\n\np\n--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN\n--b--\n", "p", "", 1, cpUTF8, 1},
		{"related", "Content-Type: multipart/related; boundary=b\n", "--b\nContent-Type: text/html\n\n<img src=cid:x@y>\n--b\nContent-Type: image/png\nContent-ID: <x@y>\n\nx\n--b--\n", "", "<img src=cid:x@y>", 3, cpUTF8, 1},
		{"empty multipart", "Content-Type: multipart/mixed; boundary=b\n", "", "", "", 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := partly(t, "Subject: x\n"+tt.ctype+"\n"+tt.body)
			if got := m.Properties.String(mapi.PidTagBody); got != tt.plain {
				t.Errorf("plain %q, want %q", got, tt.plain)
			}
			if got := string(m.Properties.Bytes(mapi.PidTagHtml)); got != tt.html {
				t.Errorf("html %q, want %q", got, tt.html)
			}
			if got := m.Properties.Int(mapi.PidTagNativeBody); got != tt.native {
				t.Errorf("native %d, want %d", got, tt.native)
			}
			if got := m.Properties.Int(mapi.PidTagInternetCodepage); got != tt.codepage {
				t.Errorf("code page %d, want %d", got, tt.codepage)
			}
			if len(m.Attachments) != tt.attachments {
				t.Errorf("%d attachments, want %d", len(m.Attachments), tt.attachments)
			}
		})
	}
}

func TestParseAttachment(t *testing.T) {
	m := parse(t, `Subject: x
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html

<img src="CID:pic@x">
--b
Content-Type: image/png; name*0*=utf-8''%C3%BC; name*1=" long name.png"
Content-ID: <pic@x>
Content-Location: http://example.test/p.png
Content-Transfer-Encoding: base64

AAEC
/w==
--b
Content-Type: application/x; name="=?utf-8?q?r=C3=A9sum=C3=A9.tar.gz?="
Content-Disposition: attachment; filename="..\\dir/r\"1.doc"

x
--b
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/mixed; boundary=c

--c

text
--b--
`)
	if len(m.Attachments) != 3 {
		t.Fatalf("%d attachments", len(m.Attachments))
	}
	a := m.Attachments[0].Properties
	for tag, want := range map[mapi.PropertyTag]any{
		mapi.PidTagAttachMethod: int32(1), mapi.PidTagAttachLongFilename: "ü long name.png", mapi.PidTagAttachFilename: "LONGNA~1.png",
		mapi.PidTagAttachExtension: ".png", mapi.PidTagAttachMimeTag: "image/png", mapi.PidTagAttachContentId: "pic@x",
		mapi.PidTagAttachContentLocation: "http://example.test/p.png", mapi.PidTagAttachDataBinary: []byte{0, 1, 2, 255},
		mapi.PidTagAttachFlags: int32(4), mapi.PidTagAttachmentHidden: true, mapi.PidTagRenderingPosition: int32(-1), mapi.PidTagAttachNumber: int32(0),
	} {
		if diff := cmp.Diff(want, a.Get(tag)); diff != "" {
			t.Errorf("%s: %s", tag, diff)
		}
	}
	if got := m.Attachments[1].Properties.String(mapi.PidTagAttachLongFilename); got != `r"1.doc` {
		t.Errorf("name %q", got)
	}
	e := m.Attachments[2]
	if e.Embedded == nil || e.Properties.Int(mapi.PidTagAttachMethod) != methodEmbedded || e.Embedded.Properties.String(mapi.PidTagBody) != "text" {
		t.Errorf("embedded %+v", e)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
	}{
		{"empty", "", ErrNoHeader},
		{"no header", "\nbody\n", ErrNoHeader},
		{"prose", "this is not a message\n", ErrNoHeader},
		{"binary", "\x7fELF\x02\x01\x00\x00:\n", ErrNoHeader},
		{"line of a megabyte", "Subject: x\nX-Long: " + strings.Repeat("x", 1<<20) + "\n\nbody", ErrHeaderTooLong},
		{"endless header", strings.Repeat("X-A: "+strings.Repeat("x", 1000)+"\n", 5000), ErrHeaderTooLong},
		{"endless header of a part", "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.Repeat("X-A: "+strings.Repeat("x", 1000)+"\n", 5000), ErrHeaderTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(strings.NewReader(tt.in), Options{}); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if err := Check(strings.NewReader(tt.in)); !strings.Contains(tt.name, "part") && !errors.Is(err, tt.want) {
				t.Errorf("Check says %v, want %v", err, tt.want)
			}
		})
	}
	for _, ok := range []string{"a: b", "From someone Thu Jan  1 00:00:00 1970\nSubject: x\n\n", "Subject : x\r\n\r\n", "X-A: " + strings.Repeat("x", 100_000)} {
		if err := Valid([]byte(ok)); err != nil {
			t.Errorf("Valid(%.40q): %v", ok, err)
		}
	}
}

func TestUnsupported(t *testing.T) {
	m, err := Parse(strings.NewReader("Subject: x\nContent-Type: text/plain; charset=x-none\nContent-Transfer-Encoding: x-uuencode\n\nabc"), Options{})
	var u *UnsupportedError
	if !errors.As(err, &u) || len(u.Reasons) != 2 {
		t.Fatalf("error %v", err)
	}
	if got := m.Properties.String(mapi.PidTagBody); got != "abc" {
		t.Errorf("body %q", got)
	}
}

func TestStore(t *testing.T) {
	var stored []string
	opt := Options{Store: func(r io.Reader) (mapi.Blob, error) {
		p, err := io.ReadAll(r)
		stored = append(stored, string(p))
		return memBlob(p), err
	}}
	in := "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\neHl6\n--b--\n"
	m, err := Parse(strings.NewReader(in), opt)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stored, []string{"xyz"}) || string(m.Attachments[0].Properties.Bytes(mapi.PidTagAttachDataBinary)) != "xyz" {
		t.Errorf("stored %q", stored)
	}
	broken := errors.New("disk full")
	opt.Store = func(io.Reader) (mapi.Blob, error) { return nil, broken }
	if _, err := Parse(strings.NewReader(in), opt); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// TestSignedStaysAsItIs: the bytes that a signature covers come out as they went in.
func TestSignedStaysAsItIs(t *testing.T) {
	for _, nl := range []string{"\n", "\r\n"} {
		content := strings.ReplaceAll("preamble\n--b\nContent-Type: text/plain\n\nsigned  \ttext \n.\n--b\nContent-Type: application/pkcs7-signature\n\nAAAA\n--b--\nepilogue\n", "\n", nl)
		in := strings.ReplaceAll("Subject: x\nContent-Type: multipart/signed;\n protocol=\"application/pkcs7-signature\"; boundary=b\n\n", "\n", nl) + content
		m := parse(t, in)
		if got := m.Properties.String(mapi.PidTagMessageClass); got != classSigned {
			t.Errorf("class %q", got)
		}
		if got := m.Properties.String(mapi.PidTagBody); got != "signed  \ttext \r\n." {
			t.Errorf("body %q", got)
		}
		out := string(mustRender(t, m))
		if !strings.HasSuffix(out, "\n\n"+content) {
			t.Errorf("got %q, want the end %q", out, content)
		}
	}
}

func TestReportClasses(t *testing.T) {
	report := func(kind, fields string) string {
		return "Subject: x\nContent-Type: multipart/report; report-type=" + kind + "; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/" + kind + "\n\n" + fields + "\n--b--\n"
	}
	for class, in := range map[string]string{
		"REPORT.IPM.Note.NDR":         report("delivery-status", "Reporting-MTA: dns; x\n\nAction: failed\n"),
		"REPORT.IPM.Note.DR":          report("delivery-status", "Action: delivered\n"),
		"REPORT.IPM.Note.IPNRN":       report("disposition-notification", "Disposition: manual-action/MDN-sent-manually; displayed\n"),
		"REPORT.IPM.Note.IPNNRN":      report("disposition-notification", "Disposition: automatic-action/MDN-sent-automatically; deleted\n"),
		"REPORT.IPM.Note.Delayed.DR":  report("delivery-status", "Action: delayed\n"),
		"REPORT.IPM.Note.Relayed.DR":  report("delivery-status", "Action: relayed\n\nAction: delivered\n"),
		"REPORT.IPM.Note.Expanded.DR": report("delivery-status", "Action: expanded (to the list)\n"),
		"IPM.Note":                    report("delivery-status", "Action: unheard of\n"),
	} {
		m := parse(t, in)
		if got := m.Properties.String(mapi.PidTagMessageClass); got != class {
			t.Errorf("class %q, want %q", got, class)
		}
		out := string(mustRender(t, m))
		if class != "IPM.Note" && !strings.Contains(out, "multipart/report; report-type=") || !strings.Contains(out, "isposition: ") && !strings.Contains(out, "Action: ") {
			t.Errorf("%s became\n%s", class, out)
		}
	}
}

func TestOpenPGPStaysEncrypted(t *testing.T) {
	in := "Subject: x\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n--b--\n"
	m := parse(t, in)
	out := mustRender(t, m)
	if !bytes.Contains(out, []byte(`multipart/encrypted; protocol="application/pgp-encrypted";`)) {
		t.Errorf("got\n%s", out)
	}
	if diff := cmp.Diff(look(t, []byte(in)).attachments, look(t, out).attachments, cmp.AllowUnexported(seenPart{})); diff != "" {
		t.Error(diff)
	}
}
