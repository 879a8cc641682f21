package sim

import (
	"os"
	"strings"
	"testing"
	"time"

	"mailfs/internal/fsx"
)

const everyTimeMounted = 60 // histories with real mounts of a plain go test

// TestMountedHistories plays random histories through real mounts: N of them from FROM on, or the one of SEED. They
// are told as they are, since no two go alike.
func TestMountedHistories(t *testing.T) {
	fsx.NeedFUSE(t)
	n, from := number(t, "N", everyTimeMounted), number(t, "FROM", 1)
	if seed := number(t, "SEED", 0); seed != 0 {
		n, from = 1, seed
	}
	if testing.Short() {
		n = min(n, 2)
	}
	begin, played, requests := time.Now(), 0, 0
	for i := range n {
		if late(t) {
			t.Logf("no time for the last %d histories", n-i)
			break
		}
		h := only(Plan(from+i, stepsEach, Usual), os.Getenv("ONLY"))
		h.Mounts, h.OnDisk = t.TempDir(), true
		r := play(t, h)
		played, requests = played+1, requests+r.Requests
		if r.Failed() {
			t.Fatalf("seed %d:\n%s\n%s", h.Seed, strings.Join(r.Problems, "\n"), strings.Join(r.Log, "\n"))
		}
		if n == 1 {
			t.Log(strings.Join(r.Log, "\n"))
		}
	}
	t.Logf("%d histories of %d steps through mounts, %d requests, in %v", played, stepsEach, requests, time.Since(begin).Round(time.Millisecond))
}
