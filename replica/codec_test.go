package replica

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"mailfs/mapi"
)

// everyValue has a property of every type that a value can have in Go.
func everyValue() mapi.PropertyBag {
	values := []any{
		nil, int16(-1), int32(math.MinInt32), int64(math.MaxInt64), float32(1.5), math.Inf(-1), mapi.Currency(-12345), mapi.FloatTime(45678.25),
		mapi.ErrorCode(0x8004010F), true, false, []byte{}, []byte{0, 1, 0xFF}, mapi.String8("gr\xFC\xDFe"), "Grüße \xED\xA0\x80 lone surrogate", "",
		mapi.FileTime(math.MaxUint64), testGUID, mapi.RuleActions{1, 2, 3},
		mapi.AndRestriction{
			mapi.ExistRestriction{Tag: mapi.PidTagSubject},
			mapi.NotRestriction{Restriction: mapi.PropertyRestriction{Op: mapi.RelOp(4), Tag: mapi.PidTagSubject, Value: mapi.Property{Tag: mapi.PidTagSubject, Value: "ä"}}},
		},
		[]int16{1, -2}, []int32{}, []int32{math.MaxInt32}, []int64{-1}, []float32{0.25}, []float64{math.SmallestNonzeroFloat64},
		[]mapi.Currency{1}, []mapi.FloatTime{-1}, []mapi.String8{"a", ""}, []string{"x", "", "ÿ"}, []mapi.FileTime{5}, []mapi.GUID{testGUID, {}},
		[][]byte{{}, {1}, bytes.Repeat([]byte{7}, 300)},
	}
	var b mapi.PropertyBag
	for i, v := range values {
		p := mapi.Property{Tag: mapi.NewTag(uint16(0x3000+i), mapi.TypeUnspecified), Value: v}
		switch i % 4 {
		case 1:
			p.Name = mapi.LIDName(testGUID, uint32(0x8000+i))
		case 2:
			p.Name = mapi.StringName(testGUID, strings.Repeat("Näme", i))
		case 3:
			p.Name = mapi.PropertyName{Set: testGUID, Kind: mapi.NameKindNone, LID: 3, Name: "both"}
		}
		b = append(b, p)
	}
	return b
}

func everyMessage() *mapi.Message {
	inner := &mapi.Message{Properties: everyValue()}
	return &mapi.Message{
		Properties: everyValue(),
		Recipients: []mapi.Recipient{
			{RowID: math.MaxUint32, Type: mapi.RecipientBcc, Properties: everyValue()[:3]},
			{RowID: 0, Type: mapi.RecipientOriginator},
		},
		Attachments: []mapi.Attachment{
			{Number: 7, Properties: everyValue()},
			{Number: math.MaxUint32, Embedded: &mapi.Message{Attachments: []mapi.Attachment{{Embedded: inner}}}},
		},
	}
}

