package replica

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"mailfs/mapi"
)

// TestRandom compares the replica with a naive model under random transactions, some
// of which fail, with reopening in between.
func TestRandom(t *testing.T) {
	fewer(t, 20)
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(memoryDir(), "replica")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &machine{t: rt, opt: Options{Dir: dir, Small: true, Fold: strings.ToLower, Now: func() time.Time { return testTime }}, model: newModel()}
		m.open()
		defer func() { m.r.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"transact": m.transact,
			"again":    m.transact,
			"reserve":  m.reserve,
			"reopen":   m.reopen,
			"":         func(*rapid.T) {},
		})
		m.compare()
	})
}

// memoryDir returns a directory in memory, if there is one: what is on disk at a crash
// is not what TestRandom is about.
func memoryDir() string {
	const shm = "/dev/shm"
	if fi, err := os.Stat(shm); err == nil && fi.IsDir() {
		return shm
	}
	return ""
}

// fewer lowers the number of runs of rapid.Check unless the command line asks for one:
// each of these costs many commits to disk.
func fewer(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	set := false
	flag.Visit(func(g *flag.Flag) { set = set || g == f })
	if f == nil || set {
		return
	}
	was := f.Value.String()
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(was) })
}

type machine struct {
	t     *rapid.T
	opt   Options
	r     *Replica
	model *model
	token int
	ids   int

	compared int
}

func (m *machine) open() {
	r, err := Open(m.opt)
	if err != nil {
		m.t.Fatal(err)
	}
	m.r = r
}

func (m *machine) reopen(t *rapid.T) {
	m.compare()
	if err := m.r.Close(); err != nil {
		t.Fatal(err)
	}
	m.open()
	m.compare()
}

var errAbort = errors.New("abort")

// transact runs a few operations and then, now and then, fails.
func (m *machine) transact(t *rapid.T) {
	st := m.model.clone()
	abort := rapid.IntRange(0, 5).Draw(t, "abort") == 0
	n := rapid.IntRange(1, 12).Draw(t, "operations")
	err := m.r.Update(func(u *Update) error {
		remote := rapid.Bool().Draw(t, "remote")
		u.Remote(remote)
		s := &step{machine: m, t: t, u: u, st: st, remote: remote}
		for range n {
			s.run()
		}
		if abort {
			return errAbort
		}
		return nil
	})
	switch {
	case abort && errors.Is(err, errAbort):
	case !abort && err == nil:
		m.model = st
	default:
		t.Fatal(err)
	}
	m.compare()
}

// step is one operation inside a transaction.
type step struct {
	*machine
	t      *rapid.T
	u      *Update
	st     *model
	remote bool
}

func (s *step) num() Num { return rapid.SampledFrom(s.st.nums()).Draw(s.t, "node") }
func (s *step) name() string {
	return rapid.SampledFrom([]string{"a", "A", "b", "c.eml", "ä"}).Draw(s.t, "name")
}
func (s *step) key() mapi.SourceKey { return sourceKey(rapid.IntRange(1, 40).Draw(s.t, "id")) }

func (s *step) same(what string, got, want error) bool {
	s.t.Helper()
	if !sameClass(got, want) {
		s.t.Fatalf("%s: %v, and the model says %v", what, got, want)
	}
	return got == nil
}

// run draws an operation. One that fails must have changed nothing that a later one
// of the same transaction can see.
func (s *step) run() {
	ops := []func(){s.insert, s.insert, s.insert, s.insert, s.save, s.put, s.put, s.put, s.move, s.move, s.exchange, s.detach, s.attach,
		s.remove, s.setKeys, s.enqueue, s.enqueue, s.enqueue, s.enqueue, s.fix, s.drop, s.work, s.setting}
	ops[rapid.IntRange(0, len(ops)-1).Draw(s.t, "operation")]()
}

