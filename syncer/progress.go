package syncer

import (
	"time"

	"mailfs/mapi/fxics"
)

// expected is how many items a contents download brings, as far as that is known before the server tells.
func (f folderRef) expected() int {
	if f.known {
		return 0
	}
	return f.items
}

// streamProgress follows one contents download. Servers announce what comes: the number and the size of all messages in
// the beginning, and the size of each before it ([MS-OXCFXICS] 2.2.4.3.18, 2.2.4.3.19).
type streamProgress struct {
	items int   // of the stream that Status.Headers.Total has
	next  int64 // bytes of the message that comes next
}

// announced puts what the server says in the place of what was expected.
func (p *streamProgress) announced(b *board, e *fxics.ProgressTotal) {
	const most = 1 << 30 // more than a folder can have: what a server says is not added up without bounds
	items := int(min(uint64(e.FAICount)+uint64(e.NormalCount), most))
	bytes := int64(min(e.FAISize, most<<20) + min(e.NormalSize, most<<20))
	b.update(func(st *Status) {
		st.Headers.Total = max(st.Headers.Total+items-p.items, st.Headers.Done)
		st.Headers.TotalBytes += bytes
	})
	p.items = items
}

// one counts a message that came, or could not come.
func (p *streamProgress) one(b *board) {
	n := max(p.next, 0)
	p.next = 0
	b.update(func(st *Status) {
		st.Headers.Done++
		st.Headers.DoneBytes = min(st.Headers.DoneBytes+n, st.Headers.TotalBytes)
		st.Headers.Total = max(st.Headers.Total, st.Headers.Done)
	})
}

// pace tells how long a phase is still going to take from how long it has taken.
type pace struct {
	phase Phase
	since time.Time
	from  int64 // what was done then
}

// leastPace is how long a phase must have taken for a guess.
const leastPace = 2 * time.Second

// left returns the time that the phase of a status still needs, about; 0 if that can't be told.
func (p *pace) left(now time.Time, st *Status) time.Duration {
	done, total := st.work()
	if st.Phase != p.phase || done < p.from || total == 0 {
		*p = pace{phase: st.Phase, since: now, from: done}
	}
	took := now.Sub(p.since)
	if done <= p.from || took < leastPace || done >= total {
		return 0
	}
	return time.Duration(float64(took) * float64(total-done) / float64(done-p.from)).Round(time.Second)
}

// work is what the phase did and has to do, in what takes its time: bytes of bodies, else items.
func (st *Status) work() (done, total int64) {
	switch st.Phase {
	case PhaseUpload:
		return int64(st.Uploads.Done), int64(st.Uploads.Total)
	case PhaseContents:
		return int64(st.Headers.Done), int64(st.Headers.Total)
	case PhaseBodies:
		return st.Bodies.DoneBytes, st.Bodies.TotalBytes
	}
	return 0, 0
}
