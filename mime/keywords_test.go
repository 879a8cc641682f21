package mime

import (
	"slices"
	"strings"
	"testing"

	"mailfs/mapi"
)

func TestKeywords(t *testing.T) {
	for _, c := range []struct {
		field string
		want  []string
		text  string // of the field that is written, "" if it is passed on
	}{
		{"One, Two words; Three", []string{"One", "Two words", "Three"}, ""},
		{`"Two, three", Four`, []string{"Two, three", "Four"}, ""},
		{"Projekt Köln, urgent", []string{"Projekt Köln", "urgent"}, "=?utf-8?q?Projekt_K=C3=B6ln?=, urgent"},
		{"=?utf-8?q?Projekt_K=C3=B6ln?=, urgent", []string{"Projekt Köln", "urgent"}, ""},
		{"Projekt =?iso-8859-1?B?S/Zsbiw=?= urgent", []string{"Projekt Köln", "urgent"}, ""}, // as mutt writes it
		{"=?utf-8?q?Projekt_K=C3=B6ln=2C_urgent?=", []string{"Projekt Köln", "urgent"}, ""},
		{"=?utf-8?q?=22K=C3=B6ln=2C_Bonn=22=2C_urgent?=", []string{"Köln, Bonn", "urgent"}, ""},
		{`6" pipe, 8" pipe`, []string{`6" pipe`, `8" pipe`}, ""},
	} {
		m := parse(t, "From: a@example.test\nSubject: s\nKeywords: "+c.field+"\n\ntext\n")
		got, _ := m.Properties.GetNamed(keywordsName).([]string)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.field, got, c.want)
		}
		want := c.text
		if want == "" {
			want = c.field
		}
		if text := string(mustRender(t, m)); !strings.Contains(text, "\nKeywords: "+want+"\n") {
			t.Errorf("%s: written as\n%s", c.field, text)
		}
	}
}

// TestKeywordsWritten writes categories as no field had them, and reads them back.
func TestKeywordsWritten(t *testing.T) {
	words := []string{"plain", "two words", "comma, semicolon; and \"quotes\"", "Köln, Bonn", `Größe 6" \ 8"`, "=?utf-8?q?x?=", strings.Repeat("ü, ", 30) + "."}
	m := parse(t, "From: a@example.test\nSubject: s\n\ntext\n")
	m.Properties.SetNamed(keywordsName, mapi.TypeMultiString, words)
	text := string(mustRender(t, m))
	if got, _ := parse(t, text).Properties.GetNamed(keywordsName).([]string); !slices.Equal(got, words) {
		t.Errorf("%q, want %q, by way of\n%s", got, words, text)
	}
}
