package fxics

import (
	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// Root is the kind of a stream: its root element ([MS-OXCFXICS] 2.2.4.4).
type Root uint8

// The roots, with the operations whose streams have them.
const (
	RootContentsSync      Root = iota + 1 // SynchronizationConfigure, contents
	RootHierarchySync                     // SynchronizationConfigure, hierarchy
	RootState                             // SynchronizationGetTransferState
	RootMessageList                       // FastTransferSourceCopyMessages
	RootTopFolder                         // FastTransferSourceCopyFolder
	RootFolderContent                     // FastTransferSourceCopyTo, CopyProperties of a folder
	RootMessageContent                    // the same of a message
	RootAttachmentContent                 // the same of an attachment
)

// Element is one part of a stream, as Decoder.Next returns and Encoder.Encode takes
// it. By root, in this order:
//
//	contents sync       [ProgressTotal] {[ProgressMessage] [PropertyGroupInfo] MessageChange} [Deletions] [ReadStateChanges] State
//	hierarchy sync      {FolderChange} [Deletions] State
//	state               State
//	message list        {[DNPrefix] [Warning] MessageContent}
//	top folder          [DNPrefix] FolderStart, its content, FolderEnd
//	folder content      FolderStart, its content
//	message content     MessageContent
//	attachment content  AttachmentContent
//
// The content of a folder is a mixture of Warning, NewFXFolder, ClearSubobjects,
// MessageContent, and for subfolders FolderStart, content, FolderEnd. An ErrorInfo
// may take the place of any element.
type Element interface{ element() }

// Parts tells which kinds of subobjects a message came with. A kind that is marked
// was sent completely, even when there is none of it: the receiver drops those that
// it had before. An unmarked kind was filtered out, unless there are some; messages
// of FastTransfer copies are complete and mark nothing
// ([MS-OXCFXICS] 3.2.5.10, MetaTagFXDelProp).
type Parts uint8

// The kinds of subobjects. The embedded ones speak of embedded messages at any
// depth and are set if they hold for one of them.
const (
	PartRecipients Parts = 1 << iota
	PartAttachments
	PartEmbeddedRecipients
	PartEmbeddedAttachments

	// PartsAll marks everything, as a server does in a contents synchronization.
	PartsAll = PartRecipients | PartAttachments | PartEmbeddedRecipients | PartEmbeddedAttachments
)

// FolderChange is a new or changed folder of a hierarchy synchronization
// ([MS-OXCFXICS] 2.2.4.3.5). The Encoder writes Properties alone, or the named
// fields when Properties is empty.
type FolderChange struct {
	mapi.Folder
}

// FID returns PidTagFolderId; ok is false if it was not asked for.
func (f *FolderChange) FID() (id mapi.FID, ok bool) {
	v, ok := f.Properties.Get(mapi.PidTagFolderId).(int64)
	return mapi.FID(v), ok
}

// ParentFID returns PidTagParentFolderId; ok is false if it did not come.
func (f *FolderChange) ParentFID() (id mapi.FID, ok bool) {
	v, ok := f.Properties.Get(mapi.PidTagParentFolderId).(int64)
	return mapi.FID(v), ok
}

// CN returns PidTagChangeNumber; ok is false if it was not asked for.
func (f *FolderChange) CN() (cn mapi.CN, ok bool) { return changeNumber(f.Properties) }

func changeNumber(b mapi.PropertyBag) (mapi.CN, bool) {
	v, ok := b.Get(mapi.PidTagChangeNumber).(int64)
	return mapi.CN(v), ok
}

// MessageChange is a new or changed message of a contents synchronization
// ([MS-OXCFXICS] 2.2.4.3.11). For a full change Partial is nil and Message is the
// message as configured. For a partial one Message has only the recipients and
// attachments that Parts tells of, and the properties are in Partial.
type MessageChange struct {
	Header  mapi.PropertyBag // messageChangeHeader, [MS-OXCFXICS] 2.2.4.3.14
	Message mapi.Message
	Parts   Parts
	Partial *Partial
}

// Partial is the changed part of a message, by property groups
// ([MS-OXCFXICS] 2.2.4.3.15).
type Partial struct {
	GroupID   uint32 // which PropertyGroupInfo.GroupID the indices refer to
	Inherited bool   // GroupID was not sent again but is that of an earlier change
	Groups    []GroupChange
}

// GroupChange is the complete new content of one property group: a property of the
// group that is missing here is to be deleted.
type GroupChange struct {
	Index      uint32           // into PropertyGroupInfo.Groups, or UngroupedProperties
	Properties mapi.PropertyBag // without the placeholder that an empty group is sent with
}

// UngroupedProperties is the GroupChange.Index of properties that are in no group;
// those that are missing stay as they are.
const UngroupedProperties uint32 = 0xFFFFFFFF

// SourceKey returns the key that identifies the message.
func (m *MessageChange) SourceKey() mapi.SourceKey {
	return mapi.SourceKey(m.Header.Bytes(mapi.PidTagSourceKey))
}

// ChangeKey returns the key of the last change.
func (m *MessageChange) ChangeKey() mapi.ChangeKey {
	return mapi.ChangeKey(m.Header.Bytes(mapi.PidTagChangeKey))
}

// PCL returns the changes that this version contains. The Decoder has checked that
// it parses; for a header made otherwise, nil stands for one that does not.
func (m *MessageChange) PCL() mapi.PCL {
	p, _ := mapi.ParsePCL(m.Header.Bytes(mapi.PidTagPredecessorChangeList))
	return p
}

// LastModified returns the time of the last change.
func (m *MessageChange) LastModified() mapi.FileTime {
	return m.Header.Time(mapi.PidTagLastModificationTime)
}

// Associated reports whether this is a folder associated (FAI) message.
func (m *MessageChange) Associated() bool { return m.Header.Bool(mapi.PidTagAssociated) }

// MID returns the message id; ok is false if it was not asked for.
func (m *MessageChange) MID() (id mapi.MID, ok bool) {
	v, ok := m.Header.Get(mapi.PidTagMid).(int64)
	return mapi.MID(v), ok
}

// Size returns PidTagMessageSize in bytes; ok is false if it was not asked for.
func (m *MessageChange) Size() (n int64, ok bool) {
	if !m.Header.Has(mapi.PidTagMessageSize) {
		return 0, false
	}
	return m.Header.Int(mapi.PidTagMessageSize), true
}

// CN returns the change number; ok is false if it was not asked for.
func (m *MessageChange) CN() (cn mapi.CN, ok bool) { return changeNumber(m.Header) }

// PropertyGroupInfo defines property groups for the partial changes behind it
// ([MS-OXCFXICS] 2.2.2.8).
type PropertyGroupInfo struct {
	GroupID  uint32
	Reserved uint32 // 0
	Groups   [][]PropertyID
}

// PropertyID is a property of a group: a tag, and the name if it is a named one.
type PropertyID struct {
	Tag  mapi.PropertyTag
	Name mapi.PropertyName
}

// Key returns the key under which a bag holds the property.
func (p PropertyID) Key() mapi.Key { return mapi.Property{Tag: p.Tag, Name: p.Name}.Key() }

// Deletions tells which objects are gone ([MS-OXCFXICS] 2.2.4.3.3). In a hierarchy
// synchronization they are folders.
type Deletions struct {
	Deleted         idset.ReplSet
	NoLongerInScope idset.ReplSet
	Expired         idset.ReplSet

	// Wire holds the properties as they came. The Encoder repeats those that still
	// say the same as the sets; it may be nil.
	Wire mapi.PropertyBag
}

// ReadStateChanges tells which messages changed only their read state
// ([MS-OXCFXICS] 2.2.4.3.22).
type ReadStateChanges struct {
	Read   idset.ReplSet
	Unread idset.ReplSet
	Wire   mapi.PropertyBag // as in Deletions
}

// State is the state of the client after what came before it in the stream
// ([MS-OXCFXICS] 2.2.4.3.25).
type State struct {
	ICSState
	Hierarchy bool             // only Given and Seen are part of the state
	Wire      mapi.PropertyBag // as in Deletions
}

// ProgressTotal announces how much is to come ([MS-OXCFXICS] 2.2.2.7).
type ProgressTotal struct {
	FAICount    uint32
	FAISize     uint64 // bytes
	NormalCount uint32
	NormalSize  uint64 // bytes
}

// ProgressMessage announces the message that follows ([MS-OXCFXICS] 2.2.4.3.18).
type ProgressMessage struct {
	Size int32 // bytes
	FAI  bool
}

// ErrorInfo tells that the server could not send an object
// ([MS-OXCFXICS] 2.2.4.3.4). What had been sent of it has been dropped.
type ErrorInfo struct {
	Code    mapi.ErrorCode
	Folder  mapi.LongTermID // zero: none
	Message mapi.LongTermID // zero: none
	Aux     []byte          // diagnostics without a public meaning

	// Interrupted is what the Decoder had of the object, nil if nothing: useful to
	// tell which one it was. If it is a FolderStart, its FolderEnd still follows. The
	// Encoder ignores it.
	Interrupted Element
}

// DNPrefix is MetaTagDnPrefix; receivers ignore it ([MS-OXCFXICS] 2.2.4.1.5).
type DNPrefix struct{ Prefix mapi.String8 }

// Warning is MetaTagEcWarning: in a message list it stands for a message that the
// user may not read, in a folder for rights missing to move it
// ([MS-OXCFXICS] 2.2.4.1.5.2).
type Warning struct{ Code mapi.ErrorCode }

// MessageContent is a message of a message list or folder, or the root of a stream.
type MessageContent struct {
	FAI     bool // in lists and folders: started by StartFAIMsg
	Message mapi.Message
	Parts   Parts
}

// AttachmentContent is the root of the stream of an attachment. Attachment.Number
// is not part of such a stream.
type AttachmentContent struct {
	Attachment mapi.Attachment
	Parts      Parts // the embedded ones
}

// FolderKind tells how a folder starts in a stream.
type FolderKind uint8

// The kinds of folder.
const (
	FolderRoot FolderKind = iota // the root of the stream, without markers
	FolderTop                    // StartTopFld
	FolderSub                    // StartSubFld
)

// FolderStart begins a folder and carries its properties
// ([MS-OXCFXICS] 2.2.4.3.6). FolderEnd ends it, unless Kind is FolderRoot: that one
// ends with the stream.
type FolderStart struct {
	Kind       FolderKind
	Properties mapi.PropertyBag
}

// FolderEnd ends the innermost open folder.
type FolderEnd struct{}

// ClearSubobjects is a MetaTagFXDelProp in a folder: the subobjects that Tag names
// (PidTagContainerContents, PidTagFolderAssociatedContents,
// PidTagContainerHierarchy) are replaced by what follows
// ([MS-OXCFXICS] 2.2.4.1.5.1).
type ClearSubobjects struct{ Tag mapi.PropertyTag }

// NewFXFolder takes the place of the messages of a public folder whose content is
// on other servers ([MS-OXCFXICS] 2.2.4.1.5.3); Data is a FolderReplicaInfo.
type NewFXFolder struct{ Data []byte }

func (*FolderChange) element()      {}
func (*MessageChange) element()     {}
func (*PropertyGroupInfo) element() {}
func (*Deletions) element()         {}
func (*ReadStateChanges) element()  {}
func (*State) element()             {}
func (*ProgressTotal) element()     {}
func (*ProgressMessage) element()   {}
func (*ErrorInfo) element()         {}
func (*DNPrefix) element()          {}
func (*Warning) element()           {}
func (*MessageContent) element()    {}
func (*AttachmentContent) element() {}
func (*FolderStart) element()       {}
func (*FolderEnd) element()         {}
func (*ClearSubobjects) element()   {}
func (*NewFXFolder) element()       {}
