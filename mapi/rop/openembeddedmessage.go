package rop

import "mailfs/mapi"

// OpenEmbeddedMessageRequest opens the message inside an attachment
// ([MS-OXCROPS] 2.2.6.16).
type OpenEmbeddedMessageRequest struct {
	CodePageID    uint16 // CodePageLogon for that of the log on
	OpenModeFlags uint8  // OpenRead, OpenReadWrite or OpenCreate
}

// ROP returns IDOpenEmbeddedMessage.
func (*OpenEmbeddedMessageRequest) ROP() ID { return IDOpenEmbeddedMessage }

func (*OpenEmbeddedMessageRequest) layout() layout { return layoutInOut }

func (q *OpenEmbeddedMessageRequest) code(c *coder) {
	u16(c, &q.CodePageID)
	u8(c, &q.OpenModeFlags)
}

// OpenEmbeddedMessageResponse answers OpenEmbeddedMessageRequest ([MS-OXCROPS] 2.2.6.16.2).
type OpenEmbeddedMessageResponse struct {
	Status
	Reserved  uint8
	MessageID mapi.MID
	Header    MessageHeader
}

// ROP returns IDOpenEmbeddedMessage.
func (*OpenEmbeddedMessageResponse) ROP() ID { return IDOpenEmbeddedMessage }

func (p *OpenEmbeddedMessageResponse) code(c *coder) {
	u8(c, &p.Reserved)
	u64(c, &p.MessageID)
	messageHeader(c, &p.Header)
}
