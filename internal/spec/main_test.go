package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCitationsOfThisModule(t *testing.T) {
	bad, err := run("../..", devNull(t))
	if err != nil {
		t.Fatal(err)
	}
	if bad > 0 {
		t.Errorf("%d citations name a section that does not exist; `make spec` lists them", bad)
	}
}

func TestWrongCitationIsFound(t *testing.T) {
	dir := t.TempDir()
	text := "see [" + "MS-OXCFXICS] 3.3.5.6 and [" + "MS-OXCFXICS] 2.99.1 and [" + "MS-OXCMAIL] 9.9\n"
	if err := os.WriteFile(filepath.Join(dir, "x.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bad, err := run(dir, devNull(t))
	if err != nil || bad != 1 {
		t.Fatalf("found %d wrong citations (%v), want 1", bad, err)
	}
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
