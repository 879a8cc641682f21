package memserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

// exchange is one recorded request with its answer.
type recorded struct {
	name    string
	Type    mapihttp.RequestType
	Session string
	Status  int
	Code    string
	ROPs    string
	Headers map[string]string
	req     []byte
	resp    []byte
}

func readScenario(t testing.TB, name string) []recorded {
	t.Helper()
	names, files := readArchive(t, name+".tar.gz")
	var out []recorded
	for _, n := range names {
		base, ok := strings.CutSuffix(n, ".json")
		if !ok {
			continue
		}
		r := recorded{name: base, req: files[base+".req"], resp: files[base+".resp"]}
		if err := json.Unmarshal(files[n], &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// replay asks the server what a recorded client asked, and notes where the answers
// are not those that were recorded.
type replay struct {
	t       testing.TB
	srv     *Server
	box     *Mailbox
	handler http.Handler
	labels  map[string]*replaySession
	ids     map[uint64]uint64 // ids that the recorded server gave out, and ours
	at      string
	diffs   []string
}

type replaySession struct {
	cookies map[string]string
	handles map[rop.Handle]rop.Handle // recorded to ours
	theirs  rop.Columns
	ours    rop.Columns
	streams map[rop.Handle]*replayStream // by recorded handle
}

// replayStream is a download of which both sides have sent a part.
type replayStream struct {
	root         fxics.Root
	theirs, mine bytes.Buffer
	mineDone     bool
}

func (r *replay) note(format string, args ...any) {
	r.diffs = append(r.diffs, r.at+": "+sprintf(format, args...))
}

func newReplay(t testing.TB, s *Server, m *Mailbox) *replay {
	return &replay{t: t, srv: s, box: m, handler: s.Handler(), labels: map[string]*replaySession{}, ids: map[uint64]uint64{}}
}

func (r *replay) session(label string) *replaySession {
	ss := r.labels[label]
	if ss == nil {
		ss = &replaySession{cookies: map[string]string{}}
		ss.reset()
		r.labels[label] = ss
	}
	return ss
}

func (ss *replaySession) reset() {
	ss.handles = map[rop.Handle]rop.Handle{}
	ss.theirs, ss.ours = rop.Columns{}, rop.Columns{}
	ss.streams = map[rop.Handle]*replayStream{}
}

// post sends a body and returns the body of the answer stream.
func (r *replay) post(ss *replaySession, e recorded, body []byte) mapihttp.Stream {
	r.t.Helper()
	req := httptest.NewRequest(http.MethodPost, MailboxPath, bytes.NewReader(body))
	for k, v := range e.Headers {
		req.Header.Set(k, v)
	}
	req.SetBasicAuth(recordedUser, recordedPassword)
	for k, v := range ss.cookies {
		req.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	for _, c := range w.Result().Cookies() {
		ss.cookies[c.Name] = c.Value
	}
	if got := w.Header().Get(mapihttp.HeaderResponseCode); got != e.Code {
		r.note("X-ResponseCode %s, recorded %s", got, e.Code)
	}
	if got := w.Header().Get(mapihttp.HeaderRequestID); got != e.Headers["X-Requestid"] {
		r.note("X-RequestId %q is not echoed", got)
	}
	st, err := mapihttp.ReadStream(w.Body, 1<<26, nil)
	if err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	return st
}

func (r *replay) run(scenario string) {
	r.t.Helper()
	for _, e := range readScenario(r.t, scenario) {
		r.at = scenario[:2] + "/" + e.name
		if f := outside[r.at]; f != nil {
			f(r.box)
		}
		r.exchange(e)
	}
}

func (r *replay) exchange(e recorded) {
	r.t.Helper()
	ss := r.session(e.Session)
	theirs, err := mapihttp.ReadStream(bytes.NewReader(e.resp), 1<<26, nil)
	if err != nil {
		r.t.Fatalf("%s: recorded: %v", r.at, err)
	}
	switch e.Type {
	case mapihttp.Connect:
		ss.reset()
		clear(ss.cookies)
		mine := r.post(ss, e, e.req)
		a, err1 := mapihttp.DecodeConnectResponse(theirs.Body)
		b, err2 := mapihttp.DecodeConnectResponse(mine.Body)
		a.Aux, b.Aux = nil, nil // capabilities, which each server has its own
		r.same("Connect", a, b, err1, err2)
	case mapihttp.Execute:
		r.execute(ss, e, theirs.Body)
	case mapihttp.NotificationWait:
		mine := r.post(ss, e, e.req)
		a, err1 := mapihttp.DecodeNotificationWaitResponse(theirs.Body)
		b, err2 := mapihttp.DecodeNotificationWaitResponse(mine.Body)
		a.Aux, b.Aux = nil, nil
		r.same("NotificationWait", a, b, err1, err2)
	case mapihttp.Disconnect:
		mine := r.post(ss, e, e.req)
		a, err1 := mapihttp.DecodeDisconnectResponse(theirs.Body)
		b, err2 := mapihttp.DecodeDisconnectResponse(mine.Body)
		a.Aux, b.Aux = nil, nil
		r.same("Disconnect", a, b, err1, err2)
	default:
		mine := r.post(ss, e, e.req)
		if len(mine.Body) != len(theirs.Body) {
			r.note("%s: %d bytes, recorded %d", e.Type, len(mine.Body), len(theirs.Body))
		}
	}
}

// execute replays an Execute request with its handles translated.
func (r *replay) execute(ss *replaySession, e recorded, theirBody []byte) {
	r.t.Helper()
	q, err := mapihttp.DecodeExecuteRequest(e.req)
	if err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	bufs, err := mapihttp.SplitExtended(q.RopBuffer, 96)
	if err != nil || len(bufs) != 1 {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	in, err := rop.DecodeRequests(bufs[0].Payload, nil)
	if err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	theirs, theirHandles := r.answers(theirBody, in, ss.theirs)
	r.alignIDs(theirs)
	r.alignCNs(in)
	mine := in
	mine.Handles = slices.Clone(in.Handles)
	for i, h := range mine.Handles {
		if to, ok := ss.handles[h]; ok && h != rop.NoHandle {
			mine.Handles[i] = to
		}
	}
	payload, err := rop.EncodeRequests(mine)
	if err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	sent := q
	if sent.RopBuffer, err = mapihttp.JoinExtended([][]byte{payload}, bufs[0].Flags&^mapihttp.ExtLast); err != nil {
		r.t.Fatal(err)
	}
	body, err := sent.Encode()
	if err != nil {
		r.t.Fatal(err)
	}
	st := r.post(ss, e, body)
	got, ourHandles := r.answers(st.Body, mine, ss.ours)
	for i, h := range theirHandles {
		if h != rop.NoHandle && i < len(ourHandles) && ourHandles[i] != rop.NoHandle {
			ss.handles[h] = ourHandles[i]
		}
	}
	r.compareAnswers(ss, in, theirHandles, theirs, got)
}

// answers decodes the answers of an Execute body, chained ones as well.
func (r *replay) answers(body []byte, q rop.Requests, cols rop.Columns) ([]rop.MatchedAnswer, []rop.Handle) {
	r.t.Helper()
	p, err := mapihttp.DecodeExecuteResponse(body)
	if err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	if p.ErrorCode != 0 || p.StatusCode != 0 {
		r.note("Execute: error %v", p.ErrorCode)
		return nil, nil
	}
	bufs, err := mapihttp.SplitExtended(p.RopBuffer, 96)
	if err != nil {
		r.t.Fatalf("%s: %v", r.at, err)
	}
	var out []rop.MatchedAnswer
	var handles []rop.Handle
	for i, b := range bufs {
		if i > 0 {
			q = rop.Requests{Calls: q.Calls[len(q.Calls)-1:], Handles: handles}
		}
		a, err := rop.DecodeResponses(b.Payload, q, cols)
		if err != nil {
			r.t.Fatalf("%s: payload %d: %v", r.at, i, err)
		}
		out = append(out, a.Answers...)
		if i == 0 {
			handles = a.Handles
		}
	}
	return out, handles
}

// alignIDs makes the server give out the ids that the recorded one gave out: the two
// count differently.
func (r *replay) alignIDs(theirs []rop.MatchedAnswer) {
	r.box.mu.Lock()
	defer r.box.mu.Unlock()
	for _, a := range theirs {
		if a.Response.Result() != 0 {
			continue
		}
		switch p := a.Response.(type) {
		case *rop.GetLocalReplicaIDsResponse:
			r.box.state.nextID = p.GlobalCount
		case *rop.CreateFolderResponse:
			r.box.state.nextID = p.FolderID.Counter()
		case *rop.SaveChangesMessageResponse:
			if _, taken := r.box.state.messages[p.MessageID.Counter()]; !taken && p.MessageID != 0 {
				r.box.state.nextID = p.MessageID.Counter()
			}
		}
	}
}

// alignCNs makes the server go on with the change numbers that the recorded server
// had come to: those in the states that a client uploads.
func (r *replay) alignCNs(q rop.Requests) {
	r.box.mu.Lock()
	defer r.box.mu.Unlock()
	var tag mapi.PropertyTag
	for _, c := range q.Calls {
		switch p := c.Request.(type) {
		case *rop.SynchronizationUploadStateStreamBeginRequest:
			tag = p.StateProperty
		case *rop.SynchronizationUploadStateStreamContinueRequest:
			var st fxics.ICSState
			if tag == mapi.MetaTagCnsetSeen && st.Set(tag, p.StreamData) == nil {
				r.raiseCN(st)
			}
		}
	}
}

func (r *replay) raiseCN(st fxics.ICSState) {
	r.box.state.lastCN = max(r.box.state.lastCN, st.Seen.Get(recordedReplica).Max())
}

// learnNames gives named properties the numbers that they had on the recorded server.
func learnNames(t testing.TB, m *Mailbox, scenario string) {
	t.Helper()
	r := &replay{t: t}
	for _, e := range readScenario(t, scenario) {
		if e.Type != mapihttp.Execute {
			continue
		}
		q, err := mapihttp.DecodeExecuteRequest(e.req)
		if err != nil {
			t.Fatal(err)
		}
		bufs, err := mapihttp.SplitExtended(q.RopBuffer, 1)
		if err != nil {
			t.Fatal(err)
		}
		in, err := rop.DecodeRequests(bufs[0].Payload, nil)
		if err != nil {
			t.Fatal(err)
		}
		st, err := mapihttp.ReadStream(bytes.NewReader(e.resp), 1<<26, nil)
		if err != nil {
			t.Fatal(err)
		}
		answers, _ := r.answers(st.Body, in, rop.Columns{})
		for _, a := range answers {
			p, ok := a.Response.(*rop.GetPropertyIDsFromNamesResponse)
			if !ok {
				continue
			}
			names := in.Calls[a.Call].Request.(*rop.GetPropertyIDsFromNamesRequest).PropertyNames
			for i, n := range names {
				if id := p.PropertyIDs[i]; id >= firstNamedID && m.names.byID[id] == (mapi.PropertyName{}) {
					m.names.define(id, n)
				}
			}
		}
	}
}

// outside is what somebody else did to the recorded mailbox before a request, by ways
// that were not recorded.
var outside = map[string]func(*Mailbox){
	"10/013": func(m *Mailbox) { _, _ = m.Deliver(m.Folder(FolderInbox), mail("notify me")) },
	"10/020": func(m *Mailbox) { _ = m.MarkRead(mapi.NewMID(ownReplID, 0x30001), true) },
	"10/023": func(m *Mailbox) { retitle(m, 0x30002, "notify me") },
	"10/026": func(m *Mailbox) { _ = m.Delete(mapi.NewMID(ownReplID, 0x30003), false) },
	"10/029": func(m *Mailbox) { m.CreateFolder("notify folder") },
	"10/032": func(m *Mailbox) {
		id, _ := m.FindFolder("notify folder")
		_ = m.RenameFolder(id, "renamed folder")
		_ = m.DeleteFolder(id, true)
	},
	"10/035": func(m *Mailbox) { _, _ = m.Move(mapi.NewMID(ownReplID, 0x250001), m.Folder(FolderInbox)) },
	"10/038": func(m *Mailbox) { retitle(m, 0x30004, "late notification") },
	"12/087": func(m *Mailbox) { retitle(m, 0x25000c, "server change in between") },
	"12/089": func(m *Mailbox) { retitle(m, 0x25000e, "server change in between") },
}

func retitle(m *Mailbox, id mapi.GlobCnt, subject string) {
	_ = m.Edit(mapi.NewMID(ownReplID, id), func(c *mapi.Message) {
		c.Properties.Set(mapi.PidTagSubject, subject)
		c.Properties.Set(tagNormalizedSubject, subject)
	})
}

// scenarios are replayed each on the mailbox as it was recorded.
var scenarios = []string{
	"01-connect-logon", "02-hierarchy-empty-state", "03-contents-full", "04-contents-headers", "05-contents-partial", "06-copymessages-eid",
	"07-upload-message", "08-upload-readstate-move-delete-hierarchy", "09-incremental-after-change", "10-notification", "11-named-properties",
	"12-conflict", "14-compressed", "15-chaining", "16-submit",
}

func TestReplay(t *testing.T) {
	var dn string
	for _, e := range readScenario(t, scenarios[0]) {
		if e.Type == mapihttp.Connect {
			q, err := mapihttp.DecodeConnectRequest(e.req)
			if err != nil {
				t.Fatal(err)
			}
			dn = q.UserDN
		}
	}
	clock := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	s := New(Config{Clock: func() time.Time { clock = clock.Add(time.Millisecond); return clock }, SessionLifetime: 24 * time.Hour, PendingPeriod: 5 * time.Millisecond, WaitLimit: 20 * time.Millisecond})
	m := fillRecorded(t, s, dn)
	start := m.Snapshot()
	used := make([]bool, len(quirks))
	var patterns []*regexp.Regexp
	for _, q := range quirks {
		patterns = append(patterns, regexp.MustCompile(q.match))
	}
	for _, name := range scenarios {
		t.Run(name, func(t *testing.T) {
			m.RewindState(start)
			r := newReplay(t, s, m)
			r.run(name)
			for _, d := range r.diffs {
				if !explained(d, patterns, used) {
					t.Error(d)
				}
			}
		})
	}
	for i, u := range used {
		if !u {
			t.Errorf("nothing differs any more as in %q (%s)", quirks[i].match, quirks[i].why)
		}
	}
}
