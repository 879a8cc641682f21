package autodiscover

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// how tells by which means a candidate is asked.
type how int

const (
	askPost     how = iota // POST the request there
	askRedirect            // GET it without credentials and follow its redirect
	askSRV                 // look up a DNS record, then POST there
)

// candidate is one place where a domain's Autodiscover service may be.
type candidate struct {
	how how
	url string // of askPost and askRedirect
}

// candidates lists the places to ask for a domain, in order ([MS-OXDISCO] 3.1.5):
// the domain, its autodiscover host, that host's plain redirect, and DNS.
func candidates(domain string) []candidate {
	return []candidate{
		{askPost, "https://" + domain + Path},
		{askPost, "https://autodiscover." + domain + Path},
		{askRedirect, "http://autodiscover." + domain + Path},
		{how: askSRV},
	}
}

// endpointOf returns the URL to ask at a base URL that the user named: the base
// itself if it has a path of its own, else with Path.
func endpointOf(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, fmt.Errorf("server URL: %w", err)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("server URL %q is neither https nor http", u.Redacted())
	case u.Host == "":
		return nil, fmt.Errorf("server URL %q has no host", u.Redacted())
	case u.User != nil:
		return nil, fmt.Errorf("credentials inside the server URL are not used")
	}
	if !strings.HasSuffix(strings.ToLower(u.Path), ".xml") {
		u.Path = strings.TrimSuffix(u.Path, "/") + Path
	}
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// domainOf returns the domain of a mail address.
func domainOf(address string) (string, error) {
	i := strings.LastIndexByte(address, '@')
	domain := address[i+1:]
	if i < 1 || domain == "" || strings.ContainsAny(domain, "/?#:@ \\") {
		return "", fmt.Errorf("%q is not a mail address", address)
	}
	return strings.ToLower(domain), nil
}

// inDomain reports whether host is the domain or a host of it.
func inDomain(host, domain string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// lookupSRV finds the Autodiscover host of a domain in DNS; it is Config.LookupSRV
// when none is given.
func lookupSRV(ctx context.Context, domain string) (host string, port uint16, err error) {
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "autodiscover", "tcp", domain)
	if err != nil {
		return "", 0, err
	}
	if len(records) == 0 {
		return "", 0, fmt.Errorf("no autodiscover record for %s", domain)
	}
	return strings.TrimSuffix(records[0].Target, "."), records[0].Port, nil
}

// srvURL is the URL to ask at a host that DNS named.
func srvURL(host string, port uint16) string {
	if port != 443 && port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	return "https://" + host + Path
}
