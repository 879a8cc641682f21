package mapihttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

// TestSession walks through one session context and looks at what was sent.
func TestSession(t *testing.T) {
	f, srv := newFake(t)
	var events []Event
	c := dial(t, srv.URL, func(cfg *Config) { cfg.Trace = func(e Event) { events = append(events, e) } })

	info, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := ConnectInfo{
		DisplayName: "Alice Ü", PollsMax: time.Minute, RetryCount: 6, RetryDelay: 10 * time.Second, Expiry: 15 * time.Minute,
		ServerApplication: "Exchange/15.01.2507.001", Version: mapi.ServerVersion{15, 1, 2507, 1},
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Error(diff)
	}
	payload := bytes.Repeat([]byte("payload "), 50)
	for range 2 {
		got, err := c.Execute(t.Context(), payload, 0)
		if err != nil || len(got) != 1 || !bytes.Equal(got[0], payload) {
			t.Fatalf("Execute: %q, %v", got, err)
		}
	}
	got, err := c.Execute(t.Context(), payload, MaxRopOut)
	if err != nil || len(got) != 3 || string(got[2]) != "and more" {
		t.Fatalf("chained Execute: %q, %v", got, err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	f.events <- struct{}{}
	if pending, err := c.NotificationWait(t.Context()); err != nil || !pending {
		t.Errorf("NotificationWait: %v, %v", pending, err)
	}
	if c.Expiry() != 15*time.Minute {
		t.Errorf("expiry %s", c.Expiry())
	}
	for range 2 {
		if err := c.Disconnect(t.Context()); err != nil {
			t.Error(err)
		}
	}

	wantTypes := []string{"Connect", "Execute", "Execute", "Execute", "PING", "NotificationWait", "Disconnect"}
	if diff := cmp.Diff(wantTypes, f.sent(HeaderRequestType)); diff != "" {
		t.Error(diff)
	}
	wantCookies := []string{"", "MapiContext=context-1; MapiSequence=1", "MapiContext=context-1; MapiSequence=2", "MapiContext=context-1; MapiSequence=3",
		"MapiContext=context-1; MapiSequence=4", "MapiContext=context-1; MapiSequence=4", "MapiContext=context-1; MapiSequence=4"}
	if diff := cmp.Diff(wantCookies, f.sent("Cookie")); diff != "" {
		t.Error(diff)
	}
	checkIDs(t, f.sent(HeaderRequestID))
	for i, e := range events {
		if e.Err != nil || e.HTTPStatus != 200 || e.Pending != 1 || string(e.Request) != wantTypes[i] || e.ID == "" {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if len(events) != len(wantTypes) {
		t.Errorf("%d events", len(events))
	}
}

// checkIDs checks X-RequestId: one GUID, a rising counter.
func checkIDs(t *testing.T, ids []string) {
	t.Helper()
	form := regexp.MustCompile(`^\{([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})\}:(\d+)$`)
	guid := ""
	for i, id := range ids {
		m := form.FindStringSubmatch(id)
		if m == nil {
			t.Fatalf("%s %q", HeaderRequestID, id)
		}
		if guid == "" {
			guid = m[1]
		}
		if m[1] != guid || m[2] != fmt.Sprint(i+1) {
			t.Errorf("%s number %d is %q", HeaderRequestID, i+1, id)
		}
	}
}

// TestReconnect checks that a new session context is asked for with the cookies of
// the old one, and that old and new ones never mix ([MS-OXCMAPIHTTP] 3.1.5.7).
func TestReconnect(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)
	f.forget()
	if _, err := c.Execute(t.Context(), nil, 0); kindOf(err) != "lost" {
		t.Fatalf("error %v", err)
	}
	// Lost for good, without asking again.
	n := len(f.sent("Cookie"))
	if _, err := c.Execute(t.Context(), nil, 0); kindOf(err) != "lost" {
		t.Fatalf("error %v", err)
	}
	if got := len(f.sent("Cookie")); got != n {
		t.Error("a lost session was used again")
	}
	if _, err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Execute(t.Context(), nil, 0); err != nil {
		t.Fatal(err)
	}
	cookies := f.sent("Cookie")
	// The refusal itself carried a cookie; all there were go back with the Connect.
	if got := cookies[len(cookies)-2]; !strings.Contains(got, "MapiSequence=1") || !strings.Contains(got, "MapiContext=") {
		t.Errorf("Connect sent %q", got)
	}
	if got := cookies[len(cookies)-1]; got != "MapiContext=context-2; MapiSequence=1" {
		t.Errorf("Execute sent %q", got)
	}
	ids, infos := f.sent(HeaderRequestID), f.sent(HeaderClientInfo)
	if ids[0][:38] == ids[len(ids)-1][:38] {
		t.Error("two session contexts share the GUID of X-RequestId")
	}
	if infos[0][:38] != infos[len(infos)-1][:38] || infos[0] == infos[len(infos)-1] {
		t.Errorf("X-ClientInfo %q, then %q", infos[0], infos[len(infos)-1])
	}
}

// TestReconnectWithoutCookies checks that Connect is tried once without cookies when
// the server does not like them, and not a third time.
func TestReconnectWithoutCookies(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)
	f.mu.Lock()
	f.before = func(w http.ResponseWriter, r *http.Request, k RequestType, _ []byte) bool {
		if k == Connect && r.Header.Get("Cookie") != "" {
			f.reply(w, r, CodeInvalidContextCookie, nil)
			return true
		}
		return false
	}
	f.mu.Unlock()
	if _, err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.on(Connect, func(w http.ResponseWriter, r *http.Request) { f.reply(w, r, CodeContextNotFound, nil) })
	n := len(f.sent("Cookie"))
	if _, err := c.Connect(t.Context()); kindOf(err) != "protocol" {
		t.Errorf("error %v", err)
	}
	if got := len(f.sent("Cookie")) - n; got != 2 {
		t.Errorf("%d requests for one Connect", got)
	}
}

func TestNotConnected(t *testing.T) {
	f, srv := newFake(t)
	c := dial(t, srv.URL, nil)
	if _, err := c.Execute(t.Context(), nil, 0); kindOf(err) != "lost" {
		t.Errorf("Execute: %v", err)
	}
	if _, err := c.NotificationWait(t.Context()); kindOf(err) != "lost" {
		t.Errorf("NotificationWait: %v", err)
	}
	if err := c.Ping(t.Context()); kindOf(err) != "lost" {
		t.Errorf("Ping: %v", err)
	}
	if err := c.Disconnect(t.Context()); err != nil {
		t.Errorf("Disconnect: %v", err)
	}
	if n := len(f.sent("Cookie")); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestResponseCodes checks the kind of every response code, and gromox's own.
func TestResponseCodes(t *testing.T) {
	want := map[ResponseCode]string{
		1: "busy 0s", 2: "lost", 3: "protocol", 4: "refused", 5: "protocol", 6: "lost", 7: "lost", 8: "refused", 9: "protocol",
		10: "lost", 11: "refused", 12: "protocol", 13: "lost", 15: "lost", 16: "unreachable", 17: "protocol", 18: "unreachable", 99: "protocol",
	}
	f, srv := newFake(t)
	for code, kind := range want {
		f.mu.Lock()
		f.before = nil
		f.mu.Unlock()
		c := connected(t, srv.URL, nil)
		f.on(Execute, func(w http.ResponseWriter, r *http.Request) { f.reply(w, r, code, nil) })
		_, err := c.Execute(t.Context(), nil, 0)
		if kindOf(err) != kind {
			t.Errorf("code %d: error %v of kind %s, want %s", code, err, kindOf(err), kind)
		}
		var e *Error
		if !errors.As(err, &e) || e.Code != code || e.Request != Execute || !strings.HasPrefix(e.Detail, "Diagnostic") {
			t.Errorf("code %d: %+v", code, e)
		}
	}
}

// TestLateResponseCode checks that a failure after DONE wins over the header, and
// that code 14 is ignored.
func TestLateResponseCode(t *testing.T) {
	f, srv := newFake(t)
	for _, tc := range []struct {
		code   string
		fields []Field
		kind   string
	}{
		{"0", []Field{{HeaderResponseCode, "10"}}, "lost"},
		{"0", []Field{{HeaderResponseCode, "18"}, {"Content-Type", ContentTypeFailure}}, "unreachable"},
		{"0", []Field{{HeaderResponseCode, "x"}}, "protocol"},
		{"0", []Field{{HeaderResponseCode, "14"}}, "none"},
		{"14", nil, "none"},
	} {
		f.mu.Lock()
		f.before = nil
		f.mu.Unlock()
		c := connected(t, srv.URL, nil)
		f.on(Ping, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ContentType)
			w.Header().Set(HeaderResponseCode, tc.code)
			_ = StreamWriter{w}.Processing()
			_ = StreamWriter{w}.Done(tc.fields, []byte("<p>why</p>"))
		})
		if err := c.Ping(t.Context()); kindOf(err) != tc.kind {
			t.Errorf("%s, %v: error %v, want %s", tc.code, tc.fields, err, tc.kind)
		}
	}
}

func TestBodyErrors(t *testing.T) {
	f, srv := newFake(t)
	for _, tc := range []struct {
		request RequestType
		body    encoder
		kind    string
	}{
		{Connect, ConnectResponse{ErrorCode: mapi.EcUnknownUser}, "refused"},
		{Connect, ConnectResponse{ErrorCode: mapi.EcNetworkError}, "refused"},
		{Connect, ConnectResponse{ErrorCode: ecAccessDenied}, "refused"},
		{Connect, ConnectResponse{ErrorCode: mapi.EcServerBusy}, "busy 0s"},
		{Connect, ConnectResponse{ErrorCode: mapi.EcGeneralFailure}, "protocol"},
		{Connect, ConnectResponse{StatusCode: rpcServerUnavailable}, "unreachable"},
		{Connect, ConnectResponse{Aux: []byte{1}}, "protocol"},
		{Execute, ExecuteResponse{StatusCode: rpcServerTooBusy}, "busy 10s"},
		{Execute, ExecuteResponse{StatusCode: 5}, "protocol"},
		{Execute, ExecuteResponse{ErrorCode: mapi.EcRpcFormat}, "protocol"},
		{Execute, ExecuteResponse{ErrorCode: mapi.EcNetworkError}, "unreachable"},
		{Execute, ExecuteResponse{ErrorCode: mapi.EcServerBusy}, "busy 10s"},
		{Execute, ExecuteResponse{}, "protocol"},
		{Execute, ExecuteResponse{RopBuffer: []byte{0, 0, 0, 0, 0, 0, 0, 0}}, "protocol"},
		{Execute, DisconnectResponse{}, "protocol"},
		{NotificationWait, NotificationWaitResponse{ErrorCode: mapi.EcGeneralFailure}, "protocol"},
		{NotificationWait, NotificationWaitResponse{}, "none"},
		{NotificationWait, NotificationWaitResponse{ErrorCode: mapi.EcRejected}, "busy 15s"},
		{Execute, ExecuteResponse{ErrorCode: mapi.EcRejected}, "protocol"},
		{Disconnect, DisconnectResponse{StatusCode: 3}, "protocol"},
	} {
		f.mu.Lock()
		f.before = nil
		f.mu.Unlock()
		c := connected(t, srv.URL, nil)
		f.on(tc.request, func(w http.ResponseWriter, r *http.Request) { f.reply(w, r, CodeSuccess, tc.body) })
		err := call(t.Context(), c, tc.request)
		if kindOf(err) != tc.kind {
			t.Errorf("%s with %+v: error %v of kind %s, want %s", tc.request, tc.body, err, kindOf(err), tc.kind)
		}
		if p, ok := tc.body.(ExecuteResponse); ok && p.ErrorCode != 0 && !errors.Is(err, p.ErrorCode) {
			t.Errorf("error %v does not tell the code", err)
		}
	}
}

// call makes one request of the given type.
func call(ctx context.Context, c *Client, kind RequestType) error {
	var err error
	switch kind {
	case Connect:
		_, err = c.Connect(ctx)
	case Execute:
		_, err = c.Execute(ctx, []byte("payload"), 0)
	case NotificationWait:
		_, err = c.NotificationWait(ctx)
	case Ping:
		err = c.Ping(ctx)
	case Disconnect:
		err = c.Disconnect(ctx)
	}
	return err
}

// TestHTTPAnswers checks the answers that are not MAPI/HTTP.
func TestHTTPAnswers(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   string
	}{
		"wrong password": {statusAnswer(401), "refused"},
		"forbidden":      {statusAnswer(403), "refused"},
		"not found":      {statusAnswer(404), "protocol"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.test/x", http.StatusFound)
		}, "protocol"},
		"too many requests": {statusAnswer(429, "Retry-After", "5"), "busy 5s"},
		"broken":            {statusAnswer(500), "unreachable"},
		"broken, try later": {statusAnswer(500, "Retry-After", "3"), "busy 3s"},
		"bad gateway":       {statusAnswer(502), "unreachable"},
		"unavailable":       {statusAnswer(503), "busy 0s"},
		"unavailable, with a date": {
			statusAnswer(503, "Date", "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After", "Thu, 01 Jan 2026 00:02:00 GMT"), "busy 2m0s"},
		"unavailable for years": {statusAnswer(503, "Retry-After", "999999999"), "busy 1h0m0s"},
		"not implemented":       {statusAnswer(501), "protocol"},
		"web page":              {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") }, "protocol"},
		"no response code":      {statusAnswer(200, "Content-Type", ContentType), "protocol"},
		"odd response code":     {statusAnswer(200, "Content-Type", ContentType, HeaderResponseCode, "fine"), "protocol"},
		"wrong content type":    {statusAnswer(200, "Content-Type", "text/html", HeaderResponseCode, "0"), "protocol"},
		"no meta-tag":           {rawAnswer("hello, world"), "protocol"},
		"nothing":               {rawAnswer(""), "unreachable"},
		"body cut":              {rawAnswer("PROCESSING\r\nDONE\r\n\r\n\x00\x00"), "protocol"},
		"body too large":        {rawAnswer("DONE\r\n\r\n" + strings.Repeat("x", 4097)), "protocol"},
		"too many cookies": {func(w http.ResponseWriter, _ *http.Request) {
			for i := range maxCookies + 1 {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=1", i))
			}
			rawAnswer("DONE\r\n\r\n")(w, nil)
		}, "protocol"},
		"length beyond measure": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99999999999")
			rawAnswer("DONE\r\n\r\n")(w, nil)
		}, "protocol"},
		"cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unreachable"},
		"cut answer": {func(w http.ResponseWriter, r *http.Request) {
			rawAnswer("PROCESSING\r\n")(w, r)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.MaxResponse = 4096
			f.on(Execute, tc.answer)
			_, err := c.Execute(t.Context(), []byte("payload"), 0)
			if kindOf(err) != tc.kind {
				t.Errorf("error %v of kind %s, want %s", err, kindOf(err), tc.kind)
			}
			if err != nil && strings.Contains(err.Error(), testPassword) {
				t.Errorf("password in %q", err)
			}
		})
	}
	// None of this was a reason to give the session up.
	f.mu.Lock()
	f.before = nil
	f.mu.Unlock()
	if _, err := c.Execute(t.Context(), nil, 0); err != nil {
		t.Errorf("session was given up: %v", err)
	}
}

