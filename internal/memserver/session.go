package memserver

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// session is one session context ([MS-OXCMAPIHTTP] 1.3.2): who signed in, the
// handles, and the events that wait to be told.
type session struct {
	srv    *Server
	user   *Mailbox // whose credentials were given
	id     string
	book   bool // on the address book; there are no handles then
	events *eventQueue

	turn sync.Mutex // one Execute at a time ([MS-OXCMAPIHTTP] 3.2.5.4)

	mu       sync.Mutex // guards what follows
	sequence string
	expires  time.Time
	dead     bool

	// Only the Execute that has the turn touches these.
	handles    map[uint32]*object
	released   map[uint32]bool
	nextHandle uint32
	logons     [256]*object
}

const (
	// maxHandles bounds the open objects of one session.
	maxHandles = 10000
	// maxReleased bounds how many released handles are told from unknown ones.
	maxReleased = 100000
)

// token returns a random cookie value.
func token() string {
	p := make([]byte, 24)
	_, _ = rand.Read(p) // never fails
	return base64.RawURLEncoding.EncodeToString(p)
}

// newSession opens a session context for a user.
func (s *Server) newSession(user *Mailbox) *session {
	ss := &session{
		srv: s, user: user, id: token(), sequence: token(), events: newEventQueue(),
		handles: map[uint32]*object{}, released: map[uint32]bool{},
	}
	ss.touch()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	s.sessions[ss.id] = ss
	return ss
}

// session finds a session context of a user that has not expired.
func (s *Server) session(id string, user *Mailbox) (*session, bool) {
	s.mu.Lock()
	s.sweep()
	ss, ok := s.sessions[id]
	s.mu.Unlock()
	if !ok || ss.user != user {
		return nil, false
	}
	ss.touch()
	return ss, true
}

// sweep forgets expired sessions. The server is locked.
func (s *Server) sweep() {
	now := s.cfg.Clock()
	for id, ss := range s.sessions {
		ss.mu.Lock()
		old := ss.expires.Before(now)
		ss.mu.Unlock()
		if old {
			delete(s.sessions, id)
			go ss.close()
		}
	}
}

// drop forgets a session context; its handles are gone.
func (s *Server) drop(ss *session) {
	s.mu.Lock()
	delete(s.sessions, ss.id)
	s.mu.Unlock()
	ss.close()
}

// LoseSessions forgets all session contexts, as a restarted server does.
func (s *Server) LoseSessions() {
	s.mu.Lock()
	var all []*session
	for _, ss := range s.sessions {
		all = append(all, ss)
	}
	clear(s.sessions)
	s.mu.Unlock()
	for _, ss := range all {
		ss.close()
	}
}

func (ss *session) close() {
	ss.turn.Lock()
	defer ss.turn.Unlock()
	ss.mu.Lock()
	ss.dead = true
	ss.mu.Unlock()
	for h, o := range ss.handles {
		o.release(ss, h)
	}
	clear(ss.handles)
	ss.events.wakeAll()
}

func (ss *session) touch() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.expires = ss.srv.cfg.Clock().Add(ss.srv.cfg.SessionLifetime)
}

func (ss *session) isDead() bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.dead
}

// advance checks the sequence cookie of a request and makes the next one
// ([MS-OXCMAPIHTTP] 3.2.5.1).
func (ss *session) advance(got string) (next string, ok bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if got != ss.sequence {
		return "", false
	}
	ss.sequence = token()
	return ss.sequence, true
}

func (ss *session) currentSequence() string {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.sequence
}
