package memserver

import (
	"maps"
	"slices"

	"mailfs/mapi"
)

// Snapshot is a mailbox as it was at one moment. It shares values with the mailbox
// and must not be changed.
type Snapshot struct {
	Folders []SnapshotFolder // below the IPM subtree, parents before children
	state   boxState
}

// SnapshotFolder is a folder of a Snapshot.
type SnapshotFolder struct {
	ID       mapi.FID
	Path     []string // names from the IPM subtree down
	Class    string   // PidTagContainerClass
	Messages []SnapshotMessage
}

// SnapshotMessage is a message of a Snapshot, in the order of the ids.
type SnapshotMessage struct {
	ID         mapi.MID
	SourceKey  mapi.SourceKey
	ChangeKey  mapi.ChangeKey
	PCL        mapi.PCL
	CN         mapi.CN
	Read       bool
	Associated bool
	Flags      int32 // PidTagMessageFlags
	Modified   mapi.FileTime
	Content    *mapi.Message
}

// Snapshot returns what the mailbox holds now.
func (m *Mailbox) Snapshot() *Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &Snapshot{state: m.state.clone()}
	paths := map[mapi.GlobCnt][]string{m.state.special[FolderIPMSubtree]: {}}
	for _, f := range m.descendants(m.state.special[FolderIPMSubtree]) {
		path := append(slices.Clone(paths[f.parent]), f.name())
		paths[f.id] = path
		sf := SnapshotFolder{ID: mapi.NewFID(ownReplID, f.id), Path: path, Class: f.props.String(mapi.PidTagContainerClass)}
		for _, v := range m.state.indexes[f.id].sorted(func(*message) bool { return true }) {
			sf.Messages = append(sf.Messages, SnapshotMessage{
				ID: mapi.NewMID(ownReplID, v.id), SourceKey: m.sourceKeyOf(v.id, v.foreign), ChangeKey: v.changeKey, PCL: v.pcl,
				CN: mapi.NewCN(ownReplID, v.cn), Read: v.read, Associated: v.fai, Flags: v.messageFlags(), Modified: v.modified, Content: v.content,
			})
		}
		s.Folders = append(s.Folders, sf)
	}
	return s
}

// RewindState puts the mailbox back to an earlier moment, its counters included, as
// a restored backup does: change numbers are given out a second time.
func (m *Mailbox) RewindState(s *Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s.state.clone()
	m.commitTime()
}

// clone copies the maps; the records in them never change.
func (s *boxState) clone() boxState {
	t := *s
	t.folders = maps.Clone(s.folders)
	t.messages = maps.Clone(s.messages)
	t.foreign = maps.Clone(s.foreign)
	t.gone = maps.Clone(s.gone)
	t.receive = slices.Clone(s.receive)
	t.store = s.store.Clone()
	t.indexes = make(map[mapi.GlobCnt]*folderIndex, len(s.indexes))
	for id, x := range s.indexes {
		t.indexes[id] = x.clone()
	}
	return t
}
