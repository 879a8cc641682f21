package rop

import (
	"context"

	"mailfs/mapi"
)

// rowsPerQuery is how many rows are asked for at a time; servers answer what fits a
// buffer.
const rowsPerQuery = 0x1000

// EachRow sets the columns of a table and calls f for every row, from the first to the
// last, until f fails. Values are cut at 510 bytes ([MS-OXCTABL] 2.2.2.5.2).
//
// A server may answer fewer rows than asked and say that the table goes on; it is then
// asked again. The table ends where the server says so, or answers no rows.
func EachRow(ctx context.Context, table *Object, columns []mapi.PropertyTag, f func(row []mapi.Property) error) error {
	b := table.session.NewBatch()
	b.Add(table, &SetColumnsRequest{PropertyTags: columns})
	r := b.Add(table, queryRows())
	if err := b.Run(ctx); err != nil {
		return err
	}
	for {
		end, err := eachAnswered(r, columns, f)
		if err != nil || end {
			return err
		}
		b := table.session.NewBatch()
		r = b.Add(table, queryRows())
		if err := b.Run(ctx); err != nil {
			return err
		}
	}
}

// eachAnswered calls f for the rows of one answer and of those chained to it, and
// reports whether the table has ended. Some servers chain answers without having been
// asked, and go on with empty ones after the end.
func eachAnswered(r *Result, columns []mapi.PropertyTag, f func(row []mapi.Property) error) (end bool, err error) {
	p, err := Get[*QueryRowsResponse](r)
	if err != nil {
		return false, err
	}
	answers := []*QueryRowsResponse{p}
	for _, further := range r.Further() {
		p, ok := further.(*QueryRowsResponse)
		if ok {
			answers = append(answers, p)
		}
	}
	for _, p := range answers {
		if err := resultError(IDQueryRows, p); err != nil {
			return false, err
		}
		rows, err := p.Rows(columns)
		if err != nil {
			return false, &mapi.Protocol{Err: err}
		}
		for _, row := range rows {
			if err := f(row); err != nil {
				return false, err
			}
		}
		if len(rows) == 0 || p.Origin == BookmarkEnd {
			return true, nil
		}
	}
	return false, nil
}

func queryRows() *QueryRowsRequest {
	return &QueryRowsRequest{ForwardRead: true, RowCount: rowsPerQuery}
}

// AllRows returns all rows of a table, like EachRow.
func AllRows(ctx context.Context, table *Object, columns []mapi.PropertyTag) ([][]mapi.Property, error) {
	var out [][]mapi.Property
	err := EachRow(ctx, table, columns, func(row []mapi.Property) error {
		out = append(out, row)
		return nil
	})
	return out, err
}
