package fxics

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

var (
	replica = mapi.MustGUID("00112233-4455-6677-8899-aabbccddeeff")
	other   = mapi.MustGUID("10112233-4455-6677-8899-aabbccddeeff")
)

func ltid(n mapi.GlobCnt) mapi.LongTermID { return mapi.LongTermID{GUID: replica, Counter: n} }

func header(n mapi.GlobCnt) mapi.PropertyBag {
	x := mapi.XID{Namespace: replica, LocalID: "\x00\x00\x00\x00\x01" + string(rune(n))}
	h := NewMessageHeader(ltid(n).SourceKey(), 1000, x.ChangeKey(), mapi.PCL{x}, false)
	h.Set(mapi.PidTagMid, int64(mapi.NewMID(1, n)))
	return h
}

func state() *State {
	s := new(State)
	s.Given.AddRange(replica, idset.Range{Low: 1, High: 9})
	s.Seen.AddRange(replica, idset.Range{Low: 1, High: 100})
	s.SeenFAI.AddRange(replica, idset.Range{Low: 1, High: 100})
	return s
}

func replSet(counters ...mapi.GlobCnt) (s idset.ReplSet) {
	for _, c := range counters {
		s.Add(1, c)
	}
	return s
}

// raw builds a stream of markers and properties.
func raw(t testing.TB, tokens ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, tok := range tokens {
		switch x := tok.(type) {
		case Marker:
			w.Marker(x)
		case mapi.Property:
			w.Property(x)
		case mapi.PropertyBag:
			for _, p := range x {
				w.Property(p)
			}
		case []byte:
			b.Write(x)
		default:
			t.Fatalf("no token: %T", tok)
		}
	}
	if w.err != nil {
		t.Fatal(w.err)
	}
	return b.Bytes()
}

func prop(tag mapi.PropertyTag, v any) mapi.Property { return mapi.Property{Tag: tag, Value: v} }

func stateTokens(t testing.TB) []byte {
	return raw(t, IncrSyncStateBegin, prop(mapi.MetaTagCnsetSeen, []byte{}), IncrSyncStateEnd, IncrSyncEnd)
}

// transfer encodes and decodes elements.
func transfer(t interface {
	Helper()
	Fatal(...any)
}, root Root, elements []Element) []Element {
	t.Helper()
	p, err := encodeAll(root, elements)
	if err != nil {
		t.Fatal(err)
	}
	out, err := decodeAll(bytes.NewReader(p), root, nil)
	if err != nil {
		t.Fatal(err, "in", fmt.Sprintf("%x", p))
	}
	again, err := encodeAll(root, out)
	if err != nil || !bytes.Equal(again, p) {
		t.Fatal("encodes differently after decoding", err)
	}
	return out
}

