package memserver

import (
	"encoding/binary"
	"fmt"
	"slices"

	"mailfs/mapi"
)

// The methods of this file are what somebody else does to a mailbox: another
// client of the same user, a delivery, a rule. Clients see the results like any
// other change.

// Folder returns the id of a folder that every mailbox has.
func (m *Mailbox) Folder(k Special) mapi.FID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return mapi.NewFID(ownReplID, m.state.special[k])
}

// FindFolder returns the folder with the given names, one per level below the IPM
// subtree. No name at all means the IPM subtree itself.
func (m *Mailbox) FindFolder(path ...string) (mapi.FID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.state.special[FolderIPMSubtree]
	for _, name := range path {
		f, ok := m.childNamed(id, name)
		if !ok {
			return 0, false
		}
		id = f.id
	}
	return mapi.NewFID(ownReplID, id), true
}

// CreateFolder returns the folder with the given names, one per level below the IPM
// subtree, and creates what is missing of them.
func (m *Mailbox) CreateFolder(path ...string) mapi.FID {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.state.special[FolderIPMSubtree]
	for _, name := range path {
		f, ok := m.childNamed(id, name)
		if !ok {
			f = m.newFolder(id, name, "", "IPF.Note")
		}
		id = f.id
	}
	return mapi.NewFID(ownReplID, id)
}

// SetContainerClass changes what kind of items a folder is for (IPF.Note and others).
func (m *Mailbox) SetContainerClass(id mapi.FID, class string) error {
	return m.withFolder(id, func(f *folder) error {
		m.changeFolder(f, func(g *folder) { g.props.Set(mapi.PidTagContainerClass, class) })
		return nil
	})
}

// SetFolderProperty changes a property of a folder.
func (m *Mailbox) SetFolderProperty(id mapi.FID, p mapi.Property) error {
	return m.withFolder(id, func(f *folder) error {
		m.changeFolder(f, func(g *folder) { g.props.Put(p) })
		return nil
	})
}

// RenameFolder gives a folder another name.
func (m *Mailbox) RenameFolder(id mapi.FID, name string) error {
	return m.withFolder(id, func(f *folder) error {
		if other, ok := m.childNamed(f.parent, name); ok && other.id != f.id {
			return fmt.Errorf("folder %q: %w", name, ErrExists)
		}
		m.changeFolder(f, func(g *folder) { g.props.Set(mapi.PidTagDisplayName, name) })
		return nil
	})
}

// MoveFolder puts a folder below another one.
func (m *Mailbox) MoveFolder(id, parent mapi.FID) error {
	return m.withFolder(id, func(f *folder) error {
		p, ok := m.folderByFID(parent)
		if !ok {
			return fmt.Errorf("%v: %w", parent, ErrNotFound)
		}
		if m.isBelow(p.id, f.id) {
			return fmt.Errorf("memserver: %v lies below %v", parent, id)
		}
		if _, taken := m.childNamed(p.id, f.name()); taken {
			return fmt.Errorf("folder %q: %w", f.name(), ErrExists)
		}
		m.changeFolder(f, func(g *folder) { g.parent = p.id })
		return nil
	})
}

// DeleteFolder deletes a folder with everything in it.
func (m *Mailbox) DeleteFolder(id mapi.FID, hard bool) error {
	return m.withFolder(id, func(f *folder) error {
		m.removeFolder(f, hard)
		return nil
	})
}

func (m *Mailbox) withFolder(id mapi.FID, do func(*folder) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.folderByFID(id)
	if !ok {
		return fmt.Errorf("%v: %w", id, ErrNotFound)
	}
	return do(f)
}

func (m *Mailbox) withMessage(id mapi.MID, do func(*message) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.messageByMID(id)
	if !ok {
		return fmt.Errorf("%v: %w", id, ErrNotFound)
	}
	return do(v)
}

// Deliver puts a message into a folder as a new, unread one. The message is copied,
// its values are not. PidTagMessageFlags may say that it is read or associated.
func (m *Mailbox) Deliver(id mapi.FID, msg *mapi.Message) (mapi.MID, error) {
	var mid mapi.MID
	err := m.withFolder(id, func(f *folder) error {
		flags := int32(msg.Properties.Int(mapi.PidTagMessageFlags))
		fai := flags&flagFAI != 0 || msg.Properties.Bool(mapi.PidTagAssociated)
		c := copyContent(msg)
		if !fai && !c.Properties.Has(mapi.PidTagMessageDeliveryTime) && flags&flagUnsent == 0 {
			c.Properties.Set(mapi.PidTagMessageDeliveryTime, m.srv.now())
		}
		if !c.Properties.Has(mapi.PidTagMessageFlags) {
			c.Properties.Set(mapi.PidTagMessageFlags, flagUnmodified)
		}
		v := m.addMessage(f.id, c, fai, flags&flagRead != 0)
		if !fai {
			m.emit(event{kind: eventNewMail, folder: f.id, message: v.id, class: c.Properties.String(mapi.PidTagMessageClass), flags: uint32(v.messageFlags())})
		}
		mid = mapi.NewMID(ownReplID, v.id)
		return nil
	})
	return mid, err
}

