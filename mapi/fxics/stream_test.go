package fxics

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// recorded is a stream that a server sent.
type recorded struct {
	name string
	data []byte
}

// recordings returns the streams of testdata whose names match pattern.
func recordings(t testing.TB, pattern string) []recorded {
	t.Helper()
	names, err := filepath.Glob("testdata/streams/" + pattern + ".fxs.gz")
	if err != nil || len(names) == 0 {
		t.Fatalf("no recorded stream %s, %v", pattern, err)
	}
	var out []recorded
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, recorded{strings.TrimSuffix(filepath.Base(name), ".fxs.gz"), data})
	}
	return out
}

func recording(t testing.TB, name string) recorded {
	t.Helper()
	return recordings(t, name)[0]
}

// root finds out which kind of stream it is, without the Decoder.
func (s recorded) root(t testing.TB) Root {
	t.Helper()
	markers := make(map[Marker]bool)
	tags := make(map[mapi.PropertyTag]bool)
	lex := NewLexer(bytes.NewReader(s.data), nil)
	first := Token{}
	for n := 0; ; n++ {
		tok, err := lex.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if n == 0 {
			first = tok
		}
		markers[tok.Marker] = true
		tags[tok.Property.Tag] = true
	}
	switch {
	case first.Marker == StartTopFld:
		return RootTopFolder
	case first.Marker == StartMessage || first.Marker == StartFAIMsg:
		return RootMessageList
	case first.Marker == 0:
		return RootMessageContent
	case markers[IncrSyncMessage] || markers[IncrSyncEnd] && tags[mapi.MetaTagCnsetSeenFAI]:
		return RootContentsSync
	case markers[IncrSyncEnd]:
		return RootHierarchySync
	}
	return RootState
}

func decodeAll(r io.Reader, root Root, opt *Options) ([]Element, error) {
	var out []Element
	d := NewDecoder(r, root, opt)
	for {
		el, err := d.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, el)
	}
}

func encodeAll(root Root, elements []Element) ([]byte, error) {
	var b bytes.Buffer
	e := NewEncoder(&b, root)
	for _, el := range elements {
		if err := e.Encode(el); err != nil {
			return b.Bytes(), err
		}
	}
	err := e.Close()
	return b.Bytes(), err
}

// checkStream decodes a stream in one piece and byte by byte, and encodes it to the
// same bytes.
func checkStream(t *testing.T, s recorded) []Element {
	t.Helper()
	root := s.root(t)
	elements, err := decodeAll(bytes.NewReader(s.data), root, nil)
	if err != nil {
		t.Fatalf("root %d: %v", root, err)
	}
	again, err := encodeAll(root, elements)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, s.data) {
		n := 0
		for n < min(len(again), len(s.data)) && again[n] == s.data[n] {
			n++
		}
		t.Fatalf("encoded again it differs at %d of %d and %d bytes", n, len(s.data), len(again))
	}
	return elements
}

func TestRecordedStreams(t *testing.T) {
	counts := make(map[string]int)
	for _, s := range recordings(t, "*") {
		t.Run(s.name, func(t *testing.T) {
			elements := checkStream(t, s)
			for _, el := range elements {
				counts[fmt.Sprintf("%T", el)[len("*fxics."):]]++
			}
			if len(s.data) > 12_000 {
				return
			}
			slow, err := decodeAll(iotest.OneByteReader(bytes.NewReader(s.data)), s.root(t), nil)
			if d := cmp.Diff(elements, slow, wireForm); err != nil || d != "" {
				t.Errorf("byte by byte it decodes differently: %v\n%s", err, d)
			}
		})
	}
	want := map[string]int{
		"MessageChange": 681, "FolderChange": 174, "State": 61, "Deletions": 10, "ReadStateChanges": 6,
		"ProgressTotal": 1, "ProgressMessage": 41, "MessageContent": 33, "FolderStart": 3, "FolderEnd": 3,
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("elements (-want +got):\n%s", d)
	}
}

// wireForm compares sets by what is in them.
var wireForm = cmp.Options{
	cmp.Comparer(func(a, b idset.ReplSet) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b ICSState) bool { return a.Equal(b) }),
}

// MAILFS_CAPTURES names a folder of recorded traffic: a folder per scenario with
// streams as stream-*.fxs.
func TestCaptures(t *testing.T) {
	dir := os.Getenv("MAILFS_CAPTURES")
	if dir == "" {
		t.Skip("MAILFS_CAPTURES is not set")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*", "stream-*.fxs"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no streams in %s, %v", dir, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(dir, name)
		t.Run(filepath.ToSlash(rel), func(t *testing.T) { checkStream(t, recorded{rel, data}) })
	}
}

