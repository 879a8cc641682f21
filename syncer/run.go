package syncer

import (
	"context"
	"errors"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

const (
	pollNotified = 15 * time.Minute // between passes beside notifications
	retryFirst   = time.Second
	retryLongest = 2 * time.Minute
	hangUpTime   = 3 * time.Second
	fetchLimit   = 2 * time.Minute // of one request for bodies on demand
	settle       = 20 * time.Millisecond
)

// Run keeps the replica in step until ctx ends, and then returns nil. Errors that
// waiting can't cure end it: a replica of another mailbox, a replica that fails.
// Credentials that are refused are tried again, rarely; see Status.
func (s *Syncer) Run(ctx context.Context) error {
	events, stop := s.rep.Subscribe()
	defer stop()
	go s.watchJournal(events)
	defer s.goOffline(ctx)
	if err := s.renewSizes(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	failed, checks := 0, false
	for {
		err := s.onePass(ctx, passKind{yield: true, checks: checks})
		if ctx.Err() != nil {
			return nil
		}
		wait := s.pollInterval()
		if err != nil {
			if hopeless(err) {
				return err
			}
			failed++
			wait = s.backOff(failed, err)
			s.board.update(func(st *Status) { st.NextTry = s.cfg.Now().Add(wait); st.Err = err })
			s.cfg.Logf("pass failed, next try in %v: %v", wait, err)
		} else {
			failed = 0
			s.board.update(func(st *Status) { st.NextTry = time.Time{} })
		}
		if checks, err = s.rest(ctx, wait, err == nil); err != nil {
			return nil
		}
	}
}

// watchJournal wakes Run when something was queued here, unless it waits for a server that is away.
func (s *Syncer) watchJournal(events <-chan []replica.Event) {
	for batch := range events {
		for _, e := range batch {
			if e.Kind == replica.EventJournal && !e.Remote {
				poke(s.queued)
				break
			}
		}
	}
}

// rest waits for the next reason to run a pass: a kick, the timer, the end of a
// change's idle window, the time of another try at a folder or of a look at what is said to be gone; while online, also for events of the server. It returns true if there is
// none while the server notifies, so that the pass checks whether it does.
func (s *Syncer) rest(ctx context.Context, wait time.Duration, online bool) (checks bool, err error) {
	lost := s.listenWhile(ctx, online)
	checks = lost != nil
	for _, next := range []func() (time.Time, bool, error){s.nextReady, s.nextFolder, s.nextLook} {
		at, ok, err := next()
		if err != nil || !ok || !online {
			continue
		}
		if due := max(at.Sub(s.cfg.Now()), 0) + time.Millisecond; due < wait {
			wait, checks = due, false
		}
	}
	timer, stop := s.cfg.After(wait)
	defer stop()
	queued := s.queued
	if !online {
		queued = nil // what is queued goes up with the next try; it makes the server come back no sooner
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer:
		return checks, nil
	case <-lost:
		return false, nil
	case <-queued:
	case <-s.kick:
	}
	// events of one act arrive together: one pass serves them all
	return false, s.sleep(ctx, settle)
}

// listenWhile makes sure that a goroutine waits for events of the session. The
// channel is closed when the session is lost.
func (s *Syncer) listenWhile(ctx context.Context, online bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.link
	if !online || l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.notified {
		return nil
	}
	if l.deaf == nil {
		deaf := make(chan struct{})
		l.deaf = deaf
		ctx, l.unlisten = context.WithCancel(ctx)
		go func() {
			defer close(deaf)
			err := l.listen(ctx)
			if ctx.Err() == nil {
				s.cfg.Logf("notifications: %v", err)
				s.mu.Lock()
				s.lookAtAll = true // something may have been missed
				s.mu.Unlock()
				if brokenLink(l, err) {
					s.drop(ctx, l)
				}
			}
		}()
	}
	return l.deaf
}

func (s *Syncer) pollInterval() time.Duration {
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return pollAlone(s.cfg.PollInterval, 0)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.notified || l.unheard:
		return pollAlone(s.cfg.PollInterval, l.info.Polls)
	case s.cfg.PollInterval > 0:
		return s.cfg.PollInterval
	}
	return pollNotified
}

// backOff is the time to wait after the n-th failure in a row, with jitter so that
// many clients of one server do not come back together.
func (s *Syncer) backOff(n int, err error) time.Duration {
	var busy *mapi.Busy
	if errors.As(err, &busy) && busy.After > 0 {
		return busyWait(busy)
	}
	d := retryFirst << min(n-1, 10)
	d = min(d, retryLongest)
	return max(d/2+time.Duration(s.cfg.Rand()*float64(d/2)), s.refusedFor())
}

// hopeless reports whether an error stays however long one waits.
func hopeless(err error) bool {
	return errors.Is(err, replica.ErrMailbox) || errors.Is(err, errNoServer)
}

// refused reports whether the server does not take the credentials.
func refused(err error) bool {
	var refused *mapi.Refused
	return errors.As(err, &refused)
}

// goOffline ends the session, and waits for what runs on it.
func (s *Syncer) goOffline(ctx context.Context) {
	defer s.hangUpAside(ctx)
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	deaf, unlisten := l.deaf, l.unlisten
	l.mu.Unlock()
	if deaf != nil {
		unlisten()
		<-deaf
	}
	s.drop(ctx, l)
	s.noteConnection(nil)
	s.board.update(func(st *Status) { st.Connected, st.Phase = false, PhaseOffline })
}

// Close ends the session. A Syncer that is not running any more can be used again.
func (s *Syncer) Close() error {
	s.goOffline(context.Background())
	return nil
}

// Flush returns when the server has acknowledged every change that is queued, those
// that are added meanwhile included. It waits for a server that is away until ctx
// ends. Changes that the server refuses are left, with those that can't go before them, and make it return an error.
func (s *Syncer) Flush(ctx context.Context) error {
	var last error
	s.signInAgain()
	for failed := 0; ; {
		st := s.Status()
		if st.Queued == st.Refused {
			if st.Refused > 0 {
				return s.refusals()
			}
			return nil
		}
		at, ok, err := s.nextReady()
		if err != nil {
			return err
		}
		wait := time.Duration(0)
		if ok {
			wait = max(at.Sub(s.cfg.Now()), 0) + time.Millisecond
		}
		err = s.flushOnce(ctx)
		switch {
		case err == nil && s.Status().Queued < st.Queued:
			failed = 0
			continue
		case ctx.Err() != nil:
			s.logWaiting()
			return errors.Join(ctx.Err(), last)
		case err == nil && !ok:
			if stuck, err := s.stuck(); err != nil || stuck {
				return errors.Join(err, s.refusals())
			}
			failed++
			wait = s.backOff(failed, nil)
		case err != nil && (hopeless(err) || refused(err)):
			return err
		case err != nil:
			last = err
			failed++
			wait = s.backOff(failed, err)
		}
		if err := s.sleep(ctx, wait); err != nil {
			s.logWaiting()
			return errors.Join(err, last)
		}
	}
}

// flushOnce uploads what may go now.
func (s *Syncer) flushOnce(ctx context.Context) error {
	if err := s.lockPass(ctx); err != nil {
		return err
	}
	defer s.unlockPass()
	return s.withLink(ctx, func(l *link) error {
		if wait, err := s.downloadsFirst(); err != nil || wait {
			return errors.Join(err, s.pass(ctx, l, passKind{}))
		}
		if err := s.upload(ctx, l); err != nil {
			return err
		}
		if s.needsDownload() {
			return s.pass(ctx, l, passKind{})
		}
		s.setPhase(PhaseIdle)
		return nil
	})
}

// moreUrgent reports whether something waits that goes before bodies.
func (s *Syncer) moreUrgent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kick)+len(s.queued) > 0
}
