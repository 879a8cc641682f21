package memserver

import (
	"crypto/rand"
	"slices"
	"unicode"

	"mailfs/mapi"
)

// message is a version of a message object in a folder. A stored message and its
// content are never changed: a change stores a new version.
type message struct {
	id, folder        mapi.GlobCnt
	fai               bool
	read              bool
	deleted           bool
	cn                mapi.GlobCnt
	readCN            mapi.GlobCnt   // 0 until the read state first changes
	foreign           mapi.SourceKey // "" unless imported under a foreign key
	changeKey         mapi.ChangeKey
	pcl               mapi.PCL
	created, modified mapi.FileTime
	flags             int32 // settable bits of PidTagMessageFlags
	status            int32 // PidTagMessageStatus
	content           *mapi.Message
	size              int32
	history           []edit // the last edits, oldest first
}

// edit tells what one change number changed, so that a download can send only that.
type edit struct {
	cn, before mapi.GlobCnt // change numbers of the version made and of the one before it
	groups     []uint32     // property groups that changed; nil means anything
}

// historyLimit is how many edits of a message are remembered.
const historyLimit = 16

// The bits of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead       int32 = 0x0001
	flagUnmodified int32 = 0x0002
	flagSubmitted  int32 = 0x0004
	flagUnsent     int32 = 0x0008
	flagHasAttach  int32 = 0x0010
	flagFromMe     int32 = 0x0020
	flagFAI        int32 = 0x0040
	flagEverRead   int32 = 0x0400

	// flagsComputed are the bits that the store works out itself.
	flagsComputed = flagRead | flagHasAttach | flagFAI
)

// statusInConflict marks a conflict resolve message ([MS-OXCMSG] 2.2.1.8).
const statusInConflict int32 = 0x0800

// clone returns a copy to change before it is stored. The content is shared.
func (v *message) clone() *message {
	w := *v
	w.history = slices.Clip(v.history)
	return &w
}

// messageFlags returns the full PidTagMessageFlags.
func (v *message) messageFlags() int32 {
	f := v.flags &^ flagsComputed
	if v.read {
		f |= flagRead
	}
	if v.fai {
		f |= flagFAI
	}
	if hasAttachments(v.content) {
		f |= flagHasAttach
	}
	return f
}

func hasAttachments(c *mapi.Message) bool {
	for i := range c.Attachments {
		if !c.Attachments[i].Properties.Bool(mapi.PidTagAttachmentHidden) {
			return true
		}
	}
	return false
}

// stamp gives v a new change number, made by the server itself.
func (m *Mailbox) stamp(v *message, now mapi.FileTime) {
	v.cn = m.allocCN()
	x := m.cnXID(v.cn)
	v.changeKey = x.ChangeKey()
	v.pcl = v.pcl.Add(x)
	v.modified = now
}

// putMessage stores a version of a message and keeps the index right.
func (m *Mailbox) putMessage(v *message) {
	if old := m.state.messages[v.id]; old != nil {
		m.unindex(old)
	}
	m.state.messages[v.id] = v
	if v.id >= m.state.nextID {
		m.state.nextID = v.id + 1
	}
	if v.foreign != "" {
		m.state.foreign[v.foreign] = v.id
	}
	x := m.state.indexes[v.folder]
	if v.deleted {
		x.removed[v.id] = v
	} else {
		x.items[v.id] = v
		x.count(v, 1)
	}
	x.commitMax = m.commitTime()
}

func (m *Mailbox) unindex(old *message) {
	x := m.state.indexes[old.folder]
	if x == nil {
		return
	}
	if old.deleted {
		delete(x.removed, old.id)
		return
	}
	delete(x.items, old.id)
	x.count(old, -1)
}

// purge forgets a soft-deleted message for good.
func (m *Mailbox) purge(id mapi.GlobCnt) {
	v := m.state.messages[id]
	if v == nil {
		return
	}
	m.unindex(v)
	delete(m.state.messages, id)
	delete(m.state.foreign, v.foreign)
	m.state.gone[id] = true
}

