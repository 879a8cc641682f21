package replica

import (
	"math"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

// bagDec decodes properties. open makes a Blob of a stored reference, load reads one
// into memory; where they are nil, a reference is damage.
type bagDec struct {
	dec
	open func(id BlobID, size int64) mapi.Blob
	load func(id BlobID, size int64) ([]byte, error)
}

// encodeBag appends b to a record that keeps every value inside.
func encodeBag(e *enc, b mapi.PropertyBag) error {
	be := &bagEnc{enc: *e}
	be.bag(b)
	*e = be.enc
	return be.err
}

func decodeBag(d *dec) mapi.PropertyBag {
	bd := &bagDec{dec: *d}
	b := bd.bag()
	*d = bd.dec
	return b
}

func (d *bagDec) bag() mapi.PropertyBag {
	n := d.count(6)
	if n == 0 {
		return nil
	}
	b := make(mapi.PropertyBag, n)
	for i := range b {
		b[i] = mapi.Property{Tag: mapi.PropertyTag(d.u32()), Name: d.name(), Value: d.value()}
	}
	return b
}

func (d *bagDec) name() (n mapi.PropertyName) {
	switch d.u8() {
	case nameNone:
	case nameLID:
		n.Kind, n.Set, n.LID = mapi.NameKindLID, d.guid(), uint32(d.uv())
	case nameString:
		n.Kind, n.Set, n.Name = mapi.NameKindString, d.guid(), d.str()
	case nameOther:
		n.Kind, n.Set, n.LID, n.Name = mapi.NameKind(d.u8()), d.guid(), uint32(d.uv()), d.str()
	default:
		d.fail("bad property name")
	}
	return n
}

func (d *bagDec) value() any {
	code := d.u8()
	if code&valueMultiFlag != 0 {
		return d.multi(code &^ valueMultiFlag)
	}
	switch code {
	case valueNil:
		return nil
	case valueInt16:
		return int16(d.iv())
	case valueInt32:
		return int32(d.iv())
	case valueInt64:
		return d.iv()
	case valueFloat32:
		return math.Float32frombits(d.u32())
	case valueFloat64:
		return math.Float64frombits(d.u64())
	case valueCurrency:
		return mapi.Currency(d.iv())
	case valueFloatTime:
		return mapi.FloatTime(math.Float64frombits(d.u64()))
	case valueErrorCode:
		return mapi.ErrorCode(d.u32())
	case valueFalse, valueTrue:
		return code == valueTrue
	case valueBytes:
		return d.bytes()
	case valueBlob:
		return d.blob()
	case valueString8:
		return mapi.String8(d.str())
	case valueString8Blob:
		return mapi.String8(d.loaded())
	case valueString:
		return d.str()
	case valueStringBlob:
		return string(d.loaded())
	case valueTime:
		return mapi.FileTime(d.u64())
	case valueGUID:
		return mapi.GUID(d.guid())
	case valueRuleActions:
		return mapi.RuleActions(d.bytes())
	case valueRestriction:
		return d.restriction()
	}
	d.fail("bad value type")
	return nil
}

func (d *bagDec) restriction() any {
	r := wire.NewReader(d.bytes())
	res := mapi.ReadRestrictionFormat(r, mapi.FormatExtendedRule)
	if r.Close() != nil {
		d.fail("bad restriction")
		return nil
	}
	return res
}

func (d *bagDec) ref() (BlobID, int64) {
	id, size := BlobID(d.uv()), d.uv()
	if size > math.MaxInt64 {
		d.fail("bad blob size")
	}
	return id, int64(size)
}

func (d *bagDec) blob() any {
	id, size := d.ref()
	if d.err == nil && d.open == nil {
		d.fail("blob where none can be")
	}
	if d.err != nil {
		return nil
	}
	return d.open(id, size)
}

func (d *bagDec) loaded() []byte {
	id, size := d.ref()
	if d.err == nil && d.load == nil {
		d.fail("blob where none can be")
	}
	if d.err != nil {
		return nil
	}
	p, err := d.load(id, size)
	if err != nil {
		d.err = err
	}
	return p
}

// several reads the elements of a multi-value, each of at least size bytes.
func several[T any](d *bagDec, size int, each func() T) []T {
	s := make([]T, d.count(size))
	for i := range s {
		s[i] = each()
	}
	return s
}

func (d *bagDec) multi(code uint8) any {
	switch code {
	case valueInt16:
		return several(d, 1, func() int16 { return int16(d.iv()) })
	case valueInt32:
		return several(d, 1, func() int32 { return int32(d.iv()) })
	case valueInt64:
		return several(d, 1, d.iv)
	case valueFloat32:
		return several(d, 4, func() float32 { return math.Float32frombits(d.u32()) })
	case valueFloat64:
		return several(d, 8, func() float64 { return math.Float64frombits(d.u64()) })
	case valueCurrency:
		return several(d, 1, func() mapi.Currency { return mapi.Currency(d.iv()) })
	case valueFloatTime:
		return several(d, 8, func() mapi.FloatTime { return mapi.FloatTime(math.Float64frombits(d.u64())) })
	case valueString8:
		return several(d, 1, func() mapi.String8 { return mapi.String8(d.str()) })
	case valueString:
		return several(d, 1, d.str)
	case valueTime:
		return several(d, 8, func() mapi.FileTime { return mapi.FileTime(d.u64()) })
	case valueGUID:
		return several(d, 16, func() mapi.GUID { return mapi.GUID(d.guid()) })
	case valueBytes:
		return several(d, 1, d.bytes)
	}
	d.fail("bad multi-value type")
	return nil
}
