package mapi

import (
	"fmt"
	"slices"

	"mailfs/mapi/wire"
)

// RecipientFlags tells what a RecipientRow holds ([MS-OXCDATA] 2.8.3.1).
type RecipientFlags uint16

// The flags, and the address types in the lowest three bits.
const (
	RecipientTypeMask    RecipientFlags = 0x0007
	RecipientNoType      RecipientFlags = 0x0000
	RecipientX500        RecipientFlags = 0x0001
	RecipientMSMail      RecipientFlags = 0x0002
	RecipientSMTP        RecipientFlags = 0x0003
	RecipientFax         RecipientFlags = 0x0004
	RecipientOfficeMail  RecipientFlags = 0x0005
	RecipientPersonalDL1 RecipientFlags = 0x0006
	RecipientPersonalDL2 RecipientFlags = 0x0007

	RecipientHasEmail         RecipientFlags = 0x0008
	RecipientHasName          RecipientFlags = 0x0010
	RecipientHasTransmittable RecipientFlags = 0x0020
	RecipientSameTransmit     RecipientFlags = 0x0040 // the transmittable name is the display name
	RecipientResponsible      RecipientFlags = 0x0080 // somebody else delivers to this recipient
	RecipientNoRichText       RecipientFlags = 0x0100
	RecipientUnicode          RecipientFlags = 0x0200
	RecipientHasSimpleName    RecipientFlags = 0x0400
	RecipientReserved         RecipientFlags = 0x7800
	RecipientHasAddressType   RecipientFlags = 0x8000
)

// RecipientRow is one recipient in the form of the message ROPs
// ([MS-OXCDATA] 2.8.3.2). Which fields are in use is told by Flags. Strings are text
// with RecipientUnicode, and the undecoded bytes of the session's code page without.
type RecipientRow struct {
	Flags       RecipientFlags
	PrefixUsed  uint8  // X500: how many bytes of the session's DN prefix go before X500DN
	DisplayType uint8  // X500
	X500DN      string // X500; 8-bit
	EntryID     []byte // personal distribution lists
	SearchKey   []byte // personal distribution lists
	AddressType string // 8-bit
	Email       string
	DisplayName string
	SimpleName  string
	Transmit    string
	Values      []Property // of the first columns
}

// ReadRecipientRow consumes a RecipientRow. columns are the further columns that the
// ROP names; a row may hold fewer of them, never more.
func ReadRecipientRow(r *wire.Reader, columns []PropertyTag) RecipientRow {
	row := RecipientRow{Flags: RecipientFlags(r.Uint16())}
	text := func(flag RecipientFlags) string {
		switch {
		case row.Flags&flag == 0:
			return ""
		case row.Flags&RecipientUnicode != 0:
			return r.WString()
		}
		return r.CString()
	}
	switch row.Flags & RecipientTypeMask {
	case RecipientX500:
		row.PrefixUsed = r.Uint8()
		row.DisplayType = r.Uint8()
		row.X500DN = r.CString()
	case RecipientPersonalDL1, RecipientPersonalDL2:
		row.EntryID = r.Bytes(int(r.Uint16()))
		row.SearchKey = r.Bytes(int(r.Uint16()))
	case RecipientNoType:
		if row.Flags&RecipientHasAddressType != 0 {
			row.AddressType = r.CString()
		}
	}
	row.Email = text(RecipientHasEmail)
	row.DisplayName = text(RecipientHasName)
	row.SimpleName = text(RecipientHasSimpleName)
	row.Transmit = text(RecipientHasTransmittable)
	n := int(r.Uint16())
	if n > len(columns) {
		r.Fail(fmt.Errorf("mapi: recipient row with %d of %d columns", n, len(columns)))
	}
	if r.Err() != nil {
		return RecipientRow{}
	}
	row.Values = ReadPropertyRow(r, columns[:n])
	return row
}

