package replica

import (
	"time"

	"mailfs/mapi"
)

// headerValue is the size up to which a value stays when a message is evicted: what names, attributes and search look at.
const headerValue = 1 << 10

// Evict gives up the content of a message that the server has, and reports whether it did: of one that has changed here,
// that is kept as its user wrote it, or that something queued refers to, nothing goes. Size and everything else that
// is known stay; Version and Gen are not raised, since the same bytes come back with the next download.
func (u *Update) Evict(num Num) (bool, error) {
	old, err := u.load(num)
	if err != nil {
		return false, err
	}
	if ok, err := u.evictable(old); err != nil || !ok {
		return false, err
	}
	m, err := u.Message(num)
	if err != nil {
		return false, err
	}
	r := *old
	info := *old.Message
	info.State = StateHeader
	r.Message = &info
	if r.content, err = u.store(&mapi.Message{Properties: headerOf(m.Properties)}); err != nil {
		return false, err
	}
	if old.content.id != 0 {
		u.dropContent(old.content.id)
	}
	if err := u.put(old, &r); err != nil {
		return false, err
	}
	u.event(EventAttr, &r)
	return true, nil
}

// evictable reports whether the server has all that is here of a message.
func (u *Update) evictable(r *record) (bool, error) {
	if r.Kind != KindMessage || r.Message.State != StateFull || r.local || r.Content != 0 || r.Message.FAI ||
		r.Message.ChangeKey == "" || r.Message.Error != nil || !r.listed() {
		return false, nil
	}
	seqs, err := u.seqs(r.Num)
	if err != nil || len(seqs) > 0 {
		return false, err
	}
	for _, space := range []byte{spaceBase, spaceSent} {
		w, err := u.version(space, r.Num)
		if err != nil || w != nil {
			return false, err
		}
	}
	_, err = u.WorkingCopy(r.Num)
	if isNotFound(err) {
		return true, nil
	}
	return false, err
}

// headerOf returns the small properties of a message.
func headerOf(bag mapi.PropertyBag) (out mapi.PropertyBag) {
	for _, p := range bag {
		switch v := p.Value.(type) {
		case mapi.Blob:
			continue
		case string:
			if len(v) > headerValue {
				continue
			}
		case []byte:
			if len(v) > headerValue {
				continue
			}
		}
		switch p.Tag.ID() {
		case mapi.PidTagBody.ID(), mapi.PidTagHtml.ID(), mapi.PidTagRtfCompressed.ID():
			if p.Name.IsZero() {
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// Touch notes when messages were read last, without an event.
func (u *Update) Touch(num Num, at time.Time) error {
	old, err := u.load(num)
	if isNotFound(err) {
		return nil
	}
	if err != nil || !at.After(old.Atime) {
		return err
	}
	r := *old
	r.Atime = at
	return u.put(old, &r)
}
