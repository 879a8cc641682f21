package memserver

import "mailfs/mapi"

// Tags that only a server has to do with ([MS-OXPROPS] 2).
const (
	tagArticleNumber       mapi.PropertyTag = 0x0E230003 // PidTagInternetArticleNumber
	tagDepth               mapi.PropertyTag = 0x30050003
	tagInstanceNum         mapi.PropertyTag = 0x674E0003
	tagRowType             mapi.PropertyTag = 0x0FF50003
	tagMappingSignature    mapi.PropertyTag = 0x0FF80102
	tagStoreRecordKey      mapi.PropertyTag = 0x0FFA0102
	tagStoreEntryID        mapi.PropertyTag = 0x0FFB0102
	tagMessageSizeExtended mapi.PropertyTag = 0x0E080014
	tagDeletedCount        mapi.PropertyTag = 0x670B0003
	tagChangedValues       mapi.PropertyTag = 0x00001102 // the list of ImportDeletes
	tagMessageSubObjects   mapi.PropertyTag = 0x0E12000D // PidTagMessageRecipients
	tagAttachSubObjects    mapi.PropertyTag = 0x0E13000D // PidTagMessageAttachments
	tagContainerHierarchy  mapi.PropertyTag = 0x360E000D
	tagContainerContents   mapi.PropertyTag = 0x360F000D
	tagFolderAssociated    mapi.PropertyTag = 0x3610000D
	tagMailboxOwnerName    mapi.PropertyTag = 0x661C001F
	tagMailboxOwnerEntryID mapi.PropertyTag = 0x661B0102
	tagUserEntryID         mapi.PropertyTag = 0x66190102
	tagStoreState          mapi.PropertyTag = 0x340E0003
	tagStoreSupportMask    mapi.PropertyTag = 0x340D0003
	tagExtendedACLData     mapi.PropertyTag = 0x3FFE0102
	tagViewsEntryID        mapi.PropertyTag = 0x35E50102
	tagCommonViewsEntryID  mapi.PropertyTag = 0x35E60102
	tagFinderEntryID       mapi.PropertyTag = 0x35E70102
	tagSortLocaleID        mapi.PropertyTag = 0x67050003
	tagReplGUIDMap         mapi.PropertyTag = 0x66380102
	tagNormalizedSubject   mapi.PropertyTag = 0x0E1D001F
	tagFolderFlags         mapi.PropertyTag = 0x66A80003
	tagCreatorName         mapi.PropertyTag = 0x3FF8001F
	tagCreatorEntryID      mapi.PropertyTag = 0x3FF90102
	tagLastModifierName    mapi.PropertyTag = 0x3FFA001F
	tagLastModifierEntryID mapi.PropertyTag = 0x3FFB0102
)

// Return values that the servers of this protocol give ([MS-OXCDATA] 2.4).
const (
	ecSuccess           mapi.ErrorCode = 0
	ecError             mapi.ErrorCode = 0x80004005
	ecNotSupported      mapi.ErrorCode = 0x80040102
	ecInvalidObject     mapi.ErrorCode = 0x80040108
	ecObjectModified    mapi.ErrorCode = 0x80040109
	ecObjectDeleted     mapi.ErrorCode = 0x8004010A
	ecNotFound          mapi.ErrorCode = 0x8004010F
	ecLoginFailure      mapi.ErrorCode = 0x80040111
	ecRPCFailed         mapi.ErrorCode = 0x80040115
	ecUnconfigured      mapi.ErrorCode = 0x8004011C
	ecComputed          mapi.ErrorCode = 0x8004011A
	ecTooComplex        mapi.ErrorCode = 0x80040117
	ecNullObject        mapi.ErrorCode = 0x000004B9
	ecRPCFormat         mapi.ErrorCode = 0x000004B6
	ecBufferTooSmall    mapi.ErrorCode = 0x0000047D
	ecServerBusy        mapi.ErrorCode = 0x00000480
	ecNullDestination   mapi.ErrorCode = 0x00000503
	ecLoginPerm         mapi.ErrorCode = 0x000003F2
	ecParameterOverflow mapi.ErrorCode = 0x00000450
	ecUnknownUser       mapi.ErrorCode = 0x000003EB
	ecAccessDenied      mapi.ErrorCode = 0x80070005
	ecMemory            mapi.ErrorCode = 0x8007000E
	ecInvalidParam      mapi.ErrorCode = 0x80070057
	ecInvalidBookmark   mapi.ErrorCode = 0x80040405
	ecDuplicateName     mapi.ErrorCode = 0x80040604
	ecNotInitialized    mapi.ErrorCode = 0x80040605
	ecFolderHasChild    mapi.ErrorCode = 0x80040609
	ecFolderCycle       mapi.ErrorCode = 0x8004060B
	ecSyncDeleted       mapi.ErrorCode = 0x80040800
	ecSyncIgnore        mapi.ErrorCode = 0x80040801
	ecSyncConflict      mapi.ErrorCode = 0x80040802
	ecSyncNoParent      mapi.ErrorCode = 0x80040803
	ecNewerClient       mapi.ErrorCode = 0x00040821
	ecNoRecipients      mapi.ErrorCode = 0x80040607
	ecPartialComplete   mapi.ErrorCode = 0x00040680
	ecWarnWithErrors    mapi.ErrorCode = 0x00040380
	ecNotImplemented    mapi.ErrorCode = 0x80040FFF
	ecStreamSeek        mapi.ErrorCode = 0x80030019
	ecStreamAccess      mapi.ErrorCode = 0x80030005
	ecStreamMedium      mapi.ErrorCode = 0x80030070
	ecMessageCycle      mapi.ErrorCode = 0x00000504
	ecMaxAttachment     mapi.ErrorCode = 0x000004DE
	ecStreamInvalidArg  mapi.ErrorCode = 0x80030057
)
