package main

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"mailfs/mapi"
	"mailfs/mapi/autodiscover"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/nspi"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// server makes connections to one account's mailbox. What discovery found is kept until
// a connection to it fails.
type server struct {
	acct account
	trip http.RoundTripper

	mu       sync.Mutex
	password string
	found    *autodiscover.Result
	book     *nspi.Book // behind bookURL; nil until somebody asks it
	bookURL  string
}

func newServer(acct account, password string) (*server, error) {
	trip, err := mapihttp.NewTransport(acct.CAFile)
	if err != nil {
		return nil, usageError{err}
	}
	return &server{acct: acct, trip: trip, password: password}, nil
}

// dial discovers the mailbox if need be and opens a session context. It is the syncer's Dial. A password that is refused
// may have been changed: it is read again from where it came from, and tried if it is another one.
func (s *server) dial(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
	t, info, err := s.connect(ctx)
	var refused *mapi.Refused
	if errors.As(err, &refused) && s.newPassword(ctx) {
		return s.connect(ctx)
	}
	return t, info, err
}

// newPassword reads the password again; false if there is no other one.
func (s *server) newPassword(ctx context.Context) bool {
	if s.acct.PasswordFile == "" && s.acct.PasswordCommand == "" {
		return false // it was typed
	}
	p, err := readPassword(ctx, &s.acct)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	other := p != s.password
	s.password = p
	return other
}

func (s *server) connect(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
	found, err := s.discover(ctx)
	if err != nil {
		return nil, syncer.ServerInfo{}, err
	}
	client, err := mapihttp.New(mapihttp.Config{
		URL: found.MailboxURL, UserDN: found.LegacyDN, Auth: s.credentials(),
		RoundTripper: s.trip, AllowPlaintext: s.acct.AllowPlaintext,
	})
	if err != nil {
		s.forget()
		return nil, syncer.ServerInfo{}, err
	}
	info, err := client.Connect(ctx)
	if err != nil {
		s.forget()
		return nil, syncer.ServerInfo{}, err
	}
	return client, syncer.ServerInfo{Version: info.Version, LegacyDN: found.LegacyDN, Polls: info.PollsMax}, nil
}

func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = nil
}

func (s *server) discover(ctx context.Context) (autodiscover.Result, error) {
	s.mu.Lock()
	found := s.found
	s.mu.Unlock()
	if found != nil {
		return *found, nil
	}
	r, err := autodiscover.Discover(ctx, autodiscover.Config{
		Address: s.acct.User, BaseURL: s.acct.Server, Auth: s.credentials(),
		RoundTripper: s.trip, AllowPlaintext: s.acct.AllowPlaintext,
	})
	if err != nil {
		return r, err
	}
	s.mu.Lock()
	s.found = &r
	s.mu.Unlock()
	return r, nil
}

func (s *server) credentials() mapihttp.Basic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapihttp.Basic{User: s.acct.User, Password: s.password}
}
