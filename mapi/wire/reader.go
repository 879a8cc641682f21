package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrShort says that fewer bytes are present than a structure needs.
var ErrShort = errors.New("wire: input too short")

// Reader consumes a byte slice from its front. The first failure sticks: later
// reads return zero values, and Err tells what went wrong. The zero Reader is an
// empty input.
type Reader struct {
	data []byte
	off  int
	err  error
}

// NewReader returns a Reader over data, which it neither copies nor changes.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Err returns the first error met.
func (r *Reader) Err() error { return r.err }

// Fail records err unless an earlier error is there already.
func (r *Reader) Fail(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

// Offset returns the number of bytes consumed.
func (r *Reader) Offset() int { return r.off }

// Len returns the number of bytes left, 0 after an error.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.data) - r.off
}

// Rest consumes and returns all bytes that are left, without copying.
func (r *Reader) Rest() []byte { return r.Take(r.Len()) }

// Peek returns the next n bytes without consuming them, or nil when fewer are left.
func (r *Reader) Peek(n int) []byte {
	if n < 0 || r.Len() < n {
		return nil
	}
	return r.data[r.off : r.off+n : r.off+n]
}

// Take consumes n bytes and returns them without copying.
func (r *Reader) Take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || len(r.data)-r.off < n {
		r.err = fmt.Errorf("%w: %d bytes wanted at offset %d of %d", ErrShort, n, r.off, len(r.data))
		return nil
	}
	b := r.data[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Bytes consumes n bytes and returns a copy, never nil on success.
func (r *Reader) Bytes(n int) []byte {
	b := r.Take(n)
	if r.err != nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// Uint8 consumes one byte.
func (r *Reader) Uint8() uint8 {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool consumes one byte and reports whether it is not zero.
func (r *Reader) Bool() bool { return r.Uint8() != 0 }

// Uint16 consumes two bytes.
func (r *Reader) Uint16() uint16 {
	if b := r.Take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// Uint32 consumes four bytes.
func (r *Reader) Uint32() uint32 {
	if b := r.Take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 consumes eight bytes.
func (r *Reader) Uint64() uint64 {
	if b := r.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Uint48BE consumes six bytes, most significant first, the form of a GLOBCNT
// ([MS-OXCFXICS] 2.2.2.5).
func (r *Reader) Uint48BE() uint64 {
	b := r.Take(6)
	if b == nil {
		return 0
	}
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// GUID consumes 16 bytes in wire order.
func (r *Reader) GUID() (g [16]byte) {
	copy(g[:], r.Take(16))
	return g
}

// Count checks that n elements of at least size bytes each can still be present,
// so that a caller may allocate for n. It fails and returns 0 otherwise.
func (r *Reader) Count(n uint64, size int) int {
	if r.err != nil {
		return 0
	}
	if left := uint64(r.Len()); size > 0 && n > left/uint64(size) {
		r.Fail(fmt.Errorf("%w: %d elements of %d bytes announced, %d bytes left", ErrShort, n, size, left))
		return 0
	}
	return int(n)
}

// CString consumes an 8-bit string up to and including its terminating zero and
// returns the bytes before it.
func (r *Reader) CString() string {
	if r.err != nil {
		return ""
	}
	i := bytes.IndexByte(r.data[r.off:], 0)
	if i < 0 {
		r.Fail(fmt.Errorf("%w: unterminated 8-bit string at offset %d", ErrShort, r.off))
		return ""
	}
	s := string(r.Take(i))
	r.Take(1)
	return s
}

// WString consumes a UTF-16LE string up to and including its terminating zero.
func (r *Reader) WString() string {
	if r.err != nil {
		return ""
	}
	rest := r.data[r.off:]
	for i := 0; i+1 < len(rest); i += 2 {
		if rest[i] == 0 && rest[i+1] == 0 {
			s := DecodeUTF16(rest[:i])
			r.off += i + 2
			return s
		}
	}
	r.Fail(fmt.Errorf("%w: unterminated UTF-16 string at offset %d", ErrShort, r.off))
	return ""
}

// Close fails if bytes are left over, and returns the first error.
func (r *Reader) Close() error {
	if n := r.Len(); n > 0 {
		r.Fail(fmt.Errorf("wire: %d bytes left over at offset %d", n, r.off))
	}
	return r.err
}
