package syncer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"mailfs/conflict"
	"mailfs/mapi"
	"mailfs/replica"
)

// A server that takes an import without FailOnConflict settles the conflict itself: one version is on top of a conflict
// resolve message, and all of them are embedded in it ([MS-OXCFXICS] 3.1.5.6.2.1). What the server has on top stays in place
// here, whatever the times say; the other versions become losers in the transaction in which it becomes visible, and then
// (settleVersions) the plain message replaces the one on the server.
//
// A download brings each version as a change of its own, under one id. QUIRK: gromox 3.10 sends the conflict resolve message
// as it is, and nothing but its attachments tells what it is (captures 12).

// statusInConflict marks a conflict resolve message ([MS-OXCMSG] 2.2.1.8).
const statusInConflict = 0x00000800

// isVersion reports whether an attachment is a version in conflict ([MS-OXCFXICS] 2.2.1.4.3).
func isVersion(a mapi.Attachment) bool {
	return a.Embedded != nil && a.Properties.Bool(mapi.PidTagInConflict)
}

func hasVersions(m *mapi.Message) bool {
	return m != nil && slices.ContainsFunc(m.Attachments, isVersion)
}

// apart returns a message without the versions in it, and these. One that is a conflict resolve message in its turn, which
// gromox makes of a third version, is taken apart as well.
func apart(m *mapi.Message, depth int) (top *mapi.Message, versions []*mapi.Message) {
	if depth > maxEmbedded || !hasVersions(m) { // also nil
		return m, nil
	}
	c := *m
	c.Attachments = nil
	for _, a := range m.Attachments {
		if !isVersion(a) {
			c.Attachments = append(c.Attachments, a)
			continue
		}
		inner, further := apart(a.Embedded, depth+1)
		versions = append(append(versions, inner), further...)
	}
	if len(c.Attachments) == 0 {
		c.Properties = c.Properties.Clone()
		if c.Properties.Has(mapi.PidTagHasAttachments) {
			c.Properties.Set(mapi.PidTagHasAttachments, false)
		}
		if flags, ok := c.Properties.Get(mapi.PidTagMessageFlags).(int32); ok {
			c.Properties.Set(mapi.PidTagMessageFlags, flags&^flagHasAttach)
		}
	}
	return &c, versions
}

// alternates are the versions of a message that are to become losers.
type alternates struct {
	versions []*mapi.Message
	change   mapi.ChangeKey // of the version on top
	top      *mapi.Message
}

// others leaves out the version that is on top, and what another one says already.
func (alt *alternates) others() (out []*mapi.Message) {
	for _, m := range alt.versions {
		key := mapi.ChangeKey(m.Properties.Bytes(mapi.PidTagChangeKey))
		if key != "" && key == alt.change || conflict.SameContent(alt.top, m) ||
			slices.ContainsFunc(out, func(o *mapi.Message) bool { return conflict.SameContent(o, m) }) {
			continue
		}
		out = append(out, m)
	}
	return out
}

// takeApart takes the versions out of a message that is about to be stored in a folder; nil if there are none. Where they can't
// be put anywhere, now or ever, they stay in it and are shown as what they are, attachments.
func (s *Syncer) takeApart(v *replica.View, folder replica.Num, change mapi.ChangeKey, m *mapi.Message) (*alternates, error) {
	if !hasVersions(m) {
		return nil, nil
	}
	in, err := v.Node(folder)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	if in.Folder == nil || in.Folder.ReadOnly {
		return nil, nil
	}
	if key := m.Properties.Bytes(mapi.PidTagChangeKey); len(key) > 0 {
		change = mapi.ChangeKey(key) // it may be a later version than the one that was announced
	}
	alt := &alternates{change: change, top: m}
	if s.cfg.ReadOnly {
		return alt, nil // settleVersions takes it up when the mount is no more read-only
	}
	if _, err := v.BySpecial(replica.SpecialConflicts); err != nil {
		return alt, ignoreMissing(err) // settleVersions makes the folder
	}
	alt.top, alt.versions = apart(m, 0)
	return alt, nil
}

