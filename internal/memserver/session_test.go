package memserver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

// web talks to the handler with headers and cookies of its own choice.
type web struct {
	t       *testing.T
	h       http.Handler
	box     *Mailbox
	cookies map[string]string
	n       int
}

func newWeb(t *testing.T, s *Server, m *Mailbox) *web {
	return &web{t: t, h: s.Handler(), box: m, cookies: map[string]string{}}
}

// post sends a request and returns the response code, the last one that came.
func (w *web) post(kind string, body []byte, change func(*http.Request)) (int, *httptest.ResponseRecorder, mapihttp.Stream) {
	w.t.Helper()
	w.n++
	r := httptest.NewRequest(http.MethodPost, MailboxPath+"?MailboxId=x", bytes.NewReader(body))
	r.Header.Set("Content-Type", mapihttp.ContentType)
	r.Header.Set(mapihttp.HeaderRequestType, kind)
	r.Header.Set(mapihttp.HeaderRequestID, "{E2EA6C1C-E61B-49E9-9CFB-38184F907552}:"+strconv.Itoa(w.n))
	r.Header.Set(mapihttp.HeaderClientInfo, "{2F94A2BF-A2E6-4CCC-BF98-B5F22C542226}:1")
	r.Header.Set(mapihttp.HeaderClientApplication, "Outlook/15.0.4815.1002")
	r.SetBasicAuth(w.box.Address(), "secret")
	for k, v := range w.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		w.cookies[c.Name] = c.Value
	}
	code, err := strconv.Atoi(rec.Header().Get(mapihttp.HeaderResponseCode))
	if err != nil {
		return -1, rec, mapihttp.Stream{}
	}
	var st mapihttp.Stream
	if code == 0 {
		if st, err = mapihttp.ReadStream(rec.Body, 1<<20, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	return code, rec, st
}

func encoded(t *testing.T, e encoder) []byte {
	t.Helper()
	p, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *web) connect() {
	w.t.Helper()
	if code, _, _ := w.post("Connect", encoded(w.t, mapihttp.ConnectRequest{UserDN: w.box.DN()}), nil); code != 0 {
		w.t.Fatalf("Connect: %d", code)
	}
}

func executeBody(t *testing.T, maxOut uint32, calls ...rop.Call) []byte {
	t.Helper()
	payload, err := rop.EncodeRequests(rop.Requests{Calls: calls, Handles: []rop.Handle{rop.NoHandle}})
	if err != nil {
		t.Fatal(err)
	}
	buf, err := mapihttp.JoinExtended([][]byte{payload}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, mapihttp.ExecuteRequest{RopBuffer: buf, MaxRopOut: maxOut})
}

func TestResponseCodes(t *testing.T) {
	s, m := newServer(t, Config{})
	empty := executeBody(t, 0x10000)
	for name, tc := range map[string]struct {
		connected bool
		kind      string
		body      []byte
		change    func(*http.Request)
		want      mapihttp.ResponseCode
	}{
		"no request type":      {false, "", nil, nil, mapihttp.CodeMissingHeader},
		"no request id":        {false, "Connect", nil, func(r *http.Request) { r.Header.Del(mapihttp.HeaderRequestID) }, mapihttp.CodeMissingHeader},
		"no client info":       {false, "Connect", nil, func(r *http.Request) { r.Header.Del(mapihttp.HeaderClientInfo) }, mapihttp.CodeMissingHeader},
		"GET":                  {false, "Connect", nil, func(r *http.Request) { r.Method = http.MethodGet }, mapihttp.CodeInvalidVerb},
		"unknown type":         {true, "Dance", nil, nil, mapihttp.CodeInvalidRequestType},
		"wrong content type":   {false, "Connect", []byte{1}, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, mapihttp.CodeInvalidHeader},
		"truncated Connect":    {false, "Connect", []byte{1, 2}, nil, mapihttp.CodeInvalidRequestBody},
		"truncated Execute":    {true, "Execute", []byte{1, 2}, nil, mapihttp.CodeInvalidRequestBody},
		"no cookie":            {false, "Execute", empty, nil, mapihttp.CodeMissingCookie},
		"unknown context":      {false, "Execute", empty, func(r *http.Request) { r.Header.Set("Cookie", cookieContext+"=nonsense") }, mapihttp.CodeContextNotFound}, // MS-OXCMAPIHTTP_R1283
		"empty context cookie": {false, "Execute", empty, func(r *http.Request) { r.Header.Set("Cookie", cookieContext+"=") }, mapihttp.CodeInvalidContextCookie},
		"good Execute":         {true, "Execute", empty, nil, mapihttp.CodeSuccess},
		"PING":                 {true, "PING", nil, nil, mapihttp.CodeSuccess},
		"other endpoint":       {false, "Bind", nil, func(r *http.Request) { r.URL.Path = "/mapi/other/" }, mapihttp.CodeInvalidPath},
		"another's context":    {true, "Execute", empty, func(r *http.Request) { r.SetBasicAuth("bob@example.test", "secret") }, mapihttp.CodeContextNotFound}, // MS-OXCMAPIHTTP_R1225
	} {
		w := newWeb(t, s, m)
		if tc.connected {
			w.connect()
		}
		code, rec, _ := w.post(tc.kind, tc.body, tc.change)
		if code != int(tc.want) {
			t.Errorf("%s: %d, not %d", name, code, tc.want)
		}
		if want := rec.Header().Get("Content-Type"); (code == 0) != (want == mapihttp.ContentType) {
			t.Errorf("%s: Content-Type %q", name, want)
		}
	}
	code, rec, _ := newWeb(t, s, m).post("Connect", nil, func(r *http.Request) { r.SetBasicAuth(m.Address(), "wrong") })
	if rec.Code != http.StatusUnauthorized || code != -1 || !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Basic") {
		t.Errorf("wrong password: HTTP %d", rec.Code)
	}
}

