package memserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

// Transport is a session context without HTTP. It is a rop.Transport.
type Transport struct {
	srv  *Server
	user *Mailbox

	mu sync.Mutex
	ss *session // nil after Disconnect
}

var _ rop.Transport = (*Transport)(nil)

var (
	errNoSession = errors.New("memserver: the session context is gone")
	errBusy      = errors.New("memserver: busy by script")
	errCut       = errors.New("memserver: connection cut by script")
	errClosed    = errors.New("memserver: server is closed")
)

// Transport opens a session context for the user of a mailbox.
func (s *Server) Transport(address string) (*Transport, error) {
	m, ok := s.Mailbox(address)
	if !ok {
		return nil, &mapi.Refused{Err: fmt.Errorf("mailbox %s: %w", address, ErrNotFound)}
	}
	ss := s.newSession(m)
	return &Transport{srv: s, user: m, ss: ss}, nil
}

func (t *Transport) session() (*session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ss != nil {
		if _, ok := t.srv.session(t.ss.id, t.user); ok {
			return t.ss, nil
		}
	}
	return nil, &mapi.SessionLost{Err: errNoSession}
}

// Execute sends one payload. See rop.Transport.
func (t *Transport) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	n := t.srv.stats.request(len(payload))
	f := t.srv.script.decide(Request{N: n, Type: mapihttp.Execute, Mailbox: t.user.cfg.Address, ROPs: payloadIDs(payload), Payload: payload})
	if err := sleep(ctx, f.Delay); err != nil {
		return nil, err
	}
	ss, err := t.session()
	switch {
	case f.CutBefore || f.HTTPStatus != 0:
		return nil, &mapi.Unreachable{Err: errCut}
	case f.Lose && err == nil:
		t.srv.drop(ss)
		return nil, &mapi.SessionLost{Err: errNoSession}
	case err != nil:
		return nil, err
	case f.Code != mapihttp.CodeSuccess:
		return nil, refusal(f.Code)
	case f.RPC != ecSuccess:
		return nil, &mapi.Protocol{Err: f.RPC}
	case maxOut < minRopOut || maxOut > maxRopOut:
		return nil, &mapi.Protocol{Err: fmt.Errorf("memserver: MaxRopOut %d", maxOut)}
	}
	out, code := ss.execute(payload, int(maxOut), true, f)
	if f.CutAfter {
		return nil, &mapi.Unreachable{Err: errCut}
	}
	if code != ecSuccess {
		return nil, &mapi.Protocol{Err: code}
	}
	t.srv.stats.add(func(s *Stats) {
		for _, p := range out {
			s.BytesOut += uint64(len(p))
		}
	})
	return out, nil
}

// refusal is the error for an X-ResponseCode.
func refusal(code mapihttp.ResponseCode) error {
	err := fmt.Errorf("memserver: %s", code)
	switch code {
	case mapihttp.CodeContextNotFound, mapihttp.CodeInvalidContextCookie, mapihttp.CodeInvalidSequence, mapihttp.CodeMissingCookie:
		return &mapi.SessionLost{Err: err}
	case mapihttp.CodeNoPrivilege, mapihttp.CodeAnonymousNotAllowed:
		return &mapi.Refused{Err: err}
	case mapihttp.CodeEndpointDisabled, mapihttp.CodeEndpointShuttingDown:
		return &mapi.Unreachable{Err: err}
	}
	return &mapi.Protocol{Err: err}
}

func payloadIDs(payload []byte) []uint8 {
	q, err := rop.DecodeRequests(payload, nil)
	if err != nil {
		return nil
	}
	var ids []uint8
	for _, c := range q.Calls {
		ids = append(ids, uint8(c.Request.ROP()))
	}
	return ids
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NotificationWait waits for an event. See rop.Transport.
func (t *Transport) NotificationWait(ctx context.Context) (bool, error) {
	n := t.srv.stats.request(0)
	f := t.srv.script.decide(Request{N: n, Type: mapihttp.NotificationWait, Mailbox: t.user.cfg.Address})
	if err := sleep(ctx, f.Delay); err != nil {
		return false, err
	}
	ss, err := t.session()
	if err != nil {
		return false, err
	}
	if f.CutBefore || f.CutAfter {
		return false, &mapi.Unreachable{Err: errCut}
	}
	if f.Busy > 0 {
		return false, &mapi.Busy{After: f.Busy, Err: errBusy}
	}
	limit := time.NewTimer(t.srv.cfg.WaitLimit)
	defer limit.Stop()
	for {
		pending, wake := ss.events.state()
		switch {
		case ss.isDead():
			return false, &mapi.SessionLost{Err: errNoSession}
		case pending:
			return true, nil
		}
		select {
		case <-wake:
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-t.srv.closed:
			return false, &mapi.Unreachable{Err: errClosed}
		}
	}
}

// Disconnect ends the session context. See rop.Transport.
func (t *Transport) Disconnect(context.Context) error {
	t.mu.Lock()
	ss := t.ss
	t.ss = nil
	t.mu.Unlock()
	if ss != nil {
		t.srv.drop(ss)
	}
	return nil
}
