package memserver

import (
	"strings"
	"time"

	"mailfs/mapi"
	"mailfs/mapi/rop"
	"mailfs/mapi/wire"
)

func logonHandler(q rop.Request) handler {
	switch q := q.(type) {
	case *rop.LogonRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.logon(q) }
	case *rop.GetReceiveFolderRequest:
		return onStore(func(op *operation) (rop.Response, mapi.ErrorCode) { return op.receiveFolder(q) })
	case *rop.SetReceiveFolderRequest:
		return onStore(func(op *operation) (rop.Response, mapi.ErrorCode) { return op.setReceiveFolder(q) })
	case *rop.GetReceiveFolderTableRequest:
		return onStore((*operation).receiveFolderTable)
	case *rop.GetStoreStateRequest:
		return onStore(func(*operation) (rop.Response, mapi.ErrorCode) { return nil, ecNotImplemented }) // [MS-OXCSTOR] 3.2.5.5
	case *rop.GetOwningServersRequest:
		return onStore(func(*operation) (rop.Response, mapi.ErrorCode) { return nil, ecNotSupported })
	case *rop.PublicFolderIsGhostedRequest:
		return onStore(func(*operation) (rop.Response, mapi.ErrorCode) {
			return &rop.PublicFolderIsGhostedResponse{}, ecSuccess
		})
	case *rop.LongTermIDFromIDRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.longTermID(q) }
	case *rop.IDFromLongTermIDRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.shortID(q) }
	case *rop.GetLocalReplicaIDsRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.reserveIDs(q) }
	case *rop.SetLocalReplicaMidsetDeletedRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.returnIDs(q) }
	case *rop.GetPropertyIDsFromNamesRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.idsFromNames(q) }
	case *rop.GetNamesFromPropertyIDsRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.namesFromIDs(q) }
	case *rop.QueryNamedPropertiesRequest:
		return func(op *operation) (rop.Response, mapi.ErrorCode) { return op.queryNamed(q) }
	}
	return nil
}

// onStore wraps handlers of operations whose object has to be the logon.
func onStore(h handler) handler {
	return func(op *operation) (rop.Response, mapi.ErrorCode) {
		if _, ok := op.in.v.(*logonObject); !ok {
			return nil, ecNotSupported
		}
		return h(op)
	}
}

// logon opens a private mailbox ([MS-OXCSTOR] 3.2.5.1.1).
func (op *operation) logon(q *rop.LogonRequest) (rop.Response, mapi.ErrorCode) {
	if q.LogonFlags&rop.LogonPrivate == 0 {
		return nil, ecLoginFailure // there are no public folders here
	}
	if q.OpenFlags&rop.OpenUsePerMDBReplidMapping == 0 {
		return nil, ecInvalidParam // [MS-OXCSTOR] 3.2.5.1.1
	}
	m, ok := op.ss.srv.mailboxByDN(q.Essdn)
	if !ok {
		return nil, ecUnknownUser
	}
	if m != op.ss.user && !m.letsIn(op.ss.user) {
		return nil, ecLoginPerm
	}
	op.box = m
	m.mu.Lock()
	defer m.mu.Unlock()
	resp := &rop.LogonResponse{LogonFlags: rop.LogonPrivate, ResponseFlags: 0x07, MailboxGUID: m.cfg.GUID, ReplID: ownReplID, ReplGUID: m.cfg.Replica}
	for i := range resp.FolderIDs {
		resp.FolderIDs[i] = mapi.NewFID(ownReplID, m.state.special[i])
	}
	now := op.ss.srv.cfg.Clock().UTC()
	resp.LogonTime = logonTime(now)
	resp.GwartTime = uint64(mapi.NewFileTime(now))
	o := &object{logon: op.call.LogonID, box: m, v: &logonObject{}}
	op.ss.logons[op.call.LogonID] = o
	op.keep = o
	return resp, ecSuccess
}

// letsIn reports whether another user may open the mailbox.
func (m *Mailbox) letsIn(user *Mailbox) bool {
	for _, a := range m.cfg.Delegates {
		if strings.EqualFold(a, user.cfg.Address) {
			return true
		}
	}
	return false
}

func logonTime(t time.Time) rop.LogonTime {
	return rop.LogonTime{
		Seconds: uint8(t.Second()), Minutes: uint8(t.Minute()), Hour: uint8(t.Hour()), DayOfWeek: uint8(t.Weekday()),
		Day: uint8(t.Day()), Month: uint8(t.Month()), Year: uint16(t.Year()),
	}
}

