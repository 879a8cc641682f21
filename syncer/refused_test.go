package syncer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mailfs/internal/memserver"
	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
	"mailfs/syncer"
)

// errorOf returns why the server refuses what was done to an item.
func (c *client) errorOf(num replica.Num) (why *replica.ChangeError) {
	c.t.Helper()
	c.view(func(v *replica.View) error {
		n, err := v.Node(num)
		if errors.Is(err, replica.ErrNotFound) {
			return nil // its deletion has gone through
		}
		if err == nil && n.Message != nil {
			why = n.Message.Error
		} else if err == nil && n.Folder != nil {
			why = n.Folder.Error
		}
		return err
	})
	return why
}

// The server refuses a change for good, or calls gone again and again what it lists: the change stays, with the reason, holds up nothing else, and is not sent again before
// somebody wants that. Then it goes up.
func TestRefusedForGood(t *testing.T) {
	type target struct {
		c   *client
		num replica.Num // of what is changed
	}
	changes := map[string]struct {
		id  rop.ID // the operation that is refused
		act func(x *target)
	}{
		"new message": {rop.IDSynchronizationImportMessageChange, func(x *target) {
			x.num = x.c.create(x.c.at("Drafts"), "new.eml", mail("new", "of a")).Num
		}},
		"saving a new message": {rop.IDSaveChangesMessage, func(x *target) {
			x.num = x.c.create(x.c.at("Drafts"), "new.eml", mail("new", "of a")).Num
		}},
		"edit":                  {rop.IDSynchronizationImportMessageChange, func(x *target) { x.c.edit(x.num, mail("one", "what a wrote")) }},
		"move":                  {rop.IDSynchronizationImportMessageMove, func(x *target) { x.c.move(x.num, x.c.at("Drafts")) }},
		"opening it to flag it": {rop.IDOpenMessage, func(x *target) { x.c.flag(x.num, 2, "") }},
		"read state":            {rop.IDSynchronizationImportReadStateChanges, func(x *target) { x.c.markRead(x.num, true) }},
		"name of a folder": {rop.IDSynchronizationImportHierarchyChange, func(x *target) {
			x.num = x.c.at("Empty").Num
			x.c.rename(x.num, x.c.at(), "Named")
		}},
		"flag":                 {rop.IDSaveChangesMessage, func(x *target) { x.c.flag(x.num, 2, "") }},
		"deletion":             {rop.IDSynchronizationImportMessageMove, func(x *target) { x.c.unlink(x.num, false) }},
		"deletion for good":    {rop.IDSynchronizationImportDeletes, func(x *target) { x.c.unlink(x.num, true) }},
		"deletion of a folder": {rop.IDSynchronizationImportDeletes, func(x *target) { x.num = x.c.at("Empty").Num; x.c.rmdir(x.num) }},
		"new folder":           {rop.IDSynchronizationImportHierarchyChange, func(x *target) { x.num = x.c.mkdir(x.c.at("Inbox"), "Below").Num }},
	}
	codes := []mapi.ErrorCode{mapi.EcAccessDenied, mapi.EcQuotaExceeded, mapi.EcTooBig, mapi.EcMessageTooBig, mapi.EcNotFound, mapi.EcObjectDeleted}
	for name, change := range changes {
		for _, code := range codes {
			t.Run(name+"/"+code.Error(), func(t *testing.T) {
				w := newMemWorld(t)
				w.inMemory = true
				w.deliver("one", "at first")
				w.deliver("two", "at first")
				w.box.CreateFolder("Empty")
				c := w.client(t, quick)
				c.pass()
				c.flush() // whatever a first session makes
				x := &target{c, c.at("Inbox", "*one*").Num}
				change.act(x)
				if change.id == rop.IDSynchronizationImportReadStateChanges {
					c.flag(c.at("Inbox", "*two*").Num, 2, "")
				} else {
					c.markRead(c.at("Inbox", "*two*").Num, true)
				}
				sent := 0
				w.srv.SetScript(func(r memserver.Request) memserver.Fault {
					if !r.Has(uint8(change.id)) || counts(r) {
						return memserver.Fault{}
					}
					sent++
					return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{uint8(change.id): code}}
				})
				var refused *syncer.RefusedError
				if err := c.s.Flush(context.Background()); !errors.As(err, &refused) || refused.Count != 1 {
					t.Fatalf("flush: %v", err)
				}
				why := c.errorOf(x.num)
				if why == nil || why.Code != code {
					t.Fatalf("the reason is %+v", why)
				}
				if st := c.s.Status(); st.Refused != 1 || st.Queued != 1 {
					t.Errorf("%d refused, %d queued: the other change was held up", st.Refused, st.Queued)
				}
				was := sent
				c.pass()
				if sent != was {
					t.Error("it was sent again, and nobody had asked for that")
				}
				w.srv.SetScript(nil)
				c.pass()
				if c.errorOf(x.num) == nil {
					t.Error("the reason is gone, and the change was not sent")
				}
				if err := c.s.Retry(0); err != nil {
					t.Fatal(err)
				}
				c.flush()
				if why := c.errorOf(x.num); why != nil {
					t.Errorf("afterwards the reason is %+v", why)
				}
				fresh := w.client(t, quick)
				same(t, c, fresh)
			})
		}
	}
}

