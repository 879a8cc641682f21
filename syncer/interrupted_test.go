package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailfs/internal/memserver"
	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mapi/autodiscover"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// The environment of a process that TestInterruptedFirstSync kills.
const (
	killDir = "MAILFS_SYNCER_KILL_DIR"
	killURL = "MAILFS_SYNCER_KILL_URL"
)

// TestKilledChild is what TestInterruptedFirstSync starts and kills: a first
// synchronization.
func TestKilledChild(t *testing.T) {
	dir, base := os.Getenv(killDir), os.Getenv(killURL)
	if dir == "" {
		t.Skip("only for TestInterruptedFirstSync")
	}
	w := &world{t: t, user: address}
	w.dial = dialer(t, base, address, "secret")
	c := w.openClient(t, dir)
	c.pass()
	c.close()
}

// dialer signs in over HTTP.
func dialer(t testing.TB, base, user, password string) func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
	t.Helper()
	trip, err := mapihttp.NewTransport("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trip.CloseIdleConnections)
	auth := mapihttp.Basic{User: user, Password: password}
	found, err := autodiscover.Discover(t.Context(), autodiscover.Config{Address: user, BaseURL: base, Auth: auth, RoundTripper: trip})
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		c, err := mapihttp.New(mapihttp.Config{URL: found.MailboxURL, UserDN: found.LegacyDN, Auth: auth, RoundTripper: trip})
		if err != nil {
			return nil, syncer.ServerInfo{}, err
		}
		info, err := c.Connect(ctx)
		return c, syncer.ServerInfo{Version: info.Version, LegacyDN: found.LegacyDN}, err
	}
}

// openClient opens a replica that may be there already. The caller closes it.
func (w *world) openClient(t testing.TB, dir string, change ...func(*syncer.Config)) *client {
	t.Helper()
	rep, err := replica.Open(replica.Options{Dir: dir, Fold: names.Fold})
	if err != nil {
		t.Fatal(err)
	}
	cfg := syncer.Config{Replica: rep, User: w.user, LegacyDN: w.dn, Dial: w.dial, Logf: t.Logf}
	for _, f := range change {
		f(&cfg)
	}
	return &client{t: t, w: w, rep: rep, s: syncer.New(cfg)}
}

// sound checks the replica.
func (c *client) sound() {
	c.t.Helper()
	if bad, err := c.rep.Check(); err != nil || len(bad) > 0 {
		c.t.Errorf("replica: %v %v", bad, err)
	}
}

// close ends the session and closes the replica.
func (c *client) close() {
	c.t.Helper()
	_ = c.s.Close()
	if err := c.rep.Close(); err != nil {
		c.t.Error(err)
	}
}

func (c *client) counts() (out replica.Counts) {
	c.t.Helper()
	c.view(func(v *replica.View) (err error) { out, err = v.Counts(); return err })
	return out
}

