package sim

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mailfs/fs"
)

const (
	stepsEach = 60
	everyTime = 2000 // histories of a plain go test; `make sim` plays more
)

// TestMain lets much garbage gather: a history is short, and leaves little behind. The processes that mounts need are this
// program as well.
func TestMain(m *testing.M) {
	var err error
	switch root := os.Getenv(HandsEnv); {
	case root != "":
		err = ServeHands(root, os.Stdin, os.Stdout)
	case os.Getenv(ReplaysEnv) != "":
		err = fs.ServeReplays(os.Stdin, os.Stdout)
	default:
		os.Exit(run(m))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(m *testing.M) int {
	debug.SetGCPercent(800)
	return m.Run()
}

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// play runs a history, in a directory of its own where it needs one.
func play(t testing.TB, h *History) *Result {
	t.Helper()
	dir := ""
	if h.OnDisk {
		base := ""
		if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() {
			base = "/dev/shm"
		}
		var err error
		if dir, err = os.MkdirTemp(base, "mailfs-sim-"); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
	}
	r, err := Run(h, dir)
	if err != nil {
		t.Fatalf("seed %d: %v", h.Seed, err)
	}
	return r
}

// kindOf is what a problem is about, so that a shrunk history fails for the same reason.
func kindOf(problem string) string {
	words := strings.Fields(problem)
	for _, w := range []string{"LOST:", "TWICE:", "BACK:", "on the server", "not here", "local for ever", "queued", "rest", "shows", "replica:", "folder"} {
		if strings.Contains(problem, w) {
			return w
		}
	}
	return words[0]
}

// report shrinks a failing history and tells it.
func report(t *testing.T, h *History, r *Result) {
	t.Helper()
	kind := kindOf(r.Problems[0])
	budget := 600
	if os.Getenv("NOSHRINK") != "" {
		budget = 0
	}
	small := Shrink(h, budget, func(h *History) bool {
		return slices.ContainsFunc(play(t, h).Problems, func(p string) bool { return kindOf(p) == kind })
	})
	again := play(t, small)
	if !again.Failed() {
		t.Errorf("seed %d: only the first time: %s", h.Seed, strings.Join(r.Problems, "\n"))
	}
	r = again
	var left []string
	for _, s := range small.Steps {
		left = append(left, strconv.Itoa(s.No))
	}
	t.Errorf("seed %d, %d of %d steps, ONLY=%s:\n%s\n%s", h.Seed, len(small.Steps), len(h.Steps), strings.Join(left, ","), strings.Join(r.Problems, "\n"), strings.Join(r.Log, "\n"))
}

// only leaves of a history the steps whose numbers are listed; all of them for no list.
func only(h *History, list string) *History {
	if list == "" {
		return h
	}
	keep := strings.Split(list, ",")
	h.Steps = slices.DeleteFunc(h.Steps, func(s *Step) bool { return !slices.Contains(keep, strconv.Itoa(s.No)) })
	return h
}

// late reports whether the test has to come to an end, as on a machine that is too busy for all histories.
func late(t *testing.T) bool {
	end, ok := t.Deadline()
	return ok && time.Until(end) < time.Minute
}

// TestHistories plays random histories: N of them from FROM on, or the one of SEED. ONLY lists the steps that are to be left; with HARD
// the server is always put back.
func TestHistories(t *testing.T) {
	n, from := number(t, "N", everyTime), number(t, "FROM", 1)
	if seed := number(t, "SEED", 0); seed != 0 {
		n, from = 1, seed
	}
	if testing.Short() {
		n = min(n, everyTime/10)
	}
	steps := int(number(t, "STEPS", stepsEach))
	limit := int64(number(t, "FAILURES", 3))
	odds := Usual
	if os.Getenv("HARD") != "" {
		odds = Hard
	}
	var next, failed, requests, played atomic.Int64
	begin := time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range min(runtime.GOMAXPROCS(0), int(n)) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if uint64(i) >= n || failed.Load() >= limit || late(t) {
					return
				}
				h := only(Plan(from+uint64(i), steps, odds), os.Getenv("ONLY"))
				r := play(t, h)
				played.Add(1)
				requests.Add(int64(r.Requests))
				if r.Failed() && failed.Add(1) <= limit {
					mu.Lock()
					report(t, h, r)
					mu.Unlock()
				} else if n == 1 {
					t.Log(strings.Join(r.Log, "\n"))
				}
			}
		})
	}
	wg.Wait()
	if left := n - min(n, uint64(played.Load())); left > 0 && failed.Load() == 0 {
		t.Logf("no time for the last %d histories", left)
	}
	d := time.Since(begin)
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Error(err)
	}
	t.Logf("processor time: %v", (time.Duration(use.Utime.Nano()+use.Stime.Nano()) / time.Duration(max(played.Load(), 1))).Round(time.Microsecond))
	t.Logf("%d histories of %d steps, %d requests, in %v: %v each", played.Load(), steps, requests.Load(), d.Round(time.Millisecond), (d / time.Duration(max(played.Load(), 1))).Round(time.Microsecond))
}

// The same seed takes the same course.
func TestReplay(t *testing.T) {
	for seed := range uint64(6) {
		first, again := play(t, Plan(seed+1, stepsEach, Usual)), play(t, Plan(seed+1, stepsEach, Usual))
		for i := range first.Log {
			if i >= len(again.Log) || first.Log[i] != again.Log[i] {
				t.Errorf("seed %d: line %d differs:\n%s\n%s", seed+1, i, first.Log[i], again.Log[min(i, len(again.Log)-1)])
				break
			}
		}
	}
}
