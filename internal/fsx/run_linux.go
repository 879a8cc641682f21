package fsx

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"sort"
	"strings"
)

// Config says what to run.
type Config struct {
	Seed uint64
	Ops  int
	// Mount is an empty folder in a mount, Plain an empty directory of a local file system.
	Mount, Plain string
	// Remount takes the mount away and mounts it again; nothing is open in it then. nil for never.
	Remount func() error
	// RemountEvery is the number of calls between two of them.
	RemountEvery int
	// Between is called before each call, with its number. nil for nothing.
	Between func(call int) error
	// Others reports whether a name belongs to somebody else, who works in the same folders meanwhile: such names are
	// left out of the comparison, and no call uses them. nil for none.
	Others func(name string) bool
	// Steady are directories, made before the run, that are neither renamed nor removed.
	Steady []string
	// Log gets a line for each call, where the history in an error is not enough. nil for none.
	Log func(line string)
}

// Report counts what was done.
type Report struct {
	Calls       map[string]int // by name
	Differences map[string]int // intended ones, by their text
}

const (
	slotCount   = 10
	historySize = 40
)

// op is one call. run is given each side in turn.
type op struct {
	name     string
	text     string // for people
	from, to string // the paths that it is about
	slot     int    // the open file that it is about, -1 for none
	run      func(*side) result
}

type runner struct {
	Config
	rng     *rand.Rand
	m, p    *side
	serial  int
	calls   int
	history []string
	report  Report
}

// Run makes the calls and returns an error for the first disagreement: what was called, what each side answered,
// and the calls before it.
func Run(c Config) (Report, error) {
	r := &runner{Config: c, m: newSide(c.Mount, c.Others), p: newSide(c.Plain, c.Others),
		report: Report{Calls: map[string]int{}, Differences: map[string]int{}}}
	defer r.closeAll() //nolint:errcheck // what can be told was told
	for _, s := range []*side{r.m, r.p} {
		for _, dir := range c.Steady {
			if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
				return r.report, err
			}
		}
	}
	for r.calls < c.Ops {
		if err := r.step(); err != nil {
			return r.report, fmt.Errorf("seed %d, call %d: %w\nbefore it:\n%s", c.Seed, r.calls, err, strings.Join(r.history, "\n"))
		}
	}
	err := r.closeAll()
	if err == nil {
		err = r.compareTrees()
	}
	if err != nil {
		err = fmt.Errorf("seed %d, at the end: %w\nbefore it:\n%s", c.Seed, err, strings.Join(r.history, "\n"))
	}
	return r.report, err
}

func (r *runner) step() error {
	if r.Remount != nil && r.RemountEvery > 0 && r.calls > 0 && r.calls%r.RemountEvery == 0 {
		if err := r.remount(); err != nil {
			return err
		}
	}
	if r.calls%2000 == 1999 {
		if err := r.compareTrees(); err != nil {
			return err
		}
	}
	if r.Between != nil {
		if err := r.Between(r.calls); err != nil {
			return err
		}
	}
	// What one call makes of its random numbers must not change the calls after it.
	r.rng = rand.New(rand.NewPCG(r.Seed, uint64(r.calls)))
	o := r.next()
	r.calls++
	if o.run == nil {
		return nil
	}
	return r.do(o)
}

// do makes one call on both sides and compares.
func (r *runner) do(o op) error {
	r.report.Calls[o.name]++
	was, about := r.m.inode(o.from), ""
	if o.slot >= 0 && o.name != "open" {
		about = fmt.Sprintf(" (%s, %s in the plain directory)", r.m.nameOf(o.slot), r.p.nameOf(o.slot))
	}
	got := o.run(r.m)
	r.note("%d %s: %v", r.calls, o.text, got)
	if d := r.intended(o, got); d != nil {
		r.report.Differences[d.text]++
		return nil
	}
	want := o.run(r.p)
	if r.emptied(o, got, want) {
		r.report.Differences[hiddenGo]++
		want = o.run(r.p)
	}
	if !got.equal(want) {
		return fmt.Errorf("%s%s: the mount says %v, the plain directory %v%s", o.text, about, got, want, firstDifference(got.data, want.data))
	}
	if is := r.m.inode(o.to); o.name == "rename" && got.errno == 0 && o.to != o.from && is != was {
		return fmt.Errorf("%s: inode %d, was %d", o.text, is, was)
	}
	return nil
}

