package replica

import (
	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// Odd counts by how many ids a set differs from what the server has in a folder as far as is known here, changes since
// the folder's checkpoint aside. A state with such ids is not this replica's state of that folder: an id too many
// would hide a message for ever, one too few a deletion. It looks at every message of the folder.
func (v *View) Odd(folder Num, given idset.IDSet) (n uint64, err error) {
	var here idset.IDSet
	for m, err := range v.Messages(folder) {
		if err != nil {
			return 0, err
		}
		id, ok := m.Message.SourceKey.LongTermID()
		if !ok || m.Message.ChangeKey == "" {
			continue
		}
		here.Add(id)
		if given.Contains(id) {
			continue
		}
		if excused, err := v.excused(folder, id); err != nil {
			return 0, err
		} else if !excused {
			n++
		}
	}
	more := given.Subtract(here)
	n += more.Count()
	for p, err := range v.scan(key(spaceDrift, uint64(folder)), nil, false) {
		if err != nil {
			return 0, err
		}
		if id, ok := mapi.SourceKey(p.k[9:]).LongTermID(); ok && more.Contains(id) {
			n--
		}
	}
	return n, nil
}

func (v *View) excused(folder Num, id mapi.LongTermID) (bool, error) {
	return v.has(driftKey(membership{folder, id.SourceKey()}))
}

// OddEnds is Odd for a few ids of a set only: the first and the last of each replica. It is for every use of a state.
func (v *View) OddEnds(folder Num, given idset.IDSet) (bool, error) {
	for _, e := range given.Entries() {
		r := e.Set.Ranges()
		for _, c := range []mapi.GlobCnt{r[0].Low, r[len(r)-1].High} {
			id := mapi.LongTermID{GUID: e.GUID, Counter: c}
			excused, err := v.excused(folder, id)
			if err != nil {
				return false, err
			}
			if excused {
				continue
			}
			num, err := v.getNumber(keyString(spaceSource, string(id.SourceKey())))
			if err != nil {
				return false, err
			}
			there, err := v.has(key2(spaceHome, uint64(folder), num))
			if err != nil || !there {
				return !there, err
			}
		}
	}
	return false, nil
}

// IsAt reports whether the server has a message in a folder, as far as is known here.
func (v *View) IsAt(folder, message Num) (bool, error) {
	return v.has(key2(spaceHome, uint64(folder), uint64(message)))
}
