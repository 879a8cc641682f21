package mapihttp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MetaTag is one of the marks at the head of an answer stream ([MS-OXCMAPIHTTP] 2.2.7).
type MetaTag string

// The meta-tags.
const (
	TagProcessing MetaTag = "PROCESSING"
	TagPending    MetaTag = "PENDING"
	TagDone       MetaTag = "DONE"
)

// maxStreamHead bounds the additional headers of one answer, in bytes.
const maxStreamHead = 16 << 10

// Field is one additional header after DONE.
type Field struct{ Name, Value string }

// Stream is a whole answer stream: the inner response stream of [MS-OXCMAPIHTTP]
// 3.1.5.6, with the transfer coding removed.
type Stream struct {
	Tags   []MetaTag // as they came, DONE last; runs of one tag beyond the first few are cut
	Fields []Field   // additional headers, in order
	Body   []byte
}

// Get returns the first additional header of that name; ok is false without one.
func (s Stream) Get(name string) (value string, ok bool) {
	for _, f := range s.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

var (
	errMetaTag    = errors.New("answer does not begin with a meta-tag")
	errStreamHead = errors.New("additional headers too long")
	errBodyLimit  = errors.New("answer too large")
)

// keptTags is how many tags a Stream remembers, so that a server that sends PENDING
// for hours costs no memory.
const keptTags = 64

// ReadStream reads an answer stream to its end. A body of more than limit bytes is
// an error. onTag, if not nil, is called for every meta-tag as it arrives.
func ReadStream(r io.Reader, limit int, onTag func(MetaTag)) (Stream, error) {
	br := bufio.NewReader(r)
	var s Stream
	for {
		tag, err := readTag(br)
		if err != nil {
			return s, err
		}
		if onTag != nil {
			onTag(tag)
		}
		if len(s.Tags) < keptTags || tag == TagDone {
			s.Tags = append(s.Tags, tag)
		}
		if tag == TagDone {
			break
		}
	}
	var err error
	if s.Fields, err = readFields(br); err != nil {
		return s, err
	}
	body, err := io.ReadAll(io.LimitReader(br, int64(limit)+1))
	if err != nil {
		return s, err
	}
	if len(body) > limit {
		return s, fmt.Errorf("%w: more than %d bytes", errBodyLimit, limit)
	}
	s.Body = body
	return s, nil
}

// readTag reads one meta-tag and the line end behind it. It never asks for more
// bytes than the tag has, so that a lone PENDING is seen when it comes.
func readTag(br *bufio.Reader) (MetaTag, error) {
	start, err := br.Peek(2)
	if err != nil {
		return "", cutShort(err)
	}
	for _, tag := range [...]MetaTag{TagProcessing, TagPending, TagDone} {
		if string(start) != string(tag[:2]) {
			continue
		}
		head, err := br.Peek(len(tag))
		if err != nil {
			return "", cutShort(err)
		}
		if string(head) != string(tag) {
			break
		}
		if _, err := br.Discard(len(tag)); err != nil {
			return "", cutShort(err)
		}
		return tag, skipLineEnd(br, tag)
	}
	return "", errMetaTag
}

// skipLineEnd reads CR LF, or LF alone.
// QUIRK gromox 3.10: PENDING comes without a line end, the next tag right behind it.
func skipLineEnd(br *bufio.Reader, tag MetaTag) error {
	c, err := br.ReadByte()
	if err != nil {
		return cutShort(err)
	}
	if c == '\r' {
		if c, err = br.ReadByte(); err != nil {
			return cutShort(err)
		}
	} else if c != '\n' && tag == TagPending {
		return br.UnreadByte()
	}
	if c != '\n' {
		return fmt.Errorf("no line end after %s", tag)
	}
	return nil
}

// readFields reads the additional headers and the empty line that ends them.
func readFields(br *bufio.Reader) ([]Field, error) {
	var fields []Field
	for total := 0; ; {
		line, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, errStreamHead
		}
		if err != nil {
			return nil, cutShort(err)
		}
		if total += len(line); total > maxStreamHead {
			return nil, errStreamHead
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			return fields, nil
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, errors.New("malformed additional header")
		}
		fields = append(fields, Field{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
}

// cutShort turns the end of the input inside the head into an unexpected one.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// StreamWriter writes an answer stream. The caller flushes the HTTP response after
// Processing and Pending, so that they reach the client at once ([MS-OXCMAPIHTTP]
// 3.2.5.2).
type StreamWriter struct{ W io.Writer }

// Processing says that the request was queued.
func (w StreamWriter) Processing() error { return w.tag(TagProcessing) }

// Pending is the keep-alive of a request that takes long.
func (w StreamWriter) Pending() error { return w.tag(TagPending) }

// Done ends the stream with the additional headers and the body. Line ends in
// fields become spaces.
func (w StreamWriter) Done(fields []Field, body []byte) error {
	var b bytes.Buffer
	b.WriteString(string(TagDone) + "\r\n")
	clean := strings.NewReplacer("\r", " ", "\n", " ")
	for _, f := range fields {
		b.WriteString(clean.Replace(f.Name) + ": " + clean.Replace(f.Value) + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	_, err := w.W.Write(b.Bytes())
	return err
}

func (w StreamWriter) tag(t MetaTag) error {
	_, err := io.WriteString(w.W, string(t)+"\r\n")
	return err
}
