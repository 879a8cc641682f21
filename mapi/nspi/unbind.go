package nspi

import "mailfs/mapi/wire"

// Unbind is the request type that ends a session context ([MS-OXCMAPIHTTP] 2.2.5.2).
const Unbind = "Unbind"

// UnbindRequest is the body of an Unbind ([MS-OXCMAPIHTTP] 2.2.5.2.1).
type UnbindRequest struct {
	Reserved uint32
}

// Encode returns the body.
func (q UnbindRequest) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(q.Reserved)
	return finish(&b)
}

// DecodeUnbindRequest reads the body.
func DecodeUnbindRequest(body []byte) (UnbindRequest, error) {
	r := wire.NewReader(body)
	q := UnbindRequest{Reserved: r.Uint32()}
	return q, end(r)
}

// UnbindResponse is the body of its answer ([MS-OXCMAPIHTTP] 2.2.5.2.2). ErrorCode
// is UnbindSuccess when all went well.
type UnbindResponse struct {
	Result
}

// Encode returns the body.
func (p UnbindResponse) Encode() ([]byte, error) {
	var b wire.Builder
	p.append(&b)
	return finish(&b)
}

// Decode reads the body.
func (p *UnbindResponse) Decode(body []byte) error {
	r := wire.NewReader(body)
	p.read(r)
	return end(r)
}
