package mime

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"mailfs/mapi"
	"mailfs/mapi/wire"
	"mailfs/mime/tnef"
)

// A file with a winmail.dat has in base64 what no property has as it is: the stream that properties and attachments were
// taken out of. A skeleton describes it by its packed form, in which bodies and data are references to the message.

// heldValue is what a stream can have in common with the message.
type heldValue struct {
	blob    mapi.Blob
	text    []byte // instead, with LF line ends
	charset string // of the text in the stream
	counted bool   // skeletonDigest counts it
}

const (
	utf16Charset = "utf-16"
	maxUnpacked  = 8 << 20 // bytes of all streams that no value is
)

// hold notes the bodies of a message as streams have them: text with CRLF and a zero behind it.
func (s *sources) hold(plain []byte, charset string, html, rtf any) {
	if len(plain) > maxStreamText {
		plain = nil
	}
	for _, name := range []string{utf16Charset, charsetOf(cpWestern), charset} {
		s.values = append(s.values, heldValue{text: plain, charset: name})
	}
	for _, v := range []any{html, rtf} {
		s.values = append(s.values, heldValue{blob: blobOf(v), counted: true})
	}
}

// holdAttachment notes what streams have of an attachment.
func (s *sources) holdAttachment(bag mapi.PropertyBag) {
	for _, tag := range []mapi.PropertyTag{mapi.PidTagAttachDataBinary, mapi.PidTagAttachDataObject, mapi.PidTagAttachRendering} {
		s.values = append(s.values, heldValue{blob: blobOf(bag.Get(tag)), counted: tag == mapi.PidTagAttachDataBinary})
	}
}

// value returns one that a stream refers to, nil if there is none.
func (s *sources) value(i uint64) mapi.Blob {
	if i >= uint64(len(s.values)) {
		return nil
	}
	v := &s.values[i]
	if v.blob == nil && len(v.text) > 0 && v.charset != "" {
		var raw []byte
		if text := withCRLF(v.text); v.charset == utf16Charset {
			raw = append(wire.AppendUTF16(nil, string(text)), 0, 0)
		} else if raw = encodeCharset(v.charset, text); raw != nil {
			raw = append(raw, 0)
		}
		v.text, v.blob = nil, bytes.NewReader(raw)
	}
	return v.blob
}

// find looks a value of a stream up among those of the message.
func (s *sources) find(value mapi.Blob) (ref uint64, ok bool, err error) {
	if s.held == nil {
		s.held, s.seed = map[uint64]uint64{}, maphash.MakeSeed()
		for i := range s.values {
			blob := s.value(uint64(i))
			if blob == nil || blob.Size() == 0 {
				continue
			}
			h, err := s.hash(blob)
			if err != nil {
				return 0, false, err
			}
			if _, ok := s.held[h]; !ok {
				s.held[h] = uint64(i)
			}
		}
	}
	h, err := s.hash(value)
	if err != nil {
		return 0, false, err
	}
	ref, ok = s.held[h]
	return ref, ok && s.value(ref).Size() == value.Size(), nil
}

func (s *sources) hash(blob mapi.Blob) (uint64, error) {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, err := io.Copy(&h, io.NewSectionReader(blob, 0, blob.Size()))
	return h.Sum64(), err
}

// addStream makes a source of a packed stream. What the digest of the message does not count of it goes to glue.
func (s *sources) addStream(packed []byte, glue io.Writer) error {
	chunks, err := tnef.Unpack(packed, func(ref uint64) (mapi.Blob, error) {
		if blob := s.value(ref); blob != nil {
			return blob, nil
		}
		return nil, fmt.Errorf("%w: value %d", errSkeleton, ref)
	})
	if errors.Is(err, tnef.ErrFormat) {
		err = fmt.Errorf("%w: %w", errSkeleton, err)
	}
	if err != nil {
		return err
	}
	if s.chunks += len(chunks); s.chunks > maxPieces {
		return fmt.Errorf("%w: %d chunks", errSkeleton, s.chunks)
	}
	var seq sequence
	for _, c := range chunks {
		if s.unpacked += len(c.Literal); s.unpacked > maxUnpacked {
			return fmt.Errorf("%w: it unpacks to too much", errSkeleton)
		}
		if c.Blob == nil {
			seq = append(seq, literal(c.Literal)...)
		} else {
			seq = append(seq, segment{blob: c.Blob})
		}
		if err := glueSegment(glue, seq[len(seq)-1], c.Blob != nil && s.values[c.Ref].counted); err != nil {
			return err
		}
	}
	s.streams = append(s.streams, skeletonSource{blob: newImage(seq), counted: true})
	return nil
}

