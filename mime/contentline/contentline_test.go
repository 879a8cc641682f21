package contentline

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func one(t testing.TB, s string) *Component {
	t.Helper()
	list, err := Parse(s)
	if err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	return list[0]
}

func TestLines(t *testing.T) {
	tests := []struct {
		in   string
		want Line
	}{
		{"SUMMARY:x", Line{Name: "SUMMARY", Value: "x"}},
		{"summary;Language=de:a:b;c", Line{Name: "SUMMARY", Params: []Param{{"LANGUAGE", []string{"de"}}}, Value: "a:b;c"}},
		{`A;X="a;b:c",d,"e":v`, Line{Name: "A", Params: []Param{{"X", []string{"a;b:c", "d", "e"}}}, Value: "v"}},
		{"A;X=a^nb^^c^'d:v", Line{Name: "A", Params: []Param{{"X", []string{"a\nb^c\"d"}}}, Value: "v"}},
		{"item1.TEL;type=CELL:1", Line{Group: "item1", Name: "TEL", Params: []Param{{"TYPE", []string{"CELL"}}}, Value: "1"}},
		{"TEL;HOME;VOICE:1", Line{Name: "TEL", Params: []Param{{"TYPE", []string{"HOME"}}, {"TYPE", []string{"VOICE"}}}, Value: "1"}},
		{"NOTE;QUOTED-PRINTABLE:a=\r\n=20b=3D", Line{Name: "NOTE", Params: []Param{{"ENCODING", []string{"QUOTED-PRINTABLE"}}}, Value: "a=20b=3D"}},
		{"A:folded \r\n  here\n\tand there", Line{Name: "A", Value: "folded  hereand there"}},
		{"A;X=:v", Line{Name: "A", Params: []Param{{"X", []string{""}}}, Value: "v"}},
		{"A;;X=1:v", Line{Name: "A", Params: []Param{{"X", []string{"1"}}}, Value: "v"}},
		{"A:", Line{Name: "A"}},
	}
	for _, tt := range tests {
		c := one(t, "BEGIN:X\n"+tt.in+"\nEND:X\n")
		if diff := cmp.Diff([]Line{tt.want}, c.Lines); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
	for _, in := range []string{"no colon", ":no name", "A;X=\"open:v", "A;X=1", "A;X", "a b:c", ""} {
		if c := one(t, "BEGIN:X\n"+in+"\nEND:X\n"); len(c.Lines) != 0 {
			t.Errorf("%q became %v", in, c.Lines)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, in := range []string{"", "A:b\n", "BEGIN:X\n", "BEGIN:X\nEND:Y\n", "END:X\n", strings.Repeat("BEGIN:X\n", 50) + strings.Repeat("END:X\n", 50), "BEGIN:X\n" + strings.Repeat("\n", maxLines+1) + "END:X\n"} {
		if _, err := Parse(in); !errors.Is(err, ErrFormat) {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}

func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a\\;,nN\n]*`)).Draw(t, "s")
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
		if got := Unescape(Escape(s)); got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
	if got := Split(`a\,b,c\\,d`, ','); !cmp.Equal(got, []string{`a\,b`, `c\\`, "d"}) {
		t.Errorf("Split = %q", got)
	}
	if got := Join([]string{"a,b", "c;d"}, ";"); got != `a\,b;c\;d` {
		t.Errorf("Join = %q", got)
	}
}

// TestRoundTrip: what is written is read as it was, in lines of at most 75 octets.
func TestRoundTrip(t *testing.T) {
	text := rapid.Map(rapid.String(), func(s string) string { return clean(s) })
	rapid.Check(t, func(t *rapid.T) {
		c := New("VX")
		for range rapid.IntRange(0, 4).Draw(t, "lines") {
			l := Line{Name: "X-A", Value: text.Draw(t, "value") + strings.Repeat("ü", rapid.IntRange(0, 90).Draw(t, "long"))}
			for range rapid.IntRange(0, 2).Draw(t, "params") {
				l = l.With("P", text.Draw(t, "a"), text.Draw(t, "b"))
			}
			c.Lines = append(c.Lines, l)
		}
		c.Children = []*Component{{Name: "IN", Lines: []Line{{Name: "B", Value: "x"}}}}
		out := c.Append(nil)
		for l := range strings.SplitSeq(string(out), "\r\n") {
			if len(l) > foldAt {
				t.Fatalf("a line of %d octets", len(l))
			}
		}
		back := one2(t, string(out))
		if diff := cmp.Diff(c, back); diff != "" {
			t.Fatalf("%s\n%s", diff, out)
		}
	})
}

func one2(t *rapid.T, s string) *Component {
	list, err := Parse(s)
	if err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	return list[0]
}

func FuzzParse(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=\"d,e\":x\\, y\r\n  z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	f.Add("BEGIN:VCARD\nTEL;HOME;QUOTED-PRINTABLE:a=\n=3D\nitem1.X-A;A=^^:b\nEND:VCARD\n")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := Parse(s)
		if err != nil {
			return
		}
		var out []byte
		for _, c := range list {
			out = c.Append(out)
		}
		again, err := Parse(string(out))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var twice []byte
		for _, c := range again {
			twice = c.Append(twice)
		}
		if string(twice) != string(out) {
			t.Fatalf("%q, then %q", out, twice)
		}
	})
}
