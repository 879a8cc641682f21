package memserver

import (
	"cmp"
	"slices"
	"strings"

	"mailfs/mapi"
)

// folder is a version of a folder object. A stored folder is never changed: a
// change stores a copy.
type folder struct {
	id, parent        mapi.GlobCnt // the root folder has parent 0
	cn                mapi.GlobCnt
	foreign           mapi.SourceKey // "" unless a client created it under its own key
	changeKey         mapi.ChangeKey
	pcl               mapi.PCL
	created, modified mapi.FileTime
	search            bool
	deleted           bool
	props             mapi.PropertyBag // settable properties, PidTagDisplayName among them
}

func (f *folder) name() string { return f.props.String(mapi.PidTagDisplayName) }

// clone returns a copy to change before it is stored.
func (f *folder) clone() *folder {
	g := *f
	g.props = f.props.Clone()
	return &g
}

// folderIndex holds what a folder contains. It changes in place.
type folderIndex struct {
	items   map[mapi.GlobCnt]*message // live messages
	removed map[mapi.GlobCnt]*message // soft-deleted messages

	normal, unread, fai int
	size                int64
	deletedTotal        int32         // messages and folders ever deleted in it
	commitMax           mapi.FileTime // last change of anything in it
	hierarchyChanges    int32
	hierarchyChanged    mapi.FileTime
	lastArticle         int32
}

func newFolderIndex() *folderIndex {
	return &folderIndex{items: map[mapi.GlobCnt]*message{}, removed: map[mapi.GlobCnt]*message{}}
}

func (x *folderIndex) clone() *folderIndex {
	y := *x
	y.items = make(map[mapi.GlobCnt]*message, len(x.items))
	for k, v := range x.items {
		y.items[k] = v
	}
	y.removed = make(map[mapi.GlobCnt]*message, len(x.removed))
	for k, v := range x.removed {
		y.removed[k] = v
	}
	return &y
}

// sorted returns the live messages by id.
func (x *folderIndex) sorted(want func(*message) bool) []*message {
	out := make([]*message, 0, len(x.items))
	for _, v := range x.items {
		if want(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *message) int { return cmp.Compare(a.id, b.id) })
	return out
}

func (x *folderIndex) count(v *message, sign int) {
	x.size += int64(sign) * int64(v.size)
	switch {
	case v.fai:
		x.fai += sign
	default:
		x.normal += sign
		if !v.read {
			x.unread += sign
		}
	}
}

// stampFolder gives f a new change number, made by the server itself.
func (m *Mailbox) stampFolder(f *folder, now mapi.FileTime) {
	f.cn = m.allocCN()
	x := m.cnXID(f.cn)
	f.changeKey = x.ChangeKey()
	f.pcl = f.pcl.Add(x)
	f.modified = now
}

// stampFolderImport gives f a new change number for a change that a client made.
func (m *Mailbox) stampFolderImport(f *folder, key mapi.ChangeKey, pcl mapi.PCL, modified mapi.FileTime) {
	f.cn = m.allocCN()
	f.changeKey = key
	f.pcl = pcl
	f.modified = modified
}

// putFolder stores a folder version.
func (m *Mailbox) putFolder(f *folder) {
	old := m.state.folders[f.id]
	m.state.folders[f.id] = f
	if f.id >= m.state.nextID {
		m.state.nextID = f.id + 1
	}
	if m.state.indexes[f.id] == nil {
		m.state.indexes[f.id] = newFolderIndex()
	}
	if f.foreign != "" {
		m.state.foreign[f.foreign] = f.id
	}
	now := m.commitTime()
	m.state.indexes[f.id].commitMax = now
	m.touchHierarchy(f.parent, now)
	if old != nil && old.parent != f.parent {
		m.touchHierarchy(old.parent, now)
	}
}

func (m *Mailbox) touchHierarchy(parent mapi.GlobCnt, now mapi.FileTime) {
	if x := m.state.indexes[parent]; x != nil {
		x.hierarchyChanges++
		x.hierarchyChanged = now
		x.commitMax = now
	}
}

// children returns the live folders directly below a folder, by id.
func (m *Mailbox) children(parent mapi.GlobCnt) []*folder {
	var out []*folder
	for _, f := range m.state.folders {
		if f.parent == parent && !f.deleted && f.id != parent {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *folder) int { return cmp.Compare(a.id, b.id) })
	return out
}

// hasChildren is len(children) > 0 without making the list.
func (m *Mailbox) hasChildren(parent mapi.GlobCnt) bool {
	for _, f := range m.state.folders {
		if f.parent == parent && !f.deleted && f.id != parent {
			return true
		}
	}
	return false
}

