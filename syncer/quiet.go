package syncer

import (
	"context"
	"errors"
	"sync"
	"time"

	"mailfs/mapi"
)

// quiet is until when the server wants to be left alone. It is about the whole log on ([MS-OXCROPS] 2.2.15.2), whoever of
// this process made the request that it answered so: a pass, or somebody who reads a message.
type quiet struct {
	mu    sync.Mutex
	until time.Time
}

// heed notes what an error says about that, and returns it.
func (s *Syncer) heed(err error) error {
	var busy *mapi.Busy
	if !errors.As(err, &busy) || busy.After <= 0 {
		return err
	}
	until := s.cfg.Now().Add(busyWait(busy))
	s.quiet.mu.Lock()
	defer s.quiet.mu.Unlock()
	if until.After(s.quiet.until) {
		s.quiet.until = until
	}
	return err
}

// awaitQuiet waits until the server may be spoken to.
func (s *Syncer) awaitQuiet(ctx context.Context) error {
	s.quiet.mu.Lock()
	until := s.quiet.until
	s.quiet.mu.Unlock()
	if until.IsZero() {
		return nil
	}
	if left := until.Sub(s.cfg.Now()); left > 0 {
		if err := s.sleep(ctx, left); err != nil {
			return err
		}
	}
	s.quiet.mu.Lock()
	defer s.quiet.mu.Unlock()
	if s.quiet.until.Equal(until) {
		s.quiet.until = time.Time{}
	}
	return nil
}
