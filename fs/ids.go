package fs

import "mailfs/replica"

// nodeID is the number under which the kernel knows a file: the item's number and, for regular files, the
// incarnation of its content. A remote change raises the incarnation, so that the name leads to a new kernel inode
// with its own page cache, while handles of the old one keep what they opened. The inode number that programs see
// is the item's number alone.
type nodeID uint64

const (
	rootID      = nodeID(replica.RootNum) // also what the kernel expects, FUSE_ROOT_ID
	incShift    = 40                      // items: 2^40
	incMask     = 1<<22 - 1               // incarnations alive at once: far fewer
	numMask     = 1<<incShift - 1
	controlFlag = nodeID(1) << 63 // nodes that are not in the replica
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
)

func makeID(n replica.Num, inc uint64) nodeID {
	return nodeID(uint64(n)&numMask | inc&incMask<<incShift)
}

// num returns the item of an id that is not a control node.
func (id nodeID) num() replica.Num { return replica.Num(id & numMask) }

func (id nodeID) control() bool { return id&controlFlag != 0 }
