package rop

// GetAttachmentTableRequest opens the table of a message's attachments
// ([MS-OXCROPS] 2.2.6.17).
type GetAttachmentTableRequest struct {
	TableFlags uint8 // Table…
}

// ROP returns IDGetAttachmentTable.
func (*GetAttachmentTableRequest) ROP() ID { return IDGetAttachmentTable }

func (*GetAttachmentTableRequest) layout() layout { return layoutInOut }

func (q *GetAttachmentTableRequest) code(c *coder) {
	u8(c, &q.TableFlags)
}

// GetAttachmentTableResponse answers GetAttachmentTableRequest ([MS-OXCROPS] 2.2.6.17.2).
type GetAttachmentTableResponse struct {
	Status
}

// ROP returns IDGetAttachmentTable.
func (*GetAttachmentTableResponse) ROP() ID { return IDGetAttachmentTable }

func (*GetAttachmentTableResponse) code(*coder) {}
