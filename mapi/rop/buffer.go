package rop

import (
	"errors"
	"fmt"

	"mailfs/mapi/wire"
)

// MaxPayload is the most bytes that one payload (ROP list and handle table) has
// ([MS-OXCRPC] 3.1.4.2).
const MaxPayload = 0x8000

// Requests is what a ROP input buffer holds ([MS-OXCROPS] 2.2.1): the requests in
// order, and the handle table whose slots they name.
type Requests struct {
	Calls   []Call
	Handles []Handle
	// Public tells which log ons are to public folders, whose requests have a few
	// more fields. nil means none.
	Public func(logonID uint8) bool
}

func (q *Requests) public(logonID uint8) bool { return q.Public != nil && q.Public(logonID) }

// EncodeRequests builds the payload of an input buffer ([MS-OXCROPS] 2.2.1).
func EncodeRequests(q Requests) ([]byte, error) {
	var b wire.Builder
	b.Uint16(0)
	for _, c := range q.Calls {
		appendCall(&b, c, q.public(c.LogonID))
	}
	return finish(&b, q.Handles)
}

// EncodeResponses builds the payload of an output buffer.
func EncodeResponses(answers []Answer, handles []Handle) ([]byte, error) {
	var b wire.Builder
	b.Uint16(0)
	for _, a := range answers {
		AppendAnswer(&b, a)
	}
	return finish(&b, handles)
}

// finish fills in RopSize and appends the handle table.
func finish(b *wire.Builder, handles []Handle) ([]byte, error) {
	size := b.Len()
	if size > 0xFFFF {
		b.Fail(fmt.Errorf("rop: a list of %d bytes does not fit a buffer", size))
	}
	if b.Err() == nil {
		b.Bytes()[0], b.Bytes()[1] = byte(size), byte(size>>8)
	}
	for _, h := range handles {
		b.Uint32(uint32(h))
	}
	return b.Finish()
}

// AppendCall writes one request of a log on to a private mailbox.
func AppendCall(b *wire.Builder, c Call) { appendCall(b, c, false) }

func appendCall(b *wire.Builder, c Call, public bool) {
	b.Uint8(uint8(c.Request.ROP()))
	b.Uint8(c.LogonID)
	switch c.Request.layout() {
	case layoutIn:
		b.Uint8(c.In)
	case layoutOut:
		b.Uint8(c.Out)
	case layoutInOut, layoutSrcDst:
		b.Uint8(c.In)
		b.Uint8(c.Out)
	case layoutRspIn:
		b.Uint8(c.Out)
		b.Uint8(c.In)
	}
	c.Request.code(&coder{b: b, logonID: c.LogonID, in: c.In, public: public})
}

// AppendAnswer writes one response.
func AppendAnswer(b *wire.Builder, a Answer) {
	b.Uint8(uint8(a.Response.ROP()))
	c := coder{b: b, logonID: a.LogonID, in: a.In}
	s, ok := a.Response.(statused)
	if !ok {
		a.Response.code(&c)
		return
	}
	b.Uint8(a.Index)
	b.Uint32(uint32(s.Result()))
	c.body(s)
}

// ErrUnknownROP says that a buffer holds an operation that this package, and
// [MS-OXCROPS], does not know.
var ErrUnknownROP = errors.New("rop: unknown operation")

// DecodeRequests reads the payload of an input buffer. An error means that the whole
// buffer is to be refused with 0x000004B6 (RpcFormat, [MS-OXCROPS] 3.2.5.1). public is
// that of Requests and may be nil.
func DecodeRequests(payload []byte, public func(logonID uint8) bool) (Requests, error) {
	q := Requests{Public: public}
	list, handles, err := split(payload)
	if err != nil {
		return q, err
	}
	q.Handles = handles
	r := wire.NewReader(list)
	for r.Len() > 0 {
		c, err := readCall(r, &q)
		if err != nil {
			return q, err
		}
		q.Calls = append(q.Calls, c)
	}
	return q, nil
}

// split takes a payload apart into the ROP list and the handle table.
func split(payload []byte) (list []byte, handles []Handle, err error) {
	r := wire.NewReader(payload)
	size := r.Uint16()
	if r.Err() == nil && size < 2 {
		return nil, nil, fmt.Errorf("rop: RopSize %d does not cover itself", size)
	}
	list = r.Take(int(size) - 2)
	n := r.Len() / 4
	handles = make([]Handle, 0, n)
	for range n {
		handles = append(handles, Handle(r.Uint32()))
	}
	return list, handles, r.Close()
}

func readCall(r *wire.Reader, q *Requests) (Call, error) {
	id := ID(r.Uint8())
	c := Call{LogonID: r.Uint8(), Request: newRequest(id)}
	if r.Err() != nil {
		return c, r.Err()
	}
	if c.Request == nil {
		return c, fmt.Errorf("%w 0x%02X in a request", ErrUnknownROP, uint8(id))
	}
	switch c.Request.layout() {
	case layoutIn:
		c.In = r.Uint8()
	case layoutOut:
		c.Out = r.Uint8()
	case layoutInOut, layoutSrcDst:
		c.In, c.Out = r.Uint8(), r.Uint8()
	case layoutRspIn:
		c.Out, c.In = r.Uint8(), r.Uint8()
	}
	c.Request.code(&coder{r: r, logonID: c.LogonID, in: c.In, public: q.public(c.LogonID)})
	if err := r.Err(); err != nil {
		return c, fmt.Errorf("%s request: %w", id, err)
	}
	return c, nil
}

// body walks what follows the return value.
func (c *coder) body(s statused) {
	if s.Result() == 0 {
		s.code(c)
	} else if f, ok := s.(failing); ok {
		f.codeFailure(c)
	}
}

// AnswerSize returns the number of bytes that AppendAnswer writes.
func AnswerSize(a Answer) (int, error) {
	var b wire.Builder
	AppendAnswer(&b, a)
	return b.Len(), b.Err()
}
