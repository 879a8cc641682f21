package rop

import (
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// MaxPayload is the most bytes that one payload (ROP list and handle table) has
// ([MS-OXCRPC] 3.1.4.2).
const MaxPayload = 0x8000

// Requests is a decoded ROP input buffer: the requests in order, and the handle
// table whose slots they name.
type Requests struct {
	Calls   []Call
	Handles []Handle
}

// Responses is a decoded ROP output buffer.
type Responses struct {
	// Answers holds the responses in order. With each comes the index of the request
	// that it answers, -1 for *Notify, *Pending, *BufferTooSmall and *Backoff.
	Answers []MatchedAnswer
	Handles []Handle
}

// MatchedAnswer is an answer with its place among the requests.
type MatchedAnswer struct {
	Answer
	Call int
}

// Columns remembers the columns of tables by handle. DecodeResponses reads it and
// keeps it up to date.
type Columns map[Handle][]mapi.PropertyTag

// ResponseContext is what decoding responses takes besides their bytes.
type ResponseContext struct {
	Requests Requests // what was sent
	Columns  Columns  // nil if the requests touch no table opened before
}

// ErrLeftOver says that bytes follow the last structure of a buffer.
var ErrLeftOver = errors.New("rop: bytes left over")

// EncodeRequests builds the payload of an input buffer ([MS-OXCROPS] 2.2.1).
func EncodeRequests(q Requests) ([]byte, error) {
	var b wire.Builder
	b.Uint16(0)
	for _, c := range q.Calls {
		AppendCall(&b, c)
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

// AppendCall writes one request.
func AppendCall(b *wire.Builder, c Call) {
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
	c.Request.code(&coder{b: b, logonID: c.LogonID, in: c.In})
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
