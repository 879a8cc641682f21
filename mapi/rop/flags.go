package rop

// LogonRequest.LogonFlags ([MS-OXCSTOR] 2.2.1.1.1).
const (
	LogonPrivate    = 0x01 // a private mailbox
	LogonUndercover = 0x02
	LogonGhosted    = 0x04
	LogonSpooler    = 0x08
)

// LogonRequest.OpenFlags ([MS-OXCSTOR] 2.2.1.1.1).
const (
	OpenUseAdminPrivilege      = 0x00000001
	OpenPublic                 = 0x00000002
	OpenHomeLogon              = 0x00000004
	OpenTakeOwnership          = 0x00000008
	OpenAlternateServer        = 0x00000100
	OpenIgnoreHomeMDB          = 0x00000200
	OpenNoMail                 = 0x00000400
	OpenUsePerMDBReplidMapping = 0x01000000 // required by servers for private mailboxes
	OpenSupportProgress        = 0x20000000
)

// LogonResponse.ResponseFlags ([MS-OXCSTOR] 2.2.1.1.3).
const (
	LogonResponseReserved = 0x01 // always set
	LogonResponseOwner    = 0x02
	LogonResponseSendAs   = 0x04
	LogonResponseOOF      = 0x10 // out of office is on
)

// Indexes of LogonResponse.FolderIDs in a private mailbox ([MS-OXCSTOR] 2.2.1.1.3).
const (
	FolderRoot = iota
	FolderDeferredAction
	FolderSpoolerQueue
	FolderIPMSubtree
	FolderInbox
	FolderOutbox
	FolderSentItems
	FolderDeletedItems
	FolderCommonViews
	FolderSchedule
	FolderFinder
	FolderViews
	FolderShortcuts
)

// OpenFolderRequest.OpenModeFlags ([MS-OXCFOLD] 2.2.1.1.1).
const OpenSoftDeleted = 0x04

// CreateFolderRequest.FolderType ([MS-OXCFOLD] 2.2.1.2.1).
const (
	FolderGeneric = 1
	FolderSearch  = 2
)

// DeleteFolderRequest.DeleteFolderFlags ([MS-OXCFOLD] 2.2.1.3.1).
const (
	DeleteFolderMessages = 0x01 // with its messages
	DeleteFolderFolders  = 0x04 // with its subfolders
	DeleteFolderHard     = 0x10 // for good
)

// The TableFlags of GetHierarchyTable and GetContentsTable ([MS-OXCFOLD]
// 2.2.1.13.1, 2.2.1.14.1) and, as far as they apply, of GetAttachmentTable.
const (
	TableAssociated              = 0x02 // contents: folder associated messages
	TableDepth                   = 0x04 // hierarchy: folders of all levels
	TableDeferredErrors          = 0x08
	TableNoNotifications         = 0x10
	TableSoftDeletes             = 0x20
	TableUseUnicode              = 0x40
	TableConversationMembers     = 0x80 // contents
	TableSuppressesNotifications = 0x80 // hierarchy
)

// TableAsync lets SetColumns, SortTable and Restrict answer before they are done
// ([MS-OXCTABL] 2.2.2.2.1).
const TableAsync = 0x01

// The TableStatus of table operations ([MS-OXCTABL] 2.2.2.1.3).
const (
	TableStatusComplete      = 0x00
	TableStatusSorting       = 0x09
	TableStatusSortError     = 0x0A
	TableStatusSettingCols   = 0x0B
	TableStatusSetColError   = 0x0D
	TableStatusRestricting   = 0x0E
	TableStatusRestrictError = 0x0F
)

// QueryRowsRequest.QueryRowsFlags ([MS-OXCTABL] 2.2.2.5.1).
const (
	QueryRowsAdvance             = 0x00
	QueryRowsNoAdvance           = 0x01
	QueryRowsEnablePackedBuffers = 0x02 // the server may chain payloads
)

// Positions in a table ([MS-OXCTABL] 2.2.2.1.1, 2.2.2.1.2).
const (
	BookmarkBeginning = 0x00
	BookmarkCurrent   = 0x01
	BookmarkEnd       = 0x02
	BookmarkCustom    = 0x03
)

// FindRowBackwards in FindRowRequest.FindRowFlags searches against the order
// ([MS-OXCTABL] 2.2.2.14.1).
const FindRowBackwards = 0x01

// CodePageLogon as a CodePageID stands for the code page of the log on
// ([MS-OXCMSG] 2.2.3.1.1).
const CodePageLogon = 0x0FFF

// How messages, attachments, embedded messages and streams are opened
// ([MS-OXCMSG] 2.2.3.1.1, 2.2.3.12.1, 2.2.3.16.1, [MS-OXCPRPT] 2.2.14.1).
const (
	OpenRead       = 0x00
	OpenReadWrite  = 0x01
	OpenCreate     = 0x02 // embedded messages and streams
	OpenBestAccess = 0x03
)

// SaveFlags ([MS-OXCMSG] 2.2.3.3.1).
const (
	SaveKeepOpenReadOnly  = 0x09
	SaveKeepOpenReadWrite = 0x0A
	SaveForce             = 0x0C // save over changes made elsewhere
)