func TestRecordedContent(t *testing.T) {
	s := recording(t, "03-alpha-progress")
	elements := checkStream(t, s)
	total, ok := elements[0].(*ProgressTotal)
	if !ok || *total != (ProgressTotal{FAICount: 1, FAISize: 0x2B2, NormalCount: 40, NormalSize: 0x2CC5F}) {
		t.Errorf("first element %v", elements[0])
	}
	if p, ok := elements[1].(*ProgressMessage); !ok || *p != (ProgressMessage{Size: 0x122C}) {
		t.Errorf("second element %v", elements[1])
	}
	m, ok := elements[2].(*MessageChange)
	if !ok {
		t.Fatalf("third element is a %T", elements[2])
	}
	mid, hasMID := m.MID()
	cn, hasCN := m.CN()
	size, hasSize := m.Size()
	if !hasMID || mid != mapi.NewMID(1, 0x1E0028) || !hasCN || cn != mapi.NewCN(1, 0xE6) || !hasSize || size != 0x122C {
		t.Errorf("header %s %s %d", mid, cn, size)
	}
	if id, ok := m.SourceKey().LongTermID(); !ok || id.Counter != mid.Counter() || m.Associated() || m.LastModified() == 0 {
		t.Errorf("source key %s", m.SourceKey())
	}
	x, err := m.ChangeKey().XID()
	if err != nil || !m.PCL().Contains(x) || len(m.PCL()) != 1 {
		t.Errorf("lineage %s, %v, %v", m.ChangeKey(), m.PCL(), err)
	}
	if m.Parts != PartRecipients|PartAttachments || m.Partial != nil {
		t.Errorf("parts %b", m.Parts)
	}
	if got := m.Message.Properties.String(mapi.PidTagSubject); got != "Re: Project Alpha" {
		t.Errorf("subject %q", got)
	}
	if len(m.Message.Recipients) == 0 || m.Message.Recipients[0].Type != mapi.RecipientTo {
		t.Errorf("recipients %v", m.Message.Recipients)
	}
	last, ok := elements[len(elements)-1].(*State)
	if !ok || last.Hierarchy || !last.Given.Contains(mapi.LongTermID{GUID: firstGUID(t, last), Counter: 0x1E0028}) {
		t.Errorf("last element %v", elements[len(elements)-1])
	}
}

func firstGUID(t *testing.T, s *State) mapi.GUID {
	t.Helper()
	if s.Given.IsEmpty() {
		t.Fatal("nothing given")
	}
	return s.Given.Entries()[0].GUID
}

func TestRecordedHierarchy(t *testing.T) {
	elements := checkStream(t, recording(t, "02-ipmsubtree-noforeign"))
	byKey := make(map[mapi.SourceKey]*FolderChange)
	for _, el := range elements {
		f, ok := el.(*FolderChange)
		if !ok {
			continue
		}
		if _, known := byKey[f.ParentSourceKey]; f.ParentSourceKey != "" && !known {
			t.Errorf("%q comes before its parent", f.DisplayName)
		}
		byKey[f.SourceKey] = f
		fid, ok := f.FID()
		if id, isGID := f.SourceKey.LongTermID(); !ok || !isGID || id.Counter != fid.Counter() {
			t.Errorf("%q has id %s and key %s", f.DisplayName, fid, f.SourceKey)
		}
		if _, ok := f.ParentFID(); !ok || len(f.PCL) == 0 || f.ChangeKey == "" || f.LastModified == 0 {
			t.Errorf("%q lacks something: %v", f.DisplayName, f.Properties)
		}
	}
	if len(byKey) != 30 {
		t.Errorf("%d folders, want 30", len(byKey))
	}
	if s, ok := elements[len(elements)-1].(*State); !ok || !s.Hierarchy || s.Given.Count() < 30 {
		t.Errorf("last element %v", elements[len(elements)-1])
	}
}

func TestRecordedNamedProperties(t *testing.T) {
	elements := checkStream(t, recording(t, "11-drafts-named-only"))
	named := 0
	for _, el := range elements {
		if m, ok := el.(*MessageChange); ok {
			for _, p := range m.Message.Properties {
				if p.Tag.Named() != !p.Name.IsZero() {
					t.Errorf("%v", p)
				}
				if p.Tag.Named() {
					named++
				}
			}
		}
	}
	if named == 0 {
		t.Error("no named properties")
	}
}

