package fs

import (
	"errors"
	"time"

	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// keptIDs are the properties that an Internet message does not carry and that a new version of a message keeps:
// its state for its owner, its place in a conversation, and how it came.
var keptIDs = []mapi.PropertyTag{
	mapi.PidTagFlagStatus, mapi.PidTagFollowupIcon, mapi.PidTagFlagCompleteTime, mapi.PidTagToDoItemFlags,
	mapi.PidTagReplyRequested, mapi.PidTagReplyTime, mapi.PidTagLastVerbExecuted, mapi.PidTagLastVerbExecutionTime,
	mapi.PidTagIconIndex, mapi.PidTagConversationIndex, mapi.PidTagConversationTopic, mapi.PidTagConversationId,
	mapi.PidTagMessageDeliveryTime, mapi.PidTagCreationTime, mapi.PidTagSearchKey,
	mapi.PidTagReceivedByName, mapi.PidTagReceivedByEmailAddress, mapi.PidTagReceivedByAddressType,
	mapi.PidTagReceivedByEntryId, mapi.PidTagReceivedBySearchKey, mapi.PidTagReceivedBySmtpAddress,
	mapi.PidTagReceivedRepresentingName, mapi.PidTagReceivedRepresentingEmailAddress,
	mapi.PidTagReceivedRepresentingAddressType, mapi.PidTagReceivedRepresentingEntryId,
	mapi.PidTagReceivedRepresentingSearchKey, mapi.PidTagReceivedRepresentingSmtpAddress,
	mapi.PidTagArchiveTag, mapi.PidTagPolicyTag, mapi.PidTagRetentionPeriod,
	mapi.PidTagContentFilterSpamConfidenceLevel,
}

// inherit completes a parsed item with what an earlier version has and its file does not carry, when no more is known
// of that version: of a message its named properties as a rule. What the parser sets itself wins.
func inherit(ext string, m *mapi.Message, old *mapi.Message) {
	if old == nil {
		return
	}
	for _, p := range old.Properties {
		if _, has := m.Properties.Lookup(p.Key()); has {
			continue
		}
		if !mime.Owns(ext, p) || ext == mime.ExtMessage && p.Name.IsZero() && kept(p.Tag) {
			m.Properties.Put(p)
		}
	}
	const read = 0x1 // mfRead, [MS-OXCMSG] 2.2.1.6
	flags := m.Properties.Int(mapi.PidTagMessageFlags)&^read | old.Properties.Int(mapi.PidTagMessageFlags)&read
	if m.Properties.Has(mapi.PidTagMessageFlags) || flags != 0 {
		m.Properties.Set(mapi.PidTagMessageFlags, int32(flags))
	}
}

func kept(tag mapi.PropertyTag) bool {
	for _, k := range keptIDs {
		if k.ID() == tag.ID() {
			return true
		}
	}
	return false
}

// describe brings a node's message summary up to date with the properties of its new version.
func describe(info *replica.MessageInfo, bag mapi.PropertyBag, modified time.Time) {
	s := mime.Summarize(bag)
	info.Subject, info.From, info.Sender, info.MessageID = s.Subject, s.From, s.Sender, s.MessageID
	info.Class, info.Importance, info.Categories = s.Class, int32(s.Importance), s.Categories
	if info.Delivered == 0 {
		if info.Delivered = bag.Time(mapi.PidTagMessageDeliveryTime); info.Delivered == 0 {
			info.Delivered = mapi.NewFileTime(modified)
		}
	}
	info.State, info.Renderer, info.Edited = replica.StateFull, mime.Version, true
	info.Modified, info.Error = mapi.NewFileTime(modified), nil
}

// overPending returns properties with those over them that the user has set and the server does not have yet: a new
// version keeps them, as the server will.
func overPending(u *replica.Update, num replica.Num, bag mapi.PropertyBag) (mapi.PropertyBag, error) {
	list, err := u.ChangesOf(num)
	if err != nil {
		return nil, err
	}
	own := false
	for _, c := range list {
		if c.Kind != replica.ChangeProps && c.Kind != replica.ChangeCreate {
			continue
		}
		if !own {
			bag, own = bag.Clone(), true
		}
		for _, p := range c.Set {
			bag.Put(p)
		}
		for _, k := range c.Unset {
			bag.Delete(k)
		}
	}
	return bag, nil
}

// putVersion stores what a user wrote as the next content of a message and enqueues the change. n is changed as
// stored.
func (t *tree) putVersion(u *replica.Update, n *replica.Node, s *saved, touched time.Time, base replica.Base, kind replica.ChangeKind) error {
	now := t.clock.Now()
	if kind == replica.ChangeEdit {
		old, err := u.Message(n.Num)
		if err != nil && !errors.Is(err, replica.ErrNotLocal) {
			return err
		}
		s.amend(old)
	}
	s.m.Properties.Set(mapi.PidTagLastModificationTime, mapi.NewFileTime(touched))
	shown, err := overPending(u, n.Num, s.m.Properties)
	if err != nil {
		return err
	}
	describe(n.Message, shown, touched)
	n.Content, n.Size, n.Exact = s.blob, s.size, true
	n.Mtime, n.Ctime = touched, later(now, n.Ctime)
	setReason(n, "")
	if err := u.PutContent(n, s.m); err != nil {
		return err
	}
	if _, err := u.Enqueue(&replica.Change{Kind: kind, Item: n.Num, At: touched, Ready: now, Base: base, Folder: n.Parent}); err != nil {
		return err
	}
	return readyState(u, n.Num, now)
}
