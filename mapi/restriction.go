package mapi

import (
	"fmt"

	"mailfs/mapi/wire"
)

// Restriction is a condition on the objects of a table or folder
// ([MS-OXCDATA] 2.12): one of the *Restriction types of this package.
type Restriction interface {
	appendTo(b *wire.Builder, f Format, depth int)
}

// maxRestrictionDepth limits how deep restrictions nest. Exchange itself refuses
// long before.
const maxRestrictionDepth = 64

// The kinds of restriction ([MS-OXCDATA] 2.12).
const (
	resAnd       = 0x00
	resOr        = 0x01
	resNot       = 0x02
	resContent   = 0x03
	resProperty  = 0x04
	resCompare   = 0x05
	resBitmask   = 0x06
	resSize      = 0x07
	resExist     = 0x08
	resSubObject = 0x09
	resComment   = 0x0A
	resCount     = 0x0B
)

// RelOp is a comparison ([MS-OXCDATA] 2.12.5).
type RelOp uint8

// The comparisons.
const (
	RelLess           RelOp = 0x00
	RelLessOrEqual    RelOp = 0x01
	RelGreater        RelOp = 0x02
	RelGreaterOrEqual RelOp = 0x03
	RelEqual          RelOp = 0x04
	RelNotEqual       RelOp = 0x05
	RelMatches        RelOp = 0x06 // regular expression
	RelMemberOfDL     RelOp = 0x64
)

// BitmaskOp tells how BitmaskRestriction tests ([MS-OXCDATA] 2.12.7).
type BitmaskOp uint8

// The bit tests.
const (
	BitmaskZero    BitmaskOp = 0x00
	BitmaskNonZero BitmaskOp = 0x01
)

// How ContentRestriction matches: one of the low values, and any of the high ones
// ([MS-OXCDATA] 2.12.4).
const (
	FuzzyLowFull      uint16 = 0x0000
	FuzzyLowSubstring uint16 = 0x0001
	FuzzyLowPrefix    uint16 = 0x0002

	FuzzyHighIgnoreCase     uint16 = 0x0001
	FuzzyHighIgnoreNonSpace uint16 = 0x0002
	FuzzyHighLoose          uint16 = 0x0004
)

// AndRestriction holds when all of its parts hold.
type AndRestriction []Restriction

// OrRestriction holds when one of its parts holds.
type OrRestriction []Restriction

// NotRestriction holds when its part does not.
type NotRestriction struct{ Restriction Restriction }

// ContentRestriction looks for Value.Value in the string or binary property Tag.
type ContentRestriction struct {
	FuzzyLow, FuzzyHigh uint16
	Tag                 PropertyTag
	Value               Property
}

// PropertyRestriction compares the property Tag with Value.Value.
type PropertyRestriction struct {
	Op    RelOp
	Tag   PropertyTag
	Value Property
}

// CompareRestriction compares two properties with each other.
type CompareRestriction struct {
	Op          RelOp
	Left, Right PropertyTag
}

// BitmaskRestriction tests the bits of Mask in an integer property.
type BitmaskRestriction struct {
	Op   BitmaskOp
	Tag  PropertyTag
	Mask uint32
}

// SizeRestriction compares the size in bytes of a property's value.
type SizeRestriction struct {
	Op   RelOp
	Tag  PropertyTag
	Size uint32
}

// ExistRestriction holds when the object has the property.
type ExistRestriction struct{ Tag PropertyTag }

// SubObjectRestriction applies a restriction to the recipients
// (PidTagMessageRecipients) or attachments (PidTagMessageAttachments).
type SubObjectRestriction struct {
	Tag         PropertyTag
	Restriction Restriction
}

// CommentRestriction annotates a restriction, which may be nil, with properties.
type CommentRestriction struct {
	Values      []Property
	Restriction Restriction
}

// CountRestriction limits how many objects may match.
type CountRestriction struct {
	Count       uint32
	Restriction Restriction
}

// EncodeRestriction returns a restriction as ROPs take it.
func EncodeRestriction(r Restriction) []byte {
	var b wire.Builder
	AppendRestriction(&b, r)
	return b.Bytes()
}

// AppendRestriction writes r in the form of ROP buffers.
func AppendRestriction(b *wire.Builder, r Restriction) { AppendRestrictionFormat(b, r, FormatROP) }

// AppendRestrictionFormat is AppendRestriction for any format.
func AppendRestrictionFormat(b *wire.Builder, r Restriction, f Format) { appendPart(b, r, f, 0) }

func appendPart(b *wire.Builder, r Restriction, f Format, depth int) {
	if r == nil {
		b.Fail(fmt.Errorf("mapi: nil restriction"))
		return
	}
	if depth > maxRestrictionDepth {
		b.Fail(fmt.Errorf("mapi: restriction nests deeper than %d", maxRestrictionDepth))
		return
	}
	r.appendTo(b, f, depth+1)
}

func appendParts(b *wire.Builder, kind uint8, parts []Restriction, f Format, depth int) {
	b.Uint8(kind)
	if f == FormatExtendedRule {
		b.Uint32(uint32(len(parts)))
	} else {
		if len(parts) > 0xFFFF {
			b.Fail(fmt.Errorf("mapi: %d parts do not fit a restriction", len(parts)))
			return
		}
		b.Uint16(uint16(len(parts)))
	}
	for _, p := range parts {
		appendPart(b, p, f, depth)
	}
}

func (r AndRestriction) appendTo(b *wire.Builder, f Format, depth int) {
	appendParts(b, resAnd, r, f, depth)
}

func (r OrRestriction) appendTo(b *wire.Builder, f Format, depth int) {
	appendParts(b, resOr, r, f, depth)
}

