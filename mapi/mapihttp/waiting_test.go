package mapihttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is a RoundTripper without a network: Connect is answered at once, other
// requests with what play writes. Nothing in it blocks on anything but channels, so
// that the clock of a test bubble drives it.
type scripted struct {
	play func(ctx context.Context, w io.Writer) // nil: the headers never come
}

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	h := http.Header{"Content-Type": {ContentType}}
	h.Set(HeaderResponseCode, "0")
	h.Set(HeaderPendingPeriod, "20000")
	h.Set("Set-Cookie", "c=1")
	play := s.play
	if req.Header.Get(HeaderRequestType) == string(Connect) {
		play = func(_ context.Context, w io.Writer) {
			body, _ := ConnectResponse{}.Encode()
			_ = StreamWriter{w}.Done(nil, body)
		}
	}
	if play == nil {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	r, w := io.Pipe()
	context.AfterFunc(req.Context(), func() { w.CloseWithError(req.Context().Err()) })
	go func() {
		play(req.Context(), w)
		w.Close()
	}()
	return &http.Response{StatusCode: 200, Header: h, Body: r, ContentLength: -1, Request: req}, nil
}

// pendings sends n keep-alives, one every period, then the answer.
func pendings(n int, period time.Duration) func(context.Context, io.Writer) {
	return func(ctx context.Context, w io.Writer) {
		s := StreamWriter{w}
		_ = s.Processing()
		for range n {
			select {
			case <-time.After(period):
			case <-ctx.Done():
				return
			}
			_ = s.Pending()
		}
		body, _ := NotificationWaitResponse{EventPending: EventPending}.Encode()
		_ = s.Done(nil, body)
	}
}

// TestWaits checks how long a client waits for a server that says nothing, one that
// keeps the connection alive, and one that does so for ever.
func TestWaits(t *testing.T) {
	never := func(ctx context.Context, _ io.Writer) { <-ctx.Done() }
	for name, tc := range map[string]struct {
		play  func(context.Context, io.Writer)
		limit time.Duration // of the caller, 0 for none
		kind  string
		cause error
		took  time.Duration
	}{
		"no headers":                {nil, 0, "unreachable", errSilent, firstAnswer},
		"headers, then nothing":     {never, 0, "unreachable", errSilent, time.Minute},
		"kept alive":                {pendings(10, 20*time.Second), 0, "none", nil, 200 * time.Second},
		"kept alive, with delays":   {pendings(5, 59*time.Second), 0, "none", nil, 295 * time.Second},
		"keep-alive stops":          {pendings(1, 61*time.Second), 0, "unreachable", errSilent, time.Minute},
		"kept alive for ever":       {pendings(2000, 20*time.Second), 0, "unreachable", errTooLong, longestWait},
		"kept alive for long":       {pendings(90, 20*time.Second), 0, "none", nil, 30 * time.Minute},
		"caller gives up":           {pendings(10, 20*time.Second), 30 * time.Second, "plain", context.DeadlineExceeded, 30 * time.Second},
		"caller gives up, no reply": {nil, 30 * time.Second, "plain", context.DeadlineExceeded, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, "https://mail.example.test", func(cfg *Config) { cfg.RoundTripper = &scripted{tc.play} })
				if _, err := c.Connect(t.Context()); err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				if tc.limit > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, tc.limit)
					defer stop()
				}
				start := time.Now()
				pending, err := c.NotificationWait(ctx)
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %s, want %s", took, tc.took)
				}
				if kindOf(err) != tc.kind || (tc.cause != nil && !errors.Is(err, tc.cause)) || pending != (err == nil) {
					t.Errorf("%v, error %v of kind %s, want %s", pending, err, kindOf(err), tc.kind)
				}
				if err := usable(c); err != nil {
					t.Errorf("the session was given up: %v", err)
				}
			})
		})
	}
}

// usable reports whether there is a session context that may be used.
func usable(c *Client) error {
	_, err := c.session(Execute)
	return err
}
