package memserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"mailfs/mapi"
)

// Config holds what a Server needs from outside. The zero value is ready to use.
type Config struct {
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// ForgetfulMoves makes a message that a client moves lose its predecessor change list, but for the move, as some
	// servers do.
	ForgetfulMoves bool
	// ImportsOnTop makes the imported version the winner of a conflict, whatever the times say, as some servers do.
	ImportsOnTop bool
	// ResolveMessagesWhole makes a conflict resolve message travel as it is, and not as the versions in it; PidTagInConflict of the
	// attachments travels along, PidTagMessageStatus does not tell. So does gromox.
	ResolveMessagesWhole bool
	// FillsIn makes downloads show what a message has not been given: HTML made from a plain text, and marks that are not set. So
	// does gromox.
	FillsIn bool

	// SessionLifetime is how long an idle session context lives; 0 means 15 minutes.
	SessionLifetime time.Duration
	// PendingPeriod is the time between keep-alive lines of a waiting answer
	// ([MS-OXCMAPIHTTP] 2.2.3.3.5); 0 means 15 seconds.
	PendingPeriod time.Duration
	// WaitLimit is when NotificationWait answers without an event; 0 means 5 minutes.
	WaitLimit time.Duration
	// Compression allows compressed answers to clients that accept them.
	Compression bool
	// Obfuscation allows XOR-ed answers to clients that accept them.
	Obfuscation bool
}

// Server is a set of mailboxes and the sessions on them. It is safe for use by
// several goroutines.
type Server struct {
	cfg    Config
	script Script
	stats  counters

	mu       sync.Mutex
	boxes    []*Mailbox
	sessions map[string]*session
	closed   chan struct{}

	background sync.WaitGroup // deliveries under way
}

// MailboxConfig describes a mailbox to add. Only Address is required.
type MailboxConfig struct {
	Address     string // mail address, and user name for signing in
	Password    string
	DisplayName string    // the part of Address before @ when empty
	DN          string    // legacy DN; made from Address when empty
	GUID        mapi.GUID // mailbox GUID; random when zero
	Replica     mapi.GUID // GUID of the ids' replica; random when zero
	Delegates   []string  // addresses of users that may open this mailbox as well
}

// ErrExists says that a mailbox or folder of that name is there already.
var ErrExists = errors.New("memserver: exists already")

// ErrNotFound says that there is no such mailbox, folder or message.
var ErrNotFound = errors.New("memserver: not found")

// New returns a server without mailboxes.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.SessionLifetime == 0 {
		cfg.SessionLifetime = 15 * time.Minute
	}
	if cfg.PendingPeriod == 0 {
		cfg.PendingPeriod = 15 * time.Second
	}
	if cfg.WaitLimit == 0 {
		cfg.WaitLimit = 5 * time.Minute
	}
	return &Server{cfg: cfg, sessions: map[string]*session{}, closed: make(chan struct{})}
}

// AddMailbox creates a mailbox with the usual folders and returns it.
func (s *Server) AddMailbox(c MailboxConfig) (*Mailbox, error) {
	name, _, ok := strings.Cut(c.Address, "@")
	if !ok || name == "" {
		return nil, fmt.Errorf("memserver: %q is not a mail address", c.Address)
	}
	if c.DisplayName == "" {
		c.DisplayName = name
	}
	if c.DN == "" {
		c.DN = "/o=mailfs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=" + strings.ToLower(name)
	}
	for _, g := range []*mapi.GUID{&c.GUID, &c.Replica} {
		if g.IsZero() {
			*g = newGUID()
		}
	}
	m := newMailbox(s, c)
	m.createDefaultFolders()
	return m, s.adopt(m)
}

// adopt makes a finished mailbox reachable.
func (s *Server) adopt(m *Mailbox) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.boxes {
		if strings.EqualFold(other.cfg.Address, m.cfg.Address) || strings.EqualFold(other.cfg.DN, m.cfg.DN) {
			return fmt.Errorf("mailbox %s: %w", m.cfg.Address, ErrExists)
		}
	}
	s.boxes = append(s.boxes, m)
	return nil
}

// Mailbox returns the mailbox with the given mail address.
func (s *Server) Mailbox(address string) (*Mailbox, bool) {
	return s.findBox(func(m *Mailbox) bool { return strings.EqualFold(m.cfg.Address, address) })
}

// mailboxByDN finds a mailbox by its legacy DN.
func (s *Server) mailboxByDN(dn string) (*Mailbox, bool) {
	return s.findBox(func(m *Mailbox) bool { return strings.EqualFold(m.cfg.DN, dn) })
}

func (s *Server) findBox(match func(*Mailbox) bool) (*Mailbox, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.boxes {
		if match(m) {
			return m, true
		}
	}
	return nil, false
}

// Close wakes everything that waits on the server. Requests that come later still
// get answers.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
}

func (s *Server) now() mapi.FileTime { return mapi.NewFileTime(s.cfg.Clock()) }

// newGUID returns a random GUID.
func newGUID() mapi.GUID {
	var g mapi.GUID
	_, _ = rand.Read(g[:]) // never fails
	g[7] = g[7]&0x0F | 0x40
	g[8] = g[8]&0x3F | 0x80
	return g
}
