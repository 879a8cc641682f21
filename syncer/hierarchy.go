package syncer

import (
	"context"
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/idset"
	"mailfs/replica"
)

// syncHierarchy downloads the changes of the folder tree and commits them with their
// state. A tree is small: it goes into one transaction.
func (s *Syncer) syncHierarchy(ctx context.Context, l *link) error { return s.syncTree(ctx, l, nil) }

func (s *Syncer) syncTree(ctx context.Context, l *link, found *check) error {
	s.setPhase(PhaseHierarchy)
	cp, err := s.hierarchyState()
	if err != nil {
		return err
	}
	stream, err := l.openHierarchy(ctx, stateOf(cp))
	if err != nil {
		return err
	}
	defer stream.close()
	dec := fxics.NewDecoder(stream, fxics.RootHierarchySync, nil)
	var arrived []folderArrival
	var gone idset.IDSet
	for {
		el, err := dec.Next()
		if err != nil {
			return fmt.Errorf("download of the folder tree: %w", err)
		}
		switch e := el.(type) {
		case *fxics.FolderChange:
			f, err := l.folderArrivalOf(ctx, e)
			if err != nil {
				return err
			}
			arrived = append(arrived, f)
		case *fxics.Deletions:
			if gone, err = l.resolveAll(ctx, e); err != nil {
				return err
			}
		case *fxics.ErrorInfo:
			if err := s.noteFailure(e.Folder.SourceKey(), "", e.Code); err != nil {
				return err
			}
		case *fxics.State:
			next := &replica.Checkpoint{Given: e.Given.Clone(), Seen: e.Seen}
			if len(arrived) > 0 || !gone.IsEmpty() || cp.At.IsZero() {
				if err := s.countNews(ctx, l); err != nil {
					return err
				}
			} else {
				next.Seen = cp.Seen // what the server counted since is not of folders, and this replica has not counted it
			}
			if cp.At.IsZero() {
				return s.firstHierarchy(arrived, l.special, next, e.Given)
			}
			next.At = s.cfg.Now()
			if err := s.unexpected(found, arrived, gone); err != nil {
				return err
			}
			return s.applyHierarchy(arrived, gone, l.special, next)
		}
	}
}

// unexpected counts the folders that are new or gone, if the pass is to tell.
func (s *Syncer) unexpected(found *check, arrived []folderArrival, gone idset.IDSet) error {
	if found == nil {
		return nil
	}
	return s.rep.View(func(v *replica.View) error {
		for i := range arrived {
			if _, err := v.BySourceKey(arrived[i].SourceKey); errors.Is(err, replica.ErrNotFound) {
				found.folders++
			} else if err != nil {
				return err
			}
		}
		for n, err := range v.Within(gone) {
			if err != nil {
				return err
			}
			if n.Folder != nil {
				found.folders++
			}
		}
		return nil
	})
}

// firstHierarchy stores a folder tree that came from an empty state. Of such a one the server tells no deletions:
// what is left over here is found out by itself, and only then is the state complete.
func (s *Syncer) firstHierarchy(arrived []folderArrival, special map[mapi.SourceKey]replica.Special, next *replica.Checkpoint, given idset.IDSet) error {
	if err := s.applyHierarchy(arrived, idset.IDSet{}, special, next); err != nil {
		return err
	}
	if err := s.settleFolders(given); err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		return withCheckpoint(u, replica.ScopeHierarchy, func(cp *replica.Checkpoint) { cp.At = s.cfg.Now() })
	})
}

// folderArrivalOf turns a change of the stream into what the replica takes.
func (l *link) folderArrivalOf(ctx context.Context, e *fxics.FolderChange) (folderArrival, error) {
	f := folderArrival{Folder: e.Folder}
	var err error
	if id, ok := e.FID(); ok {
		if f.id, err = l.longID(ctx, uint64(id)); err != nil {
			return f, err
		}
	} else if id, ok := f.SourceKey.LongTermID(); ok {
		f.id = id
	}
	if cn, ok := e.CN(); ok {
		if f.cn, err = l.longID(ctx, uint64(cn)); err != nil {
			return f, err
		}
	}
	if f.ParentSourceKey == l.subtree {
		f.ParentSourceKey = ""
	}
	return f, nil
}

// resolveAll returns everything that is gone, whatever the server's reason, in the
// form that may be stored.
func (l *link) resolveAll(ctx context.Context, e *fxics.Deletions) (idset.IDSet, error) {
	var gone idset.IDSet
	for _, set := range []idset.ReplSet{e.Deleted, e.NoLongerInScope, e.Expired} {
		ids, err := l.resolve(ctx, set)
		if err != nil {
			return gone, err
		}
		gone = gone.Union(ids)
	}
	return gone, nil
}

func (s *Syncer) checkpoint(scope replica.Scope) (cp *replica.Checkpoint, err error) {
	err = s.rep.View(func(v *replica.View) error {
		cp, err = v.Checkpoint(scope)
		return err
	})
	return cp, err
}

func stateOf(cp *replica.Checkpoint) fxics.ICSState {
	return fxics.ICSState{Given: cp.Given, Seen: cp.Seen, SeenFAI: cp.SeenFAI, Read: cp.Read}
}

// specialFolders tells the special folders by their keys: those of the log on, and
// those whose entry ids are properties of the Inbox or the Root folder
// ([MS-OXOSFLD] 2.2.2, 2.2.3).
func specialFolders(logon map[replica.Special]mapi.SourceKey, bags ...mapi.PropertyBag) map[mapi.SourceKey]replica.Special {
	out := map[mapi.SourceKey]replica.Special{}
	taken := map[replica.Special]bool{}
	for s, k := range logon {
		if k != "" {
			out[k], taken[s] = s, true
		}
	}
	add := func(id []byte, s replica.Special) {
		if k, ok := folderOfEntryID(id); ok && out[k] == replica.SpecialNone && !taken[s] {
			out[k], taken[s] = s, true
		}
	}
	for _, bag := range bags {
		for tag, s := range specialTags {
			add(bag.Bytes(tag), s)
		}
		more, _ := bag.Get(mapi.PidTagAdditionalRenEntryIds).([][]byte)
		for i, id := range more {
			if i < len(additional) {
				add(id, additional[i])
			}
		}
	}
	return out
}

var specialTags = map[mapi.PropertyTag]replica.Special{
	mapi.PidTagIpmAppointmentEntryId: replica.SpecialCalendar,
	mapi.PidTagIpmContactEntryId:     replica.SpecialContacts,
	mapi.PidTagIpmJournalEntryId:     replica.SpecialJournal,
	mapi.PidTagIpmNoteEntryId:        replica.SpecialNotes,
	mapi.PidTagIpmTaskEntryId:        replica.SpecialTasks,
	mapi.PidTagIpmDraftsEntryId:      replica.SpecialDrafts,
}

// additional gives the meaning of PidTagAdditionalRenEntryIds by index
// ([MS-OXOSFLD] 2.2.4).
var additional = []replica.Special{
	replica.SpecialConflicts, replica.SpecialSyncIssues, replica.SpecialLocalFailures,
	replica.SpecialServerFailures, replica.SpecialJunk,
}
