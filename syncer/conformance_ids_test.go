package syncer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// spied is a transport whose requests are looked at.
type spied struct {
	rop.Transport
	see func(rop.Requests)
}

func (s *spied) Execute(ctx context.Context, payload []byte, maxOut uint32) ([][]byte, error) {
	if q, err := rop.DecodeRequests(payload, nil); err == nil {
		s.see(q)
	}
	return s.Transport.Execute(ctx, payload, maxOut)
}

// spy lets see look at every request of later sessions.
func (w *world) spy(see func(rop.Requests)) {
	dial := w.dial
	w.dial = func(ctx context.Context) (rop.Transport, syncer.ServerInfo, error) {
		tr, info, err := dial(ctx)
		if err != nil {
			return nil, info, err
		}
		return &spied{tr, see}, info, nil
	}
}

// TestSubrangesPerFolder is about [MS-OXCSYNC] 3.1.3.1.1: ids that follow each other within a folder, also where items
// of several folders are made in turn, offline.
func TestSubrangesPerFolder(t *testing.T) {
	w := newMemWorld(t)
	w.box.CreateFolder("Other")
	c := w.client(t, quick)
	c.pass()
	c.create(c.at("Inbox"), "first.eml", mail("first", "body"))
	c.flush()
	w.srv.ResetStats()
	for i := range 40 {
		c.create(c.at("Inbox"), fmt.Sprint(i, ".eml"), mail(fmt.Sprint("in ", i), "body"))
		c.create(c.at("Other"), fmt.Sprint(i, ".eml"), mail(fmt.Sprint("other ", i), "body"))
		if i%10 == 0 {
			c.flush()
		}
	}
	c.flush()
	if asked := w.srv.Stats().ROPs[uint8(rop.IDGetLocalReplicaIDs)]; asked != 0 {
		t.Errorf("ids were asked for %d times, though there are enough", asked)
	}
	for folder, n := range map[string]int{"Inbox": 41, "Other": 40} {
		var ids []mapi.GlobCnt
		c.view(func(v *replica.View) error {
			for m, err := range v.Messages(c.at(folder).Num) {
				if err != nil {
					return err
				}
				id, _ := m.Message.SourceKey.LongTermID()
				ids = append(ids, id.Counter)
			}
			return nil
		})
		slices.Sort(ids)
		if len(ids) != n || int(ids[n-1]-ids[0]) != n-1 {
			t.Errorf("%s: %d ids from %d to %d", folder, len(ids), ids[0], ids[len(ids)-1])
		}
	}
}

// TestGivenUpIDs: R2302, R2303, R942, R945, R948, R94901, R953, R3602, R3603, R3604: the id of a message that was refused
// and then deleted here is told as deleted and as never to be used in its folder, once, in one request with those of other
// folders, and never given to another message.
func TestGivenUpIDs(t *testing.T) {
	w := newMemWorld(t)
	var mu sync.Mutex
	var told []rop.LongTermIDRange
	var deleted []mapi.SourceKey
	w.spy(func(q rop.Requests) {
		mu.Lock()
		defer mu.Unlock()
		for _, call := range q.Calls {
			switch r := call.Request.(type) {
			case *rop.SetLocalReplicaMidsetDeletedRequest:
				told = append(told, r.LongTermIDRanges...)
			case *rop.SynchronizationImportDeletesRequest:
				for _, p := range r.PropertyValues {
					for _, k := range p.Value.([][]byte) {
						deleted = append(deleted, mapi.SourceKey(k))
					}
				}
			}
		}
	})
	w.box.CreateFolder("Other")
	c := w.client(t, quick)
	c.pass()
	made := []*replica.Node{
		c.create(c.at("Inbox"), "one.eml", mail("one", "body")), c.create(c.at("Inbox"), "two.eml", mail("two", "body")),
		c.create(c.at("Other"), "three.eml", mail("three", "body")),
	}
	for range 2 { // one folder with each
		w.srv.SetScript(func(r memserver.Request) memserver.Fault {
			return memserver.Fault{CutBefore: r.Has(uint8(rop.IDSynchronizationImportMessageChange))}
		})
		_ = c.s.Pass(t.Context())
		w.srv.SetScript(nil)
		refuseAll(c)
		if c.find("Other", "three.eml") == nil {
			t.Fatal(c.tree())
		}
		fixed := 0
		c.view(func(v *replica.View) error {
			for ch, err := range v.Changes(0) {
				if err != nil {
					return err
				}
				if ch.Fixed {
					fixed++
				}
			}
			return nil
		})
		if fixed == 3 {
			break
		}
		c.update(func(u *replica.Update) error { // those of the other folder may go
			ch, err := u.ChangesOf(made[2].Num)
			if err != nil {
				return err
			}
			ch[0].Error = nil
			return u.SaveChange(ch[0])
		})
	}
	var ids []mapi.LongTermID
	c.view(func(v *replica.View) error {
		for ch, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			id, ok := ch.SourceKey.LongTermID()
			if !ok {
				t.Fatal("a change without an id")
			}
			ids = append(ids, id)
		}
		return nil
	})
	for _, n := range made {
		c.unlink(n.Num, true)
	}
	w.srv.ResetStats()
	c.pass()
	st := w.srv.Stats()
	mu.Lock()
	if n := st.ROPs[uint8(rop.IDSetLocalReplicaMidsetDeleted)]; n != 2 || len(told) != 2 {
		t.Errorf("%d folders were told of %v", n, told)
	}
	for _, id := range ids {
		in := func(r rop.LongTermIDRange) bool {
			return r.Min.GUID == id.GUID && r.Max.GUID == id.GUID && r.Min.Counter <= id.Counter && id.Counter <= r.Max.Counter
		}
		if !slices.ContainsFunc(told, in) || !slices.Contains(deleted, id.SourceKey()) {
			t.Errorf("%v was not told", id)
		}
	}
	mu.Unlock()
	w.srv.ResetStats()
	c.pass()
	if n := w.srv.Stats().ROPs[uint8(rop.IDSetLocalReplicaMidsetDeleted)]; n != 0 {
		t.Error("it was told again")
	}
	c.create(c.at("Inbox"), "four.eml", mail("four", "body"))
	c.flush()
	if id, _ := c.at("Inbox", "four.eml").Message.SourceKey.LongTermID(); slices.Contains(ids, id) {
		t.Errorf("%v is used again", id)
	}
}
