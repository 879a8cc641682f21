package mapihttp

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// EventPending in EventPending says that an event waits ([MS-OXCMAPIHTTP] 2.2.4.4.2).
const EventPending = 0x00000001

// NotificationWaitRequest is the request body of NotificationWait ([MS-OXCMAPIHTTP] 2.2.4.4.1).
type NotificationWaitRequest struct {
	Flags uint32 // reserved, 0
	Aux   []byte
}

// Encode returns the body.
func (q NotificationWaitRequest) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(q.Flags)
	appendAux(&b, q.Aux)
	return b.Finish()
}

// DecodeNotificationWaitRequest reads the body.
func DecodeNotificationWaitRequest(body []byte) (NotificationWaitRequest, error) {
	r := wire.NewReader(body)
	q := NotificationWaitRequest{Flags: r.Uint32()}
	q.Aux = readAux(r)
	return q, r.Close()
}

// NotificationWaitResponse is the response body of NotificationWait ([MS-OXCMAPIHTTP]
// 2.2.4.4.2 and 2.2.4.4.3). With a StatusCode other than 0, only it and Aux travel.
type NotificationWaitResponse struct {
	StatusCode   uint32
	ErrorCode    mapi.ErrorCode
	EventPending uint32
	Aux          []byte
}

// Encode returns the body.
func (p NotificationWaitResponse) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(p.StatusCode)
	if p.StatusCode == 0 {
		b.Uint32(uint32(p.ErrorCode))
		b.Uint32(p.EventPending)
	}
	appendAux(&b, p.Aux)
	return b.Finish()
}

// DecodeNotificationWaitResponse reads the body.
func DecodeNotificationWaitResponse(body []byte) (NotificationWaitResponse, error) {
	r := wire.NewReader(body)
	p := NotificationWaitResponse{StatusCode: r.Uint32()}
	if p.StatusCode == 0 {
		p.ErrorCode = mapi.ErrorCode(r.Uint32())
		p.EventPending = r.Uint32()
	}
	p.Aux = readAux(r)
	return p, r.Close()
}
