package mapihttp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReadStream(t *testing.T) {
	vs := vectors(t)
	spec := string(unhex(t, vs["MS-OXCMAPIHTTP_4.2"].Hex))         // a chunk: size, PROCESSING
	keep := string(unhex(t, vs["MS-OXCMAPIHTTP_4.2_pending"].Hex)) // a chunk: size, PENDING
	chunk := func(s string) string {
		_, s, _ = strings.Cut(s, "\r\n")
		return strings.TrimSuffix(s, "\r\n")
	}
	for name, tc := range map[string]struct {
		in   string
		want Stream
	}{
		"the specification's example": {
			chunk(spec) + chunk(keep) + chunk(keep) + "DONE\r\nX-ResponseCode: 0\r\nX-ElapsedTime: 2000\r\n\r\nbody",
			Stream{[]MetaTag{TagProcessing, TagPending, TagPending, TagDone}, []Field{{"X-ResponseCode", "0"}, {"X-ElapsedTime", "2000"}}, []byte("body")},
		},
		"no additional headers": {
			"PROCESSING\r\nDONE\r\n\r\n",
			Stream{[]MetaTag{TagProcessing, TagDone}, nil, []byte{}},
		},
		"line feeds only": {
			"PROCESSING\nPENDING\nDONE\nA:b\n\n\x00\r\n\r\n",
			Stream{[]MetaTag{TagProcessing, TagPending, TagDone}, []Field{{"A", "b"}}, []byte("\x00\r\n\r\n")},
		},
		"PENDING without a line end": {
			"PROCESSING\r\nPENDINGPENDINGPROCESSING\r\nDONE\r\n\r\nPENDING",
			Stream{[]MetaTag{TagProcessing, TagPending, TagPending, TagProcessing, TagDone}, nil, []byte("PENDING")},
		},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"at once":      func(r io.Reader) io.Reader { return r },
			"byte by byte": iotest.OneByteReader,
		} {
			got, err := ReadStream(wrap(strings.NewReader(tc.in)), 100, nil)
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			} else if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s, %s: %s", name, how, diff)
			}
		}
	}
}

func TestReadStreamRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want error // nil means any
	}{
		"empty":                    {"", io.ErrUnexpectedEOF},
		"cut in a tag":             {"PROCESS", io.ErrUnexpectedEOF},
		"cut before DONE":          {"PROCESSING\r\nPENDING\r\n", io.ErrUnexpectedEOF},
		"cut in the headers":       {"PROCESSING\r\nDONE\r\nX-Elap", io.ErrUnexpectedEOF},
		"cut before the body":      {"PROCESSING\r\nDONE\r\nA: b\r\n", io.ErrUnexpectedEOF},
		"no tag":                   {"<html></html>", errMetaTag},
		"wrong tag":                {"PROCESSED!\r\n", errMetaTag},
		"no line end":              {"PROCESSING DONE\r\n\r\n", nil},
		"header without a colon":   {"DONE\r\nnonsense\r\n\r\n", nil},
		"header line too long":     {"DONE\r\nA: " + strings.Repeat("x", 5000) + "\r\n\r\n", errStreamHead},
		"headers too long":         {"DONE\r\n" + strings.Repeat("A: b\r\n", 4000) + "\r\n", errStreamHead},
		"body larger than a limit": {"DONE\r\n\r\n" + strings.Repeat("x", 101), errBodyLimit},
	} {
		_, err := ReadStream(strings.NewReader(tc.in), 100, nil)
		if err == nil || (tc.want != nil && !errors.Is(err, tc.want)) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
	}
}

// TestManyPending checks that hours of keep-alives are counted and not stored.
func TestManyPending(t *testing.T) {
	n := 0
	s, err := ReadStream(strings.NewReader(strings.Repeat("PENDING\r\n", 10000)+"DONE\r\n\r\n"), 0, func(MetaTag) { n++ })
	if err != nil || n != 10001 || len(s.Tags) != keptTags+1 || s.Tags[keptTags] != TagDone {
		t.Errorf("%d tags told, %d kept, %v", n, len(s.Tags), err)
	}
}

// TestPendingIsSeenAtOnce checks that a tag is told before the next one comes.
func TestPendingIsSeenAtOnce(t *testing.T) {
	r, w := io.Pipe()
	seen := make(chan MetaTag)
	go func() {
		_, err := ReadStream(r, 0, func(tag MetaTag) { seen <- tag })
		r.CloseWithError(err)
		close(seen)
	}()
	for _, tag := range []MetaTag{TagProcessing, TagPending, TagPending} {
		if _, err := io.WriteString(w, string(tag)+"\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got != tag {
			t.Fatalf("saw %q, want %q", got, tag)
		}
	}
	w.Close()
	if tag, ok := <-seen; ok {
		t.Errorf("saw %q after the end", tag)
	}
}

func TestStreamWriterCleansFields(t *testing.T) {
	var b bytes.Buffer
	if err := (StreamWriter{&b}).Done([]Field{{"X-Test", "a\r\n\r\nb"}}, []byte("body")); err != nil {
		t.Fatal(err)
	}
	s, err := ReadStream(&b, 10, nil)
	if v, _ := s.Get("x-test"); err != nil || strings.ContainsAny(v, "\r\n") || string(s.Body) != "body" {
		t.Errorf("read back %+v, %v", s, err)
	}
}

func FuzzReadStream(f *testing.F) {
	f.Add([]byte("PROCESSING\r\nPENDINGPROCESSING\r\nDONE\r\nX-ElapsedTime: 0\r\n\r\nbody"))
	f.Add([]byte("DONE\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ReadStream(bytes.NewReader(in), 1000, nil)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := (StreamWriter{&b}).Done(s.Fields, s.Body); err != nil {
			t.Fatal(err)
		}
		again, err := ReadStream(&b, 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.Body, again.Body); diff != "" {
			t.Fatal(diff)
		}
	})
}
