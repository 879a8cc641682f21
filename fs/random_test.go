package fs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailfs/internal/fsx"
)

// fastDir is a directory in memory where there is one, else an ordinary one.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mailfs-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func envNumber(t *testing.T, name string, fallback int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRandomCalls makes the same random calls in a mount and in a plain directory. Now and then the mount goes, by
// unmounting or by a crash, and comes back. Time stands still, but for a window that passes now and then; or there is no
// window, and files become messages whenever that happens, while somebody else works in the same folder. SEED repeats a run, OPS makes it longer or shorter, CALLS names
// a file for all calls.
func TestRandomCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: not with -short")
	}
	for _, run := range []struct {
		name     string
		seed     int
		realTime bool
	}{{"window", 1, false}, {"no window", 2, true}} {
		t.Run(run.name, func(t *testing.T) { randomCalls(t, run.seed, run.realTime) })
	}
}

func randomCalls(t *testing.T, seed int, realTime bool) {
	ops := envNumber(t, "OPS", 100_000)
	conf := childConfig{RealTime: realTime, Empty: true, Dir: t.TempDir(), Replica: fastDir(t)}
	m := start(t, conf)
	if err := os.Mkdir(m.path("fsx"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := fsx.Config{Seed: uint64(envNumber(t, "SEED", seed)), Ops: ops, Mount: m.path("fsx"), Plain: fastDir(t), RemountEvery: max(ops/8, 1000)}
	if name := os.Getenv("CALLS"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c.Log = func(line string) { fmt.Fprintln(f, line) }
	}
	crash := false
	c.Remount = func() error {
		if crash = !crash; crash {
			m.kill()
		} else {
			m.unmount()
		}
		m = start(t, conf)
		return nil
	}
	if !realTime {
		c.Between = func(call int) error {
			if call%61 != 60 {
				return nil
			}
			_, err := m.try("advance", "", "", 4000)
			return err
		}
	} else {
		// Somebody else has mail of his own in the same folder, and the server takes what is queued.
		c.Mount, c.Others = m.path("Inbox"), func(name string) bool { return strings.HasPrefix(name, "theirs ") }
		them := &somebody{m: func() *mounted { return m }, rng: rand.New(rand.NewPCG(c.Seed, 9))}
		c.Between = them.act
	}
	began := time.Now()
	rep, err := fsx.Run(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls in %v\n%v", ops, time.Since(began), rep)
	m.do("flush", "", "", 0)
	if bad := m.do("check", "", "", 0).List; len(bad) > 0 {
		t.Errorf("replica: %q", bad)
	}
}

// somebody is at another client: mail of his comes, changes and goes in Inbox.
type somebody struct {
	m     func() *mounted
	rng   *rand.Rand
	n     int
	there []string
}

func (s *somebody) act(int) error {
	if s.rng.IntN(12) > 0 {
		return nil
	}
	s.n++
	k := s.rng.IntN(10)
	if k < 3 || len(s.there) == 0 {
		name := fmt.Sprintf("Inbox/theirs %d.eml", s.n)
		s.there = append(s.there, name)
		_, err := s.m().try("deliver", name, note(name, "theirs"), 0)
		return err
	}
	i := s.rng.IntN(len(s.there))
	name := s.there[i]
	switch {
	case k < 5:
		_, err := s.m().try("edit", name, note(name, fmt.Sprint("edit ", s.n)), 0)
		return err
	case k < 7:
		s.there = append(s.there[:i], s.there[i+1:]...)
		_, err := s.m().try("remove", name, "", 0)
		return err
	}
	_, err := s.m().try("acknowledge", "", "", int64(s.rng.IntN(8)))
	return err
}
