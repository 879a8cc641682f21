package rop

import (
	"fmt"

	"mailfs/mapi"
)

// ID numbers a remote operation ([MS-OXCROPS] 2.2.2).
type ID uint8

// String returns the name of the operation without the prefix Rop.
func (id ID) String() string {
	if o, ok := operations[id]; ok {
		return o.name
	}
	return fmt.Sprintf("ROP 0x%02X", uint8(id))
}

// Handle names a server object within a session ([MS-OXCROPS] 1.3.1). 0 is a valid
// handle.
type Handle uint32

// NoHandle stands in a slot of the handle table that no object has filled
// ([MS-OXCROPS] 2.2.1).
const NoHandle Handle = 0xFFFFFFFF

// Request is the payload of one remote operation sent by a client: a pointer to one
// of the …Request structs of this package.
type Request interface {
	// ROP returns the operation.
	ROP() ID
	layout() layout
	code(c *coder)
}

// Response is the payload of one answer of a server: a pointer to one of the
// …Response structs of this package, or a *Notify, *Pending, *BufferTooSmall or
// *Backoff, which answer no request.
type Response interface {
	// ROP returns the operation.
	ROP() ID
	// Result returns ReturnValue; the four without a request answer 0.
	Result() mapi.ErrorCode
	code(c *coder)
}

// Status is what every response to a request starts with. Where ReturnValue is not
// 0 the fields of the response are absent on the wire and zero in the struct, save
// for those documented as always present.
type Status struct {
	ReturnValue mapi.ErrorCode
}

// Result returns ReturnValue.
func (s *Status) Result() mapi.ErrorCode { return s.ReturnValue }

func (s *Status) setResult(e mapi.ErrorCode) { s.ReturnValue = e }

// statused is a response that carries a return value.
type statused interface {
	Response
	setResult(mapi.ErrorCode)
}

// failing is a response with fields that are present when it failed, too.
type failing interface {
	codeFailure(c *coder)
}

// layout tells which slots of the handle table a request names, in wire order
// ([MS-OXCROPS] 2.2.1), and which of them the response repeats.
type layout uint8

const (
	layoutIn     layout = iota // InputHandleIndex; repeated in the response
	layoutInOut                // InputHandleIndex, OutputHandleIndex; the latter repeated
	layoutOut                  // OutputHandleIndex; repeated
	layoutSrcDst               // SourceHandleIndex, DestHandleIndex; the former repeated
	layoutRspIn                // ResponseHandleIndex, InputHandleIndex; the former repeated
)

// Call is one request of a buffer with what stands in front of it.
type Call struct {
	LogonID uint8
	// In is the slot of the object that the operation works on: InputHandleIndex,
	// or SourceHandleIndex. Logon has none.
	In uint8
	// Out is the slot that the new object's handle goes to (OutputHandleIndex), the
	// other object (DestHandleIndex), or the slot that the response names
	// (ResponseHandleIndex). Operations with a single slot leave it unused.
	Out     uint8
	Request Request
}

// responseSlot returns the slot that the answer repeats.
func (c Call) responseSlot() uint8 {
	switch c.Request.layout() {
	case layoutIn, layoutSrcDst:
		return c.In
	}
	return c.Out
}

// Creates reports whether success puts a new handle into the slot Out.
func (c Call) Creates() bool {
	l := c.Request.layout()
	return l == layoutInOut || l == layoutOut
}

// Answered reports whether the operation has a response; Release has none.
func (c Call) Answered() bool { return c.Request.ROP() != IDRelease }

// Answer returns the answer to c that carries r.
func (c Call) Answer(r Response) Answer {
	return Answer{LogonID: c.LogonID, Index: c.responseSlot(), In: c.In, Response: r}
}

// Fail returns the answer to c that carries nothing but a return value, in the form
// that the operation prescribes.
func (c Call) Fail(e mapi.ErrorCode) Answer {
	r := newResponse(c.Request.ROP())
	if s, ok := r.(statused); ok {
		s.setResult(e)
	}
	return c.Answer(r)
}

// Answer is one response of a buffer with what stands in front of it. LogonID and In
// have meaning for the few responses that repeat them; Index has none for *Notify,
// *Pending, *BufferTooSmall and *Backoff.
type Answer struct {
	LogonID  uint8
	Index    uint8 // the slot that the request told
	In       uint8 // InputHandleIndex of SaveChangesMessage
	Response Response
}
