package mapihttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"mailfs/mapi"
)

// fakeServer answers MAPI/HTTP as the specification has it: with a session cookie
// and a sequence cookie, new with every Connect and Execute. before, if set, may
// answer a request in its own way instead.
type fakeServer struct {
	t      *testing.T
	before func(w http.ResponseWriter, r *http.Request, kind RequestType, body []byte) (handled bool)

	mu       sync.Mutex
	session  string
	sequence int
	contexts int
	requests []*http.Request
	events   chan struct{} // NotificationWait ends when something comes
}

const (
	testDN       = "/o=test/cn=alice"
	testPassword = "correct horse"
)

func newFake(t *testing.T) (*fakeServer, *httptest.Server) {
	t.Helper()
	f := &fakeServer{t: t, events: make(chan struct{}, 1)}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return f, srv
}

// dial returns a client of the fake server, not connected.
func dial(t *testing.T, url string, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{URL: url + "/mapi/emsmdb/?MailboxId=1@example.test", UserDN: testDN, Auth: Basic{"alice", testPassword}}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.closeIdle)
	return c
}

// connected returns a client with a session context.
func connected(t *testing.T, url string, change func(*Config)) *Client {
	t.Helper()
	c := dial(t, url, change)
	if _, err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	kind := RequestType(r.Header.Get(HeaderRequestType))
	f.mu.Lock()
	f.requests = append(f.requests, r)
	before := f.before
	f.mu.Unlock()
	if before != nil && before(w, r, kind, body) {
		return
	}
	if user, password, ok := r.BasicAuth(); !ok || user != "alice" || password != testPassword {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	if r.URL.RawQuery != "MailboxId=1@example.test" || r.Header.Get("Content-Type") != ContentType {
		http.Error(w, "wrong request", http.StatusBadRequest)
		return
	}
	resp, code := f.answer(r, kind, body)
	f.reply(w, r, code, resp)
}

// answer checks the cookies and makes the response body.
func (f *fakeServer) answer(r *http.Request, kind RequestType, body []byte) (encoder, ResponseCode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kind == Connect {
		q, err := DecodeConnectRequest(body)
		if err != nil || q.UserDN != testDN {
			return ConnectResponse{ErrorCode: mapi.EcUnknownUser}, CodeSuccess
		}
		f.contexts++
		f.session, f.sequence = fmt.Sprintf("context-%d", f.contexts), 1
		return ConnectResponse{PollsMax: 60000, RetryCount: 6, RetryDelay: 10000, DisplayName: "Alice Ü"}, CodeSuccess
	}
	if k, err := r.Cookie("MapiContext"); err != nil {
		return nil, CodeMissingCookie
	} else if f.session == "" || k.Value != f.session {
		return nil, CodeContextNotFound
	}
	switch kind {
	case Ping:
		return nil, CodeSuccess
	case NotificationWait:
		f.mu.Unlock()
		pending := f.wait(r.Context())
		f.mu.Lock()
		return NotificationWaitResponse{EventPending: pending}, CodeSuccess
	}
	if k, err := r.Cookie("MapiSequence"); err != nil || k.Value != fmt.Sprint(f.sequence) {
		return nil, CodeInvalidSequence
	}
	if kind == Disconnect {
		f.session = ""
		return DisconnectResponse{}, CodeSuccess
	}
	q, err := DecodeExecuteRequest(body)
	if err != nil {
		return nil, CodeInvalidRequestBody
	}
	buffers, err := SplitExtended(q.RopBuffer, 1)
	if err != nil {
		return nil, CodeInvalidRequestBody
	}
	f.sequence++
	payload := buffers[0].Payload // echoed
	rop, err := JoinExtended([][]byte{payload}, ExtCompressed|ExtXorMagic)
	if q.Flags&Chain != 0 {
		rop, err = JoinExtended([][]byte{payload, []byte("more"), []byte("and more")}, 0)
	}
	if err != nil {
		return nil, CodeUnknownFailure
	}
	return ExecuteResponse{RopBuffer: rop}, CodeSuccess
}

func (f *fakeServer) wait(ctx context.Context) uint32 {
	select {
	case <-f.events:
		return EventPending
	case <-ctx.Done():
		return 0
	}
}

// reply sends an answer, chunked, with the meta-tags.
func (f *fakeServer) reply(w http.ResponseWriter, r *http.Request, code ResponseCode, resp encoder) {
	f.mu.Lock()
	h := w.Header()
	for _, name := range []string{HeaderRequestType, HeaderRequestID, HeaderClientInfo} {
		h.Set(name, r.Header.Get(name))
	}
	h.Set(HeaderResponseCode, fmt.Sprint(uint32(code)))
	h.Set(HeaderPendingPeriod, "15000")
	h.Set(HeaderExpirationInfo, "900000")
	h.Set(HeaderServerApplication, "Exchange/15.01.2507.001")
	h.Add("Set-Cookie", "MapiContext="+f.session+"; path=/mapi; HttpOnly")
	if kind := RequestType(r.Header.Get(HeaderRequestType)); kind == Connect || kind == Execute {
		h.Add("Set-Cookie", fmt.Sprintf("MapiSequence=%d; path=/mapi", f.sequence))
	}
	f.mu.Unlock()
	if code != CodeSuccess {
		h.Set("Content-Type", ContentTypeFailure)
		fmt.Fprintf(w, "<html><head><title>Error</title></head><body><h1>Diagnostic</h1><p>%s.</p></body></html>", code)
		return
	}
	h.Set("Content-Type", ContentType)
	var body []byte
	if resp != nil {
		var err error
		if body, err = resp.Encode(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	s := StreamWriter{w}
	flush := w.(http.Flusher).Flush
	_ = s.Processing()
	flush()
	_ = s.Pending()
	flush()
	_ = s.Done([]Field{{HeaderElapsedTime, "3"}, {HeaderStartTime, "Thu, 01 Jan 2026 00:00:00 GMT"}}, body)
}

// on makes the server answer requests of one type in another way.
func (f *fakeServer) on(kind RequestType, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = func(w http.ResponseWriter, r *http.Request, k RequestType, _ []byte) bool {
		if k == kind {
			h(w, r)
		}
		return k == kind
	}
}

// forget makes the server lose the session.
func (f *fakeServer) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.session = ""
}

// sent returns a header of every request so far.
func (f *fakeServer) sent(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, r := range f.requests {
		out = append(out, strings.Join(r.Header.Values(name), " | "))
	}
	return out
}

// kindOf names the kind of an error.
func kindOf(err error) string {
	var (
		unreachable *mapi.Unreachable
		refused     *mapi.Refused
		lost        *mapi.SessionLost
		busy        *mapi.Busy
		protocol    *mapi.Protocol
	)
	var kinds []string
	for name, ok := range map[string]bool{
		"unreachable": errors.As(err, &unreachable), "refused": errors.As(err, &refused), "lost": errors.As(err, &lost),
		"protocol": errors.As(err, &protocol),
	} {
		if ok {
			kinds = append(kinds, name)
		}
	}
	if errors.As(err, &busy) {
		kinds = append(kinds, "busy "+busy.After.String())
	}
	slices.Sort(kinds)
	switch {
	case err == nil:
		return "none"
	case len(kinds) == 0:
		return "plain"
	}
	return strings.Join(kinds, "+")
}

// quiet keeps the handshakes that a test makes fail out of its output.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
