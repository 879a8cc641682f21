package mime

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// Every byte of a text is looked at several times before it is shown, which is most of what rendering costs. The
// passes below therefore take eight bytes at a time.

const (
	wordLen = 8
	ones    = 0x0101010101010101
	highs   = 0x8080808080808080
)

// below marks the first byte of w that is less than n, which is at most 0x80, by its high bit. Bytes after the first
// may be marked, too, whatever they are.
func below(w uint64, n byte) uint64 { return (w - ones*uint64(n)) &^ w & highs }

// firstOf returns the place of the first byte that is marked.
func firstOf(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// lfOf returns a copy of text with LF line ends.
func lfOf(s string) []byte {
	p := unsafe.Slice(unsafe.StringData(s), len(s)) // read only, and not kept
	out := make([]byte, len(p)+wordLen)
	i, n := 0, 0
	for i+wordLen <= len(p) {
		w := binary.LittleEndian.Uint64(p[i:])
		binary.LittleEndian.PutUint64(out[n:], w)
		cr := below(w^ones*'\r', 1)
		if cr == 0 {
			i, n = i+wordLen, n+wordLen
			continue
		}
		k := firstOf(cr)
		i, n = i+k, n+k
		if i+1 == len(p) || p[i+1] != '\n' {
			n++
		}
		i++
	}
	for ; i < len(p); i++ {
		if p[i] != '\r' || i+1 == len(p) || p[i+1] != '\n' {
			out[n] = p[i]
			n++
		}
	}
	return out[:n]
}

// measure looks at a text with LF line ends: the length of its longest line, whether it is ASCII, and whether all of
// its bytes can travel in a line (RFC 2045 2.7, 2.8).
func measure(p []byte) (longest int, ascii, travels bool) {
	var all uint64
	i, start := 0, 0
	for i+wordLen <= len(p) {
		w := binary.LittleEndian.Uint64(p[i:])
		all |= w
		control := below(w, '\r'+1)
		if control == 0 {
			i += wordLen
			continue
		}
		i += firstOf(control)
		switch p[i] {
		case '\n':
			longest = max(longest, i-start)
			start = i + 1
		case 0, '\r':
			return 0, false, false
		}
		i++
	}
	for ; i < len(p); i++ {
		all |= uint64(p[i])
		switch p[i] {
		case '\n':
			longest = max(longest, i-start)
			start = i + 1
		case 0, '\r':
			return 0, false, false
		}
	}
	return max(longest, len(p)-start), all&highs == 0, true
}

// validString is utf8.ValidString, faster for text in which ASCII and other scripts take turns.
func validString(s string) bool {
	p := unsafe.Slice(unsafe.StringData(s), len(s)) // read only, and not kept
	// Of four characters of two bytes each: what is fixed in them, and what must not be all zero in the first byte.
	const fixed, pairs, short = 0xC0E0C0E0C0E0C0E0, 0x80C080C080C080C0, 0x001E001E001E001E
	for i := 0; ; {
		for i+wordLen <= len(p) {
			w := binary.LittleEndian.Uint64(p[i:])
			if w&highs != 0 {
				i += firstOf(w & highs)
				break
			}
			i += wordLen
		}
		for i+wordLen <= len(p) {
			w := binary.LittleEndian.Uint64(p[i:])
			if w&fixed != pairs || (w&short+0x00FE00FE00FE00FE)&0x0100010001000100 != 0x0100010001000100 {
				break
			}
			i += wordLen
		}
		if i == len(p) {
			return true
		}
		// One character, or the last few bytes.
		if c := p[i]; c >= 0xC2 && c < 0xE0 && i+1 < len(p) && p[i+1]&0xC0 == 0x80 {
			i += 2
			continue
		}
		r, n := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && n == 1 {
			return false
		}
		i += n
	}
}
