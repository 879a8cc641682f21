package nspi

import "mailfs/mapi/wire"

// DNToMId is the request type that looks distinguished names up ([MS-OXCMAPIHTTP] 2.2.5.4).
const DNToMId = "DNToMId"

// DNToMIdRequest is the body of a DNToMId ([MS-OXCMAPIHTTP] 2.2.5.4.1).
type DNToMIdRequest struct {
	Reserved uint32
	Names    []string // distinguished names, 8-bit; nil when the field is absent
}

// Encode returns the body.
func (q DNToMIdRequest) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(q.Reserved)
	appendHas(&b, q.Names != nil)
	if q.Names != nil {
		b.Uint32(uint32(len(q.Names)))
		for _, n := range q.Names {
			b.CString(n)
		}
	}
	return finish(&b)
}

// DecodeDNToMIdRequest reads the body.
func DecodeDNToMIdRequest(body []byte) (DNToMIdRequest, error) {
	r := wire.NewReader(body)
	q := DNToMIdRequest{Reserved: r.Uint32()}
	if r.Bool() {
		n := r.Count(uint64(r.Uint32()), 1)
		q.Names = make([]string, n)
		for i := range q.Names {
			q.Names[i] = r.CString()
		}
	}
	return q, end(r)
}

// DNToMIdResponse is the body of its answer ([MS-OXCMAPIHTTP] 2.2.5.4.2).
type DNToMIdResponse struct {
	Result
	MinimalIDs []MinimalID // one per name, 0 for those that are not known; nil when absent
}

// Encode returns the body.
func (p DNToMIdResponse) Encode() ([]byte, error) {
	var b wire.Builder
	if p.append(&b) {
		appendHas(&b, p.MinimalIDs != nil)
		if p.MinimalIDs != nil {
			appendIDs(&b, p.MinimalIDs)
		}
	}
	return finish(&b)
}

// Decode reads the body.
func (p *DNToMIdResponse) Decode(body []byte) error {
	r := wire.NewReader(body)
	if p.read(r) && r.Bool() {
		p.MinimalIDs = readIDs(r)
	}
	return end(r)
}
