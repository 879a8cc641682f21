package mapi

import "io"

// PropertyBag is an ordered set of properties, each Key at most once. Order is
// that of arrival and is kept, so that a stream can be written again as it came.
type PropertyBag []Property

// Lookup returns the property with the given key.
func (b PropertyBag) Lookup(k Key) (Property, bool) {
	if i := b.find(k); i >= 0 {
		return b[i], true
	}
	return Property{}, false
}

// find returns the index of the property with the given key, -1 if there is none.
// Most keys are ids, and most properties have another one.
func (b PropertyBag) find(k Key) int {
	if k.Name.IsZero() {
		for i := range b {
			if b[i].Tag.ID() == k.ID && b[i].Name.IsZero() {
				return i
			}
		}
		return -1
	}
	for i := range b {
		if b[i].Name == k.Name && k.ID == 0 {
			return i
		}
	}
	return -1
}

// Get returns the value of the property with tag's id, whatever its type, or nil.
// A value of type ErrorCode counts as absent, unless tag asks for that type.
func (b PropertyBag) Get(tag PropertyTag) any { return b.value(Key{ID: tag.ID()}, tag.Type()) }

// GetNamed returns the value of a named property, or nil.
func (b PropertyBag) GetNamed(name PropertyName) any {
	return b.value(Key{Name: name}, TypeUnspecified)
}

func (b PropertyBag) value(k Key, t PropertyType) any {
	p, ok := b.Lookup(k)
	if !ok {
		return nil
	}
	if _, isErr := p.Value.(ErrorCode); isErr && t != TypeErrorCode {
		return nil
	}
	return p.Value
}

// Has reports whether the property with tag's id has a value.
func (b PropertyBag) Has(tag PropertyTag) bool { return b.Get(tag) != nil }

// Set stores v under tag, replacing a value of the same id in place.
func (b *PropertyBag) Set(tag PropertyTag, v any) { b.Put(Property{Tag: tag, Value: v}) }

// SetNamed stores v under name with type t.
func (b *PropertyBag) SetNamed(name PropertyName, t PropertyType, v any) {
	b.Put(Property{Tag: NewTag(0x8000, t), Name: name, Value: v})
}

// Put stores p, replacing a property with the same key in place.
func (b *PropertyBag) Put(p Property) {
	if i := b.find(p.Key()); i >= 0 {
		(*b)[i] = p
		return
	}
	*b = append(*b, p)
}

// Delete removes the property with the given key, if it is there.
func (b *PropertyBag) Delete(k Key) {
	if i := b.find(k); i >= 0 {
		*b = append((*b)[:i:i], (*b)[i+1:]...)
	}
}

// Clone returns a copy whose slice can be changed; the values are shared.
func (b PropertyBag) Clone() PropertyBag { return append(PropertyBag(nil), b...) }

// String returns a string property, "" when it is absent. A String8 value is
// returned undecoded.
func (b PropertyBag) String(tag PropertyTag) string { return asString(b.Get(tag)) }

// StringNamed returns a named string property, "" when it is absent.
func (b PropertyBag) StringNamed(name PropertyName) string { return asString(b.GetNamed(name)) }

func asString(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case String8:
		return string(s)
	}
	return ""
}

// Int returns an integer property of any width, 0 when it is absent.
func (b PropertyBag) Int(tag PropertyTag) int64 {
	switch v := b.Get(tag).(type) {
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case int64:
		return v
	}
	return 0
}

// Bool returns a boolean property, false when it is absent.
func (b PropertyBag) Bool(tag PropertyTag) bool { v, _ := b.Get(tag).(bool); return v }

// Time returns a time property, 0 when it is absent.
func (b PropertyBag) Time(tag PropertyTag) FileTime { v, _ := b.Get(tag).(FileTime); return v }

// Bytes returns a binary property read into memory, nil when it is absent or a
// Blob can't be read; BytesErr tells the difference.
func (b PropertyBag) Bytes(tag PropertyTag) []byte { p, _ := b.BytesErr(tag); return p }

// BytesErr returns a binary property read into memory, and the error of reading it.
func (b PropertyBag) BytesErr(tag PropertyTag) ([]byte, error) { return ValueBytes(b.Get(tag)) }

// ValueBytes returns the bytes of a []byte or Blob value, nil for anything else.
func ValueBytes(v any) ([]byte, error) {
	switch d := v.(type) {
	case []byte:
		return d, nil
	case Blob:
		p := make([]byte, d.Size())
		_, err := io.ReadFull(io.NewSectionReader(d, 0, d.Size()), p)
		return p, err
	}
	return nil, nil
}

// ValueSize returns the length in bytes of a []byte or Blob value, 0 for anything else.
func ValueSize(v any) int64 {
	switch d := v.(type) {
	case []byte:
		return int64(len(d))
	case Blob:
		return d.Size()
	}
	return 0
}
