package syncer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"mailfs/mapi"
	"mailfs/mapi/fxics"
	"mailfs/mapi/rop"
	"mailfs/mime"
	"mailfs/replica"
)

// A message that changed in part comes as the property groups that changed ([MS-OXCSYNC] 3.1.5.3.4). What a download of
// client headers brings of them is only what belongs to a header, so that a group means two things: its properties that
// are in the header are replaced or deleted; and where the message is here in full and the group holds more than that, the
// rest of the group is fetched, and nothing that no changed group holds.

// partialChange is a change in part with what it refers to.
type partialChange struct {
	*fxics.Partial
	mapping *fxics.PropertyGroupInfo // nil if the stream did not bring it
	absent  bool                     // what it changes is not here
}

// known reports whether the mapping has all groups that changed.
func (p *partialChange) known() bool {
	return p.mapping != nil && !slices.ContainsFunc(p.Groups, func(g fxics.GroupChange) bool {
		return g.Index != fxics.UngroupedProperties && int64(g.Index) >= int64(len(p.mapping.Groups))
	})
}

// keys returns everything that the changed groups hold.
func (p *partialChange) keys() map[mapi.Key]bool {
	out := map[mapi.Key]bool{}
	for _, g := range p.Groups {
		if g.Index == fxics.UngroupedProperties {
			continue
		}
		for _, id := range p.mapping.Groups[g.Index] {
			out[id.Key()] = true
		}
	}
	return out
}

var (
	keyRecipients  = keyOfTag(mapi.PidTagMessageRecipients)
	keyAttachments = keyOfTag(mapi.PidTagMessageAttachments)
)

func keyOfTag(t mapi.PropertyTag) mapi.Key { return mapi.Key{ID: t.ID()} }

// bodyTags are the forms of a body and what tells about them: one of them changed means that all may have.
var bodyTags = []mapi.PropertyTag{
	mapi.PidTagBody, mapi.PidTagHtml, mapi.PidTagRtfCompressed, mapi.PidTagRtfInSync, mapi.PidTagNativeBody, mapi.PidTagInternetCodepage,
}

// heavyTags are left out of what is fetched unless they changed.
var heavyTags = append([]mapi.PropertyTag{mapi.PidTagMessageRecipients, mapi.PidTagMessageAttachments, mapi.PidTagTransportMessageHeaders}, bodyTags...)

// followTags are the properties of a header that follow from recipients and attachments, and need not be in a group.
var followTags = []mapi.PropertyTag{mapi.PidTagDisplayTo, mapi.PidTagHasAttachments, mapi.PidTagMessageFlags}

// needless are properties that change with everything and of which nothing here depends.
var needless = map[mapi.Key]bool{
	keyOfTag(mapi.PidTagLastModifierName): true, keyOfTag(mapi.PidTagLastModifierEntryId): true,
	keyOfTag(mapi.PidTagLastModificationTime): true, keyOfTag(mapi.PidTagChangeKey): true, keyOfTag(mapi.PidTagPredecessorChangeList): true,
	keyOfTag(mapi.PidTagMessageSize): true,
}

// inHeader tells whether a property comes with client headers.
func inHeader(k mapi.Key) bool {
	if !k.Name.IsZero() {
		return k.Name == keywords
	}
	return slices.ContainsFunc(headerTags, func(t mapi.PropertyTag) bool { return t.ID() == k.ID })
}

// amending is a partial change that is being put together with what is here.
type amending struct {
	a    *arrival
	num  replica.Num
	keys map[mapi.Key]bool // what changed
	full *mapi.Message     // what is here, nil for a header

	opened, follow *answer
	d              *download
}

