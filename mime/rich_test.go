package mime

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailfs/mapi"
)

func TestCompressRTFRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{`{\rtf1\ansi `, `\par `, "MS Sans Serif", "abcabc", "\x00", "x", "\r\n", `\'e4`}))
		in := []byte(strings.Join(words.Draw(t, "words"), ""))
		if rapid.Bool().Draw(t, "long") {
			in = bytes.Repeat(append(in, 'z'), 700)
		}
		packed := CompressRTF(in)
		got, err := DecompressRTF(packed)
		if err != nil || !bytes.Equal(got, in) {
			t.Fatalf("%v\n got %q\nwant %q", err, got, in)
		}
		if limit := len(in) + len(in)/8 + 32; len(packed) > limit {
			t.Fatalf("%d bytes become %d", len(in), len(packed))
		}
	})
	rnd := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 20_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for _, in := range [][]byte{nil, noise, bytes.Repeat([]byte("WXYZ"), 5000)} {
		if got, err := DecompressRTF(CompressRTF(in)); err != nil || !bytes.Equal(got, in) {
			t.Errorf("%d bytes: %v", len(in), err)
		}
	}
	if n := len(CompressRTF(bytes.Repeat([]byte("WXYZ"), 5000))); n > 3000 {
		t.Errorf("20000 bytes that repeat become %d", n)
	}
}

// TestRTFBodyComesBack: RTF that is rendered as an attachment is the body again when the
// file is read, unless the text beside it was edited.
func TestRTFBodyComesBack(t *testing.T) {
	rtf := `{\rtf1\ansi{\fonttbl{\f0 A;}}Hello {\b bold} world\par second line\par}`
	m := &mapi.Message{}
	m.Properties.Set(mapi.PidTagMessageClass, "IPM.Note")
	m.Properties.Set(mapi.PidTagSubject, "s")
	m.Properties.Set(mapi.PidTagRtfCompressed, CompressRTF([]byte(rtf)))
	m.Properties.Set(mapi.PidTagNativeBody, int32(nativeRTF))
	out := mustRender(t, m)
	back := parse(t, string(out))
	got, err := DecompressRTF(back.Properties.Bytes(mapi.PidTagRtfCompressed))
	if err != nil || string(got) != rtf || len(back.Attachments) != 0 || back.Properties.Int(mapi.PidTagNativeBody) != nativeRTF {
		t.Fatalf("%v: %q, %d attachments\n%s", err, got, len(back.Attachments), out)
	}
	if again := mustRender(t, back); !bytes.Equal(again, out) {
		t.Error(firstDifference(again, out))
	}
	edited := parse(t, strings.Replace(string(out), "second line", "another line", 1))
	if edited.Properties.Has(mapi.PidTagRtfCompressed) || len(edited.Attachments) != 1 ||
		!strings.Contains(edited.Properties.String(mapi.PidTagBody), "another line") {
		t.Errorf("an edited text does not win: %v", edited.Properties)
	}
}

