package syncer

import "mailfs/mapi"

// folderOfEntryID returns the source key of the folder that an entry id names.
func folderOfEntryID(p []byte) (mapi.SourceKey, bool) {
	id, err := mapi.ParseEntryID(p)
	f, ok := id.(*mapi.FolderEntryID)
	if err != nil || !ok {
		return "", false
	}
	return f.Folder.SourceKey(), true
}

// messageOfEntryID returns the source key of the message that an entry id names.
func messageOfEntryID(p []byte) (mapi.SourceKey, bool) {
	id, err := mapi.ParseEntryID(p)
	m, ok := id.(*mapi.MessageEntryID)
	if err != nil || !ok {
		return "", false
	}
	return m.Message.SourceKey(), true
}

// messageEntryID builds the entry id of a message of this mailbox; nil if the keys
// are not ids of a server.
func messageEntryID(mailbox mapi.GUID, folder, message mapi.SourceKey) []byte {
	f, ok := folder.LongTermID()
	m, ok2 := message.LongTermID()
	if !ok || !ok2 {
		return nil
	}
	return mapi.NewMessageEntryID(mailbox, f, m).Bytes()
}

// folderEntryID builds the entry id of a folder of this mailbox.
func folderEntryID(mailbox mapi.GUID, folder mapi.SourceKey) []byte {
	f, ok := folder.LongTermID()
	if !ok {
		return nil
	}
	return mapi.NewFolderEntryID(mailbox, f).Bytes()
}
