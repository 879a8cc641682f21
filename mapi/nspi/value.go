package nspi

import (
	"fmt"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// Values of the address book endpoint are those of [MS-OXCDATA] 2.11.2.1 with one
// more byte before strings, binaries and multi-values, which may say that there is
// none ([MS-OXCMAPIHTTP] 2.2.1.1).

// hasMark reports whether that byte comes before values of a type.
func hasMark(t mapi.PropertyType) bool {
	if t.IsMulti() {
		return true
	}
	switch t.Single() {
	case mapi.TypeString, mapi.TypeString8, mapi.TypeBinary:
		return true
	}
	return false
}

// appendValue writes an AddressBookPropertyValue; nil stands for one that is absent.
func appendValue(b *wire.Builder, t mapi.PropertyType, v any) {
	if hasMark(t) {
		appendHas(b, v != nil)
		if v == nil {
			return
		}
	}
	if !t.IsMulti() {
		mapi.AppendValueFormat(b, t, v, mapi.FormatExtendedRule)
		return
	}
	switch t.Single() {
	case mapi.TypeString:
		appendAll[string](b, t.Single(), v)
	case mapi.TypeString8:
		appendAll[mapi.String8](b, t.Single(), v)
	case mapi.TypeBinary:
		appendAll[[]byte](b, t.Single(), v)
	default:
		mapi.AppendValueFormat(b, t, v, mapi.FormatExtendedRule)
	}
}

func appendAll[T any](b *wire.Builder, t mapi.PropertyType, v any) {
	list, ok := v.([]T)
	if !ok {
		b.Fail(fmt.Errorf("nspi: a %T is no value of type 0x%04X", v, uint16(t|mapi.MultiFlag)))
		return
	}
	b.Uint32(uint32(len(list)))
	for _, one := range list {
		appendValue(b, t, one)
	}
}

// readValue consumes an AddressBookPropertyValue; nil when it is absent.
func readValue(r *wire.Reader, t mapi.PropertyType) any {
	if hasMark(t) && !r.Bool() {
		return nil
	}
	if !t.IsMulti() {
		return mapi.ReadValueFormat(r, t, mapi.FormatExtendedRule)
	}
	switch t.Single() {
	case mapi.TypeString:
		return readAll[string](r, t.Single())
	case mapi.TypeString8:
		return readAll[mapi.String8](r, t.Single())
	case mapi.TypeBinary:
		return readAll[[]byte](r, t.Single())
	}
	return mapi.ReadValueFormat(r, t, mapi.FormatExtendedRule)
}

// readAll consumes a count and that many values; those that are absent count as empty.
func readAll[T any](r *wire.Reader, t mapi.PropertyType) []T {
	n := r.Count(uint64(r.Uint32()), 1)
	out := make([]T, 0, min(n, 1024))
	for range n {
		v, _ := readValue(r, t).(T)
		if r.Err() != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// Flags of a row and of its values ([MS-OXCMAPIHTTP] 2.2.1.5 and 2.2.1.7).
const (
	rowPlain   = 0x00
	rowFlagged = 0x01

	valueHere   = 0x00
	valueAbsent = 0x01
	valueError  = 0x0A
)

// appendRow writes an AddressBookPropertyRow: what the row has for the columns
// ([MS-OXCMAPIHTTP] 2.2.1.7). An error of the server is a value of TypeErrorCode.
func appendRow(b *wire.Builder, columns []mapi.PropertyTag, row mapi.PropertyBag) {
	flag := uint8(rowPlain)
	for _, c := range columns {
		if p, ok := column(row, c); !ok || p.Tag.Type() == mapi.TypeErrorCode {
			flag = rowFlagged
		}
	}
	b.Uint8(flag)
	for _, c := range columns {
		p, ok := column(row, c)
		t := c.Type()
		if t == mapi.TypeUnspecified {
			if t = p.Tag.Type(); !ok {
				t = mapi.TypeErrorCode
			}
			b.Uint16(uint16(t))
		}
		if flag == rowFlagged {
			switch {
			case !ok:
				b.Uint8(valueAbsent)
				continue
			case p.Tag.Type() == mapi.TypeErrorCode:
				b.Uint8(valueError)
				t = mapi.TypeErrorCode
			default:
				b.Uint8(valueHere)
			}
		}
		appendValue(b, t, p.Value)
	}
}

// column returns what a row has for a column: a value of the column's type, or an
// error.
func column(row mapi.PropertyBag, c mapi.PropertyTag) (mapi.Property, bool) {
	for _, p := range row {
		if p.Tag.ID() != c.ID() {
			continue
		}
		if t := p.Tag.Type(); c.Type() == mapi.TypeUnspecified || t == c.Type() || t == mapi.TypeErrorCode {
			return p, true
		}
	}
	return mapi.Property{}, false
}

// readRow consumes an AddressBookPropertyRow. What is absent is not in the bag;
// errors of the server are values of TypeErrorCode.
func readRow(r *wire.Reader, columns []mapi.PropertyTag) mapi.PropertyBag {
	flag := r.Uint8()
	if flag > rowFlagged {
		r.Fail(fmt.Errorf("nspi: row with flag 0x%02X", flag))
	}
	var row mapi.PropertyBag
	for _, c := range columns {
		t := c.Type()
		if t == mapi.TypeUnspecified {
			t = mapi.PropertyType(r.Uint16())
		}
		if flag == rowFlagged {
			switch f := r.Uint8(); f {
			case valueHere:
			case valueAbsent:
				continue
			case valueError:
				t = mapi.TypeErrorCode
			default:
				r.Fail(fmt.Errorf("nspi: value with flag 0x%02X", f))
			}
		}
		v := readValue(r, t)
		if r.Err() != nil {
			return nil
		}
		if v != nil {
			row = append(row, mapi.Property{Tag: mapi.NewTag(c.ID(), t), Value: v})
		}
	}
	return row
}
