package fs

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"mailfs/replica"
)

// model is a directory as on any disk: names to bytes, nil for a directory.
type model map[string][]byte

func (m model) list(dir string) (out []string) {
	for p := range m {
		if d, n := split(p); d == dir {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

func (m model) isDir(p string) bool { b, ok := m[p]; return ok && b == nil }

func (m model) moveTree(from, to string) {
	for p, b := range m {
		if p == from || strings.HasPrefix(p, from+"/") {
			delete(m, p)
			m[to+strings.TrimPrefix(p, from)] = b
		}
	}
}

// TestAgainstModel drives the tree and a plain map with the same random operations: whatever becomes of files as
// mail, programs must see what they would see on any disk. Now and then everything is closed and taken up again.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := openBed(t)
		defer b.r.Close()
		m := model{"Inbox": nil, "Archive": nil, "Inbox/.tmp": nil}
		if _, err := b.tree.mkdir(b.dirID("Inbox"), ".tmp", 0o700); err != nil {
			rt.Fatal(err)
		}
		for i := range 3 {
			p := fmt.Sprintf("Inbox/%c.eml", 'a'+i)
			dir, name := split(p)
			b.must(b.deliver(dir, name, note(p, "delivered")))
			m[p] = []byte(b.read(p))
		}
		d := &driver{b: b, m: m, rt: rt}
		rt.Repeat(map[string]func(*rapid.T){
			"write":    d.write,
			"append":   d.append,
			"rename":   d.rename,
			"exchange": d.exchange,
			"unlink":   d.unlink,
			"mkdir":    d.mkdir,
			"rmdir":    d.rmdir,
			"pass":     func(*rapid.T) { b.pass() },
			"remount":  d.remount,
			"flush": func(rt *rapid.T) {
				if err := b.tree.flushAll(); err != nil {
					rt.Fatal(err)
				}
			},
			"": d.compare,
		})
		b.pass()
		d.compare(rt)
		d.nothingLost(rt)
		if bad, err := b.r.Check(); err != nil || len(bad) > 0 {
			rt.Fatalf("replica: %v %v", bad, err)
		}
	})
}

type driver struct {
	b  *bed
	m  model
	rt *rapid.T
	n  int
}

var (
	modelDirs  = []string{"Inbox", "Archive", "Inbox/.tmp", "Inbox/sub", "Archive/.sub"}
	modelNames = []string{"a.eml", "b.eml", "c.eml", "a.eml~", ".a.eml.swp", "temp", "notes.txt"}
)

func (d *driver) path(rt *rapid.T, label string) string {
	dirs := []string{}
	for _, dir := range modelDirs {
		if d.m.isDir(dir) {
			dirs = append(dirs, dir)
		}
	}
	return rapid.SampledFrom(dirs).Draw(rt, label+" dir") + "/" + rapid.SampledFrom(modelNames).Draw(rt, label+" name")
}

func (d *driver) text() string {
	d.n++
	return note(fmt.Sprint("text ", d.n), fmt.Sprint("body ", d.n))
}

func (d *driver) write(rt *rapid.T) {
	p := d.path(rt, "file")
	text := d.text()
	d.b.save(p, text)
	d.m[p] = []byte(text)
}

func (d *driver) append(rt *rapid.T) {
	p := d.path(rt, "file")
	if _, ok := d.m[p]; !ok {
		return
	}
	h := d.b.open(p, syscall.O_WRONLY|syscall.O_APPEND)
	d.b.write(h, "one more line\n")
	if err := d.b.close(h); err != nil {
		rt.Fatal(err)
	}
	d.m[p] = append(append([]byte{}, d.m[p]...), "one more line\n"...)
}

// allowed are refusals that a disk would not give, and that leave everything as it was.
func allowed(err error) bool {
	return errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EPERM)
}

func (d *driver) rename(rt *rapid.T) {
	from, to := d.path(rt, "from"), d.path(rt, "to")
	if rapid.IntRange(0, 9).Draw(rt, "directory") == 0 {
		from, to = rapid.SampledFrom(modelDirs[2:]).Draw(rt, "from dir"), rapid.SampledFrom(modelDirs[2:]).Draw(rt, "to dir")
	}
	if _, ok := d.m[from]; !ok || from == to {
		return
	}
	if dir, _ := split(to); !d.m.isDir(dir) || strings.HasPrefix(to, from+"/") {
		return
	}
	err := d.b.rename(from, to, 0)
	if allowed(err) {
		return
	}
	if d.m.isDir(from) && d.m.isDir(to) && len(d.m.list(to)) > 0 {
		if hidden := d.onlyHidden(to); err == nil && hidden {
			d.dropTree(to)
		} else if errnoOf(err) != syscall.ENOTEMPTY {
			rt.Fatalf("rename over a full directory: %v", err)
		} else {
			return
		}
	}
	if err != nil {
		rt.Fatalf("rename %s to %s: %v", from, to, err)
	}
	delete(d.m, to)
	d.m.moveTree(from, to)
}

