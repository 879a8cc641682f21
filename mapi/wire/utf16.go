package wire

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	surrogateMin = 0xD800
	surrogateMax = 0xDFFF
)

// DecodeUTF16 turns UTF-16LE bytes into WTF-8. A trailing odd byte is ignored.
func DecodeUTF16(p []byte) string {
	const notASCII = 0xFF80FF80FF80FF80 // of four units
	var out strings.Builder
	buf := make([]byte, 0, 512) // gathers runs; WriteString of each rune would cost more
	out.Grow(len(p)/2 + len(p)/16)
	for len(p) >= 2 {
		for len(p) >= 8 && len(buf)+4 <= cap(buf) {
			four := binary.LittleEndian.Uint64(p)
			if four&notASCII != 0 {
				break
			}
			buf = append(buf, byte(four), byte(four>>16), byte(four>>32), byte(four>>48))
			p = p[8:]
		}
		if len(buf)+4 > cap(buf) {
			out.Write(buf)
			buf = buf[:0]
		}
		if len(p) < 2 {
			break
		}
		c := rune(binary.LittleEndian.Uint16(p))
		p = p[2:]
		switch {
		case c < utf8.RuneSelf:
			buf = append(buf, byte(c))
		case c < 0x800:
			buf = append(buf, 0xC0|byte(c>>6), 0x80|byte(c)&0xBF)
		default:
			if utf16.IsSurrogate(c) && len(p) >= 2 {
				if full := utf16.DecodeRune(c, rune(binary.LittleEndian.Uint16(p))); full != utf8.RuneError {
					buf = utf8.AppendRune(buf, full)
					p = p[2:]
					continue
				}
			}
			buf = append(buf, 0xE0|byte(c>>12), 0x80|byte(c>>6)&0xBF, 0x80|byte(c)&0xBF)
		}
	}
	out.Write(buf)
	return out.String()
}

// AppendUTF16 appends s, read as WTF-8, as UTF-16LE. Bytes that are neither UTF-8
// nor an encoded surrogate become U+FFFD.
func AppendUTF16(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n <= 1 {
			if sur, ok := encodedSurrogate(s[i:]); ok {
				dst = binary.LittleEndian.AppendUint16(dst, sur)
				i += 3
				continue
			}
		}
		if c > 0xFFFF {
			hi, lo := utf16.EncodeRune(c)
			dst = binary.LittleEndian.AppendUint16(dst, uint16(hi))
			dst = binary.LittleEndian.AppendUint16(dst, uint16(lo))
		} else {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(c))
		}
		i += max(n, 1)
	}
	return dst
}

func encodedSurrogate(s string) (uint16, bool) {
	if len(s) < 3 || s[0] != 0xED || s[1]&0xC0 != 0x80 || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	c := uint16(s[0]&0x0F)<<12 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F)
	return c, c >= surrogateMin && c <= surrogateMax
}
