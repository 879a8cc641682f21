package syncer

import (
	"hash/fnv"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// A folder's contents are one scope, unless the configuration restricts them. Then what matches is a scope of its own, with a
// state of its own: a state says which scope it is of, and is dropped rather than used for another one. What is out of the scope
// is not here; what is changed here stays until it has gone up.

// Since is the restriction to messages that were delivered at a time or later, and to those that were never delivered, such as
// drafts.
func Since(t time.Time) mapi.Restriction {
	tag := mapi.PidTagMessageDeliveryTime
	return mapi.OrRestriction{
		mapi.NotRestriction{Restriction: mapi.ExistRestriction{Tag: tag}},
		mapi.PropertyRestriction{Op: mapi.RelGreaterOrEqual, Tag: tag, Value: mapi.Property{Tag: tag, Value: mapi.NewFileTime(t)}},
	}
}

// hintScope names, among the hints that are stored with a state, the scope that it is of; absent for a whole folder.
const hintScope = "scope"

// restriction returns what the configuration restricts a folder to, encoded; nil if it does not.
func (s *Syncer) restriction(v *replica.View, n *replica.Node) ([]byte, error) {
	if len(s.cfg.Only) == 0 {
		return nil, nil
	}
	path, err := placeOf(v, n)
	if err != nil || s.cfg.Only[path] == nil {
		return nil, err
	}
	return mapi.EncodeRestriction(s.cfg.Only[path]), nil
}

// scopeOf is a number for a scope, 0 for a whole folder.
func scopeOf(restriction []byte) int64 {
	if restriction == nil {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(restriction) // never fails
	return int64(h.Sum64() | 1)
}

// markScope enters a scope into the hints of a state.
func markScope(hints map[string]int64, restriction []byte) map[string]int64 {
	if n := scopeOf(restriction); n != 0 {
		if hints == nil {
			hints = map[string]int64{}
		}
		hints[hintScope] = n
	}
	return hints
}

// inScope returns the state if it is of the scope of the folder, an empty one if not.
func (s *Syncer) inScope(f folderRef, cp *replica.Checkpoint) (*replica.Checkpoint, error) {
	switch {
	case cp.Hints[hintScope] == scopeOf(f.only):
		return cp, nil
	case !cp.Given.IsEmpty() || !cp.At.IsZero():
		s.cfg.Logf("the scope of a folder is another one: it is downloaded anew")
		err := s.rep.Update(func(u *replica.Update) error { return u.DropCheckpoint(replica.ContentsScope(f.key)) })
		if err != nil {
			return nil, err
		}
	}
	return &replica.Checkpoint{Hints: markScope(nil, f.only)}, nil
}

// applyOut removes messages that are out of the scope now. What is queued for one goes up first: the next full look takes it.
func (s *Syncer) applyOut(u *replica.Update, folder replica.Num, out idset.IDSet) error {
	nodes, err := s.membersOf(&u.View, folder, out)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := s.removeOut(u, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *Syncer) removeOut(u *replica.Update, n *replica.Node) error {
	changes, err := u.ChangesOf(n.Num)
	if err != nil || len(changes) > 0 {
		return err
	}
	return u.Remove(n.Num)
}
