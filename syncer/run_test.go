package syncer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// limit is how long a test waits for what has to happen; it is no measurement.
const limit = 30 * time.Second

// until waits for a commit after which ok holds.
func (c *client) until(what string, ok func() bool) {
	c.t.Helper()
	events, stop := c.rep.Subscribe()
	defer stop()
	timeout := time.After(limit)
	for !ok() {
		select {
		case <-events:
		case <-timeout:
			c.t.Fatalf("never: %s; the tree:\n%s", what, c.tree())
		}
	}
}

// runs starts Run and returns what stops it and returns its error.
func (c *client) runs() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- c.s.Run(ctx) }()
	return func() error {
		cancel()
		select {
		case err := <-result:
			return err
		case <-time.After(limit):
			return errors.New("Run did not stop")
		}
	}
}

// leaks checks, when everything else of the test is over, that no goroutine is left.
func leaks(t *testing.T) {
	now := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, now) })
}

func TestRunFollowsTheServer(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	w.deliver("one", "body")
	c := w.client(t)
	stop := c.runs()
	c.until("the first pass", func() bool { n := c.find("Inbox", "*one*"); return n != nil && n.Message.State == replica.StateFull })
	// a notification, not the timer: that would take minutes
	mid := w.deliver("two", "body")
	c.until("a delivery shows", func() bool { n := c.find("Inbox", "*two*"); return n != nil && n.Message.State == replica.StateFull })
	if err := w.box.MarkRead(mid, true); err != nil {
		t.Fatal(err)
	}
	c.until("a read state shows", func() bool { return c.at("Inbox", "*two*").Message.Read })
	if err := w.box.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	c.until("a deletion shows", func() bool { return c.find("Inbox", "*two*") == nil })
	w.box.CreateFolder("Made there")
	c.until("a folder shows", func() bool { return c.find("Made there") != nil })
	// and what is done here goes up by itself
	c.create(c.at("Inbox"), "new.eml", mail("three", "body"))
	c.until("an upload is acknowledged", func() bool { return c.at("Inbox", "new.eml").Message.ChangeKey != "" })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestRunSurvivesLostSessions(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			timer := time.NewTimer(min(d, 50*time.Millisecond))
			return timer.C, func() { timer.Stop() }
		}
	})
	stop := c.runs()
	c.until("the first pass", func() bool { return c.find("Inbox", "*one*") != nil })
	w.srv.LoseSessions()
	w.deliver("two", "body")
	c.until("what came after the loss", func() bool { return c.find("Inbox", "*two*") != nil })
	c.offline.Store(true)
	w.srv.LoseSessions()
	w.deliver("three", "body")
	c.create(c.at("Inbox"), "new.eml", mail("four", "body"))
	c.offline.Store(false)
	c.until("both sides after being offline", func() bool {
		return c.find("Inbox", "*three*") != nil && c.at("Inbox", "new.eml").Message.ChangeKey != ""
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedCredentials: a password that is refused for a while does not end Run, what is queued goes up when it is
// taken again, and nobody tries it often: neither who writes nor who reads.
func TestRefusedCredentials(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	var mu sync.Mutex
	var wrong bool
	var tries int
	waits, goOn := make(chan time.Duration, 100), make(chan time.Time)
	c := w.client(t, headersOnly, func(cfg *syncer.Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
			mu.Lock()
			defer mu.Unlock()
			if tries++; wrong {
				return nil, syncer.ServerInfo{}, &mapi.Refused{Err: errors.New("wrong password")}
			}
			return dial(ctx)
		}
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			if d < time.Minute { // not what this is about
				timer := time.NewTimer(d)
				return timer.C, func() { timer.Stop() }
			}
			waits <- d
			return goOn, func() {}
		}
	})
	set := func(refuse bool) int {
		mu.Lock()
		defer mu.Unlock()
		wrong = refuse
		defer func() { tries = 0 }()
		return tries
	}
	c.pass()
	set(true)
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	stop := c.runs()
	if d := <-waits; d > 5*time.Minute || d < 4*time.Minute {
		t.Errorf("the next try is in %v", d)
	}
	c.create(c.at("Inbox"), "new.eml", mail("two", "body"))
	for range 10 {
		var refused *mapi.Refused
		if err := c.s.Fetch(t.Context(), c.at("Inbox", "*one*").Num); !errors.As(err, &refused) {
			t.Fatalf("got %v", err)
		}
	}
	if n := set(true); n != 1 {
		t.Errorf("%d attempts to sign in", n)
	}
	// Who asks for it gets a real attempt, and an answer.
	var refused *mapi.Refused
	if err := c.s.Flush(t.Context()); !errors.As(err, &refused) {
		t.Errorf("Flush: %v", err)
	}
	if n := set(false); n != 1 {
		t.Errorf("%d attempts by Flush", n)
	}
	if err := c.s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.at("Inbox", "new.eml").Message.ChangeKey == "" {
		t.Error("what was queued is still here only")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestReplicaOfAnotherMailbox(t *testing.T) {
	w := newMemWorld(t)
	c := w.client(t)
	c.pass()
	other := newMemWorld(t)
	c.w.dial = other.dial
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.s.Pass(t.Context()); !errors.Is(err, replica.ErrMailbox) {
		t.Fatalf("got %v", err)
	}
}

func headersOnly(cfg *syncer.Config) { cfg.Keep = syncer.KeepPolicy{Headers: true} }

func TestFetch(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	for _, s := range []string{"one", "two", "three", "four"} {
		w.deliver(s, "body of "+s)
	}
	c := w.client(t, headersOnly)
	c.pass()
	var nums []replica.Num
	for _, s := range []string{"*one*", "*two*", "*three*"} {
		n := c.at("Inbox", s)
		if n.Message.State != replica.StateHeader || n.Size == 0 || n.Exact {
			t.Fatalf("%s: state %d, size %d, exact %v", n.Name, n.Message.State, n.Size, n.Exact)
		}
		nums = append(nums, n.Num, n.Num)
	}
	w.srv.ResetStats()
	var wg sync.WaitGroup
	for _, num := range nums {
		wg.Go(func() {
			if err := c.s.Fetch(t.Context(), num); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if sent := w.srv.Stats().MessagesSent; sent != 3 {
		t.Errorf("%d messages were sent for 3", sent)
	}
	for _, num := range nums {
		c.view(func(v *replica.View) error {
			n, err := v.Node(num)
			if err == nil && (n.Message.State != replica.StateFull || !n.Exact) {
				t.Errorf("%s is not complete", n.Name)
			}
			return err
		})
	}
	// what was here once stays here, with every later version
	mid := w.deliver("five", "body")
	c.pass()
	five := c.at("Inbox", "*five*")
	if err := c.s.Fetch(t.Context(), five.Num); err != nil {
		t.Fatal(err)
	}
	if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "another body") }); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if n := c.at("Inbox", "*five*"); n.Message.State != replica.StateFull || n.Gen == five.Gen {
		t.Errorf("state %d, generation %d after %d", n.Message.State, n.Gen, five.Gen)
	}
	// gone, offline, given up
	four := c.at("Inbox", "*four*")
	c.offline.Store(true)
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	var away *mapi.Unreachable
	if err := c.s.Fetch(t.Context(), four.Num); !errors.As(err, &away) {
		t.Errorf("offline: %v", err)
	}
	c.offline.Store(false)
	ctx, cancel := context.WithCancel(context.Background())
	var once atomic.Bool
	w.srv.SetScript(func(memserver.Request) memserver.Fault {
		if once.CompareAndSwap(false, true) {
			cancel()
		}
		return memserver.Fault{Delay: 100 * time.Millisecond}
	})
	if err := c.s.Fetch(ctx, four.Num); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	w.srv.SetScript(nil)
}

func TestBusyIsHonoured(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	var waits []time.Duration
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			waits = append(waits, d)
			ch := make(chan time.Time, 1)
			ch <- time.Time{}
			return ch, func() {}
		}
	})
	c.pass()
	c.create(c.at("Inbox"), "new.eml", mail("two", "body"))
	n := 0
	w.srv.SetScript(func(memserver.Request) memserver.Fault {
		if n++; n <= 2 {
			return memserver.Fault{Busy: 7 * time.Second}
		}
		return memserver.Fault{}
	})
	c.flush()
	found := false
	for _, d := range waits {
		found = found || d == 7*time.Second
	}
	if !found {
		t.Fatalf("waited %v", waits)
	}
	fresh := w.client(t)
	fresh.pass()
	if fresh.find("Inbox", "*two*") == nil {
		t.Fatal(fresh.tree())
	}
}