// ReadFlags of SetReadFlags and SetMessageReadFlag ([MS-OXCMSG] 2.2.3.10.1).
const (
	ReadFlagDefault             = 0x00 // mark as read, send a receipt that was asked for
	ReadFlagSuppressReceipt     = 0x01 // mark as read, send none
	ReadFlagClearReadFlag       = 0x04 // mark as unread; needs ReadFlagSuppressReceipt
	ReadFlagGenerateReceiptOnly = 0x10 // send a receipt, leave the flag
	ReadFlagClearNotifyRead     = 0x20
	ReadFlagClearNotifyUnread   = 0x40
)

// SubmitMessageRequest.SubmitFlags ([MS-OXOMSG] 2.2.3.1.1).
const (
	SubmitPreProcess   = 0x01
	SubmitNeedsSpooler = 0x02
)

// SeekStreamRequest.Origin ([MS-OXCPRPT] 2.2.21.1).
const (
	SeekStart   = 0x00
	SeekCurrent = 0x01
	SeekEnd     = 0x02
)

// CopyFlags of CopyTo and CopyProperties ([MS-OXCPRPT] 2.2.10.1, 2.2.11.1).
const (
	CopyMove        = 0x01
	CopyNoOverwrite = 0x02
)

// GetPropertyIDsFromNamesRequest.Flags ([MS-OXCPRPT] 2.2.12.1).
const (
	NamesLookUp = 0x00
	NamesCreate = 0x02 // give an id to names that have none
)

// The kinds of events, in RegisterNotificationRequest.NotificationTypes and
// Notify.Flags ([MS-OXCNOTIF] 2.2.1.2.1.1, 2.2.1.4.1.2).
const (
	NotifyNewMail        = 0x0002
	NotifyObjectCreated  = 0x0004
	NotifyObjectDeleted  = 0x0008
	NotifyObjectModified = 0x0010
	NotifyObjectMoved    = 0x0020
	NotifyObjectCopied   = 0x0040
	NotifySearchComplete = 0x0080
	NotifyTableModified  = 0x0100
	NotifyExtended       = 0x0400 // reserved
)

// The bits beside the kind in Notify.Flags ([MS-OXCNOTIF] 2.2.1.4.1.2).
const (
	NotifyFlagTotal   = 0x1000 // the number of messages changed
	NotifyFlagUnread  = 0x2000 // the number of unread messages changed
	NotifyFlagSearch  = 0x4000 // in a search folder
	NotifyFlagMessage = 0x8000 // of a message
)

// Notify.TableEvent ([MS-OXCNOTIF] 2.2.1.4.1.2).
const (
	TableEventChanged            = 0x0001
	TableEventRowAdded           = 0x0003
	TableEventRowDeleted         = 0x0004
	TableEventRowModified        = 0x0005
	TableEventRestrictionChanged = 0x0007
)

// The TransferStatus of FastTransfer buffers ([MS-OXCFXICS] 2.2.3.1.1.5.2).
const (
	TransferError   = 0x0000
	TransferPartial = 0x0001
	TransferNoRoom  = 0x0002
	TransferDone    = 0x0003
)

// SynchronizationConfigureRequest.SynchronizationType ([MS-OXCFXICS]
// 2.2.3.2.1.1.1).
const (
	SyncContents  = 0x01
	SyncHierarchy = 0x02
)

// SendOptions of FastTransfer and synchronization downloads ([MS-OXCFXICS]
// 2.2.3.1.1.1.1).
const (
	SendUnicode      = 0x01
	SendUseCpid      = 0x02
	SendForUpload    = 0x03
	SendRecoverMode  = 0x04
	SendForceUnicode = 0x08
	SendPartialItem  = 0x10
)

// SynchronizationConfigureRequest.SynchronizationFlags ([MS-OXCFXICS]
// 2.2.3.2.1.1.1).
const (
	SyncUnicode                 = 0x0001
	SyncNoDeletions             = 0x0002
	SyncIgnoreNoLongerInScope   = 0x0004
	SyncReadState               = 0x0008
	SyncFAI                     = 0x0010
	SyncNormal                  = 0x0020
	SyncOnlySpecifiedProperties = 0x0080
	SyncNoForeignIdentifiers    = 0x0100
	SyncBestBody                = 0x2000
	SyncIgnoreSpecifiedOnFAI    = 0x4000
	SyncProgress                = 0x8000
)

// SynchronizationConfigureRequest.SynchronizationExtraFlags ([MS-OXCFXICS]
// 2.2.3.2.1.1.1).
const (
	SyncExtraEid                 = 0x00000001
	SyncExtraMessageSize         = 0x00000002
	SyncExtraCN                  = 0x00000004
	SyncExtraOrderByDeliveryTime = 0x00000008
)

// SynchronizationImportMessageChangeRequest.ImportFlag ([MS-OXCFXICS]
// 2.2.3.2.4.2.1).
const (
	ImportAssociated     = 0x10 // a folder associated message
	ImportFailOnConflict = 0x40
)

// SynchronizationImportDeletesRequest.ImportDeleteFlags ([MS-OXCFXICS]
// 2.2.3.2.4.5.1).
const (
	ImportDeleteHierarchy = 0x01 // folders instead of messages
	ImportDeleteHard      = 0x02 // for good
)

// FastTransferSourceCopyMessagesRequest.CopyFlags ([MS-OXCFXICS] 2.2.3.1.1.3.1).
const (
	CopyMessagesMove        = 0x01
	CopyMessagesBestBody    = 0x10
	CopyMessagesSendEntryID = 0x20
)
