package autodiscover

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mailfs/mapi"
)

// Authenticator adds credentials to requests; those of mapihttp fit.
type Authenticator interface {
	Authorize(req *http.Request) error
}

// Config tells Discover what to look for and where.
type Config struct {
	Address string // mail address of the mailbox

	// BaseURL, if not empty, names the one server to ask, such as
	// "https://mail.example.com". The URLs that it answers with are then taken to be
	// on that host too, whatever host they name: a server behind a port forward or a
	// proxy may not know how it is reached.
	BaseURL string

	Auth         Authenticator // nil sends no credentials
	RoundTripper http.RoundTripper
	UserAgent    string // "mailfs" if empty

	// AllowPlaintext allows credentials over plain http to a host that is not this
	// one. Without it such a BaseURL is refused.
	AllowPlaintext bool
	// Trust is asked about hosts outside the domain of the address that were found
	// by means that can be forged; nil trusts none.
	Trust func(host string) bool
	// LookupSRV finds the service's host and port in DNS; nil asks the system.
	LookupSRV func(ctx context.Context, domain string) (host string, port uint16, err error)
	// Timeout bounds what one place may take, redirects included; 0 means 30 seconds.
	Timeout time.Duration
}

// Result is what a mail address leads to.
type Result struct {
	LegacyDN       string // distinguished name of the user
	MailboxURL     string // MAPI/HTTP endpoint of the mailbox, with its query
	AddressBookURL string // "" when the server offers none
	DisplayName    string
	SMTPAddress    string // as the server knows the mailbox
}

const (
	defaultTimeout = 30 * time.Second
	maxHops        = 10      // redirects of one place, of HTTP and of responses together
	maxDocument    = 1 << 20 // bytes of a response
	maxAddresses   = 5       // mail addresses that lead from one to the other
)

// Discover finds the endpoints of a mailbox. Errors are of the kinds of package
// mapi: Refused when a server does not accept the credentials or does not know the
// mailbox, Unreachable when no server answered, Busy, or Protocol when what answered
// was not an Autodiscover service, or one that offers no MAPI/HTTP; or the error of
// ctx. An address or a BaseURL that can't be used is an error of no kind.
func Discover(ctx context.Context, cfg Config) (Result, error) {
	if cfg.RoundTripper == nil {
		return Result{}, errors.New("autodiscover: no HTTP transport")
	}
	if cfg.LookupSRV == nil {
		cfg.LookupSRV = lookupSRV
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "mailfs"
	}
	seen := map[string]bool{}
	for address := cfg.Address; len(seen) < maxAddresses; {
		key := strings.ToLower(address)
		if seen[key] {
			break
		}
		seen[key] = true
		domain, err := domainOf(address)
		if err != nil {
			return Result{}, err
		}
		d := discovery{cfg: cfg, address: address, domain: domain}
		resp, err := d.run(ctx)
		if err != nil {
			return Result{}, err
		}
		if resp.Action == ActionRedirectAddr {
			address = resp.RedirectAddr
			continue
		}
		return d.result(resp)
	}
	return Result{}, protocolError("the mail addresses that servers name lead in a circle")
}

// discovery looks for one mail address.
type discovery struct {
	cfg     Config
	address string
	domain  string
	base    *url.URL // of BaseURL, nil without
}

func (d *discovery) run(ctx context.Context) (Response, error) {
	if d.cfg.BaseURL != "" {
		u, err := endpointOf(d.cfg.BaseURL)
		if err != nil {
			return Response{}, err
		}
		if err := d.mayCarryCredentials(u); err != nil {
			return Response{}, err
		}
		d.base = u
		return d.bounded(ctx, func(ctx context.Context) (Response, error) { return d.post(ctx, u) })
	}
	var errs []error
	for _, c := range candidates(d.domain) {
		resp, err := d.bounded(ctx, func(ctx context.Context) (Response, error) { return d.ask(ctx, c) })
		if err == nil {
			return resp, nil
		}
		if ctx.Err() != nil {
			return Response{}, fmt.Errorf("autodiscover: %w", context.Cause(ctx))
		}
		errs = append(errs, err)
	}
	return Response{}, d.worst(errs)
}

// bounded runs f under the time limit of one place.
func (d *discovery) bounded(ctx context.Context, f func(context.Context) (Response, error)) (Response, error) {
	limited, stop := context.WithTimeout(ctx, d.cfg.Timeout)
	defer stop()
	resp, err := f(limited)
	if err != nil && ctx.Err() != nil {
		return Response{}, fmt.Errorf("autodiscover: %w", context.Cause(ctx))
	}
	return resp, err
}

