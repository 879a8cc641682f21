package mapihttp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// LZ77 with DIRECT2 encoding ([MS-OXCRPC] 3.1.4.1.1.2). The stream is a sequence of
// 32-bit bitmasks, each followed by up to 32 elements: a literal byte where the mask
// has 0, a match where it has 1, most significant bit first.
const (
	direct2Window   = 8192 // 13 bits of distance ([MS-OXCRPC] 3.1.4.1.1.2.2.3)
	direct2MinMatch = 3
	direct2MaxMatch = 0xFFFF + direct2MinMatch
)

var errDirect2 = errors.New("compressed data is damaged")

// direct2Decoder walks the compressed bytes; nibble holds the unused half of the
// byte that two long matches share ([MS-OXCRPC] 3.1.4.1.1.2.2.4).
type direct2Decoder struct {
	src        []byte
	pos        int
	mask       uint32
	bits       int
	nibble     byte
	haveNibble bool
}

// decompressDirect2 returns exactly size bytes, or an error when src does not hold
// as many. What follows the last element is ignored, as the specification has it.
func decompressDirect2(src []byte, size int) ([]byte, error) {
	// No element yields more than direct2MaxMatch bytes from its two, so that a
	// size beyond that is refused before anything is allocated for it.
	if size > len(src)*direct2MaxMatch {
		return nil, fmt.Errorf("%w: %d bytes can't hold %d", errDirect2, len(src), size)
	}
	out := make([]byte, 0, size)
	d := direct2Decoder{src: src}
	for len(out) < size {
		isMatch, err := d.bit()
		if err != nil {
			return nil, err
		}
		if !isMatch {
			b, err := d.byte()
			if err != nil {
				return nil, err
			}
			out = append(out, b)
			continue
		}
		dist, n, err := d.match()
		if err != nil {
			return nil, err
		}
		if dist > len(out) || n > size-len(out) {
			return nil, fmt.Errorf("%w: match of %d bytes at distance %d, %d of %d bytes written", errDirect2, n, dist, len(out), size)
		}
		// Byte by byte, because a match may overlap what it writes.
		for range n {
			out = append(out, out[len(out)-dist])
		}
	}
	return out, nil
}

func (d *direct2Decoder) take(n int) ([]byte, error) {
	if len(d.src)-d.pos < n {
		return nil, fmt.Errorf("%w: ends at %d bytes", errDirect2, len(d.src))
	}
	d.pos += n
	return d.src[d.pos-n : d.pos], nil
}

