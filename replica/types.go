package replica

import (
	"errors"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/idset"
)

// Errors that callers test with errors.Is.
var (
	ErrNotFound = errors.New("replica: no such item")
	ErrExists   = errors.New("replica: name exists")
	ErrNotEmpty = errors.New("replica: directory not empty")
	ErrNotLocal = errors.New("replica: content is not here")
	ErrStale    = errors.New("replica: item has changed since")
	ErrInUse    = errors.New("replica: in use by another process")
	ErrMailbox  = errors.New("replica: belongs to another mailbox")
	ErrSchema   = errors.New("replica: written by a newer mailfs")
)

// Num is an item number: assigned once, stored, never reused.
type Num uint64

// RootNum is the root of the tree: the IPM subtree.
const RootNum Num = 1

// Kind tells what a node is.
type Kind uint8

// The kinds of node. The last three form the local overlay, which never goes to the server.
const (
	KindFolder  Kind = iota + 1 // a folder of the mailbox
	KindMessage                 // a message
	KindFile                    // a local file
	KindDir                     // a local directory
	KindSymlink                 // a local symbolic link
)

// Node is one entry of the tree with everything that listing it needs. Exactly one
// of Folder and Message is set for the mailbox's own kinds.
type Node struct {
	Num     Num
	Parent  Num // 0 for the root and for nodes out of the tree (deleted, not yet acknowledged)
	Name    string
	Kind    Kind
	Size    int64
	Exact   bool      // Size is the exact size of the rendered bytes, not an estimate
	Mtime   time.Time // see product rule: delivery time until the content changes
	Ctime   time.Time
	Btime   time.Time
	Atime   time.Time
	Mode    uint32 // permission bits of overlay nodes; 0 means the default
	Version uint64 // content version, see package comment
	Gen     uint64 // remote content changes
	Target  string // of a symbolic link
	Folder  *FolderInfo
	Message *MessageInfo
	Xattrs  map[string][]byte // extended attributes that are only local
	Content BlobID            // bytes of an overlay file; of a message: the exact bytes as its user wrote them; 0 if none
}

// Special tells which special folder a folder is; known by id, never by name.
type Special uint8

// The special folders ([MS-OXOSFLD] 2.2.2, [MS-OXCSTOR] 2.2.1.1.3).
const (
	SpecialNone Special = iota
	SpecialInbox
	SpecialOutbox
	SpecialSentItems
	SpecialDeletedItems
	SpecialDrafts
	SpecialJunk
	SpecialCalendar
	SpecialContacts
	SpecialTasks
	SpecialNotes
	SpecialJournal
	SpecialSyncIssues
	SpecialConflicts
	SpecialLocalFailures
	SpecialServerFailures
	SpecialOther // cannot be removed or renamed, and has no role of its own here
)

// FolderInfo is what a folder node adds. ChangeKey is empty for a folder that the server has not
// acknowledged yet.
type FolderInfo struct {
	SourceKey   mapi.SourceKey
	ChangeKey   mapi.ChangeKey
	PCL         mapi.PCL
	DisplayName string // as on the server, undecoded
	Class       string // PidTagContainerClass
	Special     Special
	Hidden      bool // kept and synchronized, not shown
	ReadOnly    bool // no write permission on the server
	Keep        string
	Unread      int
	Properties  mapi.PropertyBag
	Error       *ChangeError
}

// MessageState tells how much of a message is here.
type MessageState uint8

// The states.
const (
	StateHeader MessageState = iota + 1 // client header only
	StateFull                           // complete
)

// MessageInfo is what a message node adds.
type MessageInfo struct {
	SourceKey  mapi.SourceKey
	ChangeKey  mapi.ChangeKey // of the server's version that Version builds on; empty while unacknowledged
	PCL        mapi.PCL
	State      MessageState
	FAI        bool
	Read       bool
	Flag       int32 // PidTagFlagStatus: 0 none, 1 complete, 2 flagged
	Importance int32
	Class      string
	Categories []string
	Subject    string
	From       string // "Name <address>" for display
	Sender     string
	MessageID  string
	SearchKey  []byte
	ServerSize int64 // PidTagMessageSize
	Delivered  mapi.FileTime
	Modified   mapi.FileTime // PidTagLastModificationTime
	Renderer   int           // version of the renderer that computed Size
	Edited     bool          // the content was changed by somebody since delivery: mtime follows Modified
	Conflict   bool
	Error      *ChangeError // a change that the server refused for good
}

