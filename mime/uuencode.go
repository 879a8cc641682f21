package mime

import (
	"bytes"
	"strings"
)

// uuFile is a file that stood in a text in the way of uuencode.
type uuFile struct {
	name string
	data []byte
}

// cutUU takes complete uuencoded files out of a text and returns what is left. What
// is not valid from its first line to its last stays where it is.
func cutUU(text []byte) (rest []byte, files []uuFile) {
	if !bytes.Contains(text, []byte("begin ")) {
		return text, nil
	}
	start := 0 // of what is not yet in rest
	for off := 0; off < len(text); {
		n := lineLength(text[off:])
		name, ok := uuBegin(text[off : off+n])
		if !ok {
			off += n
			continue
		}
		data, size, ok := uuData(text[off+n:])
		if !ok {
			off += n
			continue
		}
		files = append(files, uuFile{name, data})
		rest = append(rest, text[start:off]...)
		off += n + size
		start = off
	}
	return append(rest, text[start:]...), files
}

// lineLength returns the length of the first line with its end.
func lineLength(p []byte) int {
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		return i + 1
	}
	return len(p)
}

// uuBegin reads "begin", a mode of three or four octal digits, and a name.
func uuBegin(l []byte) (name string, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimRight(l, " \t\r\n"), []byte("begin "))
	if !ok {
		return "", false
	}
	mode, file, ok := strings.Cut(string(rest), " ")
	if !ok || len(mode) < 3 || len(mode) > 4 || strings.Trim(mode, "01234567") != "" {
		return "", false
	}
	file = strings.TrimSpace(guessString(file))
	return file, file != ""
}

// uuData decodes lines up to "end" and returns how long they are. There must be one
// line of data at least.
func uuData(p []byte) (data []byte, size int, ok bool) {
	lines := 0
	for off := 0; off < len(p); {
		n := lineLength(p[off:])
		l := bytes.TrimRight(p[off:off+n], "\r\n")
		off += n
		if string(bytes.TrimRight(l, " ")) == "end" {
			return data, off, lines > 0
		}
		if len(bytes.Trim(l, " `")) == 0 {
			continue
		}
		if data, ok = uuLine(data, l); !ok {
			return nil, 0, false
		}
		lines++
	}
	return nil, 0, false
}

// uuLine decodes one line: a character for its length, and groups of four. Spaces at
// the end may have been lost on the way.
func uuLine(data, l []byte) ([]byte, bool) {
	value := func(i int) (byte, bool) {
		if i >= len(l) {
			return 0, true
		}
		c := l[i]
		return (c - ' ') & 63, c >= ' ' && c <= '`'
	}
	count, ok := value(0)
	groups := (int(count) + 2) / 3
	if !ok || count == 0 || len(l) > 1+groups*4+2 {
		return nil, false
	}
	var buf []byte
	for g := range groups {
		var v [4]byte
		for j := range v {
			if v[j], ok = value(1 + g*4 + j); !ok {
				return nil, false
			}
		}
		buf = append(buf, v[0]<<2|v[1]>>4, v[1]<<4|v[2]>>2, v[2]<<6|v[3])
	}
	return append(data, buf[:count]...), true
}
