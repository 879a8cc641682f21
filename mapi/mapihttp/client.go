package mapihttp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"mailfs/mapi"
)

// Client is the client half of one session context at a time. Its methods may be
// called from several goroutines; all but NotificationWait take turns.
type Client struct {
	cfg Config
	url *url.URL

	turn     turn // of every request but NotificationWait
	waitTurn turn // of NotificationWait

	mu       sync.Mutex
	cur      *session // nil before the first Connect and after Disconnect
	contexts uint64   // session contexts made so far, the counter of X-ClientInfo
}

// ConnectInfo is what a server says about itself and the new session context.
type ConnectInfo struct {
	DisplayName       string // of the user
	DNPrefix          string
	PollsMax          time.Duration // between polls for events
	RetryCount        int           // when the server is busy
	RetryDelay        time.Duration
	Expiry            time.Duration      // idle time after which the context is dropped; 0 if not told
	ServerApplication string             // X-ServerApplication, such as "Exchange/15.00.0847.4040"
	Version           mapi.ServerVersion // read from ServerApplication; zero when it tells none
	Capabilities      ServerCapabilities
}

var (
	errNotConnected = errors.New("no session context")
	errReplaced     = errors.New("session context was replaced")
	errDisconnected = errors.New("session context was ended")
)

// Connect makes a session context, in place of the one that there was
// ([MS-OXCMAPIHTTP] 3.1.5.1 and 3.1.5.7). Handles of the former one are gone. It
// never returns SessionLost; Refused means that the server knows neither user nor
// password, or not both together.
func (c *Client) Connect(ctx context.Context) (ConnectInfo, error) {
	if err := c.turn.take(ctx); err != nil {
		return ConnectInfo{}, fmt.Errorf("%s: %w", Connect, err)
	}
	defer c.turn.give()

	c.mu.Lock()
	old := c.cur
	var carried cookies
	if old != nil {
		carried = old.jar
	}
	c.mu.Unlock()

	s, info, err := c.connectOnce(ctx, carried)
	if isLost(err) && len(carried) > 0 {
		s, info, err = c.connectOnce(ctx, nil)
	}
	if lost := (*mapi.SessionLost)(nil); errors.As(err, &lost) {
		err = &mapi.Protocol{Err: lost.Err}
	}
	if err != nil {
		return ConnectInfo{}, err
	}
	c.mu.Lock()
	c.cur = s
	c.mu.Unlock()
	if old != nil {
		old.end(errReplaced)
	}
	return info, nil
}