func statusAnswer(status int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	}
}

func rawAnswer(stream string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set(HeaderResponseCode, "0")
		fmt.Fprint(w, stream)
	}
}

func TestWrongPassword(t *testing.T) {
	_, srv := newFake(t)
	c := dial(t, srv.URL, func(cfg *Config) { cfg.Auth = Basic{"alice", "wrong"} })
	if _, err := c.Connect(t.Context()); kindOf(err) != "refused" {
		t.Errorf("error %v", err)
	}
	c = dial(t, srv.URL, func(cfg *Config) { cfg.UserDN = "/o=test/cn=nobody" })
	if _, err := c.Connect(t.Context()); kindOf(err) != "refused" {
		t.Errorf("error %v", err)
	}
	c = dial(t, srv.URL, func(cfg *Config) { cfg.Auth = failingAuth{} })
	if _, err := c.Connect(t.Context()); kindOf(err) != "refused" {
		t.Errorf("error %v", err)
	}
}

type failingAuth struct{}

func (failingAuth) Authorize(*http.Request) error { return errors.New("no ticket") }

func TestBasicHidesPassword(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, Basic{"alice", testPassword}); strings.Contains(got, "horse") || !strings.Contains(got, "alice") {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

// TestOneAtATime checks that Execute waits for its turn, gives up with its context,
// and runs beside a NotificationWait.
func TestOneAtATime(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)

	waited := make(chan error, 1)
	go func() {
		pending, err := c.NotificationWait(t.Context())
		if err == nil && !pending {
			err = errors.New("no event")
		}
		waited <- err
	}()
	arrived, release := make(chan struct{}), make(chan struct{})
	f.on(Ping, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		f.reply(w, r, CodeSuccess, nil)
	})
	pinged := make(chan error, 1)
	go func() { pinged <- c.Ping(t.Context()) }()
	<-arrived

	ctx, cancel := context.WithCancel(t.Context())
	executed := make(chan error, 1)
	go func() { _, err := c.Execute(ctx, nil, 0); executed <- err }()
	cancel()
	if err := <-executed; !errors.Is(err, context.Canceled) || kindOf(err) != "plain" {
		t.Errorf("Execute out of turn: %v", err)
	}
	close(release)
	if err := <-pinged; err != nil {
		t.Error(err)
	}
	if _, err := c.Execute(t.Context(), nil, 0); err != nil {
		t.Error(err)
	}
	f.events <- struct{}{}
	if err := <-waited; err != nil {
		t.Errorf("NotificationWait: %v", err)
	}
}

