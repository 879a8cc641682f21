package mime

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mime/tnef"
)

// partly parses what can't be understood in full.
func partly(t testing.TB, s string) *mapi.Message {
	t.Helper()
	m, err := Parse(strings.NewReader(s), Options{})
	var unsupported *UnsupportedError
	if err != nil && !errors.As(err, &unsupported) {
		t.Fatalf("%v\n%s", err, s)
	}
	return m
}

// TestBrokenBoundaries: no text is lost, whatever is wrong with a multipart.
func TestBrokenBoundaries(t *testing.T) {
	part := "Content-Type: text/plain\n\nthe text\n"
	second := "Content-Type: application/pdf; name=a.pdf\n\nthe file\n"
	tests := []struct {
		name, in string
		body     string
		files    int
	}{
		{"no closing boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + part + "--b\n" + second, "the text", 1},
		{"boundary missing in the header", "Content-Type: multipart/mixed\n\n--b\n" + part + "--b\n" + second + "--b--\n", "the text", 1},
		{"another boundary than the header says", "Content-Type: multipart/mixed; boundary=wrong\n\npreamble\n--right\n" + part + "--right\n" + second + "--right--\n", "the text", 1},
		{"no boundary at all", "Content-Type: multipart/mixed; boundary=b\n\nthe text\n", "the text", 0},
		{"no boundary anywhere", "Content-Type: multipart/mixed\n\nthe text\n", "the text", 0},
		{"hyphens are no boundary", "Content-Type: multipart/mixed\n\n-- \nthe text\n", "-- \r\nthe text", 0},
		{"white space behind boundaries", "Content-Type: multipart/mixed; boundary=\"b  \"\n\n--b  \n" + part + "--b \t\n" + second + "--b--\n", "the text", 1},
		{"inner multipart ended by the outer boundary", "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n" + part + "--o\n" + second + "--o--\n", "the text", 1},
		{"inner boundary does not occur", "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\nthe text\n--o\n" + second + "--o--\n", "the text", 1},
		{"the same boundary inside", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n" + part + "--b--\n--b\n" + second + "--b--\n", "the text", 1},
		{"semicolon forgotten", "Content-Type: multipart/mixed boundary=b\n\n--b\n" + part + "--b\n" + second + "--b--\n", "the text", 1},
		{"boundary in two pieces", "Content-Type: multipart/mixed; boundary*0=\"b1\"; boundary*1=\"b2\"\n\n--b1b2\n" + part + "--b1b2\n" + second + "--b1b2--\n", "the text", 1},
		{"empty", "Content-Type: multipart/mixed; boundary=b\n\n", "", 0},
		{"header without an empty line", "Subject: x\nContent-Type: text/plain\nthe text has no colon\n", "the text has no colon", 0},
	}
	for _, tt := range tests {
		m := partly(t, "Subject: s\n"+tt.in)
		if got := strings.TrimSpace(m.Properties.String(mapi.PidTagBody)); got != strings.TrimSpace(tt.body) {
			t.Errorf("%s: body %q", tt.name, got)
		}
		if len(m.Attachments) != tt.files {
			t.Errorf("%s: %d attachments", tt.name, len(m.Attachments))
		}
	}
}

// TestLongPreamble: what is no multipart is kept even if it is too long to look at.
func TestLongPreamble(t *testing.T) {
	text := strings.Repeat("a line of text\n", 2*maxPreamble/15)
	for name, head := range map[string]string{"wrong boundary": "; boundary=b", "none": ""} {
		m := partly(t, "Subject: s\nContent-Type: multipart/mixed"+head+"\n\n"+text)
		if got := len(m.Properties.String(mapi.PidTagBody)); got < len(text) {
			t.Errorf("%s: %d of %d bytes", name, got, len(text))
		}
	}
}

func TestCharsets(t *testing.T) {
	tests := []struct{ name, header, body, want string }{
		{"UTF-7", "utf-7", "Hi +AOQ-+- +2D3eAA-!", "Hi ä+ \U0001F600!"},
		{"UTF-16 with a mark", "utf-16", "\xFE\xFF\x00h\x00\xE4", "hä"},
		{"UTF-16 that is none", "utf-16", "plain", "plain"},
		{"missing, UTF-8", "", "h\xC3\xA4", "hä"},
		{"missing, Latin", "", "h\xE4", "hä"},
		{"missing, ISO-2022-JP", "", "\x1b$BF|K\\\x1b(B", "日本"},
		{"wrong: us-ascii", "us-ascii", "h\xE4", "hä"},
		{"wrong: utf-8", "utf-8", "h\xE4", "hä"},
		{"unknown", "x-none", "h\xE4", "hä"},
		{"quoted name", `"iso-8859-15"`, "\xA4", "€"},
		{"other spelling", "CP1251", "\xCF", "П"},
		{"Mac", "x-mac-cyrillic", "\x8F", "П"},
		{"DOS", "cp858", "\xD5", "€"},
		{"Celtic", "iso-8859-14", "\xD0", "Ŵ"},
		{"Romanian", "iso-8859-16", "\xAA", "Ș"},
		{"Thai", "tis-620", "\xA1", "ก"},
		{"Vietnamese", "windows-1258", "\xD5", "Ơ"},
		{"HZ", "hz-gb-2312", "~{<:~}", "己"},
		{"GB18030", "gb18030", "\x81\x30\x81\x30", "\u0080"},
	}
	for _, tt := range tests {
		head := "Subject: s\nContent-Type: text/plain"
		if tt.header != "" {
			head += "; charset=" + tt.header
		}
		m := partly(t, head+"\nContent-Transfer-Encoding: base64\n\n"+base64.StdEncoding.EncodeToString([]byte(tt.body))+"\n")
		if got := m.Properties.String(mapi.PidTagBody); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if cp := m.Properties.Int(mapi.PidTagInternetCodepage); isWide(int(cp)) {
			t.Errorf("%s: code page %d", tt.name, cp)
		}
	}
	m := parse(t, "Subject: s\nContent-Type: text/html; charset=utf-16le\nContent-Transfer-Encoding: base64\n\nPABiAD4A5AA=\n")
	if got := string(m.Properties.Bytes(mapi.PidTagHtml)); got != "<b>ä" || m.Properties.Int(mapi.PidTagInternetCodepage) != cpUTF8 {
		t.Errorf("HTML %q in %d", got, m.Properties.Int(mapi.PidTagInternetCodepage))
	}
}

func TestUUEncode(t *testing.T) {
	m := parse(t, "Subject: s\n\nbefore\nbegin 644 ca\xE9 t.txt\n#0V%T\n`\nend\nbetween\nbegin 0755 b.pdf\n$9F]O(0\n \nend\nafter\n")
	if got := m.Properties.String(mapi.PidTagBody); got != "before\r\nbetween\r\nafter\r\n" {
		t.Errorf("body %q", got)
	}
	var files []string
	for _, a := range m.Attachments {
		files = append(files, fmt.Sprintf("%s %s %s", a.Properties.String(mapi.PidTagAttachLongFilename), a.Properties.String(mapi.PidTagAttachMimeTag), a.Properties.Bytes(mapi.PidTagAttachDataBinary)))
	}
	if diff := cmp.Diff([]string{"caé t.txt text/plain Cat", "b.pdf application/pdf foo!"}, files); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{
		"begin 644 x\r\n#0V%T\r\n`\r\n",         // no end
		"begin 644 x\r\nend\r\n",                // nothing in it
		"begin with a word\r\n#0V%T\r\nend\r\n", // no mode
		"begin 644 x\r\nhello, world\r\nend\r\n",
		"begin 644 \r\n#0V%T\r\n`\r\nend\r\n",
	} {
		m := parse(t, "Subject: s\n\n"+text)
		if m.Properties.String(mapi.PidTagBody) != text || len(m.Attachments) != 0 {
			t.Errorf("%q became %q with %d attachments", text, m.Properties.String(mapi.PidTagBody), len(m.Attachments))
		}
	}
}

func TestEnriched(t *testing.T) {
	m := parse(t, "Subject: s\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/enriched; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n<bold>B=E4</bold> <<x> & <color><param>red</param>r</color>\nsame line\n\n\nnext <nofill>a\nb</nofill> <unknown>u</unknown> <end\n--b--\n")
	want := "<b>Bä</b> &lt;x&gt; &amp; <span>r</span>\nsame line<br>\n<br>\nnext <pre>a\nb</pre> u &lt;end"
	if got := string(m.Properties.Bytes(mapi.PidTagHtml)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := m.Properties.String(mapi.PidTagBody); got != "plain" {
		t.Errorf("plain %q", got)
	}
}

// TestPartsKeepTheirFields: what a part's header says comes back after a trip through
// properties.
func TestPartsKeepTheirFields(t *testing.T) {
	in := "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n" +
		"--b\nContent-Type: text/plain; charset=us-ascii; format=flowed; delsp=yes\n\nflowed \ntext\n" +
		"--b\nContent-Type: application/octet-stream; type=tar; x-conv=\"a b\"; name=x.tar\nContent-Disposition: attachment; filename=x.tar; size=5; creation-date=\"Fri, 20 Nov 2026 09:00:00 +0000\"\n" +
		"Content-Description: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nX-Attachment-Id: f_1\nContent-Language: de\nContent-Transfer-Encoding: base64\n\nZGF0YQ==\n" +
		"--b\nContent-Type: text/plain\n\na footer\n" +
		"--b\nContent-Type: message/external-body; access-type=URL; URL=\"https://example.test/x\"\n\nContent-Type: image/png\n\n" +
		"--b--\n"
	m := parse(t, in)
	out := string(mustRender(t, m))
	flat := strings.ReplaceAll(out, "\n ", " ")
	for _, want := range []string{
		"format=flowed; delsp=yes", "type=tar", `x-conv="a b"`, "size=5", `creation-date="Fri, 20 Nov 2026 09:00:00 +0000"`,
		"Content-Description: =?utf-8?b?R3LDvMOfZQ==?=", "X-Attachment-Id: f_1", "Content-Language: de",
		"Content-Transfer-Encoding: 7bit\n\na footer\n--", "message/external-body; access-type=URL; url=\"https://example.test/x\"",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if again := string(mustRender(t, parse(t, out))); again != out {
		t.Error(firstDifference([]byte(again), []byte(out)))
	}
	if n := strings.Count(out, "Subject:"); n != 1 {
		t.Errorf("%d subjects", n)
	}
}

// TestOneFile: a message that is one file stays one part.
func TestOneFile(t *testing.T) {
	for _, in := range []string{
		"Subject: scan\nContent-Type: application/pdf; name=scan.pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=scan.pdf\n\nJVBERg==\n",
		"Subject: fax\nContent-Type: image/tiff; application=faxbw\nContent-Transfer-Encoding: base64\n\nSUkqAA==\n",
		"Subject: part\nContent-Type: message/partial; id=\"x@y\"; number=2; total=3\n\nSome bytes of a message\nthat was cut.\n",
	} {
		m := parse(t, in)
		out := string(mustRender(t, m))
		ctype, params := parseValue(first(header(splitFields([]byte(in))).get("content-type")))
		h := header(splitFields([]byte(out)))
		gotType, gotParams := parseValue(first(h.get("content-type")))
		if ctype != gotType {
			t.Errorf("%s became %s", ctype, gotType)
		}
		if diff := cmp.Diff(params, gotParams); diff != "" {
			t.Errorf("%s: %s", ctype, diff)
		}
		back := parse(t, out)
		if a, b := m.Attachments[0].Properties.Bytes(mapi.PidTagAttachDataBinary), back.Attachments[0].Properties.Bytes(mapi.PidTagAttachDataBinary); strings.TrimSpace(string(a)) != strings.TrimSpace(string(b)) {
			t.Errorf("%s: %q became %q", ctype, a, b)
		}
	}
}

func TestReportProperties(t *testing.T) {
	m := parse(t, "Subject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\n"+
		"Reporting-MTA: dns; mx.example.test\nArrival-Date: Fri, 20 Nov 2026 09:00:00 +0000\n\nFinal-Recipient: rfc822; x@example.test\nAction: FAILED (for good)\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n--b\nContent-Type: text/rfc822-headers\n\nSubject: y\n--b--\n")
	p := m.Properties
	if p.String(mapi.PidTagMessageClass) != "REPORT.IPM.Note.NDR" || p.String(mapi.PidTagReportingMessageTransferAgent) != "mx.example.test" ||
		p.String(pidTagSupplementary) != "550 no such user" || !p.Has(mapi.PidTagOriginalSubmitTime) || len(m.Attachments) != 2 {
		t.Errorf("%v, %d attachments", p, len(m.Attachments))
	}
	m = parse(t, "Subject: x\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nnot displayed\n--b\nContent-Type: message/disposition-notification\n\nOriginal-Message-ID: <1@x>\nDisposition: automatic-action/MDN-sent-automatically; deleted/displayed-later\n--b--\n")
	if got := m.Properties.String(mapi.PidTagMessageClass); got != "REPORT.IPM.Note.IPNNRN" || m.Properties.String(pidTagOriginalMsgID) != "<1@x>" {
		t.Errorf("class %q", got)
	}
}

// winmail returns a stream that Outlook wrote.
func winmail(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("tnef/testdata/" + name + ".tnef.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func withWinmail(p []byte) string {
	return "From: a@example.test\nSubject: from the header\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nthe text\n--b\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString(p) + "\n--b--\n"
}

func TestWinmail(t *testing.T) {
	m := parse(t, withWinmail(winmail(t, "data-before-name")))
	if len(m.Attachments) != 3 || m.Attachments[2].Properties.String(mapi.PidTagAttachLongFilename) != "boot.ini" || !m.Properties.Has(mapi.PidTagRtfCompressed) {
		t.Fatalf("%d attachments, %v", len(m.Attachments), m.Properties)
	}
	if got := m.Properties.String(mapi.PidTagSubject); got != "from the header" {
		t.Errorf("subject %q", got)
	}
	if m.Properties.String(mapi.PidTagSenderEmailAddress) != "a@example.test" {
		t.Error("the sender of the stream counts")
	}
	out := string(mustRender(t, m))
	for _, want := range []string{"filename=boot.ini", "filename=AUTOEXEC.BAT", "application/rtf"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "winmail") || strings.Contains(out, "ms-tnef") {
		t.Error("the stream is still there")
	}
	html := parse(t, withWinmail(winmail(t, "body")))
	if html.Properties.Int(mapi.PidTagNativeBody) != nativeHTML || !bytes.Contains(mustRender(t, html), []byte("text/html")) {
		t.Error("the HTML of the stream does not count")
	}
	broken := partly(t, withWinmail([]byte("no stream")))
	if len(broken.Attachments) != 1 || string(broken.Attachments[0].Properties.Bytes(mapi.PidTagAttachDataBinary)) != "no stream" {
		t.Error("a broken stream is lost")
	}
	var stored int
	opt := Options{Store: func(r io.Reader) (mapi.Blob, error) {
		p, err := io.ReadAll(r)
		stored++
		return bytes.NewReader(p), err
	}}
	if _, err := Parse(strings.NewReader(withWinmail(winmail(t, "data-before-name"))), opt); err != nil || stored != 4 {
		t.Errorf("%d stored, %v", stored, err)
	}
}

// TestNothingDangerousFromOutside: properties of a stream that somebody sent do not
// reach the store's own, nobody is made to answer for somebody else, and no attachment leads elsewhere.
func TestNothingDangerousFromOutside(t *testing.T) {
	in := &mapi.Message{Properties: mapi.PropertyBag{
		{Tag: mapi.PidTagEntryId, Value: []byte("x")}, {Tag: mapi.PidTagSourceKey, Value: []byte("x")}, {Tag: mapi.PidTagMessageFlags, Value: int32(1)},
		{Tag: mapi.PidTagSenderEmailAddress, Value: "ceo@example.test"}, {Tag: mapi.PidTagReceivedRepresentingName, Value: "x"},
		{Tag: mapi.PidTagReceivedRepresentingEntryId, Value: []byte("x")}, {Tag: mapi.PidTagCreatorName, Value: "x"}, {Tag: mapi.PidTagSearchKey, Value: []byte("x")},
		{Tag: mapi.NewTag(0x8000, mapi.TypeString), Name: mapi.StringName(mapi.PSInternetHeaders, "X-Spam"), Value: "no"},
	}}
	var a mapi.Attachment
	a.Properties.Set(mapi.PidTagAttachMethod, int32(methodWeb))
	a.Properties.Set(mapi.PidTagAttachLongPathname, `\\evil.example.test\x`)
	in.Attachments = []mapi.Attachment{a}
	m := &mapi.Message{}
	if err := (&parser{}).adopt(m, in); err != nil {
		t.Fatal(err)
	}
	if len(m.Properties) != 0 {
		t.Errorf("taken over: %v", m.Properties)
	}
	if bag := m.Attachments[0].Properties; bag.Int(mapi.PidTagAttachMethod) != methodByValue || bag.Has(mapi.PidTagAttachLongPathname) {
		t.Errorf("attachment %v", bag)
	}
}

func TestManyRecipientsAndAttachments(t *testing.T) {
	var b strings.Builder
	b.WriteString("Subject: many\nTo: ")
	for i := range 500 {
		fmt.Fprintf(&b, "\"User, %d\" <u%d@example.test>,\n ", i, i)
	}
	b.WriteString("last@example.test\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "--b\nContent-Type: application/octet-stream; name=f%d\nContent-Transfer-Encoding: base64\n\n%s\n", i, base64.StdEncoding.EncodeToString(fmt.Append(nil, "file ", i)))
	}
	b.WriteString("--b--\n")
	m := parse(t, b.String())
	if len(m.Recipients) != 501 || len(m.Attachments) != 1000 {
		t.Fatalf("%d recipients, %d attachments", len(m.Recipients), len(m.Attachments))
	}
	back := parse(t, string(mustRender(t, m)))
	if len(back.Recipients) != 501 || len(back.Attachments) != 1000 {
		t.Fatalf("%d recipients, %d attachments came back", len(back.Recipients), len(back.Attachments))
	}
	for i, a := range back.Attachments {
		if got := string(a.Properties.Bytes(mapi.PidTagAttachDataBinary)); got != fmt.Sprint("file ", i) {
			t.Fatalf("attachment %d is %q", i, got)
		}
	}
}

// endless gives n bytes of base64 lines.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	const line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\n"
	n := 0
	for n+len(line) <= len(p) && e.n > 0 {
		n += copy(p[n:], line)
		e.n -= int64(len(line))
	}
	if n == 0 {
		n = copy(p, line[:1])
		e.n--
	}
	return n, nil
}

// TestLargeFileStreams: 100 MiB of attachment pass through both directions in bounded
// memory.
func TestLargeFileStreams(t *testing.T) {
	const size = 140 << 20 // of base64
	head := "Subject: s\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\nx\n--bb\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n"
	var before, after runtime.MemStats
	peak := uint64(0)
	watch := func() {
		runtime.ReadMemStats(&after)
		peak = max(peak, after.HeapAlloc)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	opt := Options{Store: func(r io.Reader) (mapi.Blob, error) {
		n, buf := int64(0), make([]byte, 1<<20)
		for {
			k, err := io.ReadFull(r, buf)
			n += int64(k)
			watch()
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return zeros(n), nil
			}
			if err != nil {
				return nil, err
			}
		}
	}}
	m, err := Parse(io.MultiReader(strings.NewReader(head), &endless{size}, strings.NewReader("\n--bb--\n")), opt)
	if err != nil {
		t.Fatal(err)
	}
	if n := mapi.ValueSize(m.Attachments[0].Properties.Get(mapi.PidTagAttachDataBinary)); n < 100<<20 {
		t.Fatalf("%d bytes", n)
	}
	if err := (Renderer{}).Render(watcher(watch), m); err != nil {
		t.Fatal(err)
	}
	const limit = 64 << 20
	if extra := int64(peak) - int64(before.HeapAlloc); extra > limit {
		t.Errorf("%d MiB of extra memory", extra>>20)
	}
}

type watcher func()

func (w watcher) Write(p []byte) (int, error) { return len(p), nil }

func TestMegabyteHeader(t *testing.T) {
	_, err := Parse(strings.NewReader("Subject: "+strings.Repeat("x", 1<<20)+"\n\nbody\n"), Options{})
	if !errors.Is(err, ErrHeaderTooLong) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("error %v", err)
	}
	inner := "Subject: s\nContent-Type: message/rfc822\n\nX: " + strings.Repeat("x", 1<<20) + "\n\n"
	if _, err := Parse(strings.NewReader("Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"+inner+"\n--b--\n"), Options{}); !errors.Is(err, ErrHeaderTooLong) {
		t.Errorf("inner: %v", err)
	}
}

// TestRTFOfOutlook: the RTF that Outlook compressed has the size that it tells, and what
// was HTML is HTML again.
func TestRTFOfOutlook(t *testing.T) {
	found, html := 0, 0
	for _, name := range []string{"rtf", "triples", "data-before-name", "long-filename", "multi-value-attribute"} {
		m, err := tnef.Decode(bytes.NewReader(winmail(t, name)), tnef.Options{Text: func(_ int, p []byte) string { return guessString(string(p)) }})
		if err != nil {
			t.Fatal(err)
		}
		packed := m.Properties.Bytes(mapi.PidTagRtfCompressed)
		if packed == nil {
			continue
		}
		found++
		rtf, err := DecompressRTF(packed)
		if size := binary.LittleEndian.Uint32(packed[4:]); err != nil || len(rtf) != int(size) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(rtf), size, err)
		}
		if again, err := DecompressRTF(CompressRTF(rtf)); err != nil || !bytes.Equal(again, rtf) {
			t.Errorf("%s: compressed again it is another: %v", name, err)
		}
		text, kind := deencapsulate(rtf)
		if kind == rtfHTML {
			html++
			if !strings.Contains(strings.ToLower(text), "<html") || !strings.Contains(strings.ToLower(text), "</html>") || strings.Contains(text, `\par`) {
				t.Errorf("%s: HTML is %q", name, text)
			}
		}
	}
	if found != 5 || html != 1 {
		t.Errorf("%d streams with RTF, %d of them HTML", found, html)
	}
}

func TestEncryptedByName(t *testing.T) {
	m := parse(t, "Subject: s\nContent-Type: application/octet-stream; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIIB\n")
	if got := m.Properties.String(mapi.PidTagMessageClass); got != classSMIME {
		t.Errorf("class %q", got)
	}
	if out := string(mustRender(t, m)); !strings.Contains(out, "Content-Type: application/pkcs7-mime; name=smime.p7m") {
		t.Error(out)
	}
}
