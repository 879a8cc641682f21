package mapi

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailfs/mapi/wire"
)

// drawValue returns a random value of type t.
func drawValue(t *rapid.T, p PropertyType) any {
	if p.IsMulti() {
		return drawMulti(t, p.Single())
	}
	text := rapid.StringMatching(`[a-zA-Z äß€日😀]{0,12}`)
	switch p {
	case TypeInteger16:
		return rapid.Int16().Draw(t, "i2")
	case TypeInteger32:
		return rapid.Int32().Draw(t, "i4")
	case TypeFloating32:
		return rapid.Float32().Draw(t, "r4")
	case TypeFloating64:
		return rapid.Float64().Draw(t, "r8")
	case TypeCurrency:
		return Currency(rapid.Int64().Draw(t, "currency"))
	case TypeFloatTime:
		return FloatTime(rapid.Float64().Draw(t, "date"))
	case TypeErrorCode:
		return ErrorCode(rapid.Uint32().Draw(t, "error"))
	case TypeBoolean:
		return rapid.Bool().Draw(t, "bool")
	case TypeInteger64:
		return rapid.Int64().Draw(t, "i8")
	case TypeString8:
		return String8(text.Draw(t, "string8"))
	case TypeString:
		return text.Draw(t, "string")
	case TypeTime:
		return FileTime(rapid.Uint64().Draw(t, "time"))
	case TypeGUID:
		return GUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "guid"))
	case TypeServerID, TypeObject, TypeBinary:
		return rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "binary")
	case TypeRestriction:
		return drawRestriction(t, 3)
	case TypeRuleAction:
		return RuleActions("\x02\x00\x01\x00x\x03\x00abc")
	}
	return nil // TypeNull
}

func drawMulti(t *rapid.T, p PropertyType) any {
	n := rapid.IntRange(0, 4).Draw(t, "count")
	switch p {
	case TypeInteger16:
		return drawSlice[int16](t, p, n)
	case TypeInteger32:
		return drawSlice[int32](t, p, n)
	case TypeFloating32:
		return drawSlice[float32](t, p, n)
	case TypeFloating64:
		return drawSlice[float64](t, p, n)
	case TypeCurrency:
		return drawSlice[Currency](t, p, n)
	case TypeFloatTime:
		return drawSlice[FloatTime](t, p, n)
	case TypeInteger64:
		return drawSlice[int64](t, p, n)
	case TypeString8:
		return drawSlice[String8](t, p, n)
	case TypeString:
		return drawSlice[string](t, p, n)
	case TypeTime:
		return drawSlice[FileTime](t, p, n)
	case TypeGUID:
		return drawSlice[GUID](t, p, n)
	}
	return drawSlice[[]byte](t, TypeBinary, n)
}

func drawSlice[T any](t *rapid.T, p PropertyType, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = drawValue(t, p).(T)
	}
	return out
}

// singleTypes are the types whose values can be compared after a round trip.
var singleTypes = []PropertyType{
	TypeInteger16, TypeInteger32, TypeFloating32, TypeFloating64, TypeCurrency, TypeFloatTime, TypeErrorCode,
	TypeBoolean, TypeInteger64, TypeString8, TypeString, TypeTime, TypeGUID, TypeServerID, TypeObject, TypeBinary,
}

var multiTypes = []PropertyType{
	TypeMultiInteger16, TypeMultiInteger32, TypeMultiFloating32, TypeMultiFloating64, TypeMultiCurrency,
	TypeMultiFloatTime, TypeMultiInteger64, TypeMultiString8, TypeMultiString, TypeMultiTime, TypeMultiGUID, TypeMultiBinary,
}

func drawProperty(t *rapid.T) Property {
	p := rapid.SampledFrom(slices.Concat(singleTypes, multiTypes)).Draw(t, "type")
	return Property{Tag: NewTag(rapid.Uint16().Draw(t, "id"), p), Value: drawValue(t, p)}
}

