package mapihttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"mailfs/mapi"
)

// Config tells a Client where to go and how.
type Config struct {
	URL    string        // mailbox endpoint as discovery gave it, with its query
	UserDN string        // distinguished name of the user who signs in
	Auth   Authenticator // nil sends no credentials

	// RoundTripper carries the requests; NewTransport makes one. Clients may share
	// it. Nil makes a new one with the system's certificate authorities.
	RoundTripper http.RoundTripper
	// AllowPlaintext allows an http URL of a host that is not this one.
	AllowPlaintext bool

	ClientID    mapi.GUID // of this client instance, in X-ClientInfo; zero makes a random one
	Application string    // X-ClientApplication; the server takes the client version from it
	UserAgent   string
	CodePage    uint32 // of 8-bit strings; 0 means 1252
	Locale      uint32 // for strings and sorting; 0 means 0x0409

	CompressRequests bool // compress large requests
	PlainAnswers     bool // ask the server not to compress its answers

	// RequestTimeout bounds a whole request; 0 means ten minutes. A NotificationWait may
	// last longer, for as long as the server keeps it alive.
	RequestTimeout time.Duration
	// MaxResponse bounds the body of an answer, in bytes; 0 means 8 MiB.
	MaxResponse int

	// Trace, if not nil, hears of every request when it is over, on the goroutine
	// that made it.
	Trace func(Event)
}

// The defaults of Config.
const (
	// DefaultApplication is a client version for which the servers that are known
	// use every feature. QUIRK gromox 3.10: it chains RopReadStream only for clients
	// up to version 14 and from 16.0.10000.
	DefaultApplication    = "Outlook/16.0.17328.20162"
	DefaultUserAgent      = "mailfs"
	DefaultRequestTimeout = 10 * time.Minute
	DefaultMaxResponse    = 8 << 20
	defaultCodePage       = 1252
	defaultLocale         = 0x0409
)

// New returns a Client that is not connected yet. It fails on a URL that can't be
// used, among them plain http to another host unless that is allowed.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("mailbox URL: %w", err)
	}
	if err := checkURL(u, cfg.AllowPlaintext); err != nil {
		return nil, err
	}
	if cfg.UserDN == "" {
		return nil, errors.New("no distinguished name to sign in with")
	}
	if cfg.ClientID.IsZero() {
		cfg.ClientID = randomGUID()
	}
	if cfg.RoundTripper == nil {
		if cfg.RoundTripper, err = NewTransport(""); err != nil {
			return nil, err
		}
	}
	setDefault(&cfg.Application, DefaultApplication)
	setDefault(&cfg.UserAgent, DefaultUserAgent)
	setDefault(&cfg.CodePage, defaultCodePage)
	setDefault(&cfg.Locale, defaultLocale)
	setDefault(&cfg.RequestTimeout, DefaultRequestTimeout)
	setDefault(&cfg.MaxResponse, DefaultMaxResponse)
	return &Client{cfg: cfg, url: u, turn: make(turn, 1), waitTurn: make(turn, 1)}, nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

func checkURL(u *url.URL, allowPlaintext bool) error {
	switch {
	case u.Host == "":
		return fmt.Errorf("mailbox URL %q has no host", u.Redacted())
	case u.User != nil:
		return errors.New("credentials inside the mailbox URL are not used")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("mailbox URL %q is neither https nor http", u.Redacted())
	case !allowPlaintext && !isLoopback(u.Hostname()):
		return fmt.Errorf("plain http to %s refused: it would show the password to the network", u.Hostname())
	}
	return nil
}

func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// NewTransport returns an HTTP transport for Clients: TLS 1.2 or later, HTTP/1.1,
// bounded waits for connections. caFile, if not empty, names a PEM file with
// certificate authorities that are trusted besides the system's.
func NewTransport(caFile string) (*http.Transport, error) {
	pool, err := certPool(caFile)
	if err != nil {
		return nil, err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true) // [MS-OXCMAPIHTTP] 2.2.2.1
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool},
		TLSHandshakeTimeout: 20 * time.Second,
		Protocols:           &protocols,
		// Shorter than the three minutes or so for which servers keep connections,
		// so that a request seldom meets one that is just being closed.
		IdleConnTimeout:        75 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}, nil
}

func certPool(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("certificate authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificate authorities: no certificate in %s", caFile)
	}
	return pool, nil
}
