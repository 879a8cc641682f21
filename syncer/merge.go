package syncer

import (
	"errors"
	"io"

	"mailfs/conflict"
	"mailfs/mapi"
	"mailfs/replica"
)

// mergeMax is the size up to which versions are merged: three of them are in memory then.
const mergeMax = 8 << 20

// mergeBoth joins two versions that changed different parts of a message: what was changed here goes on top of what the
// server has, and nobody loses. It returns false if both changed the same, or if the common version is not here.
func (s *Syncer) mergeBoth(j job, theirs *arrival, out conflict.Outcome, version uint64) (done bool, err error) {
	if theirs.rendered > mergeMax || j.n.Size > mergeMax {
		return false, nil
	}
	three, err := s.threeVersions(j, theirs)
	if err != nil || three.Base == nil {
		return false, err
	}
	if three.Seen, err = s.asSaved(three.Base); err != nil {
		return false, nil // what can't be read back can't be compared
	}
	merged, ok := conflict.Merge(three)
	if !ok {
		return false, nil
	}
	err = s.putMerged(j, theirs, merged, out.PCL, version)
	if errors.Is(err, errSuperseded) {
		return true, nil // the next round sees what was saved
	}
	if err == nil {
		s.cfg.Logf("conflict: change %d: both versions are merged", j.c.Seq)
	}
	return true, err
}

// threeVersions returns both versions and the one that they have in common; Base is nil if that is not here.
func (s *Syncer) threeVersions(j job, theirs *arrival) (three conflict.Three, err error) {
	three.Theirs = theirs.full
	err = s.rep.View(func(v *replica.View) error {
		changes, err := v.ChangesOf(j.n.Num)
		if err != nil || pendingOf(changes).deleted {
			return err // what was deleted here after all is not worth a merge
		}
		base, err := v.BaseOf(j.n.Num)
		if err != nil || base.ChangeKey == "" || base.ChangeKey != j.c.Base.ChangeKey || !theirs.pcl.Includes(base.PCL) {
			return ignoreMissing(err)
		}
		m, err := v.BaseMessage(j.n.Num)
		if err != nil {
			return ignoreMissing(err)
		}
		three.Base = m
		three.Ours, err = v.Message(j.n.Num)
		return err
	})
	return three, err
}

// putMerged stores what two versions became, over the version that was merged, and queues it as a successor of the server's;
// pcl has the lists of both. The error is errSuperseded if its user has saved since.
func (s *Syncer) putMerged(j job, theirs *arrival, merged *mapi.Message, pcl mapi.PCL, version uint64) error {
	size, err := s.render.size(merged)
	if err != nil {
		return err
	}
	return s.rep.Update(func(u *replica.Update) error {
		u.Remote(true)
		n, err := bearer(u, j.c)
		if err != nil {
			return ignoreMissing(err)
		}
		if n.Version != version {
			return errSuperseded
		}
		changes, err := u.ChangesOf(n.Num)
		if err != nil {
			return err
		}
		shown := merged.Properties
		for _, c := range pendingOf(changes).props {
			shown = overlay(shown, c)
		}
		fillInfo(n.Message, shown)
		n.Size, n.Exact, n.Content, n.Message.Renderer = size, true, 0, s.render.version()
		n.Ctime = s.cfg.Now()
		if err := u.PutContent(n, merged); err != nil {
			return err
		}
		j.c.Base.ChangeKey, j.c.Base.PCL, j.c.Fixed = theirs.change, pcl, false
		return u.SaveChange(j.c)
	})
}

// asSaved is what a program would make of a message that reads its file and saves it unchanged.
func (s *Syncer) asSaved(m *mapi.Message) (*mapi.Message, error) {
	im, err := s.render.r.OpenFile(m)
	if err != nil {
		return nil, err
	}
	file := io.NewSectionReader(im, 0, im.Size())
	return s.render.parse(m.Properties.String(mapi.PidTagMessageClass), file, s.cfg.Location, s.cfg.Now().Year())
}
