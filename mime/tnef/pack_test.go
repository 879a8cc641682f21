package tnef

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// held is a place where values are besides a stream.
type held []mapi.Blob

func (h held) find(value mapi.Blob) (uint64, bool, error) {
	want, err := mapi.ValueBytes(value)
	if err != nil {
		return 0, false, err
	}
	for i, v := range h {
		if p, err := mapi.ValueBytes(v); err != nil {
			return 0, false, err
		} else if bytes.Equal(p, want) {
			return uint64(i), true, nil
		}
	}
	return 0, false, nil
}

func (h held) resolve(ref uint64) (mapi.Blob, error) {
	if ref >= uint64(len(h)) {
		return nil, fmt.Errorf("%w: value %d", ErrFormat, ref)
	}
	return h[ref], nil
}

// holding returns what a message that was made of a stream holds of it.
func holding(m *mapi.Message) (h held) {
	add := func(bag mapi.PropertyBag, tags ...mapi.PropertyTag) {
		for _, tag := range tags {
			if p, ok := bag.Get(tag).([]byte); ok {
				h = append(h, memory(p))
			}
		}
	}
	add(m.Properties, mapi.PidTagHtml, mapi.PidTagRtfCompressed)
	for _, a := range m.Attachments {
		add(a.Properties, mapi.PidTagAttachDataBinary, mapi.PidTagAttachDataObject, mapi.PidTagAttachRendering)
		if a.Embedded != nil {
			h = append(h, holding(a.Embedded)...)
		}
	}
	return h
}

func unpacked(packed []byte, h held) ([]byte, error) {
	chunks, err := Unpack(packed, h.resolve)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, ch := range chunks {
		b.Write(ch.Literal)
		if ch.Blob != nil {
			if _, err := io.Copy(&b, io.NewSectionReader(ch.Blob, 0, ch.Blob.Size())); err != nil {
				return nil, err
			}
		}
	}
	return b.Bytes(), nil
}

// packed packs a stream, and sees that it comes back.
func packed(t testing.TB, p []byte, h held) []byte {
	t.Helper()
	out, err := Pack(memory(p), h.find)
	if err != nil {
		t.Fatal(err)
	}
	back, err := unpacked(out, h)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back, p) {
		i := 0
		for i < min(len(back), len(p)) && back[i] == p[i] {
			i++
		}
		t.Fatalf("it comes back with %d bytes of %d, the first other one at %d", len(back), len(p), i)
	}
	return out
}

// TestPackSamples: what real programs wrote comes back, with and without references.
func TestPackSamples(t *testing.T) {
	list, err := filepath.Glob("testdata/*.tnef.gz")
	if err != nil || len(list) < 10 {
		t.Fatal(len(list), err)
	}
	for _, f := range list {
		name := strings.TrimSuffix(filepath.Base(f), ".tnef.gz")
		p := sample(t, name)
		m, err := Decode(memory(p), latin)
		if err != nil {
			t.Fatal(err)
		}
		short, long := packed(t, p, holding(m)), packed(t, p, nil)
		t.Logf("%s: %d of %d bytes, %d without references", name, len(short), len(p), len(long))
		if most := len(p) * 2 / 3; len(short) > most && name != "garbage-at-end" { // that is a list of 99 addresses
			t.Errorf("%s: %d of %d bytes", name, len(short), len(p))
		}
	}
}

// TestPackedForm: skeletons on servers have this form, so that it can't change. Another one needs another version of
// skeletons.
func TestPackedForm(t *testing.T) {
	for what, c := range map[string]struct {
		data []byte
		sum  string
	}{
		"a stream":   {packed(t, everything(), nil), "5bffe51fc61d6387"},
		"a sample":   {packed(t, sample(t, "unicode-mapi-attr"), nil), "fb7e679f8627b747"},
		"dictionary": {Dictionary(), "136994bb6a143c4f"},
	} {
		if sum := fmt.Sprintf("%x", sha256.Sum256(c.data))[:16]; sum != c.sum {
			t.Errorf("%s: %s", what, sum)
		}
	}
}

