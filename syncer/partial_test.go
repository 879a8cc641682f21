package syncer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// The tests of this file are about [MS-OXCSYNC] 3.1.5.3.4 and [MS-OXCFXICS] 2.2.4.3.15: changes in part, R1156 and R1157
// among their rules.

// traffic counts what a client asked for and how many bytes of transfer buffers came.
type traffic struct {
	copies, groups, bytes int
	partial               bool // a synchronization asked for changes in part
}

func (w *world) count(tr *traffic, change func(stream []byte) []byte) {
	w.meddle(func(c rop.Call, r rop.Response) rop.Response {
		switch q := c.Request.(type) {
		case copyRequest:
			tr.copies++
		case *rop.FastTransferSourceCopyToRequest:
			tr.groups++
		case configure:
			tr.partial = tr.partial || q.SendOptions&rop.SendPartialItem != 0
		}
		if p, ok := r.(*rop.FastTransferSourceGetBufferResponse); ok {
			tr.bytes += len(p.TransferBuffer)
			if change != nil {
				p.TransferBuffer = change(p.TransferBuffer)
			}
		}
		return r
	})
}

const attachmentText = "the attachment"

// letter is a message with a long body and an attachment.
func letter(body string) string {
	return "From: Bert Blau <bert@example.test>\nTo: Anna Berg <anna@example.test>\nSubject: one\n" +
		"Date: Fri, 20 Nov 2026 09:15:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
		"--b\nContent-Type: text/plain; charset=utf-8\n\n" + body + "\n--b\nContent-Type: text/plain; name=notes.txt\n" +
		"Content-Disposition: attachment; filename=notes.txt\n\n" + strings.Repeat(attachmentText+"\n", 600) + "--b--\n"
}

var (
	color  = mapi.StringName(mapi.PSPublicStrings, "Keywords")
	remind = mapi.LIDName(mapi.MustGUID("00062008-0000-0000-C000-000000000046"), 0x8530)
)

var partialEdits = []struct {
	name      string
	edit      func(m *mapi.Message)
	rest      bool // more than headers have changed
	sameBytes bool
}{
	{"category", func(m *mapi.Message) { m.Properties.SetNamed(color, mapi.TypeMultiString, []string{"Red"}) }, true, false},
	{"flag", func(m *mapi.Message) {
		m.Properties.Set(mapi.PidTagFlagStatus, int32(2))
		m.Properties.SetNamed(remind, mapi.TypeString, "Call back")
	}, true, true},
	{"subject", func(m *mapi.Message) {
		m.Properties.Set(mapi.PidTagSubject, "one, renamed")
		m.Properties.Set(mapi.PidTagNormalizedSubject, "one, renamed")
		m.Properties.Set(mapi.PidTagConversationTopic, "one, renamed")
	}, false, false},
	{"body", func(m *mapi.Message) { m.Properties.Set(mapi.PidTagBody, "one, written anew") }, true, false},
	{"recipients", func(m *mapi.Message) { m.Recipients = append(m.Recipients, m.Recipients[0]) }, true, false},
	{"attachment", func(m *mapi.Message) { m.Attachments = nil }, true, false},
	{"all", func(m *mapi.Message) {
		m.Attachments, m.Recipients = nil, nil
		m.Properties.Set(mapi.PidTagSubject, "else")
		m.Properties.Set(mapi.PidTagBody, "one, written anew")
		m.Properties.Set(mapi.PidTagFlagStatus, int32(1))
	}, true, false},
}

