package syncer

import (
	"context"
	"encoding/hex"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// tellGivenUp tells the server of the ids of messages that were made here, refused there, and deleted here then: they
// are deleted ([MS-OXCFXICS] 3.3.5.2.1), and their folder will never have them (2.2.3.2.4.8). All go in one request. What a
// server says to that changes nothing here: it is for its own sets.
func (s *Syncer) tellGivenUp(ctx context.Context, l *link) error {
	if s.cfg.ReadOnly {
		return nil
	}
	var all [][2]string
	err := s.rep.View(func(v *replica.View) error {
		all = nil
		for one, err := range v.GivenUp() {
			if err != nil {
				return err
			}
			all = append(all, one)
			if len(all) == givenUpMost {
				break
			}
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		return err
	}
	b := l.batch()
	for rest := all; len(rest) > 0; { // they are sorted by folder
		n := 1
		for n < len(rest) && rest[n][0] == rest[0][0] {
			n++
		}
		if err := s.addGivenUp(ctx, l, b, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		for _, one := range all {
			if err := u.Settled(one); err != nil {
				return err
			}
		}
		return nil
	})
}

// givenUpMost bounds what is told with one pass.
const givenUpMost = 200

// addGivenUp adds the requests for the ids of one folder.
func (s *Syncer) addGivenUp(ctx context.Context, l *link, b *batch, list [][2]string) error {
	key, err := hex.DecodeString(list[0][0])
	if err != nil {
		return nil
	}
	var folder *replica.Node
	err = s.rep.View(func(v *replica.View) (err error) { folder, err = v.BySourceKey(mapi.SourceKey(key)); return err })
	if err != nil || folder.Folder == nil {
		return ignoreMissing(err) // the folder is gone as well
	}
	var keys []mapi.SourceKey
	var ids []mapi.LongTermID
	for _, one := range list {
		k, err := hex.DecodeString(one[1])
		id, ok := mapi.SourceKey(k).LongTermID()
		if err == nil && ok && id.GUID == l.replica {
			keys, ids = append(keys, mapi.SourceKey(k)), append(ids, id)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	fid, err := l.fid(ctx, mapi.SourceKey(key))
	if err != nil {
		return err
	}
	dir, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
	coll, _ := b.open(dir, &rop.SynchronizationOpenCollectorRequest{IsContentsCollector: true})
	if err := s.collectorState(b, coll, folder); err != nil {
		return err
	}
	b.do(coll, importDeletes(0, keys...))
	b.release(coll)
	b.do(dir, &rop.SetLocalReplicaMidsetDeletedRequest{LongTermIDRanges: rangesOf(ids)})
	b.release(dir)
	return nil
}

// rangesOf joins ids that follow each other.
func rangesOf(ids []mapi.LongTermID) (out []rop.LongTermIDRange) {
	slices.SortFunc(ids, func(a, b mapi.LongTermID) int { return int(int64(a.Counter) - int64(b.Counter)) })
	for _, id := range ids {
		if n := len(out); n > 0 && out[n-1].Max.Counter+1 == id.Counter {
			out[n-1].Max = id
			continue
		}
		out = append(out, rop.LongTermIDRange{Min: id, Max: id})
	}
	return out
}