// TestDownloadGoesOnWhereItWasCut: what was committed of a download does not come
// again.
func TestDownloadGoesOnWhereItWasCut(t *testing.T) {
	w := newMemWorld(t)
	const n = 1200
	for i := range n {
		w.deliver("message "+time.Duration(i).String(), "body")
	}
	c := w.client(t, headersOnly, quick)
	w.srv.ResetStats()
	c.passThatIsCut()
	var before replica.Counts
	c.view(func(v *replica.View) (err error) { before, err = v.Counts(); return err })
	w.srv.ResetStats()
	c.pass()
	var after replica.Counts
	c.view(func(v *replica.View) (err error) { after, err = v.Counts(); return err })
	if after.Messages != n {
		t.Fatalf("%d messages of %d", after.Messages, n)
	}
	if sent := w.srv.Stats().MessagesSent; before.Messages == 0 || sent != uint64(n-before.Messages) {
		t.Fatalf("%d were there, and %d came", before.Messages, sent)
	}
}

// TestUnchangedFoldersCostLittle: one pass over a mailbox in which nothing happened.
func TestUnchangedFoldersCostLittle(t *testing.T) {
	w := newMemWorld(t)
	for i := range 200 {
		w.box.CreateFolder("Many", time.Duration(i).String())
	}
	w.deliver("one", "body")
	c := w.client(t)
	c.pass()
	c.pass()
	w.srv.ResetStats()
	c.pass()
	if st := w.srv.Stats(); st.Requests > 10 || st.MessagesSent > 0 || st.FoldersSent > 0 {
		t.Fatalf("%d requests, %d messages, %d folders", st.Requests, st.MessagesSent, st.FoldersSent)
	}
}

