// Package realserver finds the server that tests may use besides the in-tree one: MAILFS_TEST_SERVER (a base URL),
// MAILFS_TEST_USER (a mail address) and MAILFS_TEST_PASSWORD_FILE name it. For tests only.
package realserver

import (
	"os"
	"strings"
	"testing"

	"mailfs/mapi/autodiscover"
	"mailfs/mapi/mapihttp"
)

// Account is a mailbox that may be changed.
type Account struct {
	Base, User, PasswordFile string
}

// Named returns the account that the environment names; ok is false if it names none.
func Named() (a Account, ok bool) {
	a = Account{os.Getenv("MAILFS_TEST_SERVER"), os.Getenv("MAILFS_TEST_USER"), os.Getenv("MAILFS_TEST_PASSWORD_FILE")}
	return a, a.Base != "" && a.User != "" && a.PasswordFile != ""
}

// Need is Named for a test that has nothing to do without an account.
func Need(t testing.TB) Account {
	t.Helper()
	a, ok := Named()
	if !ok {
		t.Skip("MAILFS_TEST_SERVER, MAILFS_TEST_USER and MAILFS_TEST_PASSWORD_FILE are not set")
	}
	return a
}

// Discover asks the server for the account's endpoints. The Config is that of a client for the mailbox.
func (a Account) Discover(t testing.TB) (autodiscover.Result, mapihttp.Config) {
	t.Helper()
	password, err := os.ReadFile(a.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	trip, err := mapihttp.NewTransport("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trip.CloseIdleConnections)
	auth := mapihttp.Basic{User: a.User, Password: strings.TrimRight(string(password), "\r\n")}
	found, err := autodiscover.Discover(t.Context(), autodiscover.Config{Address: a.User, BaseURL: a.Base, Auth: auth, RoundTripper: trip})
	if err != nil {
		t.Fatal(err)
	}
	return found, mapihttp.Config{URL: found.MailboxURL, UserDN: found.LegacyDN, Auth: auth, RoundTripper: trip}
}