func drawRestriction(t *rapid.T, depth int) Restriction {
	tag := func() PropertyTag { return PropertyTag(rapid.Uint32().Draw(t, "tag")) }
	op := RelOp(rapid.IntRange(0, 6).Draw(t, "op"))
	kinds := 11
	if depth == 0 {
		kinds = 6
	}
	parts := func() (out []Restriction) {
		out = []Restriction{}
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			out = append(out, drawRestriction(t, depth-1))
		}
		return out
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return ExistRestriction{tag()}
	case 1:
		return ContentRestriction{FuzzyLowPrefix, FuzzyHighLoose, tag(), drawProperty(t)}
	case 2:
		return PropertyRestriction{op, tag(), drawProperty(t)}
	case 3:
		return CompareRestriction{op, tag(), tag()}
	case 4:
		return BitmaskRestriction{BitmaskNonZero, tag(), rapid.Uint32().Draw(t, "mask")}
	case 5:
		return SizeRestriction{op, tag(), rapid.Uint32().Draw(t, "size")}
	case 6:
		return CommentRestriction{Values: []Property{drawProperty(t)}}
	case 7:
		return AndRestriction(parts())
	case 8:
		return OrRestriction(parts())
	case 9:
		return NotRestriction{drawRestriction(t, depth-1)}
	case 10:
		return SubObjectRestriction{tag(), drawRestriction(t, depth-1)}
	}
	return CountRestriction{rapid.Uint32().Draw(t, "count"), CommentRestriction{
		Values: []Property{drawProperty(t), drawProperty(t)}, Restriction: drawRestriction(t, depth-1)}}
}

// sameValue compares with NaN equal to itself.
func sameValue(a, b any) bool {
	return cmp.Equal(a, b, cmp.Comparer(func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }),
		cmp.Comparer(func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }),
		cmp.Comparer(func(x, y FloatTime) bool { return math.Float64bits(float64(x)) == math.Float64bits(float64(y)) }))
}

// roundTrip writes something, refuses every prefix and reads it back.
func roundTrip[T any](t interface {
	Helper()
	Fatalf(string, ...any)
}, v T, write func(*wire.Builder, T), read func(*wire.Reader) T) {
	t.Helper()
	var b wire.Builder
	write(&b, v)
	p, err := b.Finish()
	if err != nil {
		t.Fatalf("writing %v: %v", v, err)
	}
	r := wire.NewReader(p)
	got := read(r)
	if err := r.Close(); err != nil || !sameValue(got, v) {
		t.Fatalf("%x reads as %v, %v, want %v", p, got, err, v)
	}
	for n := range len(p) {
		r := wire.NewReader(p[:n])
		if read(r); r.Err() == nil {
			t.Fatalf("%d of %d bytes accepted: %x", n, len(p), p)
		}
	}
}

func TestValues(t *testing.T) {
	for _, p := range slices.Concat(singleTypes, multiTypes, []PropertyType{TypeRestriction, TypeRuleAction}) {
		rapid.Check(t, func(t *rapid.T) {
			format := rapid.SampledFrom([]Format{FormatROP, FormatRule, FormatExtendedRule}).Draw(t, "format")
			roundTrip(t, drawValue(t, p),
				func(b *wire.Builder, v any) { AppendValueFormat(b, p, v, format) },
				func(r *wire.Reader) any { return ReadValueFormat(r, p, format) })
		})
	}
}

