package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

const (
	fullEvery   = 24 * time.Hour // how often the hints are not trusted
	busyDefault = 5 * time.Second
	busyLongest = 10 * time.Minute

	manyFolders = 1 << 20 // more than a mailbox can have
	tableRounds = 1000    // requests for the rows of one table
)

// Pass runs one full pass: upload, folder tree, contents, bodies. It connects if it
// has to. After a lost session it goes on with a new one, once.
func (s *Syncer) Pass(ctx context.Context) error {
	s.signInAgain()
	return s.onePass(ctx, passKind{})
}

// passKind says what is special about a pass.
type passKind struct {
	yield  bool // bodies give way to what is more urgent
	checks bool // nothing asked for it: it checks whether the server notifies
}

func (s *Syncer) onePass(ctx context.Context, kind passKind) error {
	if err := s.lockPass(ctx); err != nil {
		return err
	}
	defer s.unlockPass()
	return s.withLink(ctx, func(l *link) error { return s.pass(ctx, l, kind) })
}

// withLink runs f on the session. A session that broke is given up; one that was
// lost is replaced, and f runs again, once.
func (s *Syncer) withLink(ctx context.Context, f func(l *link) error) error {
	for again := true; ; again = false {
		l, err := s.connect(ctx)
		if err != nil {
			return err
		}
		err = f(l)
		if !brokenLink(l, err) {
			return err
		}
		s.drop(ctx, l)
		var lost *mapi.SessionLost
		if !again || ctx.Err() != nil || !errors.As(err, &lost) {
			s.noteConnection(err)
			return err
		}
	}
}

// brokenLink reports whether an error says that the session is of no more use.
func brokenLink(l *link, err error) bool {
	if err == nil {
		return false
	}
	var lost *mapi.SessionLost
	var away *mapi.Unreachable
	return l.sess.Err() != nil || errors.As(err, &lost) || errors.As(err, &away) || unreadable(err) || refused(err)
}

func (s *Syncer) pass(ctx context.Context, l *link, kind passKind) error {
	l.register(ctx)
	l.counter.raised = false
	named, everything := s.takeNamed()
	var found *check
	if kind.checks && !everything {
		found = &check{contents: map[mapi.SourceKey]int{}}
	}
	err := s.passOver(ctx, l, named, everything, kind.yield, found)
	if err != nil {
		s.putNamed(named, everything)
		return err
	}
	s.missed(found)
	s.board.update(func(st *Status) {
		st.Phase, st.LastPass, st.Err = PhaseIdle, s.cfg.Now(), nil
		st.Passes++
	})
	return nil
}

func (s *Syncer) passOver(ctx context.Context, l *link, named map[mapi.SourceKey]bool, everything, yield bool, found *check) error {
	s.board.update(func(st *Status) {
		st.Uploads, st.Folders, st.Headers, st.Bodies = Progress{}, Progress{}, Progress{}, Progress{}
	})
	wait, err := s.downloadsFirst()
	if err != nil {
		return err
	}
	if !wait {
		if err := s.upload(ctx, l); err != nil {
			return err
		}
	}
	if err := s.tellGivenUp(ctx, l); err != nil {
		return err
	}
	if err := s.syncTree(ctx, l, found); err != nil {
		return err
	}
	full := everything || s.fullDue()
	rows, err := l.folderHints(ctx)
	if err != nil {
		return err
	}
	if full {
		if err := s.verifyTree(ctx, l, rows); err != nil {
			return err
		}
	}
	due, err := s.dueFolders(rows, full, s.withDoubted(named))
	if err != nil {
		return err
	}
	if due, err = s.withoutResting(due); err != nil {
		return err
	}
	if err := s.syncFolders(ctx, l, due, found); err != nil {
		return err
	}
	s.downloaded()
	if full {
		if err := s.rebuilt(ctx, l); err != nil {
			return err
		}
		if err := s.setTime(settingFull, s.cfg.Now()); err != nil {
			return err
		}
	}
	if err := s.dropTwins(due); err != nil {
		return err
	}
	// the download may have found what makes queued changes go on
	if err := s.upload(ctx, l); err != nil {
		return err
	}
	if err := s.settleVersions(ctx, l); err != nil {
		return err
	}
	if err := s.syncBodies(ctx, l, yield); err != nil {
		return err
	}
	if err := s.settleVersions(ctx, l); err != nil {
		return err
	}
	return s.reviewFailures(ctx, l)
}

