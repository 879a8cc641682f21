package rop

import "mailfs/mapi"

// Notify brings an event that a subscription or a table asked for ([MS-OXCROPS]
// 2.2.14.2, [MS-OXCNOTIF] 2.2.1.4.1). Flags tells which fields are present: see
// Kind and the comments.
type Notify struct {
	Handle  Handle // the subscription, or the table
	LogonID uint8
	Flags   uint16 // a Notify… kind, and NotifyFlag… bits

	TableEvent           uint16   // TableEvent…; only of NotifyTableModified
	RowFolderID          mapi.FID // rows added, modified, deleted
	RowMessageID         mapi.MID // and only of messages
	RowInstance          uint32   // and only of messages
	InsertAfterFolderID  mapi.FID // rows added, modified
	InsertAfterMessageID mapi.MID // and only of messages
	InsertAfterInstance  uint32   // and only of messages
	RowData              []byte   // rows added, modified: one encoded row

	FolderID        mapi.FID // all kinds but NotifyTableModified and NotifyExtended
	MessageID       mapi.MID // and only of messages
	ParentFolderID  mapi.FID // created, deleted, moved, copied: of folders, and of messages in search folders
	OldFolderID     mapi.FID // moved, copied
	OldMessageID    mapi.MID // moved, copied, and only of messages
	OldParentFolder mapi.FID // moved, copied, and only of folders

	TagCount uint16             // created, modified: the length of Tags, or 0xFFFF for an unknown list
	Tags     []mapi.PropertyTag // the properties that changed

	TotalMessageCount  uint32 // only with NotifyFlagTotal
	UnreadMessageCount uint32 // only with NotifyFlagUnread

	MessageFlags uint32 // PidTagMessageFlags; only of NotifyNewMail
	UnicodeFlag  bool   // MessageClass travels as UTF-16; only of NotifyNewMail
	MessageClass string // only of NotifyNewMail
}

// ROP returns IDNotify.
func (*Notify) ROP() ID { return IDNotify }

// Result returns 0: an event carries no return value.
func (*Notify) Result() mapi.ErrorCode { return 0 }

// Kind returns the kind of the event, one of the Notify… values.
func (n *Notify) Kind() uint16 { return n.Flags & 0x0FFF }

// OfMessage reports whether the event is one of a message, and not of a folder.
func (n *Notify) OfMessage() bool { return n.Flags&NotifyFlagMessage != 0 }

func (n *Notify) code(c *coder) {
	u32(c, &n.Handle)
	u8(c, &n.LogonID)
	u16(c, &n.Flags)
	switch n.Kind() {
	case NotifyTableModified:
		n.codeTable(c)
	case NotifyExtended:
	default:
		n.codeObject(c)
	}
	if n.Flags&NotifyFlagTotal != 0 {
		u32(c, &n.TotalMessageCount)
	}
	if n.Flags&NotifyFlagUnread != 0 {
		u32(c, &n.UnreadMessageCount)
	}
	if n.Kind() == NotifyNewMail {
		u32(c, &n.MessageFlags)
		boolean(c, &n.UnicodeFlag)
		text(c, n.UnicodeFlag, &n.MessageClass)
	}
}

func (n *Notify) codeTable(c *coder) {
	u16(c, &n.TableEvent)
	switch n.TableEvent {
	case TableEventRowAdded, TableEventRowModified, TableEventRowDeleted:
	default:
		return
	}
	u64(c, &n.RowFolderID)
	if n.OfMessage() {
		u64(c, &n.RowMessageID)
		u32(c, &n.RowInstance)
	}
	if n.TableEvent == TableEventRowDeleted {
		return
	}
	u64(c, &n.InsertAfterFolderID)
	if n.OfMessage() {
		u64(c, &n.InsertAfterMessageID)
		u32(c, &n.InsertAfterInstance)
	}
	bytes16(c, &n.RowData)
}

func (n *Notify) codeObject(c *coder) {
	message := n.OfMessage()
	search := n.Flags&NotifyFlagSearch != 0
	u64(c, &n.FolderID)
	if message {
		u64(c, &n.MessageID)
	}
	kind := n.Kind()
	moved := kind == NotifyObjectMoved || kind == NotifyObjectCopied
	if (moved || kind == NotifyObjectCreated || kind == NotifyObjectDeleted) && message == search {
		u64(c, &n.ParentFolderID)
	}
	if moved {
		u64(c, &n.OldFolderID)
		if message {
			u64(c, &n.OldMessageID)
		} else {
			u64(c, &n.OldParentFolder)
		}
	}
	if kind == NotifyObjectCreated || kind == NotifyObjectModified {
		n.codeTags(c)
	}
}

// unknownTags in Notify.TagCount says that no list of tags follows.
const unknownTags = 0xFFFF

func (n *Notify) codeTags(c *coder) {
	if !c.reading() && n.TagCount != unknownTags {
		n.TagCount = count16(c, len(n.Tags))
	} else {
		u16(c, &n.TagCount)
	}
	if n.TagCount != unknownTags {
		list(c, uint64(n.TagCount), 4, &n.Tags, u32[mapi.PropertyTag])
	}
}
