package syncer_test

import (
	"bytes"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// The tests of this file are about [MS-OXCSYNC] 3.1.5.3.3: items that the server can't deliver.

// trouble is a server that can't deliver some messages.
type trouble struct {
	t       testing.TB
	bad     mapi.MID // not delivered by a synchronization
	subject string   // not delivered by a copy
	copies  int      // messages that were asked for by copies
	code    mapi.ErrorCode
}

func (w *world) troubled(x *trouble) {
	x.t, x.code = w.t, mapi.EcCorruptData
	w.meddle(func(c rop.Call, r rop.Response) rop.Response {
		if q, ok := c.Request.(copyRequest); ok {
			x.copies += len(q.MessageIDs)
		}
		p, ok := r.(*rop.FastTransferSourceGetBufferResponse)
		if !ok || p.TransferStatus != rop.TransferDone {
			return r
		}
		if x.bad != 0 {
			p.TransferBuffer, _ = withoutMessage(w.t.(*testing.T), p.TransferBuffer, x.bad)
		}
		if x.subject != "" {
			p.TransferBuffer = x.withoutCopy(p.TransferBuffer)
		}
		return r
	})
}

// withoutCopy puts error information in the place of a message of a list.
func (x *trouble) withoutCopy(stream []byte) []byte {
	var b bytes.Buffer
	dec, enc := fxics.NewDecoder(bytes.NewReader(stream), fxics.RootMessageList, nil), fxics.NewEncoder(&b, fxics.RootMessageList)
	found := false
	for {
		el, err := dec.Next()
		if err != nil {
			break // the end, or a stream of another kind
		}
		if m, ok := el.(*fxics.MessageContent); ok && m.Message.Properties.String(mapi.PidTagSubject) == x.subject {
			e := &fxics.ErrorInfo{Code: x.code}
			if id, ok := mapi.SourceKey(m.Message.Properties.Bytes(mapi.PidTagSourceKey)).LongTermID(); ok {
				e.Message = id
			}
			el, found = e, true
		}
		if err := enc.Encode(el); err != nil {
			return stream
		}
	}
	if !found {
		return stream
	}
	if err := enc.Close(); err != nil {
		x.t.Error(err)
	}
	return b.Bytes()
}

func (c *client) failures(want int) []syncer.Failure {
	c.t.Helper()
	list, err := c.s.Failures()
	if err != nil || len(list) != want || c.s.Status().SetAside != want {
		c.t.Fatalf("%d set aside, failures %+v, %v", c.s.Status().SetAside, list, err)
	}
	return list
}

// TestSetAsideMessageIsAskedForAgain: a message of which not even the header could be had is asked for again, after an hour, then
// less often, and is off the list once it is here.
func TestSetAsideMessageIsAskedForAgain(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	x := &trouble{bad: w.deliver("two", "body"), subject: "two"}
	w.troubled(x)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	c := w.client(t, func(cfg *syncer.Config) { cfg.Now = func() time.Time { return now } })
	c.pass()
	if f := c.failures(1)[0]; f.Tries != 1 || !f.At.Equal(now) || f.Body || !f.Next().Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", f)
	}
	tries := func(after time.Duration, want int) {
		t.Helper()
		now, x.copies = now.Add(after), 0
		c.pass()
		if x.copies != want {
			t.Errorf("%d messages were asked for after %v", x.copies, after)
		}
	}
	tries(59*time.Minute, 0)
	tries(time.Minute, 1)
	tries(time.Hour, 0)
	tries(5*time.Hour, 1)
	tries(6*time.Hour, 0)
	if f := c.failures(1)[0]; f.Tries != 3 || f.At.Equal(f.Last) {
		t.Errorf("%+v", f)
	}
	x.bad, x.subject = 0, ""
	tries(18*time.Hour, 1)
	c.failures(0)
	fresh := w.client(t)
	fresh.pass()
	same(t, c, fresh)
	w.srv.ResetStats()
	c.pass()
	if n := w.srv.Stats().MessagesSent; n != 0 {
		t.Errorf("%d messages come again", n)
	}
}

// TestSetAsideBody: a message whose header is here and whose content can't be had does not hold up others, is not asked for with
// every pass, and is off the list once it is here.
func TestSetAsideBody(t *testing.T) {
	w := newMemWorld(t)
	for _, s := range []string{"one", "two", "three"} {
		w.deliver(s, "body")
	}
	x := &trouble{subject: "two"}
	w.troubled(x)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	c := w.client(t, func(cfg *syncer.Config) { cfg.Now = func() time.Time { return now } })
	c.pass()
	if f := c.failures(1)[0]; !f.Body || f.Message == "" {
		t.Errorf("%+v", f)
	}
	if x.copies != 3 || !has(t, c, "Inbox", "(header)") {
		t.Errorf("%d asked for, %v", x.copies, c.contents())
	}
	c.pass()
	now = now.Add(30 * time.Minute)
	c.pass()
	if x.copies != 3 {
		t.Errorf("%d asked for within the hour", x.copies-3)
	}
	x.subject = ""
	now = now.Add(30 * time.Minute)
	c.pass()
	c.failures(0)
	if x.copies != 4 || has(t, c, "Inbox", "(header)") {
		t.Errorf("%d asked for, %v", x.copies, c.contents())
	}
}

// TestSetAsideVersion: a message of which a newer version can't be had stays as it is here, and is followed until it can.
func TestSetAsideVersion(t *testing.T) {
	w := newMemWorld(t)
	x := &trouble{}
	mid := w.deliver("two", "body")
	w.troubled(x)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	c := w.client(t, func(cfg *syncer.Config) { cfg.Now = func() time.Time { return now } })
	c.pass()
	if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "changed") }); err != nil {
		t.Fatal(err)
	}
	x.bad = mid
	c.pass()
	if f := c.failures(1)[0]; f.Was == "" || has(t, c, "Inbox", "changed") || !has(t, c, "Inbox", "body") {
		t.Errorf("%+v, %v", f, c.contents())
	}
	x.bad = 0
	now = now.Add(time.Hour)
	c.pass()
	c.failures(0)
	fresh := w.client(t)
	fresh.pass()
	same(t, c, fresh)
	if err := w.box.Delete(mid, true); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if c.find("Inbox", "*two*") != nil {
		t.Error("a deletion is not seen")
	}
}

// TestSetAsideMessageThatIsGone: a message that was deleted meanwhile is off the list.
func TestSetAsideMessageThatIsGone(t *testing.T) {
	w := newMemWorld(t)
	x := &trouble{bad: w.deliver("two", "body")}
	w.troubled(x)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	c := w.client(t, func(cfg *syncer.Config) { cfg.Now = func() time.Time { return now } })
	c.pass()
	c.failures(1)
	if err := w.box.Delete(x.bad, true); err != nil {
		t.Fatal(err)
	}
	c.pass()
	now = now.Add(time.Hour)
	c.pass()
	c.failures(0)
}
