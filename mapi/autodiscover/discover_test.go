package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
)

// world answers requests without a network: hosts that it does not know can't be
// reached. asked lists the requests as "POST https://host/path", with " *" behind
// those that carried credentials.
type world struct {
	hosts map[string]http.HandlerFunc // by scheme://host
	asked []string
}

func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	line := fmt.Sprintf("%s %s://%s%s", req.Method, req.URL.Scheme, req.URL.Host, req.URL.Path)
	if _, _, ok := req.BasicAuth(); ok {
		line += " *"
	}
	w.asked = append(w.asked, line)
	h, ok := w.hosts[req.URL.Scheme+"://"+req.URL.Host]
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	rec := httptest.NewRecorder()
	h(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

type alice struct{}

func (alice) Authorize(req *http.Request) error {
	req.SetBasicAuth("alice", "secret")
	return nil
}

// answering returns a handler that answers with p.
func answering(p Response) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, err := p.Encode()
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		if r.Header.Get(HeaderCapability) != "1" {
			http.Error(w, "no capability header", 400)
			return
		}
		w.Header().Set("Content-Type", ContentType)
		_, _ = w.Write(doc)
	}
}

func redirecting(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
	}
}

func settings(host string) Response {
	return Response{
		DisplayName: "Alice", LegacyDN: "/o=x/cn=alice", SMTPAddress: "alice@example.test", Action: ActionSettings,
		MapiHTTP: &MapiHTTP{
			Version:     1,
			MailStore:   Endpoint{External: "https://" + host + "/mapi/emsmdb/?MailboxId=1@example.test"},
			AddressBook: Endpoint{External: "https://" + host + "/mapi/nspi/?MailboxId=1@example.test"},
		},
	}
}

func resultAt(base string) Result {
	return Result{
		LegacyDN: "/o=x/cn=alice", DisplayName: "Alice", SMTPAddress: "alice@example.test",
		MailboxURL:     base + "/mapi/emsmdb/?MailboxId=1@example.test",
		AddressBookURL: base + "/mapi/nspi/?MailboxId=1@example.test",
	}
}

