package mime

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"mailfs/mapi"
)

// FuzzParse: no input makes Parse panic or hang; what it accepts is rendered, with the
// size that was promised, and what is rendered is accepted and rendered alike.
func FuzzParse(f *testing.F) {
	seen := map[string]bool{}
	for _, o := range originals(f) {
		if kind := o.kind(); !seen[kind] && len(o.data) < 20_000 {
			seen[kind] = true
			f.Add(o.data)
		}
	}
	for i, s := range corpus(f) {
		if len(s.data) < 3000 && i%7 == 0 {
			f.Add(s.data)
		}
	}
	f.Add([]byte("a:\nContent-Type: multipart/mixed; boundary=\"\"\n\n--\n\n----\n"))
	f.Add([]byte("a:\nContent-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n--b--"))
	f.Add([]byte("From: \"\\\nTo: (((((\nSubject: =?utf-8?q?=?= =?iso-2022-jp?b?GyRC?=\nDate: x\n\n"))
	f.Add([]byte("a:\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nYTpiCgo="))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(bytes.NewReader(data), Options{})
		var unsupported *UnsupportedError
		if err != nil && !errors.As(err, &unsupported) {
			if m != nil {
				t.Fatal("a message and an error")
			}
			return
		}
		if err := Valid(data); err != nil {
			t.Fatalf("parsed, but not valid: %v", err)
		}
		one := renderChecked(t, m)
		back, err := Parse(bytes.NewReader(one), Options{})
		if err != nil && !errors.As(err, &unsupported) {
			t.Fatalf("rendered message is refused: %v\n%q", err, one)
		}
		renderChecked(t, back)
		Summarize(m.Properties)
	})
}

func renderChecked(t *testing.T, m *mapi.Message) []byte {
	t.Helper()
	im, err := Renderer{}.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := im.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if im.Size() != int64(b.Len()) {
		t.Fatalf("size %d, written %d", im.Size(), b.Len())
	}
	mid := make([]byte, b.Len()/2)
	if _, err := im.ReadAt(mid, int64(b.Len()/4)); err != nil && err != io.EOF || !bytes.Equal(mid, b.Bytes()[b.Len()/4:b.Len()/4+len(mid)]) {
		t.Fatalf("ReadAt: %v", err)
	}
	return b.Bytes()
}

// FuzzRTF: compressed RTF from outside is refused or understood, never more.
func FuzzRTF(f *testing.F) {
	f.Add(storedRTF(`{\rtf1\ansi\fromhtml1{\fonttbl{\f0\fcharset204 A;}}{\*\htmltag <p>}\'cf\u8364?\htmlrtf x\htmlrtf0}`))
	f.Add([]byte("\x2d\x00\x00\x00\x2b\x00\x00\x00LZFu\xf1\xc5\xc7\xa7\x03\x00\x0a\x00rcpg125B2\x0a\xf3 hel\x09\x00 bw\x05\xb0ld}\x0a\x80\x0f\xa0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rtf, err := DecompressRTF(data)
		if err != nil {
			rtf = data
		}
		deencapsulate(rtf)
	})
}
