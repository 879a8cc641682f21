package syncer

import (
	"errors"
	"fmt"
	"slices"

	"mailfs/mapi"
	"mailfs/replica"
)

// A server may fail over one change in a way that takes the whole request with it: it calls the request malformed, or
// breaks the connection. Who of a run was to blame can't be told then, and the run would fail again with every pass, and
// hold up everything behind it. So the changes of a run that failed go alone after that, and last; one that the server
// calls malformed by itself is refused.

// aloneTries is how often a change that goes alone may be called malformed.
const aloneTries = 3

// culprits are the changes that were in runs that failed, by number. What was acknowledged or refused is not blamed any
// more; a restart forgets the others.
type culprits map[uint64]blame

// blame tells how often a change failed.
type blame struct {
	among int // others; a broken connection can have many reasons, so that once is nothing
	alone int
}

const separately = 2 // from how many failures among others a change goes alone

// apart cuts culprits out of runs and puts them behind the others, one by one.
func (s culprits) apart(runs [][]job) [][]job {
	if len(s) == 0 {
		return runs
	}
	var out, last [][]job
	for _, run := range runs {
		var rest []job
		for _, j := range run {
			if f := s[j.c.Seq]; f.alone > 0 || f.among >= separately {
				last = append(last, []job{j})
			} else {
				rest = append(rest, j)
			}
		}
		if len(rest) > 0 {
			out = append(out, rest)
		}
	}
	// Those that failed least are the likeliest to be innocent.
	slices.SortStableFunc(last, func(a, b []job) int { return s[a[0].c.Seq].alone - s[b[0].c.Seq].alone })
	return append(out, last...)
}

// note takes in that a run failed and returns the change that is to blame for it, nil if that can't be told.
func (s culprits) note(run []job, malformed bool) *replica.Change {
	for _, j := range run {
		f := s[j.c.Seq]
		switch {
		case len(run) == 1:
			f.alone++
		case malformed:
			f.among = separately
		default:
			f.among++
		}
		s[j.c.Seq] = f
	}
	if c := run[0].c; len(run) == 1 && malformed && s[c.Seq].alone >= aloneTries {
		return c
	}
	return nil
}

// clear forgets the changes of a run.
func (s culprits) clear(run []job) {
	for _, j := range run {
		delete(s, j.c.Seq)
	}
}

// noteRun takes in how a run went, and returns err or what else went wrong.
func (s *Syncer) noteRun(run []job, err error) error {
	var away *mapi.Unreachable
	switch {
	case err == nil:
		s.culprits.clear(run)
	case unreadable(err):
		if c := s.culprits.note(run, true); c != nil {
			s.culprits.clear(run)
			return errors.Join(err, s.refuse(c, 0, fmt.Sprintf("the server can't read it: %v", err)))
		}
	case errors.As(err, &away):
		s.culprits.note(run, false)
	case isRefusal(err):
		return s.blame(run, err)
	}
	return err
}

// blame handles a refusal of something that a run needs beside its changes: ids, or a look at what there is. It is that of the
// change that goes alone.
func (s *Syncer) blame(run []job, err error) error {
	if len(run) > 1 {
		s.culprits.note(run, true)
		return nil
	}
	return s.judge(run[0].c, err)
}

func isRefusal(err error) bool {
	_, ok := refusal(err)
	return ok
}
