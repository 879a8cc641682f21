package syncer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// The tests of this file are about servers that answer what they should not, or never come to an end: no pass may hang, grow
// without bounds or ask in circles, and one folder holds up no other.

// onlyOf makes a meddler that leaves alone what is no answer to the given operation.
func onlyOf(id rop.ID, change func(r rop.Response) rop.Response) func(rop.Call, rop.Response) rop.Response {
	return func(c rop.Call, r rop.Response) rop.Response {
		if c.Request.ROP() != id {
			return r
		}
		return change(r)
	}
}

// TestTransferWithoutEnd: a server that answers empty transfer buffers for ever.
func TestTransferWithoutEnd(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	w.meddle(onlyOf(rop.IDFastTransferSourceGetBuffer, func(r rop.Response) rop.Response {
		if asked++; asked > 10_000 {
			cancel()
		}
		p := *r.(*rop.FastTransferSourceGetBufferResponse)
		p.TransferBuffer, p.TransferStatus = nil, rop.TransferPartial
		return &p
	}))
	c := w.client(t)
	var odd *mapi.Protocol
	if err := c.s.Pass(ctx); !errors.As(err, &odd) {
		t.Fatalf("got %v", err)
	}
}

// TestTableWithoutEnd: a hierarchy table that never ends is a luxury that one does without.
func TestTableWithoutEnd(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	var rows *rop.QueryRowsResponse
	w.meddle(onlyOf(rop.IDQueryRows, func(r rop.Response) rop.Response {
		if asked++; asked > 20_000 {
			cancel()
		}
		if rows == nil {
			p := *r.(*rop.QueryRowsResponse)
			rows, p.Origin = &p, rop.BookmarkCurrent
		}
		return rows
	}))
	c := w.client(t)
	if err := c.s.Pass(ctx); err != nil || c.find("Inbox", "*one*") == nil {
		t.Error(err, c.tree())
	}
}

// recode changes the elements of a synchronization stream that came in one transfer buffer.
func recode(t *testing.T, p []byte, root fxics.Root, change func(fxics.Element)) []byte {
	t.Helper()
	dec := fxics.NewDecoder(bytes.NewReader(p), root, nil)
	var out bytes.Buffer
	enc := fxics.NewEncoder(&out, root)
	for {
		el, err := dec.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Error(err)
			return p
		}
		change(el)
		if err := enc.Encode(el); err != nil {
			t.Error(err)
			return p
		}
		if _, last := el.(*fxics.State); last {
			break
		}
	}
	if err := enc.Close(); err != nil {
		t.Error(err)
	}
	return out.Bytes()
}

// TestRangesWithoutEnd: a server that says of all ids at once that they are folders that it has, and folders and messages that
// are gone. Nobody looks at them one by one.
func TestRangesWithoutEnd(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	doomed := w.box.CreateFolder("Doomed")
	inside, err := w.box.Deliver(doomed, parse(t, mail("two", "body")))
	if err != nil {
		t.Fatal(err)
	}
	on := false
	all := idset.NewGlobSet(idset.Range{Low: 1 << 30, High: 1 << 46})
	w.meddle(onlyOf(rop.IDFastTransferSourceGetBuffer, func(r rop.Response) rop.Response {
		p := *r.(*rop.FastTransferSourceGetBufferResponse)
		if !on || p.TransferStatus != rop.TransferDone || !bytes.Contains(p.TransferBuffer, []byte{0x03, 0x00, 0x3A, 0x40}) { // IncrSyncStateBegin
			return r
		}
		root := fxics.RootContentsSync
		if _, err := fxics.NewDecoder(bytes.NewReader(p.TransferBuffer), fxics.RootHierarchySync, nil).Next(); err == nil &&
			!bytes.Contains(p.TransferBuffer, []byte{0x02, 0x01, 0xDA, 0x67}) { // MetaTagCnsetSeenFAI
			root = fxics.RootHierarchySync
		}
		p.TransferBuffer = recode(t, p.TransferBuffer, root, func(el fxics.Element) {
			switch e := el.(type) {
			case *fxics.Deletions:
				e.Deleted.AddSet(1, all)
			case *fxics.State:
				for _, x := range e.Given.Entries() {
					e.Given.AddSet(x.GUID, all)
				}
			}
		})
		return &p
	}))
	c := w.client(t)
	c.pass()
	on = true
	if err := w.box.Delete(inside, true); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if err := w.box.DeleteFolder(doomed, true); err != nil {
		t.Fatal(err)
	}
	w.deliver("three", "body")
	c.pass()
	c.pass()
	on = false // the replica's check does not let such states pass
	w.deliver("four", "body")
	c.pass()
	if c.find("Doomed") != nil || c.find("Inbox", "*three*") == nil || c.find("Inbox", "*one*") == nil {
		t.Error(c.tree())
	}
}

