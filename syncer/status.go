package syncer

import (
	"sync"
	"time"
)

// Phase tells what the engine is doing.
type Phase string

// The phases.
const (
	PhaseOffline   Phase = "offline" // no connection; see Status.Err
	PhaseIdle      Phase = "idle"
	PhaseConnect   Phase = "connecting"
	PhaseUpload    Phase = "uploading"
	PhaseHierarchy Phase = "folders"
	PhaseContents  Phase = "headers"
	PhaseBodies    Phase = "bodies"
)

// Progress counts what a phase did and what is left of it, as far as is known.
type Progress struct {
	Done, Total           int   // items
	DoneBytes, TotalBytes int64 // of whole messages, about; neither of folders nor of uploads
}

// Status is what the engine tells about itself.
type Status struct {
	Phase     Phase
	Connected bool
	Since     time.Time // when Connected last changed
	Folders   Progress  // folders whose contents were looked at in this pass
	Headers   Progress  // as the server announces them
	Bodies    Progress
	Uploads   Progress
	Left      time.Duration // how long the phase is still going to take, about; 0 if that can't be told
	Queued    int           // changes in the journal
	Refused   int           // those of them that the server refuses
	SetAside  int           // items that the server could not deliver
	LastPass  time.Time
	Passes    int
	Events    int       // notifications of the server
	Missed    int       // changes that the server did not tell of, and a pass without a reason found
	NextTry   time.Time // when offline
	Err       error     // the last error of the connection, nil when all is well
}

// board holds the status and tells one listener about changes, outside its lock and
// in order.
type board struct {
	mu   sync.Mutex
	st   Status
	tell func(Status)
	now  func() time.Time
	pace pace
	out  sync.Mutex // taken before mu; keeps calls of tell in order
}

func (b *board) get() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st
}

func (b *board) update(f func(*Status)) {
	b.out.Lock()
	defer b.out.Unlock()
	b.mu.Lock()
	f(&b.st)
	b.st.Left = b.pace.left(b.now(), &b.st)
	st := b.st
	b.mu.Unlock()
	if b.tell != nil {
		b.tell(st)
	}
}