// syncFolders downloads the contents of the folders, many contexts per Execute.
func (s *Syncer) syncFolders(ctx context.Context, l *link, due []folderRef, found *check) error {
	if len(due) == 0 {
		return nil
	}
	if err := s.countNews(ctx, l); err != nil {
		return err
	}
	s.setPhase(PhaseContents)
	total := 0
	for _, f := range due {
		total += f.expected()
	}
	s.board.update(func(st *Status) { st.Folders = Progress{Total: len(due)}; st.Headers.Total = total })
	again, err := s.syncBatches(ctx, l, due, found, false)
	if err != nil || len(again) == 0 {
		return err
	}
	// What a server does not give at one moment it may give at the next. QUIRK gromox 3.10: a download may fail while
	// somebody changes the folder.
	_, err = s.syncBatches(ctx, l, again, found, true)
	return err
}

// syncBatches is syncFolders without a second try: it returns the folders that are to have one, unless it is the last.
func (s *Syncer) syncBatches(ctx context.Context, l *link, due []folderRef, found *check, last bool) (again []folderRef, err error) {
	for len(due) > 0 {
		var reqs []*contentsRequest
		bytes := 0
		for len(reqs) < len(due) && len(reqs) < contentsMax {
			f := due[len(reqs)]
			cp, err := s.contentsState(f)
			if err != nil {
				return again, err
			}
			n := contentsBytes(cp)
			if len(reqs) > 0 && bytes+n > contentsBatch {
				break
			}
			bytes += n
			reqs = append(reqs, &contentsRequest{folder: f, cp: cp})
		}
		due = due[len(reqs):]
		refused, err := s.syncTogether(ctx, l, reqs, found, last)
		again = append(again, refused...)
		if err != nil {
			return again, err
		}
	}
	return again, nil
}

// syncTogether opens downloads in one request and reads them one after the other. It returns the folders that are to be
// tried again.
func (s *Syncer) syncTogether(ctx context.Context, l *link, reqs []*contentsRequest, found *check, last bool) (again []folderRef, err error) {
	if err := l.openContents(ctx, reqs); err != nil {
		return nil, err
	}
	defer func() {
		for _, r := range reqs {
			if r.d != nil {
				r.d.end()
			}
		}
	}()
	for _, r := range reqs {
		stream, err := r.d.start(ctx)
		r.d = nil // start has it now
		if err != nil {
			s.cfg.Logf("contents: %v", err)
			code, refused := refusal(err)
			if !refused {
				return again, err
			}
			more, err := s.contentsRefused(r, code, last)
			if err != nil {
				return again, err
			}
			if more {
				again = append(again, r.folder)
			}
			continue
		}
		err = s.syncContents(ctx, l, r.folder, r.cp, stream, found)
		stream.close()
		if err != nil {
			return again, s.contentsUnreadable(r.folder.key, err)
		}
		s.clear(r.folder.key)
		s.board.update(func(st *Status) { st.Folders.Done++ })
	}
	return again, nil
}

// contentsRefused handles a folder whose contents the server does not give, and reports whether it is to be asked for once
// more. A folder that is gone is the next hierarchy pass's business; a state that the server does not understand is
// dropped.
func (s *Syncer) contentsRefused(r *contentsRequest, code mapi.ErrorCode, last bool) (again bool, err error) {
	switch code {
	case mapi.EcNotFound, mapi.EcObjectDeleted, mapi.EcAccessDenied, mapi.EcNullObject:
		return false, nil
	}
	if r.cp.At.IsZero() {
		if !last {
			return true, nil
		}
		return false, s.noteFailure(r.folder.key, "", code)
	}
	return !last, s.rep.Update(func(u *replica.Update) error {
		return u.DropCheckpoint(replica.ContentsScope(r.folder.key))
	})
}