// TestBusyOperation: single operations that a server is too busy for say nothing about what they are about: no state is
// dropped, nothing counts as gone, and nothing is given up however often it happens.
func TestBusyOperation(t *testing.T) {
	for _, id := range []rop.ID{rop.IDOpenFolder, rop.IDSynchronizationConfigure, rop.IDFastTransferSourceCopyMessages, rop.IDOpenMessage,
		rop.IDSaveChangesMessage, rop.IDSynchronizationImportMessageChange, rop.IDSynchronizationImportMessageMove, rop.IDSynchronizationOpenCollector,
		rop.IDSynchronizationImportReadStateChanges, rop.IDSynchronizationImportHierarchyChange, rop.IDSynchronizationImportDeletes,
		rop.IDGetPropertiesSpecific, rop.IDGetLocalReplicaIDs} {
		t.Run(id.String(), func(t *testing.T) {
			w := newMemWorld(t)
			for _, s := range []string{"one", "two", "three", "four", "five", "six"} {
				w.deliver(s, "body of "+s)
			}
			w.box.CreateFolder("Old")
			w.box.CreateFolder("Empty")
			busy := 0
			w.meddle(func(c rop.Call, r rop.Response) rop.Response {
				if c.Request.ROP() != id || busy == 0 || r.Result() != 0 {
					return r
				}
				if q, ok := c.Request.(*rop.SynchronizationConfigureRequest); ok && q.SynchronizationType == rop.SyncHierarchy {
					return r
				}
				busy--
				return c.Fail(mapi.EcServerBusy).Response
			})
			c := w.client(t, headersOnly, quick)
			c.pass()
			story(c)
			w.deliver("seven", "body of seven")
			w.srv.ResetStats()
			busy = 20
			for i := 0; busy > 0 && i < 100; i++ {
				_ = c.s.Pass(t.Context())
				if n := c.find("Inbox", "*seven*"); n != nil && busy > 0 {
					_ = c.s.Fetch(t.Context(), n.Num)
				}
			}
			busy = 0
			c.flush()
			c.pass()
			// of these two the server counts what it made ready, whatever became of the answer
			counted := id != rop.IDFastTransferSourceCopyMessages && id != rop.IDSynchronizationConfigure
			if sent := w.srv.Stats().MessagesSent; sent > 3 && counted {
				t.Errorf("%d items were sent", sent)
			}
			if list, err := c.s.Failures(); err != nil || len(list) > 0 {
				t.Errorf("set aside: %v %v", list, err)
			}
			fresh := w.client(t, headersOnly)
			fresh.pass()
			if a, b := c.tree(), fresh.tree(); len(strings.Split(a, "\n")) != len(strings.Split(b, "\n")) {
				t.Errorf("here:\n%s\nthere:\n%s", a, b)
			}
		})
	}
}