func (s *step) insert() {
	n := Node{Parent: s.num(), Name: s.name(), Kind: Kind(rapid.IntRange(1, 5).Draw(s.t, "kind")), Mtime: testTime, Ctime: testTime, Btime: testTime, Atime: testTime}
	switch n.Kind {
	case KindFolder:
		n.Folder = &FolderInfo{}
		if s.remote {
			n.Folder.SourceKey, n.Folder.ChangeKey = s.key(), changeKey(1)
		}
	case KindMessage:
		n.Message = &MessageInfo{State: StateHeader, FAI: rapid.IntRange(0, 4).Draw(s.t, "fai") == 0, Delivered: mapi.FileTime(rapid.IntRange(0, 3).Draw(s.t, "delivered"))}
		if s.remote {
			n.Message.SourceKey, n.Message.ChangeKey = s.key(), changeKey(1)
		}
	case KindSymlink:
		n.Target = "elsewhere"
	}
	arg := copyNode(n)
	num, err := s.u.Insert(&arg)
	if s.same("insert", err, s.st.insert(n, num, s.remote)) && n.Kind == KindMessage && rapid.Bool().Draw(s.t, "with content") {
		s.putTo(num)
	}
}

func (s *step) save() {
	num := s.num()
	n, err := s.u.Node(num)
	if err != nil {
		s.t.Fatal(err)
	}
	n.Ctime = n.Ctime.Add(time.Second)
	n.Xattrs = map[string][]byte{"user.x": []byte(s.name())}
	x := s.st.nodes[num]
	if rapid.IntRange(0, 9).Draw(s.t, "stale") == 0 {
		n.Version++
		s.same("save", s.u.Save(n), ErrStale)
		return
	}
	if s.same("save", s.u.Save(n), nil) {
		x.Ctime, x.Xattrs = n.Ctime, n.Xattrs
	}
}

func (s *step) put() { s.putTo(s.num()) }

func (s *step) putTo(num Num) {
	n, err := s.u.Node(num)
	if err != nil {
		s.t.Fatal(err)
	}
	s.token++
	full := rapid.IntRange(0, 3).Draw(s.t, "full") > 0
	if n.Message != nil {
		n.Message.State = StateHeader
	}
	if full && n.Message != nil {
		n.Message.State = StateFull
	}
	if full {
		err = s.u.PutContent(n, tokenMessage(s.token))
	} else {
		err = s.u.PutHeader(n, tokenMessage(s.token).Properties)
	}
	if s.same("put", err, s.st.put(num, s.token, full, s.remote)) {
		if x := s.st.nodes[num]; n.Version != x.Version || n.Gen != x.Gen {
			s.t.Fatalf("put left version %d gen %d, want %d and %d", n.Version, n.Gen, x.Version, x.Gen)
		}
	}
}

func (s *step) move() {
	n, parent, name := s.num(), s.num(), s.name()
	s.same("move", s.u.Move(n, parent, name), s.st.move(n, parent, name, s.remote, false))
}

func (s *step) attach() {
	n, parent, name := s.num(), s.num(), s.name()
	s.same("attach", s.u.Attach(n, parent, name), s.st.move(n, parent, name, s.remote, true))
}

func (s *step) exchange() {
	a, b := s.num(), s.num()
	x, y := s.st.nodes[a], s.st.nodes[b]
	var want error
	switch {
	case a == b:
	case x.Parent == 0 || y.Parent == 0 || x.fai() || y.fai(),
		isDirKind(x.Kind) && s.st.within(y.Parent, a), isDirKind(y.Kind) && s.st.within(x.Parent, b):
		want = ErrInvalid
	}
	if s.same("exchange", s.u.Exchange(a, b), want) && a != b {
		x.Parent, y.Parent, x.Name, y.Name = y.Parent, x.Parent, y.Name, x.Name
		if s.remote {
			for _, n := range []*modelNode{x, y} {
				if n.Message != nil {
					n.home = s.st.folderOrNone(n.Parent)
				}
			}
		}
	}
}

func (s *step) detach() {
	n := s.num()
	s.same("detach", s.u.Detach(n), s.st.detach(n))
}

func (s *step) remove() {
	n := s.num()
	s.same("remove", s.u.Remove(n), s.st.remove(n, s.remote))
}

func (s *step) setKeys() {
	n, sk, ck := s.num(), s.key(), changeKey(2)
	if rapid.IntRange(0, 5).Draw(s.t, "no keys") == 0 {
		sk, ck = "", ""
	}
	s.same("set keys", s.u.SetKeys(n, sk, ck, nil), s.st.setKeys(n, sk, ck))
}

