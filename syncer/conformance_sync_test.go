package syncer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// Each test of this file is about one section of [MS-OXCSYNC], which it names.

// meddling is a session whose answers are changed on their way.
type meddling struct {
	rop.Transport
	columns rop.Columns
	change  func(c rop.Call, r rop.Response) rop.Response
	deaf    *atomic.Bool // events do not arrive while it is true; may be nil
}

func (m *meddling) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	q, err := rop.DecodeRequests(payload, nil)
	if err != nil {
		return nil, err
	}
	out, err := m.Transport.Execute(ctx, payload, maxOut)
	if err != nil {
		return nil, err
	}
	got, err := rop.DecodeResponses(out[0], q, m.columns)
	if err != nil {
		return nil, err
	}
	var answers []rop.Answer
	for _, a := range got.Answers {
		if _, event := a.Response.(*rop.Notify); event && m.deaf != nil && m.deaf.Load() {
			continue
		}
		if a.Call >= 0 {
			a.Answer.Response = m.change(q.Calls[a.Call], a.Response)
		}
		answers = append(answers, a.Answer)
	}
	out[0], err = rop.EncodeResponses(answers, got.Handles)
	return out, err
}

// loseEvents keeps events from every later session of a world while deaf is true.
func (w *world) loseEvents(deaf *atomic.Bool) {
	dial := w.dial
	w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := dial(ctx)
		return &meddling{Transport: tr, columns: rop.Columns{}, deaf: deaf, change: func(_ rop.Call, r rop.Response) rop.Response { return r }}, info, err
	}
}

// meddle makes every later session of a world pass by change.
func (w *world) meddle(change func(c rop.Call, r rop.Response) rop.Response) {
	dial := w.dial
	w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := dial(ctx)
		return &meddling{Transport: tr, columns: rop.Columns{}, change: change}, info, err
	}
}

// TestProgressAddsUp is about [MS-OXCSYNC] 3.1.1.5: what is told of a first synchronization
// grows to what there is, and never beyond it.
func TestProgressAddsUp(t *testing.T) {
	w := newMemWorld(t)
	const n = 30
	for i := range n {
		w.deliver(fmt.Sprint("message ", i), "body")
	}
	var bodies []syncer.Progress
	headers := 0
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.OnStatus = func(st syncer.Status) {
			headers = max(headers, st.Headers.Done)
			if st.Phase == syncer.PhaseBodies {
				bodies = append(bodies, st.Bodies)
			}
		}
	})
	c.pass()
	if headers != n || len(bodies) == 0 {
		t.Fatalf("%d headers, told of bodies %d times", headers, len(bodies))
	}
	for i, p := range bodies {
		if p.Done > p.Total || p.DoneBytes > p.TotalBytes || i > 0 && p.Done < bodies[i-1].Done {
			t.Errorf("progress %+v", p)
		}
	}
	if last := bodies[len(bodies)-1]; last.Done != n || last.Total != n || last.DoneBytes != last.TotalBytes || last.TotalBytes == 0 {
		t.Errorf("at the end %+v", last)
	}
}

// TestIDsAreReservedOnce is about [MS-OXCSYNC] 3.1.3.1.1: one range serves many items, whose
// ids follow each other.
func TestIDsAreReservedOnce(t *testing.T) {
	w := newMemWorld(t)
	c := w.client(t, quick)
	c.pass()
	w.srv.ResetStats()
	const n = 300
	for i := range n {
		c.create(c.at("Inbox"), fmt.Sprint("new ", i, ".eml"), mail(fmt.Sprint("new ", i), "body"))
	}
	c.flush()
	if asked := w.srv.Stats().ROPs[uint8(rop.IDGetLocalReplicaIDs)]; asked != 1 {
		t.Errorf("ids were asked for %d times", asked)
	}
	var ids []mapi.GlobCnt
	c.view(func(v *replica.View) error {
		for m, err := range v.Children(c.at("Inbox").Num, "") {
			if err != nil {
				return err
			}
			id, ok := m.Message.SourceKey.LongTermID()
			if !ok {
				t.Errorf("%s has the source key %s", m.Name, m.Message.SourceKey)
			}
			ids = append(ids, id.Counter)
			// [MS-OXCFXICS] 3.3.5.2.3: R3572
			if got := len(m.Message.ChangeKey); got != 16+4 {
				t.Errorf("%s has a change key of %d bytes", m.Name, got)
			}
		}
		return nil
	})
	slices.Sort(ids)
	if len(ids) != n || ids[n-1]-ids[0] != n-1 {
		t.Errorf("%d ids from %d to %d", len(ids), ids[0], ids[len(ids)-1])
	}
}

