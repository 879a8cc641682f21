package syncer

import (
	"context"
	"errors"
	"slices"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

const (
	maxRounds    = 1000 // of one upload; more means that something goes in circles
	runItems     = 100  // changes in one run of requests
	runBytes     = 2 << 20
	maxAttempts  = 12 // sends of one change that ended in an answer that should not repeat
	messageGuess = 2048
)

// class groups changes that travel together. The order is that of sending: folders
// before what is put into them, deletions last.
type class uint8

const (
	classFolder class = iota
	classContent
	classMove
	classProps
	classRead
	classDelete
	classFolderDelete
	classes
)

func classOf(k replica.ChangeKind) class {
	switch k {
	case replica.ChangeFolderCreate, replica.ChangeFolderUpdate:
		return classFolder
	case replica.ChangeCreate, replica.ChangeEdit:
		return classContent
	case replica.ChangeMove:
		return classMove
	case replica.ChangeProps:
		return classProps
	case replica.ChangeRead:
		return classRead
	case replica.ChangeFolderDelete:
		return classFolderDelete
	}
	return classDelete
}

// job is a change on its way, with the item as it was when the run began.
type job struct {
	c      *replica.Change
	n      *replica.Node
	folder *replica.Node // where it goes, or where it is
	from   *replica.Node // of a move or deletion: where it is on the server
	again  bool          // it may have been sent before
}

// upload drains the journal: round after round the first change of every item that
// may go, by class and folder, until nothing more can be sent now.
func (s *Syncer) upload(ctx context.Context, l *link) error {
	if s.cfg.ReadOnly {
		return nil
	}
	if err := s.takeStoredApart(ctx, l); err != nil {
		return err
	}
	tried := map[uint64]int{}
	for round := range maxRounds {
		jobs, err := s.dueJobs(tried)
		if err != nil {
			return err
		}
		if len(jobs) == 0 {
			clear(s.culprits)
			return nil
		}
		if round == 0 {
			if err := s.countUp(ctx, l); err != nil {
				return err
			}
		}
		s.setPhase(PhaseUpload)
		s.board.update(func(st *Status) { st.Uploads.Total = st.Uploads.Done + len(jobs) })
		for _, run := range s.culprits.apart(runsOf(jobs)) {
			for _, j := range run {
				tried[j.c.Seq]++
			}
			if run, err = s.stillDue(run); err != nil {
				return err
			}
			if len(run) == 0 {
				continue
			}
			if err := s.noteRun(run, s.send(ctx, l, run)); errors.Is(err, replica.ErrNotFound) {
				// an item that was deleted here while it was on its way: the others go on
				s.cfg.Logf("upload: %v", err)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// send carries out one run: changes of one class that concern one folder.
func (s *Syncer) send(ctx context.Context, l *link, run []job) error {
	switch classOf(run[0].c.Kind) {
	case classFolder:
		return s.sendFolders(ctx, l, run)
	case classContent:
		return s.sendContent(ctx, l, run)
	case classMove:
		return s.sendMoves(ctx, l, run)
	case classProps:
		return s.sendProps(ctx, l, run)
	case classRead:
		return s.sendReads(ctx, l, run)
	case classDelete:
		return s.sendDeletes(ctx, l, run)
	}
	return s.sendFolderDeletes(ctx, l, run)
}

// dueJobs returns the changes that may be sent now: of every item the first one that may, unless it was refused, waits
// for its idle window, for its folder or for a download, or was tried already since the last change of the journal (see line).
func (s *Syncer) dueJobs(tried map[uint64]int) (jobs []job, err error) {
	now := s.cfg.Now()
	err = s.rep.View(func(v *replica.View) error {
		lines := map[replica.Num]*line{}
		var order []*line
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			q := lines[c.Item]
			if q == nil {
				q = &line{}
				lines[c.Item], order = q, append(order, q)
			}
			if !q.takes(c) {
				continue
			}
			blocked := c.Error != nil || c.Ready.After(now) || tried[c.Seq] >= 3 || s.waits(c.Seq)
			var j job
			ok := false
			if !blocked {
				if j, ok, err = s.jobOf(v, c); err != nil {
					return err
				}
			}
			q.add(j, ok, blocked)
		}
		jobs = nextOf(order)
		return nil
	})
	return jobs, err
}

// stillDue looks at a run again right before it is sent: the runs before it may have
// sent, changed or dropped what is in it.
func (s *Syncer) stillDue(run []job) (out []job, err error) {
	err = s.rep.View(func(v *replica.View) error {
		out = out[:0]
		for _, was := range run {
			j, ok, err := s.again(v, was)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, j)
			}
		}
		return nil
	})
	return out, err
}

// jobOf looks up what a change concerns; false if it has to wait.
func (s *Syncer) jobOf(v *replica.View, c *replica.Change) (j job, ok bool, err error) {
	j.c = c
	if j.n, err = v.Node(c.Item); err != nil {
		return j, false, ignoreMissing(err)
	}
	switch classOf(c.Kind) {
	case classFolder:
		parent := j.n.Parent
		if parent == 0 {
			parent = c.Folder // removed since, which goes up later
		}
		if j.folder, err = v.Node(parent); err != nil {
			return j, false, ignoreMissing(err)
		}
		return j, onServer(j.folder), nil
	case classFolderDelete:
		j.folder = j.n
		return j, onServer(j.n), nil
	case classMove, classDelete:
		if j.from, err = v.Node(c.From); err != nil {
			return j, false, ignoreMissing(err)
		}
		if c.Kind == replica.ChangeDelete {
			j.folder = j.from
			return j, onServer(j.from) && j.n.Message != nil && j.n.Message.ChangeKey != "", nil
		}
		if j.folder, err = v.Node(c.Folder); err != nil {
			return j, false, ignoreMissing(err)
		}
		return j, onServer(j.from) && onServer(j.folder), nil
	}
	if j.n.Message == nil || c.Kind != replica.ChangeCreate && j.n.Message.ChangeKey == "" {
		return j, false, nil
	}
	at := j.n.Parent
	if c.Kind == replica.ChangeCreate || at == 0 {
		at = c.Folder
	}
	if at == 0 { // out of the tree, for a file that is to take its place
		if at, err = v.Home(c.Item); err != nil {
			return j, false, err
		}
	}
	if from, ok, err := s.stillAt(v, c); err != nil {
		return j, false, err
	} else if ok {
		at = from
	}
	if j.folder, err = v.Node(at); err != nil {
		return j, false, ignoreMissing(err)
	}
	return j, onServer(j.folder), nil
}

// stillAt returns where an item is on the server when a later change moves or
// deletes it.
func (s *Syncer) stillAt(v *replica.View, c *replica.Change) (replica.Num, bool, error) {
	changes, err := v.ChangesOf(c.Item)
	if err != nil {
		return 0, false, err
	}
	for _, later := range changes {
		if later.Seq > c.Seq && (later.Kind == replica.ChangeMove || later.Kind == replica.ChangeDelete) && later.From != 0 {
			return later.From, true, nil
		}
	}
	return 0, false, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, replica.ErrNotFound) {
		return nil
	}
	return err
}

// onServer reports whether the server knows a folder.
func onServer(n *replica.Node) bool {
	return n.Folder != nil && n.Folder.SourceKey != "" && (n.Folder.ChangeKey != "" || n.Num == replica.RootNum)
}

// runsOf groups jobs by class and folder and cuts the groups into runs.
func runsOf(jobs []job) [][]job {
	type group struct {
		c      class
		folder replica.Num
	}
	byGroup := map[group][]job{}
	var order []group
	for _, j := range jobs {
		g := group{classOf(j.c.Kind), j.folder.Num}
		if g.c == classFolder || g.c == classFolderDelete {
			g.folder = 0
		}
		if byGroup[g] == nil {
			order = append(order, g)
		}
		byGroup[g] = append(byGroup[g], j)
	}
	slices.SortStableFunc(order, func(a, b group) int { return int(a.c) - int(b.c) })
	var out [][]job
	for _, g := range order {
		rest := byGroup[g]
		for len(rest) > 0 {
			n, bytes := 0, int64(0)
			for n < len(rest) && n < runItems && (n == 0 || bytes < runBytes) {
				bytes += rest[n].n.Size + messageGuess
				n++
			}
			out = append(out, rest[:n])
			rest = rest[n:]
		}
	}
	return out
}

// fixAll fixes the changes of a run in one transaction and returns them as they are then: the user may have acted on an
// item since the run was put together, and what is queued must not be taken for what it was before.
func (s *Syncer) fixAll(ctx context.Context, l *link, run []job) (fixed []job, err error) {
	need := 0
	for _, j := range run {
		if !j.c.Fixed && needsID(j.c) {
			need++
		}
	}
	if need > 0 {
		if err := s.reserve(ctx, l, need); err != nil {
			return nil, err
		}
	}
	err = s.rep.Update(func(u *replica.Update) error {
		fixed = fixed[:0]
		for _, was := range run {
			j, ok, err := s.again(&u.View, was)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			j.again = j.c.Fixed
			if err := s.fix(u, j.c, j.n); err != nil {
				return err
			}
			fixed = append(fixed, j)
		}
		return nil
	})
	return fixed, err
}

// again looks at a job anew; false if it may not go any more, or not with its run.
func (s *Syncer) again(v *replica.View, was job) (j job, ok bool, err error) {
	c, err := v.Change(was.c.Seq)
	if err != nil {
		return j, false, ignoreMissing(err)
	}
	j, ok, err = s.jobOf(v, c)
	return j, ok && c.Error == nil && c.Kind == was.c.Kind && j.folder.Num == was.folder.Num, err
}

// bearer returns the item of a change that was sent. It may be another one than when it was sent: a file that took the
// place of a message has taken over its journal.
func bearer(u *replica.Update, c *replica.Change) (*replica.Node, error) {
	now, err := u.Change(c.Seq)
	if err == nil {
		c.Item = now.Item
	} else if !errors.Is(err, replica.ErrNotFound) {
		return nil, err
	}
	return u.Node(c.Item)
}

// acknowledged counts changes that the server has.
func (s *Syncer) acknowledged(n int) {
	if n > 0 {
		s.board.update(func(st *Status) { st.Uploads.Done += n })
	}
}

// refuse stores why the server does not take a change. It stays in the journal; the
// item shows the reason.
func (s *Syncer) refuse(c *replica.Change, code mapi.ErrorCode, text string) error {
	s.cfg.Logf("upload: change %d was refused: %s", c.Seq, text)
	e := &replica.ChangeError{Code: code, Text: text, At: s.cfg.Now()}
	return s.failed(c, func(u *replica.Update, now *replica.Change) error {
		if touched, err := touchedSince(u, now, c); err != nil || touched {
			now.Attempts = 0
			return err
		}
		now.Error = e
		return s.showError(u, now.Item, e)
	})
}

// tryAgain counts one more send of a change that failed; what fails so often is refused.
func (s *Syncer) tryAgain(c *replica.Change, err error, limit int) error {
	code, _ := refusal(err)
	if c.Attempts+1 >= limit {
		return s.refuse(c, code, err.Error())
	}
	s.cfg.Logf("upload: change %d, attempt %d: %v", c.Seq, c.Attempts+1, err)
	return s.failed(c, func(*replica.Update, *replica.Change) error { return nil })
}

// failed stores that a send of a change failed, in the change as it is now: its user may have added to it meanwhile.
func (s *Syncer) failed(c *replica.Change, then func(u *replica.Update, now *replica.Change) error) error {
	return s.rep.Update(func(u *replica.Update) error {
		now, err := u.Change(c.Seq)
		if err != nil {
			return ignoreMissing(err)
		}
		now.Attempts++
		if err := then(u, now); err != nil {
			return err
		}
		c.Attempts, c.Error = now.Attempts, now.Error
		return u.SaveChange(now)
	})
}

// touchedSince reports whether the user has changed what was sent while it was on its way. Then it is not the change that was
// refused any more, and goes up as it is now.
func touchedSince(u *replica.Update, now, sent *replica.Change) (bool, error) {
	switch classOf(now.Kind) {
	case classProps:
		return !sameProps(now, sent), nil
	case classRead:
		return now.Read != sent.Read, nil
	case classContent:
		list, err := u.ChangesOf(now.Item)
		again := func(c *replica.Change) bool { return c.Seq > now.Seq && c.Kind == replica.ChangeEdit && !c.Fixed }
		if err != nil || !slices.ContainsFunc(list, again) {
			return false, err
		}
		now.Fixed = false
		return true, takeUp(u, now)
	}
	return false, nil
}

// showError puts the reason, or nil, on an item.
func (s *Syncer) showError(u *replica.Update, item replica.Num, e *replica.ChangeError) error {
	n, err := u.Node(item)
	if err != nil {
		return ignoreMissing(err)
	}
	switch {
	case n.Message != nil:
		n.Message.Error = e
	case n.Folder != nil:
		n.Folder.Error = e
	default:
		return nil
	}
	return u.Save(n)
}

// Retry makes the refused changes of an item, or of all items for 0, go up again.
func (s *Syncer) Retry(item replica.Num) error {
	err := s.rep.Update(func(u *replica.Update) error {
		var again []*replica.Change
		for c, err := range u.Changes(0) {
			if err != nil {
				return err
			}
			if c.Error != nil && (item == 0 || c.Item == item) {
				again = append(again, c)
			}
		}
		for _, c := range again {
			c.Error, c.Attempts = nil, 0
			if err := u.SaveChange(c); err != nil {
				return err
			}
			if err := s.showError(u, c.Item, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.Kick()
	}
	return err
}

// judge decides about an answer that is neither success nor a conflict: a refusal
// for good is stored, anything else is tried again with the next round or pass.
func (s *Syncer) judge(c *replica.Change, err error) error {
	if ofConnection(err) {
		return err
	}
	code, ok := refusal(err)
	if !ok {
		return s.refuse(c, 0, err.Error()) // it can't even be written down: the others go on
	}
	switch code {
	case mapi.EcAccessDenied, mapi.EcQuotaExceeded, mapi.EcStoreFull, mapi.EcTooBig, mapi.EcMessageTooBig, mapi.EcNotSupported,
		mapi.EcInvalidParameter, mapi.EcStreamSizeError, mapi.EcNamedPropertyQuota, mapi.EcCorruptData,
		mapi.EcNotImplemented, mapi.EcFolderCycle, mapi.EcCycleDetected:
		return s.refuse(c, code, err.Error())
	}
	return s.tryAgain(c, err, maxAttempts)
}

// ofConnection reports whether an error tells of the connection, or of the caller's
// patience, and not of one change.
func ofConnection(err error) bool {
	var away *mapi.Unreachable
	var lost *mapi.SessionLost
	var busy *mapi.Busy
	return errors.As(err, &away) || errors.As(err, &lost) || errors.As(err, &busy) || unreadable(err) || refused(err) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// nextReady returns when the first change that waits for its idle window may go, and
// false if none does.
func (s *Syncer) nextReady() (at time.Time, ok bool, err error) {
	now := s.cfg.Now()
	err = s.rep.View(func(v *replica.View) error {
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			if c.Error == nil && c.Ready.After(now) && (!ok || c.Ready.Before(at)) {
				at, ok = c.Ready, true
			}
		}
		return nil
	})
	return at, ok, err
}
