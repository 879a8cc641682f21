package memserver

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
)

// clock is a clock that moves one second whenever it is read.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { return c.t }

// newServer returns a server with the mailboxes of alice and bob.
func newServer(t testing.TB, cfg Config) (*Server, *Mailbox) {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = newClock().now
	}
	s := New(cfg)
	t.Cleanup(s.Close)
	alice, err := s.AddMailbox(MailboxConfig{Address: "alice@example.test", Password: "secret", DisplayName: "Alice Example"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddMailbox(MailboxConfig{Address: "bob@example.test", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	return s, alice
}

// client executes single operations over a transport. Handles are kept by the test.
type client struct {
	t     testing.TB
	tr    rop.Transport
	cols  rop.Columns
	box   *Mailbox
	store rop.Handle
}

// dial logs on to a mailbox without HTTP.
func dial(t testing.TB, s *Server, m *Mailbox) *client {
	t.Helper()
	tr, err := s.Transport(m.Address())
	if err != nil {
		t.Fatal(err)
	}
	return logOn(t, tr, m)
}

func logOn(t testing.TB, tr rop.Transport, m *Mailbox) *client {
	t.Helper()
	c := &client{t: t, tr: tr, cols: rop.Columns{}, box: m}
	_, hs := c.run(nil, 1, rop.Call{Out: 0, Request: &rop.LogonRequest{LogonFlags: rop.LogonPrivate, OpenFlags: rop.OpenUsePerMDBReplidMapping, Essdn: m.DN()}})
	c.store = hs[0]
	return c
}

// run executes calls in one buffer. The handle table has the given handles, then
// empty slots up to n.
func (c *client) run(in []rop.Handle, n int, calls ...rop.Call) ([]rop.MatchedAnswer, []rop.Handle) {
	c.t.Helper()
	hs := append([]rop.Handle(nil), in...)
	for len(hs) < n {
		hs = append(hs, rop.NoHandle)
	}
	q := rop.Requests{Calls: calls, Handles: hs}
	payload, err := rop.EncodeRequests(q)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := c.tr.Execute(context.Background(), payload, 0x40000)
	if err != nil {
		c.t.Fatal(err)
	}
	var answers []rop.MatchedAnswer
	for _, p := range out {
		r, err := rop.DecodeResponses(p, q, c.cols)
		if err != nil {
			c.t.Fatalf("answer: %v", err)
		}
		answers = append(answers, r.Answers...)
		hs = r.Handles
	}
	return answers, hs
}

// do executes one request on an object and returns its answer whatever the result.
func (c *client) do(on rop.Handle, q rop.Request) rop.Response {
	c.t.Helper()
	a, _ := c.run([]rop.Handle{on}, 1, rop.Call{Request: q})
	if len(a) == 0 {
		return nil
	}
	return a[0].Response
}

// must is do for requests that have to succeed.
func (c *client) must(on rop.Handle, q rop.Request) rop.Response {
	c.t.Helper()
	r := c.do(on, q)
	if r.Result() != 0 {
		c.t.Fatalf("%s: %v", q.ROP(), r.Result())
	}
	return r
}

// open executes a request that makes a new object.
func (c *client) open(on rop.Handle, q rop.Request) (rop.Handle, rop.Response) {
	c.t.Helper()
	a, hs := c.run([]rop.Handle{on}, 2, rop.Call{Out: 1, Request: q})
	return hs[1], a[0].Response
}

// mustOpen is open for requests that have to succeed.
func (c *client) mustOpen(on rop.Handle, q rop.Request) rop.Handle {
	c.t.Helper()
	h, r := c.open(on, q)
	if r.Result() != 0 {
		c.t.Fatalf("%s: %v", q.ROP(), r.Result())
	}
	return h
}

func (c *client) folder(id mapi.FID) rop.Handle {
	c.t.Helper()
	return c.mustOpen(c.store, &rop.OpenFolderRequest{FolderID: id})
}

// upload sends a state to a synchronization context.
func (c *client) upload(sync rop.Handle, st fxics.ICSState, contents bool) {
	c.t.Helper()
	for _, p := range st.Properties(contents) {
		c.must(sync, &rop.SynchronizationUploadStateStreamBeginRequest{StateProperty: p.Tag, TransferBufferSize: uint32(len(p.Data))})
		if len(p.Data) > 0 {
			c.must(sync, &rop.SynchronizationUploadStateStreamContinueRequest{StreamData: p.Data})
		}
		c.must(sync, &rop.SynchronizationUploadStateStreamEndRequest{})
	}
}

// fetch downloads a whole stream.
func (c *client) fetch(h rop.Handle) []byte {
	c.t.Helper()
	var out bytes.Buffer
	for {
		a, _ := c.run([]rop.Handle{h}, 1, rop.Call{Request: &rop.FastTransferSourceGetBufferRequest{BufferSize: rop.BufferSizeMarker, MaximumBufferSize: 0x7BC0}})
		for _, x := range a {
			r := x.Response.(*rop.FastTransferSourceGetBufferResponse)
			if r.ReturnValue != 0 {
				c.t.Fatalf("GetBuffer: %v", r.ReturnValue)
			}
			out.Write(r.TransferBuffer)
			if r.TransferStatus == rop.TransferDone {
				return out.Bytes()
			}
		}
	}
}

// elements decodes a stream.
func elements(t testing.TB, data []byte, root fxics.Root) []fxics.Element {
	t.Helper()
	dec := fxics.NewDecoder(bytes.NewReader(data), root, nil)
	var out []fxics.Element
	for {
		e, err := dec.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("stream: %v", err)
		}
		out = append(out, e)
	}
}

const contentsFlags = rop.SyncUnicode | rop.SyncReadState | rop.SyncFAI | rop.SyncNormal

// result is what a synchronization brought.
type result struct {
	folders []*fxics.FolderChange
	changes []*fxics.MessageChange
	deleted *fxics.Deletions
	reads   *fxics.ReadStateChanges
	state   fxics.ICSState
	other   []fxics.Element
}

// subjects lists what the changes are about.
func (r result) subjects() []string {
	var out []string
	for _, e := range r.changes {
		out = append(out, e.Message.Properties.String(mapi.PidTagSubject))
	}
	return out
}

// sync downloads the contents of a folder from a state.
func (c *client) sync(id mapi.FID, st fxics.ICSState, change func(*rop.SynchronizationConfigureRequest)) result {
	c.t.Helper()
	q := &rop.SynchronizationConfigureRequest{
		SynchronizationType: rop.SyncContents, SendOptions: rop.SendUnicode | rop.SendForceUnicode, SynchronizationFlags: contentsFlags,
		SynchronizationExtraFlags: rop.SyncExtraEid | rop.SyncExtraCN | rop.SyncExtraMessageSize,
	}
	if change != nil {
		change(q)
	}
	h := c.mustOpen(c.folder(id), q)
	root := fxics.RootContentsSync
	if q.SynchronizationType == rop.SyncHierarchy {
		root = fxics.RootHierarchySync
	}
	c.upload(h, st, root == fxics.RootContentsSync)
	var r result
	for _, e := range elements(c.t, c.fetch(h), root) {
		switch e := e.(type) {
		case *fxics.FolderChange:
			r.folders = append(r.folders, e)
		case *fxics.MessageChange:
			r.changes = append(r.changes, e)
		case *fxics.Deletions:
			r.deleted = e
		case *fxics.ReadStateChanges:
			r.reads = e
		case *fxics.State:
			r.state = e.ICSState
		default:
			r.other = append(r.other, e)
		}
	}
	return r
}

// hierarchy downloads the folders below one.
func (c *client) hierarchy(id mapi.FID, st fxics.ICSState) result {
	c.t.Helper()
	return c.sync(id, st, func(q *rop.SynchronizationConfigureRequest) {
		q.SynchronizationType, q.SynchronizationFlags = rop.SyncHierarchy, rop.SyncUnicode
		q.SynchronizationExtraFlags = rop.SyncExtraEid | rop.SyncExtraCN
	})
}

// mail returns a small message.
func mail(subject string) *mapi.Message {
	var m mapi.Message
	m.Properties.Set(mapi.PidTagSubject, subject)
	m.Properties.Set(mapi.PidTagBody, "Body of "+subject+"\r\n")
	m.Recipients = []mapi.Recipient{{Type: mapi.RecipientTo, Properties: mapi.PropertyBag{
		{Tag: mapi.PidTagDisplayName, Value: "Alice Example"}, {Tag: mapi.PidTagAddressType, Value: "SMTP"},
		{Tag: mapi.PidTagEmailAddress, Value: "alice@example.test"}, {Tag: mapi.PidTagSmtpAddress, Value: "alice@example.test"},
	}}}
	return &m
}
