package rop

import "mailfs/mapi"

// MessageHeader is what opening a message tells about it ([MS-OXCROPS] 2.2.6.1.2).
type MessageHeader struct {
	HasNamedProperties bool
	SubjectPrefix      TypedString
	NormalizedSubject  TypedString
	RecipientCount     uint16             // of the message; may be more than the rows here
	RecipientColumns   []mapi.PropertyTag // of the properties at the end of each row
	RecipientRows      []OpenRecipientRow // the first ones, at most 255
}

// OpenRecipientRow is one recipient of an opened message ([MS-OXCROPS] 2.2.6.1.2.1).
type OpenRecipientRow struct {
	RecipientType uint8
	CodePageID    uint16
	Reserved      uint16
	RecipientRow  []byte // an encoded recipient
}

func (r *OpenRecipientRow) code(c *coder) {
	u8(c, &r.RecipientType)
	u16(c, &r.CodePageID)
	u16(c, &r.Reserved)
	bytes16(c, &r.RecipientRow)
}

func messageHeader(c *coder, h *MessageHeader) {
	boolean(c, &h.HasNamedProperties)
	typedString(c, &h.SubjectPrefix)
	typedString(c, &h.NormalizedSubject)
	u16(c, &h.RecipientCount)
	tags(c, &h.RecipientColumns)
	n := count8(c, len(h.RecipientRows))
	list(c, uint64(n), 7, &h.RecipientRows, func(c *coder, r *OpenRecipientRow) { r.code(c) })
}
