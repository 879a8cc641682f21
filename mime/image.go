package mime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sort"

	"mailfs/mapi"
)

// Image is a rendered message: its exact bytes, held as text and as references to
// attachment data that is encoded when it is read. It can serve as a mapi.Blob, and
// several goroutines may read it.
type Image struct {
	segments []segment
	ends     []int64 // ends[i] is the offset after segments[i]
}

// segment is a run of output: literal bytes, or a blob as it is or in base64.
type segment struct {
	lit    []byte
	blob   mapi.Blob
	base64 bool
}

// sequence is output under construction.
type sequence []segment

const (
	lineIn  = 57 // input bytes of a full base64 line
	lineOut = 76 // its characters, without the line end
)

func literal[T string | []byte](p T) sequence {
	if len(p) == 0 {
		return nil
	}
	return sequence{{lit: []byte(p)}}
}

func (s segment) size() int64 {
	switch {
	case s.blob == nil:
		return int64(len(s.lit))
	case s.base64:
		return base64Size(s.blob.Size())
	}
	return s.blob.Size()
}

// base64Size is the length of n bytes in lines of 76 characters, with LF between
// the lines and none after the last.
func base64Size(n int64) int64 {
	if n <= 0 {
		return 0
	}
	enc := (n + 2) / 3 * 4
	return enc + (enc-1)/lineOut
}

func newImage(seq sequence) *Image {
	im := &Image{}
	end := int64(0)
	for _, s := range seq {
		n := s.size()
		if n == 0 {
			continue
		}
		end += n
		im.segments = append(im.segments, s)
		im.ends = append(im.ends, end)
	}
	return im
}

// Size returns the number of bytes.
func (im *Image) Size() int64 {
	if len(im.ends) == 0 {
		return 0
	}
	return im.ends[len(im.ends)-1]
}

// WriteTo writes all bytes.
func (im *Image) WriteTo(w io.Writer) (int64, error) {
	var done int64
	buf := []byte(nil)
	for _, s := range im.segments {
		if s.blob == nil {
			n, err := w.Write(s.lit)
			done += int64(n)
			if err != nil {
				return done, err
			}
			continue
		}
		if buf == nil {
			buf = make([]byte, 64*1024)
		}
		for off, size := int64(0), s.size(); off < size; {
			p := buf[:min(int64(len(buf)), size-off)]
			if err := s.readAt(p, off); err != nil {
				return done, err
			}
			n, err := w.Write(p)
			done += int64(n)
			if err != nil {
				return done, err
			}
			off += int64(len(p))
		}
	}
	return done, nil
}

// ReadAt reads at an offset, as io.ReaderAt says.
func (im *Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("mime: negative offset")
	}
	done := 0
	for i := sort.Search(len(im.ends), func(i int) bool { return im.ends[i] > off }); i < len(im.segments) && done < len(p); i++ {
		s := im.segments[i]
		in := off + int64(done) - (im.ends[i] - s.size())
		n := int(min(int64(len(p)-done), s.size()-in))
		if err := s.readAt(p[done:done+n], in); err != nil {
			return done, err
		}
		done += n
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// readAt fills p, which lies within the segment.
func (s segment) readAt(p []byte, off int64) error {
	switch {
	case s.blob == nil:
		copy(p, s.lit[off:])
		return nil
	case !s.base64:
		return readBlob(s.blob, p, off)
	}
	for len(p) > 0 {
		line := off / (lineOut + 1)
		lines := min((int64(len(p))+off%(lineOut+1)+lineOut)/(lineOut+1), 1024)
		in := make([]byte, min(lines*lineIn, s.blob.Size()-line*lineIn))
		if err := readBlob(s.blob, in, line*lineIn); err != nil {
			return err
		}
		n := copy(p, encodeLines(in)[off-line*(lineOut+1):])
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// encodeLines returns the base64 lines of in, with LF after every full line.
func encodeLines(in []byte) []byte {
	out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(in))+len(in)/lineIn+1)
	for len(in) > 0 {
		n := min(len(in), lineIn)
		out = base64.StdEncoding.AppendEncode(out, in[:n])
		if n == lineIn {
			out = append(out, '\n')
		}
		in = in[n:]
	}
	return out
}

func readBlob(b mapi.Blob, p []byte, off int64) error {
	n, err := b.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("mime: attachment data at offset %d: %w", off, err)
}

// blobOf returns a []byte or Blob value as a Blob, nil for anything else.
func blobOf(v any) mapi.Blob {
	switch d := v.(type) {
	case []byte:
		return bytes.NewReader(d)
	case mapi.Blob:
		return d
	}
	return nil
}

// contains reports whether the text occurs in a part of the sequence that is not
// base64.
func (q sequence) contains(text []byte) (bool, error) {
	for _, s := range q {
		if s.blob == nil {
			if bytes.Contains(s.lit, text) {
				return true, nil
			}
			continue
		}
		if s.base64 {
			continue
		}
		buf := make([]byte, 64*1024)
		for off, size := int64(0), s.blob.Size(); off < size; off += int64(len(buf) - len(text)) {
			p := buf[:min(int64(len(buf)), size-off)]
			if err := readBlob(s.blob, p, off); err != nil {
				return false, err
			}
			if bytes.Contains(p, text) {
				return true, nil
			}
		}
	}
	return false, nil
}
