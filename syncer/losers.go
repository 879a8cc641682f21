package syncer

import (
	"errors"
	"strings"
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/replica"
)

// Side says who wrote a version that lost.
type Side string

// The sides. Unknown is a loser that another machine stored, or another program.
const (
	SideUnknown Side = ""
	SideMine    Side = "mine"
	SideTheirs  Side = "theirs"
)

// xattrLost keeps, with a loser that was stored here, whose version it is. It is no extended attribute that programs see.
const xattrLost = "mailfs.lost"

// Pair is a message in the folder of conflict losers and the message that stayed in place.
type Pair struct {
	Loser      replica.Num `json:"loser"`
	LoserPath  string      `json:"loserPath"` // from the root of the mount, with slashes
	LoserTime  time.Time   `json:"loserTime"`
	LoserSide  Side        `json:"loserSide"`
	Winner     replica.Num `json:"winner"` // 0 if it is not there any more, or not here
	WinnerPath string      `json:"winnerPath"`
	WinnerTime time.Time   `json:"winnerTime"`
}

// Pairs returns what conflict resolution left, in the order of the losers' names.
func (s *Syncer) Pairs() (out []Pair, err error) {
	err = s.rep.View(func(v *replica.View) error {
		out = out[:0]
		dir, err := v.BySpecial(replica.SpecialConflicts)
		if err != nil {
			return ignoreMissing(err)
		}
		winners, err := s.winners(v, dir)
		if err != nil {
			return err
		}
		for n, err := range v.Children(dir.Num, "") {
			if err != nil {
				return err
			}
			if n.Message == nil || n.Message.FAI {
				continue
			}
			p, err := pairOf(v, n, winners)
			if err != nil {
				return err
			}
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

func pairOf(v *replica.View, loser *replica.Node, winners map[mapi.SourceKey]*replica.Node) (Pair, error) {
	p := Pair{Loser: loser.Num, LoserTime: loser.Message.Modified.Time(), LoserSide: Side(loser.Xattrs[xattrLost])}
	var err error
	if p.LoserPath, err = placeOf(v, loser); err != nil {
		return p, err
	}
	w := winners[loser.Message.SourceKey]
	for _, key := range linked(v, loser) {
		if n, err := v.BySourceKey(key); err == nil && w == nil && n.Message != nil && n.Parent != 0 {
			w = n
		}
	}
	if w == nil {
		return p, nil
	}
	p.Winner, p.WinnerTime = w.Num, w.Message.Modified.Time()
	p.WinnerPath, err = placeOf(v, w)
	return p, err
}

// winners finds the messages outside the folder of losers that name one. That way round a message is found that was
// moved since.
func (s *Syncer) winners(v *replica.View, losers *replica.Node) (map[mapi.SourceKey]*replica.Node, error) {
	out := map[mapi.SourceKey]*replica.Node{}
	err := s.eachFolder(v, func(dir *replica.Node) error {
		if dir.Num == losers.Num {
			return nil
		}
		for n, err := range v.Messages(dir.Num) {
			if err != nil {
				return err
			}
			if !n.Message.Conflict || n.Parent == 0 {
				continue
			}
			for _, key := range linked(v, n) {
				out[key] = n
			}
		}
		return nil
	})
	return out, err
}

// linked returns the messages that PidTagConflictItems of a message names ([MS-OXCFXICS] 2.2.1.4.1).
func linked(v *replica.View, n *replica.Node) (keys []mapi.SourceKey) {
	m, err := v.Message(n.Num)
	if err != nil {
		return nil
	}
	items, _ := m.Properties.Get(mapi.PidTagConflictItems).([][]byte)
	for _, p := range items {
		id, err := mapi.ParseEntryID(p)
		if err != nil {
			continue
		}
		if e, ok := id.(*mapi.MessageEntryID); ok {
			keys = append(keys, e.Message.SourceKey())
		}
	}
	return keys
}

// placeOf returns where a node is, from the root, with slashes.
func placeOf(v *replica.View, n *replica.Node) (string, error) {
	var names []string
	for n.Num != replica.RootNum {
		names = append([]string{n.Name}, names...)
		var err error
		if n, err = v.Node(n.Parent); err != nil {
			return "", err
		}
	}
	return strings.Join(names, "/"), nil
}

// lostVersion is a version that is to become a message in the folder of losers.
type lostVersion struct {
	content *mapi.Message
	winner  *replica.Node
	key     mapi.SourceKey // of the winner
	at      mapi.FileTime
	side    Side
	id      mapi.SourceKey // tells its name from others
}

// asLoser returns a version as a message of its own that names its winner.
func asLoser(version *mapi.Message, winner []byte) *mapi.Message {
	m := *version
	m.Properties = m.Properties.Clone()
	for _, tag := range []mapi.PropertyTag{mapi.PidTagConflictItems, mapi.PidTagSearchKey} {
		m.Properties.Delete(mapi.Property{Tag: tag}.Key())
	}
	m.Properties = withLink(m.Properties, winner)
	return &m
}

// insertLoser stores a loser, with a queued upload. size is that of its file.
func (s *Syncer) insertLoser(u *replica.Update, dir replica.Num, p lostVersion, size int64) (*replica.Node, error) {
	now := s.cfg.Now()
	n := &replica.Node{Parent: dir, Kind: replica.KindMessage, Mtime: p.at.Time(), Ctime: now, Btime: now, Atime: now,
		Message: &replica.MessageInfo{State: replica.StateFull, Renderer: s.render.version(), Modified: p.at, Read: true, Conflict: true}}
	fillInfo(n.Message, p.content.Properties)
	n.Size, n.Exact = size, true
	n.Xattrs = map[string][]byte{xattrLost: []byte(p.side)}
	n.Name = s.freeName(&u.View, dir, names.Loser(p.winner.Name, p.at.Time(), s.cfg.Location, p.key), p.id)
	num, err := u.Insert(n)
	if err != nil {
		return nil, err
	}
	n.Num = num
	if err := u.PutContent(n, p.content); err != nil {
		return nil, err
	}
	if _, err := u.Enqueue(&replica.Change{Kind: replica.ChangeCreate, Item: num, At: now, Folder: dir, Base: replica.Base{Version: n.Version}}); err != nil {
		return nil, err
	}
	return u.Node(num)
}

// Settle takes the mark of a conflict off a message whose user has decided. The link never counts as a change of
// content.
func (s *Syncer) Settle(num replica.Num) error {
	err := s.rep.Update(func(u *replica.Update) error {
		n, err := u.Node(num)
		if err != nil || n.Message == nil || !n.Message.Conflict {
			return ignoreMissing(err)
		}
		n.Message.Conflict = false
		if err := u.Save(n); err != nil {
			return err
		}
		if m, err := u.Message(num); err == nil && m.Properties.Has(mapi.PidTagConflictItems) {
			with := *m
			with.Properties = m.Properties.Clone()
			with.Properties.Delete(mapi.Property{Tag: mapi.PidTagConflictItems}.Key())
			if err := u.Amend(n, &with); err != nil {
				return err
			}
		} else if err != nil && !errors.Is(err, replica.ErrNotLocal) {
			return err
		}
		_, err = u.Enqueue(&replica.Change{Kind: replica.ChangeProps, Item: num, At: s.cfg.Now(), Folder: n.Parent,
			Base:  replica.Base{Version: n.Version, ChangeKey: n.Message.ChangeKey, PCL: n.Message.PCL},
			Unset: []mapi.Key{mapi.Property{Tag: mapi.PidTagConflictItems}.Key()}})
		return err
	})
	if err == nil {
		s.Kick()
	}
	return err
}
