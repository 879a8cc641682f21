package mime

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailfs/mapi"
)

func TestDecodeWords(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                                   "plain",
		"=?utf-8?q?a_b=3D?=":                      "a b=",
		"=?UTF-8?B?w7w=?=":                        "ü",
		"=?utf-8?B?w7w?=":                         "ü",
		"x =?utf-8?q?a?= y":                       "x a y",
		"=?utf-8?q?a?= =?utf-8?q?b?=":             "ab",
		"=?utf-8?q?=C3?= =?utf-8?q?=BC?=":         "ü", // cut within a character
		"=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=": "üü",
		"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?= =?iso-2022-jp?b?GyRCOGwbKEI=?=": "日本語",
		"=?utf-8*en?q?lang?=":         "lang",
		"=?x-none?q?abc?=":            "abc",
		"=?utf-8?x?abc?=":             "=?utf-8?x?abc?=",
		"=?utf-8?q?unfinished":        "=?utf-8?q?unfinished",
		"=?=?utf-8?q?x?=":             "=?x",
		"a =?utf-8?q??= b":            "a  b",
		"=?utf-8?q?a?=x=?utf-8?q?b?=": "axb",
	} {
		if got := decodeWords(in); got != want {
			t.Errorf("decodeWords(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	tests := []struct {
		in   string
		want []Address
	}{
		{"", nil},
		{"a@b.c", []Address{{"", "a@b.c"}}},
		{"A <a@b.c>, B <b@b.c>", []Address{{"A", "a@b.c"}, {"B", "b@b.c"}}},
		{`"O'Brien, Pat" <p@b.c>`, []Address{{"O'Brien, Pat", "p@b.c"}}},
		{`"q\"x" <p@b.c>`, []Address{{`q"x`, "p@b.c"}}},
		{"a@b.c (Comment (nested))", []Address{{"Comment (nested)", "a@b.c"}}},
		{"Group: a@b.c, b@b.c; c@b.c", []Address{{"", "a@b.c"}, {"", "b@b.c"}, {"", "c@b.c"}}},
		{"undisclosed-recipients:;", nil},
		{"=?utf-8?q?a=2Cb?= <a@b.c>", []Address{{"a,b", "a@b.c"}}},
		{"=?utf-8?q?a,b?= <a@b.c>", []Address{{"a,b", "a@b.c"}}},
		{`"=?utf-8?q?quoted?=" <a@b.c>`, []Address{{"quoted", "a@b.c"}}},
		{"<@route.test:a@b.c>", []Address{{"", "a@b.c"}}},
		{`"a b"@c.d`, []Address{{"", `"a b"@c.d`}}},
		{"a@[192.0.2.1]", []Address{{"", "a@[192.0.2.1]"}}},
		{"A B", []Address{{"A B", ""}}},
		{"Dot. Name <a@b.c>", []Address{{"Dot. Name", "a@b.c"}}},
		{"<>", nil},
		{"A <a@b.c", []Address{{"A", "a@b.c"}}},
		{",;,", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, parseAddresses(tt.in)); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

// TestAddressRoundTrip: what is written is read back.
func TestAddressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.OneOf(rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{1,8})?`), rapid.StringMatching(`[a-z ,"\\<>()]{1,8}x`)).Draw(t, "local")
		a := Address{Addr: addrSpec(local + "@" + rapid.StringMatching(`[a-z]{1,9}\.test`).Draw(t, "domain"))}
		a.Name = squeeze(oneLine(validUTF8(rapid.String().Draw(t, "name"))))
		list := []Address{a, {"Second", "b@c.test"}}
		v := addressField("To", list)
		f := splitFields([]byte(v))
		if len(f) != 1 {
			t.Fatalf("%q is not one field", v)
		}
		got := parseAddresses(f[0].value())
		if diff := cmp.Diff(list, got); diff != "" {
			t.Fatalf("%q: %s", v, diff)
		}
	})
}

// TestTextRoundTrip: free text and parameters are read back as they were written.
func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oneLine(validUTF8(rapid.OneOf(rapid.String(), rapid.StringN(0, 2000, -1), rapid.StringMatching(`[ -~]{0,300}`)).Draw(t, "text")))
		v := unstructured("Subject", s)
		checkLines(t, []byte(v+"\n\n"))
		if f := splitFields([]byte(v)); len(f) != 1 || decodeWords(f[0].value()) != s {
			t.Fatalf("%q was written as %q", s, v)
		}
		v = fold("Content-Type", append([]string{"text/x"}, param("name", s)...))
		checkLines(t, []byte(v+"\n\n"))
		f := splitFields([]byte(v))
		if len(f) != 1 {
			t.Fatalf("%q is not one field", v)
		}
		if strings.Contains(s, "=?") {
			return // encoded words in parameters are read, too, though they should not be there
		}
		if _, params := parseValue(f[0].value()); params["name"] != s {
			t.Fatalf("%q was written as %q and read as %q", s, v, params["name"])
		}
	})
}

