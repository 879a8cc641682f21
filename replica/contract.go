package replica

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"mailfs/mapi"
)

var errBuilding = errors.New("replica: under construction")

// Options say how to open a replica.
type Options struct {
	Dir      string // created with mode 0700
	InMemory bool   // tests
	Small    bool   // small tables and caches, for simulations
	Fold     func(string) string // maps names that must not differ in case only to the same key
	Now      func() time.Time
	Logf     func(format string, args ...any) // never receives mail content
}

// Replica is an open replica. Its methods may be called by several goroutines.
type Replica struct{}

// Open opens or makes a replica and takes its lock (ErrInUse).
func Open(opt Options) (*Replica, error) { return nil, errBuilding }

// Close stops subscriptions and closes the database.
func (r *Replica) Close() error { return errBuilding }

// View runs f over one consistent snapshot.
func (r *Replica) View(f func(v *View) error) error { return errBuilding }

// Update runs f as the only writer and commits what it did, synced to disk, when f returns nil.
func (r *Replica) Update(f func(u *Update) error) error { return errBuilding }

// PutBlob stores the bytes of src in pieces, outside any transaction. A blob that no
// committed item refers to is removed at the next Open.
func (r *Replica) PutBlob(ctx context.Context, src io.Reader) (BlobID, int64, error) {
	return 0, 0, errBuilding
}

// OpenBlob returns random access to a blob. It stays readable while it is referred
// to, and for handles opened before it was replaced, until Close of the Blob.
func (r *Replica) OpenBlob(id BlobID) (Blob, error) { return nil, errBuilding }

// Blob is an open blob. It is a mapi.Blob.
type Blob interface {
	mapi.Blob
	io.Closer
}

// Subscribe delivers the events of every later commit, in order, one slice per
// commit. The channel is unbounded for the committer: a slow reader never blocks it. cancel closes it.
func (r *Replica) Subscribe() (events <-chan []Event, cancel func()) { return nil, nil }

// Check verifies every invariant and returns what it found wrong.
func (r *Replica) Check() ([]string, error) { return nil, errBuilding }

// View reads. Its slices and pointers are copies that the caller may keep.
type View struct{}

// Node returns a node by number.
func (v *View) Node(n Num) (*Node, error) { return nil, errBuilding }

// Lookup returns the node of that exact name in a directory.
func (v *View) Lookup(parent Num, name string) (*Node, error) { return nil, errBuilding }

// Children yields the nodes of a directory in order of name, starting after the given
// name ("" for all). It holds nothing between steps, so a huge directory is fine.
func (v *View) Children(parent Num, after string) iter.Seq2[*Node, error] { return nil }

// CountChildren returns the number of entries, and of directories among them.
func (v *View) CountChildren(parent Num) (all, dirs int, err error) { return 0, 0, errBuilding }

// Taken reports whether a directory has a name with the same fold key.
func (v *View) Taken(parent Num, fold string) bool { return false }

// BySourceKey finds a folder or message of the mailbox (also one that is only a tombstone).
func (v *View) BySourceKey(k mapi.SourceKey) (*Node, error) { return nil, errBuilding }

// BySpecial finds a special folder.
func (v *View) BySpecial(s Special) (*Node, error) { return nil, errBuilding }

// Message returns the content of a message: all that is here, header properties only
// for StateHeader. Large values are Blobs, valid until the replica is closed or the content is replaced.
func (v *View) Message(n Num) (*mapi.Message, error) { return nil, errBuilding }

// BaseMessage returns the server's last version below a local change (ErrNotFound if none).
func (v *View) BaseMessage(n Num) (*mapi.Message, error) { return nil, errBuilding }

// Messages yields every message of a folder that the server knows, hidden ones included.
func (v *View) Messages(folder Num) iter.Seq2[*Node, error] { return nil }

// Incomplete yields messages of StateHeader, newest delivery first, of all folders.
func (v *View) Incomplete() iter.Seq2[*Node, error] { return nil }

// Changes yields the journal in order of Seq, from the given Seq on.
func (v *View) Changes(from uint64) iter.Seq2[*Change, error] { return nil }

// ChangesOf returns the queued changes of one item in order.
func (v *View) ChangesOf(n Num) ([]*Change, error) { return nil, errBuilding }

// Pending returns the number of queued changes, and of refused ones among them.
func (v *View) Pending() (all, refused int, err error) { return 0, 0, errBuilding }

// WorkingCopy returns the durable working copy of a node.
func (v *View) WorkingCopy(n Num) (*WorkingCopy, error) { return nil, errBuilding }

// WorkingCopies yields all of them, for recovery after a crash.
func (v *View) WorkingCopies() iter.Seq2[*WorkingCopy, error] { return nil }

// Identity returns the mailbox identity, ErrNotFound before the first log on.
func (v *View) Identity() (Identity, error) { return Identity{}, errBuilding }