// worst picks the error that tells most: a server that refused, one that is busy,
// one that answered something else, or the first that was not there.
func (d *discovery) worst(errs []error) error {
	var refused *mapi.Refused
	var busy *mapi.Busy
	for _, err := range errs {
		if errors.As(err, &refused) {
			return err
		}
	}
	for _, err := range errs {
		if errors.As(err, &busy) {
			return err
		}
	}
	var unreachable *mapi.Unreachable
	for _, err := range errs {
		if !errors.As(err, &unreachable) {
			return err
		}
	}
	return &mapi.Unreachable{Err: fmt.Errorf("no autodiscover service for %s: %w", d.domain, errors.Join(errs...))}
}

func (d *discovery) ask(ctx context.Context, c candidate) (Response, error) {
	switch c.how {
	case askRedirect:
		return d.followPlain(ctx, c.url)
	case askSRV:
		host, port, err := d.cfg.LookupSRV(ctx, d.domain)
		if err != nil {
			return Response{}, &mapi.Unreachable{Err: err}
		}
		return d.postUntrusted(ctx, srvURL(host, port))
	}
	u, err := url.Parse(c.url)
	if err != nil {
		return Response{}, protocolError("%s: %w", c.url, err)
	}
	return d.post(ctx, u)
}

// followPlain asks without credentials for a redirect to the real service.
func (d *discovery) followPlain(ctx context.Context, from string) (Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return Response{}, protocolError("%s: %w", from, err)
	}
	req.Header.Set("User-Agent", d.cfg.UserAgent)
	resp, err := d.cfg.RoundTripper.RoundTrip(req)
	if err != nil {
		return Response{}, &mapi.Unreachable{Err: err}
	}
	resp.Body.Close()
	if !isRedirect(resp.StatusCode) {
		return Response{}, &mapi.Unreachable{Err: fmt.Errorf("%s does not redirect", req.URL.Host)}
	}
	to, err := resp.Location()
	if err != nil {
		return Response{}, protocolError("%s redirects nowhere", req.URL.Host)
	}
	return d.postUntrusted(ctx, to.String())
}

// postUntrusted asks a host whose name can be forged.
func (d *discovery) postUntrusted(ctx context.Context, to string) (Response, error) {
	u, err := url.Parse(to)
	if err != nil {
		return Response{}, protocolError("%s: %w", to, err)
	}
	if host := u.Hostname(); !inDomain(host, d.domain) && (d.cfg.Trust == nil || !d.cfg.Trust(host)) {
		return Response{}, protocolError("%s may not belong to %s: name the server to use it", host, d.domain)
	}
	return d.post(ctx, u)
}

// post asks at u and follows redirects, of HTTP and of responses.
func (d *discovery) post(ctx context.Context, u *url.URL) (Response, error) {
	body, err := Request{Address: d.address}.Encode()
	if err != nil {
		return Response{}, protocolError("%w", err)
	}
	for hops := 0; hops <= maxHops; hops++ {
		if err := d.mayCarryCredentials(u); err != nil {
			return Response{}, &mapi.Protocol{Err: err}
		}
		doc, to, err := d.postOnce(ctx, u, body)
		if err != nil {
			return Response{}, err
		}
		if to == "" {
			resp, err := d.understand(u, doc)
			if err != nil || resp.Action != ActionRedirectURL {
				return resp, err
			}
			to = resp.RedirectURL
		}
		next, err := u.Parse(to)
		if err != nil {
			return Response{}, protocolError("%s redirects to %q", u.Host, to)
		}
		if d.base != nil && !strings.EqualFold(next.Hostname(), u.Hostname()) {
			return Response{}, protocolError("%s refers to %s: name that server instead", u.Host, next.Host)
		}
		u = next
	}
	return Response{}, protocolError("more than %d redirects, the last to %s", maxHops, u.Host)
}

