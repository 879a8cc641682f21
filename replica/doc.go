// Package replica is the local copy of a mailbox: folders, messages, local files,
// blobs, the journal of local changes and the synchronization checkpoints, in a
// badger database. It is the table at which fs and syncer sit: both import it, and
// it knows neither.
//
// # Transactions
//
// All reads go through View, all writes through Update; what an Update did is
// visible to others, and its Events are delivered, only after it is on disk.
// Data and the checkpoint that describes it are written in one Update, so that a
// crash repeats work and never loses it. Updates run one after the other; neither a
// View nor an Update may wait for the network. A View never waits for an Update. An
// operation that fails with one of the package's errors has changed nothing, so that
// an Update may go on after it.
//
// # Items
//
// Every node of the tree (folder, message, and the local files, directories and
// symbolic links of the overlay) has a Num, assigned once, stored, never reused:
// the inode number of the file system. A Num survives moves, changes of the
// server's ids, and remounts. Names are stored; identity never comes from a name.
// Hidden messages (FAI) belong to their folder but have no name in it: neither
// Children nor Lookup shows them, Messages does.
//
// A message is in two places: where the tree shows it, and where the server has it
// (see Messages). The two differ while a move or a deletion is queued.
//
// # Versions
//
// Node.Version counts changes of content on this machine, local and remote; Node.Gen counts
// the remote ones only. The first local change of a message's content keeps the
// server's last version as its base until the change is acknowledged or dropped. A
// content that is on its way to the server is kept, too, when the next local one
// covers it (SentMessage), so that a repeated send is the same, and becomes the base
// once it is acknowledged.
//
// # Journal
//
// The journal is the only path from a local change to the server. A Change carries
// its base, and the ids and change keys that it will have on the server are stored
// in it before the first send, so that a repeated send is recognised.
//
// # Blobs
//
// Bytes of any length are stored in pieces ahead of the transaction that refers to
// them (PutBlob), or small ones with it (Update.PutBlob). Large values of messages
// are blobs, too. A blob counts what refers to it, and is removed after its last
// reference went, when no View, no open handle and no message that was read can
// reach it any more. What a crash leaves without reference goes at the next Open.
//
// # On disk
//
// keys.go lists the key spaces. Records begin with the number of their format; the
// schema as a whole has a version, and testdata a specimen of each. Counters hand out
// every number once: a stretch is marked as used before its first number is given.
// Check knows all the invariants; tests run it whenever they close a replica.
//
// The lock order is: Replica.write, counters.mu, Replica.commits, viewSet.mu, blobTable.mu.
package replica