func TestRTFDetails(t *testing.T) {
	tests := []struct {
		name, rtf, want string
		kind            rtfKind
	}{
		{"default font", `{\rtf1\ansi\ansicpg1252\deff1\fromhtml1{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset161 B;}}\'e1\f0\'e1\plain\'e1}`, "αáα", rtfHTML},
		{"code page of a font", `{\rtf1\ansi\fromtext{\fonttbl{\f0\cpg1251 A;}}\'e1}`, "б", rtfText},
		{"tags are in the document's code page", `{\rtf1\ansi\ansicpg1251\fromhtml1{\fonttbl{\f0\fcharset161 A;}}{\*\htmltag84 <i title="\'e1">}\'e1}`, `<i title="б">α`, rtfHTML},
		{"multibyte", `{\rtf1\ansi\ansicpg932\fromtext{\fonttbl{\f0\fcharset128 A;}}\'93\'fa\'96\'7b}`, "日本", rtfText},
		{"fallback of several characters", `{\rtf1\ansi\fromtext\uc2\u26085ab\uc1\u26412?c}`, "日本c", rtfText},
		{"numbering is the list's own", `{\rtf1\fromhtml1{\*\htmltag <li>}{\pntext\f1\'b7\tab}item}`, "<li>item", rtfHTML},
		{"numbering is text in RTF", `{\rtf1\ansi{\pntext\'b7\tab}item}`, "·\titem", rtfPlain},
		{"table", `{\rtf1\ansi a\cell b\cell\row c}`, "a\tb\t\r\nc", rtfPlain},
		{"binary data is skipped", "{\\rtf1\\ansi a{\\pict\\bin3 }}}}b}", "ab", rtfPlain},
		{"field result", `{\rtf1\ansi {\field{\*\fldinst HYPERLINK "x"}{\fldrslt link}}}`, "link", rtfPlain},
		{"suppressed font change counts", `{\rtf1\ansi\fromhtml1{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}\htmlrtf\f1\htmlrtf0\'e1}`, "б", rtfHTML},
	}
	for _, tt := range tests {
		if got, kind := deencapsulate([]byte(tt.rtf)); got != tt.want || kind != tt.kind {
			t.Errorf("%s: got %q, %d, want %q, %d", tt.name, got, kind, tt.want, tt.kind)
		}
	}
}

// exchangeUser has an address of type EX; smtp may be empty.
func exchangeUser(g addressGroup, name, dn, smtp string) mapi.PropertyBag {
	var bag mapi.PropertyBag
	g.writeForeign(&bag, name, typeExchange, dn)
	if smtp != "" {
		bag.Set(g.smtp, smtp)
	}
	return bag
}

