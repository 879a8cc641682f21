package fxics

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

const (
	bufferSize   = 16 << 10
	growStep     = 64 << 10 // memory that is committed ahead of the bytes of a value
	maxNameBytes = 4 << 10  // of a string name; Exchange allows 254
)

// codePageUTF16 is the code page of UTF-16 in code page string types, and
// codePageUTF16BE the one of its other byte order.
const (
	codePageUTF16   = 1200
	codePageUTF16BE = 1201
)

// Token is a marker, or a property when Marker is 0.
type Token struct {
	Marker   Marker
	Property mapi.Property
}

// Lexer cuts a stream into markers and properties ([MS-OXCFXICS] 2.2.4.1). It does
// not care where the transfer buffers ended that the stream came in.
type Lexer struct {
	in     *bufio.Reader
	opt    *Options
	offset int64
	err    error
}

// NewLexer returns a Lexer of the stream r. opt may be nil.
func NewLexer(r io.Reader, opt *Options) *Lexer {
	return &Lexer{in: bufio.NewReaderSize(r, bufferSize), opt: opt}
}

// Offset returns the number of bytes consumed.
func (l *Lexer) Offset() int64 { return l.offset }

// Next returns the next token, io.EOF at the end of the stream. After any error it
// keeps returning that error.
func (l *Lexer) Next() (Token, error) {
	if l.err != nil {
		return Token{}, l.err
	}
	if _, err := l.in.Peek(1); err == io.EOF {
		l.err = io.EOF
		return Token{}, io.EOF
	}
	v := l.uint32()
	if l.err == nil && v>>24 == 0x40 && IsMarker(v) {
		return Token{Marker: Marker(v)}, nil
	}
	p := mapi.Property{Tag: mapi.PropertyTag(v)}
	if p.Tag.ID() >= 0x8000 {
		p.Name = l.name()
	}
	p.Value = l.value(p)
	if l.err != nil {
		return Token{}, l.err
	}
	return Token{Property: p}, nil
}

// corrupt records that the stream breaks the rules.
func (l *Lexer) corrupt(format string, args ...any) {
	if l.err == nil {
		l.err = &mapi.Protocol{Err: fmt.Errorf("fxics: offset %d: %w", l.offset, fmt.Errorf(format, args...))}
	}
}

