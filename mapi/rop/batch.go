package rop

import (
	"context"
	"errors"
	"fmt"

	"mailfs/mapi"
)

// Batch collects operations that are to be sent together, in order. Operations that
// do not fit into one buffer go in several; a failure does not stop the following
// ones. A batch is built and run by one goroutine, once.
type Batch struct {
	session *Session
	results []*Result
	ran     bool
}

// Result is the outcome of one operation of a batch. It has meaning after Do.
type Result struct {
	request Request
	logonID uint8
	in      *Object // input or source object
	dst     *Object // destination object
	out     *Object // the new object

	response Response
	further  []Response
	err      error
}

// NewBatch returns an empty batch.
func (s *Session) NewBatch() *Batch { return &Batch{session: s} }

// Add appends an operation on in, which may be an object that an earlier operation of
// the same batch creates.
func (b *Batch) Add(in *Object, q Request) *Result {
	r := &Result{request: q, in: in, logonID: in.logonID, err: errNotRun}
	if q.layout() == layoutInOut {
		r.out = b.session.newObject(ownerOf(in, q), in.logonID)
	}
	b.results = append(b.results, r)
	return r
}

// AddTo appends an operation from src to dst: MoveCopyMessages, MoveFolder,
// CopyFolder, CopyTo, CopyProperties or CopyToStream.
func (b *Batch) AddTo(src, dst *Object, q Request) *Result {
	r := b.Add(src, q)
	r.dst = dst
	return r
}

// AddLogon appends a log on.
func (b *Batch) AddLogon(q *LogonRequest) *Result {
	s := b.session
	s.mu.Lock()
	id := s.nextLogon
	s.nextLogon++
	s.mu.Unlock()
	r := &Result{request: q, logonID: id, out: s.newObject(nil, id), err: errNotRun}
	b.results = append(b.results, r)
	return r
}

// Release appends the release of an object and of those that belong to it. Unlike
// Object.Release, which waits for the next buffer, it takes its place in the batch.
func (b *Batch) Release(o *Object) {
	b.session.mu.Lock()
	owned := append([]*Object(nil), o.owned...)
	b.session.mu.Unlock()
	for _, one := range owned {
		b.Release(one)
	}
	b.results = append(b.results, &Result{request: &ReleaseRequest{}, in: o, logonID: o.logonID, err: errNotRun})
}

// Object returns the object that the operation creates, nil if it creates none. It
// can be used in the batch before the batch is run.
func (r *Result) Object() *Object { return r.out }

// Response returns the answer, nil when there is none. It is there beside an error
// that is an *Error.
func (r *Result) Response() Response { return r.response }

// Further returns what the server chained to the answer of the last operation of a
// buffer ([MS-OXCRPC] 3.1.4.2.1.2): further responses of QueryRows, ReadStream or
// FastTransferSourceGetBuffer.
func (r *Result) Further() []Response { return r.further }

// Err returns why the operation failed: an *Error, or a mapi kind around it, when the
// server said so; the error of its input object when that was not created; or the
// error of the transport.
func (r *Result) Err() error { return r.err }

// Get returns the response of a result as the type T, and Err.
func Get[T Response](r *Result) (T, error) {
	p, ok := r.response.(T)
	if !ok && r.err == nil {
		return p, &mapi.Protocol{Err: fmt.Errorf("rop: %T answers %s", r.response, r.request.ROP())}
	}
	return p, r.err
}

// Do runs one operation on in and returns its response.
func Do[T Response](ctx context.Context, in *Object, q Request) (T, error) {
	b := in.session.NewBatch()
	r := b.Add(in, q)
	if err := b.Do(ctx); err != nil {
		var zero T
		return zero, err
	}
	return Get[T](r)
}

// Open runs one operation that creates an object, such as OpenFolder.
func Open(ctx context.Context, in *Object, q Request) (*Object, error) {
	b := in.session.NewBatch()
	r := b.Add(in, q)
	if err := b.Run(ctx); err != nil {
		return nil, err
	}
	if r.out == nil {
		return nil, fmt.Errorf("rop: %s creates no object", q.ROP())
	}
	return r.out, nil
}

// Run is Do, and returns the first failure of an operation if there is no other.
func (b *Batch) Run(ctx context.Context) error {
	if err := b.Do(ctx); err != nil {
		return err
	}
	for _, r := range b.results {
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

// Do sends the operations and waits for the answers. It returns an error of the
// transport, a *mapi.Protocol for answers that can't be understood, or a *mapi.Busy
// when the server backs off; operations without an answer then have it, too. What
// single operations failed with is in their results only.
func (b *Batch) Do(ctx context.Context) error {
	if b.ran {
		return errRunTwice
	}
	b.ran = true
	s := b.session
	if err := s.acquire(ctx); err != nil {
		return b.abandon(err)
	}
	err := b.run(ctx)
	s.yield()
	s.deliver()
	return err
}

// run sends buffer after buffer until every operation has its outcome.
func (b *Batch) run(ctx context.Context) error {
	rest, limit := b.results, maxCalls
	for first := true; first || len(rest) > 0; first = false {
		if err := b.session.Err(); err != nil {
			return b.abandon(err)
		}
		if err := ctx.Err(); err != nil {
			return b.abandon(err)
		}
		p := b.session.pack(rest, limit)
		if len(p.calls) == 0 && p.taken > 0 {
			rest = rest[p.taken:] // nothing but operations that can't be sent
			continue
		}
		n, err := b.session.execute(ctx, p)
		if errors.Is(err, errFewer) || errors.Is(err, mapi.EcBufferTooSmall) && p.divisible() {
			limit = len(p.results) / 2
			continue
		}
		if err != nil {
			var lost *mapi.SessionLost
			if errors.As(err, &lost) {
				b.session.setLost(err)
			}
			return b.abandon(err)
		}
		rest = rest[n:]
	}
	return nil
}

// abandon gives the error to every operation that has no outcome.
func (b *Batch) abandon(err error) error {
	for _, r := range b.results {
		if r.err == errNotRun {
			r.fail(err)
		}
	}
	return err
}

// fail ends an operation that the server has not answered, or refused.
func (r *Result) fail(err error) {
	r.err = err
	if r.out != nil {
		r.out.failed(err)
	}
}
