package memserver

import (
	"mailfs/mapi"
	"mailfs/mapi/mapihttp"
	"mailfs/mapi/nspi"
)

// AddressBookPath is where requests to the address book go. It lists the mailboxes of
// the server.
const AddressBookPath = "/mapi/nspi/"

// firstEntry is the minimal id of the first mailbox ([MS-OXNSPI] 2.2.9.1).
const firstEntry nspi.MinimalID = 0x10

// cpWinUnicode is a code page that positions may not have ([MS-OXNSPI] 2.2.1.5).
const cpWinUnicode = 1200

// dispatchBook answers the request types of the address book endpoint.
func (x *exchange) dispatchBook() {
	switch x.kind {
	case mapihttp.Bind:
		x.bind()
	case mapihttp.Unbind:
		x.unbind()
	case nspi.DNToMId:
		x.dnToMId()
	case nspi.QueryRows:
		x.queryRows()
	case mapihttp.Ping:
		x.ping()
	default:
		x.refuse(mapihttp.CodeInvalidRequestType, "unknown request type")
	}
}

// bind follows [MS-OXNSPI] 3.1.4.1.1.
func (x *exchange) bind() {
	q, err := nspi.DecodeBindRequest(x.body)
	if err != nil {
		x.badBody(err)
		return
	}
	if old, ok := x.session(); ok {
		x.srv.drop(old)
	}
	var p nspi.BindResponse
	if !goodState(q.State) {
		p.ErrorCode = nspi.GeneralFailure
		x.answer(nil, p)
		return
	}
	p.ServerGUID = x.user.cfg.Replica
	ss := x.srv.newSession(x.user)
	ss.book = true
	x.answer(ss, p)
}

func goodState(s *nspi.Stat) bool { return s != nil && s.CodePage != cpWinUnicode }

func (x *exchange) unbind() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	if _, err := nspi.DecodeUnbindRequest(x.body); err != nil {
		x.badBody(err)
		return
	}
	x.srv.drop(ss)
	x.answer(nil, nspi.UnbindResponse{Result: nspi.Result{ErrorCode: nspi.UnbindSuccess}})
}

// dnToMId follows [MS-OXNSPI] 3.1.4.1.13.
func (x *exchange) dnToMId() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	q, err := nspi.DecodeDNToMIdRequest(x.body)
	if err != nil {
		x.badBody(err)
		return
	}
	if !x.takeTurn(ss) {
		return
	}
	p := nspi.DNToMIdResponse{MinimalIDs: make([]nspi.MinimalID, len(q.Names))}
	for i, dn := range q.Names {
		p.MinimalIDs[i] = x.srv.entryByDN(dn)
	}
	x.answer(ss, p)
}

// queryRows follows [MS-OXNSPI] 3.1.4.1.8, for explicit tables only.
func (x *exchange) queryRows() {
	ss, ok := x.needSession()
	if !ok {
		return
	}
	q, err := nspi.DecodeQueryRowsRequest(x.body)
	if err != nil {
		x.badBody(err)
		return
	}
	if !x.takeTurn(ss) {
		return
	}
	var p nspi.QueryRowsResponse
	if !goodState(q.State) || len(q.Explicit) == 0 || q.RowCount == 0 || q.Columns == nil {
		p.ErrorCode = nspi.GeneralFailure
		x.answer(ss, p)
		return
	}
	p.State, p.Columns = q.State, q.Columns
	for _, id := range q.Explicit[:min(len(q.Explicit), int(q.RowCount), maxBookRows)] {
		p.Rows = append(p.Rows, x.srv.entryRow(id, q.Columns))
	}
	x.answer(ss, p)
}

// maxBookRows bounds one answer, so that clients learn to ask again.
const maxBookRows = 100

// entryByDN returns the minimal id of a distinguished name, 0 if it is not known.
func (s *Server) entryByDN(dn string) nspi.MinimalID {
	m, ok := s.mailboxByDN(dn)
	if !ok {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.boxes {
		if other == m {
			return firstEntry + nspi.MinimalID(i)
		}
	}
	return 0
}

// entryRow returns the columns of an entry; those that it does not have, and all of an
// entry that is not there, are errors ([MS-OXNSPI] 3.1.4.1.7).
func (s *Server) entryRow(id nspi.MinimalID, columns []mapi.PropertyTag) mapi.PropertyBag {
	s.mu.Lock()
	var m *Mailbox
	if i := int64(id) - int64(firstEntry); i >= 0 && i < int64(len(s.boxes)) {
		m = s.boxes[i]
	}
	s.mu.Unlock()
	var all, row mapi.PropertyBag
	if m != nil {
		all = mapi.PropertyBag{
			{Tag: mapi.PidTagDisplayName, Value: m.cfg.DisplayName},
			{Tag: mapi.PidTagAddressType, Value: "EX"},
			{Tag: mapi.PidTagEmailAddress, Value: m.cfg.DN},
			{Tag: mapi.PidTagSmtpAddress, Value: m.cfg.Address},
			{Tag: mapi.PidTagEntryId, Value: m.userEntryID()},
		}
	}
	for _, c := range columns {
		if v := all.Get(c); v != nil {
			row = append(row, mapi.Property{Tag: c, Value: v})
			continue
		}
		row = append(row, mapi.Property{Tag: mapi.NewTag(c.ID(), mapi.TypeErrorCode), Value: mapi.EcNotFound})
	}
	return row
}
