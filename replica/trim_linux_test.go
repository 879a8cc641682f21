package replica

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMappedLog(t *testing.T) {
	const vlog = "7f00aa000000-7f00ab000000 rw-s 00000000 fe:00 123    /var/x y/db/000001.vlog"
	if low, high, ok := mappedLog(vlog, "/var/x y/db"); low != 0x7f00aa000000 || high != 0x7f00ab000000 || !ok {
		t.Errorf("%x %x %v", low, high, ok)
	}
	for _, line := range []string{
		vlog + " (deleted)", strings.Replace(vlog, "rw-s", "rw-p", 1), strings.Replace(vlog, ".vlog", ".sst", 1),
		strings.Replace(vlog, "x y", "x", 1), "7f00aa000000-7f00ab000000 rw-s 00000000 00:00 0", "", "c000000000-c000400000 rw-p 00000000 00:00 0 ",
	} {
		if _, _, ok := mappedLog(line, "/var/x y/db"); ok {
			t.Errorf("%q is taken for a value log", line)
		}
	}
}

// TestTrim: the pages of the log leave the process, and what they hold does not.
func TestTrim(t *testing.T) {
	dir := t.TempDir()
	r := openDir(t, dir)
	inbox := inboxOf(t, r)
	fill(t, r, inbox, 100, 300, 20<<10)
	db := filepath.Join(dir, "replica", "db")
	if resident(t, db) < 1000 {
		t.Skip("resident pages of a mapping can't be told here")
	}
	r.trimMemory()
	if kib := resident(t, db); kib > 0 {
		t.Errorf("%d KiB of the value log are resident", kib)
	}
	fill(t, r, inbox, 400, 300, 20<<10)
	r.trimMemory()
	view(t, r, func(v *View) error {
		n := 0
		for c, err := range v.Children(inbox, "") {
			if err != nil {
				return err
			}
			if _, err := v.Message(c.Num); err != nil {
				return err
			}
			n++
		}
		if n != 600 {
			t.Error(n)
		}
		return nil
	})
	checkClose(t, r)
	openDir(t, dir)
}

// resident returns the KiB of the value logs of a directory that are in memory.
func resident(t *testing.T, dir string) (sum int) {
	t.Helper()
	p, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return 0
	}
	in := false
	for _, line := range strings.Split(string(p), "\n") {
		if f := strings.Fields(line); len(f) >= 5 && strings.Contains(f[0], "-") {
			in = len(f) == 6 && strings.HasPrefix(f[5], dir) && strings.HasSuffix(f[5], ".vlog")
		}
		var kib int
		if n, _ := fmt.Sscanf(line, "Rss: %d kB", &kib); n == 1 && in {
			sum += kib
		}
	}
	return sum
}
