package syncer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mailfs/mapi"
	"mailfs/mapi/idset"
	"mailfs/mapi/rop"
	"mailfs/replica"
)

// link is one session on the server, logged on to the mailbox, with what is known
// within it only: short ids and the numbers of named properties.
type link struct {
	s    *Syncer
	sess *rop.Session
	info ServerInfo

	store    *object
	inboxFID mapi.FID
	rootFID  mapi.FID
	mailbox  mapi.GUID                          // of the log on
	replica  mapi.GUID                          // of the ids
	subtree  mapi.SourceKey                     // the IPM subtree
	special  map[mapi.SourceKey]replica.Special // known special folders
	logons   map[replica.Special]mapi.SourceKey // those of them that the log on named

	mu    sync.Mutex
	guids map[mapi.ReplID]mapi.GUID
	repls map[mapi.GUID]mapi.ReplID
	names map[mapi.PropertyName]uint16

	counter counterAt // for back-in-time detection
	views   mapi.FID  // Common Views, where its messages are

	subscribed bool          // RopRegisterNotification was sent
	notified   bool          // and accepted
	unheard    bool          // nobody waits for events at the moment: the server does not want that
	deaf       chan struct{} // closed when nobody waits for events any more; nil before somebody does
	unlisten   context.CancelFunc
}

