package memserver

import (
	"fmt"
	"slices"
	"sync"

	"mailfs/mapi"
)

// ownReplID is the short number of a mailbox's own replica GUID. Other GUIDs get
// the numbers after it when a client first names them.
const ownReplID mapi.ReplID = 1

// Mailbox is one mailbox. Its methods may be called by several goroutines.
type Mailbox struct {
	srv *Server
	cfg MailboxConfig

	mu    sync.Mutex
	state boxState
	names nameTable
	repls []mapi.GUID     // repls[i] has ReplID i+1; repls[0] is the own replica
	quota int64           // bytes, 0 for none
	keeps bool            // the list of changes of a message that moves
	last  mapi.FileTime   // the newest commit time given out
	subs  []*subscription // in the order in which they were made
	other uint32          // changes that Clash has made: other clients keep their numbers when the server goes back
}

// boxState is everything in a mailbox that an earlier state can be restored of.
type boxState struct {
	nextID   mapi.GlobCnt // next free object id counter
	lastCN   mapi.GlobCnt // highest change number given out
	folders  map[mapi.GlobCnt]*folder
	indexes  map[mapi.GlobCnt]*folderIndex
	messages map[mapi.GlobCnt]*message // soft-deleted ones included
	foreign  map[mapi.SourceKey]mapi.GlobCnt
	gone     map[mapi.GlobCnt]bool // ids whose object was deleted for good, or reported deleted
	special  [specialCount]mapi.GlobCnt
	receive  []receiveFolder
	store    mapi.PropertyBag // settable properties of the store object
}

type receiveFolder struct {
	class    string
	folder   mapi.GlobCnt
	modified mapi.FileTime
}

func newMailbox(s *Server, c MailboxConfig) *Mailbox {
	return &Mailbox{
		srv: s, cfg: c,
		state: boxState{
			nextID:   1,
			folders:  map[mapi.GlobCnt]*folder{},
			indexes:  map[mapi.GlobCnt]*folderIndex{},
			messages: map[mapi.GlobCnt]*message{},
			foreign:  map[mapi.SourceKey]mapi.GlobCnt{},
			gone:     map[mapi.GlobCnt]bool{},
		},
		names: newNameTable(),
		repls: []mapi.GUID{c.Replica},
	}
}

// Address returns the mail address of the mailbox.
func (m *Mailbox) Address() string { return m.cfg.Address }

// DN returns the legacy distinguished name, by which a client logs on.
func (m *Mailbox) DN() string { return m.cfg.DN }

// GUID returns the mailbox GUID.
func (m *Mailbox) GUID() mapi.GUID { return m.cfg.GUID }

// Replica returns the replica GUID of the mailbox's ids and change numbers.
func (m *Mailbox) Replica() mapi.GUID { return m.cfg.Replica }

// allocID returns the first of n object ids that are never given out again.
func (m *Mailbox) allocID(n uint32) mapi.GlobCnt {
	id := m.state.nextID
	m.state.nextID += mapi.GlobCnt(n)
	return id
}

func (m *Mailbox) allocCN() mapi.GlobCnt {
	m.state.lastCN++
	return m.state.lastCN
}

// commitTime returns the time of a change, later than that of any change before it:
// clients compare the times of folders to find out where something changed.
func (m *Mailbox) commitTime() mapi.FileTime {
	m.last = max(m.srv.now(), m.last+1)
	return m.last
}

// longID returns the long form of an own id.
func (m *Mailbox) longID(c mapi.GlobCnt) mapi.LongTermID {
	return mapi.LongTermID{GUID: m.cfg.Replica, Counter: c}
}

// cnXID returns the external form of an own change number.
func (m *Mailbox) cnXID(c mapi.GlobCnt) mapi.XID {
	k, err := mapi.ChangeKey(m.longID(c).SourceKey()).XID()
	if err != nil {
		panic(fmt.Sprintf("memserver: own change number %x has no XID: %v", uint64(c), err))
	}
	return k
}

// ownCounter returns the counter of a source key that names an object of this
// mailbox, by its own id or by the foreign key the object was imported with.
func (m *Mailbox) ownCounter(k mapi.SourceKey) (mapi.GlobCnt, bool) {
	if id, ok := k.LongTermID(); ok && id.GUID == m.cfg.Replica {
		return id.Counter, true
	}
	c, ok := m.state.foreign[k]
	return c, ok
}

// replID returns the number of a replica GUID, giving out a new one for a new GUID.
func (m *Mailbox) replID(g mapi.GUID) (mapi.ReplID, bool) {
	if i := slices.Index(m.repls, g); i >= 0 {
		return mapi.ReplID(i + 1), true
	}
	if len(m.repls) >= 0xFFFE || g.IsZero() {
		return 0, false
	}
	m.repls = append(m.repls, g)
	return mapi.ReplID(len(m.repls)), true
}

// replGUID returns the GUID of a replica number.
func (m *Mailbox) replGUID(r mapi.ReplID) (mapi.GUID, bool) {
	if r == 0 || int(r) > len(m.repls) {
		return mapi.GUID{}, false
	}
	return m.repls[r-1], true
}

// folderByFID returns a folder that is there and not deleted.
func (m *Mailbox) folderByFID(f mapi.FID) (*folder, bool) {
	if f.ReplID() != ownReplID {
		return nil, false
	}
	return m.liveFolder(f.Counter())
}

func (m *Mailbox) liveFolder(c mapi.GlobCnt) (*folder, bool) {
	f, ok := m.state.folders[c]
	return f, ok && !f.deleted
}

// liveMessage returns a message that is there and not deleted.
func (m *Mailbox) liveMessage(c mapi.GlobCnt) (*message, bool) {
	v, ok := m.state.messages[c]
	return v, ok && !v.deleted
}

func (m *Mailbox) messageByMID(id mapi.MID) (*message, bool) {
	if id.ReplID() != ownReplID {
		return nil, false
	}
	return m.liveMessage(id.Counter())
}
