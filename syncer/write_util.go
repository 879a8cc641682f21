package syncer

import (
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"mailfs/mapi"
)

// streamBytes returns the bytes that a value has in a stream: strings as UTF-16LE
// without a terminator.
func streamBytes(v any) io.Reader {
	switch d := v.(type) {
	case string:
		return bytes.NewReader(utf16Bytes(d))
	case mapi.String8:
		return bytes.NewReader([]byte(d))
	case []byte:
		return bytes.NewReader(d)
	case mapi.Blob:
		return io.NewSectionReader(d, 0, d.Size())
	}
	return bytes.NewReader(nil)
}

// utf16Bytes encodes WTF-8 as UTF-16LE.
func utf16Bytes(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n == 1 && len(s)-i >= 3 && s[i] == 0xED && s[i+1]&0xE0 == 0xA0 {
			c, n = 0xD000|rune(s[i+1]&0x3F)<<6|rune(s[i+2]&0x3F), 3 // a lone surrogate
		}
		i += n
		if c >= 0x10000 {
			hi, lo := utf16.EncodeRune(c)
			out = append(out, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8))
			continue
		}
		out = append(out, byte(c), byte(c>>8))
	}
	return out
}
