package rop

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"mailfs/mapi"
)

// testServer answers buffers: success for everything, unless reply says otherwise. It
// hands out handles, and refuses those that it does not know.
type testServer struct {
	t *testing.T
	// reply returns the answer to a call; nil stands for an empty success.
	reply func(c Call, h Handle) Response
	// chained returns further answers to the last call of a buffer.
	chained func(c Call) []Response
	// events go into the next buffer.
	events []Response
	// room is the size of a payload, 0 for 32 KiB; it never exceeds maxOut.
	room int
	// broken, if not nil, is what Execute fails with.
	broken error

	next    Handle
	open    map[Handle]bool
	busy    atomic.Int32
	buffers []Requests // what came
	maxOuts []uint32
	sizes   []int
	done    bool
}

func newTestServer(t *testing.T) *testServer { return &testServer{t: t, open: map[Handle]bool{}} }

func (s *testServer) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	if s.busy.Add(1) != 1 {
		s.t.Error("two buffers at a time")
	}
	defer s.busy.Add(-1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.broken != nil {
		return nil, s.broken
	}
	q, err := DecodeRequests(payload, nil)
	if err != nil {
		s.t.Errorf("bad request: %v", err)
		return nil, err
	}
	if len(payload) > MaxPayload {
		s.t.Errorf("payload of %d bytes", len(payload))
	}
	s.buffers = append(s.buffers, q)
	s.maxOuts = append(s.maxOuts, maxOut)
	s.sizes = append(s.sizes, len(payload))
	room := min(int(maxOut), MaxPayload)
	if s.room > 0 {
		room = min(room, s.room)
	}
	return s.run(q, room), nil
}

func (s *testServer) NotificationWait(ctx context.Context) (bool, error) {
	return len(s.events) > 0, ctx.Err()
}

func (s *testServer) Disconnect(context.Context) error {
	s.done = true
	return nil
}

func (s *testServer) run(q Requests, room int) [][]byte {
	handles := slices.Clone(q.Handles)
	var answers []Answer
	size := 2 + 4*len(handles)
	var last Call
	for i, c := range q.Calls {
		if !c.Answered() {
			s.release(handles[c.In])
			continue
		}
		a, h := s.answer(c, handles)
		n, err := AnswerSize(a)
		if err != nil {
			s.t.Errorf("%s: %v", c.Request.ROP(), err)
		}
		if size+n > room {
			rest := Requests{Calls: q.Calls[i:]}
			raw := s.encode(EncodeRequests(rest))
			answers = append(answers, Answer{Response: &BufferTooSmall{SizeNeeded: uint16(size + n), RequestBuffers: raw[2:]}})
			return [][]byte{s.encode(EncodeResponses(answers, handles))}
		}
		size += n
		if h != NoHandle {
			handles[c.Out] = h
			s.open[h] = true
		}
		answers = append(answers, a)
		last = c
	}
	for _, e := range s.events {
		answers = append(answers, Answer{Response: e})
	}
	s.events = nil
	out := [][]byte{s.encode(EncodeResponses(answers, handles))}
	if s.chained != nil && last.Request != nil {
		for _, p := range s.chained(last) {
			out = append(out, s.encode(EncodeResponses([]Answer{last.Answer(p)}, handles)))
		}
	}
	return out
}

func (s *testServer) encode(raw []byte, err error) []byte {
	if err != nil {
		s.t.Error(err)
	}
	return raw
}

func (s *testServer) release(h Handle) {
	if !s.open[h] {
		s.t.Errorf("release of handle %d, which is not open", h)
	}
	delete(s.open, h)
}

// answer returns the answer to a call, and the handle of the object that it makes.
func (s *testServer) answer(c Call, handles []Handle) (Answer, Handle) {
	in := NoHandle
	if c.Request.layout() != layoutOut {
		if in = slot(handles, c.In); !s.open[in] {
			return c.Fail(mapi.EcNullObject), NoHandle
		}
	}
	var p Response
	if s.reply != nil {
		p = s.reply(c, in)
	}
	if p == nil {
		p = newResponse(c.Request.ROP())
	}
	if !c.Creates() || p.Result() != 0 {
		return c.Answer(p), NoHandle
	}
	s.next++
	return c.Answer(p), s.next - 1 // the first handle is 0
}

// failure returns the response of an operation that failed.
func failure(c Call, code mapi.ErrorCode) Response { return c.Fail(code).Response }

// names returns the operations of a buffer.
func names(q Requests) []string {
	var out []string
	for _, c := range q.Calls {
		out = append(out, fmt.Sprintf("%s %d", c.Request.ROP(), slot(q.Handles, c.In)))
	}
	return out
}

// loggedOn returns a session with a log on whose handle is 0.
func loggedOn(t *testing.T, server *testServer, o Options) *Object {
	t.Helper()
	s := NewSession(server, o)
	reply := server.reply
	server.reply = func(Call, Handle) Response {
		return &LogonResponse{LogonFlags: LogonPrivate, ReplID: 5}
	}
	logon, p, err := s.Logon(t.Context(), PrivateLogon("/o=x/cn=alice"))
	if err != nil || p.ReplID != 5 {
		t.Fatalf("%+v, %v", p, err)
	}
	server.reply = reply
	return logon
}
