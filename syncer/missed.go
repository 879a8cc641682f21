package syncer

import (
	"mailfs/mapi"
	"mailfs/mapi/fxics"
)

// While the server notifies, a pass that nothing but the timer asked for should find nothing: it checks the notifications. What
// it finds in folders that no event has named, not even while it ran, is counted as missed.

// check is what such a pass found; nil in every other one.
type check struct {
	folders  int // that are new or gone
	contents map[mapi.SourceKey]int
}

// note counts an element of a folder's contents.
func (c *check) note(folder mapi.SourceKey, el fxics.Element) {
	if c == nil {
		return
	}
	switch e := el.(type) {
	case *fxics.MessageChange, *fxics.ErrorInfo:
		c.contents[folder]++
	case *fxics.Deletions:
		c.contents[folder] += int(min(e.Deleted.Count()+e.NoLongerInScope.Count()+e.Expired.Count(), 1<<20))
	case *fxics.ReadStateChanges:
		c.contents[folder] += int(min(e.Read.Count()+e.Unread.Count(), 1<<20))
	}
}

// missed adds up what no event has named.
func (s *Syncer) missed(c *check) {
	if c == nil {
		return
	}
	s.mu.Lock()
	n := 0
	if len(s.named) == 0 {
		n = c.folders
	}
	for folder, items := range c.contents {
		if !s.named[folder] {
			n += items
		}
	}
	s.mu.Unlock()
	if n > 0 {
		s.cfg.Logf("notifications missed %d changes", n)
		s.board.update(func(st *Status) { st.Missed += n })
	}
}
