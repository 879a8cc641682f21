package rop

import "mailfs/mapi"

// BufferTooSmall says that the requests from some point on were not executed,
// because their responses would not have fit ([MS-OXCROPS] 2.2.15.1). It is the last
// response of a buffer.
type BufferTooSmall struct {
	SizeNeeded     uint16 // for the whole output buffer
	RequestBuffers []byte // the requests that were not executed, as they came
}

// ROP returns IDBufferTooSmall.
func (*BufferTooSmall) ROP() ID { return IDBufferTooSmall }

// Result returns 0: it carries no return value.
func (*BufferTooSmall) Result() mapi.ErrorCode { return 0 }

func (p *BufferTooSmall) code(c *coder) {
	u16(c, &p.SizeNeeded)
	if c.reading() {
		p.RequestBuffers = c.take(c.r.Len())
	} else {
		c.b.Raw(p.RequestBuffers)
	}
}
