package rop

import "mailfs/mapi"

// OpenStreamRequest opens a property as a stream
// ([MS-OXCROPS] 2.2.9.1).
type OpenStreamRequest struct {
	PropertyTag   mapi.PropertyTag
	OpenModeFlags uint8 // OpenRead, OpenReadWrite, OpenCreate or OpenBestAccess
}

// ROP returns IDOpenStream.
func (*OpenStreamRequest) ROP() ID { return IDOpenStream }

func (*OpenStreamRequest) layout() layout { return layoutInOut }

func (q *OpenStreamRequest) code(c *coder) {
	u32(c, &q.PropertyTag)
	u8(c, &q.OpenModeFlags)
}

// OpenStreamResponse answers OpenStreamRequest ([MS-OXCROPS] 2.2.9.1.2).
type OpenStreamResponse struct {
	Status
	StreamSize uint32
}

// ROP returns IDOpenStream.
func (*OpenStreamResponse) ROP() ID { return IDOpenStream }

func (p *OpenStreamResponse) code(c *coder) {
	u32(c, &p.StreamSize)
}
