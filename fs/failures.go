package fs

import (
	"hash/fnv"
	"time"

	"mailfs/replica"
)

// Failure is an item that could not be brought here, as a file in .mailfs/failures/ tells of it.
type Failure struct {
	Name string    // of the file; no other one has it
	Text string    // its content
	At   time.Time // what the file shows as its time
}

// failureFlag marks the nodes of these files; the rest of their number comes from their names.
const failureFlag = nodeID(1) << 62

func failureID(name string) nodeID {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return controlFlag | failureFlag | nodeID(h.Sum64())>>2
}

// failures returns what could not be brought here.
func (t *tree) failures() ([]Failure, error) {
	if t.opt.Failures == nil {
		return nil, nil
	}
	return t.opt.Failures()
}

func (t *tree) failureEntries() (out []entry, err error) {
	list, err := t.failures()
	for i := range list {
		out = append(out, t.failureEntry(&list[i]))
	}
	return out, err
}

func (t *tree) failureEntry(f *Failure) entry {
	id := failureID(f.Name)
	a := t.plainControl(id)
	a.mtime, a.ctime = f.At, f.At
	return entry{id: id, node: &replica.Node{Name: f.Name}, attr: a}
}

func (t *tree) lookupFailure(name string) (entry, error) {
	f, err := t.failureOf(failureID(name))
	if err != nil {
		return entry{}, err
	}
	return t.failureEntry(f), nil
}

// failureOf returns what a file of .mailfs/failures/ tells of.
func (t *tree) failureOf(id nodeID) (*Failure, error) {
	list, err := t.failures()
	if err != nil {
		return nil, err
	}
	for i := range list {
		if failureID(list[i].Name) == id {
			return &list[i], nil
		}
	}
	return nil, replica.ErrNotFound
}
