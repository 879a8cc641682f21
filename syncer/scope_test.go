package syncer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

// only gives a client other restrictions, as a restart with another configuration does.
func (c *client) only(restrictions map[string]mapi.Restriction) {
	c.t.Helper()
	if err := c.s.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.cfg.Only = restrictions
	c.s = syncer.New(c.cfg)
}

// in returns the subjects of the messages in a folder, in order.
func (c *client) in(folder string) string {
	c.t.Helper()
	var out []string
	for _, line := range strings.Split(c.tree(), "\n") {
		if name, ok := strings.CutPrefix(line, "/"+folder+"/"); ok && name != "" {
			_, subject, _ := strings.Cut(name, " - ")
			subject, _, _ = strings.Cut(subject, ".")
			out = append(out, subject)
		}
	}
	return strings.Join(out, " ")
}

// TestRestrictedScope: a folder that the configuration restricts is a scope of its own. Its state serves no other one, and
// another restriction is another scope.
func TestRestrictedScope(t *testing.T) {
	w := newMemWorld(t)
	archive := w.box.CreateFolder("Archive")
	deliver := func(n int) mapi.MID {
		m := parse(t, mail(fmt.Sprint("m", n), "body"))
		m.Properties.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(day(n)))
		mid, err := w.box.Deliver(archive, m)
		if err != nil {
			t.Fatal(err)
		}
		return mid
	}
	mids := map[int]mapi.MID{}
	for n := 1; n <= 6; n++ {
		mids[n] = deliver(n)
	}
	w.deliver("elsewhere", "body")
	restricted := map[bool]int{}
	w.meddle(lookAt(rop.IDSynchronizationConfigure, func(c rop.Call) {
		q := c.Request.(*rop.SynchronizationConfigureRequest)
		if q.SynchronizationType == rop.SyncContents {
			restricted[len(q.RestrictionData) > 0]++
		}
	}))
	since := func(n int) map[string]mapi.Restriction {
		return map[string]mapi.Restriction{"Archive": syncer.Since(day(n))}
	}
	expect := func(c *client, when, want string) {
		t.Helper()
		if got := c.in("Archive"); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	c := w.client(t, headersOnly)
	c.only(since(4))
	c.pass()
	expect(c, "at first", "m4 m5 m6")
	if restricted[true] != 1 || restricted[false] < 5 || c.find("Inbox", "*elsewhere*") == nil {
		t.Errorf("%d folders were restricted, %d not", restricted[true], restricted[false])
	}
	deliver(2) // an old one
	deliver(7)
	c.pass()
	expect(c, "after deliveries", "m4 m5 m6 m7")
	w.srv.ResetStats()
	c.pass()
	if sent := w.srv.Stats().MessagesSent; sent != 0 {
		t.Errorf("%d items come again", sent)
	}

	c.only(since(6))
	w.srv.ResetStats()
	c.pass()
	expect(c, "later", "m6 m7")
	if sent := w.srv.Stats().MessagesSent; sent != 2 {
		t.Errorf("%d items were sent for another scope of 2", sent)
	}
	c.only(since(3))
	c.pass()
	expect(c, "earlier", "m3 m4 m5 m6 m7")

	// what leaves the scope goes from here, but not with what was written here
	if err := w.box.Edit(mids[5], func(m *mapi.Message) { m.Properties.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(day(1))) }); err != nil {
		t.Fatal(err)
	}
	c.flag(c.at("Archive", "*m4*").Num, 2, "kept")
	if err := w.box.Edit(mids[4], func(m *mapi.Message) { m.Properties.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(day(1))) }); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if got := c.in("Archive"); strings.Contains(got, "m5") || !strings.HasPrefix(got, "m3") {
		t.Errorf("after m5 has left: %q", got)
	}

	c.only(nil)
	c.pass()
	fresh := w.client(t, headersOnly)
	fresh.pass()
	same(t, c, fresh)
	expect(c, "unrestricted", fresh.in("Archive"))
	if n := c.at("Archive", "*m4*"); n.Message.Flag != 2 {
		t.Error("what was set on a message that left the scope is lost")
	}
	if got := c.in("Archive"); strings.Count(got, "m") != 8 {
		t.Errorf("%q", got)
	}
}

// TestScopeOfInterruptedDownload: what was downloaded of one scope before an interruption is not taken for a part of another.
func TestScopeOfInterruptedDownload(t *testing.T) {
	w := newMemWorld(t)
	const n = 900
	for i := range n {
		m := parse(t, mail(fmt.Sprint("m", i), "body"))
		m.Properties.Set(mapi.PidTagMessageDeliveryTime, mapi.NewFileTime(day(1).Add(time.Duration(i)*time.Hour)))
		if _, err := w.box.Deliver(w.inbox(), m); err != nil {
			t.Fatal(err)
		}
	}
	since := func(i int) map[string]mapi.Restriction {
		return map[string]mapi.Restriction{"Inbox": syncer.Since(day(1).Add(time.Duration(i) * time.Hour))}
	}
	c := w.client(t, headersOnly)
	c.only(since(0))
	c.passThatIsCut()
	if c.counts().Messages == 0 {
		t.Fatal("nothing had come")
	}
	c.only(since(n - 10))
	c.pass()
	if got := c.counts().Messages; got != 10 {
		t.Errorf("%d messages, want 10", got)
	}
	c.only(nil)
	c.pass()
	if got := c.counts().Messages; got != n {
		t.Errorf("%d messages, want %d", got, n)
	}
}

// lookAt looks at the requests of one kind and changes no answer.
func lookAt(id rop.ID, look func(c rop.Call)) func(rop.Call, rop.Response) rop.Response {
	return func(c rop.Call, r rop.Response) rop.Response {
		if c.Request.ROP() == id {
			look(c)
		}
		return r
	}
}
