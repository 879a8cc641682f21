package syncer_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/replica"
)

// noise returns bytes that are the same every time.
func noise(n int, seed uint64) []byte {
	p := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = src.Read(p) // never fails
	return p
}

// attachmentOf makes an attachment of bytes.
func attachmentOf(name string, data []byte) mapi.Attachment {
	return mapi.Attachment{Properties: mapi.PropertyBag{
		{Tag: mapi.PidTagAttachMethod, Value: int32(1)}, {Tag: mapi.PidTagAttachLongFilename, Value: name},
		{Tag: mapi.PidTagAttachDataBinary, Value: data},
	}}
}

// wantAttachments compares the attachments of the first message in the Inbox.
func (c *client) wantAttachments(want ...[]byte) {
	c.t.Helper()
	c.view(func(v *replica.View) error {
		m, err := v.Message(c.at("Inbox", "*large*").Num)
		if err != nil {
			return err
		}
		if len(m.Attachments) != len(want) {
			c.t.Fatalf("%d attachments, want %d", len(m.Attachments), len(want))
		}
		for i, a := range m.Attachments {
			got, err := mapi.ValueBytes(a.Properties.Get(mapi.PidTagAttachDataBinary))
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want[i]) {
				c.t.Errorf("attachment %d has %d bytes, other than the %d that it should have", i, len(got), len(want[i]))
			}
		}
		return nil
	})
}

// TestLargeAttachmentsGoOn: attachments over 16 MiB come by streams. After a cut, a cancellation, and in another run of the
// program, they go on where they were.
func TestLargeAttachmentsGoOn(t *testing.T) {
	w := newMemWorld(t)
	data := [][]byte{noise(17<<20+1, 1), noise(1000, 2), noise(20<<20, 3)}
	m := parse(t, mail("large", "with large attachments"))
	total := 0
	for i, d := range data {
		m.Attachments = append(m.Attachments, attachmentOf("file.bin", d))
		m.Attachments[i].Number = uint32(i)
		total += len(d)
	}
	if _, err := w.box.Deliver(w.inbox(), m); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "replica")
	w.srv.ResetStats()
	const cuts = 10
	for i := range cuts {
		ctx, cancel := context.WithCancel(t.Context())
		reads := 0
		w.srv.SetScript(func(r memserver.Request) memserver.Fault {
			if !r.Has(0x2C) { // RopReadStream
				return memserver.Fault{}
			}
			if reads++; reads < 12+i {
				return memserver.Fault{}
			}
			if i%3 == 2 {
				cancel()
			}
			return memserver.Fault{CutBefore: i%3 == 0, CutAfter: i%3 == 1}
		})
		c := w.openClient(t, dir)
		if err := c.s.Pass(ctx); err == nil {
			t.Fatalf("run %d was not interrupted", i)
		}
		cancel()
		c.sound()
		c.close()
	}
	w.srv.SetScript(nil)
	c := w.openClient(t, dir)
	defer c.close()
	c.pass()
	c.wantAttachments(data...)
	c.sound()
	st := w.srv.Stats()
	t.Logf("%d bytes of attachments, %d bytes in %d interrupted runs", total, st.BytesOut, cuts)
	// what each interruption may cost: an answer, and less than a piece of 256 KiB; and each run its log on and folders
	if most := uint64(total + cuts*(512<<10) + 1<<20); st.BytesOut > most {
		t.Errorf("%d bytes came, at most %d should have", st.BytesOut, most)
	}
	if st.StreamBytes > 1<<20 {
		t.Errorf("%d bytes came by FastTransfer", st.StreamBytes)
	}
	c.view(func(v *replica.View) error {
		for key, err := range v.Partials() {
			t.Errorf("%s is left, %v", key, err)
		}
		return nil
	})
}

// TestLargeMessageChanges: a large message that somebody changes between two parts of it does not become a mixture, and
// what came of the older version goes.
func TestLargeMessageChanges(t *testing.T) {
	w := newMemWorld(t)
	old, young := noise(18<<20, 1), noise(17<<20, 2)
	m := parse(t, mail("large", "with a large attachment"))
	m.Attachments = []mapi.Attachment{attachmentOf("file.bin", old)}
	mid, err := w.box.Deliver(w.inbox(), m)
	if err != nil {
		t.Fatal(err)
	}
	c := w.client(t)
	reads := 0
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		if r.Has(0x2C) {
			reads++
		}
		if reads != 20 {
			return memserver.Fault{}
		}
		reads++
		if err := w.box.Edit(mid, func(m *mapi.Message) { m.Attachments = []mapi.Attachment{attachmentOf("file.bin", young)} }); err != nil {
			t.Error(err)
		}
		return memserver.Fault{}
	})
	c.pass()
	w.srv.SetScript(nil)
	if n := c.at("Inbox", "*large*"); n.Message.State == replica.StateFull {
		t.Error("parts of two versions were put together")
	}
	c.pass()
	c.wantAttachments(young)
	// and a newer version of what is here in full
	if err := w.box.Edit(mid, func(m *mapi.Message) { m.Attachments = []mapi.Attachment{attachmentOf("file.bin", old)} }); err != nil {
		t.Fatal(err)
	}
	c.pass()
	c.wantAttachments(old)
	c.pass()
	c.view(func(v *replica.View) error {
		for key, err := range v.Partials() {
			t.Errorf("%s is left, %v", key, err)
		}
		return nil
	})
}
