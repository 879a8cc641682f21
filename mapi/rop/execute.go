package rop

import (
	"context"
	"fmt"

	"mailfs/mapi"
)

// execute sends a buffer and gives its operations their outcome. It returns how many
// operations of the list that the buffer was packed from are settled: all that were
// taken, or fewer when the server ran out of room for the answers.
func (s *Session) execute(ctx context.Context, p *packed) (settled int, err error) {
	sent := p.requests()
	payload, err := EncodeRequests(sent)
	if err != nil {
		s.unsent(p)
		return 0, err
	}
	payloads, err := s.transport.Execute(ctx, payload, s.maxOut)
	if err != nil {
		s.unsent(p)
		return 0, err
	}
	if len(payloads) == 0 {
		if len(p.results) == 0 {
			return p.taken, nil
		}
		return 0, &mapi.Protocol{Err: errNoAnswer}
	}
	got, err := DecodeResponses(payloads[0], sent, s.columns)
	if err != nil {
		return 0, &mapi.Protocol{Err: err}
	}
	end, err := s.settle(p, got)
	if err != nil {
		return 0, err
	}
	if len(payloads) > 1 && end < p.taken {
		// Whatever it continues, the last request is about to be sent again.
		return 0, &mapi.Protocol{Err: errChainedEarly}
	}
	if len(payloads) > 1 {
		if err := s.settleFurther(p, got.Handles, payloads[1:]); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// settle gives the operations their answers.
func (s *Session) settle(p *packed, got Responses) (settled int, err error) {
	answered := 0 // calls, releases included
	var tooSmall, backoff bool
	var wait *Backoff
	for _, a := range got.Answers {
		switch r := a.Response.(type) {
		case *Notify:
			s.queueEvent(r)
		case *Pending:
		case *BufferTooSmall:
			tooSmall = true
		case *Backoff:
			backoff, wait = true, r
		default:
			s.pass(p, answered, a.Call)
			one := p.result(a.Call)
			one.settle(a.Response, slot(got.Handles, p.calls[a.Call].Out), p.releasesLater(a.Call))
			answered = a.Call + 1
		}
	}
	for answered < len(p.calls) && !p.calls[answered].Answered() {
		s.pass(p, answered, answered+1)
		answered++
	}
	switch {
	case answered == len(p.calls):
		return p.taken, nil
	case backoff:
		return 0, backoffError(wait, p.calls[answered].Request.ROP())
	case tooSmall:
		return s.retrySmall(p, answered)
	}
	return 0, &mapi.Protocol{Err: fmt.Errorf("%w: %s", errNoAnswer, p.calls[answered].Request.ROP())}
}

// pass settles the releases among the calls from i up to j, which have no answers.
func (s *Session) pass(p *packed, i, j int) {
	for ; i < j; i++ {
		if r := p.result(i); r != nil && !p.calls[i].Answered() {
			r.err = nil
			s.mu.Lock()
			r.in.retire(nil)
			r.in.leaveOwner()
			s.mu.Unlock()
		}
	}
}

// result returns the operation of a call, nil for a queued release.
func (p *packed) result(call int) *Result {
	if call < len(p.releases) {
		return nil
	}
	return p.results[call-len(p.releases)]
}

// releasesLater reports whether the buffer itself releases the object that a call creates: servers
// then may answer with an empty slot.
func (p *packed) releasesLater(call int) bool {
	for _, c := range p.calls[call+1:] {
		if c.Request.ROP() == IDRelease && c.In == p.calls[call].Out {
			return true
		}
	}
	return false
}

// settle stores the answer of an operation. gone says that its object is released already.
func (r *Result) settle(p Response, h Handle, gone bool) {
	r.response = p
	id := r.request.ROP()
	err := resultError(id, p)
	if p.Result() == mapi.EcNullObject {
		if inErr := r.inputFailure(); inErr != nil {
			err = inputError(id, inErr)
		}
	}
	if err == nil && r.out != nil && h == NoHandle && !gone {
		err = &mapi.Protocol{Err: fmt.Errorf("rop: %s without a handle", id)}
	}
	// A warning comes with an object, too ([MS-OXCDATA] 2.4.3).
	if r.out != nil && h != NoHandle && p.Result()&0x80000000 == 0 && isObject(p) {
		r.out.opened(h)
		r.err = err
		return
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.err = nil
}

// isObject reports whether a response that is no success leaves a new object behind.
func isObject(p Response) bool { return p.Result() == 0 || p.Result() >= 0x00040000 }

// inputFailure returns why the input or destination object does not exist.
func (r *Result) inputFailure() error {
	for _, o := range []*Object{r.in, r.dst} {
		if o == nil {
			continue
		}
		if _, err := o.state(); err != nil {
			return err
		}
	}
	return nil
}

// retrySmall decides what happens with the calls from answered on, for whose answers
// there was no room ([MS-OXCROPS] 2.2.15.1).
func (s *Session) retrySmall(p *packed, answered int) (settled int, err error) {
	first := len(p.releases)
	for first < len(p.calls) && !p.calls[first].Answered() {
		first++
	}
	if answered > first {
		return p.upTo(answered), nil // the rest has a whole buffer to itself next time
	}
	if s.maxOut < maxOutLimit {
		s.maxOut = min(2*s.maxOut, maxOutLimit)
		return p.upTo(answered), nil
	}
	r := p.result(answered)
	if len(p.results) > 1 {
		return 0, errFewer
	}
	r.fail(outOfRoom(r.request.ROP()))
	return p.upTo(answered + 1), nil
}

// upTo returns how far into the list the calls before the given one reach. Those that
// were passed by when packing have their error and may be passed by again.
func (p *packed) upTo(call int) int {
	if call >= len(p.calls) {
		return p.taken
	}
	return p.places[call-len(p.releases)]
}

// settleFurther takes the payloads that the server chained to the last call.
func (s *Session) settleFurther(p *packed, handles []Handle, payloads [][]byte) error {
	last := len(p.calls) - 1
	if last < 0 || p.result(last) == nil {
		return &mapi.Protocol{Err: fmt.Errorf("rop: %d payloads chained to no request", len(payloads))}
	}
	if len(handles) == 0 {
		handles = p.handles
	}
	sent := Requests{Calls: p.calls[last:], Handles: handles}
	r := p.result(last)
	for _, payload := range payloads {
		got, err := DecodeResponses(payload, sent, s.columns)
		if err != nil {
			return &mapi.Protocol{Err: err}
		}
		for _, a := range got.Answers {
			if n, ok := a.Response.(*Notify); ok {
				s.queueEvent(n)
			} else if a.Call >= 0 {
				r.further = append(r.further, a.Response)
			}
		}
	}
	return nil
}
