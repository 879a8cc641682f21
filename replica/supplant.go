package replica

// Supplant makes heir, a local file in a folder, the bearer of the mailbox identity of the message old, as a save
// by rename needs it: the name keeps the file's number, and the server sees a new version of the same message.
//
// heir becomes a KindMessage with old's MessageInfo, Version, stored content, base message and xattrs; the journal
// entries of old are rewritten to heir (Change.Item), and old's source key leads to heir. heir keeps its Num, Gen,
// Parent, Name, times, Size and working copy. The caller replaces the content with PutContent right after.
//
// old, when it is in the tree, stays under its number and name as an empty KindFile without Message, for the
// caller to fill with Save; when it was detached it is gone for good.
//
// Besides Supplant, Save and PutContent accept a node whose Kind has changed from KindFile to KindMessage (Message
// set, no source key yet), or between KindDir and KindFolder (Folder set or nil).
func (u *Update) Supplant(heir, old Num) error { return errBuilding }