// ChangeError tells why a change can't go up.
type ChangeError struct {
	Code mapi.ErrorCode
	Text string
	At   time.Time
}

// BlobID names a stored blob; 0 is none.
type BlobID uint64

// ChangeKind is a kind of local change.
type ChangeKind uint8

// The kinds of change.
const (
	ChangeCreate       ChangeKind = iota + 1 // new message
	ChangeEdit                               // new content of a message
	ChangeMove                               // message to another folder
	ChangeDelete                             // message deleted (moved to Deleted Items, or removed there)
	ChangeRead                               // read state
	ChangeProps                              // flag, categories, importance
	ChangeFolderCreate                       // new folder
	ChangeFolderUpdate                       // folder renamed or moved
	ChangeFolderDelete
)

// Base is the version that a change builds on.
type Base struct {
	Version   uint64 // Node.Version
	ChangeKey mapi.ChangeKey
	PCL       mapi.PCL
}

// Change is one entry of the journal. Entries of one item are sent in order of Seq.
type Change struct {
	Seq    uint64
	Kind   ChangeKind
	Item   Num
	At     time.Time // when the user did it
	Ready  time.Time // not to be sent before (idle window)
	Base   Base
	Folder Num // the folder concerned: parent at the time; target of a move
	From   Num // source folder of a move, or folder of a deletion
	Read   bool
	Set    mapi.PropertyBag // ChangeProps: values to set
	Unset  []mapi.Key       // ChangeProps: properties to delete
	// Hard asks for removal instead of a move to Deleted Items.
	Hard bool

	// What follows is fixed by Fix, in the replica, before the first send.
	Fixed     bool
	Version   uint64         // content version that was or is being sent
	SourceKey mapi.SourceKey // id at the target (create, move, folder create)
	OldKey    mapi.SourceKey // id before a move
	ChangeKey mapi.ChangeKey
	PCL       mapi.PCL
	Modified  mapi.FileTime

	Attempts int
	Error    *ChangeError // refused for good; kept until the user touches the item
}

// Identity tells which mailbox a replica was made from. A replica never
// synchronizes with another one.
type Identity struct {
	MailboxGUID mapi.GUID // of RopLogon
	LegacyDN    string
	User        string    // address that the account was opened with
	ReplicaGUID mapi.GUID // of the ids of this mailbox
	Namespace   mapi.GUID // of change keys made here; random, made once per replica
}

// Scope names a synchronization scope: the hierarchy, or one folder's contents.
type Scope string

// ScopeHierarchy is the scope of the folder tree.
const ScopeHierarchy Scope = "hierarchy"

// ContentsScope is the scope of one folder's messages.
func ContentsScope(folder mapi.SourceKey) Scope { return Scope("contents:" + string(folder)) }

// Checkpoint is the ICS state of a scope, with the hints that tell when to look again.
type Checkpoint struct {
	Given   idset.IDSet
	Seen    idset.CNSet
	SeenFAI idset.CNSet
	Read    idset.CNSet
	Hints   map[string]int64 // syncer's own: commit time, counts
	At      time.Time
}

// WorkingCopy is the durable form of what is being written into a file. One per
// node. Closed is recorded at the last close: only then may it become a change after a crash.
type WorkingCopy struct {
	Item    Num
	Content BlobID
	Size    int64
	Base    Base
	Closed  bool
	At      time.Time
}

// EventKind is a kind of event.
type EventKind uint8

// The kinds of event.
const (
	EventAdded   EventKind = iota + 1 // a node appeared under Parent/Name
	EventRemoved                      // a node vanished from Parent/Name
	EventMoved                        // from OldParent/OldName to Parent/Name
	EventContent                      // new content
	EventAttr                         // attributes only
	EventJournal                      // the journal has something new
	EventQueue                        // the journal became shorter
)

// Event tells of one change that was committed. Remote is set for what came from the server.
type Event struct {
	Kind      EventKind
	Item      Num
	NodeKind  Kind
	Parent    Num
	Name      string
	OldParent Num
	OldName   string
	Remote    bool

	Gen       uint64 // Node.Gen after it, or of a removed node
	Raised    bool   // EventContent: Gen was raised
	Completed bool   // EventContent: the rest of a version came here whose header was; nothing else changed
}
