package fs

import (
	"errors"
	"sync"
	"syscall"

	"mailfs/internal/names"
	"mailfs/replica"
)

// dirBatch is the number of entries that are read from the replica at a time.
const dirBatch = 512

// dirStream is an open directory. Offsets count entries: 1 and 2 are the dots, then come the entries in order of
// name. Names that were handed out are remembered, so that any offset can be gone back to, and reading goes on after
// the last name, whatever has come or gone before it.
type dirStream struct {
	t  *tree
	id nodeID

	mu     sync.Mutex
	names  []string // handed out or read ahead; names[i] has offset i+3
	ahead  []entry  // the entries of the last names, read ahead
	epoch  uint64   // t.epoch when ahead was read
	done   bool     // nothing after ahead
	extras []entry  // control entries of the root, after the others
}

const dotEntries = 2

func (t *tree) opendir(id nodeID) (*dirStream, error) {
	if id == controlDir {
		return &dirStream{t: t, id: id, extras: t.controlEntries(), done: true}, nil
	}
	if id == failuresDir {
		list, err := t.failureEntries()
		return &dirStream{t: t, id: id, extras: list, done: true}, err
	}
	err := t.r.View(func(v *replica.View) error {
		_, err := t.dirOf(v, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := &dirStream{t: t, id: id}
	if id == rootID {
		if e, err := t.conflictsEntry(); err == nil {
			d.extras = append(d.extras, e)
		}
	}
	return d, nil
}

// at returns the entry at an offset from dotEntries on; ok is false at the end.
func (d *dirStream) at(off int) (e entry, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := off - dotEntries
	base := len(d.names) - len(d.ahead)
	if i < base || d.epoch != d.t.epoch.Load() && i < len(d.names) {
		// Gone back to, or read before something changed: read on from there.
		d.names, d.ahead, d.done = d.names[:min(i, len(d.names))], nil, d.id.control()
		base = len(d.names)
	}
	for i >= len(d.names) && !d.done {
		if err := d.read(); err != nil {
			return entry{}, false, err
		}
		base = len(d.names) - len(d.ahead)
	}
	if i < len(d.names) {
		return d.ahead[i-base], true, nil
	}
	if j := i - len(d.names); j < len(d.extras) {
		return d.extras[j], true, nil
	}
	return entry{}, false, nil
}

// read fetches the next batch.
func (d *dirStream) read() error {
	t := d.t
	after := ""
	if len(d.names) > 0 {
		after = d.names[len(d.names)-1]
	}
	d.epoch = t.epoch.Load()
	var batch []entry // most directories are small
	err := t.r.View(func(v *replica.View) error {
		dir, err := v.Node(d.id.num())
		if err != nil {
			return err
		}
		ro := dir.Folder != nil && dir.Folder.ReadOnly
		for n, err := range v.Children(dir.Num, after) {
			if err != nil {
				return err
			}
			if !shown(n) || reserved(dir.Num, n.Name) {
				continue
			}
			batch = append(batch, t.entryOf(n, ro && n.Kind == replica.KindMessage || n.Folder != nil && n.Folder.ReadOnly))
			if len(batch) == dirBatch {
				return nil
			}
		}
		d.done = true
		return nil
	})
	if errors.Is(err, replica.ErrNotFound) {
		d.done, err = true, nil
	}
	d.ahead = batch
	for _, e := range batch {
		d.names = append(d.names, e.node.Name)
	}
	return err
}

// parentOf returns the id of a directory's parent, its own for the root.
func (t *tree) parentOf(id nodeID) nodeID {
	if id == failuresDir {
		return controlDir
	}
	if id.control() {
		return rootID
	}
	n, _, err := t.resolve(id)
	if err != nil || n.Parent == 0 {
		return rootID
	}
	return makeID(n.Parent, 0)
}

// checkName refuses names that can't be stored.
func checkName(parent replica.Num, name string) error {
	switch {
	case len(name) > names.Max:
		return syscall.ENAMETOOLONG
	case parent == replica.RootNum && names.IsReserved(name):
		return syscall.EPERM
	}
	return nil
}
