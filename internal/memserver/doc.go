// Package memserver is a mailbox server held in memory that answers the real
// protocol: MAPI/HTTP ([MS-OXCMAPIHTTP]), ROP buffers ([MS-OXCROPS]), FastTransfer
// streams and incremental change synchronization ([MS-OXCFXICS]), Autodiscover.
// It is what the commands serve and demo run, and what tests talk to; any other
// MAPI/HTTP client could.
//
// The layers, from the bottom up:
//
//   - store_*.go: mailboxes, folders and messages. A stored message or folder record
//     is never changed: every change puts a new record in its place. A download may
//     therefore keep records and encode them later without holding a lock, and a
//     snapshot is a copy of a few maps.
//   - acts.go, snapshot.go: what "somebody else" does to a mailbox.
//   - object.go, dispatch.go, rops_*.go, ics_*.go, fx_*.go: server objects behind
//     handles and the remote operations on them.
//   - session.go, http.go, transport.go, autodiscover.go, addressbook.go: the ways in.
//   - script.go: faults on demand.
//
// # Choices
//
// Where a specification leaves something to the server, or where servers differ, this
// one is strict, so that a client that works here does not lean on leniency: a change
// whose number was seen is not sent again, whatever IdsetGiven says; soft deletions
// are told as deletions; a change of a deleted message fails; conflicts that are not
// refused become conflict resolve messages, whose versions travel one by one.
//
// A final state goes up to the highest change number of the mailbox, save for what a
// restriction kept back. Changes of known property groups come partially to a client
// that sets PartialItem.
//
// The tests replay the requests that a client sent to another server, and list how
// the answers differ and why.
//
// # Limits
//
// There are no public folders, no rules and permissions (their tables are empty), no
// content in search folders, no categories in tables. A table tells that it changed,
// not which row. The address book holds the mailboxes and finds them by their
// distinguished names alone. Nothing outlives the process.
//
// Locks are taken in this order and never the other way: session, mailbox, event
// queue, server. No lock is held while bytes go to a peer.
package memserver
