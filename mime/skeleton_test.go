package mime

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailfs/mapi"
)

// parts counts the parts of a message and the bytes of their headers, as the limit on
// skeletons does.
func partsOf(data []byte) (parts, header int) {
	inHeader := true
	for l := range bytes.SplitAfterSeq(data, []byte("\n")) {
		t := bytes.TrimRight(l, "\r\n")
		switch {
		case inHeader && len(t) == 0:
			inHeader = false
		case inHeader:
			header += len(l)
		case bytes.HasPrefix(t, []byte("--")) && len(t) > 2:
			parts++
			inHeader = true
		case bytes.HasPrefix(bytes.ToLower(t), []byte("content-")):
			header += len(l)
		}
	}
	return parts + 1, header
}

// TestSkeletons: the very bytes of every message of the corpus and of every original come
// back from the message object, and what that takes is within limits.
func TestSkeletons(t *testing.T) {
	files := map[string][]byte{}
	for _, s := range corpus(t) {
		files[s.file] = s.data
		files[s.file+" with CRLF"] = withCRLF(lf(s.data))
	}
	for _, o := range originals(t) {
		files[o.name] = o.data
	}
	var share []float64
	var sizes []int
	for name, data := range files {
		m, err := Parse(bytes.NewReader(data), Options{})
		var partly *UnsupportedError
		if err != nil && !errors.As(err, &partly) {
			t.Fatal(err)
		}
		skeleton, err := MakeSkeleton(m, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// A second replica has its own copy of the properties.
		im, err := OpenSkeleton(unicodeMessage(m), skeleton)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b bytes.Buffer
		if _, err := im.WriteTo(&b); err != nil || !bytes.Equal(b.Bytes(), data) {
			t.Errorf("%s: %v: %s", name, err, firstDifference(b.Bytes(), data))
		}
		parts, header := partsOf(data)
		limit := header + 64*parts + len(data)/50
		if strings.Contains(name, "winmail") {
			t.Logf("%s: %d bytes of %d", name, len(skeleton), limit)
		}
		if len(skeleton) > limit {
			t.Errorf("%s: %d bytes for a message of %d, limit %d", name, len(skeleton), len(data), limit)
		}
		share = append(share, float64(len(skeleton))/float64(limit))
		sizes = append(sizes, len(skeleton))
	}
	slices.Sort(share)
	slices.Sort(sizes)
	t.Logf("%d skeletons: median %d bytes, largest %d", len(sizes), sizes[len(sizes)/2], sizes[len(sizes)-1])
	t.Logf("%d skeletons: median %.0f %% of the limit, 95 in 100 below %.0f %%, largest %.0f %%", len(share), 100*share[len(share)/2], 100*share[len(share)*95/100], 100*share[len(share)-1])
}

// TestStaleSkeleton: an edit elsewhere of anything that a file shows ends a skeleton.
func TestStaleSkeleton(t *testing.T) {
	in := []byte("From: a@example.test\nTo: b@example.test\nSubject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext of the message\n--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQ=\n--b--\n")
	fresh := func() *mapi.Message { return parse(t, string(in)) }
	skeleton, err := MakeSkeleton(fresh(), bytes.NewReader(in), int64(len(in)))
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(m *mapi.Message){
		"subject":    func(m *mapi.Message) { m.Properties.Set(mapi.PidTagSubject, "t") },
		"body":       func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "other") },
		"recipient":  func(m *mapi.Message) { m.Recipients[0].Properties.Set(mapi.PidTagSmtpAddress, "c@example.test") },
		"recipients": func(m *mapi.Message) { m.Recipients = nil },
		"data":       func(m *mapi.Message) { m.Attachments[0].Properties.Set(mapi.PidTagAttachDataBinary, []byte("x")) },
		"attachment": func(m *mapi.Message) { m.Attachments = nil },
		"importance": func(m *mapi.Message) { m.Properties.Set(mapi.PidTagImportance, int32(2)) },
		"name":       func(m *mapi.Message) { m.Attachments[0].Properties.Set(mapi.PidTagAttachLongFilename, "b.pdf") },
	} {
		m := fresh()
		edit(m)
		if _, err := OpenSkeleton(m, skeleton); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := fresh()
	m.Properties.Set(mapi.PidTagMessageFlags, int32(1))
	m.Properties.Set(mapi.PidTagLastModificationTime, mapi.FileTime(5))
	m.Properties.Set(mapi.PidTagFlagStatus, int32(2))
	if _, err := OpenSkeleton(m, skeleton); err != nil {
		t.Errorf("a flag made it stale: %v", err)
	}
	for i := range skeleton {
		if _, err := OpenSkeleton(m, skeleton[:i]); err == nil {
			t.Errorf("cut at %d, it is accepted", i)
		}
	}
}

