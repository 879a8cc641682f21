package tnef

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

var latin = Options{Text: func(_ int, p []byte) string {
	r := make([]rune, len(p))
	for i, c := range p {
		r[i] = rune(c)
	}
	return string(r)
}}

// sample returns the content of a file of testdata.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".tnef.gz"))
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

type file struct {
	Name string
	Size int64
}

// TestSamples: what real programs wrote, with the names and sizes that other readers
// of the format find in it.
func TestSamples(t *testing.T) {
	tests := []struct {
		name  string
		files []file
		class string
		tags  []mapi.PropertyTag // that must be there
		named int                // how many named properties
	}{
		{"one-file", []file{{"AUTHORS", 244}}, "IPM.Note", nil, 0},
		{"two-files", []file{{"AUTHORS", 244}, {"README", 893}}, "IPM.Note", nil, 0},
		{"rtf", nil, "IPM.Note", []mapi.PropertyTag{mapi.PidTagRtfCompressed}, 13},
		{"triples", nil, "IPM.Appointment", []mapi.PropertyTag{mapi.PidTagRtfCompressed}, 10},
		{"body", nil, "IPM.Note", []mapi.PropertyTag{mapi.PidTagHtml}, 0},
		{"data-before-name", []file{{"AUTOEXEC.BAT", 0}, {"CONFIG.SYS", 0}, {"boot.ini", 289}}, "IPM.Note", []mapi.PropertyTag{mapi.PidTagRtfCompressed}, 0},
		{"long-filename", []file{{"allproductsmar2000.dat", 279}}, "IPM.Note", []mapi.PropertyTag{mapi.PidTagRtfCompressed}, 0},
		{"unicode-mapi-attr", []file{{"example.dat", 1024}}, "IPM.Note", nil, 0},
		{"multi-value-attribute", []file{{"208225__5_seconds__Voice_Mail.mp3", 10656}}, "IPM.Note.Microsoft.Voicemail.UM.CA", []mapi.PropertyTag{mapi.PidTagRtfCompressed}, 10},
		{"multi-name-property", nil, "IPM.Appointment", nil, 1},
		{"garbage-at-end", nil, "", nil, 0},
	}
	for _, tt := range tests {
		m, err := Decode(memory(sample(t, tt.name)), latin)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var files []file
		for _, a := range m.Attachments {
			name := a.Properties.String(mapi.PidTagAttachLongFilename)
			if name == "" {
				name = a.Properties.String(mapi.PidTagAttachFilename)
			}
			files = append(files, file{name, mapi.ValueSize(a.Properties.Get(mapi.PidTagAttachDataBinary))})
		}
		if diff := cmp.Diff(tt.files, files); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if got := m.Properties.String(mapi.PidTagMessageClass); tt.class != "" && got != tt.class {
			t.Errorf("%s: class %q", tt.name, got)
		}
		for _, tag := range tt.tags {
			if !m.Properties.Has(tag) {
				t.Errorf("%s: no %v", tt.name, tag)
			}
		}
		named := 0
		for _, p := range m.Properties {
			if !p.Name.IsZero() {
				named++
			}
		}
		if named < tt.named {
			t.Errorf("%s: %d named properties, want %d or more", tt.name, named, tt.named)
		}
	}
}

// writer makes streams.
type writer struct{ wire.Builder }

func newWriter() *writer {
	w := &writer{}
	w.Uint32(signature)
	w.Uint16(1)
	return w
}

func (w *writer) attr(level uint8, id uint32, p []byte) {
	w.Uint8(level)
	w.Uint32(id)
	w.Uint32(uint32(len(p)))
	w.Raw(p)
	sum := uint16(0)
	for _, c := range p {
		sum += uint16(c)
	}
	w.Uint16(sum)
}

// props writes properties; values are raw bytes that already have their form.
func props(list ...[]byte) []byte {
	var b wire.Builder
	b.Uint32(uint32(len(list)))
	for _, p := range list {
		b.Raw(p)
	}
	return b.Bytes()
}

func variable(tag mapi.PropertyTag, name []byte, values ...[]byte) []byte {
	var b wire.Builder
	b.Uint16(uint16(tag.Type()))
	b.Uint16(tag.ID())
	b.Raw(name)
	b.Uint32(uint32(len(values)))
	for _, v := range values {
		b.Uint32(uint32(len(v)))
		b.Raw(v)
		b.Raw(make([]byte, -len(v)&3))
	}
	return b.Bytes()
}

