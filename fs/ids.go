package fs

import (
	"encoding/binary"
	"errors"

	"mailfs/replica"
)

// nodeID is the number under which the kernel knows a file: the item's number and, for regular files, the
// incarnation of its content. A remote change raises the incarnation, so that the name leads to a new kernel inode
// with its own page cache, while handles of the old one keep what they opened. Programs see other numbers, see tree.ino.
type nodeID uint64

const (
	rootID      = nodeID(replica.RootNum) // also what the kernel expects, FUSE_ROOT_ID
	incShift    = 40                      // items: 2^40
	incMask     = 1<<22 - 1               // incarnations alive at once: far fewer
	numMask     = 1<<incShift - 1
	controlFlag = nodeID(1) << 63 // nodes that are not in the replica
	madeUpFlag  = nodeID(1) << 62 // what the helper seemed to make; no name leads to it
)

// The control nodes.
const (
	controlDir    = controlFlag | 1
	controlStatus = controlFlag | 2
	controlLocal  = controlFlag | 3
	conflictsLink = controlFlag | 4
	failuresDir   = controlFlag | 5
	controlEvents = controlFlag | 6
	controlVers   = controlFlag | 7
	controlAssoc  = controlFlag | 8
)

func makeID(n replica.Num, inc uint64) nodeID {
	return nodeID(uint64(n)&numMask | inc&incMask<<incShift)
}

// num returns the item of an id that is not a control node.
func (id nodeID) num() replica.Num { return replica.Num(id & numMask) }

func (id nodeID) control() bool { return id&controlFlag != 0 }

// inoBase returns what the inode numbers of a mailbox begin with. Indexers file things under the inode number alone when
// they know no device, as that of a FUSE mount: small numbers would be taken for files of the disk, or of another mailbox.
func inoBase(r *replica.Replica) (base uint64, err error) {
	err = r.View(func(v *replica.View) error {
		id, err := v.Identity()
		base = uint64(binary.LittleEndian.Uint32(id.MailboxGUID[:])&incMask) << incShift
		return err
	})
	if errors.Is(err, replica.ErrNotFound) {
		err = nil // no server was ever asked: there is no mail
	}
	return base, err
}

// ino is the inode number that programs see: the mailbox's part and the item's number.
func (t *tree) ino(id nodeID) uint64 {
	if id.control() {
		return uint64(id)
	}
	return t.inoBase | uint64(id.num())
}
