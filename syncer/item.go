package syncer

import (
	"time"

	"mailfs/internal/names"
	"mailfs/mapi"
	"mailfs/mime"
	"mailfs/replica"
)

// keywords is the name under which categories are stored ([MS-OXCMSG] 2.2.1.17).
var keywords = mapi.StringName(mapi.PSPublicStrings, "Keywords")

const (
	flagRead   = 0x00000001 // mfRead of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6)
	flagUnsent = 0x00000008 // mfUnsent

	flagHasAttach = 0x00000010 // mfHasAttach
)

// headerTags are the properties of a client header ([MS-OXCSYNC] 3.1.5.3.5): what
// names, attributes, extended attributes and the recognition of moves need.
var headerTags = []mapi.PropertyTag{
	mapi.PidTagMessageClass,
	mapi.PidTagSubject,
	mapi.PidTagSubjectPrefix,
	mapi.PidTagNormalizedSubject,
	mapi.PidTagImportance,
	mapi.PidTagSensitivity,
	mapi.PidTagPriority,
	mapi.PidTagSentRepresentingName,
	mapi.PidTagSentRepresentingAddressType,
	mapi.PidTagSentRepresentingEmailAddress,
	mapi.PidTagSentRepresentingSmtpAddress,
	mapi.PidTagSenderName,
	mapi.PidTagSenderAddressType,
	mapi.PidTagSenderEmailAddress,
	mapi.PidTagSenderSmtpAddress,
	mapi.PidTagDisplayTo,
	mapi.PidTagDisplayName, // of a contact
	mapi.PidTagStartDate,
	mapi.PidTagMessageDeliveryTime,
	mapi.PidTagClientSubmitTime,
	mapi.PidTagCreationTime,
	mapi.PidTagLastModificationTime,
	mapi.PidTagMessageFlags,
	mapi.PidTagMessageStatus,
	mapi.PidTagMessageSize,
	mapi.PidTagHasAttachments,
	mapi.PidTagFlagStatus,
	mapi.PidTagInternetMessageId,
	mapi.PidTagSearchKey,
	mapi.PidTagConversationTopic,
	mapi.PidTagConversationIndex,
	mapi.PidTagConflictItems,
	mapi.PidTagAttributeHidden,
}

// arrival is a message as a download brought it: a header, or the whole message.
type arrival struct {
	key      mapi.SourceKey
	change   mapi.ChangeKey
	pcl      mapi.PCL
	id       mapi.LongTermID // zero if the server did not say
	cn       mapi.LongTermID
	modified mapi.FileTime
	size     int64
	fai      bool
	header   mapi.PropertyBag
	full     *mapi.Message
	rendered int64           // size of the rendered bytes of full
	partial  *partialChange  // what came instead of a header, nil if that came
	again    bool            // to come once more with the next download
	versions []*mapi.Message // in conflict, that were in full
}

// fillInfo sets what a message's attributes and extended attributes show.
func fillInfo(info *replica.MessageInfo, bag mapi.PropertyBag) {
	sum := mime.Summarize(bag)
	info.Class, info.Subject, info.From, info.Sender = sum.Class, sum.Subject, sum.From, sum.Sender
	info.MessageID, info.Categories, info.Importance = sum.MessageID, sum.Categories, int32(sum.Importance)
	info.Flag = int32(bag.Int(mapi.PidTagFlagStatus))
	info.SearchKey = bag.Bytes(mapi.PidTagSearchKey)
	info.Delivered = 0
	for _, tag := range []mapi.PropertyTag{mapi.PidTagMessageDeliveryTime, mapi.PidTagClientSubmitTime, mapi.PidTagCreationTime} {
		if t := bag.Time(tag); info.Delivered == 0 && believable(t) {
			info.Delivered = t
		}
	}
	if items, ok := bag.Get(mapi.PidTagConflictItems).([][]byte); ok {
		info.Conflict = len(items) > 0
	}
}

// messageTime is the time that a message shows: delivery, else submission, else
// creation, until somebody changes its content.
func messageTime(info *replica.MessageInfo, bag mapi.PropertyBag) time.Time {
	if info.Edited && believable(info.Modified) {
		return info.Modified.Time()
	}
	for _, t := range []mapi.FileTime{bag.Time(mapi.PidTagMessageDeliveryTime), bag.Time(mapi.PidTagClientSubmitTime),
		bag.Time(mapi.PidTagCreationTime), info.Modified} {
		if believable(t) {
			return t.Time()
		}
	}
	return time.Unix(0, 0)
}

// believable leaves out the dates that stand for none: 1601, and the far future of
// PidTagMessageDeliveryTime's "never".
func believable(t mapi.FileTime) bool {
	y := t.Time().Year()
	return y > 1970 && y < 2200
}

// nameOf chooses the name of a message that is new in a folder.
func (s *Syncer) nameOf(v *replica.View, parent replica.Num, bag mapi.PropertyBag, key mapi.SourceKey) string {
	return s.freeName(v, parent, names.Message(bag, mime.Extension(bag.String(mapi.PidTagMessageClass)), key, s.cfg.Location), key)
}

// freeName returns name, or name with an id where that is taken or reserved.
func (s *Syncer) freeName(v *replica.View, parent replica.Num, name string, key mapi.SourceKey) string {
	return names.Unique(name, func(fold string) bool {
		return parent == replica.RootNum && names.IsReserved(fold) || v.Taken(parent, fold)
	}, key)
}

// estimate is the size shown for a message that is not here: never 0.
func estimate(serverSize int64) int64 { return max(serverSize, 1) }
