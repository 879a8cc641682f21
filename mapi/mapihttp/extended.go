package mapihttp

import (
	"errors"
	"fmt"

	"mailfs/mapi/wire"
)

// ExtFlags are the Flags of an RPC_HEADER_EXT ([MS-OXCRPC] 2.2.2.1).
type ExtFlags uint16

// The flags of an extended buffer.
const (
	ExtCompressed ExtFlags = 0x0001
	ExtXorMagic   ExtFlags = 0x0002
	ExtLast       ExtFlags = 0x0004
)

const (
	// ExtHeaderSize is the size of an RPC_HEADER_EXT in bytes.
	ExtHeaderSize = 8
	// MaxPayload is the largest payload of one extended buffer ([MS-OXCRPC] 3.1.4.1.1).
	MaxPayload = 0x8000
	// MaxChained is the largest number of extended buffers in one answer
	// ([MS-OXCRPC] 3.1.4.2.1.2.2).
	MaxChained = 96

	xorMagic = 0xA5 // [MS-OXCRPC] 3.1.4.1.1.3
)

// ErrTooLarge says that a payload is larger than MaxPayload.
var ErrTooLarge = errors.New("payload larger than 32 KiB")

// ExtendedBuffer is one payload with the flags that it travelled with.
type ExtendedBuffer struct {
	Flags   ExtFlags
	Payload []byte // plain: neither compressed nor obfuscated
}

// AppendExtended appends payload to dst as one extended buffer. ExtCompressed is a
// wish, dropped when compression gains nothing.
func AppendExtended(dst, payload []byte, flags ExtFlags) ([]byte, error) {
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(payload))
	}
	data := payload
	if flags&ExtCompressed != 0 {
		if c := compressDirect2(payload); len(c) < len(payload) {
			data = c
		} else {
			flags &^= ExtCompressed
		}
	}
	b := wire.Builder{}
	b.Uint16(0) // Version
	b.Uint16(uint16(flags))
	b.Uint16(uint16(len(data)))
	b.Uint16(uint16(len(payload)))
	dst = append(dst, b.Bytes()...)
	start := len(dst)
	dst = append(dst, data...)
	if flags&ExtXorMagic != 0 {
		xorInPlace(dst[start:])
	}
	return dst, nil
}

// JoinExtended puts each payload into an extended buffer with the given flags, the
// final one with ExtLast.
func JoinExtended(payloads [][]byte, flags ExtFlags) ([]byte, error) {
	size := 0
	for _, p := range payloads {
		size += ExtHeaderSize + len(p)
	}
	out := make([]byte, 0, size)
	for i, p := range payloads {
		f := flags &^ ExtLast
		if i == len(payloads)-1 {
			f |= ExtLast
		}
		var err error
		if out, err = AppendExtended(out, p, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SplitExtended takes a sequence of extended buffers apart and undoes obfuscation
// and compression, in this order. Empty data holds no buffer. More than limit
// buffers, a missing ExtLast, or bytes after it are errors. Payloads may share
// memory with data.
func SplitExtended(data []byte, limit int) ([]ExtendedBuffer, error) {
	var out []ExtendedBuffer
	for r := wire.NewReader(data); r.Len() > 0; {
		if len(out) > 0 && out[len(out)-1].Flags&ExtLast != 0 {
			return nil, fmt.Errorf("extended buffer: %d bytes after the last one", r.Len())
		}
		if len(out) == limit {
			return nil, fmt.Errorf("extended buffer: more than %d in one body", limit)
		}
		b, err := readExtended(r)
		if err != nil {
			return nil, fmt.Errorf("extended buffer %d: %w", len(out), err)
		}
		out = append(out, b)
	}
	if n := len(out); n > 0 && out[n-1].Flags&ExtLast == 0 {
		return nil, errors.New("extended buffer: the last one is missing")
	}
	return out, nil
}

func readExtended(r *wire.Reader) (ExtendedBuffer, error) {
	version := r.Uint16()
	flags := ExtFlags(r.Uint16())
	size, actual := int(r.Uint16()), int(r.Uint16())
	payload := r.Take(size)
	switch {
	case r.Err() != nil:
		return ExtendedBuffer{}, r.Err()
	case version != 0:
		return ExtendedBuffer{}, fmt.Errorf("version %d", version)
	case flags&ExtCompressed == 0 && size != actual:
		return ExtendedBuffer{}, fmt.Errorf("sizes %d and %d differ without compression", size, actual)
	}
	if flags&ExtXorMagic != 0 {
		payload = append([]byte(nil), payload...)
		xorInPlace(payload)
	}
	if flags&ExtCompressed != 0 {
		var err error
		if payload, err = decompressDirect2(payload, actual); err != nil {
			return ExtendedBuffer{}, err
		}
	}
	return ExtendedBuffer{Flags: flags, Payload: payload}, nil
}

func xorInPlace(p []byte) {
	for i := range p {
		p[i] ^= xorMagic
	}
}
