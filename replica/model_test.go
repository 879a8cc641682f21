package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailfs/mapi"
)

// model is the naive replica that the real one is compared with: maps, copied for
// every transaction. Contents are tokens.
type model struct {
	nodes    map[Num]*modelNode
	changes  []Change // in order of Seq
	work     map[Num]WorkingCopy
	settings map[string]string
	ids      map[mapi.GlobCnt]bool // handed out, ever
}

type modelNode struct {
	Node
	content int // token, 0 for none
	full    bool
	local   bool
	home    Num
	base    int
	sent    int
	sentFor uint64 // version
}

func newModel() *model {
	root := Node{Num: RootNum, Kind: KindFolder, Folder: &FolderInfo{}, Mtime: testTime, Ctime: testTime, Btime: testTime, Atime: testTime}
	return &model{nodes: map[Num]*modelNode{RootNum: {Node: root}}, work: map[Num]WorkingCopy{}, settings: map[string]string{}, ids: map[mapi.GlobCnt]bool{}}
}

func copyNode(n Node) Node {
	if n.Folder != nil {
		f := *n.Folder
		n.Folder = &f
	}
	if n.Message != nil {
		m := *n.Message
		n.Message = &m
	}
	n.Xattrs = maps.Clone(n.Xattrs)
	return n
}

func (m *model) clone() *model {
	out := &model{nodes: make(map[Num]*modelNode), changes: slices.Clone(m.changes), work: maps.Clone(m.work), settings: maps.Clone(m.settings), ids: m.ids}
	for k, n := range m.nodes {
		c := *n
		c.Node = copyNode(n.Node)
		out.nodes[k] = &c
	}
	return out
}

func (m *model) nums() []Num { return slices.Sorted(maps.Keys(m.nodes)) }

func isDirKind(k Kind) bool { return k == KindFolder || k == KindDir }

func (n *modelNode) fai() bool { return n.Message != nil && n.Message.FAI }

func (n *modelNode) key() mapi.SourceKey {
	switch {
	case n.Message != nil:
		return n.Message.SourceKey
	case n.Folder != nil:
		return n.Folder.SourceKey
	}
	return ""
}

