package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Builder appends to a growing byte slice. The first failure (a length that does
// not fit its field) sticks and is returned by Finish. The zero Builder is ready.
type Builder struct {
	buf []byte
	err error
}

// Len returns the number of bytes built so far.
func (b *Builder) Len() int { return len(b.buf) }

// Bytes returns what was built so far, shared with the Builder.
func (b *Builder) Bytes() []byte { return b.buf }

// Err returns the first error met.
func (b *Builder) Err() error { return b.err }

// Fail records err unless an earlier error is there already.
func (b *Builder) Fail(err error) {
	if b.err == nil && err != nil {
		b.err = err
	}
}

// Finish returns the bytes, or the first error.
func (b *Builder) Finish() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.buf, nil
}

// Truncate cuts the output back to its first n bytes.
func (b *Builder) Truncate(n int) { b.buf = b.buf[:n] }

// Write appends p; it lets a Builder serve as an io.Writer and never fails.
func (b *Builder) Write(p []byte) (int, error) {
	b.buf = append(b.buf, p...)
	return len(p), nil
}

// Raw appends p.
func (b *Builder) Raw(p []byte) { b.buf = append(b.buf, p...) }

// Uint8 appends one byte.
func (b *Builder) Uint8(v uint8) { b.buf = append(b.buf, v) }

// Bool appends 1 or 0 as one byte.
func (b *Builder) Bool(v bool) {
	if v {
		b.Uint8(1)
		return
	}
	b.Uint8(0)
}

// Uint16 appends two bytes.
func (b *Builder) Uint16(v uint16) { b.buf = binary.LittleEndian.AppendUint16(b.buf, v) }

// Uint32 appends four bytes.
func (b *Builder) Uint32(v uint32) { b.buf = binary.LittleEndian.AppendUint32(b.buf, v) }

// Uint64 appends eight bytes.
func (b *Builder) Uint64(v uint64) { b.buf = binary.LittleEndian.AppendUint64(b.buf, v) }

// Uint48BE appends the low six bytes of v, most significant first.
func (b *Builder) Uint48BE(v uint64) {
	b.buf = binary.BigEndian.AppendUint16(b.buf, uint16(v>>32))
	b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(v))
}

// GUID appends 16 bytes in wire order.
func (b *Builder) GUID(g [16]byte) { b.Raw(g[:]) }

// CString appends s and a terminating zero.
func (b *Builder) CString(s string) {
	b.buf = append(b.buf, s...)
	b.Uint8(0)
}

// WString appends s as UTF-16LE with a terminating zero.
func (b *Builder) WString(s string) {
	b.buf = AppendUTF16(b.buf, s)
	b.Uint16(0)
}

// Counted8 appends what f builds behind a one-byte length in bytes.
func (b *Builder) Counted8(f func()) { b.counted(1, math.MaxUint8, f) }

// Counted16 appends what f builds behind a two-byte length in bytes.
func (b *Builder) Counted16(f func()) { b.counted(2, math.MaxUint16, f) }

// Counted32 appends what f builds behind a four-byte length in bytes.
func (b *Builder) Counted32(f func()) { b.counted(4, math.MaxUint32, f) }

func (b *Builder) counted(width int, limit uint64, f func()) {
	at := len(b.buf)
	b.buf = append(b.buf, make([]byte, width)...)
	f()
	n := uint64(len(b.buf) - at - width)
	if n > limit {
		b.Fail(fmt.Errorf("wire: %d bytes do not fit a %d-byte length", n, width))
		return
	}
	for i := range width {
		b.buf[at+i] = byte(n >> (8 * i))
	}
}