func TestRecordedEmbedded(t *testing.T) {
	elements := checkStream(t, recording(t, "06-kind-fwdthree"))
	depth := 0
	for m := &elements[0].(*MessageContent).Message; m != nil; depth++ {
		var inner *mapi.Message
		for _, a := range m.Attachments {
			if a.Embedded != nil {
				inner = a.Embedded
				if inner.Properties.String(mapi.PidTagSubject) == "" || a.Properties.Int(mapi.PidTagAttachMethod) != 5 {
					t.Errorf("embedded message %v", inner.Properties)
				}
			}
		}
		m = inner
	}
	if depth != 4 {
		t.Errorf("%d levels, want 4", depth)
	}
}

func TestRecordedPrefixes(t *testing.T) {
	for _, name := range []string{"09-alpha-second", "02-root", "06-kind-fwdwithembedded", "06-copyfolder-beta", "08-2025-state-after"} {
		s := recording(t, name)
		root := s.root(t)
		step := max(len(s.data)/150, 1)
		for n := 0; n < len(s.data); n += step {
			elements, err := decodeAll(bytes.NewReader(s.data[:n]), root, nil)
			if err == nil && root == RootMessageList && len(elements) == 0 && n == 0 {
				continue // an empty list is complete
			}
			var broken *mapi.Protocol
			if !errors.As(err, &broken) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(s.data), err)
			}
		}
		if _, err := decodeAll(bytes.NewReader(append(bytes.Clone(s.data), 3, 0, 0, 0, 7, 0, 0, 0)), root, nil); err == nil {
			t.Errorf("%s: bytes behind the end are accepted", name)
		}
	}
}

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Hex, Extent string
			Decoded         struct {
				Elements []struct {
					Marker, Tag, Prop string
					Length            *int
					Value             any
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			p, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			lex := NewLexer(bytes.NewReader(p), nil)
			for _, want := range v.Decoded.Elements {
				tok, err := lex.Next()
				if err != nil {
					t.Fatal(err)
				}
				if want.Marker != "" {
					if tok.Marker.String() != want.Marker || fmt.Sprintf("0x%08X", uint32(tok.Marker)) != want.Tag {
						t.Errorf("%s, want %s", tok.Marker, want.Marker)
					}
					continue
				}
				got := fmt.Sprintf("0x%08X %s", uint32(tok.Property.Tag), vectorValue(tok.Property.Value))
				value := want.Value
				if m, ok := value.(map[string]any); ok {
					value = m["filetime"]
				}
				if w := fmt.Sprintf("%s %v", want.Prop, value); got != w && want.Value != nil {
					t.Errorf("got %s, want %s", got, w)
				}
			}
			if _, err := lex.Next(); err != io.EOF {
				t.Errorf("left over: %v", err)
			}
			if v.Extent == "complete" {
				checkStream(t, recorded{v.ID, p})
			}
		})
	}
}

// vectorValue prints a value as the collection of vectors does.
func vectorValue(v any) string {
	switch x := v.(type) {
	case []byte:
		return hex.EncodeToString(x)
	case int32:
		return fmt.Sprintf("0x%08X", uint32(x))
	case int64:
		return fmt.Sprintf("0x%016X", uint64(x))
	case mapi.FileTime:
		return fmt.Sprintf("0x%016X", uint64(x))
	}
	return fmt.Sprint(v)
}

func TestDump(t *testing.T) {
	s := recording(t, "06-kind-fwdwithembedded")
	var b strings.Builder
	if err := Dump(&b, bytes.NewReader(s.data)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"StartMessage\n", "\n  PidTagSubject (0x0037001F) = \"", "\n    StartEmbed\n", "\n      PidTagSubject (0x0037001F) = \"", "\nEndMessage\n"} {
		if !strings.Contains("\n"+b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(b.String(), "%!") {
		t.Error("a value has no format")
	}
	if err := Dump(io.Discard, bytes.NewReader(s.data[:len(s.data)-1])); err == nil {
		t.Error("a stream that is cut off is dumped without an error")
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"03-alpha-progress", "06-kind-messagewith500", "02-root"} {
		s := recording(b, name)
		root := s.root(b)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeAll(bytes.NewReader(s.data), root, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	s := recording(b, "03-alpha-progress")
	elements, err := decodeAll(bytes.NewReader(s.data), s.root(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(s.data)))
	b.ReportAllocs()
	for b.Loop() {
		e := NewEncoder(io.Discard, RootContentsSync)
		for _, el := range elements {
			if err := e.Encode(el); err != nil {
				b.Fatal(err)
			}
		}
	}
}