// TestPartialChanges: of a message that is here in full, only the groups that changed come, and everything is as it is with
// a client that reads the mailbox for the first time; of a header, only what is in the header comes.
func TestPartialChanges(t *testing.T) {
	for _, tc := range partialEdits {
		t.Run(tc.name, func(t *testing.T) {
			w := newMemWorld(t)
			mid, err := w.box.Deliver(w.inbox(), parse(t, letter(strings.Repeat("one long body\n", 600))))
			if err != nil {
				t.Fatal(err)
			}
			var tr, ht traffic
			counted, headers := *w, *w
			counted.count(&tr, nil)
			headers.count(&ht, nil)
			c := counted.client(t)
			h := headers.client(t, func(cfg *syncer.Config) { cfg.Keep = syncer.KeepPolicy{Headers: true} })
			c.pass()
			h.pass()
			before := c.at("Inbox", "*one*")
			if !tr.partial || tr.bytes < 20_000 || ht.copies > 0 {
				t.Fatalf("%+v, %+v: this shows nothing", tr, ht)
			}
			if err := w.box.Edit(mid, tc.edit); err != nil {
				t.Fatal(err)
			}
			tr, ht = traffic{}, traffic{}
			c.pass()
			h.pass()
			if tr.copies > 0 || tc.rest != (tr.groups > 0) || tr.bytes > 6_000 {
				t.Errorf("%d copies of messages, %d of groups, %d bytes", tr.copies, tr.groups, tr.bytes)
			}
			if ht.copies+ht.groups > 0 || ht.bytes > 3_000 {
				t.Errorf("for a header: %d copies of messages, %d of groups, %d bytes", ht.copies, ht.groups, ht.bytes)
			}
			fresh, after := w.client(t), c.at("Inbox", "*one*")
			fresh.pass()
			same(t, c, fresh)
			sameProperties(t, c, fresh)
			if (after.Version == before.Version) != tc.sameBytes {
				t.Errorf("version %d, then %d", before.Version, after.Version)
			}
			all := headers.client(t, func(cfg *syncer.Config) { cfg.Keep = syncer.KeepPolicy{Headers: true} })
			all.pass()
			sameProperties(t, h, all)
		})
	}
}

// properties returns the stored properties of the message in the Inbox that clients have of each other.
func properties(t *testing.T, c *client) map[mapi.Key]any {
	t.Helper()
	out := map[mapi.Key]any{}
	n := c.at("Inbox", "*.eml*")
	c.view(func(v *replica.View) error {
		m, err := v.Message(n.Num)
		if err != nil {
			return err
		}
		for _, p := range m.Properties {
			data, err := mapi.ValueBytes(p.Value)
			if err != nil {
				return err
			}
			if out[p.Key()] = fmt.Sprint(p.Value); data != nil {
				out[p.Key()] = string(data)
			}
		}
		return nil
	})
	for _, tag := range []mapi.PropertyTag{mapi.PidTagMid, mapi.PidTagOriginalEntryId, mapi.PidTagLastModifierName, mapi.PidTagLastModifierEntryId} {
		delete(out, mapi.Key{ID: tag.ID()})
	}
	return out
}

// sameProperties compares what is stored of the message in the Inbox.
func sameProperties(t *testing.T, got, want *client) {
	t.Helper()
	if d := cmp.Diff(properties(t, want), properties(t, got)); d != "" {
		t.Errorf("properties differ:\n%s", d)
	}
}

// scramble changes the elements of contents streams, and reports whether it did.
func scramble(t *testing.T, change func(el fxics.Element, put func(fxics.Element)) bool) (func(stream []byte) []byte, *int) {
	done := 0
	return func(stream []byte) []byte {
		var b bytes.Buffer
		dec, enc := fxics.NewDecoder(bytes.NewReader(stream), fxics.RootContentsSync, nil), fxics.NewEncoder(&b, fxics.RootContentsSync)
		put := func(el fxics.Element) {
			if err := enc.Encode(el); err != nil {
				t.Error(err)
			}
		}
		changed := false
		for {
			el, err := dec.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return stream // of another kind
			}
			if change(el, put) {
				changed = true
			} else {
				put(el)
			}
		}
		if !changed {
			return stream
		}
		done++
		if err := enc.Close(); err != nil {
			t.Error(err)
		}
		return b.Bytes()
	}, &done
}

// TestPartialChangesThatDoNotFit: what can't be applied is fetched whole; a mapping that comes again counts from there on.
func TestPartialChangesThatDoNotFit(t *testing.T) {
	const far = 1000
	groups := 0
	for name, tc := range map[string]struct {
		change func(el fxics.Element, put func(fxics.Element)) bool
		copies bool
	}{
		"no mapping": {func(el fxics.Element, _ func(fxics.Element)) bool {
			_, ok := el.(*fxics.PropertyGroupInfo)
			return ok
		}, true},
		"another mapping": {func(el fxics.Element, put func(fxics.Element)) bool {
			g, ok := el.(*fxics.PropertyGroupInfo)
			if ok {
				g.GroupID++
				put(g)
			}
			return ok
		}, true},
		"an index too large": {func(el fxics.Element, put func(fxics.Element)) bool {
			m, ok := el.(*fxics.MessageChange)
			if !ok || m.Partial == nil {
				return false
			}
			m.Partial.Groups[0].Index = far
			put(m)
			return true
		}, true},
		"the mapping again, in another order": {func(el fxics.Element, put func(fxics.Element)) bool {
			switch e := el.(type) {
			case *fxics.PropertyGroupInfo:
				put(e)
				groups = len(e.Groups)
				turned := *e
				turned.Groups = slices.Clone(e.Groups)
				slices.Reverse(turned.Groups)
				put(&turned)
				return true
			case *fxics.MessageChange:
				if e.Partial == nil {
					return false
				}
				for i := range e.Partial.Groups {
					e.Partial.Groups[i].Index = uint32(groups) - 1 - e.Partial.Groups[i].Index
				}
				put(e)
				return true
			}
			return false
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			mid, err := w.box.Deliver(w.inbox(), parse(t, letter("one body")))
			if err != nil {
				t.Fatal(err)
			}
			change, done := scramble(t, tc.change)
			var tr traffic
			counted := *w
			counted.count(&tr, change)
			c := counted.client(t)
			c.pass()
			for _, e := range partialEdits[:4] {
				tr = traffic{}
				if err := w.box.Edit(mid, e.edit); err != nil {
					t.Fatal(err)
				}
				c.pass()
				if tc.copies != (tr.copies > 0) {
					t.Errorf("%s: %d copies", e.name, tr.copies)
				}
				fresh := w.client(t)
				fresh.pass()
				same(t, c, fresh)
			}
			if *done == 0 {
				t.Error("nothing was scrambled")
			}
		})
	}
}

