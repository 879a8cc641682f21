package rop

import "mailfs/mapi"

// SaveChangesMessageRequest saves a message
// ([MS-OXCROPS] 2.2.6.3).
type SaveChangesMessageRequest struct {
	SaveFlags uint8 // Save…
}

// ROP returns IDSaveChangesMessage.
func (*SaveChangesMessageRequest) ROP() ID { return IDSaveChangesMessage }

func (*SaveChangesMessageRequest) layout() layout { return layoutRspIn }

func (q *SaveChangesMessageRequest) code(c *coder) {
	u8(c, &q.SaveFlags)
}

// SaveChangesMessageResponse answers SaveChangesMessageRequest ([MS-OXCROPS] 2.2.6.3.2).
type SaveChangesMessageResponse struct {
	Status
	MessageID mapi.MID
}

// ROP returns IDSaveChangesMessage.
func (*SaveChangesMessageResponse) ROP() ID { return IDSaveChangesMessage }

func (p *SaveChangesMessageResponse) code(c *coder) {
	u8(c, &c.in)
	u64(c, &p.MessageID)
}
