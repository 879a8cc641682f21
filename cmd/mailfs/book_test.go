package main

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"mailfs/internal/memserver"
)

func TestAddressBook(t *testing.T) {
	srv := memserver.New(memserver.Config{})
	t.Cleanup(srv.Close)
	want := map[string]string{}
	var dns []string
	for _, a := range []string{"alice@example.test", "bert@example.test"} {
		box, err := srv.AddMailbox(memserver.MailboxConfig{Address: a, Password: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		want[box.DN()] = a
		dns = append(dns, box.DN())
	}
	web := httptest.NewServer(srv.Handler())
	t.Cleanup(web.Close)
	s, err := newServer(account{Server: web.URL, User: "alice@example.test"}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := s.smtp(t.Context(), append(dns, "/o=nobody/cn=nobody"))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		srv.LoseSessions()
	}
	first := s.book
	s.forget()
	if again, err := s.addressBook(t.Context()); err != nil || again != first {
		t.Errorf("another address book after another discovery: %v", err)
	}
}