// receiveFolder finds the folder for a message class: the entry with the longest
// class that the given one starts with, at a dot ([MS-OXCSTOR] 3.2.5.2).
func (op *operation) receiveFolder(q *rop.GetReceiveFolderRequest) (rop.Response, mapi.ErrorCode) {
	if !validClass(q.MessageClass) {
		return nil, ecInvalidParam
	}
	best := &receiveFolder{}
	for i := range op.box.state.receive {
		e := &op.box.state.receive[i]
		if classMatches(q.MessageClass, e.class) && (best.folder == 0 || len(e.class) > len(best.class)) {
			best = e
		}
	}
	if best.folder == 0 {
		return nil, ecNotFound
	}
	return &rop.GetReceiveFolderResponse{FolderID: mapi.NewFID(ownReplID, best.folder), ExplicitMessageClass: best.class}, ecSuccess
}

func classMatches(class, prefix string) bool {
	if prefix == "" {
		return true
	}
	if len(class) < len(prefix) || !strings.EqualFold(class[:len(prefix)], prefix) {
		return false
	}
	return len(class) == len(prefix) || class[len(prefix)] == '.'
}

// validClass checks a message class ([MS-OXCSTOR] 2.2.1.2.1).
func validClass(class string) bool {
	if len(class) > 254 || strings.HasPrefix(class, ".") || strings.HasSuffix(class, ".") || strings.Contains(class, "..") {
		return false
	}
	for i := range len(class) {
		if class[i] < 0x20 || class[i] > 0x7E {
			return false
		}
	}
	return true
}

func (op *operation) setReceiveFolder(q *rop.SetReceiveFolderRequest) (rop.Response, mapi.ErrorCode) {
	m := op.box
	switch {
	case !validClass(q.MessageClass):
		return nil, ecInvalidParam
	case strings.EqualFold(q.MessageClass, "IPM") || strings.EqualFold(q.MessageClass, "REPORT.IPM"):
		return nil, ecAccessDenied // [MS-OXCSTOR] 3.2.5.3
	case q.FolderID == 0 && q.MessageClass == "":
		return nil, ecError
	}
	if q.FolderID != 0 {
		if _, ok := m.folderByFID(q.FolderID); !ok {
			return nil, ecError
		}
	}
	kept := m.state.receive[:0:0]
	for _, e := range m.state.receive {
		if !strings.EqualFold(e.class, q.MessageClass) {
			kept = append(kept, e)
		}
	}
	if q.FolderID != 0 {
		kept = append(kept, receiveFolder{q.MessageClass, q.FolderID.Counter(), m.srv.now()})
	}
	m.state.receive = kept
	return &rop.SetReceiveFolderResponse{}, ecSuccess
}

func (op *operation) receiveFolderTable() (rop.Response, mapi.ErrorCode) {
	columns := []mapi.PropertyTag{mapi.PidTagFolderId, mapi.PidTagMessageClass.WithType(mapi.TypeString8), mapi.PidTagLastModificationTime}
	var b wire.Builder
	for _, e := range op.box.state.receive {
		mapi.AppendPropertyRow(&b, columns, []mapi.Property{
			{Tag: mapi.PidTagFolderId, Value: int64(mapi.NewFID(ownReplID, e.folder))},
			{Tag: mapi.PidTagMessageClass.WithType(mapi.TypeString8), Value: mapi.String8(e.class)},
			{Tag: mapi.PidTagLastModificationTime, Value: e.modified},
		})
	}
	raw, err := b.Finish()
	if err != nil {
		return nil, ecError
	}
	return &rop.GetReceiveFolderTableResponse{RowCount: uint32(len(op.box.state.receive)), RowData: raw}, ecSuccess
}

// longTermID translates a short id ([MS-OXCSTOR] 3.2.5.8).
func (op *operation) longTermID(q *rop.LongTermIDFromIDRequest) (rop.Response, mapi.ErrorCode) {
	id := mapi.FID(q.ObjectID)
	g, ok := op.box.replGUID(id.ReplID())
	if !ok {
		return nil, ecNotFound
	}
	return &rop.LongTermIDFromIDResponse{LongTermID: mapi.LongTermID{GUID: g, Counter: id.Counter()}}, ecSuccess
}

// shortID translates a long id; a GUID that is new gets a number
// ([MS-OXCSTOR] 3.2.5.9).
func (op *operation) shortID(q *rop.IDFromLongTermIDRequest) (rop.Response, mapi.ErrorCode) {
	if q.LongTermID.GUID.IsZero() || q.LongTermID.Counter == 0 {
		return nil, ecInvalidParam
	}
	r, ok := op.box.replID(q.LongTermID.GUID)
	if !ok {
		return nil, ecParameterOverflow
	}
	return &rop.IDFromLongTermIDResponse{ObjectID: uint64(mapi.NewFID(r, q.LongTermID.Counter))}, ecSuccess
}

