package rop

import (
	"context"
	"errors"
	"sync"

	"mailfs/mapi"
)

// maxOutLimit is the largest MaxRopOut that servers take ([MS-OXCRPC] 3.1.4.2).
const maxOutLimit = 0x40000

// Options tell how a Session works. The zero value is ready.
type Options struct {
	// MaxOut is the size of the whole answer that is asked for first; it grows up to
	// 0x40000 when the server needs more room. 0 means 0x40000.
	MaxOut uint32
	// OnNotify, if not nil, gets the events that come along with answers, in order
	// and never two at a time. No lock is held, so it may use the session, but the
	// call of Batch.Do that brought the event waits for it.
	OnNotify func(*Notify)
}

// Session executes remote operations over a Transport, one buffer at a time. It may
// be used by several goroutines; each waits for its turn. A session serves one
// session context: after a mapi.SessionLost make a new one.
type Session struct {
	transport Transport
	onNotify  func(*Notify)

	turn chan struct{} // holds one token while a buffer is under way

	// Used by whoever has the turn.
	maxOut  uint32
	columns Columns

	mu         sync.Mutex // guards what follows, and the state of objects
	lost       error
	nextLogon  uint8
	releases   []*Object // in the order in which to release them
	events     []*Notify
	delivering bool
}

// NewSession returns a session over t, which is connected already.
func NewSession(t Transport, o Options) *Session {
	if o.MaxOut == 0 || o.MaxOut > maxOutLimit {
		o.MaxOut = maxOutLimit
	}
	return &Session{
		transport: t,
		onNotify:  o.OnNotify,
		turn:      make(chan struct{}, 1),
		maxOut:    o.MaxOut,
		columns:   Columns{},
	}
}

// Poll runs an empty buffer: it fetches pending events and sends queued releases.
func (s *Session) Poll(ctx context.Context) error { return s.NewBatch().Do(ctx) }

// Wait returns true when events are ready to be fetched with Poll, and false when
// the server ended the wait without one ([MS-OXCMAPIHTTP] 2.2.4.4). It may run beside
// batches.
func (s *Session) Wait(ctx context.Context) (bool, error) { return s.transport.NotificationWait(ctx) }

// Close ends the session context, and with it every object.
func (s *Session) Close(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.yield()
	s.setLost(&mapi.SessionLost{Err: errors.New("rop: session was closed")})
	return s.transport.Disconnect(ctx)
}

// acquire waits for the turn.
func (s *Session) acquire(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Session) yield() { <-s.turn }

func (s *Session) setLost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = err
	}
}

// Err returns the error that ended the session, nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// queueEvent keeps an event for deliver.
func (s *Session) queueEvent(n *Notify) {
	if s.onNotify == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, n)
}

// deliver hands queued events to OnNotify, unless another goroutine, or an outer
// call of this one, is doing so already.
func (s *Session) deliver() {
	s.mu.Lock()
	if s.delivering {
		s.mu.Unlock()
		return
	}
	s.delivering = true
	for len(s.events) > 0 {
		n := s.events[0]
		s.events = s.events[1:]
		s.mu.Unlock()
		s.onNotify(n)
		s.mu.Lock()
	}
	s.delivering = false
	s.mu.Unlock()
}
