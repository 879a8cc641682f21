package fs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"

	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// saved is what a user wrote, made an item.
type saved struct {
	m    *mapi.Message
	blob replica.BlobID
	size int64

	old   *mapi.Message // the version that m was completed from, nil if there was none
	over  uint64        // its number
	blobs []replica.Blob
}

// close frees what s holds of the replica.
func (s *saved) close() {
	for _, b := range s.blobs {
		b.Close()
	}
}

// prepare makes an item of stored bytes: the next version of the message n, or with nil a new one. base is the version
// that the bytes were made from. The reason is not empty if they are no item of the form.
func (t *tree) prepare(as form, n *replica.Node, base replica.Base, blob replica.BlobID, size int64) (s *saved, reason string, err error) {
	if e, ok := t.takeEarly(as, n, base, blob); ok {
		return e.s, e.reason, nil
	}
	return t.make(as, n, base, blob, size)
}

// make is prepare without a look at what is there already. ns need not be held.
func (t *tree) make(as form, n *replica.Node, base replica.Base, blob replica.BlobID, size int64) (s *saved, reason string, err error) {
	b, err := t.r.OpenBlob(blob)
	if err != nil {
		return nil, "", err
	}
	defer b.Close()
	s = &saved{blob: blob, size: size}
	defer func() {
		if s == nil || err != nil || reason != "" {
			s.close()
		}
	}()
	var storing error
	room := int64(memoryData)
	s.m, err = t.parse(as, io.NewSectionReader(b, 0, size), func(r io.Reader) (mapi.Blob, error) {
		d, err := s.keep(t.r, r, &room)
		storing = errors.Join(storing, err)
		return d, err
	})
	switch {
	case storing != nil:
		return s, "", storing
	case err != nil:
		return s, reasonOf(err), nil
	}
	if n != nil {
		if err := t.complete(as, s, n, base); err != nil {
			return s, "", err
		}
	}
	return s, "", mime.Seal(as.ext, s.m, b, size)
}

// What is kept in memory of the data of attachments between parse and commit: of one, and of all.
const (
	memoryAttachment = 1 << 20
	memoryData       = 16 << 20
)

// keep stores the data of an attachment, small ones in memory until the transaction has them.
func (s *saved) keep(rep *replica.Replica, r io.Reader, room *int64) (mapi.Blob, error) {
	limit := min(*room, memoryAttachment)
	head, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n := int64(len(head)); n <= limit {
		*room -= n
		return bytes.NewReader(head), nil
	}
	id, _, err := rep.PutBlob(context.Background(), io.MultiReader(bytes.NewReader(head), r))
	if err != nil {
		return nil, err
	}
	b, err := rep.OpenBlob(id)
	if err != nil {
		return nil, err
	}
	s.blobs = append(s.blobs, b)
	return b, nil
}

// complete adds to what a user wrote what the version before has and its file does not show.
func (t *tree) complete(as form, s *saved, n *replica.Node, base replica.Base) error {
	var now *replica.Node
	err := t.r.View(func(v *replica.View) (err error) {
		if now, err = v.Node(n.Num); err != nil {
			return err
		}
		s.old, err = v.Message(n.Num)
		return err
	})
	switch {
	case errors.Is(err, replica.ErrNotLocal):
		return nil
	case errors.Is(err, replica.ErrNotFound):
		return errOtherNow
	case err != nil:
		return err
	}
	s.over = now.Version
	if base.Version == now.Version && now.Message.State == replica.StateFull {
		seen, err := t.seenAs(now)
		if err == nil {
			s.m, err = mime.Revise(s.old, seen, s.m)
			return err
		}
		t.opt.Logf("fs: reading the version before: %v", err)
	}
	inherit(as.ext, s.m, s.old)
	return nil
}

// seenAs is what Parse makes of a message's file as a program saw it.
func (t *tree) seenAs(n *replica.Node) (*mapi.Message, error) {
	c, err := t.contentOf(n)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return t.parseWith(itemForm(n), newSection(c), mime.Options{}.Seen())
}

// amend takes over what was acknowledged of the version before since s was completed from it: flags and the like,
// which make no new version.
func (s *saved) amend(now *mapi.Message) {
	if s.old == nil || now == nil {
		return
	}
	plain := func(v any) bool { _, blob := v.(mapi.Blob); return !blob }
	for _, p := range now.Properties {
		if was, ok := s.old.Properties.Lookup(p.Key()); plain(p.Value) && (!ok || !reflect.DeepEqual(was.Value, p.Value)) {
			s.m.Properties.Put(p)
		}
	}
	for _, p := range s.old.Properties {
		if _, ok := now.Properties.Lookup(p.Key()); !ok {
			s.m.Properties.Delete(p.Key())
		}
	}
}
