package mapihttp

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func newTLSFake(t *testing.T, version uint16) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(&fakeServer{t: t, events: make(chan struct{}, 1)})
	srv.TLS = &tls.Config{MaxVersion: version}
	srv.Config.ErrorLog = quiet()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestTLS(t *testing.T) {
	srv := newTLSFake(t, tls.VersionTLS13)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		url, caFile string
		kind        string
	}{
		"unknown authority":    {srv.URL, "", "unreachable"},
		"known authority":      {srv.URL, caFile, "none"},
		"TLS too old":          {newTLSFake(t, tls.VersionTLS11).URL, caFile, "unreachable"},
		"https to plain http":  {"https" + plainFake(t).URL[len("http"):], caFile, "protocol"},
		"plain http to https":  {"http" + srv.URL[len("https"):], caFile, "protocol"},
		"nobody listens there": {"https://127.0.0.1:1", caFile, "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			transport, err := NewTransport(tc.caFile)
			if err != nil {
				t.Fatal(err)
			}
			c := dial(t, tc.url, func(cfg *Config) { cfg.RoundTripper = transport })
			if _, err := c.Connect(t.Context()); kindOf(err) != tc.kind {
				t.Errorf("error %v of kind %s, want %s", err, kindOf(err), tc.kind)
			}
		})
	}
}

func plainFake(t *testing.T) *httptest.Server {
	_, srv := newFake(t)
	return srv
}

func TestCAFile(t *testing.T) {
	if _, err := NewTransport(filepath.Join(t.TempDir(), "missing.pem")); err == nil {
		t.Error("missing file accepted")
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewTransport(empty); err == nil {
		t.Error("file without certificates accepted")
	}
}