// removeMessage deletes a live message.
func (m *Mailbox) removeMessage(v *message, hard bool) {
	x := m.state.indexes[v.folder]
	if hard {
		m.purge(v.id)
	} else {
		w := v.clone()
		w.deleted = true
		m.putMessage(w)
	}
	x.deletedTotal++
	x.commitMax = m.commitTime()
	m.emit(event{kind: eventDeleted, folder: v.folder, message: v.id, fai: v.fai})
	m.emitFolderChanged(v.folder)
}

// addMessage stores a message that the server itself creates: a delivery, a copy.
func (m *Mailbox) addMessage(folder mapi.GlobCnt, c *mapi.Message, fai, read bool) *message {
	now := m.srv.now()
	v := &message{id: m.allocID(1), folder: folder, fai: fai, read: read, created: now, content: c}
	m.stamp(v, now)
	m.finishContent(v)
	m.putMessage(v)
	m.emit(event{kind: eventCreated, folder: folder, message: v.id, fai: fai})
	m.emitFolderChanged(folder)
	return v
}

// changeMessage stores new content for a message under a new change number.
func (m *Mailbox) changeMessage(v *message, c *mapi.Message) *message {
	w := v.clone()
	w.content = c
	m.noteEdit(w, v)
	m.stamp(w, m.srv.now())
	w.history[len(w.history)-1].cn = w.cn
	m.finishContent(w)
	m.putMessage(w)
	m.emit(event{kind: eventModified, folder: w.folder, message: w.id, fai: w.fai})
	m.emitFolderChanged(w.folder)
	return w
}

// noteEdit remembers what changed between two versions; the caller fills in the
// change number.
func (m *Mailbox) noteEdit(w, before *message) {
	w.history = append(w.history, edit{before: before.cn, groups: changedGroups(before.content, w.content)})
	if n := len(w.history); n > historyLimit {
		w.history = slices.Clone(w.history[n-historyLimit:])
	}
}

// setRead changes the read state of a message and reports whether it was different.
// Associated messages have none ([MS-OXCFXICS] 3.2.5.9.4.6).
func (m *Mailbox) setRead(v *message, read bool) bool {
	if v.fai || v.read == read {
		return false
	}
	w := v.clone()
	w.read = read
	w.readCN = m.allocCN()
	m.putMessage(w)
	m.emit(event{kind: eventModified, folder: w.folder, message: w.id})
	m.emitFolderChanged(w.folder)
	return true
}

// copyMessage puts a copy of a message into a folder. The copy is another object
// with an id and a change number of its own.
func (m *Mailbox) copyMessage(v *message, dst mapi.GlobCnt) *message {
	return m.transfer(v, dst, m.allocID(1), eventCopied)
}

// moveMessage puts a message into another folder under a new id. In the source
// folder it counts as deleted ([MS-OXCFXICS] 2.2.1.3.2). There it is as new as its other
// properties: no read state change is told of it besides.
func (m *Mailbox) moveMessage(v *message, dst, newID mapi.GlobCnt) *message {
	w := m.transfer(v, dst, newID, eventMoved)
	x := m.state.indexes[v.folder]
	m.purge(v.id)
	x.deletedTotal++
	x.commitMax = m.commitTime()
	m.emitFolderChanged(v.folder)
	return w
}

func (m *Mailbox) transfer(v *message, dst, newID mapi.GlobCnt, kind eventKind) *message {
	w := v.clone()
	w.id, w.folder, w.foreign, w.history, w.pcl = newID, dst, "", nil, nil
	if kind == eventMoved && m.keeps {
		w.pcl = slices.Clone(v.pcl)
	}
	w.deleted, w.readCN = false, 0
	m.stamp(w, m.srv.now())
	c := *v.content
	c.Properties = c.Properties.Clone()
	c.Properties.Delete(mapi.Key{ID: tagArticleNumber.ID()})
	w.content = &c
	m.finishContent(w)
	m.putMessage(w)
	m.emit(event{kind: kind, folder: dst, message: w.id, oldFolder: v.folder, oldMessage: v.id, fai: w.fai})
	m.emitFolderChanged(dst)
	return w
}

