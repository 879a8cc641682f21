package mime

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// texts are drawn from what the passes over words look for, at every distance from each other.
func texts() *rapid.Generator[string] {
	piece := rapid.SampledFrom([]string{
		"\r\n", "\r", "\n", "\x00", "\t", "\x0E", " ", "a", "word", "eight by", "ends here", "\x7F",
		"д", "письмо", "ß", "日", "日本語のテキスト", "😀", "\u0080", "\u07FF", "\u0800", "\uFFFD", "\U0010FFFF",
		"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xD0", "\xE0\x80\x80", "\xED\xA0\x80", "\xEF\xBF", "\xF4\x90\x80\x80", "\xFF",
	})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), "")
	})
}

// TestWords compares the passes over words with the plainest way to say the same.
func TestWords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := texts().Draw(rt, "text")
		if got, want := string(lfOf(s)), strings.ReplaceAll(s, "\r\n", "\n"); got != want {
			rt.Fatalf("lfOf(%q) = %q, want %q", s, got, want)
		}
		if got, want := validString(s), utf8.ValidString(s); got != want {
			rt.Fatalf("validString(%q) = %v", s, got)
		}
		longest, ascii, travels := measure([]byte(s))
		if want := !strings.ContainsAny(s, "\x00\r"); travels != want {
			rt.Fatalf("measure(%q): travels = %v", s, travels)
		}
		if !travels {
			return
		}
		want := 0
		for line := range bytes.SplitSeq([]byte(s), []byte("\n")) {
			want = max(want, len(line))
		}
		if longest != want || ascii != isASCII([]byte(s)) {
			rt.Fatalf("measure(%q) = %d, %v; want %d, %v", s, longest, ascii, want, isASCII([]byte(s)))
		}
	})
}