func (r NotRestriction) appendTo(b *wire.Builder, f Format, depth int) {
	b.Uint8(resNot)
	appendPart(b, r.Restriction, f, depth)
}

func (r ContentRestriction) appendTo(b *wire.Builder, f Format, _ int) {
	b.Uint8(resContent)
	b.Uint16(r.FuzzyLow)
	b.Uint16(r.FuzzyHigh)
	AppendTag(b, r.Tag)
	appendProperty(b, r.Value, f)
}

func (r PropertyRestriction) appendTo(b *wire.Builder, f Format, _ int) {
	b.Uint8(resProperty)
	b.Uint8(uint8(r.Op))
	AppendTag(b, r.Tag)
	appendProperty(b, r.Value, f)
}

func (r CompareRestriction) appendTo(b *wire.Builder, _ Format, _ int) {
	b.Uint8(resCompare)
	b.Uint8(uint8(r.Op))
	AppendTag(b, r.Left)
	AppendTag(b, r.Right)
}

func (r BitmaskRestriction) appendTo(b *wire.Builder, _ Format, _ int) {
	b.Uint8(resBitmask)
	b.Uint8(uint8(r.Op))
	AppendTag(b, r.Tag)
	b.Uint32(r.Mask)
}

func (r SizeRestriction) appendTo(b *wire.Builder, _ Format, _ int) {
	b.Uint8(resSize)
	b.Uint8(uint8(r.Op))
	AppendTag(b, r.Tag)
	b.Uint32(r.Size)
}

func (r ExistRestriction) appendTo(b *wire.Builder, _ Format, _ int) {
	b.Uint8(resExist)
	AppendTag(b, r.Tag)
}

func (r SubObjectRestriction) appendTo(b *wire.Builder, f Format, depth int) {
	b.Uint8(resSubObject)
	AppendTag(b, r.Tag)
	appendPart(b, r.Restriction, f, depth)
}

func (r CommentRestriction) appendTo(b *wire.Builder, f Format, depth int) {
	b.Uint8(resComment)
	if len(r.Values) > 0xFF {
		b.Fail(fmt.Errorf("mapi: %d values do not fit a comment", len(r.Values)))
		return
	}
	b.Uint8(uint8(len(r.Values)))
	for _, p := range r.Values {
		appendProperty(b, p, f)
	}
	b.Bool(r.Restriction != nil)
	if r.Restriction != nil {
		appendPart(b, r.Restriction, f, depth)
	}
}

func (r CountRestriction) appendTo(b *wire.Builder, f Format, depth int) {
	b.Uint8(resCount)
	b.Uint32(r.Count)
	appendPart(b, r.Restriction, f, depth)
}

// ReadRestriction consumes a restriction in the form of ROP buffers. It fails the
// Reader for unknown kinds and for nesting deeper than 64.
func ReadRestriction(r *wire.Reader) Restriction { return ReadRestrictionFormat(r, FormatROP) }

// ReadRestrictionFormat is ReadRestriction for any format.
func ReadRestrictionFormat(r *wire.Reader, f Format) Restriction { return readRestriction(r, f, 0) }

// readRestriction returns nil after a failure.
func readRestriction(r *wire.Reader, f Format, depth int) Restriction {
	if depth > maxRestrictionDepth {
		r.Fail(fmt.Errorf("mapi: restriction nests deeper than %d", maxRestrictionDepth))
		return nil
	}
	var out Restriction
	switch kind := r.Uint8(); kind {
	case resAnd:
		out = AndRestriction(readList(r, f, depth))
	case resOr:
		out = OrRestriction(readList(r, f, depth))
	case resNot:
		out = NotRestriction{readRestriction(r, f, depth+1)}
	case resContent:
		out = ContentRestriction{r.Uint16(), r.Uint16(), ReadTag(r), readProperty(r, f, depth)}
	case resProperty:
		out = PropertyRestriction{RelOp(r.Uint8()), ReadTag(r), readProperty(r, f, depth)}
	case resCompare:
		out = CompareRestriction{RelOp(r.Uint8()), ReadTag(r), ReadTag(r)}
	case resBitmask:
		out = BitmaskRestriction{BitmaskOp(r.Uint8()), ReadTag(r), r.Uint32()}
	case resSize:
		out = SizeRestriction{RelOp(r.Uint8()), ReadTag(r), r.Uint32()}
	case resExist:
		out = ExistRestriction{ReadTag(r)}
	case resSubObject:
		out = SubObjectRestriction{ReadTag(r), readRestriction(r, f, depth+1)}
	case resComment:
		out = readComment(r, f, depth)
	case resCount:
		out = CountRestriction{r.Uint32(), readRestriction(r, f, depth+1)}
	default:
		r.Fail(fmt.Errorf("mapi: restriction of kind 0x%02X", kind))
	}
	if r.Err() != nil {
		return nil
	}
	return out
}

// readList consumes the parts of an And or Or. The shortest part is one without
// parts itself: its kind and a count.
func readList(r *wire.Reader, f Format, depth int) []Restriction {
	n, size := uint64(0), 3
	if f == FormatExtendedRule {
		n, size = uint64(r.Uint32()), 5
	} else {
		n = uint64(r.Uint16())
	}
	count := r.Count(n, size)
	out := make([]Restriction, 0, min(count, 64))
	for range count {
		out = append(out, readRestriction(r, f, depth+1))
		if r.Err() != nil {
			return nil
		}
	}
	return out
}

func readComment(r *wire.Reader, f Format, depth int) Restriction {
	var out CommentRestriction
	for range r.Uint8() {
		out.Values = append(out.Values, readProperty(r, f, depth))
		if r.Err() != nil {
			return nil
		}
	}
	if r.Bool() {
		out.Restriction = readRestriction(r, f, depth+1)
	}
	return out
}
