package syncer

import (
	"slices"

	"mailfs/mapi"
	"mailfs/replica"
)

// reassert puts a message that the server has in an older version on top of that one.
func (s *Syncer) reassert(u *replica.Update, n *replica.Node, a *arrival) error {
	if err := u.SetKeys(n.Num, a.key, a.change, a.pcl); err != nil {
		return err
	}
	base := replica.Base{Version: n.Version, ChangeKey: a.change, PCL: a.pcl}
	_, err := u.Enqueue(&replica.Change{Kind: replica.ChangeEdit, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent, Base: base})
	if err != nil {
		return err
	}
	return s.reassertRead(u, n, a)
}

// applyUnderBody deals with a body that is of a later version than the header that is here, and that the server has again: it
// was fetched before that version's header came, and nobody else may have it any more. It goes up, unless its user removed it.
func (s *Syncer) applyUnderBody(u *replica.Update, n *replica.Node, a *arrival, p pending) (done bool, err error) {
	if n.Message.State != replica.StateFull || p.content {
		return false, nil
	}
	m, err := u.Message(n.Num)
	if err != nil {
		return false, ignoreAbsent(err)
	}
	if later, err := ofLaterVersion(u, n, m.Properties); err != nil || !later {
		return false, err
	}
	if p.deleted {
		return true, s.applyVersion(u, n, a, p)
	}
	return true, s.reassert(u, n, a)
}

// ofLaterVersion reports whether a body is of a later version than the header. Of two in one instant the keys tell, unless the
// version was made here, where a body may have come before them.
func ofLaterVersion(u *replica.Update, n *replica.Node, body mapi.PropertyBag) (bool, error) {
	at, key := body.Time(mapi.PidTagLastModificationTime), mapi.ChangeKey(body.Bytes(mapi.PidTagChangeKey))
	if at != n.Message.Modified || key == "" || key == n.Message.ChangeKey {
		return at > n.Message.Modified, nil
	}
	id, err := u.Identity()
	if err != nil {
		return false, err
	}
	x, err := n.Message.ChangeKey.XID()
	return err == nil && x.Namespace != id.Namespace, nil
}

// reassertRead sends a read state that the server has lost.
func (s *Syncer) reassertRead(u *replica.Update, n *replica.Node, a *arrival) error {
	if n.Message.Read == (a.header.Int(mapi.PidTagMessageFlags)&flagRead != 0) {
		return nil
	}
	_, err := u.Enqueue(&replica.Change{Kind: replica.ChangeRead, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent, Read: n.Message.Read})
	return err
}

// markKeys are the properties by which its owner marks a message.
var markKeys = []mapi.Key{
	keyOfTag(mapi.PidTagFlagStatus), keyOfTag(mapi.PidTagFollowupIcon), keyOfTag(mapi.PidTagFlagCompleteTime),
	keyOfTag(mapi.PidTagImportance), keyOfTag(mapi.PidTagPriority), {Name: keywords},
}

// reassertMarks sends marks that the server has lost of a version that it has. What was set when the server had a newer one is
// here on top of the older one until that has come.
func (s *Syncer) reassertMarks(u *replica.Update, n *replica.Node, a *arrival, p pending) error {
	m, err := u.Message(n.Num)
	if err != nil {
		return ignoreAbsent(err)
	}
	if p.content || sameMarks(m.Properties, a.header) {
		return nil
	}
	bag := m.Properties
	for _, c := range p.props {
		bag = overlay(bag, c)
	}
	c := &replica.Change{Kind: replica.ChangeProps, Item: n.Num, At: s.cfg.Now(), Folder: n.Parent,
		Base: replica.Base{Version: n.Version, ChangeKey: a.change, PCL: a.pcl}}
	for _, k := range markKeys {
		if p, ok := bag.Lookup(k); ok {
			c.Set.Put(p)
		} else {
			c.Unset = append(c.Unset, k)
		}
	}
	_, err = u.Enqueue(c)
	return err
}

// sameMarks reports whether marks show as the same. Not all that belongs to them is in a header.
func sameMarks(x, y mapi.PropertyBag) bool {
	var a, b replica.MessageInfo
	fillInfo(&a, x)
	fillInfo(&b, y)
	return a.Flag == b.Flag && a.Importance == b.Importance && slices.Equal(a.Categories, b.Categories)
}
