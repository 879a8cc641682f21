package memserver

import (
	"context"
	"errors"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
)

// A pipe does what the function around it says: once, never, twice, or with a broken end.
func TestPipe(t *testing.T) {
	s, m := newServer(t, Config{})
	times, broken := 1, error(nil)
	trip := s.Pipe(func(kind mapihttp.RequestType, deliver func()) error {
		if kind != mapihttp.Ping {
			deliver()
			return nil
		}
		for range times {
			deliver()
		}
		return broken
	})
	c, err := mapihttp.New(mapihttp.Config{URL: "http://localhost" + MailboxPath, UserDN: m.DN(), Auth: basic{m.Address(), "secret"}, RoundTripper: trip})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := c.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	away := isKind[*mapi.Unreachable]
	for _, tc := range []struct {
		name   string
		times  int
		broken error
		check  func(error) bool
	}{
		{"once", 1, nil, func(err error) bool { return err == nil }},
		{"twice", 2, nil, func(err error) bool { return err == nil }},
		{"never", 0, nil, away},
		{"cut before", 0, errors.New("cut"), away},
		{"cut after", 1, errors.New("cut"), away},
	} {
		times, broken = tc.times, tc.broken
		before := s.Stats().Requests
		if err := c.Ping(ctx); !tc.check(err) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n := s.Stats().Requests - before; n != uint64(tc.times) {
			t.Errorf("%s: the server saw %d requests", tc.name, n)
		}
	}
	times, broken = 1, nil
	s.SetScript(func(Request) Fault { return Fault{CutBefore: true} })
	if err := c.Ping(ctx); !away(err) {
		t.Errorf("a server that breaks the connection: %v", err)
	}
	s.SetScript(nil)
	if err := c.Disconnect(ctx); err != nil {
		t.Error(err)
	}
}
