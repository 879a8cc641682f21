package conflict

import (
	"slices"

	"mailfs/mapi"
)

// Three are the versions that a merge needs: the common one, and what both sides made of it.
type Three struct {
	Base   *mapi.Message // as the server had it
	Seen   *mapi.Message // Base as the local program saw it: what an unchanged save would make of its file
	Ours   *mapi.Message // what the local program saved
	Theirs *mapi.Message
}

// group is a set of properties that make sense together only: a body in two forms, a flag with its time.
type group uint8

const (
	groupNone group = iota // not the content of a message: times, sizes, keys
	groupEnvelope
	groupBody
	groupRecipients
	groupAttachments
	groupFlag
	groups
	groupSelf = groups // a property that stands for itself
)

// grouped tells the group of those properties that have one. The others stand for themselves.
var grouped = map[mapi.PropertyTag]group{
	mapi.PidTagSubject: groupEnvelope, mapi.PidTagSubjectPrefix: groupEnvelope, mapi.PidTagNormalizedSubject: groupEnvelope,
	mapi.PidTagMessageClass: groupEnvelope, mapi.PidTagClientSubmitTime: groupEnvelope, mapi.PidTagInternetMessageId: groupEnvelope,
	mapi.PidTagInternetReferences: groupEnvelope, mapi.PidTagInReplyToId: groupEnvelope, mapi.PidTagTransportMessageHeaders: groupEnvelope,
	mapi.PidTagSenderName: groupEnvelope, mapi.PidTagSenderEmailAddress: groupEnvelope, mapi.PidTagSenderAddressType: groupEnvelope,
	mapi.PidTagSenderEntryId: groupEnvelope, mapi.PidTagSenderSearchKey: groupEnvelope, mapi.PidTagSenderSmtpAddress: groupEnvelope,
	mapi.PidTagSentRepresentingName: groupEnvelope, mapi.PidTagSentRepresentingEmailAddress: groupEnvelope,
	mapi.PidTagSentRepresentingAddressType: groupEnvelope, mapi.PidTagSentRepresentingEntryId: groupEnvelope,
	mapi.PidTagSentRepresentingSearchKey: groupEnvelope, mapi.PidTagSentRepresentingSmtpAddress: groupEnvelope,
	mapi.PidTagReplyRecipientNames: groupEnvelope, mapi.PidTagReplyRecipientEntries: groupEnvelope,
	mapi.PidTagImportance: groupEnvelope, mapi.PidTagPriority: groupEnvelope, mapi.PidTagSensitivity: groupEnvelope,
	mapi.PidTagReadReceiptRequested: groupEnvelope, mapi.PidTagOriginatorDeliveryReportRequested: groupEnvelope,

	mapi.PidTagBody: groupBody, mapi.PidTagHtml: groupBody, mapi.PidTagRtfCompressed: groupBody, mapi.PidTagRtfInSync: groupBody,
	mapi.PidTagNativeBody: groupBody, mapi.PidTagInternetCodepage: groupBody, mapi.PidTagMessageCodepage: groupBody,

	mapi.PidTagDisplayTo: groupRecipients, mapi.PidTagDisplayCc: groupRecipients, mapi.PidTagDisplayBcc: groupRecipients,
	mapi.PidTagHasAttachments: groupAttachments,

	mapi.PidTagFlagStatus: groupFlag, mapi.PidTagFollowupIcon: groupFlag, mapi.PidTagFlagCompleteTime: groupFlag,
	mapi.PidTagToDoItemFlags: groupFlag,

	mapi.PidTagLastModificationTime: groupNone, mapi.PidTagCreationTime: groupNone, mapi.PidTagMessageSize: groupNone,
	mapi.PidTagMessageFlags: groupNone, mapi.PidTagSearchKey: groupNone, mapi.PidTagChangeKey: groupNone,
	mapi.PidTagPredecessorChangeList: groupNone, mapi.PidTagSourceKey: groupNone, mapi.PidTagEntryId: groupNone,
	mapi.PidTagLastModifierName: groupNone, mapi.PidTagConflictItems: groupNone, mapi.PidTagLocalCommitTime: groupNone,
	mapi.PidTagChangeNumber: groupNone, mapi.PidTagMid: groupNone, mapi.PidTagRead: groupNone, mapi.PidTagAccess: groupNone,
	mapi.PidTagAccessLevel: groupNone, mapi.PidTagCreatorName: groupNone, mapi.PidTagLocaleId: groupNone,
	mapi.PidTagConversationTopic: groupNone, mapi.PidTagConversationIndex: groupNone, mapi.PidTagConversationId: groupNone,
}

func groupOf(p mapi.Property) group {
	if !p.Name.IsZero() {
		switch {
		case p.Name.Set == mapi.PSInternetHeaders:
			return groupEnvelope
		case p.Name == skeleton, slices.Contains(files, p.Name):
			return groupNone
		}
		return groupSelf
	}
	for _, tag := range []mapi.PropertyTag{p.Tag, p.Tag.WithType(mapi.TypeString)} {
		if g, ok := grouped[tag]; ok {
			return g
		}
	}
	return groupSelf
}