// connectOnce sends one Connect with the cookies carried over from the context that
// is to be replaced.
func (c *Client) connectOnce(ctx context.Context, carried cookies) (*session, ConnectInfo, error) {
	body, err := ConnectRequest{
		UserDN:          c.cfg.UserDN,
		DefaultCodePage: c.cfg.CodePage,
		LcidSort:        c.cfg.Locale,
		LcidString:      c.cfg.Locale,
	}.Encode()
	if err != nil {
		return nil, ConnectInfo{}, &mapi.Protocol{Err: &Error{Request: Connect, Err: err}}
	}
	c.mu.Lock()
	c.contexts++
	clientInfo := fmt.Sprintf("{%s}:%d", strings.ToUpper(c.cfg.ClientID.String()), c.contexts)
	c.mu.Unlock()

	s := newSession(clientInfo)
	a, err := c.exchange(ctx, s, exchangeArgs{kind: Connect, body: body, cookies: carried})
	if err != nil {
		return nil, ConnectInfo{}, err
	}
	p, err := DecodeConnectResponse(a.body)
	if err != nil {
		return nil, ConnectInfo{}, badBody(Connect, err)
	}
	delay := time.Duration(p.RetryDelay) * time.Millisecond
	if err := checkBody(Connect, p.StatusCode, p.ErrorCode, delay); err != nil {
		return nil, ConnectInfo{}, err
	}
	blocks, err := DecodeAux(p.Aux)
	if err != nil {
		return nil, ConnectInfo{}, badBody(Connect, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(s.jar) == 0 {
		return nil, ConnectInfo{}, badBody(Connect, errors.New("server set no session cookie"))
	}
	s.retryDelay = delay
	return s, ConnectInfo{
		DisplayName:       p.DisplayName,
		DNPrefix:          p.DNPrefix,
		PollsMax:          time.Duration(p.PollsMax) * time.Millisecond,
		RetryCount:        int(min(p.RetryCount, 1000)),
		RetryDelay:        delay,
		Expiry:            s.expiry,
		ServerApplication: a.serverApplication,
		Version:           ParseVersion(a.serverApplication),
		Capabilities:      serverCapabilities(blocks),
	}, nil
}

// Execute sends one ROP buffer, from RopSize to the end of the handle table, and
// returns those of the answer, of which there is always at least one. maxOut is the
// room for the answer in bytes, extended buffer headers included. Up to OneBuffer
// (which 0 stands for) the answer has one payload; with more, up to MaxRopOut, the
// server may chain several when the last ROP is one of those that can go on
// ([MS-OXCRPC] 3.1.4.2.1.2.2).
//
// Only SessionLost says that the server has not carried out the request; after any
// other error it may have. Unreachable and Busy leave the session context as it was:
// the next request finds out whether it still lives.
func (c *Client) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	if err := c.turn.take(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", Execute, err)
	}
	defer c.turn.give()
	s, err := c.session(Execute)
	if err != nil {
		return nil, err
	}
	body, err := c.executeBody(payload, maxOut)
	if err != nil {
		return nil, &mapi.Protocol{Err: &Error{Request: Execute, Err: err}}
	}
	a, err := c.exchange(ctx, s, exchangeArgs{kind: Execute, body: body})
	if err != nil {
		return nil, err
	}
	p, err := DecodeExecuteResponse(a.body)
	if err != nil {
		return nil, badBody(Execute, err)
	}
	if err := checkBody(Execute, p.StatusCode, p.ErrorCode, c.retryDelay(s)); err != nil {
		return nil, err
	}
	buffers, err := SplitExtended(p.RopBuffer, MaxChained)
	if err != nil {
		return nil, badBody(Execute, err)
	}
	if len(buffers) == 0 {
		return nil, badBody(Execute, errors.New("no ROP buffer in the answer"))
	}
	out := make([][]byte, len(buffers))
	for i, b := range buffers {
		out[i] = b.Payload
	}
	return out, nil
}

// compressFrom is the payload size from which compressing a request can pay.
const compressFrom = 1024

func (c *Client) executeBody(payload []byte, maxOut uint32) ([]byte, error) {
	if maxOut == 0 {
		maxOut = OneBuffer
	}
	flags := NoXorMagic // TLS hides better
	if c.cfg.PlainAnswers {
		flags |= NoCompression
	}
	if maxOut > OneBuffer {
		flags |= Chain
	}
	ext := ExtLast
	if c.cfg.CompressRequests && len(payload) >= compressFrom {
		ext |= ExtCompressed
	}
	rop, err := AppendExtended(nil, payload, ext)
	if err != nil {
		return nil, err
	}
	return ExecuteRequest{Flags: flags, RopBuffer: rop, MaxRopOut: min(maxOut, MaxRopOut)}.Encode()
}

// NotificationWait waits until the server has an event for this session context
// (true) or has waited long enough (false, after about five minutes; [MS-OXCMAPIHTTP]
// 3.2.2). The events themselves come with the next Execute. It may run beside every
// other method, but only once at a time. Busy means that the server takes no wait now
// and that the caller has to poll meanwhile. It ends with SessionLost when the session
// context is lost or replaced.
func (c *Client) NotificationWait(ctx context.Context) (pending bool, err error) {
	if err := c.waitTurn.take(ctx); err != nil {
		return false, fmt.Errorf("%s: %w", NotificationWait, err)
	}
	defer c.waitTurn.give()
	s, err := c.session(NotificationWait)
	if err != nil {
		return false, err
	}
	body, err := NotificationWaitRequest{}.Encode()
	if err != nil {
		return false, &mapi.Protocol{Err: &Error{Request: NotificationWait, Err: err}}
	}
	a, err := c.exchange(ctx, s, exchangeArgs{kind: NotificationWait, body: body})
	if err != nil {
		return false, err
	}
	p, err := DecodeNotificationWaitResponse(a.body)
	if err != nil {
		return false, badBody(NotificationWait, err)
	}
	if err := checkBody(NotificationWait, p.StatusCode, p.ErrorCode, c.retryDelay(s)); err != nil {
		return false, err
	}
	return p.EventPending&EventPending != 0, nil
}

// Ping keeps the session context alive ([MS-OXCMAPIHTTP] 3.1.5.3).
func (c *Client) Ping(ctx context.Context) error {
	if err := c.turn.take(ctx); err != nil {
		return fmt.Errorf("%s: %w", Ping, err)
	}
	defer c.turn.give()
	s, err := c.session(Ping)
	if err != nil {
		return err
	}
	_, err = c.exchange(ctx, s, exchangeArgs{kind: Ping})
	return err
}

// Disconnect ends the session context. Without one, or when the server has lost it
// already, there is nothing to do. After any other error the context still counts as
// alive ([MS-OXCMAPIHTTP] 3.1.5.4).
func (c *Client) Disconnect(ctx context.Context) error {
	if err := c.turn.take(ctx); err != nil {
		return fmt.Errorf("%s: %w", Disconnect, err)
	}
	defer c.turn.give()
	defer c.closeIdle()
	s, err := c.session(Disconnect)
	if err == nil {
		err = c.disconnect(ctx, s)
	}
	if err != nil && !isLost(err) {
		return err
	}
	c.mu.Lock()
	c.cur = nil
	c.mu.Unlock()
	if s != nil {
		s.end(errDisconnected)
	}
	return nil
}

func (c *Client) disconnect(ctx context.Context, s *session) error {
	body, err := DisconnectRequest{}.Encode()
	if err != nil {
		return &mapi.Protocol{Err: &Error{Request: Disconnect, Err: err}}
	}
	a, err := c.exchange(ctx, s, exchangeArgs{kind: Disconnect, body: body})
	if err != nil {
		return err
	}
	p, err := DecodeDisconnectResponse(a.body)
	if err != nil {
		return badBody(Disconnect, err)
	}
	return checkBody(Disconnect, p.StatusCode, p.ErrorCode, c.retryDelay(s))
}

// closeIdle lets go of the connections that nobody uses.
func (c *Client) closeIdle() {
	if t, ok := c.cfg.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Expiry returns how long the server keeps the session context without a request, as
// it last said; 0 without a context or when it never said so.
func (c *Client) Expiry() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur == nil {
		return 0
	}
	return c.cur.expiry
}

// session returns the session context for a request, or SessionLost.
func (c *Client) session(kind RequestType) (*session, error) {
	c.mu.Lock()
	s := c.cur
	c.mu.Unlock()
	if s == nil {
		return nil, &mapi.SessionLost{Err: &Error{Request: kind, Err: errNotConnected}}
	}
	if err := s.lost(); err != nil {
		return nil, asLost(kind, err)
	}
	return s, nil
}

func (c *Client) retryDelay(s *session) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.retryDelay
}

func isLost(err error) bool {
	var lost *mapi.SessionLost
	return errors.As(err, &lost)
}

// asLost makes SessionLost out of the reason why a session context ended.
func asLost(kind RequestType, reason error) error {
	if isLost(reason) {
		return reason
	}
	return &mapi.SessionLost{Err: &Error{Request: kind, Err: reason}}
}

func badBody(kind RequestType, err error) error {
	return &mapi.Protocol{Err: &Error{Request: kind, HTTPStatus: 200, Err: err}}
}
