package fxics

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

func TestDepthLimits(t *testing.T) {
	nested := func(n int) []byte {
		return raw(t, bytes.Repeat(raw(t, NewAttach, StartEmbed), n), bytes.Repeat(raw(t, EndEmbed, EndAttach), n))
	}
	folders := func(n int) []byte {
		return raw(t, StartTopFld, bytes.Repeat(raw(t, StartSubFld), n-1), bytes.Repeat(raw(t, EndFolder), n))
	}
	for _, c := range []struct {
		root Root
		p    []byte
		opt  *Options
		ok   bool
	}{
		{RootMessageContent, nested(DefaultMaxDepth), nil, true},
		{RootMessageContent, nested(DefaultMaxDepth + 1), nil, false},
		{RootMessageContent, nested(2), &Options{MaxDepth: 1}, false},
		{RootMessageContent, nested(1_000_000), nil, false},
		{RootTopFolder, folders(DefaultMaxDepth), nil, true},
		{RootTopFolder, folders(DefaultMaxDepth + 1), nil, false},
	} {
		if _, err := decodeAll(bytes.NewReader(c.p), c.root, c.opt); (err == nil) != c.ok {
			t.Errorf("root %d, %d bytes: %v", c.root, len(c.p), err)
		}
	}
}

// A length or count that the stream does not keep costs no memory.
func TestLyingLengths(t *testing.T) {
	for name, p := range map[string][]byte{
		"binary":       {2, 1, 1, 0, 0xFF, 0xFF, 0xFF, 0x3F, 1, 2, 3},
		"string":       {0x1F, 0, 1, 0, 0xFF, 0xFF, 0xFF, 0x3F, 1, 2, 3},
		"multi-value":  {3, 0x10, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4},
		"multi-binary": {2, 0x11, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 4, 9},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := decodeAll(bytes.NewReader(p), RootMessageContent, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
		runtime.ReadMemStats(&after)
		bytesUsed := after.TotalAlloc - before.TotalAlloc
		if bytesUsed > 1<<20 {
			t.Errorf("%s: %d bytes allocated for %d", name, bytesUsed, len(p))
		}
	}
}

func TestMaxValue(t *testing.T) {
	for _, p := range [][]byte{
		raw(t, prop(mapi.PidTagHtml, make([]byte, 101))),
		raw(t, prop(mapi.PidTagSubject, strings.Repeat("x", 50))),
		raw(t, prop(mapi.NewTag(0x1234, mapi.TypeMultiInteger32), make([]int32, 26))),
	} {
		if _, err := decodeAll(bytes.NewReader(p), RootMessageContent, &Options{MaxValue: 104}); err != nil {
			t.Errorf("%d bytes refused: %v", len(p), err)
		}
		if _, err := decodeAll(bytes.NewReader(p), RootMessageContent, &Options{MaxValue: 99}); err == nil {
			t.Errorf("%d bytes accepted", len(p))
		}
	}
}

// memoryBlob is a spilled value.
type memoryBlob struct{ *bytes.Reader }

func TestSpill(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 20_000)
	name := mapi.LIDName(other, 4)
	m := mapi.Message{Properties: mapi.PropertyBag{
		prop(mapi.PidTagHtml, body), prop(mapi.PidTagChangeKey, []byte("short")),
		{Tag: 0x80010102, Name: name, Value: body[:101]}, prop(mapi.PidTagSubject, strings.Repeat("x", 500)),
	}}
	p, err := encodeAll(RootMessageContent, []Element{&MessageContent{Message: m}})
	if err != nil {
		t.Fatal(err)
	}
	var seen []LargeValue
	opt := &Options{SpillOver: 100, Spill: func(v LargeValue, r io.Reader) (mapi.Blob, error) {
		seen = append(seen, v)
		b, err := io.ReadAll(r)
		return memoryBlob{bytes.NewReader(b)}, err
	}}
	got, err := decodeAll(iotest.HalfReader(bytes.NewReader(p)), RootMessageContent, opt)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]LargeValue{{Tag: mapi.PidTagHtml, Size: 200_000}, {Tag: 0x80010102, Name: name, Size: 101}}, seen); d != "" {
		t.Errorf("spilled (-want +got):\n%s", d)
	}
	if html := got[0].(*MessageContent).Message.Properties.Bytes(mapi.PidTagHtml); !bytes.Equal(html, body) {
		t.Errorf("%d bytes of body", len(html))
	}
	if again, err := encodeAll(RootMessageContent, got); err != nil || !bytes.Equal(again, p) {
		t.Errorf("encoded from blobs: %d bytes, %v", len(again), err)
	}
}

func TestSpillFailures(t *testing.T) {
	p := raw(t, prop(mapi.PidTagHtml, make([]byte, 1000)), prop(mapi.PidTagImportance, int32(1)))
	full := errors.New("disk full")
	lazy := &Options{Spill: func(LargeValue, io.Reader) (mapi.Blob, error) { return memoryBlob{bytes.NewReader(nil)}, nil }}
	got, err := decodeAll(bytes.NewReader(p), RootMessageContent, lazy)
	if err != nil || !got[0].(*MessageContent).Message.Properties.Has(mapi.PidTagImportance) {
		t.Errorf("a spill that reads nothing loses its place: %v, %v", got, err)
	}
	failing := &Options{Spill: func(LargeValue, io.Reader) (mapi.Blob, error) { return nil, full }}
	if _, err := decodeAll(bytes.NewReader(p), RootMessageContent, failing); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if _, err := decodeAll(bytes.NewReader(p[:500]), RootMessageContent, lazy); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a value that is cut off: %v", err)
	}
	cut := io.MultiReader(bytes.NewReader(p[:500]), iotest.ErrReader(full))
	var broken *mapi.Protocol
	if _, err := decodeAll(cut, RootMessageContent, lazy); !errors.Is(err, full) || errors.As(err, &broken) {
		t.Errorf("a stream that breaks off: %v", err)
	}
}

