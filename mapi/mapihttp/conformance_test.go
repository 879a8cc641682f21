package mapihttp

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailfs/mapi"
)

// The numbers in this file are those of the requirements of [MS-OXCMAPIHTTP] in the public
// interoperability test suites; internal/spec/requirements.tsv says what each asks for.

// sentRequest is a request as the server got it.
type sentRequest struct {
	method string
	host   string
	length int64
	header http.Header
	body   []byte
}

// record keeps every request that comes to the fake server.
func (f *fakeServer) record(into *[]sentRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = func(_ http.ResponseWriter, r *http.Request, _ RequestType, body []byte) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		*into = append(*into, sentRequest{r.Method, r.Host, r.ContentLength, r.Header.Clone(), body})
		return false
	}
}

// everyRequest makes a session context, uses it for every type of request, and ends it.
func everyRequest(t *testing.T, f *fakeServer, c *Client) {
	t.Helper()
	for _, kind := range []RequestType{Connect, Execute, Ping, NotificationWait, Execute, Disconnect} {
		if kind == NotificationWait {
			f.events <- struct{}{}
		}
		if err := call(t.Context(), c, kind); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
}

var (
	counted     = regexp.MustCompile(`^\{([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})\}:(\d+)$`)
	application = regexp.MustCompile(`^\w+/\d+\.\d+\.\d+\.\d+$`)
	hostForm    = regexp.MustCompile(`^127\.0\.0\.1:\d+$`)
)

// TestClientRequirements looks at every request of two clients that have two session
// contexts each.
func TestClientRequirements(t *testing.T) {
	f, srv := newFake(t)
	var sent []sentRequest
	f.record(&sent)
	for range 2 {
		c := dial(t, srv.URL, nil)
		everyRequest(t, f, c)
		everyRequest(t, f, c)
	}
	const perContext = 6
	if len(sent) != 4*perContext {
		t.Fatalf("%d requests", len(sent))
	}
	for _, rule := range []struct {
		ids  string
		what string
		ok   func(r sentRequest) bool
	}{
		{"R3", "the method is POST", func(r sentRequest) bool { return r.method == http.MethodPost }},
		{"R38", "Host", func(r sentRequest) bool { return hostForm.MatchString(r.host) }},
		{"R38", "X-RequestType, X-RequestId, Content-Type, Content-Length", func(r sentRequest) bool {
			return r.header.Get(HeaderRequestType) != "" && r.header.Get(HeaderRequestID) != "" &&
				r.header.Get("Content-Type") != "" && r.length == int64(len(r.body))
		}},
		{"R67", "the content type", func(r sentRequest) bool { return r.header.Get("Content-Type") == "application/mapi-http" }},
		{"R130 R2039", "a GUID and a decimal counter in X-RequestId", func(r sentRequest) bool {
			return counted.MatchString(r.header.Get(HeaderRequestID))
		}},
		{"R155 R2045", "a GUID and a decimal counter in X-ClientInfo", func(r sentRequest) bool {
			return counted.MatchString(r.header.Get(HeaderClientInfo))
		}},
		{"2.2.3.3.6", "a name and a version in X-ClientApplication", func(r sentRequest) bool {
			return application.MatchString(r.header.Get(HeaderClientApplication))
		}},
		{"R2049 R2054", "no X-DeviceInfo", func(r sentRequest) bool { return len(r.header.Values("X-DeviceInfo")) == 0 }},
		{"R1367", "Flags of NotificationWait are 0", func(r sentRequest) bool {
			q, err := DecodeNotificationWaitRequest(r.body)
			return r.header.Get(HeaderRequestType) != string(NotificationWait) || err == nil && q.Flags == 0
		}},
	} {
		for i, r := range sent {
			if !rule.ok(r) {
				t.Errorf("%s: %s: request %d has %v", rule.ids, rule.what, i, r.header)
			}
		}
	}
	contexts := slices.Collect(slices.Chunk(sent, perContext))
	checkRequestIDs(t, contexts)
	checkClientInfo(t, contexts)
}

// checkRequestIDs: R130 and R1330, the counter rises with every request; R131, no two
// session contexts have the same GUID; R1305, the GUID stays the same within one.
func checkRequestIDs(t *testing.T, contexts [][]sentRequest) {
	t.Helper()
	guids := map[string]bool{}
	for i, sent := range contexts {
		guid, last := "", 0
		for _, r := range sent {
			m := counted.FindStringSubmatch(r.header.Get(HeaderRequestID))
			n, err := strconv.Atoi(m[2])
			if err != nil || n <= last || guid != "" && m[1] != guid {
				t.Errorf("context %d: %q behind %q:%d", i, m[0], guid, last)
			}
			guid, last = m[1], n
		}
		if guids[guid] {
			t.Errorf("context %d has the GUID of another", i)
		}
		guids[guid] = true
	}
}

// checkClientInfo: R2041, each client has a GUID of its own; R2042, the same for all its
// requests; R2043, another counter for each session context.
func checkClientInfo(t *testing.T, contexts [][]sentRequest) {
	t.Helper()
	var values []string
	for i, sent := range contexts {
		for _, r := range sent {
			if got := r.header.Get(HeaderClientInfo); got != sent[0].header.Get(HeaderClientInfo) {
				t.Errorf("context %d: %q and %q", i, sent[0].header.Get(HeaderClientInfo), got)
			}
		}
		values = append(values, sent[0].header.Get(HeaderClientInfo))
	}
	guid := func(s string) string { return counted.FindStringSubmatch(s)[1] }
	if guid(values[0]) != guid(values[1]) || guid(values[2]) != guid(values[3]) || guid(values[0]) == guid(values[2]) {
		t.Errorf("GUIDs of two clients: %q", values)
	}
	if values[0] == values[1] || values[2] == values[3] {
		t.Errorf("counters of two contexts: %q", values)
	}
}

// TestVersionOfHTTP: R2, HTTP 1.1 over TLS, also with a server that would rather speak
// HTTP/2.
func TestVersionOfHTTP(t *testing.T) {
	f := &fakeServer{t: t, events: make(chan struct{}, 1)}
	srv := httptest.NewUnstartedServer(f)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	transport, err := NewTransport("")
	if err != nil {
		t.Fatal(err)
	}
	transport.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := connected(t, srv.URL, func(cfg *Config) { cfg.RoundTripper = transport })
	if _, err := c.Execute(t.Context(), nil, 0); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r.Proto != "HTTP/1.1" || r.TLS == nil {
			t.Errorf("%s, TLS %v", r.Proto, r.TLS != nil)
		}
	}
}