// postOnce returns the response document, or where it redirects to.
func (d *discovery) postOnce(ctx context.Context, u *url.URL, body []byte) (doc []byte, redirect string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, "", protocolError("%s: %w", u.Host, err)
	}
	req.Header.Set("Content-Type", ContentType)
	req.Header.Set("User-Agent", d.cfg.UserAgent)
	req.Header.Set(HeaderCapability, capabilityVersion)
	if d.cfg.Auth != nil {
		if err := d.cfg.Auth.Authorize(req); err != nil {
			return nil, "", &mapi.Refused{Err: err}
		}
	}
	resp, err := d.cfg.RoundTripper.RoundTrip(req)
	if err != nil {
		if record := (tls.RecordHeaderError{}); errors.As(err, &record) {
			return nil, "", protocolError("%s: %w", u.Host, err)
		}
		return nil, "", &mapi.Unreachable{Err: fmt.Errorf("%s: %w", u.Host, err)}
	}
	defer resp.Body.Close()
	doc, err = io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case isRedirect(resp.StatusCode):
		return nil, resp.Header.Get("Location"), nil
	case resp.StatusCode != http.StatusOK:
		return nil, "", ofStatus(u.Host, resp)
	case err != nil:
		return nil, "", &mapi.Unreachable{Err: fmt.Errorf("%s: %w", u.Host, err)}
	case len(doc) > maxDocument:
		return nil, "", protocolError("%s: response larger than %d bytes", u.Host, maxDocument)
	}
	return doc, "", nil
}

// understand reads a response document.
func (d *discovery) understand(u *url.URL, doc []byte) (Response, error) {
	resp, err := DecodeResponse(doc)
	if err != nil {
		return Response{}, protocolError("%s speaks something else: %w", u.Host, err)
	}
	if e := resp.Error; e != nil {
		err := fmt.Errorf("%s: %w", u.Host, e)
		// QUIRK gromox 3.10: 404 for a mailbox that it does not know.
		if e.Code == CodeUnknownUser || e.Code == http.StatusNotFound {
			return Response{}, &mapi.Refused{Err: err}
		}
		return Response{}, &mapi.Protocol{Err: err}
	}
	return resp, nil
}

// result takes what Discover returns out of a response.
func (d *discovery) result(p Response) (Result, error) {
	if p.MapiHTTP == nil || p.MapiHTTP.MailStore.URL() == "" {
		return Result{}, protocolError("the server offers no MAPI/HTTP for %s", d.address)
	}
	if p.LegacyDN == "" {
		return Result{}, protocolError("the server tells no distinguished name for %s", d.address)
	}
	r := Result{LegacyDN: p.LegacyDN, DisplayName: p.DisplayName, SMTPAddress: p.SMTPAddress}
	var err error
	if r.MailboxURL, err = d.here(p.MapiHTTP.MailStore.URL()); err != nil {
		return Result{}, err
	}
	if book := p.MapiHTTP.AddressBook.URL(); book != "" {
		if r.AddressBookURL, err = d.here(book); err != nil {
			return Result{}, err
		}
	}
	return r, nil
}

// here returns a URL of the response as it is to be used.
func (d *discovery) here(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "", protocolError("the server names no usable URL: %q", s)
	}
	if d.base != nil {
		u.Scheme, u.Host = d.base.Scheme, d.base.Host
	}
	if err := d.mayCarryCredentials(u); err != nil {
		return "", &mapi.Protocol{Err: err}
	}
	return u.String(), nil
}

// mayCarryCredentials checks that nobody on the way can read them.
func (d *discovery) mayCarryCredentials(u *url.URL) error {
	if u.Scheme == "https" || (u.Scheme == "http" && (d.cfg.AllowPlaintext || isLoopback(u.Hostname()))) {
		return nil
	}
	if u.Scheme == "http" {
		return fmt.Errorf("plain http to %s refused: it would show the password to the network", u.Hostname())
	}
	return fmt.Errorf("%s is neither https nor http", u.Redacted())
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// ofStatus gives an HTTP status other than 200 its kind.
func ofStatus(host string, resp *http.Response) error {
	err := fmt.Errorf("%s: HTTP status %d (%s)", host, resp.StatusCode, http.StatusText(resp.StatusCode))
	seconds, _ := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16)
	switch s := resp.StatusCode; {
	case s == 401 || s == 403:
		return &mapi.Refused{Err: err}
	case s == 429 || s == 503:
		return &mapi.Busy{After: time.Duration(seconds) * time.Second, Err: err}
	case s >= 500 && s != 501 && s != 505:
		return &mapi.Unreachable{Err: err}
	}
	return &mapi.Protocol{Err: err}
}

func protocolError(format string, args ...any) error {
	return &mapi.Protocol{Err: fmt.Errorf("autodiscover: "+format, args...)}
}
