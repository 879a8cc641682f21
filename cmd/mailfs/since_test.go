package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"mailfs/mapi"
	"mailfs/syncer"
)

// TestSince: the configuration restricts folders to what came on a day or later.
func TestSince(t *testing.T) {
	for day, good := range map[string]bool{"2026-01-31": true, "yesterday": false, "": false} {
		dir := t.TempDir()
		t.Setenv("XDG_CONFIG_HOME", dir)
		if err := os.Mkdir(filepath.Join(dir, "mailfs"), 0o700); err != nil {
			t.Fatal(err)
		}
		text := "[account.work]\nuser = \"anna@example.test\"\n[account.work.since]\n\"Archive/Lists\" = \"" + day + "\"\n"
		if err := os.WriteFile(filepath.Join(dir, "mailfs", "config.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var a account
		if err := a.resolve("work", pflag.NewFlagSet("", pflag.ContinueOnError)); err != nil {
			t.Fatal(err)
		}
		got, err := a.restrictions()
		if !good {
			if wrong := (usageError{}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "Archive/Lists") {
				t.Errorf("%q: %v", day, err)
			}
			continue
		}
		want := map[string]mapi.Restriction{"Archive/Lists": syncer.Since(time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local))}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%q: %v %s", day, err, d)
		}
	}
}
