package tnef

import (
	"fmt"
	"math"

	"mailfs/mapi"
	"mailfs/mapi/wire"
)

const maxProperties = 2000 // of one object

// properties reads a list of properties ([MS-OXTNEF] 2.1.3.4).
func (d *decoder) properties(r *wire.Reader) (mapi.PropertyBag, error) {
	const smallest = 4 // a tag
	var out mapi.PropertyBag
	count := r.Count(uint64(r.Uint32()), smallest)
	if count > maxProperties {
		return nil, fmt.Errorf("%w: %d properties of one object", ErrFormat, count)
	}
	for range count {
		typ, id := mapi.PropertyType(r.Uint16()), r.Uint16()
		prop := mapi.Property{Tag: mapi.NewTag(id, typ)}
		if id >= 0x8000 {
			prop.Name = readName(r)
		}
		prop.Value = d.value(r, typ)
		if err := r.Err(); err != nil {
			return out, wrap("property "+prop.Tag.String(), err)
		}
		if prop.Value == nil || id >= 0x8000 && prop.Name.IsZero() {
			continue
		}
		switch typ { // strings are Unicode from here on
		case mapi.TypeString8:
			prop.Tag = prop.Tag.WithType(mapi.TypeString)
		case mapi.TypeMultiString8:
			prop.Tag = prop.Tag.WithType(mapi.TypeMultiString)
		}
		out.Put(prop)
	}
	return out, wrap("properties", r.Err())
}

// readName reads the name of a named property ([MS-OXTNEF] 2.1.3.4.1).
func readName(r *wire.Reader) mapi.PropertyName {
	set := mapi.GUID(r.GUID())
	if kind := r.Uint32(); kind == 0 {
		return mapi.LIDName(set, r.Uint32())
	}
	raw := counted(r)
	return mapi.StringName(set, trimZero(wire.DecodeUTF16(raw[:len(raw)&^1])))
}

func trimZero(s string) string {
	for i := range len(s) {
		if s[i] == 0 {
			return s[:i]
		}
	}
	return s
}

// counted reads bytes with their length before and padding to four behind them.
func counted(r *wire.Reader) []byte {
	n := r.Count(uint64(r.Uint32()), 1)
	p := r.Take(n)
	r.Take(min(-n&3, r.Len())) // left out at the end by some writers
	return p
}

// value reads the value or values of a property; nil is one of a type without use here.
func (d *decoder) value(r *wire.Reader, typ mapi.PropertyType) any {
	single := typ &^ mapi.MultiFlag
	switch single {
	case mapi.TypeString8, mapi.TypeString, mapi.TypeBinary, mapi.TypeObject:
		return d.variable(r, typ)
	}
	if typ&mapi.MultiFlag == 0 {
		return fixed(r, single)
	}
	return d.multi(r, single)
}

// variable reads values that carry their lengths. Even a single one has a count.
func (d *decoder) variable(r *wire.Reader, typ mapi.PropertyType) any {
	n := r.Count(uint64(r.Uint32()), 4)
	if typ&mapi.MultiFlag == 0 && n != 1 {
		r.Fail(fmt.Errorf("%d values of a single-value property", n))
	}
	var texts []string
	var blobs [][]byte
	for range n {
		p := counted(r)
		switch typ &^ mapi.MultiFlag {
		case mapi.TypeString8:
			texts = append(texts, d.text(p))
		case mapi.TypeString:
			texts = append(texts, trimZero(wire.DecodeUTF16(p[:len(p)&^1])))
		default:
			blobs = append(blobs, append([]byte{}, p...))
		}
	}
	switch {
	case r.Err() != nil:
		return nil
	case typ == mapi.TypeMultiBinary:
		return blobs
	case typ&mapi.MultiFlag != 0:
		return texts
	case len(texts) == 1:
		return texts[0]
	}
	return blobs[0]
}

// fixed reads a value of a fixed size, padded to four bytes.
func fixed(r *wire.Reader, typ mapi.PropertyType) any {
	switch typ {
	case mapi.TypeInteger16:
		v := int16(r.Uint16())
		r.Take(2)
		return v
	case mapi.TypeBoolean:
		v := r.Uint16() != 0
		r.Take(2)
		return v
	case mapi.TypeInteger32:
		return int32(r.Uint32())
	case mapi.TypeErrorCode:
		return mapi.ErrorCode(r.Uint32())
	case mapi.TypeFloating32:
		return math.Float32frombits(r.Uint32())
	case mapi.TypeFloating64:
		return math.Float64frombits(r.Uint64())
	case mapi.TypeCurrency:
		return mapi.Currency(r.Uint64())
	case mapi.TypeFloatTime:
		return mapi.FloatTime(math.Float64frombits(r.Uint64()))
	case mapi.TypeInteger64:
		return int64(r.Uint64())
	case mapi.TypeTime:
		return mapi.FileTime(r.Uint64())
	case mapi.TypeGUID:
		return mapi.GUID(r.GUID())
	case mapi.TypeNull:
		r.Take(4)
		return nil
	}
	r.Fail(fmt.Errorf("type %04x", uint16(typ)))
	return nil
}

// multi reads several values of a fixed size.
func (d *decoder) multi(r *wire.Reader, typ mapi.PropertyType) any {
	n := r.Count(uint64(r.Uint32()), 4)
	switch typ {
	case mapi.TypeInteger16:
		return collect[int16](r, typ, n)
	case mapi.TypeInteger32:
		return collect[int32](r, typ, n)
	case mapi.TypeFloating32:
		return collect[float32](r, typ, n)
	case mapi.TypeFloating64:
		return collect[float64](r, typ, n)
	case mapi.TypeCurrency:
		return collect[mapi.Currency](r, typ, n)
	case mapi.TypeFloatTime:
		return collect[mapi.FloatTime](r, typ, n)
	case mapi.TypeInteger64:
		return collect[int64](r, typ, n)
	case mapi.TypeTime:
		return collect[mapi.FileTime](r, typ, n)
	case mapi.TypeGUID:
		return collect[mapi.GUID](r, typ, n)
	}
	r.Fail(fmt.Errorf("several values of type %04x", uint16(typ)))
	return nil
}

func collect[T any](r *wire.Reader, typ mapi.PropertyType, n int) any {
	out := []T{}
	for range n {
		if v, ok := fixed(r, typ).(T); ok && r.Err() == nil {
			out = append(out, v)
		}
	}
	return out
}