func TestConnectErrors(t *testing.T) {
	s, m := newServer(t, Config{})
	bob, _ := s.Mailbox("bob@example.test")
	for dn, want := range map[string]mapi.ErrorCode{"/cn=nobody": ecRPCFailed, bob.DN(): ecAccessDenied, m.DN(): 0} {
		w := newWeb(t, s, m)
		_, _, st := w.post("Connect", encoded(t, mapihttp.ConnectRequest{UserDN: dn}), nil)
		p, err := mapihttp.DecodeConnectResponse(st.Body)
		if err != nil || p.ErrorCode != want || (len(w.cookies) > 0) != (want == 0) {
			t.Errorf("%s: %v %v, cookies %v", dn, p.ErrorCode, err, w.cookies)
		}
	}
}

func TestSequence(t *testing.T) { // MS-OXCMAPIHTTP_R1228, R1253
	s, m := newServer(t, Config{})
	w := newWeb(t, s, m)
	w.connect()
	old := w.cookies[cookieSequence]
	body := executeBody(t, 0x10000)
	if code, rec, _ := w.post("Execute", body, nil); code != 0 || rec.Header().Get(mapihttp.HeaderRequestID) == "" {
		t.Fatalf("%d", code)
	}
	if w.cookies[cookieSequence] == old {
		t.Error("the sequence cookie stays the same")
	}
	now := w.cookies[cookieSequence]
	w.cookies[cookieSequence] = old
	if code, _, _ := w.post("Execute", body, nil); code != int(mapihttp.CodeInvalidSequence) {
		t.Errorf("old sequence: %d", code)
	}
	w.cookies[cookieSequence] = now
	if code, _, _ := w.post("Execute", body, nil); code != 0 {
		t.Errorf("the session did not survive: %d", code)
	}
	delete(w.cookies, cookieSequence)
	if code, _, _ := w.post("Execute", body, nil); code != int(mapihttp.CodeMissingCookie) {
		t.Errorf("no sequence: %d", code)
	}
	if code, _, _ := w.post("Disconnect", nil, nil); code != 0 {
		t.Errorf("Disconnect: %d", code)
	}
	if code, _, _ := w.post("PING", nil, nil); code != int(mapihttp.CodeContextNotFound) {
		t.Errorf("after Disconnect: %d", code)
	}
}

func TestReconnectReplacesContext(t *testing.T) { // MS-OXCMAPIHTTP_R1279
	s, m := newServer(t, Config{})
	w := newWeb(t, s, m)
	w.connect()
	first := w.cookies[cookieContext]
	w.cookies[cookieSequence] = "stale"
	w.connect()
	w.cookies[cookieContext] = first
	if code, _, _ := w.post("PING", nil, nil); code != int(mapihttp.CodeContextNotFound) {
		t.Errorf("the old context lives on: %d", code)
	}
}

