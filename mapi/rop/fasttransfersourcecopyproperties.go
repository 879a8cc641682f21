package rop

import "mailfs/mapi"

// FastTransferSourceCopyPropertiesRequest starts a download of the listed properties of an object
// ([MS-OXCROPS] 2.2.12.8).
type FastTransferSourceCopyPropertiesRequest struct {
	Level        uint8 // not 0 to leave out what is inside the object
	CopyFlags    uint8
	SendOptions  uint8 // Send…
	PropertyTags []mapi.PropertyTag
}

// ROP returns IDFastTransferSourceCopyProperties.
func (*FastTransferSourceCopyPropertiesRequest) ROP() ID { return IDFastTransferSourceCopyProperties }

func (*FastTransferSourceCopyPropertiesRequest) layout() layout { return layoutInOut }

func (q *FastTransferSourceCopyPropertiesRequest) code(c *coder) {
	u8(c, &q.Level)
	u8(c, &q.CopyFlags)
	u8(c, &q.SendOptions)
	tags(c, &q.PropertyTags)
}

// FastTransferSourceCopyPropertiesResponse answers FastTransferSourceCopyPropertiesRequest ([MS-OXCROPS] 2.2.12.8.2).
type FastTransferSourceCopyPropertiesResponse struct {
	Status
}

// ROP returns IDFastTransferSourceCopyProperties.
func (*FastTransferSourceCopyPropertiesResponse) ROP() ID { return IDFastTransferSourceCopyProperties }

func (*FastTransferSourceCopyPropertiesResponse) code(*coder) {}
