package syncer

import "mailfs/replica"

// line is the queue of one item's changes while it is decided which of them goes next. That is the first one, but for two
// that overtake it: new content goes before flags that were set earlier, which would make what somebody else wrote look newer
// than it is; and a move goes before everything that was changed in the message ([MS-OXCFXICS] 3.3.4.3.3.2.2), unless that
// was sent before, or the message is not on the server yet.
type line struct {
	next  *job
	only  bool // next is all there is so far
	plain bool // all so far are modifications that were never sent
	shut  bool // nothing more may go
	waits bool // a move that is to go before next waits for its folder
}

// takes reports whether a change may go before what comes before it in the queue. It is asked about every change, in order.
func (q *line) takes(c *replica.Change) bool {
	first, plain, only := q.next == nil, q.plain, q.only
	q.plain = (first || plain) && modifies(c)
	q.only = first
	switch {
	case q.shut:
		return false
	case first:
		return true
	case c.Kind == replica.ChangeMove:
		q.shut = true
		return plain
	}
	return only && classOf(c.Kind) == classContent && classOf(q.next.c.Kind) == classProps
}

// add notes a change that may take its turn: whether it can go now, and whether something other than its folder holds it.
func (q *line) add(j job, ok, blocked bool) {
	switch {
	case ok:
		q.next = &j
	case q.next == nil:
		q.shut = true
	case q.shut && !blocked:
		q.waits = true
	}
}

// modifies reports whether a change is about the content of a message that is on the server, and was never sent.
func modifies(c *replica.Change) bool {
	switch c.Kind {
	case replica.ChangeEdit, replica.ChangeProps, replica.ChangeRead:
		return !c.Fixed
	}
	return false
}

// nextOf returns what goes now. A modification waits as long as the folder that its message moves to is under way; when
// nothing else is left to send, that folder is not to be had, and the modification goes without the move.
func nextOf(lines []*line) (jobs []job) {
	var late []job
	for _, q := range lines {
		switch {
		case q.next == nil:
		case q.waits:
			late = append(late, *q.next)
		default:
			jobs = append(jobs, *q.next)
		}
	}
	if len(jobs) == 0 {
		return late
	}
	return jobs
}
