package syncer

import (
	"errors"
	"fmt"

	"mailfs/mapi"
)

// suspects are folders and messages whose download ended in something that can't be read, by how often in a row. Once may be
// an accident on the way, and is tried again with everything else; twice is how the server has it: it is set aside, so that the
// rest goes on.
type suspects map[mapi.SourceKey]int

// unreadable reports whether an error says that an answer could not be read.
func unreadable(err error) bool {
	var odd *mapi.Protocol
	return errors.As(err, &odd)
}

// suspect counts one more download that could not be read, and returns how many that makes.
func (s *Syncer) suspect(key mapi.SourceKey) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.suspects == nil {
		s.suspects = suspects{}
	}
	s.suspects[key]++
	return s.suspects[key]
}

func (s *Syncer) suspected(key mapi.SourceKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspects[key] > 0
}

// clear takes back what was suspected.
func (s *Syncer) clear(key mapi.SourceKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.suspects, key)
}

// contentsUnreadable sets a folder aside whose contents can't be read again and again.
func (s *Syncer) contentsUnreadable(folder mapi.SourceKey, err error) error {
	if !unreadable(err) || s.suspect(folder) < 2 {
		return err
	}
	return errors.Join(err, s.note(unreadableFailure(folder, err)))
}

// bodiesUnreadable is contentsUnreadable for messages that were asked for together: each is asked for by itself the next time,
// and what can't be read even so is set aside.
func (s *Syncer) bodiesUnreadable(wants []want, got []body, err error) error {
	for _, b := range got {
		s.clear(b.want.key)
	}
	if !unreadable(err) {
		return err
	}
	came := make(map[mapi.SourceKey]bool, len(got))
	for _, b := range got {
		came[b.want.key] = true
	}
	for _, w := range wants {
		if came[w.key] || s.suspect(w.key) < 2 || len(wants) > 1 {
			continue
		}
		f := unreadableFailure(w.folder, err)
		f.Message, f.Body = w.key.String(), true
		err = errors.Join(err, s.note(f))
	}
	return err
}

func unreadableFailure(folder mapi.SourceKey, err error) Failure {
	return Failure{Folder: folder.String(), Code: uint32(mapi.EcCorruptData), Reason: fmt.Sprint("the server's answer can't be read: ", err)}
}
