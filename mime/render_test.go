package mime

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"mailfs/mapi"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden pins the bytes of one message of each kind: a change of these files is a
// change of Version.
func TestGolden(t *testing.T) {
	byID := recordedByID(t)
	done := map[string]bool{}
	for _, o := range originals(t) {
		kind := o.kind()
		if done[kind] || strings.HasPrefix(kind, "big") || kind == "attach5m" || kind == "attach" || kind == "rcpt500" {
			continue
		}
		done[kind] = true
		golden(t, kind, byID[look(t, o.data).messageID])
	}
	for _, folder := range []string{"calendar", "contacts"} {
		golden(t, folder, &recorded(t, folder)[0].Message)
	}
	if len(done) < 15 {
		t.Errorf("only %d kinds", len(done))
	}
}

func golden(t *testing.T, kind string, m *mapi.Message) {
	t.Helper()
	if m == nil {
		t.Fatalf("%s: no message", kind)
	}
	file := "testdata/golden/" + kind + ".eml"
	got := mustRender(t, m)
	if *update {
		if err := os.MkdirAll("testdata/golden", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: output differs from %s\n%s", kind, file, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	show := func(p []byte) []byte { return p[max(i-40, 0):min(i+80, len(p))] }
	return fmt.Sprintf("at offset %d: got %q, want %q", i, show(got), show(want))
}

// everyMessage returns all recorded messages, and what Parse makes of the originals.
func everyMessage(t testing.TB) []*mapi.Message {
	var out []*mapi.Message
	for _, folder := range []string{"inbox", "alpha", "sent", "drafts", "odd", "calendar", "contacts"} {
		for _, m := range recorded(t, folder) {
			out = append(out, &m.Message)
		}
	}
	for _, o := range originals(t) {
		m, err := Parse(bytes.NewReader(o.data), Options{})
		var unsupported *UnsupportedError
		if err != nil && !errors.As(err, &unsupported) {
			t.Fatalf("%s: %v", o.name, err)
		}
		out = append(out, m)
	}
	return out
}

// TestSameBytes: the order in which properties arrived, and whether data is in memory
// or in a blob, do not matter. Size says exactly what Render writes, and a read at any
// offset gives the same.
func TestSameBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i, m := range everyMessage(t) {
		want := mustRender(t, m)
		other := shuffled(m, rnd)
		if got := mustRender(t, other); !bytes.Equal(got, want) {
			t.Fatalf("message %d depends on the order of properties\n%s", i, firstDifference(got, want))
		}
		im, err := Renderer{}.Open(other)
		if err != nil {
			t.Fatal(err)
		}
		if im.Size() != int64(len(want)) {
			t.Fatalf("message %d: size %d, written %d", i, im.Size(), len(want))
		}
		for range 20 {
			off := rnd.Int64N(int64(len(want)) + 1)
			p := make([]byte, rnd.IntN(3000))
			n, err := im.ReadAt(p, off)
			if wantN := min(len(p), len(want)-int(off)); n != wantN || !bytes.Equal(p[:n], want[off:int(off)+n]) {
				t.Fatalf("message %d: ReadAt(%d, %d) gave %d wrong bytes", i, len(p), off, n)
			}
			if (n < len(p)) != (err == io.EOF) {
				t.Fatalf("message %d: ReadAt: %d of %d and %v", i, n, len(p), err)
			}
		}
	}
}

// memBlob is a Blob that is not a []byte.
type memBlob []byte

func (b memBlob) Size() int64 { return int64(len(b)) }

func (b memBlob) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(b).ReadAt(p, off)
}

// shuffled returns a copy with its properties in another order and its binary values as blobs.
func shuffled(m *mapi.Message, rnd *rand.Rand) *mapi.Message {
	mix := func(b mapi.PropertyBag) mapi.PropertyBag {
		b = b.Clone()
		rnd.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
		for i := range b {
			if v, ok := b[i].Value.([]byte); ok && (b[i].Tag == mapi.PidTagHtml || b[i].Tag == mapi.PidTagAttachDataBinary) {
				b[i].Value = memBlob(v)
			}
		}
		return b
	}
	out := &mapi.Message{Properties: mix(m.Properties)}
	for _, r := range m.Recipients {
		r.Properties = mix(r.Properties)
		out.Recipients = append(out.Recipients, r)
	}
	for _, a := range m.Attachments {
		a.Properties = mix(a.Properties)
		if a.Embedded != nil {
			a.Embedded = shuffled(a.Embedded, rnd)
		}
		out.Attachments = append(out.Attachments, a)
	}
	return out
}

