package tnef

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"mailfs/mapi"
)

// Codes of tags are places in packedTags, besides these.
const (
	tagNamed  = iota // a named property: distance of its id from that of the last one, type, name
	tagOther         // type and id
	tagSwitch        // strings are of the other type from here on; the code follows
	tagFirst
)

// count passes on how many elements follow.
func (c *codec) count() uint32 {
	var n uint32
	if c.packing {
		n = c.raw.Uint32()
	}
	n = uint32(c.number(uint64(n)))
	c.put32(n)
	return n
}

// properties passes on a list of properties ([MS-OXTNEF] 2.1.3.4).
func (c *codec) properties() {
	for range c.count() {
		if c.property(); c.done() {
			return
		}
	}
}

func (c *codec) property() {
	typ, id := c.tag()
	if id >= 0x8000 {
		c.name()
	}
	single := typ &^ mapi.MultiFlag
	multi := typ&mapi.MultiFlag != 0
	n := uint32(1)
	switch {
	case c.done():
		return
	case multi:
		n = c.count()
	case single == mapi.TypeString8, single == mapi.TypeString, single == mapi.TypeBinary, single == mapi.TypeObject:
		if c.packing && c.raw.Uint32() != 1 {
			c.odd = true
		}
		c.put32(1)
	}
	for range n {
		if c.propertyValue(single, id); c.done() {
			return
		}
	}
}

// tag passes on type and id.
func (c *codec) tag() (typ mapi.PropertyType, id uint16) {
	code := byte(tagOther)
	if c.packing {
		typ, id = mapi.PropertyType(c.raw.Uint16()), c.raw.Uint16()
		code = c.tagCode(typ, id)
	}
	code = c.octet(code)
	if code == tagSwitch {
		c.last.string8 = !c.last.string8
		code = c.octet(c.tagCode(typ, id))
	}
	switch {
	case code == tagNamed:
		id = c.last.named + uint16(c.signed(int64(id)-int64(c.last.named)))
		c.last.named = id
		typ = mapi.PropertyType(c.number(uint64(typ)))
		if id < 0x8000 {
			c.fail("named property %04x", id)
		}
	case code == tagOther:
		typ = mapi.PropertyType(c.number(uint64(typ)))
		id = uint16(c.number(uint64(id)))
		if id >= 0x8000 {
			c.fail("property %04x without a name", id)
		}
	case int(code-tagFirst) < len(packedTags):
		tag := packedTags[code-tagFirst]
		typ, id = tag.Type(), tag.ID()
		if typ == mapi.TypeString && c.last.string8 {
			typ = mapi.TypeString8
		}
	default:
		c.fail("tag %d", code)
	}
	c.put16(uint16(typ))
	c.put16(id)
	return typ, id
}

// tagCode returns the code of a tag that is to be packed next.
func (c *codec) tagCode(typ mapi.PropertyType, id uint16) byte {
	if id >= 0x8000 {
		return tagNamed
	}
	string8 := typ == mapi.TypeString8
	if string8 {
		typ = mapi.TypeString
	}
	i := slices.Index(packedTags[:], mapi.NewTag(id, typ))
	switch {
	case i < 0:
		return tagOther
	case typ == mapi.TypeString && string8 != c.last.string8:
		return tagSwitch
	}
	return byte(i + tagFirst)
}

// name passes on the name of a named property ([MS-OXTNEF] 2.1.3.4.1).
func (c *codec) name() {
	c.guid(packedSets[:])
	var kind uint32
	if c.packing {
		kind = c.raw.Uint32()
	}
	kind = uint32(c.number(uint64(kind)))
	c.put32(kind)
	if kind != 0 {
		c.counted(formText16)
		return
	}
	const usual = 0x8500 // PSETID_Common
	var lid uint32
	if c.packing {
		lid = c.raw.Uint32()
	}
	c.put32(uint32(c.signed(int64(lid)-usual)) + usual)
}

// guid passes on one that may be in a list.
func (c *codec) guid(known []mapi.GUID) {
	var g mapi.GUID
	i := 0
	if c.packing {
		g = c.raw.GUID()
		i = slices.Index(known, g) + 1
	}
	i = int(c.number(uint64(i)))
	switch {
	case i == 0:
		copy(g[:], c.bytes(g[:], uint64(len(g))))
	case i <= len(known):
		g = known[i-1]
	default:
		c.fail("property set %d", i)
	}
	c.put(g[:]...)
}

