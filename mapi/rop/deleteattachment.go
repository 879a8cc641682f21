package rop

// DeleteAttachmentRequest deletes an attachment of a message
// ([MS-OXCROPS] 2.2.6.14).
type DeleteAttachmentRequest struct {
	AttachmentID uint32
}

// ROP returns IDDeleteAttachment.
func (*DeleteAttachmentRequest) ROP() ID { return IDDeleteAttachment }

func (*DeleteAttachmentRequest) layout() layout { return layoutIn }

func (q *DeleteAttachmentRequest) code(c *coder) {
	u32(c, &q.AttachmentID)
}

// DeleteAttachmentResponse answers DeleteAttachmentRequest ([MS-OXCROPS] 2.2.6.14.2).
type DeleteAttachmentResponse struct {
	Status
}

// ROP returns IDDeleteAttachment.
func (*DeleteAttachmentResponse) ROP() ID { return IDDeleteAttachment }

func (*DeleteAttachmentResponse) code(*coder) {}
