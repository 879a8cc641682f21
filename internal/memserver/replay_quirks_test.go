package memserver

import "regexp"

// quirk explains differences between the recorded answers, which are those of a
// gromox server, and ours. A difference is told as in
//
//	03/288: object lacks message 0x00710102 (130 times, e.g. …)
//
// where "lacks" speaks of our answer. Every entry has to be needed.
type quirk struct {
	match string // a regular expression on the text of a difference
	why   string
}

// Values that can't be the same.
const (
	ownTime    = "a time of this run"
	ownRandom  = "made at random"
	ownChoice  = "each server's own choice"
	unrecorded = "the recording does not tell what was there before"
)

var quirks = []quirk{
	{`Logon (LogonTime|GwartTime) is`, ownTime},
	{`GetReceiveFolderTable RowData is`, ownTime},
	{`QueryRows 0x30080040 is`, ownTime},
	{`object differs in (folder|header|message|message attachment \d) 0x(30070040|30080040|40820040|67090040)`, ownTime},
	{`object differs in message 0x300B0102`, ownRandom},
	{`Logon (ReplID|ReplGUID) is`, "QUIRK: tells a replica that is not that of the ids"},

	// The store and tables.
	{`01/007: GetPropertiesSpecific 0x(0FF90102|35E00102) is`, "QUIRK: lacks properties of the store that [MS-OXCSTOR] 2.2.2.1 lists"},
	{`QueryRows 0x65E00102 is .*, recorded NotFound`, "QUIRK: contents tables have no source keys"},
	{`QueryRows has 128 rows at 2, recorded 127 at 1|^(06/010|14/011): QueryRows has 0 rows at 2, recorded 1 at 2`, "how many rows fit is " + ownChoice + "; the next request brings the rest"},
	{`stream has the objects in another order`, "only parents before children, and newest first, are prescribed; equal times may come in any order"},
	{`OpenMessage Recipient(Columns|Rows) is`, ownChoice + ": which properties are columns"},
	{`OpenMessage SubjectPrefix is , recorded $`, "no prefix and an empty one are told apart differently"},
	{`OpenMessage HasNamedProperties is true, recorded false`, "QUIRK: tells false of messages with Keywords"},

	// Synchronization state.
	{`state Seen is|state SeenFAI is|state Read is`, "QUIRK: one range up to the highest number in the folder, or empty, whatever was uploaded; ours goes up to the highest of the mailbox"},
	{`09/0(66|71|76|81|86|91): stream (has map|lacks message)`, "a message (1e002a) came to the folder in between, by ways that were not recorded"},
	{`(03|07|09|12)/\d+: stream has map\[.*\], recorded map|(03|07|09|12)/\d+: stream lacks message`, "QUIRK: sends what is not in IdsetGiven although its change number was seen, against MS-OXCFXICS_R2074"},
	{`deletions (Deleted|NoLongerInScope) is`, "QUIRK: tells soft deletions as NoLongerInScope, against MS-OXCFXICS_R7200101"},
	{`03/\d+: state Given is`, "QUIRK: IdsetGiven loses what is outside of the restriction even with IgnoreNoLongerInScope"},
	{`(08|09|12)/\d+: state Given is`, "follows from what was deleted and moved under other rules"},

	{`05/066: (stream has map|object also has partial)`, "QUIRK: PartialItem is ignored; here a change of known property groups comes partially"},

	// Properties in synchronization streams.
	{`object differs in parts`, "QUIRK: sends MetaTagFXDelProp for subobjects that were filtered out, against [MS-OXCFXICS] 3.2.5.10"},
	{`object lacks message 0x(0029000B|0C06000B)`, "QUIRK: adds receipt requests that are not in the list, and where they are not set"},
	{`object also has message 0x(0E03001F|0E04001F|0E080003|0E1B000B|0FF90102|0037001F|0E1D001F)`, "QUIRK: computed properties do not come although they are in the list"},
	{`02/021: object also has folder 0x(67480014|67490014)`, "QUIRK: OnlySpecifiedProperties leaves out the ids that Eid asks for (MS-OXCFXICS_R2191)"},
	{`02/031: object lacks folder 0x67490014`, "QUIRK: sends the parent's id without Eid"},
	{`object (also has|lacks) message \S+:keywords 101[EF]`, "QUIRK: multi-value strings stay Unicode where 8-bit text is asked for"},
	{`object lacks message 0x001A001E|object lacks message 0x001A84E4|object also has message 0x001A(001F|84B0)`, "QUIRK: PidTagMessageClass is 8-bit unless ForceUnicode is set"},
	{`03/343: object differs in message 0x\w{4}001E`, "characters that the code page lacks: a space there, a question mark here"},
	{`05/\d+: object also has message 0x30070040|0[37]/\d+: object also has message 0x30070040|12/\d+: object also has message 0x(30070040|00170003|00360003)`, "a new version has the defaults of every new message"},
	{`object differs in (header|message) 0x0E080003`, "how a size is counted is " + ownChoice},
	{`object differs in message 0x0E230003`, "QUIRK: gives a new article number with every change"},

	// Properties that the server works out of others.
	{`object lacks message 0x(00710102|30130102|3016000B|0070001F|0E1F000B|1015001F|10160003|1035001F|3FF10003|3FFD0003|66A10003|67090040|10130102|3FDE0003)`, "gromox makes up conversation, body and locale properties that the client did not set"},
	{`object lacks message attachment \d 0x0FF90102`, "gromox makes up record keys of attachments"},
	{`object (also has|lacks) message 0x(00170003|00360003)`, "defaults of new messages: importance and sensitivity are always set here"},
	{`object lacks folder 0x(0E230003|0E580102|0E5C000B|10F4000B|10F5000B|10F6000B)|08/085: object also has folder 0x30070040`, "gromox sets defaults of new folders"},

	// Copies of messages and folders.
	{`06/\d+: object also has message 0x(0029000B|0C06000B)`, "the contents stream that filled this mailbox brought them; see receipt requests above"},
	{`06/\d+: object also has message 0x(3A120102|65E00102)`, "QUIRK: SendEntryId changes nothing, against MS-OXCFXICS_R3132 and R3133"},
	{`06/\d+: object lacks message 0x(674A0014|67A40014|30080040|65E20102|65E30102)`, "QUIRK: tells ids and versions of copies without SendEntryId, against MS-OXCFXICS_R3134"},
	{`06/\d+: object (differs in|lacks|also has) message attachment \d embedded`, "computed properties of embedded messages: gromox sends an id, status and size of 0"},
	{`06/043: object (differs in message recipients|lacks message recipient)`, "QUIRK: the recipients of a report are missing from contents streams, so this mailbox lacks them"},
	{`06/2(47|51): stream has map`, "QUIRK: copies messages that do not exist in the folder asked, and never tells an error"},
	{`06/259: stream has map\[ClearSubobjects`, "QUIRK: no MetaTagFXDelProp in subfolders, against [MS-OXCFXICS] 2.2.4.3.6"},
	{`06/259: object (also has|lacks) folder`, "which properties a folder's copy has is " + ownChoice},

	// Uploads.
	{`object differs in message recipient \d+ 0x3A40000B`, "QUIRK: PidTagSendRichInfo is the wrong way round"},
	{`object differs in message 0x0E070003|QueryRows 0x0E070003 is`, "QUIRK: an imported change loses mfUnsent and gets mfUnmodified; a conflict has attachments there"},
	{`(07/096|08/053): stream also has message`, "change numbers went apart: gromox uses some more, so that the uploaded state does not hold ours; a foreign source key is replaced there"},
	{`08/053: stream has map`, "as before"},
	{`(08|09|12)/\d+: object differs in header 0x(65E20102|65E30102|67A40014)`, "QUIRK: a move forgets the lineage of a message; change numbers went apart"},
	{`08/080: stream (has map|also has folder)`, "change numbers went apart, see 08/053"},
	{`(08/063|09/096): object differs in folder 0x(65E20102|65E30102)`, "QUIRK: deleting a message changes its folder's change number, against MS-OXCFXICS_R6003"},
	{`09/096: stream (has map|lacks folder)`, "QUIRK: changes in a folder give its parent a new change number"},
	{`08/075: SynchronizationImportHierarchyChange answers NoParentFolder`, "QUIRK: GeneralFailure instead of 0x80040803"},
	{`CreateMessage (HasMessageID|MessageID) is`, "QUIRK: tells an id before the message is saved"},

	// Notifications.
	{`10/\d+: Notify (Flags|TableEvent|RowFolderID|RowMessageID|InsertAfterFolderID|InsertAfterMessageID|RowData) is`, "tables are told that they changed, not which row; [MS-OXCNOTIF] 3.1.4.3 leaves it to the server"},
	{`10/014: Notify MessageID is`, "the id of a delivery is " + ownChoice},
	{`10/(027|03[036]): answers are Notify`, "gromox tells the counts of a folder once for each step"},
	{`10/\d+: Notify (Handle|FolderID|TotalMessageCount|UnreadMessageCount|MessageID|MessageFlags|ParentFolderID|OldFolderID|OldMessageID) is`, "the same events in another order: tables hear of an event before the folder's counts"},

	// Names.
	{`11/00[47]: GetPropertyIDsFromNames (PropertyIDs is|answers ErrorsReturned)`, "QUIRK: an unknown name is no warning ([MS-OXCPRPT] 2.2.12.2), and one more name was known there"},

	// Conflicts.
	{`12/0(62|63|65|67): SynchronizationImportMessageChange answers SyncObjectDeleted`, "QUIRK: a change brings a deleted message back, or is lost with it, against MS-OXCFXICS_R2251"},
	{`12/06[4-8]: (SetProperties|SaveChangesMessage) answers NullObject`, "follows from the former"},
	{`12/\d+: (GetContentsTable RowCount|QueryRows has 23 rows)`, "follows from the former"},
	{`12/\d+: QueryRows 0x(674A0014|0037001F|65E20102|65E30102) is`, "follows from the former: rows are shifted; the winner of a conflict is the last writer here and the client there"},
	{`12/\d+: object (differs in message attachments|lacks message attachment|also has message attachment)`, "QUIRK: sends the conflict resolve message itself, against MS-OXCFXICS_R1816"},
	{`12/\d+: object (differs in|lacks) message (0x\w+|recipient \d+ 0x\w+|recipients)`, "which version wins, and " + unrecorded + " in 12/087 and 12/089"},

	// Chained answers.
	{`15/\d+: answers are .*(GetContentsTable|ReadStream)`, "QUIRK: chains beyond what was asked for, and QueryRows without EnablePackedBuffers, against [MS-OXCRPC] 3.1.4.2.1.2.2"},
	{`15/0(39|44): ReadStream Data is`, "follows from the former: the stream is at its end there"},

	// Submitting.
	{`16/008: SaveChangesMessage MessageID is`, "ids went apart: the first message has moved to Sent Items here"},
	{`16/009: TransportSend PropertyValues is`, "which properties tell of the sender is " + ownChoice},
	{`16/01[49]: (GetContentsTable RowCount|QueryRows)`, "gromox moves submitted messages to Sent Items only as the client asks"},
}

func explained(diff string, patterns []*regexp.Regexp, used []bool) bool {
	for i, p := range patterns {
		if p.MatchString(diff) {
			used[i] = true
			return true
		}
	}
	return false
}
