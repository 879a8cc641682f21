package rop

import (
	"errors"
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// coder walks the fields of a struct in wire order, reading into them or writing
// them out. Exactly one of r and b is set.
type coder struct {
	r *wire.Reader
	b *wire.Builder

	// The surroundings of the request or response at hand.
	logonID uint8
	in      uint8
	public  bool               // the log on is one to public folders
	columns []mapi.PropertyTag // what the rows of a response consist of
	known   bool               // columns has meaning
}

func (c *coder) reading() bool { return c.r != nil }

// fail records err on whichever side is in use.
func (c *coder) fail(err error) {
	if c.reading() {
		c.r.Fail(err)
	} else {
		c.b.Fail(err)
	}
}

func u8[T ~uint8](c *coder, v *T) {
	if c.reading() {
		*v = T(c.r.Uint8())
	} else {
		c.b.Uint8(uint8(*v))
	}
}

func u16[T ~uint16](c *coder, v *T) {
	if c.reading() {
		*v = T(c.r.Uint16())
	} else {
		c.b.Uint16(uint16(*v))
	}
}

func u32[T ~uint32 | ~int32](c *coder, v *T) {
	if c.reading() {
		*v = T(c.r.Uint32())
	} else {
		c.b.Uint32(uint32(*v))
	}
}

func u64[T ~uint64 | ~int64](c *coder, v *T) {
	if c.reading() {
		*v = T(c.r.Uint64())
	} else {
		c.b.Uint64(uint64(*v))
	}
}

func boolean(c *coder, v *bool) {
	if c.reading() {
		*v = c.r.Bool()
	} else {
		c.b.Bool(*v)
	}
}

func guid(c *coder, v *mapi.GUID) {
	if c.reading() {
		*v = c.r.GUID()
	} else {
		c.b.GUID(*v)
	}
}

// counter walks a GLOBCNT, most significant byte first.
func counter(c *coder, v *mapi.GlobCnt) {
	if c.reading() {
		*v = mapi.GlobCnt(c.r.Uint48BE())
	} else {
		c.b.Uint48BE(uint64(*v))
	}
}

func longTermID(c *coder, v *mapi.LongTermID) {
	if c.reading() {
		*v = mapi.ReadLongTermID(c.r)
	} else {
		v.Append(c.b)
	}
}

// cstring walks an 8-bit string with a terminating zero.
func cstring(c *coder, v *string) {
	if c.reading() {
		*v = c.r.CString()
		return
	}
	for i := range len(*v) {
		if (*v)[i] == 0 {
			c.fail(errZeroInString)
			return
		}
	}
	c.b.CString(*v)
}

var errZeroInString = errors.New("rop: a terminated string contains a zero")

// text walks a terminated string that is UTF-16 where unicode is set.
func text(c *coder, unicode bool, v *string) {
	if !unicode {
		cstring(c, v)
		return
	}
	if c.reading() {
		*v = c.r.WString()
		return
	}
	for i := range len(*v) {
		if (*v)[i] == 0 {
			c.fail(errZeroInString)
			return
		}
	}
	c.b.WString(*v)
}

// take consumes n bytes of the input into a copy, nil when n is 0.
func (c *coder) take(n int) []byte {
	if n == 0 {
		return nil
	}
	return c.r.Bytes(n)
}

// bytes16 walks a byte array behind a two-byte length.
func bytes16(c *coder, v *[]byte) {
	if c.reading() {
		*v = c.take(int(c.r.Uint16()))
	} else {
		c.b.Counted16(func() { c.b.Raw(*v) })
	}
}

// bytes32 walks a byte array behind a four-byte length.
func bytes32(c *coder, v *[]byte) {
	if c.reading() {
		*v = c.take(c.r.Count(uint64(c.r.Uint32()), 1))
	} else {
		c.b.Counted32(func() { c.b.Raw(*v) })
	}
}

// list walks elements whose number stands elsewhere: n is that number when reading,
// size the least number of bytes of an element.
func list[T any](c *coder, n uint64, size int, v *[]T, each func(*coder, *T)) {
	if !c.reading() {
		for i := range *v {
			each(c, &(*v)[i])
		}
		return
	}
	count := c.r.Count(n, size)
	if count == 0 {
		*v = nil
		return
	}
	out := make([]T, count)
	for i := range out {
		each(c, &out[i])
	}
	if c.r.Err() == nil {
		*v = out
	}
}

// list16 walks elements behind a two-byte count.
func list16[T any](c *coder, size int, v *[]T, each func(*coder, *T)) {
	n := count16(c, len(*v))
	list(c, uint64(n), size, v, each)
}

// count16 walks a two-byte count whose value is n when writing.
func count16(c *coder, n int) uint16 {
	v := uint16(n)
	if !c.reading() && int(v) != n {
		c.fail(fmt.Errorf("rop: %d elements do not fit a 2-byte count", n))
	}
	u16(c, &v)
	return v
}

// list32 walks elements behind a four-byte count.
func list32[T any](c *coder, size int, v *[]T, each func(*coder, *T)) {
	n := uint32(len(*v))
	u32(c, &n)
	list(c, uint64(n), size, v, each)
}

func tags(c *coder, v *[]mapi.PropertyTag) { list16(c, 4, v, u32[mapi.PropertyTag]) }

// sized16 walks what f walks behind a two-byte length in bytes, which f has to use
// up entirely.
func sized16(c *coder, f func()) {
	if !c.reading() {
		c.b.Counted16(f)
		return
	}
	outer := c.r
	inner := wire.NewReader(outer.Take(int(outer.Uint16())))
	if outer.Err() != nil {
		return
	}
	c.r = inner
	f()
	c.r = outer
	if err := inner.Close(); err != nil {
		outer.Fail(err)
	}
}
