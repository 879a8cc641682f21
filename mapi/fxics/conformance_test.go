package fxics

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// The numbers in this file are those of the requirements of [MS-OXCFXICS] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// fill sets the bytes from low to high of a copy of p to 0xFF.
func fill(p []byte, low, high int) []byte {
	p = bytes.Clone(p)
	for i := low; i < high; i++ {
		p[i] = 0xFF
	}
	return p
}

// TestPaddingIsIgnored: the padding of ProgressInformation (R225, R234) and of
// ExtendedErrorInfo (R3092, R289, R303) may hold anything.
func TestPaddingIsIgnored(t *testing.T) {
	progress := ProgressTotal{FAICount: 1, FAISize: 2, NormalCount: 3, NormalSize: 4}
	failure := ErrorInfo{Code: mapi.EcNotFound, Folder: ltid(5), Message: ltid(6), Aux: []byte("aux")}
	for _, c := range []struct {
		ids       string
		low, high int
		parse     func(p []byte) (any, error)
		plain     []byte
		want      any
	}{
		{"R225", 2, 4, parseProgress, progress.bytes(), progress},
		{"R234", 20, 24, parseProgress, progress.bytes(), progress},
		{"R3092", 2, 4, parseError, failure.bytes(), failure},
		{"R289", 30, 32, parseError, failure.bytes(), failure},
		{"R303", 54, 56, parseError, failure.bytes(), failure},
	} {
		if bytes.Contains(c.plain[c.low:c.high], []byte{0xFF}) {
			t.Errorf("%s: that is no padding", c.ids)
		}
		got, err := c.parse(fill(c.plain, c.low, c.high))
		if d := cmp.Diff(c.want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", c.ids, err, d)
		}
	}
}

func parseProgress(p []byte) (any, error) {
	var e ProgressTotal
	err := e.parse(p)
	return e, err
}

func parseError(p []byte) (any, error) {
	var e ErrorInfo
	err := e.parse(p)
	return e, err
}

// TestPropertyGroupLayout: the reserved field of a PropertyGroupInfo is written as 0 (R242),
// the counts say what is there (R245, R250).
func TestPropertyGroupLayout(t *testing.T) {
	e := PropertyGroupInfo{GroupID: 5, Groups: [][]PropertyID{{{Tag: mapi.PidTagSubject}}, {{Tag: mapi.PidTagImportance}, {Tag: mapi.PidTagHtml}}}}
	p, err := e.bytes()
	if err != nil {
		t.Fatal(err)
	}
	number := func(at int) uint32 { return binary.LittleEndian.Uint32(p[at:]) }
	if number(0) != 5 || number(4) != 0 || number(8) != 2 || number(12) != 1 || number(20) != 2 || len(p) != 32 {
		t.Errorf("% x", p)
	}
}

// TestPartialGroups: what comes for a group is the whole of it, so that a reader can delete
// what is missing (R1156); a group that has become empty comes as a placeholder of type
// PtypInteger32 and id 0, which is not a property (R1372).
func TestPartialGroups(t *testing.T) {
	group := func(i int32) mapi.Property { return prop(mapi.MetaTagIncrementalSyncMessagePartial, i) }
	p := raw(t, prop(mapi.MetaTagIncrSyncGroupId, int32(3)), IncrSyncChgPartial, header(1),
		group(0), prop(mapi.PidTagSubject, "new"),
		group(1), prop(tagNumber, int32(0)),
		group(2), prop(mapi.PidTagImportance, int32(1)), prop(tagNumber, int32(77)),
		stateTokens(t))
	got, err := decodeAll(bytes.NewReader(p), RootContentsSync, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Partial{GroupID: 3, Groups: []GroupChange{
		{0, mapi.PropertyBag{prop(mapi.PidTagSubject, "new")}}, {1, nil}, {2, mapi.PropertyBag{prop(mapi.PidTagImportance, int32(1))}}}}
	if d := cmp.Diff(want, got[0].(*MessageChange).Partial); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestMidOfEmbeddedMessage: R1375, the id of an embedded message is not that of the message
// around it.
func TestMidOfEmbeddedMessage(t *testing.T) {
	inner := raw(t, NewAttach, prop(mapi.PidTagAttachNumber, int32(0)), StartEmbed, prop(mapi.PidTagMid, int64(9)), EndEmbed, EndAttach)
	p := raw(t, StartMessage, prop(mapi.PidTagMid, int64(4)), inner, EndMessage, StartMessage, inner, EndMessage)
	got, err := decodeAll(bytes.NewReader(p), RootMessageList, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []any{int64(4), nil} {
		if mid := got[i].(*MessageContent).Message.Properties.Get(mapi.PidTagMid); mid != want {
			t.Errorf("message %d has the id %v, want %v", i, mid, want)
		}
	}
}

// TestDNPrefixChangesNothing: R3292, a MetaTagDnPrefix is of no consequence for what comes
// around it.
func TestDNPrefixChangesNothing(t *testing.T) {
	prefix := prop(mapi.MetaTagDnPrefix, mapi.String8("/o=x"))
	message := raw(t, StartMessage, prop(mapi.PidTagSubject, "a"), EndMessage)
	plain, err := decodeAll(bytes.NewReader(raw(t, message, message)), RootMessageList, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeAll(bytes.NewReader(raw(t, prefix, message, prefix, prefix, message)), RootMessageList, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rest []Element
	for _, el := range got {
		if _, ok := el.(*DNPrefix); !ok {
			rest = append(rest, el)
		}
	}
	if d := cmp.Diff(plain, rest); d != "" || len(got) != 5 {
		t.Errorf("%d elements\n%s", len(got), d)
	}
}

// TestTypeOfIdsetGiven: R3351 and R3642, MetaTagIdsetGiven calls itself a 32-bit integer and
// travels as binary: in a stream, and in a state that goes up.
func TestTypeOfIdsetGiven(t *testing.T) {
	var s ICSState
	s.Given.AddRange(replica, idset.Range{Low: 1, High: 70_000})
	up := s.Properties(true)[0]
	if up.Tag != 0x40170003 || !bytes.Equal(up.Data, s.Given.Encode()) {
		t.Errorf("uploaded as %s % x", up.Tag, up.Data)
	}
	p, err := encodeAll(RootState, []Element{&State{ICSState: s, Hierarchy: true}})
	if err != nil {
		t.Fatal(err)
	}
	binaryForm := append([]byte{0x03, 0x00, 0x17, 0x40, byte(len(up.Data)), 0, 0, 0}, up.Data...)
	if !bytes.Contains(p, binaryForm) {
		t.Errorf("% x does not hold % x", p, binaryForm)
	}
	got, err := decodeAll(bytes.NewReader(p), RootState, nil)
	if err != nil || !got[0].(*State).Given.Equal(s.Given) {
		t.Errorf("%v, %v", got, err)
	}
}
