package syncer

import (
	"context"
	"encoding/binary"
	"maps"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// A state tells the server what is here. One that does not fit what is here, whatever made it so, makes the server keep
// back messages that are missing, and be silent about those that were deleted. It is dropped before it is used; what comes
// then is a full download of that folder's headers, at whose end what is left over goes. A few ids are looked at
// whenever a state is used, all of them with the pass that trusts no hints either.

// settingOdd, with a scope behind it, is by how many ids a fresh state differed from what was here: a server may give ids
// under which nothing came. That many are no reason to drop the state again.
const settingOdd = "syncer.odd/"

// settingHidden is the same for what the server has beyond the ids of a state: its counts may be of something else.
const settingHidden = "syncer.hidden/"

// contentsState returns the state of a folder, an empty one if it is not to be trusted.
func (s *Syncer) contentsState(f folderRef) (*replica.Checkpoint, error) {
	scope := replica.ContentsScope(f.key)
	cp, err := s.checkpoint(scope)
	if err != nil {
		return nil, err
	}
	if cp, err = s.inScope(f, cp); err != nil || cp.At.IsZero() {
		return cp, err // one in the making fits: it is made of what is stored
	}
	cp, err = s.trustedState(scope, settingOdd, func(v *replica.View, cp *replica.Checkpoint) (n uint64, err error) {
		if !f.verify {
			if odd, err := v.OddEnds(f.num, cp.Given); err != nil || !odd {
				return 0, err
			}
		}
		if n, err = v.Odd(f.num, cp.Given); err != nil || n == 0 {
			return n, err
		}
		missing, err := s.undelivered(v, f.key, cp.Given)
		return n - min(n, missing), err
	})
	if err == nil && f.verify && f.only == nil && !cp.At.IsZero() {
		cp, err = s.trustedCount(f)
	}
	if err == nil && cp.At.IsZero() {
		cp.Hints = markScope(cp.Hints, f.only)
	}
	return cp, err
}

// trustedCount is for a state whose ids are those that are here, but that may claim change numbers which were never seen: what
// has them never comes. Where nothing happened in the folder since the state was made, there are as many messages on the
// server as the state has ids.
func (s *Syncer) trustedCount(f folderRef) (*replica.Checkpoint, error) {
	return s.trustedState(replica.ContentsScope(f.key), settingHidden, func(v *replica.View, cp *replica.Checkpoint) (uint64, error) {
		if cp.Hints[hintCommit] == 0 || !maps.Equal(cp.Hints, f.hints) {
			return 0, nil
		}
		list, err := failures(v)
		if err != nil {
			return 0, err
		}
		here := cp.Given.Count()
		for _, x := range list {
			if x.Folder == f.key.String() {
				here++
			}
		}
		there := uint64(max(f.items, 0))
		return there - min(there, here), nil
	})
}

// undelivered counts the messages of a set that the server could not deliver, or whose answers got lost.
func (s *Syncer) undelivered(v *replica.View, folder mapi.SourceKey, given idset.IDSet) (n uint64, err error) {
	list, err := failures(v)
	if err != nil {
		return 0, err
	}
	keys, err := keysUnderWay(v)
	if err != nil {
		return 0, err
	}
	for key := range keys {
		if id, ok := key.LongTermID(); ok && given.Contains(id) {
			n++
		}
	}
	for _, f := range list {
		if f.Folder == folder.String() && f.Message != "" {
			n++
		}
	}
	return n, nil
}

// hierarchyState is contentsState for the folder tree.
func (s *Syncer) hierarchyState() (*replica.Checkpoint, error) {
	full := s.fullDue()
	return s.trustedState(replica.ScopeHierarchy, settingOdd, func(v *replica.View, cp *replica.Checkpoint) (n uint64, err error) {
		mine, err := keysUnderWay(v)
		if err != nil {
			return 0, err
		}
		n = cp.Given.Count()
		here := map[mapi.SourceKey]bool{}
		for x, err := range v.Within(cp.Given) {
			if err != nil {
				return 0, err
			}
			here[keyOf(x)] = true
			n--
		}
		for key := range mine {
			if id, ok := key.LongTermID(); ok && cp.Given.Contains(id) && !here[key] {
				n--
			}
		}
		if !full {
			return n, nil
		}
		var left []replica.Num
		if err := s.leftFolders(v, replica.RootNum, cp.Given, &left); err != nil {
			return 0, err
		}
		for _, num := range left {
			changes, err := v.ChangesOf(num)
			if err != nil {
				return 0, err
			}
			if len(changes) == 0 {
				n++
			}
		}
		return n, nil
	})
}

// verifyTree compares the folder tree with the server's table of folders, as trustedCount does it for messages. What only the
// table has may be new; if it does not come now, the state is what hides it.
func (s *Syncer) verifyTree(ctx context.Context, l *link, rows map[mapi.SourceKey]map[string]int64) error {
	hidden := func(_ *replica.View, cp *replica.Checkpoint) (n uint64, err error) {
		for key := range rows {
			if id, ok := key.LongTermID(); ok && key != l.subtree && !cp.Given.Contains(id) {
				n++
			}
		}
		return n, nil
	}
	cp, err := s.checkpoint(replica.ScopeHierarchy)
	if err != nil {
		return err
	}
	if n, err := hidden(nil, cp); err != nil || n == 0 {
		return err
	}
	if err := s.syncTree(ctx, l, nil); err != nil {
		return err
	}
	cp, err = s.trustedState(replica.ScopeHierarchy, settingHidden, hidden)
	if err != nil || !cp.At.IsZero() {
		return err
	}
	return s.syncTree(ctx, l, nil)
}

// trustedState returns a state unless it is odd, in which case it is dropped. setting is where it is remembered by how much.
func (s *Syncer) trustedState(scope replica.Scope, setting string, oddities func(*replica.View, *replica.Checkpoint) (uint64, error)) (cp *replica.Checkpoint, err error) {
	var odd uint64
	drop := false
	err = s.rep.View(func(v *replica.View) (err error) {
		odd, drop = 0, false
		if cp, err = v.Checkpoint(scope); err != nil || cp.At.IsZero() {
			return err // one in the making fits: it is made of what is stored
		}
		if odd, err = oddities(v, cp); err != nil || odd == 0 {
			return err
		}
		known, err := v.Setting(setting + string(scope))
		if err != nil {
			return err
		}
		drop = len(known) != 8 || binary.BigEndian.Uint64(known) != odd
		return nil
	})
	if err != nil || !drop {
		return cp, err
	}
	s.cfg.Logf("the state of a folder does not fit what is here (%d ids): it is dropped", odd)
	err = s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		if err := u.DropCheckpoint(scope); err != nil {
			return err
		}
		return u.SetSetting(setting+string(scope), binary.BigEndian.AppendUint64(nil, odd))
	})
	return &replica.Checkpoint{}, err
}