// TestBrokenFolderHoldsUpNothing: a folder whose stream can't be read is set aside; the others arrive, and so does it later.
func TestBrokenFolderHoldsUpNothing(t *testing.T) {
	w := newMemWorld(t)
	at := newClock()
	w.deliver("one", "body")
	if _, err := w.box.Deliver(w.box.CreateFolder("Later"), parse(t, mail("two", "body"))); err != nil {
		t.Fatal(err)
	}
	broken := true
	w.breakStreams(&broken, "one")
	c := w.client(t, headersOnly, at.config)
	for range 3 {
		_ = c.s.Pass(t.Context())
	}
	if c.find("Later", "*two*") == nil {
		t.Fatal(c.tree())
	}
	list, err := c.s.Failures()
	if err != nil || len(list) != 1 || list[0].Message != "" || list[0].Folder != c.at("Inbox").Folder.SourceKey.String() {
		t.Fatalf("set aside: %+v %v", list, err)
	}
	broken = false
	at.now = at.now.Add(2 * time.Hour)
	c.pass()
	c.pass()
	if c.find("Inbox", "*one*") == nil {
		t.Error(c.tree())
	}
	if list, err := c.s.Failures(); err != nil || len(list) > 0 {
		t.Errorf("still set aside: %+v %v", list, err)
	}
}

// breakStreams makes rubbish of each stream from where a text is in it.
func (w *world) breakStreams(on *bool, text string) {
	mark := []byte(strings.Join(strings.Split(text, ""), "\x00") + "\x00")
	w.meddle(onlyOf(rop.IDFastTransferSourceGetBuffer, func(r rop.Response) rop.Response {
		p := *r.(*rop.FastTransferSourceGetBufferResponse)
		if i := bytes.Index(p.TransferBuffer, mark); *on && i >= 0 {
			p.TransferBuffer = append(bytes.Clone(p.TransferBuffer[:i]), 0xFF, 0xFF, 0xFF, 0x7F)
			p.TransferStatus = rop.TransferDone
		}
		return &p
	}))
}

// TestBrokenMessageHoldsUpNothing is the same for one message of many.
func TestBrokenMessageHoldsUpNothing(t *testing.T) {
	w := newMemWorld(t)
	at := newClock()
	const n = 20
	for i := range n {
		w.deliver(fmt.Sprint("number ", i), fmt.Sprintf("body of %d.", i))
	}
	broken := true
	w.breakStreams(&broken, "body of 7.")
	c := w.client(t, at.config)
	for range 4 {
		_ = c.s.Pass(t.Context())
	}
	if got := c.counts(); got.Messages != n || got.Full != n-1 {
		t.Fatalf("%d messages, %d complete", got.Messages, got.Full)
	}
	list, err := c.s.Failures()
	if err != nil || len(list) != 1 || !list[0].Body || list[0].Message != c.at("Inbox", "*number 7*").Message.SourceKey.String() {
		t.Fatalf("set aside: %+v %v", list, err)
	}
	w.srv.ResetStats()
	c.pass() // it rests
	if sent := w.srv.Stats().MessagesSent; sent > 0 {
		t.Errorf("%d items were sent", sent)
	}
	broken = false
	at.now = at.now.Add(2 * time.Hour)
	c.pass()
	if list, err := c.s.Failures(); err != nil || len(list) > 0 || c.counts().Full != n {
		t.Errorf("still set aside: %+v %v", list, err)
	}
}

// tellContext tells when somebody begins to wait for its end.
type tellContext struct {
	context.Context
	once  sync.Once
	asked chan struct{}
}

func (c *tellContext) Done() <-chan struct{} {
	c.once.Do(func() { close(c.asked) })
	return c.Context.Done()
}

