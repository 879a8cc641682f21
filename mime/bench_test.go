package mime

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"mailfs/mapi"
)

// benchMessages are all recorded messages with their rendered size.
func benchMessages(b *testing.B) ([]*mapi.Message, int64) {
	b.Helper()
	var list []*mapi.Message
	total := int64(0)
	for _, m := range recordedByID(b) {
		n, err := Renderer{}.Size(m)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, m)
		total += n
	}
	return list, total
}

// perSecond tells how many messages a second there were, n in each round.
func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkRender(b *testing.B) {
	list, total := benchMessages(b)
	b.SetBytes(total)
	defer perSecond(b, len(list))
	for b.Loop() {
		for _, m := range list {
			if err := (Renderer{}).Render(io.Discard, m); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkSize(b *testing.B) {
	list, total := benchMessages(b)
	b.SetBytes(total)
	defer perSecond(b, len(list))
	for b.Loop() {
		for _, m := range list {
			if _, err := (Renderer{}).Size(m); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	list := originals(b)
	total := 0
	for _, o := range list {
		total += len(o.data)
	}
	b.SetBytes(int64(total))
	defer perSecond(b, len(list))
	for b.Loop() {
		for _, o := range list {
			m, err := Parse(bytes.NewReader(o.data), Options{})
			var partly *UnsupportedError
			if err != nil && (m == nil || !errors.As(err, &partly)) {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSeal makes the skeletons of files, which saving them takes besides Parse.
func BenchmarkSeal(b *testing.B) {
	list := originals(b)
	var parsed []*mapi.Message
	total := 0
	for _, o := range list {
		m, _ := Parse(bytes.NewReader(o.data), Options{})
		parsed = append(parsed, m)
		total += len(o.data)
	}
	b.SetBytes(int64(total))
	defer perSecond(b, len(list))
	for b.Loop() {
		for i, o := range list {
			if err := Seal(ExtMessage, parsed[i], bytes.NewReader(o.data), int64(len(o.data))); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkOpenSealed gives the very bytes of files back.
func BenchmarkOpenSealed(b *testing.B) {
	list := originals(b)
	var parsed []*mapi.Message
	total := 0
	for _, o := range list {
		m, _ := Parse(bytes.NewReader(o.data), Options{})
		if err := Seal(ExtMessage, m, bytes.NewReader(o.data), int64(len(o.data))); err != nil {
			b.Fatal(err)
		}
		parsed = append(parsed, m)
		total += len(o.data)
	}
	b.SetBytes(int64(total))
	defer perSecond(b, len(list))
	for b.Loop() {
		for _, m := range parsed {
			im, err := Renderer{}.OpenFile(m)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := im.WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkRenderAttachment is one message with 64 MiB.
func BenchmarkRenderAttachment(b *testing.B) {
	m := noteWith("x", zeros(64<<20))
	n, err := Renderer{}.Size(m)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(n)
	for b.Loop() {
		if err := (Renderer{}).Render(io.Discard, m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseAttachment reads that message, its data going nowhere.
func BenchmarkParseAttachment(b *testing.B) {
	var in bytes.Buffer
	if err := (Renderer{}).Render(&in, noteWith("x", zeros(64<<20))); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(in.Len()))
	for b.Loop() {
		if _, err := Parse(bytes.NewReader(in.Bytes()), Options{Store: discard}); err != nil {
			b.Fatal(err)
		}
	}
}
