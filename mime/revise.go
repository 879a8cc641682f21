package mime

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"

	"mailfs/mapi"
)

// Revise makes the next version of an item of a file that somebody edited. old is the item, seen what Parse makes of
// the file as it was before, ours what it makes of the file as it is now. What both files say alike stays as it is in
// old, in whatever form it is there (a body as RTF, a recipient of an address book); what they do not say at all stays,
// too: categories, reminders, votes, properties of other programs. Only the groups of properties that the edit is about
// are those of ours.
//
// Data of attachments in seen is not read: attachments are compared by size, and with those of old by their bytes.
func Revise(old, seen, ours *mapi.Message) (*mapi.Message, error) {
	m := &mapi.Message{Properties: revisedBag(old.Properties, seen.Properties, ours.Properties)}
	m.Recipients = revisedRecipients(old.Recipients, seen.Recipients, ours.Recipients)
	var err error
	m.Attachments, err = revisedAttachments(old.Attachments, seen.Attachments, ours.Attachments)
	return m, err
}

// together are properties that make sense with each other only.
var together = [][]mapi.PropertyTag{
	append([]mapi.PropertyTag{mapi.PidTagMessageCodepage}, bodyTags...),
	{mapi.PidTagSubject, mapi.PidTagSubjectPrefix, mapi.PidTagNormalizedSubject},
	{mapi.PidTagReplyRecipientEntries, mapi.PidTagReplyRecipientNames},
	{mapi.PidTagImportance, mapi.PidTagPriority},
	senderGroup.tags(), representingGroup.tags(), receiptGroup.tags(),
}

// togetherWith returns the keys that go with one, itself among them.
func togetherWith(k mapi.Key) []mapi.Key {
	if k.Name.IsZero() {
		for _, g := range together {
			if slices.ContainsFunc(g, func(t mapi.PropertyTag) bool { return t.ID() == k.ID }) {
				keys := make([]mapi.Key, len(g))
				for i, t := range g {
					keys[i] = mapi.Key{ID: t.ID()}
				}
				return keys
			}
		}
	}
	return []mapi.Key{k}
}

const flagsOfFile = flagUnsent // bits of PidTagMessageFlags that a file tells

func revisedBag(old, seen, ours mapi.PropertyBag) mapi.PropertyBag {
	out := old.Clone()
	done := map[mapi.Key]bool{}
	for _, bag := range []mapi.PropertyBag{ours, seen} {
		for _, p := range bag {
			k := p.Key()
			if done[k] || sameProperty(seen, ours, k) || k.ID == mapi.PidTagConversationTopic.ID() && old.Has(mapi.PidTagConversationTopic) && !namesTopic(ours) {
				continue
			}
			if k.ID == mapi.PidTagMessageFlags.ID() {
				done[k] = true
				out.Set(mapi.PidTagMessageFlags, int32(old.Int(mapi.PidTagMessageFlags)&^flagsOfFile|ours.Int(mapi.PidTagMessageFlags)&flagsOfFile))
				continue
			}
			for _, k := range togetherWith(k) {
				done[k] = true
				out.Delete(k)
				if p, ok := ours.Lookup(k); ok {
					out.Put(p)
				}
			}
		}
	}
	return out
}

// namesTopic reports whether a file tells its conversation; else that follows from the subject, and a message stays in its
// conversation when its subject is edited.
func namesTopic(bag mapi.PropertyBag) bool {
	_, ok := header(splitFields([]byte(bag.String(mapi.PidTagTransportMessageHeaders)))).get("thread-topic")
	return ok
}

func sameProperty(a, b mapi.PropertyBag, k mapi.Key) bool {
	p, isA := a.Lookup(k)
	q, isB := b.Lookup(k)
	return isA == isB && sameValue(p.Value, q.Value)
}

// sameValue compares values; of Blobs only the sizes.
func sameValue(a, b any) bool {
	_, blobA := a.(mapi.Blob)
	_, blobB := b.(mapi.Blob)
	if blobA || blobB {
		return mapi.ValueSize(a) == mapi.ValueSize(b)
	}
	return reflect.DeepEqual(a, b)
}

