package fs

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
)

// A program empties a file at the very moment at which what it saved before becomes a version: what it writes builds on that
// version, and a file that it leaves empty stays empty over a remount.
func TestEmptiedWhileItIsCommitted(t *testing.T) {
	for name, text := range map[string]string{"new": "", "edit": note("one", "first")} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			for i := range 150 {
				p := fmt.Sprintf("Inbox/%d.eml", i)
				if text != "" {
					b.must(b.deliver("Inbox", p[len("Inbox/"):], text))
					b.read(p)
				}
				b.save(p, note("one", fmt.Sprint("save ", i)))
				e := b.at(p)
				var both sync.WaitGroup
				both.Go(func() { b.tree.commitSoon(e.node.Num) })
				both.Go(func() {
					for range i % 30 * 20 {
						_, _ = b.tree.getattr(e.id)
					}
					h, err := b.tree.openEmpty(e.id, syscall.O_WRONLY, 1)
					if err != nil {
						t.Error(err)
						return
					}
					b.tree.release(h)
				})
				both.Wait()
				n := b.node(e.node.Num)
				b.tree.mu.RLock()
				w := b.tree.copies[n.Num]
				b.tree.mu.RUnlock()
				if w != nil && w.base.Version != n.Version {
					t.Fatalf("%s: emptied as version %d, is %d", p, w.base.Version, n.Version)
				}
			}
		})
	}
}
