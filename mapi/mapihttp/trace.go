package mapihttp

import "time"

// Event tells a trace hook about one request that came to its end. It holds neither
// credentials nor cookies nor anything out of a body.
type Event struct {
	Request     RequestType
	ID          string // X-RequestId
	HTTPStatus  int    // 0 when no answer came
	Code        ResponseCode
	RequestLen  int // bytes of the request body
	ResponseLen int // bytes of the response body, meta-tags and headers not counted
	Pending     int // keep-alives seen
	Duration    time.Duration
	Err         error // nil when the transport had no complaint; failures inside the body come later
}
