package memserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/autodiscover"
	"mailfs/mapi/mapihttp"
)

// Paths of the endpoints.
const (
	// MailboxPath is where MAPI/HTTP requests go.
	MailboxPath = "/mapi/emsmdb/"
	// AutodiscoverPath is where Autodiscover requests go.
	AutodiscoverPath = autodiscover.Path
)

const (
	cookieContext  = "MapiContext"
	cookieSequence = "MapiSequence"

	serverApplication = "Exchange/15.01.2507.000"

	// maxRequest bounds a request body: 96 payloads with their headers and a little.
	maxRequest = 96*(mapihttp.OneBuffer) + 0x10000
)

// Handler returns the HTTP face of the server: MAPI/HTTP and Autodiscover with
// Basic authentication.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.ToLower(r.URL.Path)
		switch {
		case path == AutodiscoverPath:
			s.serveAutodiscover(w, r)
		case strings.HasPrefix(path+"/", MailboxPath):
			(&exchange{srv: s, w: w, r: r, start: s.cfg.Clock()}).serve()
		case strings.HasPrefix(path+"/", AddressBookPath):
			(&exchange{srv: s, w: w, r: r, book: true, start: s.cfg.Clock()}).serve()
		case strings.HasPrefix(path, "/mapi/"):
			(&exchange{srv: s, w: w, r: r, start: s.cfg.Clock()}).refuse(mapihttp.CodeInvalidPath, "no such endpoint")
		default:
			http.NotFound(w, r)
		}
	})
}

