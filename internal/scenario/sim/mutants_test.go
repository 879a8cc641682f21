//go:build mutants

package sim

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"mailfs/internal/mutant"
)

// TestMutants plants one bug after the other and plays histories until one shows it: within N of them, from FROM on. What
// fails without the bug as well shows nothing.
func TestMutants(t *testing.T) {
	n, from, steps := number(t, "N", everyTime), number(t, "FROM", 1), int(number(t, "STEPS", stepsEach))
	defer mutant.Plant(mutant.None)
	for b := mutant.None + 1; b < mutant.Bugs; b++ {
		if only := number(t, "MUTANT", uint64(b)); only != uint64(b) {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			for at := from; ; {
				mutant.Plant(b)
				played, seen := hunt(t, from+n-at, at, steps)
				mutant.Plant(mutant.None)
				if seen == "" {
					t.Fatalf("survived %d histories", n)
				}
				at += played
				if r := play(t, Plan(at-1, steps, Usual)); r.Failed() { // TestHistories tells of those
					t.Logf("history %d fails without it, too: %s", at-1, r.Problems[0])
					continue
				}
				t.Logf("seen in history %d: %s", at-from, seen)
				return
			}
		})
	}
}

// hunt plays histories until one fails, and returns how many it took and what was wrong.
func hunt(t *testing.T, n, from uint64, steps int) (played uint64, seen string) {
	var next, found atomic.Uint64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > n || found.Load() != 0 {
					return
				}
				r := play(t, Plan(from+i-1, steps, Usual))
				if !r.Failed() {
					continue
				}
				mu.Lock()
				if was := found.Load(); was == 0 || i < was {
					found.Store(i)
					seen = r.Problems[0]
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if seen == "" {
		return n, ""
	}
	return found.Load(), seen
}
