package main

import (
	"context"
	"net/http"

	"mailfs/mapi/mapihttp"
	"mailfs/mapi/nspi"
)

// smtp asks the server's address book. It is the syncer's SMTP. A server without one knows nobody.
func (s *server) smtp(ctx context.Context, dns []string) (map[string]string, error) {
	book, err := s.addressBook(ctx)
	if book == nil || err != nil {
		return nil, err
	}
	return book.SMTP(ctx, dns)
}

// addressBook returns the address book that discovery found, nil if there is none. It stays for as long as discovery
// finds the same one.
func (s *server) addressBook(ctx context.Context) (*nspi.Book, error) {
	found, err := s.discover(ctx)
	if err != nil || found.AddressBookURL == "" {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book != nil && s.bookURL == found.AddressBookURL {
		return s.book, nil
	}
	t, err := mapihttp.NewAddressBook(mapihttp.Config{
		URL: found.AddressBookURL, UserDN: found.LegacyDN, Auth: presentAuth{s},
		RoundTripper: s.trip, AllowPlaintext: s.acct.AllowPlaintext,
	})
	if err != nil {
		return nil, err
	}
	s.book, s.bookURL = nspi.New(t), found.AddressBookURL
	return s.book, nil
}

// presentAuth signs in with the password that is known at the time of a request.
type presentAuth struct{ s *server }

func (a presentAuth) Authorize(req *http.Request) error { return a.s.credentials().Authorize(req) }
