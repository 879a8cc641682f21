package syncer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mailfs/mapi"
	"mailfs/replica"
)

// What is left to do about a conflict that the server settled, once its versions are messages of the Conflicts folder here:
// they go up, and then the message without them takes the place of the conflict resolve message, as a successor of all of them
// ([MS-OXCFXICS] 3.1.5.6.2). Other clients see an ordinary message with ordinary losers then.

const versionsPrefix = "syncer.versions."

// versionsSetting is where the losers are noted that came out of a message, until the server has the message without them.
func versionsSetting(winner replica.Num) string {
	return versionsPrefix + strconv.FormatUint(uint64(winner), 10)
}

// settleSetting is where it is noted that a queued edit is none of the user's: it only settles a conflict. The value is the
// content version that it stands for.
func settleSetting(seq uint64) string { return settlePrefix + strconv.FormatUint(seq, 10) }

const settlePrefix = "syncer.settle."

// openLoser is a version that came out of a message.
type openLoser struct {
	num    replica.Num
	search string // its versionKey
}

const searchLen = 16

// unsettled returns the messages that are still conflict resolve messages on the server, with their losers.
func unsettled(v *replica.View) (map[replica.Num][]openLoser, error) {
	notes, err := v.Settings(versionsPrefix)
	if err != nil {
		return nil, err
	}
	var out map[replica.Num][]openLoser
	for name, value := range notes {
		winner, err := strconv.ParseUint(strings.TrimPrefix(name, versionsPrefix), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
		var losers []openLoser
		for ; len(value) >= 8+searchLen; value = value[8+searchLen:] {
			losers = append(losers, openLoser{num: replica.Num(binary.BigEndian.Uint64(value)), search: string(value[8 : 8+searchLen])})
		}
		if out == nil {
			out = map[replica.Num][]openLoser{}
		}
		out[replica.Num(winner)] = losers
	}
	return out, nil
}

func noteUnsettled(u *replica.Update, winner replica.Num, losers []openLoser) error {
	p := []byte{}
	for _, l := range losers {
		p = append(binary.BigEndian.AppendUint64(p, uint64(l.num)), l.search...)
	}
	return u.SetSetting(versionsSetting(winner), p)
}

// settleVersions uploads the losers that came out of messages, and then these messages.
func (s *Syncer) settleVersions(ctx context.Context, l *link) error {
	if s.cfg.ReadOnly {
		return nil
	}
	var open map[replica.Num][]openLoser
	err := s.rep.View(func(v *replica.View) (err error) {
		open, err = unsettled(v)
		return err
	})
	if err != nil || len(open) == 0 {
		return err
	}
	if err := s.upload(ctx, l); err != nil { // which takes apart what was stored whole
		return err
	}
	more := false
	for _, winner := range slices.Sorted(maps.Keys(open)) {
		queued, err := s.settle(winner)
		if err != nil {
			return err
		}
		more = more || queued
	}
	if !more {
		return nil
	}
	return s.upload(ctx, l)
}

// takeStoredApart takes those messages apart that came while there was no Conflicts folder, before they can go up again.
func (s *Syncer) takeStoredApart(ctx context.Context, l *link) error {
	var open map[replica.Num][]openLoser
	err := s.rep.View(func(v *replica.View) (err error) {
		open, err = unsettled(v)
		return err
	})
	if err != nil {
		return err
	}
	for _, winner := range slices.Sorted(maps.Keys(open)) {
		whole := false
		err := s.rep.View(func(v *replica.View) error {
			m, err := v.Message(winner)
			whole = err == nil && hasVersions(m)
			return ignoreAbsent(err)
		})
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		if dir, err := s.conflictsFolder(ctx, l, false); err != nil || dir == nil {
			return err
		}
		if err := s.rep.Update(func(u *replica.Update) error { return s.takeNodeApart(u, winner) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Syncer) takeNodeApart(u *replica.Update, winner replica.Num) error {
	u.Remote(true)
	n, err := u.Node(winner)
	if err != nil {
		return ignoreMissing(err)
	}
	changes, err := u.ChangesOf(winner)
	if err != nil {
		return err
	}
	if written, err := writtenOrSent(u, winner, changes); err != nil || written {
		return err
	}
	m, err := u.Message(winner)
	if err != nil {
		return ignoreAbsent(err)
	}
	home, err := homeOf(&u.View, n)
	if err != nil {
		return ignoreMissing(err)
	}
	alt, err := s.takeApart(&u.View, home.Num, n.Message.ChangeKey, m)
	if err != nil || alt == nil || len(alt.versions) == 0 {
		return err
	}
	if n.Size, err = s.render.size(alt.top); err != nil {
		return err
	}
	n.Exact, n.Content = true, 0
	if err := u.PutContent(n, alt.top); err != nil {
		return err
	}
	for _, c := range changes {
		if c.Kind != replica.ChangeEdit {
			continue
		}
		c.Base.Version = n.Version
		if err := u.SaveChange(c); err != nil {
			return err
		}
	}
	return s.keepAlternates(u, winner, alt)
}

// writtenOrSent reports whether the content of a message is one that its user wrote, or may be on its way to the server. One that
// came from there is queued as well when the server has lost it.
func writtenOrSent(u *replica.Update, num replica.Num, changes []*replica.Change) (bool, error) {
	if !pendingOf(changes).content {
		return false, nil
	}
	sent := slices.ContainsFunc(changes, func(c *replica.Change) bool {
		return c.Kind == replica.ChangeCreate || c.Kind == replica.ChangeEdit && c.Fixed
	})
	_, err := u.BaseMessage(num)
	return sent || err == nil, ignoreMissing(err)
}

// ignoreAbsent is for content that may be gone, or not be here.
func ignoreAbsent(err error) error {
	if errors.Is(err, replica.ErrNotLocal) {
		return nil
	}
	return ignoreMissing(err)
}

// settle queues a message whose losers the server has, with the links to them; an edit of its user's that is queued does as well.
func (s *Syncer) settle(winner replica.Num) (queued bool, err error) {
	err = s.rep.Update(func(u *replica.Update) error {
		queued = false
		n, err := u.Node(winner)
		if err != nil || n.Message == nil {
			if err := ignoreMissing(err); err != nil {
				return err
			}
			return u.SetSetting(versionsSetting(winner), nil)
		}
		if n.Parent == 0 {
			return nil // on its way out of the mailbox, or a file is about to take its place
		}
		open, err := unsettled(&u.View)
		if err != nil {
			return err
		}
		links, ready, err := linksTo(u, open[winner])
		if err != nil || !ready || n.Message.State != replica.StateFull {
			return err
		}
		m, err := u.Message(winner)
		if err != nil || hasVersions(m) {
			return ignoreAbsent(err)
		}
		queued = true
		return s.queueSettled(u, n, m, links)
	})
	return queued, err
}

// linksTo returns the entry ids of losers; ready is false while the server lacks one.
func linksTo(u *replica.Update, losers []openLoser) (links [][]byte, ready bool, err error) {
	id, err := u.Identity()
	if err != nil {
		return nil, false, err
	}
	for _, l := range losers {
		n, err := u.Node(l.num)
		if errors.Is(err, replica.ErrNotFound) || err == nil && n.Parent == 0 {
			continue // its user has decided already
		}
		if err != nil || n.Message.ChangeKey == "" {
			return nil, false, err
		}
		dir, err := u.Node(n.Parent)
		if err != nil {
			return nil, false, err
		}
		links = append(links, messageEntryID(id.MailboxGUID, dir.Folder.SourceKey, n.Message.SourceKey))
	}
	return links, true, nil
}

func (s *Syncer) queueSettled(u *replica.Update, n *replica.Node, m *mapi.Message, links [][]byte) error {
	if !n.Message.Conflict {
		links = nil // its user has decided already
	}
	with := *m
	for _, link := range links {
		with.Properties = withLink(with.Properties, link)
	}
	n.Message.Conflict = len(links) > 0
	u.Remote(true)
	if err := u.Amend(n, &with); err != nil { // a link never counts as a change
		return err
	}
	if err := u.SetSetting(versionsSetting(n.Num), nil); err != nil {
		return err
	}
	changes, err := u.ChangesOf(n.Num)
	if err != nil {
		return err
	}
	c := &replica.Change{Kind: replica.ChangeEdit, Item: n.Num, At: n.Message.Modified.Time(), Folder: n.Parent,
		Base: replica.Base{Version: n.Version, ChangeKey: n.Message.ChangeKey, PCL: n.Message.PCL}}
	if pendingOf(changes).content {
		if len(links) == 0 {
			return nil
		}
		c.Kind, c.At = replica.ChangeProps, s.cfg.Now()
		c.Set.Set(mapi.PidTagConflictItems, with.Properties.Get(mapi.PidTagConflictItems))
	}
	seq, err := u.Enqueue(c)
	if err != nil || c.Kind != replica.ChangeEdit {
		return err
	}
	if err := forgetSettled(u, false); err != nil {
		return err
	}
	return u.SetSetting(settleSetting(seq), binary.BigEndian.AppendUint64(nil, n.Version))
}

// onlySettles reports whether a queued edit has nothing of the user's in it.
func (s *Syncer) onlySettles(seq, version uint64) (yes bool, err error) {
	err = s.rep.View(func(v *replica.View) (err error) {
		yes, err = settlesOnly(v, seq, version)
		return err
	})
	return yes, err
}

func settlesOnly(v *replica.View, seq, version uint64) (bool, error) {
	p, err := v.Setting(settleSetting(seq))
	return err == nil && slices.Equal(p, binary.BigEndian.AppendUint64(nil, version)), ignoreMissing(err)
}

// editedByUser reports whether any of the changes of a message is an edit by its user.
func editedByUser(v *replica.View, n *replica.Node, changes []*replica.Change) (bool, error) {
	for _, c := range changes {
		switch c.Kind {
		case replica.ChangeCreate:
			return true, nil
		case replica.ChangeEdit:
			if settles, err := settlesOnly(v, c.Seq, n.Version); err != nil || !settles {
				return true, err
			}
		}
	}
	return false, nil
}

// forgetSettled removes the notes on edits that are not queued any more, or all of them.
func forgetSettled(u *replica.Update, all bool) error {
	notes, err := u.Settings(settlePrefix)
	if err != nil {
		return err
	}
	for name := range notes {
		seq, err := strconv.ParseUint(strings.TrimPrefix(name, settlePrefix), 10, 64)
		if err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
		_, err = u.Change(seq)
		if ignoreMissing(err) != nil {
			return err
		}
		if err == nil && !all {
			continue
		}
		if err := u.SetSetting(name, nil); err != nil {
			return err
		}
	}
	return nil
}

// takeSettled takes the server's version over one that was only to settle a conflict: somebody has gone on from there. Losers
// that it does not name are its all the same.
func (s *Syncer) takeSettled(j job, theirs *arrival, ours *mapi.Message, version uint64) error {
	var added []byte
	m := *theirs.full
	links, _ := ours.Properties.Get(mapi.PidTagConflictItems).([][]byte)
	for _, link := range links {
		if bag := withLink(m.Properties, link); len(bag) > len(m.Properties) || countLinks(bag) > countLinks(m.Properties) {
			m.Properties, added = bag, link
		}
	}
	theirs.full, theirs.header = &m, m.Properties
	err := s.takeRemote(j, theirs, added, version)
	if errors.Is(err, errSuperseded) {
		return nil // the next round sees what was saved
	}
	return err
}

func countLinks(bag mapi.PropertyBag) int {
	links, _ := bag.Get(mapi.PidTagConflictItems).([][]byte)
	return len(links)
}

// keepVersions stores the versions in the server's version of a message before anything else happens to it, and takes them out of it;
// false if that could not be done yet.
func (s *Syncer) keepVersions(ctx context.Context, l *link, j job, theirs *arrival) (bool, error) {
	if !hasVersions(theirs.full) {
		return true, nil
	}
	anew := j.c.Attempts == 0
	dir, err := s.conflictsFolder(ctx, l, anew)
	if err != nil {
		return false, err
	}
	if dir == nil {
		return false, s.noLoser(j, specialToMake)
	}
	var plain arrival
	var losers []openLoser
	err = s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		plain = *theirs
		alt, err := s.takeArrivalApart(&u.View, j.folder.Num, &plain)
		if err != nil || alt == nil {
			return err
		}
		n, err := bearer(u, j.c)
		if err != nil {
			return ignoreMissing(err)
		}
		if err := s.keepAlternates(u, n.Num, alt); err != nil {
			return err
		}
		open, err := unsettled(&u.View)
		losers = open[n.Num]
		return err
	})
	if err != nil {
		return false, err
	}
	if err := s.sendLosers(ctx, l, losers, dir, anew); err != nil {
		return false, err
	}
	*theirs = plain
	return true, nil
}

// sendLosers uploads losers. One that the server refuses stays here, and says so.
func (s *Syncer) sendLosers(ctx context.Context, l *link, losers []openLoser, dir *replica.Node, anew bool) error {
	if err := s.reserve(ctx, l, len(losers)); err != nil {
		return err
	}
	for _, one := range losers {
		var n *replica.Node
		err := s.rep.View(func(v *replica.View) (err error) {
			n, err = v.Node(one.num)
			return ignoreMissing(err)
		})
		if err != nil {
			return err
		}
		if n != nil && n.Message.ChangeKey == "" {
			if _, err := s.sendLoser(ctx, l, n, dir, anew); err != nil {
				return err
			}
		}
	}
	return nil
}
