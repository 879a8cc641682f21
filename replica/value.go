package replica

import (
	"fmt"
	"math"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// A value is stored with a code that tells its Go type, since a property may hold an
// ErrorCode, or nothing, whatever type its tag names. The codes are part of the format.
const (
	valueNil uint8 = iota
	valueInt16
	valueInt32
	valueInt64
	valueFloat32
	valueFloat64
	valueCurrency
	valueFloatTime
	valueErrorCode
	valueFalse
	valueTrue
	valueBytes
	valueBlob // number and size of a stored blob; in Go a Blob
	valueString8
	valueString8Blob // a String8 whose bytes are a stored blob
	valueString
	valueStringBlob
	valueTime
	valueGUID
	valueRuleActions
	valueRestriction
)

const valueMultiFlag uint8 = 0x80

// large is the size in bytes from which a value is kept as a blob of its own.
const large = 64 << 10

// bagEnc encodes properties. Where put is nil, large values stay in the record.
type bagEnc struct {
	enc
	put   func(src mapi.Blob) (BlobID, error)
	limit int64 // size from which a value is put
	err   error
}

func (e *bagEnc) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *bagEnc) bag(b mapi.PropertyBag) {
	e.uv(uint64(len(b)))
	for i := range b {
		e.property(&b[i])
	}
}

const (
	nameNone uint8 = iota
	nameLID
	nameString
	nameOther // a kind that is neither, kept as it is
)

func (e *bagEnc) property(p *mapi.Property) {
	e.u32(uint32(p.Tag))
	e.name(p.Name)
	e.value(p.Value)
}

func (e *bagEnc) name(n mapi.PropertyName) {
	switch {
	case n.IsZero():
		e.u8(nameNone)
	case n.Kind == mapi.NameKindLID && n.Name == "":
		e.u8(nameLID)
		e.guid(n.Set)
		e.uv(uint64(n.LID))
	case n.Kind == mapi.NameKindString && n.LID == 0:
		e.u8(nameString)
		e.guid(n.Set)
		e.str(n.Name)
	default:
		e.u8(nameOther)
		e.u8(uint8(n.Kind))
		e.guid(n.Set)
		e.uv(uint64(n.LID))
		e.str(n.Name)
	}
}

// big appends a value of n bytes as a reference to a blob if it is large.
func (e *bagEnc) big(code uint8, n int64, open func() mapi.Blob) bool {
	if n < e.limit || e.put == nil {
		return false
	}
	id, err := e.put(open())
	if err != nil {
		e.fail(err)
		return true
	}
	e.u8(code)
	e.uv(uint64(id))
	e.uv(uint64(n))
	return true
}

func (e *bagEnc) bytesValue(p []byte) {
	if !e.big(valueBlob, int64(len(p)), func() mapi.Blob { return memory(p) }) {
		e.u8(valueBytes)
		e.bytes(p)
	}
}

func (e *bagEnc) blobValue(b mapi.Blob) {
	if e.big(valueBlob, b.Size(), func() mapi.Blob { return b }) {
		return
	}
	p, err := mapi.ValueBytes(b)
	if err != nil {
		e.fail(err)
		return
	}
	e.u8(valueBytes)
	e.bytes(p)
}

func (e *bagEnc) stringValue(code, blobCode uint8, s string) {
	if !e.big(blobCode, int64(len(s)), func() mapi.Blob { return memory(s) }) {
		e.u8(code)
		e.str(s)
	}
}

func (e *bagEnc) value(v any) {
	switch v := v.(type) {
	case nil:
		e.u8(valueNil)
	case int16:
		e.u8(valueInt16)
		e.iv(int64(v))
	case int32:
		e.u8(valueInt32)
		e.iv(int64(v))
	case int64:
		e.u8(valueInt64)
		e.iv(v)
	case float32:
		e.u8(valueFloat32)
		e.u32(math.Float32bits(v))
	case float64:
		e.u8(valueFloat64)
		e.u64(math.Float64bits(v))
	case mapi.Currency:
		e.u8(valueCurrency)
		e.iv(int64(v))
	case mapi.FloatTime:
		e.u8(valueFloatTime)
		e.u64(math.Float64bits(float64(v)))
	case mapi.ErrorCode:
		e.u8(valueErrorCode)
		e.u32(uint32(v))
	case bool:
		if v {
			e.u8(valueTrue)
		} else {
			e.u8(valueFalse)
		}
	case []byte:
		e.bytesValue(v)
	case mapi.String8:
		e.stringValue(valueString8, valueString8Blob, string(v))
	case string:
		e.stringValue(valueString, valueStringBlob, v)
	case mapi.FileTime:
		e.u8(valueTime)
		e.u64(uint64(v))
	case mapi.GUID:
		e.u8(valueGUID)
		e.guid(v)
	case mapi.RuleActions:
		e.u8(valueRuleActions)
		e.bytes(v)
	case mapi.Restriction:
		e.restriction(v)
	case mapi.Blob:
		e.blobValue(v)
	default:
		e.multi(v)
	}
}

func (e *bagEnc) restriction(r mapi.Restriction) {
	var b wire.Builder
	mapi.AppendRestrictionFormat(&b, r, mapi.FormatExtendedRule)
	p, err := b.Finish()
	if err != nil {
		e.fail(err)
	}
	e.u8(valueRestriction)
	e.bytes(p)
}

// many appends a slice: the code of its elements with the flag, their number, and each.
func many[T any](e *bagEnc, code uint8, s []T, each func(T)) {
	e.u8(code | valueMultiFlag)
	e.uv(uint64(len(s)))
	for _, v := range s {
		each(v)
	}
}

func (e *bagEnc) multi(v any) {
	switch v := v.(type) {
	case []int16:
		many(e, valueInt16, v, func(x int16) { e.iv(int64(x)) })
	case []int32:
		many(e, valueInt32, v, func(x int32) { e.iv(int64(x)) })
	case []int64:
		many(e, valueInt64, v, e.iv)
	case []float32:
		many(e, valueFloat32, v, func(x float32) { e.u32(math.Float32bits(x)) })
	case []float64:
		many(e, valueFloat64, v, func(x float64) { e.u64(math.Float64bits(x)) })
	case []mapi.Currency:
		many(e, valueCurrency, v, func(x mapi.Currency) { e.iv(int64(x)) })
	case []mapi.FloatTime:
		many(e, valueFloatTime, v, func(x mapi.FloatTime) { e.u64(math.Float64bits(float64(x))) })
	case []mapi.String8:
		many(e, valueString8, v, func(x mapi.String8) { e.str(string(x)) })
	case []string:
		many(e, valueString, v, e.str)
	case []mapi.FileTime:
		many(e, valueTime, v, func(x mapi.FileTime) { e.u64(uint64(x)) })
	case []mapi.GUID:
		many(e, valueGUID, v, func(x mapi.GUID) { e.guid(x) })
	case [][]byte:
		many(e, valueBytes, v, e.bytes)
	default:
		e.fail(fmt.Errorf("replica: a property can't hold a %T", v))
	}
}