// TestPackUnusual: what is not written as everybody writes it comes back, too.
func TestPackUnusual(t *testing.T) {
	one := func(level uint8, id uint32, data []byte) []byte {
		w := newWriter()
		w.attr(level, id, data)
		return w.Bytes()
	}
	object := mapi.PidTagAttachDataObject
	subject8 := mapi.PidTagSubject.WithType(mapi.TypeString8)
	padded := variable(mapi.PidTagSubject, nil, []byte{'x', 0, 'y'})
	padded[len(padded)-1] = 7
	cut := variable(mapi.PidTagSubject, nil, []byte{'x', 0, 'y'})
	for name, p := range map[string][]byte{
		"unknown":               one(7, 0x12345678, nil)[:6],
		"another attribute":     one(levelMessage, 0x00FF1234, []byte("data")),
		"no zero":               one(levelMessage, attSubject, []byte("x")),
		"nothing":               one(levelMessage, attSubject, nil),
		"two zeros":             one(levelMessage, attSubject, []byte("a\x00\x00")),
		"id in lower case":      one(levelMessage, attMessageID, []byte("20017fcfd081d311a7a50008c71bca8d\x00")),
		"id":                    one(levelMessage, attMessageID, []byte("20017FCFD081D311A7A50008C71BCA8D\x00")),
		"a date of none":        one(levelMessage, attDateSent, make([]byte, 14)),
		"short date":            one(levelMessage, attDateSent, []byte{1}),
		"the last date":         one(levelMessage, attDateSent, words(maxDate)),
		"31 February":           one(levelMessage, attDateSent, []byte{0xD0, 7, 2, 0, 31, 0, 3, 0, 4, 0, 5, 0, 0, 0}),
		"another day of a week": one(levelMessage, attDateSent, []byte{0xD0, 7, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}),
		"padding":               one(levelMessage, attMsgProps, props(padded)),
		"no padding":            one(levelMessage, attMsgProps, props(cut[:len(cut)-1])),
		"behind properties":     one(levelMessage, attMsgProps, append(props(variable(subject8, nil, []byte("x\x00"))), 1, 2)),
		"count":                 one(levelMessage, attMsgProps, []byte{0xFF, 0xFF, 0xFF, 0xFF}),
		"no count":              one(levelMessage, attMsgProps, []byte{1, 0}),
		"two values":            one(levelMessage, attMsgProps, props(variable(subject8, nil, []byte("x\x00"), []byte("y\x00")))),
		"no value":              one(levelMessage, attMsgProps, props(variable(subject8, nil))),
		"half a character":      one(levelMessage, attMsgProps, props(variable(mapi.PidTagSubject, nil, []byte{'a', 0, 'b', 0, 0}))),
		"half a pair":           one(levelMessage, attMsgProps, props(variable(mapi.PidTagSubject, nil, []byte{0, 0xD8, 0, 0}))),
		"both strings":          one(levelMessage, attMsgProps, props(variable(subject8, nil, []byte("x\x00")), variable(mapi.PidTagBody, nil, utf16z("y")), variable(subject8, nil, nil))),
		"a type":                one(levelMessage, attMsgProps, props([]byte{0xFD, 0, 1, 0, 0, 0, 0, 0})),
		"times":                 one(levelMessage, attMsgProps, props(append([]byte{0x40, 0, 0x39, 0}, bytes.Repeat([]byte{0xFF}, 8)...), append([]byte{0x40, 0, 7, 0x30}, 0, 0, 0, 0, 0, 0, 0, 0x80))),
		"a boolean of others":   one(levelMessage, attMsgProps, props([]byte{0x0B, 0, 0x17, 0x0C, 1, 0, 0xF9, 0x3F})),
		"every fixed type":      one(levelMessage, attMsgProps, fixedProps()),
		"object":                one(levelAttachment, attAttachment, props(variable(object, nil, []byte("short")))),
		"binary object":         one(levelAttachment, attAttachment, props(variable(object.WithType(mapi.TypeBinary), nil, bytes.Repeat([]byte("long"), 9)))),
		"broken message":        one(levelAttachment, attAttachment, props(variable(object, nil, append(interfaceMessage[:], "no stream"...)))),
		"message":               one(levelAttachment, attAttachment, props(variable(object, nil, append(interfaceMessage[:], everything()...)))),
		"message and more":      one(levelAttachment, attAttachment, append(props(variable(object, nil, append(interfaceMessage[:], everything()...))), 1)),
		"recipients":            one(levelMessage, attRecipTable, []byte{2, 0, 0, 0, 0, 0, 0, 0}),
		"no attribute":          newWriter().Bytes(),
		"behind it":             append(everything(), "and what is no attribute"...),
		"everything":            everything(),
	} {
		t.Run(name, func(t *testing.T) { packed(t, p, nil) })
	}
}