// withoutWire leaves out what only remembers the form on the wire.
var withoutWire = cmp.Options{wireForm, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Wire" }, cmp.Ignore())}

func TestElements(t *testing.T) {
	named := mapi.Property{Tag: 0x8001001F, Name: mapi.StringName(mapi.PSPublicStrings, "Keywörds"), Value: "x"}
	message := mapi.Message{
		Properties: mapi.PropertyBag{prop(mapi.PidTagSubject, "hé"), named},
		Recipients: []mapi.Recipient{mapi.NewRecipient(mapi.PropertyBag{
			prop(mapi.PidTagRowid, int32(3)), prop(mapi.PidTagRecipientType, int32(2)), prop(mapi.PidTagDisplayName, "Bo")})},
		Attachments: []mapi.Attachment{{Number: 7, Properties: mapi.PropertyBag{prop(mapi.PidTagAttachNumber, int32(7))},
			Embedded: &mapi.Message{Properties: mapi.PropertyBag{prop(mapi.PidTagSubject, "inner")}}}},
	}
	group := &PropertyGroupInfo{GroupID: 5, Groups: [][]PropertyID{
		{{Tag: mapi.PidTagSubject}, {Tag: mapi.PidTagMessageFlags}},
		{{Tag: 0x8002000B, Name: mapi.LIDName(mapi.PSETIDCommon, 0x8503)}, {Tag: 0x8003101F, Name: named.Name}},
	}}
	partial := &MessageChange{Header: header(2), Partial: &Partial{GroupID: 5, Groups: []GroupChange{
		{0, mapi.PropertyBag{prop(mapi.PidTagSubject, "new")}}, {1, nil}, {UngroupedProperties, mapi.PropertyBag{named}}}}}
	children := &MessageChange{Header: header(3), Message: mapi.Message{Recipients: message.Recipients}, Parts: PartRecipients,
		Partial: &Partial{GroupID: 5, Inherited: true}}
	for _, c := range []struct {
		name     string
		root     Root
		elements []Element
	}{
		{"contents", RootContentsSync, []Element{
			&ProgressTotal{1, 2, 3, 4}, &ProgressMessage{5, true}, &MessageChange{Header: header(1), Message: message, Parts: PartsAll},
			group, partial, children, &MessageChange{Header: header(4)},
			&Deletions{Deleted: replSet(1, 2), Expired: replSet(9)}, &ReadStateChanges{Read: replSet(4), Unread: replSet(5)}, state()}},
		{"nothing new", RootContentsSync, []Element{state()}},
		{"hierarchy", RootHierarchySync, []Element{
			&FolderChange{folder("Inbox")}, &FolderChange{folder("Sent")}, &Deletions{Deleted: replSet(7)},
			&State{ICSState: ICSState{Given: state().Given, Seen: state().Seen}, Hierarchy: true}}},
		{"state", RootState, []Element{state()}},
		{"state of a hierarchy", RootState, []Element{&State{Hierarchy: true}}},
		{"message list", RootMessageList, []Element{
			&DNPrefix{"/o=x"}, &MessageContent{Message: message}, &Warning{mapi.EcAccessDenied}, &MessageContent{FAI: true}}},
		{"no messages", RootMessageList, nil},
		{"top folder", RootTopFolder, []Element{
			&FolderStart{FolderTop, mapi.PropertyBag{prop(mapi.PidTagDisplayName, "a")}}, &MessageContent{Message: message},
			&FolderStart{FolderSub, nil}, &FolderEnd{}, &FolderStart{FolderSub, nil}, &FolderStart{FolderSub, nil},
			&MessageContent{FAI: true}, &FolderEnd{}, &FolderEnd{}, &FolderEnd{}}},
		{"folder content", RootFolderContent, []Element{
			&FolderStart{FolderRoot, mapi.PropertyBag{prop(mapi.PidTagDisplayName, "a")}}, &Warning{1},
			&ClearSubobjects{mapi.PidTagFolderAssociatedContents}, &MessageContent{FAI: true}, &ClearSubobjects{mapi.PidTagContainerContents},
			&MessageContent{Message: message}, &ClearSubobjects{mapi.PidTagContainerHierarchy}, &FolderStart{FolderSub, nil},
			&NewFXFolder{[]byte{1, 2, 3}}, &FolderEnd{}}},
		{"message", RootMessageContent, []Element{&MessageContent{Message: message, Parts: PartAttachments}}},
		{"attachment", RootAttachmentContent, []Element{&AttachmentContent{Attachment: mapi.Attachment{
			Properties: message.Properties, Embedded: &message}, Parts: PartEmbeddedAttachments}}},
		{"errors", RootContentsSync, []Element{
			&ErrorInfo{Code: mapi.EcNotFound, Message: ltid(1)}, &MessageChange{Header: header(2)},
			&ErrorInfo{Code: mapi.EcCorruptData, Folder: ltid(8), Message: ltid(3), Aux: []byte{1, 2}}, state()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := transfer(t, c.root, c.elements)
			if d := cmp.Diff(c.elements, got, withoutWire); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func folder(name string) mapi.Folder {
	x := mapi.XID{Namespace: other, LocalID: "\x00\x00\x00\x07"}
	f := mapi.Folder{SourceKey: ltid(mapi.GlobCnt(len(name))).SourceKey(), ChangeKey: x.ChangeKey(), PCL: mapi.PCL{x}, DisplayName: name, LastModified: 7}
	f.Properties = mapi.PropertyBag{
		prop(mapi.PidTagParentSourceKey, []byte(f.ParentSourceKey)), prop(mapi.PidTagSourceKey, []byte(f.SourceKey)),
		prop(mapi.PidTagLastModificationTime, f.LastModified), prop(mapi.PidTagChangeKey, []byte(f.ChangeKey)),
		prop(mapi.PidTagPredecessorChangeList, f.PCL.Bytes()), prop(mapi.PidTagDisplayName, name),
		prop(mapi.PidTagFolderId, int64(mapi.NewFID(1, 5))), prop(mapi.PidTagChangeNumber, int64(mapi.NewCN(1, 6))),
	}
	return f
}

func TestFolderFromFields(t *testing.T) {
	want := folder("Inbox")
	bare := want
	bare.Properties = nil
	got := transfer(t, RootHierarchySync, []Element{&FolderChange{bare}, &State{Hierarchy: true}})[0].(*FolderChange)
	want.Properties = want.Properties[:6]
	if d := cmp.Diff(want, got.Folder); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, ok := got.FID(); ok {
		t.Error("a folder id came from nowhere")
	}
}

func TestMandatoryPropertiesAreAdded(t *testing.T) {
	m := mapi.Message{
		Recipients:  []mapi.Recipient{{RowID: 4, Type: mapi.RecipientCc}, {RowID: 9, Properties: mapi.PropertyBag{prop(mapi.PidTagDisplayName, "x"), prop(mapi.PidTagRowid, int32(5))}}},
		Attachments: []mapi.Attachment{{Number: 6, Properties: mapi.PropertyBag{prop(mapi.PidTagAttachMethod, int32(1))}}},
	}
	p, err := encodeAll(RootMessageContent, []Element{&MessageContent{Message: m}})
	if err != nil {
		t.Fatal(err)
	}
	want := raw(t, StartRecip, prop(mapi.PidTagRowid, int32(4)), prop(mapi.PidTagRecipientType, int32(2)), EndToRecip,
		StartRecip, prop(mapi.PidTagRowid, int32(5)), prop(mapi.PidTagRecipientType, int32(0)), prop(mapi.PidTagDisplayName, "x"), EndToRecip,
		NewAttach, prop(mapi.PidTagAttachNumber, int32(6)), prop(mapi.PidTagAttachMethod, int32(1)), EndAttach)
	if !bytes.Equal(p, want) {
		t.Errorf("got  %x\nwant %x", p, want)
	}
	if len(m.Recipients[1].Properties) != 2 {
		t.Error("the encoder changed the message")
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	p, err := encodeAll(RootMessageContent, []Element{&MessageContent{Message: mapi.Message{Properties: mapi.PropertyBag{
		prop(mapi.PidTagSubject, mapi.EcNotFound), prop(mapi.PidTagImportance, int32(1)),
		prop(mapi.PropertyTag(EndMessage), int32(1)), prop(mapi.MetaTagFXDelProp, int32(1))}}}})
	if want := raw(t, prop(mapi.PidTagImportance, int32(1))); err != nil || !bytes.Equal(p, want) {
		t.Errorf("%x, %v", p, err)
	}
}

// A set that was changed after decoding is not written as it came.
func TestChangedSetsAreWrittenAnew(t *testing.T) {
	was := &Deletions{Deleted: replSet(1), NoLongerInScope: replSet(5)}
	got := transfer(t, RootContentsSync, []Element{was, state()})
	d, s := got[0].(*Deletions), got[1].(*State)
	d.Deleted.Add(1, 2)
	d.Expired.Add(2, 2)
	s.Given.Add(ltid(50))
	s.Read.Add(ltid(51))
	again := transfer(t, RootContentsSync, got)
	if d2 := again[0].(*Deletions); !d2.Deleted.Equal(replSet(1, 2)) || !d2.NoLongerInScope.Equal(replSet(5)) || !d2.Expired.Contains(2, 2) {
		t.Errorf("deletions %v", d2)
	}
	if s2 := again[1].(*State); !s2.ICSState.Equal(s.ICSState) || !s2.Read.Contains(ltid(51)) {
		t.Errorf("state %v", s2)
	}
}

func TestStateProperties(t *testing.T) {
	s := state().ICSState
	var got ICSState
	for i, p := range s.Properties(true) {
		if want := []mapi.PropertyTag{0x40170003, 0x67960102, 0x67DA0102, 0x67D20102}[i]; p.Tag != want {
			t.Errorf("property %d is %s", i, p.Tag)
		}
		if err := got.Set(p.Tag, p.Data); err != nil {
			t.Fatal(err)
		}
	}
	if !got.Equal(s) || len(s.Properties(false)) != 2 {
		t.Errorf("got %v", got)
	}
	if err := got.Set(0x40170102, nil); err != nil || !got.Given.IsEmpty() {
		t.Errorf("the binary form of the given ids: %v", err)
	}
	if got.Set(mapi.PidTagSubject, nil) == nil || got.Set(mapi.MetaTagCnsetSeen, []byte{1}) == nil {
		t.Error("nonsense is accepted")
	}
	c := s.Clone()
	if c.Given.Add(ltid(77)); s.Given.Contains(ltid(77)) {
		t.Error("a clone shares its sets")
	}
}

func TestIdsetGivenInBothTypes(t *testing.T) {
	given := state().Given.Encode()
	for _, tag := range []mapi.PropertyTag{mapi.MetaTagIdsetGiven, 0x40170102} {
		p := raw(t, IncrSyncStateBegin, prop(tag, given), IncrSyncStateEnd)
		got, err := decodeAll(bytes.NewReader(p), RootState, nil)
		if err != nil || !got[0].(*State).Given.Equal(state().Given) {
			t.Errorf("%s: %v, %v", tag, got, err)
		}
		if again, err := encodeAll(RootState, got); err != nil || !bytes.Equal(again, p) {
			t.Errorf("%s: %x, %v", tag, again, err)
		}
	}
}

// drawProperty returns a random property that a stream can carry. Unnamed ids stay
// clear of the meta-properties.
func drawProperty(t *rapid.T, id uint16) mapi.Property {
	var v any
	var p mapi.PropertyType
	text := rapid.SampledFrom([]string{"", "a", "grün", "€ 日本", "😀", "\xed\xa0\x80", "some words"})
	switch rapid.IntRange(0, 21).Draw(t, "type") {
	case 0:
		p, v = mapi.TypeInteger16, rapid.Int16().Draw(t, "v")
	case 1:
		p, v = mapi.TypeInteger32, rapid.Int32().Draw(t, "v")
	case 2:
		p, v = mapi.TypeFloating32, float32(rapid.Int16().Draw(t, "v"))
	case 3:
		p, v = mapi.TypeFloating64, float64(rapid.Int16().Draw(t, "v"))
	case 4:
		p, v = mapi.TypeCurrency, mapi.Currency(rapid.Int64().Draw(t, "v"))
	case 5:
		p, v = mapi.TypeFloatTime, mapi.FloatTime(rapid.Int16().Draw(t, "v"))
	case 6:
		p, v = mapi.TypeBoolean, rapid.Bool().Draw(t, "v")
	case 7:
		p, v = mapi.TypeInteger64, rapid.Int64().Draw(t, "v")
	case 8:
		p, v = mapi.TypeTime, mapi.FileTime(rapid.Uint64().Draw(t, "v"))
	case 9:
		p, v = mapi.TypeGUID, other
	case 10:
		p, v = mapi.TypeString, text.Draw(t, "v")
	case 11:
		p, v = mapi.TypeString8, mapi.String8(text.Draw(t, "v"))
	case 12:
		p, v = mapi.TypeObject, rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "v")
	case 13:
		p, v = mapi.TypeServerID, []byte{1, 2, 3}
	case 14:
		p, v = 0x84E4, mapi.String8(text.Draw(t, "v"))
	case 15:
		p, v = 0x84B0, text.Draw(t, "v")
	case 16:
		p, v = 0x84B1, mapi.String8("\x00a")
	case 17:
		p, v = mapi.TypeMultiInteger32, rapid.SliceOfN(rapid.Int32(), 0, 4).Draw(t, "v")
	case 18:
		p, v = mapi.TypeMultiString, rapid.SliceOfN(text, 0, 4).Draw(t, "v")
	case 19:
		p, v = mapi.TypeMultiBinary, rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 5), 0, 4).Draw(t, "v")
	case 20:
		p, v = mapi.TypeMultiTime, []mapi.FileTime{1, mapi.FileTime(rapid.Uint64().Draw(t, "v"))}
	default:
		p, v = mapi.TypeBinary, rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "v")
	}
	out := mapi.Property{Tag: mapi.NewTag(id, p), Value: v}
	switch rapid.IntRange(0, 4).Draw(t, "name") {
	case 0:
		out.Tag, out.Name = mapi.NewTag(0x8000|id, p), mapi.LIDName(other, uint32(id))
	case 1:
		out.Tag, out.Name = mapi.NewTag(0x8000|id, p), mapi.StringName(other, fmt.Sprintf("name %d", id))
	}
	return out
}

func drawBag(t *rapid.T, first ...mapi.Property) mapi.PropertyBag {
	out := mapi.PropertyBag(first)
	for i := range rapid.IntRange(0, 6).Draw(t, "properties") {
		out = append(out, drawProperty(t, uint16(0x1000+i)))
	}
	return out
}

func drawMessage(t *rapid.T, depth int) mapi.Message {
	m := mapi.Message{Properties: drawBag(t)}
	for i := range rapid.IntRange(0, 2).Draw(t, "recipients") {
		m.Recipients = append(m.Recipients, mapi.NewRecipient(drawBag(t, prop(mapi.PidTagRowid, int32(i)), prop(mapi.PidTagRecipientType, int32(1)))))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "attachments") {
		a := mapi.Attachment{Number: uint32(i), Properties: drawBag(t, prop(mapi.PidTagAttachNumber, int32(i)))}
		if depth > 0 && rapid.Bool().Draw(t, "embedded") {
			inner := drawMessage(t, depth-1)
			a.Embedded = &inner
		}
		m.Attachments = append(m.Attachments, a)
	}
	return m
}

// parts marks what the message could have come with; embedded marks only where there
// is an embedded message to carry them.
func parts(t *rapid.T, m mapi.Message) Parts {
	p := Parts(rapid.IntRange(0, 15).Draw(t, "parts"))
	if !slices.ContainsFunc(m.Attachments, func(a mapi.Attachment) bool { return a.Embedded != nil }) {
		p &= PartRecipients | PartAttachments
	}
	return p
}

func TestRandomMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t, 2)
		p := parts(t, m)
		root := rapid.SampledFrom([]Root{RootContentsSync, RootMessageList, RootMessageContent}).Draw(t, "root")
		elements := map[Root][]Element{
			RootContentsSync:   {&MessageChange{Header: header(1), Message: m, Parts: p}, state()},
			RootMessageList:    {&MessageContent{FAI: true, Message: m, Parts: p}},
			RootMessageContent: {&MessageContent{Message: m, Parts: p}},
		}[root]
		if got := transfer(t, root, elements); !cmp.Equal(elements, got, withoutWire) {
			t.Fatalf("root %d (-want +got):\n%s", root, cmp.Diff(elements, got, withoutWire))
		}
	})
}

