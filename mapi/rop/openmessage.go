package rop

import "mailfs/mapi"

// OpenMessageRequest opens a message
// ([MS-OXCROPS] 2.2.6.1).
type OpenMessageRequest struct {
	CodePageID    uint16 // CodePageLogon for that of the log on
	FolderID      mapi.FID
	OpenModeFlags uint8 // OpenRead…
	MessageID     mapi.MID
}

// ROP returns IDOpenMessage.
func (*OpenMessageRequest) ROP() ID { return IDOpenMessage }

func (*OpenMessageRequest) layout() layout { return layoutInOut }

func (q *OpenMessageRequest) code(c *coder) {
	u16(c, &q.CodePageID)
	u64(c, &q.FolderID)
	u8(c, &q.OpenModeFlags)
	u64(c, &q.MessageID)
}

// OpenMessageResponse answers OpenMessageRequest ([MS-OXCROPS] 2.2.6.1.2).
type OpenMessageResponse struct {
	Status
	Header MessageHeader
}

// ROP returns IDOpenMessage.
func (*OpenMessageResponse) ROP() ID { return IDOpenMessage }

func (p *OpenMessageResponse) code(c *coder) {
	messageHeader(c, &p.Header)
}