// completePartial makes whole arrivals of changes in part. One that does not fit what is here is fetched whole; what
// can't be had so either is taken out of the batch, for the server to send it again.
func (d *contentsDownload) completePartial(ctx context.Context) error {
	var fetch []*amending
	whole := map[mapi.SourceKey]*arrival{}
	err := d.s.rep.View(func(v *replica.View) error {
		fetch = fetch[:0]
		clear(whole)
		for i := range d.batch {
			a := &d.batch[i]
			if a.partial == nil {
				continue
			}
			m, ok, err := d.s.amendHere(v, a)
			if err != nil {
				return err
			}
			if !ok {
				whole[a.key] = a
			} else if m != nil {
				fetch = append(fetch, m)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(fetch, groupItems) {
		left, err := d.fetchGroups(ctx, part)
		if err != nil {
			return err
		}
		for _, m := range left {
			whole[m.a.key] = m.a
		}
	}
	return d.fetchWhole(ctx, whole)
}

const (
	groupItems = 25      // messages whose groups are fetched together
	groupRoom  = 2 << 10 // bytes of a message without what is large, about: a server keeps room for as much as is asked for
)

// amendHere puts the groups that came into what is here; false if that can't be done. It returns what is to be fetched besides,
// nil if nothing is.
func (s *Syncer) amendHere(v *replica.View, a *arrival) (*amending, bool, error) {
	n, err := v.BySourceKey(a.key)
	if errors.Is(err, replica.ErrNotFound) || err == nil && n.Message == nil {
		a.partial.absent = true
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	old, err := v.Message(n.Num)
	if err != nil {
		return nil, false, ignoreMissing(err)
	}
	bag := old.Properties.Clone()
	a.header = bag
	changes, err := v.ChangesOf(n.Num)
	if err != nil {
		return nil, false, err
	}
	if p := pendingOf(changes); p.content || p.deleted || n.Message.ChangeKey == a.change {
		a.header = withRead(bag, n.Message.Read)
		return nil, true, nil // it will be set aside, or is here already
	}
	if !a.partial.known() || !a.pcl.Includes(n.Message.PCL) {
		return nil, false, nil
	}
	keys := a.partial.keys()
	if !keys[keyOfTag(mapi.PidTagMessageFlags)] {
		bag = withRead(bag, n.Message.Read)
	}
	for k := range keys {
		if inHeader(k) || needless[k] {
			bag.Delete(k)
		}
	}
	for _, g := range a.partial.Groups {
		for _, p := range g.Properties {
			bag.Put(p)
		}
	}
	for _, p := range []mapi.Property{
		{Tag: mapi.PidTagLastModificationTime, Value: a.modified}, {Tag: mapi.PidTagMessageSize, Value: int32(min(a.size, math.MaxInt32))},
		{Tag: mapi.PidTagChangeKey, Value: []byte(a.change)}, {Tag: mapi.PidTagPredecessorChangeList, Value: a.pcl.Bytes()},
	} {
		if bag.Has(p.Tag) {
			bag.Put(p)
		}
	}
	a.header = bag
	m := &amending{a: a, num: n.Num, keys: keys}
	if n.Message.State != replica.StateFull {
		if keys[keyRecipients] || keys[keyAttachments] {
			return m, true, nil
		}
		return nil, true, nil
	}
	full := *old
	full.Properties = bag.Clone()
	for k := range keys {
		if !inHeader(k) && !needless[k] {
			m.full = &full
			return m, true, nil
		}
	}
	a.full = &full
	a.rendered, err = s.render.size(&full)
	return nil, true, err
}

// withRead gives a bag the read state that is known apart from it.
func withRead(bag mapi.PropertyBag, read bool) mapi.PropertyBag {
	flags := int32(bag.Int(mapi.PidTagMessageFlags)) &^ flagRead
	if read {
		flags |= flagRead
	}
	bag.Set(mapi.PidTagMessageFlags, flags)
	return bag
}

// fetchGroups fetches the rest of the groups that changed in messages that are here in full, and what follows from
// recipients and attachments. It returns the messages of which it could not be had.
func (d *contentsDownload) fetchGroups(ctx context.Context, list []*amending) (left []*amending, err error) {
	fid, err := d.l.fid(ctx, d.folder.key)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, m := range list {
			if m.d != nil {
				m.d.end()
			}
		}
	}()
	b := d.l.batch()
	for _, m := range list {
		mid, err := d.l.mid(ctx, m.a.key)
		if err != nil {
			return nil, err
		}
		d.addGroups(b, m, fid, mid)
	}
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	for _, m := range list {
		ok, err := d.takeGroups(ctx, m)
		if err != nil {
			return nil, err
		}
		if !ok {
			left = append(left, m)
		}
	}
	return left, nil
}

// addGroups adds the requests for one message: its version, and all of it but for what is large and did not change. That is
// a copy of the message, so that a body comes in the same form as it does with a whole message.
func (d *contentsDownload) addGroups(b *batch, m *amending, fid mapi.FID, mid mapi.MID) {
	obj, opened := b.openKeys(d.l, fid, mid)
	m.opened = opened
	m.follow = b.do(obj, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: followTags})
	if m.full == nil {
		b.release(obj)
		return
	}
	body := slices.ContainsFunc(bodyTags, func(t mapi.PropertyTag) bool { return m.keys[keyOfTag(t)] })
	var without []mapi.PropertyTag
	for _, t := range heavyTags {
		if !m.keys[keyOfTag(t)] && !(body && slices.Contains(bodyTags, t)) {
			without = append(without, t)
		}
	}
	m.d = &download{l: d.l, dir: obj}
	m.d.open(b, obj, &rop.FastTransferSourceCopyToRequest{
		SendOptions: rop.SendUnicode | rop.SendForceUnicode | rop.SendRecoverMode, PropertyTags: without})
	room := pieceMax
	if len(without) == len(heavyTags) {
		room = groupRoom
	}
	m.d.got = b.do(m.d.ctx, getBufferOf(room))
}

// takeGroups puts what was fetched into an arrival; false if that is of another version, or did not come.
func (d *contentsDownload) takeGroups(ctx context.Context, m *amending) (bool, error) {
	k, err := d.l.keysOf(ctx, m.opened)
	if err != nil || k.change != m.a.change {
		if err != nil && m.opened.code() == 0 {
			return false, err
		}
		return false, nil
	}
	if m.keys[keyRecipients] || m.keys[keyAttachments] {
		row, err := m.follow.row(followTags)
		if err != nil {
			return false, nil
		}
		read := m.a.header.Int(mapi.PidTagMessageFlags)&flagRead != 0
		m.a.header = withRead(replaced(m.a.header, row, followTags...), read)
	}
	if m.full == nil {
		return true, nil
	}
	new, err := d.readMessage(ctx, m)
	if new == nil || err != nil {
		return false, err
	}
	full := *m.full
	full.Properties = replaceGroups(m.full.Properties, new.Properties, m.keys)
	if m.keys[keyRecipients] {
		full.Recipients = new.Recipients
	}
	if m.keys[keyAttachments] {
		full.Attachments = new.Attachments
	}
	d.s.addAddresses(ctx, &full)
	m.a.full = &full
	m.a.rendered, err = d.s.render.size(&full)
	return true, err
}

// readMessage reads the download of one message; nil if the server does not give it.
func (d *contentsDownload) readMessage(ctx context.Context, m *amending) (*mapi.Message, error) {
	dl := m.d
	m.d = nil // start has it now
	stream, err := dl.start(ctx)
	if code, ok := refusal(err); ok {
		d.s.cfg.Logf("changed groups: %v", code)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer stream.close()
	el, err := fxics.NewDecoder(stream, fxics.RootMessageContent, d.s.decoding(ctx)).Next()
	if err != nil {
		return nil, fmt.Errorf("download of changed groups: %w", err)
	}
	if c, ok := el.(*fxics.MessageContent); ok {
		mime.DropMadeHTML(&c.Message)
		return &c.Message, nil
	}
	return nil, nil
}

// replaceGroups returns bag with everything outside of headers that the keys name as it is in another bag; so is what follows
// from it.
func replaceGroups(bag, from mapi.PropertyBag, keys map[mapi.Key]bool) mapi.PropertyBag {
	bag = replaced(bag, from, mapi.PidTagMessageFlags)
	for k := range keys {
		if inHeader(k) || needless[k] {
			continue
		}
		bag = replace(bag, from, k)
		if k.Name.IsZero() && slices.ContainsFunc(bodyTags, func(t mapi.PropertyTag) bool { return t.ID() == k.ID }) {
			bag = replaced(bag, from, bodyTags...)
		}
	}
	return bag
}

// replaced returns bag with properties as they are in another bag.
func replaced(bag, from mapi.PropertyBag, tags ...mapi.PropertyTag) mapi.PropertyBag {
	for _, t := range tags {
		bag = replace(bag, from, keyOfTag(t))
	}
	return bag
}

func replace(bag, from mapi.PropertyBag, k mapi.Key) mapi.PropertyBag {
	bag.Delete(k)
	if p, ok := from.Lookup(k); ok {
		bag.Put(p)
	}
	return bag
}

// fetchWhole fetches messages whose change in part can't be used.
func (d *contentsDownload) fetchWhole(ctx context.Context, list map[mapi.SourceKey]*arrival) error {
	if len(list) == 0 {
		return nil
	}
	var wants []want
	for i := range d.batch {
		if a := &d.batch[i]; list[a.key] != nil {
			wants = append(wants, want{key: a.key, folder: d.folder.key, size: a.size})
		}
	}
	for _, r := range chunk(wants) {
		bodies, err := d.s.readBodies(ctx, d.l, r)
		if err != nil {
			return err
		}
		for _, b := range bodies {
			a := list[b.want.key]
			if t := b.msg.Properties.Time(mapi.PidTagLastModificationTime); t != 0 && t != a.modified {
				continue // it has changed again
			}
			a.header, a.full, a.rendered = b.msg.Properties.Clone(), b.msg, b.size
			delete(list, a.key)
		}
	}
	d.batch = slices.DeleteFunc(d.batch, func(a arrival) bool {
		if list[a.key] == nil {
			return false
		}
		d.aside = append(d.aside, a)
		return true
	})
	return nil
}
