package memserver

import (
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// entryID builds the entry id of a folder, or of a message when message is not 0.
func (m *Mailbox) entryID(folder, message mapi.GlobCnt) []byte {
	if message != 0 {
		return mapi.NewMessageEntryID(m.cfg.GUID, m.longID(folder), m.longID(message)).Bytes()
	}
	return mapi.NewFolderEntryID(m.cfg.GUID, m.longID(folder)).Bytes()
}

func (m *Mailbox) folderEntryID(folder mapi.GlobCnt) []byte { return m.entryID(folder, 0) }

// sourceKeyOf returns the foreign key of an object, or its own.
func (m *Mailbox) sourceKeyOf(id mapi.GlobCnt, foreign mapi.SourceKey) mapi.SourceKey {
	if foreign != "" {
		return foreign
	}
	return m.longID(id).SourceKey()
}

// parentSourceKey returns the source key of a folder's parent, or of a message's folder.
func (m *Mailbox) folderSourceKey(id mapi.GlobCnt) mapi.SourceKey {
	var foreign mapi.SourceKey
	if f := m.state.folders[id]; f != nil {
		foreign = f.foreign
	}
	return m.sourceKeyOf(id, foreign)
}

// userEntryID returns the address book entry id of the mailbox's owner.
func (m *Mailbox) userEntryID() []byte { return mapi.NewAddressBookEntryID(m.cfg.DN).Bytes() }

// messageComputed returns the value of a property that the store works out, and
// whether id is such a property. A property that is one but has no value is nil.
func (m *Mailbox) messageComputed(v *message, id uint16) (any, bool) {
	switch mapi.NewTag(id, 0) {
	case 0x674A0000, 0x674D0000:
		return int64(mapi.NewMID(ownReplID, v.id)), true
	case 0x674E0000:
		return int32(0), true
	case 0x0FF50000:
		return int32(1), true // TBL_LEAF_ROW
	case 0x67480000, 0x67490000:
		return int64(mapi.NewFID(ownReplID, v.folder)), true
	case 0x67A40000:
		return int64(mapi.NewCN(ownReplID, v.cn)), true
	case 0x65E00000:
		return []byte(m.sourceKeyOf(v.id, v.foreign)), true
	case 0x65E10000:
		return []byte(m.folderSourceKey(v.folder)), true
	case 0x65E20000:
		return []byte(v.changeKey), true
	case 0x65E30000:
		return v.pcl.Bytes(), true
	case 0x0FFF0000:
		return m.entryID(v.folder, v.id), true
	case 0x0FF90000:
		return []byte(m.sourceKeyOf(v.id, "")), true
	case 0x0E090000:
		return m.folderEntryID(v.folder), true
	case 0x0FF80000, 0x0FFA0000:
		return m.cfg.GUID[:], true
	case 0x0E070000:
		return v.messageFlags(), true
	case 0x0E170000:
		return v.status, true
	case 0x0E690000:
		return v.read, true
	case 0x67AA0000:
		return v.fai, true
	case 0x0E080000:
		return v.size, true
	case 0x30070000:
		return v.created, true
	case 0x30080000:
		return v.modified, true
	case 0x0FF40000:
		return int32(0x7), true // modify, read, delete ([MS-OXCPRPT] 2.2.1.1)
	case 0x0FF70000:
		return int32(1), true
	case 0x0FFE0000:
		return int32(5), true // message
	case 0x664A0000:
		return hasNamed(v.content.Properties), true
	}
	return contentComputed(v.content, id)
}

// contentComputed returns the properties that follow from a message's content;
// embedded messages have them as well.
func contentComputed(c *mapi.Message, id uint16) (any, bool) {
	switch mapi.NewTag(id, 0) {
	case 0x0E1B0000:
		return hasAttachments(c), true
	case 0x0E040000:
		return displayList(c.Recipients, mapi.RecipientTo), true
	case 0x0E030000:
		return displayList(c.Recipients, mapi.RecipientCc), true
	case 0x0E020000:
		return displayList(c.Recipients, mapi.RecipientBcc), true
	case 0x00370000:
		// The subject is the prefix and the rest, wherever both are known
		// ([MS-OXCMSG] 2.2.1.46).
		if s := c.Properties.Get(mapi.PidTagSubject); s != nil {
			return s, true
		}
		return c.Properties.String(mapi.PidTagSubjectPrefix) + c.Properties.String(tagNormalizedSubject), true
	case 0x0E1D0000:
		if n := c.Properties.Get(tagNormalizedSubject); n != nil {
			return n, true
		}
		if s, ok := c.Properties.Get(mapi.PidTagSubject).(string); ok {
			return strings.TrimPrefix(s, c.Properties.String(mapi.PidTagSubjectPrefix)), true
		}
		return "", true
	}
	return nil, false
}

func hasNamed(b mapi.PropertyBag) bool {
	for i := range b {
		if !b[i].Name.IsZero() {
			return true
		}
	}
	return false
}

// displayList joins the names of the recipients of one type ([MS-OXCMSG] 2.2.1.10).
func displayList(rs []mapi.Recipient, t mapi.RecipientType) string {
	var names []string
	for i := range rs {
		if rs[i].Type != t {
			continue
		}
		n := rs[i].Properties.String(mapi.PidTagDisplayName)
		if n == "" {
			n = rs[i].Properties.String(mapi.PidTagSmtpAddress)
		}
		if n == "" {
			n = rs[i].Properties.String(mapi.PidTagEmailAddress)
		}
		names = append(names, n)
	}
	return strings.Join(names, "; ")
}

// folderComputed is messageComputed for folders.
func (m *Mailbox) folderComputed(f *folder, id uint16) (any, bool) {
	x := m.state.indexes[f.id]
	if x == nil {
		x = newFolderIndex()
	}
	switch mapi.NewTag(id, 0) {
	case 0x67480000, 0x674D0000:
		return int64(mapi.NewFID(ownReplID, f.id)), true
	case 0x67490000:
		return int64(mapi.NewFID(ownReplID, f.parent)), true
	case 0x674E0000:
		return int32(0), true
	case 0x0FF50000:
		return int32(1), true
	case 0x67A40000:
		return int64(mapi.NewCN(ownReplID, f.cn)), true
	case 0x65E00000:
		return []byte(m.sourceKeyOf(f.id, f.foreign)), true
	case 0x65E10000:
		return []byte(m.folderSourceKey(f.parent)), true
	case 0x65E20000:
		return []byte(f.changeKey), true
	case 0x65E30000:
		return f.pcl.Bytes(), true
	case 0x0FFF0000:
		return m.folderEntryID(f.id), true
	case 0x0FF90000:
		return []byte(m.longID(f.id).SourceKey()), true
	case 0x0E090000:
		return m.folderEntryID(f.parent), true
	case 0x0FF80000, 0x0FFA0000:
		return m.cfg.GUID[:], true
	case 0x30070000:
		return f.created, true
	case 0x30080000:
		return f.modified, true
	case 0x36010000:
		return f.folderType(), true
	case 0x360A0000:
		return m.hasChildren(f.id), true
	case 0x36020000:
		return int32(x.normal), true
	case 0x36030000:
		return int32(x.unread), true
	case 0x36170000:
		return int32(x.fai), true
	case 0x0E080000:
		return x.size, true
	case 0x670A0000:
		return x.commitMax, true
	case 0x670B0000:
		return x.deletedTotal, true
	case 0x663E0000:
		return x.hierarchyChanges, true
	case 0x40820000:
		return max(x.hierarchyChanged, f.created), true
	case 0x0FF40000:
		return int32(0x3F), true // everything ([MS-OXCPRPT] 2.2.1.1)
	case 0x0FF70000:
		return int32(1), true
	case 0x66390000:
		return int32(0x5FB), true // an owner's rights ([MS-OXCPERM] 2.2.7)
	case 0x0FFE0000:
		return int32(3), true // folder
	case 0x664A0000:
		return hasNamed(f.props), true
	}
	return nil, false
}

func (f *folder) folderType() int32 {
	switch {
	case f.parent == 0:
		return 0
	case f.search:
		return 2
	}
	return 1
}

// storeComputed returns the properties of the store object, which a logon stands for.
func (m *Mailbox) storeComputed(id uint16) (any, bool) {
	entry := func(k Special) (any, bool) { return m.folderEntryID(m.state.special[k]), true }
	switch mapi.NewTag(id, 0) {
	case 0x30010000, 0x661C0000:
		return m.cfg.DisplayName, true
	case 0x661B0000, 0x66190000:
		return m.userEntryID(), true
	case 0x0FF90000, 0x0FFA0000, 0x0FF80000:
		return m.cfg.GUID[:], true
	case 0x0E080000:
		var n int64
		for _, x := range m.state.indexes {
			n += x.size
		}
		return n, true
	case 0x666E0000:
		return int32(m.quota >> 10), m.quota > 0 // [MS-OXCSTOR] 2.2.2.1.1.4: kilobytes
	case 0x35E00000:
		return entry(FolderIPMSubtree)
	case 0x35E20000:
		return entry(FolderOutbox)
	case 0x35E30000:
		return entry(FolderDeletedItems)
	case 0x35E40000:
		return entry(FolderSentItems)
	case 0x35E50000:
		return entry(FolderViews)
	case 0x35E60000:
		return entry(FolderCommonViews)
	case 0x35E70000:
		return entry(FolderFinder)
	case 0x66380000:
		return m.replMap(), true
	case 0x67050000:
		return int32(0x0409), true
	case 0x0FFE0000:
		return int32(1), true // store
	case 0x0FF40000:
		return int32(0x3F), true
	}
	return nil, false
}

// replMap lists the replica numbers with their GUIDs ([MS-OXCSTOR] 2.2.2.1.1.13).
func (m *Mailbox) replMap() []byte {
	var b wire.Builder
	for i, g := range m.repls {
		b.Uint16(uint16(i + 1))
		b.GUID(g)
	}
	return b.Bytes()
}