// TestFetchJoinsOneThatWasGivenUp: who asks for a message right after the last one who wanted it has gone still gets it, and
// one who comes and goes twice does not take the message away from others.
func TestFetchJoinsOneThatWasGivenUp(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	w.deliver("two", "body")
	c := w.client(t, headersOnly)
	c.pass()
	one, two := c.at("Inbox", "*one*").Num, c.at("Inbox", "*two*").Num
	under, goOn := make(chan struct{}, 10), make(chan struct{})
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if r.Has(uint8(rop.IDFastTransferSourceCopyMessages)) {
			under <- struct{}{}
			<-goOn
		}
		return memserver.Fault{}
	})
	// fetch returns once the call waits
	fetch := func(num replica.Num) (cancel func(), result chan error) {
		ctx, cancel := context.WithCancel(t.Context())
		tell := &tellContext{Context: ctx, asked: make(chan struct{})}
		result = make(chan error, 1)
		go func() { result <- c.s.Fetch(tell, num) }()
		<-tell.asked
		return cancel, result
	}
	cancel, first := fetch(one)
	<-under
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_, second := fetch(one)
	_, other := fetch(two)
	close(goOn)
	for _, r := range []chan error{second, other} {
		if err := <-r; err != nil {
			t.Error(err)
		}
	}
}

// TestWaitThatTheServerRefuses: a server that takes no NotificationWait for now is left alone for as long as it says, polled
// meanwhile, and then waited for again.
func TestWaitThatTheServerRefuses(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	w.deliver("one", "body")
	const away = 77 * time.Second
	waits, passes := 0, 0
	again := make(chan struct{})
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		switch {
		case r.Type == mapihttp.NotificationWait:
			if waits++; waits == 1 {
				return memserver.Fault{Busy: away}
			}
			close(again)
			w.srv.SetScript(nil)
		case r.Has(uint8(rop.IDGetHierarchyTable)):
			passes++
		}
		return memserver.Fault{}
	})
	slept, polls := make(chan chan time.Time, 1), make(chan time.Duration, 100)
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			ch := make(chan time.Time, 1)
			switch {
			case d > away/2 && d <= away && d != time.Minute:
				slept <- ch
			case d < time.Second:
				ch <- time.Now() // the settling of events
			default:
				polls <- d
			}
			return ch, func() {}
		}
	})
	stop := c.runs()
	timeout := time.After(limit)
	var wake chan time.Time
	select {
	case wake = <-slept:
	case <-timeout:
		t.Fatal("nobody waits until the server takes it again")
	}
	for poll := time.Duration(0); poll != time.Minute; {
		select {
		case poll = <-polls:
		case <-timeout:
			t.Fatal("nobody polls meanwhile")
		}
	}
	wake <- time.Now()
	select {
	case <-again:
	case <-timeout:
		t.Fatal("nobody waits again")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if passes > 5 {
		t.Errorf("%d passes", passes)
	}
}

// TestChangesDoNotCutBackOffShort: what is written while the server is away does not make it be asked at once again, but for
// somebody who wants so.
func TestChangesDoNotCutBackOffShort(t *testing.T) {
	leaks(t)
	w := newMemWorld(t)
	dials := make(chan struct{}, 100)
	rests := make(chan chan time.Time, 100)
	c := w.client(t, func(cfg *syncer.Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
			dials <- struct{}{}
			return dial(ctx)
		}
		cfg.After = func(d time.Duration) (<-chan time.Time, func()) {
			ch := make(chan time.Time, 1)
			if d < 100*time.Millisecond {
				ch <- time.Now() // the settling of events
			} else {
				rests <- ch
			}
			return ch, func() {}
		}
	})
	c.pass()
	<-dials
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	c.offline.Store(true)
	stop := c.runs()
	timeout := time.After(limit)
	rest := func() chan time.Time {
		t.Helper()
		<-dials
		select {
		case ch := <-rests:
			return ch
		case <-timeout:
			t.Fatal("it does not rest")
			return nil
		}
	}
	ch := rest()
	for _, s := range []string{"one", "two", "three"} {
		c.create(c.at("Inbox"), s+".eml", mail(s, "body"))
	}
	if len(dials) > 0 {
		t.Error("changes made it dial")
	}
	ch <- time.Now()
	rest()
	if len(dials) > 0 {
		t.Error("changes made it dial once its time was over")
	}
	c.s.Kick()
	rest()
	c.offline.Store(false)
	c.s.Kick()
	c.until("what was queued went up", func() bool { return c.s.Status().Queued == 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
