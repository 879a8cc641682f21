package syncer

import (
	"context"
	"errors"
	"fmt"
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
	cancel  context.CancelFunc // of the request it is in, when nobody waits any more
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
	call.waiters++
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
	if call.cancel != nil {
		call.cancel()
	} else if f.waiting[num] == call {
		delete(f.waiting, num)
	}
}

// serveFetches works until nobody waits.
func (s *Syncer) serveFetches() {
	for {
		calls, ctx, cancel := s.takeCalls()
		if len(calls) == 0 {
			cancel()
			return
		}
		err := s.fetchCalls(ctx, calls)
		cancel()
		s.fetch.mu.Lock()
		for num, c := range calls {
			c.err = err
			if here, herr := s.isHere(num); herr != nil {
				c.err = herr
			} else if here {
				c.err = nil
			} else if err == nil {
				c.err = s.notDelivered(num)
			}
			close(c.done)
			if s.fetch.waiting[num] == c {
				delete(s.fetch.waiting, num)
			}
		}
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

// takeCalls takes everything that waits as one request, whose context ends when the
// last of its waiters has gone.
func (s *Syncer) takeCalls() (map[replica.Num]*fetchCall, context.Context, context.CancelFunc) {
	f := &s.fetch
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	calls := map[replica.Num]*fetchCall{}
	for num, c := range f.waiting {
		calls[num] = c
	}
	var left sync.Mutex
	n := len(calls)
	for _, c := range calls {
		c.cancel = func() {
			left.Lock()
			defer left.Unlock()
			if n--; n == 0 {
				cancel()
			}
		}
	}
	if len(calls) == 0 {
		f.running = false
	}
	return calls, ctx, cancel
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
	var code mapi.ErrorCode
	if errors.As(err, &code) {
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	return err
}
