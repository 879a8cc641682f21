package replica

import (
	"errors"
	"iter"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// lookUpMost is the size of a range whose ids are looked up one by one.
const lookUpMost = 256

// Within yields the folders and messages that have an id of a set, whatever its size: a range may stand for more ids than
// there ever were. What is changed meanwhile may be yielded as it was.
func (v *View) Within(set idset.IDSet) iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		for _, e := range set.Entries() {
			for _, r := range e.Set.Ranges() {
				for n, err := range v.withinRange(e.GUID, r) {
					if !yield(n, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

func (v *View) withinRange(g mapi.GUID, r idset.Range) iter.Seq2[*Node, error] {
	if r.Count() > lookUpMost {
		return v.scanRange(g, r)
	}
	return func(yield func(*Node, error) bool) {
		for c := r.Low; c <= r.High; c++ {
			n, err := v.BySourceKey(mapi.LongTermID{GUID: g, Counter: c}.SourceKey())
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

// scanRange goes through what is here; source keys sort by their counters.
func (v *View) scanRange(g mapi.GUID, r idset.Range) iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		first := keyString(spaceSource, string(mapi.LongTermID{GUID: g, Counter: r.Low}.SourceKey()))
		for p, err := range v.scan(first[:1+len(g)], first, false) {
			if err != nil {
				yield(nil, err)
				return
			}
			k := mapi.SourceKey(p.k[1:])
			id, ok := k.LongTermID()
			if !ok {
				continue
			}
			if id.Counter > r.High {
				return
			}
			n, err := v.BySourceKey(k)
			if errors.Is(err, ErrNotFound) {
				continue // removed since the page was read
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}
