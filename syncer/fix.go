package syncer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// reserveIDs is the number of ids that are reserved at a time, and reserveLow the
// number below which new ones are asked for ([MS-OXCSYNC] 3.1.3.1.1: not before the
// bulk of the old ones is used).
const (
	reserveIDs = 4096
	reserveLow = 256
)

// reserve makes sure that ids for new items are at hand.
func (s *Syncer) reserve(ctx context.Context, l *link, need int) error {
	var have int
	err := s.rep.View(func(v *replica.View) (err error) {
		have, err = v.Reserved()
		return err
	})
	if err != nil || have >= max(need, 1) && have >= min(reserveLow, need+reserveLow) {
		return err
	}
	b := l.batch()
	a := b.do(l.store, &rop.GetLocalReplicaIDsRequest{IDCount: uint32(max(reserveIDs, need))})
	if err := b.run(ctx); err != nil {
		return err
	}
	resp, ok := a.resp().(*rop.GetLocalReplicaIDsResponse)
	if !ok || a.err() != nil {
		if have >= need {
			return nil // enough for now
		}
		return fmt.Errorf("reservation of ids: %w", a.err())
	}
	if resp.ReplGUID != l.replica {
		return &mapi.Protocol{Err: errors.New("reserved ids are of another replica")}
	}
	return s.rep.Update(func(u *replica.Update) error {
		return u.AddReserve(resp.GlobalCount, uint32(max(reserveIDs, need)))
	})
}

// fix stores the ids and keys that a change will have on the server, before it is
// sent for the first time.
func (s *Syncer) fix(u *replica.Update, c *replica.Change, n *replica.Node) error {
	if c.Fixed {
		return nil
	}
	id, err := u.Identity()
	if err != nil {
		return err
	}
	if needsID(c) && c.SourceKey == "" { // one that was refused keeps its id
		in, err := idFolder(u, c)
		if err != nil {
			return err
		}
		cnt, err := u.TakeIDIn(in)
		if err != nil {
			return err
		}
		c.SourceKey = mapi.LongTermID{GUID: id.ReplicaGUID, Counter: cnt}.SourceKey()
	}
	local, err := u.NextChange()
	if err != nil {
		return err
	}
	x := mapi.XID{Namespace: id.Namespace, LocalID: string(binary.BigEndian.AppendUint32(nil, local))}
	c.ChangeKey = x.ChangeKey()
	c.PCL = c.Base.PCL.Add(x)
	c.Modified = mapi.NewFileTime(c.At)
	c.Version = n.Version
	switch c.Kind {
	case replica.ChangeMove, replica.ChangeDelete:
		c.OldKey = keyOf(n)
		c.PCL = pclOf(n).Add(x)
	case replica.ChangeEdit, replica.ChangeFolderUpdate:
		c.SourceKey = keyOf(n)
	}
	c.Fixed = true
	return u.SaveChange(c)
}

// idFolder returns the folder whose stretch of ids a change takes from, 0 for folders.
func idFolder(u *replica.Update, c *replica.Change) (replica.Num, error) {
	switch c.Kind {
	case replica.ChangeFolderCreate:
		return 0, nil
	case replica.ChangeDelete:
		bin, err := u.BySpecial(replica.SpecialDeletedItems)
		if err != nil {
			return 0, ignoreMissing(err)
		}
		return bin.Num, nil
	}
	return c.Folder, nil
}

// needsID reports whether a change makes an object with an id of its own.
func needsID(c *replica.Change) bool {
	switch c.Kind {
	case replica.ChangeCreate, replica.ChangeFolderCreate, replica.ChangeMove:
		return true
	case replica.ChangeDelete:
		return !c.Hard
	}
	return false
}

func keyOf(n *replica.Node) mapi.SourceKey {
	switch {
	case n.Message != nil:
		return n.Message.SourceKey
	case n.Folder != nil:
		return n.Folder.SourceKey
	}
	return ""
}

func pclOf(n *replica.Node) mapi.PCL {
	switch {
	case n.Message != nil:
		return n.Message.PCL
	case n.Folder != nil:
		return n.Folder.PCL
	}
	return nil
}
