package autodiscover

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

type realAuth struct{ user, password string }

func (a realAuth) Authorize(req *http.Request) error {
	req.SetBasicAuth(a.user, a.password)
	return nil
}

// TestRealServer asks the server that MAILFS_TEST_SERVER (a base URL),
// MAILFS_TEST_USER (a mail address) and MAILFS_TEST_PASSWORD_FILE name. Without them
// it is skipped.
func TestRealServer(t *testing.T) {
	base, user, file := os.Getenv("MAILFS_TEST_SERVER"), os.Getenv("MAILFS_TEST_USER"), os.Getenv("MAILFS_TEST_PASSWORD_FILE")
	if base == "" || user == "" || file == "" {
		t.Skip("MAILFS_TEST_SERVER, MAILFS_TEST_USER and MAILFS_TEST_PASSWORD_FILE are not set")
	}
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	right := realAuth{user, strings.TrimRight(string(password), "\r\n")}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	for name, tc := range map[string]struct {
		address string
		auth    realAuth
		base    string
		kind    string
	}{
		"settings":        {user, right, base, "none"},
		"wrong password":  {user, realAuth{user, "wrong"}, base, "refused"},
		"unknown mailbox": {"nobody-" + user, right, base, "refused"},
		"wrong path":      {user, right, base + "/nothing/here.xml", "protocol"},
	} {
		r, err := Discover(t.Context(), Config{Address: tc.address, BaseURL: tc.base, Auth: tc.auth, RoundTripper: transport})
		if kindOf(err) != tc.kind {
			t.Errorf("%s: %+v, error %v of kind %s, want %s", name, r, err, kindOf(err), tc.kind)
		}
		if err == nil && (!strings.HasPrefix(r.MailboxURL, base) || r.LegacyDN == "") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
