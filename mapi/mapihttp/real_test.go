package mapihttp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailfs/internal/realserver"
	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/wire"
)

// realServer returns the configuration of a client for a real server. Without one
// the test is skipped.
func realServer(t *testing.T) mapihttp.Config {
	t.Helper()
	_, cfg := realserver.Need(t).Discover(t)
	return cfg
}

// logon is the ROP buffer of a RopLogon to the user's own mailbox ([MS-OXCROPS] 2.2.3.1).
func logon(t *testing.T, dn string) []byte {
	t.Helper()
	var b wire.Builder
	b.Uint16(uint16(2 + 14 + len(dn) + 1))
	b.Uint8(0xFE)        // RopLogon
	b.Uint8(0)           // LogonId
	b.Uint8(0)           // OutputHandleIndex
	b.Uint8(1)           // LogonFlags: private mailbox
	b.Uint32(0x01000004) // OpenFlags
	b.Uint32(0)          // StoreState
	b.Uint16(uint16(len(dn) + 1))
	b.CString(dn)
	b.Uint32(0xFFFFFFFF) // handle table
	p, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// emptyROPs is a ROP buffer without ROPs: it fetches events.
var emptyROPs = []byte{2, 0}

func TestRealServer(t *testing.T) {
	cfg := realServer(t)
	c, err := mapihttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("connected: %+v", info)
	if info.DisplayName == "" || info.Version == (mapi.ServerVersion{}) {
		t.Errorf("connected with %+v", info)
	}
	for _, maxOut := range []uint32{0, mapihttp.OneBuffer, mapihttp.MaxRopOut} {
		out, err := c.Execute(t.Context(), logon(t, cfg.UserDN), maxOut)
		if err != nil {
			t.Fatal(err)
		}
		// Response: RopSize, RopId, OutputHandleIndex, ReturnValue ([MS-OXCROPS] 2.2.3.1.2).
		if len(out) != 1 || len(out[0]) < 100 || out[0][2] != 0xFE || binary.LittleEndian.Uint32(out[0][4:]) != 0 {
			t.Errorf("logon with room for %d bytes: %x", maxOut, out)
		}
	}
	if _, err := c.Execute(t.Context(), emptyROPs, 0); err != nil {
		t.Errorf("Execute without ROPs: %v", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	waiting(t, c)
	if _, err := c.Connect(t.Context()); err != nil {
		t.Errorf("reconnect: %v", err)
	}
	if _, err := c.Execute(t.Context(), logon(t, cfg.UserDN), 0); err != nil {
		t.Errorf("after the reconnect: %v", err)
	}
	if err := c.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
	var lost *mapi.SessionLost
	if _, err := c.Execute(t.Context(), emptyROPs, 0); !errors.As(err, &lost) {
		t.Errorf("Execute after Disconnect: %v", err)
	}
}

// waiting lets a NotificationWait run beside an Execute and gives it up.
func waiting(t *testing.T, c *mapihttp.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := c.NotificationWait(ctx); done <- err }()
	if _, err := c.Execute(t.Context(), emptyROPs, 0); err != nil {
		t.Errorf("Execute beside NotificationWait: %v", err)
	}
	// Busy: a wait that an earlier run gave up may still be on the server's books.
	var busy *mapi.Busy
	if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &busy) {
		t.Errorf("NotificationWait: %v", err)
	}
	if _, err := c.Execute(t.Context(), emptyROPs, 0); err != nil {
		t.Errorf("Execute after a wait that was given up: %v", err)
	}
}

func TestRealServerCompressed(t *testing.T) {
	cfg := realServer(t)
	cfg.CompressRequests = true
	c, err := mapihttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Disconnect(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	// RopGetPropertyIdsFromNames with many names, which is long and repeats itself
	// ([MS-OXCROPS] 2.2.8.1).
	var rops wire.Builder
	rops.Raw(logon(t, cfg.UserDN)[2 : 2+14+len(cfg.UserDN)+1])
	rops.Raw([]byte{0x56, 0, 0, 0}) // RopId, LogonId, InputHandleIndex, Flags
	const names = 60
	rops.Uint16(names)
	for i := range names {
		rops.Uint8(0)
		rops.GUID(mapi.MustGUID("00062008-0000-0000-C000-000000000046"))
		rops.Uint32(uint32(0x8500 + i))
	}
	var b wire.Builder
	b.Uint16(uint16(2 + rops.Len()))
	b.Raw(rops.Bytes())
	b.Uint32(0xFFFFFFFF)
	out, err := c.Execute(t.Context(), b.Bytes(), 0)
	if err != nil || len(out) != 1 || !strings.Contains(string(out[0]), "\x56\x00\x00\x00\x00\x00\x3C\x00") {
		t.Errorf("%x, %v", out, err)
	}
}

func TestRealServerRefuses(t *testing.T) {
	cfg := realServer(t)
	var refused *mapi.Refused
	for name, change := range map[string]func(*mapihttp.Config){
		"wrong password": func(c *mapihttp.Config) {
			c.Auth = mapihttp.Basic{User: c.Auth.(mapihttp.Basic).User, Password: "wrong"}
		},
		"unknown name": func(c *mapihttp.Config) { c.UserDN = "/o=nobody/cn=nowhere" },
	} {
		k := cfg
		change(&k)
		c, err := mapihttp.New(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Connect(t.Context()); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// meddler passes requests on, changed by change once, and may swallow an answer.
type meddler struct {
	http.RoundTripper
	change  func(*http.Request)
	swallow bool
}

func (m *meddler) RoundTrip(req *http.Request) (*http.Response, error) {
	if m.change != nil {
		m.change(req)
		m.change = nil
	}
	resp, err := m.RoundTripper.RoundTrip(req)
	if err == nil && m.swallow {
		m.swallow = false
		resp.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// TestRealServerAccidents checks that a session that came to harm is seen to be lost
// at the next request at the latest, and that a new one can be made.
func TestRealServerAccidents(t *testing.T) {
	cfg := realServer(t)
	m := &meddler{RoundTripper: cfg.RoundTripper}
	cfg.RoundTripper = m
	c, err := mapihttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func(){
		"damaged cookies": func() {
			m.change = func(r *http.Request) { r.Header.Set("Cookie", strings.ReplaceAll(r.Header.Get("Cookie"), "-", "x")) }
		},
		"no cookies":  func() { m.change = func(r *http.Request) { r.Header.Del("Cookie") } },
		"answer lost": func() { m.swallow = true },
		"cut request": func() {
			m.change = func(r *http.Request) { r.Body = http.NoBody; r.GetBody = nil; r.ContentLength = 0 }
		},
	} {
		if _, err := c.Connect(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := c.Execute(t.Context(), logon(t, cfg.UserDN), 0); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		harm()
		_, err := c.Execute(t.Context(), emptyROPs, 0)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		_, after := c.Execute(t.Context(), emptyROPs, 0)
		var lost *mapi.SessionLost
		if after != nil && !errors.As(after, &lost) {
			t.Errorf("%s: afterwards %v", name, after)
		}
		t.Logf("%s: %v; then %v", name, err, after)
	}
	if err := c.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
}
