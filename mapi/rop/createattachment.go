package rop

// CreateAttachmentRequest creates an attachment of a message
// ([MS-OXCROPS] 2.2.6.13).
type CreateAttachmentRequest struct{}

// ROP returns IDCreateAttachment.
func (*CreateAttachmentRequest) ROP() ID { return IDCreateAttachment }

func (*CreateAttachmentRequest) layout() layout { return layoutInOut }

func (*CreateAttachmentRequest) code(*coder) {}

// CreateAttachmentResponse answers CreateAttachmentRequest ([MS-OXCROPS] 2.2.6.13.2).
type CreateAttachmentResponse struct {
	Status
	AttachmentID uint32
}

// ROP returns IDCreateAttachment.
func (*CreateAttachmentResponse) ROP() ID { return IDCreateAttachment }

func (p *CreateAttachmentResponse) code(c *coder) {
	u32(c, &p.AttachmentID)
}