func TestAddressForms(t *testing.T) {
	const dn = "/o=Org/ou=AG (x)/cn=Recipients/cn=anna"
	oneOffOnly := mapi.PropertyBag{{Tag: mapi.PidTagEntryId, Value: mapi.NewOneOffEntryID("Pat", "SMTP", "pat@example.test").Bytes()}}
	oneOff8 := mapi.PropertyBag{{Tag: mapi.PidTagEntryId, Value: (&mapi.OneOffEntryID{DisplayName: "J\xFCrgen", AddressType: "SMTP", Email: "j@example.test"}).Bytes()}}
	bookOnly := mapi.PropertyBag{{Tag: mapi.PidTagEntryId, Value: mapi.NewAddressBookEntryID(dn).Bytes()}}
	list := mapi.PropertyBag{{Tag: mapi.PidTagDisplayName, Value: "Team, the"}, {Tag: mapi.PidTagAddressType, Value: "MAPIPDL"}, {Tag: mapi.PidTagEmailAddress, Value: "Team"}}
	fax := mapi.PropertyBag{{Tag: mapi.PidTagDisplayName, Value: "Office"}, {Tag: mapi.PidTagAddressType, Value: "FAX"}, {Tag: mapi.PidTagEmailAddress, Value: "Office@+49 30 1"}}
	tests := []struct {
		name string
		bag  mapi.PropertyBag
		want string
	}{
		{"EX with SMTP property", exchangeUser(recipientGroup, "Anna", dn, "anna@example.test"), "Anna <anna@example.test>"},
		{"EX without one", exchangeUser(recipientGroup, "Anna", dn, ""), "Anna <IMCEAEX-_o=Org_ou=AG+20+28x+29_cn=Recipients_cn=anna@invalid>"},
		{"one-off entry id", oneOffOnly, "Pat <pat@example.test>"},
		{"8-bit one-off entry id", oneOff8, "=?utf-8?q?J=C3=BCrgen?= <j@example.test>"},
		{"address book entry id", bookOnly, "IMCEAEX-_o=Org_ou=AG+20+28x+29_cn=Recipients_cn=anna@invalid"},
		{"private list", list, `"Team, the":;`},
		{"fax", fax, `Office <IMCEAFAX-Office+40+2B49+2030+201@invalid>`},
		{"name that is an address", mapi.PropertyBag{{Tag: mapi.PidTagDisplayName, Value: "x@example.test"}}, "<x@example.test>"},
		{"no name", mapi.PropertyBag{{Tag: mapi.PidTagAddressType, Value: "SMTP"}, {Tag: mapi.PidTagEmailAddress, Value: "x@example.test"}}, "x@example.test"},
		{"nothing", mapi.PropertyBag{{Tag: mapi.PidTagRowid, Value: int32(1)}}, ""},
	}
	for _, tt := range tests {
		m := &mapi.Message{Recipients: []mapi.Recipient{{Type: mapi.RecipientTo, Properties: tt.bag}}}
		var b bytes.Buffer
		if err := (Renderer{}).RenderHeader(&b, m); err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(b.String(), "\n ", " "), "To:"))
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestForeignAddressComesBack: an address that had to be encapsulated is what it was
// once the file is read, and one that another system encapsulated stays as it is.
func TestForeignAddressComesBack(t *testing.T) {
	const dn = "/o=Org/ou=Exchange Administrative Group/cn=Recipients/cn=anna_b+c"
	m := &mapi.Message{Recipients: []mapi.Recipient{{Type: mapi.RecipientTo, Properties: exchangeUser(recipientGroup, "Anna", dn, "")}}}
	m.Properties = append(exchangeUser(representingGroup, "Anna", dn, ""), exchangeUser(senderGroup, "", dn, "")...)
	if err := setReplyTo(&m.Properties, []Address{{"R", imcea("EX", dn, "invalid")}}, "invalid"); err != nil {
		t.Fatal(err)
	}
	m.Properties.Set(mapi.PidTagSubject, "s")
	back := parse(t, string(mustRender(t, m)))
	for _, g := range []addressGroup{representingGroup, senderGroup} {
		if got := back.Properties.String(g.email); got != dn || back.Properties.String(g.typ) != "EX" || back.Properties.Has(g.smtp) {
			t.Errorf("%v: %q, %q", g.email, got, back.Properties.String(g.typ))
		}
	}
	r := back.Recipients[0].Properties
	if id, err := mapi.ParseEntryID(r.Bytes(mapi.PidTagRecipientEntryId)); err != nil || r.String(mapi.PidTagAddressType) != "EX" {
		t.Errorf("recipient %v, %v", r, err)
	} else if book, ok := id.(*mapi.AddressBookEntryID); !ok || book.X500DN != dn {
		t.Errorf("recipient entry id %#v", id)
	}
	if diff := cmp.Diff([]Address{{"R", imcea("EX", dn, "invalid")}}, replyTo(propsOf(back.Properties, ""), "invalid")); diff != "" {
		t.Error(diff)
	}
	other := parse(t, "To: <IMCEAEX-_o=Org_cn=x@other.example.test>\nSubject: s\n\n")
	if got := other.Recipients[0].Properties.String(mapi.PidTagAddressType); got != "SMTP" {
		t.Errorf("somebody else's encapsulation became %q", got)
	}
}

func TestResolve(t *testing.T) {
	const anna, bob = "/o=Org/cn=anna", "/o=Org/cn=bob"
	m := &mapi.Message{Properties: exchangeUser(senderGroup, "Anna", anna, "")}
	m.Recipients = []mapi.Recipient{
		{Type: mapi.RecipientTo, Properties: exchangeUser(recipientGroup, "Anna", strings.ToUpper(anna), "")},
		{Type: mapi.RecipientTo, Properties: exchangeUser(recipientGroup, "Bob", bob, "")},
		{Type: mapi.RecipientTo, Properties: exchangeUser(recipientGroup, "Known", "/o=Org/cn=known", "known@example.test")},
	}
	if diff := cmp.Diff([]string{anna, bob}, Unresolved(m)); diff != "" {
		t.Fatal(diff)
	}
	if !Resolve(m, map[string]string{anna: "anna@example.test"}) {
		t.Error("nothing changed")
	}
	if diff := cmp.Diff([]string{bob}, Unresolved(m)); diff != "" {
		t.Error(diff)
	}
	if Resolve(m, map[string]string{anna: "x@example.test"}) {
		t.Error("a known address was replaced")
	}
	if out := string(mustRender(t, m)); strings.Count(out, "anna@example.test") != 2 {
		t.Error(out)
	}
}