// zeros is a large blob that takes no memory.
type zeros int64

func (z zeros) Size() int64 { return int64(z) }

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	n := int(min(int64(len(p)), int64(z)-off))
	clear(p[:n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestLargeAttachment: size is arithmetic, and a read near the end of 2 GB is one of a
// few bytes.
func TestLargeAttachment(t *testing.T) {
	m := noteWith("see attachment", zeros(2<<30))
	im, err := Renderer{}.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	if n, err := im.ReadAt(p, im.Size()-100); n != 100 || err != nil || !strings.HasSuffix(string(p), "--\n") {
		t.Errorf("ReadAt = %d, %v: %q", n, err, p)
	}
	allocs := testing.AllocsPerRun(5, func() {
		if _, err := (Renderer{}).Size(m); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 2000 {
		t.Errorf("Size allocates %.0f times", allocs)
	}
}

func noteWith(body string, data mapi.Blob) *mapi.Message {
	m := &mapi.Message{}
	m.Properties.Set(mapi.PidTagMessageClass, "IPM.Note")
	m.Properties.Set(mapi.PidTagSubject, "s")
	m.Properties.Set(mapi.PidTagBody, body)
	var a mapi.Attachment
	a.Properties.Set(mapi.PidTagAttachMethod, int32(methodByValue))
	a.Properties.Set(mapi.PidTagAttachLongFilename, "data.bin")
	a.Properties.Set(mapi.PidTagAttachDataBinary, data)
	m.Attachments = append(m.Attachments, a)
	return m
}

func TestBase64Size(t *testing.T) {
	for n := range 300 {
		enc := bytes.TrimSuffix(encodeLines(make([]byte, n)), []byte("\n"))
		if base64Size(int64(n)) != int64(len(enc)) {
			t.Errorf("base64Size(%d) = %d, encoded %d", n, base64Size(int64(n)), len(enc))
		}
	}
}

type brokenBlob struct{ zeros }

func (brokenBlob) ReadAt([]byte, int64) (int, error) { return 0, iotest.ErrTimeout }

func TestUnreadableAttachment(t *testing.T) {
	err := Renderer{}.Render(io.Discard, noteWith("x", brokenBlob{100}))
	if !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("error is %v", err)
	}
	err = Renderer{}.Render(io.Discard, noteWith("x", shortBlob{zeros(10)}))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error is %v", err)
	}
}

// shortBlob has less than it says.
type shortBlob struct{ zeros }

func (s shortBlob) Size() int64 { return int64(s.zeros) + 5 }

// TestBoundaryInText: a text that holds the boundary gets another one.
func TestBoundaryInText(t *testing.T) {
	plain := mustRender(t, noteWith("x", zeros(3)))
	i := bytes.Index(plain, []byte("=_mailfs_"))
	boundary := string(plain[i : i+len("=_mailfs_")+24])
	out := mustRender(t, noteWith("x\r\n--"+boundary+"\r\ny", zeros(3)))
	m, err := Parse(bytes.NewReader(out), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Properties.String(mapi.PidTagBody); got != "x\r\n--"+boundary+"\r\ny" {
		t.Errorf("body is %q\n%s", got, out)
	}
	if len(m.Attachments) != 1 {
		t.Errorf("%d attachments", len(m.Attachments))
	}
}

func TestDeepNesting(t *testing.T) {
	m := noteWith("innermost", zeros(1))
	for range 3 * maxDepth {
		outer := noteWith("x", zeros(0))
		outer.Attachments[0].Embedded = m
		m = outer
	}
	out := mustRender(t, m)
	if !bytes.Contains(out, []byte("nested too deeply")) {
		t.Error("nothing says that a message is missing")
	}
}

// TestRulesOfLines: no line of a message is too long, no header has 8-bit bytes, ends
// are LF, whatever the properties hold.
func TestRulesOfLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringN(0, 3000, -1), rapid.SampledFrom([]string{"", "a,b", `q"\`, "=?x?=", "\r\nX-Evil: 1", "\xED\xA0\x80", "日本", strings.Repeat("x", 2000), "  a  b "}))
		m := &mapi.Message{}
		for _, tag := range []mapi.PropertyTag{mapi.PidTagSubject, mapi.PidTagBody, mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingEmailAddress,
			mapi.PidTagSenderName, mapi.PidTagSenderEmailAddress, mapi.PidTagInternetMessageId, mapi.PidTagInternetReferences, mapi.PidTagListHelp} {
			if rapid.Bool().Draw(t, "has") {
				m.Properties.Set(tag, text.Draw(t, tag.Name()))
			}
		}
		if rapid.Bool().Draw(t, "received") {
			m.Properties.Set(mapi.PidTagTransportMessageHeaders, rapid.SampledFrom([]string{"Subject: ", "X-A: ", "To: ", "\r\n", "a\r\nFrom:"}).Draw(t, "start")+rapid.String().Draw(t, "rest"))
		}
		m.Properties.Set(mapi.PidTagSentRepresentingAddressType, "SMTP")
		m.Properties.SetNamed(mapi.StringName(mapi.PSInternetHeaders, text.Draw(t, "field")), mapi.TypeString, text.Draw(t, "value"))
		m.Properties.SetNamed(keywordsName, mapi.TypeMultiString, rapid.SliceOf(text).Draw(t, "keywords"))
		for range rapid.IntRange(0, 3).Draw(t, "recipients") {
			m.Recipients = append(m.Recipients, newRecipient(0, mapi.RecipientTo, Address{text.Draw(t, "name"), text.Draw(t, "address")}))
		}
		var a mapi.Attachment
		a.Properties.Set(mapi.PidTagAttachLongFilename, text.Draw(t, "file"))
		a.Properties.Set(mapi.PidTagAttachContentId, text.Draw(t, "cid"))
		a.Properties.Set(mapi.PidTagAttachMimeTag, text.Draw(t, "type"))
		a.Properties.Set(mapi.PidTagAttachDataBinary, []byte("data"))
		m.Attachments = append(m.Attachments, a)
		var b bytes.Buffer
		if err := (Renderer{}).Render(&b, m); err != nil {
			t.Fatal(err)
		}
		checkLines(t, b.Bytes())
		back, err := Parse(bytes.NewReader(b.Bytes()), Options{})
		if err != nil {
			t.Fatalf("%v\n%q", err, b.Bytes())
		}
		if len(back.Attachments) != 1 || string(back.Attachments[0].Properties.Bytes(mapi.PidTagAttachDataBinary)) != "data" {
			t.Fatalf("attachment lost\n%s", b.Bytes())
		}
	})
}

type fataler interface{ Fatalf(string, ...any) }

func checkLines(t fataler, p []byte) {
	head, _, ok := bytes.Cut(p, []byte("\n\n"))
	if !ok {
		t.Fatalf("no end of the header: %q", p)
	}
	for l := range bytes.SplitSeq(p, []byte("\n")) {
		if len(l) > hardLine {
			t.Fatalf("a line has %d bytes: %.100q", len(l), l)
		}
		if bytes.IndexByte(l, '\r') >= 0 {
			t.Fatalf("a line has a CR: %.200q", l)
		}
	}
	for l := range bytes.SplitSeq(head, []byte("\n")) {
		if _, ok := fieldName(l); !ok && (len(l) == 0 || l[0] != ' ' && l[0] != '\t') {
			t.Fatalf("not a header line: %q", l)
		}
		if bytes.HasPrefix(l, []byte("X-Evil")) {
			t.Fatalf("a property broke out of its field: %q", head)
		}
		if i := slices.IndexFunc(l, func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7F }); i >= 0 {
			t.Fatalf("control character in %q", l)
		}
	}
}

func TestRenderHeader(t *testing.T) {
	m := noteWith("body", zeros(5))
	var b bytes.Buffer
	if err := (Renderer{}).RenderHeader(&b, m); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "Subject: s\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
