package syncer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// TestFolderIsAskedForOnceMore: a server that fails in the middle of one download, since somebody moves messages away
// meanwhile, gives the folder to who asks again at once; only a folder that fails again is set aside. Others of the same
// request do not wait for it.
func TestFolderIsAskedForOnceMore(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	fail := 0
	w.meddle(func(_ rop.Call, r rop.Response) rop.Response {
		p, ok := r.(*rop.FastTransferSourceGetBufferResponse)
		if ok && fail > 0 && len(p.TransferBuffer) > 0 {
			fail--
			p.ReturnValue, p.TransferStatus, p.TransferBuffer = mapi.EcGeneralFailure, rop.TransferError, nil
		}
		return r
	})
	arm := false
	client := func() *client {
		return w.client(t, func(cfg *syncer.Config) {
			cfg.OnStatus = func(st syncer.Status) {
				if st.Phase == syncer.PhaseContents && arm {
					arm, fail = false, 1
				}
			}
		})
	}
	c, fresh := client(), client()
	c.pass()

	arm = true
	fresh.pass()
	if arm || fail != 0 || fresh.find("Inbox", "*one*") == nil {
		t.Errorf("after a failure of one download, %d to come:\n%s", fail, fresh.tree())
	}
	fresh.failures(0)

	// a folder whose state is known
	w.deliver("two", "body")
	arm = true
	c.pass()
	if arm || fail != 0 || c.find("Inbox", "*two*") == nil || c.find("Inbox", "*one*") == nil {
		t.Errorf("%d failures to come:\n%s", fail, c.tree())
	}
	c.failures(0)
	same(t, c, fresh)
}

// TestFolderComesSoon: a folder that fails for a little longer comes without anybody asking, soon after.
func TestFolderComesSoon(t *testing.T) {
	w := newMemWorld(t)
	var fail atomic.Int32
	w.meddle(func(_ rop.Call, r rop.Response) rop.Response {
		p, ok := r.(*rop.FastTransferSourceGetBufferResponse)
		if ok && len(p.TransferBuffer) > 0 && fail.Load() > 0 {
			fail.Add(-1)
			p.ReturnValue, p.TransferStatus, p.TransferBuffer = mapi.EcGeneralFailure, rop.TransferError, nil
		}
		return r
	})
	var arm atomic.Bool
	told := make(chan struct{}, 1)
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.OnStatus = func(st syncer.Status) {
			select {
			case told <- struct{}{}:
			default:
			}
			if st.Phase == syncer.PhaseContents && arm.CompareAndSwap(true, false) {
				fail.Store(2)
			}
		}
	})
	c.pass()
	w.deliver("one", "body")
	arm.Store(true)
	c.pass()
	if f := c.failures(1)[0]; f.Next().Sub(f.Last) != 5*time.Second {
		t.Errorf("%+v", f)
	}
	stop := c.runs()
	for timeout := time.After(limit); c.s.Status().SetAside > 0; {
		select {
		case <-told: // the commit that strikes it from the list tells nobody
		case <-timeout:
			t.Fatal("never: the folder")
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if c.find("Inbox", "*one*") == nil {
		t.Errorf("it is not here:\n%s", c.tree())
	}
}
