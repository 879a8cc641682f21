package tnef

import "mailfs/mapi"

// The lists below are parts of the packed form: a code is a place in one of them. They never change; another list is another
// form.

// packedAttributes are the attributes ([MS-OXTNEF] 2.1.3.2) that have codes.
var packedAttributes = [...]attributeKey{
	{}, {levelMessage, 0x00089006}, {levelMessage, attOemCodepage}, {levelMessage, attMessageClass}, {levelMessage, attOriginalMessageClass},
	{levelMessage, attMessageID}, {levelMessage, attDateModified}, {levelMessage, attDateSent}, {levelMessage, attDateRecd},
	{levelMessage, attSubject}, {levelMessage, attPriority}, {levelMessage, attBody}, {levelMessage, attRecipTable}, {levelMessage, attMsgProps},
	{levelMessage, attDateStart}, {levelMessage, attDateEnd}, {levelMessage, 0x00008000}, {levelMessage, 0x00068007},
	{levelMessage, 0x00040009}, {levelMessage, 0x00060000}, {levelMessage, 0x00060001}, {levelMessage, 0x00060002},
	{levelMessage, 0x0006000A}, {levelMessage, 0x0006000B}, {levelMessage, 0x0001800B},
	{levelAttachment, attAttachRendData}, {levelAttachment, attAttachCreateDate}, {levelAttachment, attAttachModifyDate},
	{levelAttachment, attAttachTitle}, {levelAttachment, attAttachMetaFile}, {levelAttachment, attAttachTransportName},
	{levelAttachment, attAttachData}, {levelAttachment, attAttachment},
}

// packedSets are the property sets of named properties that have codes.
var packedSets = [...]mapi.GUID{
	mapi.PSPublicStrings, mapi.PSInternetHeaders, mapi.PSETIDAppointment, mapi.PSETIDTask, mapi.PSETIDAddress, mapi.PSETIDCommon, mapi.PSETIDLog,
	mapi.PSETIDNote, mapi.PSETIDMeeting, mapi.PSETIDUnifiedMessaging, mapi.PSETIDAirSync, mapi.PSETIDCalendarAssistant, mapi.PSETIDAttachment,
	mapi.MustGUID("33EBA41F-7AA2-422E-BE7B-79E1A98E54B3"), // of ConversationIndexTrackingEx
	mapi.MustGUID("23239608-685D-4732-9C55-4C95CB4E8E33"), // of LatestMessageWordCount
}

// packedTags are the tags that have codes. Strings have one code for both of their types.
var packedTags = [...]mapi.PropertyTag{
	0x0002000B, 0x000B0102, 0x00170003, 0x001A001F, 0x0023000B, 0x00260003, 0x0029000B, 0x002B000B, 0x002E0003,
	0x00310102, 0x00320040, 0x00360003, 0x0037001F, 0x00390040, 0x003B0102, 0x003D001F, 0x003F0102, 0x0040001F,
	0x00410102, 0x0042001F, 0x00430102, 0x0044001F, 0x00470102, 0x00480040, 0x0049001F, 0x004C0102, 0x004D001F,
	0x004E0040, 0x0050001F, 0x00510102, 0x00520102, 0x00550040, 0x0057000B, 0x0058000B, 0x0059000B, 0x0063000B,
	0x0064001F, 0x0065001F, 0x0070001F, 0x00710102, 0x0072001F, 0x0073001F, 0x0074001F, 0x0075001F, 0x0076001F,
	0x0077001F, 0x0078001F, 0x007F0102, 0x0080001F, 0x0081001F, 0x0C06000B, 0x0C08000B, 0x0C150003, 0x0C17000B,
	0x0C190102, 0x0C1A001F, 0x0C1D0102, 0x0C1E001F, 0x0C1F001F, 0x0E01000B, 0x0E02001F, 0x0E03001F, 0x0E04001F,
	0x0E060040, 0x0E070003, 0x0E080003, 0x0E090102, 0x0E0A0102, 0x0E140003, 0x0E1B000B, 0x0E1D001F, 0x0E1F000B,
	0x0E200003, 0x0E210003, 0x0E230003, 0x0E28001F, 0x0E29001F, 0x0E2F0003, 0x0E4D0102, 0x0E4E0102, 0x0ECD000B,
	0x0F020040, 0x0F030102, 0x0FF40003, 0x0FF70003, 0x0FF80102, 0x0FF90102, 0x0FFA0102, 0x0FFB0102, 0x0FFE0003,
	0x0FFF0102, 0x1001001F, 0x10060003, 0x10070003, 0x1008001F, 0x10090102, 0x10100003, 0x10110003, 0x10130102,
	0x10160003, 0x1035001F, 0x1036001F, 0x1039001F, 0x1042001F, 0x10800003, 0x10810003, 0x10820040, 0x10F2000B,
	0x10F3001F, 0x10F4000B, 0x10F5000B, 0x10F6000B, 0x12051002, 0x12060003, 0x12130003, 0x30000003, 0x3001001F,
	0x3002001F, 0x3003001F, 0x30070040, 0x30080040, 0x300B0102, 0x30100102, 0x30130102, 0x30140102, 0x3016000B,
	0x340D0003, 0x340F0003, 0x34140102, 0x365A0003, 0x3701000D, 0x37010102, 0x37020102, 0x3703001F, 0x3704001F,
	0x37050003, 0x3707001F, 0x37090102, 0x370A0102, 0x370B0003, 0x370E001F, 0x37100003, 0x3712001F, 0x37140003,
	0x39000003, 0x39FE001F, 0x3A0C001F, 0x3A20001F, 0x3A40000B, 0x3A710003, 0x3FD40102, 0x3FD9001F, 0x3FDE0003,
	0x3FDF0003, 0x3FEA000B, 0x3FF10003, 0x3FF30102, 0x3FF40102, 0x3FF8001F, 0x3FF90102, 0x3FFA001F, 0x3FFB0102,
	0x3FFC001F, 0x3FFD0003, 0x40190003, 0x401A0003, 0x401B0003, 0x401C0003, 0x4022001F, 0x4023001F, 0x4024001F,
	0x4025001F, 0x4030001F, 0x4031001F, 0x4034001F, 0x4035001F, 0x4038001F, 0x4039001F, 0x40590003, 0x405A0003,
	0x40680102, 0x40690102, 0x40760003, 0x57FE001F, 0x59020003, 0x59090003, 0x5D01001F, 0x5D02001F, 0x5D09001F,
	0x5D0A001F, 0x5D0B001F, 0x5FE5001F, 0x5FF6001F, 0x5FF70102, 0x5FFD0003, 0x5FFF0003, 0x65400003, 0x65E20102,
	0x65E30102, 0x7FFA0003, 0x7FFB0040, 0x7FFC0040, 0x7FFD0003, 0x7FFE000B, 0x7FFF000B,
}
