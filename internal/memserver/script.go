package memserver

import (
	"sync"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
)

// Request is what a script sees of a request.
type Request struct {
	N       uint64 // counts the requests to the server, from 1
	Type    mapihttp.RequestType
	Mailbox string  // address of the signed-in user, "" before sign-in
	ROPs    []uint8 // RopIds in an Execute, in order
	Payload []byte  // ROP buffer of an Execute, not to be changed or kept; nil for one that can't be read
}

// Has reports whether the request carries the remote operation.
func (r Request) Has(ropID uint8) bool {
	for _, id := range r.ROPs {
		if id == ropID {
			return true
		}
	}
	return false
}

// Fault is what a script wants to happen to a request. The zero value lets it pass.
type Fault struct {
	Delay      time.Duration         // wait so long before anything else
	CutBefore  bool                  // break the connection; nothing is executed
	CutAfter   bool                  // execute, and break the connection before the answer
	Lose       bool                  // forget the session context, then answer
	Code       mapihttp.ResponseCode // answer with this X-ResponseCode; nothing is executed
	HTTPStatus int                   // answer with this HTTP status; nothing is executed
	Busy       time.Duration         // answer with a back-off of this length; nothing is executed
	RPC        mapi.ErrorCode        // answer the Execute with this ErrorCode; nothing is executed

	Refuse map[uint8]mapi.ErrorCode // do not carry out operations with these RopIds, and answer so
}

// ScriptFunc decides over each request. It is called by one goroutine at a time.
type ScriptFunc func(Request) Fault

// Script holds the ScriptFunc in force.
type Script struct {
	call sync.Mutex // held while f runs
	mu   sync.Mutex
	f    ScriptFunc
}

// SetScript puts f in force; nil lets every request pass. f itself may call it.
func (s *Server) SetScript(f ScriptFunc) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.f = f
}

func (s *Script) decide(r Request) Fault {
	s.mu.Lock()
	f := s.f
	s.mu.Unlock()
	if f == nil {
		return Fault{}
	}
	s.call.Lock()
	defer s.call.Unlock()
	return f(r)
}

// Stats are counters since the server began or since ResetStats.
type Stats struct {
	Requests      uint64
	ROPs          map[uint8]uint64 // executed, by RopId
	MessagesSent  uint64           // message changes and copied messages in downloads
	FoldersSent   uint64           // folder changes in downloads
	StreamBytes   uint64           // bytes of FastTransfer streams sent
	BytesIn       uint64           // request bodies
	BytesOut      uint64           // answer bodies
	MessagesSaved uint64
}

type counters struct {
	mu sync.Mutex
	n  uint64 // requests ever
	s  Stats
}

func (c *counters) request(bytes int) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.s.Requests++
	c.s.BytesIn += uint64(bytes)
	return c.n
}

func (c *counters) rop(id uint8) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.ROPs == nil {
		c.s.ROPs = map[uint8]uint64{}
	}
	c.s.ROPs[id]++
}

func (c *counters) add(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
}

// Stats returns a copy of the counters.
func (s *Server) Stats() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	out := s.stats.s
	out.ROPs = make(map[uint8]uint64, len(s.stats.s.ROPs))
	for id, n := range s.stats.s.ROPs {
		out.ROPs[id] = n
	}
	return out
}

// ResetStats sets the counters to 0.
func (s *Server) ResetStats() { s.stats.add(func(st *Stats) { *st = Stats{} }) }