// folderHints reads the hierarchy table for what tells changed folders from others.
func (l *link) folderHints(ctx context.Context) (map[mapi.SourceKey]map[string]int64, error) {
	root, err := l.fid(ctx, l.subtree)
	if err != nil {
		return nil, err
	}
	out := map[mapi.SourceKey]map[string]int64{}
	b := l.batch()
	dir, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: root})
	self := b.do(dir, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: hintTags})
	quota := l.askQuota(b)
	table, _ := b.open(dir, &rop.GetHierarchyTableRequest{TableFlags: rop.TableDepth | rop.TableSuppressesNotifications})
	cols := b.do(table, &rop.SetColumnsRequest{PropertyTags: hintTags})
	defer func() { table.Release(); dir.Release() }()
	for {
		before := len(out)
		rows := b.do(table, &rop.QueryRowsRequest{ForwardRead: true, RowCount: 500})
		if err := b.run(ctx); err != nil {
			return nil, err
		}
		if before == 0 {
			if err := l.s.noteQuota(quota); err != nil {
				return nil, err
			}
		}
		if bag, err := self.row(hintTags); err == nil {
			out[l.subtree] = hintsOf(bag)
		}
		if err := cols.err(); err != nil {
			return out, nil // hints are a luxury: without a table every folder is looked at
		}
		n, end, err := l.readHints(ctx, rows, out)
		if err != nil {
			return nil, err
		}
		if n == 0 || end || len(out) == before || len(out) > manyFolders { // a table without end brings nothing new
			return out, nil
		}
	}
}

func (l *link) readHints(ctx context.Context, a *answer, out map[mapi.SourceKey]map[string]int64) (n int, end bool, err error) {
	resp, err := rop.Get[*rop.QueryRowsResponse](a.r)
	if err != nil {
		return 0, true, nil
	}
	answers := []*rop.QueryRowsResponse{resp}
	for _, f := range a.r.Further() {
		if q, ok := f.(*rop.QueryRowsResponse); ok {
			answers = append(answers, q)
		}
	}
	for _, q := range answers {
		if q.ReturnValue != 0 {
			continue
		}
		rows, err := q.Rows(hintTags)
		if err != nil {
			return n, true, &mapi.Protocol{Err: fmt.Errorf("hierarchy table: %w", err)}
		}
		for _, row := range rows {
			bag := mapi.RowBag(row)
			fid, ok := bag.Get(mapi.PidTagFolderId).(int64)
			if !ok {
				continue
			}
			id, err := l.longID(ctx, uint64(fid))
			if err != nil {
				return n, true, err
			}
			out[id.SourceKey()] = hintsOf(bag)
		}
		n += len(rows)
		end = end || q.Origin == rop.BookmarkEnd
	}
	return n, end, nil
}

// Settings that belong to the syncer.
const (
	settingFull     = "syncer.full"     // time of the last pass that looked at every folder
	settingFailures = "syncer.failures" // what the server could not deliver
)

func (s *Syncer) fullDue() bool {
	t, err := s.getTime(settingFull)
	return err != nil || s.cfg.Now().Sub(t) >= fullEvery
}

func (s *Syncer) getTime(key string) (t time.Time, err error) {
	err = s.rep.View(func(v *replica.View) error {
		b, err := v.Setting(key)
		if err != nil || b == nil {
			return err
		}
		return t.UnmarshalText(b)
	})
	return t, err
}

func (s *Syncer) setTime(key string, t time.Time) error {
	b, err := t.MarshalText()
	if err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error { return u.SetSetting(key, b) })
}

// busyWait is the time that a busy server asks for, within reason.
func busyWait(b *mapi.Busy) time.Duration {
	if b.After <= 0 {
		return busyDefault
	}
	return min(b.After, busyLongest)
}

func (s *Syncer) setPhase(p Phase) { s.board.update(func(st *Status) { st.Phase = p }) }

// noteConnection records whether there is a connection.
func (s *Syncer) noteConnection(err error) {
	s.board.update(func(st *Status) {
		up := err == nil
		if st.Connected != up {
			st.Connected, st.Since = up, s.cfg.Now()
		}
		st.Err = err
		if !up {
			st.Phase = PhaseOffline
		}
	})
}