func TestStringsWithoutTerminator(t *testing.T) {
	p := raw(t, []byte{0x1F, 0, 0x37, 0, 2, 0, 0, 0, 'a', 0}, []byte{0x1E, 0, 0x1A, 0, 1, 0, 0, 0, 'b'},
		[]byte{0x1F, 0, 0x3D, 0, 0, 0, 0, 0}, []byte{0x1F, 0, 0x70, 0, 4, 0, 0, 0, 'c', 0, 0, 0})
	got, err := decodeAll(bytes.NewReader(p), RootMessageContent, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := mapi.PropertyBag{prop(mapi.PidTagSubject, "a"), prop(mapi.PidTagMessageClass.WithType(mapi.TypeString8), mapi.String8("b")),
		prop(mapi.PidTagSubjectPrefix, ""), prop(mapi.PidTagConversationTopic, "c")}
	if d := cmp.Diff(want, got[0].(*MessageContent).Message.Properties); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRepeatedProperty(t *testing.T) {
	name := mapi.LIDName(other, 1)
	p := raw(t, prop(mapi.PidTagSubject, "a"), mapi.Property{Tag: 0x80010003, Name: name, Value: int32(1)}, prop(mapi.PidTagImportance, int32(1)),
		prop(mapi.PidTagSubject, "b"), mapi.Property{Tag: 0x80020003, Name: name, Value: int32(2)})
	got, err := decodeAll(bytes.NewReader(p), RootMessageContent, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := mapi.PropertyBag{prop(mapi.PidTagSubject, "b"), {Tag: 0x80020003, Name: name, Value: int32(2)}, prop(mapi.PidTagImportance, int32(1))}
	if d := cmp.Diff(want, got[0].(*MessageContent).Message.Properties); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestErrorInfoInterrupts(t *testing.T) {
	info := func(n mapi.GlobCnt) []byte {
		e := &ErrorInfo{Code: mapi.EcCorruptData}
		if n > 0 {
			e.Message = ltid(n)
		}
		return raw(t, FXErrorInfo, prop(tagStructure, e.bytes()))
	}
	full := raw(t, IncrSyncChg, header(1), IncrSyncMessage, prop(mapi.PidTagSubject, "a"))
	for _, c := range []struct {
		name   string
		before []byte
		error  mapi.GlobCnt
		want   string // kinds of the elements
		inside string // kind of what was interrupted
	}{
		{"before anything", nil, 1, "ErrorInfo", ""},
		{"in a header", raw(t, IncrSyncChg, header(1)[:2]), 1, "ErrorInfo", "MessageChange"},
		{"before the body", raw(t, IncrSyncChg, header(1)), 1, "ErrorInfo", "MessageChange"},
		{"in the properties of the message", full, 1, "ErrorInfo", "MessageChange"},
		{"behind a message, about nothing", full, 0, "ErrorInfo", "MessageChange"},
		{"behind a message, about another", full, 2, "MessageChange ErrorInfo", ""},
		{"in a recipient, about another", raw(t, full, StartRecip, prop(mapi.PidTagRowid, int32(1))), 2, "ErrorInfo", "MessageChange"},
		{"behind a recipient, about another", raw(t, full, StartRecip, prop(mapi.PidTagRowid, int32(1)), EndToRecip), 2, "MessageChange ErrorInfo", ""},
		{"behind an attachment", raw(t, full, NewAttach, prop(mapi.PidTagAttachNumber, int32(1)), EndAttach), 1, "ErrorInfo", "MessageChange"},
		{"in an embedded message", raw(t, full, NewAttach, prop(mapi.PidTagAttachNumber, int32(1)), StartEmbed), 1, "ErrorInfo", "MessageChange"},
		{"in a partial change", raw(t, IncrSyncChgPartial, header(1), prop(mapi.MetaTagIncrementalSyncMessagePartial, int32(0)), prop(mapi.PidTagSubject, "a")), 1, "ErrorInfo", "MessageChange"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := raw(t, c.before, info(c.error), full, stateTokens(t))
			got, err := decodeAll(bytes.NewReader(p), RootContentsSync, nil)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, el := range got {
				kinds = append(kinds, kind(el))
				if e, ok := el.(*ErrorInfo); ok {
					if e.Code != mapi.EcCorruptData || kind(e.Interrupted) != c.inside {
						t.Errorf("%v in a %T", e.Code, e.Interrupted)
					}
					if m, ok := e.Interrupted.(*MessageChange); ok && m.SourceKey() != ltid(1).SourceKey() {
						t.Errorf("interrupted %v", m.Header)
					}
				}
			}
			if got, want := strings.Join(kinds, " "), c.want+" MessageChange State"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func kind(el Element) string {
	if el == nil {
		return ""
	}
	return fmt.Sprintf("%T", el)[len("*fxics."):]
}

func TestErrorInfoInLists(t *testing.T) {
	info := raw(t, FXErrorInfo, prop(tagStructure, (&ErrorInfo{Code: mapi.EcNotFound}).bytes()))
	subject := prop(mapi.PidTagSubject, "a")
	for _, c := range []struct {
		name string
		root Root
		p    []byte
		want string
	}{
		{"list", RootMessageList, raw(t, StartMessage, subject, info, StartMessage, subject, EndMessage), "ErrorInfo MessageContent"},
		{"folder", RootTopFolder, raw(t, StartTopFld, StartMessage, info, StartMessage, EndMessage, EndFolder), "FolderStart ErrorInfo MessageContent FolderEnd"},
		{"folder's properties", RootTopFolder, raw(t, StartTopFld, info, EndFolder), "ErrorInfo FolderEnd"},
		{"single message", RootMessageContent, raw(t, subject, info), "ErrorInfo"},
		{"single attachment", RootAttachmentContent, raw(t, subject, StartEmbed, info), "ErrorInfo"},
		{"hierarchy", RootHierarchySync, raw(t, IncrSyncChg, prop(mapi.PidTagDisplayName, "x"), info, stateTokens(t)), "ErrorInfo State"},
	} {
		got, err := decodeAll(bytes.NewReader(c.p), c.root, nil)
		var kinds []string
		for _, el := range got {
			kinds = append(kinds, kind(el))
		}
		if s := strings.Join(kinds, " "); err != nil || s != c.want {
			t.Errorf("%s: %s, %v", c.name, s, err)
		}
	}
}

func TestMalformedStreams(t *testing.T) {
	end := stateTokens(t)
	change := raw(t, IncrSyncChg, header(1), IncrSyncMessage)
	for name, c := range map[string]struct {
		root Root
		p    []byte
	}{
		"nothing":                    {RootContentsSync, nil},
		"end without state":          {RootContentsSync, raw(t, IncrSyncEnd)},
		"state without end":          {RootContentsSync, end[:len(end)-4]},
		"folder in contents":         {RootContentsSync, raw(t, StartTopFld, EndFolder, end)},
		"contents in a hierarchy":    {RootHierarchySync, raw(t, change, end)},
		"read states of folders":     {RootHierarchySync, raw(t, IncrSyncRead, end)},
		"changes in a state":         {RootState, raw(t, IncrSyncDel, end)},
		"stray property":             {RootContentsSync, raw(t, prop(mapi.PidTagSubject, "a"), end)},
		"header without a key":       {RootContentsSync, raw(t, IncrSyncChg, header(1)[1:], IncrSyncMessage, end)},
		"header without change key":  {RootContentsSync, raw(t, IncrSyncChg, header(1)[:2], IncrSyncMessage, end)},
		"header without PCL":         {RootContentsSync, raw(t, IncrSyncChg, header(1)[:3], IncrSyncMessage, end)},
		"header with a broken PCL":   {RootContentsSync, raw(t, IncrSyncChg, header(1)[:3], prop(mapi.PidTagPredecessorChangeList, []byte{9}), IncrSyncMessage, end)},
		"no IncrSyncMessage":         {RootContentsSync, raw(t, IncrSyncChg, header(1), end)},
		"recipient without end":      {RootContentsSync, raw(t, change, StartRecip, end)},
		"attachment without end":     {RootContentsSync, raw(t, change, NewAttach, end)},
		"embedded without end":       {RootContentsSync, raw(t, change, NewAttach, StartEmbed, EndAttach, end)},
		"embedded without start":     {RootContentsSync, raw(t, change, NewAttach, EndEmbed, EndAttach, end)},
		"broken deletions":           {RootContentsSync, raw(t, IncrSyncDel, prop(mapi.MetaTagIdsetDeleted, []byte{1, 0, 7}), end)},
		"broken state":               {RootContentsSync, raw(t, IncrSyncStateBegin, prop(mapi.MetaTagCnsetRead, []byte{1}), IncrSyncStateEnd, IncrSyncEnd)},
		"state in a state":           {RootContentsSync, raw(t, IncrSyncStateBegin, IncrSyncStateBegin)},
		"short progress":             {RootContentsSync, raw(t, IncrSyncProgressMode, prop(tagStructure, make([]byte, 31)), end)},
		"progress without FAI":       {RootContentsSync, raw(t, IncrSyncProgressPerMsg, prop(tagNumber, int32(1)), end)},
		"short error":                {RootContentsSync, raw(t, FXErrorInfo, prop(tagStructure, make([]byte, 87)), end)},
		"error with far diagnostics": {RootContentsSync, raw(t, FXErrorInfo, prop(tagStructure, append(make([]byte, 80), 9, 0, 0, 0, 88, 0, 0, 0)), end)},
		"groups that are not there":  {RootContentsSync, raw(t, IncrSyncGroupInfo, prop(tagStructure, []byte{1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255}), end)},
		"message without end":        {RootMessageList, raw(t, StartMessage, prop(mapi.PidTagSubject, "a"))},
		"folder in a message list":   {RootMessageList, raw(t, StartSubFld, EndFolder)},
		"clearing in a message list": {RootMessageList, raw(t, prop(mapi.MetaTagFXDelProp, int32(mapi.PidTagContainerContents)))},
		"no top folder":              {RootTopFolder, nil},
		"message before the folder":  {RootTopFolder, raw(t, StartMessage, EndMessage)},
		"two top folders":            {RootTopFolder, raw(t, StartTopFld, EndFolder, StartTopFld, EndFolder)},
		"folder without end":         {RootTopFolder, raw(t, StartTopFld, StartSubFld, EndFolder)},
		"end without folder":         {RootFolderContent, raw(t, EndFolder)},
		"two messages":               {RootMessageContent, raw(t, prop(mapi.PidTagSubject, "a"), StartMessage)},
		"unknown type":               {RootMessageContent, []byte{0x77, 0, 1, 0, 0, 0, 0, 0}},
		"multi-value of booleans":    {RootMessageContent, []byte{0x0B, 0x10, 1, 0, 0, 0, 0, 0}},
		"name of kind 2":             {RootMessageContent, append([]byte{3, 0, 1, 0x80}, append(make([]byte, 16), 2, 0, 0, 0, 0, 0, 0, 0, 0)...)},
		"endless name":               {RootMessageContent, append([]byte{3, 0, 1, 0x80}, append(make([]byte, 16), bytes.Repeat([]byte{1}, 9000)...)...)},
		"no such root":               {99, nil},
	} {
		got, err := decodeAll(bytes.NewReader(c.p), c.root, nil)
		if err == nil {
			t.Errorf("%s: accepted as %v", name, got)
		}
		var broken *mapi.Protocol
		if c.root != 99 && !errors.As(err, &broken) {
			t.Errorf("%s: %v is no protocol error", name, err)
		}
	}
}

func TestUnknownMetaPropertiesAreTolerated(t *testing.T) {
	strange := prop(0x40550003, int32(1))
	p := raw(t, IncrSyncChg, header(1), strange, IncrSyncMessage, strange, prop(mapi.MetaTagFXDelProp, int32(1)),
		IncrSyncStateBegin, strange, prop(mapi.MetaTagCnsetSeen, []byte{}), IncrSyncStateEnd, IncrSyncEnd)
	got, err := decodeAll(bytes.NewReader(p), RootContentsSync, nil)
	if err != nil || len(got) != 2 || got[0].(*MessageChange).Parts != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	if _, ok := got[1].(*State).Wire.Lookup(strange.Key()); !ok {
		t.Error("a property of the state is lost")
	}
}