func (m *model) children(parent Num) []*modelNode {
	var out []*modelNode
	for _, n := range m.nodes {
		if n.Parent == parent && parent != 0 && !n.fai() {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *modelNode) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (m *model) named(parent Num, name string) *modelNode {
	for _, n := range m.children(parent) {
		if n.Name == name {
			return n
		}
	}
	return nil
}

func (m *model) within(n, dir Num) bool {
	for ; n != 0; n = m.nodes[n].Parent {
		if n == dir {
			return true
		}
	}
	return false
}

func (m *model) queue(n Num) []*Change {
	var out []*Change
	for i := range m.changes {
		if m.changes[i].Item == n {
			out = append(out, &m.changes[i])
		}
	}
	return out
}

func (m *model) place(n *modelNode, remote bool) error {
	p := m.nodes[n.Parent]
	switch {
	case p == nil:
		return ErrNotFound
	case !isDirKind(p.Kind):
		return ErrInvalid
	case p.Parent == 0 && p.Num != RootNum && !remote:
		return ErrNotFound
	case n.fai():
		return nil
	}
	if there := m.named(n.Parent, n.Name); there != nil && there.Num != n.Num {
		return ErrExists
	}
	return nil
}

func (m *model) keyTaken(k mapi.SourceKey, by Num) bool {
	for _, n := range m.nodes {
		if k != "" && n.key() == k && n.Num != by {
			return true
		}
	}
	return false
}

func (m *model) folderOrNone(n Num) Num {
	if f := m.nodes[n]; f != nil && f.Kind == KindFolder {
		return n
	}
	return 0
}

func (m *model) insert(n Node, num Num, remote bool) error {
	x := &modelNode{Node: copyNode(n)}
	x.Num, x.Version, x.Gen = num, 0, 0
	if err := m.place(x, remote); err != nil {
		return err
	}
	if m.keyTaken(x.key(), 0) {
		return ErrExists
	}
	if remote && x.Message != nil {
		x.home = m.folderOrNone(x.Parent)
	}
	m.nodes[num] = x
	return nil
}

func (m *model) move(n, parent Num, name string, remote, attach bool) error {
	x := m.nodes[n]
	if x == nil {
		return ErrNotFound
	}
	if (x.Parent == 0) != attach || n == RootNum {
		return ErrInvalid
	}
	if isDirKind(x.Kind) && m.nodes[parent] != nil && m.within(parent, n) {
		return ErrInvalid
	}
	y := *x
	y.Parent, y.Name = parent, name
	if err := m.place(&y, remote); err != nil {
		return err
	}
	if remote && y.Message != nil {
		y.home = m.folderOrNone(parent)
	}
	m.nodes[n] = &y
	return nil
}

func (m *model) removable(n Num) error {
	x := m.nodes[n]
	switch {
	case x == nil:
		return ErrNotFound
	case n == RootNum:
		return ErrInvalid
	case len(m.children(n)) > 0:
		return ErrNotEmpty
	}
	return nil
}

func (m *model) detach(n Num) error {
	if err := m.removable(n); err != nil {
		return err
	}
	m.nodes[n].Parent = 0
	return nil
}

func (m *model) remove(n Num, remote bool) error {
	if x := m.nodes[n]; remote && x != nil && x.Message != nil && x.Parent != 0 && !x.fai() {
		if w, ok := m.work[n]; ok && w.Size > 0 { // what is being written stays
			file := &modelNode{Node: x.Node}
			file.Kind, file.Message, file.Version = KindFile, nil, x.Version+1
			if w.Base.Version != x.Version {
				file.Gen++
			}
			file.Content, file.Size, file.Exact, file.Mtime = w.Content, w.Size, true, w.At
			m.nodes[n] = file
			m.changes = slices.DeleteFunc(m.changes, func(c Change) bool { return c.Item == n })
			return nil
		}
	}
	if err := m.removable(n); err != nil {
		return err
	}
	for num, x := range m.nodes {
		if x.fai() && x.Parent == n {
			m.erase(num)
		}
	}
	for _, x := range m.nodes {
		if x.home == n {
			x.home = 0
		}
	}
	m.erase(n)
	return nil
}

func (m *model) erase(n Num) {
	delete(m.nodes, n)
	delete(m.work, n)
	m.changes = slices.DeleteFunc(m.changes, func(c Change) bool { return c.Item == n })
}

func (m *model) put(n Num, token int, full, remote bool) error {
	x := m.nodes[n]
	if x == nil {
		return ErrNotFound
	}
	if x.Message == nil {
		return ErrInvalid
	}
	if !full && x.local {
		return ErrStale
	}
	switch {
	case remote:
		x.base, x.sent = 0, 0
	case x.content == 0:
	case !x.local && x.Message.ChangeKey != "":
		x.base = x.content
	default:
		for _, c := range m.queue(n) {
			if c.Fixed && (c.Kind == ChangeCreate || c.Kind == ChangeEdit) && c.Version == x.Version {
				x.sent, x.sentFor = x.content, x.Version
				break
			}
		}
	}
	if remote && x.full {
		x.Gen++
	}
	x.Version++
	x.content, x.full, x.local = token, full, !remote
	x.Message.State = StateHeader
	if full {
		x.Message.State = StateFull
	}
	return nil
}

func (m *model) setKeys(n Num, sk mapi.SourceKey, ck mapi.ChangeKey) error {
	x := m.nodes[n]
	switch {
	case x == nil:
		return ErrNotFound
	case x.Folder == nil && x.Message == nil:
		return ErrInvalid
	case m.keyTaken(sk, n):
		return ErrExists
	}
	if x.Folder != nil {
		x.Folder.SourceKey, x.Folder.ChangeKey = sk, ck
		return nil
	}
	if x.Message.ChangeKey == "" && ck != "" {
		x.home = 0
	}
	x.Message.SourceKey, x.Message.ChangeKey = sk, ck
	for _, c := range m.queue(n) {
		if c.Fixed && (c.Kind == ChangeCreate || c.Kind == ChangeMove) && c.SourceKey == sk {
			x.home = m.folderOrNone(c.Folder)
			return nil
		}
	}
	if x.home == 0 && ck != "" {
		x.home = m.folderOrNone(x.Parent)
	}
	return nil
}

// enqueue returns 0 when the change vanished or was folded, else that it was appended.
func (m *model) enqueue(c Change, remote bool) (appended bool, err error) {
	x := m.nodes[c.Item]
	if x == nil {
		return false, ErrNotFound
	}
	folder := c.Kind >= ChangeFolderCreate
	if folder && x.Folder == nil || !folder && x.Message == nil {
		return false, ErrInvalid
	}
	q := m.queue(c.Item)
	for _, e := range q {
		if e.Error != nil {
			e.Error, e.Attempts, e.Fixed = nil, 0, false
		}
	}
	for _, e := range slices.Backward(q) {
		if e.Fixed || e.Kind == ChangeDelete || e.Kind == ChangeFolderDelete {
			break
		}
		if e.Kind == ChangeMove && c.Kind == ChangeDelete { // from where the move came
			c.From, c.Folder = e.From, e.From
			seq := e.Seq
			m.changes = slices.DeleteFunc(m.changes, func(c Change) bool { return c.Seq == seq })
			return m.enqueue(c, remote)
		}
		create := e.Kind == ChangeCreate || e.Kind == ChangeFolderCreate
		if create && (c.Kind == ChangeDelete || c.Kind == ChangeFolderDelete) {
			return false, m.remove(c.Item, remote)
		}
		if !create && e.Kind != c.Kind {
			continue
		}
		switch c.Kind {
		case ChangeMove, ChangeFolderUpdate:
			if e.Kind == ChangeMove && e.From == c.Folder {
				seq := e.Seq
				m.changes = slices.DeleteFunc(m.changes, func(c Change) bool { return c.Seq == seq })
				return false, nil
			}
			e.Folder = c.Folder
		case ChangeRead:
			e.Read = c.Read
		}
		return false, nil
	}
	made := c.Base.Version
	for _, e := range m.queue(c.Item) {
		if e.Fixed && e.ChangeKey != "" && (c.Kind != ChangeCreate && c.Kind != ChangeEdit || made >= e.Version) {
			c.Base = Base{Version: e.Version, ChangeKey: e.ChangeKey, PCL: e.PCL}
		}
	}
	m.changes = append(m.changes, c)
	return true, nil
}

func (m *model) dropChange(seq uint64) {
	i := slices.IndexFunc(m.changes, func(c Change) bool { return c.Seq == seq })
	c := m.changes[i]
	m.changes = slices.Delete(m.changes, i, i+1)
	if c.Kind != ChangeCreate && c.Kind != ChangeEdit {
		return
	}
	x := m.nodes[c.Item]
	for _, e := range m.queue(c.Item) {
		if e.Kind == ChangeCreate || e.Kind == ChangeEdit {
			if x.sent != 0 && x.sentFor == c.Version {
				x.base, x.sent = x.sent, 0
			}
			return
		}
	}
	x.base, x.sent, x.local = 0, 0, false
}

// sameClass says that two errors mean the same to a caller.
func sameClass(got, want error) bool {
	if want == nil || got == nil {
		return got == want
	}
	return errors.Is(got, want)
}

// tokenMessage makes a content that token identifies; every fifth is large.
func tokenMessage(token int) *mapi.Message {
	m := &mapi.Message{}
	m.Properties.Set(mapi.PidTagSubject, fmt.Sprint("token ", token))
	if token%5 == 0 {
		m.Properties.Set(mapi.PidTagHtml, []byte(strings.Repeat(fmt.Sprintf("%08d", token), large/8)))
	}
	if token%7 == 0 {
		m.Properties.Set(mapi.PidTagBody, strings.Repeat(fmt.Sprintf("%08d", token), large/8))
	}
	return m
}

func tokenOf(m *mapi.Message) (token int, err error) {
	if _, err := fmt.Sscanf(m.Properties.String(mapi.PidTagSubject), "token %d", &token); err != nil {
		return 0, err
	}
	want := tokenMessage(token)
	html, err := m.Properties.BytesErr(mapi.PidTagHtml)
	if err != nil || string(html) != string(want.Properties.Bytes(mapi.PidTagHtml)) {
		return 0, fmt.Errorf("token %d: html differs (%v)", token, err)
	}
	if m.Properties.String(mapi.PidTagBody) != want.Properties.String(mapi.PidTagBody) {
		return 0, fmt.Errorf("token %d: body differs", token)
	}
	return token, nil
}
