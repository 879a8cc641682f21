package replica

import "encoding/binary"

// The key spaces. Numbers in keys are big-endian, so that a range scan meets them in
// order. Every space has one writer: Update, or the side commits of counters and
// blobs that are told apart here.
const (
	spaceDentry     = 'd' // parent, name: record of a node that has a name in a directory
	spaceHidden     = 'e' // parent, num: record of a hidden message; parent 0: the root and detached nodes
	spacePlace      = 'i' // num: key of the node's record
	spaceFold       = 'f' // parent, fold key: number of names with that fold key
	spaceDir        = 'k' // parent: entries, directories among them
	spaceSource     = 's' // source key: num
	spaceSpecial    = 'x' // special: num
	spaceIncomplete = 'h' // complement of the delivery time, num: message of StateHeader
	spaceHome       = 'g' // folder, num: message that the server has in that folder
	spaceContent    = 'c' // content number: content of a message
	spaceBase       = 'o' // num: version of the server below a local one
	spaceSent       = 'n' // num: version on its way to the server below a later local one
	spaceJournal    = 'j' // seq: change
	spaceQueue      = 'q' // num: seqs of the item's changes
	spaceWorking    = 'w' // num: working copy
	spaceBlob       = 'b' // blob: size and references
	spaceChunk      = 'B' // blob, index: piece of a blob (side commit)
	spaceOrphan     = 'p' // kind, number: blob or content that nothing refers to
	spaceMeta       = 'm' // name: schema version, identity, totals
	spaceCounter    = 'C' // kind: numbers below are used up (side commit)
	spaceSetting    = 't' // key: value
	spaceCheckpoint = 'y' // scope: checkpoint
	spaceDrift      = 'z' // folder, source key: membership changed since the folder's checkpoint
	spaceReserve    = 'r' // first counter: size of a range reserved by the server
	spaceUsed       = 'u' // first counter: how many of the range are used up (side commit)
)

func key(space byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{space}, n)
}

func key2(space byte, n, m uint64) []byte {
	k := make([]byte, 1, 17)
	k[0] = space
	k = binary.BigEndian.AppendUint64(k, n)
	return binary.BigEndian.AppendUint64(k, m)
}

func keyName(space byte, n uint64, name string) []byte {
	k := make([]byte, 1, 9+len(name))
	k[0] = space
	k = binary.BigEndian.AppendUint64(k, n)
	return append(k, name...)
}

func keyString(space byte, s string) []byte {
	return append([]byte{space}, s...)
}

// keyTail returns the last number of a key.
func keyTail(k []byte) uint64 { return binary.BigEndian.Uint64(k[len(k)-8:]) }

// keyHead returns the number behind the space.
func keyHead(k []byte) uint64 { return binary.BigEndian.Uint64(k[1:9]) }
