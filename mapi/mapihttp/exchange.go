package mapihttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"mailfs/mapi"
)

const (
	// firstAnswer bounds the time from the start of a request to the answer's
	// headers. Servers that send PROCESSING only when they are done exist, so it is
	// generous.
	firstAnswer = 2 * time.Minute
	// Bounds of what X-PendingPeriod may ask for, and how many periods may pass.
	minPendingPeriod = 10 * time.Second
	maxPendingPeriod = 5 * time.Minute
	patience         = 3

	// longestWait bounds a NotificationWait that is kept alive. QUIRK gromox 3.10: it does
	// not end one after five minutes ([MS-OXCMAPIHTTP] 3.2.2), but still tells of an event
	// then; one that the client gives up stays on its books, and keeps others out.
	longestWait = 6 * time.Hour

	maxRetryAfter   = time.Hour
	maxDiagnostic   = 16 << 10 // bytes read of an answer that is not MAPI/HTTP
	diagnosticRunes = 200
)

var (
	errSilent  = errors.New("server is silent")
	errTooLong = errors.New("request took too long")
)

// exchangeArgs is what one request needs beside the session.
type exchangeArgs struct {
	kind    RequestType
	body    []byte
	cookies cookies // of a Connect only: those of the context that it replaces
}

// answer is what came back, response code 0.
type answer struct {
	body              []byte
	serverApplication string
}

// exchange sends one request and reads its answer to the end. A server that has lost
// the session makes the session lost. Errors have their kind.
func (c *Client) exchange(ctx context.Context, s *session, args exchangeArgs) (answer, error) {
	x := &exchanging{c: c, s: s, args: args, caller: ctx, start: time.Now(), event: Event{Request: args.kind, RequestLen: len(args.body)}}
	a, err := x.run()
	if isLost(err) {
		s.end(err)
	}
	if c.cfg.Trace != nil {
		x.event.Duration, x.event.Err, x.event.ResponseLen = time.Since(x.start), err, len(a.body)
		c.cfg.Trace(x.event)
	}
	return a, err
}

// exchanging is the state of one exchange.
type exchanging struct {
	c      *Client
	s      *session
	args   exchangeArgs
	caller context.Context // as given, to tell its end from ours
	start  time.Time
	event  Event

	sent      cookies // with the request
	ctx       context.Context
	watch     *time.Timer // ends ctx when the server is silent for too long
	idle      time.Duration
	firstByte atomic.Bool // the server sent something
}

func (x *exchanging) run() (answer, error) {
	limit := x.c.cfg.RequestTimeout
	if x.args.kind == NotificationWait {
		limit = max(limit, longestWait)
	}
	bounded, stop := context.WithTimeoutCause(x.caller, limit, errTooLong)
	defer stop()
	ctx, cancel := context.WithCancelCause(bounded)
	defer cancel(nil)
	defer context.AfterFunc(x.s.ctx, func() { cancel(context.Cause(x.s.ctx)) })()
	x.watch = time.AfterFunc(firstAnswer, func() { cancel(errSilent) })
	defer x.watch.Stop()
	x.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { x.firstByte.Store(true) },
	})

	req, err := x.request()
	if err != nil {
		return answer{}, err
	}
	resp, err := x.c.cfg.RoundTripper.RoundTrip(req)
	if err != nil {
		return answer{}, x.failed(err)
	}
	defer resp.Body.Close()
	x.event.HTTPStatus = resp.StatusCode
	x.idle = pendingPeriod(resp.Header) * patience
	x.watch.Reset(x.idle)
	return x.read(resp)
}

// request builds the HTTP request ([MS-OXCMAPIHTTP] 2.2.2.1).
func (x *exchanging) request() (*http.Request, error) {
	cfg := &x.c.cfg
	req, err := http.NewRequestWithContext(x.ctx, http.MethodPost, x.c.url.String(), bytes.NewReader(x.args.body))
	if err != nil {
		return nil, &mapi.Protocol{Err: x.err(0, err)}
	}
	x.event.ID = x.s.requestID()
	req.Header.Set("Content-Type", ContentType)
	req.Header.Set("User-Agent", cfg.UserAgent)
	req.Header.Set(HeaderRequestType, string(x.args.kind))
	req.Header.Set(HeaderRequestID, x.event.ID)
	req.Header.Set(HeaderClientInfo, x.s.clientInfo)
	req.Header.Set(HeaderClientApplication, cfg.Application)
	x.c.mu.Lock()
	jar := x.s.jar
	if x.args.kind == Connect {
		jar = x.args.cookies
	}
	x.c.mu.Unlock()
	x.sent = jar
	if h := jar.header(); h != "" {
		req.Header.Set("Cookie", h)
	}
	if cfg.Auth != nil {
		if err := cfg.Auth.Authorize(req); err != nil {
			return nil, &mapi.Refused{Err: x.err(0, err)}
		}
	}
	return req, nil
}

