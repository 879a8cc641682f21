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
	ascii := 0 // bytes of p that hold ASCII, which most text is
	for ascii+1 < len(p) && p[ascii+1] == 0 && p[ascii] < utf8.RuneSelf {
		ascii += 2
	}
	var out strings.Builder
	out.Grow(len(p) / 2)
	for i := 0; i < ascii; i += 2 {
		out.WriteByte(p[i])
	}
	for p = p[ascii:]; len(p) >= 2; {
		c := rune(binary.LittleEndian.Uint16(p))
		p = p[2:]
		if !utf16.IsSurrogate(c) {
			out.WriteRune(c)
			continue
		}
		if len(p) >= 2 {
			if full := utf16.DecodeRune(c, rune(binary.LittleEndian.Uint16(p))); full != utf8.RuneError {
				out.WriteRune(full)
				p = p[2:]
				continue
			}
		}
		out.Write([]byte{0xE0 | byte(c>>12), 0x80 | byte(c>>6)&0xBF, 0x80 | byte(c)&0xBF})
	}
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
