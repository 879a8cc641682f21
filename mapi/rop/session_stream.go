package rop

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mailfs/mapi"
)

const (
	// readStreamSize is how much of a stream is asked for at a time. A server that
	// chains answers sends several payloads for it, others one.
	readStreamSize = 0x30000
	// writeStreamSize is how much goes into one WriteStream.
	writeStreamSize = 0x7000
)

// StreamReader reads a stream object from its position to its end. One goroutine uses
// it.
type StreamReader struct {
	ctx     context.Context
	stream  *Object
	buffers [][]byte
	pending error
}

// NewStreamReader returns a reader of a stream that OpenStream created. ctx bounds all
// its reads. The stream stays the caller's to release.
func NewStreamReader(ctx context.Context, stream *Object) *StreamReader {
	return &StreamReader{ctx: ctx, stream: stream}
}

// Read returns what has arrived, and asks for more when there is nothing.
func (s *StreamReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(s.buffers) == 0 && s.pending == nil {
		if err := s.fetch(); err != nil {
			return 0, err
		}
	}
	if len(s.buffers) == 0 {
		return 0, s.pending
	}
	n := copy(p, s.buffers[0])
	if s.buffers[0] = s.buffers[0][n:]; len(s.buffers[0]) == 0 {
		s.buffers = s.buffers[1:]
	}
	return n, nil
}

func (s *StreamReader) fetch() error {
	b := s.stream.session.NewBatch()
	r := b.Add(s.stream, &ReadStreamRequest{ByteCount: BufferSizeMarker, MaximumByteCount: readStreamSize})
	if err := b.Do(s.ctx); err != nil {
		return err
	}
	p, err := Get[*ReadStreamResponse](r)
	s.take(p, err)
	for _, further := range r.Further() {
		if p, ok := further.(*ReadStreamResponse); ok {
			s.take(p, resultError(p.ROP(), p))
		}
	}
	return nil
}

// take keeps one piece; an empty one is the end ([MS-OXCPRPT] 2.2.15.2).
func (s *StreamReader) take(p *ReadStreamResponse, err error) {
	switch {
	case s.pending != nil:
	case err != nil:
		s.pending = err
	case len(p.Data) == 0:
		s.pending = io.EOF
	default:
		s.buffers = append(s.buffers, p.Data)
	}
}

// StreamWriter writes to a stream object from its position. One goroutine uses it.
type StreamWriter struct {
	ctx    context.Context
	stream *Object
}

// NewStreamWriter returns a writer to a stream that OpenStream created for writing.
// ctx bounds all its writes. The stream stays the caller's to release.
func NewStreamWriter(ctx context.Context, stream *Object) *StreamWriter {
	return &StreamWriter{ctx: ctx, stream: stream}
}

// errShortWrite says that a server took only a part of what was written.
var errShortWrite = errors.New("rop: stream write cut short")

// Write sends p, in pieces. Too large a stream fails with 0x80030070
// (StreamSizeError).
func (s *StreamWriter) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n := min(len(p)-done, writeStreamSize)
		r, err := Do[*WriteStreamResponse](s.ctx, s.stream, &WriteStreamRequest{Data: p[done : done+n]})
		if err != nil {
			return done, err
		}
		written := int(r.WrittenSize)
		if written > n {
			return done, &mapi.Protocol{Err: fmt.Errorf("rop: %d of %d bytes written", written, n)}
		}
		if done += written; written == 0 {
			return done, errShortWrite
		}
	}
	return done, nil
}

// Commit makes what was written part of the object; a message or attachment is yet to
// be saved after it ([MS-OXCPRPT] 2.2.18).
func (s *StreamWriter) Commit() error {
	_, err := Do[*CommitStreamResponse](s.ctx, s.stream, &CommitStreamRequest{})
	return err
}
