package mapi

import "fmt"

// PropertyType is the type of a property value ([MS-OXCDATA] 2.11.1).
type PropertyType uint16

// The property types. In Go a value has the type in the comment.
const (
	TypeUnspecified PropertyType = 0x0000
	TypeNull        PropertyType = 0x0001 // nil
	TypeInteger16   PropertyType = 0x0002 // int16
	TypeInteger32   PropertyType = 0x0003 // int32
	TypeFloating32  PropertyType = 0x0004 // float32
	TypeFloating64  PropertyType = 0x0005 // float64
	TypeCurrency    PropertyType = 0x0006 // Currency
	TypeFloatTime   PropertyType = 0x0007 // FloatTime
	TypeErrorCode   PropertyType = 0x000A // ErrorCode
	TypeBoolean     PropertyType = 0x000B // bool
	TypeObject      PropertyType = 0x000D // []byte or Blob
	TypeInteger64   PropertyType = 0x0014 // int64
	TypeString8     PropertyType = 0x001E // String8
	TypeString      PropertyType = 0x001F // string (WTF-8)
	TypeTime        PropertyType = 0x0040 // FileTime
	TypeGUID        PropertyType = 0x0048 // GUID
	TypeServerID    PropertyType = 0x00FB // []byte
	TypeRestriction PropertyType = 0x00FD // Restriction
	TypeRuleAction  PropertyType = 0x00FE // RuleActions
	TypeBinary      PropertyType = 0x0102 // []byte or Blob

	// MultiFlag marks a multi-value type; in Go a slice of the single type.
	MultiFlag PropertyType = 0x1000
	// InstanceFlag marks a multi-value instance in tables ([MS-OXCTABL] 2.2.1.1).
	InstanceFlag PropertyType = 0x2000

	TypeMultiInteger16  = MultiFlag | TypeInteger16  // []int16
	TypeMultiInteger32  = MultiFlag | TypeInteger32  // []int32
	TypeMultiFloating32 = MultiFlag | TypeFloating32 // []float32
	TypeMultiFloating64 = MultiFlag | TypeFloating64 // []float64
	TypeMultiCurrency   = MultiFlag | TypeCurrency   // []Currency
	TypeMultiFloatTime  = MultiFlag | TypeFloatTime  // []FloatTime
	TypeMultiInteger64  = MultiFlag | TypeInteger64  // []int64
	TypeMultiString8    = MultiFlag | TypeString8    // []String8
	TypeMultiString     = MultiFlag | TypeString     // []string
	TypeMultiTime       = MultiFlag | TypeTime       // []FileTime
	TypeMultiGUID       = MultiFlag | TypeGUID       // []GUID
	TypeMultiBinary     = MultiFlag | TypeBinary     // [][]byte
)

// Currency is a fixed-point number in ten-thousandths.
type Currency int64

// FloatTime is a count of days since 1899-12-30, local time, as OLE automation has it.
type FloatTime float64

// String8 is a string in the code page of its object, undecoded, without its
// terminating zero.
type String8 string

// RuleActions holds the undecoded bytes of a PtypRuleAction value.
type RuleActions []byte

// Blob is a large binary value that is kept elsewhere, for example in the replica.
// It may stand for []byte in a property of TypeBinary or TypeObject. ReadAt follows
// io.ReaderAt and may be called by several goroutines.
type Blob interface {
	Size() int64
	ReadAt(p []byte, off int64) (int, error)
}

// PropertyTag is a property id with its type ([MS-OXCDATA] 2.9).
type PropertyTag uint32

// NewTag combines id and type.
func NewTag(id uint16, t PropertyType) PropertyTag { return PropertyTag(id)<<16 | PropertyTag(t) }

// ID returns the property id.
func (t PropertyTag) ID() uint16 { return uint16(t >> 16) }

// Type returns the property type.
func (t PropertyTag) Type() PropertyType { return PropertyType(t) }

// WithType returns the tag with another type.
func (t PropertyTag) WithType(p PropertyType) PropertyTag { return NewTag(t.ID(), p) }

// Named reports whether the id lies in the range of named properties.
func (t PropertyTag) Named() bool { return t.ID() >= 0x8000 && t.ID() != 0xFFFF }

// String returns the tag in hexadecimal, with its name where the tag table has one.
func (t PropertyTag) String() string {
	if n := t.Name(); n != "" {
		return fmt.Sprintf("%s (0x%08X)", n, uint32(t))
	}
	return fmt.Sprintf("0x%08X", uint32(t))
}

// NameKind tells which part of a PropertyName is in use ([MS-OXCDATA] 2.6.1).
type NameKind uint8

// The kinds of a property name.
const (
	NameKindLID    NameKind = 0x00 // LID
	NameKindString NameKind = 0x01 // Name
	NameKindNone   NameKind = 0xFF // not a named property
)

// PropertyName names a named property ([MS-OXCDATA] 2.6.1). The zero value has
// Kind NameKindLID and a zero Set and means no name.
type PropertyName struct {
	Set  GUID
	Kind NameKind
	LID  uint32
	Name string
}

// IsZero reports whether there is no name.
func (n PropertyName) IsZero() bool { return n == PropertyName{} }

func (n PropertyName) String() string {
	if n.Kind == NameKindString {
		return n.Set.String() + ":" + n.Name
	}
	return fmt.Sprintf("%s:0x%04X", n.Set, n.LID)
}

// LIDName returns the name of a property that is numbered within its set.
func LIDName(set GUID, lid uint32) PropertyName {
	return PropertyName{Set: set, Kind: NameKindLID, LID: lid}
}

// StringName returns the name of a property that is named within its set.
func StringName(set GUID, name string) PropertyName {
	return PropertyName{Set: set, Kind: NameKindString, Name: name}
}

// Key finds a property in a bag: by id, or by name when there is one.
type Key struct {
	ID   uint16 // 0 for a named property
	Name PropertyName
}

// Property is a value with its tag. For a named property Name is set and only the
// type of Tag has meaning: its id is 0x8000 or whatever the wire had.
type Property struct {
	Tag   PropertyTag
	Name  PropertyName
	Value any // of the Go type that PropertyType tells, or ErrorCode for a value that is not there
}

// Key returns the key under which a bag holds p.
func (p Property) Key() Key {
	if !p.Name.IsZero() {
		return Key{Name: p.Name}
	}
	return Key{ID: p.Tag.ID()}
}
