package fxics

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Writer writes markers and properties ([MS-OXCFXICS] 2.2.4.1). It is what Encoder
// stands on, and serves to write streams that Encoder refuses. Each call writes its
// bytes before it returns.
type Writer struct {
	w   io.Writer
	buf []byte
	err error
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// flush writes what has gathered. Errors stick.
func (w *Writer) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err
}

// Marker writes m.
func (w *Writer) Marker(m Marker) error {
	w.uint32(uint32(m))
	return w.flush()
}

// Property writes p with its name, if its id says that it has one. The value must
// have the Go type of the tag; a Blob is copied in pieces.
func (w *Writer) Property(p mapi.Property) error {
	w.uint32(uint32(p.Tag))
	if p.Tag.ID() >= 0x8000 {
		w.name(p.Name)
	}
	if !w.value(p) && w.err == nil {
		w.err = fmt.Errorf("fxics: a %T is no value of %s", p.Value, p.Tag)
	}
	return w.flush()
}

func (w *Writer) uint16(v uint16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, v) }
func (w *Writer) uint32(v uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, v) }
func (w *Writer) uint64(v uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, v) }

func (w *Writer) name(n mapi.PropertyName) {
	w.buf = append(w.buf, n.Set[:]...)
	w.buf = append(w.buf, byte(n.Kind))
	switch n.Kind {
	case mapi.NameKindLID:
		w.uint32(n.LID)
	case mapi.NameKindString:
		w.buf = wire.AppendUTF16(w.buf, n.Name)
		w.uint16(0)
	default:
		w.err = fmt.Errorf("fxics: property name of kind 0x%02X", uint8(n.Kind))
	}
}

// value reports whether the value has the Go type of the tag.
func (w *Writer) value(p mapi.Property) bool {
	t := p.Tag.Type()
	if p.Tag == mapi.MetaTagIdsetGiven {
		t = mapi.TypeBinary // see Lexer.value
	}
	if cp, ok := t.CodePage(); ok {
		return w.codePageString(cp, p.Value)
	}
	if t.IsMulti() {
		return w.multi(t.Single(), p.Value)
	}
	if b, ok := p.Value.(mapi.Blob); ok && (t == mapi.TypeBinary || t == mapi.TypeObject) {
		w.blob(b)
		return true
	}
	return w.single(t, p.Value)
}

func (w *Writer) blob(b mapi.Blob) {
	n := b.Size()
	if n < 0 || n > math.MaxUint32 {
		w.err = fmt.Errorf("fxics: value of %d bytes does not fit a stream", n)
		return
	}
	w.uint32(uint32(n))
	if w.flush() == nil {
		var copied int64
		if copied, w.err = io.Copy(w.w, io.NewSectionReader(b, 0, n)); w.err == nil && copied != n {
			w.err = fmt.Errorf("fxics: blob of %d bytes ends after %d", n, copied)
		}
	}
}

func (w *Writer) codePageString(cp uint16, v any) bool {
	switch cp {
	case codePageUTF16:
		return w.single(mapi.TypeString, v)
	case codePageUTF16BE:
		s, ok := v.(mapi.String8)
		w.uint32(uint32(len(s) + 2))
		w.buf = append(append(w.buf, s...), 0, 0)
		return ok
	}
	return w.single(mapi.TypeString8, v)
}

func put[T any](v any, f func(T)) bool {
	n, ok := v.(T)
	if ok {
		f(n)
	}
	return ok
}

// single is the reverse of Lexer.single.
func (w *Writer) single(t mapi.PropertyType, v any) bool {
	switch t {
	case mapi.TypeNull:
		return v == nil
	case mapi.TypeInteger16:
		return put(v, func(n int16) { w.uint16(uint16(n)) })
	case mapi.TypeInteger32:
		return put(v, func(n int32) { w.uint32(uint32(n)) })
	case mapi.TypeFloating32:
		return put(v, func(n float32) { w.uint32(math.Float32bits(n)) })
	case mapi.TypeFloating64:
		return put(v, func(n float64) { w.uint64(math.Float64bits(n)) })
	case mapi.TypeCurrency:
		return put(v, func(n mapi.Currency) { w.uint64(uint64(n)) })
	case mapi.TypeFloatTime:
		return put(v, func(n mapi.FloatTime) { w.uint64(math.Float64bits(float64(n))) })
	case mapi.TypeErrorCode:
		return put(v, func(n mapi.ErrorCode) { w.uint32(uint32(n)) })
	case mapi.TypeBoolean:
		return put(v, func(n bool) {
			if n {
				w.uint16(1)
			} else {
				w.uint16(0)
			}
		})
	case mapi.TypeInteger64:
		return put(v, func(n int64) { w.uint64(uint64(n)) })
	case mapi.TypeTime:
		return put(v, func(n mapi.FileTime) { w.uint64(uint64(n)) })
	case mapi.TypeGUID:
		return put(v, func(g mapi.GUID) { w.buf = append(w.buf, g[:]...) })
	case mapi.TypeString:
		return put(v, func(s string) {
			w.counted(func() { w.buf = append(wire.AppendUTF16(w.buf, s), 0, 0) })
		})
	case mapi.TypeString8:
		return put(v, func(s mapi.String8) {
			w.counted(func() { w.buf = append(append(w.buf, s...), 0) })
		})
	case mapi.TypeServerID, mapi.TypeBinary, mapi.TypeObject:
		return put(v, func(p []byte) {
			w.counted(func() { w.buf = append(w.buf, p...) })
		})
	}
	return false
}

// counted appends what f appends behind its length.
func (w *Writer) counted(f func()) {
	at := len(w.buf)
	w.uint32(0)
	f()
	n := len(w.buf) - at - 4
	if uint64(n) > math.MaxUint32 {
		w.err = fmt.Errorf("fxics: value of %d bytes does not fit a stream", n)
		return
	}
	binary.LittleEndian.PutUint32(w.buf[at:], uint32(n))
}

// multi is the reverse of Lexer.multi.
func (w *Writer) multi(t mapi.PropertyType, v any) bool {
	switch t {
	case mapi.TypeInteger16:
		return putAll[int16](w, t, v)
	case mapi.TypeInteger32:
		return putAll[int32](w, t, v)
	case mapi.TypeFloating32:
		return putAll[float32](w, t, v)
	case mapi.TypeFloating64:
		return putAll[float64](w, t, v)
	case mapi.TypeCurrency:
		return putAll[mapi.Currency](w, t, v)
	case mapi.TypeFloatTime:
		return putAll[mapi.FloatTime](w, t, v)
	case mapi.TypeInteger64:
		return putAll[int64](w, t, v)
	case mapi.TypeTime:
		return putAll[mapi.FileTime](w, t, v)
	case mapi.TypeGUID:
		return putAll[mapi.GUID](w, t, v)
	case mapi.TypeString:
		return putAll[string](w, t, v)
	case mapi.TypeString8:
		return putAll[mapi.String8](w, t, v)
	case mapi.TypeBinary:
		return putAll[[]byte](w, t, v)
	}
	return false
}

func putAll[T any](w *Writer, t mapi.PropertyType, v any) bool {
	return put(v, func(list []T) {
		w.uint32(uint32(len(list)))
		for _, one := range list {
			w.single(t, one)
		}
	})
}