func utf16z(s string) []byte { return append(wire.AppendUTF16(nil, s), 0, 0) }

func stringName(set mapi.GUID, name string) []byte {
	var b wire.Builder
	b.GUID(set)
	b.Uint32(1)
	raw := utf16z(name)
	b.Uint32(uint32(len(raw)))
	b.Raw(raw)
	b.Raw(make([]byte, -len(raw)&3))
	return b.Bytes()
}

func rendData(kind uint16, flags uint32) []byte {
	var b wire.Builder
	b.Uint16(kind)
	b.Uint32(0xFFFFFFFF)
	b.Uint32(0)
	b.Uint32(flags)
	return b.Bytes()
}

// everything is a stream with one of each: named and multi-value properties,
// recipients, attachments of several kinds, a message within.
func everything() []byte {
	inner := newWriter()
	inner.attr(levelMessage, attSubject, []byte("inner\x00"))
	inner.attr(levelAttachment, attAttachRendData, rendData(1, 0))
	inner.attr(levelAttachment, attAttachData, []byte("innermost"))

	w := newWriter()
	w.attr(levelMessage, attOemCodepage, []byte{0xE4, 4, 0, 0, 0, 0, 0, 0})
	w.attr(levelMessage, attMessageClass, []byte("IPM.Microsoft Schedule.MtgReq\x00"))
	w.attr(levelMessage, attPriority, []byte{1, 0})
	w.attr(levelMessage, attDateSent, []byte{0xD0, 7, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0, 0})
	w.attr(levelMessage, attMsgProps, props(
		variable(mapi.PidTagSubject.WithType(mapi.TypeString8), nil, []byte("caf\xE9\x00")),
		variable(mapi.PidTagBody, nil, utf16z("text ☃")),
		variable(mapi.NewTag(0x8000, mapi.TypeMultiString), stringName(mapi.PSPublicStrings, "Keywords"), utf16z("a"), utf16z("b")),
		[]byte{0x03, 0x10, 0x01, 0x80, 0x08, 0x20, 0x06, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46, 0, 0, 0, 0, 0x26, 0x80, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0},
		[]byte{0x0B, 0, 0x17, 0x0C, 1, 0, 0, 0},
	))
	var recips wire.Builder
	recips.Uint32(1)
	recips.Raw(props(variable(mapi.PidTagDisplayName, nil, utf16z("Anna")), []byte{3, 0, 0x15, 0x0C, 2, 0, 0, 0}))
	w.attr(levelMessage, attRecipTable, recips.Bytes())
	w.attr(levelAttachment, attAttachRendData, rendData(1, 1))
	w.attr(levelAttachment, attAttachTitle, []byte("SHORT~1.TXT\x00"))
	w.attr(levelAttachment, attAttachData, []byte("data"))
	w.attr(levelAttachment, attAttachment, props(variable(mapi.PidTagAttachLongFilename, nil, utf16z("a long name.txt"))))
	w.attr(levelAttachment, attAttachRendData, rendData(2, 0))
	w.attr(levelAttachment, attAttachment, props(variable(mapi.PidTagAttachDataObject, nil, append(interfaceMessage[:], inner.Bytes()...))))
	w.attr(levelAttachment, attAttachRendData, rendData(2, 0))
	storage := mapi.MustGUID("0000000B-0000-0000-C000-000000000046")
	w.attr(levelAttachment, attAttachment, props(variable(mapi.PidTagAttachDataObject, nil, append(storage[:], "ole"...))))
	return w.Bytes()
}

