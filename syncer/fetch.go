package syncer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"mailfs/mapi"
	"mailfs/replica"
)

// ErrNotDelivered says that the server did not send the message that was asked for:
// it was deleted or moved meanwhile, or can't be read there.
var ErrNotDelivered = errors.New("syncer: the server did not send the message")

// fetcher gathers requests for bodies. Those that wait while one request is under
// way go together in the next.
type fetcher struct {
	mu      sync.Mutex
	waiting map[replica.Num]*fetchCall
	running bool
}

// fetchCall is a message that somebody waits for.
type fetchCall struct {
	done    chan struct{}
	err     error
	waiters int
	in      *fetchRun // the request that it is in, nil before there is one
}

// fetchRun is one request for bodies. It ends early when nobody waits any more for any of them.
type fetchRun struct {
	calls  map[replica.Num]*fetchCall
	wanted int // calls that somebody waits for
	ctx    context.Context
	cancel context.CancelFunc
}

// Fetch returns when the content of a message is in the replica. It serves many
// callers at once, and goes between the requests of a pass. Its error is
// ErrNotDelivered, replica.ErrNotFound, one of the connection, or that of ctx.
func (s *Syncer) Fetch(ctx context.Context, num replica.Num) error {
	here, err := s.isHere(num)
	if err != nil || here {
		return err
	}
	call := s.join(num)
	defer s.leave(num, call)
	select {
	case <-call.done:
		return call.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isHere reports whether nothing is to be fetched.
func (s *Syncer) isHere(num replica.Num) (here bool, err error) {
	err = s.rep.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err != nil {
			return err
		}
		here = n.Message == nil || n.Message.State == replica.StateFull
		return nil
	})
	return here, err
}

// join adds a waiter for a message and makes sure that somebody works.
func (s *Syncer) join(num replica.Num) *fetchCall {
	f := &s.fetch
	f.mu.Lock()
	defer f.mu.Unlock()
	call := f.waiting[num]
	if call == nil {
		call = &fetchCall{done: make(chan struct{})}
		if f.waiting == nil {
			f.waiting = map[replica.Num]*fetchCall{}
		}
		f.waiting[num] = call
	}
	if call.waiters++; call.waiters == 1 && call.in != nil {
		call.in.wanted++
	}
	if !f.running {
		f.running = true
		go s.serveFetches()
	}
	return call
}

func (s *Syncer) leave(num replica.Num, call *fetchCall) {
	f := &s.fetch
	f.mu.Lock()
	defer f.mu.Unlock()
	call.waiters--
	if call.waiters > 0 {
		return
	}
	if run := call.in; run != nil {
		if run.wanted--; run.wanted == 0 {
			run.cancel()
		}
	} else if f.waiting[num] == call {
		delete(f.waiting, num)
	}
}

// serveFetches works until nobody waits.
func (s *Syncer) serveFetches() {
	for {
		run := s.takeCalls()
		if run == nil {
			return
		}
		err := s.fetchCalls(run.ctx, run.calls)
		s.fetch.mu.Lock()
		givenUp := errors.Is(run.ctx.Err(), context.Canceled)
		for num, c := range run.calls {
			c.err = err
			if here, herr := s.isHere(num); herr != nil {
				c.err = herr
			} else if here {
				c.err = nil
			} else if c.waiters > 0 && givenUp {
				c.in = nil // who waits came after it was given up: it goes into the next request
				continue
			} else if err == nil {
				c.err = s.notDelivered(num)
			}
			close(c.done)
			delete(s.fetch.waiting, num)
		}
		run.cancel()
		s.fetch.mu.Unlock()
	}
}

// notDelivered tells why a message did not come: the server can't deliver it, or it is
// gone there, and a pass is due that finds out where to.
func (s *Syncer) notDelivered(num replica.Num) error {
	why := mapi.EcNotFound
	err := s.rep.View(func(v *replica.View) error {
		n, err := v.Node(num)
		if err != nil || n.Message == nil {
			return ignoreMissing(err)
		}
		list, err := failures(v)
		for _, f := range list {
			if f.Message == n.Message.SourceKey.String() {
				why = mapi.ErrorCode(f.Code)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if isMissing(why) {
		s.Kick()
	}
	return fmt.Errorf("%w: %w", ErrNotDelivered, why)
}

// takeCalls takes everything that waits as one request, nil if nothing does.
func (s *Syncer) takeCalls() *fetchRun {
	f := &s.fetch
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		f.running = false
		return nil
	}
	run := &fetchRun{calls: maps.Clone(f.waiting), wanted: len(f.waiting)}
	run.ctx, run.cancel = context.WithTimeout(context.Background(), fetchLimit)
	for _, c := range run.calls {
		c.in = run
	}
	return run
}

func (s *Syncer) fetchCalls(ctx context.Context, calls map[replica.Num]*fetchCall) error {
	var wants []want
	err := s.rep.View(func(v *replica.View) error {
		wants = wants[:0]
		folders := map[replica.Num]*replica.Node{}
		for num := range calls {
			n, err := v.Node(num)
			if errors.Is(err, replica.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if n.Message == nil || n.Message.State == replica.StateFull {
				continue
			}
			w, ok, err := s.wantOf(v, n, folders)
			if err != nil {
				return err
			}
			if ok {
				wants = append(wants, w)
			}
		}
		return nil
	})
	if err != nil || len(wants) == 0 {
		return err
	}
	err = s.withLink(ctx, func(l *link) error { return s.fetchBodies(ctx, l, chunk(wants)) })
	if _, refused := refusal(err); refused {
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	return err
}