func TestValueForms(t *testing.T) {
	for _, c := range []struct {
		t    PropertyType
		v    any
		want string
	}{
		{TypeBoolean, true, "01"},
		{TypeInteger16, int16(-2), "feff"},
		{TypeString, "hé", "6800e9000000"},
		{TypeString8, String8("h"), "6800"},
		{TypeBinary, []byte{1, 2}, "02000102"},
		{TypeMultiInteger32, []int32{1, 2}, "020000000100000002000000"},
		{TypeMultiBinary, [][]byte{{1}, {}}, "020000000100010000"},
		{TypeMultiString, []string{"a", ""}, "02000000610000000000"},
		{TypeMultiInteger32 | InstanceFlag, int32(7), "07000000"},
		{TypeNull, nil, ""},
	} {
		var b wire.Builder
		AppendValue(&b, c.t, c.v)
		p, err := b.Finish()
		if err != nil || hex.EncodeToString(p) != c.want {
			t.Errorf("0x%04X %v: %x, %v, want %s", uint16(c.t), c.v, p, err, c.want)
		}
		r := wire.NewReader(p)
		if got := ReadValue(r, c.t); r.Close() != nil || !cmp.Equal(got, c.v) {
			t.Errorf("0x%04X: %v, %v", uint16(c.t), got, r.Err())
		}
	}
}

func TestValueOfWrongType(t *testing.T) {
	for _, c := range []struct {
		t PropertyType
		v any
	}{
		{TypeInteger32, 1}, {TypeString, String8("x")}, {TypeBinary, "x"}, {TypeMultiBinary, []byte{1}},
		{TypeUnspecified, int32(1)}, {TypeNull, int32(1)}, {TypeInteger32, nil}, {MultiFlag | TypeBoolean, []bool{true}},
		{TypeRestriction, nil}, {TypeBinary, make([]byte, 0x10000)}, {0x84E4, String8("x")},
	} {
		var b wire.Builder
		AppendValue(&b, c.t, c.v)
		if b.Err() == nil {
			t.Errorf("0x%04X takes a %T", uint16(c.t), c.v)
		}
	}
	for _, p := range []PropertyType{TypeUnspecified, 0x0077, MultiFlag | TypeBoolean, 0x84E4} {
		r := wire.NewReader(make([]byte, 64))
		if ReadValue(r, p); r.Err() == nil {
			t.Errorf("0x%04X has a value", uint16(p))
		}
	}
}

// badBlob fails to be read.
type badBlob struct{}

func (badBlob) Size() int64                       { return 3 }
func (badBlob) ReadAt([]byte, int64) (int, error) { return 0, errors.New("gone") }

func TestBlobValue(t *testing.T) {
	var b wire.Builder
	AppendValue(&b, TypeBinary, blob("abc"))
	if p, err := b.Finish(); err != nil || string(p) != "\x03\x00abc" {
		t.Errorf("%q, %v", p, err)
	}
	AppendValue(&b, TypeBinary, badBlob{})
	if b.Err() == nil {
		t.Error("an unreadable blob was written")
	}
}

type blob string

func (b blob) Size() int64 { return int64(len(b)) }
func (b blob) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestTypedValuesAndProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProperty(t)
		roundTrip(t, p, AppendProperty, ReadProperty)
		roundTrip(t, p.Value, func(b *wire.Builder, v any) { AppendTypedValue(b, p.Tag.Type(), v) },
			func(r *wire.Reader) any { _, v := ReadTypedValue(r); return v })
	})
}

func TestRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var columns []PropertyTag
		var row []Property
		for range rapid.IntRange(1, 5).Draw(t, "columns") {
			p := drawProperty(t)
			column := p.Tag
			if rapid.Bool().Draw(t, "unspecified") {
				column = p.Tag.WithType(TypeUnspecified)
			}
			switch rapid.IntRange(0, 4).Draw(t, "how") {
			case 0:
				p.Value = nil
			case 1:
				p.Value = EcNotFound
				if column.Type() == TypeUnspecified { // the type of an error is that of its value
					p.Tag = p.Tag.WithType(TypeErrorCode)
				}
			}
			columns, row = append(columns, column), append(row, p)
		}
		roundTrip(t, row, func(b *wire.Builder, row []Property) { AppendPropertyRow(b, columns, row) },
			func(r *wire.Reader) []Property { return ReadPropertyRow(r, columns) })
		for _, p := range RowBag(row) {
			if _, isErr := p.Value.(ErrorCode); isErr || p.Value == nil {
				t.Fatalf("bag holds %v", p)
			}
		}
	})
}