// TestBodiesThatServersMake: a server gives each message every form of its body. Those that it made itself are not what
// the file says, and need not be the same the next time.
func TestBodiesThatServersMake(t *testing.T) {
	const made = "<html><head><meta name=\"Generator\" content=\"a server\"></head><body>made up</body></html>"
	text := strings.Repeat("Some words that fill the line, and the next. ", 5) + "\n"
	part := func(kind, body string) string { return "Content-Type: text/" + kind + "; charset=utf-8\n\n" + body }
	both := "Content-Type: multipart/alternative; boundary=b\n\n--b\n" + part("plain", text) + "\n--b\n" + part("html", "<p>"+text+"</p>") + "\n--b--\n"
	inner := "Content-Type: multipart/mixed; boundary=m\n\n--m\n" + part("plain", text) + "\n--m\nContent-Type: message/rfc822\n\nSubject: in\n" +
		part("html", "<p>"+text+"</p>") + "\n--m--\n"
	long := []byte(strings.Repeat(made, maxStreamText/len(made)+1)) // is two sources where it counts
	for name, c := range map[string]struct {
		file   string
		change func(m *mapi.Message)
		stale  bool
	}{
		"html for text":      {part("plain", text), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagHtml, []byte(made)) }, false},
		"much html for text": {part("plain", text), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagHtml, long) }, false},
		"text for html":      {part("html", "<p>"+text+"</p>"), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "made up") }, false},
		"another code page": {strings.Replace(part("plain", ""), "utf-8", "windows-1251", 1) + strings.Repeat("\xcf\xf0\xe8\xe2\xe5\xf2 ", 20) + "\n", func(m *mapi.Message) {
			m.Properties.Set(mapi.PidTagHtml, []byte(made))
			m.Properties.Set(mapi.PidTagInternetCodepage, int32(cpUTF8))
		}, false},
		"Message-ID": {inner, func(m *mapi.Message) {
			m.Properties.Set(mapi.PidTagInternetMessageId, "<made@example.test>")
			m.Attachments[0].Embedded.Properties.Set(mapi.PidTagInternetMessageId, "<made.too@example.test>")
		}, false},
		"RTF for text":       {part("plain", text), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagRtfCompressed, []byte("rtf")) }, false},
		"text of a message":  {inner, func(m *mapi.Message) { m.Attachments[0].Embedded.Properties.Set(mapi.PidTagBody, "made up") }, false},
		"text edited":        {part("plain", text), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited") }, true},
		"html edited":        {part("html", text), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagHtml, []byte("edited")) }, true},
		"text became html":   {part("plain", text), func(m *mapi.Message) { m.Properties.Set(mapi.PidTagNativeBody, int32(nativeHTML)) }, true},
		"one of two edited":  {both, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "edited") }, true},
		"the other edited":   {both, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagHtml, []byte("edited")) }, true},
		"html inside edited": {inner, func(m *mapi.Message) { m.Attachments[0].Embedded.Properties.Set(mapi.PidTagHtml, []byte("edited")) }, true},
		"inside became text": {inner, func(m *mapi.Message) {
			m.Attachments[0].Embedded.Properties.Set(mapi.PidTagNativeBody, int32(nativePlain))
		}, true},
		"message inside is out": {inner, func(m *mapi.Message) { m.Attachments = nil }, true},
	} {
		file := "Subject: s\nMIME-Version: 1.0\n" + c.file
		m := parse(t, file)
		skeleton, err := MakeSkeleton(m, strings.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.change(m)
		im, err := OpenSkeleton(m, skeleton)
		if c.stale {
			if !errors.Is(err, ErrStale) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if same, err := sameBytes(im, strings.NewReader(file), int64(len(file))); !same || err != nil {
			t.Errorf("%s: other bytes, %v", name, err)
		}
	}
}

// TestSkeletonOfData: an attachment of many megabytes takes a few bytes, and none of
// them is held in memory.
func TestSkeletonOfData(t *testing.T) {
	m := noteWith("see attachment", zeros(24<<20))
	im, err := Renderer{}.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	skeleton, err := MakeSkeleton(m, im, im.Size())
	if err != nil || len(skeleton) > 400 {
		t.Errorf("%d bytes, %v", len(skeleton), err)
	}
}

// TestLongTextSkeleton: of a text that is too long to be looked for in all encodings the
// one that mail has as a rule is found.
func TestLongTextSkeleton(t *testing.T) {
	for _, end := range []string{"\n", "\r\n"} {
		var in strings.Builder
		in.WriteString("Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n")
		for i := range 60_000 {
			fmt.Fprintf(&in, "line %d of a long täxt, which is not looked for piece by piece\n", i)
		}
		data := []byte(strings.ReplaceAll(in.String(), "\n", end))
		m := parse(t, string(data))
		skeleton, err := MakeSkeleton(m, bytes.NewReader(data), int64(len(data)))
		if err != nil || len(skeleton) > 300 {
			t.Errorf("%q: %d bytes, %v", end, len(skeleton), err)
		}
	}
}

// TestLargeSkeleton: a large attachment is not in the skeleton, whatever the length of
// its lines.
func TestLargeSkeleton(t *testing.T) {
	data := []byte(strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 30_000))
	for _, line := range []int64{76, 72, 60, 64} {
		for _, end := range []string{"\n", "\r\n"} {
			var in bytes.Buffer
			in.WriteString(strings.ReplaceAll("Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nt\n--b\nContent-Type: application/zip; name=z.zip\nContent-Transfer-Encoding: base64\n\n", "\n", end))
			b := base64Lines{bytes.NewReader(data), line, end}
			enc := make([]byte, b.Size())
			if n, err := b.ReadAt(enc, 0); n != len(enc) {
				t.Fatal(n, err)
			}
			in.Write(enc)
			in.WriteString(end + "--b--" + end)
			m := parse(t, in.String())
			skeleton, err := MakeSkeleton(m, bytes.NewReader(in.Bytes()), int64(in.Len()))
			if err != nil || len(skeleton) > 300 {
				t.Errorf("lines of %d: %d bytes, %v", line, len(skeleton), err)
			}
		}
	}
}