func (d *direct2Decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (d *direct2Decoder) bit() (bool, error) {
	if d.bits == 0 {
		b, err := d.take(4)
		if err != nil {
			return false, err
		}
		d.mask, d.bits = binary.LittleEndian.Uint32(b), 32
	}
	d.bits--
	return d.mask>>d.bits&1 == 1, nil
}

// match reads one match: its distance and its length in bytes.
func (d *direct2Decoder) match() (dist, n int, err error) {
	w, err := d.take(2)
	if err != nil {
		return 0, 0, err
	}
	word := binary.LittleEndian.Uint16(w)
	dist, n = int(word>>3)+1, int(word&7)
	if n < 7 {
		return dist, n + direct2MinMatch, nil
	}
	var nib byte
	if d.haveNibble {
		nib, d.haveNibble = d.nibble, false
	} else {
		b, err := d.byte()
		if err != nil {
			return 0, 0, err
		}
		nib, d.nibble, d.haveNibble = b&0xF, b>>4, true
	}
	if nib < 15 {
		return dist, 7 + int(nib) + direct2MinMatch, nil
	}
	b, err := d.byte()
	if err != nil {
		return 0, 0, err
	}
	if b < 255 {
		return dist, 7 + 15 + int(b) + direct2MinMatch, nil
	}
	if w, err = d.take(2); err != nil {
		return 0, 0, err
	}
	return dist, int(binary.LittleEndian.Uint16(w)) + direct2MinMatch, nil
}

// direct2Encoder builds the compressed bytes: maskAt is where the current bitmask
// goes, nibbleAt the shared byte whose upper half is still free, or -1.
type direct2Encoder struct {
	out      []byte
	maskAt   int
	mask     uint32
	bits     int
	nibbleAt int
}

// compressDirect2 returns src compressed. It may be longer than src, in which case
// the caller sends src itself.
func compressDirect2(src []byte) []byte {
	e := direct2Encoder{out: make([]byte, 4, len(src)+len(src)/8+8), nibbleAt: -1}
	const hashBits = 12
	var head [1 << hashBits]int32 // position+1 of the newest string with this hash
	prev := make([]int32, len(src))
	hash := func(i int) uint32 {
		return (uint32(src[i]) | uint32(src[i+1])<<8 | uint32(src[i+2])<<16) * 2654435761 >> (32 - hashBits)
	}
	for i := 0; i < len(src); {
		dist, n := 0, 0
		if i+direct2MinMatch <= len(src) {
			dist, n = longestMatch(src, i, head[hash(i)], prev)
		}
		if n < direct2MinMatch {
			n = 1
			e.literal(src[i])
		} else {
			e.match(dist, n)
		}
		for end := i + n; i < end; i++ {
			if i+direct2MinMatch <= len(src) {
				h := hash(i)
				prev[i], head[h] = head[h], int32(i+1)
			}
		}
	}
	return e.finish()
}

// longestMatch follows the chain of earlier strings for the longest one that starts
// like src[i:]. The chain is cut after a fixed number of steps to bound the time.
func longestMatch(src []byte, i int, candidate int32, prev []int32) (dist, n int) {
	limit := min(len(src)-i, direct2MaxMatch)
	for steps := 48; candidate > 0 && steps > 0 && n < limit; steps-- {
		at := int(candidate) - 1
		if i-at > direct2Window {
			break
		}
		if src[at+n] == src[i+n] {
			l := 0
			for l < limit && src[at+l] == src[i+l] {
				l++
			}
			if l > n {
				dist, n = i-at, l
			}
		}
		candidate = prev[at]
	}
	return dist, n
}

// bit appends one bit to the mask. The room of the next mask is made when the next
// element needs it, in front of the element.
func (e *direct2Encoder) bit(match bool) {
	if e.bits == 32 {
		e.flush()
		e.maskAt = len(e.out)
		e.out = append(e.out, 0, 0, 0, 0)
		e.mask, e.bits = 0, 0
	}
	e.mask <<= 1
	if match {
		e.mask |= 1
	}
	e.bits++
}

func (e *direct2Encoder) flush() { binary.LittleEndian.PutUint32(e.out[e.maskAt:], e.mask) }

func (e *direct2Encoder) literal(b byte) {
	e.bit(false)
	e.out = append(e.out, b)
}

func (e *direct2Encoder) match(dist, n int) {
	e.bit(true)
	n -= direct2MinMatch
	word := uint16(dist-1) << 3
	if n < 7 {
		e.out = binary.LittleEndian.AppendUint16(e.out, word|uint16(n))
		return
	}
	e.out = binary.LittleEndian.AppendUint16(e.out, word|7)
	nib := byte(min(n-7, 15))
	if e.nibbleAt >= 0 {
		e.out[e.nibbleAt] |= nib << 4
		e.nibbleAt = -1
	} else {
		e.nibbleAt = len(e.out)
		e.out = append(e.out, nib)
	}
	switch rest := n - 7 - 15; {
	case rest < 0:
	case rest < 255:
		e.out = append(e.out, byte(rest))
	default:
		e.out = append(e.out, 255)
		e.out = binary.LittleEndian.AppendUint16(e.out, uint16(n))
	}
}

// finish marks the end: a 1 bit after the last element, in a new mask if necessary,
// and 1 bits to the end of that mask.
func (e *direct2Encoder) finish() []byte {
	e.bit(true)
	for e.bits < 32 {
		e.bit(true)
	}
	e.flush()
	return e.out
}
