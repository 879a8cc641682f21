package nspi_test

import (
	"os"
	"strings"
	"testing"

	"mailfs/mapi/autodiscover"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/nspi"
)

var _ nspi.Transport = (*mapihttp.AddressBook)(nil)

// TestRealServer asks the address book of the server that MAILFS_TEST_SERVER (a base
// URL), MAILFS_TEST_USER (a mail address) and MAILFS_TEST_PASSWORD_FILE name for the
// user's own address.
func TestRealServer(t *testing.T) {
	base, user, file := os.Getenv("MAILFS_TEST_SERVER"), os.Getenv("MAILFS_TEST_USER"), os.Getenv("MAILFS_TEST_PASSWORD_FILE")
	if base == "" || user == "" || file == "" {
		t.Skip("MAILFS_TEST_SERVER, MAILFS_TEST_USER and MAILFS_TEST_PASSWORD_FILE are not set")
	}
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	trip, err := mapihttp.NewTransport("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trip.CloseIdleConnections)
	auth := mapihttp.Basic{User: user, Password: strings.TrimRight(string(password), "\r\n")}
	found, err := autodiscover.Discover(t.Context(), autodiscover.Config{Address: user, BaseURL: base, Auth: auth, RoundTripper: trip})
	if err != nil {
		t.Fatal(err)
	}
	if found.AddressBookURL == "" {
		t.Skip("the server offers no address book")
	}
	book, err := mapihttp.NewAddressBook(mapihttp.Config{URL: found.AddressBookURL, UserDN: found.LegacyDN, Auth: auth, RoundTripper: trip})
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
		if len(got) != 1 || !strings.EqualFold(got[found.LegacyDN], found.SMTPAddress) && !strings.EqualFold(got[found.LegacyDN], user) {
			t.Errorf("%v", got)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
