package ical

import (
	"strings"
	"time"

	"mailfs/mapi"
)

// set stores a named property with the type that belongs to the value.
func set(bag *mapi.PropertyBag, name mapi.PropertyName, v any) {
	t := mapi.TypeUnspecified
	switch v.(type) {
	case string:
		t = mapi.TypeString
	case []string:
		t = mapi.TypeMultiString
	case int32:
		t = mapi.TypeInteger32
	case bool:
		t = mapi.TypeBoolean
	case float64:
		t = mapi.TypeFloating64
	case mapi.FileTime:
		t = mapi.TypeTime
	case []byte:
		t = mapi.TypeBinary
	}
	bag.SetNamed(name, t, v)
}

// renderer writes one item.
type renderer struct {
	it    *Item
	bag   mapi.PropertyBag
	cal   component
	stamp time.Time
}

func (r *renderer) text(tag mapi.PropertyTag) string { s, _ := r.bag.Get(tag).(string); return s }

func text(bag mapi.PropertyBag, name mapi.PropertyName) string {
	s, _ := bag.GetNamed(name).(string)
	return strings.ToValidUTF8(s, "\uFFFD")
}

func number(bag mapi.PropertyBag, name mapi.PropertyName) int32 {
	n, _ := bag.GetNamed(name).(int32)
	return n
}

func flag(bag mapi.PropertyBag, name mapi.PropertyName) bool {
	b, _ := bag.GetNamed(name).(bool)
	return b
}

// moment returns a time property; ok is false when it is absent or means none.
func moment(bag mapi.PropertyBag, name mapi.PropertyName) (time.Time, bool) {
	t, ok := bag.GetNamed(name).(mapi.FileTime)
	return t.Time(), ok && believable(t)
}

func bytesOf(bag mapi.PropertyBag, name mapi.PropertyName) []byte {
	p, err := mapi.ValueBytes(bag.GetNamed(name))
	if err != nil {
		return nil
	}
	return p
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