// holds reports whether the version of a message that is here is one of those in conflict that arrived.
func (a *arrival) holds(u *replica.Update, n *replica.Node) bool {
	m, err := u.Message(n.Num)
	full := err == nil && n.Message.State == replica.StateFull
	return slices.ContainsFunc(a.versions, func(v *mapi.Message) bool {
		return mapi.ChangeKey(v.Properties.Bytes(mapi.PidTagChangeKey)) == n.Message.ChangeKey || full && conflict.SameContent(m, v)
	})
}

// takeArrivalApart is takeApart of an arrival, which goes on without the versions.
func (s *Syncer) takeArrivalApart(v *replica.View, folder replica.Num, a *arrival) (*alternates, error) {
	alt, err := s.takeApart(v, folder, a.change, a.full)
	if alt == nil || err != nil || len(alt.versions) == 0 {
		return alt, err
	}
	a.full, a.header = alt.top, alt.top.Properties
	a.rendered, err = s.render.size(a.full)
	return alt, err
}

// keepAlternates stores, in an update of what came from the server, the versions in the Conflicts folder, and notes that the message
// on the server is to be settled.
func (s *Syncer) keepAlternates(u *replica.Update, winner replica.Num, alt *alternates) error {
	n, err := u.Node(winner)
	if err != nil {
		return ignoreMissing(err)
	}
	dir, err := u.BySpecial(replica.SpecialConflicts)
	if ignoreMissing(err) != nil {
		return err
	}
	open, err := unsettled(&u.View)
	if err != nil {
		return err
	}
	var losers []openLoser
	for _, m := range alt.others() {
		l := openLoser{search: string(versionKey(n.Message.SourceKey, m))}
		if i := slices.IndexFunc(open[winner], func(o openLoser) bool { return o.search == l.search }); i >= 0 {
			losers = append(losers, open[winner][i]) // also if its user has decided, and it is gone
			continue
		}
		if l.num, err = s.keepAlternate(u, dir, n, m, l.search); err != nil {
			return err
		}
		losers = append(losers, l)
		if n.Message.Conflict {
			continue
		}
		n.Message.Conflict = true
		if err := u.Save(n); err != nil {
			return err
		}
	}
	return noteUnsettled(u, winner, losers)
}

// keepAlternate makes a loser of a version, unless somebody has done so already.
func (s *Syncer) keepAlternate(u *replica.Update, dir, winner *replica.Node, m *mapi.Message, search string) (replica.Num, error) {
	id, err := u.Identity()
	if err != nil {
		return 0, err
	}
	if old, err := loserOf(&u.View, dir.Num, search); err != nil || old != nil {
		return numOf(old), err
	}
	home, err := homeOf(&u.View, winner)
	if err != nil {
		return 0, err
	}
	p := lostVersion{winner: winner, key: winner.Message.SourceKey, at: m.Properties.Time(mapi.PidTagLastModificationTime), side: SideTheirs, id: mapi.SourceKey(search)}
	if x, err := mapi.ChangeKey(m.Properties.Bytes(mapi.PidTagChangeKey)).XID(); err == nil && x.Namespace == id.Namespace {
		p.side = SideMine
	}
	p.content = asLoser(m, messageEntryID(id.MailboxGUID, home.Folder.SourceKey, winner.Message.SourceKey))
	p.content.Properties.Set(mapi.PidTagSearchKey, []byte(search))
	size, err := s.render.size(p.content)
	if err != nil {
		return 0, err
	}
	u.Remote(false) // nobody else has it yet
	defer u.Remote(true)
	n, err := s.insertLoser(u, dir.Num, p, size)
	return numOf(n), err
}

// homeOf returns the folder in which the server has a message, also while a file that is to take its place keeps it out of the
// tree.
func homeOf(v *replica.View, n *replica.Node) (*replica.Node, error) {
	home, err := v.Home(n.Num)
	if err != nil {
		return nil, err
	}
	if home == 0 {
		home = n.Parent
	}
	return v.Node(home)
}

