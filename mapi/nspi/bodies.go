package nspi

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Codes of the return status ([MS-OXNSPI] 2.2.1.2).
const (
	Success        mapi.ErrorCode = 0x00000000
	UnbindSuccess  mapi.ErrorCode = 0x00000001
	GeneralFailure mapi.ErrorCode = 0x80004005
)

// Result is the beginning of every answer. With a StatusCode other than 0 nothing
// follows it.
type Result struct {
	StatusCode uint32
	ErrorCode  mapi.ErrorCode
}

func (p Result) append(b *wire.Builder) (more bool) {
	b.Uint32(p.StatusCode)
	if p.StatusCode == 0 {
		b.Uint32(uint32(p.ErrorCode))
	}
	return p.StatusCode == 0
}

func (p *Result) read(r *wire.Reader) (more bool) {
	if p.StatusCode = r.Uint32(); p.StatusCode == 0 {
		p.ErrorCode = mapi.ErrorCode(r.Uint32())
	}
	return p.StatusCode == 0 && r.Err() == nil
}

// result returns the beginning of an answer.
func (p *Result) result() *Result { return p }

// finish ends a body with an empty auxiliary buffer.
func finish(b *wire.Builder) ([]byte, error) {
	b.Uint32(0)
	return b.Finish()
}

// end consumes the auxiliary buffer, which tells nothing that is of use here.
func end(r *wire.Reader) error {
	r.Take(r.Count(uint64(r.Uint32()), 1))
	return r.Close()
}