func noSRV(context.Context, string) (string, uint16, error) {
	return "", 0, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func srv(host string, port uint16) func(context.Context, string) (string, uint16, error) {
	return func(context.Context, string) (string, uint16, error) { return host, port, nil }
}

const (
	first  = "POST https://example.test" + Path + " *"
	second = "POST https://autodiscover.example.test" + Path + " *"
	third  = "GET http://autodiscover.example.test" + Path
)

func TestDiscover(t *testing.T) {
	good := answering(settings("mail.example.test"))
	at := resultAt("https://mail.example.test")
	for name, tc := range map[string]struct {
		cfg   Config
		hosts map[string]http.HandlerFunc
		want  Result
		asked []string
	}{
		"at the domain": {
			hosts: map[string]http.HandlerFunc{"https://example.test": good}, want: at, asked: []string{first},
		},
		"at the autodiscover host, past a web site": {
			hosts: map[string]http.HandlerFunc{"https://example.test": status(404), "https://autodiscover.example.test": good},
			want:  at, asked: []string{first, second},
		},
		"past a place that refuses": {
			hosts: map[string]http.HandlerFunc{"https://example.test": status(401), "https://autodiscover.example.test": good},
			want:  at, asked: []string{first, second},
		},
		"by a plain redirect": {
			hosts: map[string]http.HandlerFunc{
				"http://autodiscover.example.test": redirecting(302, "https://other.example.test/x.xml"),
				"https://other.example.test":       good,
			},
			want: at, asked: []string{first, second, third, "POST https://other.example.test/x.xml *"},
		},
		"by a plain redirect to a trusted host": {
			cfg: Config{Trust: func(host string) bool { return host == "hosting.test" }},
			hosts: map[string]http.HandlerFunc{
				"http://autodiscover.example.test": redirecting(302, "https://hosting.test/x.xml"),
				"https://hosting.test":             good,
			},
			want: at, asked: []string{first, second, third, "POST https://hosting.test/x.xml *"},
		},
		"by DNS": {
			cfg:   Config{LookupSRV: srv("ex.example.test", 8443)},
			hosts: map[string]http.HandlerFunc{"https://ex.example.test:8443": good},
			want:  at, asked: []string{first, second, third, "POST https://ex.example.test:8443" + Path + " *"},
		},
		"by HTTP redirects": {
			hosts: map[string]http.HandlerFunc{
				"https://example.test": redirecting(301, "https://a.test/1"), "https://a.test": redirecting(307, "https://b.test/2"), "https://b.test": good,
			},
			want: at, asked: []string{first, "POST https://a.test/1 *", "POST https://b.test/2 *"},
		},
		"by a redirect of the response": {
			hosts: map[string]http.HandlerFunc{
				"https://example.test": answering(Response{Action: ActionRedirectURL, RedirectURL: "https://b.test/2"}), "https://b.test": good,
			},
			want: at, asked: []string{first, "POST https://b.test/2 *"},
		},
		"at another address": {
			hosts: map[string]http.HandlerFunc{
				"https://example.test": answering(Response{Action: ActionRedirectAddr, RedirectAddr: "alice@new.test"}), "https://new.test": good,
			},
			want: at, asked: []string{first, "POST https://new.test" + Path + " *"},
		},
		"at a named server, which does not know its name": {
			cfg:   Config{BaseURL: "http://127.0.0.1:18080/"},
			hosts: map[string]http.HandlerFunc{"http://127.0.0.1:18080": good},
			want:  resultAt("http://127.0.0.1:18080"), asked: []string{"POST http://127.0.0.1:18080" + Path + " *"},
		},
		"at a named server with a path": {
			cfg:   Config{BaseURL: "https://mail.example.test/Other/Autodiscover.XML?x=y"},
			hosts: map[string]http.HandlerFunc{"https://mail.example.test": good},
			want:  at, asked: []string{"POST https://mail.example.test/Other/Autodiscover.XML *"},
		},
		"over plain http where that is allowed": {
			cfg:   Config{BaseURL: "http://mail.example.test", AllowPlaintext: true},
			hosts: map[string]http.HandlerFunc{"http://mail.example.test": good},
			want:  resultAt("http://mail.example.test"), asked: []string{"POST http://mail.example.test" + Path + " *"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{hosts: tc.hosts}
			got, err := discover(w, tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.asked, w.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func discover(w *world, cfg Config) (Result, error) {
	cfg.Address, cfg.Auth, cfg.RoundTripper = "Alice@Example.test", alice{}, w
	if cfg.LookupSRV == nil {
		cfg.LookupSRV = noSRV
	}
	return Discover(context.Background(), cfg)
}

// kindOf names the kind of an error.
func kindOf(err error) string {
	var (
		refused     *mapi.Refused
		busy        *mapi.Busy
		unreachable *mapi.Unreachable
		protocol    *mapi.Protocol
	)
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &busy):
		return fmt.Sprintf("busy %s", busy.After)
	case errors.As(err, &unreachable):
		return "unreachable"
	case errors.As(err, &protocol):
		return "protocol"
	}
	return "plain"
}

func TestDiscoverFails(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>Welcome</body></html>") }
	one := func(h http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{"https://example.test": h, "https://mail.example.test": h}
	}
	base := Config{BaseURL: "https://mail.example.test"}
	for name, tc := range map[string]struct {
		cfg   Config
		hosts map[string]http.HandlerFunc
		kind  string
		asked int
	}{
		"nobody there":                     {kind: "unreachable", asked: 3},
		"wrong password":                   {hosts: one(status(401)), kind: "refused", asked: 3},
		"wrong password at a named server": {cfg: base, hosts: one(status(401)), kind: "refused", asked: 1},
		"busy":                             {cfg: base, hosts: one(status(503)), kind: "busy 7s", asked: 1},
		"not for POST":                     {cfg: base, hosts: one(status(501)), kind: "protocol", asked: 1},
		"broken":                           {cfg: base, hosts: one(status(500)), kind: "unreachable", asked: 1},
		"not found":                        {cfg: base, hosts: one(status(404)), kind: "protocol", asked: 1},
		"a web site":                       {cfg: base, hosts: one(page), kind: "protocol", asked: 1},
		"unknown mailbox":                  {cfg: base, hosts: one(answering(Response{Error: &ServerError{Code: 500}})), kind: "refused", asked: 1},
		"unknown mailbox at gromox":        {cfg: base, hosts: one(answering(Response{Error: &ServerError{Code: 404}})), kind: "refused", asked: 1},
		"other error":                      {cfg: base, hosts: one(answering(Response{Error: &ServerError{Code: 600}})), kind: "protocol", asked: 1},
		"no MAPI/HTTP":                     {cfg: base, hosts: one(answering(Response{Action: ActionSettings, LegacyDN: "/o=x"})), kind: "protocol", asked: 1},
		"no distinguished name":            {cfg: base, hosts: one(answering(Response{Action: ActionSettings, MapiHTTP: settings("x").MapiHTTP})), kind: "protocol", asked: 1},
		"large":                            {cfg: base, hosts: one(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", maxDocument+1)) }), kind: "protocol", asked: 1},
		"redirects in a circle":            {cfg: base, hosts: one(redirecting(302, "https://mail.example.test/again.xml")), kind: "protocol", asked: maxHops + 1},
		"redirect to plain http":           {hosts: one(redirecting(302, "http://example.test/x")), kind: "protocol", asked: 3},
		"redirect to nowhere":              {cfg: base, hosts: one(redirecting(302, "")), kind: "protocol", asked: 1},
		"named server refers elsewhere":    {cfg: base, hosts: one(redirecting(302, "https://other.test/x")), kind: "protocol", asked: 1},
		"addresses in a circle":            {cfg: base, hosts: one(answering(Response{Action: ActionRedirectAddr, RedirectAddr: "alice@example.test"})), kind: "protocol", asked: 1},
		"forged redirect":                  {hosts: map[string]http.HandlerFunc{"http://autodiscover.example.test": redirecting(302, "https://evil.test/x")}, kind: "protocol", asked: 3},
		"forged record":                    {cfg: Config{LookupSRV: srv("evilexample.test", 443)}, kind: "protocol", asked: 3},
		"plain http refused":               {cfg: Config{BaseURL: "http://mail.example.test"}, kind: "plain"},
		"no scheme":                        {cfg: Config{BaseURL: "mail.example.test"}, kind: "plain"},
		"other scheme":                     {cfg: Config{BaseURL: "ftp://mail.example.test"}, kind: "plain"},
		"credentials in the URL":           {cfg: Config{BaseURL: "https://a:b@mail.example.test"}, kind: "plain"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{hosts: tc.hosts}
			got, err := discover(w, tc.cfg)
			if kindOf(err) != tc.kind {
				t.Errorf("error %v of kind %s, want %s (result %+v)", err, kindOf(err), tc.kind, got)
			}
			if len(w.asked) != tc.asked {
				t.Errorf("asked %q, want %d requests", w.asked, tc.asked)
			}
			for _, a := range w.asked {
				if strings.Contains(a, "http://") && strings.HasSuffix(a, "*") {
					t.Errorf("credentials in the clear: %s", a)
				}
				if strings.Contains(a, "evil") {
					t.Errorf("asked %s", a)
				}
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("password in the error %q", err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, a := range []string{"", "alice", "@example.test", "alice@", "a@b/c", "a@b:1"} {
		_, err := Discover(context.Background(), Config{Address: a, RoundTripper: &world{}, LookupSRV: noSRV})
		if kindOf(err) != "plain" {
			t.Errorf("%q: error %v", a, err)
		}
	}
}

// TestSilentServer checks that a place that never answers costs its time limit and
// no more, and that the caller's context ends everything.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := silent{}
		start := time.Now()
		_, err := Discover(t.Context(), Config{Address: "a@b.test", RoundTripper: w, LookupSRV: noSRV, Timeout: 5 * time.Second})
		if took := time.Since(start); kindOf(err) != "unreachable" || took != 15*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = Discover(ctx, Config{Address: "a@b.test", RoundTripper: w, LookupSRV: noSRV}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
	})
}

type silent struct{}

func (silent) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}