// readFailed records an error of the underlying reader. Its end within an element is
// the fault of the stream.
func (l *Lexer) readFailed(err error) {
	if l.err != nil {
		return
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF { // not what wraps them: a connection that was cut
		l.corrupt("stream ends within an element: %w", io.ErrUnexpectedEOF)
		return
	}
	l.err = fmt.Errorf("fxics: stream broken off at offset %d: %w", l.offset, err)
}

// take consumes n bytes, n being at most bufferSize. The result is valid until the
// next read; it is n zero bytes after a failure.
func (l *Lexer) take(n int) []byte {
	if l.err == nil {
		p, err := l.in.Peek(n)
		if err == nil {
			l.in.Discard(n)
			l.offset += int64(n)
			return p
		}
		l.readFailed(err)
	}
	return make([]byte, n)
}

func (l *Lexer) uint16() uint16 { return binary.LittleEndian.Uint16(l.take(2)) }
func (l *Lexer) uint32() uint32 { return binary.LittleEndian.Uint32(l.take(4)) }
func (l *Lexer) uint64() uint64 { return binary.LittleEndian.Uint64(l.take(8)) }

// length consumes the length of a value in bytes and checks it against the limit.
func (l *Lexer) length() int {
	n := int64(l.uint32())
	if limit := l.opt.maxValue(); n > limit {
		l.corrupt("value of %d bytes, more than %d", n, limit)
	}
	if l.err != nil {
		return 0
	}
	return int(n)
}

// bytes consumes n bytes into new memory, which grows with what arrives.
func (l *Lexer) bytes(n int) []byte {
	if l.err != nil {
		return nil
	}
	out := make([]byte, 0, min(n, growStep))
	for len(out) < n {
		step := min(n-len(out), max(len(out), growStep))
		if free := cap(out) - len(out); free < step {
			bigger := make([]byte, len(out), len(out)+step)
			copy(bigger, out)
			out = bigger
		}
		got, err := io.ReadFull(l.in, out[len(out):len(out)+step])
		l.offset += int64(got)
		out = out[:len(out)+got]
		if err != nil {
			l.readFailed(err)
			return nil
		}
	}
	return out
}

// data consumes a length and that many bytes and hands them to f. Short ones are not
// copied.
func data[T any](l *Lexer, f func([]byte) T) (zero T) {
	n := l.length()
	var p []byte
	if n <= bufferSize {
		p = l.take(n)
	} else {
		p = l.bytes(n)
	}
	if l.err != nil {
		return zero
	}
	return f(p)
}

// name consumes the name of a named property ([MS-OXCFXICS] 2.2.4.1,
// namedPropInfo).
func (l *Lexer) name() mapi.PropertyName {
	var n mapi.PropertyName
	n.Set = mapi.GUID(l.take(16)) // copied before take gives its memory away again
	n.Kind = mapi.NameKind(l.take(1)[0])
	switch n.Kind {
	case mapi.NameKindLID:
		n.LID = l.uint32()
	case mapi.NameKindString:
		var text []byte
		for l.err == nil {
			c := l.take(2)
			if c[0] == 0 && c[1] == 0 {
				break
			}
			if text = append(text, c...); len(text) > maxNameBytes {
				l.corrupt("property name of more than %d bytes", maxNameBytes)
			}
		}
		n.Name = wire.DecodeUTF16(text)
	default:
		l.corrupt("property name of kind 0x%02X", uint8(n.Kind))
	}
	return n
}

// value consumes the value of p, whose tag and name are known.
func (l *Lexer) value(p mapi.Property) any {
	t := p.Tag.Type()
	if p.Tag == mapi.MetaTagIdsetGiven {
		t = mapi.TypeBinary // QUIRK of the format: declared as an integer ([MS-OXCFXICS] 3.1.5.2.1)
	}
	if cp, ok := t.CodePage(); ok {
		return l.codePageString(cp)
	}
	if t.IsMulti() {
		return l.multi(t.Single())
	}
	if t == mapi.TypeBinary || t == mapi.TypeObject {
		return l.binary(p)
	}
	return l.single(t)
}

// codePageString consumes a string in a code page.
func (l *Lexer) codePageString(cp uint16) any {
	switch cp {
	case codePageUTF16:
		return data(l, decodeString)
	case codePageUTF16BE:
		return data(l, func(p []byte) mapi.String8 { return mapi.String8(trimUTF16(p)) })
	}
	return data(l, decodeString8)
}

// single consumes a value of a type that has one value and is never spilled
// ([MS-OXCFXICS] 2.2.4.1.1, [MS-OXCDATA] 2.11.1). A Boolean has two bytes here.
func (l *Lexer) single(t mapi.PropertyType) any {
	switch t {
	case mapi.TypeNull:
		return nil
	case mapi.TypeInteger16:
		return int16(l.uint16())
	case mapi.TypeInteger32:
		return int32(l.uint32())
	case mapi.TypeFloating32:
		return math.Float32frombits(l.uint32())
	case mapi.TypeFloating64:
		return math.Float64frombits(l.uint64())
	case mapi.TypeCurrency:
		return mapi.Currency(l.uint64())
	case mapi.TypeFloatTime:
		return mapi.FloatTime(math.Float64frombits(l.uint64()))
	case mapi.TypeErrorCode:
		return mapi.ErrorCode(l.uint32())
	case mapi.TypeBoolean:
		return l.uint16() != 0
	case mapi.TypeInteger64:
		return int64(l.uint64())
	case mapi.TypeTime:
		return mapi.FileTime(l.uint64())
	case mapi.TypeGUID:
		return mapi.GUID(l.take(16))
	case mapi.TypeString:
		return data(l, decodeString)
	case mapi.TypeString8:
		return data(l, decodeString8)
	case mapi.TypeServerID, mapi.TypeBinary:
		return l.bytes(l.length())
	}
	l.corrupt("property type 0x%04X has no form in a stream", uint16(t))
	return nil
}

// binary consumes a value that may be spilled.
func (l *Lexer) binary(p mapi.Property) any {
	n := l.length()
	if l.err != nil {
		return nil
	}
	if l.opt == nil || l.opt.Spill == nil || int64(n) <= l.opt.SpillOver {
		return l.bytes(n)
	}
	body := &io.LimitedReader{R: l.in, N: int64(n)}
	track := &errorReader{r: body}
	blob, err := l.opt.Spill(LargeValue{Tag: p.Tag, Name: p.Name, Size: int64(n)}, track)
	if err == nil {
		_, err = io.Copy(io.Discard, track)
	}
	l.offset += int64(n) - body.N
	switch {
	case track.err != nil:
		l.readFailed(track.err)
	case err != nil:
		l.err = fmt.Errorf("fxics: storing a value of %d bytes: %w", n, err)
	case body.N > 0:
		l.readFailed(io.ErrUnexpectedEOF)
	}
	if l.err != nil {
		return nil
	}
	return blob
}

// errorReader remembers the error of the stream, so that it can be told apart from
// an error of Options.Spill.
type errorReader struct {
	r   io.Reader
	err error
}

func (e *errorReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && err != io.EOF {
		e.err = err
	}
	return n, err
}

// multi consumes a multi-value: a count and the values.
func (l *Lexer) multi(t mapi.PropertyType) any {
	switch t {
	case mapi.TypeInteger16:
		return multiOf[int16](l, t)
	case mapi.TypeInteger32:
		return multiOf[int32](l, t)
	case mapi.TypeFloating32:
		return multiOf[float32](l, t)
	case mapi.TypeFloating64:
		return multiOf[float64](l, t)
	case mapi.TypeCurrency:
		return multiOf[mapi.Currency](l, t)
	case mapi.TypeFloatTime:
		return multiOf[mapi.FloatTime](l, t)
	case mapi.TypeInteger64:
		return multiOf[int64](l, t)
	case mapi.TypeTime:
		return multiOf[mapi.FileTime](l, t)
	case mapi.TypeGUID:
		return multiOf[mapi.GUID](l, t)
	case mapi.TypeString:
		return multiOf[string](l, t)
	case mapi.TypeString8:
		return multiOf[mapi.String8](l, t)
	case mapi.TypeBinary:
		return multiOf[[]byte](l, t)
	}
	l.corrupt("property type 0x%04X has no form in a stream", uint16(t|mapi.MultiFlag))
	return nil
}

// multiOf consumes the values one by one: the count is not trusted with memory.
func multiOf[T any](l *Lexer, t mapi.PropertyType) []T {
	count, start := l.uint32(), l.offset
	out := make([]T, 0, min(count, 64))
	for range count {
		v, _ := l.single(t).(T)
		if limit := l.opt.maxValue(); l.offset-start > limit {
			l.corrupt("multi-value of more than %d bytes", limit)
		}
		if l.err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// decodeString turns UTF-16 with or without its terminating zero into a string.
func decodeString(p []byte) string { return wire.DecodeUTF16(trimUTF16(p)) }

func trimUTF16(p []byte) []byte {
	if n := len(p); n >= 2 && n%2 == 0 && p[n-2] == 0 && p[n-1] == 0 {
		return p[:n-2]
	}
	return p
}

// decodeString8 copies 8-bit text without its terminating zero, if it has one.
func decodeString8(p []byte) mapi.String8 {
	if n := len(p); n > 0 && p[n-1] == 0 {
		p = p[:n-1]
	}
	return mapi.String8(p)
}