// TestPartialChangeOfWhatIsNotHere: a change in part of a message that got lost here brings it back.
func TestPartialChangeOfWhatIsNotHere(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "body")
	c := w.client(t)
	c.pass()
	c.update(func(u *replica.Update) error { return u.Remove(c.at("Inbox", "*one*").Num) })
	if err := w.box.Edit(mid, partialEdits[0].edit); err != nil {
		t.Fatal(err)
	}
	c.pass()
	fresh := w.client(t)
	fresh.pass()
	same(t, c, fresh)
}

// TestOldServersSendWholeItems: [MS-OXCSYNC] 1.7, a server that is too old, or does not tell its version, is not asked for
// changes in part.
func TestOldServersSendWholeItems(t *testing.T) {
	for version, want := range map[mapi.ServerVersion]bool{{}: false, {7, 9, 9999}: false, {8}: true, {15, 1, 2507}: true} {
		w := newMemWorld(t)
		mid := w.deliver("one", "body")
		var tr traffic
		w.count(&tr, nil)
		dial := w.dial
		w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
			s, info, err := dial(ctx)
			info.Version = version
			return s, info, err
		}
		c := w.client(t)
		c.pass()
		if err := w.box.Edit(mid, partialEdits[0].edit); err != nil {
			t.Fatal(err)
		}
		c.pass()
		if tr.partial != want || (tr.groups > 0) != want {
			t.Errorf("%v: asked %v, %d groups", version, tr.partial, tr.groups)
		}
		if n := c.at("Inbox", "*one*"); !slices.Equal(n.Message.Categories, []string{"Red"}) {
			t.Errorf("%v: categories %v", version, n.Message.Categories)
		}
	}
}

// TestPartialChangeKeepsReadState: a group without the read state leaves it alone.
func TestPartialChangeKeepsReadState(t *testing.T) {
	w := newMemWorld(t)
	mid := w.deliver("one", "body")
	c := w.client(t)
	c.pass()
	if err := w.box.MarkRead(mid, true); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if err := w.box.Edit(mid, partialEdits[0].edit); err != nil {
		t.Fatal(err)
	}
	c.pass()
	if n := c.at("Inbox", "*one*"); !n.Message.Read || len(n.Message.Categories) != 1 {
		t.Errorf("%+v", n.Message)
	}
}

// TestManyPartialChanges: the groups of many messages share requests.
func TestManyPartialChanges(t *testing.T) {
	w := newMemWorld(t)
	const n = 50
	var mids []mapi.MID
	for i := range n {
		mids = append(mids, w.deliver(fmt.Sprint("message ", i), strings.Repeat("a line of text\n", 1000)))
	}
	c := w.client(t)
	c.pass()
	w.srv.ResetStats()
	c.pass()
	idle := w.srv.Stats().Requests
	for _, mid := range mids {
		if err := w.box.Edit(mid, partialEdits[1].edit); err != nil {
			t.Fatal(err)
		}
	}
	w.srv.ResetStats()
	c.pass()
	t.Logf("%d requests, %d bytes; %d when nothing is new", w.srv.Stats().Requests, w.srv.Stats().StreamBytes, idle)
	if got := w.srv.Stats().Requests - idle; got > 10 {
		t.Errorf("%d requests for %d flags", got, n)
	}
	fresh := w.client(t)
	fresh.pass()
	same(t, c, fresh)
}
