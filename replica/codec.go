package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailfs/mapi"
)

// errCorrupt marks a record that does not decode.
var errCorrupt = errors.New("replica: damaged record")

// enc appends the primitives that every record is made of.
type enc struct{ b []byte }

func (e *enc) u8(v uint8)      { e.b = append(e.b, v) }
func (e *enc) uv(v uint64)     { e.b = binary.AppendUvarint(e.b, v) }
func (e *enc) iv(v int64)      { e.b = binary.AppendVarint(e.b, v) }
func (e *enc) u64(v uint64)    { e.b = binary.LittleEndian.AppendUint64(e.b, v) }
func (e *enc) u32(v uint32)    { e.b = binary.LittleEndian.AppendUint32(e.b, v) }
func (e *enc) guid(g [16]byte) { e.b = append(e.b, g[:]...) }

func (e *enc) bool(v bool) {
	if v {
		e.u8(1)
		return
	}
	e.u8(0)
}

func (e *enc) str(s string) {
	e.uv(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *enc) bytes(p []byte) {
	e.uv(uint64(len(p)))
	e.b = append(e.b, p...)
}

// time keeps the moment to the nanosecond and forgets the zone.
func (e *enc) time(t time.Time) {
	e.u64(uint64(t.Unix()))
	e.u32(uint32(t.Nanosecond()))
}

// sorted appends the entries of m in order of key, so that equal maps have equal bytes.
func sorted[V any](e *enc, m map[string]V, value func(V)) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	e.uv(uint64(len(keys)))
	for _, k := range keys {
		e.str(k)
		value(m[k])
	}
}

func (e *enc) pcl(p mapi.PCL) {
	e.uv(uint64(len(p)))
	for _, x := range p {
		e.guid(x.Namespace)
		e.str(x.LocalID)
	}
}

func (e *enc) changeError(c *ChangeError) {
	e.bool(c != nil)
	if c != nil {
		e.uv(uint64(c.Code))
		e.str(c.Text)
		e.time(c.At)
	}
}

// dec consumes a record. The first failure sticks. Strings share the record's memory.
type dec struct {
	s   string
	off int
	err error
}

func (d *dec) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d of %d", errCorrupt, what, d.off, len(d.s))
	}
}

func (d *dec) left() int {
	if d.err != nil {
		return 0
	}
	return len(d.s) - d.off
}

func (d *dec) take(n uint64) string {
	if d.err != nil {
		return ""
	}
	if n > uint64(len(d.s)-d.off) {
		d.fail("too short")
		return ""
	}
	s := d.s[d.off : d.off+int(n)]
	d.off += int(n)
	return s
}

func (d *dec) u8() uint8 {
	if s := d.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (d *dec) bool() bool {
	switch d.u8() {
	case 0:
		return false
	case 1:
		return true
	}
	d.fail("bad truth value")
	return false
}

func (d *dec) u32() (v uint32) {
	if s := d.take(4); s != "" {
		v = uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	}
	return v
}

func (d *dec) u64() (v uint64) {
	if s := d.take(8); s != "" {
		v = uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	}
	return v
}

func (d *dec) uv() uint64 {
	if d.err == nil && d.off < len(d.s) && d.s[d.off] < 0x80 { // by far the most
		d.off++
		return uint64(d.s[d.off-1])
	}
	return d.longUv()
}

func (d *dec) longUv() uint64 {
	var v uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := d.u8()
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	d.fail("bad number")
	return 0
}

func (d *dec) iv() int64 {
	u := d.uv()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

func (d *dec) str() string    { return d.take(d.uv()) }
func (d *dec) bytes() []byte  { return []byte(d.str()) }
func (d *dec) guid() [16]byte { var g [16]byte; copy(g[:], d.take(16)); return g }

// count reads a number of elements of at least size bytes each and checks that so
// many can still be there.
func (d *dec) count(size int) int {
	n := d.uv()
	if n > uint64(d.left()/size) {
		d.fail("too many elements")
		return 0
	}
	return int(n)
}

var zeroUnix = time.Time{}.Unix()

func (d *dec) time() time.Time {
	secs, nanos := int64(d.u64()), d.u32()
	if nanos >= 1e9 {
		d.fail("bad time")
		return time.Time{}
	}
	if secs == zeroUnix && nanos == 0 {
		return time.Time{}
	}
	return time.Unix(secs, int64(nanos)).UTC()
}

func (d *dec) pcl() mapi.PCL {
	n := d.count(17)
	if n == 0 {
		return nil
	}
	p := make(mapi.PCL, n)
	for i := range p {
		p[i] = mapi.XID{Namespace: d.guid(), LocalID: d.str()}
	}
	return p
}

func (d *dec) changeError() *ChangeError {
	if !d.bool() {
		return nil
	}
	return &ChangeError{Code: mapi.ErrorCode(d.uv()), Text: strings.Clone(d.str()), At: d.time()}
}

// format checks the version byte at the front of a record.
func (d *dec) format(newest uint8) {
	if v := d.u8(); d.err == nil && (v == 0 || v > newest) {
		d.fail(fmt.Sprintf("unknown format %d", v))
	}
}

// end fails if anything is left over, and returns the first error.
func (d *dec) end() error {
	if d.err == nil && d.off != len(d.s) {
		d.fail("bytes left over")
	}
	return d.err
}
