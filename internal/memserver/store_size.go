package memserver

import (
	"bytes"
	"reflect"
	"unicode/utf8"

	"mailfs/mapi"
)

// messageSize estimates PidTagMessageSize: the bytes of all values and a little for
// each object ([MS-OXCMSG] 2.2.1.7).
func messageSize(c *mapi.Message) int64 {
	n := int64(64) + bagSize(c.Properties)
	for i := range c.Recipients {
		n += 16 + bagSize(c.Recipients[i].Properties)
	}
	for i := range c.Attachments {
		n += 32 + bagSize(c.Attachments[i].Properties)
		if e := c.Attachments[i].Embedded; e != nil {
			n += messageSize(e)
		}
	}
	return n
}

func bagSize(b mapi.PropertyBag) (n int64) {
	for i := range b {
		n += 4 + valueSize(b[i].Value)
	}
	return n
}

// valueSize returns about how many bytes a value takes on the wire.
func valueSize(v any) int64 {
	switch d := v.(type) {
	case string:
		return 2 * int64(utf8.RuneCountInString(d)+1)
	case mapi.String8:
		return int64(len(d)) + 1
	case []string:
		var n int64
		for _, s := range d {
			n += valueSize(s)
		}
		return n
	case [][]byte:
		var n int64
		for _, s := range d {
			n += int64(len(s))
		}
		return n
	case []byte, mapi.Blob:
		return mapi.ValueSize(d)
	case bool, int16:
		return 2
	case int32, float32, mapi.ErrorCode:
		return 4
	case mapi.GUID:
		return 16
	case []mapi.GUID:
		return 16 * int64(len(d))
	case []int32:
		return 4 * int64(len(d))
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Slice {
		return 8 * int64(rv.Len())
	}
	return 8
}

// sameValue reports whether two property values are equal. Two Blobs are equal only
// if they are the same Blob, which may miss equal ones but never mixes up others.
func sameValue(a, b any) bool {
	if p, ok := a.([]byte); ok {
		q, ok := b.([]byte)
		return ok && bytes.Equal(p, q)
	}
	if p, ok := a.(mapi.Blob); ok {
		q, ok := b.(mapi.Blob)
		return ok && p == q
	}
	return reflect.DeepEqual(a, b)
}

// sameBag reports whether two bags hold equal properties, in whatever order.
func sameBag(a, b mapi.PropertyBag) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		q, ok := b.Lookup(a[i].Key())
		if !ok || !sameValue(a[i].Value, q.Value) {
			return false
		}
	}
	return true
}

func sameRecipients(a, b []mapi.Recipient) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].RowID != b[i].RowID || !sameBag(a[i].Properties, b[i].Properties) {
			return false
		}
	}
	return true
}

func sameAttachments(a, b []mapi.Attachment) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Number != b[i].Number || !sameBag(a[i].Properties, b[i].Properties) || !sameContent(a[i].Embedded, b[i].Embedded) {
			return false
		}
	}
	return true
}

func sameContent(a, b *mapi.Message) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || sameBag(a.Properties, b.Properties) && sameRecipients(a.Recipients, b.Recipients) && sameAttachments(a.Attachments, b.Attachments)
}