func encodeWhole(t testing.TB, m *mapi.Message) []byte {
	t.Helper()
	p, err := encodeContent(m, large, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func decodeWhole(p []byte) (*mapi.Message, error) {
	d := &bagDec{dec: dec{s: string(p)}}
	d.format(contentFormat)
	m := d.message(0)
	return m, d.end()
}

func TestContentRoundTrip(t *testing.T) {
	m := everyMessage()
	got, err := decodeWhole(encodeWhole(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Error(d)
	}
}

func TestContentPrefixes(t *testing.T) {
	p := encodeWhole(t, everyMessage())
	for n := range p {
		if _, err := decodeWhole(p[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes decode", n, len(p))
		}
	}
	if _, err := decodeWhole(append(p[:len(p):len(p)], 0)); err == nil {
		t.Error("a byte too many is accepted")
	}
}

func TestContentRefused(t *testing.T) {
	deep := &mapi.Message{}
	for range maxDepth {
		deep = &mapi.Message{Attachments: []mapi.Attachment{{Embedded: deep}}}
	}
	if _, err := encodeContent(deep, large, nil); err == nil {
		t.Error("messages embedded without end are accepted")
	}
	odd := &mapi.Message{Properties: mapi.PropertyBag{{Tag: mapi.PidTagSubject, Value: 1}}}
	if _, err := encodeContent(odd, large, nil); err == nil {
		t.Error("an int is accepted as value")
	}
}

func everyRecord() *record {
	n := testMail(3, 5)
	n.Num, n.Version, n.Gen, n.Content, n.Mode = 9, 300, 2, 77, 0o640
	n.Xattrs = map[string][]byte{"user.b": {1}, "user.a": {}}
	m := n.Message
	m.FAI, m.Read, m.Edited, m.Conflict, m.Flag, m.Importance = false, true, true, true, 2, -1
	m.Categories = []string{"red", "grün"}
	m.PCL = mapi.PCL{xid(4), {Namespace: mapi.GUID{1}, LocalID: "x"}}
	m.Error = &ChangeError{Code: 0x80070005, Text: "no", At: testTime}
	return &record{Node: *n, content: contentRef{id: 12, blobs: []BlobID{5, 6}}, home: 3, local: true, full: true}
}

func TestRecordRoundTrip(t *testing.T) {
	folder := &record{Node: *testFolder(1, "Projekte", 8)}
	folder.Num, folder.Folder.Special, folder.Folder.Hidden, folder.Folder.ReadOnly, folder.Folder.Keep = 4, SpecialOther, true, true, "12m"
	folder.Folder.Unread, folder.Folder.Properties, folder.Folder.Error = 3, everyValue(), &ChangeError{Text: "x", At: testTime}
	hidden := everyRecord()
	hidden.Message.FAI = true
	gone := everyRecord()
	gone.Parent = 0
	link := &record{Node: Node{Num: 8, Parent: 1, Name: "l", Kind: KindSymlink, Target: "../x", Size: -1}}
	for _, r := range []*record{everyRecord(), folder, hidden, gone, link} {
		p, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord(r.key(), string(p))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got, cmp.AllowUnexported(record{}, contentRef{}), cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
		for n := range p {
			if _, err := decodeRecord(r.key(), string(p[:n])); err == nil {
				t.Fatalf("the first %d of %d bytes decode", n, len(p))
			}
		}
		p[0] = 99
		if _, err := decodeRecord(r.key(), string(p)); err == nil {
			t.Error("an unknown format decodes")
		}
	}
}

func everyChange() *Change {
	return &Change{
		Seq: 5, Kind: ChangeProps, Item: 7, At: testTime, Ready: testTime.Add(time.Second),
		Base:   Base{Version: 3, ChangeKey: changeKey(2), PCL: mapi.PCL{xid(2)}},
		Folder: 2, From: 3, Read: true, Set: everyValue(),
		Unset: []mapi.Key{{ID: 0x1090}, {Name: mapi.LIDName(testGUID, 5)}, {Name: mapi.StringName(testGUID, "Keywords")}},
		Hard:  true, Fixed: true, Version: 4, SourceKey: sourceKey(1), OldKey: sourceKey(2), ChangeKey: changeKey(3), PCL: mapi.PCL{xid(3)},
		Modified: 17, Attempts: 3, Error: &ChangeError{Code: 1, Text: "refused", At: testTime},
	}
}

func TestChangeRoundTrip(t *testing.T) {
	for _, c := range []*Change{everyChange(), {Seq: 1, Kind: ChangeCreate}} {
		p, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeChange(c.Seq, string(p))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Error(d)
		}
		for n := range p {
			if _, err := decodeChange(1, string(p[:n])); err == nil {
				t.Fatalf("the first %d of %d bytes decode", n, len(p))
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, i := rapid.Uint64().Draw(t, "u"), rapid.Int64().Draw(t, "i")
		at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "secs"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanos")).UTC()
		var e enc
		e.uv(u)
		e.iv(i)
		e.time(at)
		e.time(time.Time{})
		e.u64(u)
		d := dec{s: string(e.b)}
		if a, b, c, z, f := d.uv(), d.iv(), d.time(), d.time(), d.u64(); a != u || b != i || !c.Equal(at) || !z.IsZero() || f != u || d.end() != nil {
			t.Fatal(a, b, c, z, f, d.end())
		}
	})
	for _, bad := range []string{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if d := (dec{s: bad}); d.uv() != 0 || d.err == nil {
			t.Errorf("%q is read as a number", bad)
		}
	}
}

// FuzzContent: whatever decodes has an encoding that decodes to the same.
func FuzzContent(f *testing.F) {
	f.Add(encodeWhole(f, everyMessage()))
	f.Add(encodeWhole(f, &mapi.Message{}))
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0x93, 0xFF, 0xFF, 0xFF, 0x0F})
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := decodeWhole(p)
		if err != nil {
			return
		}
		again := encodeWhole(t, m)
		m2, err := decodeWhole(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, encodeWhole(t, m2)) {
			t.Fatalf("%x and %x", again, encodeWhole(t, m2))
		}
	})
}

// FuzzRecord: whatever decodes encodes again.
func FuzzRecord(f *testing.F) {
	r := everyRecord()
	p, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := decodeRecord(everyRecord().key(), string(p))
		if err != nil {
			return
		}
		if _, err := r.encode(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSmallRecords feeds what is left to the decoders of the other records.
func FuzzSmallRecords(f *testing.F) {
	p, err := everyChange().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add((&version{base: everyChange().Base, content: contentRef{id: 3, blobs: []BlobID{1}}}).encode())
	f.Fuzz(func(t *testing.T, p []byte) {
		if c, err := decodeChange(1, string(p)); err == nil {
			if _, err := c.encode(); err != nil {
				t.Fatal(err)
			}
		}
		if v, err := decodeVersion(p); err == nil {
			v.encode()
		}
		_, _ = decodeCheckpoint(p)
		_, _ = decodeWorkingCopy(1, string(p))
		_, _ = decodeBlobMeta(p)
	})
}
