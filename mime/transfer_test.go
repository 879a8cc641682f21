package mime

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTextPasses compares the passes over a text with the plainest way to say the same.
func TestTextPasses(t *testing.T) {
	piece := rapid.SampledFrom([]string{"\r\n", "\r", "\n", " ", "a", "word", "a longer piece", "письмо", "日本語"})
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(rt, "pieces"), "")
		if got, want := string(lfOf(s)), strings.ReplaceAll(s, "\r\n", "\n"); got != want {
			rt.Fatalf("lfOf(%q) = %q, want %q", s, got, want)
		}
		longest := 0
		for line := range strings.SplitSeq(s, "\n") {
			longest = max(longest, len(line))
		}
		limit := rapid.IntRange(1, 60).Draw(rt, "limit")
		if got := linesFit([]byte(s), limit); got != (longest <= limit) {
			rt.Fatalf("linesFit(%q, %d) = %v with a line of %d", s, limit, got, longest)
		}
	})
}