func TestParseValue(t *testing.T) {
	tests := []struct {
		in, value string
		params    map[string]string
	}{
		{"text/plain", "text/plain", map[string]string{}},
		{"TEXT/HTML; Charset=UTF-8 (comment)", "text/html", map[string]string{"charset": "UTF-8"}},
		{`a/b; name="x;y\"z"; other=1`, "a/b", map[string]string{"name": `x;y"z`, "other": "1"}},
		{`a/b; name*1*=%C3%BC; name*0*=utf-8''x%20`, "a/b", map[string]string{"name": "x ü"}},
		{`a/b; name*=iso-8859-1'de'%FC`, "a/b", map[string]string{"name": "ü"}},
		{`a/b; name="=?utf-8?b?w7w=?="`, "a/b", map[string]string{"name": "ü"}},
		{`a/b;;; broken; x=`, "a/b", map[string]string{"x": ""}},
		{`a/b; name="unfinished`, "a/b", map[string]string{"name": "unfinished"}},
		{"", "", map[string]string{}},
	}
	for _, tt := range tests {
		value, params := parseValue(tt.in)
		if value != tt.value {
			t.Errorf("%q: value %q, want %q", tt.in, value, tt.value)
		}
		if diff := cmp.Diff(tt.params, params); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

func TestParseDate(t *testing.T) {
	for in, want := range map[string]int64{
		"Fri, 20 Nov 2026 09:15:00 +0100":           1795162500,
		"Fri, 20 Nov 2026 09:15:00 +0100 (CET) (x)": 1795162500,
		"20 Nov 2026 08:15:00 GMT":                  1795162500,
		"2026-11-20T08:15:00Z":                      1795162500,
		"Fri, 20 Nov 26 08:15:00 GMT":               1795162500,
		"Fri Nov 20 08:15:00 2026":                  1795162500,
		"yesterday":                                 0,
		"":                                          0,
		"Mon, 1 Jan 1600 00:00:00 +0000":            0,
	} {
		got, ok := parseDate(in)
		if ok != (want != 0) || ok && got.Unix() != want {
			t.Errorf("parseDate(%q) = %v, %v", in, got, ok)
		}
	}
}

// TestTransferReaders compares with other decoders, for every way in which input can
// arrive in pieces.
func TestTransferReaders(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		data := make([]byte, rnd.IntN(5000))
		for i := range data {
			data[i] = byte(rnd.IntN(256))
			if rnd.IntN(3) > 0 {
				data[i] = " =\t\nab"[rnd.IntN(6)]
			}
			if data[i] == '\r' {
				data[i] = 'r' // the other encoder takes it for a line end
			}
		}
		var q bytes.Buffer
		w := quotedprintable.NewWriter(&q)
		w.Binary = rnd.IntN(2) == 0
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b64 := base64.StdEncoding.EncodeToString(data)
		if len(b64) > 10 {
			b64 = b64[:5] + "\r\n " + b64[5:]
		}
		for _, enc := range []struct{ cte, in string }{{"base64", b64}, {"Quoted-Printable", q.String()}} {
			for _, wrap := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
				r, _ := transferReader(enc.cte, wrap(strings.NewReader(enc.in)))
				got, err := io.ReadAll(r)
				want := data
				if enc.cte != "base64" && !w.Binary {
					want, got = lf(data), lf(got)
				}
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s: %v\n%s", enc.cte, err, firstDifference(got, want))
				}
			}
		}
	}
	for in, want := range map[string]string{"a=ZZb": "a=ZZb", "a=": "a", "a= \t\nb": "ab", "x  \ny": "x\ny", "=3": "=3", "=\r\nz": "z", "a==41": "a=A"} {
		r, _ := transferReader("quoted-printable", strings.NewReader(in))
		if got, _ := io.ReadAll(r); string(got) != want {
			t.Errorf("%q decodes to %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"YQ==YQ==": "aa", "YQ": "a", "Y": "", "*Y-Q=": "a", "====": ""} {
		r, _ := transferReader("base64", strings.NewReader(in))
		if got, _ := io.ReadAll(r); string(got) != want {
			t.Errorf("%q decodes to %q, want %q", in, got, want)
		}
	}
}

// TestQuotedPrintable: what the writer makes, another reader understands.
func TestQuotedPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`([ -~\t]{0,100}\n?){0,5}`)).Draw(t, "text")
		enc := quotedPrintable([]byte(s))
		for l := range bytes.SplitSeq(enc, []byte("\n")) {
			if len(l) > 76 {
				t.Fatalf("line of %d: %q", len(l), l)
			}
		}
		got, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(enc)))
		if err != nil || string(got) != s {
			t.Fatalf("%q was encoded as %q and read as %q (%v)", s, enc, got, err)
		}
	})
}