// versionKey is the PidTagSearchKey of the loser that a version becomes. It follows from the version, so that several
// clients that find the same conflict, or one that finds it twice, know each other's losers.
func versionKey(winner mapi.SourceKey, m *mapi.Message) []byte {
	h := sha256.New()
	h.Write([]byte(winner))
	if key := m.Properties.Bytes(mapi.PidTagChangeKey); len(key) > 0 {
		h.Write(key)
	} else {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(m.Properties.Time(mapi.PidTagLastModificationTime))))
	}
	return h.Sum(nil)[:searchLen]
}

// loserOf returns the loser with a search key, nil if there is none.
func loserOf(v *replica.View, dir replica.Num, search string) (*replica.Node, error) {
	for n, err := range v.Children(dir, "") {
		if err != nil {
			return nil, err
		}
		if n.Message != nil && string(n.Message.SearchKey) == search {
			return n, nil
		}
	}
	return nil, nil
}

func numOf(n *replica.Node) replica.Num {
	if n == nil {
		return 0
	}
	return n.Num
}

// markVersions sets PidTagInConflict on the attachments that are versions. It is of the range that does not travel
// ([MS-OXCFXICS] 3.2.5.12), so that the table of attachments has to tell, where anything hints at a conflict.
func (s *Syncer) markVersions(ctx context.Context, l *link, b body) error {
	embedded := func(a mapi.Attachment) bool { return a.Embedded != nil }
	if hasVersions(b.msg) || !b.want.clash && b.msg.Properties.Int(mapi.PidTagMessageStatus)&statusInConflict == 0 ||
		!slices.ContainsFunc(b.msg.Attachments, embedded) {
		return nil
	}
	msg, _, rows, err := l.openLarge(ctx, b.want)
	if err != nil {
		if code, ok := refusal(err); ok {
			s.cfg.Logf("versions in conflict: %v", code) // gone meanwhile, or it has no table: they stay attachments
			return nil
		}
		return err
	}
	msg.Release()
	marked := map[uint32]bool{}
	for _, row := range rows {
		if row.Bool(mapi.PidTagInConflict) {
			marked[uint32(row.Int(mapi.PidTagAttachNumber))] = true
		}
	}
	for i := range b.msg.Attachments {
		if a := &b.msg.Attachments[i]; a.Embedded != nil && marked[a.Number] {
			a.Properties.Set(mapi.PidTagInConflict, true)
		}
	}
	return nil
}

// joinVersions puts the message that the server has in the place of the versions of it that a download brought. Where it can't
// be had, the later version comes alone, and the message again with the next download.
func (d *contentsDownload) joinVersions(ctx context.Context) error {
	groups := map[mapi.SourceKey][]arrival{}
	for _, a := range d.batch {
		same := func(b arrival) bool { return b.change == a.change }
		if !a.fai && !slices.ContainsFunc(groups[a.key], same) {
			groups[a.key] = append(groups[a.key], a)
		}
	}
	out := d.batch[:0]
	for _, a := range d.batch {
		group := groups[a.key]
		if len(group) < 2 {
			out = append(out, a)
			continue
		}
		if a.change != group[0].change {
			continue
		}
		whole, err := d.s.versionsOf(ctx, d.l, d.folder, group)
		if err != nil {
			return err
		}
		if whole.again {
			d.aside = append(d.aside, whole)
		}
		out = append(out, whole)
	}
	d.batch = out
	return nil
}

// versionsOf fetches a message that came as several versions.
func (s *Syncer) versionsOf(ctx context.Context, l *link, f folderRef, group []arrival) (arrival, error) {
	later := slices.MaxFunc(group, func(a, b arrival) int {
		if conflict.Winner(conflict.Case{Local: versionOf(a), Remote: versionOf(b)}) == conflict.Local {
			return 1
		}
		return -1
	})
	later.again = true
	k, found, err := l.lookUp(ctx, f.key, later.key)
	if code, refused := refusal(err); refused {
		s.cfg.Logf("versions of a message: %v", code)
		return later, nil
	}
	if err != nil || !found {
		return later, err
	}
	a, err := s.fetchAs(ctx, l, want{key: later.key, folder: f.key, clash: true}, k)
	if err != nil || a == nil {
		return later, err
	}
	a.id = later.id
	return *a, nil
}

func versionOf(a arrival) conflict.Version {
	return conflict.Version{PCL: a.pcl, ChangeKey: a.change, Modified: a.modified}
}