// authenticate returns the mailbox whose credentials the request carries, or
// answers 401.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (*Mailbox, bool) {
	user, password, ok := r.BasicAuth()
	if ok {
		if m, found := s.Mailbox(user); found && m.cfg.Password == password {
			return m, true
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="mailfs", charset="UTF-8"`)
	http.Error(w, "sign in with your mail address and password", http.StatusUnauthorized)
	return nil, false
}

// exchange is one MAPI/HTTP request with its answer.
type exchange struct {
	srv     *Server
	w       http.ResponseWriter
	r       *http.Request
	start   time.Time
	book    bool // it is for the address book
	user    *Mailbox
	body    []byte
	kind    mapihttp.RequestType
	fault   Fault
	started bool // the answer stream has begun
}

func (x *exchange) serve() {
	kind := mapihttp.RequestType(x.r.Header.Get(mapihttp.HeaderRequestType))
	x.kind = kind
	user, ok := x.srv.authenticate(x.w, x.r)
	if !ok {
		return
	}
	x.user = user
	if x.r.Method != http.MethodPost {
		x.refuse(mapihttp.CodeInvalidVerb, "only POST is answered here")
		return
	}
	body, err := io.ReadAll(io.LimitReader(x.r.Body, maxRequest+1))
	if err != nil {
		return // the client is gone
	}
	x.body = body
	n := x.srv.stats.request(len(body))
	if code, why := x.checkHeaders(); code != mapihttp.CodeSuccess {
		x.refuse(code, why)
		return
	}
	payload := payloadOf(kind, body)
	x.fault = x.srv.script.decide(Request{N: n, Type: kind, Mailbox: user.cfg.Address, ROPs: payloadIDs(payload), Payload: payload})
	if x.meddle() {
		return
	}
	if x.book {
		x.dispatchBook()
		return
	}
	x.dispatch()
}

// checkHeaders applies [MS-OXCMAPIHTTP] 3.2.5.1: the fields that every request has.
func (x *exchange) checkHeaders() (mapihttp.ResponseCode, string) {
	h := x.r.Header
	if x.kind == "" {
		return mapihttp.CodeMissingHeader, "no " + mapihttp.HeaderRequestType
	}
	for _, name := range []string{mapihttp.HeaderRequestID, mapihttp.HeaderClientInfo} {
		if h.Get(name) == "" {
			return mapihttp.CodeMissingHeader, "no " + name
		}
	}
	if len(x.body) > maxRequest {
		return mapihttp.CodeTooLarge, "request body too large"
	}
	if len(x.body) > 0 && !strings.HasPrefix(h.Get("Content-Type"), mapihttp.ContentType) {
		return mapihttp.CodeInvalidHeader, "Content-Type is not " + mapihttp.ContentType
	}
	return mapihttp.CodeSuccess, ""
}

// meddle does what the script wants before the request is executed, and reports
// whether that was all.
func (x *exchange) meddle() bool {
	f := x.fault
	if f.Delay > 0 && !x.pause(f.Delay) {
		return true
	}
	switch {
	case f.CutBefore:
		panic(http.ErrAbortHandler) // the documented way to break a connection
	case f.HTTPStatus != 0:
		http.Error(x.w, http.StatusText(f.HTTPStatus), f.HTTPStatus)
		return true
	case f.Code != mapihttp.CodeSuccess:
		x.refuse(f.Code, "refused by script")
		return true
	case f.Lose:
		if ss, ok := x.session(); ok {
			x.srv.drop(ss)
		}
	}
	return false
}

// pause waits and keeps the connection alive; false means that the client went away.
func (x *exchange) pause(d time.Duration) bool {
	end := time.NewTimer(d)
	defer end.Stop()
	return x.await(x.r.Context(), end.C)
}

// await sends PENDING until done delivers. It reports false when ctx ends first.
func (x *exchange) await(ctx context.Context, done <-chan time.Time) bool {
	tick := time.NewTicker(x.srv.cfg.PendingPeriod)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return true
		case <-ctx.Done():
			return false
		case <-tick.C:
			x.pending()
		}
	}
}

func (x *exchange) pending() {
	if !x.started {
		x.begin()
	}
	_ = mapihttp.StreamWriter{W: x.w}.Pending() // a broken connection shows in the context
	x.flush()
}

func (x *exchange) flush() {
	if f, ok := x.w.(http.Flusher); ok {
		f.Flush()
	}
}

// begin sends the header of an accepted request and the first meta-tag.
func (x *exchange) begin() {
	x.commonHeaders()
	x.w.Header().Set("Content-Type", mapihttp.ContentType)
	x.w.Header().Set(mapihttp.HeaderResponseCode, "0")
	x.w.WriteHeader(http.StatusOK)
	_ = mapihttp.StreamWriter{W: x.w}.Processing()
	x.started = true
	x.flush()
}

// commonHeaders sets the fields of every answer ([MS-OXCMAPIHTTP] 2.2.3.3).
func (x *exchange) commonHeaders() {
	h := x.w.Header()
	for _, name := range []string{mapihttp.HeaderRequestType, mapihttp.HeaderRequestID, mapihttp.HeaderClientInfo} {
		if v := x.r.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	h.Set(mapihttp.HeaderServerApplication, serverApplication)
	h.Set(mapihttp.HeaderPendingPeriod, strconv.FormatInt(x.srv.cfg.PendingPeriod.Milliseconds(), 10))
	h.Set(mapihttp.HeaderExpirationInfo, strconv.FormatInt(x.srv.cfg.SessionLifetime.Milliseconds(), 10))
	h.Set("Cache-Control", "private")
}

// refuse answers with a response code other than 0 and a diagnosis.
func (x *exchange) refuse(code mapihttp.ResponseCode, why string) {
	diagnosis := fmt.Sprintf("<html><body>%s: %s</body></html>", code, why)
	if x.started {
		_ = mapihttp.StreamWriter{W: x.w}.Done(x.fields(code), []byte(diagnosis))
		return
	}
	x.commonHeaders()
	x.w.Header().Set("Content-Type", mapihttp.ContentTypeFailure)
	x.w.Header().Set(mapihttp.HeaderResponseCode, strconv.FormatUint(uint64(code), 10))
	x.w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(x.w, diagnosis)
}

func (x *exchange) fields(code mapihttp.ResponseCode) []mapihttp.Field {
	return []mapihttp.Field{
		{Name: mapihttp.HeaderResponseCode, Value: strconv.FormatUint(uint64(code), 10)},
		{Name: mapihttp.HeaderElapsedTime, Value: strconv.FormatInt(x.srv.cfg.Clock().Sub(x.start).Milliseconds(), 10)},
		{Name: mapihttp.HeaderStartTime, Value: x.start.UTC().Format(http.TimeFormat)},
	}
}

// encoder is a response body.
type encoder interface{ Encode() ([]byte, error) }

// answer sends a response body, with the session's cookies unless ss is nil.
func (x *exchange) answer(ss *session, body encoder) {
	if x.fault.CutAfter {
		panic(http.ErrAbortHandler)
	}
	data, err := body.Encode()
	if err != nil {
		x.refuse(mapihttp.CodeInvalidResponse, err.Error())
		return
	}
	if ss != nil && !x.started {
		x.setCookies(ss)
	}
	if !x.started {
		x.begin()
	}
	x.srv.stats.add(func(s *Stats) { s.BytesOut += uint64(len(data)) })
	_ = mapihttp.StreamWriter{W: x.w}.Done(x.fields(mapihttp.CodeSuccess), data) // nobody is left to tell
}

func (x *exchange) setContextCookie(ss *session) {
	http.SetCookie(x.w, &http.Cookie{Name: cookieContext, Value: ss.id, Path: "/mapi", HttpOnly: true})
}

func (x *exchange) setCookies(ss *session) {
	x.setContextCookie(ss)
	http.SetCookie(x.w, &http.Cookie{Name: cookieSequence, Value: ss.currentSequence(), Path: "/mapi", HttpOnly: true})
}

// session finds the session context that the request's cookie names.
func (x *exchange) session() (*session, bool) {
	c, err := x.r.Cookie(cookieContext)
	if err != nil {
		return nil, false
	}
	ss, ok := x.srv.session(c.Value, x.user)
	return ss, ok && ss.book == x.book
}

// needSession is session, or the refusal that fits.
func (x *exchange) needSession() (*session, bool) {
	c, err := x.r.Cookie(cookieContext)
	switch {
	case errors.Is(err, http.ErrNoCookie):
		x.refuse(mapihttp.CodeMissingCookie, "no session context cookie")
		return nil, false
	case c.Value == "":
		x.refuse(mapihttp.CodeInvalidContextCookie, "empty session context cookie")
		return nil, false
	}
	ss, ok := x.session()
	if !ok {
		x.refuse(mapihttp.CodeContextNotFound, "session context not found")
		return nil, false
	}
	return ss, true
}

// takeTurn checks the sequence cookie, or refuses ([MS-OXCMAPIHTTP] 3.2.5.1).
func (x *exchange) takeTurn(ss *session) bool {
	c, err := x.r.Cookie(cookieSequence)
	if err != nil {
		x.refuse(mapihttp.CodeMissingCookie, "no sequence cookie")
		return false
	}
	if _, ok := ss.advance(c.Value); !ok {
		x.refuse(mapihttp.CodeInvalidSequence, "sequence cookie out of order")
		return false
	}
	return true
}

func (x *exchange) dispatch() {
	switch x.kind {
	case mapihttp.Connect:
		x.connect()
	case mapihttp.Execute:
		x.execute()
	case mapihttp.Disconnect:
		x.disconnect()
	case mapihttp.NotificationWait:
		x.notificationWait()
	case mapihttp.Ping:
		x.ping()
	default:
		x.refuse(mapihttp.CodeInvalidRequestType, "unknown request type")
	}
}

func (x *exchange) badBody(err error) {
	x.refuse(mapihttp.CodeInvalidRequestBody, err.Error())
}

func (x *exchange) connect() {
	q, err := mapihttp.DecodeConnectRequest(x.body)
	if err != nil {
		x.badBody(err)
		return
	}
	// A new context takes the place of the one that the client still has
	// ([MS-OXCMAPIHTTP] 3.2.5.6).
	if old, ok := x.session(); ok {
		x.srv.drop(old)
	}
	p := mapihttp.ConnectResponse{ErrorCode: x.srv.checkDN(q.UserDN, x.user)}
	if p.ErrorCode != ecSuccess {
		x.answer(nil, p)
		return
	}
	ss := x.srv.newSession(x.user)
	p.PollsMax, p.RetryCount, p.RetryDelay = 60000, 6, 10000
	p.DisplayName = x.user.cfg.DisplayName
	x.answer(ss, p)
}

// checkDN tells whether a user may connect under a distinguished name.
func (s *Server) checkDN(dn string, user *Mailbox) mapi.ErrorCode {
	m, ok := s.mailboxByDN(dn)
	switch {
	case !ok:
		return ecRPCFailed
	case m != user:
		return ecAccessDenied
	}
	return ecSuccess
}

func (x *exchange) execute() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	q, err := mapihttp.DecodeExecuteRequest(x.body)
	if err != nil {
		x.badBody(err)
		return
	}
	if !x.takeTurn(ss) {
		return
	}
	x.answer(ss, ss.executeBody(q, x.fault))
}

func (x *exchange) disconnect() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	if _, err := mapihttp.DecodeDisconnectRequest(x.body); err != nil {
		x.badBody(err)
		return
	}
	x.srv.drop(ss)
	x.answer(nil, mapihttp.DisconnectResponse{})
}

func (x *exchange) ping() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	x.answer(ss, emptyBody{})
}

type emptyBody struct{}

func (emptyBody) Encode() ([]byte, error) { return nil, nil }

func (x *exchange) notificationWait() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	if _, err := mapihttp.DecodeNotificationWaitRequest(x.body); err != nil {
		x.badBody(err)
		return
	}
	if x.fault.Busy > 0 {
		x.answer(ss, mapihttp.NotificationWaitResponse{ErrorCode: mapi.EcServerBusy})
		return
	}
	// Not the sequence cookie: this answer overtakes those of Execute, or is overtaken.
	x.setContextCookie(ss)
	x.begin()
	ctx, cancel := context.WithTimeout(x.r.Context(), x.srv.cfg.WaitLimit)
	defer cancel()
	pending := x.waitEvent(ctx, ss)
	if x.r.Context().Err() != nil {
		return
	}
	if ss.isDead() {
		x.refuse(mapihttp.CodeContextNotFound, "session context is gone")
		return
	}
	var p mapihttp.NotificationWaitResponse
	if pending {
		p.EventPending = mapihttp.EventPending
	}
	x.answer(ss, p)
}

// waitEvent waits for an event of the session and keeps the connection alive.
func (x *exchange) waitEvent(ctx context.Context, ss *session) bool {
	tick := time.NewTicker(x.srv.cfg.PendingPeriod)
	defer tick.Stop()
	for {
		pending, wake := ss.events.state()
		if pending || ss.isDead() {
			return pending
		}
		select {
		case <-wake:
		case <-tick.C:
			ss.touch()
			x.pending()
		case <-ctx.Done():
			return false
		case <-x.srv.closed:
			return false
		}
	}
}
