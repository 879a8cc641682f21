package nspi

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Bind is the request type that makes a session context ([MS-OXCMAPIHTTP] 2.2.5.1).
const Bind = "Bind"

// BindRequest is the body of a Bind ([MS-OXCMAPIHTTP] 2.2.5.1.1).
type BindRequest struct {
	Flags uint32
	State *Stat
}

// Encode returns the body.
func (q BindRequest) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(q.Flags)
	appendStat(&b, q.State)
	return finish(&b)
}

// DecodeBindRequest reads the body.
func DecodeBindRequest(body []byte) (BindRequest, error) {
	r := wire.NewReader(body)
	q := BindRequest{Flags: r.Uint32(), State: readStat(r)}
	return q, end(r)
}

// BindResponse is the body of its answer ([MS-OXCMAPIHTTP] 2.2.5.1.2).
type BindResponse struct {
	Result
	ServerGUID mapi.GUID
}

// Encode returns the body.
func (p BindResponse) Encode() ([]byte, error) {
	var b wire.Builder
	if p.append(&b) {
		b.GUID(p.ServerGUID)
	}
	return finish(&b)
}

// Decode reads the body.
func (p *BindResponse) Decode(body []byte) error {
	r := wire.NewReader(body)
	if p.read(r) {
		p.ServerGUID = r.GUID()
	}
	return end(r)
}