// connect returns the session, and makes one if there is none.
func (s *Syncer) connect(ctx context.Context) (*link, error) {
	for {
		s.mu.Lock()
		if s.link != nil {
			defer s.mu.Unlock()
			return s.link, nil
		}
		if wait := s.dialing; wait != nil {
			s.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		over := make(chan struct{})
		s.dialing = over
		s.mu.Unlock()

		l, err := s.dial(ctx)
		s.mu.Lock()
		s.link, s.dialing = l, nil
		s.mu.Unlock()
		close(over)
		s.noteConnection(err)
		return l, err
	}
}

func (s *Syncer) dial(ctx context.Context) (*link, error) {
	if s.cfg.Dial == nil {
		return nil, errNoServer
	}
	if err := s.refusedNow(); err != nil {
		return nil, err
	}
	s.setPhase(PhaseConnect)
	if err := s.awaitQuiet(ctx); err != nil {
		return nil, err
	}
	t, info, err := s.cfg.Dial(ctx)
	if err != nil {
		s.noteSignIn(err)
		return nil, s.heed(err)
	}
	l := &link{s: s, info: info, guids: map[mapi.ReplID]mapi.GUID{},
		repls: map[mapi.GUID]mapi.ReplID{}, names: map[mapi.PropertyName]uint16{}}
	l.sess = rop.NewSession(t, rop.Options{OnNotify: l.onNotify})
	err = l.logon(ctx)
	s.noteSignIn(err)
	if err != nil {
		l.hangUp(ctx)
		return nil, err
	}
	return l, nil
}

// drop forgets a session that is of no more use.
func (s *Syncer) drop(ctx context.Context, l *link) {
	s.mu.Lock()
	if s.link == l {
		s.link = nil
	}
	s.mu.Unlock()
	l.hangUp(ctx)
}

// logonFolders tells which of the folders of a log on are special here
// ([MS-OXCSTOR] 2.2.1.1.3).
var logonFolders = map[int]replica.Special{
	rop.FolderInbox:        replica.SpecialInbox,
	rop.FolderOutbox:       replica.SpecialOutbox,
	rop.FolderSentItems:    replica.SpecialSentItems,
	rop.FolderDeletedItems: replica.SpecialDeletedItems,
}

// logon logs on, checks that this is the replica's mailbox, and learns its ids.
func (l *link) logon(ctx context.Context) error {
	b := l.batch()
	dn := l.info.LegacyDN
	if dn == "" {
		dn = l.s.cfg.LegacyDN
	}
	store, log := b.open(nil, &rop.LogonRequest{LogonFlags: rop.LogonPrivate,
		OpenFlags: rop.OpenUsePerMDBReplidMapping | rop.OpenHomeLogon | rop.OpenTakeOwnership, Essdn: dn})
	if err := b.run(ctx); err != nil {
		return err
	}
	if err := log.err(); err != nil {
		return logonError(err)
	}
	resp, ok := log.resp().(*rop.LogonResponse)
	if !ok {
		return unexpected(log.resp())
	}
	l.store, l.mailbox = store, resp.MailboxGUID
	l.inboxFID, l.rootFID = resp.FolderIDs[rop.FolderInbox], resp.FolderIDs[rop.FolderRoot]
	if err := l.learnIDs(ctx, resp); err != nil {
		return err
	}
	if err := l.learnSpecial(ctx); err != nil {
		return err
	}
	if err := l.identity(dn); err != nil {
		return err
	}
	return l.compareCounters(ctx, resp.FolderIDs[rop.FolderCommonViews])
}

func logonError(err error) error {
	var code mapi.ErrorCode
	if errors.As(err, &code) {
		switch code {
		case mapi.EcUnknownUser, mapi.EcLogonFailed, mapi.EcLoginPerm, mapi.EcAccessDenied, mapi.EcMailboxDisabled:
			return &mapi.Refused{Err: fmt.Errorf("log on: %w", err)}
		case mapi.EcMailboxInTransit, mapi.EcServerPaused, mapi.EcServerBusy:
			return &mapi.Busy{Err: fmt.Errorf("log on: %w", err)}
		}
	}
	return fmt.Errorf("log on: %w", err)
}

// learnIDs asks for the long form of the folders' ids, which gives the replica GUID.
//
// QUIRK: the ReplGuid of gromox's log on is not that of the ids (captures 01).
func (l *link) learnIDs(ctx context.Context, resp *rop.LogonResponse) error {
	b := l.batch()
	ask := map[int]*answer{}
	for i := range logonFolders {
		ask[i] = b.do(l.store, &rop.LongTermIDFromIDRequest{ObjectID: uint64(resp.FolderIDs[i])})
	}
	sub := b.do(l.store, &rop.LongTermIDFromIDRequest{ObjectID: uint64(resp.FolderIDs[rop.FolderIPMSubtree])})
	if err := b.run(ctx); err != nil {
		return err
	}
	l.logons = map[replica.Special]mapi.SourceKey{}
	for i, a := range ask {
		if err := a.err(); ofConnection(err) {
			return err
		}
		if r, ok := a.resp().(*rop.LongTermIDFromIDResponse); ok && a.err() == nil {
			l.logons[logonFolders[i]] = r.LongTermID.SourceKey()
			l.learn(resp.FolderIDs[i].ReplID(), r.LongTermID.GUID)
		}
	}
	r, ok := sub.resp().(*rop.LongTermIDFromIDResponse)
	if !ok || sub.err() != nil {
		return fmt.Errorf("the long-term id of the IPM subtree: %w", sub.err())
	}
	l.subtree, l.replica = r.LongTermID.SourceKey(), r.LongTermID.GUID
	l.learn(resp.FolderIDs[rop.FolderIPMSubtree].ReplID(), r.LongTermID.GUID)
	return nil
}

func (l *link) learn(r mapi.ReplID, g mapi.GUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guids[r], l.repls[g] = g, r
}

// learnSpecial finds the special folders that the Inbox and the Root folder name.
func (l *link) learnSpecial(ctx context.Context) error {
	columns := []mapi.PropertyTag{mapi.PidTagAdditionalRenEntryIds}
	for tag := range specialTags {
		columns = append(columns, tag)
	}
	b := l.batch()
	var asks []*answer
	for _, fid := range []mapi.FID{l.inboxFID, l.rootFID} {
		f, _ := b.open(l.store, &rop.OpenFolderRequest{FolderID: fid})
		asks = append(asks, b.do(f, &rop.GetPropertiesSpecificRequest{WantUnicode: 1, PropertyTags: columns}))
		b.release(f)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	var bags []mapi.PropertyBag
	for _, a := range asks {
		bag, err := a.row(columns)
		if ofConnection(err) {
			return err
		}
		if err == nil {
			bags = append(bags, bag)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.special = specialFolders(l.logons, bags...)
	return nil
}

// identity stores which mailbox this is, or checks it.
func (l *link) identity(dn string) error {
	return l.s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		id, err := u.Identity()
		switch {
		case errors.Is(err, replica.ErrNotFound):
			id = replica.Identity{MailboxGUID: l.mailbox, LegacyDN: dn, User: l.s.cfg.User, ReplicaGUID: l.replica, Namespace: l.s.cfg.GUID()}
			if err := u.SetIdentity(id); err != nil {
				return err
			}
		case err != nil:
			return err
		case id.MailboxGUID != l.mailbox:
			return replica.ErrMailbox
		}
		return l.adoptRoot(u)
	})
}

// adoptRoot gives the root of the tree the identity of the IPM subtree.
func (l *link) adoptRoot(u *replica.Update) error {
	root, err := u.Node(replica.RootNum)
	if err != nil {
		return err
	}
	if root.Folder != nil && root.Folder.SourceKey == l.subtree {
		return nil
	}
	if root.Folder == nil {
		root.Folder = &replica.FolderInfo{}
	}
	root.Folder.Special = replica.SpecialOther
	if err := u.Save(root); err != nil {
		return err
	}
	return u.SetKeys(root.Num, l.subtree, "", nil)
}

// longID returns the form of an id that may be stored.
func (l *link) longID(ctx context.Context, id uint64) (mapi.LongTermID, error) {
	m := mapi.MID(id)
	g, err := l.guidOf(ctx, m.ReplID(), m.Counter())
	return mapi.LongTermID{GUID: g, Counter: m.Counter()}, err
}

func (l *link) guidOf(ctx context.Context, r mapi.ReplID, c mapi.GlobCnt) (mapi.GUID, error) {
	l.mu.Lock()
	g, ok := l.guids[r]
	l.mu.Unlock()
	if ok {
		return g, nil
	}
	b := l.batch()
	a := b.do(l.store, &rop.LongTermIDFromIDRequest{ObjectID: uint64(mapi.NewMID(r, c))})
	if err := b.run(ctx); err != nil {
		return g, err
	}
	resp, ok := a.resp().(*rop.LongTermIDFromIDResponse)
	if !ok || a.err() != nil {
		return g, fmt.Errorf("the replica of %v: %w", r, a.err())
	}
	l.learn(r, resp.LongTermID.GUID)
	return resp.LongTermID.GUID, nil
}

// shortID returns the form of an id that requests take.
func (l *link) shortID(ctx context.Context, key mapi.SourceKey) (mapi.ReplID, mapi.GlobCnt, error) {
	id, ok := key.LongTermID()
	if !ok {
		return 0, 0, fmt.Errorf("source key %s is no id of this server", key)
	}
	l.mu.Lock()
	r, ok := l.repls[id.GUID]
	l.mu.Unlock()
	if ok {
		return r, id.Counter, nil
	}
	b := l.batch()
	a := b.do(l.store, &rop.IDFromLongTermIDRequest{LongTermID: id})
	if err := b.run(ctx); err != nil {
		return 0, 0, err
	}
	resp, ok := a.resp().(*rop.IDFromLongTermIDResponse)
	if !ok || a.err() != nil {
		return 0, 0, fmt.Errorf("the short form of %v: %w", id, a.err())
	}
	r = mapi.MID(resp.ObjectID).ReplID()
	l.learn(r, id.GUID)
	return r, id.Counter, nil
}

func (l *link) fid(ctx context.Context, key mapi.SourceKey) (mapi.FID, error) {
	r, c, err := l.shortID(ctx, key)
	return mapi.NewFID(r, c), err
}

func (l *link) mid(ctx context.Context, key mapi.SourceKey) (mapi.MID, error) {
	r, c, err := l.shortID(ctx, key)
	return mapi.NewMID(r, c), err
}

// resolve turns a set of short ids into one that may be stored.
func (l *link) resolve(ctx context.Context, set idset.ReplSet) (idset.IDSet, error) {
	for _, e := range set.Entries() {
		if _, err := l.guidOf(ctx, e.ReplID, e.Set.Max()); err != nil {
			return idset.IDSet{}, err
		}
	}
	return set.Resolve(func(r mapi.ReplID) (mapi.GUID, bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		g, ok := l.guids[r]
		return g, ok
	})
}

// numbers returns the ids that the server has for names, made where they are new.
func (l *link) numbers(ctx context.Context, names []mapi.PropertyName) (map[mapi.PropertyName]uint16, error) {
	l.mu.Lock()
	var missing []mapi.PropertyName
	out := make(map[mapi.PropertyName]uint16, len(names))
	for _, n := range names {
		if id, ok := l.names[n]; ok {
			out[n] = id
		} else {
			missing = append(missing, n)
		}
	}
	l.mu.Unlock()
	for len(missing) > 0 {
		part := missing[:min(len(missing), 200)]
		missing = missing[len(part):]
		b := l.batch()
		a := b.do(l.store, &rop.GetPropertyIDsFromNamesRequest{Flags: rop.NamesCreate, PropertyNames: part})
		if err := b.run(ctx); err != nil {
			return nil, err
		}
		resp, ok := a.resp().(*rop.GetPropertyIDsFromNamesResponse)
		if !ok || len(resp.PropertyIDs) != len(part) {
			return nil, fmt.Errorf("numbers of named properties: %w", a.err())
		}
		l.mu.Lock()
		for i, id := range resp.PropertyIDs {
			if id != 0 {
				l.names[part[i]], out[part[i]] = id, id
			}
		}
		l.mu.Unlock()
	}
	return out, nil
}

func unexpected(r rop.Response) error {
	return &mapi.Protocol{Err: fmt.Errorf("an answer of the wrong kind: %T", r)}
}
