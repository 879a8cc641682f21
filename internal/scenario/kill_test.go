package scenario_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// saver writes messages as fast as it can and remembers what close() has acknowledged.
type saver struct {
	mount string
	rng   *rand.Rand

	mu    sync.Mutex
	acked map[string]string // path -> token that the last acknowledged close() saved there
	doubt map[string]bool   // paths whose last save was cut off: old and new content are both right
	tries int
}

// run saves until saving fails, as it does when the mount's process is gone.
func (s *saver) run(round int) {
	for n := 0; ; n++ {
		path := filepath.Join(s.mount, "Inbox", fmt.Sprintf("kill %d.eml", s.rng.IntN(12)))
		tok := fmt.Sprintf("kill-%d-%d-end", round, n)
		s.mu.Lock()
		s.doubt[path] = true
		s.tries++
		s.mu.Unlock()
		if err := s.save(path, tok); err != nil {
			return
		}
		s.mu.Lock()
		s.acked[path] = tok
		delete(s.doubt, path)
		s.mu.Unlock()
	}
}

func (s *saver) save(path, tok string) error {
	data := []byte(letter("kill", tok))
	if s.rng.IntN(2) == 0 {
		return os.WriteFile(path, data, 0o600)
	}
	tmp := filepath.Join(filepath.Dir(path), ".kill.tmp")
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// TestKill kills the mount's process at random moments while a program saves, and mounts again.
func TestKill(t *testing.T) {
	const rounds = 12
	s := seed(t, 4711)
	w := newAnyWorld(t, 20)
	w.delivered()
	c := w.client("ann")
	sv := &saver{mount: c.mount, rng: rand.New(rand.NewPCG(s, 1)), acked: map[string]string{}, doubt: map[string]bool{}}
	when := rand.New(rand.NewPCG(s, 2))
	for round := range rounds {
		c.start()
		sv.check(t, round)
		until(t, 30*time.Second, "the Inbox", func() bool { _, err := os.Stat(filepath.Join(c.mount, "Inbox")); return err == nil })
		pid := c.status().PID
		done := make(chan struct{})
		go func() { defer close(done); sv.run(round) }()
		saves := 1 + when.IntN(60)
		start := sv.count()
		until(t, 30*time.Second, "some saves", func() bool { return sv.count() >= start+saves })
		must(t, syscall.Kill(pid, syscall.SIGKILL))
		<-done
		c.mailfs("umount", c.mount)
	}
	c.start()
	sv.check(t, rounds)
	c.flush()
	sv.checkServer(t, w)
	c.stop()
	t.Logf("%d saves, %d kills", sv.tries, rounds)
}

func (s *saver) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// check reads back everything that was acknowledged.
func (s *saver) check(t *testing.T, round int) {
	t.Helper()
	for path, tok := range s.acked {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("after kill %d: %v", round, err)
			continue
		}
		if !strings.Contains(string(data), tok) {
			if s.doubt[path] && strings.Contains(string(data), "kill-") {
				continue // the save that the kill cut off had already happened
			}
			t.Errorf("after kill %d: %s lost %s, it holds %q", round, path, tok, data)
		}
	}
}

func (s *saver) checkServer(t *testing.T, w *world) {
	t.Helper()
	bodies, _ := w.serverBodies()
	for path, tok := range s.acked {
		if !strings.Contains(bodies, tok) && !s.doubt[path] {
			t.Errorf("the server does not have %s of %s", tok, path)
		}
	}
	if messages := strings.Count(bodies, "kill-"); messages < len(s.acked) {
		t.Errorf("%d messages on the server, %d were saved", messages, len(s.acked))
	}
}

// A dead mount must not leave anything that hangs: whatever is asked of it fails at once.
func TestDeadMountAnswers(t *testing.T) {
	w := newWorld(t, 5)
	c := w.client("ann")
	c.start()
	must(t, syscall.Kill(c.status().PID, syscall.SIGKILL))
	until(t, 10*time.Second, "the mount to be dead", func() bool { _, err := os.ReadDir(c.mount); return err != nil })
	if _, err := os.ReadDir(c.mount); err == nil {
		t.Error("a dead mount lists files")
	} else if _, ok := err.(*fs.PathError); !ok {
		t.Errorf("got %v", err)
	}
	c.mailfs("umount", c.mount)
	if _, err := os.ReadDir(c.mount); err != nil {
		t.Errorf("the mount point is not free again: %v", err)
	}
}
