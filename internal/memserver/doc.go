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
//   - session.go, http.go, transport.go, autodiscover.go: the ways in.
//   - script.go: faults on demand.
//
// Locks are taken in this order and never the other way: session, mailbox, event
// queue, server. No lock is held while bytes go to a peer.
package memserver
