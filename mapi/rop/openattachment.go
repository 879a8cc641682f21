package rop

// OpenAttachmentRequest opens an attachment of a message
// ([MS-OXCROPS] 2.2.6.12).
type OpenAttachmentRequest struct {
	OpenAttachmentFlags uint8 // OpenRead…
	AttachmentID        uint32
}

// ROP returns IDOpenAttachment.
func (*OpenAttachmentRequest) ROP() ID { return IDOpenAttachment }

func (*OpenAttachmentRequest) layout() layout { return layoutInOut }

func (q *OpenAttachmentRequest) code(c *coder) {
	u8(c, &q.OpenAttachmentFlags)
	u32(c, &q.AttachmentID)
}

// OpenAttachmentResponse answers OpenAttachmentRequest ([MS-OXCROPS] 2.2.6.12.2).
type OpenAttachmentResponse struct {
	Status
}

// ROP returns IDOpenAttachment.
func (*OpenAttachmentResponse) ROP() ID { return IDOpenAttachment }

func (*OpenAttachmentResponse) code(*coder) {}
