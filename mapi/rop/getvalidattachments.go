package rop

// GetValidAttachmentsRequest lists the ids of a message's attachments
// ([MS-OXCROPS] 2.2.6.18).
type GetValidAttachmentsRequest struct{}

// ROP returns IDGetValidAttachments.
func (*GetValidAttachmentsRequest) ROP() ID { return IDGetValidAttachments }

func (*GetValidAttachmentsRequest) layout() layout { return layoutIn }

func (*GetValidAttachmentsRequest) code(*coder) {}

// GetValidAttachmentsResponse answers GetValidAttachmentsRequest ([MS-OXCROPS] 2.2.6.18.2).
type GetValidAttachmentsResponse struct {
	Status
	AttachmentIDs []uint32
}

// ROP returns IDGetValidAttachments.
func (*GetValidAttachmentsResponse) ROP() ID { return IDGetValidAttachments }

func (p *GetValidAttachmentsResponse) code(c *coder) {
	list32(c, 4, &p.AttachmentIDs, u32)
}