func TestCompressedRTF(t *testing.T) {
	var file struct {
		Vectors []struct {
			ID, Hex string
			Decoded struct {
				RTF      string
				MustFail bool `json:"must_fail"`
			}
		}
	}
	raw, err := os.ReadFile("testdata/compressed_rtf.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range file.Vectors {
		p, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		if v.Decoded.RTF == "" && !v.Decoded.MustFail {
			continue
		}
		n++
		got, err := DecompressRTF(p)
		if v.Decoded.MustFail {
			if !errors.Is(err, errRTF) {
				t.Errorf("%s: error %v", v.ID, err)
			}
			continue
		}
		if err != nil || string(got) != v.Decoded.RTF {
			t.Errorf("%s: %q, %v", v.ID, got, err)
		}
		for i := range p {
			if _, err := DecompressRTF(p[:i]); err == nil {
				t.Errorf("%s: cut at %d is accepted", v.ID, i)
			}
		}
	}
	if n < 6 {
		t.Errorf("only %d vectors", n)
	}
}

func TestDeencapsulate(t *testing.T) {
	tests := []struct {
		name, rtf, want string
		kind            rtfKind
	}{
		{"html", `{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset204 Arial;}{\f1\fcharset0 X;}}{\*\htmltag64 <html>}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 \f0 \'cf\'f0 \f1\'fc \u8364? {\*\mhtmltag ignored}a\{b\}\~\lquote{\*\htmltag84 &nbsp;}\htmlrtf }\htmlrtf0{\*\htmltag72 </p>}\par}`,
			"<html><p>Пр ü € a{b}&nbsp;&lsquo;&nbsp;</p>\r\n", rtfHTML},
		{"text", `{\rtf1\ansi\fromtext{\fonttbl{\f0 A;}}{\colortbl;\red0;}\f0 line 1\par line\tab 2\line \u-10179?\u-8704?}`, "line 1\r\nline\t2\r\n\U0001F600", rtfText},
		{"original", `{\rtf1\ansi{\fonttbl\f0 A;}{\info{\title T}}{\*\generator G;}Hello {\b bold}{\pict 0102}\par}`, "Hello bold\r\n", rtfPlain},
		{"broken", `{\rtf1\fromhtml1{\*\htmltag <a}}}} \'x \u`, "<a", rtfHTML},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, kind := deencapsulate([]byte(tt.rtf))
			if got != tt.want || kind != tt.kind {
				t.Errorf("got  %q, %d\nwant %q, %d", got, kind, tt.want, tt.kind)
			}
		})
	}
}