// FuzzSkeleton: every file that is parsed comes back byte for byte, and no skeleton makes
// OpenSkeleton panic.
func FuzzSkeleton(f *testing.F) {
	for i, s := range corpus(f) {
		if len(s.data) < 2000 && i%11 == 0 {
			f.Add(s.data, []byte{0, 1, 2})
		}
	}
	f.Add(alone(f), []byte{21, 3, 22})
	f.Add(streamFile(streamOf(bagOf(mapi.PidTagBody, streamText), []byte("data of a file that is attached")), 76, "\n"), []byte{1, 9, 1, 2, 5, 2, 1, 4, 9, 0, 0})
	f.Add([]byte("Subject: s\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"+strings.Repeat("gr=FC=DFe und so weiter ", 9)+"=\nx\n"), []byte{1, 1, 0, 0, 200, 1})
	f.Fuzz(func(t *testing.T, data, pieces []byte) {
		m, _ := Parse(bytes.NewReader(data), Options{})
		if m == nil {
			return
		}
		skeleton, err := MakeSkeleton(m, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%v\n%q", err, data)
		}
		src, err := sourcesOf(m, bodiesOf(m))
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range []byte{skeletonVersion2, skeletonVersion} {
			seq, _, err := decodePieces(version, pieces, src)
			if err != nil {
				continue
			}
			im := newImage(seq)
			p := make([]byte, min(im.Size(), 1<<16))
			if _, err := im.ReadAt(p, 0); err != nil {
				t.Fatal(err)
			}
		}
		for i, b := range pieces { // a byte of the skeleton is another one
			broken := bytes.Clone(skeleton)
			broken[(int(b)+i<<8)%len(broken)] ^= 0x55
			if _, err := OpenSkeleton(m, broken); err != nil && !errors.Is(err, errSkeleton) && !errors.Is(err, ErrStale) {
				t.Fatal(err)
			}
			if i > 3 {
				break
			}
		}
	})
}