// Append writes the row. columns are those of the ROP; the row's Values belong to
// the first of them.
func (row RecipientRow) Append(b *wire.Builder, columns []PropertyTag) {
	b.Uint16(uint16(row.Flags))
	text := func(flag RecipientFlags, s string) {
		switch {
		case row.Flags&flag == 0:
		case row.Flags&RecipientUnicode != 0:
			b.WString(s)
		default:
			b.CString(s)
		}
	}
	switch row.Flags & RecipientTypeMask {
	case RecipientX500:
		b.Uint8(row.PrefixUsed)
		b.Uint8(row.DisplayType)
		b.CString(row.X500DN)
	case RecipientPersonalDL1, RecipientPersonalDL2:
		b.Counted16(func() { b.Raw(row.EntryID) })
		b.Counted16(func() { b.Raw(row.SearchKey) })
	case RecipientNoType:
		if row.Flags&RecipientHasAddressType != 0 {
			b.CString(row.AddressType)
		}
	}
	text(RecipientHasEmail, row.Email)
	text(RecipientHasName, row.DisplayName)
	text(RecipientHasSimpleName, row.SimpleName)
	text(RecipientHasTransmittable, row.Transmit)
	if len(row.Values) > len(columns) {
		b.Fail(fmt.Errorf("mapi: recipient row with %d of %d columns", len(row.Values), len(columns)))
		return
	}
	b.Uint16(uint16(len(row.Values)))
	AppendPropertyRow(b, columns[:len(row.Values)], row.Values)
}

// Properties returns what the row says as properties of a recipient. dnPrefix is the
// DN prefix that the server gave at Connect.
func (row RecipientRow) Properties(dnPrefix string) PropertyBag {
	var out PropertyBag
	text := func(tag PropertyTag, s string) {
		if row.Flags&RecipientUnicode == 0 {
			out.Set(tag.WithType(TypeString8), String8(s))
			return
		}
		out.Set(tag, s)
	}
	ascii := func(tag PropertyTag, s string) { out.Set(tag, s) }
	switch row.Flags & RecipientTypeMask {
	case RecipientX500:
		ascii(PidTagAddressType, "EX")
		ascii(PidTagEmailAddress, dnPrefix[:min(int(row.PrefixUsed), len(dnPrefix))]+row.X500DN)
		out.Set(PidTagDisplayType, int32(row.DisplayType))
	case RecipientMSMail:
		ascii(PidTagAddressType, "MS")
	case RecipientSMTP:
		ascii(PidTagAddressType, "SMTP")
	case RecipientFax:
		ascii(PidTagAddressType, "FAX")
	case RecipientOfficeMail:
		ascii(PidTagAddressType, "PROFS")
	case RecipientPersonalDL1, RecipientPersonalDL2:
		ascii(PidTagAddressType, "MAPIPDL")
		out.Set(PidTagEntryId, row.EntryID)
		out.Set(PidTagSearchKey, row.SearchKey)
	default:
		if row.Flags&RecipientHasAddressType != 0 {
			ascii(PidTagAddressType, row.AddressType)
		}
	}
	if row.Flags&RecipientHasEmail != 0 {
		text(PidTagEmailAddress, row.Email)
	}
	if row.Flags&RecipientHasName != 0 {
		text(PidTagDisplayName, row.DisplayName)
	}
	if row.Flags&RecipientHasSimpleName != 0 {
		text(PidTagAddressBookDisplayNamePrintable, row.SimpleName)
	}
	switch {
	case row.Flags&RecipientHasTransmittable != 0:
		text(PidTagTransmittableDisplayName, row.Transmit)
	case row.Flags&RecipientSameTransmit != 0 && row.Flags&RecipientHasName != 0:
		text(PidTagTransmittableDisplayName, row.DisplayName)
	}
	out.Set(PidTagSendRichInfo, row.Flags&RecipientNoRichText == 0)
	out.Set(PidTagResponsibility, row.Flags&RecipientResponsible != 0)
	for _, p := range RowBag(row.Values) {
		out.Put(p)
	}
	return out
}

// standardRecipientTags are the properties that the fixed part of a row carries.
var standardRecipientTags = []PropertyTag{
	PidTagAddressType, PidTagEmailAddress, PidTagDisplayName, PidTagAddressBookDisplayNamePrintable,
	PidTagTransmittableDisplayName, PidTagSendRichInfo, PidTagResponsibility, PidTagRecipientType, PidTagRowid,
}