// maxReserved bounds how many ids one request may reserve.
const maxReserved = 1 << 24

// reserveIDs gives a range of ids away ([MS-OXCFXICS] 3.2.5.9.4.7).
func (op *operation) reserveIDs(q *rop.GetLocalReplicaIDsRequest) (rop.Response, mapi.ErrorCode) {
	if q.IDCount == 0 || q.IDCount > maxReserved {
		return nil, ecInvalidParam
	}
	return &rop.GetLocalReplicaIDsResponse{ReplGUID: op.box.cfg.Replica, GlobalCount: op.box.allocID(q.IDCount)}, ecSuccess
}

// returnIDs takes back reserved ids that the client will not use; ids are never
// given out twice, so there is nothing to keep ([MS-OXCFXICS] 3.2.5.9.4.8).
func (op *operation) returnIDs(q *rop.SetLocalReplicaMidsetDeletedRequest) (rop.Response, mapi.ErrorCode) {
	if _, ok := op.in.v.(*folderObject); !ok {
		return nil, ecNotSupported
	}
	for _, r := range q.LongTermIDRanges {
		if r.Min.GUID != op.box.cfg.Replica || r.Max.GUID != r.Min.GUID || r.Max.Counter < r.Min.Counter {
			return nil, ecInvalidParam
		}
	}
	return &rop.SetLocalReplicaMidsetDeletedResponse{}, ecSuccess
}

// idsFromNames maps property names to numbers ([MS-OXCPRPT] 3.2.5.10).
func (op *operation) idsFromNames(q *rop.GetPropertyIDsFromNamesRequest) (rop.Response, mapi.ErrorCode) {
	t := &op.box.names
	resp := &rop.GetPropertyIDsFromNamesResponse{}
	if len(q.PropertyNames) == 0 {
		resp.PropertyIDs = t.ids()
		return resp, ecSuccess
	}
	for _, n := range q.PropertyNames {
		id := uint16(0)
		switch {
		case n.Kind == mapi.NameKindLID && n.Set == mapi.PSMAPI:
			if n.LID < firstNamedID {
				id = uint16(n.LID)
			}
		case n.Kind == mapi.NameKindString && n.Set == mapi.PSMAPI, n.Kind == mapi.NameKindNone, n.Set.IsZero():
		default:
			id, _ = t.lookup(n, q.Flags&rop.NamesCreate != 0)
		}
		if id == 0 {
			resp.ReturnValue = ecWarnWithErrors
		}
		resp.PropertyIDs = append(resp.PropertyIDs, id)
	}
	return resp, ecSuccess
}

func (op *operation) namesFromIDs(q *rop.GetNamesFromPropertyIDsRequest) (rop.Response, mapi.ErrorCode) {
	resp := &rop.GetNamesFromPropertyIDsResponse{}
	for _, id := range q.PropertyIDs {
		n, ok := op.box.names.name(id)
		switch {
		case id < firstNamedID:
			n = mapi.LIDName(mapi.PSMAPI, uint32(id))
		case !ok:
			n = mapi.PropertyName{Kind: mapi.NameKindNone}
		}
		resp.PropertyNames = append(resp.PropertyNames, n)
	}
	return resp, ecSuccess
}

// queryNamed lists the named properties of an object ([MS-OXCPRPT] 3.2.5.11).
func (op *operation) queryNamed(q *rop.QueryNamedPropertiesRequest) (rop.Response, mapi.ErrorCode) {
	var bag mapi.PropertyBag
	if h, ok := op.holder(op.in); ok {
		bag = *h.bag
	}
	resp := &rop.QueryNamedPropertiesResponse{}
	const noStrings, noIDs = 0x01, 0x02
	for i := range bag {
		n := bag[i].Name
		if n.IsZero() || q.HasGUID && n.Set != q.PropertyGUID ||
			n.Kind == mapi.NameKindString && q.QueryFlags&noStrings != 0 || n.Kind == mapi.NameKindLID && q.QueryFlags&noIDs != 0 {
			continue
		}
		if id, ok := op.box.names.lookup(n, true); ok {
			resp.PropertyIDs = append(resp.PropertyIDs, id)
			resp.PropertyNames = append(resp.PropertyNames, n)
		}
	}
	return resp, ecSuccess
}