// finishContent takes what the store keeps itself out of the content, adds what a
// server generates, and works out the size. v is not stored yet, and its
// content belongs to it alone.
func (m *Mailbox) finishContent(v *message) {
	p := &v.content.Properties
	if p.Has(mapi.PidTagMessageFlags) {
		v.flags = int32(p.Int(mapi.PidTagMessageFlags)) &^ flagsComputed
	}
	if p.Has(mapi.PidTagMessageStatus) {
		v.status = int32(p.Int(mapi.PidTagMessageStatus))
	}
	if t := p.Time(mapi.PidTagCreationTime); t != 0 {
		v.created = t
	}
	kept := (*p)[:0:0]
	for _, q := range *p {
		if q.Name.IsZero() && storeOwned(q.Tag.ID()) {
			continue
		}
		kept = append(kept, m.names.canonical(q))
	}
	*p = kept
	if subject, ok := p.Get(mapi.PidTagSubject).(string); ok && !p.Has(tagNormalizedSubject) {
		prefix, rest := cutPrefix(subject)
		p.Set(mapi.PidTagSubjectPrefix, prefix)
		p.Set(tagNormalizedSubject, rest)
	}
	if !p.Has(mapi.PidTagMessageClass) {
		p.Set(mapi.PidTagMessageClass, "IPM.Note")
	}
	if !p.Has(mapi.PidTagSearchKey) {
		key := make([]byte, 16)
		_, _ = rand.Read(key) // never fails
		p.Set(mapi.PidTagSearchKey, key)
	}
	x := m.state.indexes[v.folder]
	if n := int32(p.Int(tagArticleNumber)); n == 0 {
		x.lastArticle++
		p.Set(tagArticleNumber, x.lastArticle)
	} else {
		x.lastArticle = max(x.lastArticle, n)
	}
	v.size = int32(messageSize(v.content))
}

// cutPrefix splits a subject: a prefix has one to three characters that are no
// digits, followed by a colon and a space ([MS-OXCMSG] 3.2.4.1).
func cutPrefix(s string) (prefix, rest string) {
	n := 0
	for i, c := range s {
		if c == ':' {
			if n == 0 || i+1 >= len(s) || s[i+1] != ' ' {
				return "", s
			}
			return s[:i+2], s[i+2:]
		}
		if n++; n > 3 || unicode.IsDigit(c) || unicode.IsSpace(c) {
			return "", s
		}
	}
	return "", s
}

// storeOwned tells which properties of a message the store keeps in its own record
// or works out when asked; they are never part of the content.
func storeOwned(id uint16) bool {
	switch mapi.NewTag(id, 0) {
	case 0x674A0000, 0x67480000, 0x67490000, 0x67A40000, 0x65E00000, 0x65E10000, 0x65E20000, 0x65E30000, // ids and versions
		0x0FFF0000, 0x0FF90000, 0x0E090000, 0x0FFB0000, 0x0FFA0000, 0x0FF80000, // entry ids and record keys
		0x0E070000, 0x0E170000, 0x0E690000, 0x0E1B0000, 0x0E080000, 0x67AA0000, // flags, status, size
		0x0E020000, 0x0E030000, 0x0E040000, // lists of recipients for display
		0x30070000, 0x30080000, 0x0FF40000, 0x0FF70000, 0x0FFE0000, 0x664A0000, // times, access
		0x674D0000, 0x674E0000, 0x0E120000, 0x0E130000, 0x3A120000:
		return true
	}
	return false
}