// TestCancelledDownload is about [MS-OXCSYNC] 3.1.4: what came whole before a cancellation is
// kept, with a state that does not go beyond it; the rest comes with the next download.
func TestCancelledDownload(t *testing.T) {
	w := newMemWorld(t)
	a := newAudit()
	a.listen(w)
	const n = 900
	for i := range n {
		w.deliver(fmt.Sprint("message ", i), "body")
	}
	c := w.client(t, headersOnly)
	ctx, cancel := context.WithCancel(t.Context())
	count := 0
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if r.Has(uint8(rop.IDFastTransferSourceGetBuffer)) && !r.Has(uint8(rop.IDSynchronizationConfigure)) {
			if count++; count == 3 {
				cancel()
			}
		}
		return memserver.Fault{}
	})
	if err := c.s.Pass(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("the pass ended with %v", err)
	}
	w.srv.SetScript(nil)
	counts := func() (out replica.Counts) {
		c.view(func(v *replica.View) (err error) { out, err = v.Counts(); return err })
		return out
	}
	kept := counts().Messages
	w.srv.ResetStats()
	c.pass()
	sent := w.srv.Stats().MessagesSent
	if got := counts().Messages; got != n || kept == 0 || sent != uint64(n-kept) {
		t.Errorf("%d messages, %d of them kept, %d sent again", got, kept, sent)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.open {
		if o.kind == stateOnly && o.on.kind != collector {
			t.Error("a state was asked for in the middle of a download")
		}
	}
}

// TestUploadComesBeforeDownload is about [MS-OXCSYNC] 3.1.5.1.
func TestUploadComesBeforeDownload(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	c := w.client(t)
	c.pass()
	c.create(c.at("Inbox"), "new.eml", mail("two", "body"))
	c.markRead(c.at("Inbox", "*one*").Num, true)
	w.deliver("three", "body")
	var order []uint8
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		order = append(order, r.ROPs...)
		return memserver.Fault{}
	})
	c.pass()
	download := slices.Index(order, uint8(rop.IDSynchronizationConfigure))
	for _, up := range []rop.ID{rop.IDSynchronizationImportMessageChange, rop.IDSynchronizationImportReadStateChanges} {
		if at := slices.Index(order, uint8(up)); at < 0 || download < 0 || at > download {
			t.Errorf("%s is number %d, the first download number %d", up, at, download)
		}
	}
}

// TestPropertiesThatAreGone is about [MS-OXCSYNC] 3.1.5.3.2: a change that comes as a whole
// leaves nothing of what was there before.
func TestPropertiesThatAreGone(t *testing.T) {
	w := newMemWorld(t)
	keywords := mapi.StringName(mapi.PSPublicStrings, "Keywords")
	mid := w.deliver("one", "body")
	if err := w.box.Edit(mid, func(m *mapi.Message) {
		m.Properties.SetNamed(keywords, mapi.TypeMultiString, []string{"Red"})
		m.Properties.Set(mapi.PidTagImportance, int32(2))
	}); err != nil {
		t.Fatal(err)
	}
	c := w.client(t)
	c.pass()
	look := func() (categories []string, bag mapi.PropertyBag) {
		n := c.at("Inbox", "*one*")
		c.view(func(v *replica.View) error {
			m, err := v.Message(n.Num)
			if err == nil {
				bag = m.Properties
			}
			return err
		})
		return n.Message.Categories, bag
	}
	if cats, bag := look(); len(cats) != 1 || bag.GetNamed(keywords) == nil || bag.Int(mapi.PidTagImportance) != 2 {
		t.Fatalf("before: %q, %v", cats, bag)
	}
	if err := w.box.Edit(mid, func(m *mapi.Message) {
		m.Properties.Delete(mapi.Key{Name: keywords})
		m.Properties.Delete(mapi.Key{ID: mapi.PidTagImportance.ID()})
	}); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if cats, bag := look(); len(cats) != 0 || bag.GetNamed(keywords) != nil || bag.Has(mapi.PidTagImportance) || !bag.Has(mapi.PidTagSubject) {
		t.Errorf("after: %q, %v", cats, bag)
	}
}