// descendants returns all live folders below a folder, parents before children.
func (m *Mailbox) descendants(parent mapi.GlobCnt) []*folder {
	byParent := m.byParent()
	var out []*folder
	level := []mapi.GlobCnt{parent}
	for len(level) > 0 {
		var next []mapi.GlobCnt
		for _, p := range level {
			for _, f := range byParent[p] {
				out = append(out, f)
				next = append(next, f.id)
			}
		}
		level = next
	}
	return out
}

// descendantsDeep returns all live folders below a folder with their depth, each
// directly followed by what is below it, as a table with the depth flag shows them.
func (m *Mailbox) descendantsDeep(parent mapi.GlobCnt) (out []*folder, depths []int32) {
	byParent := m.byParent()
	var walk func(mapi.GlobCnt, int32)
	walk = func(id mapi.GlobCnt, depth int32) {
		for _, f := range byParent[id] {
			out, depths = append(out, f), append(depths, depth)
			walk(f.id, depth+1)
		}
	}
	walk(parent, 1)
	return out, depths
}

// byParent returns the live folders below each folder, by id.
func (m *Mailbox) byParent() map[mapi.GlobCnt][]*folder {
	out := map[mapi.GlobCnt][]*folder{}
	for _, f := range m.state.folders {
		if !f.deleted && f.parent != 0 {
			out[f.parent] = append(out[f.parent], f)
		}
	}
	for _, kids := range out {
		slices.SortFunc(kids, func(a, b *folder) int { return cmp.Compare(a.id, b.id) })
	}
	return out
}

// isBelow reports whether f is top or lies below it.
func (m *Mailbox) isBelow(f, top mapi.GlobCnt) bool {
	for n := 0; f != 0 && n <= len(m.state.folders); n++ {
		if f == top {
			return true
		}
		g, ok := m.state.folders[f]
		if !ok {
			return false
		}
		f = g.parent
	}
	return false
}

// childNamed returns the live child with the given name; case does not matter.
func (m *Mailbox) childNamed(parent mapi.GlobCnt, name string) (*folder, bool) {
	for _, f := range m.state.folders {
		if f.parent == parent && !f.deleted && f.id != parent && strings.EqualFold(f.name(), name) {
			return f, true
		}
	}
	return nil, false
}

// isSpecial reports whether a folder is one that the mailbox can't do without.
func (m *Mailbox) isSpecial(id mapi.GlobCnt) bool { return slices.Contains(m.state.special[:], id) }

// newFolder creates a folder below parent.
func (m *Mailbox) newFolder(parent mapi.GlobCnt, name, comment, class string) *folder {
	now := m.srv.now()
	f := &folder{id: m.allocID(1), parent: parent, created: now}
	f.props.Set(mapi.PidTagDisplayName, name)
	f.props.Set(mapi.PidTagComment, comment)
	if class != "" {
		f.props.Set(mapi.PidTagContainerClass, class)
	}
	m.stampFolder(f, now)
	m.putFolder(f)
	m.emit(event{kind: eventCreated, folder: f.id, parent: parent})
	m.emitFolderChanged(parent)
	return f
}

// changeFolder stores a changed copy of f under a new change number.
func (m *Mailbox) changeFolder(f *folder, change func(*folder)) *folder {
	g := f.clone()
	change(g)
	m.stampFolder(g, m.srv.now())
	m.putFolder(g)
	if g.parent != f.parent {
		m.emit(event{kind: eventMoved, folder: g.id, parent: g.parent, oldFolder: f.id, oldParent: f.parent})
		m.emitFolderChanged(f.parent)
		m.emitFolderChanged(g.parent)
	} else {
		m.emit(event{kind: eventModified, folder: g.id, parent: g.parent})
	}
	return g
}

// removeFolder deletes a folder with everything below it.
func (m *Mailbox) removeFolder(f *folder, hard bool) {
	for _, child := range m.children(f.id) {
		m.removeFolder(child, hard)
	}
	x := m.state.indexes[f.id]
	for _, v := range x.sorted(func(*message) bool { return true }) {
		m.removeMessage(v, hard)
	}
	if hard {
		for id := range x.removed {
			m.purge(id)
		}
		delete(m.state.folders, f.id)
		delete(m.state.indexes, f.id)
		delete(m.state.foreign, f.foreign)
		m.state.gone[f.id] = true
	} else {
		g := f.clone()
		g.deleted = true
		m.state.folders[f.id] = g
	}
	m.touchHierarchy(f.parent, m.commitTime())
	if px := m.state.indexes[f.parent]; px != nil {
		px.deletedTotal++
	}
	m.emit(event{kind: eventDeleted, folder: f.id, parent: f.parent})
	m.emitFolderChanged(f.parent)
}