func (s *step) enqueue() {
	n := s.num()
	c := Change{Kind: ChangeKind(rapid.IntRange(1, 9).Draw(s.t, "change")), Item: n, Folder: s.num(), From: s.num(), Read: rapid.Bool().Draw(s.t, "read")}
	if v := s.st.nodes[n].Version; v > 0 {
		c.Base.Version = v - uint64(rapid.IntRange(0, 1).Draw(s.t, "older"))
	}
	if x := s.st.nodes[n]; (c.Kind == ChangeCreate || c.Kind == ChangeEdit) && x.content == 0 {
		return // nobody queues a content that is not there
	}
	if x := s.st.nodes[n]; (c.Kind == ChangeFolderDelete) && len(s.st.children(n)) > 0 && x.Folder != nil {
		return
	}
	arg := c
	seq, err := s.u.Enqueue(&arg)
	if err == nil && arg.Seq != 0 {
		c.Seq = seq
	}
	appended, want := s.st.enqueue(c, s.remote)
	if s.same("enqueue", err, want) && appended != (arg.Seq != 0) {
		s.t.Fatalf("enqueue %+v: seq %d, appended by the model: %v", c, seq, appended)
	}
}

// fix marks the first change of an item that is not fixed, or refuses it.
func (s *step) fix() {
	if len(s.st.changes) == 0 {
		return
	}
	c := &s.st.changes[rapid.IntRange(0, len(s.st.changes)-1).Draw(s.t, "which")]
	for _, e := range s.st.queue(c.Item) {
		if !e.Fixed {
			c = e
			break
		}
	}
	got, err := s.u.Change(c.Seq)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, x := range []*Change{c, got} {
		if !x.Fixed {
			x.Fixed, x.Version, x.ChangeKey, x.SourceKey = true, s.st.nodes[c.Item].Version, changeKey(int(c.Seq)), sourceKey(1000+int(c.Seq))
		} else {
			x.Error = &ChangeError{Code: 5, Text: "no", At: testTime}
		}
	}
	s.same("save change", s.u.SaveChange(got), nil)
}

func (s *step) drop() {
	if len(s.st.changes) == 0 {
		return
	}
	seq := s.st.changes[rapid.IntRange(0, len(s.st.changes)-1).Draw(s.t, "which")].Seq
	s.same("drop", s.u.DropChange(seq), nil)
	s.st.dropChange(seq)
}

func (s *step) work() {
	n := s.num()
	if old, ok := s.st.work[n]; ok && rapid.Bool().Draw(s.t, "drop") {
		// The blob goes with its last reference.
		_ = old
		s.same("drop working copy", s.u.DropWorkingCopy(n), nil)
		delete(s.st.work, n)
		return
	}
	p := bytes.Repeat([]byte("x"), rapid.SampledFrom([]int{1, 100, chunkSize, chunkSize + 1}).Draw(s.t, "size"))
	id, size, err := s.r.PutBlob(context.Background(), bytes.NewReader(p))
	if err != nil {
		s.t.Fatal(err)
	}
	w := WorkingCopy{Item: n, Content: id, Size: size, Closed: s.remote, At: testTime}
	if x := s.st.nodes[n]; x != nil && rapid.Bool().Draw(s.t, "of the version that is shown") {
		w.Base.Version = x.Version
	}
	s.same("working copy", s.u.PutWorkingCopy(&w), nil)
	s.st.work[n] = w
}

func (s *step) setting() {
	k := s.name()
	if rapid.Bool().Draw(s.t, "remove") {
		s.same("setting", s.u.SetSetting(k, nil), nil)
		delete(s.st.settings, k)
		return
	}
	s.same("setting", s.u.SetSetting(k, []byte(k+k)), nil)
	s.st.settings[k] = k + k
}

