package rop

import "mailfs/mapi"

// The size of an answer is not known before it comes, but a server that runs out of
// room has to hand the rest of the requests back ([MS-OXCROPS] 2.2.15.1), and not
// every server does that well. QUIRK: gromox 3.10 carries out the operation whose answer
// does not fit, and fails the whole buffer where the requests that it hands back do
// not fit either. So buffers are packed by what their answers are likely to take.

// roomLimit is what the answers of one buffer may take, by estimate: a payload without
// the sizes around it, and with some space for events.
const roomLimit = MaxPayload - 0x200

// greedyStart is the least room in which it makes sense to start an operation that
// takes all there is.
const greedyStart = 0x2000

// answerRoom estimates what the answer to q takes. greedy says that the answer adapts
// itself to what is left and may use up to size; nothing should follow it then.
func answerRoom(q Request) (size int, greedy bool) {
	switch q := q.(type) {
	case *FastTransferSourceGetBufferRequest:
		if q.BufferSize != BufferSizeMarker {
			return 21 + int(q.BufferSize), false
		}
		return 21 + int(q.MaximumBufferSize), true
	case *ReadStreamRequest:
		if q.ByteCount != BufferSizeMarker {
			return 8 + int(q.ByteCount), false
		}
		return 8 + int(min(q.MaximumByteCount, MaxPayload)), true
	case *QueryRowsRequest:
		return 9 + 256*int(q.RowCount), true
	case *GetPropertiesSpecificRequest:
		return 7 + rowRoom(q.PropertyTags, int(q.PropertySizeLimit)), false
	case *GetPropertiesAllRequest:
		return greedyStart, false
	case *OpenMessageRequest, *OpenEmbeddedMessageRequest, *ReloadCachedInformationRequest:
		return 0x400, false
	case *ReadRecipientsRequest, *GetPropertiesListRequest, *QueryColumnsAllRequest,
		*QueryNamedPropertiesRequest, *GetReceiveFolderTableRequest, *GetSearchCriteriaRequest,
		*FindRowRequest, *ExpandRowRequest, *GetCollapseStateRequest, *OptionsDataRequest:
		return 0x800, false
	case *GetNamesFromPropertyIDsRequest:
		return 8 + 100*len(q.PropertyIDs), false
	case *GetPropertyIDsFromNamesRequest:
		return 8 + 2*len(q.PropertyNames), false
	case *ReadPerUserInformationRequest:
		return 9 + int(q.MaxDataSize), false
	case *LogonRequest:
		return 180, false
	case *SynchronizationUploadStateStreamBeginRequest, *SynchronizationUploadStateStreamContinueRequest,
		*SynchronizationUploadStateStreamEndRequest, *SynchronizationConfigureRequest,
		*SynchronizationOpenCollectorRequest, *OpenFolderRequest:
		return 8, false // so many of them travel together that it counts
	}
	return 40, false
}

// rowRoom estimates the size of a row. limit is that of a value, 0 for none.
func rowRoom(columns []mapi.PropertyTag, limit int) int {
	n := 1
	for _, tag := range columns {
		n += 1 + valueRoom(tag, limit)
	}
	return n
}

// longValue is how long a string or binary value is taken to be at most; those that
// are meant to be long are read as streams.
const longValue = 0x100

func valueRoom(tag mapi.PropertyTag, limit int) int {
	switch tag {
	case mapi.PidTagSourceKey, mapi.PidTagParentSourceKey, mapi.PidTagChangeKey:
		return 26
	case mapi.PidTagPredecessorChangeList, mapi.PidTagEntryId, mapi.PidTagMessageClass:
		return 80
	}
	switch tag.Type() {
	case mapi.TypeNull:
		return 0
	case mapi.TypeBoolean, mapi.TypeInteger16, mapi.TypeInteger32, mapi.TypeFloating32, mapi.TypeErrorCode:
		return 4
	case mapi.TypeInteger64, mapi.TypeFloating64, mapi.TypeTime, mapi.TypeCurrency, mapi.TypeFloatTime:
		return 8
	case mapi.TypeGUID:
		return 16
	}
	if limit > 0 {
		return min(limit, longValue)
	}
	return longValue
}

// hasRoom reports whether the answer to q is likely to fit a buffer in which used
// bytes are taken already, and how many are taken with it.
func hasRoom(q Request, used, limit int) (total int, ok bool) {
	size, greedy := answerRoom(q)
	need := size
	if greedy {
		need = min(size, greedyStart)
	}
	return used + size, used+need <= limit
}

// repeatable reports whether q can be carried out again by a server that has done so
// once and could not tell: at worst it leaves an object open.
func repeatable(q Request) bool {
	switch q.(type) {
	case *OpenFolderRequest, *OpenMessageRequest, *OpenAttachmentRequest, *GetHierarchyTableRequest,
		*GetContentsTableRequest, *GetAttachmentTableRequest, *SetColumnsRequest, *SortTableRequest,
		*RestrictRequest, *GetPropertiesSpecificRequest, *GetPropertiesAllRequest, *GetPropertiesListRequest,
		*GetPropertyIDsFromNamesRequest, *GetNamesFromPropertyIDsRequest, *LongTermIDFromIDRequest,
		*IDFromLongTermIDRequest, *GetReceiveFolderRequest, *GetReceiveFolderTableRequest,
		*GetStoreStateRequest, *ReadRecipientsRequest, *GetStreamSizeRequest, *QueryPositionRequest,
		*GetValidAttachmentsRequest, *LogonRequest:
		return true
	}
	return false
}
