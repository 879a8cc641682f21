package rop

import (
	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// NewModifyRecipientRow encodes a recipient for a ModifyRecipientsRequest with these
// columns. flags are the bits beside the type, 0 in most cases.
func NewModifyRecipientRow(id uint32, t mapi.RecipientType, flags uint8, row mapi.RecipientRow, columns []mapi.PropertyTag) (ModifyRecipientRow, error) {
	data, err := encodeRecipient(row, columns)
	return ModifyRecipientRow{RowID: id, RecipientType: uint8(t) | flags, RecipientRow: data}, err
}

// Recipient decodes the recipient. ok is false for a row that is to be deleted.
func (r ModifyRecipientRow) Recipient(columns []mapi.PropertyTag) (row mapi.RecipientRow, ok bool, err error) {
	if len(r.RecipientRow) == 0 {
		return row, false, nil
	}
	row, err = decodeRecipient(r.RecipientRow, columns)
	return row, err == nil, err
}

// NewOpenRecipientRow encodes a recipient for a MessageHeader with these columns.
func NewOpenRecipientRow(t mapi.RecipientType, flags uint8, codePage uint16, row mapi.RecipientRow, columns []mapi.PropertyTag) (OpenRecipientRow, error) {
	data, err := encodeRecipient(row, columns)
	return OpenRecipientRow{RecipientType: uint8(t) | flags, CodePageID: codePage, RecipientRow: data}, err
}

// Recipient decodes the recipient of a MessageHeader with these columns.
func (r OpenRecipientRow) Recipient(columns []mapi.PropertyTag) (mapi.RecipientRow, error) {
	return decodeRecipient(r.RecipientRow, columns)
}

// NewReadRecipientRow encodes a recipient for a ReadRecipientsResponse. columns are
// those of the message's header.
func NewReadRecipientRow(id uint32, t mapi.RecipientType, flags uint8, codePage uint16, row mapi.RecipientRow, columns []mapi.PropertyTag) (ReadRecipientRow, error) {
	data, err := encodeRecipient(row, columns)
	return ReadRecipientRow{RowID: id, RecipientType: uint8(t) | flags, CodePageID: codePage, RecipientRow: data}, err
}

// Recipient decodes the recipient. columns are those of the message's header.
func (r ReadRecipientRow) Recipient(columns []mapi.PropertyTag) (mapi.RecipientRow, error) {
	return decodeRecipient(r.RecipientRow, columns)
}

func encodeRecipient(row mapi.RecipientRow, columns []mapi.PropertyTag) ([]byte, error) {
	var b wire.Builder
	row.Append(&b, columns)
	return b.Finish()
}

func decodeRecipient(data []byte, columns []mapi.PropertyTag) (mapi.RecipientRow, error) {
	r := wire.NewReader(data)
	row := mapi.ReadRecipientRow(r, columns)
	return row, r.Close()
}
