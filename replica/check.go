package replica

import (
	"fmt"
	"slices"
	"strings"

	"mailfs/mapi"
)

// maxFindings bounds what Check returns.
const maxFindings = 200

// Check verifies every invariant and returns what it found wrong: that nodes, names
// and indexes agree both ways; that what refers to a node, a content or a blob finds
// it, whole and counted, and that nothing else is stored; that the journal is in
// order; and that each checkpoint tells of exactly the messages that are here. It
// reads all records and contents, but of blobs only their sizes.
func (r *Replica) Check() ([]string, error) {
	c := &checker{
		nodes: make(map[Num]*record), all: make(map[Num]int), dirs: make(map[Num]int), folds: make(map[string]uint64),
		contents: make(map[uint64]string), blobs: make(map[BlobID]uint64), index: make(map[string]string),
	}
	err := r.View(func(v *View) error {
		c.v = v
		for _, step := range []func() error{
			c.readNodes, c.checkNodes, c.checkDirs, c.checkVersions, c.checkWorking, c.checkContents, c.checkBlobs,
			c.checkJournal, c.checkIndexes, c.checkTotals, c.checkCheckpoints, c.checkReserve, c.checkCounters,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(c.found)
	return c.found, err
}

// checker gathers what must be there, and compares.
type checker struct {
	v        *View
	found    []string
	nodes    map[Num]*record
	all      map[Num]int       // entries by directory
	dirs     map[Num]int       // directories among them
	folds    map[string]uint64 // by key
	contents map[uint64]string // who refers to a content
	blobs    map[BlobID]uint64 // references
	index    map[string]string // keys of indexes with their values
	tally    totals
	top      [counterKinds]uint64 // largest number in use
}

func (c *checker) bad(format string, args ...any) {
	if len(c.found) < maxFindings {
		c.found = append(c.found, fmt.Sprintf(format, args...))
	}
}

// each calls f for every entry of a key space.
func (c *checker) each(space byte, f func(p pair) error) error {
	for p, err := range c.v.scanAll([]byte{space}) {
		if err != nil {
			return err
		}
		if err := f(p); err != nil {
			return err
		}
	}
	return nil
}

// readNodes reads every record and finds it again through its number.
func (c *checker) readNodes() error {
	for _, space := range []byte{spaceDentry, spaceHidden} {
		err := c.each(space, func(p pair) error {
			r, err := decodeRecord(p.k, p.v)
			if err != nil {
				c.bad("record %q: %v", p.k, err)
				return nil
			}
			if string(r.key()) != string(p.k) {
				c.bad("node %d is stored in the wrong place", r.Num)
			}
			if c.nodes[r.Num] != nil {
				c.bad("node %d is stored twice", r.Num)
			}
			c.nodes[r.Num] = r
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.each(spacePlace, func(p pair) error {
		n := Num(keyTail(p.k))
		if r := c.nodes[n]; r == nil || string(r.key()) != p.v {
			c.bad("node %d is not where its number leads", n)
		}
		return nil
	})
}

func (c *checker) checkNodes() error {
	if root := c.nodes[RootNum]; root == nil || root.Kind != KindFolder || root.Parent != 0 {
		c.bad("the root is missing or no folder")
	}
	for n, r := range c.nodes {
		c.top[counterNum] = max(c.top[counterNum], uint64(n))
		if found, err := c.v.has(key(spacePlace, uint64(n))); err != nil {
			return err
		} else if !found {
			c.bad("node %d is not found by its number", n)
		}
		if err := shape(&r.Node); err != nil {
			c.bad("node %d: %v", n, err)
			continue
		}
		c.checkPlace(r)
		c.expect(r)
		c.refer(r)
		c.tally.share(r, +1)
	}
	return nil
}

// checkPlace checks that a node hangs in the tree.
func (c *checker) checkPlace(r *record) {
	if r.Parent == 0 {
		return
	}
	parent := c.nodes[r.Parent]
	if parent == nil || !parent.isDir() {
		c.bad("node %d has no directory %d above it", r.Num, r.Parent)
		return
	}
	steps := 0
	for p := parent; p != nil && p.Parent != 0; p = c.nodes[p.Parent] {
		if steps++; steps > len(c.nodes) {
			c.bad("node %d is above itself", r.Num)
			return
		}
	}
	if !r.listed() {
		return
	}
	c.all[r.Parent]++
	if r.isDir() {
		c.dirs[r.Parent]++
	}
	c.folds[string(c.v.foldKey(r.Parent, r.Name))]++
}

// expect notes the index entries that a node must have.
func (c *checker) expect(r *record) {
	want := func(k []byte, v string) {
		if c.index[string(k)] != "" {
			c.bad("node %d shares the index entry %q", r.Num, k)
		}
		c.index[string(k)] = v
	}
	var e enc
	e.uv(uint64(r.Num))
	if sk := r.sourceKey(); sk != "" {
		want(keyString(spaceSource, string(sk)), string(e.b))
	}
	if s := r.special(); s != SpecialNone {
		want([]byte{spaceSpecial, byte(s)}, string(e.b))
	}
	if r.incomplete() {
		want(r.incompleteKey(), "\x01")
	}
	if r.home != 0 {
		want(key2(spaceHome, uint64(r.home), uint64(r.Num)), "\x01")
		if f := c.nodes[r.home]; f == nil || f.Kind != KindFolder {
			c.bad("node %d is on the server in %d, which is no folder here", r.Num, r.home)
		}
	}
}

// refer notes what a node refers to.
func (c *checker) refer(r *record) {
	if r.content.id != 0 {
		c.content(r.content, fmt.Sprintf("node %d", r.Num))
		if r.Message == nil {
			c.bad("node %d has a content and is no message", r.Num)
		}
	}
	if r.Content != 0 {
		c.blobs[r.Content]++
		if m, err := c.v.blobMeta(r.Content); err == nil && m.size != r.Size {
			c.bad("node %d has the size %d, its bytes are %d", r.Num, r.Size, m.size)
		}
	}
}

func (c *checker) content(ref contentRef, who string) {
	if other := c.contents[ref.id]; other != "" {
		c.bad("content %d belongs to %s and to %s", ref.id, other, who)
	}
	c.contents[ref.id] = who
	c.top[counterContent] = max(c.top[counterContent], ref.id)
	for _, b := range ref.blobs {
		c.blobs[b]++
	}
	c.checkContent(ref, who)
}

// checkContent decodes a content and compares the blobs in it with those it lists.
func (c *checker) checkContent(ref contentRef, who string) {
	p, err := c.v.get(key(spaceContent, ref.id))
	if err != nil || p == nil {
		c.bad("content %d of %s is missing (%v)", ref.id, who, err)
		return
	}
	inside := make(map[BlobID]bool)
	see := func(id BlobID, size int64) {
		inside[id] = true
		if m, err := c.v.blobMeta(id); err != nil || m.size != size {
			c.bad("content %d of %s has a blob %d of %d bytes, which is not there (%v)", ref.id, who, id, size, err)
		}
	}
	d := &bagDec{dec: dec{s: string(p)},
		open: func(id BlobID, size int64) mapi.Blob { see(id, size); return memory(nil) },
		load: func(id BlobID, size int64) ([]byte, error) { see(id, size); return nil, nil },
	}
	d.format(contentFormat)
	d.message(0)
	if err := d.end(); err != nil {
		c.bad("content %d of %s: %v", ref.id, who, err)
	}
	for _, b := range ref.blobs {
		if !inside[b] {
			c.bad("content %d of %s lists blob %d and does not have it", ref.id, who, b)
		}
		delete(inside, b)
	}
	for b := range inside {
		c.bad("content %d of %s has blob %d and does not list it", ref.id, who, b)
	}
}

func (c *checker) checkDirs() error {
	err := c.each(spaceDir, func(p pair) error {
		n := Num(keyTail(p.k))
		all, dirs, err := c.v.CountChildren(n)
		if err != nil {
			return err
		}
		if all != c.all[n] || dirs != c.dirs[n] {
			c.bad("directory %d counts %d entries and %d directories, and has %d and %d", n, all, dirs, c.all[n], c.dirs[n])
		}
		delete(c.all, n)
		return nil
	})
	for n := range c.all {
		c.bad("directory %d does not count its entries", n)
	}
	if err != nil {
		return err
	}
	err = c.each(spaceFold, func(p pair) error {
		d := dec{s: p.v}
		if n := d.uv(); d.end() != nil || n != c.folds[string(p.k)] {
			c.bad("fold key %q counts %d names and has %d", p.k, n, c.folds[string(p.k)])
		}
		delete(c.folds, string(p.k))
		return nil
	})
	for k := range c.folds {
		c.bad("fold key %q is missing", k)
	}
	return err
}

// checkVersions looks at bases, and at versions on their way.
func (c *checker) checkVersions() error {
	for _, space := range []byte{spaceBase, spaceSent} {
		err := c.each(space, func(p pair) error {
			n := Num(keyTail(p.k))
			w, err := decodeVersion([]byte(p.v))
			if err != nil {
				c.bad("older version of %d: %v", n, err)
				return nil
			}
			c.content(w.content, fmt.Sprintf("the older version %c of %d", space, n))
			r := c.nodes[n]
			if r == nil || r.Message == nil {
				c.bad("older version of %d, which is no message", n)
				return nil
			}
			if !r.local || w.base.Version >= r.Version {
				c.bad("message %d has an older version %c under a content that is not newer and local", n, space)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkWorking() error {
	return c.each(spaceWorking, func(p pair) error {
		w, err := decodeWorkingCopy(Num(keyTail(p.k)), p.v)
		if err != nil {
			c.bad("working copy %q: %v", p.k, err)
			return nil
		}
		if c.nodes[w.Item] == nil {
			c.bad("working copy of %d, which is not there", w.Item)
		}
		if w.Content == 0 {
			return nil
		}
		c.blobs[w.Content]++
		if m, err := c.v.blobMeta(w.Content); err == nil && m.size != w.Size {
			c.bad("working copy of %d has the size %d, its bytes are %d", w.Item, w.Size, m.size)
		}
		return nil
	})
}

// checkContents looks for contents that nothing refers to.
func (c *checker) checkContents() error {
	for p, err := range c.v.scan([]byte{spaceContent}, nil, false) {
		if err != nil {
			return err
		}
		id := keyTail(p.k)
		if c.contents[id] != "" {
			continue
		}
		if orphan, err := c.v.has(orphanKey(spaceContent, id)); err != nil {
			return err
		} else if !orphan {
			c.bad("content %d belongs to nothing", id)
		}
	}
	return nil
}

// checkIndexes compares the indexes with what the nodes ask for.
func (c *checker) checkIndexes() error {
	for _, space := range []byte{spaceSource, spaceSpecial, spaceIncomplete, spaceHome} {
		err := c.each(space, func(p pair) error {
			if want, ok := c.index[string(p.k)]; !ok || want != p.v {
				c.bad("index entry %q leads to the wrong node", p.k)
			}
			delete(c.index, string(p.k))
			return nil
		})
		if err != nil {
			return err
		}
	}
	for k := range c.index {
		c.bad("index entry %q is missing", k)
	}
	return nil
}

func (c *checker) checkTotals() error {
	have, err := c.v.readTotals()
	if err != nil {
		return err
	}
	if have != c.tally {
		c.bad("the totals are %+v and should be %+v", have, c.tally)
	}
	return nil
}

// checkCounters checks that no number in use will be given again.
func (c *checker) checkCounters() error {
	names := strings.Fields("node content blob change")
	for k, name := range names {
		next, err := c.v.getNumber(counterKey(counterKind(k)))
		if err != nil {
			return err
		}
		if top := c.top[k]; top > uint64(RootNum) && top >= next {
			c.bad("%s %d is in use, and the counter stands at %d", name, top, next)
		}
	}
	return nil
}
