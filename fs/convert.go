package fs

import (
	"errors"
	"io"
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// checkMessage tells whether bytes are a message: they have at least one header field.
func checkMessage(r io.Reader) error { return mime.Check(r) }

// reasonOf is the text of an error of checkMessage, without the package's name in front.
func reasonOf(err error) string { return strings.TrimPrefix(err.Error(), "mime: ") }

// parse makes a message object of what a user wrote. Attachment data goes to the replica as it is read.
func (t *tree) parse(r io.Reader) (*mapi.Message, error) {
	m, err := mime.Parse(r, mime.Options{})
	var partly *mime.UnsupportedError
	if errors.As(err, &partly) && m != nil {
		return m, nil // what was not understood was kept as it came
	}
	return m, err
}

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

// inherit completes a parsed message with what its earlier version has and an Internet message does not carry.
// Named properties are of that kind as a rule; what the parser sets itself wins.
func inherit(m *mapi.Message, old *mapi.Message) {
	if old == nil {
		return
	}
	for _, p := range old.Properties {
		if _, has := m.Properties.Lookup(p.Key()); has {
			continue
		}
		if !p.Name.IsZero() && !mimeNamed(p.Name) || p.Name.IsZero() && kept(p.Tag) {
			m.Properties.Put(p)
		}
	}
	const read = 0x1 // mfRead, [MS-OXCMSG] 2.2.1.6
	flags := m.Properties.Int(mapi.PidTagMessageFlags)&^read | old.Properties.Int(mapi.PidTagMessageFlags)&read
	if m.Properties.Has(mapi.PidTagMessageFlags) || flags != 0 {
		m.Properties.Set(mapi.PidTagMessageFlags, int32(flags))
	}
}

// mimeNamed reports whether a named property comes from a header field, so that its absence means something.
func mimeNamed(n mapi.PropertyName) bool {
	return n.Set == mapi.PSInternetHeaders || n.Set == mapi.PSETIDMailfs
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

// putVersion stores what a user wrote as the next content of a message and enqueues the change. n is changed as
// stored.
func (t *tree) putVersion(u *replica.Update, n *replica.Node, s *saved, touched time.Time, base replica.Base, kind replica.ChangeKind) error {
	now := t.clock.Now()
	if kind == replica.ChangeEdit {
		old, err := u.Message(n.Num)
		if err != nil && !errors.Is(err, replica.ErrNotLocal) {
			return err
		}
		inherit(s.m, old)
	}
	s.m.Properties.Set(mapi.PidTagLastModificationTime, mapi.NewFileTime(touched))
	describe(n.Message, s.m.Properties, touched)
	n.Content, n.Size, n.Exact = s.blob, s.size, true
	n.Mtime, n.Ctime = touched, later(now, n.Ctime)
	setReason(n, "")
	if err := u.PutContent(n, s.m); err != nil {
		return err
	}
	_, err := u.Enqueue(&replica.Change{Kind: kind, Item: n.Num, At: touched, Ready: now, Base: base, Folder: n.Parent})
	return err
}
