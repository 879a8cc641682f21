package mapi

import (
	"fmt"
	"math"
	"slices"

	"mailfs/mapi/wire"
)

// Format tells how wide the counts inside values and restrictions are
// ([MS-OXCDATA] 2.11.1.1). Value counts of multi-value properties have 32 bits in
// every format.
type Format uint8

// The formats.
const (
	FormatROP          Format = iota // ROP buffers: 16 bits for bytes and for restrictions
	FormatRule                       // stored rule conditions: 32 bits for bytes, 16 for restrictions
	FormatExtendedRule               // extended rules, address book over MAPI/HTTP: 32 bits for both
)

// CodePage returns the code page of a code page string type, which FastTransfer
// streams have ([MS-OXCFXICS] 2.2.4.1.1.1): the type is 0x8000 | code page. In Go its
// value is a String8, or a string for code page 1200 (UTF-16).
func (t PropertyType) CodePage() (cp uint16, ok bool) {
	if t&0x8000 == 0 {
		return 0, false
	}
	return uint16(t &^ 0x8000), true
}

// Single returns the type of one value of a multi-value type, and t itself
// otherwise.
func (t PropertyType) Single() PropertyType {
	if _, ok := t.CodePage(); ok {
		return t
	}
	return t &^ (MultiFlag | InstanceFlag)
}

// IsMulti reports whether t is a multi-value type. A multi-value instance (both
// flags set) has single values ([MS-OXCTABL] 2.2.1.1).
func (t PropertyType) IsMulti() bool { return t&(MultiFlag|InstanceFlag|0x8000) == MultiFlag }

// AppendValue writes v in the form that ROP buffers have for type t
// ([MS-OXCDATA] 2.11.2.1). It fails the Builder if v does not have the Go type of t.
// TypeUnspecified is not a type of values: see AppendTypedValue.
func AppendValue(b *wire.Builder, t PropertyType, v any) { AppendValueFormat(b, t, v, FormatROP) }

// AppendValueFormat is AppendValue for any format.
func AppendValueFormat(b *wire.Builder, t PropertyType, v any, f Format) {
	if t.IsMulti() {
		appendMulti(b, t.Single(), v, f)
		return
	}
	ok := true
	switch t.Single() {
	case TypeNull:
		ok = v == nil
	case TypeInteger16:
		ok = put(v, func(n int16) { b.Uint16(uint16(n)) })
	case TypeInteger32:
		ok = put(v, func(n int32) { b.Uint32(uint32(n)) })
	case TypeFloating32:
		ok = put(v, func(n float32) { b.Uint32(math.Float32bits(n)) })
	case TypeFloating64:
		ok = put(v, func(n float64) { b.Uint64(math.Float64bits(n)) })
	case TypeCurrency:
		ok = put(v, func(n Currency) { b.Uint64(uint64(n)) })
	case TypeFloatTime:
		ok = put(v, func(n FloatTime) { b.Uint64(math.Float64bits(float64(n))) })
	case TypeErrorCode:
		ok = put(v, func(n ErrorCode) { b.Uint32(uint32(n)) })
	case TypeBoolean:
		ok = put(v, b.Bool)
	case TypeInteger64:
		ok = put(v, func(n int64) { b.Uint64(uint64(n)) })
	case TypeString8:
		ok = put(v, func(s String8) { b.CString(string(s)) })
	case TypeString:
		ok = put(v, b.WString)
	case TypeTime:
		ok = put(v, func(n FileTime) { b.Uint64(uint64(n)) })
	case TypeGUID:
		ok = put(v, func(g GUID) { b.GUID(g) })
	case TypeServerID, TypeObject, TypeBinary:
		ok = appendBinary(b, v, f)
	case TypeRestriction:
		ok = put(v, func(r Restriction) { AppendRestrictionFormat(b, r, f) })
	case TypeRuleAction:
		ok = put(v, func(a RuleActions) { b.Raw(a) })
	default:
		ok = false
	}
	if !ok {
		b.Fail(fmt.Errorf("mapi: a %T is no value of type 0x%04X", v, uint16(t)))
	}
}