func (d *driver) onlyHidden(dir string) bool {
	for _, n := range d.m.list(dir) {
		if !strings.HasPrefix(n, ".") || d.m.isDir(dir+"/"+n) {
			return false
		}
	}
	return true
}

func (d *driver) dropTree(dir string) {
	for p := range d.m {
		if p == dir || strings.HasPrefix(p, dir+"/") {
			delete(d.m, p)
		}
	}
}

func (d *driver) exchange(rt *rapid.T) {
	from, to := d.path(rt, "from"), d.path(rt, "to")
	x, okx := d.m[from]
	y, oky := d.m[to]
	if !okx || !oky || from == to {
		return
	}
	if err := d.b.rename(from, to, renameExchange); allowed(err) {
		return
	} else if err != nil {
		rt.Fatalf("exchange %s and %s: %v", from, to, err)
	}
	d.m[from], d.m[to] = y, x
}

func (d *driver) unlink(rt *rapid.T) {
	p := d.path(rt, "file")
	if _, ok := d.m[p]; !ok {
		return
	}
	d.b.unlink(p)
	delete(d.m, p)
}

func (d *driver) mkdir(rt *rapid.T) {
	p := rapid.SampledFrom(modelDirs[2:]).Draw(rt, "dir")
	if _, ok := d.m[p]; ok {
		return
	}
	dir, name := split(p)
	if _, err := d.b.tree.mkdir(d.b.dirID(dir), name, 0o700); err != nil {
		rt.Fatalf("mkdir %s: %v", p, err)
	}
	d.m[p] = nil
}

func (d *driver) rmdir(rt *rapid.T) {
	p := rapid.SampledFrom(modelDirs[2:]).Draw(rt, "dir")
	if !d.m.isDir(p) {
		return
	}
	dir, name := split(p)
	switch err := d.b.tree.rmdir(d.b.dirID(dir), name); {
	case err == nil && d.onlyHidden(p):
		d.dropTree(p)
	case errnoOf(err) != syscall.ENOTEMPTY || len(d.m.list(p)) == 0:
		rt.Fatalf("rmdir %s: %v", p, err)
	}
}

// remount forgets everything that is only in memory.
func (d *driver) remount(rt *rapid.T) {
	opt := d.b.tree.opt
	if rapid.Bool().Draw(rt, "clean") {
		if err := d.b.tree.close(); err != nil {
			rt.Fatal(err)
		}
	} else {
		d.b.tree.ns.Lock()
		for _, timer := range d.b.tree.pending {
			timer.Stop()
		}
		d.b.tree.ns.Unlock()
	}
	d.b.tree = newTree(opt)
	if err := d.b.tree.recover(); err != nil {
		rt.Fatal(err)
	}
}

func (d *driver) compare(rt *rapid.T) {
	for p, want := range d.m {
		if want == nil {
			if got, want := d.b.list(p), d.m.list(p); fmt.Sprint(got) != fmt.Sprint(want) {
				rt.Fatalf("%s holds %q, want %q", p, got, want)
			}
			continue
		}
		if got := d.b.read(p); got != string(want) {
			rt.Fatalf("%s reads %q, want %q", p, got, want)
		}
		if a := d.b.at(p).attr; a.size != int64(len(want)) {
			rt.Fatalf("%s has size %d, want %d", p, a.size, len(want))
		}
	}
}

// nothingLost looks at every message of the server: it is in the tree, or its deletion is queued, or a file is its
// heir.
func (d *driver) nothingLost(rt *rapid.T) {
	err := d.b.r.View(func(v *replica.View) error {
		for _, folder := range []string{"Inbox", "Archive"} {
			for n, err := range v.Messages(d.b.folders[folder]) {
				if err != nil {
					return err
				}
				if n.Parent != 0 {
					continue
				}
				list, err := v.ChangesOf(n.Num)
				if err != nil {
					return err
				}
				deleted := false
				for _, c := range list {
					deleted = deleted || c.Kind == replica.ChangeDelete && !c.Ready.Equal(farOff)
				}
				if !deleted {
					rt.Errorf("message %d (%s) is neither in the tree nor on its way out", n.Num, n.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
}
