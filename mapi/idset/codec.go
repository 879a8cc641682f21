package idset

import (
	"encoding/binary"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// The commands of an encoded GLOBSET ([MS-OXCFXICS] 2.2.2.6); 0x01 to 0x06 push
// that many bytes.
const (
	cmdEnd     = 0x00
	cmdBitmask = 0x42
	cmdPop     = 0x50
	cmdRange   = 0x52
)

// counterSize is the number of bytes of a GLOBCNT.
const counterSize = 6

func counterBytes(c mapi.GlobCnt) (p [counterSize]byte) {
	binary.BigEndian.PutUint16(p[:], uint16(c>>32))
	binary.BigEndian.PutUint32(p[2:], uint32(c))
	return p
}

func counterOf(p [counterSize]byte) mapi.GlobCnt {
	return mapi.GlobCnt(binary.BigEndian.Uint16(p[:]))<<32 | mapi.GlobCnt(binary.BigEndian.Uint32(p[2:]))
}

// stack is the common byte stack of the encoding ([MS-OXCFXICS] 3.1.5.4.3).
type stack struct {
	bytes  [counterSize]byte
	n      int
	pushes [counterSize]int // sizes of the pushes that make up n
	depth  int
}

func (s *stack) push(p []byte) {
	copy(s.bytes[s.n:], p)
	s.n += len(p)
	s.pushes[s.depth] = len(p)
	s.depth++
}

func (s *stack) pop() {
	s.depth--
	s.n -= s.pushes[s.depth]
}

// with returns the counter made of the stack and low.
func (s *stack) with(low []byte) mapi.GlobCnt {
	p := s.bytes
	copy(p[s.n:], low)
	return counterOf(p)
}

// ReadGlobSet consumes one GLOBSET up to and including its End command
// ([MS-OXCFXICS] 3.1.5.4.3.2). Any valid sequence of commands is accepted, ranges
// in any order among them.
func ReadGlobSet(r *wire.Reader) GlobSet {
	var s stack
	var ranges []Range
	for r.Err() == nil {
		switch cmd := r.Uint8(); {
		case r.Err() != nil:
		case cmd == cmdEnd:
			if s.n > 0 {
				r.Fail(fmt.Errorf("idset: %d bytes left on the stack at the end of a GLOBSET", s.n))
				break
			}
			return GlobSet{normalize(ranges)}
		case cmd <= counterSize:
			ranges = s.readPush(r, int(cmd), ranges)
		case cmd == cmdPop:
			if s.depth == 0 {
				r.Fail(fmt.Errorf("idset: pop from an empty stack at offset %d", r.Offset()))
				break
			}
			s.pop()
		case cmd == cmdBitmask:
			ranges = s.readBitmask(r, ranges)
		case cmd == cmdRange:
			size := counterSize - s.n
			one := Range{Low: s.with(r.Take(size)), High: s.with(r.Take(size))}
			if r.Err() == nil && one.Low > one.High {
				r.Fail(fmt.Errorf("idset: range %x-%x runs backwards", uint64(one.Low), uint64(one.High)))
				break
			}
			ranges = append(ranges, one)
		default:
			r.Fail(fmt.Errorf("idset: unknown command 0x%02X at offset %d", cmd, r.Offset()-1))
		}
	}
	return GlobSet{}
}

// readPush handles a push of n bytes. One that fills the stack is a single value
// and leaves the stack at once ([MS-OXCFXICS] 3.1.5.4.3.1.1).
func (s *stack) readPush(r *wire.Reader, n int, ranges []Range) []Range {
	if s.n+n > counterSize {
		r.Fail(fmt.Errorf("idset: %d bytes pushed on a stack of %d", n, s.n))
		return ranges
	}
	p := r.Take(n)
	if p == nil {
		return ranges
	}
	if s.n+n == counterSize {
		c := s.with(p)
		return append(ranges, Range{c, c})
	}
	s.push(p)
	return ranges
}

// readBitmask handles a Bitmask command: the starting value, and one value per set
// bit, counted from the one behind it ([MS-OXCFXICS] 3.1.5.4.3.1.3).
func (s *stack) readBitmask(r *wire.Reader, ranges []Range) []Range {
	if s.n != counterSize-1 {
		r.Fail(fmt.Errorf("idset: bitmask with %d bytes on the stack", s.n))
		return ranges
	}
	start, mask := r.Uint8(), r.Uint8()
	if r.Err() != nil {
		return ranges
	}
	base := s.with([]byte{start})
	run := Range{base, base}
	for bit := range 8 {
		if mask>>bit&1 == 0 {
			continue
		}
		v := base + 1 + mapi.GlobCnt(bit)
		if int(start)+1+bit > 0xFF {
			r.Fail(fmt.Errorf("idset: bitmask 0x%02X from 0x%02X leaves its byte", mask, start))
			return ranges
		}
		if v == run.High+1 {
			run.High = v
			continue
		}
		ranges = append(ranges, run)
		run = Range{v, v}
	}
	return append(ranges, run)
}

// Append writes the set as a GLOBSET. Of the commands only Push, Range, Pop and End
// are used: ranges that share leading bytes are grouped under one push.
func (s GlobSet) Append(b *wire.Builder) {
	appendGroup(b, s.ranges, 0)
	b.Uint8(cmdEnd)
}

// appendGroup writes ranges, all of which share their first common bytes, which are
// on the stack already.
func appendGroup(b *wire.Builder, ranges []Range, common int) {
	for len(ranges) > 0 {
		n := groupSize(ranges, common)
		group := ranges[:n]
		ranges = ranges[n:]
		low, high := counterBytes(group[0].Low), counterBytes(group[n-1].High)
		shared := sharedBytes(low, high)
		switch {
		case shared == counterSize: // one value: a push that fills the stack
			b.Uint8(uint8(counterSize - common))
			b.Raw(low[common:])
		case shared > common:
			b.Uint8(uint8(shared - common))
			b.Raw(low[common:shared])
			appendGroup(b, group, shared)
			b.Uint8(cmdPop)
		default:
			b.Uint8(cmdRange)
			b.Raw(low[common:])
			b.Raw(high[common:])
		}
	}
}

// groupSize returns how many of the leading ranges share more than common bytes
// with the first; at least 1.
func groupSize(ranges []Range, common int) int {
	if common >= counterSize {
		return 1
	}
	first, last := counterBytes(ranges[0].Low), counterBytes(ranges[0].High)
	if sharedBytes(first, last) <= common {
		return 1
	}
	n := 1
	for n < len(ranges) && sharedBytes(first, counterBytes(ranges[n].High)) > common {
		n++
	}
	return n
}

func sharedBytes(a, b [counterSize]byte) int {
	n := 0
	for n < counterSize && a[n] == b[n] {
		n++
	}
	return n
}
