package sim

import (
	"fmt"
	"strings"

	"mailfs/internal/memserver"
	"mailfs/mapi"
)

// things returns the folders of the story on the server, and their messages.
func (w *world) things() (dirs []memserver.SnapshotFolder, letters []memserver.SnapshotMessage) {
	for _, f := range w.box.Snapshot().Folders {
		if f.Path[0] != story {
			continue
		}
		dirs = append(dirs, f)
		for _, m := range f.Messages {
			if !m.Associated {
				letters = append(letters, m)
			}
		}
	}
	return dirs, letters
}

// discarded returns the messages in Deleted Items.
func (w *world) discarded() []memserver.SnapshotMessage {
	for _, f := range w.box.Snapshot().Folders {
		if len(f.Path) == 1 && f.ID == w.box.Folder(memserver.FolderDeletedItems) {
			return f.Messages
		}
	}
	return nil
}

const stranger = "other"

func bodyOf(m *mapi.Message) string { return m.Properties.String(mapi.PidTagBody) }

// insideOf returns what the versions in conflict say that are in a message.
func insideOf(m *mapi.Message) (text string) {
	for _, a := range m.Attachments {
		if a.Embedded != nil && a.Properties.Bool(mapi.PidTagInConflict) {
			text += bodyOf(a.Embedded)
		}
	}
	return text
}

// removingMessage notes that a message is about to be deleted. The versions in it may go with it, but a client may have
// them by then.
func (w *world) removingMessage(r *removal, m *mapi.Message) {
	w.removing(r, bodyOf(m))
	w.ledger.mayGo(r, insideOf(m))
}

// other is what somebody else does on the server. What vanished meanwhile is no problem.
func (w *world) other(s *Step) {
	if s.Kind == LoseSessions {
		w.srv.LoseSessions()
		return
	}
	dirs, letters := w.things()
	if len(dirs) == 0 {
		return
	}
	dir := dirs[int(s.A)%len(dirs)]
	switch s.Kind {
	case OtherDeliver:
		tok := fmt.Sprintf("tok-%d-d", s.No)
		w.note("  to %s: %s", strings.Join(dir.Path, "/"), tok)
		w.mustNot("delivery", w.deliver(dir.ID, fmt.Sprintf("doc-%04d", 1000+s.No), tok, stranger))
		return
	case OtherMkdir, OtherRenameDir, OtherMoveDir, OtherRmdir:
		w.otherDir(s, dirs, dir)
		return
	}
	if len(letters) == 0 {
		return
	}
	if bin := w.discarded(); s.Kind == OtherEdit && s.C>>16%6 == 0 && len(bin) > 0 {
		w.otherLetter(s, dir, bin[int(s.B)%len(bin)])
		return
	}
	if s.C>>8%4 > 0 && len(letters) > 3 {
		letters = letters[:3]
	}
	m := letters[int(s.B)%len(letters)]
	w.otherLetter(s, dir, m)
}

func (w *world) otherLetter(s *Step, dir memserver.SnapshotFolder, m memserver.SnapshotMessage) {
	doc := docOf(m.Content.Properties.String(mapi.PidTagSubject))
	old := bodyOf(m.Content)
	if s.Kind != OtherMark {
		w.touch(stranger, doc, s.Kind)
	}
	var err error
	switch s.Kind {
	case OtherEdit:
		tok := fmt.Sprintf("tok-%d-o", s.No)
		if s.C>>12%4 == 0 {
			err = w.otherClash(s, m, tok)
			break
		}
		w.ledger.begin(s.No, stranger, tok, tok, old)
		if err = w.box.Edit(m.ID, func(c *mapi.Message) { c.Properties.Set(mapi.PidTagBody, tok+"\r\n") }); err == nil {
			w.ledger.saved(tok, tok, old)
		}
	case OtherMove:
		_, err = w.box.Move(m.ID, dir.ID)
	case OtherDiscard, OtherDelete:
		r := &removal{by: stranger, step: s.No, hard: s.Kind == OtherDelete, doc: doc}
		w.removingMessage(r, m.Content)
		if r.hard {
			err = w.box.Delete(m.ID, s.A%2 == 0)
		} else {
			_, err = w.box.Move(m.ID, w.box.Folder(memserver.FolderDeletedItems))
		}
		r.complete = err == nil
	case OtherMark:
		err = w.box.MarkRead(m.ID, s.A%2 == 0)
	case OtherFlag:
		err = w.box.Edit(m.ID, func(c *mapi.Message) { c.Properties.Set(mapi.PidTagFlagStatus, int32(s.A%3)) })
	}
	w.note("  %v %s (%s) [to %s]: %v", s.Kind, doc, strings.Join(tokensIn(old), " "), strings.Join(dir.Path, "/"), err)
}

// otherClash is an edit by somebody who has not seen what is there. The server keeps both.
func (w *world) otherClash(s *Step, m memserver.SnapshotMessage, tok string) error {
	at := m.Modified + 1
	if s.C>>14%2 == 0 {
		at = m.Modified - 1
	}
	w.ledger.begin(s.No, stranger, tok, tok, "")
	err := w.box.Clash(m.ID, at, func(c *mapi.Message) { c.Properties.Set(mapi.PidTagBody, tok+"\r\n") })
	if err == nil {
		w.ledger.saved(tok, tok, "")
	}
	w.note("  clash: %s", tok)
	return err
}

func (w *world) otherDir(s *Step, dirs []memserver.SnapshotFolder, dir memserver.SnapshotFolder) {
	at := strings.Join(dir.Path, "/")
	if s.Kind == OtherMkdir {
		if len(dir.Path) < 4 {
			w.box.CreateFolder(append(dir.Path[:len(dir.Path):len(dir.Path)], fmt.Sprintf("other %d", s.B%9))...)
		}
		return
	}
	if len(dir.Path) == 1 {
		return
	}
	var err error
	switch s.Kind {
	case OtherRenameDir:
		err = w.box.RenameFolder(dir.ID, fmt.Sprintf("renamed other %d", s.B%12))
	case OtherMoveDir:
		to := dirs[int(s.B)%len(dirs)]
		at += " to " + strings.Join(to.Path, "/")
		err = w.box.MoveFolder(dir.ID, to.ID)
	case OtherRmdir:
		if s.B%3 > 0 {
			return
		}
		for _, f := range dirs {
			if strings.HasPrefix(strings.Join(f.Path, "/")+"/", at+"/") {
				for _, m := range f.Messages {
					r := &removal{by: stranger, step: s.No, hard: true, doc: docOf(m.Content.Properties.String(mapi.PidTagSubject))}
					w.touch(stranger, r.doc, s.Kind)
					w.removingMessage(r, m.Content)
				}
			}
		}
		err = w.box.DeleteFolder(dir.ID, s.A%2 == 0)
	}
	w.note("  %v %s: %v", s.Kind, at, err)
}
