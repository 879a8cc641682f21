package memserver

import (
	"strings"

	"mailfs/mapi"
)

// high1252 are the characters 0x80 to 0x9F of Windows code page 1252, the code page
// of every log on here. The five unused ones stand for themselves.
const high1252 = "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F" +
	"\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178"

// decodeString8 turns text of code page 1252 into a string.
func decodeString8(s mapi.String8) string {
	high := []rune(high1252)
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80 && c <= 0x9F:
			b.WriteRune(high[c-0x80])
		default:
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// encodeString8 turns a string into text of code page 1252, with a question mark
// for every character that it lacks.
func encodeString8(s string) mapi.String8 {
	out := make([]byte, 0, len(s))
	for _, c := range s {
		switch {
		case c < 0x80 || c >= 0xA0 && c <= 0xFF:
			out = append(out, byte(c))
		default:
			if i := runeIndex(high1252, c); i >= 0 {
				out = append(out, byte(0x80+i))
			} else {
				out = append(out, '?')
			}
		}
	}
	return mapi.String8(out)
}

func runeIndex(s string, want rune) int {
	n := 0
	for _, c := range s {
		if c == want {
			return n
		}
		n++
	}
	return -1
}

// convert returns v in the type that a tag asks for; ok is false when the types do
// not go together. TypeUnspecified takes any value.
func convert(v any, t mapi.PropertyType) (any, bool) {
	have := typeOf(v)
	switch {
	case t == mapi.TypeUnspecified || have == t:
		return v, true
	case t == mapi.TypeString8:
		if s, ok := v.(string); ok {
			return encodeString8(s), true
		}
	case t == mapi.TypeString:
		if s, ok := v.(mapi.String8); ok {
			return decodeString8(s), true
		}
	case t == mapi.TypeMultiString8:
		if list, ok := v.([]string); ok {
			out := make([]mapi.String8, len(list))
			for i, s := range list {
				out[i] = encodeString8(s)
			}
			return out, true
		}
	case t == mapi.TypeMultiString:
		if list, ok := v.([]mapi.String8); ok {
			out := make([]string, len(list))
			for i, s := range list {
				out[i] = decodeString8(s)
			}
			return out, true
		}
	case t == mapi.TypeInteger64 && have == mapi.TypeInteger32:
		return int64(v.(int32)), true
	case t == mapi.TypeInteger32 && have == mapi.TypeInteger64:
		return int32(v.(int64)), true
	case (t == mapi.TypeServerID || t == mapi.TypeObject) && have == mapi.TypeBinary:
		return v, true
	}
	return nil, false
}

// typeOf returns the property type that a Go value stands for. Types that share a Go
// type are told by the more frequent one.
func typeOf(v any) mapi.PropertyType {
	switch v.(type) {
	case int16:
		return mapi.TypeInteger16
	case int32:
		return mapi.TypeInteger32
	case float32:
		return mapi.TypeFloating32
	case float64:
		return mapi.TypeFloating64
	case mapi.Currency:
		return mapi.TypeCurrency
	case mapi.FloatTime:
		return mapi.TypeFloatTime
	case mapi.ErrorCode:
		return mapi.TypeErrorCode
	case bool:
		return mapi.TypeBoolean
	case int64:
		return mapi.TypeInteger64
	case mapi.String8:
		return mapi.TypeString8
	case string:
		return mapi.TypeString
	case mapi.FileTime:
		return mapi.TypeTime
	case mapi.GUID:
		return mapi.TypeGUID
	case []byte, mapi.Blob:
		return mapi.TypeBinary
	case mapi.RuleActions:
		return mapi.TypeRuleAction
	case []int16:
		return mapi.TypeMultiInteger16
	case []int32:
		return mapi.TypeMultiInteger32
	case []float32:
		return mapi.TypeMultiFloating32
	case []float64:
		return mapi.TypeMultiFloating64
	case []mapi.Currency:
		return mapi.TypeMultiCurrency
	case []mapi.FloatTime:
		return mapi.TypeMultiFloatTime
	case []int64:
		return mapi.TypeMultiInteger64
	case []mapi.String8:
		return mapi.TypeMultiString8
	case []string:
		return mapi.TypeMultiString
	case []mapi.FileTime:
		return mapi.TypeMultiTime
	case []mapi.GUID:
		return mapi.TypeMultiGUID
	case [][]byte:
		return mapi.TypeMultiBinary
	case nil:
		return mapi.TypeNull
	}
	return mapi.TypeRestriction
}
