package mapihttp

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// ExecuteFlags tell the server how to build the answer ([MS-OXCRPC] 3.1.4.2, pulFlags).
type ExecuteFlags uint32

// The flags of an Execute request.
const (
	NoCompression ExecuteFlags = 0x00000001
	NoXorMagic    ExecuteFlags = 0x00000002
	Chain         ExecuteFlags = 0x00000004
)

const (
	// MaxRopOut is the largest MaxRopOut that a server accepts without having
	// announced more ([MS-OXCRPC] 3.1.4.2).
	MaxRopOut = 0x00040000
	// OneBuffer is the size of a RopBuffer with one full payload.
	OneBuffer = ExtHeaderSize + MaxPayload
)

// ExecuteRequest is the request body of Execute ([MS-OXCMAPIHTTP] 2.2.4.2.1).
type ExecuteRequest struct {
	Flags     ExecuteFlags
	RopBuffer []byte // extended buffers, see SplitExtended
	MaxRopOut uint32 // bytes
	Aux       []byte
}

// Encode returns the body.
func (q ExecuteRequest) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(uint32(q.Flags))
	b.Counted32(func() { b.Raw(q.RopBuffer) })
	b.Uint32(q.MaxRopOut)
	appendAux(&b, q.Aux)
	return b.Finish()
}

// DecodeExecuteRequest reads the body. RopBuffer and Aux share memory with it.
func DecodeExecuteRequest(body []byte) (ExecuteRequest, error) {
	r := wire.NewReader(body)
	q := ExecuteRequest{Flags: ExecuteFlags(r.Uint32())}
	q.RopBuffer = r.Take(r.Count(uint64(r.Uint32()), 1))
	q.MaxRopOut = r.Uint32()
	q.Aux = readAux(r)
	return q, r.Close()
}

// ExecuteResponse is the response body of Execute ([MS-OXCMAPIHTTP] 2.2.4.2.2 and
// 2.2.4.2.3). With a StatusCode other than 0, only it and Aux travel.
type ExecuteResponse struct {
	StatusCode uint32
	ErrorCode  mapi.ErrorCode
	Flags      uint32 // reserved, 0
	RopBuffer  []byte // extended buffers, see SplitExtended
	Aux        []byte
}

// Encode returns the body.
func (p ExecuteResponse) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(p.StatusCode)
	if p.StatusCode == 0 {
		b.Uint32(uint32(p.ErrorCode))
		b.Uint32(p.Flags)
		b.Counted32(func() { b.Raw(p.RopBuffer) })
	}
	appendAux(&b, p.Aux)
	return b.Finish()
}

// DecodeExecuteResponse reads the body. RopBuffer and Aux share memory with it.
func DecodeExecuteResponse(body []byte) (ExecuteResponse, error) {
	r := wire.NewReader(body)
	p := ExecuteResponse{StatusCode: r.Uint32()}
	if p.StatusCode == 0 {
		p.ErrorCode = mapi.ErrorCode(r.Uint32())
		p.Flags = r.Uint32()
		p.RopBuffer = r.Take(r.Count(uint64(r.Uint32()), 1))
	}
	p.Aux = readAux(r)
	return p, r.Close()
}
