// Package syncer keeps a replica in step with the mailbox on its server. One Syncer
// owns the conversation with one mailbox; everybody else talks to the replica.
//
// # A pass
//
// A pass uploads the journal, downloads the folder hierarchy, then the contents of
// those folders that have changed, as client headers ([MS-OXCSYNC] 3.1.5.3.5), and
// then the bodies that the keep policy asks for, newest first
// ([MS-OXCSYNC] 3.1.5.3.6). What was downloaded is committed together with the
// synchronization state that covers it, never the one without the other.
//
// A message that changed in part comes as groups of properties; what such a group has besides those of a header is
// fetched for messages that are here in full, and nothing else of them. What the server can't deliver is set aside,
// asked for again after an hour, later daily, and holds up nothing.
//
// # Ids
//
// Short ids, handles and the numbers of named properties end here. What goes into
// the replica has source keys, change keys and property names.
//
// Items that are made here get reserved ids, a stretch of them for each folder
// ([MS-OXCSYNC] 3.1.3.1.1). The id of an item that the server refused and the user
// deleted then is told as deleted.
//
// # States
//
// A state is compared with what is here before it is used, in part always and in whole
// once a day. One that does not fit is dropped; what comes then is a full download of
// headers, at whose end what the server does not have goes.
//
// # Large messages
//
// A message over 16 MiB is read in parts. The bytes of its large attachments come by
// streams into blobs that grow over several runs.
//
// # Throttling
//
// The time that a busy server names holds for everything that goes to it.
//
// # Versions
//
// An item with queued changes is never overwritten. A download that meets one
// leaves it alone and keeps the server's change out of the stored state, so that it
// is sent again; the upload finds the conflict and resolves it as package conflict
// says. Deletions go up only for the version that the user saw.
//
// # Goroutines
//
// Passes run one at a time. Fetch requests share the session with a pass and are
// served between its requests. The notification wait has a goroutine of its own,
// which Run starts and stops.
//
// # Errors
//
// Errors of the connection end a pass and are retried by Run; the changes that were
// on their way stay queued, with the ids that make a repeated send harmless. What a
// server refuses for good is stored with the change and does not stop the others.
package syncer