func (r *runner) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if r.Log != nil {
		r.Log(line)
	}
	r.history = append(r.history, line)
	if len(r.history) > historySize {
		r.history = r.history[1:]
	}
}

// remount closes everything, and looks whether the mount that comes back is the one that went.
func (r *runner) remount() error {
	if err := r.closeAll(); err != nil {
		return err
	}
	before := r.inodes()
	r.note("remount")
	if err := r.Remount(); err != nil {
		return err
	}
	after := r.inodes()
	for p, ino := range before {
		if after[p] != ino {
			return fmt.Errorf("%s has inode %d after a remount, had %d", p, after[p], ino)
		}
	}
	return r.compareTrees()
}

func (r *runner) inodes() map[string]uint64 {
	out := map[string]uint64{}
	r.walk("", func(p string, _ bool) error { //nolint:errcheck // f has none
		out[p] = r.m.inode(p)
		return nil
	})
	return out
}

func (r *runner) closeAll() error {
	for slot := range slotCount {
		if r.m.fds[slot] >= 0 {
			if err := r.do(r.closeSlot(slot)); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk visits everything below a directory of the plain side, which is to be the same in the mount.
func (r *runner) walk(dir string, f func(p string, isDir bool) error) error {
	names, err := r.p.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		p := path.Join(dir, name)
		st, err := os.Lstat(r.p.path(p))
		if err != nil {
			return err
		}
		if err := f(p, st.IsDir()); err != nil {
			return err
		}
		if st.IsDir() {
			if err := r.walk(p, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareTrees looks at every file of both sides.
func (r *runner) compareTrees() error {
	check := func(what, p string, f func(*side) result) error {
		if got, want := f(r.m), f(r.p); !got.equal(want) {
			return fmt.Errorf("%s of %q: the mount says %v, the plain directory %v%s", what, p, got, want, firstDifference(got.data, want.data))
		}
		return nil
	}
	if err := check("list", "", func(s *side) result { return s.list("") }); err != nil {
		return err
	}
	return r.walk("", func(p string, isDir bool) error {
		if local(path.Dir(p)) && r.message(p) {
			return fmt.Errorf("%q is a message in a local directory", p)
		}
		if err := check("lstat", p, func(s *side) result { return s.lstat(p) }); err != nil {
			return err
		}
		if isDir {
			return check("list", p, func(s *side) result { return s.list(p) })
		}
		if target, err := os.Readlink(r.p.path(p)); err == nil {
			return check("readlink", p, func(s *side) result {
				got, err := os.Readlink(s.path(p))
				if err != nil || got != target {
					return fail(err)
				}
				return result{note: got}
			})
		}
		if !r.inherits(p) {
			if err := check("xattrs", p, func(s *side) result { return s.xattrs(p) }); err != nil {
				return err
			}
		}
		return check("content", p, func(s *side) result { return s.content(p) })
	})
}

// firstDifference tells where two contents part, and where they meet again.
func firstDifference(x, y []byte) string {
	for i := range min(len(x), len(y)) {
		if x[i] == y[i] {
			continue
		}
		end := i
		for j := i; j < min(len(x), len(y)); j++ {
			if x[j] != y[j] {
				end = j + 1
			}
		}
		return fmt.Sprintf(", different from %d to %d: %.20q and %.20q", i, end, x[i:], y[i:])
	}
	return ""
}

// String tells a report in lines.
func (r Report) String() string {
	var b strings.Builder
	for _, m := range []map[string]int{r.Calls, r.Differences} {
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			fmt.Fprintf(&b, "%8d %s\n", m[k], k)
		}
	}
	return b.String()
}
