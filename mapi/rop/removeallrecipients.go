package rop

// RemoveAllRecipientsRequest removes all recipients of a message
// ([MS-OXCROPS] 2.2.6.4).
type RemoveAllRecipientsRequest struct {
	Reserved uint32
}

// ROP returns IDRemoveAllRecipients.
func (*RemoveAllRecipientsRequest) ROP() ID { return IDRemoveAllRecipients }

func (*RemoveAllRecipientsRequest) layout() layout { return layoutIn }

func (q *RemoveAllRecipientsRequest) code(c *coder) {
	u32(c, &q.Reserved)
}

// RemoveAllRecipientsResponse answers RemoveAllRecipientsRequest ([MS-OXCROPS] 2.2.6.4.2).
type RemoveAllRecipientsResponse struct {
	Status
}

// ROP returns IDRemoveAllRecipients.
func (*RemoveAllRecipientsResponse) ROP() ID { return IDRemoveAllRecipients }

func (*RemoveAllRecipientsResponse) code(*coder) {}