// A refused message goes up as soon as its user saves it again.
func TestRefusedUntilSavedAgain(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "at first")
	c := w.client(t, quick)
	c.pass()
	num := c.at("Inbox", "*one*").Num
	c.edit(num, mail("one", "far too large"))
	w.srv.SetScript(func(r memserver.Request) memserver.Fault {
		return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{uint8(rop.IDSynchronizationImportMessageChange): mapi.EcTooBig}}
	})
	if err := c.s.Flush(context.Background()); err == nil {
		t.Fatal("nothing was refused")
	}
	w.srv.SetScript(nil)
	c.edit(num, mail("one", "small enough"))
	c.ready(num, time.Now())
	c.flush()
	if why := c.errorOf(num); why != nil {
		t.Errorf("the reason is still %+v", why)
	}
	if fresh := w.client(t, quick); count(fresh, "small enough") > 0 {
		t.Error("a client that has seen nothing has it")
	} else if fresh.pass(); count(fresh, "small enough") != 1 {
		t.Errorf("the server has it %d times", count(fresh, "small enough"))
	}
}

// A server that calls a message gone which it was never told of takes nothing away here: the message stays, and goes up
// when the server has changed its mind.
func TestNewMessageThatIsSaidToBeGone(t *testing.T) {
	for _, code := range []mapi.ErrorCode{mapi.EcNotFound, mapi.EcObjectDeleted} {
		t.Run(code.Error(), func(t *testing.T) {
			w := newMemWorld(t)
			c := w.client(t, quick)
			c.pass()
			c.flush()
			c.create(c.at("Drafts"), "new.eml", mail("new", "of a"))
			id := uint8(rop.IDSynchronizationImportMessageChange)
			w.srv.SetScript(func(r memserver.Request) memserver.Fault {
				return memserver.Fault{Refuse: map[uint8]mapi.ErrorCode{id: code}}
			})
			c.pass()
			if n := c.find("Drafts", "new.eml"); n == nil {
				t.Fatalf("it is gone here, too:\n%s", c.tree())
			}
			w.srv.SetScript(nil)
			c.flush()
			if n := c.find("Drafts", "new.eml"); n == nil || n.Message.ChangeKey == "" {
				t.Errorf("it did not go up:\n%s", c.tree())
			}
			if d := w.client(t); !func() bool { d.pass(); return has(t, d, "Drafts", "of a") }() {
				t.Error("nobody else has it")
			}
		})
	}
}

// What goes in one operation is refused as one. The others of it go up by themselves, and only the one to blame is refused.
func TestOneOfManyIsRefused(t *testing.T) {
	const many = 10
	for name, act := range map[string]func(c *client, num replica.Num){
		"read state": func(c *client, num replica.Num) { c.markRead(num, true) },
		"deletion":   func(c *client, num replica.Num) { c.unlink(num, true) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			for i := range many {
				w.deliver(fmt.Sprint("message ", i), "body")
			}
			var blamed []byte
			w.meddle(func(c rop.Call, r rop.Response) rop.Response {
				var keys [][]byte
				switch q := c.Request.(type) {
				case *rop.SynchronizationImportReadStateChangesRequest:
					for _, s := range q.MessageReadStates {
						keys = append(keys, s.MessageID)
					}
				case *rop.SynchronizationImportDeletesRequest:
					keys, _ = q.PropertyValues[0].Value.([][]byte)
				}
				for _, k := range keys {
					if !bytes.Equal(k, blamed) {
						continue
					}
					switch p := r.(type) {
					case *rop.SynchronizationImportReadStateChangesResponse:
						p.ReturnValue = mapi.EcAccessDenied
					case *rop.SynchronizationImportDeletesResponse:
						p.ReturnValue = mapi.EcAccessDenied
					}
				}
				return r
			})
			c := w.client(t, quick)
			c.pass()
			c.flush()
			victim := c.at("Inbox", "*message 7*")
			blamed = []byte(victim.Message.SourceKey)
			for i := range many {
				act(c, c.at("Inbox", fmt.Sprintf("*message %d*", i)).Num)
			}
			if why := c.refusedOnce(victim.Num); why.Code != mapi.EcAccessDenied {
				t.Errorf("the reason is %v", why)
			}
			blamed = nil
			if err := c.s.Retry(0); err != nil {
				t.Fatal(err)
			}
			c.flush()
			same(t, c, w.client(t, quick))
		})
	}
}