// fillSizes puts n messages of up to 64 KiB into folders of several sizes, most of the messages small.
func (w *world) fillSizes(n int, rnd *rand.Rand) {
	w.t.Helper()
	line := strings.Repeat("Some text of a message, as it comes.\r\n", 64<<10/38)
	for i := range n {
		share := rnd.Float64()
		size := int(float64(len(line)) * math.Pow(share, 12))
		if i == n/2 {
			size = len(line)
		}
		m := &mapi.Message{Properties: mapi.PropertyBag{
			{Tag: mapi.PidTagMessageClass, Value: "IPM.Note"},
			{Tag: mapi.PidTagSubject, Value: fmt.Sprint("message ", i)},
			{Tag: mapi.PidTagBody, Value: line[:size]},
			{Tag: mapi.PidTagMessageDeliveryTime, Value: mapi.NewFileTime(time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC))},
		}}
		folder := w.inbox()
		if i%2 == 1 {
			folder = w.box.CreateFolder("Many", fmt.Sprint(i%6))
		}
		if _, err := w.box.Deliver(folder, m); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestInterruptedFirstSync interrupts a first synchronization again and again: the
// connection breaks, the caller gives up, the process is killed. It ends in the replica
// that one without interruptions makes. What comes more than once is what was in the
// answers that were not committed when it was interrupted, and no more.
func TestInterruptedFirstSync(t *testing.T) {
	n, points := 10_000, 20
	if testing.Short() {
		n, points = 1500, 9
	}
	w := newMemWorld(t)
	rnd := rand.New(rand.NewPCG(20261122, 7))
	w.fillSizes(n, rnd)
	server := httptest.NewServer(w.srv.Handler())
	defer server.Close()

	straight := w.client(t, func(cfg *syncer.Config) { cfg.Logf = nil })
	w.srv.ResetStats()
	straight.pass()
	whole := w.srv.Stats()
	want := straight.contents()
	if got := straight.counts(); got.Full != n || whole.MessagesSent != uint64(2*n) {
		t.Fatalf("without interruptions: %d of %d messages, %d items sent", got.Full, n, whole.MessagesSent)
	}

	dir := filepath.Join(t.TempDir(), "replica")
	w.srv.ResetStats()
	interrupted := map[string]int{}
	had, again := 0, 0
	for i := range points {
		at := 8 + rnd.Uint64N(3*whole.Requests/uint64(2*points)) // so that the last one is still an interruption
		kind := []string{"cut", "cancelled", "killed"}[i%3]
		before := w.srv.Stats().MessagesSent
		if !w.interrupt(t, kind, dir, server.URL, at, rnd.IntN(2) == 0) {
			t.Errorf("%s at request %d: it was over before", kind, at)
			continue
		}
		interrupted[kind]++
		c := w.openClient(t, dir)
		counts := c.counts()
		c.sound()
		c.close()
		has := counts.Messages + counts.Full
		sent := int(w.srv.Stats().MessagesSent - before)
		lost := sent - (has - had)
		had, again = has, again+lost
		// a piece being decoded, two waiting and one on its way, of 256 KiB each; of headers what gathers for a commit, of
		// bodies three requests: one being stored, one waiting, one being read
		most := 250 + 4*256
		if counts.Messages == n {
			most = 3*100 + 4*256
		}
		if lost < 0 || lost > most {
			t.Errorf("%s at request %d: %d items were sent, and %d of them are lost", kind, at, sent, lost)
		}
	}
	if len(interrupted) != 3 {
		t.Errorf("interruptions: %v", interrupted)
	}
	c := w.openClient(t, dir)
	defer c.close()
	c.pass()
	if d := cmp.Diff(want, c.contents()); d != "" {
		t.Fatalf("the replica has something else:\n%.4000s", d)
	}
	if sent := w.srv.Stats().MessagesSent; sent != uint64(2*n+again) {
		t.Errorf("%d items were sent for %d messages; %d were lost with interruptions", sent, n, again)
	}
	c.pass()
	c.sound()
	t.Logf("%d messages, %v: %d items of %d came again", n, interrupted, again, 2*n)
}

// interrupt runs a synchronization that ends at the given request; false if it ended before.
func (w *world) interrupt(t *testing.T, kind, dir, url string, at uint64, after bool) bool {
	t.Helper()
	defer w.srv.SetScript(nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if kind == "killed" {
		return w.killed(ctx, t, dir, url, at)
	}
	seen := uint64(0)
	w.srv.SetScript(func(memserver.Request) memserver.Fault {
		if seen++; seen < at {
			return memserver.Fault{}
		}
		if kind == "cancelled" {
			cancel()
			return memserver.Fault{}
		}
		return memserver.Fault{CutBefore: !after, CutAfter: after}
	})
	c := w.openClient(t, dir)
	defer c.close()
	err := c.s.Pass(ctx)
	var away *mapi.Unreachable
	if err != nil && !errors.As(err, &away) && !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v", kind, err)
	}
	return err != nil
}

// killed lets another process synchronize, and kills it at the given request.
func (w *world) killed(ctx context.Context, t *testing.T, dir, url string, at uint64) bool {
	t.Helper()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledChild$")
	cmd.Env = append(os.Environ(), killDir+"="+dir, killURL+"="+url)
	started := make(chan struct{})
	seen := uint64(0)
	w.srv.SetScript(func(memserver.Request) memserver.Fault {
		<-started
		if seen++; seen == at {
			_ = cmd.Process.Kill()
		}
		return memserver.Fault{CutBefore: seen >= at}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	return cmd.Wait() != nil
}
