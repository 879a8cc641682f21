package rop

import "mailfs/mapi"

// CreateMessageRequest creates a message that exists once it is saved
// ([MS-OXCROPS] 2.2.6.2).
type CreateMessageRequest struct {
	CodePageID     uint16 // CodePageLogon for that of the log on
	FolderID       mapi.FID
	AssociatedFlag bool // a folder associated (FAI) message
}

// ROP returns IDCreateMessage.
func (*CreateMessageRequest) ROP() ID { return IDCreateMessage }

func (*CreateMessageRequest) layout() layout { return layoutInOut }

func (q *CreateMessageRequest) code(c *coder) {
	u16(c, &q.CodePageID)
	u64(c, &q.FolderID)
	boolean(c, &q.AssociatedFlag)
}

// CreateMessageResponse answers CreateMessageRequest ([MS-OXCROPS] 2.2.6.2.2).
type CreateMessageResponse struct {
	Status
	HasMessageID bool
	MessageID    mapi.MID // only with HasMessageID; the id comes with SaveChangesMessage
}

// ROP returns IDCreateMessage.
func (*CreateMessageResponse) ROP() ID { return IDCreateMessage }

func (p *CreateMessageResponse) code(c *coder) {
	boolean(c, &p.HasMessageID)
	if p.HasMessageID {
		u64(c, &p.MessageID)
	}
}