// TestLateWaitKeepsCookies checks that the answer to a NotificationWait, made when the
// sequence was still an older one, does not put that one back.
func TestLateWaitKeepsCookies(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)
	arrived, release := make(chan struct{}), make(chan struct{})
	f.on(NotificationWait, func(w http.ResponseWriter, r *http.Request) {
		old, err := r.Cookie("MapiSequence")
		if err != nil {
			t.Error(err)
			old = &http.Cookie{Name: "MapiSequence"}
		}
		close(arrived)
		<-release
		http.SetCookie(w, &http.Cookie{Name: "MapiSequence", Value: old.Value})
		http.SetCookie(w, &http.Cookie{Name: "X-BackEndCookie", Value: "fresh"})
		h := w.Header()
		h.Set("Content-Type", ContentType)
		h.Set(HeaderResponseCode, "0")
		body, err := NotificationWaitResponse{}.Encode()
		if err != nil {
			t.Error(err)
		}
		sw := StreamWriter{W: w}
		_ = sw.Processing()
		_ = sw.Done(nil, body)
	})
	waited := make(chan error, 1)
	go func() { _, err := c.NotificationWait(t.Context()); waited <- err }()
	<-arrived
	if _, err := c.Execute(t.Context(), nil, 0); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if _, err := c.Execute(t.Context(), nil, 0); err != nil {
		t.Fatalf("after the wait: %v", err)
	}
	if sent := f.sent("Cookie"); !strings.Contains(sent[len(sent)-1], "X-BackEndCookie=fresh") {
		t.Errorf("the wait's own cookie was not kept: %s", sent[len(sent)-1])
	}
}

