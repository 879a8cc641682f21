package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

const root = "../.."

func list(t *testing.T) sections {
	t.Helper()
	known, err := parseSections(sectionList)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func TestCitationsOfThisModule(t *testing.T) {
	_, bad, err := scanCitations(root, list(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error(b)
	}
}

func TestWrongCitationIsFound(t *testing.T) {
	dir := t.TempDir()
	text := "see [" + "MS-OXCFXICS] 3.3.5.6 and [" + "MS-OXCFXICS] 2.99.1 and [" + "MS-OXCMAIL] 9.9\n"
	if err := os.WriteFile(filepath.Join(dir, "x.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cited, bad, err := scanCitations(dir, list(t))
	if err != nil || len(bad) != 1 || !strings.Contains(bad[0], "2.99.1") || cited["MS-OXCFXICS"]["3.3.5.6"] != 1 {
		t.Fatalf("%q, %v, %v", bad, cited, err)
	}
}

// TestPage: the tables name what is there, and the page is what they say.
func TestPage(t *testing.T) {
	p, bad, err := makePage(root, list(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error(b)
	}
	if t.Failed() {
		return
	}
	file := filepath.Join(root, pageFile)
	if *update {
		if err := os.WriteFile(file, p.render(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, p.render()) {
		t.Errorf("%s is not what the tables say: run `make spec`", pageFile)
	}
	var counts bytes.Buffer
	p.printCounts(&counts)
	t.Logf("%s", counts.String())
}

// TestMistakesInTablesAreFound takes sound rows and spoils them one by one.
func TestMistakesInTablesAreFound(t *testing.T) {
	const sound = "MS-OXCFXICS\t2.2.2.2\tdone\tmapi/xid.go:XID\tmapi.TestXIDs\t"
	plain := mistakes(t, sound, "") // those of rows that are missing
	for name, row := range map[string]string{
		"no such file":       strings.Replace(sound, "xid.go", "nothing.go", 1),
		"no such symbol":     strings.Replace(sound, ":XID", ":Nothing", 1),
		"no such method":     strings.Replace(sound, ":XID", ":XID.Nothing", 1),
		"no such test":       strings.Replace(sound, "TestXIDs", "TestNothing", 1),
		"not a test":         strings.Replace(sound, "TestXIDs", "drawXID", 1),
		"no such package":    strings.Replace(sound, "mapi.Test", "nowhere.Test", 1),
		"no such section":    strings.Replace(sound, "2.2.2.2", "2.2.2.99", 1),
		"no such document":   strings.Replace(sound, "OXCFXICS", "OXCPERM", 1),
		"unknown state":      strings.Replace(sound, "done", "fine", 1),
		"done, no test":      strings.Replace(sound, "mapi.TestXIDs", "", 1),
		"done, no code":      strings.Replace(sound, "mapi/xid.go:XID", "", 1),
		"missing, no reason": strings.Replace(sound, "done", "missing", 1),
		"twice":              sound + "\n" + sound,
	} {
		if n := mistakes(t, row, ""); n <= plain {
			t.Errorf("%s: %d mistakes, %d without it", name, n, plain)
		}
	}
	const rule = "MS-OXCFXICS\tR163\t2.2.2.2\tdone\tlength comes from outside\tmapi.TestXIDs\t"
	ruled := mistakes(t, sound, rule)
	for name, row := range map[string]string{
		"says nothing":          strings.Replace(rule, "length comes from outside", "", 1),
		"no such section":       strings.Replace(rule, "2.2.2.2", "2.2.2.99", 1),
		"no test":               strings.Replace(rule, "mapi.TestXIDs", "", 1),
		"not mentioned by test": strings.Replace(rule, "mapi.TestXIDs", "mapi/mapihttp.TestClientRequirements", 1),
	} {
		if n := mistakes(t, sound, row); n <= ruled {
			t.Errorf("%s: %d mistakes, %d without it", name, n, ruled)
		}
	}
	for _, bad := range []string{"one column", sound + "\tx"} {
		if _, err := parseStates(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// mistakes counts what is wrong with two tables.
func mistakes(t *testing.T, states, requirements string) int {
	t.Helper()
	p := &page{known: list(t), src: newSources(root)}
	var err error
	if p.states, err = parseStates(states); err != nil {
		t.Fatal(err)
	}
	if p.requirements, err = parseRequirements(requirements); err != nil {
		t.Fatal(err)
	}
	return len(p.check())
}

func TestSectionsAreOrderedByNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"2.2", "2.10", true}, {"2.10", "2.2", false}, {"2.2", "2.2.1", true}, {"3", "2.9", false}, {"2.2", "2.2", false},
	} {
		if got := compareSections(c.a, c.b) < 0; got != c.want {
			t.Errorf("%s before %s: %v", c.a, c.b, got)
		}
	}
}

// TestRun writes the page of a tree that has a copy of nothing: mistakes, and no page.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	n, err := run(dir, io.Discard)
	if err != nil || n == 0 {
		t.Errorf("%d mistakes, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(dir, pageFile)); err == nil {
		t.Error("a page was written from tables that are wrong")
	}
}
