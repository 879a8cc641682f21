package mapihttp

import (
	"errors"
	"strings"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// ConnectRequest is the request body of Connect ([MS-OXCMAPIHTTP] 2.2.4.1.1).
type ConnectRequest struct {
	UserDN          string // distinguished name of the user, 8-bit
	Flags           uint32 // 0, or 1 for administrator privilege ([MS-OXCRPC] 3.1.4.1)
	DefaultCodePage uint32
	LcidSort        uint32
	LcidString      uint32
	Aux             []byte // auxiliary buffer, see DecodeAux
}

var errNUL = errors.New("NUL byte inside a string")

// Encode returns the body.
func (q ConnectRequest) Encode() ([]byte, error) {
	var b wire.Builder
	if strings.IndexByte(q.UserDN, 0) >= 0 {
		b.Fail(errNUL)
	}
	b.CString(q.UserDN)
	b.Uint32(q.Flags)
	b.Uint32(q.DefaultCodePage)
	b.Uint32(q.LcidSort)
	b.Uint32(q.LcidString)
	appendAux(&b, q.Aux)
	return b.Finish()
}

// DecodeConnectRequest reads the body.
func DecodeConnectRequest(body []byte) (ConnectRequest, error) {
	r := wire.NewReader(body)
	q := ConnectRequest{
		UserDN:          r.CString(),
		Flags:           r.Uint32(),
		DefaultCodePage: r.Uint32(),
		LcidSort:        r.Uint32(),
		LcidString:      r.Uint32(),
	}
	q.Aux = readAux(r)
	return q, r.Close()
}

// ConnectResponse is the response body of Connect ([MS-OXCMAPIHTTP] 2.2.4.1.2 and
// 2.2.4.1.3). With a StatusCode other than 0, only it and Aux travel.
type ConnectResponse struct {
	StatusCode  uint32
	ErrorCode   mapi.ErrorCode
	PollsMax    uint32 // milliseconds between polls for events
	RetryCount  uint32
	RetryDelay  uint32 // milliseconds
	DNPrefix    string // 8-bit
	DisplayName string
	Aux         []byte
}

// Encode returns the body.
func (p ConnectResponse) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(p.StatusCode)
	if p.StatusCode == 0 {
		if strings.IndexByte(p.DNPrefix, 0) >= 0 || strings.IndexByte(p.DisplayName, 0) >= 0 {
			b.Fail(errNUL)
		}
		b.Uint32(uint32(p.ErrorCode))
		b.Uint32(p.PollsMax)
		b.Uint32(p.RetryCount)
		b.Uint32(p.RetryDelay)
		b.CString(p.DNPrefix)
		b.WString(p.DisplayName)
	}
	appendAux(&b, p.Aux)
	return b.Finish()
}

// DecodeConnectResponse reads the body.
func DecodeConnectResponse(body []byte) (ConnectResponse, error) {
	r := wire.NewReader(body)
	p := ConnectResponse{StatusCode: r.Uint32()}
	if p.StatusCode == 0 {
		p.ErrorCode = mapi.ErrorCode(r.Uint32())
		p.PollsMax = r.Uint32()
		p.RetryCount = r.Uint32()
		p.RetryDelay = r.Uint32()
		p.DNPrefix = r.CString()
		p.DisplayName = r.WString()
	}
	p.Aux = readAux(r)
	return p, r.Close()
}

// appendAux writes AuxiliaryBufferSize and AuxiliaryBuffer, which end every body.
func appendAux(b *wire.Builder, aux []byte) {
	b.Counted32(func() { b.Raw(aux) })
}

// readAux reads AuxiliaryBufferSize and AuxiliaryBuffer; nil when empty.
func readAux(r *wire.Reader) []byte {
	if n := r.Count(uint64(r.Uint32()), 1); n > 0 {
		return r.Take(n)
	}
	return nil
}