func sameBag(a, b mapi.PropertyBag) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		if !sameProperty(a, b, p.Key()) {
			return false
		}
	}
	return true
}

// pair finds for each of shown the one of old that it stands for: same tells. left are those of old that nothing
// stands for.
func pair[T any](old, shown []T, same func(o, s *T) bool) (of []*T, left []T) {
	left = slices.Clone(old)
	of = make([]*T, len(shown))
	for i := range shown {
		if k := slices.IndexFunc(left, func(o T) bool { return same(&o, &shown[i]) }); k >= 0 {
			o := left[k]
			of[i], left = &o, slices.Delete(left, k, k+1)
		}
	}
	return of, left
}

// placeTags tell where a row is among others, and nothing of it.
var placeTags = []mapi.PropertyTag{mapi.PidTagRowid, mapi.PidTagAttachNumber}

// sameRow compares the properties of a recipient or an attachment.
func sameRow(a, b mapi.PropertyBag) bool {
	without := func(bag mapi.PropertyBag) mapi.PropertyBag {
		bag = bag.Clone()
		for _, t := range placeTags {
			bag.Delete(mapi.Key{ID: t.ID()})
		}
		return bag
	}
	return sameBag(without(a), without(b))
}

// placed returns the properties of a row for a place.
func placed(bag mapi.PropertyBag, at int) mapi.PropertyBag {
	out := bag.Clone()
	for _, t := range placeTags {
		if out.Has(t) {
			out.Set(t, int32(at))
		}
	}
	return out
}

// revisedRecipients keeps the rows of recipients that are still there, and those that a file does not show.
func revisedRecipients(old, seen, ours []mapi.Recipient) []mapi.Recipient {
	same := func(a, b mapi.Recipient) bool { return a.Type == b.Type && sameRow(a.Properties, b.Properties) }
	if slices.EqualFunc(seen, ours, same) {
		return old
	}
	who := func(r *mapi.Recipient) Address {
		a, _ := recipientGroup.read(propsOf(r.Properties, ""), "")
		if a.Name == "" {
			a.Name = a.Addr
		}
		return a
	}
	rows, left := pair(old, seen, func(o, s *mapi.Recipient) bool { return o.Type == s.Type && who(o) == who(s) })
	out := slices.DeleteFunc(left, func(r mapi.Recipient) bool {
		listed := r.Type == mapi.RecipientTo || r.Type == mapi.RecipientCc || r.Type == mapi.RecipientBcc
		return listed && r.Properties.Int(mapi.PidTagRecipientFlags)&recipientOrganizer == 0
	})
	for _, r := range ours {
		i := slices.IndexFunc(seen, func(s mapi.Recipient) bool { return same(s, r) })
		if i >= 0 && rows[i] != nil {
			r, rows[i] = *rows[i], nil
		}
		out = append(out, r)
	}
	for i := range out {
		out[i].RowID, out[i].Properties = uint32(i), placed(out[i].Properties, i)
	}
	return out
}

// revisedAttachments keeps the attachments that are still there, and those that a file does not show.
func revisedAttachments(old, seen, ours []mapi.Attachment) ([]mapi.Attachment, error) {
	was, left := pair(old, seen, sameFile)
	out := make([]mapi.Attachment, 0, len(ours))
	shown := make([]bool, len(seen))
	for _, a := range ours {
		i := 0
		for i < len(seen) && (shown[i] || !sameAttachment(&seen[i], &a)) {
			i++
		}
		if i < len(seen) && was[i] != nil {
			same, err := sameDataIn(was[i], &a, 0)
			if err != nil {
				return nil, err
			}
			if same {
				a, shown[i] = *was[i], true
			}
		}
		out = append(out, a)
	}
	if len(seen) < len(old) { // else all were shown, some in a form of their own
		out = append(out, left...)
	}
	for i := range out {
		out[i].Number, out[i].Properties = uint32(i), placed(out[i].Properties, i)
	}
	return out, nil
}

