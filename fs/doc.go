// Package fs shows a replica as a file system.
//
// It has two layers. The tree (tree.go and what hangs on it) knows what each operation means for mail and nothing of
// FUSE; the raw layer (raw.go, raw_write.go) translates go-fuse's structures and errors, and nothing else. What the
// kernel asks is answered from the replica; only the open of a message of which no more than the header is here
// waits for the network.
//
// # What the operations mean for mail
//
// A file becomes an item when its visible name ends in .eml, or in the way of the items of its folder (.ics, .vcf), and
// its bytes are one (form.go); a message needs no more than a header field. Everything else (swap, lock and backup files, symbolic links, directories with hidden names) is
// local: it behaves as on any disk and never goes to the server.
//
// Writes gather in one working copy per file, which every handle sees. close and fsync make it durable in the
// replica, not on the server. It becomes a change when the last writer has closed the file and an idle window has
// passed. An empty file stays local; one that is not empty and no message makes close return EINVAL and stays local
// with the reason in user.mailfs.error. Bytes that did not change upload nothing.
//
// A rename over a message, a new file under a name that a message had until a moment ago, and a new file in place of
// one just removed are the next version of that message (slot.go). The name then has the new file's inode number, as
// on any disk. A rename within a folder is local; one to another folder is a move on the server. Special folders can't
// be renamed or removed, and nothing is put into the Outbox (EPERM). Hard links are EPERM. Modes and times are kept
// locally. unlink moves a message to Deleted Items and, in there, removes it.
//
// st_size is exact once a message was complete; before that it is an estimate, never 0, with no blocks. mtime is the
// delivery time until the content changes; read and flag changes move ctime only. Reading never marks a message
// read.
//
// # Versions
//
// The kernel's number of a file is made from the item's number and the incarnation of its content (nodeID). A remote
// change raises the incarnation: the name leads to a new kernel inode, with pages of its own and the same st_ino,
// while open handles go on with the version that they opened. A change that was made through such a handle is queued
// with the version that it builds on as its base, so that it meets the newer one as a conflict.
//
// # Events
//
// What others change raises inotify events on Linux: a helper process makes the calls up that raise them (replay.go,
// helper.go), one at a time, each with a ticket (witness in replay_raw.go). Invalidations go first, so that nobody waits
// for the helper to see what is new.
//
// # Locks
//
// In this order, each taken while holding only those before it: tree.ns, file.mu, tree.mu, dirStream.mu, and the
// small locks of the notifier and the image cache. A turn (turn.go) is held with tree.ns, or alone for a moment, so that
// it may be taken before or after file.mu. tree.ns and file.mu are held around replica transactions, never
// the other way round: no function that runs inside one takes them. No lock is held over a download or while the
// kernel is notified: notices go through a queue to one goroutine, which holds none (notify.go). It feeds the helper
// too, and goes on telling the kernel while that is at work.
package fs
