package mime

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// stream writes what a mail program would put into a winmail.dat ([MS-OXTNEF] 2.1.3).
type stream struct{ wire.Builder }

func (w *stream) attribute(level uint8, id uint32, p []byte) {
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

// streamProps writes properties with their count before.
func streamProps(bag mapi.PropertyBag) []byte {
	var b wire.Builder
	b.Uint32(uint32(len(bag)))
	for i, p := range bag {
		id := p.Tag.ID()
		if !p.Name.IsZero() {
			id = 0x8000 + uint16(i)
		}
		b.Uint16(uint16(p.Tag.Type()))
		b.Uint16(id)
		if !p.Name.IsZero() {
			b.GUID(p.Name.Set)
			b.Uint32(0)
			b.Uint32(p.Name.LID)
		}
		var raw []byte
		switch v := p.Value.(type) {
		case int32:
			b.Uint32(uint32(v))
			continue
		case bool:
			b.Bool(v)
			b.Raw([]byte{0, 0, 0})
			continue
		case mapi.FileTime:
			b.Uint64(uint64(v))
			continue
		case string:
			raw = append(wire.AppendUTF16(nil, v), 0, 0)
		case []byte:
			raw = v
		}
		b.Uint32(1)
		b.Uint32(uint32(len(raw)))
		b.Raw(raw)
		b.Raw(make([]byte, -len(raw)&3))
	}
	return b.Bytes()
}

var streamDate = mapi.NewFileTime(time.Date(2026, 11, 20, 8, 15, 0, 0, time.UTC))

// streamOf returns the stream of a message with a body and attachments, each of which is its data or its properties.
func streamOf(body mapi.PropertyBag, attachments ...any) []byte {
	var w stream
	w.Uint32(0x223E9F78)
	w.Uint16(0x1234)
	w.attribute(1, 0x00089006, []byte{0, 0, 1, 0})
	w.attribute(1, 0x00069007, []byte{0xE4, 4, 0, 0, 0, 0, 0, 0})
	w.attribute(1, 0x00078008, []byte("IPM.Microsoft Mail.Note\x00"))
	w.attribute(1, 0x00018004, []byte("the plan for tomorrow\x00"))
	w.attribute(1, 0x00038005, []byte{0xEA, 7, 11, 0, 20, 0, 8, 0, 15, 0, 0, 0, 5, 0})
	w.attribute(1, 0x0004800D, []byte{2, 0})
	w.attribute(1, 0x00018009, []byte("8436B4331EE09644BA8AC9DB37405C03\x00"))
	var p mapi.PropertyBag
	p.Set(mapi.PidTagInternetMessageId, "<plan.8436B4331EE0@mail.example.test>")
	p.Set(mapi.PidTagConversationTopic, "the plan for tomorrow")
	p.Set(mapi.PidTagConversationIndex, []byte("\x01\x01\xd2\x97\x3a\xf5\x06\x5c\x9d\x11\x56\xd0\x0e\x49\x82\x55\x69\x0d\xd1\xd4\x6b\xeb"))
	p.Set(mapi.PidTagSenderName, "Anna Berg")
	p.Set(mapi.PidTagSenderEmailAddress, "anna@example.test")
	p.Set(mapi.PidTagSentRepresentingName, "Anna Berg")
	p.Set(mapi.PidTagSentRepresentingEmailAddress, "anna@example.test")
	p.Set(mapi.PidTagCreationTime, streamDate)
	p.Set(mapi.PidTagLastModificationTime, streamDate+12_345_678)
	p.Set(mapi.PidTagMessageLocaleId, int32(1031))
	p.Set(mapi.PidTagReadReceiptRequested, false)
	p.SetNamed(mapi.PidLidSideEffects, mapi.TypeInteger32, int32(0))
	p.SetNamed(mapi.PidLidPrivate, mapi.TypeBoolean, false)
	w.attribute(1, 0x00069003, streamProps(append(p, body...)))
	for _, a := range attachments {
		w.attribute(2, 0x00069002, []byte{1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 32, 0, 32, 0, 0, 0, 0, 0})
		bag, ok := a.(mapi.PropertyBag)
		if !ok {
			w.attribute(2, 0x00018010, []byte("plan.bin\x00"))
			w.attribute(2, 0x0006800F, a.([]byte))
		}
		bag.Set(mapi.PidTagAttachLongFilename, "plan.bin")
		bag.Set(mapi.PidTagRenderingPosition, int32(-1))
		w.attribute(2, 0x00069005, streamProps(bag))
	}
	return w.Bytes()
}

const streamText = "Here is the plan for tomorrow:\r\nwe meet at nine, and leave at ten.\r\nNobody knows more.\r\n"

// streamFile returns a message with a winmail.dat whose lines have the given length and end.
func streamFile(data []byte, width int, end string) []byte {
	var b strings.Builder
	b.WriteString("From: Anna Berg <anna@example.test>\nTo: Bob <bob@example.test>\nDate: Fri, 20 Nov 2026 09:15:00 +0100\n" +
		"Message-ID: <plan.8436B4331EE0@mail.example.test>\nSubject: the plan for tomorrow\nX-MS-Has-Attach: yes\nX-MS-TNEF-Correlator: <plan.8436B4331EE0@mail.example.test>\n" +
		"MIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary=\"_000_plan8436B4331EE0mailexampletest_\"\n\n--_000_plan8436B4331EE0mailexampletest_\n" +
		"Content-Type: text/plain; charset=\"us-ascii\"\nContent-Transfer-Encoding: quoted-printable\n\n" + lfText(streamText) +
		"\n--_000_plan8436B4331EE0mailexampletest_\nContent-Disposition: attachment; filename=\"winmail.dat\"\n" +
		"Content-Transfer-Encoding: base64\nContent-Type: application/ms-tnef; name=\"winmail.dat\"\n\n")
	for text := base64.StdEncoding.EncodeToString(data); len(text) > 0; {
		n := min(width, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	b.WriteString("\n--_000_plan8436B4331EE0mailexampletest_--\n")
	return []byte(strings.ReplaceAll(b.String(), "\n", end))
}

func lfText(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// bagOf returns a bag of one property.
func bagOf(tag mapi.PropertyTag, v any) mapi.PropertyBag {
	return mapi.PropertyBag{{Tag: tag, Value: v}}
}

// streams are what a winmail.dat can be, by name.
func streams(t testing.TB) map[string][]byte {
	t.Helper()
	random := func(n int) []byte {
		p := make([]byte, n)
		if _, err := rand.NewChaCha8([32]byte{byte(n)}).Read(p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	object := func(id string, data []byte) mapi.PropertyBag {
		g := mapi.MustGUID(id)
		return bagOf(mapi.PidTagAttachDataObject, append(g[:], data...))
	}
	message := func(data []byte) mapi.PropertyBag { return object("00020307-0000-0000-C000-000000000046", data) }
	html := []byte("<html><body>" + strings.Repeat("<p>we meet at nine, and leave at ten.</p>\r\n", 50) + "</body></html>\r\n")
	rtf := CompressRTF([]byte("{\\rtf1\\ansi " + strings.Repeat("{\\b we meet at nine}, and leave at ten.\\par ", 50) + "}"))
	text := bagOf(mapi.PidTagBody, streamText)
	list := map[string][]byte{
		"small":                  streamOf(nil),
		"text":                   streamOf(text),
		"html":                   streamOf(bagOf(mapi.PidTagHtml, html)),
		"rtf":                    streamOf(bagOf(mapi.PidTagRtfCompressed, rtf), []byte("data of a file")),
		"files":                  streamOf(text, random(3000), random(5000), []byte(nil)),
		"the same file":          streamOf(text, random(3000), random(3000)),
		"metafile":               streamOf(text, append(bagOf(mapi.PidTagAttachDataBinary, random(3000)), bagOf(mapi.PidTagAttachRendering, random(2000))...)),
		"object":                 streamOf(text, object("0000000B-0000-0000-C000-000000000046", random(4000))),
		"message":                streamOf(text, message(streamOf(bagOf(mapi.PidTagHtml, html), random(3000)))),
		"message in it":          streamOf(text, message(streamOf(nil, message(streamOf(bagOf(mapi.PidTagRtfCompressed, rtf), random(3000)))))),
		"10 MB":                  streamOf(text, random(10<<20)),
		"1 MB, and in a message": streamOf(bagOf(mapi.PidTagHtml, html), random(1<<20), message(streamOf(nil, random(1<<20+1)))),
	}
	for _, name := range []string{"garbage-at-end", "long-filename", "multi-name-property", "multi-value-attribute", "triples"} {
		list[name] = gunzip(t, "../tnef/testdata/"+name+".tnef.gz")
	}
	return list
}

// TestStreamSkeletons: a winmail.dat comes back byte for byte at another replica, and what that takes is within the
// limit for all messages.
func TestStreamSkeletons(t *testing.T) {
	for name, data := range streams(t) {
		layouts := []struct {
			width int
			end   string
		}{{76, "\n"}, {76, "\r\n"}, {60, "\n"}, {72, "\r\n"}, {1000, "\n"}}
		if len(data) > 1<<20 {
			layouts = layouts[:1]
		}
		for _, l := range layouts {
			file := streamFile(data, l.width, l.end)
			m := parse(t, string(file))
			skeleton, err := MakeSkeleton(m, bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			parts, header := partsOf(file)
			limit := header + 64*parts + len(file)/50
			if t.Logf("%s in lines of %d: %d bytes of %d for a message of %d", name, l.width, len(skeleton), limit, len(file)); len(skeleton) > limit {
				t.Errorf("%s: %d bytes for a message of %d, limit %d", name, len(skeleton), len(file), limit)
			}
			im, err := OpenSkeleton(unicodeMessage(m), skeleton)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if same, err := sameBytes(im, bytes.NewReader(file), int64(len(file))); !same || err != nil {
				t.Errorf("%s: other bytes, %v", name, err)
			}
		}
	}
}

// TestBrokenStreams: a stream that can't be packed stands for itself, as all bytes can.
func TestBrokenStreams(t *testing.T) {
	data := streamOf(bagOf(mapi.PidTagBody, streamText), bytes.Repeat([]byte("data"), 500))
	wrong := bytes.Clone(data)
	wrong[len(wrong)-1] ^= 1
	encoded := string(streamFile(data, 76, "\n"))
	for name, file := range map[string]string{
		"checksum":          string(streamFile(wrong, 76, "\n")),
		"cut off":           string(streamFile(data[:len(data)-5], 76, "\n")),
		"behind it":         string(streamFile(append(bytes.Clone(data), "and more"...), 76, "\n")),
		"lines of all ways": strings.Replace(encoded, "\neJ8+IjQSAQaQ", "\neJ8+\nIjQSAQaQ", 1),
		"a line of others":  strings.Replace(encoded, "\nAAAA", "\n AAAA", 1),
		"no base64":         "Subject: s\n\n" + strings.Repeat("eJ8+I is how it begins, and it goes on\n", 300),
		"once and again":    "Subject: s\n\n" + strings.Repeat("eJ8+IjQSAQaQ\n", 3000),
		"a stream as text":  "Subject: s\n\n" + encoded[strings.Index(encoded, "eJ8+I"):],
		"at the end":        encoded[:strings.LastIndex(encoded, "\n\n--")],
		"two ends of lines": strings.Replace(string(streamFile(data, 76, "\r\n")), "\r\n\r\n--_000_plan8436B4331EE0mailexampletest_--", "\n\r\n--_000_plan8436B4331EE0mailexampletest_--", 1),
	} {
		m, err := Parse(strings.NewReader(file), Options{})
		var partly *UnsupportedError
		if err != nil && !errors.As(err, &partly) {
			t.Fatalf("%s: %v", name, err)
		}
		skeleton, err := MakeSkeleton(m, strings.NewReader(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %d bytes for %d", name, len(skeleton), len(file))
	}
}

// TestStaleStream: the bytes of a stream are not served with a value in it that has changed since.
func TestStaleStream(t *testing.T) {
	list := streams(t)
	for name, edit := range map[string]func(m *mapi.Message){
		"text": func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, strings.ToUpper(streamText)) },
		"rtf":  func(m *mapi.Message) { m.Properties.Set(mapi.PidTagRtfCompressed, []byte("other")) },
		"object": func(m *mapi.Message) {
			m.Attachments[0].Properties.Set(mapi.PidTagAttachDataObject, make([]byte, 4000))
		},
		"metafile": func(m *mapi.Message) { m.Attachments[0].Properties.Set(mapi.PidTagAttachRendering, make([]byte, 2000)) },
		"files": func(m *mapi.Message) {
			m.Attachments[0].Properties.Set(mapi.PidTagAttachDataBinary, make([]byte, 3000))
		},
		"message": func(m *mapi.Message) {
			m.Attachments[0].Embedded.Properties.Set(mapi.PidTagHtml, []byte("other"))
		},
	} {
		file := streamFile(list[name], 76, "\n")
		m := parse(t, string(file))
		skeleton, err := MakeSkeleton(m, bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		edit(m)
		if _, err := OpenSkeleton(m, skeleton); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStaleHeader: header fields that are not what they were do not make other bytes of the file.
func TestStaleHeader(t *testing.T) {
	const file = "Subject: s\nX-Long-Enough: some words that are a line by itself\n\ntext\n"
	m := parse(t, file)
	skeleton, err := MakeSkeleton(m, strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	m.Properties.Set(mapi.PidTagTransportMessageHeaders, "Subject: s\r\nX-Long-Enough: some words that are a line in its way\r\n\r\n")
	im, err := OpenSkeleton(m, skeleton)
	if !errors.Is(err, ErrStale) {
		t.Errorf("%v: %v", im, err)
	}
}

// TestTooMuch: a short skeleton does not take much time or memory.
func TestTooMuch(t *testing.T) {
	text := strings.Repeat("a text of a megabyte\n", maxStreamText/21)
	open := func(text string, raw []byte) error {
		m := parse(t, "Subject: s\n\n"+text)
		src, err := sourcesOf(m, bodiesOf(m))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = decodePieces(skeletonVersion, raw, src)
		return err
	}
	number := binary.AppendUvarint
	piece := number([]byte{pieceStream, 1, 0, 0}, uint64(len(text)))
	if err := open(text, append(number([]byte{0}, maxPieces), bytes.Repeat(piece, maxPieces)...)); !errors.Is(err, errSkeleton) {
		t.Errorf("a text again and again: %v", err)
	}
	// Streams of attributes that are references: key, code of the data of an attachment, reference, checksum, ends.
	stream := slices.Concat([]byte{0, 0}, bytes.Repeat([]byte{31, 1, 0, 0}, 20_000), []byte{0, 0})
	raw := []byte{10}
	for range 10 {
		raw = number(raw, uint64(len(stream)))
	}
	raw = append(raw, 0)
	if err := open("a few words\n", append(raw, bytes.Repeat(stream, 10)...)); !errors.Is(err, errSkeleton) {
		t.Errorf("streams of references: %v", err)
	}
	// Two streams of empty message classes: key, code, no bytes.
	stream = slices.Concat([]byte{0, 0}, bytes.Repeat([]byte{3, 2}, maxUnpacked/20), []byte{0, 0})
	raw = number(number([]byte{2}, uint64(len(stream))), uint64(len(stream)))
	raw = append(raw, 0)
	if err := open("", slices.Concat(raw, stream)); !errors.Is(err, errSkeleton) || !strings.Contains(err.Error(), "bytes of") {
		t.Errorf("one stream of two: %v", err)
	}
	if err := open("", slices.Concat(raw, stream, stream)); !errors.Is(err, errSkeleton) || !strings.Contains(err.Error(), "too much") {
		t.Errorf("two streams of many bytes: %v", err)
	}
	if err := open("", append([]byte{200, 1}, bytes.Repeat([]byte{4}, 200)...)); !errors.Is(err, errSkeleton) {
		t.Errorf("streams that are not there: %v", err)
	}
}

// TestEncodedText: base64 in lines is read at every offset as if it were decoded.
func TestEncodedText(t *testing.T) {
	data := make([]byte, 200)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for n := 190; n < len(data); n++ {
		file := streamFile(data[:n], 20, "\r\n")
		pos := bytes.Index(file, []byte(base64.StdEncoding.EncodeToString(data[:15])))
		w := &matcher{file: bytes.NewReader(file), size: int64(len(file))}
		text, size, err := w.encoded(int64(pos), file[pos:pos+22])
		if err != nil || text.Size() != int64(n) || !bytes.HasPrefix(file[pos+int(size):], []byte("\r\n\r\n--")) {
			t.Fatalf("%d: %d, %v, %q", n, text.Size(), err, file[pos+int(size):])
		}
		for off := range n {
			for _, k := range []int{1, 14, 15, 16, 31, n - off, n - off + 3} {
				p := make([]byte, k)
				got, err := text.ReadAt(p, int64(off))
				if want := min(k, n-off); got != want || (got < k) != (err == io.EOF) || !bytes.Equal(p[:got], data[off:off+want]) {
					t.Fatalf("%d at %d of %d: %d, %v", k, off, n, got, err)
				}
			}
		}
	}
	// A file that has become shorter is told, too.
	file := streamFile(data, 20, "\n")
	pos := bytes.Index(file, []byte(base64.StdEncoding.EncodeToString(data[:15])))
	for cut := range 3 * 21 {
		text := encodedText{file: bytes.NewReader(file[:pos+cut]), off: int64(pos), line: 20, end: 1, size: int64(len(data))}
		if n, err := text.ReadAt(make([]byte, len(data)), 0); err == nil || n > cut/21*15+15 {
			t.Errorf("%d bytes of a part, %v", n, err)
		}
	}
}