// sameAttachment compares what Parse made of two files, data by its size.
func sameAttachment(a, b *mapi.Attachment) bool {
	if !sameRow(a.Properties, b.Properties) || (a.Embedded == nil) != (b.Embedded == nil) {
		return false
	}
	return a.Embedded == nil || sameMessage(a.Embedded, b.Embedded)
}

func sameMessage(a, b *mapi.Message) bool {
	return sameBag(a.Properties, b.Properties) &&
		slices.EqualFunc(a.Recipients, b.Recipients, func(x, y mapi.Recipient) bool { return x.Type == y.Type && sameRow(x.Properties, y.Properties) }) &&
		slices.EqualFunc(a.Attachments, b.Attachments, func(x, y mapi.Attachment) bool { return sameAttachment(&x, &y) })
}

// sameFile reports whether two attachments look like one: name, kind and size of the data.
func sameFile(a, b *mapi.Attachment) bool {
	x, y := props{a.Properties, ""}, props{b.Properties, ""}
	if (a.Embedded == nil) != (b.Embedded == nil) {
		return false
	}
	if a.Embedded != nil {
		p, q := propsOf(a.Embedded.Properties, ""), propsOf(b.Embedded.Properties, "")
		return (&conversion{p: p}).subject() == (&conversion{p: q}).subject()
	}
	return attachmentName(x) == attachmentName(y) && mapi.ValueSize(x.Get(mapi.PidTagAttachDataBinary)) == mapi.ValueSize(y.Get(mapi.PidTagAttachDataBinary))
}

// sameDataIn compares all data of two attachments that look alike, of embedded messages that of their attachments.
func sameDataIn(a, b *mapi.Attachment, depth int) (bool, error) {
	if a.Embedded != nil && b.Embedded != nil {
		if len(a.Embedded.Attachments) != len(b.Embedded.Attachments) || depth > maxDepth {
			return false, nil
		}
		for i := range a.Embedded.Attachments {
			if same, err := sameDataIn(&a.Embedded.Attachments[i], &b.Embedded.Attachments[i], depth+1); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	x, y := blobOf(a.Properties.Get(mapi.PidTagAttachDataBinary)), blobOf(b.Properties.Get(mapi.PidTagAttachDataBinary))
	if x == nil || y == nil {
		return x == nil && y == nil, nil
	}
	return sameData(x, y)
}

func sameData(a, b mapi.Blob) (bool, error) {
	if a.Size() != b.Size() {
		return false, nil
	}
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for off := int64(0); off < a.Size(); off += int64(len(p)) {
		n := min(int64(len(p)), a.Size()-off)
		if err := readBlob(a, p[:n], off); err != nil {
			return false, err
		}
		if err := readBlob(b, q[:n], off); err != nil {
			return false, err
		}
		if !bytes.Equal(p[:n], q[:n]) {
			return false, nil
		}
	}
	return true, nil
}

// Seen are the options to read a file with, as it was, for Revise: data of large attachments is not kept.
func (o Options) Seen() Options {
	room := int64(seenData)
	o.Store = func(r io.Reader) (mapi.Blob, error) {
		head, err := io.ReadAll(io.LimitReader(r, min(room, seenAttachment)+1))
		if err != nil {
			return nil, err
		}
		if n := int64(len(head)); n <= min(room, seenAttachment) {
			room -= n
			return bytes.NewReader(head), nil
		}
		n, err := io.Copy(io.Discard, r)
		return sizeOnly(int64(len(head)) + n), err
	}
	return o
}

const (
	seenAttachment = 1 << 20
	seenData       = 16 << 20
)

// sizeOnly is data of which only the size is known.
type sizeOnly int64

func (s sizeOnly) Size() int64 { return int64(s) }

func (s sizeOnly) ReadAt([]byte, int64) (int, error) {
	return 0, errors.New("mime: the data of an attachment was not kept")
}
