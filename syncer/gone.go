package syncer

import (
	"fmt"
	"maps"
	"time"

	"mailfs/mapi"
	"mailfs/replica"
)

// A server that says of something that it is gone may be right, since somebody has moved or deleted it, or wrong, since it
// fails over something else or was restored. What there is, the downloads tell. So nothing is dropped on such an answer
// alone: the change waits for the next complete download, of the folder in question as well, in which the usual rules are
// for what is gone. What is listed still is there: the change is sent again, a few times, and then refused, so that its user
// hears of it.

const (
	goneTries = 3               // how often something may be called gone that is listed
	lookAfter = 5 * time.Second // from such an answer to the download
)

// question is a change that waits for a download.
type question struct {
	downloads int            // the complete ones there had been when it began to wait
	in        mapi.SourceKey // folder in which the item is to be listed, empty for folders
	at        time.Time
}

// awaitDownload reports whether to wait for a download before it is decided about a change whose item is said to be gone.
func (s *Syncer) awaitDownload(seq uint64, in mapi.SourceKey) bool {
	s.mu.Lock()
	q, ok := s.awaiting[seq]
	over := ok && q.downloads < s.downloads
	if over {
		delete(s.awaiting, seq)
	}
	s.mu.Unlock()
	if !ok {
		s.askDownload(seq, in)
	}
	return !over
}

// askDownload makes a change wait for the next download.
func (s *Syncer) askDownload(seq uint64, in mapi.SourceKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaiting == nil {
		s.awaiting = map[uint64]question{}
	}
	s.awaiting[seq] = question{s.downloads, in, s.cfg.Now()}
}

// waits reports whether a change waits for a download.
func (s *Syncer) waits(seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.awaiting[seq]
	return ok && q.downloads == s.downloads
}

// downloaded notes that everything that the server told of has come.
func (s *Syncer) downloaded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.awaiting, func(_ uint64, q question) bool { return q.downloads < s.downloads }) // of changes that are gone
	s.downloads++
}

// nextLook returns when a download is due that a change waits for, and false if none does.
func (s *Syncer) nextLook() (at time.Time, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.awaiting {
		if due := q.at.Add(lookAfter); q.downloads == s.downloads && (!ok || due.Before(at)) {
			at, ok = due, true
		}
	}
	return at, ok, nil
}

// needsDownload reports whether a change waits for a download.
func (s *Syncer) needsDownload() bool {
	_, ok, _ := s.nextLook()
	return ok
}

// withDoubted adds the folders for whose download changes wait to those that events named.
func (s *Syncer) withDoubted(named map[mapi.SourceKey]bool) map[mapi.SourceKey]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := maps.Clone(named)
	for _, q := range s.awaiting {
		if q.downloads == s.downloads && q.in != "" {
			if out == nil {
				out = map[mapi.SourceKey]bool{}
			}
			out[q.in] = true
		}
	}
	return out
}

// gone reports whether what a change is about is gone for sure, since the server said so and does not list it either. in is
// the folder of a message, nil for a folder. there says that the server has shown it beside that answer.
func (s *Syncer) gone(c *replica.Change, in *replica.Node, key mapi.SourceKey, there bool, said error) (sure bool, err error) {
	scope, folder := replica.ScopeHierarchy, mapi.SourceKey("")
	if in != nil {
		folder = in.Folder.SourceKey
		scope = replica.ContentsScope(folder)
	}
	if s.awaitDownload(c.Seq, folder) {
		return false, nil
	}
	cp, err := s.checkpoint(scope)
	if err != nil {
		return false, err
	}
	id, ok := key.LongTermID()
	if listed := cp.At.IsZero() || ok && cp.Given.Contains(id); !listed && !there {
		return true, nil
	}
	return false, s.contradiction(c, folder, said)
}

// folderMissing handles a change whose folder is said to be gone. If it is, the download of the hierarchy takes it away, or
// makes it anew for the change.
func (s *Syncer) folderMissing(c *replica.Change, said error) error {
	if s.awaitDownload(c.Seq, "") {
		return nil
	}
	return s.contradiction(c, "", said)
}

// contradiction counts one more try of a change whose item or folder is said to be gone and is listed.
func (s *Syncer) contradiction(c *replica.Change, in mapi.SourceKey, said error) error {
	err := s.tryAgain(c, fmt.Errorf("the server calls it gone, and lists it: %w", said), goneTries)
	if err == nil && c.Error == nil {
		s.askDownload(c.Seq, in)
	}
	return err
}

// takeBack makes a change that the server has none of one that was never sent: somebody else's doing is met as ever, and a
// new item gets another id.
func (s *Syncer) takeBack(c *replica.Change) error {
	return s.rep.Update(func(u *replica.Update) error {
		now, err := u.Change(c.Seq)
		if err != nil {
			return ignoreMissing(err)
		}
		if now.Fixed = false; now.Kind == replica.ChangeCreate || now.Kind == replica.ChangeFolderCreate {
			now.SourceKey = ""
		}
		if classOf(now.Kind) == classContent {
			if err := takeUp(u, now); err != nil {
				return err
			}
		}
		*c = *now
		return u.SaveChange(now)
	})
}
