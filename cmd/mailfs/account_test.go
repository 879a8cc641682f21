package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/pflag"
)

// TestCrawlers tells which programs may not download: those that mailfs knows of, or those that the configuration names.
func TestCrawlers(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	if err := os.Mkdir(filepath.Join(home, "mailfs"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", crawlers},
		{"no_download_for = []", []string{}},
		{`no_download_for = ["mine"]`, []string{"mine"}},
	} {
		text := "[account.work]\nuser = \"anna@example.org\"\n" + c.line + "\n"
		if err := os.WriteFile(filepath.Join(home, "mailfs", "config.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var a account
		if err := a.resolve("work", pflag.NewFlagSet("mount", pflag.ContinueOnError)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.NoDownloadFor, c.want) {
			t.Errorf("%s: %q, want %q", c.line, a.NoDownloadFor, c.want)
		}
	}
}