// TestRemoteMoveIsRecognised: a message that somebody moves keeps its number, its name and its body.
func TestRemoteMoveIsRecognised(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "body")
	c := w.client(t)
	stop := c.runs()
	c.until("the first pass", func() bool {
		n := c.find("Inbox", "*one*")
		return n != nil && n.Message.State == replica.StateFull
	})
	before := c.at("Inbox", "*one*")
	w.srv.ResetStats()
	if _, err := w.box.Move(mid, w.box.Folder(memserver.FolderDrafts)); err != nil {
		t.Fatal(err)
	}
	c.until("the move shows", func() bool { return c.find("Drafts", "*one*") != nil })
	after := c.at("Drafts", "*one*")
	if after.Num != before.Num || after.Name != before.Name || after.Message.State != replica.StateFull || after.Gen != before.Gen {
		t.Errorf("%d %s became %d %s, state %d", before.Num, before.Name, after.Num, after.Name, after.Message.State)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if n := c.at("Drafts", "*one*"); n.Num != before.Num || c.find("Inbox", "*one*") != nil {
		t.Error(c.tree())
	}
	if got := text(t, c, "Drafts", "*one*"); !strings.Contains(got, "body") {
		t.Error(got)
	}
}

// TestRunSeesAnotherClient: what one client uploads shows at the other by an event, on any server.
func TestRunSeesAnotherClient(t *testing.T) {
	w := newWorld(t)
	a, b := w.client(t), w.client(t)
	b.pass()
	stop := a.runs()
	a.until("the first pass", func() bool { return a.find("Inbox") != nil && a.s.Status().Passes > 0 || a.find("Drafts") != nil })
	b.create(b.at("Inbox"), "new.eml", mail("one", "body"))
	b.flush()
	a.until("the message shows", func() bool { n := a.find("Inbox", "*one*"); return n != nil && n.Message.State == replica.StateFull })
	b.move(b.at("Inbox", "new.eml").Num, b.at("Drafts"))
	b.flush()
	a.until("the move shows", func() bool { return a.find("Drafts", "*one*") != nil && a.find("Inbox", "*one*") == nil })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
