package memserver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mailfs/mapi/autodiscover"
	"mailfs/mapi/fxics"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
)

type basic struct{ user, password string }

func (b basic) Authorize(r *http.Request) error { r.SetBasicAuth(b.user, b.password); return nil }

// dialHTTP logs on over HTTP.
func dialHTTP(t testing.TB, s *Server, m *Mailbox, change func(*mapihttp.Config)) (*client, *mapihttp.Client) {
	t.Helper()
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	cfg := mapihttp.Config{URL: web.URL + MailboxPath, UserDN: m.DN(), Auth: basic{m.Address(), "secret"}, RoundTripper: web.Client().Transport}
	if change != nil {
		change(&cfg)
	}
	h, err := mapihttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Disconnect(context.Background()) })
	return logOn(t, h, m), h
}

func TestSyncOverHTTP(t *testing.T) {
	for name, cfg := range map[string]Config{"plain": {}, "compressed": {Compression: true}, "obfuscated": {Compression: true, Obfuscation: true}} {
		t.Run(name, func(t *testing.T) {
			s, m := newServer(t, cfg)
			inbox := m.Folder(FolderInbox)
			want := 40
			for i := range want {
				deliver(t, m, inbox, mail(strings.Repeat("long subject ", i)))
			}
			c, _ := dialHTTP(t, s, m, nil)
			if r := c.sync(inbox, fxics.ICSState{}, nil); len(r.changes) != want {
				t.Errorf("%d messages, not %d", len(r.changes), want)
			}
			if st := s.Stats(); st.Requests == 0 || st.MessagesSent != uint64(want) || st.ROPs[uint8(rop.IDFastTransferSourceGetBuffer)] == 0 {
				t.Errorf("counters: %+v", st)
			}
		})
	}
}

func TestNotificationWait(t *testing.T) {
	s, m := newServer(t, Config{PendingPeriod: 5 * time.Millisecond})
	inbox := m.Folder(FolderInbox)
	c, h := dialHTTP(t, s, m, nil)
	c.mustOpen(c.store, &rop.RegisterNotificationRequest{NotificationTypes: rop.NotifyNewMail | rop.NotifyObjectCreated, WantWholeStore: true})
	got := make(chan bool)
	go func() {
		pending, err := h.NotificationWait(context.Background())
		if err != nil {
			t.Errorf("wait: %v", err)
		}
		got <- pending
	}()
	mid := deliver(t, m, inbox, mail("news"))
	if !<-got {
		t.Fatal("no event")
	}
	answers, _ := c.run(nil, 0)
	var kinds []uint16
	for _, a := range answers {
		n := a.Response.(*rop.Notify)
		kinds = append(kinds, n.Kind())
		if n.MessageID != mid || n.FolderID != inbox {
			t.Errorf("event of %v in %v", n.MessageID, n.FolderID)
		}
	}
	if len(kinds) != 2 || kinds[0] != rop.NotifyObjectCreated || kinds[1] != rop.NotifyNewMail {
		t.Errorf("events %#x", kinds)
	}
}

func TestAutodiscover(t *testing.T) {
	s, m := newServer(t, Config{})
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	got, err := autodiscover.Discover(context.Background(), autodiscover.Config{Address: m.Address(), BaseURL: web.URL, RoundTripper: web.Client().Transport, Auth: basic{m.Address(), "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	if got.LegacyDN != m.DN() || !strings.HasPrefix(got.MailboxURL, web.URL+MailboxPath) {
		t.Errorf("%+v", got)
	}
	if _, err := autodiscover.Discover(context.Background(), autodiscover.Config{Address: m.Address(), BaseURL: web.URL, RoundTripper: web.Client().Transport, Auth: basic{m.Address(), "wrong"}}); err == nil {
		t.Error("a wrong password is accepted")
	}
	if _, err := autodiscover.Discover(context.Background(), autodiscover.Config{Address: "nobody@example.test", BaseURL: web.URL, RoundTripper: web.Client().Transport, Auth: basic{m.Address(), "secret"}}); err == nil {
		t.Error("an unknown mailbox is found")
	}
}
