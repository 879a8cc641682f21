package mapi

import (
	"bytes"
	"fmt"
	"sort"

	"mailfs/mapi/wire"
)

// XID is an external identifier ([MS-OXCFXICS] 2.2.2.2): a namespace and 1 to 8
// bytes that count within it. Two XIDs can be compared only within one namespace.
type XID struct {
	Namespace GUID
	LocalID   string // 1 to 8 bytes, most significant first
}

// ParseXID reads the 17 to 24 byte form.
func ParseXID(p []byte) (XID, error) {
	if len(p) < 17 || len(p) > 24 {
		return XID{}, fmt.Errorf("mapi: an XID has 17 to 24 bytes, not %d", len(p))
	}
	return XID{Namespace: GUID(p[:16]), LocalID: string(p[16:])}, nil
}

// Append writes the namespace and the local id.
func (x XID) Append(b *wire.Builder) {
	b.GUID(x.Namespace)
	b.Raw([]byte(x.LocalID))
}

// ChangeKey returns the XID's bytes as a change key.
func (x XID) ChangeKey() ChangeKey { return ChangeKey(string(x.Namespace[:]) + x.LocalID) }

// Includes reports whether x is the same change as y or a later one of the same
// namespace.
func (x XID) Includes(y XID) bool {
	return x.Namespace == y.Namespace && compareLocal(x.LocalID, y.LocalID) >= 0
}

// compareLocal compares big-endian numbers that may differ in length.
func compareLocal(a, b string) int {
	n := max(len(a), len(b))
	pad := func(s string) []byte { return append(make([]byte, n-len(s)), s...) }
	return bytes.Compare(pad(a), pad(b))
}

// PCL is a predecessor change list ([MS-OXCFXICS] 2.2.2.3): for every namespace
// the latest change that a version contains, ascending by namespace.
type PCL []XID

// ParsePCL reads a sequence of SizedXid structures ([MS-OXCFXICS] 2.2.2.3.1). Entries
// out of order or repeated are accepted and normalized.
func ParsePCL(p []byte) (PCL, error) {
	var out PCL
	r := wire.NewReader(p)
	for r.Len() > 0 {
		x, err := ParseXID(r.Take(int(r.Uint8())))
		if err != nil {
			return nil, err
		}
		out = out.Add(x)
	}
	return out, r.Err()
}

// Bytes returns the wire form, nil for an empty list.
func (p PCL) Bytes() []byte {
	var b wire.Builder
	for _, x := range p {
		b.Counted8(func() { x.Append(&b) })
	}
	return b.Bytes()
}

// Add returns a list that also contains x. The receiver is not changed.
func (p PCL) Add(x XID) PCL {
	i := sort.Search(len(p), func(i int) bool { return bytes.Compare(p[i].Namespace[:], x.Namespace[:]) >= 0 })
	if i < len(p) && p[i].Namespace == x.Namespace {
		if p[i].Includes(x) {
			return p
		}
		out := append(PCL(nil), p...)
		out[i] = x
		return out
	}
	out := append(PCL(nil), p[:i]...)
	out = append(out, x)
	return append(out, p[i:]...)
}

// Merge returns the union of both lists ([MS-OXCFXICS] 3.1.5.6.2.1 calls it merging).
func (p PCL) Merge(q PCL) PCL {
	for _, x := range q {
		p = p.Add(x)
	}
	return p
}

// Contains reports whether the change x is part of the list.
func (p PCL) Contains(x XID) bool {
	i := sort.Search(len(p), func(i int) bool { return bytes.Compare(p[i].Namespace[:], x.Namespace[:]) >= 0 })
	return i < len(p) && p[i].Includes(x)
}

// Includes reports whether every change of q is part of p ([MS-OXCFXICS] 3.1.5.6.1).
func (p PCL) Includes(q PCL) bool {
	for _, x := range q {
		if !p.Contains(x) {
			return false
		}
	}
	return true
}
