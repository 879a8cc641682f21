package mapi

// Message is a message object ([MS-OXCMSG] 1.1): its properties, recipients and
// attachments.
type Message struct {
	Properties  PropertyBag
	Recipients  []Recipient
	Attachments []Attachment
}

// RecipientType tells in which role a recipient is named ([MS-OXOMSG] 2.2.3.1,
// PidTagRecipientType).
type RecipientType uint8

// The recipient types; the originator type occurs on reports only.
const (
	RecipientOriginator RecipientType = 0
	RecipientTo         RecipientType = 1
	RecipientCc         RecipientType = 2
	RecipientBcc        RecipientType = 3
)

// Recipient is one row of a message's recipient table. Type is
// PidTagRecipientType without the flag bits 0x10 (resend) and 0x80 (processed),
// which stay in Properties as they came.
type Recipient struct {
	RowID      uint32
	Type       RecipientType
	Properties PropertyBag
}

// Attachment is one attachment object ([MS-OXCMSG] 2.2.2). Embedded is set for
// PidTagAttachMethod 5 (afEmbeddedMessage).
type Attachment struct {
	Number     uint32 // PidTagAttachNumber
	Properties PropertyBag
	Embedded   *Message
}

// Folder is a folder object as hierarchy synchronization brings it
// ([MS-OXCFXICS] 2.2.4.3.5, folderChange). ParentSourceKey is empty for a child of the
// synchronization root.
type Folder struct {
	SourceKey       SourceKey
	ParentSourceKey SourceKey
	ChangeKey       ChangeKey
	PCL             PCL
	DisplayName     string
	LastModified    FileTime
	Properties      PropertyBag // everything that came, the above included
}

// ServerVersion is the build of a server ([MS-OXCMAPIHTTP] 2.2.3.3.11,
// X-ServerApplication, or [MS-OXCRPC] 3.1.4.1.3): major, minor, build, revision.
type ServerVersion [4]uint16

// AtLeast reports whether v is w or later.
func (v ServerVersion) AtLeast(w ServerVersion) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] > w[i]
		}
	}
	return true
}
