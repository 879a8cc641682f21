package rop

import (
	"errors"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

var (
	errCounts = errors.New("rop: lists of the same length expected")
	errNoRows = errors.New("rop: rows of a table whose columns are not known")
)

// PropertyProblem tells why a property was not set, deleted or copied
// ([MS-OXCDATA] 2.7).
type PropertyProblem struct {
	Index       uint16 // in the list of the request
	PropertyTag mapi.PropertyTag
	ErrorCode   mapi.ErrorCode
}

func problems(c *coder, v *[]PropertyProblem) {
	list16(c, 10, v, func(c *coder, p *PropertyProblem) {
		u16(c, &p.Index)
		u32(c, &p.PropertyTag)
		u32(c, &p.ErrorCode)
	})
}

// Servers names the servers that have a replica of a public folder; the first
// CheapServerCount of them are to be preferred.
type Servers struct {
	CheapServerCount uint16
	Names            []string
}

func servers(c *coder, v *Servers) {
	n := count16(c, len(v.Names))
	u16(c, &v.CheapServerCount)
	list(c, uint64(n), 1, &v.Names, cstring)
}

// nullDestination walks the field that the null destination form of a failure has
// ([MS-OXCROPS] 2.2.4.6.3 and others).
func nullDestination(c *coder, result mapi.ErrorCode, index *uint32) {
	if result == mapi.EcNullDestinationObject {
		u32(c, index)
	}
}

// version walks the three parts of TellVersion ([MS-OXCROPS] 2.2.12.9.1).
func version(c *coder, v *[3]uint16) {
	for i := range v {
		u16(c, &v[i])
	}
}

func property(c *coder, p *mapi.Property) {
	if c.reading() {
		*p = mapi.ReadProperty(c.r)
	} else {
		mapi.AppendProperty(c.b, *p)
	}
}

// properties walks a list of tagged values behind a two-byte count.
func properties(c *coder, v *[]mapi.Property) { list16(c, 4, v, property) }

// sizedProperties walks a size in bytes, and the count and the values that it covers.
func sizedProperties(c *coder, v *[]mapi.Property) {
	sized16(c, func() { properties(c, v) })
}

func propertyName(c *coder, v *mapi.PropertyName) {
	if c.reading() {
		*v = mapi.ReadPropertyName(c.r)
	} else {
		mapi.AppendPropertyName(c.b, *v)
	}
}

// toEnd walks elements until the input ends.
func toEnd[T any](c *coder, v *[]T, each func(*coder, *T)) {
	if !c.reading() {
		list(c, 0, 0, v, each)
		return
	}
	*v = nil
	for c.r.Len() > 0 {
		var one T
		each(c, &one)
		if c.r.Err() == nil {
			*v = append(*v, one)
		}
	}
}

// rows walks n encoded rows, which stay encoded. Reading needs the columns to find
// their end.
func rows(c *coder, n uint64, v *[]byte) {
	if !c.reading() {
		c.b.Raw(*v)
		return
	}
	*v = nil
	if n == 0 {
		return
	}
	if !c.known {
		c.fail(errNoRows)
		return
	}
	all, start := c.r.Peek(c.r.Len()), c.r.Offset()
	for range n {
		mapi.ReadPropertyRow(c.r, c.columns)
		if c.r.Err() != nil {
			return
		}
	}
	*v = append([]byte(nil), all[:c.r.Offset()-start]...)
}

func decodeRows(r *wire.Reader, n uint64, columns []mapi.PropertyTag) ([][]mapi.Property, error) {
	out := make([][]mapi.Property, 0, r.Count(n, 1))
	for range n {
		row := mapi.ReadPropertyRow(r, columns)
		if err := r.Err(); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, r.Close()
}

func encodeRows(columns []mapi.PropertyTag, rows [][]mapi.Property) ([]byte, error) {
	var b wire.Builder
	for _, row := range rows {
		mapi.AppendPropertyRow(&b, columns, row)
	}
	return b.Finish()
}
