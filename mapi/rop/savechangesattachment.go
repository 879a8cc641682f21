package rop

// SaveChangesAttachmentRequest saves an attachment
// ([MS-OXCROPS] 2.2.6.15).
type SaveChangesAttachmentRequest struct {
	SaveFlags uint8 // Save…
}

// ROP returns IDSaveChangesAttachment.
func (*SaveChangesAttachmentRequest) ROP() ID { return IDSaveChangesAttachment }

func (*SaveChangesAttachmentRequest) layout() layout { return layoutRspIn }

func (q *SaveChangesAttachmentRequest) code(c *coder) {
	u8(c, &q.SaveFlags)
}

// SaveChangesAttachmentResponse answers SaveChangesAttachmentRequest ([MS-OXCROPS] 2.2.6.15.2).
type SaveChangesAttachmentResponse struct {
	Status
}

// ROP returns IDSaveChangesAttachment.
func (*SaveChangesAttachmentResponse) ROP() ID { return IDSaveChangesAttachment }

func (*SaveChangesAttachmentResponse) code(*coder) {}