// Edit changes the content of a message. change may do what it likes with the
// message it is given, but must not write into the values.
func (m *Mailbox) Edit(id mapi.MID, change func(*mapi.Message)) error {
	return m.withMessage(id, func(v *message) error {
		c := copyContent(v.content)
		change(c)
		m.changeMessage(v, c)
		return nil
	})
}

// Clash changes a message as a client does that has seen none of its versions and imports without FailOnConflict: the
// server settles the conflict as the folder says ([MS-OXCFXICS] 3.1.5.6.2). at is the time of the version.
func (m *Mailbox) Clash(id mapi.MID, at mapi.FileTime, change func(*mapi.Message)) error {
	return m.withMessage(id, func(v *message) error {
		c := copyContent(v.content)
		c.Attachments = slices.DeleteFunc(c.Attachments, isVersion)
		change(c)
		m.other++
		x := mapi.XID{Namespace: clashGUID, LocalID: string(binary.BigEndian.AppendUint32(nil, m.other))}
		m.storeImport(&messageObject{folder: v.folder, fai: v.fai, base: v, draft: c, imported: &importedChange{
			modified: at, changeKey: x.ChangeKey(), pcl: mapi.PCL{}.Add(x), conflict: true,
		}}, c)
		return nil
	})
}

// clashGUID is the namespace of the changes that Clash makes.
var clashGUID = mapi.MustGUID("0c1a5e5a-5d2e-4b0e-8f37-62f1d4c7b911")

// Move puts a message into another folder; it gets a new id.
func (m *Mailbox) Move(id mapi.MID, dst mapi.FID) (mapi.MID, error) {
	return m.relocate(id, dst, func(v *message, f *folder) *message { return m.moveMessage(v, f.id, m.allocID(1)) })
}

// Copy puts a copy of a message into a folder.
func (m *Mailbox) Copy(id mapi.MID, dst mapi.FID) (mapi.MID, error) {
	return m.relocate(id, dst, func(v *message, f *folder) *message { return m.copyMessage(v, f.id) })
}

func (m *Mailbox) relocate(id mapi.MID, dst mapi.FID, do func(*message, *folder) *message) (mapi.MID, error) {
	var mid mapi.MID
	err := m.withMessage(id, func(v *message) error {
		f, ok := m.folderByFID(dst)
		if !ok {
			return fmt.Errorf("%v: %w", dst, ErrNotFound)
		}
		mid = mapi.NewMID(ownReplID, do(v, f).id)
		return nil
	})
	return mid, err
}

// Delete deletes a message, for good when hard is set.
func (m *Mailbox) Delete(id mapi.MID, hard bool) error {
	return m.withMessage(id, func(v *message) error {
		m.removeMessage(v, hard)
		return nil
	})
}

// Associated returns the folder associated messages of a well-known folder.
func (m *Mailbox) Associated(k Special) (ids []mapi.MID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.state.indexes[m.state.special[k]].sorted(func(v *message) bool { return v.fai }) {
		ids = append(ids, mapi.NewMID(ownReplID, v.id))
	}
	return ids
}

// MarkRead changes the read state of a message.
func (m *Mailbox) MarkRead(id mapi.MID, read bool) error {
	return m.withMessage(id, func(v *message) error {
		m.setRead(v, read)
		return nil
	})
}

// KeepHistory makes messages that move from now on keep their lists of changes. Servers differ in that.
func (m *Mailbox) KeepHistory() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keeps = true
}

// SetQuota tells clients beyond how many bytes nothing can be sent, 0 for no limit. It is told, not enforced.
func (m *Mailbox) SetQuota(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quota = bytes
}

// copyContent copies everything of a message but the values.
func copyContent(c *mapi.Message) *mapi.Message {
	d := &mapi.Message{Properties: c.Properties.Clone(), Recipients: slices.Clone(c.Recipients), Attachments: slices.Clone(c.Attachments)}
	for i := range d.Recipients {
		d.Recipients[i].Properties = d.Recipients[i].Properties.Clone()
	}
	for i := range d.Attachments {
		d.Attachments[i].Properties = d.Attachments[i].Properties.Clone()
		if e := d.Attachments[i].Embedded; e != nil {
			d.Attachments[i].Embedded = copyContent(e)
		}
	}
	return d
}
