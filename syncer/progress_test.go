package syncer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/syncer"
)

// The tests of this file are about [MS-OXCSYNC] 3.1.1.5 and [MS-OXCFXICS] 3.3.5.10: what is told of a download while it runs.

// TestProgressIsAnnounced: what the server announces takes the place of what the table of folders said, and is what comes; a
// server that announces nothing leaves the table's figures.
func TestProgressIsAnnounced(t *testing.T) {
	for name, silent := range map[string]bool{"announced": false, "not announced": true} {
		t.Run(name, func(t *testing.T) {
			w := newMemWorld(t)
			const n = 30
			var mids []mapi.MID
			for i := range n {
				mids = append(mids, w.deliver(fmt.Sprint("message ", i), "body"))
			}
			asked := 0
			leaveOut, _ := scramble(t, func(el fxics.Element, _ func(fxics.Element)) bool {
				switch el.(type) {
				case *fxics.ProgressTotal, *fxics.ProgressMessage:
					return silent
				}
				return false
			})
			w.meddle(func(c rop.Call, r rop.Response) rop.Response {
				if q, ok := c.Request.(configure); ok && q.SynchronizationFlags&rop.SyncProgress != 0 {
					asked++
				}
				if p, ok := r.(*rop.FastTransferSourceGetBufferResponse); ok && silent {
					p.TransferBuffer = leaveOut(p.TransferBuffer)
				}
				return r
			})
			var told []syncer.Progress
			c := w.client(t, func(cfg *syncer.Config) {
				cfg.OnStatus = func(st syncer.Status) {
					if st.Phase == syncer.PhaseContents {
						told = append(told, st.Headers)
					}
				}
			})
			look := func(items int) {
				t.Helper()
				told = nil
				c.pass()
				for i, p := range told {
					if p.Done > p.Total || p.DoneBytes > p.TotalBytes || i > 0 && (p.Done < told[i-1].Done || p.DoneBytes < told[i-1].DoneBytes) {
						t.Errorf("progress %+v", p)
					}
				}
				last := told[len(told)-1]
				if last.Done != items || last.Total != items || last.DoneBytes != last.TotalBytes || (last.TotalBytes > 0) == silent {
					t.Errorf("at the end %+v, want %d items", last, items)
				}
			}
			look(n)
			if asked == 0 {
				t.Error("nothing was asked for")
			}
			for _, mid := range mids[:3] {
				if err := w.box.Edit(mid, func(m *mapi.Message) { m.Properties.Set(mapi.PidTagPriority, int32(1)) }); err != nil {
					t.Fatal(err)
				}
			}
			look(3)
		})
	}
}

// TestTimeLeft: with ten seconds for each request of bodies, the time that is left is what the rest takes at that pace.
func TestTimeLeft(t *testing.T) {
	w := newMemWorld(t)
	const n = 250 // of which 100 share a request
	for i := range n {
		w.deliver(fmt.Sprintf("message %03d", i), "body")
	}
	var requests atomic.Int64
	w.meddle(func(c rop.Call, r rop.Response) rop.Response {
		if _, ok := c.Request.(copyRequest); ok {
			requests.Add(1)
		}
		return r
	})
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	left := map[int]time.Duration{}
	c := w.client(t, func(cfg *syncer.Config) {
		cfg.InTurn = true
		cfg.Now = func() time.Time { return start.Add(time.Duration(requests.Load()) * 10 * time.Second) }
		cfg.OnStatus = func(st syncer.Status) {
			if st.Phase == syncer.PhaseBodies && st.Bodies.Done > 0 {
				left[st.Bodies.Done] = st.Left
			}
		}
	})
	if err := c.s.Pass(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := map[int]time.Duration{100: 15 * time.Second, 200: 5 * time.Second, 250: 0}
	for done, d := range want {
		if got, ok := left[done]; !ok || (got-d).Abs() > time.Second {
			t.Errorf("after %d messages %v is left, want %v", done, got, d)
		}
	}
	if st := c.s.Status(); st.Left != 0 {
		t.Errorf("%v is left when all is done", st.Left)
	}
}
