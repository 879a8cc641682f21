package memserver

import (
	"slices"

	"mailfs/mapi"
)

// groupMapID names the mapping of properties to groups that this server announces
// in partial changes ([MS-OXCFXICS] 2.2.2.8.1).
const groupMapID = 1

// propertyGroup is a set of properties that travel together in a partial change.
type propertyGroup []mapi.Property

func fixedTags(tags ...mapi.PropertyTag) propertyGroup {
	var g propertyGroup
	for _, t := range tags {
		g = append(g, mapi.Property{Tag: t})
	}
	return g
}

// propertyGroups is the mapping: the index of a group is its number. Properties
// that are in none make a change a full one.
var propertyGroups = []propertyGroup{
	// 0: follow-up flag and categories.
	append(fixedTags(
		mapi.PidTagFlagStatus, mapi.PidTagFollowupIcon, mapi.PidTagFlagCompleteTime, mapi.PidTagToDoItemFlags, mapi.PidTagReplyTime,
	),
		named(mapi.TypeMultiString, mapi.StringName(setPublicStrings, "Keywords")),
		named(mapi.TypeString, mapi.LIDName(setCommon, 0x8530)),  // PidLidFlagRequest
		named(mapi.TypeBoolean, mapi.LIDName(setCommon, 0x8503)), // PidLidReminderSet
		named(mapi.TypeTime, mapi.LIDName(setCommon, 0x8502)),    // PidLidReminderTime
		named(mapi.TypeTime, mapi.LIDName(setCommon, 0x8560)),    // PidLidReminderSignalTime
	),
	// 1: what was done with the message.
	fixedTags(mapi.PidTagLastVerbExecuted, mapi.PidTagLastVerbExecutionTime, mapi.PidTagIconIndex),
	// 2: subject.
	fixedTags(mapi.PidTagSubject, mapi.PidTagSubjectPrefix, tagNormalizedSubject, mapi.PidTagConversationTopic),
	// 3: recipients.
	fixedTags(tagMessageSubObjects),
	// 4: attachments.
	fixedTags(tagAttachSubObjects),
	// 5: body.
	fixedTags(mapi.PidTagBody, mapi.PidTagHtml, mapi.PidTagRtfCompressed, mapi.PidTagRtfInSync, mapi.PidTagNativeBody, mapi.PidTagInternetCodepage),
	// 6: who did it, and what every message gets that a client changes.
	fixedTags(tagLastModifierName, tagLastModifierEntryID, mapi.PidTagImportance, mapi.PidTagSensitivity),
}

var (
	setPublicStrings = mapi.MustGUID("00020329-0000-0000-C000-000000000046")
	setCommon        = mapi.MustGUID("00062008-0000-0000-C000-000000000046")
)

func named(t mapi.PropertyType, n mapi.PropertyName) mapi.Property {
	return mapi.Property{Tag: mapi.NewTag(firstNamedID, t), Name: n}
}

// groupOf returns the number of the group that holds a property.
func groupOf(k mapi.Key) (uint32, bool) {
	for n, g := range propertyGroups {
		for i := range g {
			if foldKey(g[i].Key()) == foldKey(k) {
				return uint32(n), true
			}
		}
	}
	return 0, false
}

func foldKey(k mapi.Key) mapi.Key {
	k.Name = foldName(k.Name)
	return k
}

// changedGroups returns the numbers of the groups in which two contents differ,
// ascending, or nil when they also differ elsewhere.
func changedGroups(before, after *mapi.Message) []uint32 {
	groups := []uint32{}
	note := func(k mapi.Key) bool {
		n, ok := groupOf(k)
		if ok && !slices.Contains(groups, n) {
			groups = append(groups, n)
		}
		return ok
	}
	for i := range after.Properties {
		k := after.Properties[i].Key()
		old, ok := before.Properties.Lookup(k)
		if (!ok || !sameValue(old.Value, after.Properties[i].Value)) && !note(k) {
			return nil
		}
	}
	for i := range before.Properties {
		k := before.Properties[i].Key()
		if _, ok := after.Properties.Lookup(k); !ok && !note(k) {
			return nil
		}
	}
	if !sameRecipients(before.Recipients, after.Recipients) && !note(mapi.Key{ID: tagMessageSubObjects.ID()}) {
		return nil
	}
	if !sameAttachments(before.Attachments, after.Attachments) && !note(mapi.Key{ID: tagAttachSubObjects.ID()}) {
		return nil
	}
	slices.Sort(groups)
	return groups
}
