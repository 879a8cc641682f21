package rop

// The remote operations ([MS-OXCROPS] 2.2.2). The comments name the section that
// describes each.
const (
	IDLogon                                    ID = 0xFE // 2.2.3.1
	IDGetReceiveFolder                         ID = 0x27 // 2.2.3.2
	IDSetReceiveFolder                         ID = 0x26 // 2.2.3.3
	IDGetReceiveFolderTable                    ID = 0x68 // 2.2.3.4
	IDGetStoreState                            ID = 0x7B // 2.2.3.5
	IDGetOwningServers                         ID = 0x42 // 2.2.3.6
	IDPublicFolderIsGhosted                    ID = 0x45 // 2.2.3.7
	IDLongTermIDFromID                         ID = 0x43 // 2.2.3.8
	IDIDFromLongTermID                         ID = 0x44 // 2.2.3.9
	IDGetPerUserLongTermIDs                    ID = 0x60 // 2.2.3.10
	IDGetPerUserGUID                           ID = 0x61 // 2.2.3.11
	IDReadPerUserInformation                   ID = 0x63 // 2.2.3.12
	IDWritePerUserInformation                  ID = 0x64 // 2.2.3.13
	IDOpenFolder                               ID = 0x02 // 2.2.4.1
	IDCreateFolder                             ID = 0x1C // 2.2.4.2
	IDDeleteFolder                             ID = 0x1D // 2.2.4.3
	IDSetSearchCriteria                        ID = 0x30 // 2.2.4.4
	IDGetSearchCriteria                        ID = 0x31 // 2.2.4.5
	IDMoveCopyMessages                         ID = 0x33 // 2.2.4.6
	IDMoveFolder                               ID = 0x35 // 2.2.4.7
	IDCopyFolder                               ID = 0x36 // 2.2.4.8
	IDEmptyFolder                              ID = 0x58 // 2.2.4.9
	IDHardDeleteMessagesAndSubfolders          ID = 0x92 // 2.2.4.10
	IDDeleteMessages                           ID = 0x1E // 2.2.4.11
	IDHardDeleteMessages                       ID = 0x91 // 2.2.4.12
	IDGetHierarchyTable                        ID = 0x04 // 2.2.4.13
	IDGetContentsTable                         ID = 0x05 // 2.2.4.14
	IDSetColumns                               ID = 0x12 // 2.2.5.1
	IDSortTable                                ID = 0x13 // 2.2.5.2
	IDRestrict                                 ID = 0x14 // 2.2.5.3
	IDQueryRows                                ID = 0x15 // 2.2.5.4
	IDAbort                                    ID = 0x38 // 2.2.5.5
	IDGetStatus                                ID = 0x16 // 2.2.5.6
	IDQueryPosition                            ID = 0x17 // 2.2.5.7
	IDSeekRow                                  ID = 0x18 // 2.2.5.8
	IDSeekRowBookmark                          ID = 0x19 // 2.2.5.9
	IDSeekRowFractional                        ID = 0x1A // 2.2.5.10
	IDCreateBookmark                           ID = 0x1B // 2.2.5.11
	IDQueryColumnsAll                          ID = 0x37 // 2.2.5.12
	IDFindRow                                  ID = 0x4F // 2.2.5.13
	IDFreeBookmark                             ID = 0x89 // 2.2.5.14
	IDResetTable                               ID = 0x81 // 2.2.5.15
	IDExpandRow                                ID = 0x59 // 2.2.5.16
	IDCollapseRow                              ID = 0x5A // 2.2.5.17
	IDGetCollapseState                         ID = 0x6B // 2.2.5.18
	IDSetCollapseState                         ID = 0x6C // 2.2.5.19
	IDOpenMessage                              ID = 0x03 // 2.2.6.1
	IDCreateMessage                            ID = 0x06 // 2.2.6.2
	IDSaveChangesMessage                       ID = 0x0C // 2.2.6.3
	IDRemoveAllRecipients                      ID = 0x0D // 2.2.6.4
	IDModifyRecipients                         ID = 0x0E // 2.2.6.5
	IDReadRecipients                           ID = 0x0F // 2.2.6.6
	IDReloadCachedInformation                  ID = 0x10 // 2.2.6.7
	IDSetMessageStatus                         ID = 0x20 // 2.2.6.8
	IDGetMessageStatus                         ID = 0x1F // 2.2.6.9
	IDSetReadFlags                             ID = 0x66 // 2.2.6.10
	IDSetMessageReadFlag                       ID = 0x11 // 2.2.6.11
	IDOpenAttachment                           ID = 0x22 // 2.2.6.12
	IDCreateAttachment                         ID = 0x23 // 2.2.6.13
	IDDeleteAttachment                         ID = 0x24 // 2.2.6.14
	IDSaveChangesAttachment                    ID = 0x25 // 2.2.6.15
	IDOpenEmbeddedMessage                      ID = 0x46 // 2.2.6.16
	IDGetAttachmentTable                       ID = 0x21 // 2.2.6.17
	IDGetValidAttachments                      ID = 0x52 // 2.2.6.18
	IDSubmitMessage                            ID = 0x32 // 2.2.7.1
	IDAbortSubmit                              ID = 0x34 // 2.2.7.2
	IDGetAddressTypes                          ID = 0x49 // 2.2.7.3
	IDSetSpooler                               ID = 0x47 // 2.2.7.4
	IDSpoolerLockMessage                       ID = 0x48 // 2.2.7.5
	IDTransportSend                            ID = 0x4A // 2.2.7.6
	IDTransportNewMail                         ID = 0x51 // 2.2.7.7
	IDGetTransportFolder                       ID = 0x6D // 2.2.7.8
	IDOptionsData                              ID = 0x6F // 2.2.7.9
	IDGetPropertyIDsFromNames                  ID = 0x56 // 2.2.8.1
	IDGetNamesFromPropertyIDs                  ID = 0x55 // 2.2.8.2
	IDGetPropertiesSpecific                    ID = 0x07 // 2.2.8.3
	IDGetPropertiesAll                         ID = 0x08 // 2.2.8.4
	IDGetPropertiesList                        ID = 0x09 // 2.2.8.5
	IDSetProperties                            ID = 0x0A // 2.2.8.6
	IDSetPropertiesNoReplicate                 ID = 0x79 // 2.2.8.7
	IDDeleteProperties                         ID = 0x0B // 2.2.8.8
	IDDeletePropertiesNoReplicate              ID = 0x7A // 2.2.8.9
	IDQueryNamedProperties                     ID = 0x5F // 2.2.8.10
	IDCopyProperties                           ID = 0x67 // 2.2.8.11
	IDCopyTo                                   ID = 0x39 // 2.2.8.12
	IDProgress                                 ID = 0x50 // 2.2.8.13
	IDOpenStream                               ID = 0x2B // 2.2.9.1
	IDReadStream                               ID = 0x2C // 2.2.9.2
	IDWriteStream                              ID = 0x2D // 2.2.9.3
	IDWriteStreamExtended                      ID = 0xA3 // 2.2.9.4
	IDCommitStream                             ID = 0x5D // 2.2.9.5
	IDGetStreamSize                            ID = 0x5E // 2.2.9.6
	IDSetStreamSize                            ID = 0x2F // 2.2.9.7
	IDSeekStream                               ID = 0x2E // 2.2.9.8
	IDCopyToStream                             ID = 0x3A // 2.2.9.9
	IDLockRegionStream                         ID = 0x5B // 2.2.9.10
	IDUnlockRegionStream                       ID = 0x5C // 2.2.9.11
	IDWriteAndCommitStream                     ID = 0x90 // 2.2.9.12
	IDCloneStream                              ID = 0x3B // 2.2.9.13
	IDModifyPermissions                        ID = 0x40 // 2.2.10.1
	IDGetPermissionsTable                      ID = 0x3E // 2.2.10.2
	IDModifyRules                              ID = 0x41 // 2.2.11.1
	IDGetRulesTable                            ID = 0x3F // 2.2.11.2
	IDUpdateDeferredActionMessages             ID = 0x57 // 2.2.11.3
	IDFastTransferDestinationConfigure         ID = 0x53 // 2.2.12.1
	IDFastTransferDestinationPutBuffer         ID = 0x54 // 2.2.12.2
	IDFastTransferDestinationPutBufferExtended ID = 0x9D // 2.2.12.3
	IDFastTransferSourceGetBuffer              ID = 0x4E // 2.2.12.4
	IDFastTransferSourceCopyFolder             ID = 0x4C // 2.2.12.5
	IDFastTransferSourceCopyMessages           ID = 0x4B // 2.2.12.6
	IDFastTransferSourceCopyTo                 ID = 0x4D // 2.2.12.7
	IDFastTransferSourceCopyProperties         ID = 0x69 // 2.2.12.8
	IDTellVersion                              ID = 0x86 // 2.2.12.9
	IDSynchronizationConfigure                 ID = 0x70 // 2.2.13.1
	IDSynchronizationImportMessageChange       ID = 0x72 // 2.2.13.2
	IDSynchronizationImportReadStateChanges    ID = 0x80 // 2.2.13.3
	IDSynchronizationImportHierarchyChange     ID = 0x73 // 2.2.13.4
	IDSynchronizationImportDeletes             ID = 0x74 // 2.2.13.5
	IDSynchronizationImportMessageMove         ID = 0x78 // 2.2.13.6
	IDSynchronizationOpenCollector             ID = 0x7E // 2.2.13.7
	IDSynchronizationGetTransferState          ID = 0x82 // 2.2.13.8
	IDSynchronizationUploadStateStreamBegin    ID = 0x75 // 2.2.13.9
	IDSynchronizationUploadStateStreamContinue ID = 0x76 // 2.2.13.10
	IDSynchronizationUploadStateStreamEnd      ID = 0x77 // 2.2.13.11
	IDSetLocalReplicaMidsetDeleted             ID = 0x93 // 2.2.13.12
	IDGetLocalReplicaIDs                       ID = 0x7F // 2.2.13.13
	IDRegisterNotification                     ID = 0x29 // 2.2.14.1
	IDRelease                                  ID = 0x01 // 2.2.15.3
	IDNotify                                   ID = 0x2A // 2.2.14.2
	IDPending                                  ID = 0x6E // 2.2.14.3
	IDBackoff                                  ID = 0xF9 // 2.2.15.2
	IDBufferTooSmall                           ID = 0xFF // 2.2.15.1
)