// storedRTF wraps RTF in the uncompressed form.
func storedRTF(rtf string) []byte {
	out := []byte{byte(len(rtf) + 12), byte((len(rtf) + 12) >> 8), 0, 0, byte(len(rtf)), byte(len(rtf) >> 8), 0, 0, 'M', 'E', 'L', 'A', 0, 0, 0, 0}
	return append(out, rtf...)
}

func TestRTFBodies(t *testing.T) {
	inHTML, inText, own := storedRTF(`{\rtf1\fromhtml1 {\*\htmltag <p>}x}`), storedRTF(`{\rtf1\fromtext just text}`), storedRTF(`{\rtf1 just \b text}`)
	tests := []struct {
		name        string
		rtf         []byte
		native      int32
		plain, html string // of the other properties
		want        []string
		not         []string
	}{
		{"HTML in RTF", inHTML, nativeRTF, "", "", []string{"Content-Type: text/html", "\n\n<p>x\n"}, []string{"application/rtf"}},
		{"HTML in RTF alone", inHTML, nativeHTML, "", "", []string{"<p>x"}, nil},
		{"HTML in RTF beside text", inHTML, nativeHTML, "x", "", []string{"<p>x", "multipart/alternative"}, nil},
		{"RTF is not asked", inHTML, 0, "x", "<b>y", []string{"<b>y"}, []string{"<p>"}},
		{"text in RTF", inText, 0, "", "", []string{"\n\njust text\n"}, []string{"application/rtf"}},
		{"RTF", own, nativeRTF, "", "", []string{"just text", "application/rtf"}, nil},
		{"RTF with HTML made of it", own, nativeRTF, "just text", "<b>just text", []string{"<b>just text"}, []string{"application/rtf"}},
		{"unreadable", []byte("garbage"), nativeRTF, "text", "", []string{"application/rtf", "\n\ntext"}, nil},
	}
	for _, tt := range tests {
		m := &mapi.Message{}
		m.Properties.Set(mapi.PidTagRtfCompressed, tt.rtf)
		if tt.native != 0 {
			m.Properties.Set(mapi.PidTagNativeBody, tt.native)
		}
		if tt.plain != "" {
			m.Properties.Set(mapi.PidTagBody, tt.plain)
		}
		if tt.html != "" {
			m.Properties.Set(mapi.PidTagHtml, []byte(tt.html))
		}
		out := string(mustRender(t, m))
		for _, w := range tt.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is missing in\n%s", tt.name, w, out)
			}
		}
		for _, w := range tt.not {
			if strings.Contains(out, w) {
				t.Errorf("%s: %q is in\n%s", tt.name, w, out)
			}
		}
	}
}

func TestCodepages(t *testing.T) {
	for _, c := range codepages {
		name := charsetOf(c.cp)
		if name == "" || codepageOf(name) == 0 {
			t.Errorf("code page %d is called %q", c.cp, name)
		}
		if s, ok := decode(name, []byte("abc")); s != "abc" || !ok {
			t.Errorf("%s: %q, %v", name, s, ok)
		}
	}
	if s, ok := decode("utf-8", []byte("\xFC")); s != "ü" || ok {
		t.Errorf("invalid UTF-8: %q, %v", s, ok)
	}
}

// TestString8 decodes 8-bit strings by the code page of the message, or of their type.
func TestString8(t *testing.T) {
	m := &mapi.Message{}
	m.Properties.Set(mapi.PidTagMessageCodepage, int32(1251))
	m.Properties.Set(mapi.PidTagSubject.WithType(mapi.TypeString8), mapi.String8("\xCF\xF0"))
	m.Properties.Set(mapi.PidTagBody.WithType(0x8000|1253), mapi.String8("\xE1"))
	out := string(mustRender(t, m))
	if got := look(t, []byte(out)); got.subject != "Пр" || joinTexts(got.plain) != "α" {
		t.Errorf("got %+v\n%s", got, out)
	}
}