// fixedProps has a property of each type of a fixed size, one with several values, and one whose name is unknown.
func fixedProps() []byte {
	var list [][]byte
	for _, typ := range []mapi.PropertyType{mapi.TypeInteger16, mapi.TypeInteger32, mapi.TypeFloating32, mapi.TypeBoolean, mapi.TypeErrorCode, mapi.TypeNull} {
		list = append(list, append(tagBytes(mapi.NewTag(0x6123, typ)), 0xFE, 0xFF, 3, 0x80))
	}
	for _, typ := range []mapi.PropertyType{mapi.TypeFloating64, mapi.TypeCurrency, mapi.TypeFloatTime, mapi.TypeInteger64} {
		list = append(list, append(tagBytes(mapi.NewTag(0x6124, typ)), 1, 2, 3, 4, 5, 6, 7, 0xFF))
	}
	list = append(list, append(tagBytes(mapi.NewTag(0x6125, mapi.TypeGUID)), interfaceMessage[:]...))
	list = append(list, append(tagBytes(mapi.NewTag(0x6126, mapi.TypeMultiInteger32)), 2, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0))
	list = append(list, variable(mapi.NewTag(0x9000, mapi.TypeBinary), stringName(mapi.MustGUID("5D1F3B52-6C0E-4B0B-9C57-8A2E1F6D7C41"), "Own"), []byte{1}))
	return props(list...)
}

func tagBytes(tag mapi.PropertyTag) []byte {
	var b wire.Builder
	b.Uint16(uint16(tag.Type()))
	b.Uint16(tag.ID())
	return b.Bytes()
}

// TestPackErrors: what is no stream is not packed, and errors of others are passed on.
func TestPackErrors(t *testing.T) {
	sum := everything()
	sum[len(sum)-1] ^= 1
	for name, p := range map[string][]byte{"empty": nil, "no signature": []byte("signature and more"), "checksum": sum} {
		if _, err := Pack(memory(p), held(nil).find); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	failing := func(mapi.Blob) (uint64, bool, error) { return 0, false, iotest.ErrTimeout }
	if _, err := Pack(memory(everything()), failing); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("an error of find became %v", err)
	}
	h := held{memory(strings.Repeat("data", 20))}
	w := newWriter()
	w.attr(levelAttachment, attAttachData, h[0].(memory))
	if _, err := Unpack(packed(t, w.Bytes(), h), func(uint64) (mapi.Blob, error) { return nil, iotest.ErrTimeout }); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("an error of resolve became %v", err)
	}
}

// TestPackLarge: data that is elsewhere is neither in the packed form nor in memory.
func TestPackLarge(t *testing.T) {
	data := make([]byte, 4<<20)
	random := rand.NewChaCha8([32]byte{1})
	if _, err := random.Read(data); err != nil {
		t.Fatal(err)
	}
	inner := newWriter()
	inner.attr(levelAttachment, attAttachRendData, rendData(1, 0))
	inner.attr(levelAttachment, attAttachData, data)
	w := newWriter()
	w.attr(levelAttachment, attAttachRendData, rendData(1, 0))
	w.attr(levelAttachment, attAttachData, data)
	w.attr(levelAttachment, attAttachRendData, rendData(1, 0))
	w.attr(levelAttachment, attAttachment, props(variable(mapi.PidTagAttachDataObject, nil, append(interfaceMessage[:], inner.Bytes()...))))
	h := held{memory(data)}
	p := packed(t, w.Bytes(), h)
	if len(p) > 100 {
		t.Errorf("%d bytes", len(p))
	}
	chunks, err := Unpack(p, h.resolve)
	if err != nil {
		t.Fatal(err)
	}
	literal := 0
	for _, ch := range chunks {
		literal += len(ch.Literal)
	}
	if literal > 500 {
		t.Errorf("%d bytes are in memory", literal)
	}
	if _, err := Pack(memory(append(w.Bytes(), make([]byte, maxLiteral)...)), h.find); !errors.Is(err, ErrFormat) {
		t.Errorf("too much without references: %v", err)
	}
}

