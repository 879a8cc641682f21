package memserver

import "mailfs/mapi"

// Special names a folder that every mailbox has.
type Special int

// The special folders. The first thirteen are those of the log on answer, in its
// order ([MS-OXCSTOR] 2.2.1.1.3).
const (
	FolderRoot Special = iota
	FolderDeferredAction
	FolderSpoolerQueue
	FolderIPMSubtree
	FolderInbox
	FolderOutbox
	FolderSentItems
	FolderDeletedItems
	FolderCommonViews
	FolderSchedule
	FolderFinder
	FolderViews
	FolderShortcuts

	FolderDrafts
	FolderCalendar
	FolderJournal
	FolderNotes
	FolderTasks
	FolderContacts
	FolderJunk
	FolderSyncIssues
	FolderConflicts
	FolderLocalFailures
	FolderServerFailures
	FolderFreeBusy

	specialCount
)

// defaultFolder describes a folder of a new mailbox. The order of the table is the
// order of the ids.
type defaultFolder struct {
	kind   Special
	parent Special
	name   string
	class  string
}

var defaultFolders = []defaultFolder{
	{FolderRoot, FolderRoot, "Root Container", ""},
	{FolderDeferredAction, FolderRoot, "Deferred Action", ""},
	{FolderSpoolerQueue, FolderRoot, "Spooler Queue", ""},
	{FolderShortcuts, FolderRoot, "Shortcuts", ""},
	{FolderFinder, FolderRoot, "Finder", ""},
	{FolderViews, FolderRoot, "Views", ""},
	{FolderCommonViews, FolderRoot, "Common Views", ""},
	{FolderSchedule, FolderRoot, "Schedule", ""},
	{FolderIPMSubtree, FolderRoot, "Top of Information Store", ""},
	{FolderSentItems, FolderIPMSubtree, "Sent Items", "IPF.Note"},
	{FolderDeletedItems, FolderIPMSubtree, "Deleted Items", "IPF.Note"},
	{FolderOutbox, FolderIPMSubtree, "Outbox", "IPF.Note"},
	{FolderInbox, FolderIPMSubtree, "Inbox", "IPF.Note"},
	{FolderDrafts, FolderIPMSubtree, "Drafts", "IPF.Note"},
	{FolderCalendar, FolderIPMSubtree, "Calendar", "IPF.Appointment"},
	{FolderJournal, FolderIPMSubtree, "Journal", "IPF.Journal"},
	{FolderNotes, FolderIPMSubtree, "Notes", "IPF.StickyNote"},
	{FolderTasks, FolderIPMSubtree, "Tasks", "IPF.Task"},
	{FolderContacts, FolderIPMSubtree, "Contacts", "IPF.Contact"},
	{FolderJunk, FolderIPMSubtree, "Junk Email", "IPF.Note"},
	{FolderFreeBusy, FolderRoot, "Freebusy Data", ""},
	{FolderSyncIssues, FolderIPMSubtree, "Sync Issues", "IPF.Note"},
	{FolderConflicts, FolderSyncIssues, "Conflicts", "IPF.Note"},
	{FolderLocalFailures, FolderSyncIssues, "Local Failures", "IPF.Note"},
	{FolderServerFailures, FolderSyncIssues, "Server Failures", "IPF.Note"},
}

// createDefaultFolders fills a new mailbox. Nobody else can see it yet.
func (m *Mailbox) createDefaultFolders() {
	now := m.srv.now()
	for _, d := range defaultFolders {
		f := &folder{id: m.allocID(1), created: now}
		m.state.special[d.kind] = f.id
		if d.kind != FolderRoot {
			f.parent = m.state.special[d.parent]
		}
		f.props.Set(mapi.PidTagDisplayName, d.name)
		f.props.Set(mapi.PidTagComment, "")
		if d.class != "" {
			f.props.Set(mapi.PidTagContainerClass, d.class)
		}
		m.stampFolder(f, now)
		m.putFolder(f)
	}
	m.linkSpecialFolders()
	m.state.receive = []receiveFolder{
		{"", m.state.special[FolderInbox], now},
		{"IPC", m.state.special[FolderRoot], now},
		{"IPM", m.state.special[FolderInbox], now},
		{"REPORT.IPM", m.state.special[FolderInbox], now},
	}
}

// linkSpecialFolders writes the entry ids of special folders to the Inbox and to
// the root folder ([MS-OXOSFLD] 2.2.3, 2.2.4).
func (m *Mailbox) linkSpecialFolders() {
	entry := func(k Special) []byte { return m.folderEntryID(m.state.special[k]) }
	for _, k := range []Special{FolderInbox, FolderRoot} {
		f := m.state.folders[m.state.special[k]]
		if f == nil {
			continue
		}
		g := *f
		g.props = f.props.Clone()
		g.props.Set(mapi.PidTagIpmDraftsEntryId, entry(FolderDrafts))
		g.props.Set(mapi.PidTagIpmContactEntryId, entry(FolderContacts))
		g.props.Set(mapi.PidTagIpmAppointmentEntryId, entry(FolderCalendar))
		g.props.Set(mapi.PidTagIpmJournalEntryId, entry(FolderJournal))
		g.props.Set(mapi.PidTagIpmNoteEntryId, entry(FolderNotes))
		g.props.Set(mapi.PidTagIpmTaskEntryId, entry(FolderTasks))
		g.props.Set(mapi.PidTagAdditionalRenEntryIds, [][]byte{
			entry(FolderConflicts), entry(FolderSyncIssues), entry(FolderLocalFailures), entry(FolderServerFailures), entry(FolderJunk),
		})
		g.props.Set(mapi.PidTagFreeBusyEntryIds, [][]byte{{}, {}, {}, entry(FolderFreeBusy)})
		m.state.folders[g.id] = &g
	}
}
