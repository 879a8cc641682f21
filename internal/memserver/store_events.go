package memserver

import (
	"slices"
	"sync"

	"mailfs/mapi"
)

// eventKind is a bit of NotificationTypes ([MS-OXCNOTIF] 2.2.1.1).
type eventKind uint16

const (
	eventNewMail       eventKind = 0x0002
	eventCreated       eventKind = 0x0004
	eventDeleted       eventKind = 0x0008
	eventModified      eventKind = 0x0010
	eventMoved         eventKind = 0x0020
	eventCopied        eventKind = 0x0040
	eventTableModified eventKind = 0x0100
)

// event tells what happened to a folder, or to a message when message is not 0.
type event struct {
	kind                  eventKind
	folder, message       mapi.GlobCnt
	parent                mapi.GlobCnt
	oldFolder, oldMessage mapi.GlobCnt
	oldParent             mapi.GlobCnt
	fai                   bool
	counts                bool // total and unread hold the folder's new counts
	total, unread         uint32
	class                 string // of a new mail
	flags                 uint32
}

// subscription is what one notification handle or table wants to hear of.
type subscription struct {
	kinds   eventKind
	whole   bool
	folder  mapi.GlobCnt
	message mapi.GlobCnt
	table   bool // wants one eventTableModified for any change of the folder's rows
	deep    bool // a hierarchy table with everything below the folder
	hier    bool // a hierarchy table
	handle  uint32
	logon   uint8
	queue   *eventQueue
}

// queueLimit bounds what is kept for a client that does not come back.
const queueLimit = 1000

// eventQueue keeps the events of one session until it asks for them.
type eventQueue struct {
	mu     sync.Mutex
	events []queued
	wake   chan struct{} // closed and replaced when something arrives
}

type queued struct {
	event
	handle uint32
	logon  uint8
}

func newEventQueue() *eventQueue { return &eventQueue{wake: make(chan struct{})} }

func (q *eventQueue) put(e queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) >= queueLimit {
		return
	}
	if e.kind == eventTableModified || e.counts {
		for i := range q.events {
			if q.events[i].handle == e.handle && q.events[i].kind == e.kind && q.events[i].folder == e.folder && q.events[i].counts == e.counts {
				q.events[i] = e // the newest counts are enough
				return
			}
		}
	}
	q.events = append(q.events, e)
	close(q.wake)
	q.wake = make(chan struct{})
}

// take returns and forgets at most n events.
func (q *eventQueue) take(n int) []queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.events))
	out := q.events[:n:n]
	q.events = q.events[n:]
	return out
}

// putBack returns events that found no room.
func (q *eventQueue) putBack(events []queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(slices.Clone(events), q.events...)
}

// forget drops the events of a released handle.
func (q *eventQueue) forget(handle uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	kept := q.events[:0]
	for _, e := range q.events {
		if e.handle != handle {
			kept = append(kept, e)
		}
	}
	q.events = kept
}

// wakeAll ends every wait on the queue.
func (q *eventQueue) wakeAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.wake)
	q.wake = make(chan struct{})
}

// state reports whether events are there, and the channel that the next one closes.
func (q *eventQueue) state() (pending bool, wake <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events) > 0, q.wake
}

// emit hands an event to everyone who wants it. The mailbox is locked.
func (m *Mailbox) emit(e event) {
	for _, s := range m.subs {
		if s.wants(m, e) {
			s.queue.put(queued{event: s.shape(e), handle: s.handle, logon: s.logon})
		}
	}
}

func (s *subscription) shape(e event) event {
	if s.table {
		return event{kind: eventTableModified, folder: s.folder}
	}
	return e
}

func (s *subscription) wants(m *Mailbox, e event) bool {
	if s.table {
		return s.wantsTable(m, e)
	}
	if s.kinds&e.kind == 0 {
		return false
	}
	if s.whole {
		return true
	}
	if s.message != 0 {
		return e.message == s.message || e.oldMessage == s.message
	}
	return e.folder == s.folder || e.parent == s.folder || e.oldFolder == s.folder || e.oldParent == s.folder
}

func (s *subscription) wantsTable(m *Mailbox, e event) bool {
	if !s.hier {
		return e.message != 0 && (e.folder == s.folder || e.oldFolder == s.folder)
	}
	if e.message != 0 {
		return false
	}
	if s.deep {
		return m.isBelow(e.folder, s.folder) || m.isBelow(e.parent, s.folder) || m.isBelow(e.oldParent, s.folder)
	}
	return e.parent == s.folder || e.oldParent == s.folder
}

// emitFolderChanged tells of a folder's new counts ([MS-OXCNOTIF] 2.2.1.4.1.2).
func (m *Mailbox) emitFolderChanged(id mapi.GlobCnt) {
	f, ok := m.liveFolder(id)
	if !ok || len(m.subs) == 0 {
		return
	}
	x := m.state.indexes[id]
	m.emit(event{kind: eventModified, folder: id, parent: f.parent, counts: true, total: uint32(x.normal), unread: uint32(x.unread)})
}