// TestWaitEndsWithSession checks that a NotificationWait does not outlive its
// session context.
func TestWaitEndsWithSession(t *testing.T) {
	f, srv := newFake(t)
	for name, end := range map[string]func(*Client) error{
		"lost":     func(c *Client) error { f.forget(); _ = c.Ping(t.Context()); return nil },
		"replaced": func(c *Client) error { _, err := c.Connect(t.Context()); return err },
		"ended":    func(c *Client) error { return c.Disconnect(t.Context()) },
	} {
		c := connected(t, srv.URL, nil)
		arrived := make(chan struct{})
		f.on(NotificationWait, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
		waited := make(chan error, 1)
		go func() { _, err := c.NotificationWait(t.Context()); waited <- err }()
		<-arrived
		if err := end(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-waited; kindOf(err) != "lost" {
			t.Errorf("%s: error %v of kind %s", name, err, kindOf(err))
		}
	}
}

func TestPayloadTooLarge(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)
	if _, err := c.Execute(t.Context(), make([]byte, MaxPayload+1), 0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if n := len(f.sent("Cookie")); n != 1 {
		t.Error("the payload was sent")
	}
	if _, err := c.Execute(t.Context(), make([]byte, MaxPayload), 0); err != nil {
		t.Error(err)
	}
}

func TestCompressedRequest(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, func(cfg *Config) { cfg.CompressRequests, cfg.PlainAnswers = true, true })
	var seen ExecuteRequest
	f.mu.Lock()
	f.before = func(_ http.ResponseWriter, _ *http.Request, k RequestType, body []byte) bool {
		if k == Execute {
			seen, _ = DecodeExecuteRequest(body)
		}
		return false
	}
	f.mu.Unlock()
	payload := bytes.Repeat([]byte("again and "), 300)
	got, err := c.Execute(t.Context(), payload, 0)
	if err != nil || !bytes.Equal(got[0], payload) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if len(seen.RopBuffer) > 200 || seen.Flags != NoCompression|NoXorMagic {
		t.Errorf("sent %d bytes, flags %#x", len(seen.RopBuffer), seen.Flags)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, u := range []string{
		"", "mail.example.test", "ftp://mail.example.test/", "http://mail.example.test/mapi", "http://10.0.0.1/", "https://a:b@host/", "https:///x", "http://notlocalhost/", "://",
	} {
		if _, err := New(Config{URL: u, UserDN: testDN}); err == nil {
			t.Errorf("%q accepted", u)
		} else if strings.Contains(err.Error(), "a:b") {
			t.Errorf("credentials in %q", err)
		}
	}
	if _, err := New(Config{URL: "https://host/"}); err == nil {
		t.Error("no distinguished name accepted")
	}
	for _, u := range []string{"https://host/x", "http://127.0.0.1:1/", "http://[::1]/", "http://localhost:80/", "http://[::ffff:127.0.0.1]/"} {
		if _, err := New(Config{URL: u, UserDN: testDN}); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := New(Config{URL: "http://mail.example.test/", UserDN: testDN, AllowPlaintext: true}); err != nil {
		t.Error(err)
	}
}

func TestParseVersion(t *testing.T) {
	for s, want := range map[string]mapi.ServerVersion{
		"Exchange/15.00.0847.4040": {15, 0, 847, 4040}, "Outlook/16.0.17328.20162": {16, 0, 17328, 20162},
		"": {}, "15.0.1.2": {}, "Exchange/15.0": {}, "Exchange/15.0.x.1": {}, "Exchange/1.2.3.99999": {},
	} {
		if got := ParseVersion(s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}
