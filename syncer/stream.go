package syncer

import (
	"context"
	"io"
)

// pieces reads a FastTransfer stream ahead of its decoder: next asks the server for
// the following piece, and two pieces may be waiting while the decoder works.
type pieces struct {
	ctx    context.Context
	next   func(ctx context.Context) piece // when nothing is read ahead, else nil
	last   bool
	in     <-chan piece
	cancel context.CancelFunc
	done   chan struct{}
	after  func() // called by close, when nothing is under way any more
	rest   []byte
	err    error
}

type piece struct {
	data []byte
	last bool
	err  error
}

// readAhead starts reading. first was read already; next is called until it says
// that a piece was the last one.
func readAhead(ctx context.Context, first piece, next func(ctx context.Context) piece) *pieces {
	ctx, cancel := context.WithCancel(ctx)
	in := make(chan piece, 2)
	p := &pieces{ctx: ctx, in: in, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		defer close(in)
		for at := first; ; at = next(ctx) {
			select {
			case in <- at:
			case <-ctx.Done():
				return
			}
			if at.last || at.err != nil {
				return
			}
		}
	}()
	return p
}

// readInTurn is readAhead without a goroutine: each piece is asked for when the decoder needs it.
func readInTurn(ctx context.Context, first piece, next func(ctx context.Context) piece) *pieces {
	return &pieces{ctx: ctx, next: next, last: first.last, rest: first.data, err: first.err}
}

// Read implements io.Reader.
func (p *pieces) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		if p.next != nil {
			p.nextInTurn()
			continue
		}
		at, ok := <-p.in
		switch {
		case !ok:
			if p.err = p.ctx.Err(); p.err == nil {
				p.err = io.EOF
			}
		case at.err != nil:
			p.err = at.err
		default:
			p.rest = at.data
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pieces) nextInTurn() {
	if p.last {
		p.err = io.EOF
		return
	}
	at := p.next(p.ctx)
	p.rest, p.last, p.err = at.data, at.last, at.err
}

// close stops reading and waits until the reader is gone.
func (p *pieces) close() {
	if p.next == nil {
		p.cancel()
		<-p.done
	}
	if p.after != nil {
		p.after()
	}
}