// TestItemThatCannotBeDelivered is about [MS-OXCSYNC] 3.1.5.3.3: in place of one message comes
// error information; it is noted once, and the others arrive.
func TestItemThatCannotBeDelivered(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	bad := w.deliver("two", "body")
	w.deliver("three", "body")
	told := 0
	w.meddle(func(_ rop.Call, r rop.Response) rop.Response {
		p, ok := r.(*rop.FastTransferSourceGetBufferResponse)
		if !ok || p.TransferStatus != rop.TransferDone {
			return r
		}
		if data, found := withoutMessage(t, p.TransferBuffer, bad); found {
			p.TransferBuffer = data
			told++
		}
		return r
	})
	c := w.client(t)
	for range 3 {
		c.pass()
	}
	if told == 0 {
		t.Fatal("no stream had the message in it")
	}
	if told > 1 {
		t.Errorf("the message was asked for %d times", told)
	}
	if c.find("Inbox", "*one*") == nil || c.find("Inbox", "*three*") == nil || c.find("Inbox", "*two*") != nil {
		t.Error(c.tree())
	}
	list, err := c.s.Failures()
	if err != nil || len(list) != 1 || list[0].Code != uint32(mapi.EcCorruptData) || list[0].Message == "" || list[0].Folder == "" {
		t.Errorf("failures %+v, %v", list, err)
	}
	// a later version may be sound
	if err := w.box.Edit(bad, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagSubject, "mended") }); err != nil {
		t.Fatal(err)
	}
	w.dial = newTransport(w)
	again := syncer.New(syncer.Config{Replica: c.rep, User: w.user, LegacyDN: w.dn, Dial: w.dial})
	defer again.Close()
	if err := again.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.find("Inbox", "*mended*") == nil {
		t.Errorf("the message does not come when it is sound again:\n%s", c.tree())
	}
}

// newTransport dials the in-tree server without anything in between.
func newTransport(w *world) func(context.Context) (rop.Transport, syncer.ServerInfo, error) {
	return func(context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, err := w.srv.Transport(w.user)
		return tr, syncer.ServerInfo{}, err
	}
}

// withoutMessage puts error information in the place of a message of a contents
// synchronization.
func withoutMessage(t *testing.T, stream []byte, bad mapi.MID) (out []byte, found bool) {
	t.Helper()
	var b bytes.Buffer
	dec, enc := fxics.NewDecoder(bytes.NewReader(stream), fxics.RootContentsSync, nil), fxics.NewEncoder(&b, fxics.RootContentsSync)
	for {
		el, err := dec.Next()
		if err != nil {
			break // the end, or a stream of another kind
		}
		if m, ok := el.(*fxics.MessageChange); ok {
			if id, ok := m.SourceKey().LongTermID(); ok && id.Counter == bad.Counter() {
				el, found = &fxics.ErrorInfo{Code: mapi.EcCorruptData, Message: id}, true
			}
		}
		if err := enc.Encode(el); err != nil {
			t.Error(err)
		}
	}
	if !found {
		return stream, false
	}
	if err := enc.Close(); err != nil {
		t.Error(err)
	}
	return b.Bytes(), true
}

// TestServerWithoutNotifications is about [MS-OXCNOTIF] 3.2.4.5: a client of a server that does not notify looks as often as
// the server wants and not more often, every minute if it does not say; one that is notified looks every 15 minutes.
func TestServerWithoutNotifications(t *testing.T) {
	for name, tc := range map[string]struct {
		deaf        bool
		polls, mine time.Duration
		want        time.Duration
	}{
		"it notifies":                  {false, 20 * time.Second, 0, 15 * time.Minute},
		"it does not":                  {true, 0, 0, time.Minute},
		"it wants more often":          {true, 20 * time.Second, 0, 20 * time.Second},
		"it wants less often":          {true, 3 * time.Minute, 0, 3 * time.Minute},
		"it wants hardly ever":         {true, 24 * time.Hour, 0, 15 * time.Minute},
		"it wants less often than we":  {true, 3 * time.Minute, time.Minute, 3 * time.Minute},
		"it wants more often than we":  {true, 20 * time.Second, time.Minute, time.Minute},
		"it notifies, we want our own": {false, 20 * time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			w.meddle(func(c rop.Call, r rop.Response) rop.Response {
				if _, ok := c.Request.(*rop.RegisterNotificationRequest); ok && tc.deaf {
					return c.Fail(mapi.EcNotSupported).Response
				}
				return r
			})
			waits := make(chan time.Duration, 10)
			dial := w.dial
			w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
				tr, info, err := dial(ctx)
				info.Polls = tc.polls
				return tr, info, err
			}
			c := w.client(t, func(cfg *syncer.Config) {
				cfg.PollInterval = tc.mine
				cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
					select {
					case waits <- d:
					default:
					}
					return nil, func() {}
				}
			})
			stop := c.runs()
			if got := <-waits; got != tc.want {
				t.Errorf("waits %s, want %s", got, tc.want)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
