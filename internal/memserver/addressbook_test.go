package memserver

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"testing"

	"mailfs/mapi"
	"mailfs/mapi/autodiscover"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/nspi"
)

// dialBook finds the address book of a server by Autodiscover.
func dialBook(t *testing.T, s *Server, m *Mailbox) (*mapihttp.AddressBook, string) {
	t.Helper()
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	auth, trip := basic{m.Address(), "secret"}, web.Client().Transport
	found, err := autodiscover.Discover(t.Context(), autodiscover.Config{Address: m.Address(), BaseURL: web.URL, Auth: auth, RoundTripper: trip})
	if err != nil {
		t.Fatal(err)
	}
	book, err := mapihttp.NewAddressBook(mapihttp.Config{URL: found.AddressBookURL, UserDN: found.LegacyDN, Auth: auth, RoundTripper: trip})
	if err != nil {
		t.Fatal(err)
	}
	return book, found.MailboxURL
}

func TestAddressBook(t *testing.T) {
	s, m := newServer(t, Config{})
	want := map[string]string{m.DN(): m.Address()}
	ask := []string{"/o=nobody/cn=nobody", m.DN()}
	for i := range maxBookRows + 3 {
		other, err := s.AddMailbox(MailboxConfig{Address: fmt.Sprintf("user%d@example.test", i)})
		if err != nil {
			t.Fatal(err)
		}
		want[other.DN()] = other.Address()
		ask = append(ask, other.DN())
	}
	carrier, _ := dialBook(t, s, m)
	book := nspi.New(carrier)
	for range 2 { // the second time after a restart
		got, err := book.SMTP(t.Context(), ask)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d addresses, not %d; %v", len(got), len(want), err)
		}
		s.LoseSessions()
	}
	if _, err := book.SMTP(t.Context(), ask[:1]); err != nil {
		t.Error(err)
	}
	if err := book.Close(t.Context()); err != nil {
		t.Error(err)
	}
	var lost *mapi.SessionLost
	if _, err := carrier.Call(t.Context(), nspi.DNToMId, nil); !errors.As(err, &lost) {
		t.Errorf("after the end: %v", err)
	}
}

// TestAddressBookRefuses: what clients must not ask, and cookies of the other endpoint.
func TestAddressBookRefuses(t *testing.T) {
	s, m := newServer(t, Config{})
	carrier, _ := dialBook(t, s, m)
	state := &nspi.Stat{CodePage: 1252}
	call := func(kind string, q interface{ Encode() ([]byte, error) }) ([]byte, error) {
		body, err := q.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return carrier.Call(t.Context(), kind, body)
	}
	var bound nspi.BindResponse
	body, err := call(nspi.Bind, nspi.BindRequest{State: &nspi.Stat{CodePage: cpWinUnicode}})
	if err != nil || bound.Decode(body) != nil || bound.ErrorCode != nspi.GeneralFailure {
		t.Errorf("Unicode as code page: %+v, %v", bound, err)
	}
	if _, err := call(nspi.Bind, nspi.BindRequest{State: state}); err != nil {
		t.Fatal(err)
	}
	tags := []mapi.PropertyTag{mapi.PidTagSmtpAddress, mapi.PidTagBody}
	for name, q := range map[string]nspi.QueryRowsRequest{
		"no ids":     {State: state, RowCount: 1, Columns: tags},
		"no count":   {State: state, Explicit: []nspi.MinimalID{firstEntry}, Columns: tags},
		"no columns": {State: state, Explicit: []nspi.MinimalID{firstEntry}, RowCount: 1},
		"no state":   {Explicit: []nspi.MinimalID{firstEntry}, RowCount: 1, Columns: tags},
	} {
		var p nspi.QueryRowsResponse
		body, err := call(nspi.QueryRows, q)
		if err != nil || p.Decode(body) != nil || p.ErrorCode == nspi.Success {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	var p nspi.QueryRowsResponse
	body, err = call(nspi.QueryRows, nspi.QueryRowsRequest{State: state, Explicit: []nspi.MinimalID{firstEntry, 99}, RowCount: 5, Columns: tags})
	if err != nil || p.Decode(body) != nil || len(p.Rows) != 2 || p.Rows[0].String(mapi.PidTagSmtpAddress) != m.Address() ||
		p.Rows[0].Get(mapi.NewTag(mapi.PidTagBody.ID(), mapi.TypeErrorCode)) != mapi.EcNotFound || p.Rows[1].String(mapi.PidTagSmtpAddress) != "" {
		t.Errorf("%+v, %v", p, err)
	}
	var broken *mapi.Protocol
	if _, err := carrier.Call(t.Context(), "Execute", nil); !errors.As(err, &broken) {
		t.Errorf("a ROP buffer for the address book: %v", err)
	}
	for _, kind := range []string{nspi.QueryRows, nspi.DNToMId} {
		if _, err := carrier.Call(t.Context(), kind, []byte{1}); !errors.As(err, &broken) {
			t.Errorf("%s without a body: %v", kind, err)
		}
	}
	if _, err := carrier.Call(t.Context(), "PING", nil); err != nil {
		t.Errorf("ping: %v", err)
	}
}
