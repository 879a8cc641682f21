package mapihttp

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"mailfs/mapi"
)

// session is one session context on the server, as the client knows it.
type session struct {
	id         mapi.GUID // of X-RequestId, the same for the life of the context
	counter    atomic.Uint64
	clientInfo string

	// ctx ends when the context is lost or replaced; its cause is the error that a
	// request in flight then returns.
	ctx context.Context
	end context.CancelCauseFunc

	// Guarded by Client.mu.
	jar        cookies
	retryDelay time.Duration // asked for at Connect, for answers that say busy
	expiry     time.Duration // of the last X-ExpirationInfo
}

func newSession(clientInfo string) *session {
	// The context belongs to the session, not to the request that makes it.
	ctx, end := context.WithCancelCause(context.Background())
	return &session{id: randomGUID(), clientInfo: clientInfo, ctx: ctx, end: end}
}

// requestID returns the next X-RequestId ([MS-OXCMAPIHTTP] 2.2.3.3.2).
func (s *session) requestID() string {
	return fmt.Sprintf("{%s}:%d", strings.ToUpper(s.id.String()), s.counter.Add(1))
}

// lost reports why the session can't be used any more, nil while it can.
func (s *session) lost() error { return context.Cause(s.ctx) }

func randomGUID() (g mapi.GUID) {
	_, _ = rand.Read(g[:]) // never fails
	g[7] = g[7]&0x0F | 0x40
	g[8] = g[8]&0x3F | 0x80
	return g
}

// turn lets one goroutine at a time through.
type turn chan struct{}

// take waits for the turn, or for the end of ctx.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) give() { <-t }