// TestReservedFields: R1359, the Flags of an answer to Execute mean nothing; R150, nor
// does response code 14.
func TestReservedFields(t *testing.T) {
	f, srv := newFake(t)
	c := connected(t, srv.URL, nil)
	rop, err := JoinExtended([][]byte{[]byte("answer")}, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.on(Execute, func(w http.ResponseWriter, r *http.Request) {
		f.reply(w, r, CodeSuccess, ExecuteResponse{Flags: 0xFFFFFFFF, RopBuffer: rop})
	})
	if got, err := c.Execute(t.Context(), nil, 0); err != nil || len(got) != 1 || string(got[0]) != "answer" {
		t.Errorf("with flags: %q, %v", got, err)
	}
	f.on(Ping, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set(HeaderResponseCode, "14")
		fmt.Fprint(w, "DONE\r\n\r\n")
	})
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("with response code 14: %v", err)
	}
}

// TestCookiesOfAContext: whatever cookies a server sets, under whatever names and with
// whatever answer, go back with the next requests of that context and of no other (R1140,
// R1148, R1149, R1150, R1154, R1159, R1167, R1197, R1212, R1282).
func TestCookiesOfAContext(t *testing.T) {
	var sent []string
	context, n := 0, 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := RequestType(r.Header.Get(HeaderRequestType))
		sent = append(sent, fmt.Sprintf("%s %s", kind, r.Header.Get("Cookie")))
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		n++
		var body encoder = DisconnectResponse{}
		switch kind {
		case Connect:
			context++
			w.Header().Add("Set-Cookie", fmt.Sprintf("sid=%d; path=/; secure", context))
			w.Header().Add("Set-Cookie", fmt.Sprintf("back=end%d", context))
			body = ConnectResponse{}
		case Execute:
			rop, _ := JoinExtended([][]byte{nil}, 0)
			body = ExecuteResponse{RopBuffer: rop}
		case NotificationWait:
			body = NotificationWaitResponse{}
		}
		w.Header().Add("Set-Cookie", fmt.Sprintf("seq=%d", n))
		if kind == Ping {
			w.Header().Add("Set-Cookie", "late=1")
		}
		p, _ := body.Encode()
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set(HeaderResponseCode, "0")
		_ = StreamWriter{w}.Done(nil, p)
	}))
	t.Cleanup(srv.Close)
	c := dial(t, srv.URL, nil)
	for _, kind := range []RequestType{Connect, Execute, Ping, NotificationWait, Execute, Connect, Execute, Disconnect} {
		if err := call(t.Context(), c, kind); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	want := []string{
		"Connect ",
		"Execute sid=1; back=end1; seq=1",
		"PING sid=1; back=end1; seq=2",
		"NotificationWait sid=1; back=end1; seq=3; late=1",
		"Execute sid=1; back=end1; seq=4; late=1",
		"Connect sid=1; back=end1; seq=5; late=1", // a context in place of the old one
		"Execute sid=2; back=end2; seq=6",         // whose cookies are gone
		"Disconnect sid=2; back=end2; seq=7",
	}
	if !slices.Equal(sent, want) {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(sent, "\n"), strings.Join(want, "\n"))
	}
}