// streamStart is what a stream begins with ([MS-OXTNEF] 2.1.3.1), in base64.
const streamStart = "eJ8+I"

// matchStream looks for a stream in base64 that begins with a line of the file.
func (w *matcher) matchStream(pos int64, line []byte) (p piece, ok bool, err error) {
	if pos < w.tried || len(w.streams) == maxStreams || !bytes.HasPrefix(line, []byte(streamStart)) {
		return p, false, nil
	}
	text, n, err := w.encoded(pos, line)
	if err != nil || n == 0 {
		return p, false, err
	}
	w.tried = pos + n // no line of it is looked at twice
	packed, err := tnef.Pack(text, w.src.find)
	if errors.Is(err, tnef.ErrFormat) || errors.Is(err, errNotBase64) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	err = w.src.addStream(packed, io.Discard)
	if errors.Is(err, errSkeleton) {
		return p, false, nil // it is small, but unpacks to too much
	}
	if err != nil {
		return p, false, err
	}
	p, ok, err = w.matchBase64(pos, line, len(w.src.list)+len(w.src.streams)-1)
	if err != nil || !ok || p.n < n {
		w.src.streams = w.src.streams[:len(w.src.streams)-1]
		return p, false, err
	}
	w.streams = append(w.streams, packed)
	return p, true, nil
}

// encodedText is data in base64 within a file, in lines of the same length.
type encodedText struct {
	file      io.ReaderAt
	off       int64
	line, end int64 // characters of a line, and of its end
	size      int64 // bytes of data
}

var errNotBase64 = errors.New("mime: not base64")

// encoded returns the text that begins with a line, and how long it is in the file, 0 if there is none.
func (w *matcher) encoded(pos int64, first []byte) (text encodedText, n int64, err error) {
	const longest = 64 << 10
	chars := len(bytes.TrimRight(first, "\r\n"))
	if chars%4 != 0 || chars > longest {
		return text, 0, nil
	}
	text = encodedText{file: w.file, off: pos, line: int64(chars), end: int64(len(first) - chars)}
	r := bufio.NewReaderSize(io.NewSectionReader(w.file, pos, w.size-pos), longest+2)
	for {
		l, err := r.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return text, 0, err
		}
		t := bytes.TrimRight(l, "\r\n")
		data := bytes.TrimRight(t, "=")
		if len(t) == 0 || len(t)%4 != 0 || len(t) > chars || len(t)-len(data) > 2 || len(bytes.Trim(data, base64Chars)) > 0 {
			return text, max(0, n-text.end), nil
		}
		text.size += int64(len(data)) * 3 / 4
		if len(data) < chars || err != nil || int64(len(l)-len(t)) != text.end {
			return text, n + int64(len(t)), nil
		}
		n += int64(len(l))
	}
}

// Size returns the number of bytes.
func (t encodedText) Size() int64 { return t.size }

// ReadAt decodes the lines that hold what is asked for.
func (t encodedText) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= t.size {
		return 0, io.EOF
	}
	perLine, full := t.line/4*3, t.line+t.end
	buf := make([]byte, perLine+2) // a last group of three may be read though there is less
	done := 0
	for done < len(p) && off < t.size {
		first := off / perLine
		rows := min((off%perLine+int64(len(p)-done)+perLine-1)/perLine, 512)
		raw := make([]byte, rows*full)
		n, err := t.file.ReadAt(raw, t.off+first*full)
		if err != nil && err != io.EOF {
			return done, err
		}
		for skip := off % perLine; rows > 0 && off < t.size && done < len(p); skip, rows = 0, rows-1 {
			row := raw[:max(0, min(int64(n), t.line))]
			raw, n = raw[min(int64(len(raw)), full):], n-int(full)
			data := min(perLine, t.size-(off-skip))
			row = row[:min(int64(len(row)), (data+2)/3*4)]
			if got, err := base64.StdEncoding.Decode(buf, row); err != nil || int64(got) != data {
				return done, errNotBase64
			}
			k := copy(p[done:], buf[skip:data])
			done, off = done+k, off+int64(k)
		}
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}
