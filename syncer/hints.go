package syncer

import (
	"maps"
	"math"
	"slices"

	"mailfs/mapi"
	"mailfs/replica"
)

// The hints that are stored with a folder's state. They tell when there is nothing
// to look for; a full look once a day verifies them.
const (
	hintCommit  = "commit" // PidTagLocalCommitTimeMax: moves with every change of content or read state
	hintItems   = "items"
	hintFAI     = "fai"
	hintDeleted = "deleted"
)

// hintTags are the columns of the hierarchy table.
var hintTags = []mapi.PropertyTag{
	mapi.PidTagFolderId,
	mapi.PidTagLocalCommitTimeMax,
	mapi.PidTagContentCount,
	mapi.PidTagAssociatedContentCount,
	mapi.PidTagDeletedCountTotal,
}

// hintsOf reads a row of the hierarchy table. Without a commit time the hints never
// say that nothing changed.
func hintsOf(row mapi.PropertyBag) map[string]int64 {
	h := map[string]int64{}
	for name, tag := range map[string]mapi.PropertyTag{
		hintItems: mapi.PidTagContentCount, hintFAI: mapi.PidTagAssociatedContentCount, hintDeleted: mapi.PidTagDeletedCountTotal,
	} {
		if row.Has(tag) {
			h[name] = row.Int(tag)
		}
	}
	if row.Has(mapi.PidTagLocalCommitTimeMax) {
		h[hintCommit] = int64(row.Time(mapi.PidTagLocalCommitTimeMax))
	}
	return h
}

// unchanged reports whether the hints say that a folder is as it was.
func unchanged(was, is map[string]int64) bool {
	return is[hintCommit] != 0 && maps.Equal(was, is)
}

// dueFolders chooses the folders to look at: all of them when full is set, else
// those that the hints or a notification name. The Inbox comes first, then those that changed last.
func (s *Syncer) dueFolders(rows map[mapi.SourceKey]map[string]int64, full bool, named map[mapi.SourceKey]bool) ([]folderRef, error) {
	var due []folderRef
	rank := map[replica.Num]int64{}
	err := s.rep.View(func(v *replica.View) error {
		due = due[:0]
		return s.eachFolder(v, func(n *replica.Node) error {
			key := n.Folder.SourceKey
			cp, err := v.Checkpoint(replica.ContentsScope(key))
			if err != nil {
				return err
			}
			only, err := s.restriction(v, n)
			if err != nil {
				return err
			}
			is := markScope(maps.Clone(rows[key]), only)
			if !full && !named[key] && !cp.At.IsZero() && unchanged(cp.Hints, is) {
				return nil
			}
			f := folderRef{num: n.Num, key: key, hints: maps.Clone(is), only: only, items: int(is[hintItems] + is[hintFAI]), verify: full}
			f.known = !cp.At.IsZero()
			f.quiet = !named[key] && len(is) > 0 && (f.items == 0 || !cp.At.IsZero() && maps.Equal(cp.Hints, is))
			due = append(due, f)
			rank[n.Num] = is[hintCommit]
			switch {
			case s.movedTo(key):
				rank[n.Num] = math.MaxInt64
			case n.Folder.Special == replica.SpecialInbox:
				rank[n.Num] = math.MaxInt64 - 1
			}
			return nil
		})
	})
	slices.SortStableFunc(due, func(a, b folderRef) int {
		switch {
		case rank[a.num] > rank[b.num]:
			return -1
		case rank[a.num] < rank[b.num]:
			return 1
		}
		return 0
	})
	return due, err
}

// eachFolder calls f for the root and every folder that the server knows and that is
// in the tree. It goes by the state of the hierarchy, so that the messages beside
// the folders cost nothing.
func (s *Syncer) eachFolder(v *replica.View, f func(*replica.Node) error) error {
	root, err := v.Node(replica.RootNum)
	if err != nil {
		return err
	}
	if root.Folder != nil && root.Folder.SourceKey != "" {
		if err := f(root); err != nil {
			return err
		}
	}
	cp, err := v.Checkpoint(replica.ScopeHierarchy)
	if err != nil {
		return err
	}
	for n, err := range v.Within(cp.Given) {
		if err != nil {
			return err
		}
		if n.Folder == nil || n.Parent == 0 || n.Num == replica.RootNum {
			continue
		}
		if err := f(n); err != nil {
			return err
		}
	}
	return nil
}
