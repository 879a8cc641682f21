package rop

import "fmt"

// ReadRecipientsRequest asks for recipients of a message ([MS-OXCROPS] 2.2.6.6).
type ReadRecipientsRequest struct {
	RowID    uint32 // the first one wanted
	Reserved uint16
}

// ROP returns IDReadRecipients.
func (*ReadRecipientsRequest) ROP() ID { return IDReadRecipients }

func (*ReadRecipientsRequest) layout() layout { return layoutIn }

func (q *ReadRecipientsRequest) code(c *coder) {
	u32(c, &q.RowID)
	u16(c, &q.Reserved)
}

// ReadRecipientsResponse answers ReadRecipientsRequest ([MS-OXCROPS] 2.2.6.6.2).
type ReadRecipientsResponse struct {
	Status
	RecipientRows []ReadRecipientRow // at most 255
}

// ReadRecipientRow is one recipient that was asked for ([MS-OXCROPS]
// 2.2.6.6.2.1).
type ReadRecipientRow struct {
	RowID         uint32
	RecipientType uint8
	CodePageID    uint16
	Reserved      uint16
	RecipientRow  []byte // an encoded recipient
}

func (r *ReadRecipientRow) code(c *coder) {
	u32(c, &r.RowID)
	u8(c, &r.RecipientType)
	u16(c, &r.CodePageID)
	u16(c, &r.Reserved)
	bytes16(c, &r.RecipientRow)
}

// ROP returns IDReadRecipients.
func (*ReadRecipientsResponse) ROP() ID { return IDReadRecipients }

func (p *ReadRecipientsResponse) code(c *coder) {
	n := count8(c, len(p.RecipientRows))
	list(c, uint64(n), 11, &p.RecipientRows, func(c *coder, r *ReadRecipientRow) { r.code(c) })
}

// count8 walks a one-byte count whose value is n when writing.
func count8(c *coder, n int) uint8 {
	v := uint8(n)
	if !c.reading() && int(v) != n {
		c.fail(fmt.Errorf("rop: %d elements do not fit a 1-byte count", n))
	}
	u8(c, &v)
	return v
}