// reserve takes ids; none may ever come twice, whether the transaction holds or not.
func (m *machine) reserve(t *rapid.T) {
	if rapid.Bool().Draw(t, "more") {
		m.ids++
		err := m.r.Update(func(u *Update) error { return u.AddReserve(mapi.GlobCnt(1000*m.ids), 100) })
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = m.r.Update(func(u *Update) error {
		for range rapid.IntRange(1, 30).Draw(t, "ids") {
			id, err := u.TakeID()
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.model.ids[id] {
				t.Fatalf("id %d was handed out twice", id)
			}
			m.model.ids[id] = true
		}
		if rapid.Bool().Draw(t, "fail") {
			return errAbort
		}
		return nil
	})
}

// compare looks at everything through the interface.
func (m *machine) compare() {
	t := m.t
	if m.compared++; m.compared%4 == 0 {
		bad, err := m.r.Check()
		if err != nil || len(bad) > 0 {
			t.Fatal(err, strings.Join(bad, "\n"))
		}
	}
	err := m.r.View(func(v *View) error {
		for _, n := range m.model.nums() {
			if err := m.compareNode(v, m.model.nodes[n]); err != nil {
				return fmt.Errorf("node %d: %w", n, err)
			}
		}
		return m.compareJournal(v)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *machine) compareNode(v *View, x *modelNode) error {
	n, err := v.Node(x.Num)
	if err != nil {
		return err
	}
	if d := cmp.Diff(&x.Node, n, cmpopts.EquateEmpty()); d != "" {
		return errors.New(d)
	}
	if k := x.key(); k != "" {
		if n, err := v.BySourceKey(k); err != nil || n.Num != x.Num {
			return fmt.Errorf("by source key: %v, %w", n, err)
		}
	}
	var names []string
	for c, err := range v.Children(x.Num, "") {
		if err != nil {
			return err
		}
		names = append(names, c.Name)
		if !v.Taken(x.Num, strings.ToLower(c.Name)) {
			return fmt.Errorf("%q is not taken", c.Name)
		}
	}
	want := m.model.children(x.Num)
	if !slices.EqualFunc(want, names, func(a *modelNode, b string) bool { return a.Name == b }) {
		return fmt.Errorf("children %q", names)
	}
	var homes []Num
	for c, err := range v.Messages(x.Num) {
		if err != nil {
			return err
		}
		homes = append(homes, c.Num)
	}
	for _, c := range homes {
		if m.model.nodes[c].home != x.Num {
			return fmt.Errorf("message %d is not at home here", c)
		}
	}
	for _, c := range m.model.nodes {
		if c.home == x.Num && !slices.Contains(homes, c.Num) {
			return fmt.Errorf("message %d is at home here", c.Num)
		}
	}
	return m.compareContent(v, x)
}

func (m *machine) compareContent(v *View, x *modelNode) error {
	for what, want := range map[string]int{"content": x.content, "base": x.base} {
		read := v.Message
		if what == "base" {
			read = v.BaseMessage
		}
		msg, err := read(x.Num)
		if want == 0 {
			if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNotLocal) {
				return fmt.Errorf("%s: %v, %w", what, msg, err)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if got, err := tokenOf(msg); err != nil || got != want {
			return fmt.Errorf("%s: token %d, want %d, %w", what, got, want, err)
		}
	}
	w, err := v.WorkingCopy(x.Num)
	if want, ok := m.model.work[x.Num]; ok {
		if err != nil || !cmp.Equal(*w, want) {
			return fmt.Errorf("working copy %+v, want %+v, %w", w, want, err)
		}
	} else if !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("working copy: %w", err)
	}
	return nil
}

func (m *machine) compareJournal(v *View) error {
	var got []Change
	for c, err := range v.Changes(0) {
		if err != nil {
			return err
		}
		got = append(got, *c)
	}
	if d := cmp.Diff(m.model.changes, got, cmpopts.EquateEmpty()); d != "" {
		return errors.New(d)
	}
	last := ^uint64(0)
	for n, err := range v.Incomplete() {
		if err != nil {
			return err
		}
		if uint64(n.Message.Delivered) > last {
			return errors.New("incomplete messages out of order")
		}
		last = uint64(n.Message.Delivered)
	}
	for k, want := range m.model.settings {
		if got, err := v.Setting(k); err != nil || string(got) != want {
			return fmt.Errorf("setting %q = %q, %w", k, got, err)
		}
	}
	return nil
}
