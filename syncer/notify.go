package syncer

import (
	"context"
	"errors"

	"mailfs/mapi"
	"mailfs/mapi/rop"
)

// wakingEvents are the events that mean that something is to be downloaded
// ([MS-OXCNOTIF] 2.2.1.1).
const wakingEvents = rop.NotifyNewMail | rop.NotifyObjectCreated | rop.NotifyObjectDeleted |
	rop.NotifyObjectModified | rop.NotifyObjectMoved | rop.NotifyObjectCopied

// register subscribes to the events of the whole mailbox, once per session. A server
// that refuses leaves the timer.
func (l *link) register(ctx context.Context) {
	l.mu.Lock()
	done := l.subscribed
	l.subscribed = true
	l.mu.Unlock()
	if done {
		return
	}
	b := l.batch()
	_, a := b.open(l.store, &rop.RegisterNotificationRequest{NotificationTypes: wakingEvents, WantWholeStore: true})
	if err := b.run(ctx); err != nil {
		return // the pass itself meets the same error
	}
	l.mu.Lock()
	l.notified = a.err() == nil
	l.mu.Unlock()
}

// onNotify notes which folders an event concerns.
func (l *link) onNotify(n *rop.Notify) {
	if n.FolderID == l.views && n.FolderID != 0 {
		return // what is there says nothing of mail, and this session has counted there
	}
	folders := []mapi.FID{n.FolderID}
	if n.OldFolderID != 0 {
		folders = append(folders, n.OldFolderID)
	}
	l.mu.Lock()
	var keys []mapi.SourceKey
	for _, f := range folders {
		if g, ok := l.guids[f.ReplID()]; ok && f != 0 {
			keys = append(keys, mapi.LongTermID{GUID: g, Counter: f.Counter()}.SourceKey())
		}
	}
	was, is := l.storedKey(n.OldMessageID), l.storedKey(n.MessageID)
	l.mu.Unlock()
	l.s.mu.Lock()
	if l.s.named == nil {
		l.s.named = map[mapi.SourceKey]bool{}
	}
	for _, k := range keys {
		l.s.named[k] = true
	}
	if n.Kind() == rop.NotifyObjectMoved && n.OfMessage() && was != "" && is != "" && len(keys) > 0 {
		l.s.noteMove(was, is, keys[0])
	}
	l.s.mu.Unlock()
	l.s.board.update(func(st *Status) { st.Events++ })
	l.s.Kick()
}

// storedKey returns the source key of a message, "" if its replica is not known yet.
// l.mu is held.
func (l *link) storedKey(m mapi.MID) mapi.SourceKey {
	g, ok := l.guids[m.ReplID()]
	if !ok || m == 0 {
		return ""
	}
	return mapi.LongTermID{GUID: g, Counter: m.Counter()}.SourceKey()
}

// moves are messages that somebody moved, as events tell: what arrives under a new
// id is the message that is here under the old one.
type moves struct {
	from map[mapi.SourceKey]mapi.SourceKey // old id by new id
	to   map[mapi.SourceKey]bool           // folders that something was moved to
}

// maxMoves bounds what is remembered; a move that is not known costs a download.
const maxMoves = 10_000

// noteMove remembers a move. s.mu is held.
func (s *Syncer) noteMove(was, is, folder mapi.SourceKey) {
	if s.moves.from == nil || len(s.moves.from) >= maxMoves {
		s.moves = moves{from: map[mapi.SourceKey]mapi.SourceKey{}, to: map[mapi.SourceKey]bool{}}
	}
	if first, ok := s.moves.from[was]; ok {
		was = first // moved on before it was seen
	}
	s.moves.from[is], s.moves.to[folder] = was, true
}

// movedFrom returns the id that a message had before somebody moved it.
func (s *Syncer) movedFrom(key mapi.SourceKey) (mapi.SourceKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.moves.from[key]
	return was, ok
}

// movedTo reports whether something was moved to a folder. Such folders are looked
// at first, so that a message arrives before it is gone.
func (s *Syncer) movedTo(folder mapi.SourceKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves.to[folder]
}

// takeNamed returns and forgets the folders that events named since the last pass.
func (s *Syncer) takeNamed() (named map[mapi.SourceKey]bool, everything bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	named, everything = s.named, s.lookAtAll
	s.named, s.lookAtAll = nil, false
	return named, everything
}

// putNamed gives them back after a pass that failed.
func (s *Syncer) putNamed(named map[mapi.SourceKey]bool, everything bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named == nil {
		s.named = map[mapi.SourceKey]bool{}
	}
	for k := range named {
		s.named[k] = true
	}
	s.lookAtAll = s.lookAtAll || everything
}

// listen waits for events of the session until ctx or the session ends, and fetches
// them when there are some. It returns why it stopped. A server that takes no wait for this session may take one for
// another; one that takes none for now is polled meanwhile.
func (l *link) listen(ctx context.Context) error {
	for refused := 0; ; {
		err := l.listenOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			refused = 0
			l.s.hangUpAside(ctx)
			continue
		case brokenLink(l, err):
			return err
		case errors.Is(err, mapi.EcRejected) && l.s.setAside(l):
			return err
		}
		refused++
		l.s.cfg.Logf("notifications: %v", err)
		l.setUnheard(true)
		l.s.Kick() // for the time of the next pass to be chosen anew
		if err := l.s.sleep(ctx, l.s.backOff(refused, err)); err != nil {
			return err
		}
		l.setUnheard(false)
	}
}

// listenOnce waits until the server tells of events or ends the wait.
func (l *link) listenOnce(ctx context.Context) error {
	ready, err := l.sess.Wait(ctx)
	if err != nil || !ready || ctx.Err() != nil {
		return err
	}
	if err := l.s.awaitQuiet(ctx); err != nil {
		return err
	}
	return l.s.heed(l.sess.Poll(ctx))
}

func (l *link) setUnheard(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unheard = yes
}

// maxAside bounds the sessions that are kept aside.
const maxAside = 3

// setAside gives up a session that the server takes no wait for, but does not end it until another one hears of events.
// It returns false if the session has gone already or there have been enough of them.
//
// QUIRK gromox 3.10: a wait whose connection was closed is noticed only after up to a second. If the session ends before,
// the wait counts on, for up to five minutes, under a number that the next session gets. One that is made while this
// one is there gets another number.
func (s *Syncer) setAside(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l || len(s.aside) >= maxAside {
		return false
	}
	s.link, s.aside = nil, append(s.aside, l)
	s.Kick() // the next pass makes the other one
	return true
}

// hangUpAside ends the sessions that were set aside.
func (s *Syncer) hangUpAside(ctx context.Context) {
	s.mu.Lock()
	aside := s.aside
	s.aside = nil
	s.mu.Unlock()
	for _, l := range aside {
		l.hangUp(ctx)
	}
}

// hangUp ends the session as far as the server can still be reached.
func (l *link) hangUp(ctx context.Context) {
	if l.sess == nil || l.sess.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTime)
	defer cancel()
	if err := l.sess.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		l.s.cfg.Logf("disconnect: %v", err)
	}
}