// operation holds the constructors of one remote operation. request is nil for what
// only a server sends, response for what is not answered.
type operation struct {
	name     string
	request  func() Request
	response func() Response
}

var operations = map[ID]operation{
	IDLogon:                            {"Logon", func() Request { return new(LogonRequest) }, func() Response { return new(LogonResponse) }},
	IDGetReceiveFolder:                 {"GetReceiveFolder", func() Request { return new(GetReceiveFolderRequest) }, func() Response { return new(GetReceiveFolderResponse) }},
	IDSetReceiveFolder:                 {"SetReceiveFolder", func() Request { return new(SetReceiveFolderRequest) }, func() Response { return new(SetReceiveFolderResponse) }},
	IDGetReceiveFolderTable:            {"GetReceiveFolderTable", func() Request { return new(GetReceiveFolderTableRequest) }, func() Response { return new(GetReceiveFolderTableResponse) }},
	IDGetStoreState:                    {"GetStoreState", func() Request { return new(GetStoreStateRequest) }, func() Response { return new(GetStoreStateResponse) }},
	IDGetOwningServers:                 {"GetOwningServers", func() Request { return new(GetOwningServersRequest) }, func() Response { return new(GetOwningServersResponse) }},
	IDPublicFolderIsGhosted:            {"PublicFolderIsGhosted", func() Request { return new(PublicFolderIsGhostedRequest) }, func() Response { return new(PublicFolderIsGhostedResponse) }},
	IDLongTermIDFromID:                 {"LongTermIDFromID", func() Request { return new(LongTermIDFromIDRequest) }, func() Response { return new(LongTermIDFromIDResponse) }},
	IDIDFromLongTermID:                 {"IDFromLongTermID", func() Request { return new(IDFromLongTermIDRequest) }, func() Response { return new(IDFromLongTermIDResponse) }},
	IDGetPerUserLongTermIDs:            {"GetPerUserLongTermIDs", func() Request { return new(GetPerUserLongTermIDsRequest) }, func() Response { return new(GetPerUserLongTermIDsResponse) }},
	IDGetPerUserGUID:                   {"GetPerUserGUID", func() Request { return new(GetPerUserGUIDRequest) }, func() Response { return new(GetPerUserGUIDResponse) }},
	IDReadPerUserInformation:           {"ReadPerUserInformation", func() Request { return new(ReadPerUserInformationRequest) }, func() Response { return new(ReadPerUserInformationResponse) }},
	IDWritePerUserInformation:          {"WritePerUserInformation", func() Request { return new(WritePerUserInformationRequest) }, func() Response { return new(WritePerUserInformationResponse) }},
	IDOpenFolder:                       {"OpenFolder", func() Request { return new(OpenFolderRequest) }, func() Response { return new(OpenFolderResponse) }},
	IDCreateFolder:                     {"CreateFolder", func() Request { return new(CreateFolderRequest) }, func() Response { return new(CreateFolderResponse) }},
	IDDeleteFolder:                     {"DeleteFolder", func() Request { return new(DeleteFolderRequest) }, func() Response { return new(DeleteFolderResponse) }},
	IDSetSearchCriteria:                {"SetSearchCriteria", func() Request { return new(SetSearchCriteriaRequest) }, func() Response { return new(SetSearchCriteriaResponse) }},
	IDGetSearchCriteria:                {"GetSearchCriteria", func() Request { return new(GetSearchCriteriaRequest) }, func() Response { return new(GetSearchCriteriaResponse) }},
	IDMoveCopyMessages:                 {"MoveCopyMessages", func() Request { return new(MoveCopyMessagesRequest) }, func() Response { return new(MoveCopyMessagesResponse) }},
	IDMoveFolder:                       {"MoveFolder", func() Request { return new(MoveFolderRequest) }, func() Response { return new(MoveFolderResponse) }},
	IDCopyFolder:                       {"CopyFolder", func() Request { return new(CopyFolderRequest) }, func() Response { return new(CopyFolderResponse) }},
	IDEmptyFolder:                      {"EmptyFolder", func() Request { return new(EmptyFolderRequest) }, func() Response { return new(EmptyFolderResponse) }},
	IDHardDeleteMessagesAndSubfolders:  {"HardDeleteMessagesAndSubfolders", func() Request { return new(HardDeleteMessagesAndSubfoldersRequest) }, func() Response { return new(HardDeleteMessagesAndSubfoldersResponse) }},
	IDDeleteMessages:                   {"DeleteMessages", func() Request { return new(DeleteMessagesRequest) }, func() Response { return new(DeleteMessagesResponse) }},
	IDHardDeleteMessages:               {"HardDeleteMessages", func() Request { return new(HardDeleteMessagesRequest) }, func() Response { return new(HardDeleteMessagesResponse) }},
	IDGetHierarchyTable:                {"GetHierarchyTable", func() Request { return new(GetHierarchyTableRequest) }, func() Response { return new(GetHierarchyTableResponse) }},
	IDGetContentsTable:                 {"GetContentsTable", func() Request { return new(GetContentsTableRequest) }, func() Response { return new(GetContentsTableResponse) }},
	IDSetColumns:                       {"SetColumns", func() Request { return new(SetColumnsRequest) }, func() Response { return new(SetColumnsResponse) }},
	IDSortTable:                        {"SortTable", func() Request { return new(SortTableRequest) }, func() Response { return new(SortTableResponse) }},
	IDRestrict:                         {"Restrict", func() Request { return new(RestrictRequest) }, func() Response { return new(RestrictResponse) }},
	IDQueryRows:                        {"QueryRows", func() Request { return new(QueryRowsRequest) }, func() Response { return new(QueryRowsResponse) }},
	IDAbort:                            {"Abort", func() Request { return new(AbortRequest) }, func() Response { return new(AbortResponse) }},
	IDGetStatus:                        {"GetStatus", func() Request { return new(GetStatusRequest) }, func() Response { return new(GetStatusResponse) }},
	IDQueryPosition:                    {"QueryPosition", func() Request { return new(QueryPositionRequest) }, func() Response { return new(QueryPositionResponse) }},
	IDSeekRow:                          {"SeekRow", func() Request { return new(SeekRowRequest) }, func() Response { return new(SeekRowResponse) }},
	IDSeekRowBookmark:                  {"SeekRowBookmark", func() Request { return new(SeekRowBookmarkRequest) }, func() Response { return new(SeekRowBookmarkResponse) }},
	IDSeekRowFractional:                {"SeekRowFractional", func() Request { return new(SeekRowFractionalRequest) }, func() Response { return new(SeekRowFractionalResponse) }},
	IDCreateBookmark:                   {"CreateBookmark", func() Request { return new(CreateBookmarkRequest) }, func() Response { return new(CreateBookmarkResponse) }},
	IDQueryColumnsAll:                  {"QueryColumnsAll", func() Request { return new(QueryColumnsAllRequest) }, func() Response { return new(QueryColumnsAllResponse) }},
	IDFindRow:                          {"FindRow", func() Request { return new(FindRowRequest) }, func() Response { return new(FindRowResponse) }},
	IDFreeBookmark:                     {"FreeBookmark", func() Request { return new(FreeBookmarkRequest) }, func() Response { return new(FreeBookmarkResponse) }},
	IDResetTable:                       {"ResetTable", func() Request { return new(ResetTableRequest) }, func() Response { return new(ResetTableResponse) }},
	IDExpandRow:                        {"ExpandRow", func() Request { return new(ExpandRowRequest) }, func() Response { return new(ExpandRowResponse) }},
	IDCollapseRow:                      {"CollapseRow", func() Request { return new(CollapseRowRequest) }, func() Response { return new(CollapseRowResponse) }},
	IDGetCollapseState:                 {"GetCollapseState", func() Request { return new(GetCollapseStateRequest) }, func() Response { return new(GetCollapseStateResponse) }},
	IDSetCollapseState:                 {"SetCollapseState", func() Request { return new(SetCollapseStateRequest) }, func() Response { return new(SetCollapseStateResponse) }},
	IDOpenMessage:                      {"OpenMessage", func() Request { return new(OpenMessageRequest) }, func() Response { return new(OpenMessageResponse) }},
	IDCreateMessage:                    {"CreateMessage", func() Request { return new(CreateMessageRequest) }, func() Response { return new(CreateMessageResponse) }},
	IDSaveChangesMessage:               {"SaveChangesMessage", func() Request { return new(SaveChangesMessageRequest) }, func() Response { return new(SaveChangesMessageResponse) }},
	IDRemoveAllRecipients:              {"RemoveAllRecipients", func() Request { return new(RemoveAllRecipientsRequest) }, func() Response { return new(RemoveAllRecipientsResponse) }},
	IDModifyRecipients:                 {"ModifyRecipients", func() Request { return new(ModifyRecipientsRequest) }, func() Response { return new(ModifyRecipientsResponse) }},
	IDReadRecipients:                   {"ReadRecipients", func() Request { return new(ReadRecipientsRequest) }, func() Response { return new(ReadRecipientsResponse) }},
	IDReloadCachedInformation:          {"ReloadCachedInformation", func() Request { return new(ReloadCachedInformationRequest) }, func() Response { return new(ReloadCachedInformationResponse) }},
	IDSetMessageStatus:                 {"SetMessageStatus", func() Request { return new(SetMessageStatusRequest) }, func() Response { return new(SetMessageStatusResponse) }},
	IDGetMessageStatus:                 {"GetMessageStatus", func() Request { return new(GetMessageStatusRequest) }, func() Response { return new(SetMessageStatusResponse) }},
	IDSetReadFlags:                     {"SetReadFlags", func() Request { return new(SetReadFlagsRequest) }, func() Response { return new(SetReadFlagsResponse) }},
	IDSetMessageReadFlag:               {"SetMessageReadFlag", func() Request { return new(SetMessageReadFlagRequest) }, func() Response { return new(SetMessageReadFlagResponse) }},
	IDOpenAttachment:                   {"OpenAttachment", func() Request { return new(OpenAttachmentRequest) }, func() Response { return new(OpenAttachmentResponse) }},
	IDCreateAttachment:                 {"CreateAttachment", func() Request { return new(CreateAttachmentRequest) }, func() Response { return new(CreateAttachmentResponse) }},
	IDDeleteAttachment:                 {"DeleteAttachment", func() Request { return new(DeleteAttachmentRequest) }, func() Response { return new(DeleteAttachmentResponse) }},
	IDSaveChangesAttachment:            {"SaveChangesAttachment", func() Request { return new(SaveChangesAttachmentRequest) }, func() Response { return new(SaveChangesAttachmentResponse) }},
	IDOpenEmbeddedMessage:              {"OpenEmbeddedMessage", func() Request { return new(OpenEmbeddedMessageRequest) }, func() Response { return new(OpenEmbeddedMessageResponse) }},
	IDGetAttachmentTable:               {"GetAttachmentTable", func() Request { return new(GetAttachmentTableRequest) }, func() Response { return new(GetAttachmentTableResponse) }},
	IDGetValidAttachments:              {"GetValidAttachments", func() Request { return new(GetValidAttachmentsRequest) }, func() Response { return new(GetValidAttachmentsResponse) }},
	IDSubmitMessage:                    {"SubmitMessage", func() Request { return new(SubmitMessageRequest) }, func() Response { return new(SubmitMessageResponse) }},
	IDAbortSubmit:                      {"AbortSubmit", func() Request { return new(AbortSubmitRequest) }, func() Response { return new(AbortSubmitResponse) }},
	IDGetAddressTypes:                  {"GetAddressTypes", func() Request { return new(GetAddressTypesRequest) }, func() Response { return new(GetAddressTypesResponse) }},
	IDSetSpooler:                       {"SetSpooler", func() Request { return new(SetSpoolerRequest) }, func() Response { return new(SetSpoolerResponse) }},
	IDSpoolerLockMessage:               {"SpoolerLockMessage", func() Request { return new(SpoolerLockMessageRequest) }, func() Response { return new(SpoolerLockMessageResponse) }},
	IDTransportSend:                    {"TransportSend", func() Request { return new(TransportSendRequest) }, func() Response { return new(TransportSendResponse) }},
	IDTransportNewMail:                 {"TransportNewMail", func() Request { return new(TransportNewMailRequest) }, func() Response { return new(TransportNewMailResponse) }},
	IDGetTransportFolder:               {"GetTransportFolder", func() Request { return new(GetTransportFolderRequest) }, func() Response { return new(GetTransportFolderResponse) }},
	IDOptionsData:                      {"OptionsData", func() Request { return new(OptionsDataRequest) }, func() Response { return new(OptionsDataResponse) }},
	IDGetPropertyIDsFromNames:          {"GetPropertyIDsFromNames", func() Request { return new(GetPropertyIDsFromNamesRequest) }, func() Response { return new(GetPropertyIDsFromNamesResponse) }},
	IDGetNamesFromPropertyIDs:          {"GetNamesFromPropertyIDs", func() Request { return new(GetNamesFromPropertyIDsRequest) }, func() Response { return new(GetNamesFromPropertyIDsResponse) }},
	IDGetPropertiesSpecific:            {"GetPropertiesSpecific", func() Request { return new(GetPropertiesSpecificRequest) }, func() Response { return new(GetPropertiesSpecificResponse) }},
	IDGetPropertiesAll:                 {"GetPropertiesAll", func() Request { return new(GetPropertiesAllRequest) }, func() Response { return new(GetPropertiesAllResponse) }},
	IDGetPropertiesList:                {"GetPropertiesList", func() Request { return new(GetPropertiesListRequest) }, func() Response { return new(GetPropertiesListResponse) }},
	IDSetProperties:                    {"SetProperties", func() Request { return new(SetPropertiesRequest) }, func() Response { return new(SetPropertiesResponse) }},
	IDSetPropertiesNoReplicate:         {"SetPropertiesNoReplicate", func() Request { return new(SetPropertiesNoReplicateRequest) }, func() Response { return new(SetPropertiesNoReplicateResponse) }},
	IDDeleteProperties:                 {"DeleteProperties", func() Request { return new(DeletePropertiesRequest) }, func() Response { return new(DeletePropertiesResponse) }},
	IDDeletePropertiesNoReplicate:      {"DeletePropertiesNoReplicate", func() Request { return new(DeletePropertiesNoReplicateRequest) }, func() Response { return new(DeletePropertiesNoReplicateResponse) }},
	IDQueryNamedProperties:             {"QueryNamedProperties", func() Request { return new(QueryNamedPropertiesRequest) }, func() Response { return new(QueryNamedPropertiesResponse) }},
	IDCopyProperties:                   {"CopyProperties", func() Request { return new(CopyPropertiesRequest) }, func() Response { return new(CopyPropertiesResponse) }},
	IDCopyTo:                           {"CopyTo", func() Request { return new(CopyToRequest) }, func() Response { return new(CopyToResponse) }},
	IDProgress:                         {"Progress", func() Request { return new(ProgressRequest) }, func() Response { return new(ProgressResponse) }},
	IDOpenStream:                       {"OpenStream", func() Request { return new(OpenStreamRequest) }, func() Response { return new(OpenStreamResponse) }},
	IDReadStream:                       {"ReadStream", func() Request { return new(ReadStreamRequest) }, func() Response { return new(ReadStreamResponse) }},
	IDWriteStream:                      {"WriteStream", func() Request { return new(WriteStreamRequest) }, func() Response { return new(WriteStreamResponse) }},
	IDWriteStreamExtended:              {"WriteStreamExtended", func() Request { return new(WriteStreamExtendedRequest) }, func() Response { return new(WriteStreamExtendedResponse) }},
	IDCommitStream:                     {"CommitStream", func() Request { return new(CommitStreamRequest) }, func() Response { return new(CommitStreamResponse) }},
	IDGetStreamSize:                    {"GetStreamSize", func() Request { return new(GetStreamSizeRequest) }, func() Response { return new(GetStreamSizeResponse) }},
	IDSetStreamSize:                    {"SetStreamSize", func() Request { return new(SetStreamSizeRequest) }, func() Response { return new(SetStreamSizeResponse) }},
	IDSeekStream:                       {"SeekStream", func() Request { return new(SeekStreamRequest) }, func() Response { return new(SeekStreamResponse) }},
	IDCopyToStream:                     {"CopyToStream", func() Request { return new(CopyToStreamRequest) }, func() Response { return new(CopyToStreamResponse) }},
	IDLockRegionStream:                 {"LockRegionStream", func() Request { return new(LockRegionStreamRequest) }, func() Response { return new(LockRegionStreamResponse) }},
	IDUnlockRegionStream:               {"UnlockRegionStream", func() Request { return new(UnlockRegionStreamRequest) }, func() Response { return new(UnlockRegionStreamResponse) }},
	IDWriteAndCommitStream:             {"WriteAndCommitStream", func() Request { return new(WriteAndCommitStreamRequest) }, func() Response { return new(WriteAndCommitStreamResponse) }},
	IDCloneStream:                      {"CloneStream", func() Request { return new(CloneStreamRequest) }, func() Response { return new(CloneStreamResponse) }},
	IDModifyPermissions:                {"ModifyPermissions", func() Request { return new(ModifyPermissionsRequest) }, func() Response { return new(ModifyPermissionsResponse) }},
	IDGetPermissionsTable:              {"GetPermissionsTable", func() Request { return new(GetPermissionsTableRequest) }, func() Response { return new(GetPermissionsTableResponse) }},
	IDModifyRules:                      {"ModifyRules", func() Request { return new(ModifyRulesRequest) }, func() Response { return new(ModifyRulesResponse) }},
	IDGetRulesTable:                    {"GetRulesTable", func() Request { return new(GetRulesTableRequest) }, func() Response { return new(GetRulesTableResponse) }},
	IDUpdateDeferredActionMessages:     {"UpdateDeferredActionMessages", func() Request { return new(UpdateDeferredActionMessagesRequest) }, func() Response { return new(UpdateDeferredActionMessagesResponse) }},
	IDFastTransferDestinationConfigure: {"FastTransferDestinationConfigure", func() Request { return new(FastTransferDestinationConfigureRequest) }, func() Response { return new(FastTransferDestinationConfigureResponse) }},
	IDFastTransferDestinationPutBuffer: {"FastTransferDestinationPutBuffer", func() Request { return new(FastTransferDestinationPutBufferRequest) }, func() Response { return new(FastTransferDestinationPutBufferResponse) }},
	IDFastTransferDestinationPutBufferExtended: {"FastTransferDestinationPutBufferExtended", func() Request { return new(FastTransferDestinationPutBufferExtendedRequest) }, func() Response { return new(FastTransferDestinationPutBufferExtendedResponse) }},
	IDFastTransferSourceGetBuffer:              {"FastTransferSourceGetBuffer", func() Request { return new(FastTransferSourceGetBufferRequest) }, func() Response { return new(FastTransferSourceGetBufferResponse) }},
	IDFastTransferSourceCopyFolder:             {"FastTransferSourceCopyFolder", func() Request { return new(FastTransferSourceCopyFolderRequest) }, func() Response { return new(FastTransferSourceCopyFolderResponse) }},
	IDFastTransferSourceCopyMessages:           {"FastTransferSourceCopyMessages", func() Request { return new(FastTransferSourceCopyMessagesRequest) }, func() Response { return new(FastTransferSourceCopyMessagesResponse) }},
	IDFastTransferSourceCopyTo:                 {"FastTransferSourceCopyTo", func() Request { return new(FastTransferSourceCopyToRequest) }, func() Response { return new(FastTransferSourceCopyToResponse) }},
	IDFastTransferSourceCopyProperties:         {"FastTransferSourceCopyProperties", func() Request { return new(FastTransferSourceCopyPropertiesRequest) }, func() Response { return new(FastTransferSourceCopyPropertiesResponse) }},
	IDTellVersion:                              {"TellVersion", func() Request { return new(TellVersionRequest) }, func() Response { return new(TellVersionResponse) }},
	IDSynchronizationConfigure:                 {"SynchronizationConfigure", func() Request { return new(SynchronizationConfigureRequest) }, func() Response { return new(SynchronizationConfigureResponse) }},
	IDSynchronizationImportMessageChange:       {"SynchronizationImportMessageChange", func() Request { return new(SynchronizationImportMessageChangeRequest) }, func() Response { return new(SynchronizationImportMessageChangeResponse) }},
	IDSynchronizationImportReadStateChanges:    {"SynchronizationImportReadStateChanges", func() Request { return new(SynchronizationImportReadStateChangesRequest) }, func() Response { return new(SynchronizationImportReadStateChangesResponse) }},
	IDSynchronizationImportHierarchyChange:     {"SynchronizationImportHierarchyChange", func() Request { return new(SynchronizationImportHierarchyChangeRequest) }, func() Response { return new(SynchronizationImportHierarchyChangeResponse) }},
	IDSynchronizationImportDeletes:             {"SynchronizationImportDeletes", func() Request { return new(SynchronizationImportDeletesRequest) }, func() Response { return new(SynchronizationImportDeletesResponse) }},
	IDSynchronizationImportMessageMove:         {"SynchronizationImportMessageMove", func() Request { return new(SynchronizationImportMessageMoveRequest) }, func() Response { return new(SynchronizationImportMessageMoveResponse) }},
	IDSynchronizationOpenCollector:             {"SynchronizationOpenCollector", func() Request { return new(SynchronizationOpenCollectorRequest) }, func() Response { return new(SynchronizationOpenCollectorResponse) }},
	IDSynchronizationGetTransferState:          {"SynchronizationGetTransferState", func() Request { return new(SynchronizationGetTransferStateRequest) }, func() Response { return new(SynchronizationGetTransferStateResponse) }},
	IDSynchronizationUploadStateStreamBegin:    {"SynchronizationUploadStateStreamBegin", func() Request { return new(SynchronizationUploadStateStreamBeginRequest) }, func() Response { return new(SynchronizationUploadStateStreamBeginResponse) }},
	IDSynchronizationUploadStateStreamContinue: {"SynchronizationUploadStateStreamContinue", func() Request { return new(SynchronizationUploadStateStreamContinueRequest) }, func() Response { return new(SynchronizationUploadStateStreamContinueResponse) }},
	IDSynchronizationUploadStateStreamEnd:      {"SynchronizationUploadStateStreamEnd", func() Request { return new(SynchronizationUploadStateStreamEndRequest) }, func() Response { return new(SynchronizationUploadStateStreamEndResponse) }},
	IDSetLocalReplicaMidsetDeleted:             {"SetLocalReplicaMidsetDeleted", func() Request { return new(SetLocalReplicaMidsetDeletedRequest) }, func() Response { return new(SetLocalReplicaMidsetDeletedResponse) }},
	IDGetLocalReplicaIDs:                       {"GetLocalReplicaIDs", func() Request { return new(GetLocalReplicaIDsRequest) }, func() Response { return new(GetLocalReplicaIDsResponse) }},
	IDRegisterNotification:                     {"RegisterNotification", func() Request { return new(RegisterNotificationRequest) }, func() Response { return new(RegisterNotificationResponse) }},
	IDRelease:                                  {"Release", func() Request { return new(ReleaseRequest) }, nil},
	IDNotify:                                   {"Notify", nil, func() Response { return new(Notify) }},
	IDPending:                                  {"Pending", nil, func() Response { return new(Pending) }},
	IDBackoff:                                  {"Backoff", nil, func() Response { return new(Backoff) }},
	IDBufferTooSmall:                           {"BufferTooSmall", nil, func() Response { return new(BufferTooSmall) }},
}

// newRequest returns an empty request, nil for an unknown operation.
func newRequest(id ID) Request {
	if f := operations[id].request; f != nil {
		return f()
	}
	return nil
}

// newResponse returns an empty response, nil for an unknown operation or one that is
// not answered.
func newResponse(id ID) Response {
	if f := operations[id].response; f != nil {
		return f()
	}
	return nil
}