// Checkpoint returns the state of a scope, an empty one if there is none.
func (v *View) Checkpoint(s Scope) (*Checkpoint, error) { return nil, errBuilding }

// Setting returns a small value by key (quota figures, renderer version, failures ...), nil if absent.
func (v *View) Setting(key string) ([]byte, error) { return nil, errBuilding }

// Counts returns messages per state and folders, for status.
func (v *View) Counts() (Counts, error) { return Counts{}, errBuilding }

// Counts is a summary of the replica.
type Counts struct {
	Folders, Messages, Full, Queued, Errors, Conflicts, Overlay int
	Bytes                                                      int64
}

// Update writes. It also reads, what it wrote included.
type Update struct{ View }

// Local marks the transaction's events as local (the default) or remote.
func (u *Update) Remote(remote bool) {}

// Insert adds a node under Parent/Name with a new number (any Num in n is ignored) and
// returns it. ErrExists if the name is taken. For a message, Put its content with PutContent.
func (u *Update) Insert(n *Node) (Num, error) { return 0, errBuilding }

// Save stores changed attributes of a node. Num, Parent and Name must be as stored.
func (u *Update) Save(n *Node) error { return errBuilding }

// PutContent replaces the content of a message and raises Version (and Gen in a remote transaction).
// The node's Size, Exact, Renderer, State and Content are taken from n and saved with it.
// A local PutContent over the server's version keeps that one as base; a remote one drops the base.
func (u *Update) PutContent(n *Node, m *mapi.Message) error { return errBuilding }

// PutHeader stores header properties of a message that is not here in full; content of an older version goes.
func (u *Update) PutHeader(n *Node, header mapi.PropertyBag) error { return errBuilding }

// Move gives a node another parent and name; an existing node there is ErrExists.
func (u *Update) Move(n Num, parent Num, name string) error { return errBuilding }

// Exchange swaps the places of two nodes.
func (u *Update) Exchange(a, b Num) error { return errBuilding }

// Detach takes a node out of the tree but keeps it as a tombstone, found by number and source key,
// for a deletion that the server has not acknowledged. ErrNotEmpty for a directory with children.
func (u *Update) Detach(n Num) error { return errBuilding }

// Attach puts a detached node back.
func (u *Update) Attach(n Num, parent Num, name string) error { return errBuilding }

// Remove deletes a node for good with its content, working copy and journal entries.
func (u *Update) Remove(n Num) error { return errBuilding }

// SetKeys gives a message or folder new ids after the server acknowledged or renumbered it.
func (u *Update) SetKeys(n Num, sk mapi.SourceKey, ck mapi.ChangeKey, pcl mapi.PCL) error {
	return errBuilding
}

// PutWorkingCopy stores a working copy; its blob was stored before.
func (u *Update) PutWorkingCopy(w *WorkingCopy) error { return errBuilding }

// DropWorkingCopy removes it.
func (u *Update) DropWorkingCopy(n Num) error { return errBuilding }

// Enqueue appends a change and returns its Seq, or folds it into a queued change of the item that is
// not Fixed yet: an edit into an earlier create or edit, a deletion into a create (both vanish, Seq 0), a
// move into a move or create, a read or property change into one of its kind or into a create.
func (u *Update) Enqueue(c *Change) (uint64, error) { return 0, errBuilding }

// SaveChange stores a changed entry (Fix, attempts, error, rebase).
func (u *Update) SaveChange(c *Change) error { return errBuilding }

// DropChange removes an entry: acknowledged, or made void by a conflict outcome. Dropping the last
// content change of an item drops the item's base.
func (u *Update) DropChange(seq uint64) error { return errBuilding }

// SetIdentity stores the mailbox identity; ErrMailbox if another one is there.
func (u *Update) SetIdentity(id Identity) error { return errBuilding }

// SetCheckpoint stores the state of a scope.
func (u *Update) SetCheckpoint(s Scope, c *Checkpoint) error { return errBuilding }

// DropCheckpoint forgets the state of a scope.
func (u *Update) DropCheckpoint(s Scope) error { return errBuilding }

// SetSetting stores a small value by key; nil removes it.
func (u *Update) SetSetting(key string, value []byte) error { return errBuilding }

// AddReserve adds a range of counters that the server reserved for this replica.
func (u *Update) AddReserve(first mapi.GlobCnt, count uint32) error { return errBuilding }

// TakeID takes the next reserved counter; ErrNotFound when the reserve is used up. A counter is never
// handed out twice, also not when the transaction fails after a crash.
func (u *Update) TakeID() (mapi.GlobCnt, error) { return 0, errBuilding }

// Reserved returns the number of counters left.
func (v *View) Reserved() (int, error) { return 0, errBuilding }

// NextChange returns the next local id for change keys in Identity.Namespace, never the same twice.
func (u *Update) NextChange() (uint32, error) { return 0, errBuilding }