// propertyValue passes on one value.
func (c *codec) propertyValue(typ mapi.PropertyType, id uint16) {
	switch typ {
	case mapi.TypeInteger16, mapi.TypeBoolean, mapi.TypeInteger32, mapi.TypeErrorCode, mapi.TypeFloating32, mapi.TypeNull:
		var v uint32
		if c.packing {
			v = c.raw.Uint32()
		}
		c.put32(uint32(c.signed(int64(int32(v)))))
	case mapi.TypeTime:
		c.time()
	case mapi.TypeFloating64, mapi.TypeCurrency, mapi.TypeFloatTime, mapi.TypeInteger64:
		c.take(8)
	case mapi.TypeGUID:
		c.take(16)
	case mapi.TypeString8:
		c.counted(formText8)
	case mapi.TypeString:
		c.counted(formText16)
	case mapi.TypeObject, mapi.TypeBinary:
		if id == mapi.PidTagAttachDataObject.ID() {
			c.object(typ)
			return
		}
		c.counted(formBytes)
	default:
		if c.odd = true; !c.packing {
			c.fail("type %04x", uint16(typ))
		}
	}
}

// take passes on n bytes of the attribute.
func (c *codec) take(n int) {
	var p []byte
	if c.packing {
		p = c.raw.Take(n)
	}
	c.put(c.bytes(p, uint64(n))...)
}

// time passes on a time, as its distance from the last one.
func (c *codec) time() {
	var v int64
	if c.packing {
		v = int64(c.raw.Uint64())
	}
	v = c.last.time + c.signed(v-c.last.time)
	c.last.time = v
	c.put(binary.LittleEndian.AppendUint64(nil, uint64(v))...)
}

// rawCounted reads bytes with their length before and padding to four behind them.
func (c *codec) rawCounted() []byte {
	n := c.raw.Uint32()
	p := c.raw.Take(c.raw.Count(uint64(n), 1))
	for _, b := range c.raw.Take(-len(p) & 3) {
		c.odd = c.odd || b != 0
	}
	return p
}

// counted passes on bytes with their length before and padding to four behind them.
func (c *codec) counted(f form) {
	var p []byte
	if c.packing {
		if p = c.rawCounted(); c.done() {
			return
		}
	}
	v := c.value(Chunk{Literal: p}, f)
	c.sized([]Chunk{v}, v.size())
}

// object passes on the data of an attachment: an object of which an interface is told, maybe a message
// ([MS-OXTNEF] 2.1.3.4.2).
func (c *codec) object(typ mapi.PropertyType) {
	var p []byte
	if c.packing {
		if p = c.rawCounted(); c.done() || c.packMessage(p) {
			return
		}
	}
	kind := byte(objectOther)
	if typ == mapi.TypeObject && len(p) >= guidSize {
		kind = objectID
	}
	switch c.octet(kind) {
	case objectOther:
		v := c.value(Chunk{Literal: p}, formBytes)
		c.sized([]Chunk{v}, v.size())
	case objectID:
		var data []byte
		if c.packing {
			p, data = p[:guidSize], p[guidSize:]
		}
		id := c.bytes(p, guidSize)
		v := c.value(Chunk{Literal: data}, formBytes)
		c.sized([]Chunk{{Literal: id}, v}, int64(len(id))+v.size())
	case objectMessage:
		c.sized(c.inner(func() {
			c.put(interfaceMessage[:]...)
			c.stream(nil)
		}))
	default:
		c.fail("an object of another kind")
	}
}

// Kinds of objects.
const (
	objectOther   = iota
	objectID      // a GUID, then data
	objectMessage // a stream
)

const guidSize = 16

// packMessage packs an embedded message, if that is what the object is.
func (c *codec) packMessage(p []byte) bool {
	p, ok := bytes.CutPrefix(p, interfaceMessage[:])
	if !ok {
		return false
	}
	start, last, raw := len(c.packed), c.last, c.raw
	c.octet(objectMessage)
	c.stream(memory(p))
	c.raw, c.odd = raw, false
	if !errors.Is(c.err, ErrFormat) {
		return true
	}
	c.packed, c.last, c.err = c.packed[:start], last, nil
	return false
}

// sized puts the length of chunks, these, and padding to four behind them.
func (c *codec) sized(out []Chunk, size int64) {
	c.put32(uint32(size))
	for _, ch := range out {
		c.add(ch)
	}
	c.put(make([]byte, -size&3)...)
}
