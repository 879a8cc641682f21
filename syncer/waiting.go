package syncer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailfs/replica"
)

// waitingMax is the number of changes that an error names.
const waitingMax = 5

// RefusedError says which changes the server refuses, and why. It is returned by Flush.
type RefusedError struct {
	Changes []string // paths in the mount with what was to be done and the reason, the first few
	Count   int
	Waiting int // changes that can't go before the refused ones do
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("the server refuses %d changes: %s", e.Count, strings.Join(e.Changes, "; "))
	if e.Count == 1 {
		text = "the server refuses a change: " + strings.Join(e.Changes, "; ")
	}
	if more := e.Count - len(e.Changes); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	if e.Waiting > 0 {
		text += fmt.Sprintf("; %d changes wait for that", e.Waiting)
	}
	return text
}

// kindNames tell a user what a change is.
var kindNames = map[replica.ChangeKind]string{
	replica.ChangeCreate: "new message", replica.ChangeEdit: "new version", replica.ChangeMove: "move", replica.ChangeDelete: "deletion",
	replica.ChangeRead: "read state", replica.ChangeProps: "properties", replica.ChangeFolderCreate: "new folder",
	replica.ChangeFolderUpdate: "new name or place of a folder", replica.ChangeFolderDelete: "deletion of a folder",
}

// refusals returns an error that names the refused changes.
func (s *Syncer) refusals() error {
	e := &RefusedError{}
	err := s.rep.View(func(v *replica.View) error {
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			if c.Error == nil {
				e.Waiting++
				continue
			}
			if e.Count++; e.Count > waitingMax {
				continue
			}
			path, err := pathOf(v, c)
			if err != nil {
				return err
			}
			e.Changes = append(e.Changes, fmt.Sprintf("%s (%s): %s", path, kindNames[c.Kind], c.Error.Text))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e
}

// stuck reports whether everything that is queued is refused, or can't go before something that is: a later change of the same
// item, or one in a folder that the server does not have.
func (s *Syncer) stuck() (yes bool, err error) {
	err = s.rep.View(func(v *replica.View) error {
		var rest []*replica.Change
		held := map[replica.Num]bool{} // items of refused changes and of what waits for them
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			if c.Error != nil {
				held[c.Item] = true
			} else {
				rest = append(rest, c)
			}
		}
		for moved := len(held) > 0; moved && len(rest) > 0; {
			before := len(rest)
			rest = slices.DeleteFunc(rest, func(c *replica.Change) bool {
				behind := held[c.Item] || held[c.Folder] && !known(v, c.Folder) || held[c.From] && !known(v, c.From)
				held[c.Item] = held[c.Item] || behind
				return behind
			})
			moved = len(rest) < before
		}
		yes = len(rest) == 0
		return nil
	})
	return yes, err
}

// known reports whether the server has a folder.
func known(v *replica.View, num replica.Num) bool {
	n, err := v.Node(num)
	return err == nil && onServer(n)
}

// pathOf returns where the item of a change is, or was, in the mount.
func pathOf(v *replica.View, c *replica.Change) (string, error) {
	n, err := v.Node(c.Item)
	if err != nil {
		return fmt.Sprint("item ", c.Item), ignoreMissing(err)
	}
	path, at := n.Name, n.Parent
	if at == 0 {
		at = c.From
	}
	for at != 0 && at != replica.RootNum {
		if n, err = v.Node(at); err != nil {
			return path, ignoreMissing(err)
		}
		path, at = n.Name+"/"+path, n.Parent
	}
	return path, nil
}

// logWaiting writes down what a flush that was given up waited for. Names stay out of
// the log.
func (s *Syncer) logWaiting() {
	now := s.cfg.Now()
	blocked := map[replica.Num]bool{}
	err := s.rep.View(func(v *replica.View) error {
		for c, err := range v.Changes(0) {
			if err != nil {
				return err
			}
			why := "is to be sent"
			_, ready, err := s.jobOf(v, c)
			switch {
			case err != nil:
				return err
			case blocked[c.Item]:
				why = "waits for an earlier change"
			case c.Error != nil:
				why = "was refused: " + c.Error.Text
			case c.Ready.After(now):
				why = "waits for " + c.Ready.Sub(now).Round(time.Second).String()
			case !ready:
				why = "waits for a folder or message that the server does not have"
			}
			blocked[c.Item] = true
			s.cfg.Logf("flush: change %d (%s, item %d, folder %d, from %d, attempt %d) %s", c.Seq, kindNames[c.Kind], c.Item, c.Folder, c.From, c.Attempts, why)
		}
		return nil
	})
	if err != nil && !errors.Is(err, replica.ErrNotFound) {
		s.cfg.Logf("flush: %v", err)
	}
}
