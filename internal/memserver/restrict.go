package memserver

import (
	"bytes"
	"cmp"
	"strings"

	"mailfs/mapi"
)

// lookup returns the value of a property of some object in the type that the tag
// asks for, or nil.
type lookup func(tag mapi.PropertyTag) any

// matcher evaluates restrictions on one object ([MS-OXCDATA] 2.12).
type matcher struct {
	get lookup
	// sub calls visit for each recipient or attachment of the object.
	sub func(tag mapi.PropertyTag, visit func(lookup) bool) bool
}

// matches reports whether the object fulfils r; nil holds for everything.
func (m matcher) matches(r mapi.Restriction) bool {
	switch r := r.(type) {
	case nil:
		return true
	case mapi.AndRestriction:
		for _, p := range r {
			if !m.matches(p) {
				return false
			}
		}
		return true
	case mapi.OrRestriction:
		for _, p := range r {
			if m.matches(p) {
				return true
			}
		}
		return false
	case mapi.NotRestriction:
		return !m.matches(r.Restriction)
	case mapi.ContentRestriction:
		return contentMatches(m.get(r.Tag), r.Value.Value, r.FuzzyLow, r.FuzzyHigh)
	case mapi.PropertyRestriction:
		return relation(r.Op, m.get(r.Tag), r.Value.Value)
	case mapi.CompareRestriction:
		return relation(r.Op, m.get(r.Left), m.get(r.Right))
	case mapi.BitmaskRestriction:
		n, ok := asInt(m.get(r.Tag))
		return ok && (uint32(n)&r.Mask != 0) == (r.Op == mapi.BitmaskNonZero)
	case mapi.SizeRestriction:
		v := m.get(r.Tag)
		return v != nil && relation(r.Op, int64(valueSize(v)), int64(r.Size))
	case mapi.ExistRestriction:
		return m.get(r.Tag) != nil
	case mapi.SubObjectRestriction:
		return m.sub != nil && m.sub(r.Tag, func(get lookup) bool { return matcher{get: get}.matches(r.Restriction) })
	case mapi.CommentRestriction:
		return m.matches(r.Restriction)
	case mapi.CountRestriction:
		return m.matches(r.Restriction)
	}
	return false
}

func contentMatches(have, want any, low, high uint16) bool {
	if h, ok := have.([]string); ok {
		for _, s := range h {
			if contentMatches(s, want, low, high) {
				return true
			}
		}
		return false
	}
	h, hok := asText(have)
	w, wok := asText(want)
	if !hok || !wok {
		return false
	}
	if high&(mapi.FuzzyHighIgnoreCase|mapi.FuzzyHighLoose) != 0 {
		h, w = strings.ToLower(h), strings.ToLower(w)
	}
	switch low {
	case mapi.FuzzyLowSubstring:
		return strings.Contains(h, w)
	case mapi.FuzzyLowPrefix:
		return strings.HasPrefix(h, w)
	}
	return h == w
}

func relation(op mapi.RelOp, a, b any) bool {
	n, ok := compareValues(a, b)
	if !ok {
		return op == mapi.RelNotEqual && a != nil
	}
	switch op {
	case mapi.RelLess:
		return n < 0
	case mapi.RelLessOrEqual:
		return n <= 0
	case mapi.RelGreater:
		return n > 0
	case mapi.RelGreaterOrEqual:
		return n >= 0
	case mapi.RelEqual:
		return n == 0
	case mapi.RelNotEqual:
		return n != 0
	}
	return false
}

// compareValues orders two values of one kind; false says that they can't be
// compared. Strings compare without regard to case, as tables sort.
func compareValues(a, b any) (int, bool) {
	if x, ok := asInt(a); ok {
		if y, ok := asInt(b); ok {
			return cmp.Compare(x, y), true
		}
		return 0, false
	}
	switch x := a.(type) {
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y), true
		}
	case []byte:
		if y, ok := b.([]byte); ok {
			return bytes.Compare(x, y), true
		}
	case mapi.GUID:
		if y, ok := b.(mapi.GUID); ok {
			return bytes.Compare(x[:], y[:]), true
		}
	case []string:
		best, found := 0, false
		for _, s := range x {
			if n, ok := compareValues(s, b); ok && (!found || n == 0) {
				best, found = n, true
			}
		}
		return best, found
	}
	if x, ok := asText(a); ok {
		if y, ok := asText(b); ok {
			return cmp.Compare(strings.ToLower(x), strings.ToLower(y)), true
		}
	}
	return 0, false
}

func asInt(v any) (int64, bool) {
	switch x := v.(type) {
	case int16:
		return int64(x), true
	case int32:
		return int64(x), true
	case int64:
		return x, true
	case mapi.FileTime:
		return int64(x), true
	case mapi.Currency:
		return int64(x), true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func asText(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case mapi.String8:
		return decodeString8(x), true
	case []byte:
		return string(x), true
	}
	return "", false
}