func TestExpiry(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s, m := newServer(t, Config{SessionLifetime: time.Minute, Clock: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	w := newWeb(t, s, m)
	w.connect()
	for range 3 { // use keeps it alive
		pass(50 * time.Second)
		code, rec, _ := w.post("PING", nil, nil)
		if code != 0 || rec.Header().Get(mapihttp.HeaderExpirationInfo) != "60000" {
			t.Fatalf("PING: %d", code)
		}
	}
	pass(61 * time.Second)
	if code, _, _ := w.post("PING", nil, nil); code != int(mapihttp.CodeContextNotFound) {
		t.Errorf("after the lifetime: %d", code)
	}
}

func TestExecuteErrors(t *testing.T) {
	s, m := newServer(t, Config{})
	w := newWeb(t, s, m)
	w.connect()
	ext := func(payload []byte) []byte {
		p, err := mapihttp.JoinExtended([][]byte{payload}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, tc := range map[string]struct {
		q    mapihttp.ExecuteRequest
		want mapi.ErrorCode
	}{
		"unknown operation (MS-OXCROPS_R4551)": {mapihttp.ExecuteRequest{RopBuffer: ext([]byte{4, 0, 0x99, 0}), MaxRopOut: 0x10000}, ecRPCFormat},
		"truncated operation":                  {mapihttp.ExecuteRequest{RopBuffer: ext([]byte{5, 0, 2, 0, 0}), MaxRopOut: 0x10000}, ecRPCFormat},
		"no extended buffer":                   {mapihttp.ExecuteRequest{RopBuffer: []byte{1}, MaxRopOut: 0x10000}, ecRPCFormat},
		"tiny MaxRopOut":                       {mapihttp.ExecuteRequest{RopBuffer: ext([]byte{2, 0}), MaxRopOut: 7}, ecRPCFailed},
		"huge MaxRopOut":                       {mapihttp.ExecuteRequest{RopBuffer: ext([]byte{2, 0}), MaxRopOut: 0x40001}, badStubData},
		"no operation":                         {mapihttp.ExecuteRequest{RopBuffer: ext([]byte{2, 0}), MaxRopOut: 0x10000}, 0},
	} {
		code, _, st := w.post("Execute", encoded(t, tc.q), nil)
		p, err := mapihttp.DecodeExecuteResponse(st.Body)
		if code != 0 || err != nil || p.StatusCode != 0 || p.ErrorCode != tc.want {
			t.Errorf("%s: %d, %v, %v", name, code, p.ErrorCode, err)
		}
	}
}

func TestHandles(t *testing.T) { // [MS-OXCROPS] 3.2.5.4
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	inbox := m.Folder(FolderInbox)
	f := c.folder(inbox)
	c.do(f, &rop.ReleaseRequest{})
	get := &rop.GetContentsTableRequest{}
	for name, tc := range map[string]struct {
		h    rop.Handle
		call rop.Call
		want mapi.ErrorCode
	}{
		"released":       {f, rop.Call{Out: 1, Request: get}, ecInvalidObject},
		"never assigned": {4711, rop.Call{Out: 1, Request: get}, ecNullObject},
		"empty slot":     {rop.NoHandle, rop.Call{Out: 1, Request: get}, ecNullObject},
		"slot too high":  {c.store, rop.Call{In: 9, Out: 1, Request: get}, ecNullObject},
		"other logon":    {c.store, rop.Call{LogonID: 3, Out: 1, Request: &rop.OpenFolderRequest{FolderID: inbox}}, ecAccessDenied},
		"wrong kind":     {c.store, rop.Call{Out: 1, Request: get}, ecNotSupported},
	} {
		a, hs := c.run([]rop.Handle{tc.h}, 2, tc.call)
		if got := a[0].Response.Result(); got != tc.want {
			t.Errorf("%s: %v, not %v", name, got, tc.want)
		}
		if hs[1] != rop.NoHandle {
			t.Errorf("%s: a failed operation made handle %d", name, hs[1])
		}
	}
	// A failure does not stop what follows, and what needs its object fails by itself.
	a, _ := c.run([]rop.Handle{c.store}, 4,
		rop.Call{Out: 1, Request: &rop.OpenFolderRequest{FolderID: mapi.NewFID(1, 0x7777)}},
		rop.Call{In: 1, Out: 2, Request: get},
		rop.Call{Out: 3, Request: &rop.OpenFolderRequest{FolderID: inbox}})
	if a[0].Response.Result() != ecNotFound || a[1].Response.Result() != ecNullObject || a[2].Response.Result() != 0 {
		t.Errorf("%v %v %v", a[0].Response.Result(), a[1].Response.Result(), a[2].Response.Result())
	}
	// Releasing what is not there is no error (MS-OXCROPS_R4573).
	if a, _ := c.run([]rop.Handle{4711}, 1, rop.Call{Request: &rop.ReleaseRequest{}}); len(a) != 0 {
		t.Error("Release is answered")
	}
}

func TestBufferTooSmall(t *testing.T) { // [MS-OXCROPS] 3.2.4.3, MS-OXCFXICS_R2141
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	for range 50 {
		deliver(t, m, inbox, mail("some message"))
	}
	c := dial(t, s, m)
	h := c.mustOpen(c.folder(inbox), contentsConfig())
	q := rop.Requests{Calls: []rop.Call{
		{Request: &rop.FastTransferSourceGetBufferRequest{BufferSize: 0x7000}},
		{Request: &rop.FastTransferSourceGetBufferRequest{BufferSize: 0x7000}},
	}, Handles: []rop.Handle{h}}
	payload, err := rop.EncodeRequests(q)
	if err != nil {
		t.Fatal(err)
	}
	for maxOut, first := range map[uint32]bool{0x1000: false, 0x40000: true} {
		out, err := c.tr.Execute(context.Background(), payload, maxOut)
		if err != nil {
			t.Fatal(err)
		}
		r, err := rop.DecodeResponses(out[0], q, nil)
		if err != nil {
			t.Fatal(err)
		}
		last, ok := r.Answers[len(r.Answers)-1].Response.(*rop.BufferTooSmall)
		if !ok || (len(r.Answers) == 2) != first || len(last.RequestBuffers) == 0 {
			t.Errorf("MaxRopOut %#x: %d answers, %T", maxOut, len(r.Answers), r.Answers[len(r.Answers)-1].Response)
		}
	}
}

func TestChaining(t *testing.T) { // [MS-OXCRPC] 3.1.4.2.1.2.2
	s, m := newServer(t, Config{})
	inbox := m.Folder(FolderInbox)
	big := mail("big")
	big.Properties.Set(mapi.PidTagBody, strings.Repeat("0123456789", 100_000))
	deliver(t, m, inbox, big)
	for range 600 {
		deliver(t, m, inbox, mail(strings.Repeat("many ", 20)))
	}
	c := dial(t, s, m)
	count := func(on rop.Handle, q rop.Request, maxOut uint32) int {
		payload, err := rop.EncodeRequests(rop.Requests{Calls: []rop.Call{{Request: q}}, Handles: []rop.Handle{on}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.tr.Execute(context.Background(), payload, maxOut)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, p := range out {
			if sum += len(p) + mapihttp.ExtHeaderSize; len(p) > mapihttp.MaxPayload {
				t.Errorf("payload of %d bytes", len(p))
			}
		}
		if sum > int(maxOut) || len(out) > mapihttp.MaxChained {
			t.Errorf("%d payloads with %d bytes for %d", len(out), sum, maxOut)
		}
		return len(out)
	}
	get := &rop.FastTransferSourceGetBufferRequest{BufferSize: rop.BufferSizeMarker, MaximumBufferSize: 0x7BC0}
	open := func() rop.Handle { return c.mustOpen(c.folder(inbox), contentsConfig()) }
	if n := count(open(), get, 0x40000); n < 7 {
		t.Errorf("a long stream came in %d payloads", n)
	}
	if n := count(open(), get, 0x8008); n != 1 {
		t.Errorf("one buffer asked, %d came", n)
	}
	if n := count(open(), &rop.FastTransferSourceGetBufferRequest{BufferSize: 0x1000}, 0x40000); n != 1 {
		t.Errorf("an exact size came in %d payloads", n)
	}
	table := c.mustOpen(c.folder(inbox), &rop.GetContentsTableRequest{})
	c.must(table, &rop.SetColumnsRequest{PropertyTags: []mapi.PropertyTag{mapi.PidTagMid, mapi.PidTagSubject}})
	if n := count(table, &rop.QueryRowsRequest{QueryRowsFlags: rop.QueryRowsEnablePackedBuffers, ForwardRead: true, RowCount: 1000}, 0x40000); n < 3 {
		t.Errorf("rows came in %d payloads", n)
	}
	c.must(table, &rop.SeekRowRequest{Origin: rop.BookmarkBeginning})
	if n := count(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 1000}, 0x40000); n != 1 {
		t.Errorf("rows without the flag came in %d payloads", n)
	}
}

func TestScript(t *testing.T) {
	s, m := newServer(t, Config{})
	ctx := context.Background()
	payload, err := rop.EncodeRequests(rop.Requests{Calls: []rop.Call{{Request: &rop.GetReceiveFolderRequest{}}}, Handles: []rop.Handle{0}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		fault Fault
		check func(error) bool
		busy  bool
	}{
		"pass":       {Fault{}, func(err error) bool { return err == nil }, false},
		"delay":      {Fault{Delay: time.Millisecond}, func(err error) bool { return err == nil }, false},
		"cut before": {Fault{CutBefore: true}, isKind[*mapi.Unreachable], false},
		"cut after":  {Fault{CutAfter: true}, isKind[*mapi.Unreachable], false},
		"lose":       {Fault{Lose: true}, isKind[*mapi.SessionLost], false},
		"code":       {Fault{Code: mapihttp.CodeContextNotFound}, isKind[*mapi.SessionLost], false},
		"status":     {Fault{HTTPStatus: 503}, func(err error) bool { return err != nil }, false},
		"busy":       {Fault{Busy: time.Second}, func(err error) bool { return err == nil }, true},
		"rpc":        {Fault{RPC: ecRPCFormat}, func(err error) bool { return err != nil }, false},
	} {
		for _, overHTTP := range []bool{false, true} {
			s.SetScript(nil)
			c := dial(t, s, m)
			if overHTTP {
				c, _ = dialHTTP(t, s, m, nil)
			}
			var hit atomic.Bool
			s.SetScript(func(r Request) Fault {
				if !r.Has(uint8(rop.IDGetReceiveFolder)) {
					return Fault{}
				}
				hit.Store(true)
				return tc.fault
			})
			out, err := c.tr.Execute(ctx, payload, 0x10000)
			if !hit.Load() || !tc.check(err) {
				t.Errorf("%s, HTTP %v: hit %v, %v", name, overHTTP, hit.Load(), err)
			}
			if tc.busy {
				r, err := rop.DecodeResponses(out[0], rop.Requests{}, nil)
				if err != nil || len(r.Answers) != 1 || r.Answers[0].Response.ROP() != rop.IDBackoff {
					t.Errorf("%s: %v %v", name, r, err)
				}
			}
		}
	}
}

func isKind[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestCutAfterHasExecuted(t *testing.T) {
	s, m := newServer(t, Config{})
	c := dial(t, s, m)
	f := c.folder(m.Folder(FolderIPMSubtree))
	s.SetScript(func(r Request) Fault {
		return Fault{CutAfter: r.Has(uint8(rop.IDCreateFolder)), CutBefore: r.Has(uint8(rop.IDDeleteFolder))}
	})
	send := func(q rop.Request) {
		payload, err := rop.EncodeRequests(rop.Requests{Calls: []rop.Call{{Out: 1, Request: q}}, Handles: []rop.Handle{f, rop.NoHandle}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.tr.Execute(context.Background(), payload, 0x10000); err == nil {
			t.Error("no error")
		}
	}
	send(&rop.CreateFolderRequest{FolderType: rop.FolderGeneric, UseUnicodeStrings: true, DisplayName: "made"})
	id, ok := m.FindFolder("made")
	if !ok {
		t.Fatal("a request cut after execution was not executed")
	}
	send(&rop.DeleteFolderRequest{FolderID: id})
	if _, ok := m.FindFolder("made"); !ok {
		t.Error("a request cut before execution was executed")
	}
}

func TestLoseSessionsWakesWaiters(t *testing.T) {
	s, m := newServer(t, Config{})
	tr, err := s.Transport(m.Address())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := tr.NotificationWait(context.Background())
		done <- err
	}()
	s.LoseSessions()
	if err := <-done; !isKind[*mapi.SessionLost](err) {
		t.Errorf("%v", err)
	}
}
