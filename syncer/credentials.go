package syncer

import (
	"sync"
	"time"
)

// How long a server that refused the credentials is left alone. Many wrong passwords in a row lock accounts, so that
// neither reading nor writing may try again and again; but a refusal can also pass, when a directory server was away or
// a password was changed, and a mount that never tried again would queue forever.
const (
	refusedFirst   = 5 * time.Minute
	refusedLongest = time.Hour
)

// credentials is what is known about refused credentials.
type credentials struct {
	mu    sync.Mutex
	times int // refused in a row
	until time.Time
	err   error
}

// refusedNow returns the last refusal while it is too early to try again.
func (s *Syncer) refusedNow() error {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	if s.credentials.err != nil && s.cfg.Now().Before(s.credentials.until) {
		return s.credentials.err
	}
	return nil
}

// noteSignIn records how an attempt to connect ended.
func (s *Syncer) noteSignIn(err error) {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	switch {
	case err == nil:
		if s.credentials.times > 0 {
			s.Kick() // Run may be resting for long
		}
		s.credentials.times, s.credentials.err = 0, nil
	case refused(err):
		wait := min(refusedFirst<<min(s.credentials.times, 10), refusedLongest)
		s.credentials.times++
		s.credentials.err, s.credentials.until = err, s.cfg.Now().Add(wait)
	}
}

// signInAgain makes the next attempt to connect a real one: somebody asked for it.
func (s *Syncer) signInAgain() {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	s.credentials.until = time.Time{}
}

// refusedFor returns how long it is too early to sign in again.
func (s *Syncer) refusedFor() time.Duration {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	return max(s.credentials.until.Sub(s.cfg.Now()), 0)
}
