package nspi_test

import (
	"strings"
	"testing"

	"mailfs/internal/realserver"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/nspi"
)

var _ nspi.Transport = (*mapihttp.AddressBook)(nil)

// TestRealServer asks the address book of a real server for the user's own address.
func TestRealServer(t *testing.T) {
	account := realserver.Need(t)
	found, cfg := account.Discover(t)
	if found.AddressBookURL == "" {
		t.Skip("the server offers no address book")
	}
	cfg.URL = found.AddressBookURL
	book, err := mapihttp.NewAddressBook(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := nspi.New(book)
	nobody := found.LegacyDN[:strings.LastIndexByte(found.LegacyDN, '=')+1] + "nobody-of-that-name"
	for range 2 {
		got, err := b.SMTP(t.Context(), []string{nobody, found.LegacyDN})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !strings.EqualFold(got[found.LegacyDN], found.SMTPAddress) && !strings.EqualFold(got[found.LegacyDN], account.User) {
			t.Errorf("%v", got)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