// TestUnpackCutOff: what is cut off, or not what Pack writes, is refused.
func TestUnpackCutOff(t *testing.T) {
	p := packed(t, everything(), nil)
	for i := range p {
		if _, err := Unpack(p[:i], held(nil).resolve); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	deep := bytes.Repeat([]byte{0, 0, 32, 1, tagOther, 0x0D, 0x81, 0x6E, objectMessage}, maxDepth+1) // key, properties, one, an object
	for name, p := range map[string][]byte{
		"a byte behind it":     append(p, 0),
		"a date of year 0":     {0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0},
		"too many messages":    append(deep, bytes.Repeat([]byte{0}, 3*maxDepth)...),
		"an unknown attribute": {0, 0, 0x3E, 2, 0, 0},
		"an unknown tag":       {0, 0, 13, 1, 0xFF, 0, 0, 0},
		"an unknown set":       {0, 0, 13, 1, tagNamed, 0x80, 0x80, 4, 3, 99, 0, 0, 0, 0, 0},
		"no named property":    {0, 0, 13, 1, tagNamed, 2, 3, 1, 0, 0, 0, 0, 0},
		"an unknown object":    {0, 0, 32, 1, tagOther, 0x0D, 0x81, 0x6E, 9, 2, 0, 0},
		"an unknown type":      {0, 0, 13, 1, tagOther, 0x7F, 1, 0, 0, 0},
	} {
		if _, err := Unpack(p, held(nil).resolve); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnpackTooMuch: a short packed form does not take much memory.
func TestUnpackTooMuch(t *testing.T) {
	h := held{memory(strings.Repeat("data", 20))}
	w := newWriter()
	w.attr(levelAttachment, attAttachData, h[0].(memory))
	one := packed(t, w.Bytes(), h) // key, attribute, end, nothing behind it
	attribute := one[2 : len(one)-2]
	many := func(p []byte, n int) []byte {
		return append(append(one[:2:2], bytes.Repeat(p, n)...), 0, 0)
	}
	if _, err := Unpack(many(attribute, maxRefs), h.resolve); err != nil {
		t.Error(err)
	}
	empty := []byte{3, valueOwn} // a message class of no bytes, which are 11 and a zero
	for name, p := range map[string][]byte{"references": many(attribute, maxRefs+1), "bytes": many(empty, maxLiteral/10)} {
		if _, err := Unpack(p, h.resolve); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzPack: what is packed comes back, and no packed form makes Unpack panic or give much more than it is.
func FuzzPack(f *testing.F) {
	f.Add(everything(), true)
	f.Add(packed(f, everything(), nil), false)
	for _, name := range []string{"one-file", "rtf", "body", "triples", "unicode-mapi-attr"} {
		f.Add(sample(f, name), true)
		f.Add(packed(f, sample(f, name), nil), false)
	}
	f.Fuzz(func(t *testing.T, p []byte, stream bool) {
		h := held{memory(strings.Repeat("text", 10)), memory("")}
		if !stream {
			q, err := unpacked(p, h)
			if err != nil && !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			if len(q) > 40*len(p)+100 {
				t.Fatalf("%d bytes of %d", len(q), len(p))
			}
			return
		}
		if m, err := Decode(memory(p), latin); err == nil {
			h = holding(m)
		}
		if _, err := Pack(memory(p), h.find); err == nil {
			packed(t, p, h)
		} else if !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
	})
}
