package rop

import (
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Columns remembers the columns of tables by handle, which reading their rows takes.
type Columns map[Handle][]mapi.PropertyTag

// Responses is what a ROP output buffer holds ([MS-OXCROPS] 2.2.1).
type Responses struct {
	Answers []MatchedAnswer
	Handles []Handle // may be shorter than the table that was sent
}

// MatchedAnswer is an answer with the index of the call that it answers, -1 for
// *Notify, *Pending, *BufferTooSmall and *Backoff.
type MatchedAnswer struct {
	Answer
	Call int
}

// ErrMismatch says that a response answers something else than was asked.
var ErrMismatch = errors.New("rop: response does not match the request")

// DecodeResponses reads the payload of the output buffer that answers sent. The form
// of some responses depends on what was asked, so responses are matched with the
// requests while they are read. columns holds the tables opened in earlier buffers;
// it is brought up to date and may be nil if sent touches none of them.
//
// A payload that the server chained ([MS-OXCRPC] 3.1.4.2.1.2) answers the last call
// of sent alone, with the handle table of the first payload.
func DecodeResponses(payload []byte, sent Requests, columns Columns) (Responses, error) {
	list, handles, err := split(payload)
	if err != nil {
		return Responses{}, err
	}
	m := matcher{sent: sent, handles: handles, columns: columns, slots: map[uint8][]mapi.PropertyTag{}}
	out, err := m.readAll(list)
	if err != nil && m.ambiguous {
		// QUIRK: see briefFailure.
		m = matcher{sent: sent, handles: handles, columns: columns, slots: map[uint8][]mapi.PropertyTag{}, brief: true}
		if again, e := m.readAll(list); e == nil {
			out, err = again, nil
		}
	}
	if err == nil {
		m.finish()
	}
	return out, err
}

func (m *matcher) readAll(list []byte) (Responses, error) {
	out := Responses{Handles: m.handles}
	r := wire.NewReader(list)
	for r.Len() > 0 {
		a, err := m.read(r)
		if err != nil {
			return out, err
		}
		out.Answers = append(out.Answers, a)
	}
	return out, nil
}

// briefFailure reports whether servers are known to leave out the fields of a failed
// operation that [MS-OXCROPS] always has in its response.
//
// QUIRK: gromox 3.10 ends the failures of these operations after the return value
// (2.2.6.10.2, 2.2.9.2.2, 2.2.9.3.2, 2.2.9.4.2, 2.2.9.9.2, 2.2.9.12, 2.2.12.3.2). A
// buffer that can't be read as specified is read again on the assumption that they
// are missing.
func briefFailure(id ID) bool {
	switch id {
	case IDSetReadFlags, IDReadStream, IDWriteStream, IDWriteStreamExtended, IDWriteAndCommitStream,
		IDCopyToStream, IDFastTransferDestinationPutBufferExtended:
		return true
	}
	return false
}

// matcher walks requests and responses in step.
type matcher struct {
	sent    Requests
	next    int // the first call that may still be answered
	handles []Handle
	columns Columns
	slots   map[uint8][]mapi.PropertyTag // columns of tables that this buffer touches

	brief     bool // take failures for brief where briefFailure says so
	ambiguous bool // there was one
}

func (m *matcher) read(r *wire.Reader) (MatchedAnswer, error) {
	id := ID(r.Uint8())
	a := MatchedAnswer{Call: -1}
	if a.Response = newResponse(id); a.Response == nil {
		return a, fmt.Errorf("%w 0x%02X in a response", ErrUnknownROP, uint8(id))
	}
	c := coder{r: r}
	s, ok := a.Response.(statused)
	if !ok {
		a.Response.code(&c)
		return a, wrapResponse(id, r.Err())
	}
	a.Index = r.Uint8()
	s.setResult(mapi.ErrorCode(r.Uint32()))
	if r.Err() != nil {
		return a, wrapResponse(id, r.Err())
	}
	if a.Call = m.match(id); a.Call < 0 {
		return a, fmt.Errorf("%w: %s", ErrMismatch, id)
	}
	call := m.sent.Calls[a.Call]
	c.columns, c.known = m.rowColumns(call)
	ambiguous := s.Result() != 0 && s.Result() != mapi.EcNullDestinationObject && briefFailure(id)
	m.ambiguous = m.ambiguous || ambiguous
	if !m.brief || !ambiguous {
		c.body(s)
	}
	a.LogonID, a.In = c.logonID, c.in
	if r.Err() == nil {
		m.learn(call, s)
	}
	return a, wrapResponse(id, r.Err())
}

func wrapResponse(id ID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s response: %w", id, err)
}

// match returns the index of the call that a response of operation id answers, -1
// when it is not that call's turn.
func (m *matcher) match(id ID) int {
	for ; m.next < len(m.sent.Calls); m.next++ {
		call := m.sent.Calls[m.next]
		if !call.Answered() {
			// The slot keeps the handle, which may soon be another object's.
			m.slots[call.In] = nil
			continue
		}
		if !answers(id, call.Request.ROP()) {
			return -1
		}
		m.next++
		return m.next - 1
	}
	return -1
}

// answers reports whether a response of one operation may answer a request of
// another ([MS-OXCROPS] 2.2.6.9, 2.2.8.13).
func answers(response, request ID) bool {
	switch {
	case response == request:
		return true
	case response == IDProgress:
		return true // in place of the response of an asynchronous operation
	case request == IDGetMessageStatus:
		return response == IDSetMessageStatus
	}
	return false
}

// rowColumns returns what rows in the response to call consist of.
func (m *matcher) rowColumns(call Call) ([]mapi.PropertyTag, bool) {
	switch q := call.Request.(type) {
	case *GetPropertiesSpecificRequest:
		return q.PropertyTags, true
	case *QueryRowsRequest, *FindRowRequest, *ExpandRowRequest:
		if tags, ok := m.slots[call.In]; ok {
			return tags, tags != nil
		}
		tags, ok := m.columns[slot(m.sent.Handles, call.In)]
		return tags, ok
	}
	return nil, false
}

// learn keeps track of columns that a call set, or that are gone.
func (m *matcher) learn(call Call, s statused) {
	if s.Result() != 0 {
		return
	}
	switch q := call.Request.(type) {
	case *SetColumnsRequest:
		m.slots[call.In] = append([]mapi.PropertyTag{}, q.PropertyTags...)
	case *ResetTableRequest:
		m.slots[call.In] = nil
	default:
		if call.Creates() {
			m.slots[call.Out] = nil
		}
	}
}

// finish carries what was learnt about slots over to the handles in them.
func (m *matcher) finish() {
	m.match(0) // pass by releases at the end
	if m.columns == nil {
		return
	}
	for i, tags := range m.slots {
		h := slot(m.handles, i)
		if h == NoHandle {
			h = slot(m.sent.Handles, i)
		}
		if tags == nil {
			delete(m.columns, h)
		} else if h != NoHandle {
			m.columns[h] = tags
		}
	}
}

// slot returns the handle in a slot, NoHandle when the table is too short.
func slot(handles []Handle, i uint8) Handle {
	if int(i) >= len(handles) {
		return NoHandle
	}
	return handles[i]
}
