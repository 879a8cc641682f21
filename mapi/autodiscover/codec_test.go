package autodiscover

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	gromoxMailbox = "https://mail.example.test:18443/mapi/emsmdb/?MailboxId=616c6963-6540-6578-616d-706c01000000@example.test"
	gromoxBook    = "https://mail.example.test:18443/mapi/nspi/?MailboxId=616c6963-6540-6578-616d-706c01000000@example.test"
	aliceDN       = "/o=Gromox default/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=0100000001000000-alice"
)

// TestRecorded reads what a gromox 3.10 server and its client said.
func TestRecorded(t *testing.T) {
	q, err := DecodeRequest(read(t, "request.xml"))
	if err != nil || q != (Request{Address: "alice@example.test"}) {
		t.Errorf("request is %+v, %v", q, err)
	}
	raw, err := q.Encode()
	if err != nil || string(raw) != strings.TrimSpace(string(read(t, "request.xml"))) {
		t.Errorf("request encodes to %s, %v", raw, err)
	}
	got, err := DecodeResponse(read(t, "response.xml"))
	if err != nil {
		t.Fatal(err)
	}
	want := Response{
		DisplayName: "Alice Example", LegacyDN: aliceDN, SMTPAddress: "alice@example.test",
		DeploymentID: "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee", Action: ActionSettings,
		MapiHTTP: &MapiHTTP{
			Version:     1,
			MailStore:   Endpoint{gromoxMailbox, gromoxMailbox},
			AddressBook: Endpoint{gromoxBook, gromoxBook},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResponseRoundTrip(t *testing.T) {
	for name, p := range map[string]Response{
		"settings": {
			DisplayName: `Ünï <&"> 日本`, LegacyDN: aliceDN, SMTPAddress: "a@b.test", DeploymentID: "x", Action: ActionSettings,
			MapiHTTP: &MapiHTTP{Version: 1, MailStore: Endpoint{"https://i/?a=b&c=d", "https://e/?a=b&c=d"}},
		},
		"without MAPI/HTTP":   {DisplayName: "A", LegacyDN: "/o=x", Action: ActionSettings},
		"redirect to address": {Action: ActionRedirectAddr, RedirectAddr: "b@c.test"},
		"redirect to URL":     {Action: ActionRedirectURL, RedirectURL: "https://x/y?a=1&b=2"},
		"error":               {Error: &ServerError{Code: CodeUnknownUser, Message: "The e-mail address can't be found."}},
	} {
		doc, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeResponse(doc)
		if err != nil {
			t.Errorf("%s: %v in %s", name, err, doc)
		} else if diff := cmp.Diff(p, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, doc := range []string{
		"", "hello", "<html><body>Sign in</body></html>", "<Autodiscover/>",
		"<Autodiscover><Response/></Autodiscover>", "<Autodiscover><Response><Account>",
	} {
		if p, err := DecodeResponse([]byte(doc)); err == nil {
			t.Errorf("response %q read as %+v", doc, p)
		}
	}
	for _, doc := range []string{
		"", "<Autodiscover/>",
		strings.Replace(string(read(t, "request.xml")), "alice@example.test", " ", 1),
		strings.Replace(string(read(t, "request.xml")), "2006a", "2007b", 1),
	} {
		if q, err := DecodeRequest([]byte(doc)); err == nil {
			t.Errorf("request %q read as %+v", doc, q)
		}
	}
}

func TestEndpointURL(t *testing.T) {
	if got := (Endpoint{Internal: "i"}).URL(); got != "i" {
		t.Errorf("URL %q, want the internal one", got)
	}
	if got := (Endpoint{Internal: "i", External: "e"}).URL(); got != "e" {
		t.Errorf("URL %q, want the external one", got)
	}
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add(read(f, "response.xml"))
	f.Add([]byte("<Autodiscover><Response><Error><ErrorCode>500</ErrorCode></Error></Response></Autodiscover>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := DecodeResponse(doc)
		if err != nil {
			return
		}
		again, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		q, err := DecodeResponse(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, q); diff != "" {
			t.Fatal(diff)
		}
	})
}