func TestAttachmentMethods(t *testing.T) {
	attach := func(props ...mapi.Property) string {
		m := &mapi.Message{Attachments: []mapi.Attachment{{Properties: props}}}
		m.Properties.Set(mapi.PidTagBody, "b")
		return string(mustRender(t, m))
	}
	method := func(n int32) mapi.Property { return mapi.Property{Tag: mapi.PidTagAttachMethod, Value: n} }
	tests := []struct {
		name, out string
		want      []string
	}{
		{"web reference", attach(method(methodWeb), mapi.Property{Tag: mapi.PidTagAttachLongPathname, Value: "https://example.test/f"}, mapi.Property{Tag: mapi.PidTagAttachLongFilename, Value: "f.docx"}),
			[]string{"text/plain", "https://example.test/f\n", "filename=f.docx.txt"}},
		{"reference without a name", attach(method(4), mapi.Property{Tag: mapi.PidTagAttachPathname, Value: `\\server\share\f`}),
			[]string{`\\server\share\f`, "filename=link.txt"}},
		{"OLE object", attach(method(methodOLE), mapi.Property{Tag: mapi.PidTagAttachDataObject, Value: []byte("storage")}),
			[]string{"application/octet-stream", "filename=object.ole", "c3RvcmFnZQ=="}},
		{"OLE object with a picture only", attach(method(methodOLE), mapi.Property{Tag: mapi.PidTagAttachRendering, Value: []byte("wmf")}),
			[]string{"d21m"}},
		{"MacBinary", attach(method(methodByValue), mapi.Property{Tag: mapi.PidTagAttachEncoding, Value: macBinary}, mapi.Property{Tag: mapi.PidTagAttachDataBinary, Value: []byte("mac")}),
			[]string{"application/macbinary"}},
		{"no data", attach(method(methodByValue), mapi.Property{Tag: mapi.PidTagAttachLongFilename, Value: "empty.txt"}), []string{"filename=empty.txt"}},
		{"hostile name", attach(method(methodByValue), mapi.Property{Tag: mapi.PidTagAttachLongFilename, Value: "a\r\nX-Evil: 1\"; b=\"c"}), []string{`filename="a  X-Evil: 1\"; b=\"c"`}},
	}
	for _, tt := range tests {
		for _, w := range tt.want {
			if !strings.Contains(tt.out, w) {
				t.Errorf("%s: %q is missing in\n%s", tt.name, w, tt.out)
			}
		}
		checkLines(t, []byte(tt.out))
	}
}

func TestAbsurdDates(t *testing.T) {
	none := mapi.FileTime(0x0CB34557A3DD4000) // 4501-01-01
	for _, tt := range []struct {
		name string
		v    mapi.FileTime
		want string // of Date and Expires
	}{
		{"zero", 0, ""},
		{"largest", ^mapi.FileTime(0), ""},
		{"none", none, ""},
		{"before 1970", mapi.NewFileTime(time.Date(1901, 2, 3, 4, 5, 6, 0, time.UTC)), "Sun, 03 Feb 1901 04:05:06 +0000"},
		{"far", mapi.NewFileTime(time.Date(2999, 12, 31, 23, 59, 59, 9e8, time.UTC)), "Tue, 31 Dec 2999 23:59:59 +0000"},
	} {
		m := &mapi.Message{}
		m.Properties.Set(mapi.PidTagSubject, "s")
		m.Properties.Set(mapi.PidTagClientSubmitTime, tt.v)
		m.Properties.Set(mapi.PidTagExpiryTime, tt.v)
		out := string(mustRender(t, m))
		for _, field := range []string{"Date", "Expires"} {
			_, rest, found := strings.Cut(out, field+": ")
			got, _, _ := strings.Cut(rest, "\n")
			if found != (tt.want != "") || got != tt.want && found {
				t.Errorf("%s: %s is %q", tt.name, field, got)
			}
		}
	}
}
