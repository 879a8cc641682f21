package mapihttp

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// DisconnectRequest is the request body of Disconnect ([MS-OXCMAPIHTTP] 2.2.4.3.1).
type DisconnectRequest struct {
	Aux []byte
}

// Encode returns the body.
func (q DisconnectRequest) Encode() ([]byte, error) {
	var b wire.Builder
	appendAux(&b, q.Aux)
	return b.Finish()
}

// DecodeDisconnectRequest reads the body. It may also be missing altogether, since
// [MS-OXCMAPIHTTP] 3.1.5.4 says that there is none.
func DecodeDisconnectRequest(body []byte) (DisconnectRequest, error) {
	if len(body) == 0 {
		return DisconnectRequest{}, nil
	}
	r := wire.NewReader(body)
	q := DisconnectRequest{Aux: readAux(r)}
	return q, r.Close()
}

// DisconnectResponse is the response body of Disconnect ([MS-OXCMAPIHTTP] 2.2.4.3.2
// and 2.2.4.3.3). With a StatusCode other than 0, ErrorCode does not travel.
type DisconnectResponse struct {
	StatusCode uint32
	ErrorCode  mapi.ErrorCode
	Aux        []byte
}

// Encode returns the body.
func (p DisconnectResponse) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(p.StatusCode)
	if p.StatusCode == 0 {
		b.Uint32(uint32(p.ErrorCode))
	}
	appendAux(&b, p.Aux)
	return b.Finish()
}

// DecodeDisconnectResponse reads the body.
func DecodeDisconnectResponse(body []byte) (DisconnectResponse, error) {
	r := wire.NewReader(body)
	p := DisconnectResponse{StatusCode: r.Uint32()}
	if p.StatusCode == 0 {
		p.ErrorCode = mapi.ErrorCode(r.Uint32())
	}
	p.Aux = readAux(r)
	return p, r.Close()
}
