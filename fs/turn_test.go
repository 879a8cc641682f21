package fs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"

	"mailfs/replica"
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

// saver is a program that saves one file again and again, in all ways.
type saver struct {
	b    *bed
	path string
	last string
}

// try does what a program asks for, as the kernel does it: with a new lookup where the old one is out of date.
func (s *saver) try(f func() error) {
	const tries = 100
	err := f()
	for i := 0; err == syscall.ESTALE && i < tries; i++ {
		err = f()
	}
	if err != nil {
		s.b.t.Errorf("%s: %v", s.path, err)
	}
}

// change opens a file, lets edit make the text to write of what is there, and closes it. Only O_TRUNC replaces it without a look.
func (s *saver) change(path string, flags uint32, edit func(old string) string) {
	s.try(func() error {
		b := s.b
		h, err := b.tryOpen(path, flags)
		if err != nil {
			return err
		}
		text := edit(b.readHandle(h))
		if _, err := h.writeAt([]byte(text), 0, false); err != nil {
			b.tree.release(h)
			return err
		}
		if err := h.truncate(int64(len(text))); err != nil {
			b.tree.release(h)
			return err
		}
		return b.close(h)
	})
}

// empty is truncate(2).
func (s *saver) empty() {
	s.try(func() error {
		e, err := s.b.walk(s.path)
		if err != nil {
			return err
		}
		none := int64(0)
		_, err = s.b.tree.setattr(context.Background(), e.id, nil, changes{size: &none}, 1)
		return err
	})
}

func (s *saver) save(rng *rand.Rand, i int) {
	text := note("saved", fmt.Sprint(s.path, " ", i))
	switch rng.IntN(5) {
	case 0:
		s.change(s.path, syscall.O_RDWR|syscall.O_TRUNC, func(string) string { return text })
	case 1:
		s.empty()
		s.change(s.path, syscall.O_RDWR, func(string) string { return text })
	case 2:
		s.change(s.path, syscall.O_RDWR, func(old string) string {
			if old != s.last {
				s.b.t.Errorf("%s: holds %q before save %d, want %q", s.path, old, i, s.last)
			}
			return text
		})
	default:
		temp := fmt.Sprintf("Inbox/.tmp%d-%s", i, s.path[len("Inbox/"):])
		s.change(temp, syscall.O_RDWR|syscall.O_CREAT, func(string) string { return text })
		s.try(func() error { return s.b.rename(temp, s.path, 0) })
	}
	s.last = text
}

// Several programs save files of their own while windows end and the server acknowledges, at any moment of a save. Nobody else has
// touched any of them: each file holds what was saved last, and there is nothing beside them.
func TestSavesWhileTheyAreCommitted(t *testing.T) {
	b := newBed(t)
	savers := make([]*saver, 6)
	for i := range savers {
		s := &saver{b: b, path: fmt.Sprintf("Inbox/%d.eml", i), last: note("first", "first")}
		if savers[i] = s; i%2 == 0 {
			b.must(b.deliver("Inbox", s.path[len("Inbox/"):], s.last))
		} else {
			b.save(s.path, s.last)
		}
	}
	ended := make(chan struct{})
	var saving, others sync.WaitGroup
	others.Go(func() { b.meddle(savers, ended) })
	for n, s := range savers {
		saving.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(n), 1))
			for i := range 60 {
				s.save(rng, i)
			}
		})
	}
	saving.Wait()
	close(ended)
	others.Wait()
	if err := b.tree.flushAll(); err != nil {
		t.Fatal(err)
	}
	b.remount()
	for _, s := range savers {
		b.wantText(s.path, s.last)
	}
	if got := b.list("Inbox"); len(got) != len(savers) {
		t.Errorf("in Inbox: %q", got)
	}
}

// meddle lets windows end and takes changes to the server until it is told to stop.
func (b *bed) meddle(savers []*saver, ended chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-ended:
			return
		default:
		}
		e, err := b.walk(savers[i%len(savers)].path)
		if err != nil {
			continue // a save by rename is under way
		}
		b.tree.commitSoon(e.node.Num)
		if i%3 > 0 {
			continue
		}
		list, err := b.journal()
		if err != nil {
			b.t.Error(err)
			return
		}
		if len(list) == 0 || list[0].Kind != replica.ChangeCreate && list[0].Kind != replica.ChangeEdit {
			continue
		}
		if _, err := b.acknowledge(list[0].Item); err != nil && !strings.Contains(err.Error(), replica.ErrNotFound.Error()) {
			b.t.Error(err)
			return
		}
	}
}