func TestRowForms(t *testing.T) {
	columns := []PropertyTag{PidTagImportance, PidTagSubject.WithType(TypeUnspecified)}
	for _, c := range []struct {
		name string
		row  []Property
		want string
	}{
		{"standard", []Property{{Tag: PidTagImportance, Value: int32(1)}, {Tag: PidTagSubject, Value: "a"}}, "00" + "01000000" + "1f00" + "61000000"},
		{"error", []Property{{Tag: PidTagImportance, Value: EcNotFound}, {Tag: PidTagSubject, Value: "a"}}, "01" + "0a0f010480" + "1f00" + "00" + "61000000"},
		{"absent", []Property{{Tag: PidTagImportance}, {Tag: PidTagSubject.WithType(TypeErrorCode), Value: EcNotFound}}, "01" + "01" + "0a00" + "00" + "0f010480"},
	} {
		var b wire.Builder
		AppendPropertyRow(&b, columns, c.row)
		if p, err := b.Finish(); err != nil || hex.EncodeToString(p) != c.want {
			t.Errorf("%s: %x, %v, want %s", c.name, p, err, c.want)
		}
	}
	var b wire.Builder
	if AppendPropertyRow(&b, columns, nil); b.Err() == nil {
		t.Error("a row without values was written")
	}
	for _, bad := range []string{"02", "0102", "017f"} {
		p, _ := hex.DecodeString(bad + "00000000000000")
		r := wire.NewReader(p)
		if ReadPropertyRow(r, columns); r.Err() == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}

func TestTypedStrings(t *testing.T) {
	for _, v := range []any{nil, "", "täxt", String8("8 bit"), String8("")} {
		roundTrip(t, v, AppendTypedString, ReadTypedString)
	}
	r := wire.NewReader([]byte("\x03R\xe9\x00"))
	if got := ReadTypedString(r); got != "Ré" || r.Close() != nil {
		t.Errorf("reduced Unicode: %v, %v", got, r.Err())
	}
	r = wire.NewReader([]byte{5})
	if ReadTypedString(r); r.Err() == nil {
		t.Error("kind 5 accepted")
	}
	var b wire.Builder
	if AppendTypedString(&b, 1); b.Err() == nil {
		t.Error("an int was written as a string")
	}
}

func TestPropertyNames(t *testing.T) {
	for _, n := range []PropertyName{
		LIDName(PSETIDCommon, 0x8503), StringName(PSPublicStrings, "Keywords"), StringName(PSInternetHeaders, ""),
		{Kind: NameKindNone, Set: PSMAPI},
	} {
		roundTrip(t, n, AppendPropertyName, ReadPropertyName)
	}
	var b wire.Builder
	if AppendPropertyName(&b, StringName(PSMAPI, strings.Repeat("x", 128))); b.Err() == nil {
		t.Error("a name of 128 characters fits one byte of length")
	}
	r := wire.NewReader(append([]byte{7}, make([]byte, 40)...))
	if ReadPropertyName(r); r.Err() == nil {
		t.Error("kind 7 accepted")
	}
}

func TestSortOrders(t *testing.T) {
	for _, s := range []SortOrder{{PidTagSubject, SortAscending}, {PidTagMessageDeliveryTime, SortDescending}, {PidTagImportance, SortMaximumCategory}} {
		roundTrip(t, s, func(b *wire.Builder, s SortOrder) { s.Append(b) }, ReadSortOrder)
	}
}

func TestRestrictions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, drawRestriction(t, 4), AppendRestriction, ReadRestriction)
	})
}