// RecipientColumns returns the properties of recipients that the fixed part of a
// row does not carry, in the order in which they appear: the columns of
// RopModifyRecipients for them. Named properties are left out.
func RecipientColumns(recipients []Recipient) []PropertyTag {
	var out []PropertyTag
	seen := make(map[uint16]bool)
	for _, t := range standardRecipientTags {
		seen[t.ID()] = true
	}
	for _, r := range recipients {
		for _, p := range r.Properties {
			if _, isErr := p.Value.(ErrorCode); !isErr && p.Name.IsZero() && !seen[p.Tag.ID()] {
				seen[p.Tag.ID()] = true
				out = append(out, p.Tag)
			}
		}
	}
	return out
}

// NewRecipientRow builds the Unicode row of a recipient with properties props.
// 8-bit strings are taken as they are, so they should be ASCII or decoded before.
func NewRecipientRow(props PropertyBag, columns []PropertyTag) RecipientRow {
	row := RecipientRow{Flags: RecipientUnicode}
	switch kind := props.String(PidTagAddressType); kind {
	case "EX":
		row.Flags |= RecipientX500
		row.X500DN = props.String(PidTagEmailAddress)
		row.DisplayType = uint8(props.Int(PidTagDisplayType))
	case "SMTP":
		row.Flags |= RecipientSMTP
	case "FAX":
		row.Flags |= RecipientFax
	case "MS":
		row.Flags |= RecipientMSMail
	case "MAPIPDL":
		row.Flags |= RecipientPersonalDL1
		row.EntryID = props.Bytes(PidTagEntryId)
		row.SearchKey = props.Bytes(PidTagSearchKey)
	case "":
	default:
		row.Flags |= RecipientHasAddressType
		row.AddressType = kind
	}
	text := func(tag PropertyTag, flag RecipientFlags, dst *string) {
		if props.Has(tag) {
			row.Flags |= flag
			*dst = props.String(tag)
		}
	}
	if row.Flags&RecipientTypeMask != RecipientX500 {
		text(PidTagEmailAddress, RecipientHasEmail, &row.Email)
	}
	text(PidTagDisplayName, RecipientHasName, &row.DisplayName)
	text(PidTagAddressBookDisplayNamePrintable, RecipientHasSimpleName, &row.SimpleName)
	if s := props.String(PidTagTransmittableDisplayName); s == row.DisplayName || !props.Has(PidTagTransmittableDisplayName) {
		row.Flags |= RecipientSameTransmit
	} else {
		text(PidTagTransmittableDisplayName, RecipientHasTransmittable, &row.Transmit)
	}
	if rich, ok := props.Get(PidTagSendRichInfo).(bool); ok && !rich {
		row.Flags |= RecipientNoRichText
	}
	if props.Bool(PidTagResponsibility) {
		row.Flags |= RecipientResponsible
	}
	row.Values = make([]Property, len(columns))
	for i, tag := range columns {
		row.Values[i] = Property{Tag: tag}
		if p, ok := props.Lookup(Key{ID: tag.ID()}); ok && p.Tag.Type() == tag.Type() {
			row.Values[i].Value = p.Value
		}
	}
	return row
}

// recipientTypeFlags are the bits of PidTagRecipientType that are no type: resend
// and processed ([MS-OXOMSG] 2.2.3.1).
const recipientTypeFlags = 0x10000000 | 0x80000000 | 0x10 | 0x80

// ParseRecipientType splits the value of PidTagRecipientType or of the type byte of
// a ROP into the type and the flag bits around it.
func ParseRecipientType(v uint32) (t RecipientType, flags uint32) {
	return RecipientType(v &^ recipientTypeFlags), v & recipientTypeFlags
}

// NewRecipient makes a Recipient of the properties that came for it, with RowID and
// Type taken from them.
func NewRecipient(props PropertyBag) Recipient {
	t, _ := ParseRecipientType(uint32(props.Int(PidTagRecipientType)))
	return Recipient{RowID: uint32(props.Int(PidTagRowid)), Type: t, Properties: slices.Clip(props)}
}