// TestContextIsNeeded: R1142 and R1153, there is no Execute before a Connect; nothing goes
// out at all.
func TestContextIsNeeded(t *testing.T) {
	f, srv := newFake(t)
	c := dial(t, srv.URL, nil)
	if err := call(t.Context(), c, Execute); kindOf(err) != "lost" {
		t.Errorf("Execute: %v", err)
	}
	if n := len(f.sent(HeaderRequestType)); n != 0 {
		t.Errorf("%d requests without a session context", n)
	}
	if err := call(t.Context(), c, Connect); err != nil {
		t.Fatal(err)
	}
	if err := call(t.Context(), c, Execute); err != nil {
		t.Errorf("Execute with a session context: %v", err)
	}
}

// TestDisconnectThatFails: R1168, a session context lives until the server has said that
// it ended it.
func TestDisconnectThatFails(t *testing.T) {
	for name, answer := range map[string]func(f *fakeServer, w http.ResponseWriter, r *http.Request){
		"refused": func(f *fakeServer, w http.ResponseWriter, r *http.Request) { f.reply(w, r, CodeUnknownFailure, nil) },
		"error code": func(f *fakeServer, w http.ResponseWriter, r *http.Request) {
			f.reply(w, r, 0, DisconnectResponse{ErrorCode: mapi.EcGeneralFailure})
		},
		"server error":   func(_ *fakeServer, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"cut connection": func(*fakeServer, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			f, srv := newFake(t)
			c := connected(t, srv.URL, nil)
			f.on(Disconnect, func(w http.ResponseWriter, r *http.Request) { answer(f, w, r) })
			if err := c.Disconnect(t.Context()); err == nil {
				t.Fatal("a Disconnect that failed is told as done")
			}
			if _, err := c.Execute(t.Context(), nil, 0); err != nil {
				t.Errorf("the session context was given up: %v", err)
			}
			f.mu.Lock()
			f.before = nil
			f.mu.Unlock()
			if err := c.Disconnect(t.Context()); err != nil {
				t.Errorf("second try: %v", err)
			}
			if _, err := c.Execute(t.Context(), nil, 0); kindOf(err) != "lost" {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

// chunking sends every byte of an answer in a chunk of its own.
type chunking struct{ http.ResponseWriter }

func (c chunking) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.ResponseWriter.Write(p[i : i+1]); err != nil {
			return i, err
		}
		c.Flush()
	}
	return len(p), nil
}

func (c chunking) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// TestAnswersInChunks: R1184, the answer to any request may come in chunks, cut anywhere;
// R1187, what they hold is read without knowing of them.
func TestAnswersInChunks(t *testing.T) {
	f := &fakeServer{t: t, events: make(chan struct{}, 1)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.ServeHTTP(chunking{w}, r) }))
	t.Cleanup(srv.Close)
	c := dial(t, srv.URL, nil)
	everyRequest(t, f, c)
	if got := len(f.sent(HeaderRequestType)); got != 6 {
		t.Errorf("%d requests: something was repeated", got)
	}
}

// TestFailuresOfEveryRequest: R1204, a failure while any request is sent or its answer
// read becomes an error of a known kind, and the next request works.
func TestFailuresOfEveryRequest(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"cut before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut within the answer": func(w http.ResponseWriter, r *http.Request) {
			rawAnswer("PROCESSING\r\nPEND")(w, r)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"server error": statusAnswer(500),
		"not the answer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "x=1")
			rawAnswer("DONE\r\n\r\n\x01")(w, r)
		},
	} {
		for _, kind := range []RequestType{Connect, Execute, Ping, NotificationWait, Disconnect} {
			if name == "not the answer" && kind == Ping {
				continue // its answer has no body to be wrong
			}
			t.Run(name+", "+string(kind), func(t *testing.T) {
				f, srv := newFake(t)
				c := connected(t, srv.URL, nil)
				f.on(kind, answer)
				if got := kindOf(call(t.Context(), c, kind)); got != "unreachable" && got != "protocol" {
					t.Errorf("error of kind %s", got)
				}
				f.mu.Lock()
				f.before = nil
				f.mu.Unlock()
				if err := call(t.Context(), c, Execute); err != nil {
					t.Errorf("the next request: %v", err)
				}
			})
		}
	}
}