// put calls f with v if v has its type.
func put[T any](v any, f func(T)) bool {
	n, ok := v.(T)
	if ok {
		f(n)
	}
	return ok
}

func appendBinary(b *wire.Builder, v any, f Format) bool {
	p, ok := v.([]byte)
	if !ok {
		if _, ok = v.(Blob); !ok {
			return false
		}
		var err error
		if p, err = ValueBytes(v); err != nil {
			b.Fail(err)
			return true
		}
	}
	if f == FormatROP {
		b.Counted16(func() { b.Raw(p) })
	} else {
		b.Counted32(func() { b.Raw(p) })
	}
	return true
}

// appendMulti writes a multi-value: the number of values, and the values.
func appendMulti(b *wire.Builder, t PropertyType, v any, f Format) {
	ok := false
	switch t {
	case TypeInteger16:
		ok = putAll[int16](b, t, v, f)
	case TypeInteger32:
		ok = putAll[int32](b, t, v, f)
	case TypeFloating32:
		ok = putAll[float32](b, t, v, f)
	case TypeFloating64:
		ok = putAll[float64](b, t, v, f)
	case TypeCurrency:
		ok = putAll[Currency](b, t, v, f)
	case TypeFloatTime:
		ok = putAll[FloatTime](b, t, v, f)
	case TypeInteger64:
		ok = putAll[int64](b, t, v, f)
	case TypeString8:
		ok = putAll[String8](b, t, v, f)
	case TypeString:
		ok = putAll[string](b, t, v, f)
	case TypeTime:
		ok = putAll[FileTime](b, t, v, f)
	case TypeGUID:
		ok = putAll[GUID](b, t, v, f)
	case TypeBinary:
		ok = putAll[[]byte](b, t, v, f)
	}
	if !ok {
		b.Fail(fmt.Errorf("mapi: a %T is no value of type 0x%04X", v, uint16(t|MultiFlag)))
	}
}

func putAll[T any](b *wire.Builder, t PropertyType, v any, f Format) bool {
	return put(v, func(list []T) {
		b.Uint32(uint32(len(list)))
		for _, one := range list {
			AppendValueFormat(b, t, one, f)
		}
	})
}

// ReadValue consumes a value of type t in the form that ROP buffers have
// ([MS-OXCDATA] 2.11.2.1). A type without a form of its own fails the Reader.
func ReadValue(r *wire.Reader, t PropertyType) any { return ReadValueFormat(r, t, FormatROP) }

// ReadValueFormat is ReadValue for any format.
func ReadValueFormat(r *wire.Reader, t PropertyType, f Format) any {
	return readValue(r, t, f, 0)
}

func readValue(r *wire.Reader, t PropertyType, f Format, depth int) any {
	if t.IsMulti() {
		return readMulti(r, t.Single(), f, depth)
	}
	switch t.Single() {
	case TypeNull:
		return nil
	case TypeInteger16:
		return int16(r.Uint16())
	case TypeInteger32:
		return int32(r.Uint32())
	case TypeFloating32:
		return math.Float32frombits(r.Uint32())
	case TypeFloating64:
		return math.Float64frombits(r.Uint64())
	case TypeCurrency:
		return Currency(r.Uint64())
	case TypeFloatTime:
		return FloatTime(math.Float64frombits(r.Uint64()))
	case TypeErrorCode:
		return ErrorCode(r.Uint32())
	case TypeBoolean:
		return r.Bool()
	case TypeInteger64:
		return int64(r.Uint64())
	case TypeString8:
		return String8(r.CString())
	case TypeString:
		return r.WString()
	case TypeTime:
		return FileTime(r.Uint64())
	case TypeGUID:
		return GUID(r.GUID())
	case TypeServerID, TypeObject, TypeBinary:
		return r.Bytes(readCount(r, f))
	case TypeRestriction:
		return readRestriction(r, f, depth+1)
	case TypeRuleAction:
		return readRuleActions(r)
	}
	r.Fail(fmt.Errorf("mapi: no values of type 0x%04X", uint16(t)))
	return nil
}