func TestReaderErrorsPass(t *testing.T) {
	gone := &mapi.SessionLost{Err: errors.New("gone")}
	p := raw(t, IncrSyncChg, header(1), IncrSyncMessage, prop(mapi.PidTagHtml, make([]byte, 100_000)))
	for _, n := range []int{0, 2, 4, 40, len(p) / 2, len(p)} {
		d := NewDecoder(io.MultiReader(bytes.NewReader(p[:n]), iotest.ErrReader(gone)), RootContentsSync, nil)
		_, err := d.Next()
		var lost *mapi.SessionLost
		var broken *mapi.Protocol
		if !errors.As(err, &lost) || errors.As(err, &broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if _, again := d.Next(); again != err {
			t.Errorf("then %v", again)
		}
	}
}

func TestEncoderRefuses(t *testing.T) {
	change := &MessageChange{Header: header(1)}
	for name, c := range map[string]struct {
		root     Root
		elements []Element
	}{
		"folder in contents":      {RootContentsSync, []Element{&FolderChange{folder("x")}}},
		"message in a hierarchy":  {RootHierarchySync, []Element{change}},
		"change after deletions":  {RootContentsSync, []Element{&Deletions{}, change}},
		"two deletions":           {RootContentsSync, []Element{&Deletions{}, &Deletions{}}},
		"late progress":           {RootContentsSync, []Element{change, &ProgressTotal{}}},
		"change after the state":  {RootContentsSync, []Element{state(), change}},
		"error after the state":   {RootContentsSync, []Element{state(), &ErrorInfo{}}},
		"two states":              {RootContentsSync, []Element{state(), state()}},
		"no state":                {RootContentsSync, []Element{change}},
		"read states of folders":  {RootHierarchySync, []Element{&ReadStateChanges{}}},
		"no message":              {RootMessageContent, nil},
		"two messages":            {RootMessageContent, []Element{&MessageContent{}, &MessageContent{}}},
		"attachment as message":   {RootMessageContent, []Element{&AttachmentContent{}}},
		"top folder in a list":    {RootMessageList, []Element{&FolderStart{Kind: FolderTop}}},
		"message before a folder": {RootTopFolder, []Element{&MessageContent{}}},
		"open folder":             {RootTopFolder, []Element{&FolderStart{Kind: FolderTop}}},
		"second top folder":       {RootTopFolder, []Element{&FolderStart{Kind: FolderTop}, &FolderEnd{}, &FolderStart{Kind: FolderTop}}},
		"end of nothing":          {RootFolderContent, []Element{&FolderStart{Kind: FolderRoot}, &FolderEnd{}}},
		"wrong value":             {RootMessageContent, []Element{&MessageContent{Message: mapi.Message{Properties: mapi.PropertyBag{prop(mapi.PidTagSubject, 1)}}}}},
		"wrong multi-value":       {RootMessageContent, []Element{&MessageContent{Message: mapi.Message{Properties: mapi.PropertyBag{prop(mapi.NewTag(1, mapi.TypeMultiString), "x")}}}}},
		"no such root":            {99, []Element{change}},
	} {
		if p, err := encodeAll(c.root, c.elements); err == nil {
			t.Errorf("%s: encoded as %x", name, p)
		}
	}
	e := NewEncoder(io.Discard, RootState)
	if err := e.Encode(state()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // closing again does nothing
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if e.Encode(state()) == nil {
		t.Error("a closed encoder goes on")
	}
}

// failingWriter fails after some bytes.
type failingWriter struct{ left int }

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestWriteErrorsStick(t *testing.T) {
	for _, n := range []int{0, 10, 200} {
		e := NewEncoder(&failingWriter{n}, RootContentsSync)
		err := e.Encode(&MessageChange{Header: header(1), Message: mapi.Message{Properties: mapi.PropertyBag{prop(mapi.PidTagHtml, memoryBlob{bytes.NewReader(make([]byte, 400))})}}})
		if !errors.Is(err, io.ErrShortWrite) || !errors.Is(e.Encode(state()), io.ErrShortWrite) || !errors.Is(e.Close(), io.ErrShortWrite) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// A connection that is cut is not the fault of the stream, whatever the cut looks like.
func TestCutConnection(t *testing.T) {
	p := raw(t, prop(mapi.PidTagHtml, make([]byte, 1000)))
	cut := io.MultiReader(bytes.NewReader(p[:500]), iotest.ErrReader(&mapi.Unreachable{Err: io.ErrUnexpectedEOF}))
	_, err := decodeAll(cut, RootMessageContent, nil)
	var away *mapi.Unreachable
	var broken *mapi.Protocol
	if !errors.As(err, &away) || errors.As(err, &broken) {
		t.Errorf("%v", err)
	}
}