func TestRestrictionDepth(t *testing.T) {
	p := append(bytes.Repeat([]byte{resNot}, 1<<20), resExist, 0, 0, 0, 0)
	r := wire.NewReader(p)
	if ReadRestriction(r); r.Err() == nil {
		t.Error("a million negations accepted")
	}
	var deep Restriction = ExistRestriction{}
	for range 100 {
		deep = NotRestriction{deep}
	}
	var b wire.Builder
	if AppendRestriction(&b, deep); b.Err() == nil {
		t.Error("100 negations were written")
	}
	for _, bad := range []Restriction{nil, NotRestriction{}, AndRestriction{nil}, SubObjectRestriction{}} {
		var b wire.Builder
		if AppendRestriction(&b, bad); b.Err() == nil {
			t.Errorf("%#v was written", bad)
		}
	}
}

func TestTypes(t *testing.T) {
	if cp, ok := PropertyType(0x84E4).CodePage(); !ok || cp != 1252 || PropertyType(0x84E4).Single() != 0x84E4 {
		t.Errorf("code page %d %v", cp, ok)
	}
	if _, ok := TypeString.CodePage(); ok {
		t.Error("a plain string has a code page")
	}
	if PropertyType(0x9000).IsMulti() || !TypeMultiString.IsMulti() || (TypeMultiString | InstanceFlag).IsMulti() {
		t.Error("multi-value flag is misread")
	}
	for tag, name := range map[PropertyTag]string{
		PidTagSubject: "PidTagSubject", PidTagSubject.WithType(TypeString8): "PidTagSubject",
		MetaTagIdsetGiven.WithType(TypeBinary): "MetaTagIdsetGiven", NewTag(0x7E7E, TypeString): "",
	} {
		if tag.Name() != name {
			t.Errorf("0x%08X is called %q, want %q", uint32(tag), tag.Name(), name)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, v := range vectors(f, "restrictions") {
		f.Add(uint16(TypeRestriction), v.bytes(f))
	}
	f.Add(uint16(TypeMultiBinary), []byte{2, 0, 0, 0, 1, 0, 7, 0, 0})
	f.Add(uint16(TypeMultiString), []byte{1, 0, 0, 0, 'x', 0, 0, 0})
	f.Add(uint16(TypeRuleAction), []byte{1, 0, 1, 0, 9})
	f.Fuzz(func(t *testing.T, kind uint16, p []byte) {
		for _, format := range []Format{FormatROP, FormatRule, FormatExtendedRule} {
			r := wire.NewReader(p)
			v := ReadValueFormat(r, PropertyType(kind), format)
			if r.Err() != nil {
				continue
			}
			var b wire.Builder
			AppendValueFormat(&b, PropertyType(kind), v, format)
			q, err := b.Finish()
			if err != nil {
				t.Fatalf("read %v, which can't be written: %v", v, err)
			}
			again := ReadValueFormat(wire.NewReader(q), PropertyType(kind), format)
			if !sameValue(again, v) {
				t.Fatalf("%x reads as %v and %v", p, v, again)
			}
		}
	})
}

func FuzzEntryID(f *testing.F) {
	for _, v := range vectors(f, "entryid") {
		f.Add(v.bytes(f))
	}
	for _, v := range vectors(f, "outlook_blobs") {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if id, err := ParseEntryID(p); err == nil {
			if again, err := ParseEntryID(id.Bytes()); err != nil || !cmp.Equal(again, id) {
				t.Fatalf("%x reads as %v and %v, %v", p, id, again, err)
			}
		}
		if blocks, err := ParsePersistBlocks(p); err == nil {
			if q, err := PersistBlocks(blocks); err != nil || !bytes.Equal(q, p) {
				t.Fatalf("%x written as %x, %v", p, q, err)
			}
		}
		if ids, err := ParseFlatEntryList(p); err == nil {
			q, err := FlatEntryList(ids)
			again, err2 := ParseFlatEntryList(q)
			if err != nil || err2 != nil || !cmp.Equal(again, ids) {
				t.Fatalf("%x reads as %x and %x, %v, %v", p, ids, again, err, err2)
			}
		}
	})
}
