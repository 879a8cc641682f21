package nspi

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// QueryRows is the request type that reads rows ([MS-OXCMAPIHTTP] 2.2.5.12).
const QueryRows = "QueryRows"

// QueryRowsRequest is the body of a QueryRows ([MS-OXCMAPIHTTP] 2.2.5.12.1).
type QueryRowsRequest struct {
	Flags    uint32
	State    *Stat
	Explicit []MinimalID // rows to read, instead of those from State on
	RowCount uint32
	Columns  []mapi.PropertyTag // nil leaves the choice to the server
}

// Encode returns the body.
func (q QueryRowsRequest) Encode() ([]byte, error) {
	var b wire.Builder
	b.Uint32(q.Flags)
	appendStat(&b, q.State)
	appendIDs(&b, q.Explicit)
	b.Uint32(q.RowCount)
	appendHas(&b, q.Columns != nil)
	if q.Columns != nil {
		appendTags(&b, q.Columns)
	}
	return finish(&b)
}

// DecodeQueryRowsRequest reads the body.
func DecodeQueryRowsRequest(body []byte) (QueryRowsRequest, error) {
	r := wire.NewReader(body)
	q := QueryRowsRequest{Flags: r.Uint32(), State: readStat(r), Explicit: readIDs(r), RowCount: r.Uint32()}
	if r.Bool() {
		q.Columns = readTags(r)
	}
	return q, end(r)
}

// QueryRowsResponse is the body of its answer ([MS-OXCMAPIHTTP] 2.2.5.12.2).
type QueryRowsResponse struct {
	Result
	State   *Stat
	Columns []mapi.PropertyTag // nil when neither columns nor rows are there
	Rows    []mapi.PropertyBag // what the rows have of the columns; errors are values of TypeErrorCode
}

// Encode returns the body.
func (p QueryRowsResponse) Encode() ([]byte, error) {
	var b wire.Builder
	if p.append(&b) {
		appendStat(&b, p.State)
		appendHas(&b, p.Columns != nil)
		if p.Columns != nil {
			appendTags(&b, p.Columns)
			b.Uint32(uint32(len(p.Rows)))
			for _, row := range p.Rows {
				appendRow(&b, p.Columns, row)
			}
		}
	}
	return finish(&b)
}

// Decode reads the body.
func (p *QueryRowsResponse) Decode(body []byte) error {
	r := wire.NewReader(body)
	if p.read(r) {
		p.State = readStat(r)
		if r.Bool() {
			p.Columns = readTags(r)
			n := r.Count(uint64(r.Uint32()), 1)
			for range n {
				p.Rows = append(p.Rows, readRow(r, p.Columns))
				if r.Err() != nil {
					break
				}
			}
		}
	}
	return end(r)
}
