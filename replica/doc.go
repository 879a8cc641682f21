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
// View nor an Update may wait for the network.
//
// # Items
//
// Every node of the tree (folder, message, and the local files, directories and
// symbolic links of the overlay) has a Num, assigned once, stored, never reused:
// the inode number of the file system. A Num survives moves, changes of the
// server's ids, and remounts. Names are stored; identity never comes from a name.
//
// # Versions
//
// Node.Version counts changes of content on this machine, local and remote; Node.Gen counts
// the remote ones only. The first local change of a message's content keeps the
// server's last version as its base until the change is acknowledged or dropped.
//
// # Journal
//
// The journal is the only path from a local change to the server. A Change carries
// its base, and the ids and change keys that it will have on the server are stored
// in it before the first send, so that a repeated send is recognised.
package replica