// skeleton holds the bytes of the file that a message was made of. A merged message was made of none.
var skeleton = mapi.StringName(mapi.PSETIDMailfs, "Skeleton")

// files are the files that calendar items and contacts were made of. Only the lines count that no property stands for.
var files = []mapi.PropertyName{
	mapi.StringName(mapi.PSETIDMailfs, "ICalendar"), mapi.StringName(mapi.PSETIDMailfs, "ICalendarDigest"),
	mapi.StringName(mapi.PSETIDMailfs, "VCard"), mapi.StringName(mapi.PSETIDMailfs, "VCardDigest"),
}

// mergeFiles takes the file of the side that changed it; of both that in place. Neither says what the merged item does,
// which its hash tells.
func mergeFiles(m *mapi.Message, v Three) {
	m.Properties.Delete(mapi.Key{Name: skeleton})
	for _, name := range files {
		k := mapi.Key{Name: name}
		base, _ := v.Base.Properties.Lookup(k)
		theirs, _ := v.Theirs.Properties.Lookup(k)
		if ours, ok := v.Ours.Properties.Lookup(k); ok && SameValue(base.Value, theirs.Value) {
			m.Properties.Put(ours)
		}
	}
}

// Merge joins two versions that were made from a common one when they changed different things: what the local program
// changed goes into what the other side has. ok is false if both changed the same group to different values.
func Merge(v Three) (merged *mapi.Message, ok bool) {
	m := *v.Theirs
	m.Properties = v.Theirs.Properties.Clone()
	for g := groupEnvelope; g < groups; g++ {
		if sameGroup(g, v.Seen, v.Ours) || sameGroup(g, v.Base, v.Ours) || sameGroup(g, v.Ours, v.Theirs) {
			continue
		}
		if !sameGroup(g, v.Base, v.Theirs) {
			return nil, false
		}
		take(g, &m, v.Ours)
	}
	if !mergeOthers(&m, v) {
		return nil, false
	}
	mergeFiles(&m, v)
	return &m, true
}

// sameGroup reports whether two versions are equal in a group.
func sameGroup(g group, a, b *mapi.Message) bool {
	switch g {
	case groupRecipients:
		return sameRecipients(a, b)
	case groupAttachments:
		return sameAttachments(a, b)
	case groupBody:
		return sameBody(a, b)
	}
	x, y := ofGroup(g, a.Properties), ofGroup(g, b.Properties)
	// A copy of what the other properties say, beside how the text is coded.
	headers := mapi.Property{Tag: mapi.PidTagTransportMessageHeaders}.Key()
	x.Delete(headers)
	y.Delete(headers)
	return sameBag(x, y)
}

func ofGroup(g group, bag mapi.PropertyBag) (out mapi.PropertyBag) {
	for _, p := range bag {
		if groupOf(p) == g {
			out = append(out, p)
		}
	}
	return out
}

func sameBag(a, b mapi.PropertyBag) bool {
	return within(a, b) && within(b, a)
}

// within reports whether b has what a has. A mark that is not set is as good as none: servers fill them in.
func within(a, b mapi.PropertyBag) bool {
	for _, p := range a {
		q, ok := b.Lookup(p.Key())
		if !ok && p.Value != false || ok && !SameValue(p.Value, q.Value) {
			return false
		}
	}
	return true
}

// take replaces a group of m by that of another version.
func take(g group, m, from *mapi.Message) {
	for _, p := range ofGroup(g, m.Properties) {
		m.Properties.Delete(p.Key())
	}
	for _, p := range ofGroup(g, from.Properties) {
		m.Properties.Put(p)
	}
	switch g {
	case groupRecipients:
		m.Recipients = from.Recipients
	case groupAttachments:
		m.Attachments = from.Attachments
	}
}

// mergeOthers merges the properties that stand for themselves. Those that a file does not show are in Ours as they
// were in Base.
func mergeOthers(m *mapi.Message, v Three) bool {
	keys := map[mapi.Key]bool{}
	for _, bag := range []mapi.PropertyBag{v.Seen.Properties, v.Ours.Properties} {
		for _, p := range bag {
			if groupOf(p) == groupSelf {
				keys[p.Key()] = true
			}
		}
	}
	for k := range keys {
		ours, isOurs := v.Ours.Properties.Lookup(k)
		was, wasThere := v.Seen.Properties.Lookup(k)
		if !wasThere {
			was, wasThere = v.Base.Properties.Lookup(k)
		}
		base, inBase := v.Base.Properties.Lookup(k)
		if isOurs == wasThere && SameValue(ours.Value, was.Value) || isOurs == inBase && SameValue(ours.Value, base.Value) {
			continue // untouched here
		}
		theirs, isTheirs := v.Theirs.Properties.Lookup(k)
		if isOurs == isTheirs && SameValue(ours.Value, theirs.Value) {
			continue
		}
		if inBase != isTheirs || !SameValue(base.Value, theirs.Value) {
			return false
		}
		if isOurs {
			m.Properties.Put(ours)
		} else {
			m.Properties.Delete(k)
		}
	}
	return true
}
