package rop

import "mailfs/mapi"

// ModifyRecipientsRequest adds, changes and deletes recipients of a message
// ([MS-OXCROPS] 2.2.6.5).
type ModifyRecipientsRequest struct {
	RecipientColumns []mapi.PropertyTag // of the properties at the end of each row
	RecipientRows    []ModifyRecipientRow
}

// ModifyRecipientRow is one recipient to change ([MS-OXCROPS] 2.2.6.5.1.1).
type ModifyRecipientRow struct {
	RowID         uint32
	RecipientType uint8
	RecipientRow  []byte // an encoded recipient, empty to delete the row
}

func (r *ModifyRecipientRow) code(c *coder) {
	u32(c, &r.RowID)
	u8(c, &r.RecipientType)
	bytes16(c, &r.RecipientRow)
}

// ROP returns IDModifyRecipients.
func (*ModifyRecipientsRequest) ROP() ID { return IDModifyRecipients }

func (*ModifyRecipientsRequest) layout() layout { return layoutIn }

func (q *ModifyRecipientsRequest) code(c *coder) {
	tags(c, &q.RecipientColumns)
	list16(c, 7, &q.RecipientRows, func(c *coder, r *ModifyRecipientRow) { r.code(c) })
}

// ModifyRecipientsResponse answers ModifyRecipientsRequest ([MS-OXCROPS]
// 2.2.6.5.2).
type ModifyRecipientsResponse struct {
	Status
}

// ROP returns IDModifyRecipients.
func (*ModifyRecipientsResponse) ROP() ID { return IDModifyRecipients }

func (*ModifyRecipientsResponse) code(*coder) {}
