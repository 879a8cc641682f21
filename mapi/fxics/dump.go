package fxics

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"mailfs/mapi"
)

// maxDumpText is how many characters or bytes of a value Dump shows.
const maxDumpText = 64

// Dump writes the lexical structure of a stream to w, one marker or property per
// line, for people to read. Long values are cut. It returns the error of the stream
// or of writing; what came before is written.
func Dump(w io.Writer, stream io.Reader) error {
	lex := NewLexer(stream, nil)
	depth := 0
	for {
		tok, err := lex.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if tok.Marker != 0 {
			depth = dumpMarker(w, tok.Marker, depth)
			continue
		}
		p := tok.Property
		name := p.Tag.String()
		if p.Tag.ID() >= 0x8000 {
			name += " " + p.Name.String()
		}
		if _, err := fmt.Fprintf(w, "%s%s = %s\n", indent(depth), name, dumpValue(p.Value)); err != nil {
			return err
		}
	}
}

// dumpMarker writes a marker and returns the depth of what follows.
func dumpMarker(w io.Writer, m Marker, depth int) int {
	switch m {
	case EndFolder, EndMessage, EndEmbed, EndToRecip, EndAttach, IncrSyncStateEnd:
		depth = max(depth-1, 0)
	}
	fmt.Fprintf(w, "%s%s\n", indent(depth), m)
	switch m {
	case StartTopFld, StartSubFld, StartMessage, StartFAIMsg, StartEmbed, StartRecip, NewAttach, IncrSyncStateBegin:
		depth++
	}
	return depth
}

// indent limits itself: a hostile stream may open more than it closes.
func indent(depth int) string { return strings.Repeat("  ", min(depth, 2*DefaultMaxDepth)) }

func dumpValue(v any) string {
	switch x := v.(type) {
	case string:
		return dumpText(x)
	case mapi.String8:
		return "8-bit " + dumpText(string(x))
	case []byte:
		if len(x) > maxDumpText {
			return fmt.Sprintf("%x... (%d bytes)", x[:maxDumpText], len(x))
		}
		return fmt.Sprintf("%x", x)
	case mapi.FileTime:
		return x.Time().Format("2006-01-02T15:04:05.0000000Z07:00")
	case int16, int32, int64:
		return fmt.Sprintf("%d (0x%X)", x, x)
	}
	return cut(fmt.Sprintf("%v", v))
}

func dumpText(s string) string {
	if utf8.RuneCountInString(s) > maxDumpText {
		return fmt.Sprintf("%q... (%d bytes)", cut(s), len(s))
	}
	return fmt.Sprintf("%q", s)
}

// cut returns the first characters of s.
func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxDumpText {
			return s[:i]
		}
	}
	return s
}