func TestDecode(t *testing.T) {
	m, err := Decode(memory(everything()), latin)
	if err != nil {
		t.Fatal(err)
	}
	p := m.Properties
	if got := p.String(mapi.PidTagMessageClass); got != "IPM.Schedule.Meeting.Request" {
		t.Errorf("class %q", got)
	}
	if got := p.String(mapi.PidTagSubject); got != "café" {
		t.Errorf("subject %q", got)
	}
	if got := p.String(mapi.PidTagBody); got != "text ☃" {
		t.Errorf("body %q", got)
	}
	if p.Int(mapi.PidTagImportance) != 2 || !p.Bool(mapi.PidTagReplyRequested) {
		t.Errorf("properties %v", p)
	}
	if got := p.Time(mapi.PidTagClientSubmitTime).Time().String(); got != "2000-01-02 03:04:05 +0000 UTC" {
		t.Errorf("sent %s", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, p.GetNamed(mapi.StringName(mapi.PSPublicStrings, "Keywords"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int32{7, 8}, p.GetNamed(mapi.LIDName(mapi.PSETIDCommon, 0x8026))); diff != "" {
		t.Error(diff)
	}
	if len(m.Recipients) != 1 || m.Recipients[0].Type != mapi.RecipientCc {
		t.Errorf("recipients %v", m.Recipients)
	}
	if len(m.Attachments) != 3 {
		t.Fatalf("%d attachments", len(m.Attachments))
	}
	a := m.Attachments[0].Properties
	if a.String(mapi.PidTagAttachLongFilename) != "a long name.txt" || a.String(mapi.PidTagAttachFilename) != "SHORT~1.TXT" ||
		string(a.Bytes(mapi.PidTagAttachDataBinary)) != "data" || !a.Has(mapi.PidTagAttachEncoding) {
		t.Errorf("attachment %v", a)
	}
	e := m.Attachments[1]
	if e.Embedded == nil || e.Embedded.Properties.String(mapi.PidTagSubject) != "inner" || e.Properties.Int(mapi.PidTagAttachMethod) != methodEmbedded ||
		string(e.Embedded.Attachments[0].Properties.Bytes(mapi.PidTagAttachDataBinary)) != "innermost" {
		t.Errorf("embedded %+v", e)
	}
	if o := m.Attachments[2].Properties; string(o.Bytes(mapi.PidTagAttachDataObject)) != "ole" || o.Int(mapi.PidTagAttachMethod) != methodOLE {
		t.Errorf("object %v", o)
	}
}

// TestCutOff: what is cut off within an attribute is refused, at every length.
func TestCutOff(t *testing.T) {
	p := everything()
	ends := map[int]bool{} // offsets at which attributes end
	for off := 6; off < len(p); {
		n := int(wire.NewReader(p[off+5:]).Uint32())
		off += 9 + n + 2
		ends[off] = true
	}
	for i := range p {
		_, err := Decode(memory(p[:i]), latin)
		whole := false // what is behind the last attribute is shorter than the head of one
		for j := max(0, i-8); j <= i; j++ {
			whole = whole || ends[j]
		}
		if whole != (err == nil) {
			t.Errorf("cut at %d: %v", i, err)
		}
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v is of another kind", i, err)
		}
	}
	for i := 6; i < len(p); i++ { // no byte is free to change: level, id, length, data or sum
		q := bytes.Clone(p)
		q[i] ^= 0x40
		_, _ = Decode(memory(q), latin)
	}
}

func TestErrors(t *testing.T) {
	deep := []byte("x\x00")
	for range 2 * maxDepth {
		w := newWriter()
		w.attr(levelAttachment, attAttachRendData, rendData(1, 0))
		w.attr(levelAttachment, attAttachment, props(variable(mapi.PidTagAttachDataObject, nil, append(interfaceMessage[:], deep...))))
		deep = w.Bytes()
	}
	bad := newWriter()
	bad.attr(levelMessage, attSubject, []byte("x\x00"))
	sum := bad.Bytes()
	sum[len(sum)-1] ^= 1
	orphan := newWriter()
	orphan.attr(levelAttachment, attAttachTitle, []byte("x\x00"))
	count := newWriter()
	count.attr(levelMessage, attMsgProps, []byte{0xFF, 0xFF, 0xFF, 0xFF})
	for name, p := range map[string][]byte{
		"empty": nil, "no signature": []byte(strings.Repeat("x", 50)), "nothing behind it": newWriter().Bytes(), "checksum": sum,
		"no attachment": orphan.Bytes(), "count": count.Bytes(), "too deep": deep,
	} {
		if _, err := Decode(memory(p), latin); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	opt := latin
	opt.Store = func(io.Reader) (mapi.Blob, error) { return nil, iotest.ErrTimeout }
	if _, err := Decode(memory(everything()), opt); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("an error of the store became %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(everything())
	for _, name := range []string{"one-file", "rtf", "body", "triples", "unicode-mapi-attr"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := Decode(memory(p), latin)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
		if (m == nil) != (err != nil) {
			t.Fatal("neither a message nor an error, or both")
		}
	})
}