// readCount consumes a count of bytes.
func readCount(r *wire.Reader, f Format) int {
	if f == FormatROP {
		return int(r.Uint16())
	}
	return r.Count(uint64(r.Uint32()), 1)
}

func readMulti(r *wire.Reader, t PropertyType, f Format, depth int) any {
	switch t {
	case TypeInteger16:
		return readAll[int16](r, t, 2, f, depth)
	case TypeInteger32:
		return readAll[int32](r, t, 4, f, depth)
	case TypeFloating32:
		return readAll[float32](r, t, 4, f, depth)
	case TypeFloating64:
		return readAll[float64](r, t, 8, f, depth)
	case TypeCurrency:
		return readAll[Currency](r, t, 8, f, depth)
	case TypeFloatTime:
		return readAll[FloatTime](r, t, 8, f, depth)
	case TypeInteger64:
		return readAll[int64](r, t, 8, f, depth)
	case TypeString8:
		return readAll[String8](r, t, 1, f, depth)
	case TypeString:
		return readAll[string](r, t, 2, f, depth)
	case TypeTime:
		return readAll[FileTime](r, t, 8, f, depth)
	case TypeGUID:
		return readAll[GUID](r, t, 16, f, depth)
	case TypeBinary:
		return readAll[[]byte](r, t, 2, f, depth)
	}
	r.Fail(fmt.Errorf("mapi: no values of type 0x%04X", uint16(t|MultiFlag)))
	return nil
}

// readAll consumes a count and that many values of at least size bytes each.
func readAll[T any](r *wire.Reader, t PropertyType, size int, f Format, depth int) []T {
	n := r.Count(uint64(r.Uint32()), size)
	out := make([]T, 0, min(n, 1024))
	for range n {
		v, ok := readValue(r, t, f, depth).(T)
		if r.Err() != nil || !ok {
			return nil
		}
		out = append(out, v)
	}
	if r.Err() != nil {
		return nil
	}
	return slices.Clip(out)
}

// AppendTypedValue writes a TypedPropertyValue: the type and the value
// ([MS-OXCDATA] 2.11.3).
func AppendTypedValue(b *wire.Builder, t PropertyType, v any) {
	b.Uint16(uint16(t))
	AppendValue(b, t, v)
}

// ReadTypedValue consumes a TypedPropertyValue.
func ReadTypedValue(r *wire.Reader) (PropertyType, any) {
	t := PropertyType(r.Uint16())
	if r.Err() != nil {
		return 0, nil
	}
	return t, ReadValue(r, t)
}

// AppendTag writes a property tag, type first ([MS-OXCDATA] 2.9).
func AppendTag(b *wire.Builder, t PropertyTag) { b.Uint32(uint32(t)) }

// ReadTag consumes a property tag.
func ReadTag(r *wire.Reader) PropertyTag { return PropertyTag(r.Uint32()) }

// AppendProperty writes a TaggedPropertyValue: the tag and the value
// ([MS-OXCDATA] 2.11.4). The name of a named property is not written; its number has
// to be in the tag.
func AppendProperty(b *wire.Builder, p Property) { appendProperty(b, p, FormatROP) }

func appendProperty(b *wire.Builder, p Property, f Format) {
	AppendTag(b, p.Tag)
	AppendValueFormat(b, p.Tag.Type(), p.Value, f)
}

// ReadProperty consumes a TaggedPropertyValue.
func ReadProperty(r *wire.Reader) Property { return readProperty(r, FormatROP, 0) }

func readProperty(r *wire.Reader, f Format, depth int) Property {
	tag := ReadTag(r)
	if r.Err() != nil {
		return Property{}
	}
	return Property{Tag: tag, Value: readValue(r, tag.Type(), f, depth)}
}

// readRuleActions consumes the actions of a rule without looking into them: a
// count, and for each action its length and bytes ([MS-OXORULE] 2.2.5).
func readRuleActions(r *wire.Reader) RuleActions {
	var b wire.Builder
	n := r.Uint16()
	b.Uint16(n)
	for range n {
		size := r.Uint16()
		b.Uint16(size)
		b.Raw(r.Take(int(size)))
		if r.Err() != nil {
			return nil
		}
	}
	return b.Bytes()
}