// read takes the answer in.
func (x *exchanging) read(resp *http.Response) (answer, error) {
	status := resp.StatusCode
	if status != http.StatusOK {
		e := x.err(status, nil)
		e.Detail = x.refusal(resp)
		return answer{}, ofStatus(e, retryAfter(resp.Header))
	}
	value := resp.Header.Get(HeaderResponseCode)
	code, ok := parseResponseCode(value)
	contentType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if !ok || (!code.failed() && !strings.EqualFold(contentType, ContentType)) {
		e := x.err(status, nil)
		e.Detail = fmt.Sprintf("server speaks something else: content type %q, %s %q", contentType, HeaderResponseCode, value)
		return answer{}, &mapi.Protocol{Err: e}
	}
	if err := x.remember(resp.Header); err != nil {
		return answer{}, &mapi.Protocol{Err: x.err(status, err)}
	}
	if code.failed() {
		return answer{}, x.coded(status, code, x.diagnostic(resp.Body))
	}
	if resp.ContentLength > int64(x.c.cfg.MaxResponse)+maxStreamHead {
		return answer{}, &mapi.Protocol{Err: x.err(status, fmt.Errorf("%w: %d bytes", errBodyLimit, resp.ContentLength))}
	}
	stream, err := ReadStream(x.watched(resp.Body), x.c.cfg.MaxResponse, func(t MetaTag) {
		if t == TagPending {
			x.event.Pending++
		}
	})
	if err != nil {
		return answer{}, x.failed(err)
	}
	// A failure found after the headers were sent comes here, and it wins
	// ([MS-OXCMAPIHTTP] 3.2.5.2).
	if v, ok := stream.Get(HeaderResponseCode); ok {
		late, ok := parseResponseCode(v)
		if !ok {
			return answer{}, &mapi.Protocol{Err: x.err(status, fmt.Errorf("%s %q after DONE", HeaderResponseCode, v))}
		}
		if late.failed() {
			detail := ""
			if t, ok := stream.Get("Content-Type"); ok && strings.HasPrefix(strings.ToLower(t), ContentTypeFailure) {
				detail = plainText(stream.Body)
			}
			return answer{}, x.coded(status, late, detail)
		}
	}
	return answer{body: stream.Body, serverApplication: resp.Header.Get(HeaderServerApplication)}, nil
}

// remember keeps the cookies and the expiration time of an answer.
func (x *exchanging) remember(h http.Header) error {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	if ms, err := strconv.ParseUint(h.Get(HeaderExpirationInfo), 10, 32); err == nil {
		x.s.expiry = time.Duration(ms) * time.Millisecond
	}
	jar, err := x.s.jar.update(h)
	if err == nil && x.args.kind == NotificationWait {
		// It runs beside other requests, whose answers have newer cookies.
		jar = jar.keepNewer(x.s.jar, x.sent)
	}
	x.s.jar = jar
	return err
}

// failed gives an error of the connection or of the stream its kind.
func (x *exchanging) failed(err error) error {
	if x.caller.Err() != nil {
		return fmt.Errorf("%s: %w", x.args.kind, context.Cause(x.caller))
	}
	if x.ctx.Err() != nil {
		cause := context.Cause(x.ctx)
		if errors.Is(cause, errSilent) || errors.Is(cause, errTooLong) {
			return &mapi.Unreachable{Err: x.err(x.event.HTTPStatus, cause)}
		}
		return asLost(x.args.kind, cause)
	}
	e := x.err(x.event.HTTPStatus, err)
	if x.speaksSomethingElse(err) {
		return &mapi.Protocol{Err: e}
	}
	return &mapi.Unreachable{Err: e}
}

// speaksSomethingElse tells an answer that is not what it should be from a
// connection that fails.
func (x *exchanging) speaksSomethingElse(err error) bool {
	if record := (tls.RecordHeaderError{}); errors.As(err, &record) {
		return true // no TLS there
	}
	var netErr net.Error
	if errors.As(err, &netErr) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return false
	}
	return x.firstByte.Load()
}

func (x *exchanging) err(status int, cause error) *Error {
	return &Error{Request: x.args.kind, HTTPStatus: status, Err: cause}
}

func (x *exchanging) coded(status int, code ResponseCode, detail string) error {
	x.event.Code = code
	e := x.err(status, nil)
	e.Code, e.Detail = code, detail
	return ofCode(e)
}

// refusal describes an answer with an HTTP status other than 200.
func (x *exchanging) refusal(resp *http.Response) string {
	x.diagnostic(resp.Body) // read, so that the connection can be used again
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return http.StatusText(resp.StatusCode)
	}
	to := "nowhere"
	if u, err := url.Parse(resp.Header.Get("Location")); err == nil && u.Host != "" {
		to = u.Scheme + "://" + u.Host
	}
	return "redirected to " + to
}

// diagnostic returns the beginning of an answer that is for people to read.
func (x *exchanging) diagnostic(body io.Reader) string {
	// What is lost by a failure here is only the text.
	text, _ := io.ReadAll(io.LimitReader(x.watched(body), maxDiagnostic))
	return plainText(text)
}

// plainText returns the words of an HTML text on one line, cut to a size that fits a
// message, without its head.
func plainText(html []byte) string {
	text := string(html)
	if i := strings.Index(text, "</head>"); i >= 0 {
		text = text[i:]
	}
	var b strings.Builder
	inTag := false
	for _, c := range text {
		switch {
		case c == '<':
			inTag = true
			b.WriteByte(' ')
		case c == '>':
			inTag = false
		case inTag:
		case unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			b.WriteByte(' ')
		}
	}
	r := []rune(strings.Join(strings.Fields(b.String()), " "))
	return string(r[:min(len(r), diagnosticRunes)])
}

// watched returns body with every byte that arrives pushing the deadline on.
func (x *exchanging) watched(body io.Reader) io.Reader { return watchedReader{body, x} }

type watchedReader struct {
	io.Reader
	x *exchanging
}

func (w watchedReader) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.x.watch.Reset(w.x.idle)
	}
	return n, err
}

// pendingPeriod returns the time between keep-alives that the server announced.
func pendingPeriod(h http.Header) time.Duration {
	ms, err := strconv.ParseUint(h.Get(HeaderPendingPeriod), 10, 32)
	if err != nil {
		ms = DefaultPendingPeriod
	}
	return min(max(time.Duration(ms)*time.Millisecond, minPendingPeriod), maxPendingPeriod)
}

// retryAfter reads the Retry-After header: seconds, or a date that counts from the
// server's own.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}
