package mapi

import (
	"fmt"

	"mailfs/mapi/wire"
)

// The flags of a row and of a flagged value ([MS-OXCDATA] 2.8.1, 2.11.5).
const (
	rowStandard = 0x00
	rowFlagged  = 0x01

	flagValue  = 0x00
	flagAbsent = 0x01
	flagError  = 0x0A
)

// AppendPropertyRow writes a PropertyRow for columns ([MS-OXCDATA] 2.8.1): one
// property per column, in the same order. A column of TypeUnspecified takes the type
// from the property's tag. A nil value is written as absent, an ErrorCode in another
// type's column as the error; if there is one of them the row has the flagged form.
func AppendPropertyRow(b *wire.Builder, columns []PropertyTag, row []Property) {
	if len(row) != len(columns) {
		b.Fail(fmt.Errorf("mapi: %d values for %d columns", len(row), len(columns)))
		return
	}
	flagged := false
	for _, p := range row {
		flagged = flagged || valueFlag(p) != flagValue
	}
	b.Bool(flagged)
	for i, p := range row {
		flag := valueFlag(p)
		t := columns[i].Type()
		if t == TypeUnspecified {
			if t = p.Tag.Type(); flag == flagError {
				t = TypeErrorCode
			}
			b.Uint16(uint16(t))
		}
		if flagged {
			b.Uint8(flag)
		}
		switch flag {
		case flagValue:
			AppendValue(b, t, p.Value)
		case flagError:
			AppendValue(b, TypeErrorCode, p.Value)
		}
	}
}

func valueFlag(p Property) uint8 {
	if p.Value == nil && p.Tag.Type() != TypeNull {
		return flagAbsent
	}
	if _, isErr := p.Value.(ErrorCode); isErr && p.Tag.Type() != TypeErrorCode {
		return flagError
	}
	return flagValue
}

// ReadPropertyRow consumes a PropertyRow and returns one property per column. The
// type of a TypeUnspecified column is resolved in the tag. The value of one that is
// absent is nil, and of one that has an error the ErrorCode.
func ReadPropertyRow(r *wire.Reader, columns []PropertyTag) []Property {
	form := r.Uint8()
	if form > rowFlagged {
		r.Fail(fmt.Errorf("mapi: row with flag 0x%02X", form))
	}
	out := make([]Property, 0, min(len(columns), r.Len()))
	for _, tag := range columns {
		if tag.Type() == TypeUnspecified {
			tag = tag.WithType(PropertyType(r.Uint16()))
		}
		p := Property{Tag: tag}
		flag := uint8(flagValue)
		if form == rowFlagged {
			flag = r.Uint8()
		}
		if r.Err() != nil {
			return nil
		}
		switch flag {
		case flagValue:
			p.Value = ReadValue(r, tag.Type())
		case flagAbsent:
		case flagError:
			p.Value = ReadValue(r, TypeErrorCode)
		default:
			r.Fail(fmt.Errorf("mapi: value with flag 0x%02X", flag))
		}
		out = append(out, p)
	}
	if r.Err() != nil {
		return nil
	}
	return out
}

// RowBag returns the properties of a row that have a value; errors and absent ones
// are left out.
func RowBag(row []Property) PropertyBag {
	var out PropertyBag
	for _, p := range row {
		if _, isErr := p.Value.(ErrorCode); !isErr && valueFlag(p) == flagValue {
			out.Put(p)
		}
	}
	return out
}

// The types of a TypedString ([MS-OXCDATA] 2.11.7).
const (
	stringNone    = 0x00
	stringEmpty   = 0x01
	string8Bit    = 0x02
	stringReduced = 0x03
	stringUnicode = 0x04
)

// AppendTypedString writes a TypedString ([MS-OXCDATA] 2.11.7) of nil (no string), a
// string or a String8.
func AppendTypedString(b *wire.Builder, v any) {
	switch s := v.(type) {
	case nil:
		b.Uint8(stringNone)
	case string:
		if s == "" {
			b.Uint8(stringEmpty)
			return
		}
		b.Uint8(stringUnicode)
		b.WString(s)
	case String8:
		b.Uint8(string8Bit)
		b.CString(string(s))
	default:
		b.Fail(fmt.Errorf("mapi: a %T is no typed string", v))
	}
}

// ReadTypedString consumes a TypedString and returns nil (no string), a string or a
// String8. Reduced Unicode, whose bytes are the low halves of UTF-16 units, becomes
// a string.
func ReadTypedString(r *wire.Reader) any {
	switch kind := r.Uint8(); kind {
	case stringNone:
		return nil
	case stringEmpty:
		return ""
	case string8Bit:
		return String8(r.CString())
	case stringReduced:
		raw := r.CString()
		runes := make([]rune, len(raw))
		for i := range len(raw) {
			runes[i] = rune(raw[i])
		}
		return string(runes)
	case stringUnicode:
		return r.WString()
	default:
		r.Fail(fmt.Errorf("mapi: typed string of kind 0x%02X", kind))
		return nil
	}
}

// AppendPropertyName writes a PropertyName ([MS-OXCDATA] 2.6.1).
func AppendPropertyName(b *wire.Builder, n PropertyName) {
	b.Uint8(uint8(n.Kind))
	b.GUID(n.Set)
	switch n.Kind {
	case NameKindLID:
		b.Uint32(n.LID)
	case NameKindString:
		b.Counted8(func() { b.WString(n.Name) })
	case NameKindNone:
	default:
		b.Fail(fmt.Errorf("mapi: property name of kind 0x%02X", uint8(n.Kind)))
	}
}

// ReadPropertyName consumes a PropertyName.
func ReadPropertyName(r *wire.Reader) PropertyName {
	n := PropertyName{Kind: NameKind(r.Uint8()), Set: r.GUID()}
	switch n.Kind {
	case NameKindLID:
		n.LID = r.Uint32()
	case NameKindString:
		n.Name = trimZero(wire.DecodeUTF16(r.Take(int(r.Uint8()))))
	case NameKindNone:
	default:
		r.Fail(fmt.Errorf("mapi: property name of kind 0x%02X", uint8(n.Kind)))
	}
	if r.Err() != nil {
		return PropertyName{}
	}
	return n
}

// trimZero cuts s at its first zero, which a counted string may end with.
func trimZero(s string) string {
	for i := range len(s) {
		if s[i] == 0 {
			return s[:i]
		}
	}
	return s
}

// SortDirection is the direction of a SortOrder.
type SortDirection uint8

// The directions ([MS-OXCDATA] 2.13.1).
const (
	SortAscending       SortDirection = 0x00
	SortDescending      SortDirection = 0x01
	SortMaximumCategory SortDirection = 0x04
)

// SortOrder is one column of a sort ([MS-OXCDATA] 2.13.1).
type SortOrder struct {
	Tag       PropertyTag
	Direction SortDirection
}

// Append writes the sort order.
func (s SortOrder) Append(b *wire.Builder) {
	AppendTag(b, s.Tag)
	b.Uint8(uint8(s.Direction))
}

// ReadSortOrder consumes a sort order.
func ReadSortOrder(r *wire.Reader) SortOrder {
	return SortOrder{Tag: ReadTag(r), Direction: SortDirection(r.Uint8())}
}
