package rop

import "mailfs/mapi"

// FastTransferSourceCopyToRequest starts a download of an object without the listed properties
// ([MS-OXCROPS] 2.2.12.7).
type FastTransferSourceCopyToRequest struct {
	Level        uint8 // not 0 to leave out what is inside the object
	CopyFlags    uint32
	SendOptions  uint8              // Send…
	PropertyTags []mapi.PropertyTag // left out
}

// ROP returns IDFastTransferSourceCopyTo.
func (*FastTransferSourceCopyToRequest) ROP() ID { return IDFastTransferSourceCopyTo }

func (*FastTransferSourceCopyToRequest) layout() layout { return layoutInOut }

func (q *FastTransferSourceCopyToRequest) code(c *coder) {
	u8(c, &q.Level)
	u32(c, &q.CopyFlags)
	u8(c, &q.SendOptions)
	tags(c, &q.PropertyTags)
}

// FastTransferSourceCopyToResponse answers FastTransferSourceCopyToRequest ([MS-OXCROPS] 2.2.12.7.2).
type FastTransferSourceCopyToResponse struct {
	Status
}

// ROP returns IDFastTransferSourceCopyTo.
func (*FastTransferSourceCopyToResponse) ROP() ID { return IDFastTransferSourceCopyTo }

func (*FastTransferSourceCopyToResponse) code(*coder) {}
