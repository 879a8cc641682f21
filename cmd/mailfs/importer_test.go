package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type seen struct {
	Folder, Data string
	Read, Flag   bool
}

func readAll(t *testing.T, path string) []seen {
	t.Helper()
	var out []seen
	err := importPath(path, func(m imported) error {
		out = append(out, seen{strings.Join(m.folder, "|"), string(m.data), m.read, m.flag})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestImportMbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box")
	write(t, path, "From a@b Thu Jan  1 00:00:00 1970\nSubject: one\nStatus: RO\n\nbody\n>From here\n>>From there\nFrom in the middle\n\n"+
		"From c@d Thu Jan  1 00:00:00 1970\nSubject: two\nX-Status: F\n\nlast\n")
	want := []seen{
		{"", "Subject: one\nStatus: RO\n\nbody\nFrom here\n>From there\nFrom in the middle\n", true, false},
		{"", "Subject: two\nX-Status: F\n\nlast", false, true},
	}
	if d := cmp.Diff(want, readAll(t, path)); d != "" {
		t.Error(d)
	}
}

func TestImportMaildir(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"cur", "new", "tmp", ".Work.Old/cur", ".Work.Old/new", "notes"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "new", "1.x"), "Subject: new\n\n")
	write(t, filepath.Join(dir, "cur", "2.x:2,FS"), "Subject: seen\n\n")
	write(t, filepath.Join(dir, ".Work.Old/cur", "3.x:2,"), "Subject: old\n\n")
	write(t, filepath.Join(dir, "tmp", "4.x"), "Subject: half\n\n")
	want := []seen{{"", "Subject: new\n\n", false, false}, {"", "Subject: seen\n\n", true, true}, {"Work|Old", "Subject: old\n\n", false, false}}
	if d := cmp.Diff(want, readAll(t, dir)); d != "" {
		t.Error(d)
	}
}

func TestImportTree(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.eml"), "Subject: a\n\n")
	write(t, filepath.Join(dir, "Inbox/x/b.EML"), "Subject: b\n\n")
	write(t, filepath.Join(dir, "Inbox/readme.txt"), "no mail")
	want := []seen{{"Inbox|x", "Subject: b\n\n", false, false}, {"", "Subject: a\n\n", false, false}}
	if d := cmp.Diff(want, readAll(t, dir)); d != "" {
		t.Error(d)
	}
}

func TestImportSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	write(t, path, "just text\n")
	err := importPath(path, func(imported) error { return nil })
	if exitStatus(err) != exitUsage {
		t.Errorf("got %v, want a usage error", err)
	}
}
